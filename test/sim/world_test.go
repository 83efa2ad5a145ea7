package sim

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/actors"
	"cierzo/actors/runner"
	"cierzo/catalog"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// world is a cluster that carries out a plan.
type world struct {
	t       *testing.T
	plan    *plan
	chance  chance
	trace   *trace
	running atomic.Pointer[time.Time] // when the cluster was up, the plan's zero: from then on there are faults
	store   *memstore.Store
	wire    *wire
	ledger  *ledger

	incarnations map[string]int
	gateway      *actors.Gateway
	systems      []*actor.ActorSystem
	ending       sync.WaitGroup // processes that end
	over         chan struct{}  // closed when the world ends

	mu        sync.Mutex
	processes map[string]*process // those that live
	engines   map[*process]*actors.Engine
	runners   map[*process]*runner.Runner
	entropy   map[workflow.ExecutionID]uint64
	stats     stats
	grants    []check.Grant
}

// stats counts what happened, so that one can see what the seeds have reached.
type stats struct {
	Fenced, Unsure, Lost, Late, Parked, Forwarded, Unfolded, Executions, Runs, Repairs uint64
	Resumed                                                                            time.Duration // from the last fault until something happened
	Took                                                                               time.Duration // from the last fault to the last final state
}

func (s *stats) add(o stats) {
	s.Fenced += o.Fenced
	s.Unsure += o.Unsure
	s.Lost += o.Lost
	s.Late += o.Late
	s.Parked += o.Parked
	s.Forwarded += o.Forwarded
	s.Unfolded += o.Unfolded
	s.Executions += o.Executions
	s.Runs += o.Runs
	s.Repairs += o.Repairs
}

// pool keeps actor systems that earlier worlds have left empty: one takes longer to make than a world of actors in it.
var pool struct {
	mu      sync.Mutex
	systems []*actor.ActorSystem
}

func (w *world) system() *actor.ActorSystem {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	var s *actor.ActorSystem
	if n := len(pool.systems); n > 0 {
		s, pool.systems = pool.systems[n-1], pool.systems[:n-1]
	} else {
		s = actor.NewActorSystem(
			actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
			actor.WithDeadLetterRequestLogging(false),
		)
	}
	w.mu.Lock()
	w.systems = append(w.systems, s)
	w.mu.Unlock()
	return s
}

func newWorld(t *testing.T, p *plan, traced bool) *world {
	w := &world{
		over: make(chan struct{}),
		t:    t, plan: p, chance: chance(scramble(p.Seed)), trace: newTrace(traced),
		ledger: &ledger{n: map[string]int{}}, incarnations: map[string]int{}, processes: map[string]*process{},
		engines: map[*process]*actors.Engine{}, runners: map[*process]*runner.Runner{}, entropy: map[workflow.ExecutionID]uint64{},
	}
	n := uint64(0)
	w.store = memstore.New(memstore.Config{NewID: func() string { n++; return uuidOf(w.chance.str("definition").num(n)) }})
	w.wire = newWire(w)
	return w
}

// since is the time on the plan's clock.
func (w *world) since() time.Duration {
	began := w.running.Load()
	if began == nil {
		return -1 // before all faults
	}
	return time.Since(*began)
}

func uuidOf(c chance) string {
	a, b := uint64(c.str("a")), uint64(c.str("b"))
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// executionID names the execution of a start.
func (w *world) executionID(no int) workflow.ExecutionID {
	return workflow.ExecutionID(uuidOf(w.chance.str("execution").num(uint64(no))))
}

func (p *process) runnerID() string { return fmt.Sprintf("%s.%d", p.address, p.no) }

// launch starts a process at an address, and tries again while it can't.
func (w *world) launch(address string) {
	for {
		p := w.process(address)
		var err error
		if strings.HasPrefix(address, "engine") {
			err = w.launchEngine(p)
		} else {
			err = w.launchRunner(p)
		}
		if err == nil {
			w.mu.Lock()
			w.processes[address] = p
			w.mu.Unlock()
			return
		}
		p.kill()
		<-time.After(500 * time.Millisecond)
	}
}

func (w *world) launchEngine(p *process) error {
	p.stop = func() {}
	d := &disk{Store: w.store, p: p}
	definitions := catalog.New(d, w.registry(p))
	definitions.Shared = true
	ids := 0
	e, err := actors.StartEngine(context.Background(), actors.Config{
		Actors: p.system, Network: p, Store: d, Catalog: definitions, Now: p.now, Logger: w.trace.logger(p),
		Entropy: func(id workflow.ExecutionID) [16]byte { return w.draw(id) },
		NewNodeID: func() persistence.NodeID {
			ids++
			return persistence.NodeID(fmt.Sprintf("%s.%d.%d", p.address, p.no, ids))
		},
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.engines[p] = e
	p.stop = func() { w.end(func(ctx context.Context) { _ = e.Stop(ctx) }) }
	return nil
}

func (w *world) launchRunner(p *process) error {
	p.stop = func() {}
	r, err := runner.Start(runner.Config{
		Actors: p.system, Network: p, Actions: w.registry(p), Slots: w.plan.Slots, ID: p.runnerID(),
		Engines: w.plan.engines(), Now: p.now, Logger: w.trace.logger(p),
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runners[p] = r
	p.stop = func() { w.end(func(ctx context.Context) { _ = r.Stop(ctx) }) }
	return nil
}

// end cleans up behind a dead process.
func (w *world) end(stop func(context.Context)) {
	w.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		stop(ctx)
	})
}

// draw is the entropy of an execution's next step.
func (w *world) draw(id workflow.ExecutionID) (seed [16]byte) {
	w.mu.Lock()
	w.entropy[id]++
	c := w.chance.str("step").str(string(id)).num(w.entropy[id])
	w.mu.Unlock()
	for i := range seed {
		seed[i] = byte(c.num(uint64(i)))
	}
	return seed
}

// up starts everything and waits until all know all.
func (w *world) up() {
	if _, err := catalog.New(w.store, w.registry(nil)).Upload(w.t.Context(), catalog.Upload{
		Mode: catalog.Put, File: "plan.yaml", Text: []byte(w.plan.text()),
	}); err != nil {
		panic(fmt.Sprintf("the generator wrote a bad workflow: %v\n%s", err, w.plan.text()))
	}
	for _, a := range w.plan.engines() {
		w.launch(a)
		<-time.After(7*time.Millisecond + 13*time.Microsecond)
	}
	p := w.process(gatewayAddress)
	var err error
	w.gateway, err = actors.StartGateway(context.Background(), actors.GatewayConfig{
		Actors: p.system, Network: p, Nodes: &disk{Store: w.store, p: p}, ID: "1", Logger: w.trace.logger(p),
	})
	if err != nil {
		panic(err)
	}
	p.stop = func() { w.end(func(ctx context.Context) { _ = w.gateway.Stop(ctx) }) }
	w.processes[gatewayAddress] = p
	for _, a := range addresses("runner", w.plan.Runners) {
		w.launch(a)
		<-time.After(7*time.Millisecond + 13*time.Microsecond)
	}
	<-time.After(3 * time.Second)
	w.ending.Go(w.redefine)
}

// redefine changes a definition that nobody uses, now and then: what engines have looked up in memory must be looked up again.
func (w *world) redefine() {
	for n := uint64(0); ; n++ {
		select {
		case <-w.over:
			return
		case <-time.After(time.Duration(1+w.chance.str("redefine").num(n).below(2000)) * time.Millisecond):
		}
		text := fmt.Sprintf("version: '2.0'\nunused:\n  base: std.noop\n  description: '%d'\n", n)
		_, err := catalog.New(w.store, w.registry(nil)).Upload(w.t.Context(), catalog.Upload{Mode: catalog.Put, File: "unused.yaml", Text: []byte(text)})
		if err != nil {
			panic(err)
		}
	}
}

// down ends everything.
func (w *world) down() {
	close(w.over)
	for _, p := range w.living() {
		p.kill()
	}
	w.ending.Wait()
	<-time.After(time.Minute) // the actor library counts its dead letters for a while
	pool.mu.Lock()
	defer pool.mu.Unlock()
	w.left(w.systems[w.plan.Seed%uint64(len(w.systems))])
	pool.systems = append(pool.systems, w.systems...)
}

// left looks for executions that have outlived their engine: the systems go on to other worlds, with all that is left in them. A world
// looks at one of its systems, for that takes a while.
func (w *world) left(s *actor.ActorSystem) {
	for _, names := range s.ProcessRegistry.LocalPIDs.LocalPIDs {
		if names.Count() == 0 {
			continue
		}
		for name := range names.Items() {
			if strings.HasPrefix(name, actors.RouterName+"/") {
				w.t.Errorf("%s: actor %s is left, and all that it knows", s.ID, name)
			}
		}
	}
}

func (w *world) living() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*process
	for _, a := range w.plan.nodes() {
		if p := w.processes[a]; p != nil {
			out = append(out, p)
		}
	}
	return out
}

func (w *world) at(address string) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.processes[address]
}

// committed sees each commit at the moment that it becomes durable.
func (p *process) committed(turns []persistence.Turn, out []persistence.TurnOutcome) {}

// leave ends the process as it should end.
func (p *process) leave() {
	w := p.world
	w.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		w.mu.Lock()
		e, r := w.engines[p], w.runners[p]
		w.mu.Unlock()
		if e != nil {
			_ = e.Stop(ctx)
		}
		if r != nil {
			_ = r.Drain(ctx)
			_ = r.Stop(ctx)
		}
		p.kill()
	})
}
