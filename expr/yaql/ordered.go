package yaql

import (
	"slices"

	"cierzo/expr/value"
)

// ordered is what orderBy gives: it sorts when somebody looks, and thenBy adds to it.
type ordered struct {
	value.Object
	of     value.Value
	fields []orderField
	items  []value.Value
	done   bool
}

type orderField struct {
	by        *lambda
	ascending bool
}

// TypeName is the name of the type in Python.
func (*ordered) TypeName() string { return "OrderingIterable" }

// Repr is its text in Python, without the address.
func (*ordered) Repr() string { return "<yaql.standard_library.queries.OrderingIterable object>" }

func orderBy(ascending bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return &ordered{of: a.at[0], fields: []orderField{{a.lambda(1), ascending}}}, nil
	}
}

func thenBy(ascending bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		o := a.at[0].(*ordered)
		o.fields = append(o.fields, orderField{a.lambda(1), ascending})
		return o, nil
	}
}

// sorted gives the items in order; they are sorted once.
func (o *ordered) sorted(r *run) ([]value.Value, error) {
	if o.done {
		return o.items, nil
	}
	items, err := r.collect(o.of)
	if err != nil {
		return nil, err
	}
	if err := r.budget.Charge(len(items)); err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	if err := o.sort(r, items); err != nil {
		return nil, err
	}
	o.items, o.done = items, true
	return items, nil
}

// sort sorts; the first comparison that fails ends it.
func (o *ordered) sort(r *run, items []value.Value) error {
	var failed error
	slices.SortStableFunc(items, func(x, y value.Value) int {
		if failed != nil {
			return 0
		}
		if failed = r.budget.Step(); failed != nil {
			return 0
		}
		c, err := o.compare(x, y)
		failed = err
		return c
	})
	return failed
}

// compare goes through the fields until one tells the items apart.
func (o *ordered) compare(x, y value.Value) (int, error) {
	for _, field := range o.fields {
		a, err := field.by.call(x)
		if err != nil {
			return 0, err
		}
		b, err := field.by.call(y)
		if err != nil {
			return 0, err
		}
		for i, op := range []string{"<", ">"} {
			is, err := field.by.r.callOperator(op, a, b)
			if err != nil {
				return 0, err
			}
			if value.Truthy(is) {
				if (i == 0) == field.ascending {
					return -1, nil
				}
				return 1, nil
			}
		}
	}
	return 0, nil
}
