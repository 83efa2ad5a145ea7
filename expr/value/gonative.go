package value

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// FromGo makes a value of what encoding/json produces, and of the Go types that come near it. Other types go by JSON.
func FromGo(x any) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Null{}, nil
	case Value:
		return x, nil
	case bool:
		return Bool(x), nil
	case int:
		return Int(x), nil
	case int64:
		return Int(x), nil
	case float64:
		return Float(x), nil
	case string:
		return String(x), nil
	case *big.Int:
		return IntOf(new(big.Int).Set(x)), nil
	case time.Time:
		return DateTime{x}, nil
	case []any:
		items := make([]Value, len(x))
		for i, item := range x {
			v, err := FromGo(item)
			if err != nil {
				return nil, err
			}
			items[i] = v
		}
		return NewList(items), nil
	case map[string]any:
		return fromMap(x)
	}
	data, err := json.Marshal(x)
	if err != nil {
		return nil, fmt.Errorf("a Go value of type %T: %w", x, err)
	}
	return ParseJSON(data)
}

// fromMap orders the keys: a Go map has no order of its own.
func fromMap(m map[string]any) (Value, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	d := NewDict(len(m))
	for _, k := range keys {
		v, err := FromGo(m[k])
		if err != nil {
			return nil, err
		}
		d.SetString(k, v)
	}
	return d, nil
}

// ToGo gives a value as encoding/json would: map[string]any, []any, string, bool, int64 or *big.Int, float64, nil.
func ToGo(v Value) any {
	switch v := v.(type) {
	case Bool:
		return bool(v)
	case Int:
		return int64(v)
	case BigInt:
		return new(big.Int).Set(v.n)
	case Float:
		return float64(v)
	case *List:
		return toSlice(v.items)
	case *Tuple:
		return toSlice(v.items)
	case *Set:
		return toSlice(v.members.keys)
	case Mapping:
		m := make(map[string]any, v.Len())
		for k, item := range v.All() {
			name, ok := keyText(k)
			if !ok {
				name = Repr(k)
			}
			m[name] = ToGo(item)
		}
		return m
	case nil, Null:
		return nil
	}
	return Str(v)
}

func toSlice(items []Value) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = ToGo(item)
	}
	return out
}
