package workflow

import (
	"container/heap"
	"slices"
	"time"

	"cierzo/expr/value"
	"cierzo/internal/planted"
)

// The outbox: what must reach others follows from the rows. A turn sends for the rows that it changed, Recovered for
// all, Ticked for those whose time has come; all of them by sendsOf.

// Times of repetition.
const (
	resendMin    = 5 * time.Second  // dispatched attempts and sub-workflows: doubling …
	resendMax    = 5 * time.Minute  // … up to this for what has begun, whose end will be reported anyway
	unheardMax   = 15 * time.Second // … up to this for what nobody has answered yet: after a partition all waits for it
	parentMin    = time.Second      // notifications of the parent: doubling …
	parentMax    = 15 * time.Second // … up to this
	leaseRenewal = 30 * time.Second
)

var zeroTime time.Time

// sendsOf is what an action's row says must be sent.
func (e *Execution) sendsOf(a *action) []Send {
	switch a.Phase {
	case PhaseDispatched:
		if a.CancelSent {
			return []Send{CancelAttempt{Action: a.ID, Attempt: a.Attempt, Runner: a.Runner}}
		}
		return []Send{Dispatch{
			Action: a.snapshot(), Task: a.task.Name, Workflow: e.program.name, Project: e.rec.ProjectID, Root: e.root(),
			Auth: e.data.Auth, Traceparent: e.rec.Traceparent,
		}}
	case PhaseChild:
		return e.childSends(a)
	}
	return nil
}

// outstanding reports whether the row's messages must be repeated until somebody answers.
func (e *Execution) outstanding(a *action) bool {
	if planted.Has(planted.ResendLost) {
		return false
	}
	switch a.Phase {
	case PhaseDispatched:
		return true
	case PhaseChild:
		return e.childWord(a) != "" && !a.heldBack
	}
	return false
}

// outbox is a heap (see container/heap): first is what must be sent again first.
type outbox []*action

func (o outbox) Len() int { return len(o) }

func (o outbox) Less(i, j int) bool {
	if a, b := o[i], o[j]; !a.nextSend.Equal(b.nextSend) {
		return a.nextSend.Before(b.nextSend)
	}
	return o[i].Seq < o[j].Seq
}

func (o outbox) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].place, o[j].place = i+1, j+1
}

// Push is container/heap's.
func (o *outbox) Push(x any) {
	a := x.(*action)
	a.place = len(*o) + 1
	*o = append(*o, a)
}

// Pop is container/heap's.
func (o *outbox) Pop() any {
	last := len(*o) - 1
	a := (*o)[last]
	(*o)[last] = nil
	*o = (*o)[:last]
	a.place = 0
	return a
}

// sort puts those that have changed into the outbox, to their new places in it, or out of it. A step takes the time of those, not of
// all: a task may have 100,000 sub-workflows. Nothing else may change the moment of one that is there, for the heap goes by it.
func (e *Execution) sort() {
	for len(e.stirred) > 0 {
		e.sortStirred()
		e.admitNext()
	}
}

func (e *Execution) sortStirred() {
	for _, a := range e.stirred {
		e.countTold(a)
		again := a.again || a.nextSend.IsZero()
		a.stirred, a.again = false, false
		if a.State.Final() || !e.outstanding(a) {
			if a.place > 0 {
				heap.Remove(&e.outbox, a.place-1)
			}
			a.nextSend = zeroTime
			continue
		}
		if again {
			a.nextSend = e.nextResend(a)
		}
		if a.place > 0 {
			heap.Fix(&e.outbox, a.place-1)
		} else {
			heap.Push(&e.outbox, a)
		}
	}
	clear(e.stirred)
	e.stirred = e.stirred[:0]
}

func (e *Execution) root() ExecutionID {
	if e.rec.RootID == "" {
		return e.rec.ID
	}
	return e.rec.RootID
}

// send has an action's messages sent with this turn.
func (e *Execution) send(a *action) {
	if e.mustTell(a) && !e.admit(a) {
		return
	}
	// When its pause is reported it is known to be this execution's doing.
	if a.Phase == PhaseChild && !a.PauseSent && e.childWord(a) == "pause" {
		a.PauseSent = true
		e.touchAction(a)
	}
	if !a.resent {
		a.resent = true
		e.resend = append(e.resend, a)
	}
	a.again = true
	e.stir(a)
}

// resendLimit is the longest time between two repetitions of an action's messages.
func resendLimit(a *action) time.Duration {
	if a.Phase == PhaseDispatched && a.LeaseUntil.IsZero() && !a.CancelSent {
		return resendMax
	}
	return unheardMax
}

// nextResend is the first of the action's times of repetition after now: 5 s after it began, then doubling.
func (e *Execution) nextResend(a *action) time.Time {
	since := a.StartedAt
	if since.IsZero() {
		since = a.CreatedAt
	}
	at, step, limit := since, resendMin, resendLimit(a)
	if gap := e.now.Sub(since); gap > 2*resendMax {
		at = e.now
		step = limit
	}
	for !at.After(e.now) {
		at = at.Add(step)
		step = min(2*step, limit)
	}
	return at
}

// recovered sends everything again that the rows say is still to be sent.
func (e *Execution) recovered() {
	for _, t := range e.liveTasks() {
		for _, a := range t.actions {
			if !a.State.Final() && e.outstanding(a) {
				e.send(a)
			}
		}
	}
	if e.rec.ParentPending {
		e.parentDue = true
	}
}

// ticked carries out what was due: repetitions, ends of delays, timeouts.
func (e *Execution) ticked() error {
	live := slices.Clone(e.liveTasks())
	e.repeat()
	if e.rec.ParentPending && !e.parentAt().After(e.now) && !planted.Has(planted.ReportLost) {
		e.parentDue = true
	}
	for _, t := range live {
		if t.State.Final() {
			continue
		}
		if at := t.Runtime.TimeoutAt; !at.IsZero() && !at.After(e.now) && !e.rec.State.Final() {
			if err := e.timeOut(t); err != nil {
				return err
			}
			continue
		}
		if at := t.Runtime.WakeAt; !at.IsZero() && !at.After(e.now) && e.rec.State == Running {
			if err := e.wakeTask(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// repeat sends again what is due.
func (e *Execution) repeat() {
	e.sort()
	for len(e.outbox) > 0 && !e.outbox[0].nextSend.After(e.now) {
		e.send(e.outbox[0])
		e.sort()
	}
}

// parentAt is when the pending notification of the parent is repeated.
func (e *Execution) parentAt() time.Time {
	if e.rec.ParentSent == 0 {
		return zeroTime
	}
	gap := parentMin << min(e.rec.ParentSent-1, 10)
	return e.rec.Runtime.ParentAt.Add(min(gap, parentMax))
}

// takeSends hands over the messages of the turn: those that were asked for, then those of the rows.
func (e *Execution) takeSends() []Send {
	sends := e.sends
	slices.SortFunc(e.resend, func(a, b *action) int { return a.Seq - b.Seq })
	for _, a := range e.resend {
		a.resent = false
		sends = append(sends, e.sendsOf(a)...)
	}
	if e.parentDue && e.rec.ParentPending {
		sends = append(sends, NotifyParent{
			Parent: e.rec.ParentID, ParentTask: e.rec.ParentTaskID, Child: e.rec.ID,
			Seq: e.rec.Runtime.ReportSeq, State: e.rec.State, Info: e.rec.StateInfo, Output: e.reported(),
		})
	}
	e.sends, e.resend, e.parentDue = nil, nil, false
	return sends
}

// reported is the output as the parent gets it; see ChildReported.
func (e *Execution) reported() value.Value {
	if e.data.Output == nil && e.rec.Runtime.Cascaded {
		return value.Bool(true)
	}
	return e.data.Output
}

// wakeAt is when this execution must be looked at again at the latest; zero when only a message moves it.
func (e *Execution) wakeAt() time.Time {
	var wake time.Time
	consider := func(at time.Time) {
		if !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	if len(e.ready) > 0 || len(e.blocked) > 0 {
		return e.now
	}
	if e.parentDue && e.rec.ParentPending {
		e.rec.ParentSent++
		e.rec.Runtime.ParentAt, e.recDirty = e.now, true
	}
	if e.rec.ParentPending {
		consider(e.parentAt())
	}
	for _, t := range e.liveTasks() {
		if !t.State.Final() && !e.rec.State.Final() {
			consider(t.Runtime.TimeoutAt)
			if e.rec.State == Running {
				consider(t.Runtime.WakeAt)
			}
		}
	}
	e.sort()
	if len(e.outbox) > 0 {
		consider(e.outbox[0].nextSend)
	}
	return wake
}
