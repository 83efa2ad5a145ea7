package api

import (
	"strings"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/workflow"
)

const joining = `
version: '2.0'
w:
  tasks:
    a: {action: std.noop, on-success: [both, side]}
    b: {action: std.noop, on-success: both}
    c: {action: std.noop, on-error: both}
    side: {workflow: other}
    both: {join: all, on-complete: [fail: <% $.x %>]}
`

func parsed(t *testing.T, text string) *dsl.Workflow {
	t.Helper()
	ws, diags := dsl.ParseWorkflows("test", []byte(text))
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return ws[0]
}

// TestReasons goes through all that a task can wait for.
func TestReasons(t *testing.T) {
	t.Parallel()
	w := parsed(t, joining)
	at := func(seconds int) time.Time { return time.Date(2026, 1, 2, 3, 4, seconds, 0, time.UTC) }
	running := workflow.TaskRecord{ID: "T", Name: "a", State: workflow.Running, UpdatedAt: at(1), Runtime: workflow.TaskRuntime{ItemCount: -1}}
	action := func(change func(a *workflow.ActionRecord)) []*workflow.ActionRecord {
		a := &workflow.ActionRecord{ID: "A", TaskID: "T", Name: "std.http", State: workflow.Running, CreatedAt: at(2), UpdatedAt: at(3), StartedAt: at(4)}
		change(a)
		return []*workflow.ActionRecord{a}
	}
	tests := []struct {
		name    string
		state   workflow.State // of the execution; "" is RUNNING
		task    func(r *workflow.TaskRecord)
		actions []*workflow.ActionRecord
		waits   string
		text    string
		since   string
		until   string
		holder  string
	}{
		{
			"queued", "", nil, action(func(a *workflow.ActionRecord) { a.Phase = workflow.PhaseQueued }),
			"slot", "Task a: action std.http waits for a free slot on a runner.", "03", "", "",
		},
		{
			"queued for a target", "", nil, action(func(a *workflow.ActionRecord) { a.Phase, a.Target = workflow.PhaseQueued, "gpu" }),
			"slot", "Task a: action std.http waits for a free slot on a runner with the target gpu.", "03", "", "",
		},
		{
			"queued and paused", workflow.Paused, nil, action(func(a *workflow.ActionRecord) { a.Phase = workflow.PhaseQueued }),
			"resume", "Task a: action std.http is queued; it is given to a runner when the execution is resumed.", "02", "", "",
		},
		{
			"sent", "", nil, action(func(a *workflow.ActionRecord) {
				a.Phase, a.Runner, a.Attempt, a.LeaseUntil = workflow.PhaseDispatched, "r1", 1, at(9)
			}),
			"runner", "Task a: action std.http was sent to runner r1 (attempt 1), which has not begun it yet.", "02", "", "r1",
		},
		{
			"runs", "", nil, action(func(a *workflow.ActionRecord) {
				a.Phase, a.Runner, a.Attempt, a.Deadline = workflow.PhaseDispatched, "r1", 2, at(30)
			}),
			"runner", "Task a: runner r1 runs action std.http (attempt 2).", "04", "30", "r1",
		},
		{
			"deferred", "", nil, action(func(a *workflow.ActionRecord) { a.Phase = workflow.PhaseDeferred }),
			"result", "Task a: action std.http has been run and its result comes from outside: PUT /v2/action_executions/A.", "02", "", "",
		},
		{
			"deferred with a timeout", "", func(r *workflow.TaskRecord) { r.Runtime.TimeoutAt, r.Runtime.TimeoutSeconds = at(40), 38 }, action(func(a *workflow.ActionRecord) { a.Phase = workflow.PhaseDeferred }),
			"result", "Task a: action std.http has been run and its result comes from outside: PUT /v2/action_executions/A, and fails by its timeout of 38 s if that doesn't come.", "02", "40", "",
		},
		{
			"a paused action", workflow.Paused, func(r *workflow.TaskRecord) { r.State = workflow.Paused }, action(func(a *workflow.ActionRecord) { a.State = workflow.Paused }),
			"resume", "Task a: action std.http is paused; it goes on when its action execution A gets the state RUNNING.", "03", "", "",
		},
		{
			"a child that starts", "", nil, action(func(a *workflow.ActionRecord) { a.Kind, a.Phase = workflow.KindWorkflow, workflow.PhaseChild }),
			"engine", "Task a starts its sub-workflow std.http, execution A.", "02", "", "A",
		},
		{
			"a child", "", nil, action(func(a *workflow.ActionRecord) {
				a.Kind, a.Phase, a.ChildStarted = workflow.KindWorkflow, workflow.PhaseChild, true
			}),
			"workflow", "Task a waits for its sub-workflow std.http, execution A: see its explanation.", "02", "", "A",
		},
		{
			"items", "", func(r *workflow.TaskRecord) { r.Runtime.ItemCount = 5 }, append(
				action(func(a *workflow.ActionRecord) { a.State, a.Accepted = workflow.Success, true }),
				action(func(a *workflow.ActionRecord) { a.Phase = workflow.PhaseQueued })...),
			"slot", "1 of 5 items of task a is done, 1 is under way. The oldest: Task a: action std.http waits for a free slot on a runner.", "03", "", "",
		},
		{"nothing", "", nil, nil, "engine", "Task a is about to go on.", "01", "", ""},
		{"nothing, paused", workflow.Paused, nil, nil, "resume", "Task a goes on when the execution is resumed.", "01", "", ""},
		{"idle", "", func(r *workflow.TaskRecord) { r.State = workflow.Idle }, nil, "engine", "Task a is about to begin.", "01", "", ""},
		{"idle, paused", workflow.Paused, func(r *workflow.TaskRecord) { r.State = workflow.Idle }, nil, "resume", "Task a begins when the execution is resumed.", "01", "", ""},
		{
			"paused before", workflow.Paused, func(r *workflow.TaskRecord) { r.State, r.Runtime.PausedBefore = workflow.Idle, true }, nil,
			"resume", "Task a stops before it starts (pause-before): resume the execution.", "01", "", "",
		},
		{"wait-before", "", func(r *workflow.TaskRecord) {
			r.State, r.Runtime.WakeAt, r.Runtime.WakeFor = workflow.Delayed, at(20), "start"
		}, nil, "time", "Task a waits before it starts (wait-before) until 2026-01-02 03:04:20.", "01", "20", ""},
		{"retry", "", func(r *workflow.TaskRecord) {
			r.State, r.Runtime.WakeAt, r.Runtime.WakeFor, r.Runtime.RetryNo = workflow.Delayed, at(20), "retry", 2
		}, nil, "time", "Task a is tried again, for the 2nd time, at 2026-01-02 03:04:20.", "01", "20", ""},
		{
			"wait-after", "", func(r *workflow.TaskRecord) { r.Runtime.WakeAt, r.Runtime.WakeFor = at(20), "complete" }, nil,
			"time", "Task a has its result and waits (wait-after) until 2026-01-02 03:04:20.", "01", "20", "",
		},
		{
			"ended, paused", workflow.Paused, func(r *workflow.TaskRecord) { r.State = workflow.Success }, nil,
			"resume", "Task a has ended as SUCCESS; what follows begins when the execution is resumed.", "01", "", "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rec := running
			if test.task != nil {
				test.task(&rec)
			}
			state := test.state
			if state == "" {
				state = workflow.Running
			}
			got := explain(situation{
				execution: &workflow.ExecutionRecord{ID: "E", WorkflowName: "w", State: state}, workflow: w,
				tasks: []*workflow.TaskRecord{&rec}, actions: test.actions, now: at(10),
			})
			if len(got.Tasks) != 1 {
				t.Fatalf("%d reasons", len(got.Tasks))
			}
			r := got.Tasks[0]
			if r.Waits != test.waits || r.Text != test.text || seconds(r.Since.Value) != test.since || seconds(r.Until.Value) != test.until || r.Holder.Value != test.holder {
				t.Errorf("%+v", r)
			}
		})
	}
}

func seconds(text string) string {
	if text == "" {
		return ""
	}
	return text[len(text)-2:]
}

func TestJoinReason(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	task := func(name string, state workflow.State, next ...workflow.Trigger) *workflow.TaskRecord {
		return &workflow.TaskRecord{ID: workflow.TaskID("id-" + name), Name: name, State: state, Next: next, CreatedAt: now, UpdatedAt: now, Processed: state.Final(), Runtime: workflow.TaskRuntime{ItemCount: -1}}
	}
	sit := situation{
		execution: &workflow.ExecutionRecord{ID: "E", WorkflowName: "w", State: workflow.Running}, workflow: parsed(t, joining), now: now,
		tasks: []*workflow.TaskRecord{
			task("a", workflow.Success, workflow.Trigger{Name: "both", Event: "on-success"}), task("b", workflow.Delayed), task("both", workflow.Waiting),
		},
	}
	got := explain(sit)
	if got.Summary != "Execution of w waits for 2 tasks." || len(got.Tasks) != 2 {
		t.Fatalf("%+v", got)
	}
	if want := "Task both is a join: 1 of the 3 tasks that it needs have come; it waits for b (DELAYED), c (not begun)."; got.Tasks[1].Text != want {
		t.Errorf("%s, want %s", got.Tasks[1].Text, want)
	}
	sit.tasks[1] = task("b", workflow.Success)
	if got = explain(sit); !strings.Contains(got.Tasks[0].Text, "b (ended without leading here)") {
		t.Errorf("%+v", got)
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	for state, want := range map[workflow.State]string{
		workflow.Paused:    "Execution of w is paused: it goes on when it is resumed (PUT state RUNNING).",
		workflow.Success:   "Execution of w has ended as SUCCESS: nothing is waited for.",
		workflow.Cancelled: "Execution of w has ended as CANCELLED: nothing is waited for.",
		workflow.Running:   "Execution of w is about to go on: none of its tasks waits for anything.",
	} {
		got := explain(situation{execution: &workflow.ExecutionRecord{WorkflowName: "w", State: state}, workflow: parsed(t, joining)})
		if got.Summary != want {
			t.Errorf("%s: %s", state, got.Summary)
		}
	}
	left := situation{
		execution: &workflow.ExecutionRecord{WorkflowName: "w", State: workflow.Error}, workflow: parsed(t, joining),
		tasks: []*workflow.TaskRecord{{Name: "a", State: workflow.Running, Runtime: workflow.TaskRuntime{ItemCount: -1}}},
	}
	if got := explain(left); got.Summary != "Execution of w has ended as ERROR; 1 task that had begun is still there, and nothing follows." {
		t.Error(got.Summary)
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	task := func(id workflow.TaskID, name string, state workflow.State, next ...string) *workflow.TaskRecord {
		r := &workflow.TaskRecord{ID: id, Name: name, State: state}
		for _, n := range next {
			r.Next = append(r.Next, workflow.Trigger{Name: n, Event: "on-success"})
		}
		return r
	}
	side := task("3", "side", workflow.Running)
	side.TriggeredBy = []workflow.Trigger{{TaskID: "1", Event: "on-success"}}
	g := graphOf(&workflow.ExecutionRecord{ID: "E", WorkflowName: "w", State: workflow.Running}, parsed(t, joining),
		[]*workflow.TaskRecord{task("1", "a", workflow.Success, "both"), task("2", "b", workflow.Running), side},
		[]*workflow.ActionRecord{{ID: "child", TaskID: "3", Kind: workflow.KindWorkflow}})
	var edges []string
	for _, e := range g.Edges {
		edges = append(edges, strings.TrimSpace(strings.Join([]string{e.From, e.To, e.On, map[bool]string{true: "taken"}[e.Taken], map[bool]string{true: "if"}[e.Conditional]}, " ")))
	}
	if got := strings.Join(edges, ", "); got != "a both success taken, a side success taken, b both success, c both error, both fail complete  if" {
		t.Error(got)
	}
	if len(g.Nodes) != 6 || g.Nodes[3].Children[0] != "child" || g.Nodes[4].Join != "all" || g.Nodes[5].Kind != "command" || g.Nodes[2].State != "" {
		t.Errorf("%+v", g.Nodes)
	}
	const dot = `digraph "w" {
  label="w RUNNING";
  node [shape=box, style="rounded,filled", fontname="sans-serif"];
  "a" [label="a\nstd.noop\nSUCCESS", fillcolor="#c8e6c9"];
  "b" [label="b\nstd.noop\nRUNNING", fillcolor="#bbdefb"];
  "c" [label="c\nstd.noop", fillcolor="#ffffff"];
  "side" [label="side\nother\nRUNNING", fillcolor="#bbdefb"];
  "both" [label="both\nstd.noop\njoin all", fillcolor="#ffffff"];
  "fail" [label="fail", fillcolor="#ffffff", shape=oval];
  "a" -> "both" [label="success", style=bold];
  "a" -> "side" [label="success", style=bold];
  "b" -> "both" [label="success", style=dashed];
  "c" -> "both" [label="error", style=dashed];
  "both" -> "fail" [label="complete?", style=dashed];
}
`
	if got := dotText(&g); got != dot {
		t.Error(got)
	}
	g.Nodes[0].Name = `odd "name" <b>#`
	if got := mermaidText(&g); !strings.Contains(got, `n0["odd #quot;name#quot; #lt;b#gt;#35;<br/>std.noop<br/>SUCCESS"]`) || !strings.Contains(got, "n5([\"fail\"])") {
		t.Error(got)
	}
	if got := dotText(&g); !strings.Contains(got, `"odd \"name\" <b>#"`) {
		t.Error(got)
	}
}

func TestReverseGraph(t *testing.T) {
	t.Parallel()
	w := parsed(t, "version: '2.0'\nr:\n  type: reverse\n  tasks:\n    x: {action: std.noop}\n    y: {action: std.noop, requires: [x]}\n    z: {action: std.noop, requires: [x, y]}\n")
	g := graphOf(&workflow.ExecutionRecord{}, w, []*workflow.TaskRecord{{ID: "1", Name: "x"}, {ID: "2", Name: "y"}}, nil)
	if len(g.Edges) != 3 || !g.Edges[0].Taken || g.Edges[1].Taken || g.Edges[0].From != "x" || g.Edges[0].To != "y" {
		t.Errorf("%+v", g.Edges)
	}
}

func TestKeyedID(t *testing.T) {
	t.Parallel()
	a := keyedID("p", "POST /v2/executions", "k")
	if !isUUID(a) || a != keyedID("p", "POST /v2/executions", "k") {
		t.Error(a)
	}
	for _, other := range []string{keyedID("q", "POST /v2/executions", "k"), keyedID("p", "POST /v2/cron_triggers", "k"), keyedID("p", "POST /v2/executions", "l")} {
		if other == a {
			t.Errorf("%s is somebody else's, too", a)
		}
	}
}

func TestNarrow(t *testing.T) {
	t.Parallel()
	q := &listQuery{filters: []filter{
		parseFilter("created_at", "gt:2026-01-02 03:04:05"), parseFilter("created_at", "lte:2026-01-02"), parseFilter("state", "in:ERROR,PAUSED"),
		parseFilter("workflow_name", "has:x"),
	}}
	got := q.narrow(persistence.PageQuery{})
	if got.Since.IsZero() || !got.Until.IsZero() || len(got.States) != 2 || got.WorkflowName != "" {
		t.Errorf("%+v", got)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	base := value.NewDict(1)
	base.SetString("a", value.Int(1))
	over := value.NewDict(1)
	over.SetString("b", value.Int(2))
	if got, err := jsonText(merge(base, over)); err != nil || got != `{"a": 1, "b": 2}` {
		t.Errorf("%s %v", got, err)
	}
	if merge(nil, over) != over || merge(base, nil).Len() != 1 {
		t.Error("nothing merged with something")
	}
}
