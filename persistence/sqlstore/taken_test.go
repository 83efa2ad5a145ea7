package sqlstore

import (
	"testing"

	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/workflow"
)

// TestTaken: the key of an id is taken by an execution with another one. Nothing of the one is given out, or changed, as the
// other's.
func TestTaken(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{"SQLite": sqliteFile(t), "PostgreSQL": dbtest.Postgres(t)} {
		s := open(t, dsn)
		mustCommit(t, s, creation("e1"), creation("e2"))
		// No two ids with one key are known: that of e1 gets another id behind the store's back.
		_, err := s.writer.ExecContext(t.Context(), "UPDATE executions SET id = 'other' WHERE id = 'e1'")
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Commit(t.Context(), []persistence.Turn{creation("e1"), creation("e2"), creation("e3")})
		if err != nil || out[0] != persistence.Taken || out[1] != persistence.Exists || out[2] != persistence.Committed {
			t.Errorf("%s: %v, %v", name, out, err)
		}
		if got := infoOf(t, s, "e1"); got != "none" {
			t.Errorf("%s: it is read as the other: %q", name, got)
		}
		if _, err := persistence.ActivateOne(t.Context(), s, "e1", "n2"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: activate: %v", name, err)
		}
		both, err := s.Activate(t.Context(), []workflow.ExecutionID{"e1", "e2"}, "n2")
		if err != nil || !fault.Is(both[0].Err, fault.NotFound) || both[1].Err != nil || both[1].Snapshot.Epoch != 2 {
			t.Errorf("%s: activate it and another one: %v, %v", name, both, err)
		}
		var epoch int
		err = s.db.QueryRowContext(t.Context(), "SELECT epoch FROM execution_states WHERE key IN (SELECT key FROM executions WHERE id = 'other')").Scan(&epoch)
		if err != nil || epoch != 1 {
			t.Errorf("%s: the other one has the epoch %d: %v", name, epoch, err)
		}
		if err := s.DeleteExecution(t.Context(), "e1", true); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: delete: %v", name, err)
		}
		ids := workflow.NewPartIDs("e1", creation("e1").Writes.Execution.CreatedAt)
		if _, err := s.FindTask(t.Context(), ids.Task(0)); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: a task: %v", name, err)
		}
		if _, err := s.FindAction(t.Context(), ids.Action(0)); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: an action: %v", name, err)
		}
		tasks, err := s.ListTasks(t.Context(), "e1", -1, 10)
		if err != nil || len(tasks) > 0 {
			t.Errorf("%s: %d tasks, %v", name, len(tasks), err)
		}
		actions, err := s.ListActions(t.Context(), "e1", "", -1, 10)
		if err != nil || len(actions) > 0 {
			t.Errorf("%s: %d actions, %v", name, len(actions), err)
		}
		events, err := s.History(t.Context(), "e1", 0, 10)
		if err != nil || len(events) > 0 {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
	}
}
