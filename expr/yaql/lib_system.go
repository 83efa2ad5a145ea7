package yaql

import (
	"strings"

	"cierzo/expr/value"
)

func systemEntries() []entry {
	return []entry{
		{formMethod, "assert(obj: any, condition: lambda, message: string = Assertion failed)", assert},
		{formFunction, "call(name: string, args: sequence, kwargs: mapping, receiver: any = none)", callByName},
		{formFunction, "def(name: string, func: lambda)", define},
		{formFunction, "let(*args: any, **kwargs)", let},
		{formFunction, "with(*args: any)", let},
		{formMethod, "unpack(sequence: iterable, *args: string)", unpack},
		{formFunction | formLambdas, "lambda(func: lambda)", makeLambda},
		{formSystem | formLambdas, "#call(callable: any, *args: any, **kwargs)", callValue},
		{formSystem, "#list(*args: any)", makeList},
		{formSystem, "#map(*args: rule)", makeDict},
		{formSystem, "#indexer(list: sequence, index: int)", indexList},
		{formSystem, "#indexer(dict: mapping, key: any)", indexDict},
		{formSystem, "#indexer(dict: mapping, key: any, default: any)", indexDict},
	}
}

func branchingEntries() []entry {
	return []entry{
		{formFunction, "bool(value: any)", truth},
		{formFunction, "isBoolean(value: any)", isOf(value.KindBool)},
		{formFunction, "coalesce(*args: lambda)", coalesce},
		{formFunction, "examine(*args: lambda)", examine},
		{formFunction, "selectCase(*args: lambda)", selectCase},
		{formFunction, "selectAllCases(*args: lambda)", selectAllCases},
		{formFunction, "switch(*args: rule)", switchRules},
		{formMethod, "switchCase(case: int, *args: lambda)", switchCase},
	}
}

func assert(a *args) (value.Value, error) {
	v := memorized(a.at[0])
	ok, err := a.lambda(1).truth(v)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &Error{classAssertion, a.str(2)}
	}
	return v, nil
}

func callByName(a *args) (value.Value, error) {
	items, _ := sequence(a.at[1])
	var named []binding
	for k, v := range a.mapping(2).All() {
		name, ok := k.(value.String)
		if !ok {
			return nil, fail(classMapping, "Cannot convert mapping to keyword argument")
		}
		named = append(named, binding{string(name), v})
	}
	return a.callNamed(a.str(0), a.at[3], items, named)
}

// define makes a function in the context that -> evaluates in. Its name is camel-cased.
func define(a *args) (value.Value, error) {
	d := &definition{name: camelCase(a.str(0)), body: a.lambda(1)}
	return &scopeContext{f: &frame{outer: a.f, def: d}}, nil
}

func camelCase(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts {
		if i > 0 && part != "" && parts[0] != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	if parts[0] == "" {
		return name
	}
	return strings.Join(parts, "")
}

func let(a *args) (value.Value, error) {
	f := &frame{outer: a.f, names: a.kw}
	if len(a.rest) > 0 {
		f.args = a.rest
	}
	return &scopeContext{f: f}, nil
}

// unpack names the items of a collection. It looks one item further than it has names; an iterator that nobody names the
// items of loses its first one to that look.
func unpack(a *args) (value.Value, error) {
	next := a.r.source(a.at[0])
	var items []value.Value
	for len(items) <= len(a.rest) {
		item, err := next()
		if err != nil {
			return nil, err
		}
		if item == nil {
			break
		}
		items = append(items, item)
	}
	f := &frame{outer: a.f}
	if len(a.rest) == 0 {
		var err error
		f.args, err = a.r.collect(a.at[0])
		return &scopeContext{f: f}, err
	}
	if len(items) != len(a.rest) {
		return nil, fail(classValue, "Cannot unpack %d elements into %d", len(items), len(a.rest))
	}
	for i, name := range a.rest {
		f.set(string(name.(value.String)), items[i])
	}
	return &scopeContext{f: f}, nil
}

func makeLambda(a *args) (value.Value, error) { return a.at[0], nil }

func callValue(a *args) (value.Value, error) {
	l, ok := a.at[0].(*lambda)
	if !ok {
		return nil, noMatch("#call")
	}
	return a.r.eval(l.body, &frame{outer: l.f, args: a.rest, names: a.kw})
}

func makeList(a *args) (value.Value, error) {
	return value.NewList(a.rest), a.r.budget.Charge(len(a.rest))
}

// makeDict is a dict of rules: {k => v}, dict(k => v).
func makeDict(a *args) (value.Value, error) {
	out := value.NewFreeDict(len(a.rest))
	if err := a.setRules(out, a.rest); err != nil {
		return nil, err
	}
	return out.Freeze(), a.r.budget.Charge(len(a.rest))
}

func (a *args) setRules(out *value.Dict, rules []value.Value) error {
	for _, rule := range rules {
		p := rule.(*lambda).body.(*pair)
		k, err := a.r.eval(p.k, a.f)
		if err != nil {
			return err
		}
		v, err := a.r.eval(p.v, a.f)
		if err != nil {
			return err
		}
		if err := a.r.put(out, k, v); err != nil {
			return err
		}
	}
	return nil
}

func indexList(a *args) (value.Value, error) {
	n, _ := wholeNumber(a.at[1])
	switch l := a.at[0].(type) {
	case *value.List:
		if n < 0 {
			n += l.Len()
		}
		if n >= 0 && n < l.Len() {
			return inherit(l, l.At(n)), nil
		}
	case *value.Tuple:
		if n < 0 {
			n += l.Len()
		}
		if n >= 0 && n < l.Len() {
			return l.At(n), nil
		}
	}
	return nil, fail(classIndex, "%s index out of range", frozenName(a.at[0]))
}

func indexDict(a *args) (value.Value, error) {
	m := a.mapping(0)
	if v, ok := m.Get(a.at[1]); ok {
		return inherit(m, v), nil
	}
	if len(a.at) > 2 {
		return a.at[2], nil
	}
	return nil, fail(classKey, "%s", value.Repr(a.at[1]))
}

func truth(a *args) (value.Value, error) { return value.Bool(value.Truthy(a.at[0])), nil }

func coalesce(a *args) (value.Value, error) {
	for _, item := range a.rest {
		v, err := item.(*lambda).now()
		if err != nil || v.Kind() != value.KindNull {
			return v, err
		}
	}
	return value.Null{}, nil
}

func examine(a *args) (value.Value, error) {
	i := -1
	return a.r.iterator(func() (value.Value, error) {
		if i++; i >= len(a.rest) {
			return nil, nil
		}
		v, err := a.rest[i].(*lambda).now()
		if err != nil {
			return nil, err
		}
		return value.Bool(value.Truthy(v)), nil
	}), nil
}

func selectCase(a *args) (value.Value, error) {
	for i, item := range a.rest {
		v, err := item.(*lambda).now()
		if err != nil {
			return nil, err
		}
		if value.Truthy(v) {
			return value.Int(i), nil
		}
	}
	return value.Int(len(a.rest)), nil
}

func selectAllCases(a *args) (value.Value, error) {
	i := -1
	return a.r.iterator(func() (value.Value, error) {
		for {
			if i++; i >= len(a.rest) {
				return nil, nil
			}
			v, err := a.rest[i].(*lambda).now()
			if err != nil {
				return nil, err
			}
			if value.Truthy(v) {
				return value.Int(i), nil
			}
		}
	}), nil
}

func switchRules(a *args) (value.Value, error) {
	for _, rule := range a.rest {
		p := rule.(*lambda).body.(*pair)
		v, err := a.r.eval(p.k, a.f)
		if err != nil {
			return nil, err
		}
		if value.Truthy(v) {
			return a.r.eval(p.v, a.f)
		}
	}
	return value.Null{}, nil
}

// switchCase evaluates the argument of that number; out of range it is the last one.
func switchCase(a *args) (value.Value, error) {
	if len(a.rest) == 0 {
		return value.Null{}, nil
	}
	n := a.int(0)
	if n < 0 || n >= len(a.rest) {
		n = len(a.rest) - 1
	}
	return a.rest[n].(*lambda).now()
}
