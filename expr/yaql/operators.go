package yaql

import (
	"strings"

	"cierzo/expr/value"
)

// wholeNumber is an integer or a bool as a count.
func wholeNumber(v value.Value) (int, bool) {
	switch v := v.(type) {
	case value.Int:
		return int(v), true
	case value.Bool:
		if v {
			return 1, true
		}
		return 0, true
	case value.BigInt:
		return v.Big().Sign() * (1<<62 - 1), true
	}
	return 0, false
}

// repeat is text or list times n; nil for other values.
func (r *run) repeat(v value.Value, n int) (value.Value, error) {
	n = max(n, 0)
	charge := func(size int) error {
		if size > 0 && n > 1<<40/size {
			size, n = 1, 1<<40
		}
		if err := r.weighBytes(size * n); err != nil {
			return err
		}
		return r.budget.Charge(size * n)
	}
	if s, ok := v.(value.String); ok {
		if err := charge(len(s)); err != nil {
			return nil, err
		}
		return value.String(strings.Repeat(string(s), n)), nil
	}
	items, ok := sequence(v)
	if !ok {
		return nil, nil
	}
	if err := charge(len(items)); err != nil {
		return nil, err
	}
	out := make([]value.Value, 0, len(items)*n)
	for range n {
		if len(items) == 0 {
			break
		}
		out = append(out, items...)
	}
	if l, ok := v.(*value.List); ok && l.Mutable() {
		return value.PythonList(out), nil
	}
	return value.NewList(out), nil
}

func compare(op string, x, y value.Value) (value.Value, error) {
	c, ok := order(x, y)
	if !ok {
		return nil, noMatch("#operator_" + op)
	}
	switch op {
	case "<":
		return value.Bool(c == -1), nil
	case "<=":
		return value.Bool(c == -1 || c == 0), nil
	case ">":
		return value.Bool(c == 1), nil
	}
	return value.Bool(c == 1 || c == 0), nil
}

// order compares two values: -1, 0, 1, or 2 when one is nan. null is less than everything else.
func order(x, y value.Value) (int, bool) {
	xNull, yNull := x.Kind() == value.KindNull, y.Kind() == value.KindNull
	switch {
	case xNull && yNull:
		return 0, true
	case xNull:
		return -1, true
	case yNull:
		return 1, true
	}
	switch a := x.(type) {
	case value.String:
		b, ok := y.(value.String)
		return strings.Compare(string(a), string(b)), ok
	case value.Int:
		if b, ok := y.(value.Int); ok {
			return compareInts(int64(a), int64(b)), true
		}
	case value.DateTime:
		b, ok := y.(value.DateTime)
		if !ok {
			return 0, false
		}
		return a.Compare(b.Time), true
	case value.TimeSpan:
		b, ok := y.(value.TimeSpan)
		return compareInts(a.Microseconds, b.Microseconds), ok
	}
	if !isNumber(x) || !isNumber(y) {
		return 0, false
	}
	c, ok := value.Compare(x, y)
	if !ok {
		return 2, true
	}
	return c, true
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
