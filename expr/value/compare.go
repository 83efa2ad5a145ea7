package value

import (
	"math"
	"math/big"
)

func bigFloat(f float64) *big.Int {
	n, _ := new(big.Float).SetFloat64(f).Int(nil)
	return n
}

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
	case TimeSpan:
		return v.Duration != 0
	}
	return true
}

// Equal is Python's ==: numbers compare by value whatever their type, true is 1.
func Equal(a, b Value) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.cmp(y) == 0
	}
	switch a := a.(type) {
	case Null:
		_, ok := b.(Null)
		return ok
	case String:
		s, ok := b.(String)
		return ok && a == s
	case *List:
		l, ok := b.(*List)
		return ok && equalItems(a.items, l.items)
	case *Tuple:
		t, ok := b.(*Tuple)
		return ok && equalItems(a.items, t.items)
	case DateTime:
		t, ok := b.(DateTime)
		return ok && a.Time.Equal(t.Time)
	case TimeSpan:
		t, ok := b.(TimeSpan)
		return ok && a == t
	}
	m, ok := a.(Mapping)
	n, ok2 := b.(Mapping)
	return ok && ok2 && equalMappings(m, n)
}

func equalItems(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalMappings(a, b Mapping) bool {
	if a.Len() != b.Len() {
		return false
	}
	for k, v := range a.All() {
		w, ok := b.Get(k)
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
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
