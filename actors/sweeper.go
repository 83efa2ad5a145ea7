package actors

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cierzo/internal/planted"
	"cierzo/internal/shortid"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The intervals and limits of the sweeper.
const (
	sweepEvery   = time.Second
	runnersEvery = 3 // sweeps
	// wantingEvery is how many sweeps pass between two looks for executions that want slots, while the engines stay the same.
	wantingEvery = 3
	dueMax       = 1000
	// sweepAgain is the pause after a full page of due executions, wakeAgain is how long one that was woken may stay in the pages
	// before it is woken once more.
	sweepAgain = 50 * time.Millisecond
	wakeAgain  = 3 * time.Second
	// orphansMax bounds the pages of executions with queued actions that one sweep looks through.
	orphansMax = 10
)

// sweeper wakes executions that are due and finds attempts whose runner is gone. It only looks at what this engine owns.
type sweeper struct {
	e       *Engine
	since   time.Time                          // this engine hears runners since then; zero: it doesn't
	last    time.Time                          // sweep
	missing map[workflow.RunnerID]time.Time    // runners that hold attempts and are not heard, since when
	wanting persistence.Claim                  // where the next sweep goes on with executions that want slots
	seen    *viewChanged                       // by the last such sweep that came to the end
	woken   map[workflow.ExecutionID]time.Time // those of the last page of due executions, and when they were woken
	watch   watchdog
}

// run sweeps until the engine closes.
func (s *sweeper) run() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var again <-chan time.Time // many are due: don't wait for the next tick
	for n := 0; ; n++ {
		select {
		case <-s.e.closing.Done():
			return
		case <-again:
			again = s.more()
			continue
		case <-tick.C:
		}
		s.e.root.Send(s.e.router, clock{})
		s.e.dispatcher.told(clock{})
		v := s.e.view.Load()
		s.listen(v != nil && s.e.members.Valid())
		if s.since.IsZero() {
			continue
		}
		ctx, cancel := context.WithTimeout(s.e.closing, 10*time.Second)
		full, err := s.due(ctx, v)
		if full {
			again = time.After(sweepAgain)
		}
		if n%wantingEvery == 0 || v != s.seen {
			err = errors.Join(err, s.orphans(ctx, v))
		}
		if err == nil && n%runnersEvery == 0 {
			err = s.runners(ctx, v)
		}
		if err == nil && n%watchEvery == 0 {
			err = s.watch.look(ctx, v)
		}
		cancel()
		if err != nil && s.e.closing.Err() == nil {
			s.e.log.Warn("sweep", "error", err)
		}
	}
}

// listen notes since when this engine would have heard a runner: not while it was parked, and not while its process stood
// still.
func (s *sweeper) listen(member bool) {
	now := s.e.cfg.Now()
	stalled := now.Sub(s.last) > suspectAfter
	s.last = now
	switch {
	case !member:
		s.since = time.Time{}
	case s.since.IsZero() || stalled:
		s.since = now
		clear(s.missing)
	}
}

// due wakes a page of executions that are due; full: there may be more. The page begins with those that have been due longest, and
// is read again while they are at work: so only as many are woken anew as have left it.
func (s *sweeper) due(ctx context.Context, v *viewChanged) (full bool, err error) {
	shards, any := ownShards(v)
	if !any || planted.Has(planted.SweeperOff) {
		return false, nil
	}
	ids, err := s.e.cfg.Store.Due(ctx, shards, dueMax)
	if err != nil || len(ids) == 0 {
		s.woken = nil
		return false, err
	}
	full, now := len(ids) == dueMax, s.e.cfg.Now()
	woken, anew := make(map[workflow.ExecutionID]time.Time, len(ids)), ids[:0]
	for _, id := range ids {
		at, before := s.woken[id]
		if !before || now.Sub(at) >= wakeAgain {
			at, anew = now, append(anew, id)
		}
		woken[id] = at
	}
	s.woken = woken
	if len(anew) > 0 {
		s.e.root.Send(s.e.router, wake{ids: anew})
	}
	return full, nil
}

// more wakes the next page between two ticks, and says when to go on.
func (s *sweeper) more() <-chan time.Time {
	v := s.e.view.Load()
	if v == nil || !s.e.members.Valid() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.e.closing, 10*time.Second)
	defer cancel()
	full, err := s.due(ctx, v)
	if err != nil || !full {
		return nil // the next tick tells, if there is something to tell
	}
	return time.After(sweepAgain)
}

// ownShards are the shards of this engine, nil meaning all; any is false when it has none.
func ownShards(v *viewChanged) (shards []uint16, any bool) {
	shards = v.view.Shards(v.self)
	if len(shards) == persistence.ShardsMax {
		return nil, true
	}
	return shards, len(shards) > 0
}

// orphans has executions that want slots loaded, when they are not in memory: nothing else would wake them after the end
// of the engine that had them. Each sweep looks at the next page, and on while pages are full of another engine's.
func (s *sweeper) orphans(ctx context.Context, v *viewChanged) error {
	shards, any := ownShards(v)
	for range orphansMax {
		if !any || planted.Has(planted.OrphansOff) {
			return nil
		}
		claims, err := s.e.cfg.Store.Wanting(ctx, shards, s.wanting, dueMax)
		if err != nil {
			return err
		}
		foreign := 0
		byOwner := map[persistence.NodeID][]workflow.ExecutionID{}
		var owners []persistence.NodeID // in the order of the page
		for _, c := range claims {
			if c.Owner != v.self {
				foreign++
			}
			if byOwner[c.Owner] == nil {
				owners = append(owners, c.Owner)
			}
			byOwner[c.Owner] = append(byOwner[c.Owner], c.ID)
		}
		for _, owner := range owners {
			m := wake{absent: true, ids: byOwner[owner]}
			if owner == v.self {
				kept := s.e.dispatcher.keeps(m.ids)
				m.ids = slices.DeleteFunc(m.ids, func(id workflow.ExecutionID) bool { return kept[id] })
			} else if !v.view.Has(owner) {
				m.gone = owner
			}
			s.e.root.Send(s.e.router, m)
		}
		if len(claims) < dueMax {
			s.wanting, s.seen = persistence.Claim{}, v
			return nil
		}
		s.wanting = claims[len(claims)-1]
		if foreign < len(claims) {
			return nil
		}
	}
	return nil
}

// innerPrefix begins the ids of runners that live in the process of an engine that has its store for itself.
const innerPrefix = "in-"

// NewInnerRunner names such a runner.
func NewInnerRunner() workflow.RunnerID {
	return workflow.RunnerID(innerPrefix + shortid.New())
}

// runners looks for runners that hold attempts and have not been heard for RunnerGrace, or have said that they leave.
func (s *sweeper) runners(ctx context.Context, v *viewChanged) error {
	holders, err := s.e.cfg.Store.DispatchedRunners(ctx, dueMax)
	if err != nil {
		return err
	}
	live := map[workflow.RunnerID]time.Time{}
	if p := s.e.live.Load(); p != nil {
		live = *p
	}
	now, missing := s.e.cfg.Now(), map[workflow.RunnerID]time.Time{}
	for _, id := range holders {
		heard, known := live[id]
		switch {
		case known && !heard.IsZero() && now.Sub(heard) < suspectAfter:
			continue
		case known && heard.IsZero():
			missing[id] = time.Time{} // it is gone, it has said so itself
		case known:
			missing[id] = latest(heard, s.since)
		case s.e.cfg.Alone && id != s.e.cfg.InnerRunner && strings.HasPrefix(string(id), innerPrefix):
			missing[id] = time.Time{} // its process was one that had the store before this one
		default:
			// Never heard: since this engine first looked, for the runner may not have heard of this engine.
			missing[id] = now
			if since, ok := s.missing[id]; ok {
				missing[id] = since
			}
		}
		if now.Sub(missing[id]) >= s.e.cfg.RunnerGrace {
			if err := s.lost(ctx, v, id); err != nil {
				return err
			}
		}
	}
	s.missing = missing
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (s *sweeper) lost(ctx context.Context, v *viewChanged, id workflow.RunnerID) error {
	if planted.Has(planted.RunnerLossUnseen) {
		return nil
	}
	all, err := s.e.cfg.Store.OnRunner(ctx, id, dueMax)
	if err != nil {
		return err
	}
	var own []workflow.ExecutionID
	for _, x := range all {
		if owner, ok := v.view.Owner(x); ok && owner.ID == v.self {
			own = append(own, x)
		}
	}
	if len(own) > 0 {
		s.e.counters.lost.Add(1)
		s.e.log.Warn("runner lost", "runner", id, "executions", len(own))
		s.e.root.Send(s.e.router, wake{ids: own, runner: id})
	}
	return nil
}
