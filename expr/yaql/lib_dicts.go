package yaql

import (
	"fmt"

	"cierzo/expr/value"
)

func dictEntries() []entry {
	return []entry{
		{formFunction, "dict(*args: rule)", makeDict},
		{formFunction, "dict(items: iterable)", dictOfPairs},
		{formMethod, "toDict(collection: iterable, keySelector: lambda, valueSelector: lambda = null)", toDict},
		{formMethod, "get(dict: mapping, key: any, default: any = null)", getItem},
		{formMethod, "set(dict: mapping, key: any, value: any)", setItem},
		{formMethod, "set(dict: mapping, replacements: mapping)", addDicts},
		{formMethod, "set(dict: mapping, *args: rule)", setRules},
		{formMethod, "keys(dict: mapping)", viewed(viewKeys)},
		{formMethod, "values(dict: mapping)", viewed(viewValues)},
		{formMethod, "items(dict: mapping)", viewed(viewItems)},
		{formBoth, "len(dict: mapping)", length},
		{formFunction, "isDict(arg: any)", isType(typMapping)},
		{formMethod, "containsKey(dict: mapping, key: any)", containsKey},
		{formMethod, "containsValue(dict: mapping, value: any)", containsValue},
		{formMethod, "delete(dict: mapping, *keys: any)", deleteKeys},
		{formMethod, "deleteAll(dict: mapping, keys: iterable)", deleteAllKeys},
		{
			formMethod,
			"mergeWith(dict: mapping, another: mapping, listMerger: lambda = null, itemMerger: lambda = null, maxLevels: int = 0)",
			mergeWith,
		},
	}
}

// lookup finds a key; the error says that the key is of an unhashable type.
func (r *run) lookup(m value.Mapping, key value.Value) (value.Value, bool, error) {
	if err := r.checkKey(key); err != nil {
		return nil, false, err
	}
	v, ok := m.Get(key)
	if ok {
		v = inherit(m, v)
	}
	return v, ok, nil
}

// put sets a key, whose parts are paid for.
func (r *run) put(d *value.Dict, key, v value.Value) error {
	if err := r.checkKey(key); err != nil {
		return err
	}
	return asType(d.Set(key, v))
}

func getItem(a *args) (value.Value, error) {
	v, ok, err := a.r.lookup(a.mapping(0), a.at[1])
	if !ok || err != nil {
		return a.at[2], err
	}
	return v, nil
}

func setItem(a *args) (value.Value, error) {
	out, err := a.r.copyDict(a.mapping(0), 1)
	if err != nil {
		return nil, err
	}
	if err := a.r.put(out, a.at[1], a.at[2]); err != nil {
		return nil, err
	}
	return out.Freeze(), nil
}

func setRules(a *args) (value.Value, error) {
	out, err := a.r.copyDict(a.mapping(0), len(a.rest))
	if err != nil {
		return nil, err
	}
	if err := a.setRules(out, a.rest); err != nil {
		return nil, err
	}
	return out.Freeze(), nil
}

func viewed(what viewOf) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return &view{of: a.mapping(0), what: what}, nil }
}

func containsKey(a *args) (value.Value, error) {
	_, ok, err := a.r.lookup(a.mapping(0), a.at[1])
	return value.Bool(ok), err
}

func containsValue(a *args) (value.Value, error) {
	for _, v := range (&view{of: a.mapping(0), what: viewValues}).list() {
		if err := a.r.budget.Step(); err != nil {
			return nil, err
		}
		if same, err := a.r.equals(v, a.at[1]); err != nil || same {
			return value.Bool(same), err
		}
	}
	return value.Bool(false), nil
}

func deleteKeys(a *args) (value.Value, error) { return a.r.without(a.mapping(0), sliceSource(a.rest)) }

func deleteAllKeys(a *args) (value.Value, error) {
	return a.r.without(a.mapping(0), a.r.source(a.at[1]))
}

// without is a copy of a dict without some keys; to YAQL it is Python's dict.
func (r *run) without(m value.Mapping, keys source) (value.Value, error) {
	gone := value.NewFreeDict(4)
	for {
		k, err := keys()
		if err != nil {
			return nil, err
		}
		if k == nil {
			break
		}
		if err := r.put(gone, k, k); err != nil {
			return nil, err
		}
	}
	if err := r.budget.Charge(m.Len() + gone.Len()); err != nil {
		return nil, err
	}
	out := value.NewFreeDict(m.Len())
	for k, v := range m.All() {
		if _, dropped := gone.Get(k); dropped {
			continue
		}
		if err := out.Set(k, inherit(m, v)); err != nil {
			return nil, asType(err)
		}
	}
	return value.PythonDict(out), nil
}

// dictOfPairs makes a dict of the first two items of each pair; a text of two letters is one as well.
func dictOfPairs(a *args) (value.Value, error) {
	out := value.NewFreeDict(8)
	err := a.r.each(a.at[0], func(pair value.Value) (bool, error) {
		from, err := a.r.anySource(pair)
		if err != nil {
			return false, err
		}
		var entry [2]value.Value
		for i := range entry {
			if entry[i], err = from(); err != nil {
				return false, err
			}
			if entry[i] == nil {
				return false, stopIteration()
			}
		}
		if err := a.r.budget.Charge(1); err != nil {
			return false, err
		}
		return true, a.r.put(out, entry[0], entry[1])
	})
	return out.Freeze(), err
}

// anySource goes through whatever Python can: texts and dicts too.
func (r *run) anySource(v value.Value) (source, error) {
	switch v := v.(type) {
	case value.String:
		rest := []rune(v)
		return func() (value.Value, error) {
			if len(rest) == 0 {
				return nil, nil
			}
			c := rest[0]
			rest = rest[1:]
			return value.String(string(c)), nil
		}, nil
	case value.Mapping:
		return sliceSource((&view{of: v, what: viewKeys}).list()), nil
	}
	if !r.iterable(v) {
		return nil, fail(classType, "'%s' object is not iterable", frozenName(v))
	}
	return r.source(v), nil
}

func toDict(a *args) (value.Value, error) {
	out := value.NewFreeDict(8)
	err := a.r.each(a.at[0], func(item value.Value) (bool, error) {
		k, err := a.lambda(1).call(item)
		if err != nil {
			return false, err
		}
		if l := a.lambda(2); l != nil {
			if item, err = l.call(item); err != nil {
				return false, err
			}
		}
		if err := a.r.budget.Charge(1); err != nil {
			return false, err
		}
		return true, a.r.put(out, k, item)
	})
	return value.PythonDict(out), err
}

func mergeWith(a *args) (value.Value, error) {
	return a.merge(a.mapping(0), a.mapping(1), a.int(4))
}

// merge merges dicts at any depth, or within so many levels if that isn't 0. What is of the right one's kind decides.
func (a *args) merge(left, right value.Mapping, levels int) (value.Value, error) {
	if err := a.r.budget.Enter(); err != nil {
		return nil, err
	}
	defer a.r.budget.Leave()
	if err := a.r.budget.Charge(left.Len() + right.Len()); err != nil {
		return nil, err
	}
	out := value.NewFreeDict(left.Len() + right.Len())
	for k, v := range left.All() {
		v = inherit(left, v)
		if with, ok := right.Get(k); ok {
			var err error
			if v, err = a.mergeItem(v, inherit(right, with), levels); err != nil {
				return nil, err
			}
		}
		if err := out.Set(k, v); err != nil {
			return nil, asType(err)
		}
	}
	for k, v := range right.All() {
		if _, ok := out.Get(k); ok {
			continue
		}
		if err := out.Set(k, inherit(right, v)); err != nil {
			return nil, asType(err)
		}
	}
	return value.PythonDict(out), nil
}

func (a *args) mergeItem(v, with value.Value, levels int) (value.Value, error) {
	items, isList := sequence(with)
	sub, isDict := with.(value.Mapping)
	if levels == 1 || !isList && !isDict {
		if l := a.lambda(3); l != nil {
			return l.call2(v, with)
		}
		return with, nil
	}
	if isDict {
		have, ok := v.(value.Mapping)
		if !ok {
			return nil, cannotMerge(v, with)
		}
		return a.merge(have, sub, max(levels-1, 0))
	}
	have, ok := sequence(v)
	if !ok {
		return nil, cannotMerge(v, with)
	}
	if l := a.lambda(2); l != nil {
		return l.call2(v, with)
	}
	if err := a.r.budget.Charge(len(have) + len(items)); err != nil {
		return nil, err
	}
	from, err := a.r.distinct(sliceSource(append(append([]value.Value{}, have...), items...)), nil)
	if err != nil {
		return nil, err
	}
	merged, err := a.r.collect(a.r.iterator(from))
	return value.NewList(merged), err
}

func cannotMerge(v, with value.Value) error {
	return fail(classType, "Cannot merge %s with %s", className(v), className(with))
}

// className is the text of a value's type in Python.
func className(v value.Value) string {
	name := frozenName(v)
	if name == "FrozenDict" {
		name = "yaql.language.utils.FrozenDict"
	}
	return fmt.Sprintf("<class '%s'>", name)
}
