package jinja

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"cierzo/expr/value"
)

// bytesMax bounds the length that to_bytes may ask for.
const bytesMax = 1 << 20

// intMethod finds a method of integers.
func intMethod(name string) *builtin {
	switch name {
	case "bit_length":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return value.Int(bigOf(c.self).BitLen()), nil })
	case "bit_count":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			n := 0
			for _, b := range bigOf(c.self).Bytes() {
				for ; b != 0; b &= b - 1 {
					n++
				}
			}
			return value.Int(n), nil
		})
	case "conjugate":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return value.IntOf(bigOf(c.self)), nil })
	case "as_integer_ratio":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			return value.NewTuple([]value.Value{value.IntOf(bigOf(c.self)), value.Int(1)}), nil
		})
	case "to_bytes":
		return &builtin{name: name, params: []string{"length", "byteorder", "signed"}, eval: intToBytes}
	case "from_bytes":
		return &builtin{name: name, required: 1, params: []string{"bytes", "byteorder", "signed"}, eval: intFromBytes}
	}
	return nil
}

func (c *call) bigEndian(i int) (bool, error) {
	order, err := c.text(i, "big")
	if err != nil {
		return false, err
	}
	if order != "big" && order != "little" {
		return false, valueError("byteorder must be either 'little' or 'big'")
	}
	return order == "big", nil
}

func intToBytes(c *call) (value.Value, error) {
	length, err := c.int(0, 1)
	if err != nil {
		return nil, err
	}
	big1, err := c.bigEndian(1)
	if err != nil {
		return nil, err
	}
	signed, err := c.truth(2, false)
	if err != nil {
		return nil, err
	}
	n := new(big.Int).Set(bigOf(c.self))
	if length < 0 {
		return nil, valueError("length argument must be non-negative")
	}
	if n.Sign() < 0 && !signed {
		return nil, raise("OverflowError", "can't convert negative int to unsigned")
	}
	if length > bytesMax {
		return nil, c.r.make(maxInt)
	}
	if err := c.r.make(length); err != nil {
		return nil, err
	}
	limit := new(big.Int).Lsh(big.NewInt(1), uint(8*length))
	half := new(big.Int).Rsh(limit, 1)
	if n.Cmp(limit) >= 0 || signed && (n.Cmp(half) >= 0 || n.Cmp(new(big.Int).Neg(half)) < 0) {
		return nil, raise("OverflowError", "int too big to convert")
	}
	if n.Sign() < 0 {
		n.Add(n, limit)
	}
	b := n.FillBytes(make([]byte, length))
	if !big1 {
		slices.Reverse(b)
	}
	return &bytesObject{b: string(b)}, nil
}

func intFromBytes(c *call) (value.Value, error) {
	big1, err := c.bigEndian(1)
	if err != nil {
		return nil, err
	}
	signed, err := c.truth(2, false)
	if err != nil {
		return nil, err
	}
	items, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	b := make([]byte, len(items))
	for i, item := range items {
		n, err := toIndex(item)
		if err != nil {
			return nil, err
		}
		if n < 0 || n > 255 {
			return nil, valueError("bytes must be in range(0, 256)")
		}
		b[i] = byte(n)
	}
	if !big1 {
		slices.Reverse(b)
	}
	n := new(big.Int).SetBytes(b)
	if signed && len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return value.IntOf(n), nil
}

// floatMethod finds a method of floats.
func floatMethod(name string) *builtin {
	switch name {
	case "is_integer":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			f := float64(c.self.(value.Float))
			return value.Bool(f == math.Trunc(f) && !math.IsInf(f, 0)), nil
		})
	case "conjugate":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return c.self, nil })
	case "hex":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return value.String(floatHex(float64(c.self.(value.Float)))), nil })
	case "as_integer_ratio":
		return method(name, 0, nil, floatRatio)
	}
	return nil
}

func floatRatio(c *call) (value.Value, error) {
	f := float64(c.self.(value.Float))
	if math.IsNaN(f) {
		return nil, valueError("cannot convert NaN to integer ratio")
	}
	if math.IsInf(f, 0) {
		return nil, raise("OverflowError", "cannot convert Infinity to integer ratio")
	}
	r := new(big.Rat)
	r.SetFloat64(f)
	return value.NewTuple([]value.Value{value.IntOf(new(big.Int).Set(r.Num())), value.IntOf(new(big.Int).Set(r.Denom()))}), nil
}

// floatHex is Python's float.hex: 13 digits, and a zero before the point for what is too small.
func floatHex(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value.FloatText(f)
	}
	sign := ""
	if math.Signbit(f) {
		sign = "-"
	}
	bits := math.Float64bits(f)
	mantissa := strconv.FormatUint(bits&(1<<52-1), 16)
	exponent := int(bits>>52&0x7ff) - 1023
	lead := "1"
	if exponent == -1023 {
		if mantissa == "0" {
			return sign + "0x0.0p+0"
		}
		lead, exponent = "0", -1022
	}
	plus := ""
	if exponent >= 0 {
		plus = "+"
	}
	return sign + "0x" + lead + "." + strings.Repeat("0", 13-len(mantissa)) + mantissa + "p" + plus + strconv.Itoa(exponent)
}

// bytesMethod finds a method of bytes: few are of use in templates.
func bytesMethod(name string) *builtin {
	switch name {
	case "decode":
		return &builtin{name: name, params: []string{"encoding", "errors"}, eval: func(c *call) (value.Value, error) {
			return exportBytes(c.self.(*bytesObject).b)
		}}
	case "hex":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			var b strings.Builder
			for _, x := range []byte(c.self.(*bytesObject).b) {
				b.WriteString(hex(rune(x), 2))
			}
			return value.String(b.String()), c.r.make(b.Len())
		})
	}
	return nil
}

// cyclerMethod finds a method of cyclers.
func cyclerMethod(name string) *builtin {
	switch name {
	case "next":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			o := c.self.(*cyclerObject)
			v := o.items[o.at]
			o.at = (o.at + 1) % len(o.items)
			return v, nil
		})
	case "reset":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			c.self.(*cyclerObject).at = 0
			return value.Null{}, nil
		})
	}
	return nil
}
