package runner

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/google/uuid"

	"cierzo/internal/planted"
	"cierzo/messages"
)

// key names an attempt.
type key struct {
	action  string
	attempt uint32
}

func keyOf(a *messages.Attempt) key { return key{a.GetActionId(), a.GetAttempt()} }

// phase is where an attempt is.
type phase uint8

const (
	gone     phase = iota // not among the attempts, yet or any more
	waiting               // for a slot
	asking                // whether it is still wanted
	running               // its goroutine has it
	finished              // its outcome is sent until it is acknowledged
)

// attempt is one attempt at an action, from RunAction to FinishedAck.
type attempt struct {
	key        key
	run        *messages.RunAction
	engine     string // address of the engine that sent it last
	phase      phase
	leaseUntil time.Time
	granted    bool // an answer came soon after the question: it counts, whatever the clocks say
	askedAt    time.Time
	begunAt    time.Time
	said       bool      // the engine was told that it has begun
	sends      int       // of the question or the outcome
	sendAt     time.Time // when it is sent again
	cancel     context.CancelFunc
	cancelled  bool // an engine wants it stopped
	isolated   bool // stopped because no engine was heard
	outcome    *messages.ActionFinished
}

func (a *attempt) id() *messages.Attempt { return a.run.Attempt }

// run takes an attempt in, once.
func (w *worker) run(m *messages.RunAction, engine string) {
	k := keyOf(m.GetAttempt())
	if planted.Has(planted.RunTwice) {
		k.attempt += uint32(len(w.over.order)+len(w.order)) << 8
	}
	if w.over.has(k) || k.action == "" {
		return
	}
	if a := w.attempts[k]; a != nil {
		a.engine = engine
		w.again(a, m)
		return
	}
	if len(w.attempts) >= max(queueSlotsMax*w.cfg.Slots, queueMin) {
		w.counters.dropped.Add(1)
		return
	}
	a := w.add(m, engine)
	if m.LeaseUntil != 0 {
		a.leaseUntil = time.UnixMilli(m.LeaseUntil)
	} // else it has begun, says the engine, and nothing is known of it here: ask
}

// again answers an attempt that is known already: what the engine seems not to have heard.
func (w *worker) again(a *attempt, m *messages.RunAction) {
	switch {
	case a.phase == finished:
		w.counters.resent.Add(1)
		w.report(a)
	case a.phase == running && m.LeaseUntil != 0:
		w.sayStarted(a)
	case a.phase == asking: // the engine listens now, whenever the next question would be due by this node's clock
		w.ask(a)
	}
}

func (w *worker) add(m *messages.RunAction, engine string) *attempt {
	a := &attempt{key: keyOf(m.Attempt), run: m, engine: engine}
	w.attempts[a.key] = a
	w.order = append(w.order, a)
	w.move(a, waiting)
	return a
}

// move changes an attempt's phase, and counts those that wait.
func (w *worker) move(a *attempt, to phase) {
	if a.phase == waiting {
		w.waiting--
	}
	if a.phase = to; to == waiting {
		w.waiting++
	}
}

// remove forgets an attempt and remembers that it was here.
func (w *worker) remove(a *attempt) {
	w.move(a, gone)
	delete(w.attempts, a.key)
	w.over.add(a.key, w.cfg.Now())
}

// sparseMin is the length from which a list is looked at for those that are gone.
const sparseMin = 64

// compact takes those that are gone out of the list, when they are half of it: to find each where it stands would take longer the more
// there are.
func (w *worker) compact() {
	if len(w.order) >= sparseMin && len(w.order) > 2*len(w.attempts) || len(w.attempts) == 0 {
		w.order = slices.DeleteFunc(w.order, func(a *attempt) bool { return a.phase == gone })
	}
}

// begin starts what waits while there are slots. What waited longer than its lease is asked about first.
func (w *worker) begin() {
	if w.ctx.Err() != nil {
		return
	}
	for _, a := range w.order {
		if w.waiting == 0 || w.running >= w.cfg.Slots && !planted.Has(planted.SlotsIgnored) {
			return
		}
		if a.phase != waiting {
			continue
		}
		if !a.granted && !w.cfg.Now().Before(a.leaseUntil) {
			a.sends = 0
			w.ask(a)
			continue
		}
		w.start(a)
	}
}

// ask sends StartRequest, until an answer comes.
func (w *worker) ask(a *attempt) {
	now := w.cfg.Now()
	w.move(a, asking)
	a.granted, a.askedAt = false, now
	a.sendAt = now.Add(a.backOff())
	w.counters.asked.Add(1)
	w.toOwner(a, &messages.ToExecution{Message: &messages.ToExecution_StartRequest{
		StartRequest: &messages.StartRequest{Attempt: a.id(), RunnerId: w.cfg.ID},
	}})
	a.sends++
}

// granted puts an attempt back in line. An answer to a question that was asked long ago is no answer: ask again.
func (w *worker) granted(m *messages.StartGrant) {
	a := w.attempts[keyOf(m.GetAttempt())]
	if a == nil || a.phase != asking {
		return
	}
	w.move(a, waiting)
	a.leaseUntil, a.sends = time.UnixMilli(m.LeaseUntil), 0
	a.granted = w.running < w.cfg.Slots && w.cfg.Now().Sub(a.askedAt) < w.cfg.Lease
}

// denied drops an attempt that has not begun. One that runs is stopped by CancelAction only.
func (w *worker) denied(m *messages.StartDenied) {
	a := w.attempts[keyOf(m.GetAttempt())]
	if a == nil || a.phase == running || a.phase == finished {
		return
	}
	w.counters.denied.Add(1)
	w.cfg.Logger.Debug("attempt not wanted any more", "action_id", a.key.action, "attempt", a.key.attempt, "reason", m.Reason)
	w.remove(a)
}

// acked forgets an outcome.
func (w *worker) acked(m *messages.FinishedAck) {
	a := w.attempts[keyOf(m.GetAttempt())]
	if a == nil || a.phase != finished {
		return
	}
	if !m.Accepted {
		w.counters.refused.Add(1)
		w.cfg.Logger.Info("outcome not accepted", "execution_id", a.run.Attempt.ExecutionId, "action_id", a.key.action,
			"attempt", a.key.attempt, "reason", m.Reason)
	}
	w.remove(a)
}

// cancelAttempt stops an attempt and sees to it that an outcome is reported, also of an attempt that never got here: then
// it must not begin when it comes late.
func (w *worker) cancelAttempt(m *messages.CancelAction, engine string) {
	k := keyOf(m.GetAttempt())
	if w.over.has(k) || k.action == "" {
		return
	}
	a := w.attempts[k]
	if a == nil {
		a = w.add(&messages.RunAction{Attempt: m.Attempt}, engine)
	}
	a.engine = engine
	switch a.phase {
	case waiting, asking:
		w.finish(a, messages.OutcomeKind_OUTCOME_CANCELLED, nil)
	case running:
		a.cancelled = true
		a.cancel()
	case finished:
		w.report(a)
	}
}

// graves remembers attempts that are over, so that a late repetition doesn't begin them again: the newest gravesMax, for
// graveTime. They are without pointers: texts would be a third of what a busy runner has in memory, and looked through with each garbage collection.
type graves struct {
	known map[grave]struct{}
	order []burial
}

// grave is an attempt: the action's id, which is a UUID or else is hashed, and the attempt's number.
type grave struct {
	action  [16]byte
	attempt uint32
}

func graveOf(k key) grave {
	g := grave{attempt: k.attempt}
	if id, err := uuid.Parse(k.action); err == nil && len(k.action) == 36 {
		g.action = id
	} else {
		sum := sha256.Sum256([]byte(k.action))
		copy(g.action[:], sum[:])
	}
	return g
}

type burial struct {
	grave grave
	at    int64 // Unix nanoseconds
}

const (
	gravesMax = 65536
	graveTime = 15 * time.Minute
)

func newGraves() graves { return graves{known: map[grave]struct{}{}} }

func (g *graves) has(k key) bool {
	_, is := g.known[graveOf(k)]
	return is
}

func (g *graves) add(k key, now time.Time) {
	x := graveOf(k)
	if _, is := g.known[x]; is {
		return
	}
	g.known[x] = struct{}{}
	g.order = append(g.order, burial{x, now.UnixNano()})
	if len(g.order) > gravesMax {
		delete(g.known, g.order[0].grave)
		g.order = g.order[1:]
	}
}

func (g *graves) forget(now time.Time) {
	for last := now.Add(-graveTime).UnixNano(); len(g.order) > 0 && g.order[0].at < last; {
		delete(g.known, g.order[0].grave)
		g.order = g.order[1:]
	}
}
