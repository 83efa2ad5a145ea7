package jinja

import (
	"cierzo/expr/value"
)

// methodOf finds a method that templates may call; nil: there is none.
func methodOf(v value.Value, name string) *builtin {
	switch v := v.(type) {
	case value.String:
		return strMethod(name)
	case *markup:
		return markupMethod(name)
	case *value.List:
		return listMethod(name)
	case *value.Tuple:
		return tupleMethod(name)
	case value.Mapping:
		return dictMethod(name)
	case *value.Set:
		return setMethod(name)
	case value.Bool, value.Int, value.BigInt:
		return intMethod(name)
	case value.Float:
		return floatMethod(name)
	case value.DateTime, value.Date, value.TimeSpan:
		return timeMethod(v, name)
	case *view:
		if v.kind != "values" {
			return viewMethod(name)
		}
	case *rangeObject:
		return rangeMethod(name)
	case *bytesObject:
		return bytesMethod(name)
	case *cyclerObject:
		return cyclerMethod(name)
	}
	return nil
}

// property finds an attribute that is a value; nil: there is none.
func property(v value.Value, name string) value.Value {
	switch o := v.(type) {
	case value.Bool, value.Int, value.BigInt:
		switch name {
		case "real", "numerator":
			return value.IntOf(bigOf(v))
		case "imag":
			return value.Int(0)
		case "denominator":
			return value.Int(1)
		}
	case value.Float:
		switch name {
		case "real":
			return o
		case "imag":
			return value.Float(0)
		}
	case *rangeObject:
		switch name {
		case "start":
			return value.Int(o.start)
		case "stop":
			return value.Int(o.stop)
		case "step":
			return value.Int(o.step)
		}
	case *view:
		if name == "mapping" {
			return o.m
		}
	case *cyclerObject:
		switch name {
		case "items":
			return value.NewTuple(o.items)
		case "pos":
			return value.Int(o.at)
		case "current":
			return o.items[o.at]
		}
	case *joinerObject:
		switch name {
		case "sep":
			return o.sep
		case "used":
			return value.Bool(o.used)
		}
	case value.DateTime, value.Date, value.TimeSpan:
		return timeProperty(v, name)
	}
	return nil
}

// method makes a method without names for its arguments, as those written in C are.
func method(name string, required int, params []string, eval func(c *call) (value.Value, error)) *builtin {
	return &builtin{name: name, required: required, params: params, posOnly: true, eval: eval}
}

// mutator is a method that changes its receiver.
func mutator(name string, required int, params []string, eval func(c *call) (value.Value, error)) *builtin {
	m := method(name, required, params, eval)
	m.mutates = true
	return m
}
