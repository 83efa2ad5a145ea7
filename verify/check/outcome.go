package check

import (
	"strings"

	"cierzo/expr/value"
	"cierzo/workflow"
)

// outcomes: each action's outcome is one that somebody produced for that attempt, and what may not be repeated wasn't.
func (c *Case) outcomes(r *report) {
	runs := map[workflow.ActionID][]*Run{}
	for _, run := range c.Runs {
		runs[workflow.ActionID(run.Action)] = append(runs[workflow.ActionID(run.Action)], run)
	}
	outside := map[workflow.ActionID][]Op{}
	for _, op := range c.Ops {
		if op.Kind == Complete && op.Answer != Refused {
			outside[op.Action] = append(outside[op.Action], op)
		}
	}
	for _, x := range c.sorted() {
		granted := map[workflow.ActionID]int{}
		for _, h := range x.History {
			if h.Kind == "action.attempt" && h.State == workflow.Running {
				granted[h.ActionID]++
			}
		}
		for _, a := range x.Actions {
			r.checked++
			if a.Kind == workflow.KindWorkflow {
				c.child(r, x, a)
				continue
			}
			c.expected(r, x, a)
			c.attempts(r, x, a, runs[a.ID], granted[a.ID])
			c.outcome(r, x, a, runs[a.ID], outside[a.ID])
		}
	}
	for id, list := range runs {
		run := list[0]
		x := c.Executions[workflow.ExecutionID(run.Execution)]
		if x == nil || !x.hasAction(id) {
			r.addf(workflow.ExecutionID(run.Execution), "action %s of task %s was run, and the store doesn't know it", id, run.Task)
		}
	}
}

// expected compares a result with the only one that is right.
func (c *Case) expected(r *report, x *Execution, a *workflow.ActionRecord) {
	want, known := c.Expected[a.ID]
	if known && a.State == workflow.Success && !value.Equal(resultOf(a), want) {
		r.addf(x.ID, "action %s of task %s has the result %s, it should be %s", a.ID, x.taskName(a.TaskID), value.Str(resultOf(a)), value.Str(want))
	}
}

func (x *Execution) hasAction(id workflow.ActionID) bool {
	for _, a := range x.Actions {
		if a.ID == id {
			return true
		}
	}
	return false
}

// attempts compares the runs of an action with the attempts that were granted.
func (c *Case) attempts(r *report, x *Execution, a *workflow.ActionRecord, runs []*Run, granted int) {
	if granted > 0 && granted != a.Attempt {
		r.addf(x.ID, "action %s is at attempt %d, its history has %d", a.ID, a.Attempt, granted)
	}
	byAttempt := map[int]int{}
	for _, run := range runs {
		byAttempt[run.Attempt]++
		if run.Attempt < 1 || run.Attempt > granted {
			r.addf(x.ID, "attempt %d of action %s was run, and never committed", run.Attempt, a.ID)
		}
	}
	if !a.SafeRerun && len(runs) > 1 {
		r.addf(x.ID, "action %s isn't safe to repeat and was run %d times, as attempts %v", a.ID, len(runs), byAttempt)
	}
}

// engineTexts are the results that engine and runner give by themselves.
var engineTexts = []string{"runner lost", "was stopped at its deadline", "cancelled itself"}

// outcome looks for the origin of an action's result.
func (c *Case) outcome(r *report, x *Execution, a *workflow.ActionRecord, runs []*Run, outside []Op) {
	if !a.State.Final() || a.State == workflow.Cancelled || a.Name == "std.noop" || a.Output == nil {
		return
	}
	result := resultOf(a)
	text, ok := tokenOf(result)
	if !ok {
		if len(outside) == 0 && !c.Partial {
			r.addf(x.ID, "action %s has the result %s, which nobody produced", a.ID, value.Str(result))
		}
		return
	}
	want := Failed
	if a.State == workflow.Success {
		want = Succeeded
	}
	for _, run := range runs {
		if run.Result == string(text) && run.Kind == want {
			if run.Attempt != a.Attempt {
				r.addf(x.ID, "action %s is at attempt %d and has the result of attempt %d", a.ID, a.Attempt, run.Attempt)
			}
			return
		}
	}
	for _, op := range outside {
		if op.Token == string(text) && op.State == a.State {
			return
		}
	}
	if a.State == workflow.Error {
		for _, t := range engineTexts {
			if strings.Contains(string(text), t) {
				return
			}
		}
	}
	if !c.Partial || a.Async {
		r.addf(x.ID, "action %s (task %s, attempt %d) is %s with the result %q, which nobody produced: runs %s", a.ID, x.taskName(a.TaskID), a.Attempt, a.State, text, describe(runs))
	}
}

// tokenOf is the token that a result is, or has as its "token": users give objects only.
func tokenOf(result value.Value) (value.String, bool) {
	if d, ok := result.(*value.Dict); ok {
		result, _ = d.GetString("token")
	}
	text, ok := result.(value.String)
	return text, ok
}

func describe(runs []*Run) string {
	var b strings.Builder
	for _, run := range runs {
		b.WriteString("[" + run.Token() + " " + run.Kind + "]")
	}
	return b.String()
}

func (x *Execution) taskName(id workflow.TaskID) string {
	for _, t := range x.Tasks {
		if t.ID == id {
			return t.Name
		}
	}
	return ""
}

// child compares the action that stands for a sub-workflow with the sub-workflow.
func (c *Case) child(r *report, x *Execution, a *workflow.ActionRecord) {
	child := c.Executions[workflow.ExecutionID(a.ID)]
	switch {
	case child == nil && a.State == workflow.Success:
		r.addf(x.ID, "sub-workflow %s has succeeded and doesn't exist", a.ID)
	case child == nil:
	case child.ParentID != x.ID:
		r.addf(x.ID, "sub-workflow %s belongs to %q", a.ID, child.ParentID)
	case a.State == workflow.Success && child.State != workflow.Success,
		a.State == workflow.Error && child.State == workflow.Success && !c.mayRevive(child):
		r.addf(x.ID, "sub-workflow %s is %s, and %s for its parent", a.ID, child.State, a.State)
	}
}

func resultOf(a *workflow.ActionRecord) value.Value {
	if d, ok := a.Output.(*value.Dict); ok {
		if v, ok := d.GetString("result"); ok {
			return v
		}
	}
	return value.Null{}
}
