package actors

import "time"

// The one timer of an execution's actor, and what the store is told of its moment.

// retry has the execution loaded again in a while.
func (x *execution) retry() {
	x.pausing = true // nothing begins before the timer
	x.alarms++
	x.wakeIn(min(50*time.Millisecond<<min(x.failed, 8), 10*time.Second))
}

// arm sets the timer for the next moment of the execution.
func (x *execution) arm() {
	if x.known.wakeAt.IsZero() {
		return
	}
	d := x.known.wakeAt.Sub(x.cfg.Now())
	if d > timerMax {
		return
	}
	if d <= 0 && x.idle > 0 { // the tick has changed nothing: don't spin
		d = min(100*time.Millisecond<<min(x.idle, 6), 5*time.Second)
	}
	x.alarms++
	x.wakeIn(max(d, 0))
}

func (x *execution) wakeIn(d time.Duration) {
	root, self, no := x.root, x.self, x.alarms
	x.alarm = time.AfterFunc(d, func() { root.Send(self, timer{no}) })
}

func (x *execution) disarm() {
	if x.alarm != nil {
		x.alarm.Stop()
		x.alarm = nil
	}
	x.alarms++
}

// The grain of what the store says of a moment that is near, and how near that is at most.
const (
	wakeGrain = 4 * time.Second
	wakeNear  = 15 * time.Second
)

// wakeInStore is the moment that the store is told of: the execution is in memory and has an alarm when a near one comes, the
// store's is for another engine after this one's end. A coarse one seldom changes from turn to turn, and an index that
// doesn't change costs nothing.
func (e *Engine) wakeInStore(at time.Time) time.Time {
	if at.IsZero() || !e.near(at) {
		return at
	}
	return at.Truncate(wakeGrain).Add(wakeGrain)
}

func (e *Engine) near(at time.Time) bool {
	return at.Sub(e.cfg.Now()) <= min(wakeNear, e.cfg.IdleAfter/2)
}

// alarmed reports whether an alarm comes soon: the store has been told of a later moment, so the execution must stay in memory.
func (x *execution) alarmed() bool {
	at := x.known.wakeAt
	return at.After(x.cfg.Now()) && x.near(at)
}
