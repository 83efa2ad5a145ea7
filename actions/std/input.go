package std

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
)

// optional is a parameter that defaults to null.
func optional(name, doc string) actions.Param {
	return actions.Param{Name: name, Default: value.Null{}, Doc: doc}
}

// given is an input, null when it is missing.
func given(c *actions.Call, name string) value.Value {
	if v, ok := c.Input.GetString(name); ok {
		return v
	}
	return value.Null{}
}

// text is an input as a text; "" for null and what else is false to Python.
func text(c *actions.Call, name string) string {
	v := given(c, name)
	if !value.Truthy(v) {
		return ""
	}
	return value.Str(v)
}

// texts are an input that is a list, or a single text.
func texts(c *actions.Call, name string) []string {
	v := given(c, name)
	if !value.Truthy(v) {
		return nil
	}
	items, ok := elements(v)
	if !ok {
		return []string{value.Str(v)}
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = value.Str(item)
	}
	return out
}

// elements are those of a list or tuple.
func elements(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Items(), true
	case *value.Tuple:
		return v.Items(), true
	}
	return nil, false
}

// entries walks over a dict as names and values; nothing for what is no dict.
func entries(v value.Value) iter.Seq2[string, value.Value] {
	return func(yield func(string, value.Value) bool) {
		m, ok := v.(value.Mapping)
		if !ok {
			return
		}
		for k, item := range m.All() {
			if !yield(value.Str(k), item) {
				return
			}
		}
	}
}

// secondsMax bounds a delay: three years, more than any action lives.
const secondsMax = 1e8

// duration makes a delay of seconds; 0 of what is negative or no number.
func duration(seconds float64) time.Duration {
	if !(seconds > 0) || math.IsInf(seconds, 0) {
		return 0
	}
	return time.Duration(min(seconds, secondsMax) * float64(time.Second))
}

// number is Python's float(v); 0 of what is none.
func number(v value.Value) (float64, bool) {
	switch v := v.(type) {
	case value.Bool:
		if v {
			return 1, true
		}
		return 0, true
	case value.Int:
		return float64(v), true
	case value.Float:
		return float64(v), true
	case value.BigInt:
		f, _ := v.Big().Float64()
		return f, true
	case value.String:
		s := strings.TrimSpace(string(v))
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && !strings.ContainsAny(s, "xXpP") { // Go reads hexadecimal floats, Python doesn't
			return f, true
		}
	}
	return 0, false
}
