package workflow_test

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"cierzo/workflow"
)

// TestTimedIDs: ids that are made one after the other have keys that grow, no id says a key but these, and their parts are found by it.
func TestTimedIDs(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC)
	var last workflow.Key
	for i := range uint64(5000) {
		random := i * 0x9e3779b97f4a7c15
		moment := at.Add(time.Duration(i/1000) * time.Millisecond) // a thousand in each: more than chance keeps apart
		if i > 4000 {
			moment = at.Add(-time.Hour) // the clock is set back
		}
		key, ok := workflow.TimedKey(moment, random, last)
		if !ok || key <= last {
			t.Fatalf("number %d: key %d after %d, %v", i, key, last, ok)
		}
		last = key
		id := workflow.TimedID(key, random)
		if u, err := uuid.Parse(string(id)); err != nil || u.Version() != 8 || u.Variant() != uuid.RFC4122 || u.String() != string(id) {
			t.Fatalf("%s is no UUID of version 8: %v", id, err)
		}
		if id.Key() != key {
			t.Fatalf("%s has the key %d, want %d", id, id.Key(), key)
		}
		if other := workflow.TimedID(key, random+1); other == id || other.Key() != key {
			t.Fatalf("%s and %s of one key", id, other)
		}
		if found, _, ok := workflow.NewPartIDs(id, at).Action(7).Place(); !ok || found != key {
			t.Fatalf("an action of %s is at %d, %v, want %d", id, found, ok, key)
		}
		if _, _, ok := workflow.TaskID(id).Place(); ok {
			t.Fatalf("%s is taken for a task", id)
		}
	}
	id := string(workflow.TimedID(last, 1))
	for i, c := range id {
		other := workflow.ExecutionID(id[:i] + string("0123456789abcdef0"[strings.IndexRune("0123456789abcdef", c)+1]) + id[i+1:])
		if other.Key() == last {
			t.Errorf("%s, which nobody has made, has the key of %s", other, id)
		}
	}
	for _, other := range []string{strings.ToUpper(id), id[:35], id + "0", string(workflow.NewPartIDs("x", at).Action(1)), string(workflow.NewPartIDs("x", at).Task(0))} {
		sum := sha256.Sum256([]byte(other))
		if got, want := workflow.ExecutionID(other).Key(), workflow.Key(binary.BigEndian.Uint64(sum[:])); got != want {
			t.Errorf("%q has the key %d, want its hash %d", other, got, want)
		}
	}
	for _, moment := range []time.Time{{}, time.Unix(0, 0), time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if key, ok := workflow.TimedKey(moment, 1, last); ok {
			t.Errorf("%v has the key %d", moment, key)
		}
	}
}

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
