package actors

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// What a pool keeps.
const (
	poolIdleMax    = 32  // goroutines without work
	poolThroughput = 300 // messages that an actor takes at a time, as the actor library has it
)

// pool runs functions in goroutines that have run others: a new goroutine's stack grows, copy by copy, with each turn that it
// runs. It is an actor.Dispatcher, too.
type pool struct {
	work   chan func()
	closed <-chan struct{} // then idle goroutines end; who comes later gets one of its own
	idle   atomic.Int32
}

var _ actor.Dispatcher = (*pool)(nil)

func newPool(closed <-chan struct{}) *pool { return &pool{work: make(chan func()), closed: closed} }

// Schedule implements actor.Dispatcher. It never waits.
func (p *pool) Schedule(fn func()) {
	select {
	case p.work <- fn:
	default:
		go p.run(fn)
	}
}

// Throughput implements actor.Dispatcher.
func (p *pool) Throughput() int { return poolThroughput }

func (p *pool) run(fn func()) {
	for {
		fn()
		if p.idle.Add(1) > poolIdleMax {
			p.idle.Add(-1)
			return
		}
		select {
		case fn = <-p.work:
			p.idle.Add(-1)
		case <-p.closed:
			p.idle.Add(-1)
			return
		}
	}
}
