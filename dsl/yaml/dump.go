package yaml

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cierzo/expr/value"
)

// Dump writes a value as PyYAML's safe_dump does with default_flow_style=False: block style, keys sorted where they can be
// compared, lines of about 80 characters, ASCII only. The error names what has no form in YAML.
func Dump(v value.Value) (string, error) {
	d := &dumper{whitespace: true, indention: true}
	if err := d.node(v, place{root: true}, -1); err != nil {
		return "", err
	}
	d.indent(0)
	if d.open {
		d.b.WriteString("...\n")
	}
	return d.b.String(), nil
}

// The measures of PyYAML.
const (
	indentWidth  = 2
	lineWidth    = 80
	keyLengthMax = 128
)

// dumper writes a document and knows where it is in the line.
type dumper struct {
	b      strings.Builder
	column int
	// whitespace: the last character was a blank or a line's start. indention: only indicators stand in the line so far.
	whitespace, indention bool
	open                  bool // a plain text is the last thing: the document needs an end mark
	depth                 int
}

// place is where a node stands.
type place struct{ root, inMapping, simpleKey bool }

func (d *dumper) write(s string) {
	d.b.WriteString(s)
	d.column += len([]rune(s))
}

func (d *dumper) breakLine() {
	d.b.WriteByte('\n')
	d.column, d.whitespace, d.indention = 0, true, true
}

// indent goes to the start of an entry at an indentation.
func (d *dumper) indent(n int) {
	n = max(n, 0)
	if !d.indention || d.column > n || d.column == n && !d.whitespace {
		d.breakLine()
	}
	if d.column < n {
		d.whitespace = true
		d.write(strings.Repeat(" ", n-d.column))
	}
}

// indicator writes a mark. needBlank: a blank stands before it. blank: it counts as one. indention: the line's start goes on.
func (d *dumper) indicator(s string, needBlank, blank, indention bool) {
	if needBlank && !d.whitespace {
		s = " " + s
	}
	d.whitespace = blank
	d.indention = d.indention && indention
	d.write(s)
	d.open = false
}

func (d *dumper) node(v value.Value, at place, indent int) error {
	if d.depth++; d.depth > value.DepthMax {
		return fmt.Errorf("the value is nested deeper than %d", value.DepthMax)
	}
	defer func() { d.depth-- }()
	switch v := v.(type) {
	case *value.List:
		return d.sequence(v.Items(), at, indent)
	case *value.Tuple:
		return d.sequence(v.Items(), at, indent)
	case value.Mapping:
		return d.mapping(v, indent)
	}
	text, ok := scalarText(v)
	if !ok {
		return fmt.Errorf("('cannot represent an object', %s)", value.StrFrozen(v))
	}
	_, isText := v.(value.String)
	d.scalar(text, !isText || resolve(text) == tagPrefix+"str", at, max(indent, 0)+indentWidth)
	return nil
}

// scalarText is the text of a scalar.
func scalarText(v value.Value) (string, bool) {
	switch v := v.(type) {
	case value.Null:
		return "null", true
	case value.Bool:
		if v {
			return "true", true
		}
		return "false", true
	case value.Int, value.BigInt, value.String:
		return value.Str(v), true
	case value.Float:
		text := value.FloatText(float64(v))
		switch {
		case text == "inf" || text == "-inf" || text == "nan":
			return strings.Replace("."+text, ".-", "-.", 1), true
		case !strings.Contains(text, "."):
			text = strings.Replace(text, "e", ".0e", 1)
		}
		return text, true
	case value.DateTime:
		text := v.Format(time.DateTime) // not strftime, which doesn't pad the year
		if us := v.Nanosecond() / 1000; us != 0 {
			text += fmt.Sprintf(".%06d", us)
		}
		return text + value.OffsetText(v.Time, ":"), true
	case value.Date:
		return v.Format("2006-01-02"), true
	}
	return "", false
}

func (d *dumper) sequence(items []value.Value, at place, indent int) error {
	if len(items) == 0 {
		d.indicator("[", true, true, false)
		d.indicator("]", false, false, false)
		return nil
	}
	if !at.inMapping || d.indention {
		indent = deeper(indent)
	}
	for _, item := range items {
		d.indent(indent)
		d.indicator("-", true, false, true)
		if err := d.node(item, place{}, indent); err != nil {
			return err
		}
	}
	return nil
}

func deeper(indent int) int {
	if indent < 0 {
		return 0
	}
	return indent + indentWidth
}

func (d *dumper) mapping(m value.Mapping, indent int) error {
	if m.Len() == 0 {
		d.indicator("{", true, true, false)
		d.indicator("}", false, false, false)
		return nil
	}
	indent = deeper(indent)
	for _, k := range sortedKeys(m) {
		v, _ := m.Get(k)
		d.indent(indent)
		if isSimpleKey(k) {
			if err := d.node(k, place{simpleKey: true}, indent); err != nil {
				return err
			}
			d.indicator(":", false, false, false)
		} else {
			d.indicator("?", true, false, true)
			if err := d.node(k, place{inMapping: true}, indent); err != nil {
				return err
			}
			d.indent(indent)
			d.indicator(":", true, false, true)
		}
		if err := d.node(v, place{inMapping: true}, indent); err != nil {
			return err
		}
	}
	return nil
}

// isSimpleKey reports whether a key fits before a colon.
func isSimpleKey(k value.Value) bool {
	switch k := k.(type) {
	case *value.List:
		return k.Len() == 0
	case *value.Tuple:
		return k.Len() == 0
	case value.Mapping:
		return k.Len() == 0
	}
	text, ok := scalarText(k)
	return !ok || text != "" && len([]rune(text)) < keyLengthMax && !strings.ContainsAny(text, "\n\u0085\u2028\u2029")
}

// sortedKeys are the keys in order, or as they come where some can't be compared.
func sortedKeys(m value.Mapping) []value.Value {
	keys := make([]value.Value, 0, m.Len())
	for k := range m.All() {
		keys = append(keys, k)
	}
	sorted := slices.Clone(keys)
	comparable := true
	slices.SortStableFunc(sorted, func(a, b value.Value) int {
		if x, ok := a.(value.String); ok {
			if y, ok := b.(value.String); ok {
				return strings.Compare(string(x), string(y))
			}
		}
		order, ok := value.Compare(a, b)
		comparable = comparable && ok
		return order
	})
	if !comparable {
		return keys
	}
	return sorted
}
