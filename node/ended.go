package node

import (
	"sync"
	"sync/atomic"

	"cierzo/workflow"
)

// ends tells those who wait in this process of the end of executions, after its commit. It knows only of the executions
// that this node's engine owns: for others, and for the moment when one moves, a waiter looks into the store now and then.
type ends struct {
	waiters atomic.Int64 // so that a turn that nobody waits for takes no lock
	mu      sync.Mutex
	waiting map[workflow.ExecutionID]map[chan struct{}]struct{}
}

// changed hears of each committed turn.
func (e *ends) changed(id workflow.ExecutionID, s workflow.State) {
	if !s.Final() || e.waiters.Load() == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for ended := range e.waiting[id] {
		close(ended)
		e.waiters.Add(-1)
	}
	delete(e.waiting, id)
}

// await returns a channel that is closed when the execution has ended. Look into the store after the call, not before;
// call done in any case.
func (e *ends) await(id workflow.ExecutionID) (ended <-chan struct{}, done func()) {
	c := make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = map[workflow.ExecutionID]map[chan struct{}]struct{}{}
	}
	if e.waiting[id] == nil {
		e.waiting[id] = map[chan struct{}]struct{}{}
	}
	e.waiting[id][c] = struct{}{}
	e.waiters.Add(1)
	return c, func() { e.forget(id, c) }
}

func (e *ends) forget(id workflow.ExecutionID, c chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.waiting[id][c]; !there {
		return
	}
	delete(e.waiting[id], c)
	e.waiters.Add(-1)
	if len(e.waiting[id]) == 0 {
		delete(e.waiting, id)
	}
}
