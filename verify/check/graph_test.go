package check_test

import (
	"slices"
	"strings"
	"testing"

	"cierzo/dsl"
	"cierzo/verify/check"
	"cierzo/workflow"
)

const givenUp = `
version: '2.0'
given-up:
  tasks:
    first:
      action: std.noop
      on-success: [step, meet, again]
    again:
      action: std.noop
      on-success: step
    step:
      action: std.fail
      on-error: late
    late:
      action: std.noop
      on-success: meet
    meet:
      join: all
      action: std.noop
`

// TestJoinGivenUp has a join that failed, and all its tasks lead to it: a broken promise, unless one of them came after the
// failure, by a task that came again.
func TestJoinGivenUp(t *testing.T) {
	t.Parallel()
	doc, diagnostics := dsl.Parse("given-up.yaml", []byte(givenUp))
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	for name, test := range map[string]struct {
		steps      int
		failsFirst bool
		broken     bool
	}{
		"before its last task":                             {steps: 2, failsFirst: true},
		"after its last task":                              {steps: 2, broken: true},
		"before its last task, and no task has come again": {steps: 1, failsFirst: true, broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &check.Execution{
				ExecutionRecord: &workflow.ExecutionRecord{ID: "x", WorkflowName: "given-up", State: workflow.Error},
				Data:            &workflow.ExecutionData{}, Definition: doc.Workflows[0],
			}
			add := func(id, name string, end workflow.State, by ...workflow.Trigger) {
				x.Tasks = append(x.Tasks, &workflow.TaskRecord{ID: workflow.TaskID(id), Name: name, Seq: len(x.Tasks), State: end, TriggeredBy: by})
				for _, s := range []workflow.State{workflow.Idle, workflow.Running, end} {
					note(x, workflow.HistoryEvent{Kind: "task.state", TaskID: workflow.TaskID(id), Task: name, State: s})
				}
			}
			meet := func() {
				add("meet", "meet", workflow.Error)
				x.Tasks[len(x.Tasks)-1].StateInfo = "Failed by tasks: ['late']"
			}
			add("first", "first", workflow.Success)
			if test.steps > 1 {
				add("step-1", "step", workflow.Success, workflow.Trigger{TaskID: "first", Event: "on-success"})
			}
			if test.failsFirst {
				meet()
			}
			add("again", "again", workflow.Success, workflow.Trigger{TaskID: "first", Event: "on-success"})
			add("step-2", "step", workflow.Error, workflow.Trigger{TaskID: "again", Event: "on-success"})
			add("late", "late", workflow.Success, workflow.Trigger{TaskID: "step-2", Event: "on-error"})
			if !test.failsFirst {
				meet()
			}
			c := &check.Case{Executions: map[workflow.ExecutionID]*check.Execution{"x": x}}
			found := slices.ContainsFunc(c.All(), func(v check.Violation) bool {
				return v.Checker == "graph" && strings.Contains(v.Text, "join meet has failed, and 2 of the 2 tasks")
			})
			if found != test.broken {
				t.Errorf("found: %t, want %t", found, test.broken)
			}
		})
	}
}
