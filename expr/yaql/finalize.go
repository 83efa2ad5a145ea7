package yaql

import (
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// finalizer converts a result: collections become lists, views of keys and items sets. What needs no conversion is
// shared, not copied.
type finalizer struct {
	*run
	size int
}

// resultDepthMax bounds how deep a result may be nested.
const resultDepthMax = 200

func (r *run) finalize(v value.Value) (value.Value, error) {
	if r.options.RawOutput {
		return r.raw(v, 0)
	}
	if v == value.Value(noValue) {
		return nil, noMatch("#finalize")
	}
	f := finalizer{run: r}
	return f.convert(v, 0)
}

func (f *finalizer) charge(n int) error {
	f.size += n
	if f.size > f.budget.OutputMax() {
		return &scope.LimitError{Limit: "output", Max: f.budget.OutputMax()}
	}
	return nil
}

func (f *finalizer) convert(v value.Value, depth int) (value.Value, error) {
	switch v := v.(type) {
	case value.String:
		return v, f.charge(len(v))
	case value.Null, value.Bool, value.Int, value.Float, value.BigInt, value.DateTime, value.TimeSpan, value.Date:
		return v, nil
	}
	if depth > resultDepthMax {
		return nil, fail(classRecursion, "result is nested deeper than %d", resultDepthMax)
	}
	v, err := f.limited(v)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case value.Mapping:
		return f.mapping(v, depth)
	case *value.List:
		return f.list(v, depth)
	case *value.Set:
		return f.set(v.Items(), depth)
	case *view:
		if v.what != viewValues {
			return f.set(v.list(), depth)
		}
	}
	if !f.iterable(v) {
		return v, nil
	}
	var items []value.Value
	err = f.each(v, func(item value.Value) (bool, error) {
		if err := f.charge(1); err != nil {
			return false, err
		}
		item, err := f.convert(item, depth+1)
		items = append(items, item)
		return true, err
	})
	if _, tuple := v.(*value.Tuple); tuple && f.options.KeepTuples {
		return value.NewTuple(items), err
	}
	return value.NewList(items), err
}

func (f *finalizer) list(l *value.List, depth int) (value.Value, error) {
	items, changed, err := f.items(l.Items(), depth)
	switch {
	case err != nil:
		return nil, err
	case f.options.KeepTuples && !l.Mutable():
		return value.NewTuple(items), nil
	case changed || l.Mutable():
		return value.NewList(items), nil
	}
	return l, nil
}

// items converts a slice; it is copied when an item changes.
func (f *finalizer) items(items []value.Value, depth int) ([]value.Value, bool, error) {
	if err := f.charge(len(items)); err != nil {
		return nil, false, err
	}
	var out []value.Value
	for i, item := range items {
		got, err := f.convert(item, depth+1)
		if err != nil {
			return nil, false, err
		}
		if out == nil && !same(got, item) {
			out = append(make([]value.Value, 0, len(items)), items[:i]...)
		}
		if out != nil {
			out = append(out, got)
		}
	}
	if out == nil {
		return items, false, nil
	}
	return out, true, nil
}

// same reports whether a conversion gave its argument back.
func same(a, b value.Value) bool {
	switch b := b.(type) {
	case *value.List:
		l, ok := a.(*value.List)
		return ok && l == b
	case *value.Dict:
		d, ok := a.(*value.Dict)
		return ok && d == b
	case *value.Layers, *value.Set, *value.Tuple:
		return false
	}
	return a.Kind() != value.KindList && a.Kind() != value.KindSet
}

func (f *finalizer) mapping(m value.Mapping, depth int) (value.Value, error) {
	d, isDict := m.(*value.Dict)
	changed := !isDict || d.Mutable() || !d.Frozen()
	n := m.Len()
	if err := f.charge(n); err != nil {
		return nil, err
	}
	keys, vals := make([]value.Value, 0, n), make([]value.Value, 0, n)
	for k, v := range m.All() {
		key, err := f.convert(k, depth+1)
		if err != nil {
			return nil, err
		}
		got, err := f.convert(v, depth+1)
		if err != nil {
			return nil, err
		}
		changed = changed || !same(got, v) || k.Kind() > value.KindString
		keys, vals = append(keys, key), append(vals, got)
	}
	if !changed {
		return d, nil
	}
	out := value.NewDict(n)
	for i, k := range keys {
		if err := out.Set(k, vals[i]); err != nil {
			return nil, asType(err)
		}
	}
	return out.Freeze(), nil
}

func (f *finalizer) set(items []value.Value, depth int) (value.Value, error) {
	items, _, err := f.items(items, depth)
	if err != nil {
		return nil, err
	}
	if f.options.SetsToLists {
		return value.NewList(items), nil
	}
	// What is a set inside becomes one that can be changed, and that can't be a member.
	for _, item := range items {
		if item.Kind() == value.KindSet {
			return nil, fail(classType, "unhashable type: 'set'")
		}
	}
	s, err := value.NewSet(items, f.options.KeepTuples)
	if err != nil {
		return nil, asType(err)
	}
	return s, nil
}

// raw leaves a result what it is in Python: lists are tuples unless they are marked. Only an iterator becomes a list.
func (r *run) raw(v value.Value, depth int) (value.Value, error) {
	if depth > resultDepthMax {
		return nil, fail(classRecursion, "result is nested deeper than %d", resultDepthMax)
	}
	_, lazy := v.(*iterator)
	_, isTuple := tuple(v)
	switch v := v.(type) {
	case value.Mapping:
		out := value.NewFreeDict(v.Len())
		for k, item := range v.All() {
			got, err := r.raw(inherit(v, item), depth+1)
			if err != nil {
				return nil, err
			}
			if err := r.put(out, k, got); err != nil {
				return nil, err
			}
		}
		return out.Freeze(), r.budget.Charge(out.Len())
	case *view:
		return v, nil
	}
	if !r.iterable(v) || lazy && depth > 0 {
		return v, nil
	}
	var items []value.Value
	err := r.each(v, func(item value.Value) (bool, error) {
		got, err := r.raw(item, depth+1)
		items = append(items, got)
		if err == nil {
			err = r.budget.Charge(1)
		}
		return true, err
	})
	switch {
	case err != nil:
		return nil, err
	case v.Kind() == value.KindSet:
		return setOf(r.newSet(items))
	case isTuple:
		return value.NewTuple(items), nil
	}
	return value.NewList(items), nil
}
