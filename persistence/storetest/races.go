package storetest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// together runs n functions at the same time.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			fn(i)
		})
	}
	close(gate)
	wg.Wait()
}

// lostUpdate has activations of one execution write at the same time, each reading, adding one to a counter, and writing
// back: every turn that was committed counts, no other.
func lostUpdate(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, func(w *workflow.Writes) { w.Execution.ParentSent = 0 }), creation(2, nil))
	var committed, fenced atomic.Int64
	together(8, func(i int) {
		for range 10 {
			snap, err := persistence.ActivateOne(t.Context(), s, executionID(1), persistence.NodeID(fmt.Sprint("node-", i)))
			if err != nil {
				t.Errorf("activate: %v", err)
				return
			}
			turn := update(1, snap.Epoch, "")
			turn.Writes.Execution.ParentSent = snap.Execution.ParentSent + 1
			out, err := s.Commit(t.Context(), []persistence.Turn{turn, update(2, 1, fmt.Sprint(i))})
			if err != nil {
				t.Errorf("commit: %v", err)
				return
			}
			switch out[0] {
			case persistence.Committed:
				committed.Add(1)
			case persistence.Fenced:
				fenced.Add(1)
			default:
				t.Errorf("outcome %d", out[0])
			}
			if out[1] != persistence.Committed {
				t.Errorf("the turn beside it: outcome %d", out[1])
			}
		}
	})
	snap := activate(t, s, 1, "n")
	if int64(snap.Execution.ParentSent) != committed.Load() {
		t.Errorf("%d turns were committed (%d fenced), the counter says %d", committed.Load(), fenced.Load(), snap.Execution.ParentSent)
	}
	if snap.Epoch != 82 {
		t.Errorf("epoch %d after 81 activations, want 82", snap.Epoch)
	}
	if committed.Load() == 0 {
		t.Error("no turn was ever committed")
	}
}

// manyCreators: of those who create the same executions at the same time, each execution has one.
func manyCreators(t *testing.T, s persistence.Store) {
	var created [6]atomic.Int64
	together(8, func(i int) {
		var turns []persistence.Turn
		for n := range created {
			at := (n + i) % len(created) // in another order each
			turns = append(turns, creation(at, func(w *workflow.Writes) {
				tk := task(at, 0)
				w.Tasks, w.Actions = []*workflow.TaskRecord{tk}, []*workflow.ActionRecord{action(at, 0, tk)}
			}))
		}
		out, err := s.Commit(t.Context(), turns)
		if err != nil {
			t.Errorf("commit: %v", err)
			return
		}
		for k, o := range out {
			if o == persistence.Committed {
				created[(k+i)%len(created)].Add(1)
			}
		}
	})
	for n := range created {
		if got := created[n].Load(); got != 1 {
			t.Errorf("execution %d was created %d times", n, got)
		}
	}
}

// crossedDefinitions has uploads whose names overlap meet in opposite orders: of two that overlap one may win, and it wins
// as a whole.
func crossedDefinitions(t *testing.T, s persistence.Store) {
	const rounds = 15
	for round := range rounds {
		names := []string{fmt.Sprint("a", round), fmt.Sprint("b", round), fmt.Sprint("c", round), fmt.Sprint("d", round)}
		var won [4]atomic.Bool
		together(len(won), func(i int) {
			first, second := definition("p1", names[i], fmt.Sprint(i)), definition("p1", names[(i+1)%4], fmt.Sprint(i))
			if i%2 == 1 {
				first, second = second, first
			}
			_, err := s.CreateDefinitions(t.Context(), []persistence.Definition{first, second})
			won[i].Store(err == nil)
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Errorf("create: %v", err)
			}
		})
		winners := 0
		for i := range won {
			if !won[i].Load() {
				continue
			}
			winners++
			for _, name := range []string{names[i], names[(i+1)%4]} {
				d, err := s.FindDefinition(t.Context(), persistence.DefinitionKey{ProjectID: "p1", Kind: persistence.WorkflowDefinition, Name: name})
				if err != nil {
					t.Fatalf("round %d: %s of winner %d: %v", round, name, i, err)
				}
				if d.Text != fmt.Sprint(i) || d.Revision != 1 {
					t.Errorf("round %d: %s is of %s, revision %d; its creator was told that it is of %d", round, name, d.Text, d.Revision, i)
				}
			}
		}
		if winners == 0 || winners > 2 {
			t.Errorf("round %d: %d of 4 uploads that each overlap with two others have won", round, winners)
		}
	}
}

// manyRevisions: revisions that are put at the same time are numbered without gaps, and each is there.
func manyRevisions(t *testing.T, s persistence.Store) {
	var ids sync.Map
	together(6, func(i int) {
		for k := range 5 {
			out, err := s.PutDefinitions(t.Context(), []persistence.Definition{definition("p1", "a", fmt.Sprint(i, " ", k)), definition("p1", fmt.Sprint("own", i), fmt.Sprint(k))})
			if err != nil {
				t.Errorf("put: %v", err)
				return
			}
			if other, loaded := ids.LoadOrStore(out[0].Revision, out[0].ID); loaded {
				t.Errorf("revision %d is both %s and %v", out[0].Revision, out[0].ID, other)
			}
		}
	})
	for n := 1; n <= 30; n++ {
		rid, ok := ids.Load(n)
		if !ok {
			t.Errorf("there is no revision %d", n)
			continue
		}
		if d, err := s.GetDefinition(t.Context(), rid.(string)); err != nil || d.Revision != n {
			t.Errorf("revision %d: %v", n, err)
		}
	}
}

// newestNeverOlder: who asks for the newest revision, his own or another project's public one, gets none that is older than what
// was there, or was seen by anyone, before he asked.
func newestNeverOlder(t *testing.T, s persistence.Store) {
	const revisions = 40
	var seen atomic.Int64
	raise := func(n int64) {
		for {
			if old := seen.Load(); old >= n || seen.CompareAndSwap(old, n) {
				return
			}
		}
	}
	of := func(n int) persistence.Definition {
		d := definition("p1", "a", strings.Repeat("x", n))
		d.Scope = "public"
		return d
	}
	put(t, s, of(1))
	raise(1)
	together(4, func(i int) {
		if i == 0 {
			for n := 2; n <= revisions; n++ {
				out, err := s.PutDefinitions(t.Context(), []persistence.Definition{of(n)})
				if err != nil {
					t.Errorf("put: %v", err)
					break
				}
				raise(int64(out[0].Revision))
			}
			raise(revisions) // the readers end
			return
		}
		for before := int64(0); before < revisions; {
			before = seen.Load()
			d, err := s.FindDefinition(t.Context(), persistence.DefinitionKey{ProjectID: fmt.Sprint("p", i), Kind: persistence.WorkflowDefinition, Name: "a"})
			if err != nil {
				t.Errorf("find: %v", err)
				return
			}
			if int64(d.Revision) < before {
				t.Errorf("revision %d, when %d had been seen", d.Revision, before)
			}
			raise(int64(d.Revision))
		}
	})
	key := persistence.DefinitionKey{ProjectID: "p1", Kind: persistence.WorkflowDefinition, Name: "a"}
	if err := s.DeleteDefinition(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FindDefinition(t.Context(), key); !fault.Is(err, fault.NotFound) {
		t.Errorf("find what is deleted: %v", err)
	}
}

// assertedDefinitions has revisions made while turns assert the version that was read before a lookup: no turn is written with what
// was found when a newer revision had been stored before its commit began.
func assertedDefinitions(t *testing.T, s persistence.Store) {
	const revisions, turns = 30, 4
	first := put(t, s, definition("p1", "a", "0"))[0]
	for n := range turns {
		commitAll(t, s, creation(n, nil))
	}
	var stored, committed, outdated atomic.Int64
	var over atomic.Bool
	together(1+turns, func(i int) {
		if i == turns {
			defer over.Store(true)
			for r := range int64(revisions) {
				if _, err := s.PutDefinitions(t.Context(), []persistence.Definition{definition("p1", "a", fmt.Sprint(r+1))}); err != nil {
					t.Error(err)
					return
				}
				stored.Store(r + 1)
			}
			return
		}
		for last := false; !last; {
			last = over.Load()
			v, err := s.DefinitionsVersion(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			found, err := s.FindDefinition(t.Context(), first.Key())
			if err != nil {
				t.Error(err)
				return
			}
			turn := update(i, 1, found.Text)
			turn.Definitions = v
			before := stored.Load()
			out, err := s.Commit(t.Context(), []persistence.Turn{turn})
			if err != nil {
				t.Error(err)
				return
			}
			switch found, err := strconv.ParseInt(found.Text, 10, 64); {
			case err != nil:
				t.Error(err)
			case out[0] == persistence.Committed && found < before:
				t.Errorf("a turn with revision %d was written after %d was stored", found, before)
			case out[0] == persistence.Committed:
				committed.Add(1)
			case out[0] == persistence.Outdated:
				outdated.Add(1)
			default:
				t.Errorf("outcome %d", out[0])
			}
		}
	})
	t.Logf("%d turns were written, %d outdated", committed.Load(), outdated.Load())
	if committed.Load() < turns {
		t.Error("none is written when nothing changes any more")
	}
}
