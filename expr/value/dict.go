package value

import (
	"fmt"
	"iter"
	"math"
	"strconv"

	"cierzo/internal/invariant"
)

// Dict is Python's dict: keys keep the order of their first insertion and are found by Python's equality, so that 1, 1.0
// and true are one key. Up to smallMax entries are searched in order; a bigger dict has an index.
type Dict struct {
	keys   []Value
	vals   []Value
	index  map[string]int // by hash key; nil while small
	frozen bool
}

const smallMax = 8

// NewDict makes an empty dict with room for capacity entries.
func NewDict(capacity int) *Dict {
	return &Dict{keys: make([]Value, 0, capacity), vals: make([]Value, 0, capacity)}
}

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// Frozen reports whether the dict may not be changed any more.
func (d *Dict) Frozen() bool { return d.frozen }

// Freeze forbids changes and returns the dict.
func (d *Dict) Freeze() *Dict {
	d.frozen = true
	return d
}

// Clone is a shallow copy that may be changed.
func (d *Dict) Clone() *Dict {
	out := &Dict{keys: append(make([]Value, 0, len(d.keys)+4), d.keys...), vals: append(make([]Value, 0, len(d.vals)+4), d.vals...)}
	if d.index != nil {
		out.reindex()
	}
	return out
}

func (d *Dict) reindex() {
	d.index = make(map[string]int, len(d.keys)*2)
	for i, k := range d.keys {
		h, _ := hashKey(k)
		d.index[h] = i
	}
}

// Set gives a key its value. The error says that the key is of an unhashable type.
func (d *Dict) Set(k, v Value) error {
	invariant.Check(!d.frozen, "a frozen dict is changed: key %v", k)
	if s, ok := k.(String); ok {
		d.SetString(string(s), v)
		return nil
	}
	h, err := hashKey(k)
	if err != nil {
		return err
	}
	if i := d.find(k, h); i >= 0 {
		d.vals[i] = v
		return nil
	}
	d.add(k, v, h)
	return nil
}

// SetString gives a text key its value.
func (d *Dict) SetString(name string, v Value) {
	invariant.Check(!d.frozen, "a frozen dict is changed: key %q", name)
	if i := d.findString(name); i >= 0 {
		d.vals[i] = v
		return
	}
	d.add(String(name), v, "")
}

func (d *Dict) add(k, v Value, h string) {
	d.keys, d.vals = append(d.keys, k), append(d.vals, v)
	switch {
	case d.index != nil:
		if h == "" {
			h, _ = hashKey(k)
		}
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
	h, err := hashKey(k)
	if err != nil {
		return nil, false
	}
	if i := d.find(k, h); i >= 0 {
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
	h, err := hashKey(k)
	if err != nil {
		return false
	}
	i := d.find(k, h)
	if i < 0 {
		return false
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
		if i, ok := d.index["s"+name]; ok {
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

func (d *Dict) find(k Value, h string) int {
	if d.index != nil {
		if i, ok := d.index[h]; ok {
			return i
		}
		return -1
	}
	for i, have := range d.keys {
		if Equal(have, k) {
			return i
		}
	}
	return -1
}

// hashKey is a text that is equal for exactly the values that are equal. The error names an unhashable type as Python does.
func hashKey(v Value) (string, error) {
	switch v := v.(type) {
	case String:
		return "s" + string(v), nil
	case Null:
		return "n", nil
	case Bool:
		if v {
			return "i1", nil
		}
		return "i0", nil
	case Int:
		return "i" + strconv.FormatInt(int64(v), 10), nil
	case BigInt:
		return "i" + v.n.String(), nil
	case Float:
		if f := float64(v); f == math.Trunc(f) && !math.IsInf(f, 0) {
			return "i" + bigFloat(f).String(), nil
		}
		return "f" + strconv.FormatFloat(float64(v), 'g', -1, 64), nil
	case *Tuple:
		h := "("
		for _, item := range v.items {
			part, err := hashKey(item)
			if err != nil {
				return "", err
			}
			h += strconv.Itoa(len(part)) + ":" + part
		}
		return h, nil
	case DateTime:
		return "d" + strconv.FormatInt(v.UnixMicro(), 10), nil
	case TimeSpan:
		return "t" + strconv.FormatInt(v.Microseconds(), 10), nil
	}
	return "", fmt.Errorf("unhashable type: '%s'", TypeName(v))
}

// Layers is a read-only view over dicts; the first layer that has a key wins.
type Layers struct{ layers []*Dict }

// NewLayers makes a view; nil dicts are left out. The dicts must not change any more.
func NewLayers(dicts ...*Dict) *Layers {
	l := &Layers{layers: make([]*Dict, 0, len(dicts))}
	for _, d := range dicts {
		if d != nil && d.Len() > 0 {
			l.layers = append(l.layers, d)
		}
	}
	return l
}

// Get looks a key up.
func (l *Layers) Get(k Value) (Value, bool) {
	for _, d := range l.layers {
		if v, ok := d.Get(k); ok {
			return v, true
		}
	}
	return nil, false
}

// GetString looks a text key up.
func (l *Layers) GetString(name string) (Value, bool) {
	for _, d := range l.layers {
		if v, ok := d.GetString(name); ok {
			return v, true
		}
	}
	return nil, false
}

// Len is the number of different keys.
func (l *Layers) Len() int { return l.Flatten().Len() }

// All gives the merged entries.
func (l *Layers) All() iter.Seq2[Value, Value] { return l.Flatten().All() }

// Flatten is the merged dict: the keys of the last layer first, as merging one dict after the other would order them.
func (l *Layers) Flatten() *Dict {
	out := NewDict(8)
	for i := len(l.layers) - 1; i >= 0; i-- {
		for k, v := range l.layers[i].All() {
			_ = out.Set(k, v) // it was hashable before
		}
	}
	return out
}
