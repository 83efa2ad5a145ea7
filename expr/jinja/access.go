package jinja

import (
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// getattr is obj.name: the attribute, else the item of that name, else undefined. The sandbox hides what begins with an
// underscore, unless it is an item.
func (r *run) getattr(obj value.Value, name string) (value.Value, error) {
	if u, ok := obj.(*undefined); ok {
		return nil, u.fail()
	}
	v, err := r.attr(obj, name)
	if v != nil || err != nil {
		return v, err
	}
	if hasHidden(obj, name) {
		return unsafeAttr(obj, name), nil
	}
	if m, ok := obj.(value.Mapping); ok {
		if v, ok := m.GetString(name); ok {
			return v, nil
		}
	}
	return undefinedAttr(obj, value.String(name)), nil
}

// getitem is obj[arg]: the item, else the attribute of that name, else undefined.
func (r *run) getitem(obj, arg value.Value) (value.Value, error) {
	if u, ok := obj.(*undefined); ok {
		return nil, u.fail()
	}
	v, err := r.item(obj, arg)
	if v != nil || err != nil {
		return v, err
	}
	if name, ok := textOf(arg); ok {
		v, err := r.attr(obj, name)
		if v != nil || err != nil {
			return v, err
		}
		if hasHidden(obj, name) {
			return unsafeAttr(obj, name), nil
		}
	}
	return undefinedAttr(obj, arg), nil
}

// attr finds an attribute that isn't hidden; nil: there is none.
func (r *run) attr(obj value.Value, name string) (value.Value, error) {
	if name == "" || name[0] == '_' {
		return nil, nil
	}
	switch o := obj.(type) {
	case *namespaceObject:
		v, _ := o.attrs.GetString(name)
		return v, nil
	case *value.Tuple:
		switch {
		case name == "grouper" && r.isGroup(o):
			return o.At(0), nil
		case name == "list" && r.isGroup(o):
			return o.At(1), nil
		}
	case *loopObject:
		return o.attr(r, name)
	case *macroObject:
		return o.attr(name), nil
	case *selfObject:
		if b := r.tpl.blocks[name]; b != nil {
			return &blockObject{block: b}, nil
		}
		return nil, nil
	case *classObject:
		if o.name == "dict" && name == "fromkeys" {
			return &function{fn: dictMethod(name), self: value.NewDict(0)}, nil
		}
		return nil, nil
	}
	if v := property(obj, name); v != nil {
		return v, nil
	}
	if m := methodOf(obj, name); m != nil {
		return &function{fn: m, self: obj}, nil
	}
	return nil, nil
}

// hasHidden reports whether a value has an attribute that begins with an underscore.
func hasHidden(obj value.Value, name string) bool {
	if !strings.HasPrefix(name, "_") {
		return false
	}
	if ns, ok := obj.(*namespaceObject); ok {
		_, ok := ns.attrs.GetString(name)
		return ok || name == "__class__"
	}
	switch name {
	case "__class__", "__doc__", "__init__", "__new__", "__repr__", "__str__", "__hash__", "__eq__", "__ne__", "__lt__",
		"__le__", "__gt__", "__ge__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__format__",
		"__reduce__", "__reduce_ex__", "__sizeof__", "__subclasshook__", "__init_subclass__", "__getstate__":
		return true
	}
	switch obj.(type) {
	case *value.List, *value.Tuple, value.String, *markup, value.Mapping, *value.Set, *rangeObject, *bytesObject:
		return hiddenOfSequence(obj, name)
	case value.Int, value.BigInt, value.Bool, value.Float:
		return hiddenOfNumber(obj, name)
	case value.Null:
		return name == "__bool__"
	case *loopObject:
		switch name {
		case "_iterable", "_iterator", "_undefined", "_recurse", "_length", "_after", "_current", "_before", "_last_changed_value",
			"_peek_next", "_to_iterator", "__call__", "__dict__", "__module__", "__iter__", "__next__":
			return true
		}
		return false
	case *macroObject, *function, *cyclerObject, *joinerObject, *selfObject:
		return name == "__call__" || name == "__dict__" || name == "__module__"
	}
	return false
}

func hiddenOfSequence(obj value.Value, name string) bool {
	switch name {
	case "__len__", "__iter__", "__contains__":
		return true
	case "__getitem__":
		_, set := obj.(*value.Set)
		return !set
	case "__add__", "__mul__", "__rmul__", "__getnewargs__":
		_, dict := obj.(value.Mapping)
		_, set := obj.(*value.Set)
		return !dict && !set
	case "__setitem__", "__delitem__", "__reversed__", "__class_getitem__", "__ior__", "__or__", "__ror__", "__iadd__", "__imul__":
		_, list := obj.(*value.List)
		_, dict := obj.(value.Mapping)
		or := strings.Contains(name, "or__")
		return list && !or || dict && name != "__iadd__" && name != "__imul__"
	case "__mod__", "__rmod__":
		_, text := textOf(obj)
		return text
	case "__html__", "__html_format__", "__dict__", "__module__":
		_, ok := obj.(*markup)
		return ok
	}
	return false
}

func hiddenOfNumber(obj value.Value, name string) bool {
	switch name {
	case "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__mod__", "__rmod__", "__divmod__",
		"__rdivmod__", "__pow__", "__rpow__", "__neg__", "__pos__", "__abs__", "__bool__", "__int__", "__float__",
		"__floordiv__", "__rfloordiv__", "__truediv__", "__rtruediv__", "__trunc__", "__floor__", "__ceil__",
		"__round__", "__getnewargs__":
		return true
	case "__invert__", "__lshift__", "__rlshift__", "__rshift__", "__rrshift__", "__and__", "__rand__", "__xor__",
		"__rxor__", "__or__", "__ror__", "__index__":
		_, float := obj.(value.Float)
		return !float
	}
	return false
}

// item is obj[arg] where it exists; nil: it doesn't, or obj has no items.
func (r *run) item(obj, arg value.Value) (value.Value, error) {
	if m, ok := obj.(value.Mapping); ok {
		key, err := r.key(arg)
		if err != nil {
			if _, undef := arg.(*undefined); undef {
				return nil, err
			}
			return nil, nil // unhashable: Jinja2 takes the TypeError for a missing item
		}
		v, _ := m.Get(key)
		return v, nil
	}
	n, ok := lengthOf(obj)
	if !ok {
		return nil, nil
	}
	i, err := toIndex(arg)
	if err != nil {
		return nil, nil
	}
	if s, ok := textOf(obj); ok {
		if err := r.look(len(s)); err != nil {
			return nil, err
		}
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return nil, nil
	}
	return at(obj, i), nil
}

// at is item i of a sequence, 0 ≤ i < len; nil: it has no items by number.
func at(obj value.Value, i int) value.Value {
	switch o := obj.(type) {
	case *value.List:
		return o.At(i)
	case *value.Tuple:
		return o.At(i)
	case value.String:
		return value.String(runeAt(string(o), i))
	case *markup:
		return &markup{s: runeAt(o.s, i)}
	case *rangeObject:
		return value.Int(o.start + int64(i)*o.step)
	case *bytesObject:
		return value.Int(o.b[i])
	}
	return nil
}

func runeAt(s string, i int) string {
	for ; i > 0; i-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

// slice is obj[start:stop:step]. Python does it without Jinja2's help, so that its errors come through.
func (r *run) slice(obj value.Value, s *sliceObject) (value.Value, error) {
	switch o := obj.(type) {
	case *value.List, *value.Tuple, value.String, *markup, *bytesObject, *rangeObject:
	case value.Mapping:
		return nil, typeError("unhashable type: 'slice'")
	case *undefined:
		return nil, o.fail()
	default:
		return nil, typeError("'%s' object is not subscriptable", typeName(obj))
	}
	n, _ := lengthOf(obj)
	start, stop, step, ok := s.indices(n)
	if !ok {
		return nil, typeError("slice indices must be integers or None or have an __index__ method")
	}
	if step == 0 {
		return nil, valueError("slice step cannot be zero")
	}
	count := 0
	if step > 0 && start < stop {
		count = (stop-start-1)/step + 1
	} else if step < 0 && start > stop {
		count = (start-stop-1)/-step + 1
	}
	if err := r.make(count); err != nil {
		return nil, err
	}
	pick := func(items []value.Value) []value.Value {
		out := make([]value.Value, count)
		for i := range out {
			out[i] = items[start+i*step]
		}
		return out
	}
	switch o := obj.(type) {
	case *value.List:
		return value.NewList(pick(o.Items())), nil
	case *value.Tuple:
		return value.NewTuple(pick(o.Items())), nil
	case value.String:
		return value.String(sliceText(string(o), start, count, step)), nil
	case *markup:
		return &markup{s: sliceText(o.s, start, count, step)}, nil
	case *bytesObject:
		var b []byte
		for i := range count {
			b = append(b, o.b[start+i*step])
		}
		return &bytesObject{b: string(b)}, nil
	case *rangeObject:
		return newRange(o.start+int64(start)*o.step, o.start+int64(stop)*o.step, o.step*int64(step)), nil
	}
	return nil, nil
}

func sliceText(s string, start, count, step int) string {
	runes := []rune(s)
	var b strings.Builder
	for i := range count {
		b.WriteRune(runes[start+i*step])
	}
	return b.String()
}

// indices are the bounds of a slice of n items, as Python's slice.indices gives them. Not ok: one is no integer.
func (s *sliceObject) indices(n int) (start, stop, step int, ok bool) {
	step = 1
	if _, none := s.parts[2].(value.Null); !none {
		i, err := toIndex(s.parts[2])
		if err != nil {
			return 0, 0, 0, false
		}
		step = max(i, minInt+1)
	}
	low, high := 0, n
	if step < 0 {
		low, high = -1, n-1
	}
	bound := func(v value.Value, otherwise int) (int, bool) {
		if _, none := v.(value.Null); none {
			return otherwise, true
		}
		i, err := toIndex(v)
		if err != nil {
			return 0, false
		}
		if i < 0 {
			i += n
		}
		return min(max(i, low), high), true
	}
	first, last := low, high
	if step < 0 {
		first, last = high, low
	}
	start, ok1 := bound(s.parts[0], first)
	stop, ok2 := bound(s.parts[1], last)
	return start, stop, step, ok1 && ok2
}

// key makes a value a key of a dict; the error is Python's for what can't be one.
func (r *run) key(v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case *undefined:
		if !v.lenient {
			return nil, v.fail()
		}
	case *markup:
		return value.String(v.s), nil
	case value.BigInt:
		words := v.Big().BitLen() / 64
		return v, r.steps(words * words >> lookShift)
	case *value.List, *value.Set, value.Mapping:
		return nil, typeError("unhashable type: '%s'", typeName(v))
	case *sliceObject, *view:
		return nil, typeError("unhashable type: '%s'", typeName(v))
	case *value.Tuple:
		if err := r.b.Enter(); err != nil {
			return nil, err
		}
		defer r.b.Leave()
		for _, item := range v.Items() {
			if err := r.b.Step(); err != nil {
				return nil, err
			}
			if _, err := r.key(item); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// setKey gives a key of a dict its value.
func (r *run) setKey(d *value.Dict, k, v value.Value) error {
	key, err := r.key(k)
	if err != nil {
		return err
	}
	if err := r.make(1); err != nil {
		return err
	}
	return d.Set(key, v)
}
