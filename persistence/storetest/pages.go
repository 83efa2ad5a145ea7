package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// forest writes n executions, two of each time of creation, each with some tasks and two actions of each task; they come
// back in the order of lists.
func forest(t *testing.T, s persistence.Store, n int) []persistence.Turn {
	t.Helper()
	var turns []persistence.Turn
	for i := range n {
		turns = append(turns, creation(i, func(w *workflow.Writes) {
			r := w.Execution
			r.CreatedAt = start().Add(time.Duration(i/2) * time.Second)
			r.ProjectID, r.WorkflowName = fmt.Sprint("p", i%2), fmt.Sprint("w", i%3)
			r.State = []workflow.State{workflow.Running, workflow.Success, workflow.Paused, workflow.Error}[i%4]
			if i >= n/2 {
				r.ParentID, r.ParentTaskID, r.RootID = executionID(i-n/2), task(i-n/2, 0).ID, executionID(0)
			}
			w.Data.Input = dict("i", fmt.Sprint(i))
			for seq := range i % 4 {
				ids := workflow.NewPartIDs(r.ID, r.CreatedAt)
				tk := task(i, seq)
				tk.ID = ids.Task(seq)
				w.Tasks = append(w.Tasks, tk)
				for n := range 2 {
					a := action(i, 2*seq+n, tk)
					a.ID = ids.Action(a.Seq)
					w.Actions = append(w.Actions, a)
				}
			}
		}))
	}
	commitAll(t, s, turns...)
	slices.SortFunc(turns, func(a, b persistence.Turn) int {
		return cmp.Or(a.Writes.Execution.CreatedAt.Compare(b.Writes.Execution.CreatedAt), cmp.Compare(a.ID.Key(), b.ID.Key()))
	})
	return turns
}

// pages reads all pages of a query.
func pages[T any](t *testing.T, q persistence.PageQuery, limit int, read func(q persistence.PageQuery) ([]T, error), mark func(T) *persistence.PageMark) []T {
	t.Helper()
	q.Limit = limit
	var out []T
	for range 200 {
		page, err := read(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > limit {
			t.Fatalf("a page of %d with the limit %d", len(page), limit)
		}
		out = append(out, page...)
		if len(page) < limit {
			return out
		}
		q.After = mark(page[len(page)-1])
	}
	t.Fatal("the pages have no end")
	return nil
}

func pagesOfAll(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	turns := forest(t, s, 16)
	for _, desc := range []bool{false, true} {
		var executions, tasks, actions []string
		for _, turn := range turns {
			w := turn.Writes
			executions = append(executions, string(turn.ID))
			for _, x := range w.Tasks {
				tasks = append(tasks, string(x.ID))
			}
			for _, x := range w.Actions {
				actions = append(actions, string(x.ID))
			}
		}
		if desc {
			slices.Reverse(executions)
			slices.Reverse(tasks)
			slices.Reverse(actions)
		}
		for _, limit := range []int{1, 3, 1000} {
			q := persistence.PageQuery{Descending: desc}
			what := fmt.Sprintf("pages of %d, descending %v", limit, desc)
			es := pages(t, q, limit, func(q persistence.PageQuery) ([]persistence.ExecutionEntry, error) { return s.PageExecutions(ctx, q) },
				func(e persistence.ExecutionEntry) *persistence.PageMark {
					return &persistence.PageMark{CreatedAt: e.Execution.CreatedAt, ID: e.Execution.ID}
				})
			ts := pages(t, q, limit, func(q persistence.PageQuery) ([]persistence.TaskEntry, error) { return s.PageTasks(ctx, q) },
				func(e persistence.TaskEntry) *persistence.PageMark {
					return &persistence.PageMark{CreatedAt: e.Execution.CreatedAt, ID: e.Execution.ID, Seq: e.Task.Seq}
				})
			as := pages(t, q, limit, func(q persistence.PageQuery) ([]persistence.ActionEntry, error) { return s.PageActions(ctx, q) },
				func(e persistence.ActionEntry) *persistence.PageMark {
					return &persistence.PageMark{CreatedAt: e.Execution.CreatedAt, ID: e.Execution.ID, Seq: e.Action.Seq}
				})
			wantSame(t, idsOf(es, func(e persistence.ExecutionEntry) workflow.ExecutionID { return e.Execution.ID }), executions, "executions in "+what)
			wantSame(t, idsOf(ts, func(e persistence.TaskEntry) workflow.TaskID { return e.Task.ID }), tasks, "tasks in "+what)
			wantSame(t, idsOf(as, func(e persistence.ActionEntry) workflow.ActionID { return e.Action.ID }), actions, "actions in "+what)
		}
	}
}

func idsOf[T any, ID ~string](list []T, id func(T) ID) []string {
	var out []string
	for _, v := range list {
		out = append(out, string(id(v)))
	}
	return out
}

func pageSelections(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	turns := forest(t, s, 16)
	at := func(seconds int) time.Time { return start().Add(time.Duration(seconds) * time.Second) }
	for name, test := range map[string]struct {
		q    persistence.PageQuery
		want func(r *workflow.ExecutionRecord) bool
	}{
		"all":           {persistence.PageQuery{}, func(*workflow.ExecutionRecord) bool { return true }},
		"one":           {persistence.PageQuery{ID: executionID(7)}, func(r *workflow.ExecutionRecord) bool { return r.ID == executionID(7) }},
		"of a project":  {persistence.PageQuery{ProjectID: "p1"}, func(r *workflow.ExecutionRecord) bool { return r.ProjectID == "p1" }},
		"of a workflow": {persistence.PageQuery{WorkflowName: "w2"}, func(r *workflow.ExecutionRecord) bool { return r.WorkflowName == "w2" }},
		"of others":     {persistence.PageQuery{NotWorkflow: "w2"}, func(r *workflow.ExecutionRecord) bool { return r.WorkflowName != "w2" }},
		"live ones":     {persistence.PageQuery{ProjectID: "p0", States: persistence.LiveStates()}, func(r *workflow.ExecutionRecord) bool { return r.ProjectID == "p0" && !r.State.Final() }},
		"in two states": {persistence.PageQuery{States: []workflow.State{workflow.Error, workflow.Running}}, func(r *workflow.ExecutionRecord) bool {
			return r.State == workflow.Error || r.State == workflow.Running
		}},
		"of a root":       {persistence.PageQuery{RootID: executionID(0)}, func(r *workflow.ExecutionRecord) bool { return r.RootID == executionID(0) }},
		"of a task":       {persistence.PageQuery{ParentTask: task(3, 0).ID}, func(r *workflow.ExecutionRecord) bool { return r.ParentTaskID == task(3, 0).ID }},
		"roots":           {persistence.PageQuery{RootsOnly: true}, func(r *workflow.ExecutionRecord) bool { return r.ParentID == "" }},
		"of some seconds": {persistence.PageQuery{Since: at(2), Until: at(5)}, func(r *workflow.ExecutionRecord) bool { return !r.CreatedAt.Before(at(2)) && !r.CreatedAt.After(at(5)) }},
		"of nobody":       {persistence.PageQuery{ProjectID: "p7"}, func(*workflow.ExecutionRecord) bool { return false }},
	} {
		got, err := s.PageExecutions(ctx, test.q)
		if err != nil {
			t.Fatal(err)
		}
		tasks, err := s.PageTasks(ctx, test.q)
		if err != nil {
			t.Fatal(err)
		}
		actions, err := s.PageActions(ctx, test.q)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		var wantTasks, wantActions int
		for _, turn := range turns {
			if r := turn.Writes.Execution; test.want(r) {
				want = append(want, string(r.ID))
				wantTasks += len(turn.Writes.Tasks)
				wantActions += len(turn.Writes.Actions)
			}
		}
		wantSame(t, idsOf(got, func(e persistence.ExecutionEntry) workflow.ExecutionID { return e.Execution.ID }), want, name)
		if len(tasks) != wantTasks || len(actions) != wantActions {
			t.Errorf("%s: %d tasks and %d actions, want %d and %d", name, len(tasks), len(actions), wantTasks, wantActions)
		}
	}
}

// pageRows looks at what is in the rows of pages, also when each task comes with an execution that has much to say.
func pageRows(t *testing.T, s persistence.Store) {
	for n, info := range map[int]string{3: "broken", 4: strings.Repeat("broken ", 10_000)} {
		full := fullTurn(n)
		full.Writes.Execution.StateInfo = info
		pageRowsOf(t, s, n, &full.Writes)
	}
}

func pageRowsOf(t *testing.T, s persistence.Store, n int, full *workflow.Writes) {
	t.Helper()
	ctx := t.Context()
	commitAll(t, s, creation(n, func(w *workflow.Writes) {
		w.Execution, w.Data, w.Tasks, w.Actions = full.Execution, full.Data, full.Tasks, full.Actions
	}))
	q := persistence.PageQuery{ID: executionID(n)}
	executions, err := s.PageExecutions(ctx, q)
	if err != nil || len(executions) != 1 {
		t.Fatalf("%d executions, %v", len(executions), err)
	}
	rec, data, err := s.GetExecution(ctx, "", executionID(n))
	if err != nil {
		t.Fatal(err)
	}
	if rec.StateInfo != full.Execution.StateInfo {
		t.Errorf("what the execution says has %d characters, want %d", len(rec.StateInfo), len(full.Execution.StateInfo))
	}
	wantSame(t, executions[0], persistence.ExecutionEntry{Execution: rec, Data: data}, "an execution of a page")
	tasks, err := s.PageTasks(ctx, q)
	if err != nil || len(tasks) != 2 {
		t.Fatalf("%d tasks, %v", len(tasks), err)
	}
	actions, err := s.PageActions(ctx, q)
	if err != nil || len(actions) != 2 {
		t.Fatalf("%d actions, %v", len(actions), err)
	}
	for i := range 2 {
		wantSame(t, tasks[i], persistence.TaskEntry{Execution: rec, Task: full.Tasks[i]}, "a task of a page")
		want := persistence.ActionEntry{Execution: rec, TaskName: full.Tasks[0].Name, Action: full.Actions[i]}
		if full.Actions[i].TaskID == full.Tasks[1].ID {
			want.TaskName = full.Tasks[1].Name
		}
		wantSame(t, actions[i], want, "an action of a page")
	}
}

func revisionLists(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	one := put(t, s, definition("p1", "a", "1"))[0]
	put(t, s, definition("p1", "other", "1"))
	two := put(t, s, definition("p1", "a", "2"))[0]
	three := put(t, s, definition("p1", "a", "3"))[0]
	wantSame(t, three.FirstAt, one.CreatedAt, "when the definition was made")
	got, err := s.ListRevisions(ctx, one.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, []persistence.Definition{one, two, three}, "revisions")
	if got, err = s.ListRevisions(ctx, one.ID, 1, 1); err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, []persistence.Definition{two}, "a page of revisions")
	if got, err = s.ListRevisions(ctx, two.ID, 0, 10); err != nil || len(got) != 0 {
		t.Errorf("revisions by an id that isn't the first: %v %v", got, err)
	}

	renamed, err := s.RenameDefinition(ctx, one.Key(), definition("p1", "b", "4"))
	if err != nil {
		t.Fatal(err)
	}
	if renamed.FirstID != one.ID || renamed.Revision != 4 || renamed.Name != "b" || !renamed.FirstAt.Equal(one.CreatedAt) {
		t.Errorf("renamed: %+v", renamed)
	}
	_, err = s.FindDefinition(ctx, one.Key())
	wantKind(t, err, fault.NotFound, "find the old name")
	found, err := s.FindDefinition(ctx, renamed.Key())
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, *found, *renamed, "find the new name")
	if got, err = s.ListRevisions(ctx, one.ID, 0, 10); err != nil || len(got) != 4 {
		t.Errorf("%d revisions after it, %v", len(got), err)
	}
	_, err = s.RenameDefinition(ctx, renamed.Key(), definition("p1", "other", "5"))
	wantKind(t, err, fault.Conflict, "take a name")
	if found, err = s.FindDefinition(ctx, renamed.Key()); err != nil || found.Revision != 4 {
		t.Errorf("after a refused renaming: %+v %v", found, err)
	}
	_, err = s.RenameDefinition(ctx, one.Key(), definition("p1", "c", "5"))
	wantKind(t, err, fault.NotFound, "rename nothing")
}
