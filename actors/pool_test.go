package actors

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestPoolRunsAllAndKeepsFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		p := newPool(closed)
		var ran atomic.Int64
		var all sync.WaitGroup
		const n = 4 * poolIdleMax
		gate := make(chan struct{})
		for range n {
			all.Add(1)
			p.Schedule(func() { <-gate; ran.Add(1); all.Done() })
		}
		close(gate)
		all.Wait()
		synctest.Wait()
		if got := ran.Load(); got != n {
			t.Errorf("%d of %d functions have run", got, n)
		}
		if got := p.idle.Load(); got != poolIdleMax {
			t.Errorf("%d goroutines are kept, want %d", got, poolIdleMax)
		}
		// One that is idle takes the next, and none is added.
		all.Add(1)
		p.Schedule(func() { ran.Add(1); all.Done() })
		all.Wait()
		synctest.Wait()
		if got := p.idle.Load(); got != poolIdleMax {
			t.Errorf("%d goroutines are kept after another function, want %d", got, poolIdleMax)
		}
		close(closed)
		synctest.Wait()
		if got := p.idle.Load(); got != 0 {
			t.Errorf("%d goroutines are left after the end", got)
		}
		all.Add(1)
		p.Schedule(func() { ran.Add(1); all.Done() })
		all.Wait()
		if got := ran.Load(); got != n+2 {
			t.Errorf("%d functions have run, want %d", got, n+2)
		}
	})
}
