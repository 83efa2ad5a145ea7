package jinja

import (
	"strings"
	"time"

	"cierzo/expr/value"
)

// Dates come from yaml_parse. They have what templates ask of them.

func timeProperty(v value.Value, name string) value.Value {
	if span, ok := v.(value.TimeSpan); ok {
		us, day := span.Microseconds, int64(dayMicroseconds)
		days := floorDays(us)
		switch name {
		case "days":
			return value.Int(days)
		case "seconds":
			return value.Int((us - days*day) / 1000000)
		case "microseconds":
			return value.Int((us - days*day) % 1000000)
		}
		return nil
	}
	t, clock := timeOf(v)
	switch name {
	case "year":
		return value.Int(t.Year())
	case "month":
		return value.Int(t.Month())
	case "day":
		return value.Int(t.Day())
	}
	if !clock {
		return nil
	}
	switch name {
	case "hour":
		return value.Int(t.Hour())
	case "minute":
		return value.Int(t.Minute())
	case "second":
		return value.Int(t.Second())
	case "microsecond":
		return value.Int(t.Nanosecond() / 1000)
	}
	return nil
}

func timeOf(v value.Value) (t time.Time, clock bool) {
	switch v := v.(type) {
	case value.DateTime:
		return v.Time, true
	case value.Date:
		return v.Time, false
	}
	return time.Time{}, false
}

func timeMethod(v value.Value, name string) *builtin {
	if span, ok := v.(value.TimeSpan); ok {
		if name == "total_seconds" {
			return method(name, 0, nil, func(*call) (value.Value, error) {
				return value.Float(float64(span.Microseconds) / 1e6), nil
			})
		}
		return nil
	}
	t, clock := timeOf(v)
	switch name {
	case "isoformat":
		return method(name, 0, nil, func(*call) (value.Value, error) {
			if !clock {
				return value.String(value.Str(v)), nil
			}
			return value.String(strings.Replace(value.Str(v), " ", "T", 1)), nil
		})
	case "strftime":
		return &builtin{name: name, required: 1, params: []string{"format"}, eval: func(c *call) (value.Value, error) {
			f, err := c.text(0, "")
			if err != nil {
				return nil, err
			}
			s, err := c.r.strftime(t, f)
			return value.String(s), err
		}}
	case "weekday":
		return method(name, 0, nil, func(*call) (value.Value, error) { return value.Int((t.Weekday() + 6) % 7), nil })
	case "isoweekday":
		return method(name, 0, nil, func(*call) (value.Value, error) { return value.Int((t.Weekday()+6)%7 + 1), nil })
	case "toordinal":
		return method(name, 0, nil, func(*call) (value.Value, error) {
			day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
			return value.Int(day.Unix()/86400 + 719163), nil
		})
	case "timestamp":
		if clock {
			return method(name, 0, nil, func(*call) (value.Value, error) { return value.Float(float64(t.UnixMicro()) / 1e6), nil })
		}
	case "date":
		if clock {
			return method(name, 0, nil, func(*call) (value.Value, error) {
				return value.Date{Time: time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}, nil
			})
		}
	}
	return nil
}

// strftime formats a time as C does in the C locale.
func (r *run) strftime(t time.Time, format string) (string, error) {
	if err := r.make(len(format)); err != nil {
		return "", err
	}
	s := value.Strftime(t, format)
	return s, r.make(len(s))
}

// addTimes is + (sign 1) or - (sign -1) of times; nil: the types don't go together.
func addTimes(a, b value.Value, sign int64) value.Value {
	span, isSpan := b.(value.TimeSpan)
	span.Microseconds *= sign
	switch x := a.(type) {
	case value.DateTime:
		if isSpan {
			return value.DateTime{Time: later(x.Time, span.Microseconds)}
		}
		if y, ok := b.(value.DateTime); ok && sign < 0 {
			return value.TimeSpan{Microseconds: x.UnixMicro() - y.UnixMicro()}
		}
	case value.Date:
		if y, ok := b.(value.Date); ok && sign < 0 {
			return value.TimeSpan{Microseconds: x.UnixMicro() - y.UnixMicro()}
		}
		if isSpan {
			return value.Date{Time: x.AddDate(0, 0, int(floorDays(span.Microseconds)))}
		}
	case value.TimeSpan:
		if isSpan {
			return value.TimeSpan{Microseconds: x.Microseconds + span.Microseconds}
		}
		if sign > 0 && (b.Kind() == value.KindDateTime || b.Kind() == value.KindDate) {
			return addTimes(b, a, 1)
		}
	}
	return nil
}

const dayMicroseconds = 86400 * 1000000

func floorDays(us int64) int64 {
	days := us / dayMicroseconds
	if us%dayMicroseconds < 0 {
		days--
	}
	return days
}

// later moves a time by more than a time.Duration can hold.
func later(t time.Time, us int64) time.Time {
	days := floorDays(us)
	return t.AddDate(0, 0, int(days)).Add(time.Duration(us-days*dayMicroseconds) * time.Microsecond)
}
