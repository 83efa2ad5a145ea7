package value

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// DumpJSON is Python's json.dumps with indent blanks a level: ASCII only, the order of the keys kept. An error names what
// has no JSON form.
func DumpJSON(v Value, indent int) (string, error) {
	d := &jsonDumper{indent: indent}
	if err := d.value(v, 0); err != nil {
		return "", err
	}
	return d.b.String(), nil
}

type jsonDumper struct {
	b      strings.Builder
	indent int
}

func (d *jsonDumper) line(depth int) {
	d.b.WriteByte('\n')
	d.b.WriteString(strings.Repeat(" ", d.indent*depth))
}

func (d *jsonDumper) value(v Value, depth int) error {
	if depth > DepthMax {
		return fmt.Errorf("value is nested deeper than %d", DepthMax)
	}
	switch v := v.(type) {
	case nil, Null:
		d.b.WriteString("null")
	case Bool, Int, BigInt, Float:
		text, _ := keyText(v)
		if f, ok := v.(Float); ok {
			text = floatJSON(float64(f))
		}
		d.b.WriteString(text)
	case String:
		d.text(string(v))
	case *List:
		return d.items(v.items, depth)
	case *Tuple:
		return d.items(v.items, depth)
	case *Set:
		return d.items(v.members.keys, depth)
	case Mapping:
		return d.mapping(v, depth)
	case DateTime:
		d.text(Strftime(v.Time, "%Y-%m-%dT%H:%M:%S.%f"))
	default:
		return fmt.Errorf("Circular reference detected")
	}
	return nil
}

func (d *jsonDumper) items(items []Value, depth int) error {
	if len(items) == 0 {
		d.b.WriteString("[]")
		return nil
	}
	d.b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			d.b.WriteByte(',')
		}
		d.line(depth + 1)
		if err := d.value(item, depth+1); err != nil {
			return err
		}
	}
	d.line(depth)
	d.b.WriteByte(']')
	return nil
}

func (d *jsonDumper) mapping(m Mapping, depth int) error {
	if m.Len() == 0 {
		d.b.WriteString("{}")
		return nil
	}
	d.b.WriteByte('{')
	first := true
	for k, v := range m.All() {
		if !first {
			d.b.WriteByte(',')
		}
		first = false
		d.line(depth + 1)
		name, ok := keyText(k)
		if !ok {
			return fmt.Errorf("keys must be str, int, float, bool or None, not %s", TypeName(k))
		}
		d.text(name)
		d.b.WriteString(": ")
		if err := d.value(v, depth+1); err != nil {
			return err
		}
	}
	d.line(depth)
	d.b.WriteByte('}')
	return nil
}

func (d *jsonDumper) text(s string) {
	d.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			d.b.WriteByte('\\')
			d.b.WriteRune(r)
		case r == '\n':
			d.b.WriteString(`\n`)
		case r == '\r':
			d.b.WriteString(`\r`)
		case r == '\t':
			d.b.WriteString(`\t`)
		case r == '\b':
			d.b.WriteString(`\b`)
		case r == '\f':
			d.b.WriteString(`\f`)
		case r >= 0x20 && r < 0x7f:
			d.b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&d.b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&d.b, `\u%04x`, r)
		}
	}
	d.b.WriteByte('"')
}

// PrettyJSON is what the function json_pp() of older versions of Mistral makes of JSON text: it writes line ends within
// texts as such, and cuts blanks before line ends.
func PrettyJSON(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, `\n`, "\n"), " \n", "\n")
}
