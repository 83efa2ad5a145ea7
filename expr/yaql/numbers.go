package yaql

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

func isNumber(v value.Value) bool {
	switch v.(type) {
	case value.Int, value.Float, value.BigInt:
		return true
	}
	return false
}

func toBig(v value.Value) *big.Int {
	switch v := v.(type) {
	case value.Int:
		return big.NewInt(int64(v))
	case value.Bool:
		if v {
			return big.NewInt(1)
		}
	case value.BigInt:
		return v.Big()
	}
	return new(big.Int)
}

func toFloat(v value.Value) float64 {
	switch v := v.(type) {
	case value.Float:
		return float64(v)
	case value.Int:
		return float64(v)
	}
	f, _ := new(big.Float).SetInt(toBig(v)).Float64()
	return f
}

// bitsMax bounds the size of an integer that a computation makes.
const bitsMax = 1 << 20

func tooManyBits() error { return &scope.LimitError{Limit: "bits of an integer", Max: bitsMax} }

func (r *run) arithmetic(op string, x, y value.Value) (value.Value, error) {
	a, ok1 := x.(value.Int)
	b, ok2 := y.(value.Int)
	if ok1 && ok2 {
		if v, ok := smallArithmetic(op, int64(a), int64(b)); ok {
			return v, nil
		}
	}
	if x.Kind() == value.KindFloat || y.Kind() == value.KindFloat {
		if math.IsInf(toFloat(x), 0) && x.Kind() == value.KindBigInt || math.IsInf(toFloat(y), 0) && y.Kind() == value.KindBigInt {
			return nil, fail(classOverflow, "int too large to convert to float")
		}
		return floatArithmetic(op, toFloat(x), toFloat(y))
	}
	return r.bigArithmetic(op, toBig(x), toBig(y))
}

// smallArithmetic is arithmetic that stays within 64 bits.
func smallArithmetic(op string, a, b int64) (value.Value, bool) {
	switch op {
	case "+":
		c := a + b
		return value.Int(c), (c > a) == (b > 0)
	case "-":
		c := a - b
		return value.Int(c), (c < a) == (b > 0)
	case "*":
		hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
		return value.Int(a * b), hi == 0 && lo < 1<<63 && a != math.MinInt64 && b != math.MinInt64
	}
	if b == 0 || a == math.MinInt64 {
		return nil, false
	}
	q, m := a/b, a%b
	if m != 0 && (m < 0) != (b < 0) {
		q, m = q-1, m+b
	}
	if op == "/" {
		return value.Int(q), true
	}
	return value.Int(m), true
}

func (r *run) bigArithmetic(op string, a, b *big.Int) (value.Value, error) {
	if a.BitLen()+b.BitLen() > bitsMax {
		return nil, tooManyBits()
	}
	if err := r.budget.Charge((a.BitLen() + b.BitLen()) / 64); err != nil {
		return nil, err
	}
	out := new(big.Int)
	switch op {
	case "+":
		return value.IntOf(out.Add(a, b)), nil
	case "-":
		return value.IntOf(out.Sub(a, b)), nil
	case "*":
		return value.IntOf(out.Mul(a, b)), nil
	}
	if b.Sign() == 0 {
		if op == "mod" {
			return nil, fail(classZero, "integer modulo by zero")
		}
		return nil, fail(classZero, "integer division or modulo by zero")
	}
	m := new(big.Int)
	out.QuoRem(a, b, m)
	if m.Sign() != 0 && m.Sign() != b.Sign() {
		out.Sub(out, big.NewInt(1))
		m.Add(m, b)
	}
	if op == "mod" {
		return value.IntOf(m), nil
	}
	return value.IntOf(out), nil
}

func floatArithmetic(op string, x, y float64) (value.Value, error) {
	switch op {
	case "+":
		return value.Float(x + y), nil
	case "-":
		return value.Float(x - y), nil
	case "*":
		return value.Float(x * y), nil
	case "/":
		if y == 0 {
			return nil, fail(classZero, "float division by zero")
		}
		return value.Float(x / y), nil
	}
	if y == 0 {
		return nil, fail(classZero, "float modulo")
	}
	m := math.Mod(x, y)
	switch {
	case m != 0 && (m < 0) != (y < 0):
		m += y
	case m == 0:
		m = math.Copysign(0, y)
	}
	return value.Float(m), nil
}

func negate(v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case value.Int:
		if v != math.MinInt64 {
			return -v, nil
		}
		return value.IntOf(new(big.Int).Neg(toBig(v))), nil
	case value.BigInt:
		return value.IntOf(new(big.Int).Neg(v.Big())), nil
	case value.Float:
		return -v, nil
	case value.TimeSpan:
		return value.TimeSpan{Microseconds: -v.Microseconds}, nil
	}
	return nil, noMatch("#unary_operator_-")
}

// cleanNumber drops blanks and the underscores between digits, as Python's int() and float() do. Not ok: misplaced.
func cleanNumber(s string) (string, bool) {
	s = asciiDigits(strings.TrimFunc(s, value.IsSpace))
	if !strings.Contains(s, "_") {
		return s, true
	}
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func parseInt(text string) (value.Value, error) {
	bad := fail(classValue, "invalid literal for int() with base 10: %s", value.Repr(value.String(text)))
	s, ok := cleanNumber(text)
	digits := strings.TrimLeft(s, "+-")
	if !ok || digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return nil, bad
	}
	if len(digits) > digitsMax {
		return nil, fail(classValue, "Exceeds the limit (%d digits) for integer string conversion", digitsMax)
	}
	n, ok := new(big.Int).SetString(strings.TrimPrefix(s, "+"), 10)
	if !ok {
		return nil, bad
	}
	return value.IntOf(n), nil
}

func parseFloat(text string) (value.Value, error) {
	bad := fail(classValue, "could not convert string to float: %s", value.Repr(value.String(text)))
	s, ok := cleanNumber(text)
	if !ok || strings.ContainsAny(s, "xXpP_") {
		return nil, bad
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, bad
	}
	return value.Float(f), nil
}

// floatToInt cuts off the fraction.
func floatToInt(f float64) (value.Value, error) {
	switch {
	case math.IsNaN(f):
		return nil, fail(classValue, "cannot convert float NaN to integer")
	case math.IsInf(f, 0):
		return nil, fail(classOverflow, "cannot convert float infinity to integer")
	case math.Abs(f) < 1<<62:
		return value.Int(int64(f)), nil
	}
	n, _ := new(big.Float).SetFloat64(f).Int(nil)
	return value.IntOf(n), nil
}
