package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func createExists(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, nil))
	again := creation(1, func(w *workflow.Writes) {
		w.Execution.StateInfo = "second"
		w.Tasks = []*workflow.TaskRecord{task(1, 0)}
	})
	wantSame(t, commit(t, s, again), []persistence.TurnOutcome{persistence.Exists}, "outcomes")
	snap := activate(t, s, 1, "node-2")
	if snap.Epoch != 2 || snap.Execution.StateInfo != "" || len(snap.Tasks) != 0 {
		t.Errorf("epoch %d, info %q, %d tasks: something of the refused turn is there", snap.Epoch, snap.Execution.StateInfo, len(snap.Tasks))
	}
}

func batchOutcomes(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, nil), creation(2, nil), creation(3, nil))
	activate(t, s, 2, "node-2")
	with := func(n int, turn persistence.Turn) persistence.Turn {
		tk := task(n, 0)
		turn.Writes.Tasks, turn.Writes.Actions = []*workflow.TaskRecord{tk}, []*workflow.ActionRecord{action(n, 0, tk)}
		turn.Writes.History = []workflow.HistoryEvent{{Seq: 1, At: start(), Kind: "command"}}
		return turn
	}
	got := commit(t, s, with(1, update(1, 1, "one")), with(2, update(2, 1, "two")), with(3, creation(3, nil)), with(4, creation(4, nil)), with(5, update(5, 1, "five")))
	c, f, x := persistence.Committed, persistence.Fenced, persistence.Exists
	wantSame(t, got, []persistence.TurnOutcome{c, f, x, c, f}, "outcomes")
	for n, want := range map[int]int{1: 1, 2: 0, 3: 0, 4: 1, 5: 0} {
		tasks, err := s.ListTasks(t.Context(), executionID(n), -1, 10)
		if err != nil {
			t.Fatal(err)
		}
		actions, err := s.ListActions(t.Context(), executionID(n), "", -1, 10)
		if err != nil {
			t.Fatal(err)
		}
		events, err := s.History(t.Context(), executionID(n), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) != want || len(actions) != want || len(events) != want {
			t.Errorf("execution %d: %d tasks, %d actions, %d events, want %d of each", n, len(tasks), len(actions), len(events), want)
		}
	}
}

// onlyNewest: a creation that wants the newest revision is written only while that is so.
func onlyNewest(t *testing.T, s persistence.Store) {
	one := put(t, s, definition("p1", "a", "text 1"))[0]
	of := func(n int, d persistence.Definition, change func(w *workflow.Writes)) persistence.Turn {
		turn := creation(n, func(w *workflow.Writes) {
			w.Execution.WorkflowName, w.Execution.Namespace, w.Execution.DefinitionID = d.Name, d.Namespace, d.ID
			w.Tasks = []*workflow.TaskRecord{task(n, 0)}
			if change != nil {
				change(w)
			}
		})
		turn.Newest = true
		return turn
	}
	c, f, x, o := persistence.Committed, persistence.Fenced, persistence.Exists, persistence.Outdated
	wantSame(t, commit(t, s, of(1, one, nil), of(2, one, nil)), []persistence.TurnOutcome{c, c}, "of the only revision")

	two := put(t, s, definition("p1", "a", "text 2"))[0]
	other := func(w *workflow.Writes) { w.Execution.ProjectID = "p2" }
	place := func(w *workflow.Writes) { w.Execution.Namespace = "elsewhere" }
	late := of(9, one, nil)
	late.Newest = false
	stale := update(8, 7, "fenced")
	got := commit(t, s, of(3, one, nil), of(4, two, nil), update(1, 1, "goes on"), of(2, one, nil), of(5, two, other), of(6, two, place), late, stale)
	wantSame(t, got, []persistence.TurnOutcome{o, c, c, x, o, o, c, f}, "after another revision")
	wantSame(t, commit(t, s, of(7, one, nil)), []persistence.TurnOutcome{o}, "alone")
	wantSame(t, commit(t, s, of(7, two, nil)), []persistence.TurnOutcome{c}, "of the newest")
	for n, want := range map[int]bool{1: true, 2: true, 3: false, 4: true, 5: false, 6: false, 7: true, 9: true} {
		_, _, err := s.GetExecution(t.Context(), "", executionID(n))
		if there := err == nil; there != want || err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("execution %d is there: %t, %v", n, there, err)
		}
		tasks, err := s.ListTasks(t.Context(), executionID(n), -1, 10)
		if err != nil || (len(tasks) > 0) != want {
			t.Errorf("execution %d has %d tasks, %v", n, len(tasks), err)
		}
	}

	if err := s.DeleteDefinition(t.Context(), two.Key()); err != nil {
		t.Fatal(err)
	}
	wantSame(t, commit(t, s, of(10, two, nil)), []persistence.TurnOutcome{o}, "of what is deleted")
}

func version(t *testing.T, s persistence.Store) uint64 {
	t.Helper()
	v, err := s.DefinitionsVersion(t.Context())
	if err != nil || v == 0 {
		t.Fatalf("version %d of the definitions: %v", v, err)
	}
	return v
}

// onlyWithDefinitions: a turn that asserts the version of the definitions is written only while they have it.
func onlyWithDefinitions(t *testing.T, s persistence.Store) {
	with := func(v uint64, turn persistence.Turn) persistence.Turn {
		turn.Definitions = v
		turn.Writes.Tasks = []*workflow.TaskRecord{task(int(turn.Writes.Execution.CreatedAt.Sub(start()).Seconds()), 0)}
		return turn
	}
	last := version(t, s)
	grown := func(what string, want bool) {
		t.Helper()
		if v := version(t, s); v < last || (v > last) != want {
			t.Errorf("the version after %s: %d, it was %d", what, v, last)
		} else {
			last = v
		}
	}
	c, f, x, o := persistence.Committed, persistence.Fenced, persistence.Exists, persistence.Outdated
	wantSame(t, commit(t, s, with(last, creation(1, nil)), creation(2, nil), creation(3, nil)), []persistence.TurnOutcome{c, c, c}, "before any change")
	stale := last
	one := put(t, s, definition("p1", "a", "text 1"))[0]
	grown("a first revision", true)
	put(t, s, definition("p1", "a", "text 1"))
	grown("the same text", false)

	got := commit(t, s, with(stale, creation(4, nil)), with(last, creation(5, nil)), with(stale, creation(1, nil)), with(stale, update(2, 1, "stale")),
		with(last, update(3, 1, "goes on")), with(stale, update(6, 1, "is not there")), creation(7, nil))
	wantSame(t, got, []persistence.TurnOutcome{o, c, x, o, c, f, c}, "of two versions")
	wantSame(t, commit(t, s, with(stale, update(2, 9, "fenced"))), []persistence.TurnOutcome{f}, "that is fenced, too")
	wantSame(t, commit(t, s, with(stale, update(2, 1, "stale"))), []persistence.TurnOutcome{o}, "alone")
	wantSame(t, commit(t, s, with(stale, creation(4, nil))), []persistence.TurnOutcome{o}, "alone")
	for n, want := range map[int]int{1: 1, 2: 0, 3: 1, 4: -1, 5: 1, 6: -1, 7: 0} {
		_, _, err := s.GetExecution(t.Context(), "", executionID(n))
		tasks, listed := s.ListTasks(t.Context(), executionID(n), -1, 10)
		if (err == nil) != (want >= 0) || listed != nil || len(tasks) != max(0, want) {
			t.Errorf("execution %d: %v; %d tasks, want %d, %v", n, err, len(tasks), want, listed)
		}
	}
	wantSame(t, commit(t, s, with(last, update(2, 1, "goes on"))), []persistence.TurnOutcome{c}, "with the present version")

	renamed, err := s.RenameDefinition(t.Context(), one.Key(), definition("p1", "b", "text 1"))
	if err != nil {
		t.Fatal(err)
	}
	grown("another name", true)
	if err := s.DeleteDefinition(t.Context(), renamed.Key()); err != nil {
		t.Fatal(err)
	}
	grown("its end", true)
	wantKind(t, s.DeleteDefinition(t.Context(), one.Key()), fault.NotFound, "delete what isn't there")
	grown("an end of nothing", false)
}

// activationsTogether: each gets what is its own, in its place, as if it were activated alone.
func activationsTogether(t *testing.T, s persistence.Store) {
	const all = 7
	for n := range all {
		commitAll(t, s, creation(n, func(w *workflow.Writes) {
			w.Data.Context = dict("n", value.Int(n), "text", value.String(strings.Repeat("x", n*n*n*100)))
			for seq := range n {
				w.Tasks = append(w.Tasks, task(n, seq))
			}
			for seq := range 2 * n { // some lie with their tasks, and some apart
				w.Actions = append(w.Actions, action(n, seq, w.Tasks[seq/2]))
			}
		}))
	}
	alone := map[workflow.ExecutionID]*persistence.Snapshot{}
	var ids []workflow.ExecutionID
	for n := range all {
		alone[executionID(n)] = activate(t, s, n, "node-2")
		ids = append(ids, executionID(all-1-n), workflow.ExecutionID(fmt.Sprint("nobody-", n)))
	}
	peeked, err := s.Peek(t.Context(), ids)
	if err != nil || len(peeked) != len(ids) {
		t.Fatalf("%d looked at, of %d: %v", len(peeked), len(ids), err)
	}
	for i, id := range ids {
		if want := alone[id]; want != nil {
			wantSame(t, peeked[i].Snapshot, want, "a look at "+string(id))
		} else {
			wantKind(t, peeked[i].Err, fault.NotFound, "a look at "+string(id))
		}
	}
	_, err = s.Peek(t.Context(), []workflow.ExecutionID{executionID(1), executionID(1)})
	wantKind(t, err, fault.Invalid, "a look at one of them twice")
	out, err := s.Activate(t.Context(), ids, "node-3")
	if err != nil || len(out) != len(ids) {
		t.Fatalf("%d activations of %d: %v", len(out), len(ids), err)
	}
	for i, id := range ids {
		want := alone[id]
		if want == nil {
			wantKind(t, out[i].Err, fault.NotFound, string(id))
			continue
		}
		if out[i].Err != nil {
			t.Fatalf("%s: %v", id, out[i].Err)
		}
		want.Epoch++
		wantSame(t, out[i].Snapshot, want, string(id))
	}
	wantSame(t, commit(t, s, update(3, 2, "as before")), []persistence.TurnOutcome{persistence.Fenced}, "a turn of the activation before")
	if out, err := s.Activate(t.Context(), nil, "node-3"); err != nil || len(out) != 0 {
		t.Errorf("of none: %v, %v", out, err)
	}
	_, err = s.Activate(t.Context(), []workflow.ExecutionID{executionID(1), executionID(2), executionID(1)}, "node-4")
	wantKind(t, err, fault.Invalid, "one of them twice")
	if got := activate(t, s, 2, "node-4").Epoch; got != 4 {
		t.Errorf("epoch %d: a refused list has activated something", got)
	}
}

func turnsAndActivation(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, func(w *workflow.Writes) { w.Data.Input = dict("a", value.Int(1)) }))
	if got := activate(t, s, 1, "node-2").Epoch; got != 2 {
		t.Fatalf("epoch %d after the first activation, want 2", got)
	}
	if got := activate(t, s, 1, "node-2").Epoch; got != 3 {
		t.Fatalf("epoch %d after the second activation of the same node, want 3", got)
	}
	turn := update(1, 3, "third")
	turn.Writes.Tasks = []*workflow.TaskRecord{task(1, 0), task(1, 1)}
	commitAll(t, s, turn)
	done := task(1, 0)
	done.State, done.Published = workflow.Success, dict("x", value.Float(1))
	turn = update(1, 3, "fourth")
	turn.Writes.Tasks, turn.Writes.FirstTask = []*workflow.TaskRecord{done}, 2
	commitAll(t, s, turn)
	wantSame(t, commit(t, s, update(1, 2, "late")), []persistence.TurnOutcome{persistence.Fenced}, "a turn of an old epoch")
	snap := activate(t, s, 1, "node-3")
	if snap.Epoch != 4 || snap.Execution.StateInfo != "fourth" {
		t.Errorf("epoch %d, info %q", snap.Epoch, snap.Execution.StateInfo)
	}
	wantSame(t, snap.Tasks, []*workflow.TaskRecord{done, task(1, 1)}, "tasks by seq")
	wantSame(t, snap.Data.Input, dict("a", value.Int(1)), "data that wasn't written again")
}

func twoTurns(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, nil), creation(2, nil))
	_, err := s.Commit(t.Context(), []persistence.Turn{update(2, 1, "x"), update(1, 1, "x"), update(1, 1, "y")})
	wantKind(t, err, fault.Invalid, "two turns of one execution")
	if persistence.IsAmbiguous(err) {
		t.Error("a refusal is no doubt")
	}
	for n := 1; n <= 2; n++ {
		if snap := activate(t, s, n, "n"); snap.Execution.StateInfo != "" {
			t.Errorf("something of the batch was written: %q", snap.Execution.StateInfo)
		}
	}
}

func identity(t *testing.T, s persistence.Store) {
	first := creation(1, func(w *workflow.Writes) {
		e := w.Execution
		e.RootID, e.ParentID, e.ParentTaskID, e.SourceID = executionID(9), executionID(8), "task", executionID(7)
		e.Namespace, e.Priority, e.Index, e.Depth = "n", 1, 2, 3
		e.StartedBy = workflow.Requester{User: "first"}
	})
	commitAll(t, s, first)
	want := *first.Writes.Execution
	turn := update(1, 1, "")
	e := turn.Writes.Execution
	e.ProjectID, e.WorkflowName = "other", "other"
	e.RootID, e.ParentID, e.ParentTaskID, e.SourceID = "other", "other", "other", "other"
	e.StartedBy = workflow.Requester{User: "other"}
	e.Namespace, e.DefinitionID, e.Priority, e.Index, e.Depth = "other", "other", 7, 7, 7
	commitAll(t, s, turn)
	wantSame(t, activate(t, s, 1, "n").Execution, &want, "an execution after a turn that gives it another identity")
}

func refusedTurn(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, nil), creation(2, nil), creation(3, nil))
	noJSON := update(1, 1, "x")
	tk := task(1, 0)
	tk.Published = dict("span", value.TimeSpan{Microseconds: 1_000_000})
	noJSON.Writes.Tasks = []*workflow.TaskRecord{tk}
	foreign := update(2, 1, "x")
	foreign.Writes.Tasks = []*workflow.TaskRecord{task(3, 0)}
	nul := creation(4, func(w *workflow.Writes) { w.Execution.WorkflowName = "a\x00b" })
	got := commit(t, s, noJSON, foreign, update(3, 1, "good"), nul)
	r := persistence.Refused
	wantSame(t, got, []persistence.TurnOutcome{r, r, persistence.Committed, r}, "outcomes")
	if snap := activate(t, s, 1, "n"); snap.Execution.StateInfo != "" || len(snap.Tasks) != 0 {
		t.Error("something of the refused turn is there")
	}
	if snap := activate(t, s, 3, "n"); snap.Execution.StateInfo != "good" {
		t.Error("the good turn of the batch isn't there")
	}
}

func nothingShared(t *testing.T, s persistence.Store) {
	first := creation(1, func(w *workflow.Writes) {
		w.Execution.Tags = []string{"a"}
		w.Tasks = []*workflow.TaskRecord{task(1, 0)}
	})
	commitAll(t, s, first)
	first.Writes.Execution.Tags[0], first.Writes.Tasks[0].Name = "changed", "changed"
	snap := activate(t, s, 1, "n")
	if snap.Execution.Tags[0] != "a" || snap.Tasks[0].Name != "task-0" {
		t.Fatal("the store kept what it was given")
	}
	snap.Execution.Tags[0], snap.Tasks[0].Name = "changed", "changed"
	if again := activate(t, s, 1, "n"); again.Execution.Tags[0] != "a" || again.Tasks[0].Name != "task-0" {
		t.Fatal("the store gave away what it keeps")
	}
}

func deleteTree(t *testing.T, s persistence.Store) {
	below := func(n, parent int) persistence.Turn {
		return creation(n, func(w *workflow.Writes) {
			w.Execution.ParentID, w.Execution.RootID, w.Execution.ParentTaskID = executionID(parent), executionID(1), task(parent, 0).ID
			w.Tasks = []*workflow.TaskRecord{task(n, 0)}
			w.Actions = []*workflow.ActionRecord{action(n, 0, task(n, 0))}
			w.History = []workflow.HistoryEvent{{Seq: 1, At: start(), Kind: "command"}}
		})
	}
	root := creation(1, func(w *workflow.Writes) { w.Tasks = []*workflow.TaskRecord{task(1, 0)} })
	commitAll(t, s, root, below(2, 1), below(3, 1), below(4, 2), creation(5, nil))
	wantKind(t, s.DeleteExecution(t.Context(), executionID(1), false), fault.Conflict, "delete a running execution")
	if err := s.DeleteExecution(t.Context(), executionID(1), true); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 4; n++ {
		_, _, err := s.GetExecution(t.Context(), "", executionID(n))
		wantKind(t, err, fault.NotFound, "get a deleted execution")
		tasks, err := s.ListTasks(t.Context(), executionID(n), -1, 10)
		if err != nil || len(tasks) != 0 {
			t.Errorf("tasks of a deleted execution: %d, %v", len(tasks), err)
		}
		actions, err := s.ListActions(t.Context(), executionID(n), "", -1, 10)
		if err != nil || len(actions) != 0 {
			t.Errorf("actions of a deleted execution: %d, %v", len(actions), err)
		}
		events, err := s.History(t.Context(), executionID(n), 0, 10)
		if err != nil || len(events) != 0 {
			t.Errorf("history of a deleted execution: %d, %v", len(events), err)
		}
		wantSame(t, commit(t, s, update(n, 1, "x")), []persistence.TurnOutcome{persistence.Fenced}, "a turn of a deleted execution")
	}
	wantKind(t, s.DeleteExecution(t.Context(), executionID(1), true), fault.NotFound, "delete again")
	ended := update(5, 1, "")
	ended.Writes.Execution.State = workflow.Success
	commitAll(t, s, ended)
	if err := s.DeleteExecution(t.Context(), executionID(5), false); err != nil {
		t.Errorf("delete a final execution: %v", err)
	}
}

// deleteCircle: parents that form a circle are a defect, but deleting them must end.
func deleteCircle(t *testing.T, s persistence.Store) {
	below := func(n, parent int) persistence.Turn {
		return creation(n, func(w *workflow.Writes) { w.Execution.ParentID = executionID(parent) })
	}
	commitAll(t, s, below(1, 2), below(2, 3), below(3, 1), below(4, 4))
	for _, n := range []int{2, 4} {
		if err := s.DeleteExecution(t.Context(), executionID(n), true); err != nil {
			t.Fatal(err)
		}
	}
	left, err := s.ListExecutions(t.Context(), persistence.ExecutionsQuery{Limit: 10})
	if err != nil || len(left) != 0 {
		t.Errorf("%d executions are left, %v", len(left), err)
	}
}

func due(t *testing.T, s persistence.Store) {
	past := time.Now().Add(-time.Hour)
	wake := func(n int, at time.Time) persistence.Turn {
		return creation(n, func(w *workflow.Writes) { w.Execution.WakeAt = at })
	}
	commitAll(t, s, wake(1, past), wake(2, past.Add(-time.Minute)), wake(3, time.Now().Add(time.Hour)), wake(4, time.Time{}), wake(5, past.Add(time.Minute)))
	list := func(shards []uint16, limit int) []workflow.ExecutionID {
		t.Helper()
		ids, err := s.Due(t.Context(), shards, limit)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	wantSame(t, list(nil, 10), []workflow.ExecutionID{executionID(2), executionID(1), executionID(5)}, "all")
	wantSame(t, list(nil, 2), []workflow.ExecutionID{executionID(2), executionID(1)}, "two")
	wantSame(t, list([]uint16{persistence.Shard(executionID(5))}, 10), []workflow.ExecutionID{executionID(5)}, "of one shard")
	if ids := list([]uint16{}, 10); len(ids) != 0 {
		t.Errorf("no shard has %v", ids)
	}
	later := update(2, 1, "")
	later.Writes.Execution.WakeAt = time.Now().Add(time.Hour)
	commitAll(t, s, later, update(1, 1, ""))
	wantSame(t, list(nil, 10), []workflow.ExecutionID{executionID(5)}, "after two were put off")
}

// quiet: what runs, and has no moment, no queued action and no runner.
func quiet(t *testing.T, s persistence.Store) {
	state := func(n int, change func(r *workflow.ExecutionRecord)) persistence.Turn {
		return creation(n, func(w *workflow.Writes) {
			w.Execution.State = workflow.Running
			change(w.Execution)
		})
	}
	same := func(*workflow.ExecutionRecord) {}
	commitAll(t, s, state(1, same), state(2, same), state(3, same),
		state(4, func(r *workflow.ExecutionRecord) { r.WakeAt = time.Now().Add(time.Hour) }),
		state(5, func(r *workflow.ExecutionRecord) { r.Wanting = true }),
		state(6, func(r *workflow.ExecutionRecord) { r.Runners = []workflow.RunnerID{"r"} }),
		state(7, func(r *workflow.ExecutionRecord) { r.State = workflow.Paused }),
		state(8, func(r *workflow.ExecutionRecord) { r.State = workflow.Success }))
	found := map[workflow.ExecutionID]bool{}
	var after persistence.Claim
	for range 3 {
		page, err := s.Quiet(t.Context(), nil, after, 1)
		if err != nil || len(page) != 1 {
			t.Fatalf("page of one: %v, %v", page, err)
		}
		after = page[0]
		found[after.ID] = true
		if after.Owner != "node-1" {
			t.Errorf("%s is owned by %q", after.ID, after.Owner)
		}
	}
	if page, err := s.Quiet(t.Context(), nil, after, 1); err != nil || len(page) != 0 || len(found) != 3 || !found[executionID(1)] || !found[executionID(2)] || !found[executionID(3)] {
		t.Errorf("found %v, then %v, %v", found, page, err)
	}
	if page, err := s.Quiet(t.Context(), []uint16{}, persistence.Claim{}, 10); err != nil || len(page) != 0 {
		t.Errorf("no shard has %v, %v", page, err)
	}
}

func wanting(t *testing.T, s persistence.Store) {
	want := func(w *workflow.Writes) { w.Execution.Wanting = true }
	for n := range 7 {
		commitAll(t, s, creation(n, want))
	}
	commitAll(t, s, creation(7, nil))
	activate(t, s, 3, "node-2")
	list := func(shards []uint16, after persistence.Claim, limit int) []persistence.Claim {
		t.Helper()
		claims, err := s.Wanting(t.Context(), shards, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		return claims
	}
	owners := func() map[workflow.ExecutionID]persistence.NodeID {
		found := map[workflow.ExecutionID]persistence.NodeID{}
		var at persistence.Claim
		for range 10 {
			page := list(nil, at, 3)
			for _, c := range page {
				if _, twice := found[c.ID]; twice {
					t.Errorf("%s is on two pages", c.ID)
				}
				found[c.ID] = c.Owner
			}
			if len(page) < 3 {
				break
			}
			at = page[len(page)-1]
		}
		return found
	}
	found := owners()
	if len(found) != 7 || found[executionID(3)] != "node-2" || found[executionID(4)] != "node-1" {
		t.Errorf("wanting: %v", found)
	}
	shard := persistence.Shard(executionID(5))
	wantSame(t, list([]uint16{shard}, persistence.Claim{}, 10), []persistence.Claim{{ID: executionID(5), Owner: "node-1"}}, "of one shard")
	if claims := list([]uint16{}, persistence.Claim{}, 10); len(claims) != 0 {
		t.Errorf("no shard has %v", claims)
	}
	commitAll(t, s, update(5, 1, "")) // wants nothing any more
	if found := owners(); len(found) != 6 {
		t.Errorf("after one was served: %v", found)
	}
}

func runners(t *testing.T, s persistence.Store) {
	dispatched := func(n int, runners ...workflow.RunnerID) persistence.Turn {
		return creation(n, func(w *workflow.Writes) { w.Execution.Runners = runners })
	}
	commitAll(t, s, dispatched(1, "r1"), dispatched(2, "r2", "r\"3"), dispatched(3, "r1", "r11"), creation(4, nil))
	all, err := s.DispatchedRunners(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, sorted(all), []workflow.RunnerID{"r\"3", "r1", "r11", "r2"}, "runners")
	for runner, want := range map[workflow.RunnerID][]workflow.ExecutionID{
		"r1": {executionID(1), executionID(3)}, "r11": {executionID(3)}, "r\"3": {executionID(2)}, "r": nil, "": nil,
	} {
		on, err := s.OnRunner(t.Context(), runner, 10)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, sorted(on), sorted(want), "executions on "+string(runner))
	}
	commitAll(t, s, update(2, 1, ""))
	if all, err = s.DispatchedRunners(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	wantSame(t, sorted(all), []workflow.RunnerID{"r1", "r11"}, "runners after r2 and r3 have finished")
	if on, err := s.OnRunner(t.Context(), "r2", 10); err != nil || len(on) != 0 {
		t.Errorf("executions on r2: %v, %v", on, err)
	}
}

// disagreement is a turn that changes what the store hasn't, or creates what it has.
func disagreement(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, func(w *workflow.Writes) {
		w.Tasks = []*workflow.TaskRecord{task(1, 0)}
		w.Actions = []*workflow.ActionRecord{action(1, 0, task(1, 0))}
	}), creation(2, nil))
	for name, change := range map[string]func(*workflow.Writes){
		"a new task that is there":   func(w *workflow.Writes) { w.Tasks = []*workflow.TaskRecord{task(1, 0)} },
		"a changed task that isn't":  func(w *workflow.Writes) { w.Tasks, w.FirstTask = []*workflow.TaskRecord{task(1, 1)}, 2 },
		"a new action that is there": func(w *workflow.Writes) { w.Actions = []*workflow.ActionRecord{action(1, 0, task(1, 0))} },
		"a changed action that isn't": func(w *workflow.Writes) {
			w.Actions, w.FirstAction = []*workflow.ActionRecord{action(1, 1, task(1, 0))}, 2
		},
	} {
		turn := update(1, 1, name)
		change(&turn.Writes)
		_, err := s.Commit(t.Context(), []persistence.Turn{update(2, 1, name), turn})
		wantKind(t, err, fault.Internal, name)
		for n := 1; n <= 2; n++ {
			if e, _, err := s.GetExecution(t.Context(), "p", executionID(n)); err == nil && e.StateInfo != "" {
				t.Errorf("%s: something of the batch was written to execution %d", name, n)
			}
		}
	}
	if snap := activate(t, s, 1, "n"); snap.Execution.StateInfo != "" || len(snap.Tasks) != 1 || len(snap.Actions) != 1 {
		t.Errorf("execution 1 has info %q, %d tasks, %d actions", snap.Execution.StateInfo, len(snap.Tasks), len(snap.Actions))
	}
	if snap := activate(t, s, 2, "n"); snap.Execution.StateInfo != "" {
		t.Errorf("execution 2 has info %q", snap.Execution.StateInfo)
	}
}

func history(t *testing.T, s persistence.Store) {
	var all []workflow.HistoryEvent
	for i := 1; i <= 7; i++ {
		all = append(all, workflow.HistoryEvent{Seq: uint64(i), At: start(), Kind: "command", Info: "x"})
	}
	commitAll(t, s, creation(1, func(w *workflow.Writes) { w.History = all[:1] }))
	for _, cut := range [][2]int{{1, 4}, {4, 4}, {4, 7}} {
		turn := update(1, 1, "")
		turn.Writes.History = all[cut[0]:cut[1]]
		commitAll(t, s, turn)
	}
	for after := range 8 {
		for _, limit := range []int{1, 2, 3, 10} {
			events, err := s.History(t.Context(), executionID(1), uint64(after), limit)
			if err != nil {
				t.Fatal(err)
			}
			want := all[after:min(after+limit, len(all))]
			if len(want) == 0 && len(events) == 0 {
				continue
			}
			wantSame(t, events, want, "history")
		}
	}
}
