package pool

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestPoolRunsAllAndKeepsFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		p := New(closed)
		var ran atomic.Int64
		var all sync.WaitGroup
		const n = 4 * idleMax
		gate := make(chan struct{})
		for range n {
			all.Add(1)
			p.Schedule(func() { <-gate; ran.Add(1); all.Done() })
		}
		synctest.Wait()
		if len(p.in)+len(p.out)-p.next != 0 {
			t.Error("some wait behind others that are stuck")
		}
		close(gate)
		all.Wait()
		synctest.Wait()
		if got := ran.Load(); got != n {
			t.Errorf("%d of %d functions have run", got, n)
		}
		if got := p.resting(); got != idleMax {
			t.Errorf("%d goroutines are kept, want %d", got, idleMax)
		}
		// One that is idle takes the next, and none is added.
		all.Add(1)
		p.Schedule(func() { ran.Add(1); all.Done() })
		all.Wait()
		synctest.Wait()
		if got := p.resting(); got != idleMax {
			t.Errorf("%d goroutines are kept after another function, want %d", got, idleMax)
		}
		close(closed)
		synctest.Wait()
		if got := p.resting(); got != 0 {
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

// TestOrder: what has come first is taken first, and the room of a burst isn't kept.
func TestOrder(t *testing.T) {
	p := New(nil)
	p.waking = true // nobody takes anything but this test
	var ran []int
	put := func(from, to int) {
		for i := from; i < to; i++ {
			p.Schedule(func() { ran = append(ran, i) })
		}
	}
	take := func(n int) {
		for range n {
			p.take()()
		}
	}
	put(0, 3)
	take(2)
	put(3, 3*roomMax)
	take(roomMax)
	put(3*roomMax, 3*roomMax+5)
	take(2*roomMax + 3)
	if p.take() != nil {
		t.Error("more is taken than has come")
	}
	for i := range ran {
		if ran[i] != i {
			t.Fatalf("function %d has run as number %d", ran[i], i)
		}
	}
	if len(ran) != 3*roomMax+5 {
		t.Errorf("%d functions have run, want %d", len(ran), 3*roomMax+5)
	}
	put(0, 1)
	if take(1); p.take() != nil || cap(p.in)+cap(p.out) > 2*roomMax {
		t.Errorf("there is room for %d functions", cap(p.in)+cap(p.out))
	}
}

// TestEndMeetsWork: what comes while idle goroutines end is run all the same.
func TestEndMeetsWork(t *testing.T) {
	for range 200 {
		closed := make(chan struct{})
		p := New(closed)
		var ran sync.WaitGroup
		for range 4 {
			ran.Go(func() { done := make(chan struct{}); p.Schedule(func() { close(done) }); <-done })
		}
		ran.Wait()
		go close(closed)
		for range 4 {
			ran.Go(func() { done := make(chan struct{}); p.Schedule(func() { close(done) }); <-done })
		}
		ran.Wait()
	}
}

func (p *Pool) resting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}
