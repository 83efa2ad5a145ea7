package value

// List is a frozen sequence.
type List struct {
	items []Value
	mutability
}

// NewList makes a list and takes ownership of items.
func NewList(items []Value) *List { return &List{items: items} }

// Len is the number of items.
func (l *List) Len() int { return len(l.items) }

// At is the item at index i, 0 ≤ i < Len.
func (l *List) At(i int) Value { return l.items[i] }

// Items are all items; the caller must not change them.
func (l *List) Items() []Value { return l.items }

// Tuple is Python's tuple: a frozen sequence that is hashable when its items are.
type Tuple struct{ items []Value }

// NewTuple makes a tuple and takes ownership of items.
func NewTuple(items []Value) *Tuple { return &Tuple{items} }

// NewTuples makes a tuple of each n items in a row and takes ownership of items.
func NewTuples(items []Value, n int) []Tuple {
	out := make([]Tuple, len(items)/n)
	for i := range out {
		out[i].items = items[i*n : (i+1)*n : (i+1)*n]
	}
	return out
}

// Len is the number of items.
func (t *Tuple) Len() int { return len(t.items) }

// At is the item at index i, 0 ≤ i < Len.
func (t *Tuple) At(i int) Value { return t.items[i] }

// Items are all items; the caller must not change them.
func (t *Tuple) Items() []Value { return t.items }
