package cron

import (
	"math/bits"
	"time"
)

// Next is the first time after the given one, in the schedule's location; false if there is none within YearsMax years,
// which only happens near the end of what time.Time can hold.
func (s *Schedule) Next(after time.Time) (time.Time, bool) {
	from := after.Unix() + 1
	limit := after.AddDate(YearsMax, 0, 0).Unix()
	if s.location == time.UTC {
		w, ok := s.nextWall(from, limit)
		return time.Unix(w, 0).UTC(), ok
	}
	search := wallSearch{s: s, limit: limit + 2*86400}
	for from <= limit {
		p := periodAt(s.location, from)
		if t, ok := search.within(p, from); ok {
			return time.Unix(t, 0).In(s.location), true
		}
		if p.last {
			break
		}
		from = p.end
	}
	return time.Time{}, false
}

// period is a time with one offset from UTC: the instants from start to before end, in Unix seconds.
type period struct {
	start, end int64
	offset     int64
	change     int64 // offset less that of the period before
	last       bool  // it has no end
}

func periodAt(location *time.Location, at int64) period {
	t := time.Unix(at, 0).In(location)
	start, end := t.ZoneBounds()
	_, offset := t.Zone()
	p := period{offset: int64(offset), start: start.Unix(), end: end.Unix(), last: end.IsZero()}
	if !p.last && p.end <= at {
		// Behind the table of a zone's changes, from 2038 on, ZoneBounds gives each year 365 days, and so the last day of a
		// leap year an end that lies before it.
		p.end = max(p.end+86400, at+1)
	}
	if !start.IsZero() {
		_, before := start.Add(-time.Second).Zone()
		p.change = p.offset - int64(before)
	}
	return p
}

// wallSearch looks for the times of a schedule by what clocks show. A wall time is counted as Unix seconds as if the clock
// were in UTC. What was found last is kept: a rare schedule has many periods before its next time.
type wallSearch struct {
	s     *Schedule
	limit int64

	from, found int64 // no wall time from from to before found belongs to the schedule
	none        bool  // nor any after it
	searched    bool
}

// next is the schedule's first wall time not before from.
func (w *wallSearch) next(from int64) (int64, bool) {
	if !w.searched || from < w.from || (!w.none && from > w.found) {
		found, ok := w.s.nextWall(from, w.limit)
		w.from, w.found, w.none, w.searched = from, found, !ok, true
	}
	return w.found, !w.none
}

// within finds the first instant of the schedule in the period, not before from.
func (w *wallSearch) within(p period, from int64) (int64, bool) {
	fixed := !w.s.interval()
	// A fixed time that is skipped comes where the clock before the change would have shown it.
	skipped, foundSkipped := int64(0), false
	if fixed && p.change > 0 && from < p.start+p.change {
		before := p.offset - p.change
		if wall, ok := w.next(from + before); ok && wall < p.start+p.offset && wall-before < p.end {
			skipped, foundSkipped = wall-before, true
		}
	}
	wall := from + p.offset
	if fixed && p.change < 0 {
		// What the clock shows again has come in the period before.
		wall = max(wall, p.start+p.offset-p.change)
	}
	regular, ok := w.next(wall)
	regular -= p.offset
	ok = ok && (p.last || regular < p.end)
	switch {
	case ok && foundSkipped:
		return min(regular, skipped), true
	case foundSkipped:
		return skipped, true
	}
	return regular, ok
}

// nextWall is the schedule's first wall time not before from and not after limit.
func (s *Schedule) nextWall(from, limit int64) (int64, bool) {
	at := time.Unix(from, 0).UTC()
	year, month, day := at.Date()
	hour, minute, second, sameDay := s.nextInDay(at.Clock())
	if !sameDay {
		day++
		hour, minute, second, _ = s.nextInDay(0, 0, 0)
	}
	lastYear := time.Unix(limit, 0).UTC().Year()
	first := day
	for year <= lastYear {
		if s.month&(1<<month) != 0 {
			if d, ok := s.nextDay(year, month, first); ok {
				if d != at.Day() || month != at.Month() || year != at.Year() {
					hour, minute, second, _ = s.nextInDay(0, 0, 0)
				}
				found := time.Date(year, month, d, hour, minute, second, 0, time.UTC).Unix()
				return found, found <= limit
			}
		}
		first = 1
		if month++; month > time.December {
			year, month = year+1, time.January
		}
	}
	return 0, false
}

// nextDay is the first day of the month from first on that the schedule allows.
func (s *Schedule) nextDay(year int, month time.Month, first int) (int, bool) {
	length := daysIn(year, month)
	weekday := int(time.Date(year, month, first, 0, 0, 0, 0, time.UTC).Weekday())
	for day := first; day <= length; day++ {
		if s.allowsDay(day, weekday, length) {
			return day, true
		}
		weekday = (weekday + 1) % 7
	}
	return 0, false
}

// allowsDay decides about a date by its day of month and weekday, 0 for Sunday, in a month of the given length.
func (s *Schedule) allowsDay(day, weekday, length int) bool {
	byWeekday := s.allowsWeekday(day, weekday, length)
	if s.anyDay || s.hasNth {
		return byWeekday
	}
	byDay := s.allowsDayOfMonth(day, length)
	if s.anyWeekday {
		return byDay
	}
	return byDay || byWeekday
}

func (s *Schedule) allowsDayOfMonth(day, length int) bool {
	return s.day&(1<<day) != 0 || s.lastDay && day == length
}

func (s *Schedule) allowsWeekday(day, weekday, length int) bool {
	if s.hasNth {
		nth := s.nth[weekday]
		return nth&(1<<((day+6)/7)) != 0 || nth&1 != 0 && day > length-7
	}
	return s.weekday&(1<<weekday) != 0
}

// nextInDay is the schedule's first time of day not before the given one, false if there is none.
func (s *Schedule) nextInDay(hour, minute, second int) (h, m, sec int, ok bool) {
	h, ok = nextBit(s.hour, hour)
	if !ok {
		return 0, 0, 0, false
	}
	if h == hour {
		m, ok = nextBit(s.minute, minute)
		if ok && m == minute {
			if sec, ok = nextBit(s.second, second); ok {
				return h, m, sec, true
			}
			m, ok = nextBit(s.minute, minute+1)
		}
		if ok {
			sec, _ = nextBit(s.second, 0)
			return h, m, sec, true
		}
		if h, ok = nextBit(s.hour, hour+1); !ok {
			return 0, 0, 0, false
		}
	}
	m, _ = nextBit(s.minute, 0)
	sec, _ = nextBit(s.second, 0)
	return h, m, sec, true
}

// nextBit is the lowest bit set from from on.
func nextBit(mask uint64, from int) (int, bool) {
	rest := mask >> from
	if rest == 0 {
		return 0, false
	}
	return from + bits.TrailingZeros64(rest), true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
