// Package storetest holds every store to the law of package persistence: the same tests for the store in memory and for
// each database.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Open gives a test an empty store of its own, which is closed with the test.
type Open func(t *testing.T) persistence.Store

// Exercise runs all tests of the law.
func Exercise(t *testing.T, open Open) {
	tests := []struct {
		name string
		run  func(t *testing.T, s persistence.Store)
	}{
		{"create, then exists", createExists},
		{"a batch of all outcomes", batchOutcomes},
		{"only of the newest revision", onlyNewest},
		{"only with these definitions", onlyWithDefinitions},
		{"turns and activation", turnsAndActivation},
		{"activations together", activationsTogether},
		{"two turns of one execution", twoTurns},
		{"what an execution is stays", identity},
		{"a round trip of values", roundTrip},
		{"a refused turn drops out", refusedTurn},
		{"nothing is shared with the caller", nothingShared},
		{"delete a tree", deleteTree},
		{"delete a circle", deleteCircle},
		{"due", due},
		{"wanting", wanting},
		{"quiet", quiet},
		{"runners", runners},
		{"a turn that disagrees with the store", disagreement},
		{"history has no gaps", history},
		{"leases", leases},
		{"lost leases", lostLease},
		{"definitions and their revisions", revisions},
		{"definitions all or none", allOrNone},
		{"who sees a definition", visibility},
		{"pages of definitions", definitionPages},
		{"pages of executions", executionPages},
		{"selections of executions", selections},
		{"pages of tasks and actions", taskPages},
		{"pages of everything", pagesOfAll},
		{"selections of pages", pageSelections},
		{"what is in pages", pageRows},
		{"lists of revisions, and new names", revisionLists},
		{"resources", resources},
		{"versions of resources", resourceVersions},
		{"lists of resources", resourceLists},
		{"actions beside and inside of their tasks", actionPlaces},
		{"every form of an event", eventForms},
		{"history of turns that make tasks", historyOfTasks},
		{"due resources", dueResources},
		{"rivals for a resource", rivals},
		{"notices in their lanes", notices},
		{"rivals for a lane", noticeRivals},
		{"projects and roots", projectsAndRoots},
		{"what isn't there", notFound},
		{"two activations write at the same time", lostUpdate},
		{"definitions change while turns assert them", assertedDefinitions},
		{"many creators of one execution", manyCreators},
		{"crossed definitions", crossedDefinitions},
		{"revisions by many", manyRevisions},
		{"revisions while they are read", newestNeverOlder},
		{"a cancelled context", cancelled},
		{"information and closing", infoAndClose},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// start is a time with microseconds, as stores keep them.
func start() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC) }

// id makes an id that looks like the engine's; the same number gives the same id.
func id[T ~string](kind string, n int) T {
	return T(uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s %d", kind, n)).String())
}

// executionID names execution n. Every third id is one that has its key in it.
func executionID(n int) workflow.ExecutionID {
	if n%3 == 1 {
		key, _ := workflow.TimedKey(created(n), uint64(n), 0)
		return workflow.TimedID(key, uint64(n))
	}
	return id[workflow.ExecutionID]("execution", n)
}

// created is when creation says that execution n was created.
func created(n int) time.Time { return start().Add(time.Duration(n) * time.Second) }

// parts are the ids of the tasks and actions of execution n.
func parts(n int) workflow.PartIDs { return workflow.NewPartIDs(executionID(n), created(n)) }

// creation is the first turn of execution n; change alters it.
func creation(n int, change func(w *workflow.Writes)) persistence.Turn {
	eid := executionID(n)
	t := persistence.Turn{ID: eid, Node: "node-1", Writes: workflow.Writes{
		Create: true,
		Execution: &workflow.ExecutionRecord{
			ID: eid, ProjectID: "p1", WorkflowName: "flow", DefinitionID: "d1", State: workflow.Running, Turns: 1,
			CreatedAt: created(n), UpdatedAt: start(),
		},
		Data: &workflow.ExecutionData{Input: value.NewDict(0), Params: value.NewDict(0), Env: value.NewDict(0), Context: value.NewDict(0)},
	}}
	if change != nil {
		change(&t.Writes)
	}
	return t
}

// update is a later turn of the execution that only changes its state info.
func update(n int, epoch uint64, info string) persistence.Turn {
	t := creation(n, nil)
	t.Epoch, t.Writes.Create, t.Writes.Data = epoch, false, nil
	t.Writes.Execution.StateInfo = info
	return t
}

func task(n, seq int) *workflow.TaskRecord {
	return &workflow.TaskRecord{
		ID: parts(n).Task(seq), ExecutionID: executionID(n), Name: fmt.Sprint("task-", seq), Seq: seq,
		Type: "ACTION", State: workflow.Running, Runtime: workflow.TaskRuntime{ItemCount: -1}, CreatedAt: start(), UpdatedAt: start(),
	}
}

func action(n, seq int, t *workflow.TaskRecord) *workflow.ActionRecord {
	return &workflow.ActionRecord{
		ID: parts(n).Action(seq), ExecutionID: executionID(n), TaskID: t.ID, Name: "std.http",
		Seq: seq, State: workflow.Running, CreatedAt: start(), UpdatedAt: start(),
	}
}

func commit(t *testing.T, s persistence.Store, turns ...persistence.Turn) []persistence.TurnOutcome {
	t.Helper()
	outcomes, err := s.Commit(t.Context(), turns)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if len(outcomes) != len(turns) {
		t.Fatalf("%d outcomes of %d turns", len(outcomes), len(turns))
	}
	return outcomes
}

// commitAll wants all turns committed.
func commitAll(t *testing.T, s persistence.Store, turns ...persistence.Turn) {
	t.Helper()
	for i, o := range commit(t, s, turns...) {
		if o != persistence.Committed {
			t.Fatalf("turn %d of %s: outcome %d", i, turns[i].ID, o)
		}
	}
}

func activate(t *testing.T, s persistence.Store, n int, node persistence.NodeID) *persistence.Snapshot {
	t.Helper()
	snap, err := persistence.ActivateOne(t.Context(), s, executionID(n), node)
	if err != nil {
		t.Fatalf("activate: %v", err)
	}
	return snap
}

func wantKind(t *testing.T, err error, kind fault.Kind, doing string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want an error of kind %v", doing, err, kind)
	}
}

func wantSame[T any](t *testing.T, got, want T, what string) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameValues()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// sameValues compares values by their exact JSON: 1 isn't 1.0, keys have an order.
func sameValues() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		v := p.Last().Type()
		return v.Implements(valueInterface())
	}, cmp.Comparer(func(a, b value.Value) bool { return exact(a) == exact(b) }))
}
