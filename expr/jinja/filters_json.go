package jinja

import (
	"math"
	"strings"
	"unicode/utf16"

	"cierzo/expr/value"
)

// jsonWriter is Python's json.dumps with sorted keys, as the filter tojson has it.
type jsonWriter struct {
	r      *run
	b      strings.Builder
	indent string
	lines  bool
}

func filterTojson(c *call) (value.Value, error) {
	w := &jsonWriter{r: c.r}
	if c.given(1) {
		w.lines = true
		if s, ok := textOf(c.arg(1)); ok {
			w.indent = s
		} else {
			n, err := c.int(1, 0)
			if err != nil {
				return nil, typeError("can't multiply sequence by non-int of type '%s'", typeName(c.arg(1)))
			}
			if w.indent, err = c.r.repeatText(" ", max(n, 0)); err != nil {
				return nil, err
			}
		}
	}
	if err := w.value(c.arg(0), 1); err != nil {
		return nil, err
	}
	s := strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(w.b.String())
	return &markup{s: s}, c.r.make(len(s))
}

func (w *jsonWriter) value(v value.Value, depth int) error {
	if err := w.r.b.Step(); err != nil {
		return err
	}
	switch v := v.(type) {
	case value.Null:
		w.b.WriteString("null")
	case value.Bool:
		w.b.WriteString(map[bool]string{true: "true", false: "false"}[bool(v)])
	case value.Int, value.BigInt:
		s, err := w.r.str(v)
		if err != nil {
			return err
		}
		w.b.WriteString(s)
	case value.Float:
		w.b.WriteString(jsonFloat(float64(v)))
	case value.String:
		return w.text(string(v))
	case *markup:
		return w.text(v.s)
	case *value.List:
		return w.items(v.Items(), depth)
	case *value.Tuple:
		return w.items(v.Items(), depth)
	case value.Mapping:
		return w.dict(v, depth)
	default:
		name := typeName(v)
		if u, ok := v.(*undefined); ok && u.lenient {
			name = "Undefined"
		}
		return typeError("Object of type %s is not JSON serializable", name)
	}
	return nil
}

func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return value.FloatText(f)
}

func (w *jsonWriter) text(s string) error {
	if err := w.r.make(len(s) + 2); err != nil {
		return err
	}
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case strings.ContainsRune("\n\r\t\b\f", r):
			w.b.WriteByte('\\')
			w.b.WriteByte("nrtbf"[strings.IndexRune("\n\r\t\b\f", r)])
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			w.b.WriteString(`\u` + hex(high, 4) + `\u` + hex(low, 4))
		case r < 0x20 || r > 0x7e:
			w.b.WriteString(`\u` + hex(r, 4))
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
	return nil
}

// separate begins an item of a container, or its end.
func (w *jsonWriter) separate(first bool, depth int) error {
	if !first {
		w.b.WriteByte(',')
	}
	if w.lines {
		if err := w.r.make(len(w.indent)*depth + 1); err != nil {
			return err
		}
		w.b.WriteString("\n" + strings.Repeat(w.indent, depth))
	} else if !first {
		w.b.WriteByte(' ')
	}
	return nil
}

func (w *jsonWriter) items(items []value.Value, depth int) error {
	if err := w.r.b.Enter(); err != nil {
		return err
	}
	defer w.r.b.Leave()
	w.b.WriteByte('[')
	for i, item := range items {
		if err := w.separate(i == 0, depth); err != nil {
			return err
		}
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	return w.end(']', len(items), depth)
}

func (w *jsonWriter) end(bracket byte, n, depth int) error {
	if w.lines && n > 0 {
		if err := w.separate(true, depth-1); err != nil {
			return err
		}
	}
	w.b.WriteByte(bracket)
	return nil
}

func (w *jsonWriter) dict(m value.Mapping, depth int) error {
	if err := w.r.b.Enter(); err != nil {
		return err
	}
	defer w.r.b.Leave()
	pairs := make([]keyed, 0, m.Len())
	for k, v := range m.All() {
		pairs = append(pairs, keyed{k, v})
	}
	if err := w.r.sort(pairs, false); err != nil {
		return err
	}
	w.b.WriteByte('{')
	for i, p := range pairs {
		if err := w.separate(i == 0, depth); err != nil {
			return err
		}
		if err := w.key(p.key); err != nil {
			return err
		}
		w.b.WriteString(": ")
		if err := w.value(p.item, depth+1); err != nil {
			return err
		}
	}
	return w.end('}', len(pairs), depth)
}

func (w *jsonWriter) key(k value.Value) error {
	switch k := k.(type) {
	case value.String:
		return w.text(string(k))
	case *markup:
		return w.text(k.s)
	case value.Null, value.Bool, value.Int, value.BigInt, value.Float:
		w.b.WriteByte('"')
		if err := w.value(k, 0); err != nil {
			return err
		}
		w.b.WriteByte('"')
		return nil
	}
	return typeError("keys must be str, int, float, bool or None, not %s", typeName(k))
}
