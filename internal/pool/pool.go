// Package pool runs short functions in goroutines that stay.
package pool

import (
	"slices"
	"sync"
)

// What a pool keeps, and what it tells the actor library.
const (
	idleMax    = 8    // goroutines without work
	roomMax    = 4096 // for functions that wait, when none does
	throughput = 300  // messages that an actor takes at a time, as the actor library has it
)

// Pool runs functions in goroutines that have run others: a new goroutine's stack grows, copy by copy, with each that it runs. It is an
// actor.Dispatcher, too.
//
// Work comes in bursts: a batch has been committed, and its actors go on. A goroutine woken for each would have Go wake a thread for
// nearly each, which costs more than many a turn. So one is woken at a time, and that wakes the next if there is more than it
// takes: the burst is done by as many as there are processors for, and none ever waits behind one that is stuck.
type Pool struct {
	closed <-chan struct{} // then idle goroutines end; who comes later gets one that ends after it

	mu     sync.Mutex
	in     []func() // the newest last
	out    []func() // from next on what is older than all of in
	next   int
	idle   []*worker // the one that was busy last at the end: its stack is still in the processor's cache
	waking bool      // one is about to look for work
}

type worker struct{ wake chan struct{} }

// New makes a pool whose goroutines end some time after closed is.
func New(closed <-chan struct{}) *Pool { return &Pool{closed: closed} }

// Schedule implements actor.Dispatcher. It never waits.
func (p *Pool) Schedule(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in = append(p.in, fn)
	p.more()
}

// Throughput implements actor.Dispatcher.
func (p *Pool) Throughput() int { return throughput }

// more has one more goroutine look for work, unless one is about to.
func (p *Pool) more() {
	if p.waking {
		return
	}
	p.waking = true
	last := len(p.idle) - 1
	if last < 0 {
		go p.run()
		return
	}
	w := p.idle[last]
	p.idle = p.idle[:last]
	w.wake <- struct{}{} // it has room
}

func (p *Pool) run() {
	w := &worker{wake: make(chan struct{}, 1)}
	for p.work(w) {
		select {
		case <-w.wake:
		case <-p.closed:
			if p.leave(w) {
				return
			}
			<-w.wake // it has been woken at the same time
		}
	}
}

// work runs functions until there are none left; then the goroutine is idle, or false: one too many.
func (p *Pool) work(w *worker) bool {
	p.mu.Lock()
	p.waking = false
	for fn := p.take(); fn != nil; fn = p.take() {
		if p.next < len(p.out) || len(p.in) > 0 {
			p.more()
		}
		p.mu.Unlock()
		fn()
		p.mu.Lock()
	}
	defer p.mu.Unlock()
	if len(p.idle) == idleMax {
		return false
	}
	p.idle = append(p.idle, w)
	return true
}

// leave takes a goroutine off the list of those that are idle; false: it isn't on it.
func (p *Pool) leave(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.idle, w)
	if at < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, at, at+1)
	return true
}

// take is the oldest function, nil when there is none.
func (p *Pool) take() func() {
	if p.next == len(p.out) {
		p.in, p.out, p.next = p.out[:0], p.in, 0
		if cap(p.in) > roomMax {
			p.in = nil
		}
		if len(p.out) == 0 {
			return nil
		}
	}
	fn := p.out[p.next]
	p.out[p.next] = nil
	p.next++
	return fn
}
