package goldentest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cierzo/expr/value"
)

func write(b *strings.Builder, v value.Value, unordered bool) {
	switch v := v.(type) {
	case nil:
		b.WriteString("nothing")
	case value.String:
		b.WriteString(strconv.Quote(string(v)))
	case value.Null, value.Bool, value.Int, value.BigInt, value.Float:
		b.WriteString(value.Repr(v))
	case value.DateTime:
		b.WriteString("datetime " + value.Str(v))
	case value.Date:
		b.WriteString("date " + value.Str(v))
	case value.TimeSpan:
		fmt.Fprintf(b, "timespan %d", v.Microseconds)
	case *value.List:
		writeItems(b, "[", v.Items(), "]", unordered)
	case *value.Tuple:
		writeItems(b, "(", v.Items(), ")", unordered)
	case *value.Set:
		writeItems(b, "set{", v.Items(), "}", true)
	case value.Mapping:
		b.WriteByte('{')
		for k, item := range v.All() {
			write(b, k, false)
			b.WriteString(": ")
			write(b, item, false)
			b.WriteString(", ")
		}
		b.WriteByte('}')
	case *Items:
		writeItems(b, v.Form+"(", v.List, ")", unordered)
	case interface {
		Pattern() string
		Flags() int
	}:
		fmt.Fprintf(b, "regex %s %d", v.Pattern(), v.Flags())
	default:
		b.WriteString(value.Repr(v))
	}
}

func writeItems(b *strings.Builder, start string, items []value.Value, end string, unordered bool) {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = Text(item, false)
	}
	if unordered {
		slices.Sort(texts)
	}
	b.WriteString(start + strings.Join(texts, ", ") + end)
}
