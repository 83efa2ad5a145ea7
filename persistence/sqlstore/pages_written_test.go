package sqlstore

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"cierzo/persistence"
	"cierzo/workflow"
)

// TestExecutionsInTimeShareTheirPages counts the pages that SQLite writes for one transaction of 16 new executions, and for one
// in which they go on, when there are 5,000 others: ids in the order of time, and random ones.
func TestExecutionsInTimeShareTheirPages(t *testing.T) {
	t.Parallel()
	const stored, together, page = 5000, 16, 4096
	pages := map[string][2]int{}
	for name, next := range map[string]func() workflow.ExecutionID{"in time": inTime(t), "random": func() workflow.ExecutionID { return workflow.ExecutionID(uuid.NewString()) }} {
		file := filepath.Join(t.TempDir(), "pages.db")
		s := open(t, "sqlite://"+file)
		create := func(n int) (turns []persistence.Turn) {
			for range n {
				turns = append(turns, creation(next()))
			}
			return turns
		}
		// written is what the log has for one transaction: it is emptied before.
		written := func(turns []persistence.Turn) int {
			var busy, size, moved int
			if err := s.writer.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &size, &moved); err != nil || busy != 0 {
				t.Fatalf("empty the log: busy %d, %v", busy, err)
			}
			mustCommit(t, s, turns...)
			log, err := os.Stat(file + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			return int(log.Size()-32) / (page + 24)
		}
		for range stored / 100 {
			mustCommit(t, s, create(100)...)
		}
		begun := create(together)
		first := written(begun)
		var on []persistence.Turn
		for _, x := range begun {
			on = append(on, update(x.ID, "goes on"))
		}
		pages[name] = [2]int{first, written(on)}
	}
	t.Logf("pages for %d executions that begin, and that go on: %v", together, pages)
	got, other := pages["in time"], pages["random"]
	if got[0] > 30 || other[0] < 3*got[0] {
		t.Errorf("for %d that begin in the order of time %d pages are written, want at most 30, and a third of those of random ids, which have %d", together, got[0], other[0])
	}
	// Rows lie in the order of their insertion, so that both are side by side.
	if got[1] > 6 || other[1] > 6 {
		t.Errorf("for %d that go on %d and, with random ids, %d pages are written, want at most 6", together, got[1], other[1])
	}
}

// inTime makes ids as a node does whose store is its own.
func inTime(t *testing.T) func() workflow.ExecutionID {
	var last workflow.Key
	at, n := time.Now(), uint64(0)
	return func() workflow.ExecutionID {
		n++
		at = at.Add(100 * time.Microsecond)
		key, ok := workflow.TimedKey(at, n*0x9e3779b97f4a7c15, last)
		if !ok {
			t.Fatal("no key of this time")
		}
		last = key
		return workflow.TimedID(key, n)
	}
}
