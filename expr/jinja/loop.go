package jinja

import (
	"cierzo/expr/value"
)

// loopObject is the variable loop, and in a recursive loop the function of that name. It looks one item ahead.
type loopObject struct {
	value.Object
	stmt     *forStmt
	outer    *frame // where the loop stands
	iterable value.Value
	it       iterator
	index    int // of the current item, counted from 0; -1: before the first
	length   int // -1: not counted yet
	depth    int
	before   value.Value // nil: none
	current  value.Value
	after    value.Value // nil: none, or not looked at yet
	looked   bool
	last     []value.Value // what changed() saw
}

// TypeName is Python's name of the type.
func (*loopObject) TypeName() string { return "jinja2.runtime.LoopContext" }

// Repr shows where the loop is.
func (l *loopObject) Repr() string { return "<LoopContext>" }

func (s *forStmt) exec(r *run) error {
	iterable, err := r.eval(s.iter)
	if err != nil {
		return err
	}
	return s.loop(r, iterable, 0, r.frame)
}

// loop runs the loop over an iterable; depth counts how often a recursive loop called itself.
func (s *forStmt) loop(r *run, iterable value.Value, depth int, outer *frame) error {
	it, err := r.iter(iterable)
	if err != nil {
		return err
	}
	if s.test != nil {
		it = &testedIterator{s, it, outer}
		iterable = nil
	}
	l := &loopObject{stmt: s, outer: outer, iterable: iterable, it: it, index: -1, length: -1, depth: depth}
	saved := r.frame
	defer func() { r.frame = saved }()
	for {
		item, ok, err := l.advance(r)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		r.frame = &frame{outer: outer}
		if s.usesLoop || s.recursive {
			r.frame.set("loop", l)
		}
		if err := s.target.assign(r, item); err != nil {
			return err
		}
		if err := r.exec(s.body); err != nil {
			return err
		}
	}
	if l.index >= 0 {
		return nil
	}
	r.frame = outer
	return r.within(func() error { return r.exec(s.empty) })
}

// testedIterator gives the items that pass the loop's condition.
type testedIterator struct {
	stmt  *forStmt
	it    iterator
	outer *frame
}

func (t *testedIterator) next(r *run) (value.Value, bool, error) {
	saved := r.frame
	defer func() { r.frame = saved }()
	for {
		item, ok, err := r.pull(t.it)
		if err != nil || !ok {
			return nil, false, err
		}
		r.frame = &frame{outer: t.outer}
		if err := t.stmt.target.assign(r, item); err != nil {
			return nil, false, err
		}
		yes, err := r.test(t.stmt.test)
		if err != nil || yes {
			return item, yes, err
		}
	}
}

// advance goes to the next item.
func (l *loopObject) advance(r *run) (value.Value, bool, error) {
	item, ok, err := l.peek(r)
	if err != nil || !ok {
		return nil, false, err
	}
	l.before, l.current = l.current, item
	l.index++
	l.after, l.looked = nil, false
	return item, true, nil
}

// peek looks at the next item.
func (l *loopObject) peek(r *run) (value.Value, bool, error) {
	if !l.looked {
		item, ok, err := r.pull(l.it)
		if err != nil {
			return nil, false, err
		}
		l.looked = true
		if ok {
			l.after = item
		}
	}
	return l.after, l.after != nil, nil
}

// count is the number of all items. What can't say it is drawn out to the end.
func (l *loopObject) count(r *run) (int, error) {
	if l.length >= 0 {
		return l.length, nil
	}
	if l.iterable != nil {
		if n, ok := lengthOf(l.iterable); ok {
			l.length = n
			return n, nil
		}
	}
	rest, err := r.drain(l.it)
	if err != nil {
		return 0, err
	}
	l.it = &sliceIterator{items: rest}
	l.length = len(rest) + l.index + 1
	if l.after != nil {
		l.length++
	}
	return l.length, nil
}

// attr is an attribute of loop; nil: there is none of this name.
func (l *loopObject) attr(r *run, name string) (value.Value, error) {
	number := func(n int, err error) (value.Value, error) { return value.Int(n), err }
	switch name {
	case "index":
		return value.Int(l.index + 1), nil
	case "index0":
		return value.Int(l.index), nil
	case "depth":
		return value.Int(l.depth + 1), nil
	case "depth0":
		return value.Int(l.depth), nil
	case "first":
		return value.Bool(l.index == 0), nil
	case "last":
		_, more, err := l.peek(r)
		return value.Bool(!more), err
	case "length":
		return number(l.count(r))
	case "revindex":
		n, err := l.count(r)
		return number(n-l.index, err)
	case "revindex0":
		n, err := l.count(r)
		return number(n-l.index-1, err)
	case "previtem":
		if l.before == nil {
			return &undefined{hint: "there is no previous item"}, nil
		}
		return l.before, nil
	case "nextitem":
		next, more, err := l.peek(r)
		if err != nil || more {
			return next, err
		}
		return &undefined{hint: "there is no next item"}, nil
	case "cycle":
		return &function{fn: &builtin{name: "cycle", variadic: true, eval: l.cycle}}, nil
	case "changed":
		return &function{fn: &builtin{name: "changed", variadic: true, eval: l.changed}}, nil
	}
	return nil, nil
}

func (l *loopObject) cycle(c *call) (value.Value, error) {
	if len(c.rest) == 0 {
		return nil, typeError("no items for cycling given")
	}
	return c.rest[l.index%len(c.rest)], nil
}

// changed reports whether the arguments differ from those of the last time.
func (l *loopObject) changed(c *call) (value.Value, error) {
	same := l.last != nil && len(l.last) == len(c.rest)
	for i := 0; same && i < len(c.rest); i++ {
		var err error
		if same, err = c.r.equal(l.last[i], c.rest[i]); err != nil {
			return nil, err
		}
	}
	l.last = append([]value.Value{}, c.rest...)
	return value.Bool(!same), nil
}

// call runs a recursive loop over other items and gives what it writes.
func (l *loopObject) call(r *run, a args) (value.Value, error) {
	if !l.stmt.recursive {
		return nil, typeError("The loop must have the 'recursive' marker to be called recursively.")
	}
	if len(a.pos) != 1 || len(a.kw) > 0 {
		return nil, typeError("LoopContext.__call__() takes 2 positional arguments but %d were given", len(a.pos)+1)
	}
	if err := r.b.Enter(); err != nil {
		return nil, err
	}
	defer r.b.Leave()
	return r.blockText(func() error { return l.stmt.loop(r, a.pos[0], l.depth+1, l.outer) })
}
