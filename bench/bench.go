package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/node"
)

// Config says what is measured.
type Config struct {
	// Store is the database, as node.Config.Store. Defaults to a temporary SQLite file. Use an empty database: the bench
	// leaves its workflows and executions there.
	Store string
	// Runner is the command that runs action runners: the engines' addresses are appended, with commas, and their number. nil:
	// the runner is a part of the measured node, and nothing goes over a connection.
	Runner []string
	// Runners is how many there are, all in one process. Defaults to 1.
	Runners int
	// Engine is the command that runs one more engine: the address to listen at and the store are appended. Only for servers.
	Engine []string
	// Engines is how many there are, this process' included. Defaults to 1.
	Engines int
	// Server is the command that serves a whole node: the store and the address of its API are appended. nil: starts are not measured.
	Server []string
	// Workloads to run. Defaults to all.
	Workloads []string
	// Executions of W1. Defaults to 2000.
	Executions int
	// Fan is the number of actions of W3. Defaults to 500.
	Fan int
	// Idle is the number of executions of W6. Defaults to 2000.
	Idle int
	// Run is shown with the results.
	Run int
	// Progress hears several times a second how far a workload is. nil: nobody.
	Progress func(what string, done, of int)
	// Started hears of each execution whose start is acknowledged, from several goroutines. nil: nobody.
	Started func(id string)
	// Logger receives the node's log. Defaults to discarding it.
	Logger *slog.Logger
}

// Result is one workload's figures.
type Result struct {
	Peer     string  `json:"peer"` // "cierzo-pg", "cierzo-sqlite"; with "-inside" if the engine's process runs the actions
	Workload string  `json:"wl"`
	Run      int     `json:"run"`
	Load     float64 `json:"load"` // average load of the machine
	Error    string  `json:"err,omitempty"`
	Cost
	P50 float64 `json:"p50,omitempty"` // milliseconds, W5
	P95 float64 `json:"p95,omitempty"`
	P99 float64 `json:"p99,omitempty"`
	Max float64 `json:"max,omitempty"`
	// Took is each time of W5 in milliseconds, in order.
	Took []float64 `json:"took_ms,omitempty"`

	// W0: milliseconds until a new process answers its first request on an empty SQLite file, its memory in bytes when it has
	// been idle for a while, and the size of the program's file.
	FirstAnswer float64 `json:"first_answer_ms,omitempty"`
	IdleRSS     int64   `json:"idle_rss,omitempty"`
	Binary      int64   `json:"binary,omitempty"`

	// W6: mebibytes for 10,000 executions that wait for somebody outside, in memory and after they have left it, and for as many
	// that wait for days, which leave it at once; what the node takes with all of them.
	MiBHeld      float64 `json:"mib_10k,omitempty"`
	MiBPassive   float64 `json:"mib_10k_passive,omitempty"`
	MiBDays      float64 `json:"mib_10k_days,omitempty"`
	StartsPerSec float64 `json:"start_per_s,omitempty"`
	IdleCPU      float64 `json:"idle_cpu_pct,omitempty"` // percent of one processor
	IdleSQL      float64 `json:"idle_xact_s,omitempty"`  // transactions per second
	Goroutines   int     `json:"goroutines,omitempty"`   // more than before the executions
	AllPerAction float64 `json:"xact_act,omitempty"`     // W7: all transactions, reads too
	SyncPerAct   float64 `json:"sync_act,omitempty"`     // W7: flushes of the write-ahead log
}

// tell gives a workload's result to show, with the error that ended it, which it returns.
func (r *Result) tell(show func(Result), err error) error {
	r.Load = loadAverage()
	if err != nil {
		r.Error = err.Error()
	}
	show(*r)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Workload, err)
	}
	return nil
}

// Bench is a running node with its runner.
type Bench struct {
	cfg        Config
	node       *node.Node
	server     *server
	runner     *exec.Cmd
	engines    []*exec.Cmd // beside this process
	pid        int
	stored     int // executions that fill has written
	peer       string
	durability string
}

// complete fills in what isn't said.
func (c *Config) complete() {
	if c.Executions <= 0 {
		c.Executions = 2000
	}
	if c.Fan <= 0 {
		c.Fan = 500
	}
	if c.Idle <= 0 {
		c.Idle = 2000
	}
	c.Run, c.Runners, c.Engines = max(c.Run, 1), max(c.Runners, 1), max(c.Engines, 1)
}

// New starts the node and the runner and warms them up. Close it in any case that returns no error.
func New(ctx context.Context, cfg Config) (*Bench, error) {
	cfg.complete()
	if len(cfg.Workloads) == 0 {
		cfg.Workloads = slices.DeleteFunc(Workloads(), func(w string) bool { return w == "W0" && len(cfg.Server) == 0 })
	}
	for _, w := range cfg.Workloads {
		if !slices.Contains(Workloads(), w) {
			return nil, fault.New(fault.Invalid, "workload %q is unknown; there are %v", w, Workloads())
		}
	}
	b := &Bench{cfg: cfg, pid: os.Getpid(), peer: "cierzo-sqlite"}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Bench) start(ctx context.Context) error {
	var err error
	if b.server, err = openServer(ctx, b.cfg.Store); err != nil {
		return err
	}
	if b.server != nil {
		b.peer = "cierzo-pg"
	}
	if b.cfg.Runner == nil {
		b.peer += insidePeer
	}
	if b.durability, err = b.server.durability(ctx); err != nil {
		return err
	}
	reg, err := registry()
	if err != nil {
		return err
	}
	c := node.Config{
		Actions: reg, Slots: slots, Store: b.cfg.Store, Roles: []node.Role{node.RoleEngine}, Logger: b.cfg.Logger,
		IdleMax: max(b.cfg.Idle, 10_000), // W6 says what they take in memory, so none leaves it early
	}
	if b.cfg.Runner == nil {
		c.Roles = append(c.Roles, node.RoleRunner)
	} else {
		c.Bind = "127.0.0.1:0"
	}
	if b.node, err = node.New(ctx, c); err != nil {
		return err
	}
	addresses := []string{b.node.Address()}
	for range b.cfg.Engines - 1 {
		at, err := b.startEngine()
		if err != nil {
			return err
		}
		addresses = append(addresses, at)
	}
	if len(b.cfg.Runner) > 0 {
		if b.runner, err = command(b.cfg.Runner, strings.Join(addresses, ","), strconv.Itoa(b.cfg.Runners)); err != nil {
			return fault.Wrap(fault.Unavailable, err, "start the runner")
		}
	}
	if _, err := b.node.Upload(ctx, "bench.yaml", Definitions()); err != nil {
		return err
	}
	if err := b.many(ctx, load{workflow: "bench_seq_2", clients: 8, count: 100, actions: 2}, "warm"); err != nil {
		return err
	}
	return b.many(ctx, load{workflow: "bench_fan", input: map[string]any{"n": 50}, clients: 4, count: 4, actions: 50}, "warm")
}

// command starts a process of the measurement, which ends with this one.
func command(words []string, more ...string) (*exec.Cmd, error) {
	//nolint:gosec // the command is the caller's own
	c := exec.Command(words[0], append(slices.Clone(words[1:]), more...)...)
	c.Stderr = os.Stderr
	return c, c.Start()
}

// startEngine starts one more engine and gives its address.
func (b *Bench) startEngine() (string, error) {
	if len(b.cfg.Engine) == 0 || b.server == nil {
		return "", fault.New(fault.Invalid, "more than one engine needs a database server and the command that runs an engine")
	}
	at, err := freeAddress()
	if err != nil {
		return "", err
	}
	c, err := command(b.cfg.Engine, at, b.cfg.Store)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "start an engine")
	}
	b.engines = append(b.engines, c)
	return at, nil
}

// freeAddress is an address of this machine that nobody listens at.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "find a free port")
	}
	return ln.Addr().String(), fault.Wrap(fault.Unavailable, ln.Close(), "find a free port")
}

// Close ends the runner, the engines and the node.
func (b *Bench) Close() error {
	var errs []error
	for _, c := range append(b.engines, b.runner) {
		if c != nil && c.Process != nil {
			errs = append(errs, c.Process.Kill())
			_ = c.Wait() // killed: its exit status says so
		}
	}
	if b.node != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		errs = append(errs, b.node.Stop(ctx))
	}
	return errors.Join(append(errs, b.server.close())...)
}

// Durability names the database with the settings that its commits' durability hangs on.
func (b *Bench) Durability() string { return b.durability }

func (b *Bench) runnerPID() int {
	if b.runner == nil || b.runner.Process == nil {
		return 0
	}
	return b.runner.Process.Pid
}

// loadTimeout bounds one load: the greatest there is, 100,000 actions on a slow machine, takes a part of it.
const loadTimeout = 10 * time.Minute

// lastWaited is for how many executions of a load, the last ones, somebody waits as a client does; the others are counted.
const lastWaited = 16

// many starts a load's executions from its clients and waits until all have ended well.
func (b *Bench) many(ctx context.Context, l load, label string) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	before := b.ended()
	defer reportProgress(b.cfg.Progress, label, func() int { return int(b.ended() - before) }, l.count)()
	var next atomic.Int64
	var group, waiting sync.WaitGroup
	errs := make(chan error, l.clients+lastWaited)
	ids := make([]string, l.count)
	for range l.clients {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= l.count {
					return
				}
				id, wait, err := b.startOne(ctx, l, !l.waits && i >= l.count-lastWaited)
				if err != nil {
					errs <- fmt.Errorf("%s: %w", label, err)
					return
				}
				ids[i] = id
				if b.cfg.Started != nil {
					b.cfg.Started(id)
				}
				if wait != nil {
					waiting.Go(func() { errs <- wait() })
				}
			}
		})
	}
	group.Wait()
	if err := first(errs); err != nil || l.waits {
		return err
	}
	if b.cfg.Engines > 1 { // what the others have ended isn't counted here
		return b.awaitAll(ctx, ids)
	}
	waiting.Wait() // to the moment; most others have ended by then
	for l.count > 1 && b.ended()-before < uint64(l.count) {
		if err := pass(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("%s: %d of %d executions have ended: %w", label, b.ended()-before, l.count, err)
		}
	}
	return first(errs)
}

// startOne starts an execution of a load; wait, if it is waited for, returns when it has ended.
func (b *Bench) startOne(ctx context.Context, l load, waited bool) (id string, wait func() error, err error) {
	r := node.StartRequest{Workflow: l.workflow, Input: l.input}
	if !waited {
		id, err = b.node.Start(ctx, r)
		return id, nil, err
	}
	h, err := b.node.Begin(ctx, r)
	if err != nil {
		return "", nil, err
	}
	return h.ID(), func() error { return ended(h.Wait(ctx)) }, nil
}

// first returns the first error in a channel, or nil when there is none.
func first(errs <-chan error) error {
	for {
		select {
		case err := <-errs:
			if err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// reportProgress tells how far something is until the returned function is called.
func reportProgress(report func(what string, done, of int), what string, done func() int, of int) func() {
	if report == nil {
		return func() {}
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				report(what, done(), of)
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

func (b *Bench) ended() uint64 { return b.node.Metrics()["cierzo_executions_ended_total"] }

// awaitAll asks for the executions as a client does.
func (b *Bench) awaitAll(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := ended(b.node.Wait(ctx, id)); err != nil {
			return err
		}
	}
	return nil
}

// ended is the error of an execution that somebody has waited for.
func ended(e *node.Execution, err error) error {
	if err == nil && e.State != "SUCCESS" {
		err = fault.New(fault.Internal, "execution %s ended in %s: %s", e.ID, e.State, e.StateInfo)
	}
	return err
}

// Run runs the workloads one after the other and gives each result to show.
func (b *Bench) Run(ctx context.Context, show func(Result)) error {
	for _, w := range b.cfg.Workloads {
		if err := pass(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		runtime.GC()
		var r Result
		var err error
		switch w {
		case "W0":
			r, err = b.startup(ctx)
		case "W5":
			r, err = b.latency(ctx)
		case "W6":
			r, err = b.idle(ctx)
		case "W7":
			r, err = b.net(ctx)
		default:
			r, err = b.throughput(ctx, w)
		}
		r.Peer, r.Workload, r.Run = b.peer, w, b.cfg.Run
		if err := r.tell(show, err); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) throughput(ctx context.Context, name string) (r Result, err error) {
	l := b.cfg.load(name)
	a, err := b.moment(ctx)
	if err != nil {
		return r, err
	}
	if err := b.many(ctx, l, name); err != nil {
		return r, err
	}
	z, err := b.moment(ctx)
	r.Cost = cost(a, z, l.count*l.actions)
	return r, err
}

// one runs an execution of a load to its end, as a caller does who has nothing else to do.
func (b *Bench) one(ctx context.Context, l load, label string) error {
	e, err := b.node.Run(ctx, node.StartRequest{Workflow: l.workflow, Input: l.input})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", label, err)
	case e.State != "SUCCESS":
		return fault.New(fault.Internal, "execution %s ended in %s: %s", e.ID, e.State, e.StateInfo)
	}
	if b.cfg.Started != nil {
		b.cfg.Started(e.ID)
	}
	return nil
}

func (b *Bench) latency(ctx context.Context) (r Result, err error) {
	const unmeasured, measured = 5, latencyRuns
	var took []float64
	a, err := b.moment(ctx)
	if err != nil {
		return r, err
	}
	for i := range unmeasured + measured {
		began := time.Now()
		if err := b.one(ctx, b.cfg.load("W5"), "W5"); err != nil {
			return r, err
		}
		if i >= unmeasured {
			took = append(took, time.Since(began).Seconds()*1000)
		}
	}
	z, err := b.moment(ctx)
	r.Cost = cost(a, z, unmeasured+measured)
	r.Throughput = 0
	slices.Sort(took)
	r.Took = took
	r.percentiles(took)
	return r, err
}

// idle starts executions that wait and looks at what they take while they are in memory, and when they have left it.
func (b *Bench) idle(ctx context.Context) (r Result, err error) {
	l := b.cfg.load("W6")
	before, goroutines := settled(b.pid), runtime.NumGoroutine()
	a, err := b.moment(ctx)
	if err != nil {
		return r, err
	}
	if err := b.many(ctx, l, "W6"); err != nil {
		return r, err
	}
	z, err := b.moment(ctx)
	if err != nil {
		return r, err
	}
	r.Cost = cost(a, z, l.count)
	r.Throughput, r.StartsPerSec = 0, float64(l.count)/r.Seconds
	per := func(bytes int64) float64 { return float64(bytes) / (1 << 20) * 10_000 / float64(l.count) }
	r.MiBHeld = per(settled(b.pid) - before)
	r.Goroutines = runtime.NumGoroutine() - goroutines
	for b.node.Metrics()["cierzo_executions_active"] > 0 {
		if err := pass(ctx, 200*time.Millisecond); err != nil {
			return r, err
		}
	}
	passive := settled(b.pid)
	r.MiBPassive = per(passive - before)
	if err := b.many(ctx, b.cfg.load("W6 days"), "W6 days"); err != nil {
		return r, err
	}
	if err := pass(ctx, 3*time.Second); err != nil {
		return r, err
	}
	r.MiBDays = per(settled(b.pid) - passive)
	// The database's statistics come up to ten seconds late.
	if err := pass(ctx, 11*time.Second); err != nil {
		return r, err
	}
	const spell = 10 * time.Second
	if a, err = b.moment(ctx); err != nil {
		return r, err
	}
	if err := pass(ctx, spell); err != nil {
		return r, err
	}
	if z, err = b.moment(ctx); err != nil {
		return r, err
	}
	c := cost(a, z, 1)
	r.IdleCPU = 100 * (c.CPUSelf + c.CPUServer) / c.Seconds
	r.IdleSQL = float64(z.server.all-a.server.all) / c.Seconds
	return r, nil
}

// net is W2 less what the node takes anyway. PostgreSQL's statistics of transactions come up to ten seconds late.
func (b *Bench) net(ctx context.Context) (r Result, err error) {
	const spell = 11 * time.Second
	var m [4]moment
	for i := range m {
		if i != 2 {
			if err := pass(ctx, spell); err != nil {
				return r, err
			}
		} else if err := b.many(ctx, b.cfg.load("W7"), "W7"); err != nil {
			return r, err
		}
		if m[i], err = b.moment(ctx); err != nil {
			return r, err
		}
	}
	l := b.cfg.load("W7")
	n := float64(l.count * l.actions)
	ratio := m[3].at.Sub(m[1].at).Seconds() / m[1].at.Sub(m[0].at).Seconds()
	count := func(of func(moment) int64) float64 {
		return (float64(of(m[3])-of(m[1])) - ratio*float64(of(m[1])-of(m[0]))) / n
	}
	r.Cost = cost(m[1], m[3], l.count*l.actions)
	r.Throughput = 0
	r.AllPerAction = count(func(m moment) int64 { return m.server.all })
	r.Writing = count(func(m moment) int64 { return m.server.transactions })
	r.WAL = count(func(m moment) int64 { return m.server.wal })
	r.SyncPerAct = count(func(m moment) int64 { return m.server.syncs })
	r.CPU = 1000 * count(func(m moment) int64 { return int64(m.engine + m.runner + m.server.cpu) }) / float64(time.Second)
	r.IdleSQL = float64(m[1].server.all-m[0].server.all) / m[1].at.Sub(m[0].at).Seconds()
	return r, nil
}

func pass(ctx context.Context, d time.Duration) error {
	return fault.Wrap(fault.Unavailable, wait.For(ctx, d), "wait")
}
