package workflow

import (
	"slices"
	"time"
)

// When an execution may leave memory, and what it is then.

// Idle reports whether the execution may leave memory: nothing waits for a Flush, a slot or the next moment.
func (e *Execution) Idle() bool {
	return e.atRest() && len(e.Wants(1)) == 0
}

// Queued reports whether only a slot keeps the execution from being idle. It may leave memory when the queue keeps what it wants.
func (e *Execution) Queued() bool {
	return e.atRest() && len(e.Wants(1)) > 0
}

func (e *Execution) atRest() bool { return !e.pending() && len(e.ready) == 0 }

// Dormant reports whether the execution may leave memory at once: it is over, and nobody has still to hear of it; or only a user,
// or a moment after this one, will move it, for nothing of it runs anywhere.
func (e *Execution) Dormant(at time.Time) bool {
	if !e.Idle() {
		return false
	}
	if e.rec.WakeAt.IsZero() {
		return e.rec.State.Final() && !e.rec.ParentPending
	}
	return e.rec.WakeAt.After(at) && !slices.ContainsFunc(e.live, func(t *task) bool { return t.active > 0 })
}

// foldedParts bounds the tasks and actions of what is folded: to fold and to unfold takes the time of all of them.
const foldedParts = 16

// Foldable reports whether the execution is small, and waits for somebody outside, or for a moment after this one: nothing of it is on
// a runner, or on its way to somebody, so that it may be kept as its rows (see Rows) until then.
func (e *Execution) Foldable(at time.Time) bool {
	return !e.rec.State.Final() && len(e.tasks)+len(e.actions) <= foldedParts && (e.rec.WakeAt.IsZero() || e.rec.WakeAt.After(at)) &&
		!slices.ContainsFunc(e.actions, func(a *action) bool {
			return !a.State.Final() && (a.Phase == PhaseDispatched || a.Phase == PhaseChild)
		}) && e.Idle()
}

// Rows are what Load makes the same execution of. They must not be changed, and are good until the next step.
func (e *Execution) Rows() (*ExecutionRecord, *ExecutionData, []*TaskRecord, []*ActionRecord) {
	tasks, actions := e.parts()
	return &e.rec, &e.data, tasks, actions
}

// Program is what the execution runs.
func (e *Execution) Program() *Program { return e.program }

func (e *Execution) parts() ([]*TaskRecord, []*ActionRecord) {
	tasks, actions := make([]*TaskRecord, len(e.tasks)), make([]*ActionRecord, len(e.actions))
	for i, t := range e.tasks {
		tasks[i] = &t.TaskRecord
	}
	for i, a := range e.actions {
		actions[i] = &a.ActionRecord
	}
	return tasks, actions
}

func (e *Execution) pending() bool {
	return e.create || e.recDirty || e.dataDirty || len(e.dirtyT) > 0 || len(e.dirtyA) > 0 ||
		len(e.history) > 0 || len(e.sends) > 0 || len(e.resend) > 0 || e.parentDue
}
