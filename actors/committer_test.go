package actors

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	gocmp "github.com/google/go-cmp/cmp"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// shelf is a store that notes batches and answers by script.
type shelf struct {
	Store
	mu      sync.Mutex
	batches []string
	answer  func(ctx context.Context, batch string, n int) ([]persistence.TurnOutcome, error)
}

func (s *shelf) Commit(ctx context.Context, turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	var ids []string
	for _, t := range turns {
		ids = append(ids, string(t.ID))
	}
	batch := strings.Join(ids, " ")
	s.mu.Lock()
	s.batches = append(s.batches, batch)
	s.mu.Unlock()
	if s.answer != nil {
		return s.answer(ctx, batch, len(turns))
	}
	return slices.Repeat([]persistence.TurnOutcome{persistence.Committed}, len(turns)), nil
}

// ear is an actor that notes what a committer says.
type ear struct{ heard []written }

func (e *ear) Receive(c actor.Context) {
	if m, ok := c.Message().(written); ok {
		e.heard = append(e.heard, m)
	}
}

// commit has a committer write turns that wait when it begins, named by execution; the n-th has number n.
func commitAll(t *testing.T, s *shelf, max int, names ...string) []written {
	t.Helper()
	var heard []written
	synctest.Test(t, func(t *testing.T) {
		sys := quietSystem()
		e := &Engine{cfg: Config{Store: s}, root: sys.Root}
		e.closing, e.close = context.WithCancel(t.Context())
		ear := &ear{}
		pid := sys.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return ear }))
		c := newCommitter(e, max)
		for i, name := range names {
			if !c.submit(write{no: uint64(i + 1), to: pid, turn: persistence.Turn{ID: workflow.ExecutionID(name)}}) {
				t.Fatal("not taken")
			}
		}
		e.tasks.Go(c.run)
		<-time.After(time.Hour)
		synctest.Wait()
		e.close()
		e.tasks.Wait()
		heard = ear.heard
		slices.SortFunc(heard, func(a, b written) int { return int(a.no) - int(b.no) })
		sys.Root.Stop(pid)
	})
	if len(heard) != len(names) {
		t.Errorf("%d of %d turns were answered", len(heard), len(names))
	}
	return heard
}

func TestSecondTurnOfAnExecutionWaitsForTheNextBatch(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	commitAll(t, s, 0, "a", "b", "a", "c", "a")
	if diff := gocmp.Diff([]string{"a b", "a c", "a"}, s.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	commitAll(t, s, 2, "a", "b", "c", "d", "e")
	if diff := gocmp.Diff([]string{"a b", "c d", "e"}, s.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestBatchThatIsRefusedAsAWholeIsTriedOneByOne(t *testing.T) {
	t.Parallel()
	s := &shelf{answer: func(_ context.Context, batch string, n int) ([]persistence.TurnOutcome, error) {
		if strings.Contains(batch, "bad") {
			return nil, sick
		}
		return slices.Repeat([]persistence.TurnOutcome{persistence.Committed}, n), nil
	}}
	heard := commitAll(t, s, 0, "a", "bad", "c")
	if diff := gocmp.Diff([]string{"a bad c", "a", "bad", "c"}, s.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if heard[0].outcome != persistence.Committed || heard[2].outcome != persistence.Committed || !errors.Is(heard[1].err, sick) {
		t.Errorf("heard: %v", heard)
	}
}

func TestFencedTurnDropsOutOfItsBatch(t *testing.T) {
	t.Parallel()
	s := &shelf{answer: func(context.Context, string, int) ([]persistence.TurnOutcome, error) {
		return []persistence.TurnOutcome{persistence.Committed, persistence.Fenced, persistence.Exists}, nil
	}}
	heard := commitAll(t, s, 0, "a", "b", "c")
	if heard[0].outcome != persistence.Committed || heard[1].outcome != persistence.Fenced || heard[2].outcome != persistence.Exists {
		t.Errorf("heard: %v", heard)
	}
}

func TestAmbiguousBatchIsInDoubtForAllAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(context.Context, string, int) ([]persistence.TurnOutcome, error){
		"ambiguous": func(context.Context, string, int) ([]persistence.TurnOutcome, error) {
			return nil, persistence.Ambiguous(errCut)
		},
		"hangs, and then says something definite": func(ctx context.Context, _ string, _ int) ([]persistence.TurnOutcome, error) {
			<-ctx.Done()
			return nil, sick
		},
	} {
		s := &shelf{answer: answer}
		for _, m := range commitAll(t, s, 0, "a", "b") {
			if !fault.Is(m.err, fault.Unavailable) {
				t.Errorf("%s: %v, want it Unavailable", name, m.err)
			}
		}
		if len(s.batches) != 1 {
			t.Errorf("%s: batches %q", name, s.batches)
		}
	}
}

func TestWrongNumberOfOutcomesIsABug(t *testing.T) {
	t.Parallel()
	s := &shelf{answer: func(context.Context, string, int) ([]persistence.TurnOutcome, error) {
		return []persistence.TurnOutcome{persistence.Committed}, nil
	}}
	if m := commitAll(t, s, 0, "a"); m[0].err != nil {
		t.Errorf("one turn, one outcome: %v", m[0].err)
	}
	s.answer = func(context.Context, string, int) ([]persistence.TurnOutcome, error) { return nil, nil }
	if m := commitAll(t, s, 0, "a"); !fault.Is(m[0].err, fault.Internal) {
		t.Errorf("one turn, no outcome: %v", m[0].err)
	}
}

func TestSubmitEndsWithTheEngine(t *testing.T) {
	t.Parallel()
	e := &Engine{}
	e.closing, e.close = context.WithCancel(t.Context())
	c := newCommitter(e, 1)
	for range cap(c.queue) {
		if !c.submit(write{}) {
			t.Fatal("the queue has room")
		}
	}
	e.close()
	if c.submit(write{}) {
		t.Error("a turn was taken by an engine that is closed and whose queue is full")
	}
}
