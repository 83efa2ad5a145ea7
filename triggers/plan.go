package triggers

import (
	"time"

	"cierzo/cron"
	"cierzo/fault"
	"cierzo/persistence"
)

// CatchUp says what becomes of ticks that were missed: nobody could fire them within the grace time, because no engine ran
// or the service was in maintenance.
type CatchUp string

// The policies.
const (
	// CatchUpOnce runs the newest of them, unless a tick is due that wasn't missed: as in Mistral, however many were missed,
	// the workflow runs once.
	CatchUpOnce CatchUp = "once"
	// CatchUpSkip runs none.
	CatchUpSkip CatchUp = "skip"
	// CatchUpAll runs them all, up to a limit: the oldest beyond it are skipped.
	CatchUpAll CatchUp = "all"
)

// ParseCatchUp reads a policy; "" stays "".
func ParseCatchUp(text string) (CatchUp, error) {
	switch c := CatchUp(text); c {
	case "", CatchUpOnce, CatchUpSkip, CatchUpAll:
		return c, nil
	}
	return "", fault.New(fault.Invalid, "catch_up: %.80q is none of once, skip, all", text)
}

// OnceOnly is the pattern that Mistral stores for a trigger that only has a first time: it never comes again.
const OnceOnly = "0 0 30 2 0"

// ticksMax bounds the ticks that one look at a trigger decides on. What is beyond is decided by the next look.
const ticksMax = 10_000

// Schedule is a pattern on the clocks of a zone ("" is UTC); nil: it comes once only.
func Schedule(pattern, zone string) (*cron.Schedule, error) {
	location, err := Zone(zone)
	if err != nil {
		return nil, err
	}
	if pattern == OnceOnly {
		return nil, nil
	}
	s, err := cron.Parse(pattern)
	if err != nil {
		return nil, err
	}
	return s.In(location), nil
}

// Zone finds a time zone by its name in the IANA database; "" is UTC.
func Zone(name string) (*time.Location, error) {
	if name == "Local" { // each machine's own
		return nil, fault.New(fault.Invalid, "tz: 'Local' differs from machine to machine: give a name such as Europe/Zurich")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "tz: %.80q is no time zone; it takes the names of the IANA database, such as Europe/Zurich", name)
	}
	return location, nil
}

// policy is how ticks are decided on.
type policy struct {
	catchUp    CatchUp
	catchUpMax int           // runs of CatchUpAll
	grace      time.Duration // a tick that is older has been missed
}

// claim decides what becomes of the ticks that have come: it moves them from Next to Pending, or into the record of what was
// skipped.
func (p policy) claim(t *persistence.CronTrigger, s *cron.Schedule, now time.Time) {
	late, ticks := 0, []time.Time{}
	for len(ticks) < ticksMax && !t.Next.IsZero() && !t.Next.After(now) {
		if now.Sub(t.Next) > p.grace {
			late++
		}
		ticks = append(ticks, t.Next)
		t.Next = following(s, t.Next)
	}
	more := !t.Next.IsZero() && !t.Next.After(now)
	if skip := p.skipped(late, len(ticks), more); skip > 0 {
		record(t, persistence.TriggerRun{Tick: ticks[0], Until: ticks[skip-1], Ticks: skip, Outcome: "skipped", At: now})
		t.Skipped += uint64(skip)
		ticks = ticks[skip:]
	}
	if t.Remaining > 0 {
		ticks = ticks[:min(len(ticks), t.Remaining)]
		if t.Remaining -= len(ticks); t.Remaining == 0 {
			t.Last = true
		}
	}
	if t.Last = t.Last || t.Next.IsZero(); t.Last {
		t.Next = time.Time{}
	}
	t.Pending = append(t.Pending, ticks...)
}

// skipped is how many of the ticks are skipped, the oldest, if late of them were missed; more: newer ones are decided on later.
func (p policy) skipped(late, ticks int, more bool) int {
	switch {
	case p.catchUp == CatchUpSkip || more:
		return late
	case p.catchUp == CatchUpAll:
		return max(late-p.catchUpMax, 0)
	case late == ticks:
		return max(late-1, 0)
	}
	return late
}

// following is the tick after another; zero: there is none.
func following(s *cron.Schedule, tick time.Time) time.Time {
	if s == nil {
		return time.Time{}
	}
	next, _ := s.Next(tick)
	return next.UTC()
}

// record remembers a run.
func record(t *persistence.CronTrigger, r persistence.TriggerRun) {
	r.No = 1
	if n := len(t.Runs); n > 0 {
		r.No = t.Runs[n-1].No + 1
	}
	t.Runs = append(t.Runs, r)
	if extra := len(t.Runs) - persistence.TriggerRunsMax; extra > 0 {
		t.Runs = t.Runs[extra:]
	}
}
