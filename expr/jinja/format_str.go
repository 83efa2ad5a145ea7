package jinja

import (
	"strconv"
	"strings"

	"cierzo/expr/value"
)

// formatter is one str.format, by the rules of the sandbox: attributes and items of the arguments go through it.
type formatter struct {
	r      *run
	pos    []value.Value
	kw     value.Mapping
	auto   int // the next number of "{}"; -1: fields are numbered by hand
	escape bool
}

func strFormat(c *call) (value.Value, error) {
	kw := value.NewDict(len(c.kw))
	for _, k := range c.kw {
		kw.SetString(k.name, k.val)
	}
	return c.format(c.rest, kw)
}

func strFormatMap(c *call) (value.Value, error) {
	if len(c.kw) > 0 {
		return nil, typeError("format_map() takes no keyword arguments")
	}
	if len(c.rest) != 1 {
		return nil, typeError("format_map() takes exactly one argument (%d given)", len(c.rest))
	}
	m, ok := c.rest[0].(value.Mapping)
	if !ok {
		m = &mapless{v: c.rest[0], Dict: value.NewDict(0)}
	}
	return c.format(nil, m)
}

// mapless stands for an argument of format_map that is no mapping: its items are errors.
type mapless struct {
	*value.Dict
	v value.Value
}

func (c *call) format(pos []value.Value, kw value.Mapping) (value.Value, error) {
	s, _ := textOf(c.self)
	_, marked := c.self.(*markup)
	f := &formatter{r: c.r, pos: pos, kw: kw, escape: marked}
	out, err := f.run(s, 2)
	if err != nil {
		return nil, err
	}
	return likeFirst(c.self, out), nil
}

// run formats a text; depth counts fields within the specifications of fields.
func (f *formatter) run(s string, depth int) (string, error) {
	if depth < 0 {
		return "", valueError("Max string recursion exceeded")
	}
	if err := f.r.make(len(s)); err != nil {
		return "", err
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		if i+1 < len(s) && s[i+1] == s[i] {
			b.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		if s[i] == '}' {
			return "", valueError("Single '}' encountered in format string")
		}
		n, err := f.field(&b, s[i+1:], depth)
		if err != nil {
			return "", err
		}
		s = s[i+1+n:]
	}
	return b.String(), nil
}

// field formats the field at the beginning of s, behind its brace, and gives its length with the closing one.
func (f *formatter) field(b *strings.Builder, s string, depth int) (int, error) {
	if s == "" {
		return 0, valueError("Single '{' encountered in format string")
	}
	end := fieldEnd(s)
	if end < 0 {
		return 0, valueError("expected '}' before end of string")
	}
	name, conversion, text, err := splitField(s[:end])
	if err != nil {
		return 0, err
	}
	v, err := f.lookup(name)
	if err != nil {
		return 0, err
	}
	if v, err = f.convert(v, conversion); err != nil {
		return 0, err
	}
	if text, err = f.run(text, depth-1); err != nil {
		return 0, err
	}
	out, err := f.write(v, text)
	if err != nil {
		return 0, err
	}
	b.WriteString(out)
	return end + 1, f.r.make(len(out))
}

func (f *formatter) write(v value.Value, text string) (string, error) {
	if m, ok := v.(*markup); ok && f.escape {
		if text != "" {
			return "", valueError("Unsupported format specification for Markup.")
		}
		return m.s, nil
	}
	s, err := f.r.format(v, text)
	if err == nil && f.escape {
		s = escapeHTML(s)
	}
	return s, err
}

// fieldEnd finds the brace that closes a field; -1: there is none. Braces within square brackets don't count.
func fieldEnd(s string) int {
	depth, bracket := 1, false
	for i := range len(s) {
		switch {
		case s[i] == '[' && depth == 1:
			bracket = true
		case s[i] == ']':
			bracket = false
		case bracket:
		case s[i] == '{':
			depth++
		case s[i] == '}':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// splitField splits "name!conversion:specification".
func splitField(s string) (name string, conversion byte, text string, err error) {
	bracket := false
	for i := range len(s) {
		switch {
		case s[i] == '[':
			bracket = true
		case s[i] == ']':
			bracket = false
		case bracket:
		case s[i] == '{':
			return "", 0, "", valueError("unexpected '{' in field name")
		case s[i] == ':':
			return s[:i], 0, s[i+1:], nil
		case s[i] == '!':
			rest := s[i+1:]
			if rest == "" {
				return "", 0, "", valueError("unmatched '{' in format spec")
			}
			if len(rest) > 1 && rest[1] != ':' {
				return "", 0, "", valueError("expected ':' after conversion specifier")
			}
			return s[:i], rest[0], strings.TrimPrefix(rest[1:], ":"), nil
		}
	}
	return s, 0, "", nil
}

func (f *formatter) convert(v value.Value, conversion byte) (value.Value, error) {
	var s string
	var err error
	switch conversion {
	case 0:
		return v, nil
	case 's':
		s, err = f.r.str(v)
	case 'r':
		s, err = f.r.repr(v)
	case 'a':
		s, err = f.r.ascii(v)
	default:
		return nil, valueError("Unknown conversion specifier %c", conversion)
	}
	return value.String(s), err
}

// lookup finds what a field name means: "", "0" or "name", then ".attr" and "[key]".
func (f *formatter) lookup(name string) (value.Value, error) {
	switch {
	case name == "":
		if f.auto < 0 {
			return nil, valueError("cannot switch from manual field specification to automatic field numbering")
		}
		name = strconv.Itoa(f.auto)
		f.auto++
	case strings.Trim(name, "0123456789") == "":
		if f.auto > 0 {
			return nil, valueError("cannot switch from manual field specification to automatic field numbering")
		}
		f.auto = -1
	}
	at := strings.IndexAny(name, ".[")
	first, rest := name, ""
	if at >= 0 {
		first, rest = name[:at], name[at:]
	}
	v, err := f.first(first)
	for err == nil && rest != "" {
		v, rest, err = f.step(v, rest)
	}
	return v, err
}

func (f *formatter) first(name string) (value.Value, error) {
	if name != "" && strings.Trim(name, "0123456789") == "" {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, valueError("Too many decimal digits in format string")
		}
		if n >= len(f.pos) {
			return nil, raise("IndexError", "tuple index out of range")
		}
		return f.pos[n], nil
	}
	if m, ok := f.kw.(*mapless); ok {
		if u, undef := m.v.(*undefined); undef {
			return nil, u.fail()
		}
		return nil, typeError("%s indices must be integers or slices, not str", typeName(m.v))
	}
	v, ok := f.kw.GetString(name)
	if !ok {
		return nil, raise("KeyError", "%s", quoted(name))
	}
	return v, nil
}

// step applies the first ".attr" or "[key]" of rest.
func (f *formatter) step(v value.Value, rest string) (value.Value, string, error) {
	if rest[0] == '.' {
		name := rest[1:]
		rest = ""
		if at := strings.IndexAny(name, ".["); at >= 0 {
			name, rest = name[:at], name[at:]
		}
		if name == "" {
			return nil, "", valueError("Empty attribute in format string")
		}
		v, err := f.r.getattr(v, name)
		return v, rest, err
	}
	if rest[0] != '[' {
		return nil, "", valueError("Only '.' or '[' may follow ']' in format field specifier")
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return nil, "", valueError("Missing ']' in format string")
	}
	name := rest[1:end]
	if name == "" {
		return nil, "", valueError("Empty attribute in format string")
	}
	var key value.Value = value.String(name)
	if n, err := strconv.Atoi(name); err == nil && strings.Trim(name, "0123456789") == "" {
		key = value.Int(n)
	}
	v, err := f.r.getitem(v, key)
	return v, rest[end+1:], err
}
