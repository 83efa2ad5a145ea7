package node

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// reads counts how often executions are looked at.
type reads struct {
	persistence.Store
	n atomic.Int64
}

func (s *reads) GetExecution(ctx context.Context, project string, id workflow.ExecutionID) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	s.n.Add(1)
	return s.Store.GetExecution(ctx, project, id)
}

// heldNode runs a workflow that waits for somebody.
func heldNode(t *testing.T) (context.Context, *Node, *reads) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	n, err := New(ctx, Config{Store: "memory:", Roles: []Role{RoleEngine, RoleRunner}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	const flow = "version: '2.0'\nheld:\n  tasks:\n    ask: {action: std.async_noop}\nquick:\n  tasks:\n    t: {action: std.noop}\n"
	if _, err := n.Upload(ctx, "held.yaml", []byte(flow)); err != nil {
		t.Fatal(err)
	}
	s := &reads{Store: n.store}
	n.store = s
	return ctx, n, s
}

// TestBegunIsWaitedForWithoutReading: who has begun an execution is told of its end, whenever it asks.
func TestBegunIsWaitedForWithoutReading(t *testing.T) {
	t.Parallel()
	ctx, n, s := heldNode(t)
	early, err := n.Begin(ctx, StartRequest{Workflow: "held"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	wait := func(h *Handle) { // has the only pointer to it
		e, err := h.Wait(ctx)
		if err == nil && e.State != "SUCCESS" {
			err = fault.New(fault.Internal, "it ended in %s", e.State)
		}
		ended <- err
	}
	id := early.ID()
	go wait(early)
	early = nil
	late, err := n.Begin(ctx, StartRequest{Workflow: "quick"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Run(ctx, StartRequest{Workflow: "quick"}); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a handle that is waited with goes on listening
		runtime.GC()
		<-time.After(10 * time.Millisecond)
	}
	if err := n.Signal(ctx, id, "ask", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for range 2 { // the second time it has to read
		if e, err := late.Wait(ctx); err != nil || e.State != "SUCCESS" {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if got := s.n.Load(); got != 1 {
		t.Errorf("executions were read %d times, want once", got)
	}
}

// TestHandleThatIsDropped leaves nothing behind.
func TestHandleThatIsDropped(t *testing.T) {
	t.Parallel()
	ctx, n, _ := heldNode(t)
	if _, err := n.Begin(ctx, StartRequest{Workflow: "held"}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Begin(ctx, StartRequest{Workflow: "nope"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	for n.cluster.ended.waiters.Load() > 0 && ctx.Err() == nil {
		runtime.GC()
		<-time.After(time.Millisecond)
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("it is still listened for: %v", err)
	}
}

// TestRepeatedStartIsWaitedFor: an execution that was there before may have ended before, and nobody tells of that again.
func TestRepeatedStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	ctx, n, _ := heldNode(t)
	const id = "11111111-2222-4333-8444-555555555556"
	for range 30 { // to wait until it is sure that nobody tells would take longer than the test has
		if e, err := n.Run(ctx, StartRequest{Workflow: "quick", ID: id}); err != nil || e.State != "SUCCESS" {
			t.Fatalf("%+v, %v", e, err)
		}
	}
}

// TestMovedLook: who waits for an execution that another engine has now looks for itself, and is told all the same if it comes back.
func TestMovedLook(t *testing.T) {
	t.Parallel()
	var e told
	here, doneHere := e.await("here")
	defer doneHere()
	gone, doneGone := e.await("gone")
	defer doneGone()
	owns := func(id workflow.ExecutionID) bool { return id == "here" }
	e.moved(owns)
	e.moved(owns) // once is enough
	e.tell(&workflow.Writes{Execution: &workflow.ExecutionRecord{ID: "gone"}})
	e.moved(owns)
	if len(here) != 0 || len(gone) != 2 {
		t.Fatalf("%d and %d words, want 0 and 2", len(here), len(gone))
	}
	if w := <-gone; w != nil {
		t.Errorf("first %+v, want nothing", w)
	}
	if w := <-gone; w == nil || w.Execution.ID != "gone" {
		t.Errorf("then %+v", w)
	}
	for range 2 {
		e.doubted("here")
		e.doubted("nobody waits")
	}
	if len(here) != 1 || <-here != nil {
		t.Error("who waits for what is in doubt isn't told to look once")
	}
}
