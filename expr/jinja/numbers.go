package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"cierzo/expr/value"
)

// Numbers of texts, and the filters over numbers.

// parseInt is Python's int(text, base).
func (r *run) parseInt(s string, base int) (value.Value, error) {
	if base != 0 && (base < 2 || base > 36) {
		return nil, valueError("int() base must be >= 2 and <= 36, or 0")
	}
	invalid := func() error {
		return valueError("invalid literal for int() with base %d: %s", base, quoted(s))
	}
	body := asciiDigits(strings.TrimFunc(s, value.IsSpace))
	sign := ""
	if body != "" && (body[0] == '-' || body[0] == '+') {
		sign, body = strings.TrimPrefix(body[:1], "+"), body[1:]
	}
	prefixed := false
	if len(body) > 1 && body[0] == '0' {
		at := strings.IndexByte("xXoObB", body[1])
		if at >= 0 && (base == 0 || base == [3]int{16, 8, 2}[at/2]) {
			base, body, prefixed = [3]int{16, 8, 2}[at/2], body[2:], true
		}
	}
	if base == 0 {
		base = 10
		if len(body) > 1 && body[0] == '0' && strings.Trim(body, "0_") != "" {
			return nil, invalid()
		}
	}
	if prefixed {
		body = strings.TrimPrefix(body, "_")
	}
	digits := strings.ReplaceAll(body, "_", "")
	if digits == "" || strings.Contains(body, "__") || body[0] == '_' || body[len(body)-1] == '_' || strings.ContainsAny(digits, "+-") {
		return nil, invalid()
	}
	if len(digits) > digitsMax && base&(base-1) != 0 {
		return nil, valueError("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; use sys.set_int_max_str_digits() to increase the limit", digitsMax, len(digits))
	}
	if err := r.make(len(digits)); err != nil {
		return nil, err
	}
	n, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return nil, invalid()
	}
	return value.IntOf(n), nil
}

// asciiDigits turns the decimal digits of other scripts into ASCII, as Python reads numbers.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !unicode.IsDigit(r) {
			return r
		}
		return '0' + digitValue(r)
	}, s)
}

// digitValue is the value of a decimal digit: they come in runs of ten, all of which start with zero.
func digitValue(r rune) rune {
	for _, table := range unicode.Nd.R16 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return (r - rune(table.Lo)) % 10
		}
	}
	for _, table := range unicode.Nd.R32 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return (r - rune(table.Lo)) % 10
		}
	}
	return 0
}

// parseFloat is Python's float(text).
func parseFloat(s string) (f float64, ok bool) {
	body := asciiDigits(strings.TrimFunc(s, value.IsSpace))
	unsigned := strings.ToLower(strings.TrimLeft(body, "+-"))
	if len(body)-len(unsigned) > 1 {
		return 0, false
	}
	switch unsigned {
	case "inf", "infinity", "nan":
	default:
		if unsigned == "" || strings.Trim(unsigned, "0123456789.e+-_") != "" {
			return 0, false
		}
		for i := range body {
			if body[i] == '_' && (i == 0 || i == len(body)-1 || !isDecimal(body[i-1]) || !isDecimal(body[i+1])) {
				return 0, false
			}
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(body, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

// toInt is Python's int(v).
func (r *run) toInt(v value.Value, base int) (value.Value, error) {
	if s, ok := textOf(v); ok {
		return r.parseInt(s, base)
	}
	switch v := v.(type) {
	case value.Bool, value.Int, value.BigInt:
		return value.IntOf(bigOf(v)), nil
	case value.Float:
		return floatToInt(float64(v))
	case *undefined:
		return nil, v.fail()
	}
	return nil, typeError("int() argument must be a string, a bytes-like object or a real number, not '%s'", typeName(v))
}

func floatToInt(f float64) (value.Value, error) {
	if math.IsNaN(f) {
		return nil, valueError("cannot convert float NaN to integer")
	}
	if math.IsInf(f, 0) {
		return nil, raise("OverflowError", "cannot convert float infinity to integer")
	}
	n, _ := new(big.Float).SetFloat64(f).Int(nil)
	return value.IntOf(n), nil
}

// floatOf is Python's float(v).
func floatOf(v value.Value) (float64, error) {
	if s, ok := textOf(v); ok {
		f, ok := parseFloat(s)
		if !ok {
			return 0, valueError("could not convert string to float: %s", value.Repr(v))
		}
		return f, nil
	}
	switch v := v.(type) {
	case value.Bool, value.Int, value.BigInt, value.Float:
		return toFloat(v)
	case *undefined:
		return 0, v.fail()
	}
	return 0, typeError("float() argument must be a string or a real number, not '%s'", typeName(v))
}

// isConversion reports whether an error is one that the filters int and float answer with their default.
func isConversion(err error, classes ...string) bool {
	e, ok := err.(*Error) //nolint:errorlint // it comes from the conversion just called, nothing wraps it
	if !ok {
		return false
	}
	for _, class := range classes {
		if e.Class == class {
			return true
		}
	}
	return false
}

func filterInt(c *call) (value.Value, error) {
	base := 10
	v := c.arg(0)
	if _, text := textOf(v); text && c.arg(2) != nil {
		n, err := c.int(2, 10)
		if err != nil {
			base = -1
		} else {
			base = n
		}
	}
	n, err := c.r.toInt(v, base)
	if err == nil {
		return n, nil
	}
	if !isConversion(err, "TypeError", "ValueError") {
		return nil, err
	}
	f, err := floatOf(v)
	if err == nil {
		n, err = floatToInt(f)
	}
	if err != nil && isConversion(err, "TypeError", "ValueError", "OverflowError") {
		return c.or(1, value.Int(0)), nil
	}
	return n, err
}

func filterFloat(c *call) (value.Value, error) {
	f, err := floatOf(c.arg(0))
	if err != nil && isConversion(err, "TypeError", "ValueError") {
		return c.or(1, value.Float(0)), nil
	}
	return value.Float(f), err
}

func filterAbs(c *call) (value.Value, error) {
	switch v := c.arg(0).(type) {
	case value.Float:
		return value.Float(math.Abs(float64(v))), nil
	case value.Bool, value.Int, value.BigInt:
		return value.IntOf(new(big.Int).Abs(bigOf(v))), nil
	case value.TimeSpan:
		return value.TimeSpan{Microseconds: max(v.Microseconds, -v.Microseconds)}, nil
	}
	return nil, typeError("bad operand type for abs(): '%s'", typeName(c.arg(0)))
}

func filterRound(c *call) (value.Value, error) {
	method, _ := textOf(c.or(2, value.String("common")))
	switch method {
	case "common":
		return c.r.round(c.arg(0), c.or(1, value.Int(0)))
	case "ceil", "floor":
	default:
		return nil, raise("FilterArgumentError", "method must be common, ceil or floor")
	}
	scale, err := c.r.binary("**", value.Int(10), c.or(1, value.Int(0)))
	if err != nil {
		return nil, err
	}
	scaled, err := c.r.binary("*", c.arg(0), scale)
	if err != nil {
		return nil, err
	}
	whole := scaled
	if f, ok := scaled.(value.Float); ok {
		g := math.Floor(float64(f))
		if method == "ceil" {
			g = math.Ceil(float64(f))
		}
		if whole, err = floatToInt(g); err != nil {
			return nil, err
		}
	} else if !isNumber(scaled) {
		return nil, typeError("must be real number, not %s", typeName(scaled))
	}
	return c.r.binary("/", whole, scale)
}

// round is Python's round(v, precision): halves go to the even digit of what the float exactly is.
func (r *run) round(v, precision value.Value) (value.Value, error) {
	if !isNumber(v) {
		return nil, typeError("type %s doesn't define __round__ method", typeName(v))
	}
	f, isFloat := v.(value.Float)
	if _, none := precision.(value.Null); none {
		if isFloat {
			return floatToInt(math.RoundToEven(float64(f)))
		}
		return value.IntOf(bigOf(v)), nil
	}
	n, err := toIndex(precision)
	if err != nil {
		return nil, err
	}
	if isFloat {
		return roundFloat(float64(f), n), nil
	}
	return r.roundInt(bigOf(v), n)
}

func roundFloat(f float64, n int) value.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) || n > 323 {
		return value.Float(f)
	}
	if n < -308 {
		return value.Float(math.Copysign(0, f))
	}
	if n >= 0 {
		g, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', n, 64), 64)
		return value.Float(g)
	}
	exact := new(big.Rat)
	exact.SetFloat64(f)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-n)), nil)
	exact.Quo(exact, new(big.Rat).SetInt(scale))
	whole := roundRat(exact)
	g, _ := new(big.Float).SetInt(whole.Mul(whole, scale)).Float64()
	return value.Float(math.Copysign(g, f))
}

// roundRat rounds to the nearest integer, halves to the even one.
func roundRat(x *big.Rat) *big.Int {
	twice := new(big.Int).Mul(x.Num(), big.NewInt(2))
	twice.Add(twice, x.Denom())
	q, m := new(big.Int).DivMod(twice, new(big.Int).Mul(x.Denom(), big.NewInt(2)), new(big.Int))
	if m.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

func (r *run) roundInt(i *big.Int, n int) (value.Value, error) {
	if n >= 0 {
		return value.IntOf(i), nil
	}
	if -n > i.BitLen() {
		return value.Int(0), nil
	}
	if err := r.make(-n); err != nil {
		return nil, err
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-n)), nil)
	whole := roundRat(new(big.Rat).SetFrac(i, scale))
	return value.IntOf(whole.Mul(whole, scale)), nil
}

func filterFilesize(c *call) (value.Value, error) {
	size, err := floatOf(c.arg(0))
	if err != nil {
		return nil, err
	}
	binary, err := c.truth(1, false)
	if err != nil {
		return nil, err
	}
	base, infix := 1000.0, "B"
	if binary {
		base, infix = 1024, "iB"
	}
	if size == 1 {
		return value.String("1 Byte"), nil
	}
	if size < base {
		n, err := floatToInt(size)
		if err != nil {
			return nil, err
		}
		return value.String(value.Repr(n) + " Bytes"), nil
	}
	unit := base
	letters := "kMGTPEZY"
	if binary {
		letters = "KMGTPEZY"
	}
	for i := range letters {
		unit *= base
		if size < unit || i == len(letters)-1 {
			return value.String(strconv.FormatFloat(base*size/unit, 'f', 1, 64) + " " + letters[i:i+1] + infix), nil
		}
	}
	return nil, nil
}
