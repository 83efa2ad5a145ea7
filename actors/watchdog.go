package actors

import (
	"context"
	"encoding/binary"
	"sync"

	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The limits of the watchdog.
const (
	// watchEvery is how many sweeps pass between two of its looks, quietMax how many executions it examines each time.
	watchEvery = 10
	quietMax   = 96
	peekMax    = 16 // at a time
	// settledPages bounds the pages that one look passes over because nothing in them has to be looked at. A page of 1,000 takes 10 ms:
	// more of them were what an idle node with 10,000 waiting executions did most of the time.
	settledPages = 3
)

// watchdog looks, page by page, at the executions of this engine that neither a moment nor an action will move, and wakes those
// that wait for nothing, or for a sub-workflow that isn't there. By the design there are none of the first kind; this is who
// notices if there is one after all. It reads only, so that who waits for somebody outside may stay out of memory.
type watchdog struct {
	e     *Engine
	after persistence.Claim // where the next look goes on
	found int64             // stalled ones since the beginning of the list
}

func (w *watchdog) look(ctx context.Context, v *viewChanged) error {
	shards, any := ownShards(v)
	if !any || planted.Has(planted.SweeperOff) {
		return nil
	}
	examined := 0
	for range settledPages {
		claims, err := w.e.cfg.Store.Quiet(ctx, shards, w.after, dueMax)
		if err != nil {
			return err
		}
		for rest := claims; len(rest) > 0; {
			seen, unknown := 0, []persistence.Claim(nil)
			for ; seen < len(rest) && len(unknown) < peekMax; seen++ {
				if !w.e.settled.has(rest[seen]) {
					unknown = append(unknown, rest[seen])
				}
			}
			if examined += len(unknown); examined > quietMax {
				return nil
			}
			if err := w.examine(ctx, v.self, unknown); err != nil {
				return err
			}
			w.after, rest = rest[seen-1], rest[seen:]
		}
		if len(claims) < dueMax {
			w.e.counters.stalled.Store(w.found)
			w.after, w.found = persistence.Claim{}, 0
			return nil
		}
	}
	return nil
}

// settled are executions that wait for somebody outside: those that have left this engine's memory and were known there to, and those of
// engines before it that the watchdog has found to. What another engine has had since is not among them: it has another owner.
type settled struct {
	mu   sync.Mutex
	keys map[settledKey]struct{}
}

// settledKey is an execution with its owner, in few bytes. They are most of what an execution leaves in memory, and a map of numbers takes
// another eight for each.
type settledKey [8]byte

func settledKeyOf(c persistence.Claim) (key settledKey) {
	binary.NativeEndian.PutUint64(key[:], uint64(c.ID.Key())^uint64(persistence.IndexHash(string(c.Owner))))
	return key
}

func (s *settled) set(c persistence.Claim, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !is:
		delete(s.keys, settledKeyOf(c))
	case s.keys == nil:
		s.keys = map[settledKey]struct{}{settledKeyOf(c): {}}
	default:
		s.keys[settledKeyOf(c)] = struct{}{}
	}
}

func (s *settled) has(c persistence.Claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, is := s.keys[settledKeyOf(c)]
	return is
}

// clear forgets them all: others may have had them.
func (s *settled) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
}

// examine looks at executions' rows.
func (w *watchdog) examine(ctx context.Context, self nodeID, claims []persistence.Claim) error {
	if len(claims) == 0 {
		return nil
	}
	ids := make([]workflow.ExecutionID, len(claims))
	for i, c := range claims {
		ids[i] = c.ID
	}
	list, err := w.e.cfg.Store.Peek(ctx, ids)
	if err != nil {
		return err
	}
	for i, x := range list {
		if x.Err != nil {
			if !fault.Is(x.Err, fault.NotFound) { // it is gone
				w.e.log.Error("execution can't be read", "execution_id", ids[i], "error", x.Err)
			}
			continue
		}
		again, err := w.judge(ctx, ids[i], x.Snapshot)
		if err != nil {
			return err
		}
		// Nobody writes what an engine before has left. One of this engine's own may be in memory, and says itself when it leaves.
		if claims[i].Owner != self && !again {
			w.e.settled.set(claims[i], true)
		}
	}
	return nil
}

// judge wakes an execution that waits for nothing, or for a sub-workflow that isn't there. again says that it is to be looked at the next
// time, too: somebody outside isn't all that it waits for.
func (w *watchdog) judge(ctx context.Context, id workflow.ExecutionID, s *persistence.Snapshot) (again bool, err error) {
	why, children := workflow.Stalled(s.Execution, s.Tasks, s.Actions)
	if why != "" {
		w.found++
		w.e.log.Error("execution waits for nothing", "execution_id", id, "why", why)
		w.e.root.Send(w.e.router, wake{ids: []workflow.ExecutionID{id}, watch: true})
		return true, nil
	}
	for _, child := range children {
		_, err := w.e.cfg.Store.FindExecution(ctx, "", workflow.ExecutionID(child))
		switch {
		case err != nil && !fault.Is(err, fault.NotFound):
			return true, err
		case err != nil && started(s.Actions, child):
			w.e.root.Send(w.e.router, wake{ids: []workflow.ExecutionID{id}, child: child})
		}
	}
	return len(children) > 0, nil
}

// started reports whether a sub-workflow has acknowledged its start: before, it needn't be there.
func started(actions []*workflow.ActionRecord, id workflow.ActionID) bool {
	for _, a := range actions {
		if a.ID == id {
			return a.ChildStarted
		}
	}
	return false
}
