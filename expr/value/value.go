// Package value is the closed set of values that expressions compute with: Python's semantics where users see them.
//
// Values are frozen once they are shared: a List or Tuple never changes, a Dict only until Freeze. Equality, order of
// keys, truth, text forms and JSON are Python's, because published variables and outputs are compared with Mistral's.
package value

import (
	"iter"
	"math/big"
	"time"
)

// Kind tells values apart.
type Kind uint8

// The kinds of values.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindBigInt
	KindFloat
	KindString
	KindList
	KindTuple
	KindDict
	KindSet
	KindDateTime
	KindTimeSpan
	KindDate
	KindOpaque
)

// Value is one of this package's types, or embeds Object; a nil interface is never a value.
type Value interface {
	Kind() Kind
	sealed()
}

// The scalar values.
type (
	// Null is Python's None and JSON's null.
	Null struct{}
	// Bool is a truth value; as a number it is 0 or 1.
	Bool bool
	// Int is an integer that fits into 64 bits.
	Int int64
	// BigInt is an integer outside int64; make it with IntOf.
	BigInt struct{ n *big.Int }
	// Float is a 64-bit float, also inf and nan.
	Float float64
	// String is a text.
	String string
	// DateTime is a point in time with its zone.
	DateTime struct{ time.Time }
	// TimeSpan is a length of time, Python's timedelta: longer than a time.Duration can be.
	TimeSpan struct{ Microseconds int64 }
	// Date is a calendar day, as YAML has it.
	Date struct{ time.Time }
	// Object is embedded by what an expression language needs inside an evaluation: iterators, patterns, contexts. Such
	// types are pointers, equal only to themselves; they may have the methods TypeName() string, Repr() string,
	// Str() string and Truth() bool. They have no JSON form.
	Object struct{}
)

// Kind implements Value, for each type.
func (Null) Kind() Kind     { return KindNull }
func (Bool) Kind() Kind     { return KindBool }
func (Int) Kind() Kind      { return KindInt }
func (BigInt) Kind() Kind   { return KindBigInt }
func (Float) Kind() Kind    { return KindFloat }
func (String) Kind() Kind   { return KindString }
func (DateTime) Kind() Kind { return KindDateTime }
func (TimeSpan) Kind() Kind { return KindTimeSpan }
func (Date) Kind() Kind     { return KindDate }
func (Object) Kind() Kind   { return KindOpaque }
func (*Set) Kind() Kind     { return KindSet }
func (*List) Kind() Kind    { return KindList }
func (*Tuple) Kind() Kind   { return KindTuple }
func (*Dict) Kind() Kind    { return KindDict }
func (*Layers) Kind() Kind  { return KindDict }

func (Null) sealed()     {}
func (Bool) sealed()     {}
func (Int) sealed()      {}
func (BigInt) sealed()   {}
func (Float) sealed()    {}
func (String) sealed()   {}
func (DateTime) sealed() {}
func (TimeSpan) sealed() {}
func (Date) sealed()     {}
func (Object) sealed()   {}
func (*Set) sealed()     {}
func (*List) sealed()    {}
func (*Tuple) sealed()   {}
func (*Dict) sealed()    {}
func (*Layers) sealed()  {}

// IntOf is n as a value: Int where it fits, BigInt elsewhere. It takes ownership of n.
func IntOf(n *big.Int) Value {
	if n.IsInt64() {
		return Int(n.Int64())
	}
	return BigInt{n}
}

// Big is the integer; the caller must not change it.
func (b BigInt) Big() *big.Int { return b.n }

// Mapping is what *Dict and *Layers have in common.
type Mapping interface {
	Value
	Get(k Value) (Value, bool)
	GetString(name string) (Value, bool)
	Len() int
	All() iter.Seq2[Value, Value]
}
