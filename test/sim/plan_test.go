package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// plan is all that is decided before a simulation begins. Its JSON form repeats it, whatever becomes of the generator.
type plan struct {
	Seed     uint64    `json:"seed"`
	Engines  int       `json:"engines"`
	Runners  int       `json:"runners"`
	Slots    int       `json:"slots"` // of each runner
	Flows    []*flow   `json:"flows"`
	Starts   []start   `json:"starts"`
	Commands []command `json:"commands,omitempty"`
	Faults   []trouble `json:"faults,omitempty"`
}

// start begins an execution of a flow. At counts milliseconds, here and below, from when the cluster is up.
type start struct {
	At   int    `json:"at"`
	Flow string `json:"flow"`
	No   int    `json:"no"` // names the execution
}

// command is what a user asks for.
type command struct {
	At    int    `json:"at"`
	Op    string `json:"op"` // "cancel", "fail", "succeed", "pause", "resume", "rerun", "skip", "complete", "again"
	Start int    `json:"start"`
	Pick  int    `json:"pick,omitempty"` // chooses a task or a sub-workflow
}

// trouble is a fault: something that goes wrong for a while.
type trouble struct {
	Kind  string   `json:"kind"`
	At    int      `json:"at"`
	For   int      `json:"for"`
	Nodes []string `json:"nodes,omitempty"`
	P     int      `json:"p,omitempty"` // percent, or as the kind says
}

// The kinds of faults.
const (
	loseMessages   = "lose"     // P percent of messages, between Nodes and all others
	doubleMessages = "double"   // P percent
	delayMessages  = "delay"    // by up to P tenths of a second
	cutOff         = "cut"      // Nodes from all others
	cutIncoming    = "deafen"   // what others send to Nodes
	cutOutgoing    = "mute"     // what Nodes send to others
	killProcess    = "kill"     // Nodes[0]; a new process takes its address after For
	stopProcess    = "stop"     // Nodes[0] leaves as it should; a new process takes its address after For
	pauseProcess   = "pause"    // Nodes[0] does nothing at all
	stepClock      = "clock"    // of Nodes[0], by P seconds
	storeRefuses   = "refuse"   // P percent of all calls fail, nothing is done
	storeForgets   = "forget"   // P percent of commits: done, and the answer is lost
	storeVanishes  = "vanish"   // P percent of commits: not done, and nobody knows
	storeSlow      = "slow"     // each call takes up to P tenths of a second
	storeDown      = "down"     // for Nodes
	storeConflicts = "conflict" // P percent of commits are repeated by the store before they succeed
)

// window is how long faults and commands go on.
const window = 45 * time.Second

// draw makes the plan of a seed.
func draw(seed uint64) *plan {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	p := &plan{Seed: seed, Engines: 1 + g.IntN(3), Runners: 1 + g.IntN(3), Slots: 1 + g.IntN(6)}
	children := g.children()
	p.Flows = append(p.Flows, children...)
	for i := range 1 + g.IntN(2) {
		p.Flows = append(p.Flows, g.flow(fmt.Sprintf("main%d", i), children, 2+g.IntN(6)))
	}
	for i := range 1 + g.IntN(4) {
		at := g.IntN(15_000)
		p.Starts = append(p.Starts, start{At: at, Flow: p.Flows[len(children)+g.IntN(len(p.Flows)-len(children))].Name, No: i + 1})
	}
	if g.percent(75) {
		for range 1 + g.IntN(4) {
			p.Commands = append(p.Commands, g.command(p))
		}
	}
	if g.percent(92) {
		for range 1 + g.IntN(5) {
			p.Faults = append(p.Faults, g.fault(p))
		}
	}
	switch r := g.IntN(100); {
	case r < 8:
		g.duel(p)
	case r < 16:
		g.late(p)
	}
	slices.SortStableFunc(p.Faults, func(a, b trouble) int { return a.At - b.At })
	return p
}

type generator struct{ *rand.Rand }

func (g *generator) percent(p int) bool { return g.IntN(100) < p }

// duel has one engine stand still for longer than its lease, and messages of its successor get lost: what the first one
// says when it goes on is about a world that has changed.
func (g *generator) duel(p *plan) {
	p.Engines = max(p.Engines, 2)
	for range 2 {
		at := g.IntN(20_000)
		still, other := p.engines()[g.IntN(p.Engines)], p.engines()[g.IntN(p.Engines)]
		p.Faults = append(p.Faults,
			trouble{Kind: pauseProcess, At: at, For: 11_000 + g.IntN(12_000), Nodes: []string{still}},
			trouble{Kind: loseMessages, At: at + 5000, For: 20_000, Nodes: []string{other}, P: 30 + g.IntN(60)})
	}
}

// late has a runner believe that all leases have run out, so that it asks before it begins, while users cancel.
func (g *generator) late(p *plan) {
	for _, r := range addresses("runner", p.Runners) {
		p.Faults = append(p.Faults, trouble{Kind: stepClock, At: 0, For: int(window.Milliseconds()), Nodes: []string{r}, P: 40})
	}
	p.Faults = append(p.Faults, trouble{Kind: delayMessages, At: 0, For: int(window.Milliseconds()), Nodes: addresses("runner", p.Runners), P: 5 + g.IntN(30)})
	for _, s := range p.Starts {
		p.Commands = append(p.Commands, command{At: s.At + 500 + g.IntN(8000), Op: "cancel", Start: s.No})
	}
}

func (g *generator) command(p *plan) command {
	ops := []string{"cancel", "cancel", "cancel", "fail", "succeed", "pause", "pause", "resume", "rerun", "rerun", "skip", "complete", "again"}
	s := p.Starts[g.IntN(len(p.Starts))]
	return command{
		At: s.At + g.IntN(int(window.Milliseconds())-s.At), Op: ops[g.IntN(len(ops))],
		Start: s.No, Pick: g.IntN(1000),
	}
}

func (g *generator) fault(p *plan) trouble {
	kinds := []string{
		loseMessages, loseMessages, doubleMessages, delayMessages, delayMessages, cutOff, cutIncoming, cutOutgoing,
		killProcess, killProcess, killProcess, stopProcess, pauseProcess, pauseProcess, stepClock,
		storeRefuses, storeForgets, storeForgets, storeVanishes, storeSlow, storeDown, storeConflicts,
	}
	f := trouble{Kind: kinds[g.IntN(len(kinds))], At: g.IntN(int(window.Milliseconds()) - 5000)}
	f.For = 200 + g.IntN(1+min(int(window.Milliseconds())-f.At, 25_000))
	nodes := p.nodes()
	f.Nodes = []string{nodes[g.IntN(len(nodes))]}
	switch f.Kind {
	case loseMessages, doubleMessages:
		f.P = 5 + g.IntN(60)
		if g.percent(50) {
			f.Nodes = nil
		}
	case delayMessages:
		f.P = 1 + g.IntN(60)
		if g.percent(50) {
			f.Nodes = nil
		}
	case cutOff, cutIncoming, cutOutgoing:
		if other := nodes[g.IntN(len(nodes))]; g.percent(30) && other != f.Nodes[0] {
			f.Nodes = append(f.Nodes, other)
		}
	case stepClock:
		if f.P = g.IntN(21) - 10; f.P == 0 {
			f.P = 3
		}
		f.Nodes = []string{p.processes()[g.IntN(len(p.processes()))]}
	case killProcess, stopProcess, pauseProcess:
		f.Nodes = []string{p.processes()[g.IntN(len(p.processes()))]}
	case storeRefuses, storeForgets, storeVanishes, storeConflicts:
		f.P = 5 + g.IntN(60)
		f.Nodes = nil
	case storeSlow:
		f.P = 1 + g.IntN(60)
		f.Nodes = nil
	case storeDown:
		f.For = min(f.For, 12_000)
		if f.Nodes = p.engines(); g.percent(50) {
			f.Nodes = f.Nodes[:1]
		}
	}
	return f
}

// The addresses.
func (p *plan) engines() []string { return addresses("engine", p.Engines) }

func (p *plan) processes() []string { return append(p.engines(), addresses("runner", p.Runners)...) }

func (p *plan) nodes() []string { return append(p.processes(), gatewayAddress) }

const gatewayAddress = "api-1"

func addresses(kind string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%d", kind, i+1))
	}
	return out
}
