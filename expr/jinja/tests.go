package jinja

import (
	"cierzo/expr/value"
)

// lookupTest finds a test; nil: there is none. It is one flat table.
func lookupTest(name string) *builtin {
	is := func(f func(v value.Value) bool) *builtin {
		return &builtin{name: "test_" + name, required: 1, params: []string{"value"}, eval: func(c *call) (value.Value, error) {
			return value.Bool(f(c.arg(0))), nil
		}}
	}
	operator := func(op string) *builtin {
		return &builtin{name: name, required: 2, params: []string{"a", "b"}, posOnly: true, eval: func(c *call) (value.Value, error) {
			yes, err := c.r.compare(op, c.arg(0), c.arg(1))
			return value.Bool(yes), err
		}}
	}
	switch name {
	case "odd", "even":
		return &builtin{name: "test_" + name, required: 1, params: []string{"value"}, eval: testParity}
	case "divisibleby":
		return &builtin{name: "test_divisibleby", required: 2, params: []string{"value", "num"}, eval: testDivisible}
	case "defined":
		return is(func(v value.Value) bool { return !isUndefined(v) })
	case "undefined":
		return is(isUndefined)
	case "filter":
		return &builtin{name: "test_filter", required: 1, params: []string{"value"}, hidden: 1, eval: testNamed(lookupFilter)}
	case "test":
		return &builtin{name: "test_test", required: 1, params: []string{"value"}, hidden: 1, eval: testNamed(lookupTest)}
	case "none":
		return is(func(v value.Value) bool { return v.Kind() == value.KindNull })
	case "boolean":
		return is(func(v value.Value) bool { return v.Kind() == value.KindBool })
	case "false":
		return is(func(v value.Value) bool { return v == value.Value(value.Bool(false)) })
	case "true":
		return is(func(v value.Value) bool { return v == value.Value(value.Bool(true)) })
	case "integer":
		return is(func(v value.Value) bool { return v.Kind() == value.KindInt || v.Kind() == value.KindBigInt })
	case "float":
		return is(func(v value.Value) bool { return v.Kind() == value.KindFloat })
	case "lower", "upper":
		return &builtin{name: "test_" + name, required: 1, params: []string{"value"}, eval: testCase(name == "upper")}
	case "string":
		return is(func(v value.Value) bool { _, ok := textOf(v); return ok })
	case "mapping":
		return is(func(v value.Value) bool { _, ok := v.(value.Mapping); return ok })
	case "number":
		return is(isNumber)
	case "sequence":
		return is(isSequence)
	case "iterable":
		return &builtin{name: "test_iterable", required: 1, params: []string{"value"}, eval: testIterable}
	case "callable":
		return is(isCallable)
	case "sameas":
		return &builtin{name: "test_sameas", required: 2, params: []string{"value", "other"}, eval: func(c *call) (value.Value, error) {
			return value.Bool(identical(c.arg(0), c.arg(1))), nil
		}}
	case "escaped":
		return is(func(v value.Value) bool { _, ok := v.(*markup); return ok })
	case "in":
		return &builtin{name: "test_in", required: 2, params: []string{"value", "seq"}, eval: func(c *call) (value.Value, error) {
			yes, err := c.r.contains(c.arg(1), c.arg(0))
			return value.Bool(yes), err
		}}
	case "==", "eq", "equalto":
		return operator("==")
	case "!=", "ne":
		return operator("!=")
	case ">", "gt", "greaterthan":
		return operator(">")
	case ">=", "ge":
		return operator(">=")
	case "<", "lt", "lessthan":
		return operator("<")
	case "<=", "le":
		return operator("<=")
	}
	return nil
}

func testParity(c *call) (value.Value, error) {
	m, err := c.r.binary("%", c.arg(0), value.Int(2))
	if err != nil {
		return nil, err
	}
	want := value.Int(0)
	if c.fn.name == "test_odd" {
		want = 1
	}
	return value.Bool(value.Equal(m, want)), nil
}

func testDivisible(c *call) (value.Value, error) {
	m, err := c.r.binary("%", c.arg(0), c.arg(1))
	if err != nil {
		return nil, err
	}
	return value.Bool(value.Equal(m, value.Int(0))), nil
}

func testNamed(lookup func(string) *builtin) func(c *call) (value.Value, error) {
	return func(c *call) (value.Value, error) {
		k, err := c.r.key(c.arg(0))
		if err != nil {
			return nil, err
		}
		s, ok := k.(value.String)
		return value.Bool(ok && lookup(string(s)) != nil), nil
	}
}

func testCase(up bool) func(c *call) (value.Value, error) {
	return func(c *call) (value.Value, error) {
		s, err := c.soft(0)
		if err != nil {
			return nil, err
		}
		if up {
			return value.Bool(isUpper(s)), nil
		}
		return value.Bool(isLower(s)), nil
	}
}

func isSequence(v value.Value) bool {
	switch v := v.(type) {
	case *undefined:
		return v.lenient
	case value.String, *markup, *value.List, *value.Tuple, value.Mapping, *rangeObject, *bytesObject:
		return true
	}
	return false
}

func testIterable(c *call) (value.Value, error) {
	switch v := c.arg(0).(type) {
	case *undefined:
		if !v.lenient {
			return nil, v.fail()
		}
		return value.Bool(true), nil
	case *loopObject:
		return value.Bool(true), nil
	}
	_, err := c.r.iter(c.arg(0))
	return value.Bool(err == nil), nil
}

func isCallable(v value.Value) bool {
	switch v.(type) {
	case callable, *function, *classObject, *undefined:
		return true
	}
	return false
}

// identical is Python's is: scalars that Python keeps once are the same, containers only themselves.
func identical(a, b value.Value) bool {
	switch x := a.(type) {
	case value.BigInt:
		y, ok := b.(value.BigInt)
		return ok && x.Big() == y.Big()
	case value.Mapping, *value.List, *value.Tuple, *value.Set:
		return a == b
	}
	if a.Kind() != b.Kind() {
		return false
	}
	if a.Kind() == value.KindOpaque {
		return a == b
	}
	return value.Equal(a, b)
}
