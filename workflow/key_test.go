package workflow_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"cierzo/workflow"
)

// TestPartIDs: an id of a task or an action says where its row is, and no other id does.
func TestPartIDs(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC)
	seen := map[string]bool{}
	for _, id := range []workflow.ExecutionID{"", "a", "b", workflow.ExecutionID(uuid.NewString()), "a name, chosen by a user: zażółć"} {
		ids := workflow.NewPartIDs(id, at)
		if ids.Key() != id.Key() || ids.Key().Shard() > 255 {
			t.Errorf("execution %q: key %d and %d, shard %d", id, ids.Key(), id.Key(), id.Key().Shard())
		}
		for _, seq := range []int{0, 1, 2, 511, 512, 1<<16 - 1, workflow.ActionsMax, 1<<24 - 1} {
			task, action := ids.Task(seq), ids.Action(seq)
			for _, text := range []string{string(task), string(action)} {
				if u, err := uuid.Parse(text); err != nil || u.Version() != 8 || u.Variant() != uuid.RFC4122 || u.String() != text || seen[text] {
					t.Errorf("%q, part %d: %s is no UUID of version 8 (%v), or the same again", id, seq, text, err)
				}
				seen[text] = true
			}
			key, n, ok := task.Place()
			if !ok || key != ids.Key() || n != seq {
				t.Errorf("task %s is at %d %d %v, want %d %d", task, key, n, ok, ids.Key(), seq)
			}
			if key, n, ok = action.Place(); !ok || key != ids.Key() || n != seq {
				t.Errorf("action %s is at %d %d %v, want %d %d", action, key, n, ok, ids.Key(), seq)
			}
			if _, _, ok = workflow.TaskID(action).Place(); ok {
				t.Errorf("action %s is taken for a task", action)
			}
			if n, ok := ids.TaskSeq(task); !ok || n != seq {
				t.Errorf("task %s is number %d, %v", task, n, ok)
			}
			if _, ok := workflow.NewPartIDs(id, at.Add(time.Microsecond)).ActionSeq(action); ok {
				t.Errorf("action %s is one of an execution of the same id that was created later", action)
			}
		}
	}
	for _, foreign := range []workflow.TaskID{"", "x", workflow.TaskID(uuid.NewString()), workflow.TaskID(uuid.Must(uuid.NewV7()).String()), "zzzzzzzz-0000-8000-8000-000000000000"} {
		if _, _, ok := foreign.Place(); ok {
			t.Errorf("%q has a place", foreign)
		}
	}
}
