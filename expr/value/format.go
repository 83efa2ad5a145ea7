package value

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FormatError is what Python's str.format raises: a class and its text.
type FormatError struct{ Class, Msg string }

// Error is Python's text.
func (e *FormatError) Error() string { return e.Msg }

func formatFail(class, format string, args ...any) error {
	return &FormatError{class, fmt.Sprintf(format, args...)}
}

// Format is Python's str.format with positional and named arguments. It makes at most sizeMax bytes; with more it answers
// errSize. Lists are tuples, as YAQL has them.
func Format(format string, positional []Value, named func(string) (Value, bool), sizeMax int, errSize error) (string, error) {
	f := &formatter{positional: positional, named: named, sizeMax: sizeMax, errSize: errSize}
	return f.format(format, 2)
}

type formatter struct {
	positional []Value
	named      func(string) (Value, bool)
	next       int // of fields without a number
	manual     bool
	sizeMax    int
	errSize    error
}

func (f *formatter) format(s string, depth int) (string, error) {
	if depth == 0 {
		return "", formatFail("ValueError", "Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c != '{' && c != '}':
			b.WriteByte(c)
		case i+1 < len(s) && s[i+1] == c:
			b.WriteByte(c)
			i++
		case c == '}':
			return "", formatFail("ValueError", "Single '}' encountered in format string")
		default:
			end, err := fieldEnd(s, i)
			if err != nil {
				return "", err
			}
			text, err := f.field(s[i+1:end], depth)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			i = end
		}
		if b.Len() > f.sizeMax {
			return "", f.errSize
		}
	}
	return b.String(), nil
}

// fieldEnd finds the brace that closes the one at i.
func fieldEnd(s string, i int) (int, error) {
	open := 0
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return j, nil
			}
		}
	}
	if i == len(s)-1 {
		return 0, formatFail("ValueError", "Single '{' encountered in format string")
	}
	return 0, formatFail("ValueError", "expected '}' before end of string")
}

// field formats name[index].attribute!conversion:spec.
func (f *formatter) field(s string, depth int) (string, error) {
	head, spec := s, ""
	brackets := 0
	for i := range len(s) {
		switch s[i] {
		case '[':
			brackets++
		case ']':
			brackets--
		}
		if s[i] == ':' && brackets <= 0 {
			head, spec = s[:i], s[i+1:]
			break
		}
	}
	head, conversion, converts := strings.Cut(head, "!")
	v, err := f.lookup(head)
	if err != nil {
		return "", err
	}
	if converts {
		switch conversion {
		case "s":
			v = String(StrFrozen(v))
		case "r", "a":
			var b strings.Builder
			writeRepr(&b, v, listFrozen)
			v = String(b.String())
		default:
			return "", formatFail("ValueError", "Unknown conversion specifier %s", conversion)
		}
	}
	if strings.ContainsAny(spec, "{}") {
		if spec, err = f.format(spec, depth-1); err != nil {
			return "", err
		}
	}
	return f.formatValue(v, spec)
}

// lookup finds an argument and goes into it.
func (f *formatter) lookup(head string) (Value, error) {
	end := strings.IndexAny(head, ".[")
	if end < 0 {
		end = len(head)
	}
	v, err := f.argument(head[:end])
	for rest := head[end:]; rest != "" && err == nil; {
		if rest[0] == '.' {
			return nil, formatFail("AttributeError", "'%s' object has no attribute '%s'", TypeName(v), rest[1:])
		}
		close := strings.IndexByte(rest, ']')
		if close < 0 {
			return nil, formatFail("ValueError", "Missing ']' in format string")
		}
		v, err = formatIndex(v, rest[1:close])
		rest = rest[close+1:]
	}
	return v, err
}

func (f *formatter) argument(name string) (Value, error) {
	n, err := strconv.Atoi(name)
	switch {
	case name == "" && f.manual:
		return nil, formatFail("ValueError", "cannot switch from manual field specification to automatic field numbering")
	case name == "":
		n = f.next
		f.next++
	case err != nil:
		v, ok := f.named(name)
		if !ok {
			return nil, formatFail("KeyError", "%s", Repr(String(name)))
		}
		return v, nil
	case f.next > 0:
		return nil, formatFail("ValueError", "cannot switch from automatic field numbering to manual field specification")
	default:
		f.manual = true
	}
	if n < 0 || n >= len(f.positional) {
		return nil, formatFail("IndexError", "Replacement index %d out of range for positional args tuple", n)
	}
	return f.positional[n], nil
}

func formatIndex(v Value, key string) (Value, error) {
	n, err := strconv.Atoi(key)
	if m, ok := v.(Mapping); ok {
		k := Value(String(key))
		if err == nil {
			k = Int(n)
		}
		if item, ok := m.Get(k); ok {
			return item, nil
		}
		return nil, formatFail("KeyError", "%s", Repr(k))
	}
	items := itemsOf(v)
	if s, ok := v.(String); ok {
		for _, r := range s {
			items = append(items, String(string(r)))
		}
	}
	switch {
	case v.Kind() != KindString && v.Kind() != KindList && v.Kind() != KindTuple:
		return nil, formatFail("TypeError", "'%s' object is not subscriptable", TypeName(v))
	case err != nil:
		return nil, formatFail("TypeError", "tuple indices must be integers or slices, not str")
	case n < 0 || n >= len(items):
		return nil, formatFail("IndexError", "tuple index out of range")
	}
	return items[n], nil
}

// formatSpec is [[fill]align][sign][#][0][width][,][.precision][type].
type formatSpec struct {
	fill             rune
	align, sign      byte
	alternate        bool
	width, precision int // -1: none
	group            byte
	kind             byte
}

func parseSpec(text string) (formatSpec, bool) {
	s := formatSpec{fill: ' ', precision: -1}
	isAlign := func(s string) bool { return s != "" && strings.IndexByte("<>=^", s[0]) >= 0 }
	if r, size := utf8.DecodeRuneInString(text); size > 0 && isAlign(text[size:]) {
		s.fill, s.align, text = r, text[size], text[size+1:]
	} else if isAlign(text) {
		s.align, text = text[0], text[1:]
	}
	if text != "" && strings.IndexByte("+- ", text[0]) >= 0 {
		s.sign, text = text[0], text[1:]
	}
	if strings.HasPrefix(text, "#") {
		s.alternate, text = true, text[1:]
	}
	if strings.HasPrefix(text, "0") {
		if s.align == 0 {
			s.fill, s.align = '0', '='
		}
		text = text[1:]
	}
	var ok bool
	if s.width, text, ok = leadingNumber(text); !ok {
		return s, false
	}
	if text != "" && (text[0] == ',' || text[0] == '_') {
		s.group, text = text[0], text[1:]
	}
	if strings.HasPrefix(text, ".") {
		before := text[1:]
		if s.precision, text, ok = leadingNumber(before); !ok || text == before {
			return s, false
		}
	}
	if text != "" {
		s.kind, text = text[0], text[1:]
	}
	return s, text == ""
}

func leadingNumber(s string) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 {
		return 0, s, true
	}
	n, err := strconv.Atoi(s[:i])
	return n, s[i:], err == nil && n < 1<<31
}

func (f *formatter) formatValue(v Value, text string) (string, error) {
	if text == "" {
		return StrFrozen(v), nil
	}
	s, ok := parseSpec(text)
	if !ok {
		return "", formatFail("ValueError", "Invalid format specifier")
	}
	if s.width > f.sizeMax || s.precision > f.sizeMax {
		return "", f.errSize
	}
	switch v := v.(type) {
	case String:
		return s.text(string(v))
	case Int, BigInt, Bool:
		x, _ := number(v)
		text, err := s.integer(x.int())
		if v.Kind() == KindBool && err != nil && s.kind == 's' {
			err = s.unknown("bool")
		}
		return text, err
	case Float:
		return s.float(float64(v))
	}
	return "", formatFail("TypeError", "unsupported format string passed to %s.__format__", TypeName(v))
}

func (s *formatSpec) unknown(of string) error {
	return formatFail("ValueError", "Unknown format code '%c' for object of type '%s'", s.kind, of)
}

func (s *formatSpec) text(text string) (string, error) {
	switch {
	case s.kind != 0 && s.kind != 's':
		return "", s.unknown("str")
	case s.group != 0:
		return "", formatFail("ValueError", "Cannot specify '%c' with 's'.", s.group)
	case s.sign != 0:
		return "", formatFail("ValueError", "Sign not allowed in string format specifier")
	case s.align == '=':
		return "", formatFail("ValueError", "'=' alignment not allowed in string format specifier")
	}
	if s.precision >= 0 {
		text = Slice(text, 0, s.precision)
	}
	if s.align == 0 {
		s.align = '<'
	}
	return s.pad("", text), nil
}

func (s *formatSpec) integer(n *big.Int) (string, error) {
	bases := map[byte]int{0: 10, 'd': 10, 'n': 10, 'b': 2, 'o': 8, 'x': 16, 'X': 16}
	base, ok := bases[s.kind]
	switch {
	case s.kind == 'c':
		if !n.IsInt64() || n.Int64() < 0 || n.Int64() > utf8.MaxRune {
			return "", formatFail("OverflowError", "%%c arg not in range(0x110000)")
		}
		return s.pad("", string(rune(n.Int64()))), nil
	case strings.IndexByte("eEfFgG%", s.kind) >= 0 && s.kind != 0:
		f, _ := new(big.Float).SetInt(n).Float64()
		return s.float(f)
	case !ok:
		return "", s.unknown("int")
	case s.precision >= 0:
		return "", formatFail("ValueError", "Precision not allowed in integer format specifier")
	}
	digits := new(big.Int).Abs(n).Text(base)
	prefix := ""
	if s.alternate && base != 10 {
		prefix = "0" + string(s.kind)
	}
	if s.kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	size := 3
	if base != 10 {
		size = 4
	}
	return s.pad(s.signOf(n.Sign() < 0)+prefix, grouped(digits, s.group, size)), nil
}

func (s *formatSpec) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case s.sign == '+' || s.sign == ' ':
		return string(s.sign)
	}
	return ""
}

func (s *formatSpec) float(x float64) (string, error) {
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	a := math.Abs(x)
	var digits string
	switch s.kind {
	case 'f', 'F':
		digits = strconv.FormatFloat(a, 'f', precision, 64)
	case '%':
		digits = strconv.FormatFloat(a*100, 'f', precision, 64) + "%"
	case 'e', 'E':
		digits = strconv.FormatFloat(a, 'e', precision, 64)
	case 'g', 'G', 'n', 0:
		digits = s.general(a, precision)
	default:
		return "", s.unknown("float")
	}
	if math.IsInf(x, 0) || math.IsNaN(x) {
		digits = strings.TrimPrefix(FloatText(a), "-")
	}
	if s.kind == 'E' || s.kind == 'G' || s.kind == 'F' {
		digits = strings.ToUpper(digits)
	}
	whole, fraction, dotted := strings.Cut(digits, ".")
	whole = grouped(whole, s.group, 3)
	if dotted {
		whole += "." + fraction
	}
	return s.pad(s.signOf(math.Signbit(x) && !math.IsNaN(x)), whole), nil
}

// general is the format g, or that of no type: like repr, but with a precision.
func (s *formatSpec) general(a float64, precision int) string {
	if s.kind == 0 && s.precision < 0 {
		return FloatText(a)
	}
	precision = max(precision, 1)
	text := strconv.FormatFloat(a, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, _ := strconv.Atoi(exponent)
	limit := precision
	if s.kind == 0 {
		limit--
	}
	if e >= -4 && e < limit {
		text = strconv.FormatFloat(a, 'f', max(precision-1-e, 0), 64)
		if strings.Contains(text, ".") && !s.alternate {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		if s.kind == 0 && !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	if strings.Contains(mantissa, ".") && !s.alternate {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + exponent
}

func grouped(digits string, by byte, size int) string {
	if by == 0 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return digits
	}
	var parts []string
	for len(digits) > size {
		parts = append([]string{digits[len(digits)-size:]}, parts...)
		digits = digits[:len(digits)-size]
	}
	return strings.Join(append([]string{digits}, parts...), string(by))
}

func (s *formatSpec) pad(sign, text string) string {
	n := s.width - Length(sign) - Length(text)
	if n <= 0 {
		return sign + text
	}
	fill := func(n int) string { return strings.Repeat(string(s.fill), n) }
	switch s.align {
	case '<':
		return sign + text + fill(n)
	case '^':
		return fill(n/2) + sign + text + fill(n-n/2)
	case '=':
		return sign + fill(n) + text
	}
	return fill(n) + sign + text
}
