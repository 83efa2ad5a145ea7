package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"cierzo/fault"
	"cierzo/workflow"
)

// Curve is how a cost grows with something.
type Curve struct {
	Name   string  `json:"curve"`
	X      string  `json:"x"` // what the first axis counts
	Y      string  `json:"y"` // what the second one counts, with its unit
	Points []Point `json:"points"`
	// Slope is that of a line through the points when both axes are logarithms: 0 is a cost that stays, 1 is one in
	// proportion, 2 one with the square.
	Slope float64 `json:"slope"`
	// Skipped says why there are no points.
	Skipped string `json:"skipped,omitempty"`
}

// Point is a measurement on a curve.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	// Cost is all that was counted.
	Cost Cost `json:"cost"`
	// MiB is how much the engine's memory is above what it was, at its peak; 0 where that isn't looked at.
	MiB float64 `json:"mib,omitempty"`
}

// Curves names all curves in the order in which they are measured.
func Curves() []string { return []string{"stored", "items", "context", "runners", "engines"} }

// DescribeCurve says in a few words what a curve is.
func DescribeCurve(name string) string {
	return map[string]string{
		"stored":  "starts and runs of one-action workflows by the executions that the store holds",
		"items":   "one with-items task by its number of actions",
		"context": "an action in a sequence that publishes 100 bytes, by the size of the workflow's input",
		"runners": "200 executions of 50 parallel actions by the number of runners",
		"engines": "one-action workflows, 8 clients for each engine, by the number of engine processes",
	}[name]
}

// steps are the places of a curve up to the most.
func steps(name string, most int) []int {
	var out []int
	switch name {
	case "stored":
		for n := 1000; n <= most; n *= 10 {
			out = append(out, n)
		}
	case "items":
		for n := 10; n <= min(most, workflow.ItemsMax); n *= 10 {
			out = append(out, n)
		}
	case "context":
		out = []int{1 << 10, 16 << 10, 128 << 10, 1 << 20}
	case "runners":
		out = []int{1, 4, 16, 64}
	case "engines":
		out = []int{1, 2, 3, 5}
	}
	return out
}

// Grow measures a curve. most bounds the executions of "stored" and the items of "items".
func Grow(ctx context.Context, cfg Config, name string, most int) (Curve, error) {
	c := Curve{Name: name, Y: "CPU ms for an action"}
	var err error
	switch name {
	case "stored":
		c.X, c.Y = "executions in the store", "CPU ms for a workflow of one action"
		err = grown(ctx, cfg, func(b *Bench) error { return b.growStored(ctx, &c, most) })
	case "items":
		c.X = "items"
		err = grown(ctx, cfg, func(b *Bench) error { return b.growItems(ctx, &c, most) })
	case "context":
		c.X = "bytes of input"
		err = grown(ctx, cfg, func(b *Bench) error { return b.growContext(ctx, &c) })
	case "runners":
		c.X = "runners"
		if cfg.Runner == nil {
			c.Skipped = "the runner is inside of the engine's process"
			break
		}
		for _, n := range steps(name, 0) {
			cfg.Runners = n
			l := cfg.load("W4")
			l.count *= 10
			if err = grown(ctx, cfg, func(b *Bench) error { return b.settledPoint(ctx, &c, n, l) }); err != nil {
				break
			}
		}
	case "engines":
		c.X = "engine processes"
		if !isServer(cfg.Store) || cfg.Engine == nil {
			c.Skipped = "SQLite has one engine"
			break
		}
		for _, n := range steps(name, 0) {
			cfg.Engines = n
			l := cfg.load("W1")
			l.clients *= n
			if err = grown(ctx, cfg, func(b *Bench) error { return b.settledPoint(ctx, &c, n, l) }); err != nil {
				break
			}
		}
	default:
		return c, fault.New(fault.Invalid, "curve %q is unknown; there are %v", name, Curves())
	}
	c.Slope = slope(c.Points)
	return c, err
}

func grown(ctx context.Context, cfg Config, fn func(*Bench) error) error {
	b, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(fn(b), b.Close())
}

// point runs a load and puts its cost on the curve.
func (b *Bench) point(ctx context.Context, c *Curve, x int, l load) error {
	a, err := b.moment(ctx)
	if err != nil {
		return err
	}
	if err := b.many(ctx, l, fmt.Sprintf("%s %d", c.Name, x)); err != nil {
		return err
	}
	z, err := b.moment(ctx)
	if err != nil {
		return err
	}
	cost := cost(a, z, l.count*l.actions)
	c.Points = append(c.Points, Point{X: float64(x), Y: cost.CPU, Cost: cost})
	return nil
}

// settleTime is how long new runners and engines take to find each other: they say hello often at first, and then each second.
const settleTime = 3 * time.Second

// settledPoint is a point of runners or engines that have just been started. The first load of many is slow, for it connects all with
// all: it isn't measured.
func (b *Bench) settledPoint(ctx context.Context, c *Curve, x int, l load) error {
	if err := pass(ctx, settleTime); err != nil {
		return err
	}
	first := l
	first.count = max(1, l.count/10)
	if err := b.many(ctx, first, fmt.Sprintf("%s %d, first", c.Name, x)); err != nil {
		return err
	}
	return b.point(ctx, c, x, l)
}

func (b *Bench) growStored(ctx context.Context, c *Curve, most int) error {
	for _, n := range steps(c.Name, most) {
		if err := b.fill(ctx, n); err != nil {
			return err
		}
		if err := b.point(ctx, c, n, b.cfg.load("W1")); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) growItems(ctx context.Context, c *Curve, most int) error {
	for _, n := range steps(c.Name, most) {
		before := settled(b.pid)
		peak := b.watchMemory()
		// Small ones are repeated, so that there is something to measure.
		l := load{workflow: "bench_fan", input: map[string]any{"n": n}, clients: 1, count: max(1, 1000/n), actions: n}
		err := b.point(ctx, c, n, l)
		most := peak()
		if err != nil {
			return err
		}
		c.Points[len(c.Points)-1].MiB = float64(max(most-before, 0)) / (1 << 20)
	}
	return nil
}

// growContext tells sequences of 101 actions from those of one: what is left is the cost of 100 actions, without that of taking
// the input, storing it and reading it at the end.
func (b *Bench) growContext(ctx context.Context, c *Curve) error {
	const count, actions = 4, 100
	for _, n := range steps(c.Name, 0) {
		var costs []Cost
		for _, name := range []string{"bench_data_1", "bench_data_101"} {
			l := load{workflow: name, input: map[string]any{"data": strings.Repeat("x", n)}, clients: 2, count: count, actions: 1}
			if err := b.point(ctx, c, n, l); err != nil {
				return err
			}
			costs = append(costs, c.Points[len(c.Points)-1].Cost)
			c.Points = c.Points[:len(c.Points)-1]
		}
		cost := costs[1].less(costs[0], actions)
		c.Points = append(c.Points, Point{X: float64(n), Y: cost.CPU, Cost: cost})
	}
	return nil
}

// slope is that of the line through the points' logarithms by least squares.
func slope(points []Point) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, p := range points {
		if p.X <= 0 || p.Y <= 0 {
			continue
		}
		x, y := math.Log(p.X), math.Log(p.Y)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if d := n*sxx - sx*sx; n > 1 && d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}
