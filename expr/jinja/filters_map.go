package jinja

import (
	"cierzo/expr/value"
)

// Filters that apply other filters and tests, and groupby.

func filterMap(c *call) (value.Value, error) {
	m := &mapped{begin: begin{of: c.arg(0)}, a: args{pos: c.rest, kw: c.kw, ahead: c.ahead}}
	m.gen.name, m.gen.it = "generator", m
	return &m.gen, nil
}

// begin is how map and select begin: a value that is false gives nothing, whatever it is.
type begin struct {
	of    value.Value
	it    iterator // nil: not begun, or there is nothing
	begun bool

	// Where the generator and the iterator are, so that they are no allocations of their own.
	gen  generator
	list listIterator
}

// first reports whether this is the first time, and there is something.
func (b *begin) first(r *run) (bool, error) {
	if b.begun {
		return false, nil
	}
	b.begun = true
	return r.truth(b.of)
}

// iterate begins to iterate.
func (b *begin) iterate(r *run) error {
	if l, ok := b.of.(*value.List); ok {
		b.list.list = l
		b.it = &b.list
		return nil
	}
	var err error
	b.it, err = r.iter(b.of)
	return err
}

// pull gives the next item.
func (b *begin) pull(r *run) (value.Value, bool, error) {
	if b.list.list == nil {
		return r.pull(b.it)
	}
	if err := r.b.Step(); err != nil {
		return nil, false, err
	}
	return b.list.next(r)
}

// aheadDepthMax is how deep maps of maps are prepared; the rest does it each time.
const aheadDepthMax = 3

// mapped gives an attribute of each item, or what a filter makes of it.
type mapped struct {
	begin
	a      args
	get    *getter  // of the attribute; nil: a filter is applied
	filter *builtin // nil: not looked up yet
}

func (m *mapped) next(r *run) (value.Value, bool, error) {
	yes, err := m.first(r)
	if err != nil {
		return nil, false, err
	}
	if yes {
		if err = m.prepare(); err == nil {
			err = m.iterate(r)
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
	if m.get != nil {
		item, err = m.get.get(r, item)
		return item, true, err
	}
	if m.filter == nil {
		if m.filter, err = r.named("filter", m.a.pos[0], lookupFilter); err != nil {
			return nil, false, err
		}
	}
	rest := args{pos: m.a.pos[1:], kw: m.a.kw}
	if m.a.ahead != nil {
		rest.ahead = m.a.ahead.inner
	}
	item, err = r.callFilter(m.filter, item, rest)
	return item, true, err
}

// prepare reads the arguments.
func (m *mapped) prepare() error {
	if m.a.ahead != nil {
		m.get, m.filter = m.a.ahead.get, m.a.ahead.fn
	}
	var err error
	if m.get == nil && m.filter == nil {
		m.get, err = mapGetter(m.a)
	}
	return err
}

// mapGetter is the getter that the arguments of map ask for; nil: they name a filter.
func mapGetter(a args) (*getter, error) {
	if len(a.pos) > 0 {
		return nil, nil
	}
	attribute, ok := a.keyword("attribute")
	if !ok {
		return nil, raise("FilterArgumentError", "map requires a filter argument")
	}
	otherwise, _ := a.keyword("default")
	for _, k := range a.kw {
		if k.name != "attribute" && k.name != "default" {
			return nil, raise("FilterArgumentError", "Unexpected keyword argument %s", quoted(k.name))
		}
	}
	return newGetterRef(attribute, otherwise), nil
}

// prepareMap is map's part of builtin.prepare.
func prepareMap(given args, depth int) *ahead {
	a := &ahead{}
	if len(given.pos) == 0 {
		a.get, _ = mapGetter(given)
		return a
	}
	if name, ok := textOf(given.pos[0]); ok {
		a.fn = lookupFilter(name)
		a.inner = a.fn.prepared(args{pos: given.pos[1:], kw: given.kw}, depth-1)
	}
	return a
}

// prepareSelect is builtin.prepare of the filters of filterSelect.
func prepareSelect(byAttr bool) func(given args, depth int) *ahead {
	return func(given args, _ int) *ahead {
		a, pos := &ahead{}, given.pos
		if byAttr && len(pos) > 0 {
			a.get, pos = newGetterRef(pos[0], nil), pos[1:]
		}
		if len(pos) > 0 {
			if name, ok := textOf(pos[0]); ok {
				a.fn = lookupTest(name)
			}
		}
		return a
	}
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
		s.gen.name, s.gen.it = "generator", s
		if c.ahead != nil {
			s.get, s.named = c.ahead.get, c.ahead.fn
		}
		if byAttr {
			if len(s.a.pos) == 0 {
				s.noAttr = true
			} else {
				if s.get == nil {
					s.get = newGetterRef(s.a.pos[0], nil)
				}
				s.a.pos = s.a.pos[1:]
			}
		}
		if len(s.a.pos) > 0 {
			s.name, s.a.pos = s.a.pos[0], s.a.pos[1:]
		}
		return &s.gen, nil
	}
}

// selected gives the items that pass a test, or don't.
type selected struct {
	begin
	want   bool
	noAttr bool        // the attribute's name is missing
	get    *getter     // nil: the item itself is tested
	name   value.Value // of the test; nil: the truth of the item
	a      args
	named  *builtin // the test, where it was found ahead
	test   *call    // nil: not looked up yet. Tests don't keep their call, so one will do for all items
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
		if err = s.iterate(r); err != nil {
			return nil, false, err
		}
	}
	for s.it != nil {
		item, ok, err := s.pull(r)
		if err != nil || !ok {
			return nil, false, err
		}
		v := item
		if s.get != nil {
			if v, err = s.get.get(r, item); err != nil {
				return nil, false, err
			}
		}
		if s.name != nil {
			if v, err = s.apply(r, v); err != nil {
				return nil, false, err
			}
		}
		yes, isBool := v.(value.Bool)
		if !isBool {
			truth, err := r.truth(v)
			if err != nil {
				return nil, false, err
			}
			yes = value.Bool(truth)
		}
		if bool(yes) == s.want {
			return item, true, nil
		}
	}
	return nil, false, nil
}

func (s *selected) apply(r *run, v value.Value) (value.Value, error) {
	if s.test != nil {
		if err := r.lookAt(v, s.a.pos); err != nil {
			return nil, err
		}
		s.test.vals[0] = v
		return s.test.fn.eval(s.test)
	}
	fn := s.named
	if fn == nil {
		var err error
		if fn, err = r.named("test", s.name, lookupTest); err != nil {
			return nil, err
		}
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

// groups are what groupby made: tuples whose items have names too.
type groups struct {
	made [][]value.Tuple // by one groupby each, until somebody asks
	seen map[*value.Tuple]bool
}

// isGroup reports whether groupby made a tuple. Few ask, so it is only then that the tuples are put where they are found.
func (r *run) isGroup(t *value.Tuple) bool {
	g := &r.groups
	if len(g.made) > 0 && g.seen == nil {
		g.seen = map[*value.Tuple]bool{}
	}
	for _, made := range g.made {
		for i := range made {
			g.seen[&made[i]] = true
		}
	}
	g.made = nil
	return g.seen[t]
}

func filterGroupby(c *call) (value.Value, error) {
	sensitive, err := c.truth(3, false)
	if err != nil {
		return nil, err
	}
	items, err := c.r.borrow(c.arg(0))
	if err != nil {
		return nil, err
	}
	by := newGetter(c.arg(1), !sensitive, c.arg(2))
	var few [32]keyed // where pairs are, as long as they are few
	pairs := few[:0]
	if len(items) > len(few) {
		pairs = make([]keyed, 0, len(items))
	}
	for _, item := range items {
		k, err := by.get(c.r, item)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, keyed{k, item})
	}
	if err := c.r.sort(pairs, false); err != nil {
		return nil, err
	}
	by.lowercase = false
	return c.r.group(pairs, &by)
}

// group makes the groups of what is sorted. They share a few slices, for there may be many small ones.
func (r *run) group(pairs []keyed, shown *getter) (value.Value, error) {
	var few [16]int
	ends := few[:0] // of the groups
	for start := 0; start < len(pairs); start = ends[len(ends)-1] {
		end := start
		for end < len(pairs) {
			same, err := r.same(pairs[start].key, pairs[end].key)
			if err != nil {
				return nil, err
			}
			if !same {
				break
			}
			end++
		}
		ends = append(ends, max(end, start+1)) // it may not be equal to itself: nan
	}
	members := make([]value.Value, len(pairs))
	for i := range pairs {
		members[i] = pairs[i].item
	}
	lists := make([]value.List, len(ends))
	parts := make([]value.Value, 2*len(ends))
	start := 0
	for i, end := range ends {
		grouper, err := shown.get(r, members[start])
		if err != nil {
			return nil, err
		}
		lists[i].Replace(members[start:end:end])
		parts[2*i], parts[2*i+1] = grouper, &lists[i]
		start = end
	}
	tuples := value.NewTuples(parts, 2)
	r.groups.made = append(r.groups.made, tuples)
	out := make([]value.Value, len(tuples))
	for i := range tuples {
		out[i] = &tuples[i]
	}
	return value.NewList(out), nil
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
