package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func sorted[T cmp.Ordered](list []T) []T { return slices.Sorted(slices.Values(list)) }

func leases(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	a := persistence.Node{ID: "a", Address: "h1:1", Roles: []string{"engine", "api"}, State: "up", Version: "1", Started: start()}
	b := persistence.Node{ID: "b", Address: "h2:1", State: "up"}
	for _, n := range []persistence.Node{b, a} {
		if err := s.Register(ctx, n, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	live := func(want ...persistence.Node) {
		t.Helper()
		nodes, err := s.LiveNodes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, nodes, want, "live nodes")
	}
	live(a, b)
	if err := s.Renew(ctx, "a", "draining", time.Minute); err != nil {
		t.Fatal(err)
	}
	a.State = "draining"
	live(a, b)
	reborn := persistence.Node{ID: "a2", Address: "h1:1", State: "up"}
	if err := s.Register(ctx, reborn, time.Minute); err != nil {
		t.Fatal(err)
	}
	live(reborn, b)
	wantKind(t, s.Renew(ctx, "a", "up", time.Minute), fault.Conflict, "renew the lease of a replaced node")
	for range 2 {
		if err := s.Unregister(ctx, "b"); err != nil {
			t.Fatal(err)
		}
	}
	live(reborn)
	if err := s.Register(ctx, reborn, time.Minute); err != nil {
		t.Errorf("register again after an answer that was lost: %v", err)
	}
	live(reborn)
}

func lostLease(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	if err := s.Register(ctx, persistence.Node{ID: "a", Address: "h1:1", State: "up"}, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		nodes, err := s.LiveNodes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(nodes) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a lease of a millisecond holds for ten seconds")
		}
	}
	wantKind(t, s.Renew(ctx, "a", "up", time.Minute), fault.Conflict, "renew a lost lease")
	if nodes, err := s.LiveNodes(ctx); err != nil || len(nodes) != 0 {
		t.Errorf("a lost lease came back: %v, %v", nodes, err)
	}
}

// executions writes n executions of which every second has the same time of creation as the one before.
func executions(t *testing.T, s persistence.Store, n int, change func(i int, r *workflow.ExecutionRecord)) []workflow.ExecutionID {
	t.Helper()
	var turns []persistence.Turn
	for i := range n {
		turns = append(turns, creation(i, func(w *workflow.Writes) {
			w.Execution.CreatedAt = start().Add(time.Duration(i/2) * time.Microsecond)
			if change != nil {
				change(i, w.Execution)
			}
		}))
	}
	commitAll(t, s, turns...)
	slices.SortFunc(turns, func(a, b persistence.Turn) int {
		return -cmp.Or(a.Writes.Execution.CreatedAt.Compare(b.Writes.Execution.CreatedAt), cmp.Compare(a.ID.Key(), b.ID.Key()))
	})
	var ids []workflow.ExecutionID
	for _, turn := range turns {
		ids = append(ids, turn.ID)
	}
	return ids
}

func executionPages(t *testing.T, s persistence.Store) {
	want := executions(t, s, 25, nil)
	for _, limit := range []int{1, 7, 25, 1000} {
		var got []workflow.ExecutionID
		q := persistence.ExecutionsQuery{ProjectID: "p1", Limit: limit}
		for range 30 {
			page, err := s.ListExecutions(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > limit {
				t.Fatalf("a page of %d with the limit %d", len(page), limit)
			}
			for _, r := range page {
				got = append(got, r.ID)
				q.Before = &persistence.PageKey{CreatedAt: r.CreatedAt, ID: r.ID}
			}
			if len(page) < limit {
				break
			}
		}
		wantSame(t, got, want, fmt.Sprint("pages of ", limit))
	}
}

func selections(t *testing.T, s persistence.Store) {
	executions(t, s, 12, func(i int, r *workflow.ExecutionRecord) {
		r.ProjectID = fmt.Sprint("p", i%2)
		r.WorkflowName = fmt.Sprint("w", i%3)
		if i >= 6 {
			r.State, r.ParentID, r.ParentTaskID, r.RootID = workflow.Error, executionID(i-6), task(i-6, 0).ID, executionID(0)
		}
	})
	tests := []struct {
		name string
		q    persistence.ExecutionsQuery
		want int
	}{
		{"all", persistence.ExecutionsQuery{}, 12},
		{"of a project", persistence.ExecutionsQuery{ProjectID: "p1"}, 6},
		{"of a workflow", persistence.ExecutionsQuery{WorkflowName: "w2"}, 4},
		{"in a state", persistence.ExecutionsQuery{States: []workflow.State{workflow.Error}}, 6},
		{"in two states", persistence.ExecutionsQuery{States: []workflow.State{workflow.Error, workflow.Running}}, 12},
		{"of a root", persistence.ExecutionsQuery{RootID: executionID(0)}, 6},
		{"of a parent's task", persistence.ExecutionsQuery{ParentTask: task(3, 0).ID}, 1},
		{"roots", persistence.ExecutionsQuery{RootsOnly: true}, 6},
		{"all at once", persistence.ExecutionsQuery{ProjectID: "p1", WorkflowName: "w0", States: []workflow.State{workflow.Error}, RootID: executionID(0)}, 1},
		{"of nobody", persistence.ExecutionsQuery{ProjectID: "p7"}, 0},
	}
	for _, test := range tests {
		test.q.Limit = 100
		got, err := s.ListExecutions(t.Context(), test.q)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != test.want {
			t.Errorf("%s: %d, want %d", test.name, len(got), test.want)
		}
	}
	counts, err := s.CountExecutions(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, counts, map[workflow.State]int{workflow.Running: 6, workflow.Error: 6}, "counts")
	if counts, err = s.CountExecutions(t.Context(), "p1"); err != nil {
		t.Fatal(err)
	}
	wantSame(t, counts, map[workflow.State]int{workflow.Running: 3, workflow.Error: 3}, "counts of a project")
}

func taskPages(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, func(w *workflow.Writes) {
		for seq := range 10 {
			tk := task(1, seq)
			w.Tasks = append(w.Tasks, tk)
			for k := range 3 {
				w.Actions = append(w.Actions, action(1, seq*3+k, tk))
			}
		}
	}))
	after, n := -1, 0
	for {
		page, err := s.ListTasks(t.Context(), executionID(1), after, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			wantSame(t, r, task(1, n), "task")
			after = r.Seq
			n++
		}
		if len(page) < 4 {
			break
		}
	}
	if n != 10 {
		t.Errorf("%d tasks in pages, want 10", n)
	}
	list, err := s.ListActions(t.Context(), executionID(1), "", 11, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 18 || list[0].Seq != 12 {
		t.Errorf("%d actions after 11", len(list))
	}
	if list, err = s.ListActions(t.Context(), executionID(1), task(1, 4).ID, 12, 100); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Seq != 13 || list[1].Seq != 14 {
		t.Errorf("%d actions of a task after 12", len(list))
	}
}

func notFound(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	commitAll(t, s, creation(1, nil))
	_, err := persistence.ActivateOne(ctx, s, "nobody", "n")
	wantKind(t, err, fault.NotFound, "Activate")
	_, _, err = s.GetExecution(ctx, "", "nobody")
	wantKind(t, err, fault.NotFound, "GetExecution")
	_, _, err = s.GetExecution(ctx, "another project", executionID(1))
	wantKind(t, err, fault.NotFound, "GetExecution of another project")
	_, err = s.FindExecution(ctx, "", "nobody")
	wantKind(t, err, fault.NotFound, "FindExecution")
	_, err = s.FindExecution(ctx, "another project", executionID(1))
	wantKind(t, err, fault.NotFound, "FindExecution of another project")
	_, err = s.FindTask(ctx, "nobody")
	wantKind(t, err, fault.NotFound, "FindTask")
	_, err = s.FindAction(ctx, "nobody")
	wantKind(t, err, fault.NotFound, "FindAction")
	_, err = s.GetDefinition(ctx, "nobody")
	wantKind(t, err, fault.NotFound, "GetDefinition")
	key := persistence.DefinitionKey{ProjectID: "p1", Kind: persistence.WorkflowDefinition, Name: "nobody"}
	_, err = s.FindDefinition(ctx, key)
	wantKind(t, err, fault.NotFound, "FindDefinition")
	wantKind(t, s.DeleteDefinition(ctx, key), fault.NotFound, "DeleteDefinition")
	wantKind(t, s.DeleteExecution(ctx, "nobody", true), fault.NotFound, "DeleteExecution")
	wantKind(t, s.Renew(ctx, "nobody", "up", time.Minute), fault.Conflict, "Renew")
}

func cancelled(t *testing.T, s persistence.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, []persistence.Turn{creation(1, nil)})
	wantKind(t, err, fault.Unavailable, "Commit")
	if !persistence.IsAmbiguous(err) {
		if _, _, err := s.GetExecution(t.Context(), "", executionID(1)); !fault.Is(err, fault.NotFound) {
			t.Errorf("a commit that failed is there: %v", err)
		}
	}
	_, _, err = s.GetExecution(ctx, "", executionID(1))
	wantKind(t, err, fault.Unavailable, "GetExecution")
}

func infoAndClose(t *testing.T, s persistence.Store) {
	before, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before.Kind == "" || before.Version == "" || before.Schema < 1 || before.BatchMax < 1 {
		t.Errorf("information is missing: %+v", before)
	}
	commitAll(t, s, creation(1, nil))
	after, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Commits != before.Commits+1 {
		t.Errorf("%d commits, then %d after one more", before.Commits, after.Commits)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, err = s.Commit(t.Context(), []persistence.Turn{creation(2, nil)})
	wantKind(t, err, fault.Unavailable, "Commit after Close")
}
