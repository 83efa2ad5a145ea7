package jinja

import (
	"cierzo/expr/value"
)

// listMethod finds a method of lists.
func listMethod(name string) *builtin {
	switch name {
	case "append":
		return mutator(name, 1, []string{"object"}, listAppend)
	case "extend":
		return mutator(name, 1, []string{"iterable"}, listExtend)
	case "insert":
		return mutator(name, 2, []string{"index", "object"}, listInsert)
	case "pop":
		return mutator(name, 0, []string{"index"}, listPop)
	case "remove":
		return mutator(name, 1, []string{"value"}, listRemove)
	case "clear":
		return mutator(name, 0, nil, func(c *call) (value.Value, error) {
			c.self.(*value.List).Replace(nil)
			return value.Null{}, nil
		})
	case "reverse":
		return mutator(name, 0, nil, listReverse)
	case "sort":
		return &builtin{name: name, params: []string{"key", "reverse"}, keywordOnly: true, mutates: true, eval: listSort}
	case "copy":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			items, err := c.r.list(c.self)
			return value.NewList(items), err
		})
	}
	return tupleMethod(name)
}

// tupleMethod finds a method of tuples; lists have it too.
func tupleMethod(name string) *builtin {
	switch name {
	case "index":
		return method(name, 1, []string{"value", "start", "stop"}, sequenceIndex)
	case "count":
		return method(name, 1, []string{"value"}, sequenceCount)
	}
	return nil
}

func listAppend(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	if err := c.r.acyclic(c.arg(0), l); err != nil {
		return nil, err
	}
	if err := c.r.make(1); err != nil {
		return nil, err
	}
	l.Replace(append(l.Items(), c.arg(0)))
	return value.Null{}, nil
}

// acyclic refuses to put a value into a container that it holds itself: nothing could print or store that.
func (r *run) acyclic(v, container value.Value) error {
	switch v.(type) {
	case *value.List, *value.Tuple, value.Mapping, *namespaceObject, *view, *generator:
	default:
		return nil
	}
	if err := r.b.Step(); err != nil {
		return err
	}
	if v == container {
		return valueError("Circular reference detected")
	}
	if err := r.b.Enter(); err != nil {
		return err
	}
	defer r.b.Leave()
	var inner []value.Value
	switch v := v.(type) {
	case *value.List:
		inner = v.Items()
	case *value.Tuple:
		inner = v.Items()
	case *namespaceObject:
		return r.acyclic(v.attrs, container)
	case *view:
		return r.acyclic(v.m, container)
	case value.Mapping:
		for _, item := range v.All() {
			if err := r.acyclic(item, container); err != nil {
				return err
			}
		}
	}
	for _, item := range inner {
		if err := r.acyclic(item, container); err != nil {
			return err
		}
	}
	return nil
}

func listExtend(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	more, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	for _, item := range more {
		if err := c.r.acyclic(item, l); err != nil {
			return nil, err
		}
	}
	l.Replace(append(l.Items(), more...))
	return value.Null{}, nil
}

func listInsert(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	at, err := c.int(0, 0)
	if err != nil {
		return nil, err
	}
	if err := c.r.acyclic(c.arg(1), l); err != nil {
		return nil, err
	}
	n := l.Len()
	if at < 0 {
		at = max(at+n, 0)
	}
	at = min(at, n)
	if err := c.r.make(n + 1); err != nil {
		return nil, err
	}
	items := append(make([]value.Value, 0, n+1), l.Items()[:at]...)
	l.Replace(append(append(items, c.arg(1)), l.Items()[at:]...))
	return value.Null{}, nil
}

func listPop(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	at, err := c.int(0, -1)
	if err != nil {
		return nil, err
	}
	n := l.Len()
	if n == 0 {
		return nil, raise("IndexError", "pop from empty list")
	}
	if at < 0 {
		at += n
	}
	if at < 0 || at >= n {
		return nil, raise("IndexError", "pop index out of range")
	}
	v := l.At(at)
	return v, c.removeAt(l, at)
}

func (c *call) removeAt(l *value.List, at int) error {
	if at == l.Len()-1 {
		l.Replace(l.Items()[:at])
		return nil
	}
	if err := c.r.make(l.Len()); err != nil {
		return err
	}
	items := append(make([]value.Value, 0, l.Len()), l.Items()[:at]...)
	l.Replace(append(items, l.Items()[at+1:]...))
	return nil
}

func listRemove(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	for i, item := range l.Items() {
		same, err := c.r.same(item, c.arg(0))
		if err != nil {
			return nil, err
		}
		if same {
			return value.Null{}, c.removeAt(l, i)
		}
	}
	return nil, valueError("list.remove(x): x not in list")
}

func listReverse(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	items, err := c.r.list(l)
	if err != nil {
		return nil, err
	}
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	l.Replace(items)
	return value.Null{}, nil
}

func listSort(c *call) (value.Value, error) {
	l := c.self.(*value.List)
	reverse, err := c.truth(1, false)
	if err != nil {
		return nil, err
	}
	items, err := c.r.list(l)
	if err != nil {
		return nil, err
	}
	sorted, err := c.r.sortBy(items, reverse, func(item value.Value) (value.Value, error) {
		if !c.given(0) {
			return item, nil
		}
		return c.r.call(c.arg(0), args{pos: []value.Value{item}})
	})
	if err != nil {
		return nil, err
	}
	l.Replace(sorted)
	return value.Null{}, nil
}

func sequenceIndex(c *call) (value.Value, error) {
	items, err := c.r.list(c.self)
	if err != nil {
		return nil, err
	}
	bounds := [2]int{0, len(items)}
	for i := range len(c.vals) - 1 {
		n, err := c.int(1+i, bounds[i])
		if err != nil {
			return nil, err
		}
		if n < 0 {
			n = max(n+len(items), 0)
		}
		bounds[i] = n
	}
	for i := bounds[0]; i < min(bounds[1], len(items)); i++ {
		same, err := c.r.same(items[i], c.arg(0))
		if err != nil {
			return nil, err
		}
		if same {
			return value.Int(i), nil
		}
	}
	if _, tuple := c.self.(*value.Tuple); tuple {
		return nil, valueError("tuple.index(x): x not in tuple")
	}
	s, err := c.r.repr(c.arg(0))
	if err != nil {
		return nil, err
	}
	if _, ok := c.self.(*rangeObject); ok {
		return nil, valueError("%s is not in range", s)
	}
	return nil, valueError("%s is not in list", s)
}

func sequenceCount(c *call) (value.Value, error) {
	items, err := c.r.list(c.self)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, item := range items {
		same, err := c.r.same(item, c.arg(0))
		if err != nil {
			return nil, err
		}
		if same {
			n++
		}
	}
	return value.Int(n), nil
}

// rangeMethod finds a method of ranges.
func rangeMethod(name string) *builtin {
	switch name {
	case "index":
		return method(name, 1, []string{"value"}, sequenceIndex)
	case "count":
		return tupleMethod(name)
	}
	return nil
}

// setMethod finds a method of sets. Sets are frozen here: those that change one are left out.
func setMethod(name string) *builtin {
	switch name {
	case "union", "intersection", "difference", "symmetric_difference":
		return &builtin{name: name, variadic: true, eval: setCombine}
	case "issubset", "issuperset", "isdisjoint":
		return method(name, 1, []string{"other"}, setCompare)
	case "copy":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return c.self, nil })
	}
	return nil
}

// viewMethod finds a method of keys() and items().
func viewMethod(name string) *builtin {
	if name == "isdisjoint" {
		return setMethod(name)
	}
	return nil
}

func setCombine(c *call) (value.Value, error) {
	items, err := c.r.list(c.self)
	if err != nil {
		return nil, err
	}
	for _, arg := range c.rest {
		more, err := c.r.list(arg)
		if err != nil {
			return nil, err
		}
		other, err := c.r.newSet(more)
		if err != nil {
			return nil, err
		}
		have, err := c.r.newSet(items)
		if err != nil {
			return nil, err
		}
		var out []value.Value
		for _, item := range items {
			in := other.Has(item)
			if c.fn.name == "union" || in == (c.fn.name == "intersection") {
				out = append(out, item)
			}
		}
		if c.fn.name == "union" || c.fn.name == "symmetric_difference" {
			for _, item := range other.Items() {
				if !have.Has(item) {
					out = append(out, item)
				}
			}
		}
		items = out
	}
	return c.r.newSet(items)
}

func setCompare(c *call) (value.Value, error) {
	mine, err := c.r.list(c.self)
	if err != nil {
		return nil, err
	}
	theirs, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	a, err := c.r.newSet(mine)
	if err != nil {
		return nil, err
	}
	b, err := c.r.newSet(theirs)
	if err != nil {
		return nil, err
	}
	switch c.fn.name {
	case "issubset":
		return value.Bool(a.Within(b)), nil
	case "issuperset":
		return value.Bool(b.Within(a)), nil
	}
	for _, item := range a.Items() {
		if b.Has(item) {
			return value.Bool(false), nil
		}
	}
	return value.Bool(true), nil
}
