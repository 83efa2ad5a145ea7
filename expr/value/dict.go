package value

import (
	"iter"

	"cierzo/internal/invariant"
)

// Dict is Python's dict: keys keep the order of their first insertion and are found by Python's equality, so that 1, 1.0
// and true are one key. Up to smallMax entries are searched in order; a bigger dict has an index.
type Dict struct {
	keys   []Value
	vals   []Value
	index  map[hash]int // nil while small
	frozen bool
	mutability
	// freeKeys: lists and dicts that are not mutable may be keys, as YAQL allows inside an expression.
	freeKeys bool
}

const smallMax = 8

// NewDict makes an empty dict with room for capacity entries.
func NewDict(capacity int) *Dict {
	room := make([]Value, 2*capacity) // of both: most dicts are small, and there are many
	return &Dict{keys: room[:0:capacity], vals: room[capacity:capacity]}
}

// NewFreeDict is NewDict for YAQL: lists and dicts may be keys.
func NewFreeDict(capacity int) *Dict {
	d := NewDict(capacity)
	d.freeKeys = true
	return d
}

// At is the entry at position i, 0 ≤ i < Len.
func (d *Dict) At(i int) (k, v Value) { return d.keys[i], d.vals[i] }

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// Frozen reports whether the dict may not be changed any more.
func (d *Dict) Frozen() bool { return d.frozen }

// Freeze forbids changes and returns the dict.
func (d *Dict) Freeze() *Dict {
	if !d.frozen { // what is frozen already may be shared between goroutines: it is only read
		d.frozen = true
	}
	return d
}

// Clone is a shallow copy that may be changed.
func (d *Dict) Clone() *Dict {
	out := NewDict(len(d.keys) + 4)
	out.keys, out.vals, out.freeKeys = append(out.keys, d.keys...), append(out.vals, d.vals...), d.freeKeys
	if d.index != nil {
		out.reindex()
	}
	return out
}

func (d *Dict) reindex() {
	d.index = make(map[hash]int, len(d.keys)*2)
	for i, k := range d.keys {
		h, _ := hashOf(k, d.freeKeys)
		d.index[h] = i
	}
}

// Set gives a key its value. The error says that the key is of an unhashable type.
func (d *Dict) Set(k, v Value) error {
	invariant.Check(!d.frozen, "a frozen dict is changed: key %v", k)
	if s, ok := k.(String); ok {
		if !d.replace(string(s), v) {
			d.add(k, v, hash{kind: hashText, text: string(s)})
		}
		return nil
	}
	h, err := hashOf(k, d.freeKeys)
	if err != nil {
		return err
	}
	if i := d.find(h); i >= 0 {
		d.vals[i] = v
		return nil
	}
	d.add(k, v, h)
	return nil
}

// SetString gives a text key its value.
func (d *Dict) SetString(name string, v Value) {
	invariant.Check(!d.frozen, "a frozen dict is changed: key %q", name)
	if !d.replace(name, v) {
		d.add(String(name), v, hash{kind: hashText, text: name})
	}
}

// replace gives a text key that is there another value.
func (d *Dict) replace(name string, v Value) bool {
	i := d.findString(name)
	if i >= 0 {
		d.vals[i] = v
	}
	return i >= 0
}

func (d *Dict) add(k, v Value, h hash) {
	d.keys, d.vals = append(d.keys, k), append(d.vals, v)
	switch {
	case d.index != nil:
		d.index[h] = len(d.keys) - 1
	case len(d.keys) > smallMax:
		d.reindex()
	}
}

// Get looks a key up; an unhashable key is in no dict.
func (d *Dict) Get(k Value) (Value, bool) {
	if s, ok := k.(String); ok {
		return d.GetString(string(s))
	}
	h, err := hashOf(k, d.freeKeys)
	if err != nil {
		return nil, false
	}
	if i := d.find(h); i >= 0 {
		return d.vals[i], true
	}
	return nil, false
}

// GetString looks a text key up.
func (d *Dict) GetString(name string) (Value, bool) {
	if i := d.findString(name); i >= 0 {
		return d.vals[i], true
	}
	return nil, false
}

// Delete removes a key and reports whether it was there.
func (d *Dict) Delete(k Value) bool {
	invariant.Check(!d.frozen, "a frozen dict is changed: key %v", k)
	h, err := hashOf(k, d.freeKeys)
	if err != nil {
		return false
	}
	i := d.find(h)
	if i < 0 {
		return false
	}
	if i == len(d.keys)-1 { // popitem and clear take the last one, again and again
		d.keys, d.vals = d.keys[:i:i], d.vals[:i:i]
		delete(d.index, h)
		return true
	}
	d.keys = append(d.keys[:i:i], d.keys[i+1:]...)
	d.vals = append(d.vals[:i:i], d.vals[i+1:]...)
	if d.index != nil {
		d.reindex()
	}
	return true
}

// All gives the entries in order.
func (d *Dict) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for i, k := range d.keys {
			if !yield(k, d.vals[i]) {
				return
			}
		}
	}
}

func (d *Dict) findString(name string) int {
	if d.index != nil {
		if i, ok := d.index[hash{kind: hashText, text: name}]; ok {
			return i
		}
		return -1
	}
	for i, k := range d.keys {
		if s, ok := k.(String); ok && string(s) == name {
			return i
		}
	}
	return -1
}

func (d *Dict) find(h hash) int {
	if d.index != nil {
		if i, ok := d.index[h]; ok {
			return i
		}
		return -1
	}
	for i, have := range d.keys {
		if g, err := hashOf(have, d.freeKeys); err == nil && g == h {
			return i
		}
	}
	return -1
}
