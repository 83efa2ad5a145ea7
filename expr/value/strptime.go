package value

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// NewDateTime makes a time with Python's checks, whose texts the error has.
func NewDateTime(year, month, day, hour, minute, second, micro int, zone *time.Location) (DateTime, error) {
	switch {
	case year < 1 || year > 9999:
		return DateTime{}, fmt.Errorf("year %d is out of range", year)
	case month < 1 || month > 12:
		return DateTime{}, fmt.Errorf("month must be in 1..12")
	case day < 1 || day > DaysIn(year, month):
		return DateTime{}, fmt.Errorf("day is out of range for month")
	case hour < 0 || hour > 23:
		return DateTime{}, fmt.Errorf("hour must be in 0..23")
	case minute < 0 || minute > 59:
		return DateTime{}, fmt.Errorf("minute must be in 0..59")
	case second < 0 || second > 59:
		return DateTime{}, fmt.Errorf("second must be in 0..59")
	case micro < 0 || micro > 999999:
		return DateTime{}, fmt.Errorf("microsecond must be in 0..999999")
	}
	return DateTime{time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, zone)}, nil
}

// DaysIn is the number of days of a month.
func DaysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// Zone is the time zone of an offset in seconds.
func Zone(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}

// directivePattern is what a directive of strptime matches.
func directivePattern(c byte) (string, bool) {
	names := func(n int, name func(int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = name(i)
		}
		return strings.Join(list, "|")
	}
	switch c {
	case 'd':
		return `3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9]`, true
	case 'f':
		return `[0-9]{1,6}`, true
	case 'H':
		return `2[0-3]|[0-1]\d|\d`, true
	case 'I':
		return `1[0-2]|0[1-9]|[1-9]`, true
	case 'j':
		return `36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]`, true
	case 'm':
		return `1[0-2]|0[1-9]|[1-9]`, true
	case 'M':
		return `[0-5]\d|\d`, true
	case 'S':
		return `6[0-1]|[0-5]\d|\d`, true
	case 'U', 'W':
		return `5[0-3]|[0-4]\d|\d`, true
	case 'V':
		return `5[0-3]|0[1-9]|[1-4]\d|\d`, true
	case 'w':
		return `[0-6]`, true
	case 'u':
		return `[1-7]`, true
	case 'y':
		return `\d\d`, true
	case 'Y', 'G':
		return `\d\d\d\d`, true
	case 'z':
		return `[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|(?-i:Z)`, true
	case 'Z':
		return `utc|gmt`, true
	case 'p':
		return `am|pm`, true
	case 'a':
		return names(7, func(i int) string { return time.Weekday(i).String()[:3] }), true
	case 'A':
		return names(7, func(i int) string { return time.Weekday(i).String() }), true
	case 'b':
		return names(12, func(i int) string { return time.Month(i + 1).String()[:3] }), true
	case 'B':
		return names(12, func(i int) string { return time.Month(i + 1).String() }), true
	}
	return "", false
}

// strptimePattern makes a regular expression of a format, with the letters of the directives in order of the groups.
func strptimePattern(format string) (pattern string, letters []byte, err error) {
	original := format
	for short, long := range map[string]string{"%c": "%a %b %d %H:%M:%S %Y", "%x": "%m/%d/%y", "%X": "%H:%M:%S"} {
		format = strings.ReplaceAll(format, short, long)
	}
	var b strings.Builder
	b.WriteString("^(?i)")
	for i := 0; i < len(format); i++ {
		c := format[i]
		switch {
		case c != '%' && strings.IndexByte(" \t\n\r\f\v", c) >= 0:
			if i == 0 || strings.IndexByte(" \t\n\r\f\v", format[i-1]) < 0 {
				b.WriteString(`\s+`)
			}
			continue
		case c != '%':
			b.WriteString(regexp.QuoteMeta(string(c)))
			continue
		}
		if i++; i == len(format) {
			return "", nil, fmt.Errorf("stray %% in format '%s'", original)
		}
		if format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		p, ok := directivePattern(format[i])
		if !ok {
			return "", nil, fmt.Errorf("'%c' is a bad directive in format '%s'", format[i], original)
		}
		for _, have := range letters {
			if have == format[i] {
				return "", nil, formatFail("re.error", "redefinition of group name '%c' as group %d; was group %d", have, len(letters)+1,
					strings.IndexByte(string(letters), have)+1)
			}
		}
		letters = append(letters, format[i])
		b.WriteString("(" + p + ")")
	}
	return b.String(), letters, nil
}

// Strptime reads a time as Python's datetime.strptime does in the locale C. zoned: the text has an offset; otherwise the
// time is in UTC. Errors have the texts of Python's ValueError, or are a *FormatError.
func Strptime(text, format string) (t DateTime, zoned bool, err error) {
	pattern, letters, err := strptimePattern(format)
	if err != nil {
		return t, false, err
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return t, false, fmt.Errorf("the format '%s' is not understood", format)
	}
	found := re.FindStringSubmatch(text)
	if found == nil {
		return t, false, fmt.Errorf("time data %s does not match format %s", Repr(String(text)), Repr(String(format)))
	}
	if rest := text[len(found[0]):]; rest != "" {
		return t, false, fmt.Errorf("unconverted data remains: %s", rest)
	}
	p := parsedTime{year: 1900, month: 1, day: 1, week: -1, weekday: -1, isoYear: -1}
	for i, letter := range letters {
		p.set(letter, strings.ToLower(found[i+1]))
	}
	if err := p.resolve(letters); err != nil {
		return t, false, err
	}
	zone := Zone(p.offset)
	if !p.zoned {
		zone = time.UTC
	}
	t, err = NewDateTime(p.year, p.month, p.day, p.hour, p.minute, p.second, p.micro, zone)
	return t, p.zoned, err
}

// parsedTime is what strptime found.
type parsedTime struct {
	year, month, day, hour, minute, second, micro int
	yearDay, week, weekday, isoYear               int // weekday counts from Monday, 0
	mondays                                       bool
	pm                                            bool
	offset                                        int
	zoned                                         bool
}

func (p *parsedTime) set(letter byte, text string) {
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	switch letter {
	case 'd':
		p.day = n
	case 'f':
		p.micro, _ = strconv.Atoi((text + "000000")[:6])
	case 'H', 'I':
		p.hour = n
	case 'j':
		p.yearDay = n
	case 'm':
		p.month = n
	case 'M':
		p.minute = n
	case 'S':
		p.second = n
	case 'U', 'W', 'V':
		p.week, p.mondays = n, letter == 'W'
	case 'w':
		p.weekday = (n + 6) % 7
	case 'u':
		p.weekday = n - 1
	case 'y':
		p.year = 1900 + n
		if n <= 68 {
			p.year = 2000 + n
		}
	case 'Y':
		p.year = n
	case 'G':
		p.isoYear = n
	case 'p':
		p.pm = text == "pm"
	case 'a', 'A':
		for i := range 7 {
			if strings.HasPrefix(strings.ToLower(time.Weekday(i).String()), text) {
				p.weekday = (i + 6) % 7
			}
		}
	case 'b', 'B':
		for i := range 12 {
			if strings.HasPrefix(strings.ToLower(time.Month(i+1).String()), text) {
				p.month = i + 1
			}
		}
	case 'z':
		p.setOffset(text)
	}
}

func (p *parsedTime) setOffset(text string) {
	p.zoned = true
	digits := strings.ReplaceAll(strings.TrimLeft(text, "+-z"), ":", "")
	seconds := 0
	for i, unit := range []int{3600, 60, 1} {
		if len(digits) >= 2*i+2 {
			n, _ := strconv.Atoi(digits[2*i : 2*i+2])
			seconds += n * unit
		}
	}
	if strings.HasPrefix(text, "-") {
		seconds = -seconds
	}
	p.offset = seconds
}

// resolve makes a date of the day of the year or of a week.
func (p *parsedTime) resolve(letters []byte) error {
	has := func(letter byte) bool { return strings.IndexByte(string(letters), letter) >= 0 }
	if has('I') {
		p.hour %= 12
		if p.pm {
			p.hour += 12
		}
	}
	iso := has('G') || has('V')
	switch {
	case has('G') && (!has('V') || p.weekday < 0):
		return formatFail("ValueError", "ISO year directive '%%G' must be used with the ISO week directive '%%V' and a weekday directive ('%%A', '%%a', '%%w', or '%%u').")
	case has('G') && has('j'):
		return formatFail("ValueError", "Day of the year directive '%%j' is not compatible with ISO year directive '%%G'. Use '%%Y' instead.")
	case has('V') && !has('G'):
		return formatFail("ValueError", "ISO week directive '%%V' must be used with the ISO year directive '%%G' and a weekday directive ('%%A', '%%a', '%%w', or '%%u').")
	case iso:
		first := time.Date(p.isoYear, 1, 4, 0, 0, 0, 0, time.UTC)
		monday := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
		p.setDate(monday.AddDate(0, 0, (p.week-1)*7+p.weekday))
	case has('j'):
		p.setDate(time.Date(p.year, 1, p.yearDay, 0, 0, 0, 0, time.UTC))
	case p.week >= 0 && p.weekday >= 0 && has('Y'):
		p.setDate(p.dayOfWeek())
	}
	return nil
}

func (p *parsedTime) setDate(t time.Time) { p.year, p.month, p.day = t.Year(), int(t.Month()), t.Day() }

// dayOfWeek is the day of a week of the year; the first week begins with the first Sunday, or Monday.
func (p *parsedTime) dayOfWeek() time.Time {
	first := time.Date(p.year, 1, 1, 0, 0, 0, 0, time.UTC)
	begin, day := (int(first.Weekday())+6)%7, p.weekday
	if !p.mondays {
		begin, day = int(first.Weekday()), (p.weekday+1)%7
	}
	days := day - begin
	if p.week > 0 {
		days = (7-begin)%7 + 7*(p.week-1) + day
	}
	return first.AddDate(0, 0, days)
}
