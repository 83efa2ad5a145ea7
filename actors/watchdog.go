package actors

import (
	"context"
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
	quietMax   = 100
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
		for _, c := range claims {
			if c.Owner != v.self || !w.e.settled.has(c.ID) {
				if examined++; examined > quietMax {
					return nil
				}
				if err := w.examine(ctx, c.ID); err != nil {
					return err
				}
			}
			w.after = c
		}
		if len(claims) < dueMax {
			w.e.counters.stalled.Store(w.found)
			w.after, w.found = persistence.Claim{}, 0
			return nil
		}
	}
	return nil
}

// settled are executions that have left this engine's memory, and were known there to wait for somebody outside. What another
// engine has had since is not among them: its claim says so.
type settled struct {
	mu   sync.Mutex
	keys map[workflow.Key]struct{}
}

func (s *settled) set(id workflow.ExecutionID, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !is:
		delete(s.keys, id.Key())
	case s.keys == nil:
		s.keys = map[workflow.Key]struct{}{id.Key(): {}}
	default:
		s.keys[id.Key()] = struct{}{}
	}
}

func (s *settled) has(id workflow.ExecutionID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, is := s.keys[id.Key()]
	return is
}

// clear forgets them all: others may have had them.
func (s *settled) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
}

// examine looks at one execution's rows. They are of one moment if its number of turns is the same before and after.
func (w *watchdog) examine(ctx context.Context, id workflow.ExecutionID) error {
	store := w.e.cfg.Store
	before, err := store.FindExecution(ctx, "", id)
	if err != nil {
		return unlessGone(err)
	}
	tasks, err := pages(func(after int) ([]*workflow.TaskRecord, error) { return store.ListTasks(ctx, id, after, dueMax) },
		func(t *workflow.TaskRecord) int { return t.Seq })
	if err != nil {
		return err
	}
	actions, err := pages(func(after int) ([]*workflow.ActionRecord, error) {
		return store.ListActions(ctx, id, "", after, dueMax)
	}, func(a *workflow.ActionRecord) int { return a.Seq })
	if err != nil {
		return err
	}
	now, err := store.FindExecution(ctx, "", id)
	if err != nil || now.Turns != before.Turns {
		return unlessGone(err)
	}
	why, children := workflow.Stalled(now, tasks, actions)
	if why != "" {
		w.found++
		w.e.log.Error("execution waits for nothing", "execution_id", id, "why", why)
		w.e.root.Send(w.e.router, wake{ids: []workflow.ExecutionID{id}, watch: true})
		return nil
	}
	for _, child := range children {
		_, err := store.FindExecution(ctx, "", workflow.ExecutionID(child))
		if fault.Is(err, fault.NotFound) && started(actions, child) {
			w.e.root.Send(w.e.router, wake{ids: []workflow.ExecutionID{id}, child: child})
		} else if err = unlessGone(err); err != nil {
			return err
		}
	}
	return nil
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

func unlessGone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// pages reads a list to its end.
func pages[T any](page func(after int) ([]T, error), seq func(T) int) ([]T, error) {
	var out []T
	for after := -1; ; {
		list, err := page(after)
		if err != nil {
			return nil, err
		}
		if out = append(out, list...); len(list) < dueMax {
			return out, nil
		}
		after = seq(list[len(list)-1])
	}
}
