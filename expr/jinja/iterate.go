package jinja

import (
	"unicode/utf8"

	"cierzo/expr/value"
)

// iterator gives items one after the other; ok is false behind the last.
type iterator interface {
	next(r *run) (item value.Value, ok bool, err error)
}

// iteratorFunc is a function that is an iterator.
type iteratorFunc func(r *run) (value.Value, bool, error)

func (f iteratorFunc) next(r *run) (value.Value, bool, error) { return f(r) }

// sliceIterator gives the items of a slice.
type sliceIterator struct {
	items []value.Value
	at    int
}

func (s *sliceIterator) next(*run) (value.Value, bool, error) {
	if s.at >= len(s.items) {
		return nil, false, nil
	}
	s.at++
	return s.items[s.at-1], true, nil
}

// listIterator sees what is appended while it runs, as Python's does.
type listIterator struct {
	list *value.List
	at   int
}

func (l *listIterator) next(*run) (value.Value, bool, error) {
	if l.at >= l.list.Len() {
		return nil, false, nil
	}
	l.at++
	return l.list.At(l.at - 1), true, nil
}

type textIterator struct{ rest string }

func (t *textIterator) next(*run) (value.Value, bool, error) {
	if t.rest == "" {
		return nil, false, nil
	}
	_, size := utf8.DecodeRuneInString(t.rest)
	s := t.rest[:size]
	t.rest = t.rest[size:]
	return value.String(s), true, nil
}

// dictIterator gives keys, values or items of a dict, which must not grow or shrink meanwhile.
type dictIterator struct {
	m    *value.Dict
	kind string
	at   int
	n    int
}

func (d *dictIterator) next(*run) (value.Value, bool, error) {
	if d.m.Len() != d.n {
		return nil, false, raise("RuntimeError", "dictionary changed size during iteration")
	}
	if d.at >= d.n {
		return nil, false, nil
	}
	k, v := d.m.At(d.at)
	d.at++
	switch d.kind {
	case "values":
		return v, true, nil
	case "items":
		return value.NewTuple([]value.Value{k, v}), true, nil
	}
	return k, true, nil
}

func dictIter(m value.Mapping, kind string) iterator {
	d, ok := m.(*value.Dict)
	if !ok {
		d = m.(*value.Layers).Flatten()
	}
	return &dictIterator{m: d, kind: kind, n: d.Len()}
}

// iter begins to iterate over a value.
func (r *run) iter(v value.Value) (iterator, error) {
	switch v := v.(type) {
	case *value.List:
		return &listIterator{list: v}, nil
	case *value.Tuple:
		return &sliceIterator{items: v.Items()}, nil
	case value.String:
		return &textIterator{string(v)}, nil
	case *markup:
		return &textIterator{v.s}, nil
	case value.Mapping:
		return dictIter(v, "keys"), nil
	case *value.Set:
		return &sliceIterator{items: v.Items()}, nil
	case *view:
		return dictIter(v.m, v.kind), nil
	case *generator:
		return v.it, nil
	case *rangeObject:
		at := 0
		return iteratorFunc(func(*run) (value.Value, bool, error) {
			at++
			return value.Int(v.start + int64(at-1)*v.step), at <= v.n, nil
		}), nil
	case *loopObject:
		return iteratorFunc(func(r *run) (value.Value, bool, error) {
			item, ok, err := v.advance(r)
			return value.NewTuple([]value.Value{item, v}), ok, err
		}), nil
	case *bytesObject:
		at := 0
		return iteratorFunc(func(*run) (value.Value, bool, error) {
			if at >= len(v.b) {
				return nil, false, nil
			}
			at++
			return value.Int(v.b[at-1]), true, nil
		}), nil
	case *undefined:
		if v.lenient {
			return &sliceIterator{}, nil
		}
		return nil, v.fail()
	}
	return nil, typeError("'%s' object is not iterable", typeName(v))
}

// pull takes the next item from an iterator and a step from the budget.
func (r *run) pull(it iterator) (value.Value, bool, error) {
	if err := r.b.Step(); err != nil {
		return nil, false, err
	}
	return it.next(r)
}

// drain takes all items that are left.
func (r *run) drain(it iterator) ([]value.Value, error) {
	var out []value.Value
	for {
		item, ok, err := r.pull(it)
		if err != nil || !ok {
			return out, err
		}
		if err := r.make(1); err != nil {
			return nil, err
		}
		if out == nil {
			out = make([]value.Value, 0, room(it))
		}
		out = append(out, item)
	}
}

// room is how many items there is room for at first: as many as map will give, if that is seen at once and they are few.
func room(it iterator) int {
	if m, ok := it.(*mapped); ok && m.list.list != nil {
		return min(max(m.list.list.Len(), 1), 256)
	}
	return 8
}

// itemsOf are the items of a list or tuple, which stay its own; nil: it is none, or empty.
func itemsOf(v value.Value) []value.Value {
	switch v := v.(type) {
	case *value.List:
		return v.Items()
	case *value.Tuple:
		return v.Items()
	}
	return nil
}

// chargeItems takes from the budget what looking at n items, one after the other, takes.
func (r *run) chargeItems(n int) error {
	if err := r.steps(n + 1); err != nil {
		return err
	}
	return r.make(n)
}

// list gives all items of a value in a slice of its own.
func (r *run) list(v value.Value) ([]value.Value, error) {
	if have := itemsOf(v); len(have) > 0 {
		if err := r.chargeItems(len(have)); err != nil {
			return nil, err
		}
		return append(make([]value.Value, 0, len(have)), have...), nil
	}
	return r.listOther(v)
}

// borrow is list for a caller that only reads the items, and keeps none of the slice.
func (r *run) borrow(v value.Value) ([]value.Value, error) {
	if have := itemsOf(v); len(have) > 0 {
		return have, r.chargeItems(len(have))
	}
	return r.listOther(v)
}

func (r *run) listOther(v value.Value) ([]value.Value, error) {
	it, err := r.iter(v)
	if err != nil {
		return nil, err
	}
	return r.drain(it)
}

// lengthOf is len(v); not ok: the value has none.
func lengthOf(v value.Value) (int, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Len(), true
	case *value.Tuple:
		return v.Len(), true
	case value.String:
		return utf8.RuneCountInString(string(v)), true
	case *markup:
		return utf8.RuneCountInString(v.s), true
	case value.Mapping:
		return v.Len(), true
	case *value.Set:
		return v.Len(), true
	case *view:
		return v.m.Len(), true
	case *rangeObject:
		return v.n, true
	case *bytesObject:
		return len(v.b), true
	case *undefined:
		return 0, v.lenient
	}
	return 0, false
}

// length is len(v) with Python's errors.
func (r *run) length(v value.Value) (int, error) {
	if n, ok := lengthOf(v); ok {
		return n, nil
	}
	if u, ok := v.(*undefined); ok {
		return 0, u.fail()
	}
	return 0, typeError("object of type '%s' has no len()", typeName(v))
}

// truth is bool(v).
func (r *run) truth(v value.Value) (bool, error) {
	switch v := v.(type) {
	case *undefined:
		if v.lenient {
			return false, nil
		}
		return false, v.fail()
	case *markup, *view, *rangeObject, *bytesObject:
		n, _ := lengthOf(v)
		return n > 0, nil
	}
	return value.Truthy(v), nil
}
