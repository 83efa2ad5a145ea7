package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
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
		return "datetime.datetime"
	case KindTimeSpan:
		return "datetime.timedelta"
	case KindDate:
		return "datetime.date"
	}
	if o, ok := v.(interface{ TypeName() string }); ok {
		return o.TypeName()
	}
	return "object"
}

// Str is Python's str(v).
func Str(v Value) string {
	switch v := v.(type) {
	case String:
		return string(v)
	case DateTime:
		return dateText(v.Time)
	case TimeSpan:
		return spanText(v.Microseconds)
	case Date:
		return v.Format("2006-01-02")
	case interface{ Str() string }:
		return v.Str()
	}
	return Repr(v)
}

// Repr is Python's repr(v).
func Repr(v Value) string {
	var b strings.Builder
	writeRepr(&b, v, listPython)
	return b.String()
}

// StrFrozen is str(v) inside YAQL, where lists are tuples unless they are Thawed.
func StrFrozen(v Value) string {
	switch v.(type) {
	case *List, Mapping, *Set:
		var b strings.Builder
		writeRepr(&b, v, listFrozen)
		return b.String()
	}
	return Str(v)
}

func writeRepr(b *strings.Builder, v Value, style listStyle) {
	switch v := v.(type) {
	case Null:
		b.WriteString("None")
	case Bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case Int:
		b.WriteString(strconv.FormatInt(int64(v), 10))
	case BigInt:
		b.WriteString(v.n.String())
	case Float:
		b.WriteString(FloatText(float64(v)))
	case String:
		writeQuoted(b, string(v))
	case *List:
		if tuple, _ := isTuple(v, style); tuple {
			writeTuple(b, v.items, style)
			return
		}
		writeItems(b, "[", v.items, "]", within(v, style))
	case *Tuple:
		writeTuple(b, v.items, style)
	case *Set:
		writeSet(b, v, style)
	case Mapping:
		writeMapping(b, v, style)
	case DateTime:
		b.WriteString(dateRepr(v.Time))
	case TimeSpan:
		b.WriteString(spanRepr(v.Microseconds))
	case Date:
		fmt.Fprintf(b, "datetime.date(%d, %d, %d)", v.Year(), v.Month(), v.Day())
	case interface{ Repr() string }:
		b.WriteString(v.Repr())
	default:
		fmt.Fprintf(b, "<%s object>", TypeName(v))
	}
}

func writeTuple(b *strings.Builder, items []Value, style listStyle) {
	end := ")"
	if len(items) == 1 {
		end = ",)"
	}
	writeItems(b, "(", items, end, style)
}

func writeSet(b *strings.Builder, s *Set, style listStyle) {
	switch {
	case style == listFrozen && s.Len() == 0:
		b.WriteString("frozenset()")
	case style == listFrozen:
		writeItems(b, "frozenset({", s.members.keys, "})", style)
	case s.Len() == 0:
		b.WriteString("set()")
	default:
		writeItems(b, "{", s.members.keys, "}", style)
	}
}

func writeMapping(b *strings.Builder, m Mapping, style listStyle) {
	style = within(m, style)
	b.WriteByte('{')
	first := true
	for k, item := range m.All() {
		if !first {
			b.WriteString(", ")
		}
		first = false
		writeRepr(b, k, style)
		b.WriteString(": ")
		writeRepr(b, item, style)
	}
	b.WriteByte('}')
}

func writeItems(b *strings.Builder, start string, items []Value, end string, style listStyle) {
	b.WriteString(start)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, item, style)
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
