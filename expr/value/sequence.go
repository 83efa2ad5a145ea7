package value

// List is a frozen sequence.
type List struct {
	items   []Value
	mutable bool
}

// NewList makes a list and takes ownership of items.
func NewList(items []Value) *List { return &List{items: items} }

// Len is the number of items.
func (l *List) Len() int { return len(l.items) }

// At is the item at index i, 0 ≤ i < Len.
func (l *List) At(i int) Value { return l.items[i] }

// Items are all items; the caller must not change them.
func (l *List) Items() []Value { return l.items }

// Mutable reports whether the list is Python's list to YAQL too; see Thawed.
func (l *List) Mutable() bool { return l.mutable }

// Tuple is Python's tuple: a frozen sequence that is hashable when its items are.
type Tuple struct{ items []Value }

// NewTuple makes a tuple and takes ownership of items.
func NewTuple(items []Value) *Tuple { return &Tuple{items} }

// Len is the number of items.
func (t *Tuple) Len() int { return len(t.items) }

// At is the item at index i, 0 ≤ i < Len.
func (t *Tuple) At(i int) Value { return t.items[i] }

// Items are all items; the caller must not change them.
func (t *Tuple) Items() []Value { return t.items }

// Thawed marks a list or dict as one that YAQL must see as Python's mutable list or dict: what comes from outside the
// data (json_parse, env, task) is not converted there, prints with brackets and is no key. Nothing is copied; the items
// inherit the mark from their container. Other values come back as they are.
func Thawed(v Value) Value {
	switch v := v.(type) {
	case *List:
		if !v.mutable {
			return &List{items: v.items, mutable: true}
		}
	case *Dict:
		if !v.mutable {
			d := *v
			d.mutable, d.frozen = true, true
			return &d
		}
	case *Layers:
		return Thawed(v.Flatten())
	}
	return v
}
