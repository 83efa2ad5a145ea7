package sqlstore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asked counts the queries, each of which takes a second and sees the moment at which it began.
type asked struct {
	mu sync.Mutex
	n  int
}

func (q *asked) ask() (time.Time, error) {
	q.mu.Lock()
	q.n++
	q.mu.Unlock()
	began := time.Now()
	<-time.After(time.Second)
	return began, nil
}

func TestGroupedSharesOnlyLaterQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g grouped[string, time.Time]
		var q asked
		var all sync.WaitGroup
		for i := range 50 { // ten a second
			<-time.After(100 * time.Millisecond)
			all.Go(func() {
				called := time.Now()
				saw, err := g.do(t.Context(), "k", q.ask)
				if err != nil || saw.Before(called) {
					t.Errorf("call %d at %v saw %v, %v", i, called, saw, err)
				}
			})
		}
		all.Wait()
		if q.n != 6 {
			t.Errorf("%d queries for 50 calls in 5 s, want 6", q.n)
		}
		if len(g.calls) != 0 {
			t.Errorf("%d keys are left", len(g.calls))
		}
	})
}

func TestGroupedGoesOnWithoutWhoHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g grouped[string, time.Time]
		var q asked
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := g.do(t.Context(), "k", q.ask); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		all.Go(func() { // it would have asked for the next ones
			if _, err := g.do(gone, "k", q.ask); !errors.Is(err, context.Canceled) {
				t.Errorf("who has gone got %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, err := g.do(t.Context(), "k", q.ask); err != nil {
				t.Errorf("who waited for it got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
		if q.n != 2 || len(g.calls) != 0 {
			t.Errorf("%d queries, %d keys left; want 2 and none", q.n, len(g.calls))
		}
	})
}
