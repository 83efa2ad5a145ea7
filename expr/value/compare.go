package value

import (
	"math"
	"math/big"
)

// Truthy is Python's truth of a value.
func Truthy(v Value) bool {
	switch v := v.(type) {
	case Null:
		return false
	case Bool:
		return bool(v)
	case Int:
		return v != 0
	case Float:
		return v != 0
	case String:
		return v != ""
	case *List:
		return len(v.items) > 0
	case *Tuple:
		return len(v.items) > 0
	case *Dict:
		return v.Len() > 0
	case *Layers:
		return len(v.layers) > 0
	case *Set:
		return v.Len() > 0
	case TimeSpan:
		return v.Microseconds != 0
	case interface{ Truth() bool }:
		return v.Truth()
	}
	return true
}

// Equal is Python's ==: numbers compare by value whatever their type, true is 1.
func Equal(a, b Value) bool { return equal(a, b, listPython, listPython) }

// EqualFrozen is == inside YAQL, where lists are tuples unless they are marked; see Thawed.
func EqualFrozen(a, b Value) bool { return equal(a, b, listFrozen, listFrozen) }

// equal compares; the styles say what unmarked lists are in each of the two.
func equal(a, b Value, in, with listStyle) bool {
	switch x := a.(type) {
	case String:
		y, ok := b.(String)
		return ok && x == y
	case Int:
		if y, ok := b.(Int); ok {
			return x == y
		}
	case Null:
		_, ok := b.(Null)
		return ok
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.cmp(y) == 0
	}
	switch a := a.(type) {
	case *List, *Tuple:
		x, _ := isTuple(a, in)
		y, ok := isTuple(b, with)
		return ok && x == y && equalItems(itemsOf(a), itemsOf(b), within(a, in), within(b, with))
	case *Set:
		t, ok := b.(*Set)
		return ok && a.Len() == t.Len() && a.Within(t)
	case DateTime:
		t, ok := b.(DateTime)
		return ok && a.Time.Equal(t.Time)
	case TimeSpan:
		t, ok := b.(TimeSpan)
		return ok && a == t
	case Date:
		t, ok := b.(Date)
		return ok && a.Time.Equal(t.Time)
	case Mapping:
		n, ok := b.(Mapping)
		return ok && equalMappings(a, n, within(a, in), within(n, with))
	}
	return a.Kind() == KindOpaque && a == b
}

func equalItems(a, b []Value, in, with listStyle) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i], in, with) {
			return false
		}
	}
	return true
}

func equalMappings(a, b Mapping, in, with listStyle) bool {
	if a.Len() != b.Len() {
		return false
	}
	for k, v := range a.All() {
		w, ok := b.Get(k)
		if !ok || !equal(v, w, in, with) {
			return false
		}
	}
	return true
}

// Compare orders two numbers of any type, as -1, 0, 1. Not ok: one is no number, or nan.
func Compare(a, b Value) (order int, ok bool) {
	x, ok1 := number(a)
	y, ok2 := number(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	order = x.cmp(y)
	return order, order != 2
}

// num is a number of any type: an int, a big int or a float.
type num struct {
	i   int64
	big *big.Int
	f   float64
	isF bool
}

func number(v Value) (num, bool) {
	switch v := v.(type) {
	case Bool:
		if v {
			return num{i: 1}, true
		}
		return num{}, true
	case Int:
		return num{i: int64(v)}, true
	case BigInt:
		return num{big: v.n}, true
	case Float:
		return num{f: float64(v), isF: true}, true
	}
	return num{}, false
}

// cmp orders numbers exactly; 2 when one is nan.
func (a num) cmp(b num) int {
	if a.isF || b.isF {
		x, y := a.float(), b.float()
		if math.IsNaN(x) || math.IsNaN(y) {
			return 2
		}
		if math.IsInf(x, 0) || math.IsInf(y, 0) || (a.isF && b.isF) {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
		return a.exact().Cmp(b.exact())
	}
	if a.big == nil && b.big == nil {
		switch {
		case a.i < b.i:
			return -1
		case a.i > b.i:
			return 1
		}
		return 0
	}
	return a.int().Cmp(b.int())
}

func (a num) int() *big.Int {
	if a.big != nil {
		return a.big
	}
	return big.NewInt(a.i)
}

func (a num) float() float64 {
	switch {
	case a.isF:
		return a.f
	case a.big != nil:
		f, _ := new(big.Float).SetInt(a.big).Float64()
		return f
	}
	return float64(a.i)
}

func (a num) exact() *big.Float {
	if a.isF {
		return new(big.Float).SetFloat64(a.f)
	}
	return new(big.Float).SetPrec(4096).SetInt(a.int())
}
