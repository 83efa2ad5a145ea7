package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// percentMax bounds the precision that a format may ask for; C's printf refuses more too.
const percentMax = 1 << 30

// percent is Python's text % argument. self tells text from markup, which escapes what is put into it.
func (r *run) percent(format string, arg, self value.Value) (value.Value, error) {
	p := &percenter{r: r, rest: format, arg: arg, format: format}
	_, p.escape = self.(*markup)
	switch a := arg.(type) {
	case *value.Tuple:
		p.args, p.tuple = a.Items(), true
	case value.String, *markup:
		p.args = []value.Value{arg}
	default:
		p.args = []value.Value{arg}
		p.mapping = isSubscriptable(arg)
	}
	if err := r.make(len(format)); err != nil {
		return nil, err
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	return likeFirst(self, p.b.String()), nil
}

// isSubscriptable reports whether Python takes a value for a mapping here: dicts, but lists too.
func isSubscriptable(v value.Value) bool {
	switch v.(type) {
	case value.Mapping, *value.List, *rangeObject, *undefined:
		return true
	}
	return false
}

// percenter is one formatting.
type percenter struct {
	r       *run
	b       strings.Builder
	format  string
	rest    string
	arg     value.Value
	args    []value.Value // not used yet
	tuple   bool
	mapping bool
	escape  bool
}

// directive is one "%…".
type directive struct {
	alt, zero, left, space, plus bool
	width, precision             int // precision -1: none
	verb                         rune
	key                          *string
}

func (p *percenter) run() error {
	keyed := false
	for {
		at := strings.IndexByte(p.rest, '%')
		if at < 0 {
			p.b.WriteString(p.rest)
			break
		}
		p.b.WriteString(p.rest[:at])
		p.rest = p.rest[at+1:]
		if strings.HasPrefix(p.rest, "%") {
			p.rest = p.rest[1:]
			p.b.WriteByte('%')
			continue
		}
		d, err := p.directive()
		if err != nil {
			return err
		}
		keyed = keyed || d.key != nil
		v, err := p.value(d)
		if err != nil {
			return err
		}
		s, err := p.text(d, v)
		if err != nil {
			return err
		}
		p.b.WriteString(s)
	}
	if len(p.args) > 0 && !p.mapping && !keyed {
		return typeError("not all arguments converted during string formatting")
	}
	return nil
}

// directive reads what stands behind a percent sign.
func (p *percenter) directive() (directive, error) {
	d := directive{precision: -1}
	if strings.HasPrefix(p.rest, "(") {
		key, err := p.key()
		if err != nil {
			return d, err
		}
		d.key = &key
	}
	for p.rest != "" && strings.IndexByte("#0- +", p.rest[0]) >= 0 {
		switch p.rest[0] {
		case '#':
			d.alt = true
		case '0':
			d.zero = true
		case '-':
			d.left = true
		case ' ':
			d.space = true
		case '+':
			d.plus = true
		}
		p.rest = p.rest[1:]
	}
	width, err := p.count()
	if err != nil {
		return d, err
	}
	if d.width = width; width < 0 {
		d.left, d.width = true, -width
	}
	if strings.HasPrefix(p.rest, ".") {
		p.rest = p.rest[1:]
		if d.precision, err = p.count(); err != nil {
			return d, err
		}
		d.precision = max(d.precision, 0)
	}
	if p.rest != "" && strings.IndexByte("hlL", p.rest[0]) >= 0 {
		p.rest = p.rest[1:]
	}
	if p.rest == "" {
		return d, valueError("incomplete format")
	}
	verb, size := utf8.DecodeRuneInString(p.rest)
	d.verb = verb
	p.rest = p.rest[size:]
	return d, nil
}

// key reads "(name)", in which brackets are balanced.
func (p *percenter) key() (string, error) {
	depth := 0
	for i := range p.rest {
		switch p.rest[i] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				key := p.rest[1:i]
				p.rest = p.rest[i+1:]
				if !p.mapping {
					return "", typeError("format requires a mapping")
				}
				return key, nil
			}
		}
	}
	if !p.mapping {
		return "", typeError("format requires a mapping")
	}
	return "", valueError("incomplete format key")
}

// count reads a width or precision; * takes it from the arguments.
func (p *percenter) count() (int, error) {
	if strings.HasPrefix(p.rest, "*") {
		p.rest = p.rest[1:]
		v, err := p.next()
		if err != nil {
			return 0, err
		}
		if v.Kind() == value.KindBigInt {
			return 0, raise("OverflowError", "Python int too large to convert to C ssize_t")
		}
		if v.Kind() != value.KindInt && v.Kind() != value.KindBool {
			return 0, typeError("* wants int")
		}
		return toIndex(v)
	}
	n := digits(p.rest, isDecimal)
	if n == 0 {
		return 0, nil
	}
	count, err := strconv.Atoi(p.rest[:n])
	if err != nil || count > percentMax {
		return 0, valueError("width too big")
	}
	p.rest = p.rest[n:]
	return count, nil
}

func (p *percenter) next() (value.Value, error) {
	if len(p.args) == 0 {
		return nil, typeError("not enough arguments for format string")
	}
	v := p.args[0]
	p.args = p.args[1:]
	return v, nil
}

// value is what a directive formats.
func (p *percenter) value(d directive) (value.Value, error) {
	if d.key == nil {
		return p.next()
	}
	m, ok := p.arg.(value.Mapping)
	if !ok {
		if u, undef := p.arg.(*undefined); undef {
			return nil, u.fail()
		}
		return nil, typeError("%s indices must be integers or slices, not str", typeName(p.arg))
	}
	v, ok := m.GetString(*d.key)
	if !ok {
		return nil, raise("KeyError", "%s", quoted(*d.key))
	}
	p.args = nil
	return v, nil
}

// text formats one value.
func (p *percenter) text(d directive, v value.Value) (string, error) {
	switch d.verb {
	case 's', 'r', 'a':
		return p.string(d, v)
	case 'c':
		return p.char(d, v)
	case 'd', 'i', 'u', 'x', 'X', 'o':
		return p.integer(d, v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return p.float(d, v)
	}
	at := utf8.RuneCountInString(p.format[:len(p.format)-len(p.rest)]) - 1
	return "", valueError("unsupported format character '%c' (0x%x) at index %d", d.verb, d.verb, at)
}

func (p *percenter) string(d directive, v value.Value) (string, error) {
	var s string
	var err error
	switch d.verb {
	case 'r':
		s, err = p.r.repr(v)
	case 'a':
		s, err = p.r.ascii(v)
	default:
		s, err = p.r.str(v)
	}
	if err != nil {
		return "", err
	}
	if _, marked := v.(*markup); p.escape && (!marked || d.verb != 's') {
		s = escapeHTML(s)
	}
	if d.precision >= 0 && d.precision < utf8.RuneCountInString(s) {
		s = string([]rune(s)[:d.precision])
	}
	return p.pad(d, s)
}

func (p *percenter) pad(d directive, s string) (string, error) {
	if d.left {
		return p.r.pad(s, d.width, ' ', alignLeft)
	}
	return p.r.pad(s, d.width, ' ', alignRight)
}

func (p *percenter) char(d directive, v value.Value) (string, error) {
	if s, ok := textOf(v); ok {
		if utf8.RuneCountInString(s) != 1 {
			return "", typeError("%%c requires int or char")
		}
		return p.pad(d, s)
	}
	if v.Kind() != value.KindInt && v.Kind() != value.KindBool && v.Kind() != value.KindBigInt {
		return "", typeError("%%c requires int or char")
	}
	n, err := toIndex(v)
	if err != nil {
		return "", err
	}
	if n < 0 || n > utf8.MaxRune {
		return "", raise("OverflowError", "%%c arg not in range(0x110000)")
	}
	return p.pad(d, string(rune(n)))
}

func (p *percenter) integer(d directive, v value.Value) (string, error) {
	var n *big.Int
	switch v := v.(type) {
	case value.Bool, value.Int, value.BigInt:
		n = bigOf(v)
	case value.Float:
		if d.verb == 'x' || d.verb == 'X' || d.verb == 'o' {
			return "", typeError("%%%c format: an integer is required, not float", d.verb)
		}
		whole, err := floatToInt(math.Trunc(float64(v)))
		if err != nil {
			return "", err
		}
		n = bigOf(whole)
	default:
		kind := "a real number"
		if u, ok := v.(*undefined); ok && d.verb != 'x' && d.verb != 'X' && d.verb != 'o' {
			return "", u.fail()
		}
		if d.verb == 'x' || d.verb == 'X' || d.verb == 'o' {
			kind = "an integer"
		}
		return "", typeError("%%%c format: %s is required, not %s", d.verb, kind, typeName(v))
	}
	if err := p.r.make(n.BitLen()); err != nil {
		return "", err
	}
	base, prefix := 10, ""
	switch d.verb {
	case 'x', 'X':
		base, prefix = 16, "0"+string(d.verb)
	case 'o':
		base, prefix = 8, "0o"
	}
	if err := checkDigits(n); base == 10 && err != nil {
		return "", err
	}
	digits := new(big.Int).Abs(n).Text(base)
	if d.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !d.alt {
		prefix = ""
	}
	if d.precision > len(digits) {
		zeros, err := p.r.repeatText("0", d.precision-len(digits))
		if err != nil {
			return "", err
		}
		digits = zeros + digits
	}
	return p.signed(d, n.Sign() < 0, prefix, digits)
}

// signed puts sign, prefix, zeros and digits together.
func (p *percenter) signed(d directive, negative bool, prefix, digits string) (string, error) {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case d.plus:
		sign = "+"
	case d.space:
		sign = " "
	}
	if d.zero && !d.left {
		padded, err := p.r.pad(digits, d.width-len(sign)-len(prefix), '0', alignRight)
		if err != nil {
			return "", err
		}
		digits = padded
	}
	return p.pad(d, sign+prefix+digits)
}

func (p *percenter) float(d directive, v value.Value) (string, error) {
	if u, ok := v.(*undefined); ok {
		return "", u.fail()
	}
	if !isNumber(v) {
		return "", typeError("must be real number, not %s", typeName(v))
	}
	f, err := toFloat(v)
	if err != nil {
		return "", err
	}
	precision := d.precision
	if precision < 0 {
		precision = 6
	}
	if err := p.r.make(precision); err != nil {
		return "", err
	}
	digits := formatFloat(f, byte(d.verb), precision, d.alt)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		d.zero = false
	}
	return p.signed(d, math.Signbit(f) && !math.IsNaN(f), "", digits)
}

// ascii is Python's ascii(v).
func (r *run) ascii(v value.Value) (string, error) {
	s, err := r.repr(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range s {
		switch {
		case c < 0x80:
			b.WriteRune(c)
		case c < 0x100:
			b.WriteString(`\x` + hex(c, 2))
		case c < 0x10000:
			b.WriteString(`\u` + hex(c, 4))
		default:
			b.WriteString(`\U` + hex(c, 8))
		}
	}
	return b.String(), r.make(b.Len())
}

func hex(c rune, width int) string {
	s := strconv.FormatInt(int64(c), 16)
	return strings.Repeat("0", max(width-len(s), 0)) + s
}
