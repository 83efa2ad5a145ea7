package runner

import "sync/atomic"

// Metrics counts what a runner did since its start.
type Metrics struct {
	Started    uint64 // attempts begun
	Finished   uint64 // outcomes got
	Resent     uint64 // outcomes sent again
	Asked      uint64 // questions about attempts whose lease ran out
	Denied     uint64 // attempts that were not wanted any more
	Refused    uint64 // outcomes that came too late
	Dropped    uint64 // attempts that found the queue full
	Isolated   uint64 // attempts stopped because no engine was heard
	RunningNow uint64
	KnownNow   uint64 // attempts that run, wait or are not acknowledged
}

type counters struct {
	started, finished, resent, asked, denied, refused, dropped, isolated, running, known atomic.Uint64
}

// Metrics are the runner's counters so far.
func (r *Runner) Metrics() Metrics {
	c := &r.counters
	return Metrics{
		Started: c.started.Load(), Finished: c.finished.Load(), Resent: c.resent.Load(), Asked: c.asked.Load(),
		Denied: c.denied.Load(), Refused: c.refused.Load(), Dropped: c.dropped.Load(), Isolated: c.isolated.Load(),
		RunningNow: c.running.Load(), KnownNow: c.known.Load(),
	}
}
