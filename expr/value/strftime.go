package value

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Strftime formats a time as Python's datetime.strftime does with glibc in the locale C: years are not padded, what is no
// directive stays.
func Strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		i = directive(&b, t, format, i)
	}
	return b.String()
}

// directive writes the directive at i and gives the place of its last character. A flag and a width may stand behind the
// percent sign, and E or O.
func directive(b *strings.Builder, t time.Time, format string, start int) int {
	i := start + 1
	pad, upper, swap := byte(0), false, false
flags:
	for ; i < len(format); i++ {
		switch format[i] {
		case '_', '-', '0':
			pad = format[i]
		case '^':
			upper = true
		case '#':
			swap = true
		default:
			break flags
		}
	}
	width := 0
	for ; i < len(format) && format[i] >= '0' && format[i] <= '9' && width < 1000; i++ {
		width = width*10 + int(format[i]-'0')
	}
	if i+1 < len(format) && takesModifier(format[i], format[i+1]) {
		i++
	}
	if i >= len(format) {
		b.WriteString(format[start:])
		return len(format) - 1
	}
	text, size, fill, ok := timeField(t, format[i])
	if !ok || format[i] == 'f' && i > start+1 { // Python itself knows f, and only by its bare name
		b.WriteString(format[start : i+1])
		return i
	}
	switch c := format[i]; {
	case swap && (c == 'p' || c == 'Z'):
		text = strings.ToLower(text)
	case upper && c != 'P', swap && strings.IndexByte("aAbBh", c) >= 0:
		text = strings.ToUpper(text)
	}
	if pad == '-' && width > 0 {
		pad = '_'
	}
	b.WriteString(padded(text, max(size, width), fill, pad))
	return i
}

// takesModifier reports whether E or O may stand before a directive.
func takesModifier(modifier, c byte) bool {
	switch modifier {
	case 'E':
		return strings.IndexByte("%cCnpPrRstTuxXyY", c) >= 0
	case 'O':
		return strings.IndexByte("%bBCdegGhHIjklmMnpPrRsStTuUVwWy", c) >= 0
	}
	return false
}

// padded fills a field up. fill is 0 for texts, which get blanks only when a width was asked for.
func padded(text string, size int, fill, pad byte) string {
	switch {
	case pad == '-':
		return text
	case pad == '_':
		fill = ' '
	case pad == '0':
		fill = '0'
	case fill == 0:
		fill = ' '
	}
	if n := size - len(text); n > 0 {
		return strings.Repeat(string(fill), n) + text
	}
	return text
}

// timeField is the text of one directive, how long it is at least and what fills it up.
func timeField(t time.Time, c byte) (text string, size int, fill byte, ok bool) {
	number := func(n, size int, fill byte) (string, int, byte, bool) { return strconv.Itoa(n), size, fill, true }
	year, week := t.ISOWeek()
	switch c {
	case 'd':
		return number(t.Day(), 2, '0')
	case 'e':
		return number(t.Day(), 2, ' ')
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), 6, '0', true
	case 'g':
		return number(year%100, 2, '0')
	case 'G':
		return number(year, 0, '0')
	case 'H':
		return number(t.Hour(), 2, '0')
	case 'I':
		return number((t.Hour()+11)%12+1, 2, '0')
	case 'j':
		return number(t.YearDay(), 3, '0')
	case 'k':
		return number(t.Hour(), 2, ' ')
	case 'l':
		return number((t.Hour()+11)%12+1, 2, ' ')
	case 'm':
		return number(int(t.Month()), 2, '0')
	case 'M':
		return number(t.Minute(), 2, '0')
	case 's':
		_, offset := t.Zone() // the C library takes the clock's face for its own zone
		return strconv.FormatInt(t.Unix()+int64(offset), 10), 0, '0', true
	case 'S':
		return number(t.Second(), 2, '0')
	case 'u':
		return number((int(t.Weekday())+6)%7+1, 1, '0')
	case 'U':
		return number((t.YearDay()+6-int(t.Weekday()))/7, 2, '0')
	case 'V':
		return number(week, 2, '0')
	case 'w':
		return number(int(t.Weekday()), 1, '0')
	case 'W':
		return number((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0')
	case 'y':
		return number(t.Year()%100, 2, '0')
	case 'Y':
		return number(t.Year(), 0, '0')
	case 'C':
		return number(t.Year()/100, 0, '0')
	}
	text, ok = timeText(t, c)
	return text, 0, 0, ok
}

// timeText is the text of a directive that is no number.
func timeText(t time.Time, c byte) (string, bool) {
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'a':
		return t.Weekday().String()[:3], true
	case 'A':
		return t.Weekday().String(), true
	case 'b', 'h':
		return t.Month().String()[:3], true
	case 'B':
		return t.Month().String(), true
	case 'c':
		return Strftime(t, "%a %b %e %H:%M:%S %Y"), true
	case 'D', 'x':
		return Strftime(t, "%m/%d/%y"), true
	case 'F':
		return Strftime(t, "%Y-%m-%d"), true
	case 'p':
		if t.Hour() < 12 {
			return "AM", true
		}
		return "PM", true
	case 'P':
		if t.Hour() < 12 {
			return "am", true
		}
		return "pm", true
	case 'r':
		return Strftime(t, "%I:%M:%S %p"), true
	case 'R':
		return Strftime(t, "%H:%M"), true
	case 'T', 'X':
		return Strftime(t, "%H:%M:%S"), true
	case 'z':
		return OffsetText(t, ""), true
	case 'Z':
		name, _ := t.Zone()
		return name, true
	}
	return "", false
}

// OffsetText is the offset of a time as +hhmm with a separator, with seconds where there are any.
func OffsetText(t time.Time, separator string) string {
	_, offset := t.Zone()
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	s := fmt.Sprintf("%c%02d%s%02d", sign, offset/3600, separator, offset/60%60)
	if offset%60 != 0 {
		s += fmt.Sprintf("%s%02d", separator, offset%60)
	}
	return s
}
