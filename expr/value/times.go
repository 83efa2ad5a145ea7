package value

import (
	"fmt"
	"strings"
	"time"
)

// dateText is Python's str of a datetime.
func dateText(t time.Time) string {
	s := t.Format("2006-01-02 15:04:05")
	if us := t.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if t.Location() == time.UTC {
		return s + "+00:00"
	}
	return s + t.Format("-07:00")
}

// spanText is Python's str of a timedelta.
func spanText(us int64) string {
	const day = 86400 * 1000000
	days := us / day
	if us%day < 0 {
		days--
	}
	rest := us - days*day
	s := fmt.Sprintf("%d:%02d:%02d", rest/3600000000, rest/60000000%60, rest/1000000%60)
	if f := rest % 1000000; f != 0 {
		s += fmt.Sprintf(".%06d", f)
	}
	switch {
	case days == 1 || days == -1:
		return fmt.Sprintf("%d day, %s", days, s)
	case days != 0:
		return fmt.Sprintf("%d days, %s", days, s)
	}
	return s
}

// dateRepr is Python's repr of a datetime.
func dateRepr(t time.Time) string {
	s := fmt.Sprintf("datetime.datetime(%d, %d, %d, %d, %d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute())
	us := t.Nanosecond() / 1000
	if t.Second() != 0 || us != 0 {
		s += fmt.Sprintf(", %d", t.Second())
	}
	if us != 0 {
		s += fmt.Sprintf(", %d", us)
	}
	if _, offset := t.Zone(); offset != 0 {
		return s + fmt.Sprintf(", tzinfo=tzoffset(None, %d))", offset)
	}
	return s + ", tzinfo=tzutc())"
}

// spanRepr is Python's repr of a timedelta.
func spanRepr(us int64) string {
	const day = 86400 * 1000000
	days := us / day
	if us%day < 0 {
		days--
	}
	rest := us - days*day
	var parts []string
	if days != 0 {
		parts = append(parts, fmt.Sprintf("days=%d", days))
	}
	if s := rest / 1000000; s != 0 {
		parts = append(parts, fmt.Sprintf("seconds=%d", s))
	}
	if f := rest % 1000000; f != 0 {
		parts = append(parts, fmt.Sprintf("microseconds=%d", f))
	}
	if parts == nil {
		parts = []string{"0"}
	}
	return "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
}
