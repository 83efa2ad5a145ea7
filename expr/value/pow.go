package value

import (
	"math"
	"math/big"
)

// Pow is x**y for floats, rounded as the C library does it: math.Pow may differ in the last digit, and users see that one.
func Pow(x, y float64) float64 {
	rough := math.Pow(x, y)
	special := rough == 0 || math.IsInf(rough, 0) || math.IsNaN(rough) || rough == 1
	if special || math.Abs(rough) < math.SmallestNonzeroFloat64*(1<<53) {
		return rough
	}
	product := wide(y)
	product.Mul(product, wideLog(math.Abs(x)))
	exact, _ := wideExp(product).Float64()
	if math.IsInf(exact, 0) || exact == 0 {
		return rough
	}
	return math.Copysign(exact, rough)
}

const wideBits = 192

func wide(x float64) *big.Float { return new(big.Float).SetPrec(wideBits).SetFloat64(x) }

func newWide() *big.Float { return new(big.Float).SetPrec(wideBits) }

// wideLog is the natural logarithm of a positive number.
func wideLog(x float64) *big.Float {
	mantissa, exponent := math.Frexp(x)
	if mantissa < math.Sqrt2/2 {
		mantissa, exponent = mantissa*2, exponent-1
	}
	out := wideAtanh2(wide(mantissa))
	return out.Add(out, newWide().Mul(wide(float64(exponent)), wideAtanh2(wide(2))))
}

// wideAtanh2 is the logarithm of m by the series 2·(z + z³/3 + z⁵/5 + …) with z = (m-1)/(m+1).
func wideAtanh2(m *big.Float) *big.Float {
	z := newWide().Quo(newWide().Sub(m, wide(1)), newWide().Add(m, wide(1)))
	square, term, sum := newWide().Mul(z, z), newWide().Set(z), newWide().Set(z)
	for n := 3.0; term.Sign() != 0 && term.MantExp(nil) > -wideBits; n += 2 {
		term.Mul(term, square)
		sum.Add(sum, newWide().Quo(term, wide(n)))
	}
	return sum.Mul(sum, wide(2))
}

// wideExp is e**x: x is brought near 0 by powers of 2 and halving, the series does the rest.
func wideExp(x *big.Float) *big.Float {
	const halvings = 8
	log2 := wideAtanh2(wide(2))
	quotient, _ := newWide().Quo(x, log2).Float64()
	k := math.Round(quotient)
	rest := newWide().Sub(x, newWide().Mul(wide(k), log2))
	rest.SetMantExp(rest, -halvings)
	term, sum := wide(1), wide(1)
	for n := 1.0; n < 60; n++ {
		term.Quo(term.Mul(term, rest), wide(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}
