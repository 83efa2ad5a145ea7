package workflow

import (
	"slices"

	"cierzo/fault"
	"cierzo/internal/invariant"
)

// Step carries out one event. Its effects gather until Flush. An error with a fault kind other than Internal and
// Unavailable refuses the event and has changed nothing; after any other the execution must be dropped and loaded again.
func (e *Execution) Step(m Moment, ev Event, f Facts) error {
	e.begin(m, f)
	var err error
	switch ev := ev.(type) {
	case Recovered:
		e.checkLate()
		e.recovered()
		err = e.restart()
	case Ticked:
		e.checkLate()
		if ev.Gone != "" && e.rec.Wanting {
			e.repaired(CauseEngineGone, nil, nil, "its queued actions were in line at engine %s", ev.Gone)
		}
		err = e.ticked()
	case Assigned:
		e.assigned(ev)
	case ActionStarted:
		e.actionStarted(ev)
	case ActionFinished:
		err = e.actionFinished(ev)
	case StartRequested:
		err = e.startRequested(ev)
	case RunnerLost:
		err = e.runnerLost(ev)
	case ChildReported:
		err = e.childReported(ev)
	case ChildGone:
		err = e.childGone(ev.Child)
	case ParentAcked:
		e.parentAcked(ev)
	case Command:
		err = e.command(ev)
	default:
		return fault.New(fault.Internal, "step of execution %s: unknown event %T", e.rec.ID, ev)
	}
	if err != nil {
		return err
	}
	return e.end()
}

func (e *Execution) begin(m Moment, f Facts) {
	e.now, e.facts, e.factsErr, e.entropy, e.steps = m.Now, f, nil, newEntropy(m.Seed), 0
	e.publishers = m.Publishers
}

// end runs what the event made ready, to quiescence or to the turn's limit, and says when to look again.
func (e *Execution) end() error {
	if err := e.run(); err != nil {
		return err
	}
	if wake := e.wakeAt(); !wake.Equal(e.rec.WakeAt) {
		e.rec.WakeAt, e.recDirty = wake, true
	}
	e.facts = nil
	if invariant.Expensive {
		e.check()
	}
	return nil
}

// run starts ready tasks and looks at joins until nothing is left to do now, or one task more than a turn may start.
func (e *Execution) run() error {
	for {
		switch {
		case len(e.blocked) > 0:
			t := e.blocked[0]
			e.blocked = e.blocked[1:]
			t.inReview = false
			if err := e.refreshJoin(t); err != nil {
				return err
			}
		case len(e.ready) > 0 && e.steps >= TurnTasksMax:
			return nil
		case len(e.ready) > 0:
			t := e.ready[0]
			e.ready = e.ready[1:]
			t.queued = false
			if !t.startable() {
				continue
			}
			e.steps++
			if err := e.startTask(t); err != nil {
				return err
			}
		default:
			done, err := e.settle()
			if err != nil || done {
				return err
			}
		}
	}
}

// enqueue puts a task in line to be started.
func (e *Execution) enqueue(t *task) {
	if !t.queued {
		t.queued = true
		e.ready = append(e.ready, t)
	}
}

// review has a waiting join looked at again, at all its inbound tasks.
func (e *Execution) review(t *task) {
	t.thorough = true
	e.block(t)
}

// block puts a waiting join in line to be looked at, in the order of creation.
func (e *Execution) block(t *task) {
	if t.inReview {
		return
	}
	t.inReview = true
	at := len(e.blocked)
	for at > 0 && e.blocked[at-1].Seq > t.Seq {
		at--
	}
	e.blocked = slices.Insert(e.blocked, at, t)
}

// startable reports whether a task waits for nothing but its turn.
func (t *task) startable() bool { return t.State == Idle && !t.Runtime.PausedBefore }
