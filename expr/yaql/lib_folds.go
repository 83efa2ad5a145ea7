package yaql

import (
	"cierzo/expr/value"
)

func foldEntries() []entry {
	return []entry{
		{formMethod, "first(collection: iterable, default: any = none)", first},
		{formMethod, "last(collection: iterable, default: any = none)", last},
		{formMethod, "single(collection: iterable)", single},
		{formBoth, "any(collection: iterable, predicate: lambda = null)", anyItem},
		{formBoth, "all(collection: iterable, predicate: lambda = null)", allItems},
		{formMethod, "indexOf(collection: iterable, item: any)", indexOf(false)},
		{formMethod, "lastIndexOf(collection: iterable, item: any)", indexOf(true)},
		{formMethod, "indexWhere(collection: iterable, predicate: lambda)", indexWhere(false)},
		{formMethod, "lastIndexWhere(collection: iterable, predicate: lambda)", indexWhere(true)},
		{formMethod, "sum(collection: iterable, initial: any = none)", foldOperator("+")},
		{formMethod, "max(collection: iterable, initial: any = none)", foldWith(largerOf)},
		{formMethod, "min(collection: iterable, initial: any = none)", foldWith(smallerOf)},
		{formMethod, "aggregate(collection: iterable, selector: lambda, seed: any = none)", aggregate},
		{formMethod, "reduce(collection: iterable, selector: lambda, seed: any = none)", aggregate},
		{formMethod, "accumulate(collection: iterable, selector: lambda, seed: any = none)", accumulate},
	}
}

func first(a *args) (value.Value, error) {
	v, err := a.r.source(a.at[0])()
	if v != nil || err != nil {
		return v, err
	}
	return orStop(a.at[1])
}

// orStop is a default, or the error that there is nothing.
func orStop(v value.Value) (value.Value, error) {
	if v == nil {
		return nil, stopIteration()
	}
	return v, nil
}

func last(a *args) (value.Value, error) {
	found := a.at[1]
	if items, ok := sequence(a.at[0]); ok {
		if len(items) > 0 {
			found = items[len(items)-1]
		}
		return orStop(found)
	}
	err := a.r.each(a.at[0], func(item value.Value) (bool, error) {
		found = item
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return orStop(found)
}

func single(a *args) (value.Value, error) {
	from := a.r.source(a.at[0])
	v, err := from()
	if err != nil {
		return nil, err
	}
	more, err := from()
	if err != nil {
		return nil, err
	}
	if more != nil {
		return nil, &Error{classStop, "Collection contains more than one item"}
	}
	return orStop(v)
}

// anyItem asks whether there is an item, or one that the predicate is true for.
func anyItem(a *args) (value.Value, error) {
	found := false
	err := a.r.each(a.at[0], func(item value.Value) (bool, error) {
		found = true
		var err error
		if l := a.lambda(1); l != nil {
			found, err = l.truth(item)
		}
		return !found, err
	})
	return value.Bool(found), err
}

// allItems asks whether all items are true, or the predicate is for them.
func allItems(a *args) (value.Value, error) {
	all := true
	err := a.r.each(a.at[0], func(item value.Value) (bool, error) {
		var err error
		if l := a.lambda(1); l != nil {
			all, err = l.truth(item)
		} else {
			all = value.Truthy(item)
		}
		return all, err
	})
	return value.Bool(all), err
}

func indexOf(last bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return a.index(last, func(item value.Value) (bool, error) { return a.r.equals(item, a.at[1]) })
	}
}

func indexWhere(last bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return a.index(last, a.lambda(1).truth) }
}

func (a *args) index(last bool, is func(value.Value) (bool, error)) (value.Value, error) {
	at, i := -1, -1
	err := a.r.each(a.at[0], func(item value.Value) (bool, error) {
		i++
		ok, err := is(item)
		if ok {
			at = i
		}
		return !ok || last, err
	})
	return value.Int(at), err
}

// fold is functools.reduce; without a start the first item is it.
func (r *run) fold(v, start value.Value, fn func(x, y value.Value) (value.Value, error)) (value.Value, error) {
	err := r.each(v, func(item value.Value) (bool, error) {
		if start == nil {
			start = item
			return true, nil
		}
		var err error
		start, err = fn(start, item)
		return true, err
	})
	if err == nil && start == nil {
		err = fail(classType, "reduce() of empty iterable with no initial value")
	}
	return start, err
}

func foldWith(fn func(r *run, x, y value.Value) (value.Value, error)) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return a.r.fold(a.at[0], a.at[1], func(x, y value.Value) (value.Value, error) { return fn(a.r, x, y) })
	}
}

func foldOperator(op string) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return a.r.fold(a.at[0], a.at[1], func(x, y value.Value) (value.Value, error) { return a.r.callOperator(op, x, y) })
	}
}

func aggregate(a *args) (value.Value, error) { return a.r.fold(a.at[0], a.at[2], a.lambda(1).call2) }

// accumulate gives what aggregate has after each item, lazily.
func accumulate(a *args) (value.Value, error) {
	from, total, begun := a.r.source(a.at[0]), a.at[2], false
	return a.r.iterator(func() (value.Value, error) {
		if !begun {
			begun = true
			if total != nil {
				return total, nil
			}
			var err error
			if total, err = from(); err == nil && total == nil {
				err = fail(classType, "accumulate() of empty sequence with no initial value")
			}
			return total, err
		}
		item, err := from()
		if item == nil || err != nil {
			return nil, err
		}
		total, err = a.lambda(1).call2(total, item)
		return total, err
	}), nil
}
