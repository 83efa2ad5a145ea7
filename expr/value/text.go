package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// TypeName is the name of the value's type in Python.
func TypeName(v Value) string {
	switch v.Kind() {
	case KindNull:
		return "NoneType"
	case KindBool:
		return "bool"
	case KindInt, KindBigInt:
		return "int"
	case KindFloat:
		return "float"
	case KindString:
		return "str"
	case KindList:
		return "list"
	case KindTuple:
		return "tuple"
	case KindDict:
		return "dict"
	case KindSet:
		return "set"
	case KindDateTime:
		return "datetime"
	case KindTimeSpan:
		return "timedelta"
	}
	return "object"
}

// Str is Python's str(v).
func Str(v Value) string {
	switch v := v.(type) {
	case String:
		return string(v)
	case DateTime:
		return dateText(v.Time, " ")
	case TimeSpan:
		return spanText(v.Duration)
	}
	return Repr(v)
}

// Repr is Python's repr(v).
func Repr(v Value) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

func writeRepr(b *strings.Builder, v Value) {
	switch v := v.(type) {
	case Null:
		b.WriteString("None")
	case Bool:
		b.WriteString(map[Bool]string{true: "True", false: "False"}[v])
	case Int:
		b.WriteString(strconv.FormatInt(int64(v), 10))
	case BigInt:
		b.WriteString(v.n.String())
	case Float:
		b.WriteString(FloatText(float64(v)))
	case String:
		writeQuoted(b, string(v))
	case *List:
		writeItems(b, "[", v.items, "]")
	case *Tuple:
		end := ")"
		if len(v.items) == 1 {
			end = ",)"
		}
		writeItems(b, "(", v.items, end)
	case Mapping:
		b.WriteByte('{')
		first := true
		for k, item := range v.All() {
			if !first {
				b.WriteString(", ")
			}
			first = false
			writeRepr(b, k)
			b.WriteString(": ")
			writeRepr(b, item)
		}
		b.WriteByte('}')
	default:
		b.WriteString(Str(v))
	}
}

func writeItems(b *strings.Builder, start string, items []Value, end string) {
	b.WriteString(start)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, item)
	}
	b.WriteString(end)
}

// FloatText is Python's repr of a float: the shortest text that reads back, with an exponent from 1e16 on.
func FloatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		return s
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// writeQuoted writes a text as Python shows it: single quotes unless only single quotes are inside.
func writeQuoted(b *strings.Builder, s string) {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteByte(quote)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(b, `\x%02x`, s[i])
		case r < 0x20 || r == 0x7f || (r < 0x100 && !unicode.IsPrint(r)):
			fmt.Fprintf(b, `\x%02x`, r)
		case !unicode.IsPrint(r) && r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	b.WriteByte(quote)
}

// dateText is Python's isoformat.
func dateText(t time.Time, sep string) string {
	s := t.Format("2006-01-02" + sep + "15:04:05")
	if us := t.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if t.Location() == time.UTC {
		return s + "+00:00"
	}
	return s + t.Format("-07:00")
}

// spanText is Python's str of a timedelta.
func spanText(d time.Duration) string {
	us := d.Microseconds()
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
