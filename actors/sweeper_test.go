package actors

import (
	"context"
	"testing"
	"time"

	actionrunner "cierzo/actors/runner"
	"cierzo/workflow"
)

// shortly is a context of three seconds.
func shortly(w *world) context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Second)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func TestSweeperWakesAnExecutionThatIsDueAndNotInMemory(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.engine(func(c *Config) { c.IdleAfter = time.Second })
		w.openGateway()
		w.runner(1)
		w.start("delayed", idOf(1), workflow.Success)
		w.pass(10 * time.Second)
		if n := w.engines[0].Metrics().ExecutionsNow; n != 0 {
			t.Errorf("%d executions in memory, want it gone while it waits", n)
		}
		w.pass(38 * time.Second)
		if s := w.record(idOf(1)).State; s != workflow.Running {
			t.Errorf("too early: %s", s)
		}
		w.pass(5 * time.Second)
		if s := w.record(idOf(1)).State; s != workflow.Success {
			t.Errorf("five seconds after it was due: %s", s)
		}
	})
}

// TestExecutionThatOnlyAFarMomentWillMoveLeavesMemoryAtOnce: it would be loaded again in any case; one whose moment is near stays.
func TestExecutionThatOnlyAFarMomentWillMoveLeavesMemoryAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.engine(func(c *Config) { c.IdleAfter = 30 * time.Second })
		w.openGateway()
		w.runner(1)
		w.define("version: '2.0'\nsoon:\n  tasks:\n    a: {action: work, wait-before: 20}\n")
		w.start("delayed", idOf(1), workflow.Success)
		w.start("soon", idOf(2), workflow.Success)
		w.pass(3 * time.Second)
		if m := e.Metrics(); m.ExecutionsNow != 1 || m.Loads != 0 {
			t.Errorf("%d executions in memory, want the one that is due soon; %d loads", m.ExecutionsNow, m.Loads)
		}
		w.pass(60 * time.Second)
		if m := e.Metrics(); m.Loads != 1 {
			t.Errorf("%d loads, want that of the one that has left", m.Loads)
		}
	})
}

func TestSweeperFindsTheQueuedActionsOfADeadEngine(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 0, 0)
		id := w.owned(w.engines[0], 1)
		w.start("one", id, workflow.Success)
		w.kill(w.engines[0])
		w.pass(20 * time.Second)
		if m := w.engines[1].Metrics(); m.ExecutionsNow != 1 || m.QueuedNow != 1 {
			t.Errorf("%d executions in memory, %d actions queued, want the dead engine's", m.ExecutionsNow, m.QueuedNow)
		}
		w.runner(1)
	})
}

func TestSilentRunnerIsLostOnlyAfterItsGrace(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("minute_safe", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		w.killRunner(w.runners[0])
		w.runner(1)
		w.pass(8 * time.Second)
		if a := w.action(idOf(1)); a.Attempt != 1 || w.engines[0].Metrics().RunnersLost != 0 {
			t.Errorf("after 8 s of silence: attempt %d, lost %d times", a.Attempt, w.engines[0].Metrics().RunnersLost)
		}
		w.pass(7 * time.Second)
		if a := w.action(idOf(1)); a.Attempt != 2 || a.Runner != "r2" {
			t.Errorf("after 15 s of silence: attempt %d on %s", a.Attempt, a.Runner)
		}
	})
}

func TestRunnerThatWasNeverHeardIsLostOnlyAfterItsGrace(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		id := w.owned(w.engines[0], 1)
		w.start("minute_safe", id, workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		w.killRunner(w.runners[0])
		w.kill(w.engines[0])
		late := w.engine() // has never heard the runner
		w.kill(w.engines[1])
		w.pass(12 * time.Second) // the leases end
		if n := late.Metrics().RunnersLost; n != 0 {
			t.Error("a runner is lost before anybody could have heard it")
		}
		w.await("lost", func() bool { return late.Metrics().RunnersLost > 0 })
		w.runner(1)
	})
}

func TestInnerRunnerOfADeadProcessIsLostAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		inner := func() (func(*Config), func(*actionrunner.Config)) {
			id := NewInnerRunner()
			return func(c *Config) { c.Alone, c.InnerRunner, c.LeaseTTL = true, id, 3*time.Second }, func(c *actionrunner.Config) { c.ID = string(id) }
		}
		e, r := inner()
		w.engine(e)
		w.openGateway()
		w.runner(1, r)
		w.pass(3 * time.Second) // until all know all
		w.start("minute_safe", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		w.killRunner(w.runners[0])
		w.kill(w.engines[0])
		e, r = inner()
		next := w.engine(e)
		w.runner(1, r)
		began := time.Now()
		w.await("lost", func() bool { return next.Metrics().RunnersLost > 0 })
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("after %s: a runner of another process would have 10 s, this one is gone", took)
		}
		w.await("again", func() bool { return w.action(idOf(1)).Attempt == 2 })
		if a := w.action(idOf(1)); string(a.Runner) != w.runners[1].ID() {
			t.Errorf("the second attempt is on %s", a.Runner)
		}
	})
}

func TestRunnerThatLeavesIsLostAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("minute", idOf(1), workflow.Error)
		w.await("attempt", func() bool { return w.running() == 1 })
		r := w.runners[0]
		r.dead = true
		for range 2 {
			if err := r.Stop(w.t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		w.pass(4 * time.Second)
		if s := w.record(idOf(1)).State; s != workflow.Error {
			t.Errorf("four seconds after its runner has left: %s", s)
		}
		if h := w.engines[0].Metrics().HeldNow; h != 0 {
			t.Errorf("%d slots held on a runner that is gone", h)
		}
	})
}

func TestNewRunnerAtTheSameAddressReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("minute_safe", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		old := w.runners[0]
		w.killRunner(old)
		w.runnerAt(old.address, 1, func(c *actionrunner.Config) { c.ID = "after" })
		w.pass(8 * time.Second)
		if a := w.action(idOf(1)); a.Attempt != 2 || a.Runner != "after" {
			t.Errorf("eight seconds after the restart: attempt %d on %s", a.Attempt, a.Runner)
		}
	})
}

func TestEngineThatStoodStillTakesNobodyForLost(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.engine(func(c *Config) { c.LeaseTTL = time.Hour })
		w.openGateway()
		w.runner(1)
		w.start("minute", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		s := &sweeper{e: w.engines[0].Engine}
		s.listen(true)
		w.wire.isolate(true, w.runners[0].address)
		w.pass(8 * time.Second) // for this sweeper, between two sweeps
		s.listen(true)
		if err := s.runners(w.t.Context(), w.engines[0].view.Load()); err != nil {
			t.Fatal(err)
		}
		for id, since := range s.missing {
			if time.Since(since) > time.Second {
				t.Errorf("runner %s counts as missing since %v", id, since)
			}
		}
		if len(s.missing) != 1 {
			t.Errorf("missing: %v, want the runner", s.missing)
		}
		w.wire.isolate(false, w.runners[0].address)
	})
}

// TestRunnerThatDrainsLosesNothing: what an engine gave away before it heard of it may still be on its way.
func TestRunnerThatDrainsLosesNothing(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, 100 * time.Millisecond, 900 * time.Millisecond} {
		for _, before := range []time.Duration{0, 50 * time.Millisecond, time.Second} {
			inWorld(t, func(w *world) {
				w.cluster(1, 1, 4)
				w.wire.obey(func(p packet) []fate {
					if p.kind == "RunAction" {
						return []fate{{after: delay}}
					}
					return arrives()
				})
				for i := range 6 { // two of them wait for a slot
					w.start("one", idOf(i), workflow.Success)
				}
				w.pass(before)
				r := w.runners[0]
				if err := r.Drain(w.t.Context()); err != nil {
					t.Errorf("drain: %v", err)
				}
				if err := r.Stop(w.t.Context()); err != nil {
					t.Errorf("stop: %v", err)
				}
				w.killRunner(r)
				w.runner(4)
			})
		}
	}
}

// TestIdleRunnerDrainsAtOnce: it waits for nothing when engines have nothing for it.
func TestIdleRunnerDrainsAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 4)
		began := time.Now()
		if err := w.runners[0].Drain(w.t.Context()); err != nil || time.Since(began) > 100*time.Millisecond {
			t.Errorf("drain: %v after %v", err, time.Since(began))
		}
	})
}

// TestManyThatAreDueAreWokenPageByPage: more than a page at the same moment, each loaded once, beside others that wait in memory.
func TestManyThatAreDueAreWokenPageByPage(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const due, others = 3*dueMax + 10, 10
		e := w.engine(func(c *Config) { c.IdleAfter = 20 * time.Second })
		w.openGateway()
		w.runner(100)
		for n := range due {
			w.start("delayed", idOf(n), workflow.Success)
		}
		w.pass(41 * time.Second)
		for n := range others {
			w.start("outside", idOf(due+n), workflow.Success)
		}
		w.pass(2 * time.Second)
		if m := e.Metrics(); m.ExecutionsNow != others || m.Loads != 0 {
			t.Fatalf("%d executions in memory, %d loads, want the %d that wait for somebody", m.ExecutionsNow, m.Loads, others)
		}
		w.pass(12 * time.Second)
		if m := e.Metrics(); m.Loads != due || m.Ended != due {
			t.Errorf("%d loads, %d ended, want %d", m.Loads, m.Ended, due)
		}
		for n := range others {
			completeLater(w, idOf(due+n))
		}
	})
}
