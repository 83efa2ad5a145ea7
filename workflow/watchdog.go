package workflow

import (
	"fmt"
	"strings"
	"time"

	"cierzo/expr/value"
)

// The watchdog: what had to be set going by somebody else than the message or the moment that should have done it. Each
// repair is an event of the history, of the kind "watchdog", whose Info is its cause, a colon and what it was about.

// Cause is why something had to be repaired.
type Cause string

// The causes.
const (
	// CauseRunnerLost: a runner that held an attempt is gone.
	CauseRunnerLost Cause = "runner lost"
	// CauseEngineGone: the engine is gone that had the queued actions in its memory.
	CauseEngineGone Cause = "engine gone"
	// CauseOverdue: a moment had come LateMax ago or longer, and nothing had happened: the engine was gone, or stood still.
	CauseOverdue Cause = "overdue"
	// CauseStalled: the execution waited for nothing, and would have for ever. That is a defect of cierzo.
	CauseStalled Cause = "waits for nothing"
	// CauseChildGone: a sub-workflow was waited for that isn't there any more.
	CauseChildGone Cause = "sub-workflow gone"
)

// Causes lists all causes.
func Causes() []Cause {
	return []Cause{CauseRunnerLost, CauseEngineGone, CauseOverdue, CauseStalled, CauseChildGone}
}

// repairKind is the kind of the events of repairs.
const repairKind = "watchdog"

// Repair gives the cause of a repair; false: the event isn't one.
func (h *HistoryEvent) Repair() (Cause, bool) {
	cause, _, _ := strings.Cut(h.Info, ":")
	return Cause(cause), h.Kind == repairKind
}

// LateMax is how late the work of a moment may begin before that counts as repaired. A sweep comes each second.
const LateMax = 5 * time.Second

// repaired records a repair; t and a may be nil.
func (e *Execution) repaired(c Cause, t *task, a *action, format string, args ...any) {
	h := HistoryEvent{Kind: repairKind, State: e.rec.State, Info: string(c) + ": " + fmt.Sprintf(format, args...)}
	if t != nil {
		h.TaskID, h.Task = t.ID, t.Name
	}
	if a != nil {
		h.ActionID = a.ID
	}
	e.record(h)
}

// checkLate records that what was due is done too late.
func (e *Execution) checkLate() {
	at := e.rec.WakeAt
	if !at.IsZero() && at.Before(e.rec.UpdatedAt) {
		at = e.rec.UpdatedAt // a resume has made it due: its moment came while the execution was paused
	}
	if !at.IsZero() && e.now.Sub(at) > LateMax && e.lateAt.IsZero() {
		e.lateAt = at
		e.repaired(CauseOverdue, nil, nil, "it was due %s ago, and nobody had looked at it", e.now.Sub(at).Round(100*time.Millisecond))
	} else if at.After(e.now) {
		e.lateAt = time.Time{}
	}
}

// Stalled looks in an execution's rows for what will never happen: it runs, and has a task that no message and no moment
// will move. why is "" when all is well; children are the sub-workflows that it waits for, which may be gone themselves.
func Stalled(rec *ExecutionRecord, tasks []*TaskRecord, actions []*ActionRecord) (why string, children []ActionID) {
	if rec.State != Running || !rec.WakeAt.IsZero() || rec.Wanting || len(rec.Runners) > 0 {
		return "", nil
	}
	open := map[TaskID]bool{}
	for _, a := range actions {
		if a.State.Final() {
			continue
		}
		switch a.Phase {
		case PhaseDeferred:
		case PhaseChild:
			children = append(children, a.ID)
		default:
			return fmt.Sprintf("action %s is in phase %d, and neither in line nor on a runner", a.ID, a.Phase), nil
		}
		open[a.TaskID] = true
	}
	waiting := ""
	for _, t := range tasks {
		switch {
		case t.State.Final() || open[t.ID]:
		case t.State == Waiting:
			if waiting == "" {
				waiting = fmt.Sprintf("join %s waits, and nothing is under way that could lead to it", t.Name)
			}
		case t.State == Idle && t.Runtime.PausedBefore:
		default:
			return fmt.Sprintf("task %s is %s, and nothing is under way for it", t.Name, t.State), nil
		}
	}
	if len(open) > 0 {
		return "", children
	}
	if waiting == "" {
		waiting = "all its tasks have ended"
	}
	return waiting, nil
}

// Settled reports whether the execution waits for somebody outside, and for nobody else: no look at its rows would find that it
// is stalled, as long as they stay as they are.
func (e *Execution) Settled() bool {
	if e.rec.State != Running || !e.rec.WakeAt.IsZero() {
		return false
	}
	tasks, actions := e.parts()
	why, children := Stalled(&e.rec, tasks, actions)
	return why == "" && len(children) == 0
}

// restart sets an execution going that waits for nothing. Loading has put tasks that can start in line, and joins; what is
// left are tasks that haven't heard of the end of their last action.
func (e *Execution) restart() error {
	if e.stalled == "" || e.rec.Runtime.WatchTurn == e.rec.Turns && e.rec.Turns > 0 {
		return nil // that was tried before, and nothing has happened since
	}
	e.rec.Runtime.WatchTurn, e.recDirty = e.rec.Turns+1, true
	e.repaired(CauseStalled, nil, nil, "%s", e.stalled)
	e.stalled = ""
	for _, t := range e.tasks {
		if t.State.Final() || t.active > 0 || len(t.actions) == 0 {
			continue
		}
		if err := e.onActionDone(t.actions[len(t.actions)-1]); err != nil {
			return err
		}
	}
	return nil
}

// childGone ends the wait for a sub-workflow that isn't there any more.
func (e *Execution) childGone(id ActionID) error {
	a := e.action(id)
	if a == nil || a.Kind != KindWorkflow || a.State.Final() {
		return nil
	}
	e.repaired(CauseChildGone, a.task, a, "the execution of %s was deleted", a.Name)
	return e.actionDone(a, Outcome{Kind: OutcomeError, Value: value.String("The sub-workflow execution was deleted.")})
}
