package check

import (
	"maps"
	"slices"
	"strings"

	"cierzo/workflow"
)

// lost: what was acknowledged exists.
func (c *Case) lost(r *report) {
	for _, op := range c.Ops {
		if op.Kind != Start || op.Answer != Done {
			continue
		}
		r.checked++
		if c.Executions[op.Execution] == nil {
			r.addf(op.Execution, "its start was acknowledged, and there is no such execution")
		}
	}
}

// doubles: a start that was asked for once, however often it was sent, has begun one execution at most.
func (c *Case) doubles(r *report) {
	c.repeated(r)
	for _, request := range slices.Sorted(maps.Keys(c.Made)) {
		r.checked++
		if ids := c.Made[request]; len(ids) > 1 {
			r.addf(ids[0], "the request %s has started %d executions: %v", request, len(ids), ids)
		}
	}
}

// The same of commands: one that was carried out is answered so, whenever it comes again.
func (c *Case) repeated(r *report) {
	for _, op := range c.Again {
		r.checked++
		if op.Answer == Refused {
			r.addf(op.Execution, "%s %s was done, and refused when it came again under the same key: %s", op.Kind, op.State, op.Error)
		}
	}
}

// seen: what users were shown of a history is still there in the end, word for word.
func (c *Case) seen(r *report) {
	for _, id := range slices.Sorted(maps.Keys(c.Seen)) {
		x := c.Executions[id]
		if x == nil {
			continue // lost says so
		}
		for _, h := range c.Seen[id] {
			r.checked++
			if h.Seq < 1 || h.Seq > uint64(len(x.History)) {
				r.addf(id, "event %d was shown, and the history ends at %d", h.Seq, len(x.History))
				continue
			}
			is := x.History[h.Seq-1]
			if is.Kind != h.Kind || is.State != h.State || is.TaskID != h.TaskID || is.ActionID != h.ActionID || !is.At.Equal(h.At) {
				r.addf(id, "event %d was %s %s of %s, and is %s %s of %s", h.Seq, h.Kind, h.State, h.Task, is.Kind, is.State, is.Task)
			}
		}
	}
}

func (c *Case) stuck(r *report) {
	r.checked = len(c.Executions)
	for _, s := range c.Stuck {
		r.addf("", "%s", s)
	}
}

func (c *Case) repairs(r *report) {
	r.checked = len(c.Executions)
	for _, s := range c.Repairs {
		r.addf("", "%s", s)
	}
}

// history: the events are a gapless account of how each state came to be.
func (c *Case) history(r *report) {
	for _, x := range c.sorted() {
		c.account(r, x)
	}
}

// account folds an execution's events and compares the end with its rows.
func (c *Case) account(r *report, x *Execution) {
	state := workflow.State("")
	tasks, actions := map[workflow.TaskID]workflow.State{}, map[workflow.ActionID]workflow.State{}
	revived := c.mayRevive(x)
	for i, h := range x.History {
		r.checked++
		if h.Seq != uint64(i+1) {
			r.addf(x.ID, "event %d has the number %d", i+1, h.Seq)
			return
		}
		switch h.Kind {
		case "execution.state":
			if !executionMove(state, h.State, revived) {
				r.addf(x.ID, "event %d: it goes from %s to %s", h.Seq, state, h.State)
			}
			state = h.State
		case "task.state":
			if old := tasks[h.TaskID]; old.Final() && !revived && !taskMove(old, h.State) {
				r.addf(x.ID, "event %d: task %s goes from %s to %s", h.Seq, h.Task, old, h.State)
			}
			tasks[h.TaskID] = h.State
		case "action.state":
			old := actions[h.ActionID]
			if old.Final() && (!revived || h.State.Final()) {
				r.addf(x.ID, "event %d: action %s of task %s goes from %s to %s", h.Seq, h.ActionID, h.Task, old, h.State)
			}
			actions[h.ActionID] = h.State
		}
	}
	if state != x.State {
		r.addf(x.ID, "it is %s, its history says %s", x.State, state)
	}
	for _, t := range x.Tasks {
		if tasks[t.ID] != t.State {
			r.addf(x.ID, "task %s is %s, the history says %s", t.Name, t.State, tasks[t.ID])
		}
	}
	for _, a := range x.Actions {
		if actions[a.ID] != a.State {
			r.addf(x.ID, "action %s is %s, the history says %s", a.ID, a.State, actions[a.ID])
		}
	}
	if len(tasks) != len(x.Tasks) || len(actions) != len(x.Actions) {
		r.addf(x.ID, "it has %d tasks and %d actions, its history %d and %d", len(x.Tasks), len(x.Actions), len(tasks), len(actions))
	}
}

// executionMove reports whether there is such a way; what is final is left only where a user has asked for it.
func executionMove(from, to workflow.State, revived bool) bool {
	switch from {
	case "":
		return to == workflow.Idle || to == workflow.Running || to.Final()
	case workflow.Idle:
		return to != workflow.Idle
	case workflow.Running:
		return to == workflow.Paused || to.Final()
	case workflow.Paused:
		return to == workflow.Running || to.Final()
	case workflow.Error, workflow.Cancelled:
		return to == workflow.Running && revived
	}
	return false
}

// taskMove reports whether a task's policies may take an end back: they wait, run it again, or make a failure of a success.
func taskMove(from, to workflow.State) bool {
	return from == to || to == workflow.Delayed || to == workflow.Waiting || from == workflow.Success && to == workflow.Error
}

// mayRevive reports whether a rerun or skip was carried out in the execution or below it.
func (c *Case) mayRevive(x *Execution) bool {
	if slices.ContainsFunc(x.History, func(h workflow.HistoryEvent) bool {
		return h.Kind == "command" && (h.Info == "rerun" || h.Info == "skip")
	}) {
		return true
	}
	for _, a := range x.Actions {
		if child := c.Executions[workflow.ExecutionID(a.ID)]; child != nil && a.Kind == workflow.KindWorkflow && c.mayRevive(child) {
			return true
		}
	}
	return false
}

// commanded reports whether a command with that prefix was carried out.
func (x *Execution) commanded(prefix string) bool {
	return slices.ContainsFunc(x.History, func(h workflow.HistoryEvent) bool {
		return h.Kind == "command" && strings.HasPrefix(h.Info, prefix)
	})
}

// grants: from a cancel on, nothing of the execution is granted, unless a user sets it going again.
func (c *Case) grants(r *report) {
	for _, x := range c.sorted() {
		cancelled := false
		for _, h := range x.History {
			switch {
			case h.Kind == "execution.state":
				cancelled = h.State == workflow.Cancelled
			case h.Kind != "action.attempt" || h.State != workflow.Running:
			case !cancelled:
				r.checked++
			default:
				r.checked++
				r.addf(x.ID, "event %d: action %s was granted after the cancel", h.Seq, h.ActionID)
			}
		}
	}
	for _, op := range c.Ops {
		x := c.Executions[op.Execution]
		if op.Kind != Stop || op.State != workflow.Cancelled || op.Answer != Done || x == nil || c.mayRevive(x) {
			continue
		}
		if !x.State.Final() {
			r.addf(op.Execution, "its cancel was acknowledged, and it is %s", x.State)
		}
		for _, g := range c.Grants {
			if g.Execution == op.Execution && g.At > op.Return && x.State == workflow.Cancelled {
				r.addf(op.Execution, "action %s was granted %s after the cancel was acknowledged", g.Action, g.At-op.Return)
			}
		}
	}
}
