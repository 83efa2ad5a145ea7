package value

import "iter"

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
func (l *Layers) Len() int {
	switch len(l.layers) {
	case 0:
		return 0
	case 1:
		return l.layers[0].Len()
	}
	return l.Flatten().Len()
}

// All gives the merged entries.
func (l *Layers) All() iter.Seq2[Value, Value] {
	if len(l.layers) == 1 {
		return l.layers[0].All()
	}
	return l.Flatten().All()
}

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
