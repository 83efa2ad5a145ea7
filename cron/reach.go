package cron

import (
	"fmt"
	"time"
)

// reach says which dates a schedule's months have: one that the day of month allows, one that the day of week does, and
// one that both do.
type reach struct{ day, weekday, both bool }

// checkReachable refuses what never comes. As croniter needs a date for each of the fields for days when both are
// restricted, so do we: what one of them says would otherwise be ignored without a word.
func (s *Schedule) checkReachable() error {
	r := s.reach()
	e := &Error{Pattern: s.text, Field: fields[dayField].name, Number: dayField + 1, Column: s.columnOfDay()}
	switch {
	case s.hasNth && r.weekday && !r.both:
		e.Reason = "the days that the day of week allows never have this number"
		e.Hint = "write *: beside # or L in the day of week this field doesn't count"
	case !s.hasNth && !r.day:
		e.Reason = fmt.Sprintf("it never comes: the months of the pattern have %d days at most", s.longestMonth())
		if !s.anyWeekday {
			e.Hint = "write * here if only the day of week is meant"
		}
	case !r.weekday:
		e.Reason, e.Field = "it never comes: no month of the pattern has such a day", ""
	default:
		return nil
	}
	return e
}

// reach looks at all dates of YearsMax years.
func (s *Schedule) reach() reach {
	var r reach
	for year := 2000; year < 2000+YearsMax && !r.both; year++ {
		for month := time.January; month <= time.December; month++ {
			if s.month&(1<<month) == 0 {
				continue
			}
			length := daysIn(year, month)
			weekday := int(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Weekday())
			for day := 1; day <= length; day++ {
				byDay := s.anyDay || s.allowsDayOfMonth(day, length)
				byWeekday := s.allowsWeekday(day, weekday, length)
				r.day, r.weekday, r.both = r.day || byDay, r.weekday || byWeekday, r.both || byDay && byWeekday
				weekday = (weekday + 1) % 7
			}
		}
	}
	return r
}

func (s *Schedule) longestMonth() int {
	longest := 0
	for month := time.January; month <= time.December; month++ {
		if s.month&(1<<month) != 0 {
			longest = max(longest, daysIn(2000, month))
		}
	}
	return longest
}

func (s *Schedule) columnOfDay() int {
	if words := split(s.text); len(words) > dayField {
		return words[dayField].column
	}
	return 1
}
