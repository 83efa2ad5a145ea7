package memstore

import (
	"errors"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/persistence/storetest"
	"cierzo/workflow"
)

func TestLaw(t *testing.T) {
	t.Parallel()
	storetest.Exercise(t, func(*testing.T) persistence.Store { return New(Config{}) })
}

func creation(id workflow.ExecutionID) []persistence.Turn {
	empty := value.NewDict(0)
	return []persistence.Turn{{ID: id, Node: "n1", Writes: workflow.Writes{
		Create: true, Execution: &workflow.ExecutionRecord{ID: id, State: workflow.Running},
		Data: &workflow.ExecutionData{Input: empty, Params: empty, Env: empty, Context: empty},
	}}}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	down := fault.New(fault.Unavailable, "down")
	cut := errors.New("cut")
	s.Inject(func(op string, attempt int) Fault {
		switch {
		case op == "Commit" && attempt == 1:
			return Fault{Before: down}
		case op == "Commit" && attempt == 2:
			return Fault{After: cut}
		case op == "GetExecution" && attempt == 1:
			return Fault{After: cut}
		}
		return Fault{}
	})
	ctx := t.Context()
	if _, err := s.Commit(ctx, creation("a")); !errors.Is(err, down) || persistence.IsAmbiguous(err) {
		t.Errorf("first commit: %v", err)
	}
	if owner, _ := s.Owner("a"); owner != "" {
		t.Error("a commit that failed before was carried out")
	}
	_, err := s.Commit(ctx, creation("a"))
	if !persistence.IsAmbiguous(err) || !fault.Is(err, fault.Unavailable) || !errors.Is(err, cut) {
		t.Errorf("second commit: %v", err)
	}
	if owner, epoch := s.Owner("a"); owner != "n1" || epoch != 1 {
		t.Errorf("a commit that wasn't heard of: owner %q, epoch %d", owner, epoch)
	}
	if _, _, err := s.GetExecution(ctx, "", "a"); !fault.Is(err, fault.Unavailable) || persistence.IsAmbiguous(err) {
		t.Errorf("first read: %v", err)
	}
	if _, _, err := s.GetExecution(ctx, "", "a"); err != nil {
		t.Errorf("second read: %v", err)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Config{Now: func() time.Time { return now }})
	ctx := t.Context()
	if err := s.Register(ctx, persistence.Node{ID: "a", Address: "h:1"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	now = now.Add(59 * time.Second)
	if err := s.Renew(ctx, "a", "up", time.Minute); err != nil {
		t.Errorf("renew in time: %v", err)
	}
	now = now.Add(time.Minute)
	if err := s.Renew(ctx, "a", "up", time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("renew too late: %v", err)
	}
	turn := creation("a")
	turn[0].Writes.Execution.WakeAt = now.Add(time.Second)
	if _, err := s.Commit(ctx, turn); err != nil {
		t.Fatal(err)
	}
	if ids, err := s.Due(ctx, nil, 10); err != nil || len(ids) != 0 {
		t.Errorf("due too early: %v, %v", ids, err)
	}
	now = now.Add(time.Second)
	if ids, err := s.Due(ctx, nil, 10); err != nil || len(ids) != 1 {
		t.Errorf("due: %v, %v", ids, err)
	}
}
