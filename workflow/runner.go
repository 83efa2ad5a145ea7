package workflow

import (
	"slices"

	"cierzo/expr/value"
	"cierzo/internal/planted"
)

// What runners say, and what slots do. A runner's word counts only for the attempt that it was given.

// assigned gives queued actions their slots.
func (e *Execution) assigned(ev Assigned) {
	for _, s := range ev.Slots {
		a := e.action(s.Action)
		if a == nil || a.Phase != PhaseQueued || a.State != Running || !e.grants() {
			e.sends = append(e.sends, Release{Action: s.Action, Runner: s.Runner})
			continue
		}
		a.Phase, a.Runner, a.LeaseUntil = PhaseDispatched, s.Runner, s.LeaseUntil
		a.Attempt++
		a.StartedAt = e.now
		e.touchAction(a)
		e.record(HistoryEvent{
			Kind: "action.attempt", TaskID: a.TaskID, Task: a.task.Name, ActionID: a.ID, State: Running,
			Detail: e.attemptDetail(a),
		})
		e.send(a)
	}
}

// attemptDetail says which attempt it is, and where. Most are the first, of many on the same runner.
func (e *Execution) attemptDetail(a *action) value.Value {
	if e.lastDetail.dict == nil || e.lastDetail.attempt != a.Attempt || e.lastDetail.runner != a.Runner {
		d := value.NewDict(2)
		d.SetString("attempt", value.Int(a.Attempt))
		d.SetString("runner", value.String(a.Runner))
		e.lastDetail = attemptMemo{a.Attempt, a.Runner, d.Freeze()}
	}
	return e.lastDetail.dict
}

// attemptMemo is what attemptDetail has made last.
type attemptMemo struct {
	attempt int
	runner  RunnerID
	dict    *value.Dict
}

// Wants lists queued actions that wait for a slot, at most max, oldest first. A paused or cancelled execution wants
// nothing; in one that has succeeded or failed what was begun still runs, as in Mistral.
func (e *Execution) Wants(max int) []Want {
	if !e.grants() {
		return nil
	}
	wants := make([]Want, 0, min(max, len(e.waitings)))
	seen, kept := 0, 0 // the rest is looked at when it comes to the front: it may be long
	for ; seen < len(e.waitings) && len(wants) < max; seen++ {
		a := e.waitings[seen]
		if a.waits = a.Phase == PhaseQueued && !a.State.Final(); !a.waits {
			continue
		}
		e.waitings[kept] = a
		kept++
		if a.State == Running {
			wants = append(wants, Want{Action: a.ID, Seq: a.Seq, Target: a.Target, Priority: e.rec.Priority, Since: a.UpdatedAt})
		}
	}
	e.waitings = slices.Delete(e.waitings, kept, seen)
	return wants
}

// TakeFreed takes the slots that the steps since the last Flush give back out of what it will send. They may be given to others before
// the turn is written: an attempt that its runner has reported takes no slot there any more, whatever becomes of the turn.
func (e *Execution) TakeFreed() []Release {
	var freed []Release
	e.sends = slices.DeleteFunc(e.sends, func(s Send) bool {
		r, ok := s.(Release)
		if ok {
			freed = append(freed, r)
		}
		return ok
	})
	return freed
}

// grants reports whether queued actions may begin.
func (e *Execution) grants() bool {
	return e.rec.State != Paused && (e.rec.State != Cancelled || planted.Has(planted.CancelKeepsQueue))
}

// held finds the action if the runner holds exactly this attempt of it.
func (e *Execution) held(id ActionID, attempt int, r RunnerID) *action {
	a := e.action(id)
	switch {
	case planted.Has(planted.StaleAttempt) && a != nil && a.Phase == PhaseDispatched:
		return a
	case planted.Has(planted.OutcomeTwice) && a != nil && a.Phase == PhaseDone:
		return a
	}
	if a == nil || a.Phase != PhaseDispatched || a.Attempt != attempt || a.Runner != r {
		return nil
	}
	return a
}

// actionStarted ends the lease: the runner has begun in time.
func (e *Execution) actionStarted(ev ActionStarted) {
	a := e.held(ev.Action, ev.Attempt, ev.Runner)
	if a == nil || a.LeaseUntil.IsZero() {
		return
	}
	a.LeaseUntil = zeroTime
	e.touchAction(a)
	if a.CancelSent {
		e.send(a)
	}
}

// actionFinished applies an outcome once. Repetitions of the accepted one are acknowledged, others counted as late.
func (e *Execution) actionFinished(ev ActionFinished) error {
	ack := AckFinished{Action: ev.Action, Attempt: ev.Attempt, Runner: ev.Runner}
	a := e.held(ev.Action, ev.Attempt, ev.Runner)
	if a == nil {
		e.late(ev, &ack)
		e.sends = append(e.sends, ack)
		e.releaseAgain(ev.Action, ev.Runner)
		return nil
	}
	ack.Accepted = true
	e.sends = append(e.sends, ack, Release{Action: a.ID, Runner: a.Runner})
	if ev.Outcome.Kind == OutcomeDeferred {
		a.Phase = PhaseDeferred
		e.touchAction(a)
		return nil
	}
	return e.actionDone(a, ev.Outcome)
}

// late says what becomes of an outcome that nobody waits for.
func (e *Execution) late(ev ActionFinished, ack *AckFinished) {
	a := e.action(ev.Action)
	switch {
	case a == nil:
		ack.Reason = "unknown action"
		return
	case a.Attempt == ev.Attempt && a.Runner == ev.Runner && (a.Phase == PhaseDone || a.Phase == PhaseDeferred):
		ack.Accepted = true // said before; the acknowledgement was lost
		return
	case a.Attempt != ev.Attempt:
		ack.Reason = "another attempt has taken over"
	default:
		ack.Reason = "the attempt isn't this runner's any more"
	}
	a.LateResults++
	e.touchAction(a)
	e.record(HistoryEvent{Kind: "action.late", TaskID: a.TaskID, Task: a.task.Name, ActionID: a.ID, State: outcomeState(ev.Outcome.Kind), Info: ack.Reason})
}

// releaseAgain frees the slot of an attempt that is over. It is free since that was committed; but that this was said may
// have been lost with the answer to the commit.
func (e *Execution) releaseAgain(id ActionID, r RunnerID) {
	if a := e.action(id); a == nil || a.Phase != PhaseDispatched {
		e.sends = append(e.sends, Release{Action: id, Runner: r})
	}
}

// giveUp ends an action that nobody waits for; one that was forgotten leaves its place to the next item.
func (e *Execution) giveUp(a *action) error {
	e.setAction(a, Cancelled)
	if a.Forgotten {
		return e.onActionDone(a)
	}
	return nil
}

func outcomeState(k OutcomeKind) State {
	switch k {
	case OutcomeValue:
		return Success
	case OutcomeError:
		return Error
	case OutcomeCancelled:
		return Cancelled
	}
	return Running
}

// startRequested answers a runner that got to an attempt after its lease.
func (e *Execution) startRequested(ev StartRequested) error {
	a := e.held(ev.Action, ev.Attempt, ev.Runner)
	deny := Deny{Action: ev.Action, Attempt: ev.Attempt, Runner: ev.Runner}
	switch {
	case a == nil:
		deny.Reason = "the attempt is over"
		e.releaseAgain(ev.Action, ev.Runner)
	case e.mayBegin(a):
		a.Granted = true
		a.LeaseUntil = e.now.Add(leaseRenewal)
		e.touchAction(a)
		e.sends = append(e.sends, Grant{Action: a.ID, Attempt: a.Attempt, Runner: a.Runner, LeaseUntil: a.LeaseUntil})
		return nil
	case e.rec.State == Paused && !a.CancelSent:
		deny.Reason = "the execution is paused"
		e.requeue(a)
	default:
		deny.Reason = "the execution is " + string(e.rec.State)
		if a.CancelSent {
			deny.Reason = "the action is cancelled"
		}
		if err := e.giveUp(a); err != nil {
			return err
		}
	}
	e.sends = append(e.sends, deny)
	if a != nil {
		e.sends = append(e.sends, Release{Action: a.ID, Runner: ev.Runner})
	}
	return nil
}

// mayBegin reports whether a runner that asks is told to begin. A question may come late, after its answer: while that lasts
// the attempt may run, and a pause doesn't take it back.
func (e *Execution) mayBegin(a *action) bool {
	if planted.Has(planted.GrantAfterCancel) {
		return true
	}
	granted := e.rec.State == Paused && a.Granted && e.now.Before(a.LeaseUntil)
	return !a.CancelSent && (e.grants() || granted)
}

// requeue puts an attempt that has not had an effect, or may be repeated, back in line.
func (e *Execution) requeue(a *action) {
	a.Phase, a.LeaseUntil, a.Granted = PhaseQueued, zeroTime, false
	e.lineUp(a)
	e.touchAction(a)
}

// runnerLost ends the attempts that a runner takes with it.
func (e *Execution) runnerLost(ev RunnerLost) error {
	for _, a := range e.actions {
		if a.Phase != PhaseDispatched || a.Runner != ev.Runner {
			continue
		}
		detail := e.attemptDetail(a)
		e.repaired(CauseRunnerLost, a.task, a, "runner %s is gone, and attempt %d with it", a.Runner, a.Attempt)
		e.record(HistoryEvent{Kind: "action.attempt", TaskID: a.TaskID, Task: a.task.Name, ActionID: a.ID, State: Error, Info: "runner lost", Detail: detail})
		switch {
		case a.CancelSent:
			if err := e.giveUp(a); err != nil {
				return err
			}
		case (a.SafeRerun || planted.Has(planted.UnsafeRerun)) && !e.rec.State.Final():
			e.requeue(a)
		default:
			if err := e.actionDone(a, Outcome{Kind: OutcomeError, Value: value.String("runner lost")}); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandon gives up an action whose task doesn't wait for it any more: what has not begun never will, what runs is told
// to stop.
func (e *Execution) abandon(a *action) {
	switch a.Phase {
	case PhaseQueued:
		e.setAction(a, Cancelled)
	case PhaseDispatched, PhaseChild:
		if !a.CancelSent {
			a.CancelSent = true
			e.touchAction(a)
		}
		e.send(a)
	}
}
