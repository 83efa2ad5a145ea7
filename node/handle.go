package node

import (
	"context"
	"runtime"
	"sync/atomic"

	"cierzo/workflow"
)

// Handle is an execution that was begun here. It can be dropped at any time; the execution goes on.
type Handle struct {
	node *Node
	id   string
	ear  atomic.Pointer[ear] // nil after the first Wait
}

// ear hears of the execution's end.
type ear struct {
	ended <-chan *workflow.Writes
	done  func()
	open  bool // it hadn't ended when there was the ear
}

// Begin is Start for those who wait for the end later: when this node's engine brings it about Wait is told, also of what has
// ended before, and reads nothing.
func (n *Node) Begin(ctx context.Context, r StartRequest) (*Handle, error) {
	if err := n.withStore("start"); err != nil {
		return nil, err
	}
	e := &ear{open: r.ID == ""}
	if e.open {
		r.ID = n.NewExecutionID()
	}
	e.ended, e.done = n.cluster.ended.await(workflow.ExecutionID(r.ID)) // before the start: the end may come soon
	id, err := n.Start(ctx, r)
	if err != nil {
		e.done()
		return nil, err
	}
	h := &Handle{node: n, id: id}
	h.ear.Store(e)
	runtime.AddCleanup(h, func(done func()) { done() }, e.done)
	return h, nil
}

// ID is the execution's.
func (h *Handle) ID() string { return h.id }

// Wait returns the execution when it is final, or the context's error. It can be called again.
func (h *Handle) Wait(ctx context.Context) (*Execution, error) {
	e := h.ear.Swap(nil)
	if e == nil {
		return h.node.Wait(ctx, h.id)
	}
	defer e.done()
	defer runtime.KeepAlive(h) // or it might stop listening before
	return h.node.wait(ctx, h.id, e.ended, e.open)
}
