package yaql

import (
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// source gives items one after the other; nil is the end.
type source func() (value.Value, error)

// iterator is a lazy collection that can be passed over once.
type iterator struct {
	value.Object
	next source
}

// TypeName is the name of the type in Python.
func (*iterator) TypeName() string { return "generator" }

// Repr is its text in Python, without the address.
func (*iterator) Repr() string { return "<generator object>" }

// memo is an iterator that keeps what it gave, so that it can be passed over again.
type memo struct {
	value.Object
	from source
	have []value.Value
	end  bool
}

func (m *memo) at(i int) (value.Value, error) {
	for i >= len(m.have) && !m.end {
		v, err := m.from()
		if err != nil {
			return nil, err
		}
		if v == nil {
			m.end = true
			break
		}
		m.have = append(m.have, v)
	}
	if i >= len(m.have) {
		return nil, nil
	}
	return m.have[i], nil
}

// viewOf says what a view shows of its dict.
type viewOf uint8

const (
	viewKeys viewOf = iota
	viewValues
	viewItems
)

// view is keys(), values() or items() of a dict.
type view struct {
	value.Object
	of   value.Mapping
	what viewOf
}

// TypeName is the name of the type in Python.
func (v *view) TypeName() string {
	if d, ok := v.of.(*value.Dict); ok && d.Mutable() {
		return [...]string{"dict_keys", "dict_values", "dict_items"}[v.what]
	}
	return [...]string{"KeysView", "ValuesView", "ItemsView"}[v.what]
}

// Truth reports whether the dict has entries.
func (v *view) Truth() bool { return v.of.Len() > 0 }

// Unhashable reports that the view can't be a key or a member of a set: those that are like sets are compared by content.
func (v *view) Unhashable() bool { return v.what != viewValues }

// Items are what the view shows.
func (v *view) Items() []value.Value { return v.list() }

// Repr is its text in Python.
func (v *view) Repr() string {
	if d, ok := v.of.(*value.Dict); !ok || !d.Mutable() {
		return v.TypeName() + "(" + value.StrFrozen(v.of) + ")"
	}
	name := [...]string{"dict_keys", "dict_values", "dict_items"}[v.what]
	return name + "(" + value.StrFrozen(value.PythonList(v.list())) + ")"
}

func (v *view) list() []value.Value {
	items := make([]value.Value, 0, v.of.Len())
	for k, item := range v.of.All() {
		item = inherit(v.of, item)
		switch v.what {
		case viewKeys:
			items = append(items, k)
		case viewValues:
			items = append(items, item)
		case viewItems:
			items = append(items, value.NewTuple([]value.Value{k, item}))
		}
	}
	return items
}

// sequence gives the items of a list or tuple.
func sequence(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return thawedItems(v), true
	case *value.Tuple:
		return v.Items(), true
	}
	return nil, false
}

// nestedMax bounds how deep a value may be nested that is shown, compared or hashed, as Python's recursion limit does.
const nestedMax = 900

func thawedItems(l *value.List) []value.Value {
	if !l.ItemsMutable() {
		return l.Items()
	}
	items := make([]value.Value, l.Len())
	for i, item := range l.Items() {
		items[i] = value.Thawed(item)
	}
	return items
}

// tuple gives the items of a list that is a tuple to Python.
func tuple(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Items(), !v.Mutable()
	case *value.Tuple:
		return v.Items(), true
	}
	return nil, false
}

// isIterator reports whether a value is an iterator to Python.
func isIterator(v value.Value) bool {
	switch v.(type) {
	case *iterator, *memo:
		return true
	}
	return false
}

// checkKey pays for the parts of a key, and says if it is of an unhashable type.
func (r *run) checkKey(key value.Value) error {
	if v, ok := key.(*view); ok && v.Unhashable() {
		return asType(value.CheckKey(key))
	}
	switch key.Kind() {
	case value.KindList, value.KindTuple, value.KindDict, value.KindSet:
		if err := r.measure(key); err != nil {
			return err
		}
		return asType(value.CheckKey(key))
	}
	return nil
}

// measure pays for the parts of a value before something goes through all of them: a value that is shared often can be
// far bigger than what was made for it.
func (r *run) measure(v value.Value) error {
	n, ok := value.Measure(v, nestedMax, scope.ItemsDefault)
	if !ok {
		return fail(classRecursion, "maximum recursion depth exceeded")
	}
	return r.budget.Charge(n)
}

// nested runs fn one level deeper.
func (r *run) nested(fn func() error) error {
	if err := r.budget.Enter(); err != nil {
		return err
	}
	defer r.budget.Leave()
	return fn()
}

// sized gives the items of a collection whose length is known without going through it.
func (r *run) sized(v value.Value) ([]value.Value, bool) {
	if items, ok := sequence(v); ok {
		return items, true
	}
	switch v := v.(type) {
	case *value.Set:
		return v.Items(), true
	case *view:
		return v.list(), true
	case value.Mapping:
		if r != nil && r.options.IterableDicts {
			return (&view{of: v, what: viewKeys}).list(), true
		}
	}
	return nil, false
}

// iterable reports whether a value is a collection to the queries: no text, and no dict unless the options say so.
func (r *run) iterable(v value.Value) bool {
	switch v.(type) {
	case *value.List, *value.Tuple, *value.Set, *iterator, *memo, *ordered, *view:
		return true
	case value.Mapping:
		return r != nil && r.options.IterableDicts
	}
	return false
}

func isSet(v value.Value) bool {
	switch v := v.(type) {
	case *value.Set:
		return true
	case *view:
		return v.what != viewValues
	}
	return false
}

// pullsMax bounds how many iterators may stand one on the other.
const pullsMax = 5000

// iterator makes a lazy collection; each item costs a step.
func (r *run) iterator(next source) *iterator {
	return &iterator{next: func() (value.Value, error) {
		if err := r.budget.Step(); err != nil {
			return nil, err
		}
		if r.pulls++; r.pulls > pullsMax {
			return nil, &scope.LimitError{Limit: "depth", Max: pullsMax}
		}
		v, err := next()
		r.pulls--
		return v, err
	}}
}

// source goes through a collection.
func (r *run) source(v value.Value) source {
	switch v := v.(type) {
	case *iterator:
		return v.next
	case *memo:
		i := -1
		return func() (value.Value, error) {
			i++
			return v.at(i)
		}
	case *ordered:
		var items []value.Value
		i := -1
		return func() (value.Value, error) {
			if i < 0 {
				var err error
				if items, err = v.sorted(r); err != nil {
					return nil, err
				}
			}
			if i++; i < len(items) {
				return items[i], nil
			}
			return nil, nil
		}
	}
	items, _ := r.sized(v)
	return sliceSource(items)
}

func sliceSource(items []value.Value) source {
	i := -1
	return func() (value.Value, error) {
		if i++; i < len(items) {
			return items[i], nil
		}
		return nil, nil
	}
}

// each calls fn with the items of a collection until it answers false.
func (r *run) each(v value.Value, fn func(value.Value) (bool, error)) error {
	if items, ok := r.sized(v); ok {
		for _, item := range items {
			if err := r.budget.Step(); err != nil {
				return err
			}
			if more, err := fn(item); err != nil || !more {
				return err
			}
		}
		return nil
	}
	next := r.source(v)
	for {
		item, err := next()
		if item == nil || err != nil {
			return err
		}
		if err := r.budget.Step(); err != nil {
			return err
		}
		if more, err := fn(item); err != nil || !more {
			return err
		}
	}
}

// collect gives all items of a collection.
func (r *run) collect(v value.Value) ([]value.Value, error) {
	if items, ok := r.sized(v); ok {
		return items, nil
	}
	var out []value.Value
	err := r.each(v, func(item value.Value) (bool, error) {
		out = append(out, item)
		return true, r.budget.Charge(1)
	})
	return out, err
}

// chain goes through collections one after the other.
func (r *run) chain(parts []value.Value) *iterator {
	var from source
	return r.iterator(func() (value.Value, error) {
		for {
			if from == nil {
				if len(parts) == 0 {
					return nil, nil
				}
				from, parts = r.source(parts[0]), parts[1:]
			}
			item, err := from()
			if item != nil || err != nil {
				return item, err
			}
			from = nil
		}
	})
}

// limited bounds a collection by the option LimitIterators.
func (r *run) limited(v value.Value) (value.Value, error) {
	limit := max(r.options.LimitIterators, 0)
	if r.options.LimitIterators == 0 {
		return v, nil
	}
	switch v := v.(type) {
	case *iterator, *memo, *ordered:
		n := 0
		var next source
		return &iterator{next: func() (value.Value, error) {
			if next == nil {
				next = r.source(v)
			}
			item, err := next()
			if item == nil || err != nil {
				return nil, err
			}
			if n++; n > limit {
				return nil, tooLarge(limit)
			}
			return item, nil
		}}, nil
	case value.Mapping:
		if v.Len() > limit {
			return nil, tooLarge(limit)
		}
	default:
		if items, ok := r.sized(v); ok && len(items) > limit {
			return nil, tooLarge(limit)
		}
	}
	return v, nil
}

// oneMore pays for the n-th item of a collection that is being made, within the option LimitIterators.
func (r *run) oneMore(n int) error {
	if limit := max(r.options.LimitIterators, 0); r.options.LimitIterators != 0 && n > limit {
		return tooLarge(limit)
	}
	return r.budget.Charge(1)
}

func tooLarge(limit int) error {
	return fail(classTooLarge, "Collection length exceeds %d elements", limit)
}

// weigh compares the sizes of values with the memory quota, counted about as CPython does, each value alone.
func (r *run) weigh(values ...value.Value) error {
	if r.options.MemoryQuota <= 0 {
		return nil
	}
	for _, v := range values {
		size := 0
		switch v := v.(type) {
		case value.String:
			size = len(v)
		case *value.List:
			size = 8 * v.Len()
		case *value.Dict:
			size = 30 * v.Len()
		case *value.Set:
			size = 30 * v.Len()
		}
		if err := r.weighBytes(size); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) weighBytes(size int) error {
	const header = 40
	if r.options.MemoryQuota > 0 && size+header > r.options.MemoryQuota {
		return fail(classMemory, "Expression consumed too much memory")
	}
	return nil
}
