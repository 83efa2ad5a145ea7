package check

import (
	"slices"
	"strings"

	"cierzo/workflow"
)

// lost: what was acknowledged exists.
func (c *Case) lost(r *report) {
	for _, op := range c.Ops {
		if op.Kind == Start && op.Answer == Done && c.Executions[op.Execution] == nil {
			r.addf(op.Execution, "its start was acknowledged, and there is no such execution")
		}
	}
}

func (c *Case) stuck(r *report) {
	for _, s := range c.Stuck {
		r.addf("", "%s", s)
	}
}

func (c *Case) repairs(r *report) {
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
			case h.Kind == "action.attempt" && h.State == workflow.Running && cancelled:
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
