package jinja

import (
	"cierzo/expr/value"
)

// Filters that apply other filters and tests, and groupby.

func filterMap(c *call) (value.Value, error) {
	return c.r.generate("generator", &mapped{begin: begin{of: c.arg(0)}, c: c}), nil
}

// begin is how map and select begin: a value that is false gives nothing, whatever it is.
type begin struct {
	of    value.Value
	it    iterator // nil: not begun, or there is nothing
	begun bool
}

// first reports whether this is the first time, and there is something.
func (b *begin) first(r *run) (bool, error) {
	if b.begun {
		return false, nil
	}
	b.begun = true
	return r.truth(b.of)
}

// pull gives the next item.
func (b *begin) pull(r *run) (value.Value, bool, error) { return r.pull(b.it) }

// mapped gives an attribute of each item, or what a filter makes of it.
type mapped struct {
	begin
	c      *call
	byAttr bool
	g      getter
	filter *builtin // nil: not looked up yet
	name   value.Value
	a      args
}

func (m *mapped) next(r *run) (value.Value, bool, error) {
	yes, err := m.first(r)
	if err != nil {
		return nil, false, err
	}
	if yes {
		if err = m.prepare(); err == nil {
			m.it, err = r.iter(m.of)
		}
		if err != nil {
			return nil, false, err
		}
	}
	if m.it == nil {
		return nil, false, nil
	}
	item, ok, err := m.pull(r)
	if err != nil || !ok {
		return nil, false, err
	}
	if m.byAttr {
		item, err = m.g.get(r, item)
		return item, true, err
	}
	if m.filter == nil {
		if m.filter, err = r.named("filter", m.name, lookupFilter); err != nil {
			return nil, false, err
		}
	}
	item, err = r.callFilter(m.filter, item, m.a)
	return item, true, err
}

// prepare reads the arguments.
func (m *mapped) prepare() error {
	m.a = args{pos: m.c.rest, kw: m.c.kw}
	if attribute, ok := m.a.keyword("attribute"); ok && len(m.a.pos) == 0 {
		otherwise, _ := m.a.keyword("default")
		for _, k := range m.a.kw {
			if k.name != "attribute" && k.name != "default" {
				return raise("FilterArgumentError", "Unexpected keyword argument %s", quoted(k.name))
			}
		}
		m.g, m.byAttr = newGetter(attribute, false, otherwise), true
		return nil
	}
	if len(m.a.pos) == 0 {
		return raise("FilterArgumentError", "map requires a filter argument")
	}
	m.name, m.a.pos = m.a.pos[0], m.a.pos[1:]
	return nil
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
		s := &selected{begin: begin{of: c.arg(0)}, want: want, a: args{pos: c.rest, kw: c.kw}}
		if byAttr {
			if len(s.a.pos) == 0 {
				s.noAttr = true
			} else {
				s.g = newGetter(s.a.pos[0], false, nil)
				s.a.pos = s.a.pos[1:]
			}
		}
		if len(s.a.pos) > 0 {
			s.name, s.a.pos = s.a.pos[0], s.a.pos[1:]
		}
		return c.r.generate("generator", s), nil
	}
}

// selected gives the items that pass a test, or don't.
type selected struct {
	begin
	want   bool
	noAttr bool // the attribute's name is missing
	g      getter
	name   value.Value // of the test; nil: the truth of the item
	a      args
	test   *call // nil: not looked up yet. Tests don't keep their call, so one will do for all items
}

func (s *selected) next(r *run) (value.Value, bool, error) {
	yes, err := s.first(r)
	if err != nil {
		return nil, false, err
	}
	if yes {
		if s.noAttr {
			return nil, false, raise("FilterArgumentError", "Missing parameter for attribute name")
		}
		if s.it, err = r.iter(s.of); err != nil {
			return nil, false, err
		}
	}
	for s.it != nil {
		item, ok, err := s.pull(r)
		if err != nil || !ok {
			return nil, false, err
		}
		v, err := s.g.get(r, item)
		if err != nil {
			return nil, false, err
		}
		if s.name != nil {
			if v, err = s.apply(r, v); err != nil {
				return nil, false, err
			}
		}
		yes, err := r.truth(v)
		if err != nil {
			return nil, false, err
		}
		if yes == s.want {
			return item, true, nil
		}
	}
	return nil, false, nil
}

func (s *selected) apply(r *run, v value.Value) (value.Value, error) {
	if s.test != nil {
		if err := r.lookAtInput(v, s.a.pos); err != nil {
			return nil, err
		}
		s.test.vals[0] = v
		return s.test.fn.eval(s.test)
	}
	fn, err := r.named("test", s.name, lookupTest)
	if err != nil {
		return nil, err
	}
	c, err := r.bindFilter(fn, v, s.a)
	if err != nil {
		return nil, err
	}
	if len(c.vals) > 0 {
		s.test = c
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
