package yaql

import (
	"math"
	"math/big"
	"strconv"

	"cierzo/expr/value"
)

func numberEntries() []entry {
	return []entry{
		{formFunction, "abs(op: number)", absolute},
		{formFunction, "sign(num: number)", sign},
		{formFunction, "int(value: any)", toInt},
		{formFunction, "float(value: any)", toFloatValue},
		{formFunction, "isInteger(value: any)", isOf(value.KindInt, value.KindBigInt)},
		{formFunction, "isNumber(value: any)", isOf(value.KindInt, value.KindBigInt, value.KindFloat)},
		{formFunction, "max(a: any, b: any)", larger},
		{formFunction, "min(a: any, b: any)", smaller},
		{formFunction, "pow(a: number, b: number, c: number? = null)", power},
		{formFunction, "round(number: number, ndigits: int = 0)", round},
		{formFunction, "random()", randomFloat},
		{formFunction, "random(from: any, to: any)", randomInt},
		{formFunction, "hex(num: number?)", hex},
		{formFunction, "bitwiseAnd(left: int, right: int)", bitwise((*big.Int).And)},
		{formFunction, "bitwiseOr(left: int, right: int)", bitwise((*big.Int).Or)},
		{formFunction, "bitwiseXor(left: int, right: int)", bitwise((*big.Int).Xor)},
		{formFunction, "bitwiseNot(arg: int)", bitwiseNot},
		{formFunction, "shiftBitsLeft(value: int, bitsNumber: int)", shiftLeft},
		{formFunction, "shiftBitsRight(value: int, bitsNumber: int)", shiftRight},
	}
}

// isOf tests the kind of the first argument.
func isOf(kinds ...value.Kind) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		for _, k := range kinds {
			if a.at[0].Kind() == k {
				return value.Bool(true), nil
			}
		}
		return value.Bool(false), nil
	}
}

func absolute(a *args) (value.Value, error) {
	if f, ok := a.at[0].(value.Float); ok {
		return value.Float(math.Abs(float64(f))), nil
	}
	return value.IntOf(new(big.Int).Abs(toBig(a.at[0]))), nil
}

func sign(a *args) (value.Value, error) {
	c, _ := value.Compare(a.at[0], value.Int(0))
	return value.Int(c), nil
}

func toInt(a *args) (value.Value, error) {
	switch v := a.at[0].(type) {
	case value.Null:
		return value.Int(0), nil
	case value.Bool:
		return value.IntOf(toBig(v)), nil
	case value.Int, value.BigInt:
		return v, nil
	case value.Float:
		return floatToInt(float64(v))
	case value.String:
		return parseInt(string(v))
	}
	return nil, fail(classType, "int() argument must be a string, a bytes-like object or a real number, not '%s'", frozenName(a.at[0]))
}

func toFloatValue(a *args) (value.Value, error) {
	switch v := a.at[0].(type) {
	case value.Null:
		return value.Float(0), nil
	case value.String:
		return parseFloat(string(v))
	case value.Bool, value.Int, value.Float:
		return value.Float(toFloat(v)), nil
	case value.BigInt:
		f := toFloat(v)
		if math.IsInf(f, 0) {
			return nil, fail(classOverflow, "int too large to convert to float")
		}
		return value.Float(f), nil
	}
	return nil, fail(classType, "float() argument must be a string or a real number, not '%s'", frozenName(a.at[0]))
}

// frozenName is the name of a type inside YAQL, where a list is a tuple.
func frozenName(v value.Value) string {
	switch v := v.(type) {
	case *value.List:
		if !v.Mutable() {
			return "tuple"
		}
	case *value.Dict:
		if !v.Mutable() {
			return "FrozenDict"
		}
	case *value.Set:
		return "frozenset"
	}
	return value.TypeName(v)
}

// callOperator calls the overload of an operator that two values match.
func (r *run) callOperator(op string, x, y value.Value) (value.Value, error) {
	if v, err := r.fastOperation(op, x, y); v != nil || err != nil {
		return v, err
	}
	return r.callValues("#operator_"+op, x, y)
}

func larger(a *args) (value.Value, error) { return largerOf(a.r, a.at[0], a.at[1]) }

// largerOf keeps the first on a tie.
func largerOf(r *run, x, y value.Value) (value.Value, error) {
	more, err := r.callOperator(">", y, x)
	if err == nil && value.Truthy(more) {
		return y, nil
	}
	return x, err
}

func smaller(a *args) (value.Value, error) { return smallerOf(a.r, a.at[0], a.at[1]) }

// smallerOf takes the second on a tie.
func smallerOf(r *run, x, y value.Value) (value.Value, error) {
	more, err := r.callOperator(">", y, x)
	if err == nil && value.Truthy(more) {
		return x, nil
	}
	return y, err
}

func power(a *args) (value.Value, error) {
	x, y, mod := a.at[0], a.at[1], a.at[2]
	floats := x.Kind() == value.KindFloat || y.Kind() == value.KindFloat
	if mod.Kind() != value.KindNull {
		if floats || mod.Kind() == value.KindFloat {
			return nil, fail(classType, "pow() 3rd argument not allowed unless all arguments are integers")
		}
		return modularPower(toBig(x), toBig(y), toBig(mod))
	}
	if !floats && toBig(y).Sign() >= 0 {
		return integerPower(a, toBig(x), toBig(y))
	}
	f, e := toFloat(x), toFloat(y)
	switch {
	case f == 0 && e < 0:
		return nil, fail(classZero, "0.0 cannot be raised to a negative power")
	case f < 0 && e != math.Trunc(e) && !math.IsInf(f, 0) && !math.IsInf(e, 0):
		return nil, fail(classValue, "a negative number to a fractional power is complex")
	}
	out := value.Pow(f, e)
	if math.IsInf(out, 0) && !math.IsInf(f, 0) && !math.IsInf(e, 0) {
		return nil, fail(classOverflow, "(34, 'Numerical result out of range')")
	}
	return value.Float(out), nil
}

func integerPower(a *args, x, y *big.Int) (value.Value, error) {
	if x.BitLen() > 1 && (!y.IsInt64() || y.Int64() > bitsMax/int64(x.BitLen())) {
		return nil, tooManyBits()
	}
	if y.IsInt64() && x.BitLen() > 1 {
		if err := a.r.budget.Charge(int(y.Int64()) * x.BitLen() / 64); err != nil {
			return nil, err
		}
	}
	if x.BitLen() <= 1 { // -1, 0, 1
		y = new(big.Int).Add(big.NewInt(2), new(big.Int).And(y, big.NewInt(1)))
		if a.at[1].Kind() == value.KindInt && toBig(a.at[1]).Sign() == 0 {
			y = new(big.Int)
		}
	}
	return value.IntOf(new(big.Int).Exp(x, y, nil)), nil
}

func modularPower(x, y, mod *big.Int) (value.Value, error) {
	if mod.Sign() == 0 {
		return nil, fail(classValue, "pow() 3rd argument cannot be 0")
	}
	if y.Sign() < 0 {
		inverse := new(big.Int).ModInverse(x, new(big.Int).Abs(mod))
		if inverse == nil {
			return nil, fail(classValue, "base is not invertible for the given modulus")
		}
		x, y = inverse, new(big.Int).Neg(y)
	}
	out := new(big.Int).Exp(x, y, new(big.Int).Abs(mod))
	if mod.Sign() < 0 && out.Sign() != 0 {
		out.Add(out, mod)
	}
	return value.IntOf(out), nil
}

// round is half to even on the exact binary value; an integer stays one.
func round(a *args) (value.Value, error) {
	digits := a.int(1)
	f, ok := a.at[0].(value.Float)
	if !ok {
		return roundInt(toBig(a.at[0]), digits), nil
	}
	x := float64(f)
	switch {
	case math.IsNaN(x), math.IsInf(x, 0), digits > 323:
		return f, nil
	case digits < -308:
		return value.Float(math.Copysign(0, x)), nil
	case digits >= 0:
		out, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', digits, 64), 64)
		return value.Float(out), nil
	}
	exact, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'f', -1, 64))
	exact.SetFloat64(x)
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-digits)), nil)
	scaled := new(big.Rat).Quo(exact, new(big.Rat).SetInt(unit))
	n, _ := new(big.Int).SetString(scaled.FloatString(0), 10)
	half := new(big.Rat).Sub(scaled, new(big.Rat).SetInt(n))
	if half.Abs(half).Cmp(big.NewRat(1, 2)) == 0 && n.Bit(0) == 1 {
		n.Sub(n, big.NewInt(int64(scaled.Sign())))
	}
	out, _ := new(big.Float).SetInt(n.Mul(n, unit)).Float64()
	return value.Float(math.Copysign(out, x)), nil
}

func roundInt(n *big.Int, digits int) value.Value {
	if digits >= 0 {
		return value.IntOf(new(big.Int).Set(n))
	}
	if -digits > n.BitLen() { // ten to that power is more than twice the number
		return value.Int(0)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-digits)), nil)
	q, m := new(big.Int).DivMod(n, unit, new(big.Int))
	switch c := m.Lsh(m, 1).Cmp(unit); {
	case c > 0, c == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	return value.IntOf(q.Mul(q, unit))
}

func (r *run) entropy() (uint64, error) {
	if r.env.Entropy == nil {
		return 0, fail(classValue, "no random numbers here")
	}
	return r.env.Entropy(), nil
}

func randomFloat(a *args) (value.Value, error) {
	n, err := a.r.entropy()
	return value.Float(float64(n>>11) / (1 << 53)), err
}

// randomInt is random.randint: both ends are included.
func randomInt(a *args) (value.Value, error) {
	for i, v := range a.at {
		switch v := v.(type) {
		case value.Int, value.BigInt, value.Bool:
		case value.Float:
			if float64(v) != math.Trunc(float64(v)) || i == 0 {
				return nil, fail(classValue, "non-integer arg 1 for randrange()")
			}
		case value.String:
			return nil, fail(classType, "can only concatenate str (not \"int\") to str")
		default:
			return nil, fail(classType, "'%s' object cannot be interpreted as an integer", frozenName(v))
		}
	}
	from, to := toBig(a.at[0]), toBig(a.at[1])
	if f, ok := a.at[1].(value.Float); ok {
		to.SetInt64(int64(f))
	}
	span := new(big.Int).Sub(to, from)
	span.Add(span, big.NewInt(1))
	if span.Sign() <= 0 {
		return nil, fail(classValue, "empty range for randrange() (%s, %s, %s)", from, new(big.Int).Add(to, big.NewInt(1)), span)
	}
	out := new(big.Int)
	for bits := 0; bits < span.BitLen()+64; bits += 64 {
		n, err := a.r.entropy()
		if err != nil {
			return nil, err
		}
		out.Lsh(out, 64).Or(out, new(big.Int).SetUint64(n))
	}
	return value.IntOf(out.Add(out.Mod(out, span), from)), nil
}

func hex(a *args) (value.Value, error) {
	if k := a.at[0].Kind(); k != value.KindInt && k != value.KindBigInt {
		return nil, fail(classType, "'%s' object cannot be interpreted as an integer", value.TypeName(a.at[0]))
	}
	n := toBig(a.at[0])
	text := "0x" + new(big.Int).Abs(n).Text(16)
	if n.Sign() < 0 {
		text = "-" + text
	}
	return value.String(text), nil
}

func bitwise(op func(z, x, y *big.Int) *big.Int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return value.IntOf(op(new(big.Int), toBig(a.at[0]), toBig(a.at[1]))), nil
	}
}

func bitwiseNot(a *args) (value.Value, error) {
	return value.IntOf(new(big.Int).Not(toBig(a.at[0]))), nil
}

func shiftLeft(a *args) (value.Value, error) {
	n := a.int(1)
	if n < 0 {
		return nil, fail(classValue, "negative shift count")
	}
	if n > bitsMax {
		return nil, tooManyBits()
	}
	if err := a.r.budget.Charge(n / 64); err != nil {
		return nil, err
	}
	return value.IntOf(new(big.Int).Lsh(toBig(a.at[0]), uint(n))), nil
}

func shiftRight(a *args) (value.Value, error) {
	n := a.int(1)
	if n < 0 {
		return nil, fail(classValue, "negative shift count")
	}
	return value.IntOf(new(big.Int).Rsh(toBig(a.at[0]), uint(min(n, bitsMax*2)))), nil
}
