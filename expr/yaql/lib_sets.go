package yaql

import (
	"cierzo/expr/value"
)

func setEntries() []entry {
	return []entry{
		{formFunction, "set(*args: any)", makeSet},
		{formMethod, "toSet(collection: iterable)", toSet},
		{formBoth, "len(set: set)", length},
		{formFunction, "isSet(arg: any)", isType(typSet)},
		{formMethod, "union(left: set, right: set)", setMethod("union")},
		{formMethod, "intersect(left: set, right: set)", setMethod("intersection")},
		{formMethod, "difference(left: set, right: set)", setMethod("difference")},
		{formMethod, "symmetricDifference(left: set, right: set)", setMethod("symmetric_difference")},
		{formMethod, "add(set: set, *values: any)", setMethod("union")},
		{formMethod, "remove(set: set, *values: any)", setMethod("difference")},
	}
}

// newSet makes a set of values; lists and dicts may be members inside an evaluation.
func (r *run) newSet(items []value.Value) (*value.Set, error) {
	if err := r.budget.Charge(len(items)); err != nil {
		return nil, err
	}
	for _, item := range items {
		if err := r.checkKey(item); err != nil {
			return nil, err
		}
	}
	s, err := value.NewSet(items, true)
	return s, asType(err)
}

func makeSet(a *args) (value.Value, error) {
	var items []value.Value
	err := a.r.spliced(a.rest, func(v value.Value) error {
		items = append(items, v)
		return a.r.oneMore(len(items))
	})
	if err != nil {
		return nil, err
	}
	return setOf(a.r.newSet(items))
}

func toSet(a *args) (value.Value, error) {
	items, err := a.r.collect(a.at[0])
	if err != nil {
		return nil, err
	}
	return setOf(a.r.newSet(items))
}

// setOf is a set as a value; a nil one must not become one.
func setOf(s *value.Set, err error) (value.Value, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// asSet makes a set of a set or a view.
func (r *run) asSet(v value.Value) (*value.Set, error) {
	if s, ok := v.(*value.Set); ok {
		return s, nil
	}
	items, _ := r.sized(v)
	return r.newSet(items)
}

func (r *run) hasMember(s *value.Set, v value.Value) (value.Value, error) {
	if err := r.checkKey(v); err != nil {
		return nil, err
	}
	return value.Bool(s.Has(v)), nil
}

// setMethod is a method of Python's frozenset, which views of dicts don't have. The other set is the second argument, or
// all further ones.
func setMethod(name string) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		left, ok := a.at[0].(*value.Set)
		if !ok {
			return nil, fail(classAttribute, "'%s' object has no attribute '%s'", value.TypeName(a.at[0]), name)
		}
		var right *value.Set
		var err error
		if len(a.at) > 1 {
			right, err = a.r.asSet(a.at[1])
		} else {
			right, err = a.r.newSet(a.rest)
		}
		if err != nil {
			return nil, err
		}
		var items []value.Value
		switch name {
		case "union":
			items = append(append(items, left.Items()...), right.Items()...)
		case "intersection":
			items = members(items, left, right, true)
		case "difference":
			items = members(items, left, right, false)
		case "symmetric_difference":
			items = members(members(items, left, right, false), right, left, false)
		}
		return setOf(a.r.newSet(items))
	}
}

// members appends the members of a set that are in the other one, or that aren't.
func members(items []value.Value, of, other *value.Set, in bool) []value.Value {
	for _, v := range of.Items() {
		if other.Has(v) == in {
			items = append(items, v)
		}
	}
	return items
}

// setComparison compares by inclusion.
func setComparison(op string) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		left, err := a.r.asSet(a.at[0])
		if err != nil {
			return nil, err
		}
		right, err := a.r.asSet(a.at[1])
		if err != nil {
			return nil, err
		}
		if op == ">" || op == ">=" {
			left, right = right, left
		}
		strict := op == "<" || op == ">"
		return value.Bool(left.Within(right) && (!strict || left.Len() < right.Len())), nil
	}
}

// sameMembers is == between sets and views. A view may hold what is no key; then the two are not equal.
func (r *run) sameMembers(x, y value.Value) (bool, error) {
	s, err := r.asSet(x)
	if err != nil {
		return false, unlessUnhashable(err)
	}
	t, err := r.asSet(y)
	if err != nil {
		return false, unlessUnhashable(err)
	}
	return s.Len() == t.Len() && s.Within(t), nil
}

func unlessUnhashable(err error) error {
	if classOf(err) == classType {
		return nil
	}
	return err
}
