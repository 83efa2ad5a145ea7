package yaql

import (
	"cierzo/expr/value"
)

func collectionEntries() []entry {
	return []entry{
		{formFunction, "list(*args: any)", makeTuple},
		{formMethod, "toList(collection: iterable)", toList},
		{formMethod, "flatten(collection: iterable)", flatten},
		{formBoth, "len(sequence: sequence)", length},
		{formBoth, "len(collection: iterator)", count},
		{formMethod, "count(collection: iterable)", count},
		{formFunction, "isList(arg: any)", isType(typSequence)},
		{formFunction, "isIterable(value: any)", isType(typIterable)},
		{formMethod, "contains(collection: iterable, value: any)", contains(1, 0)},
		{formMethod, "insert(collection: sequence, position: int, value: any)", insertIntoList},
		{formMethod, "insert(collection: non-set, position: int, value: any)", insertInto},
		{formMethod, "insertMany(collection: iterable, position: int, values: iterable)", insertMany},
		{formMethod, "delete(collection: iterable, position: int, count: int = 1)", deleteItems},
		{formMethod, "replace(collection: iterable, position: int, value: any, count: int = 1)", replaceItem},
		{formMethod, "replaceMany(collection: iterable, position: int, values: iterable, count: int = 1)", replaceMany},
		{formMethod, "memorize(collection: iterable)", memorize},
		{formMethod, "reverse(collection: iterable)", reverse},
		{formMethod, "slice(collection: iterable, length: int)", slice},
		{formMethod, "splitAt(collection: iterable, index: int)", splitAt},
		{formMethod, "splitWhere(collection: iterable, predicate: lambda)", splitWhere},
		{formMethod, "sliceWhere(collection: iterable, predicate: lambda)", sliceWhere},
		{formMethod, "defaultIfEmpty(collection: iterable, default: iterable)", defaultIfEmpty},
	}
}

// isType tests the first argument by the check of a parameter.
func isType(t typ) func(*args) (value.Value, error) {
	p := param{typ: t}
	return func(a *args) (value.Value, error) { return value.Bool(p.accepts(a.r, a.at[0])), nil }
}

// spliced gives the items of iterators among values in the place of the iterators, at any depth.
func (r *run) spliced(values []value.Value, add func(value.Value) error) error {
	for _, v := range values {
		if !isIterator(v) {
			if err := add(v); err != nil {
				return err
			}
			continue
		}
		err := r.each(v, func(item value.Value) (bool, error) {
			return true, r.nested(func() error { return r.spliced([]value.Value{item}, add) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func makeTuple(a *args) (value.Value, error) {
	var items []value.Value
	err := a.r.spliced(a.rest, func(v value.Value) error {
		items = append(items, v)
		return a.r.oneMore(len(items))
	})
	return value.NewList(items), err
}

func toList(a *args) (value.Value, error) {
	items, err := a.r.collect(a.at[0])
	return value.NewList(items), err
}

func flatten(a *args) (value.Value, error) {
	stack := []source{a.r.source(a.at[0])}
	return a.r.iterator(func() (value.Value, error) {
		for len(stack) > 0 {
			item, err := stack[len(stack)-1]()
			switch {
			case err != nil:
				return nil, err
			case item == nil:
				stack = stack[:len(stack)-1]
			case !a.r.iterable(item):
				return item, nil
			default:
				if err := a.r.budget.Charge(1); err != nil {
					return nil, err
				}
				stack = append(stack, a.r.source(item))
			}
		}
		return nil, nil
	}), nil
}

func length(a *args) (value.Value, error) {
	switch v := a.at[0].(type) {
	case value.Mapping:
		return value.Int(v.Len()), nil
	case *value.Set:
		return value.Int(v.Len()), nil
	case *value.List:
		return value.Int(v.Len()), nil
	case *value.Tuple:
		return value.Int(v.Len()), nil
	case *view:
		return value.Int(v.of.Len()), nil
	}
	return count(a)
}

func count(a *args) (value.Value, error) {
	n := 0
	err := a.r.each(a.at[0], func(value.Value) (bool, error) {
		n++
		return true, nil
	})
	return value.Int(n), err
}

// insertIntoList is list.insert: negative positions count from the end.
func insertIntoList(a *args) (value.Value, error) {
	items, _ := sequence(a.at[0])
	if err := a.r.budget.Charge(len(items) + 1); err != nil {
		return nil, err
	}
	at, _ := value.SliceBounds(a.int(1), len(items), len(items))
	out := make([]value.Value, 0, len(items)+1)
	out = append(append(append(out, items[:at]...), a.at[2]), items[at:]...)
	return value.PythonList(out), nil
}

func insertInto(a *args) (value.Value, error) {
	return a.r.inserting(a.at[0], a.int(1), sliceSource([]value.Value{a.at[2]}), false), nil
}

func insertMany(a *args) (value.Value, error) {
	return a.r.inserting(a.at[0], a.int(1), a.r.source(a.at[2]), true), nil
}

// inserting puts values in at a position; behind the end they come last. A negative position is the front, or nowhere.
func (r *run) inserting(collection value.Value, position int, values source, front bool) *iterator {
	const before, inserting, end = 0, 1, 2
	from := r.source(collection)
	state, i := before, 0
	if position < 0 {
		state = end
		if front {
			state = inserting
		}
	}
	return r.iterator(func() (value.Value, error) {
		if state == before && i == position {
			state = inserting
		}
		if state == inserting {
			if v, err := values(); v != nil || err != nil {
				return v, err
			}
			state = end
		}
		v, err := from()
		i++
		if v == nil && err == nil && state == before {
			state = inserting
			v, err = values()
		}
		return v, err
	})
}

// inRange reports whether position i is among the count from position on; a negative count goes to the end.
func inRange(i, position, count int) bool {
	return i >= position && (count < 0 || i-position < count)
}

func deleteItems(a *args) (value.Value, error) {
	from := a.r.source(a.at[0])
	i := -1
	return a.r.iterator(func() (value.Value, error) {
		for {
			v, err := from()
			if v == nil || err != nil {
				return nil, err
			}
			if i++; !inRange(i, a.int(1), a.int(2)) {
				return v, nil
			}
			if err := a.r.budget.Step(); err != nil {
				return nil, err
			}
		}
	}), nil
}

func replaceItem(a *args) (value.Value, error) {
	return a.r.replacing(a.at[0], a.int(1), a.int(3), sliceSource([]value.Value{a.at[2]})), nil
}

func replaceMany(a *args) (value.Value, error) {
	return a.r.replacing(a.at[0], a.int(1), a.int(3), a.r.source(a.at[2])), nil
}

// replacing puts the values in the place of count items from position on.
func (r *run) replacing(collection value.Value, position, count int, values source) *iterator {
	from := r.source(collection)
	i, open, done := -1, false, false
	return r.iterator(func() (value.Value, error) {
		for {
			if open {
				if v, err := values(); v != nil || err != nil {
					return v, err
				}
				open, done = false, true
			}
			v, err := from()
			if v == nil || err != nil {
				return nil, err
			}
			if i++; !inRange(i, position, count) {
				return v, nil
			}
			open = !done
			if err := r.budget.Step(); err != nil {
				return nil, err
			}
		}
	})
}

func memorize(a *args) (value.Value, error) { return memorized(a.at[0]), nil }

// memorized makes a collection that can be passed over again of an iterator.
func memorized(v value.Value) value.Value {
	if it, ok := v.(*iterator); ok {
		return &memo{from: it.next}
	}
	return v
}

func reverse(a *args) (value.Value, error) {
	items, err := a.r.collect(a.at[0])
	i := len(items)
	return a.r.iterator(func() (value.Value, error) {
		if i--; i >= 0 {
			return items[i], nil
		}
		return nil, nil
	}), err
}

func slice(a *args) (value.Value, error) {
	from, n := a.r.source(a.at[0]), a.int(1)
	return a.r.iterator(func() (value.Value, error) {
		if n < 0 {
			return nil, fail(classValue, "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
		}
		var items []value.Value
		for len(items) < n {
			v, err := from()
			if err != nil {
				return nil, err
			}
			if v == nil {
				break
			}
			if err := a.r.budget.Charge(1); err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		if items == nil {
			return nil, nil
		}
		return value.NewList(items), nil
	}), nil
}

func splitAt(a *args) (value.Value, error) {
	items, err := a.r.collect(a.at[0])
	if err != nil {
		return nil, err
	}
	at, _ := value.SliceBounds(a.int(1), len(items), len(items))
	return value.PythonList([]value.Value{value.NewList(items[:at:at]), value.NewList(items[at:])}), nil
}

// splitWhere leaves out the items that split.
func splitWhere(a *args) (value.Value, error) {
	return a.parts(func(v value.Value, _ int) (cut, drop bool, err error) {
		cut, err = a.lambda(1).truth(v)
		return cut, true, err
	})
}

// sliceWhere splits where the predicate changes.
func sliceWhere(a *args) (value.Value, error) {
	var last value.Value
	return a.parts(func(v value.Value, i int) (cut, drop bool, err error) {
		now, err := a.lambda(1).call(v)
		if err != nil {
			return false, false, err
		}
		same := true
		if i > 0 {
			same, err = a.r.equals(now, last)
		}
		last = now
		return !same, false, err
	})
}

// parts cuts the first argument before each item that cutBefore says; drop leaves that item out.
func (a *args) parts(cutBefore func(v value.Value, i int) (cut, drop bool, err error)) (value.Value, error) {
	var items []value.Value
	begun := false
	start, end := 0, 0
	return a.r.iterator(func() (value.Value, error) {
		if !begun {
			begun = true
			var err error
			if items, err = a.r.collect(a.at[0]); err != nil {
				return nil, err
			}
		}
		for ; end < len(items); end++ {
			cut, drop, err := cutBefore(items[end], end)
			if err != nil {
				return nil, err
			}
			if !cut {
				continue
			}
			part := value.NewList(items[start:end:end])
			start = end
			if drop {
				start++
			}
			end++
			return part, nil
		}
		if start >= end {
			return nil, nil
		}
		part := value.NewList(items[start:end:end])
		start = end
		return part, nil
	}), nil
}

func defaultIfEmpty(a *args) (value.Value, error) {
	v := memorized(a.at[0])
	if items, ok := a.r.sized(v); ok {
		if len(items) == 0 {
			return a.at[1], nil
		}
		return v, nil
	}
	first, err := a.r.source(v)()
	if err == nil && first == nil {
		return a.at[1], nil
	}
	return v, err
}
