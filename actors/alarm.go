package actors

import "time"

// The one timer of an execution's actor.

// retry has the execution loaded again in a while.
func (x *execution) retry() {
	x.pausing = true // nothing begins before the timer
	x.alarms++
	x.wakeIn(min(50*time.Millisecond<<min(x.failed, 8), 10*time.Second))
}

// arm sets the timer for the next moment of the execution.
func (x *execution) arm() {
	if x.rec.WakeAt.IsZero() {
		return
	}
	d := x.rec.WakeAt.Sub(x.cfg.Now())
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
