package jinja

import (
	"cierzo/expr/value"
)

// Filters that apply other filters and tests, and groupby.

func filterMap(c *call) (value.Value, error) {
	var f func(r *run, item value.Value) (value.Value, bool, error)
	return c.r.whenTrue(c.arg(0), func(r *run, item value.Value) (value.Value, bool, error) {
		if f == nil {
			var err error
			if f, err = c.mapping(); err != nil {
				return nil, false, err
			}
		}
		return f(r, item)
	}, func() error {
		_, err := c.mapping()
		return err
	}), nil
}

// whenTrue is lazily, but a value that is false gives nothing; check is done once before the first item.
func (r *run) whenTrue(v value.Value, f func(r *run, item value.Value) (value.Value, bool, error), check func() error) value.Value {
	return r.generate("generator", &filtered{lazy: lazy{of: v, f: f}, check: check})
}

// filtered is lazy, of a value that may be false.
type filtered struct {
	lazy
	check        func() error
	begun, empty bool
}

func (l *filtered) next(r *run) (value.Value, bool, error) {
	if !l.begun {
		l.begun = true
		yes, err := r.truth(l.of)
		if err != nil {
			return nil, false, err
		}
		if l.empty = !yes; yes {
			if err := l.check(); err != nil {
				return nil, false, err
			}
		}
	}
	if l.empty {
		return nil, false, nil
	}
	return l.lazy.next(r)
}

// mapping is what map does with an item: an attribute of it, or a filter applied to it.
func (c *call) mapping() (func(r *run, item value.Value) (value.Value, bool, error), error) {
	a := args{pos: c.rest, kw: c.kw}
	if attribute, ok := a.keyword("attribute"); ok && len(a.pos) == 0 {
		otherwise, _ := a.keyword("default")
		for _, k := range a.kw {
			if k.name != "attribute" && k.name != "default" {
				return nil, raise("FilterArgumentError", "Unexpected keyword argument %s", quoted(k.name))
			}
		}
		g := newGetter(attribute, false, otherwise)
		return func(r *run, item value.Value) (value.Value, bool, error) {
			v, err := g.get(r, item)
			return v, true, err
		}, nil
	}
	if len(a.pos) == 0 {
		return nil, raise("FilterArgumentError", "map requires a filter argument")
	}
	name := a.pos[0]
	a.pos = a.pos[1:]
	var fn *builtin
	return func(r *run, item value.Value) (value.Value, bool, error) {
		if fn == nil {
			var err error
			if fn, err = r.named("filter", name, lookupFilter); err != nil {
				return nil, false, err
			}
		}
		v, err := r.callFilter(fn, item, a)
		return v, true, err
	}, nil
}

// named finds a filter or test that a template names by a value.
func (r *run) named(kind string, name value.Value, lookup func(string) *builtin) (*builtin, error) {
	if s, ok := textOf(name); ok {
		if fn := lookup(s); fn != nil {
			return fn, nil
		}
	}
	switch u := name.(type) {
	case *value.List, value.Mapping:
		return nil, typeError("unhashable type: '%s'", typeName(name))
	case *undefined:
		return nil, u.fail()
	}
	return nil, raise("TemplateRuntimeError", "No %s named %s.", kind, value.Repr(name))
}

// filterSelect is select, reject, selectattr and rejectattr.
func filterSelect(want, byAttr bool) func(c *call) (value.Value, error) {
	return func(c *call) (value.Value, error) {
		a := args{pos: c.rest, kw: c.kw}
		g := getter{}
		check := func() error {
			if byAttr && len(c.rest) == 0 {
				return raise("FilterArgumentError", "Missing parameter for attribute name")
			}
			return nil
		}
		if byAttr && len(a.pos) > 0 {
			g = newGetter(a.pos[0], false, nil)
			a.pos = a.pos[1:]
		}
		var name value.Value
		if len(a.pos) > 0 {
			name, a.pos = a.pos[0], a.pos[1:]
		}
		test := &repeatedTest{}
		return c.r.whenTrue(c.arg(0), func(r *run, item value.Value) (value.Value, bool, error) {
			v, err := g.get(r, item)
			if err != nil {
				return nil, false, err
			}
			if name != nil {
				if v, err = test.apply(r, name, v, a); err != nil {
					return nil, false, err
				}
			}
			yes, err := r.truth(v)
			return item, yes == want, err
		}, check), nil
	}
}

// repeatedTest is a test that is applied to many values with the same arguments. Tests don't keep their call, so one will do.
type repeatedTest struct{ c *call }

func (t *repeatedTest) apply(r *run, name, v value.Value, a args) (value.Value, error) {
	if t.c != nil {
		if err := r.lookAtInput(v, a.pos); err != nil {
			return nil, err
		}
		t.c.vals[0] = v
		return t.c.fn.eval(t.c)
	}
	fn, err := r.named("test", name, lookupTest)
	if err != nil {
		return nil, err
	}
	c, err := r.bindFilter(fn, v, a)
	if err != nil {
		return nil, err
	}
	if len(c.vals) > 0 {
		t.c = c
	}
	return fn.eval(c)
}

func filterGroupby(c *call) (value.Value, error) {
	sensitive, err := c.truth(3, false)
	if err != nil {
		return nil, err
	}
	items, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	by := newGetter(c.arg(1), !sensitive, c.arg(2))
	pairs := make([]keyed, len(items))
	for i, item := range items {
		k, err := by.get(c.r, item)
		if err != nil {
			return nil, err
		}
		pairs[i] = keyed{k, item}
	}
	if err := c.r.sort(pairs, false); err != nil {
		return nil, err
	}
	shown := by
	shown.lowercase = false
	var groups []value.Value
	for i := 0; i < len(pairs); {
		end := i
		for end < len(pairs) {
			same, err := c.r.same(pairs[i].key, pairs[end].key)
			if err != nil {
				return nil, err
			}
			if !same {
				break
			}
			end++
		}
		end = max(end, i+1) // it isn't equal to itself: nan
		members := make([]value.Value, end-i)
		for n := range members {
			members[n] = pairs[i+n].item
		}
		i = end
		grouper, err := shown.get(c.r, members[0])
		if err != nil {
			return nil, err
		}
		group := value.NewTuple([]value.Value{grouper, value.NewList(members)})
		if c.r.groups == nil {
			c.r.groups = map[*value.Tuple]bool{}
		}
		c.r.groups[group] = true
		groups = append(groups, group)
	}
	return value.NewList(groups), nil
}

func filterDefault(c *call) (value.Value, error) {
	v := c.arg(0)
	otherwise := c.or(1, value.String(""))
	if isUndefined(v) {
		return otherwise, nil
	}
	byTruth, err := c.truth(2, false)
	if err != nil || !byTruth {
		return v, err
	}
	yes, err := c.r.truth(v)
	if err != nil || yes {
		return v, err
	}
	return otherwise, nil
}

func filterAttr(c *call) (value.Value, error) {
	v := c.arg(0)
	name, err := c.text(1, "")
	if err != nil {
		return nil, err
	}
	if u, ok := v.(*undefined); ok && !hasHidden(v, name) {
		return nil, u.fail()
	}
	have, err := c.r.attr(v, name)
	if err != nil || have != nil {
		return have, err
	}
	if hasHidden(v, name) {
		return unsafeAttr(v, name), nil
	}
	return undefinedAttr(v, value.String(name)), nil
}
