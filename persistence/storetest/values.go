package storetest

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/workflow"
)

func valueInterface() reflect.Type { return reflect.TypeFor[value.Value]() }

// exact is a text that tells all values apart that JSON tells apart, and nil from null.
func exact(v value.Value) string {
	if v == nil || reflect.ValueOf(v).Kind() == reflect.Pointer && reflect.ValueOf(v).IsNil() {
		return "nil"
	}
	text, err := value.AppendJSON(nil, v)
	if err != nil {
		return "no JSON: " + err.Error()
	}
	return string(text)
}

func dict(pairs ...any) *value.Dict {
	d := value.NewDict(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		v, ok := pairs[i+1].(value.Value)
		if !ok {
			v = value.String(pairs[i+1].(string))
		}
		d.SetString(pairs[i].(string), v)
	}
	return d.Freeze()
}

// oddities is a dict of all that a store could get wrong.
func oddities() *value.Dict {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	deep := value.Value(value.Int(1))
	for range 50 {
		deep = value.NewList([]value.Value{deep})
	}
	return dict(
		"int", value.Int(1), "float", value.Float(1), "big", value.IntOf(huge), "minus", value.IntOf(new(big.Int).Neg(huge)),
		"max", value.Int(math.MaxInt64), "min", value.Int(math.MinInt64), "small", value.Float(5e-324), "tenth", value.Float(0.1),
		"nan", value.Float(math.NaN()), "inf", value.Float(math.Inf(1)), "-inf", value.Float(math.Inf(-1)),
		"null", value.Null{}, "true", value.Bool(true), "empty", "", "text NaN", "NaN and Infinity, \"quoted\\",
		"zażółć", "日本語 🚀 \u2028", "quote\"\\\n\t", "{a,\"b\"}\\ NULL", "nul", "a\x00b", "", value.NewDict(0),
		"list", value.NewList([]value.Value{value.Int(1), value.Float(1), value.Null{}, value.NewList(nil)}),
		"z", value.Int(1), "a", value.Int(2), "m", value.Int(3), "deep", deep, "long", strings.Repeat("x", 100_000),
	)
}

// fullTurn is a turn with every field of every record set, besides Create.
func fullTurn(n int) persistence.Turn {
	at := func(seconds int) time.Time { return start().Add(time.Duration(seconds) * time.Second) }
	x := update(n, 1, "why 'it' is so \x00")
	r := x.Writes.Execution
	r.Namespace, r.Description, r.Tags, r.Priority = "ns", "text", []string{"a", "b,c"}, 7
	r.RootID, r.ParentID, r.ParentTaskID, r.Index, r.Depth = executionID(n+1000), executionID(n+1001), "task-1", 3, 2
	r.SourceID, r.StartedBy = executionID(n+1002), workflow.Requester{User: "u1", Name: "ann", Project: "p1"}
	r.Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	r.ParentPending, r.ParentSent, r.Requests = true, 4, []workflow.RequestRecord{{ID: "q1"}, {ID: "q2"}}
	r.Runtime = workflow.ExecutionRuntime{
		HistorySeq: 2, Backlog: []workflow.BacklogCommand{{From: "t", Event: "on-success", Name: "fail", Message: "m"}}, ParentAt: at(1), ReportSeq: 5, Cascaded: true, WatchTurn: 7,
	}
	r.Turns, r.WakeAt, r.Wanting, r.UpdatedAt = 9, at(5), true, at(6)
	r.Runners = []workflow.RunnerID{"r1", "r2"}
	x.Writes.Given = true
	x.Writes.Data = &workflow.ExecutionData{
		Input: oddities(), Params: dict("env", oddities()), Env: dict(), Context: dict("c", value.Int(1)), Globals: dict("g", value.Int(2)), Output: value.Null{},
		Auth: &workflow.CloudAuth{Token: "gAAAAA-ż", AuthURL: "http://keystone/v3", Project: "p1", Region: "west"},
	}
	t := task(n, 0)
	t.State, t.StateInfo, t.Tags = workflow.Delayed, "info", []string{"t"}
	t.Parents, t.TriggeredBy, t.Published = []workflow.TaskID{parts(n).Task(7), parts(n).Task(9)}, []workflow.Trigger{{TaskID: parts(n).Task(7), Name: "n", Event: "on-error"}}, oddities()
	t.Globals = dict("g", value.Float(1))
	t.Next, t.HasNext, t.Processed, t.ErrorHandled = []workflow.Trigger{{Name: "next", Event: "on-success"}}, true, true, true
	t.Runtime = workflow.TaskRuntime{
		RetryNo: 1, WakeAt: at(1), WakeFor: "retry", TimeoutAt: at(2), TimeoutSeconds: 3, WaitAfterDone: true, PausedBefore: true,
		Remembered: workflow.Error, RememberedInfo: "i", RerunNo: 2, ItemCount: 3, Concurrency: 4, ItemsReady: true, GivenInput: `{"a": 1}`, Unmet: true,
	}
	t.StartedAt, t.FinishedAt = at(3), at(4)
	a := action(n, 0, t)
	a.Kind, a.Index, a.State, a.Accepted, a.Input, a.Output, a.Tags = workflow.KindWorkflow, 2, workflow.Success, true, oddities(), dict("result", value.Null{}), []string{"x"}
	a.Phase, a.Attempt, a.Runner, a.Target, a.SafeRerun, a.Async = workflow.PhaseDispatched, 2, "runner-1", "label", true, true
	a.Granted = true
	a.LeaseUntil, a.Deadline, a.RunName, a.RunInput, a.ChildStarted = at(1), at(2), "std.echo", dict("output", "x"), true
	a.ChildDefinitionID, a.ChildParams, a.CancelSent, a.PauseSent, a.Forgotten, a.LateResults, a.StartedAt, a.FinishedAt = "def", dict("k", value.Int(1)), true, true, true, 3, at(3), at(4)
	x.Writes.Tasks, x.Writes.Actions = []*workflow.TaskRecord{t, task(n, 1)}, []*workflow.ActionRecord{a, action(n, 1, t)}
	x.Writes.History = []workflow.HistoryEvent{
		{Seq: 1, At: at(1), Kind: "task.state", TaskID: t.ID, Task: t.Name, ActionID: a.ID, State: workflow.Error, Info: "i", Detail: oddities()},
		{Seq: 2, At: at(2), Kind: "command"},
	}
	return x
}

// unset lists the fields of a record that have no value, so that a new field isn't forgotten by fullTurn and so by stores.
func unset(t *testing.T, record any, ignore ...string) {
	t.Helper()
	v := reflect.Indirect(reflect.ValueOf(record))
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() && !strings.Contains(" "+strings.Join(ignore, " ")+" ", " "+name+" ") {
			t.Errorf("%s.%s has no value in the test: a store may lose it", v.Type().Name(), name)
		}
	}
}

func roundTrip(t *testing.T, s persistence.Store) {
	turn := fullTurn(1)
	w := turn.Writes
	first := creation(1, func(f *workflow.Writes) {
		to, from := f.Execution, w.Execution
		to.RootID, to.ParentID, to.ParentTaskID, to.SourceID = from.RootID, from.ParentID, from.ParentTaskID, from.SourceID
		to.StartedBy, to.Traceparent = from.StartedBy, from.Traceparent
		to.Namespace, to.Priority, to.Index, to.Depth = from.Namespace, from.Priority, from.Index, from.Depth
	})
	unset(t, w.Execution)
	unset(t, w.Execution.Runtime)
	unset(t, w.Execution.StartedBy)
	unset(t, w.Data)
	unset(t, w.Data.Auth)
	unset(t, w.Tasks[0], "Seq")
	unset(t, w.Tasks[0].Runtime)
	unset(t, w.Actions[0], "Seq")
	unset(t, w.History[0])
	commitAll(t, s, first)
	commitAll(t, s, turn)
	snap := activate(t, s, 1, "node-2")
	wantSame(t, snap, &persistence.Snapshot{Epoch: 2, Execution: w.Execution, Data: w.Data, Tasks: w.Tasks, Actions: w.Actions}, "snapshot")
	folded, err := persistence.Fold(snap)
	if err != nil {
		t.Fatal(err)
	}
	unfolded, err := persistence.Unfold(turn.ID, folded)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, unfolded, snap, "snapshot that was folded")
	events, err := s.History(t.Context(), turn.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, events, w.History, "history")
	rec, data, err := s.GetExecution(t.Context(), "p1", turn.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, rec, w.Execution, "execution")
	wantSame(t, data, w.Data, "data")
	if rec, err = s.FindExecution(t.Context(), "p1", turn.ID); err != nil {
		t.Fatal(err)
	}
	wantSame(t, rec, w.Execution, "execution without its data")
	tk, err := s.FindTask(t.Context(), w.Tasks[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, tk, w.Tasks[0], "task")
	ac, err := s.FindAction(t.Context(), w.Actions[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, ac, w.Actions[0], "action")
}
