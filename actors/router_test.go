package actors

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/cluster"
	"cierzo/messages"
	"cierzo/persistence"
	"cierzo/workflow"
)

func TestExecutionLeavesMemoryWhenItOnlyWaitsAndIsLoadedOnDemand(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.engine(func(c *Config) { c.IdleAfter = 5 * time.Second })
		w.openGateway()
		w.runner(1)
		w.start("outside", idOf(1), workflow.Success)
		w.pass(4 * time.Second)
		if m := w.engines[0].Metrics(); m.ExecutionsNow != 1 || m.Loads != 0 {
			t.Errorf("after 4 s: %d in memory, %d loads", m.ExecutionsNow, m.Loads)
		}
		w.pass(4 * time.Second)
		if m := w.engines[0].Metrics(); m.ExecutionsNow != 0 {
			t.Errorf("after 8 s: %d in memory", m.ExecutionsNow)
		}
		completeLater(w, idOf(1))
		if m := w.engines[0].Metrics(); m.Loads != 1 {
			t.Errorf("%d loads, want one", m.Loads)
		}
		w.pass(3 * time.Second)
		if m := w.engines[0].Metrics(); m.ExecutionsNow != 0 {
			t.Error("an execution that has ended stays in memory")
		}
	})
}

// TestNoMoreThanIdleMaxStayInMemory: those go that have waited longest, and come back when they are asked for.
func TestNoMoreThanIdleMaxStayInMemory(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const all, most = 20, 5
		w.engine(func(c *Config) { c.IdleAfter, c.IdleMax = time.Hour, most })
		w.openGateway()
		w.runner(1)
		for n := range all {
			w.start("outside", idOf(n), workflow.Success)
			w.pass(100 * time.Millisecond)
		}
		w.pass(3 * time.Second)
		if m := w.engines[0].Metrics(); m.ExecutionsNow != most || m.Loads != 0 {
			t.Errorf("%d are in memory, %d were loaded; want %d and none", m.ExecutionsNow, m.Loads, most)
		}
		for n := all - 1; n >= 0; n-- {
			completeLater(w, idOf(n))
			if m := w.engines[0].Metrics(); m.Loads != uint64(max(0, all-most-n)) {
				t.Errorf("%d were loaded for number %d and those after it; the last %d stay in memory", m.Loads, n, most)
			}
		}
	})
}

// TestExecutionsThatHaveLeftMemoryLeaveNothing: no list of the actor library's holds on to actors that have ended.
func TestExecutionsThatHaveLeftMemoryLeaveNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var system *actor.ActorSystem
		w.engine(func(c *Config) { c.IdleAfter, system = 5*time.Second, c.Actors })
		w.openGateway()
		w.runner(1)
		const all = 200
		for n := range all {
			w.start("outside_large", idOf(n), workflow.Success) // too large to leave its actor at once
		}
		w.pass(4 * time.Second)
		var actors []weak.Pointer[actor.ActorProcess]
		for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
			for name, process := range bucket.Items() {
				if p, ok := process.(*actor.ActorProcess); ok && strings.HasPrefix(name, RouterName+"/") {
					actors = append(actors, weak.Make(p))
				}
			}
		}
		if len(actors) != all {
			t.Fatalf("%d actors, want %d", len(actors), all)
		}
		w.pass(4 * time.Second)
		runtime.GC()
		left := 0
		for _, a := range actors {
			if a.Value() != nil {
				left++
			}
		}
		// Mailboxes remember who wrote to them last.
		if left > all/10 {
			t.Errorf("of %d executions that have left memory %d actors are there", all, left)
		}
		for n := range all {
			completeLater(w, idOf(n))
		}
	})
}

// TestNothingIsLostWhileAnExecutionLeavesMemory gives commands at the very moments in which executions are sent away.
func TestNothingIsLostWhileAnExecutionLeavesMemory(t *testing.T) {
	t.Parallel()
	rng := random(t)
	inWorld(t, func(w *world) {
		w.engine(func(c *Config) { c.IdleAfter = time.Nanosecond })
		w.openGateway()
		w.runner(1)
		w.start("outside", idOf(1), workflow.Success)
		w.awaitPhase(idOf(1), workflow.PhaseDeferred)
		const rounds, each = 200, 3
		for range rounds {
			var calls sync.WaitGroup
			w.pass(time.Millisecond)
			w.engines[0].root.Send(w.engines[0].router, clock{}) // asks whether it may go
			for range rng.IntN(40) {
				runtime.Gosched()
			}
			for range each {
				calls.Go(func() { w.command(idOf(1), workflow.Describe{Description: "again"}) })
			}
			calls.Wait()
		}
		if n := w.wire.count("Command"); n != rounds*each {
			t.Errorf("%d commands were sent, want each of %d once", n, rounds*each)
		}
		if n := w.engines[0].Metrics().Loads; n < rounds/20 {
			t.Errorf("it was loaded %d times in %d rounds", n, rounds)
		}
		completeLater(w, idOf(1))
	})
}

func TestRouterBuffersForAnActorThatStopsUpToItsLimit(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 0, 0)
		r := newRouter(w.engines[0].Engine)
		x := &child{stopping: true}
		r.children[idOf(1)] = x
		for range bufferMax + 10 {
			r.deliver(nil, idOf(1), &messages.ToExecution{ExecutionId: string(idOf(1))})
		}
		if len(x.buffer) != bufferMax {
			t.Errorf("%d messages are kept, want %d", len(x.buffer), bufferMax)
		}
		r.parkAll(nil)
		if x.buffer != nil {
			t.Error("a parked router keeps messages")
		}
	})
}

// only is a view in which one node owns everything.
func only(e *engineNode) *cluster.View {
	return cluster.NewView([]persistence.Node{{ID: e.ID(), Address: e.address, State: cluster.Up}})
}

func TestMessageIsForwardedAtMostTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		a, b := w.engines[0], w.engines[1]
		va, vb := *a.view.Load(), *b.view.Load()
		// Each believes that the other one owns everything.
		a.root.Send(a.router, viewChanged{a.ID(), only(b)})
		b.root.Send(b.router, viewChanged{b.ID(), only(a)})
		w.start("one", idOf(1), workflow.Success)
		// From the gateway, then once from each to the other one.
		if n := w.wire.count("StartExecution"); n != 3 {
			t.Errorf("the start was sent %d times, want 3", n)
		}
		w.awaitState(idOf(1), workflow.Success)
		a.root.Send(a.router, va)
		b.root.Send(b.router, vb)
	})
}

func TestMessageForAnotherEngineIsPassedOnUnchanged(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		a, b := w.engines[0], w.engines[1]
		id := w.owned(b, 1)
		w.start("outside", id, workflow.Success)
		w.awaitPhase(id, workflow.PhaseDeferred)
		before := a.Metrics().Forwarded
		var hops []uint32
		w.wire.obey(func(p packet) []fate {
			if m, ok := p.m.(*messages.ToExecution); ok && m.GetCommand() != nil {
				hops = append(hops, m.Hops)
			}
			return arrives()
		})
		w.wire.send("nowhere", a.address, RouterName, &messages.ToExecution{ExecutionId: string(id), Message: &messages.ToExecution_Command{
			Command: &messages.Command{Op: &messages.Command_Describe{Describe: &messages.Describe{Description: "round about"}}},
		}})
		w.pass(time.Second)
		if d := w.record(id).Description; d != "round about" || a.Metrics().Forwarded != before+1 {
			t.Errorf("description %q, forwarded %d times", d, a.Metrics().Forwarded-before)
		}
		if len(hops) != 2 || hops[0] != 0 || hops[1] != 1 {
			t.Errorf("hops %v, want 0 and then 1", hops)
		}
		completeLater(w, id)
	})
}

// TestPanicOfAnExecutionsActorStopsThatActorOnly: the next message makes it again from its rows.
func TestPanicOfAnExecutionsActorStopsThatActorOnly(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		broken := false
		w.engine(func(c *Config) {
			c.Changed = func(*workflow.Writes) {
				if broken {
					broken = false
					panic("a defect")
				}
			}
		})
		w.openGateway()
		w.runner(1)
		w.start("outside", idOf(1), workflow.Success)
		w.start("outside", idOf(2), workflow.Success)
		w.pass(time.Second)
		broken = true
		w.command(idOf(1), workflow.Describe{Description: "loud"})
		completeLater(w, idOf(1))
		completeLater(w, idOf(2))
	})
}

func TestUnknownMessagesAreOnlyNotUnderstood(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("outside", idOf(1), workflow.Success)
		e := w.engines[0]
		w.wire.send("later version", e.address, RouterName, &messages.ToExecution{ExecutionId: string(idOf(1))})
		w.wire.send("later version", e.address, RouterName, &messages.ToExecution{})
		w.wire.send("later version", e.address, RouterName, &messages.ToEngine{})
		w.wire.send("later version", w.runners[0].address, "runner-r1", &messages.ToRunner{RunnerId: "r1"})
		w.wire.send("later version", e.address, RouterName, &messages.ToExecution{
			ExecutionId: string(idOf(1)),
			Message:     &messages.ToExecution_ActionFinished{ActionFinished: &messages.ActionFinished{Kind: 99}},
		})
		w.wire.send("later version", e.address, RouterName, &messages.ToExecution{
			ExecutionId: string(idOf(1)),
			Message:     &messages.ToExecution_ControlChild{ControlChild: &messages.ControlChild{Op: "dance"}},
		})
		w.pass(time.Second)
		completeLater(w, idOf(1))
	})
}

// TestInboxIsBounded: what comes beyond the limit is dropped, for it comes again.
func TestInboxIsBounded(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 0, 0)
		e := w.engines[0]
		x := newExecution(e.Engine, idOf(1), e.ID())
		for range inboxMax + 5 {
			x.take(&messages.ToExecution{Message: &messages.ToExecution_ActionStarted{ActionStarted: &messages.ActionStarted{}}})
		}
		if len(x.inbox) != inboxMax || e.Metrics().Dropped != 5 {
			t.Errorf("%d messages wait, %d were dropped", len(x.inbox), e.Metrics().Dropped)
		}
		x.inbox = nil
		for range 5 {
			x.take(&messages.ToExecution{Message: &messages.ToExecution_Wake{Wake: &messages.Wake{}}})
		}
		if len(x.inbox) != 1 {
			t.Errorf("%d ticks wait, want one", len(x.inbox))
		}
	})
}
