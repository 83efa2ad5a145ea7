package check_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/verify/check"
	"cierzo/workflow"
)

const definition = `
version: '2.0'
good:
  tasks:
    first:
      action: std.noop
      retry: {count: 1, delay: 0}
      on-success: [many, meet]
    many:
      with-items: i in [1, 2]
      concurrency: 1
      action: std.echo output=<% $.i %>
      on-success: meet
    meet:
      join: all
      action: std.echo output=1
`

// good is a case in which every promise was kept; its execution has a task, two items of another and a join of both.
func good(t *testing.T) (*check.Case, *check.Execution) {
	t.Helper()
	doc, diagnostics := dsl.Parse("good.yaml", []byte(definition))
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	x := &check.Execution{
		ExecutionRecord: &workflow.ExecutionRecord{ID: "x", WorkflowName: "good", State: workflow.Success},
		Data:            &workflow.ExecutionData{}, Definition: doc.Workflows[0],
	}
	c := &check.Case{Executions: map[workflow.ExecutionID]*check.Execution{"x": x}, Slots: 1}
	c.Ops = []check.Op{
		{Execution: "x", Kind: check.Start, Call: second(0), Return: second(1), Answer: check.Done},
		{Execution: "x", Kind: check.Get, State: workflow.Running, Call: second(1), Return: second(2), Answer: check.Done},
		{Execution: "x", Kind: check.Get, State: workflow.Success, Call: second(50), Return: second(51), Answer: check.Done},
	}
	note(x, workflow.HistoryEvent{Kind: "execution.state", State: workflow.Running})
	first := task(c, x, "first", -1, 1)
	many := task(c, x, "many", 2, 2, workflow.Trigger{TaskID: first.ID, Event: "on-success"})
	task(c, x, "meet", -1, 1, workflow.Trigger{TaskID: first.ID, Event: "on-success"}, workflow.Trigger{TaskID: many.ID, Event: "on-success"})
	note(x, workflow.HistoryEvent{Kind: "execution.state", State: workflow.Success})
	return c, x
}

func second(n int) time.Duration { return time.Duration(n) * time.Second }

func note(x *check.Execution, h workflow.HistoryEvent) {
	h.Seq = uint64(len(x.History) + 1)
	x.History = append(x.History, h)
}

// task adds a task that ran its actions one after the other, with success.
func task(c *check.Case, x *check.Execution, name string, items, actions int, by ...workflow.Trigger) *workflow.TaskRecord {
	t := &workflow.TaskRecord{ID: workflow.TaskID("t-" + name), Name: name, Seq: len(x.Tasks), State: workflow.Success, TriggeredBy: by}
	t.Runtime.ItemCount = items
	x.Tasks = append(x.Tasks, t)
	note(x, workflow.HistoryEvent{Kind: "task.state", TaskID: t.ID, Task: name, State: workflow.Running})
	for i := range actions {
		run(c, x, t, i)
	}
	note(x, workflow.HistoryEvent{Kind: "task.state", TaskID: t.ID, Task: name, State: workflow.Success})
	return t
}

// run adds an action that a runner ran once.
func run(c *check.Case, x *check.Execution, t *workflow.TaskRecord, index int) {
	id := workflow.ActionID(fmt.Sprintf("%s.%d", t.Name, index))
	h := workflow.HistoryEvent{TaskID: t.ID, Task: t.Name, ActionID: id, State: workflow.Running}
	for _, kind := range []string{"action.state", "action.attempt"} {
		h.Kind = kind
		note(x, h)
	}
	h.Kind, h.State = "action.state", workflow.Success
	note(x, h)
	began := second(2 * (len(c.Runs) + 1))
	r := &check.Run{
		Execution: "x", Action: string(id), Attempt: 1, Runner: "r", Task: t.Name, Index: index, No: 1,
		Began: began, Ended: began + second(1), Kind: check.Succeeded,
	}
	r.Result = r.Token()
	c.Runs = append(c.Runs, r)
	output := value.NewDict(1)
	output.SetString("result", value.String(r.Result))
	x.Actions = append(x.Actions, &workflow.ActionRecord{
		ID: id, ExecutionID: "x", TaskID: t.ID, Name: "std.echo", Kind: workflow.KindAction, Seq: len(x.Actions), Index: index,
		State: workflow.Success, Accepted: true, Output: output, Attempt: 1, Runner: "r",
	})
}

func TestGoodCase(t *testing.T) {
	t.Parallel()
	c, _ := good(t)
	for _, v := range c.All() {
		t.Error(v)
	}
}

// TestRefused breaks one promise of the good case at a time: the checker that is there for it must say so.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]struct {
		how     func(*check.Case, *check.Execution)
		checker string
		want    string
	}{
		"execution is gone": {func(c *check.Case, _ *check.Execution) { delete(c.Executions, "x"); c.Runs = nil }, "lost", "no such execution"},

		"started twice": {func(c *check.Case, _ *check.Execution) {
			c.Made = map[string][]workflow.ExecutionID{"a request": {"x", "y"}}
		}, "double", "has started 2 executions"},
		"command that isn't known again": {func(c *check.Case, _ *check.Execution) {
			c.Again = []check.Op{{Execution: "x", Kind: check.Rerun, Answer: check.Refused}}
		}, "double", "was done, and refused"},
		"shown and gone": {func(c *check.Case, x *check.Execution) {
			c.Seen = map[workflow.ExecutionID][]workflow.HistoryEvent{"x": {{Seq: uint64(len(x.History) + 1), Kind: "task.state"}}}
		}, "seen", "was shown, and the history ends"},
		"shown and changed": {func(c *check.Case, x *check.Execution) {
			h := x.History[1]
			h.State = workflow.Error
			c.Seen = map[workflow.ExecutionID][]workflow.HistoryEvent{"x": {h}}
		}, "seen", "event 2 was task.state ERROR"},
		"asynchronous result of nobody": {func(c *check.Case, x *check.Execution) {
			x.Actions[0].Async, c.Runs, c.Partial = true, c.Runs[1:], true
		}, "outcome", "which nobody produced"},
		"another result": {func(c *check.Case, x *check.Execution) {
			c.Expected = map[workflow.ActionID]value.Value{x.Actions[0].ID: value.Int(7)}
		}, "outcome", "it should be 7"},

		"gap": {func(_ *check.Case, x *check.Execution) { x.History[3].Seq = 9 }, "history", "event 4 has the number 9"},
		"second end": {func(_ *check.Case, x *check.Execution) {
			note(x, workflow.HistoryEvent{Kind: "execution.state", State: workflow.Error})
			x.State = workflow.Error
		}, "history", "from SUCCESS to ERROR"},
		"task goes back": {func(_ *check.Case, x *check.Execution) {
			note(x, workflow.HistoryEvent{Kind: "task.state", TaskID: "t-first", Task: "first", State: workflow.Running})
			x.Tasks[0].State = workflow.Running
		}, "history", "task first goes from SUCCESS to RUNNING"},
		"action ends twice": {func(_ *check.Case, x *check.Execution) {
			note(x, workflow.HistoryEvent{Kind: "action.state", TaskID: "t-first", ActionID: "first.0", State: workflow.Success})
		}, "history", "from SUCCESS to SUCCESS"},
		"row and history differ": {func(_ *check.Case, x *check.Execution) { x.Actions[0].State = workflow.Error }, "history", "the history says SUCCESS"},

		"result of nobody": {func(c *check.Case, _ *check.Execution) { c.Runs[0].Result = "another" }, "outcome", "which nobody produced"},
		"result of an old attempt": {func(_ *check.Case, x *check.Execution) {
			x.Actions[0].Attempt = 2
			x.Actions[0].SafeRerun = true
		}, "outcome", "has the result of attempt 1"},
		"unsafe action runs twice": {func(c *check.Case, _ *check.Execution) {
			again := *c.Runs[0]
			again.No, again.Began, again.Ended = 2, second(40), second(41)
			c.Runs = append(c.Runs, &again)
		}, "outcome", "isn't safe to repeat and was run 2 times"},
		"run that was never committed": {func(c *check.Case, _ *check.Execution) { c.Runs[0].Attempt = 2 }, "outcome", "was run, and never committed"},
		"run of an unknown action":     {func(c *check.Case, _ *check.Execution) { c.Runs[0].Action = "strange" }, "outcome", "the store doesn't know it"},
		"sub-workflow that isn't there": {func(_ *check.Case, x *check.Execution) {
			x.Actions[0].Kind = workflow.KindWorkflow
		}, "outcome", "has succeeded and doesn't exist"},

		"attempt after the cancel": {func(_ *check.Case, x *check.Execution) {
			x.State = workflow.Cancelled
			x.History[len(x.History)-1].State = workflow.Cancelled
			note(x, workflow.HistoryEvent{Kind: "action.attempt", ActionID: "meet.0", State: workflow.Running})
		}, "grant", "was granted after the cancel"},
		"grant after the cancel": {func(c *check.Case, x *check.Execution) {
			x.State = workflow.Cancelled
			c.Ops = append(c.Ops, check.Op{Execution: "x", Kind: check.Stop, State: workflow.Cancelled, Call: second(20), Return: second(21), Answer: check.Done})
			c.Grants = []check.Grant{{Execution: "x", Action: "meet.0", At: second(22)}}
		}, "grant", "1s after the cancel was acknowledged"},

		"task too few": {func(_ *check.Case, x *check.Execution) { x.Tasks = x.Tasks[:2] }, "graph", "join meet never came"},
		"task too many": {func(_ *check.Case, x *check.Execution) {
			again := *x.Tasks[1]
			again.ID, again.Seq = "t-again", 3
			x.Tasks = append(x.Tasks, &again)
		}, "graph", "was caused 2 times by on-success"},
		"cause that didn't happen": {func(_ *check.Case, x *check.Execution) { x.Tasks[1].TriggeredBy[0].Event = "on-error" }, "graph", "was caused by on-error"},
		"join too early": {func(_ *check.Case, x *check.Execution) {
			x.Tasks[1].State = workflow.Error
		}, "graph", "only 1 lead to it"},
		"item without a result": {func(_ *check.Case, x *check.Execution) { x.Actions[2].Accepted = false }, "graph", "its item 1 has no result"},
		"item with two results": {func(_ *check.Case, x *check.Execution) { x.Actions[2].Index = 0 }, "graph", "item 0 of task many has 2 results"},
		"success is tried again": {func(_ *check.Case, x *check.Execution) {
			again := *x.Actions[0]
			again.ID = "first.again"
			x.Actions = append(x.Actions, &again)
		}, "graph", "was tried again after its action"},
		"failure ends well": {func(_ *check.Case, x *check.Execution) {
			x.Tasks[2].State, x.Actions[3].State = workflow.Error, workflow.Error
		}, "graph", "its tasks say ERROR"},

		"concurrency": {func(_ *check.Case, x *check.Execution) {
			i := slices.IndexFunc(x.History, func(h workflow.HistoryEvent) bool { return h.ActionID == "many.0" && h.State == workflow.Success })
			x.History[i].Kind = "nothing"
		}, "limits", "its concurrency is 1"},
		"slots": {func(c *check.Case, _ *check.Execution) { c.Runs[1].Began = c.Runs[0].Began }, "limits", "runner r has run 2 actions at a time"},

		"read of the past": {func(c *check.Case, _ *check.Execution) {
			late := c.Ops[1]
			late.Call, late.Return = second(60), second(61)
			c.Ops = append(c.Ops, late)
		}, "register", "no order of these"},
		"pause that changes nothing": {func(c *check.Case, _ *check.Execution) {
			c.Ops = append(c.Ops, check.Op{Execution: "x", Kind: check.Pause, Call: second(60), Return: second(61), Answer: check.Done})
		}, "register", "no order of these"},

		"stuck":    {func(c *check.Case, _ *check.Execution) { c.Stuck = []string{"it waits"} }, "stuck", "it waits"},
		"repaired": {func(c *check.Case, _ *check.Execution) { c.Repairs = []string{"a lost runner"} }, "repair", "a lost runner"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, x := good(t)
			broken.how(c, x)
			found := c.All()
			if !slices.ContainsFunc(found, func(v check.Violation) bool {
				return v.Checker == broken.checker && strings.Contains(v.Text, broken.want)
			}) {
				t.Errorf("%s doesn't say %q: %v", broken.checker, broken.want, found)
			}
		})
	}
}

// TestAllowed has what looks like a broken promise, and is none.
func TestAllowed(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]func(*check.Case, *check.Execution){
		"start that nobody heard of": func(c *check.Case, _ *check.Execution) {
			c.Ops = append(c.Ops, check.Op{Execution: "y", Kind: check.Start, Call: second(3), Return: second(4), Answer: check.Unknown})
		},
		"result that a user gave": func(c *check.Case, _ *check.Execution) {
			token := c.Runs[0].Result
			c.Runs = c.Runs[1:]
			c.Ops = append(c.Ops, check.Op{Execution: "x", Kind: check.Complete, Action: "first.0", State: workflow.Success, Token: token, Answer: check.Done})
		},
		"runs that nobody wrote down": func(c *check.Case, _ *check.Execution) { c.Runs, c.Partial = nil, true },
		"safe action runs twice": func(c *check.Case, x *check.Execution) {
			again := *c.Runs[0]
			again.No, again.Began, again.Ended = 2, second(40), second(41)
			c.Runs = append(c.Runs, &again)
			x.Actions[0].SafeRerun = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, x := good(t)
			how(c, x)
			for _, v := range c.All() {
				t.Error(v)
			}
		})
	}
}
