package yaql

import (
	"cierzo/expr/value"
)

// operatorEntries are the functions behind the operators. The operators that don't evaluate both sides are nodes of the
// program: and, or, -> and the dots.
func operatorEntries() []entry {
	entries := []entry{
		{formSystem, "*equal(left: any, right: any)", equal},
		{formSystem, "*not_equal(left: any, right: any)", notEqual},
		{formSystem, "#unary_operator_not(arg: any)", not},
		{formSystem, "#unary_operator_-(op: number)", negative},
		{formSystem, "#unary_operator_-(ts: timespan)", negative},
		{formSystem, "#unary_operator_+(op: number)", itself},
		{formSystem, "#unary_operator_+(ts: timespan)", itself},
		{formSystem, "#operator_+(*args: string)", concatTexts},
		{formSystem, "#operator_+(left: iterable, right: iterable)", addCollections},
		{formSystem, "#operator_+(left: mapping, right: mapping)", addDicts},
		{formSystem, "#operator_-(left: set, right: set)", setMethod("difference")},
		{formSystem, "#operator_*(left: string, right: int)", repeated(0, 1)},
		{formSystem, "#operator_*(left: int, right: string)", repeated(1, 0)},
		{formSystem, "#operator_*(left: sequence, right: int)", repeated(0, 1)},
		{formSystem, "#operator_*(left: int, right: sequence)", repeated(1, 0)},
		{formSystem, "#operator_in(left: string, right: string)", textContains},
		{formSystem, "#operator_in(value: any, collection: iterable)", contains(0, 1)},
	}
	for _, op := range []string{"+", "-", "*", "/", "mod"} {
		entries = append(entries, entry{formSystem, "#operator_" + op + "(left: number, right: number)", arithmetic(op)})
	}
	comparable := []string{
		"(left: number, right: number)", "(left: string, right: string)", "(dt1: datetime, dt2: datetime)",
		"(ts1: timespan, ts2: timespan)", "(left: non-null, right: null?)", "(left: null?, right: non-null)",
		"(left: null?, right: null?)",
	}
	for _, op := range []string{"<", "<=", ">", ">="} {
		for _, signature := range comparable {
			entries = append(entries, entry{formSystem, "#operator_" + op + signature, comparison(op)})
		}
		entries = append(entries, entry{formSystem, "#operator_" + op + "(left: set, right: set)", setComparison(op)})
	}
	return entries
}

func equal(a *args) (value.Value, error) {
	same, err := a.r.equals(a.at[0], a.at[1])
	return value.Bool(same), err
}

func notEqual(a *args) (value.Value, error) {
	same, err := a.r.equals(a.at[0], a.at[1])
	return value.Bool(!same), err
}

func not(a *args) (value.Value, error) { return value.Bool(!value.Truthy(a.at[0])), nil }

func negative(a *args) (value.Value, error) { return negate(a.at[0]) }

func itself(a *args) (value.Value, error) { return a.at[0], nil }

func arithmetic(op string) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return a.r.arithmetic(op, a.at[0], a.at[1]) }
}

func comparison(op string) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return compare(op, a.at[0], a.at[1]) }
}

// fastOperation computes what operators mostly get, integers and texts, without looking for the overload. nil: it can't.
func (r *run) fastOperation(op string, x, y value.Value) (value.Value, error) {
	switch a := x.(type) {
	case value.Int:
		if b, ok := y.(value.Int); ok {
			switch op {
			case "=":
				return value.Bool(a == b), nil
			case "!=":
				return value.Bool(a != b), nil
			case "<", "<=", ">", ">=":
				return compare(op, a, b)
			case "+", "-", "*":
				if v, ok := smallArithmetic(op, int64(a), int64(b)); ok {
					return v, nil
				}
			}
		}
	case value.Float:
		if b, ok := y.(value.Float); ok {
			switch op {
			case "<", "<=", ">", ">=":
				return compare(op, a, b)
			case "+", "-", "*":
				return floatArithmetic(op, float64(a), float64(b))
			}
		}
	case value.String:
		if b, ok := y.(value.String); ok {
			switch op {
			case "+":
				if err := r.budget.Charge(len(a) + len(b)); err != nil {
					return nil, err
				}
				return a + b, nil
			case "=":
				return value.Bool(a == b), nil
			case "!=":
				return value.Bool(a != b), nil
			}
		}
	}
	return nil, nil
}

// equals is Python's == as YAQL sees it; views of keys and items equal sets.
func (r *run) equals(x, y value.Value) (bool, error) {
	if isSet(x) && isSet(y) {
		return r.sameMembers(x, y)
	}
	if isContainer(x) && isContainer(y) {
		if err := r.measure(x); err != nil {
			return false, err
		}
	}
	return value.EqualFrozen(x, y), nil
}

func isContainer(v value.Value) bool {
	switch v.Kind() {
	case value.KindList, value.KindTuple, value.KindDict, value.KindSet:
		return true
	}
	return false
}

func textContains(a *args) (value.Value, error) {
	return value.Bool(value.Find(a.str(1), a.str(0), 0, len(a.str(1)), false) >= 0), nil
}

// contains looks for argument item among argument list; an iterator is consumed up to the hit.
func contains(item, list int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		if s, ok := a.at[list].(*value.Set); ok {
			return a.r.hasMember(s, a.at[item])
		}
		found := false
		err := a.r.each(a.at[list], func(v value.Value) (bool, error) {
			var err error
			found, err = a.r.equals(v, a.at[item])
			return !found, err
		})
		return value.Bool(found), err
	}
}

// addDicts is the union of two dicts; the right one wins.
func addDicts(a *args) (value.Value, error) {
	left, right := a.mapping(0), a.mapping(1)
	out, err := a.r.copyDict(left, right.Len())
	if err != nil {
		return nil, err
	}
	for k, v := range right.All() {
		if err := out.Set(k, inherit(right, v)); err != nil {
			return nil, asType(err)
		}
	}
	return out.Freeze(), nil
}

// copyDict is a copy of a dict with room for more entries, paid for.
func (r *run) copyDict(m value.Mapping, more int) (*value.Dict, error) {
	n := m.Len() + more
	if err := r.budget.Charge(n); err != nil {
		return nil, err
	}
	out := value.NewFreeDict(n)
	for k, v := range m.All() {
		if err := out.Set(k, inherit(m, v)); err != nil {
			return nil, asType(err)
		}
	}
	return out, nil
}

// addCollections is collection + collection: tuples make a tuple, sets a set, everything else a chain.
func addCollections(a *args) (value.Value, error) {
	x, xTuple := tuple(a.at[0])
	y, yTuple := tuple(a.at[1])
	if xTuple && yTuple {
		if err := a.r.budget.Charge(len(x) + len(y)); err != nil {
			return nil, err
		}
		items := make([]value.Value, 0, len(x)+len(y))
		return value.NewList(append(append(items, x...), y...)), nil
	}
	left, ok1 := a.at[0].(*value.Set)
	right, ok2 := a.at[1].(*value.Set)
	if ok1 && ok2 {
		return a.r.newSet(append(append([]value.Value{}, left.Items()...), right.Items()...))
	}
	return a.r.chain([]value.Value{a.at[0], a.at[1]}), nil
}

// repeated is a text or list times a number.
func repeated(what, times int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return a.r.repeat(a.at[what], a.int(times)) }
}
