package jinja

import (
	"cmp"
	"strings"

	"cierzo/expr/value"
)

// compare applies a comparison operator.
func (r *run) compare(op string, a, b value.Value) (bool, error) {
	switch op {
	case "==":
		return r.equal(a, b)
	case "!=":
		same, err := r.equal(a, b)
		return !same, err
	case "in":
		return r.contains(b, a)
	case "not in":
		in, err := r.contains(b, a)
		return !in, err
	}
	return r.order(op, a, b)
}

// equal is Python's ==. What is undefined is an error.
func (r *run) equal(a, b value.Value) (bool, error) {
	if err := r.b.Step(); err != nil {
		return false, err
	}
	if isUndefined(a) || isUndefined(b) {
		return equalUndefined(a, b)
	}
	switch x := a.(type) {
	case value.String:
		y, ok := textOf(b)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return string(x) == y, r.look(len(y))
	case *markup:
		y, ok := textOf(b)
		return ok && x.s == y, nil
	case *value.List:
		y, ok := b.(*value.List)
		if !ok {
			return false, nil
		}
		return r.equalItems(x.Items(), y.Items())
	case *value.Tuple:
		y, ok := b.(*value.Tuple)
		if !ok {
			return false, nil
		}
		return r.equalItems(x.Items(), y.Items())
	case value.Mapping:
		y, ok := b.(value.Mapping)
		if !ok {
			return false, nil
		}
		return r.equalDicts(x, y)
	case *view:
		return r.equalViews(x, b)
	case *rangeObject:
		y, ok := b.(*rangeObject)
		return ok && x.n == y.n && (x.n == 0 || x.start == y.start && (x.n == 1 || x.step == y.step)), nil
	case *bytesObject:
		y, ok := b.(*bytesObject)
		return ok && x.b == y.b, nil
	case *function:
		y, ok := b.(*function)
		return ok && x.fn.name == y.fn.name && x.self == y.self, nil
	}
	return value.Equal(a, b), nil
}

func equalUndefined(a, b value.Value) (bool, error) {
	for _, v := range []value.Value{a, b} {
		if u, ok := v.(*undefined); ok && !u.lenient {
			return false, u.fail()
		}
	}
	return isUndefined(a) && isUndefined(b), nil
}

func (r *run) equalItems(a, b []value.Value) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	if err := r.b.Enter(); err != nil {
		return false, err
	}
	defer r.b.Leave()
	for i := range a {
		if same, err := r.same(a[i], b[i]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// same is equality within containers, where Python takes one object for equal to itself.
func (r *run) same(a, b value.Value) (bool, error) {
	switch x := a.(type) {
	case value.String:
		if y, ok := b.(value.String); ok && len(y) < 1<<lookShift {
			return x == y, r.b.Step()
		}
	case *undefined:
		if a == b {
			return true, nil
		}
	}
	return r.equal(a, b)
}

func (r *run) equalDicts(a, b value.Mapping) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	if err := r.b.Enter(); err != nil {
		return false, err
	}
	defer r.b.Leave()
	for k, v := range a.All() {
		w, ok := b.Get(k)
		if !ok {
			return false, nil
		}
		if same, err := r.same(v, w); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (r *run) equalViews(a *view, b value.Value) (bool, error) {
	if a.kind == "values" {
		return value.Value(a) == b, nil
	}
	switch b.(type) {
	case *view, *value.Set:
	default:
		return false, nil
	}
	n, _ := lengthOf(b)
	if n != a.m.Len() {
		return false, nil
	}
	items, err := r.list(a)
	if err != nil {
		return false, err
	}
	for _, item := range items {
		if in, err := r.contains(b, item); err != nil || !in {
			return false, err
		}
	}
	return true, nil
}

// contains is item in v.
func (r *run) contains(v, item value.Value) (bool, error) {
	switch v := v.(type) {
	case value.String, *markup:
		whole, _ := textOf(v)
		part, ok := textOf(item)
		if !ok {
			return false, typeError("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(whole, part), r.look(len(whole))
	case value.Mapping:
		k, err := r.key(item)
		if err != nil {
			return false, err
		}
		_, ok := v.Get(k)
		return ok, nil
	case *value.Set:
		k, err := r.key(item)
		if err != nil {
			return false, err
		}
		return v.Has(k), nil
	case *view:
		switch v.kind {
		case "keys":
			return r.contains(v.m, item)
		case "items":
			return r.containsPair(v.m, item)
		}
	case *undefined:
		if !v.lenient {
			return false, v.fail()
		}
		return false, nil
	}
	it, err := r.iter(v)
	if err != nil {
		return false, typeError("argument of type '%s' is not iterable", typeName(v))
	}
	for {
		have, ok, err := r.pull(it)
		if err != nil || !ok {
			return false, err
		}
		if same, err := r.same(have, item); err != nil || same {
			return same, err
		}
	}
}

// containsPair is pair in dict.items().
func (r *run) containsPair(m value.Mapping, pair value.Value) (bool, error) {
	t, ok := pair.(*value.Tuple)
	if !ok || t.Len() != 2 {
		return false, nil
	}
	k, err := r.key(t.At(0))
	if err != nil {
		return false, err
	}
	v, ok := m.Get(k)
	if !ok {
		return false, nil
	}
	return r.same(v, t.At(1))
}

// order applies <, <=, > or >=.
func (r *run) order(op string, a, b value.Value) (bool, error) {
	if err := r.b.Step(); err != nil {
		return false, err
	}
	if x, ok := a.(value.Int); ok {
		if y, ok := b.(value.Int); ok {
			return ordered(op, cmp.Compare(x, y)), nil
		}
	}
	if u, ok := a.(*undefined); ok {
		return false, u.fail()
	}
	if u, ok := b.(*undefined); ok {
		return false, u.fail()
	}
	if x, ok := textOf(a); ok {
		if y, ok := textOf(b); ok {
			return ordered(op, strings.Compare(x, y)), r.look(min(len(x), len(y)))
		}
		return false, notOrdered(op, a, b)
	}
	if isNumber(a) && isNumber(b) {
		c, ok := value.Compare(a, b)
		return ok && ordered(op, c), nil
	}
	switch x := a.(type) {
	case *value.List:
		if y, ok := b.(*value.List); ok {
			return r.orderItems(op, x.Items(), y.Items())
		}
	case *value.Tuple:
		if y, ok := b.(*value.Tuple); ok {
			return r.orderItems(op, x.Items(), y.Items())
		}
	case *value.Set, *view:
		if isSetLike(a) && isSetLike(b) {
			return r.orderSets(op, a, b)
		}
	case value.DateTime:
		if y, ok := b.(value.DateTime); ok {
			return ordered(op, x.Time.Compare(y.Time)), nil
		}
	case value.Date:
		if y, ok := b.(value.Date); ok {
			return ordered(op, x.Time.Compare(y.Time)), nil
		}
	case value.TimeSpan:
		if y, ok := b.(value.TimeSpan); ok {
			return ordered(op, cmp.Compare(x.Microseconds, y.Microseconds)), nil
		}
	case *bytesObject:
		if y, ok := b.(*bytesObject); ok {
			return ordered(op, strings.Compare(x.b, y.b)), nil
		}
	}
	return false, notOrdered(op, a, b)
}

func notOrdered(op string, a, b value.Value) error {
	return typeError("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
}

func ordered(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// orderItems orders sequences by the first items that differ.
func (r *run) orderItems(op string, a, b []value.Value) (bool, error) {
	if err := r.b.Enter(); err != nil {
		return false, err
	}
	defer r.b.Leave()
	for i := range min(len(a), len(b)) {
		same, err := r.same(a[i], b[i])
		if err != nil {
			return false, err
		}
		if !same {
			return r.order(op, a[i], b[i])
		}
	}
	return ordered(op, len(a)-len(b)), nil
}

// orderSets compares sets, and views that are like sets, by what is in them.
func (r *run) orderSets(op string, a, b value.Value) (bool, error) {
	if op[0] == '>' {
		a, b = b, a
	}
	small, _ := lengthOf(a)
	large, _ := lengthOf(b)
	if small > large || small == large && len(op) == 1 {
		return false, nil
	}
	items, err := r.list(a)
	if err != nil {
		return false, err
	}
	for _, item := range items {
		if in, err := r.contains(b, item); err != nil || !in {
			return false, err
		}
	}
	return true, nil
}

func isNumber(v value.Value) bool {
	switch v.(type) {
	case value.Bool, value.Int, value.BigInt, value.Float:
		return true
	}
	return false
}
