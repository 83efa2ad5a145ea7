// Package cron reads cron patterns as Mistral does and says when they come next. It has no clock and does no IO: the time
// comes from the caller.
//
//	s, err := cron.Parse("30 2 * * mon-fri")
//	next, ok := s.Next(now)                      // in UTC, as in Mistral
//	next, ok = s.In(berlin).Next(now)            // on Berlin's clock
//
// # Grammar
//
// It is that of the Python library croniter, which Mistral hands its patterns to:
//
//	minute hour day-of-month month day-of-week [second]
//	0-59   0-23 1-31,L       1-12  0-7         0-59
//
// and @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly. Seconds come last; without them a pattern means
// second 0. Fields are lists with commas of a value, a range a-b, a step a/n (from a to the field's end), */n or a-b/n, and
// *. Months and weekdays have English names of three letters, Sunday is 0 and 7, letters may be large or small. A range may go
// over the end of its field (fri-mon, 22-4). In the day of month L is the last day, and can end a range; in the day of week
// fri#2 is the second Friday of the month and L5 the last. ? is * in the two fields for days.
//
// When both fields for days are restricted, a date needs only one of them; with a * anywhere in one of them, only the
// other counts. Beside fri#2 or L5 the day of month is not looked at (croniter's behaviour, on which 1-7 * fri#1 depends).
//
// # Where it differs from croniter
//
// The two current generations (1.3 and 6) differ among themselves; where they agree, so do we, but for these:
//   - a pattern that never comes, or half of which (0 0 30 2 mon) never does, is refused by Parse; croniter accepts it and
//     raises an error when asked for a time;
//   - */10, as the days 1, 11, 21 and 31, comes on 1 March too: croniter goes on from 22 February by the days up to the
//     31st, and so into March;
//   - 5-5 is 5, as in 1.3 and everywhere else; in 6 it is the whole field;
//   - Sunday may be 7 in patterns with seconds too, where 1.3 loses it and 6 refuses it;
//   - a range over the end keeps its step over the end: 23-4/2 is 23, 1, 3; in 6 it is 23, 2, 4;
//   - *,fri#1 is refused: a list of weekdays has either # and L or none, and * is among the latter; 1-5#1 is as good as mon-fri#1;
//   - H and R (a minute that depends on a name, or on chance) are refused: the same pattern must mean the same times; so
//     are the years of croniter 6, which Mistral doesn't document;
//   - blanks around @daily don't matter.
//
// # Clocks that change
//
// In a zone with daylight saving time a pattern is one of two things. If its hour field lets every hour pass, it is an
// interval and goes by time elapsed: it comes at every instant at which the clock shows what the pattern says, so twice in
// an hour that is doubled, and not for what is skipped. Otherwise it means fixed times, and each comes exactly once: a time that the change skips is
// taken by the clock before the change, that is later by what was skipped (02:30 becomes 03:30), and of a time that is doubled the
// first is taken. That is also RFC 5545's rule. What croniter does there depends on its version; Mistral only uses UTC.
//
// # Why not a library
//
// robfig/cron has neither L nor #, puts seconds first, fires fixed times twice when the clock goes back and never when it
// goes forward. adhocore/gronx has L and #, but in Quartz's places, has seconds first, gives up after 500 steps and loses
// an hour of intervals when the clock goes back. netresearch/go-cron reads the two fields for days as "and". Each would have to be wrapped in a
// parser of croniter's grammar, and of what it then contributed we would have to undo half.
package cron

import (
	"time"

	"cierzo/fault"
)

// PatternMax is the longest pattern that Parse takes, in bytes. A list of all minutes has 169.
const PatternMax = 1024

// YearsMax is how far ahead Next looks. The rarest pattern that there is, a 29th of February on a given weekday (0 0 * 2 mon#5),
// comes after 40 years at most; croniter gives up after 50 too.
const YearsMax = 50

// Schedule is a pattern that was parsed. It doesn't change and may be shared.
type Schedule struct {
	text     string
	location *time.Location

	// The allowed values as bits; of the days of a month bit 1 is the first.
	second, minute, hour, day, month, weekday uint64
	lastDay                                   bool
	// nth has for each weekday the bits 1 to 5 for the first to the fifth of the month, and bit 0 for the last. It is in
	// use if hasNth, and then day, lastDay and weekday are not.
	nth    [7]uint64
	hasNth bool
	// anyDay and anyWeekday say that the field leaves the decision to the other one.
	anyDay, anyWeekday bool
}

// Parse reads a pattern. The error is of kind fault.Invalid and wraps an *Error that knows the place.
func Parse(text string) (*Schedule, error) {
	s, err := parse(text)
	if err == nil {
		err = s.checkReachable()
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	return s, nil
}

// In is the same schedule on the clocks of a place; nil is UTC.
func (s *Schedule) In(location *time.Location) *Schedule {
	if location == nil {
		location = time.UTC
	}
	clone := *s
	clone.location = location
	return &clone
}

// String is the text that was parsed.
func (s *Schedule) String() string { return s.text }

// interval says that the schedule goes by time elapsed, see the package comment.
func (s *Schedule) interval() bool { return s.hour == allBits(0, 23) }
