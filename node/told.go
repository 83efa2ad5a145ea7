package node

import (
	"sync"
	"sync/atomic"

	"cierzo/workflow"
)

// told are those in this process who wait to hear of a turn of one execution, after its commit. They hear only of executions
// that this node's engine owns: at others a waiter looks now and then, and at those that move to another engine when that happens.
type told struct {
	waiters atomic.Int64 // so that a turn that nobody waits for takes no lock
	mu      sync.Mutex
	waiting map[workflow.ExecutionID]map[chan *workflow.Writes]struct{}
}

// changed hears of each committed turn.
func (a *assembly) changed(w *workflow.Writes) {
	if w.Create {
		a.begun.tell(w)
	}
	if w.Execution.State.Final() {
		a.ended.tell(w)
	}
}

func (e *told) tell(w *workflow.Writes) {
	if e.waiters.Load() == 0 {
		return
	}
	id := w.Execution.ID
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.waiting[id] {
		c <- w
		e.waiters.Add(-1)
	}
	delete(e.waiting, id)
}

// moved has those look who may not be told any more: who wait for an execution that isn't this engine's.
func (e *told) moved(owns func(workflow.ExecutionID) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, waiting := range e.waiting {
		if owns(id) {
			continue
		}
		look(waiting)
	}
}

// doubted has those look who wait for an execution whose last turn may have been written without a word.
func (e *told) doubted(id workflow.ExecutionID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	look(e.waiting[id])
}

func look(waiting map[chan *workflow.Writes]struct{}) {
	for c := range waiting {
		if len(c) == 0 {
			c <- nil
		}
	}
}

// await returns a channel that gives what the turn has written, and before that perhaps nil: look, for the execution may have moved. Look
// into the store after the call, not before; call done in any case.
func (e *told) await(id workflow.ExecutionID) (turn <-chan *workflow.Writes, done func()) {
	c := make(chan *workflow.Writes, 2)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = map[workflow.ExecutionID]map[chan *workflow.Writes]struct{}{}
	}
	if e.waiting[id] == nil {
		e.waiting[id] = map[chan *workflow.Writes]struct{}{}
	}
	e.waiting[id][c] = struct{}{}
	e.waiters.Add(1)
	return c, func() { e.forget(id, c) }
}

func (e *told) forget(id workflow.ExecutionID, c chan *workflow.Writes) {
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
