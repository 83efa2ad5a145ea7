package workflow

import "cierzo/internal/invariant"

// check holds the formulas of the state. It is costly and runs in builds with the tag "invariants" only.
func (e *Execution) check() {
	open := 0
	for i, t := range e.tasks {
		invariant.Check(t.Seq == i, "task %s has number %d at place %d", t.ID, t.Seq, i)
		invariant.Check(t.State.Final() == !t.FinishedAt.IsZero(), "task %s is %s, finished at %v", t.ID, t.State, t.FinishedAt)
		invariant.Check(t.State != Delayed || !t.Runtime.WakeAt.IsZero(), "task %s is delayed without an end", t.ID)
		if !t.State.Final() {
			open++
		}
	}
	invariant.Check(open == e.open, "execution %s: %d open tasks, counted %d", e.rec.ID, open, e.open)
	for i, a := range e.actions {
		invariant.Check(a.Seq == i, "action %s has number %d at place %d", a.ID, a.Seq, i)
		invariant.Check(a.State.Final() == (a.Phase == PhaseDone), "action %s is %s in phase %d", a.ID, a.State, a.Phase)
		invariant.Check(a.Phase != PhaseDispatched || (a.Runner != "" && a.Attempt > 0), "action %s is dispatched to %q as attempt %d", a.ID, a.Runner, a.Attempt)
		invariant.Check(!a.Accepted || a.State.Final(), "action %s is accepted and %s", a.ID, a.State)
	}
	told := 0
	for _, a := range e.actions {
		if a.told {
			told++
		}
		invariant.Check(!a.told || !a.heldBack && e.mustTell(a), "sub-workflow %s is %s in phase %d and counted among those that are told something", a.ID, a.State, a.Phase)
		invariant.Check(a.stirred || (a.place > 0) == (!a.State.Final() && e.outstanding(a)), "action %s is %s in phase %d: its place in the outbox is %d", a.ID, a.State, a.Phase, a.place)
		invariant.Check(a.place == 0 || e.outbox[a.place-1] == a && !e.outbox.Less(a.place-1, (a.place-2)/2), "action %s isn't at its place in the outbox", a.ID)
	}
	invariant.Check(told == e.told, "execution %s: %d sub-workflows are told something, counted %d", e.rec.ID, told, e.told)
	invariant.Check(len(e.heldBack) == 0 || told > 0, "execution %s: %d sub-workflows are held back, and none is told anything", e.rec.ID, len(e.heldBack))
	invariant.Check(e.rec.State.Final() == (e.data.Output != nil), "execution %s is %s, has output: %v", e.rec.ID, e.rec.State, e.data.Output != nil)
	if e.rec.State == Running && e.open > 0 {
		e.checkProgress()
	}
}

// checkProgress: a running execution with open tasks has something that will move it.
func (e *Execution) checkProgress() {
	if !e.rec.WakeAt.IsZero() || len(e.ready) > 0 {
		return
	}
	for _, a := range e.actions {
		if !a.State.Final() {
			return
		}
	}
	invariant.Unreachable("execution %s is RUNNING with %d open tasks and waits for nothing", e.rec.ID, e.open)
}
