package cron

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// nicknameError is about a pattern that starts with @.
func nicknameError(text, name string) error {
	e := &Error{Pattern: text, Reason: "unknown name; there are " + strings.Join(slices.Sorted(maps.Keys(nicknames)), ", ")}
	switch {
	case strings.HasPrefix(name, "@every"):
		e.Hint = "every five minutes is */5 * * * *"
	case name == "@reboot":
		e.Hint = "there is no start that a trigger could belong to"
	default:
		if near := nearest(name, slices.Sorted(maps.Keys(nicknames))); near != "" {
			e.Hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
	return e
}

// countError is about a pattern with too few or too many fields.
func countError(text string, words []word) error {
	e := &Error{
		Pattern: text,
		Reason:  fmt.Sprintf("it has %d fields, not 5 or 6: minute hour day-of-month month day-of-week [second]", len(words)),
	}
	switch {
	case len(words) > 0 && (strings.HasPrefix(words[0].text, "tz=") || strings.HasPrefix(words[0].text, "cron_tz=")):
		e.Hint = "a time zone isn't part of the pattern"
	case len(words) == 7:
		e.Hint = "there is no field for years"
	}
	return e
}

// wordHint says what to write instead of a word that is no value.
func (p *parser) wordHint(text string) string {
	number := p.number
	switch {
	case text == "":
		return "a value is missing"
	case strings.ContainsAny(text, "*"):
		return "a * stands alone, or as */n"
	case number == dayField && strings.HasSuffix(text, "w"):
		return "W, the nearest weekday, isn't in croniter's grammar"
	case number == dayField && strings.HasPrefix(text, "l"):
		return "L is the last day of the month, alone or as the end of a range"
	case number == weekdayField && strings.HasSuffix(text, "l"):
		return "the last Friday of the month is L5"
	case text == "l":
		return "L is for the day of month"
	}
	if near := nearest(text, fields[number].names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	for _, other := range []int{monthField, weekdayField} {
		if other != number && nearest(text, fields[other].names) != "" {
			return fmt.Sprintf("the %s is field %d", fields[other].name, other+1)
		}
	}
	return ""
}

// rangeHint explains a number that is out of range.
func (p *parser) rangeHint(n int) string {
	switch {
	case (p.number == minuteField || p.number == secondField) && n == 60:
		return "the next one's start is 0"
	case p.number == hourField && n == 24:
		return "midnight is 0"
	case (p.number == dayField || p.number == monthField) && n == 0:
		return "it counts from 1"
	case p.number == weekdayField:
		return "Sunday is 0 or 7"
	}
	return ""
}
