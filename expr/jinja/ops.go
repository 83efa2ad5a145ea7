package jinja

import (
	"math"
	"math/big"
	"strings"

	"cierzo/expr/value"
)

// binary applies an arithmetic operator.
func (r *run) binary(op string, a, b value.Value) (value.Value, error) {
	for _, v := range []value.Value{a, b} {
		if u, ok := v.(*undefined); ok && !asksOperand(op, a) {
			return nil, u.fail()
		}
	}
	if isNumber(a) && isNumber(b) {
		return r.arith(op, a, b)
	}
	var v value.Value
	var err error
	switch op {
	case "+":
		v, err = r.add(a, b)
	case "*":
		v, err = r.repeat(a, b)
	case "-":
		v, err = r.subtract(a, b)
	case "%":
		if s, ok := textOf(a); ok {
			v, err = r.percent(s, b, a)
		} else if s, ok := a.(*bytesObject); ok {
			return nil, typeError("unsupported operand type(s) for %%: '%s' and '%s'", typeName(s), typeName(b))
		}
	}
	if v != nil || err != nil {
		return v, err
	}
	shown := op
	if op == "**" {
		shown = "** or pow()"
	}
	return nil, typeError("unsupported operand type(s) for %s: '%s' and '%s'", shown, typeName(a), typeName(b))
}

// asksOperand reports whether an operator looks at its right operand itself: % of a text, * of markup.
func asksOperand(op string, a value.Value) bool {
	_, text := textOf(a)
	_, marked := a.(*markup)
	return op == "%" && text || op == "*" && marked
}

// arith applies an operator to numbers.
func (r *run) arith(op string, a, b value.Value) (value.Value, error) {
	_, floatA := a.(value.Float)
	_, floatB := b.(value.Float)
	if floatA || floatB {
		x, err := toFloat(a)
		if err != nil {
			return nil, err
		}
		y, err := toFloat(b)
		if err != nil {
			return nil, err
		}
		return floatOp(op, x, y)
	}
	if x, ok := small(a); ok {
		if y, ok := small(b); ok {
			if v, ok := smallOp(op, x, y); ok {
				return v, nil
			}
		}
	}
	return r.bigOp(op, bigOf(a), bigOf(b))
}

// small is an integer of 32 bits: sums and products of such fit.
func small(v value.Value) (int64, bool) {
	switch v := v.(type) {
	case value.Bool:
		if v {
			return 1, true
		}
		return 0, true
	case value.Int:
		return int64(v), int64(int32(v)) == int64(v)
	}
	return 0, false
}

func smallOp(op string, x, y int64) (value.Value, bool) {
	switch op {
	case "+":
		return value.Int(x + y), true
	case "-":
		return value.Int(x - y), true
	case "*":
		return value.Int(x * y), true
	case "/":
		if y != 0 {
			return value.Float(float64(x) / float64(y)), true
		}
	}
	return nil, false
}

// bigOf is an integer of any size.
func bigOf(v value.Value) *big.Int {
	switch v := v.(type) {
	case value.Bool:
		if v {
			return big.NewInt(1)
		}
		return new(big.Int)
	case value.Int:
		return big.NewInt(int64(v))
	case value.BigInt:
		return v.Big()
	}
	return new(big.Int)
}

// toFloat is float(v) of a number.
func toFloat(v value.Value) (float64, error) {
	switch v := v.(type) {
	case value.Float:
		return float64(v), nil
	case value.BigInt:
		f, _ := new(big.Float).SetInt(v.Big()).Float64()
		if math.IsInf(f, 0) {
			return 0, raise("OverflowError", "int too large to convert to float")
		}
		return f, nil
	}
	f, _ := new(big.Float).SetInt(bigOf(v)).Float64()
	return f, nil
}

func (r *run) bigOp(op string, x, y *big.Int) (value.Value, error) {
	if err := r.make((x.BitLen() + y.BitLen()) / 8); err != nil {
		return nil, err
	}
	z := new(big.Int)
	switch op {
	case "+":
		return value.IntOf(z.Add(x, y)), nil
	case "-":
		return value.IntOf(z.Sub(x, y)), nil
	case "*":
		if err := r.steps(x.BitLen() / 1024 * (y.BitLen() / 1024)); err != nil {
			return nil, err
		}
		return value.IntOf(z.Mul(x, y)), nil
	case "/":
		return divide(x, y)
	case "**":
		return r.power(x, y)
	}
	if y.Sign() == 0 {
		if op == "%" {
			return nil, raise("ZeroDivisionError", "integer modulo by zero")
		}
		return nil, raise("ZeroDivisionError", "integer division or modulo by zero")
	}
	m := new(big.Int)
	z.QuoRem(x, y, m)
	if m.Sign() != 0 && m.Sign() != y.Sign() {
		z.Sub(z, big.NewInt(1))
		m.Add(m, y)
	}
	if op == "%" {
		return value.IntOf(m), nil
	}
	return value.IntOf(z), nil
}

// divide is the true quotient, rounded once.
func divide(x, y *big.Int) (value.Value, error) {
	if y.Sign() == 0 {
		return nil, raise("ZeroDivisionError", "division by zero")
	}
	f, _ := new(big.Rat).SetFrac(x, y).Float64()
	if math.IsInf(f, 0) {
		return nil, raise("OverflowError", "integer division result too large for a float")
	}
	return value.Float(f), nil
}

// power is x**y, whose size is taken from the budget before it is computed.
func (r *run) power(x, y *big.Int) (value.Value, error) {
	if y.Sign() < 0 {
		if x.Sign() == 0 {
			return nil, raise("ZeroDivisionError", "0.0 cannot be raised to a negative power")
		}
		f, _ := new(big.Float).SetInt(x).Float64()
		g, _ := new(big.Float).SetInt(y).Float64()
		return floatOp("**", f, g)
	}
	if x.BitLen() > 1 {
		if !y.IsInt64() || y.Int64() > int64(maxInt/8/x.BitLen()) {
			return nil, r.make(maxInt)
		}
		bits := x.BitLen() * int(y.Int64())
		if err := r.make(bits / 8); err != nil {
			return nil, err
		}
		if err := r.steps(bits / 1024 * (bits / 65536)); err != nil {
			return nil, err
		}
	} else if !y.IsInt64() {
		y = big.NewInt(int64(y.Bit(0)) + 2) // 0, 1 and -1: only whether it is even matters
	}
	return value.IntOf(new(big.Int).Exp(x, y, nil)), nil
}

// steps takes n steps at once, for what is long within one operation.
func (r *run) steps(n int) error {
	if n <= 0 {
		return nil
	}
	return r.b.Steps(n)
}

func floatOp(op string, x, y float64) (value.Value, error) {
	switch op {
	case "+":
		return value.Float(x + y), nil
	case "-":
		return value.Float(x - y), nil
	case "*":
		return value.Float(x * y), nil
	case "/":
		if y == 0 {
			return nil, raise("ZeroDivisionError", "float division by zero")
		}
		return value.Float(x / y), nil
	case "//":
		if y == 0 {
			return nil, raise("ZeroDivisionError", "float floor division by zero")
		}
		q, _ := divmod(x, y)
		return value.Float(q), nil
	case "%":
		if y == 0 {
			return nil, raise("ZeroDivisionError", "float modulo")
		}
		_, m := divmod(x, y)
		return value.Float(m), nil
	}
	return floatPower(x, y)
}

// divmod is Python's, whose remainder has the sign of the divisor.
func divmod(x, y float64) (q, m float64) {
	m = math.Mod(x, y)
	q = (x - m) / y
	if m != 0 {
		if (y < 0) != (m < 0) {
			m += y
			q--
		}
	} else {
		m = math.Copysign(0, y)
	}
	if q == 0 {
		return math.Copysign(0, x/y), m
	}
	floor := math.Floor(q)
	if q-floor > 0.5 {
		floor++
	}
	return floor, m
}

func floatPower(x, y float64) (value.Value, error) {
	if x == 0 && y < 0 {
		return nil, raise("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	if x < 0 && y != math.Trunc(y) && !math.IsInf(x, 0) {
		return nil, typeError("a power that is a complex number is not supported")
	}
	z := value.Pow(x, y)
	if math.IsInf(z, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return nil, raise("OverflowError", "(34, 'Numerical result out of range')")
	}
	return value.Float(z), nil
}

// add is + of what isn't numbers; nil: the types don't go together.
func (r *run) add(a, b value.Value) (value.Value, error) {
	if x, ok := textOf(a); ok {
		y, ok := textOf(b)
		if _, marked := a.(*markup); marked && !ok {
			return nil, nil
		}
		if !ok {
			return nil, typeError(`can only concatenate str (not "%s") to str`, typeName(b))
		}
		_, markA := a.(*markup)
		_, markB := b.(*markup)
		if markA && !markB {
			y = escapeHTML(y)
		} else if markB && !markA {
			x = escapeHTML(x)
		}
		if err := r.make(len(x) + len(y)); err != nil {
			return nil, err
		}
		if markA || markB {
			return &markup{s: x + y}, nil
		}
		return value.String(x + y), nil
	}
	switch x := a.(type) {
	case *value.List:
		y, ok := b.(*value.List)
		if !ok {
			return nil, typeError(`can only concatenate list (not "%s") to list`, typeName(b))
		}
		items, err := r.joinItems(x.Items(), y.Items())
		return value.NewList(items), err
	case *value.Tuple:
		y, ok := b.(*value.Tuple)
		if !ok {
			return nil, typeError(`can only concatenate tuple (not "%s") to tuple`, typeName(b))
		}
		items, err := r.joinItems(x.Items(), y.Items())
		return value.NewTuple(items), err
	case *bytesObject:
		y, ok := b.(*bytesObject)
		if !ok {
			return nil, typeError("can't concat %s to bytes", typeName(b))
		}
		return &bytesObject{b: x.b + y.b}, r.make(len(x.b) + len(y.b))
	}
	return addTimes(a, b, 1), nil
}

func (r *run) joinItems(a, b []value.Value) ([]value.Value, error) {
	if err := r.make(len(a) + len(b)); err != nil {
		return nil, err
	}
	return append(append(make([]value.Value, 0, len(a)+len(b)), a...), b...), nil
}

// subtract is - of what isn't numbers: sets, views and times.
func (r *run) subtract(a, b value.Value) (value.Value, error) {
	if isView(a) || isView(b) || isSetLike(a) && isSetLike(b) {
		items, err := r.list(a)
		if err != nil {
			return nil, err
		}
		drop, err := r.list(b)
		if err != nil {
			return nil, err
		}
		dropped, err := r.newSet(drop)
		if err != nil {
			return nil, err
		}
		var out []value.Value
		for _, item := range items {
			if !dropped.Has(item) {
				out = append(out, item)
			}
		}
		return r.newSet(out)
	}
	return addTimes(a, b, -1), nil
}

func isView(v value.Value) bool {
	w, ok := v.(*view)
	return ok && w.kind != "values"
}

func isSetLike(v value.Value) bool {
	_, set := v.(*value.Set)
	return set || isView(v)
}

func (r *run) newSet(items []value.Value) (*value.Set, error) {
	keys := make([]value.Value, len(items))
	for i, item := range items {
		var err error
		if keys[i], err = r.key(item); err != nil {
			return nil, err
		}
	}
	if err := r.make(len(items)); err != nil {
		return nil, err
	}
	return value.NewSet(keys, false)
}

// repeat is * of a sequence and an integer; nil: the types don't go together.
func (r *run) repeat(a, b value.Value) (value.Value, error) {
	if !isRepeatable(a) {
		a, b = b, a
	}
	if !isRepeatable(a) {
		return nil, nil
	}
	if _, ok := b.(*markup); ok {
		a, b = b, a
	}
	n, err := toIndex(b)
	if _, ok := a.(*markup); ok && err != nil {
		return nil, err
	}
	if err != nil {
		return nil, typeError("can't multiply sequence by non-int of type '%s'", typeName(b))
	}
	if b.Kind() == value.KindBigInt {
		return nil, raise("OverflowError", "cannot fit 'int' into an index-sized integer")
	}
	n = max(n, 0)
	switch x := a.(type) {
	case value.String:
		s, err := r.repeatText(string(x), n)
		return value.String(s), err
	case *markup:
		s, err := r.repeatText(x.s, n)
		return &markup{s: s}, err
	case *bytesObject:
		s, err := r.repeatText(x.b, n)
		return &bytesObject{b: s}, err
	case *value.Tuple:
		items, err := r.repeatItems(x.Items(), n)
		return value.NewTuple(items), err
	}
	items, err := r.repeatItems(a.(*value.List).Items(), n)
	return value.NewList(items), err
}

func isRepeatable(v value.Value) bool {
	switch v.(type) {
	case value.String, *markup, *value.List, *value.Tuple, *bytesObject:
		return true
	}
	return false
}

func (r *run) repeatText(s string, n int) (string, error) {
	if len(s) == 0 || n == 0 {
		return "", nil
	}
	if n > maxInt/len(s) {
		return "", r.make(maxInt)
	}
	if err := r.make(n * len(s)); err != nil {
		return "", err
	}
	return strings.Repeat(s, n), nil
}

func (r *run) repeatItems(items []value.Value, n int) ([]value.Value, error) {
	if len(items) == 0 || n == 0 {
		return nil, nil
	}
	if n > maxInt/len(items) {
		return nil, r.make(maxInt)
	}
	if err := r.make(n * len(items)); err != nil {
		return nil, err
	}
	out := make([]value.Value, 0, n*len(items))
	for range n {
		out = append(out, items...)
	}
	return out, nil
}

// unary applies - or +.
func (r *run) unary(op string, v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case *undefined:
		return nil, v.fail()
	case value.Float:
		if op == "-" {
			return -v, nil
		}
		return v, nil
	case value.Bool, value.Int, value.BigInt:
		n := bigOf(v)
		if op == "-" {
			n = new(big.Int).Neg(n)
		}
		return value.IntOf(n), nil
	case value.TimeSpan:
		if op == "-" {
			v.Microseconds = -v.Microseconds
		}
		return v, nil
	}
	return nil, typeError("bad operand type for unary %s: '%s'", op, typeName(v))
}
