package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// spec is a format specification: [[fill]align][sign][z][#][0][width][grouping][.precision][type].
type spec struct {
	fill      rune
	align     byte // 0: the default of the type
	sign      byte
	noZero    bool // z: no negative zero
	alt       bool
	width     int
	grouping  byte
	precision int // -1: none
	verb      byte
}

// parseSpec reads a format specification for a type.
func parseSpec(s, typ string) (spec, error) {
	f := spec{fill: ' ', precision: -1}
	whole := s
	first, size := utf8.DecodeRuneInString(s)
	switch {
	case len(s) > size && isAlign(s[size]):
		f.fill, f.align, s = first, s[size], s[size+1:]
	case s != "" && isAlign(s[0]):
		f.align, s = s[0], s[1:]
	}
	filled := f.align != 0 && len(s) < len(whole)-1
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		f.sign, s = s[0], s[1:]
	}
	if strings.HasPrefix(s, "z") {
		f.noZero, s = true, s[1:]
	}
	if strings.HasPrefix(s, "#") {
		f.alt, s = true, s[1:]
	}
	if !filled && strings.HasPrefix(s, "0") {
		f.fill, s = '0', s[1:]
		if f.align == 0 && typ != "str" {
			f.align = '='
		}
	}
	var err error
	if f.width, s, err = specNumber(s, 0); err != nil {
		return f, err
	}
	if s != "" && (s[0] == ',' || s[0] == '_') {
		f.grouping, s = s[0], s[1:]
		if s != "" && (s[0] == ',' || s[0] == '_') {
			if s[0] == f.grouping {
				return f, valueError("Cannot specify '%c' with '%c'.", f.grouping, s[0])
			}
			return f, valueError("Cannot specify both ',' and '_'.")
		}
	}
	if strings.HasPrefix(s, ".") {
		if f.precision, s, err = specNumber(s[1:], -1); err != nil {
			return f, err
		}
		if f.precision < 0 {
			return f, valueError("Format specifier missing precision")
		}
	}
	switch len(s) {
	case 0:
	case 1:
		f.verb = s[0]
	default:
		return f, valueError("Invalid format specifier '%s' for object of type '%s'", whole, typ)
	}
	return f, nil
}

func isAlign(c byte) bool { return c == '<' || c == '>' || c == '=' || c == '^' }

func specNumber(s string, otherwise int) (int, string, error) {
	n := 0
	for n < len(s) && isDecimal(s[n]) {
		n++
	}
	if n == 0 {
		return otherwise, s, nil
	}
	count, err := strconv.Atoi(s[:n])
	if err != nil {
		return 0, s, valueError("Too many decimal digits in format string")
	}
	return count, s[n:], nil
}

// format is Python's format(v, spec).
func (r *run) format(v value.Value, text string) (string, error) {
	if err := r.make(len(text)); err != nil {
		return "", err
	}
	switch v := v.(type) {
	case value.String, *markup:
		s, _ := textOf(v)
		return r.formatText(s, text, typeName(v))
	case value.Bool:
		if text == "" {
			return r.str(v)
		}
		return r.formatInt(bigOf(v), text, "bool")
	case value.Int, value.BigInt:
		if text == "" {
			return r.str(v)
		}
		return r.formatInt(bigOf(v), text, "int")
	case value.Float:
		return r.formatFloat(float64(v), text, "float")
	case value.DateTime:
		if text != "" {
			return r.strftime(v.Time, text)
		}
	case value.Date:
		if text != "" {
			return r.strftime(v.Time, text)
		}
	}
	if text != "" {
		return "", typeError("unsupported format string passed to %s.__format__", typeName(v))
	}
	return r.str(v)
}

func unknownVerb(verb byte, typ string) error {
	return valueError("Unknown format code '%c' for object of type '%s'", verb, typ)
}

func (r *run) formatText(s, text, typ string) (string, error) {
	if text == "" {
		return s, nil
	}
	f, err := parseSpec(text, "str")
	switch {
	case err != nil:
		return "", err
	case f.verb != 0 && f.verb != 's':
		return "", unknownVerb(f.verb, typ)
	case f.sign == ' ':
		return "", valueError("Space not allowed in string format specifier")
	case f.sign != 0:
		return "", valueError("Sign not allowed in string format specifier")
	case f.noZero:
		return "", valueError("Negative zero coercion (z) not allowed in string format specifier")
	case f.alt:
		return "", valueError("Alternate form (#) not allowed in string format specifier")
	case f.align == '=':
		return "", valueError("'=' alignment not allowed in string format specifier")
	case f.grouping != 0:
		return "", valueError("Cannot specify '%c' with 's'.", f.grouping)
	}
	if f.precision >= 0 && f.precision < utf8.RuneCountInString(s) {
		s = string([]rune(s)[:f.precision])
	}
	if f.align == 0 {
		f.align = '<'
	}
	return r.align(f, s)
}

// align fills a text up to the width.
func (r *run) align(f spec, s string) (string, error) {
	switch f.align {
	case '<':
		return r.pad(s, f.width, f.fill, alignLeft)
	case '^':
		n := f.width - utf8.RuneCountInString(s)
		if n <= 0 {
			return s, nil
		}
		left, err := r.pad(s, utf8.RuneCountInString(s)+n/2, f.fill, alignRight)
		if err != nil {
			return "", err
		}
		return r.pad(left, f.width, f.fill, alignLeft)
	}
	return r.pad(s, f.width, f.fill, alignRight)
}

func (r *run) formatInt(n *big.Int, text, typ string) (string, error) {
	f, err := parseSpec(text, typ)
	if err != nil {
		return "", err
	}
	switch f.verb {
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		x, err := toFloat(value.IntOf(n))
		if err != nil {
			return "", err
		}
		return r.formatFloat(x, text, typ)
	case 0, 'd', 'n', 'b', 'o', 'x', 'X', 'c':
	default:
		return "", unknownVerb(f.verb, typ)
	}
	if f.precision >= 0 {
		return "", valueError("Precision not allowed in integer format specifier")
	}
	if f.noZero {
		return "", valueError("Negative zero coercion (z) not allowed in format specifier with integer presentation type")
	}
	if f.verb == 'c' {
		return r.formatChar(n, f)
	}
	if f.grouping == ',' && f.verb != 0 && f.verb != 'd' {
		return "", valueError("Cannot specify ',' with '%c'.", f.verb)
	}
	base, prefix, group := 10, "", 3
	switch f.verb {
	case 'b':
		base, prefix, group = 2, "0b", 4
	case 'o':
		base, prefix, group = 8, "0o", 4
	case 'x', 'X':
		base, prefix, group = 16, "0"+string(rune(f.verb)), 4
	}
	if err := r.make(n.BitLen()); err != nil {
		return "", err
	}
	if err := checkDigits(n); base == 10 && err != nil {
		return "", err
	}
	digits := new(big.Int).Abs(n).Text(base)
	if f.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !f.alt {
		prefix = ""
	}
	return r.layOut(f, n.Sign() < 0, prefix, digits, "", group)
}

func (r *run) formatChar(n *big.Int, f spec) (string, error) {
	if f.sign != 0 {
		return "", valueError("Sign not allowed with integer format specifier 'c'")
	}
	if f.alt {
		return "", valueError("Alternate form (#) not allowed with integer format specifier 'c'")
	}
	if !n.IsInt64() {
		return "", raise("OverflowError", "Python int too large to convert to C long")
	}
	if n.Int64() < 0 || n.Int64() > utf8.MaxRune {
		return "", raise("OverflowError", "%%c arg not in range(0x110000)")
	}
	if f.align == 0 {
		f.align = '<'
	}
	return r.align(f, string(rune(n.Int64())))
}

func (r *run) formatFloat(x float64, text, typ string) (string, error) {
	f, err := parseSpec(text, typ)
	if err != nil {
		return "", err
	}
	if f.precision > percentMax {
		return "", valueError("precision too big")
	}
	if err := r.make(max(f.precision, 0)); err != nil {
		return "", err
	}
	var digits string
	precision := f.precision
	if precision < 0 {
		precision = 6
	}
	switch f.verb {
	case 'e', 'E', 'f', 'F', 'g', 'G':
		digits = formatFloat(x, f.verb, precision, f.alt)
	case 'n':
		digits = formatFloat(x, 'g', precision, f.alt)
	case '%':
		digits = formatFloat(x*100, 'f', precision, f.alt) + "%"
	case 0:
		digits = formatPlain(x, f)
	default:
		return "", unknownVerb(f.verb, typ)
	}
	negative := math.Signbit(x) && !math.IsNaN(x)
	if f.noZero && strings.Trim(digits, "0.%e+-") == "" {
		negative = false
	}
	at := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if at < 0 {
		at = len(digits)
	}
	return r.layOut(f, negative, "", digits[:at], digits[at:], 3)
}

// formatPlain is a float without a type: its shortest text, or with a precision "g" with at least one digit behind the
// point.
func formatPlain(x float64, f spec) string {
	if f.precision < 0 {
		return strings.TrimPrefix(value.FloatText(x), "-")
	}
	s := formatFloat(x, 'g', f.precision, f.alt)
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return s
	}
	precision := max(f.precision, 1)
	e := strconv.FormatFloat(math.Abs(x), 'e', precision-1, 64)
	exponent, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if exponent >= -4 && exponent == precision-1 && !f.alt {
		// where "g" would end without a point, one more digit takes it to the exponent
		return dropZeros(e[:strings.IndexByte(e, 'e')]) + e[strings.IndexByte(e, 'e'):]
	}
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// layOut puts sign, prefix, grouped digits and the rest together and fills up to the width.
func (r *run) layOut(f spec, negative bool, prefix, digits, rest string, group int) (string, error) {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case f.sign == '+' || f.sign == ' ':
		sign = string(rune(f.sign))
	}
	head := sign + prefix
	if f.grouping != 0 {
		least := 0
		if f.fill == '0' && f.align == '=' {
			least = f.width - len(head) - len(rest)
			if err := r.make(max(least, 0)); err != nil {
				return "", err
			}
		}
		digits = groupDigits(digits, f.grouping, group, least)
	}
	if f.align == '=' {
		body, err := r.pad(digits+rest, f.width-len(head), f.fill, alignRight)
		return head + body, err
	}
	if f.align == 0 {
		f.align = '>'
	}
	return r.align(f, head+digits+rest)
}

// groupDigits puts separators between groups of digits, and zeros before them until there are at least least characters.
func groupDigits(digits string, sep byte, group, least int) string {
	var out []byte
	for i, n := len(digits)-1, 0; i >= 0 || len(out) < least; i, n = i-1, n+1 {
		if n > 0 && n%group == 0 {
			out = append(out, sep)
		}
		if i >= 0 {
			out = append(out, digits[i])
		} else {
			out = append(out, '0')
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
