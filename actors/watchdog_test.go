package actors

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"cierzo/persistence"
	"cierzo/workflow"
)

// repairs are the watchdog's events of an execution.
func (w *world) repairs(id workflow.ExecutionID) []string {
	w.t.Helper()
	list, err := w.store.History(w.t.Context(), id, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, h := range list {
		if h.Kind == "watchdog" {
			out = append(out, h.Info)
		}
	}
	return out
}

// wantRepair wants one repair of a cause in the history, and the same in the engine's count.
func (w *world) wantRepair(e *engineNode, id workflow.ExecutionID, cause workflow.Cause) {
	w.t.Helper()
	if got := w.repairs(id); len(got) != 1 || !strings.HasPrefix(got[0], string(cause)+": ") {
		w.t.Errorf("repairs %q, want one of the cause %q", got, cause)
	}
	if n := e.Metrics().Repairs[cause]; n != 1 {
		w.t.Errorf("the metric counts %d repairs of the cause %q, want 1", n, cause)
	}
}

func TestNothingIsRepairedWithoutFaults(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 2)
		for n, name := range []string{"one", "delayed", "minute", "parent"} {
			w.start(name, idOf(n), workflow.Success)
		}
		w.pass(2 * time.Minute)
		for n := range 4 {
			if got := w.repairs(idOf(n)); len(got) > 0 {
				t.Errorf("execution %d: %q", n, got)
			}
		}
	})
}

func TestLostRunnerIsRepaired(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("minute_safe", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		w.killRunner(w.runners[0])
		w.runner(1)
		w.pass(20 * time.Second)
		w.wantRepair(w.engines[0], idOf(1), workflow.CauseRunnerLost)
	})
}

func TestQueueOfADeadEngineIsRepaired(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 0, 0)
		id := w.owned(w.engines[0], 1)
		w.start("one", id, workflow.Success)
		w.kill(w.engines[0])
		w.pass(20 * time.Second)
		w.wantRepair(w.engines[1], id, workflow.CauseEngineGone)
		w.runner(1)
	})
}

func TestDelayOfADeadEngineIsRepaired(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		id := w.owned(w.engines[0], 1)
		w.define("version: '2.0'\nbriefly:\n  tasks:\n    a: {action: work, wait-before: 1}\n")
		w.start("briefly", id, workflow.Success)
		w.pass(500 * time.Millisecond)
		w.kill(w.engines[0])
		w.pass(20 * time.Second)
		w.wantRepair(w.engines[1], id, workflow.CauseOverdue)
	})
}

// outside starts an engine that keeps nothing idle in memory, and an execution that waits for somebody outside.
func (w *world) outside() *engineNode {
	e := w.engine(func(c *Config) { c.IdleAfter = time.Second })
	w.openGateway()
	w.runner(1)
	w.start("outside", idOf(1), workflow.Success)
	w.awaitPhase(idOf(1), workflow.PhaseDeferred)
	return e
}

// TestStalledExecutionIsRepaired takes the wake-up of a task out of the rows, as a defect would.
func TestStalledExecutionIsRepaired(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.outside()
		w.pass(15 * time.Second) // it leaves memory
		s, err := persistence.ActivateOne(t.Context(), w.store, idOf(1), "nobody")
		if err != nil {
			t.Fatal(err)
		}
		a := s.Actions[0]
		a.State, a.Phase, a.Accepted, a.FinishedAt = workflow.Success, workflow.PhaseDone, true, s.Execution.UpdatedAt
		a.Output = s.Data.Input
		s.Execution.Runtime.HistorySeq++
		ended := workflow.HistoryEvent{
			Seq: s.Execution.Runtime.HistorySeq, At: s.Execution.UpdatedAt, Kind: "action.state", TaskID: a.TaskID, Task: "a", ActionID: a.ID, State: a.State,
		}
		out, err := w.store.Commit(t.Context(), []persistence.Turn{{ID: idOf(1), Epoch: s.Epoch, Writes: workflow.Writes{
			Execution: s.Execution, Actions: []*workflow.ActionRecord{a}, History: []workflow.HistoryEvent{ended}, FirstTask: len(s.Tasks), FirstAction: len(s.Actions),
		}}})
		if err != nil || out[0] != persistence.Committed {
			t.Fatalf("commit: %v, %v", out, err)
		}
		w.await("repair", func() bool { return w.record(idOf(1)).State == workflow.Success })
		w.wantRepair(e, idOf(1), workflow.CauseStalled)
		w.pass(25 * time.Second)
		if n := e.Metrics().StalledNow; n != 0 {
			t.Errorf("afterwards %d executions wait for nothing", n)
		}
	})
}

// TestWatchdogReadsNoRowsOfWhatIsSettled: of an execution that has left memory and waits for somebody outside the engine knows
// that all is well, until it is another's.
func TestWatchdogReadsNoRowsOfWhatIsSettled(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.outside()
		w.await("it leaves memory", func() bool { return e.Metrics().ExecutionsNow == 0 })
		if !e.settled.has(own(e, idOf(1))) {
			t.Error("the engine doesn't know that the execution waits for somebody outside")
		}
		before := e.disk.peeked.Load()
		w.pass(35 * time.Second) // three looks
		if n := e.disk.peeked.Load() - before; n != 0 {
			t.Errorf("the watchdog has read its rows %d times", n)
		}
		completeLater(w, idOf(1))
		if e.settled.has(own(e, idOf(1))) {
			t.Error("it counts as settled after it has been loaded again")
		}
	})
}

func own(e *engineNode, id workflow.ExecutionID) persistence.Claim {
	return persistence.Claim{ID: id, Owner: e.ID()}
}

// TestWatchdogReadsOnceWhatAnotherLeft: of an engine that is gone it looks at many together, and once at those that wait for somebody outside.
func TestWatchdogReadsOnceWhatAnotherLeft(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const n = 40
		a := w.outside()
		for i := 2; i <= n; i++ {
			w.start("outside", idOf(i), workflow.Success)
			w.awaitPhase(idOf(i), workflow.PhaseDeferred)
		}
		w.kill(a)
		b := w.engine()
		w.pass(time.Minute)
		// Some before the other one's lease was over, and all after it.
		asked, read := b.disk.peeks.Load(), b.disk.peeked.Load()
		if read < n || read > 2*n || asked > 6 {
			t.Errorf("%d executions were read, by %d questions; want each of %d once or twice, by 3 or 6", read, asked, n)
		}
		if w.pass(2 * time.Minute); b.disk.peeked.Load() != read {
			t.Errorf("then %d more were read", b.disk.peeked.Load()-read)
		}
		for i := range n {
			completeLater(w, idOf(i+1))
		}
	})
}

// TestWatchdogKeepsLookingAtItsOwn: only what an engine before has left stays as the rows say it is.
func TestWatchdogKeepsLookingAtItsOwn(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.outside()
		w.await("it leaves memory", func() bool { return e.Metrics().ExecutionsNow == 0 })
		e.settled.clear()
		dog := &watchdog{e: e.Engine}
		for _, c := range []persistence.Claim{own(e, idOf(1)), {ID: idOf(1), Owner: "before"}} {
			if err := dog.examine(t.Context(), e.ID(), []persistence.Claim{c}); err != nil {
				t.Fatal(err)
			}
			if is := e.settled.has(c); is != (c.Owner == "before") {
				t.Errorf("owner %s: needn't be looked at again: %v", c.Owner, is)
			}
		}
		completeLater(w, idOf(1))
	})
}

// TestDamagedRowIsPassedOver: the watchdog comes to those behind it.
func TestDamagedRowIsPassedOver(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		a := w.outside()
		for i := 2; i <= 3; i++ {
			w.start("outside", idOf(i), workflow.Success)
			w.awaitPhase(idOf(i), workflow.PhaseDeferred)
		}
		dead := a.ID()
		w.kill(a)
		b := w.engine(func(c *Config) { c.Store.(*disk).damaged = idOf(2) })
		w.pass(time.Minute)
		for i := range 3 {
			if is := b.settled.has(persistence.Claim{ID: idOf(i + 1), Owner: dead}); is != (i != 1) {
				t.Errorf("execution %d: known to wait for somebody outside: %v", i+1, is)
			}
			completeLater(w, idOf(i+1))
		}
	})
}

// TestDeletedSubWorkflowIsRepaired: a user deletes a sub-workflow that runs; its parent doesn't wait for it for ever.
func TestDeletedSubWorkflowIsRepaired(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.define("version: '2.0'\nabove:\n  tasks:\n    a: {workflow: outside}\n")
		w.start("above", idOf(1), workflow.Error)
		w.await("child", func() bool { a := w.action(idOf(1)); return a.ChildStarted && a.Phase == workflow.PhaseChild })
		if err := w.store.DeleteExecution(t.Context(), workflow.ExecutionID(w.action(idOf(1)).ID), true); err != nil {
			t.Fatal(err)
		}
		w.pass(25 * time.Second)
		w.wantRepair(w.engines[0], idOf(1), workflow.CauseChildGone)
	})
}

// TestSettledTakesLittle: what is kept of each execution that waits for somebody outside, whether its key is a hash or a moment.
func TestSettledTakesLittle(t *testing.T) {
	const n = 20_000
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var last workflow.Key
	for name, id := range map[string]func(int) workflow.ExecutionID{
		"hash": idOf,
		"moment": func(i int) workflow.ExecutionID {
			last, _ = workflow.TimedKey(now.Add(time.Duration(i)*time.Millisecond), uint64(i), last)
			return workflow.TimedID(last, uint64(i))
		},
	} {
		t.Run(name, func(t *testing.T) {
			claims := make([]persistence.Claim, n)
			for i := range claims {
				claims[i] = persistence.Claim{ID: id(i), Owner: "me"}
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var s settled
			for _, c := range claims {
				s.set(c, true)
				s.set(c, true)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if each := float64(after.HeapAlloc-before.HeapAlloc) / n; each > 22 {
				t.Errorf("%.1f bytes for each of %d executions", each, n)
			}
			for i, c := range claims {
				if i%3 == 0 {
					s.set(c, false)
					s.set(c, false)
				}
			}
			for i, c := range claims {
				if s.has(c) != (i%3 != 0) || s.has(persistence.Claim{ID: c.ID, Owner: "another"}) {
					t.Fatalf("execution %d: %v, of another owner: %v", i, s.has(c), s.has(persistence.Claim{ID: c.ID, Owner: "another"}))
				}
			}
			s.clear()
			if s.has(claims[1]) {
				t.Error("something is left")
			}
		})
	}
}
