package value

// mutability says how YAQL sees a list or dict. It converts the data: a list is a tuple there and a dict is hashable, and
// so is all that is in them. What Python's own functions made is left alone.
type mutability struct {
	// mutable: it is Python's list or dict to YAQL too; it prints with brackets and is no key.
	mutable bool
	// shallow: only the container is; what is in it has a mark of its own. Otherwise the items inherit the mark.
	shallow bool
}

// Mutable reports whether the container is Python's list or dict to YAQL too; see Thawed and PythonList.
func (m mutability) Mutable() bool { return m.mutable }

// ItemsMutable reports whether that holds for the items as well.
func (m mutability) ItemsMutable() bool { return m.mutable && !m.shallow }

// Thawed marks a list or dict as one that YAQL must see as Python's mutable list or dict: what comes from outside the
// data (json_parse, env, task) is not converted there, prints with brackets and is no key. Nothing is copied; the items
// inherit the mark from their container. Other values come back as they are.
func Thawed(v Value) Value {
	switch v := v.(type) {
	case *List:
		if !v.mutable {
			return &List{items: v.items, mutability: mutability{mutable: true}}
		}
	case *Dict:
		if !v.mutable {
			d := *v
			d.mutability, d.frozen = mutability{mutable: true}, true
			return &d
		}
	case *Layers:
		return Thawed(v.Flatten())
	}
	return v
}

// PythonList is a list that YAQL sees as Python's list, with items that are what they are. It takes ownership of items.
func PythonList(items []Value) *List {
	return &List{items: items, mutability: mutability{mutable: true, shallow: true}}
}

// PythonDict freezes d and marks it as one that YAQL sees as Python's dict, with items that are what they are.
func PythonDict(d *Dict) *Dict {
	out := *d
	out.mutability, out.frozen = mutability{mutable: true, shallow: true}, true
	return &out
}

// listStyle says what an unmarked list is to a reader.
type listStyle uint8

const (
	listPython listStyle = iota // Python's list
	listFrozen                  // a tuple, as YAQL has it
)

// isTuple reports whether a sequence is a tuple to a reader. Not ok: v is no sequence.
func isTuple(v Value, style listStyle) (tuple, ok bool) {
	switch v := v.(type) {
	case *List:
		return style == listFrozen && !v.mutable, true
	case *Tuple:
		return true, true
	}
	return false, false
}

// within is the style of what is in a container.
func within(v Value, style listStyle) listStyle {
	var m mutability
	switch v := v.(type) {
	case *List:
		m = v.mutability
	case *Dict:
		m = v.mutability
	}
	switch {
	case m.mutable && m.shallow:
		return listFrozen
	case m.mutable:
		return listPython
	}
	return style
}

func itemsOf(v Value) []Value {
	switch v := v.(type) {
	case *List:
		return v.items
	case *Tuple:
		return v.items
	}
	return nil
}
