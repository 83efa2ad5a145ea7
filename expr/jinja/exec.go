package jinja

import (
	"cierzo/expr/value"
)

func (s *textStmt) exec(r *run) error {
	if r.unsure != nil && !s.computed {
		return r.unsure.fail()
	}
	return r.write(s.text)
}

func (s *output) exec(r *run) error {
	if r.unsure != nil {
		return r.unsure.fail()
	}
	v, err := r.eval(s.x)
	if err != nil {
		return err
	}
	text, err := r.str(v)
	if err != nil {
		return err
	}
	if _, safe := v.(*markup); r.escape && !safe {
		text = escapeHTML(text)
	}
	return r.write(text)
}

func (s *ifStmt) exec(r *run) error {
	for _, b := range s.branches {
		if b.test == nil {
			return r.exec(b.body)
		}
		yes, err := r.test(b.test)
		if err != nil {
			return err
		}
		if yes {
			return r.exec(b.body)
		}
	}
	return nil
}

func (s *setStmt) exec(r *run) error {
	v, err := r.eval(s.x)
	if err != nil {
		return err
	}
	return s.target.assign(r, v)
}

func (s *setBlock) exec(r *run) error {
	text, err := r.blockText(func() error { return r.within(func() error { return r.exec(s.body) }) })
	if err != nil {
		return err
	}
	v, err := r.filterBlock(s.filter, text)
	if err != nil {
		return err
	}
	return s.target.assign(r, v)
}

// blockText is what statements write, as a value: markup where it was escaped.
func (r *run) blockText(f func() error) (value.Value, error) {
	text, err := r.captureFunc(f)
	switch {
	case err != nil:
		return nil, err
	case r.unsure != nil:
		return nil, r.unsure.fail()
	case r.escape:
		return &markup{s: text}, nil
	}
	return value.String(text), nil
}

// filterBlock applies filters to what a block wrote.
func (r *run) filterBlock(x expr, v value.Value) (value.Value, error) {
	if x == nil {
		return v, nil
	}
	f := x.(*filterExpr)
	if f.input != nil {
		inner, err := r.filterBlock(f.input, v)
		if err != nil {
			return nil, err
		}
		v = inner
	}
	if err := r.b.Step(); err != nil {
		return nil, err
	}
	return f.apply(r, v)
}

func (s *withStmt) exec(r *run) error {
	values, err := r.evalAll(s.values)
	if err != nil {
		return err
	}
	return r.within(func() error {
		for i, to := range s.targets {
			if err := to.assign(r, values[i]); err != nil {
				return err
			}
		}
		return r.exec(s.body)
	})
}

func (s *filterBlock) exec(r *run) error {
	text, err := r.blockText(func() error { return r.within(func() error { return r.exec(s.body) }) })
	if err != nil {
		return err
	}
	v, err := r.filterBlock(s.filter, text)
	if err != nil {
		return err
	}
	return r.writeRaw(v)
}

// writeRaw writes what a filter or call block gives: Jinja2 doesn't make it a text, nor escape it. What is no text fails
// when the pieces are joined, behind everything else.
func (r *run) writeRaw(v value.Value) error {
	s, ok := textOf(v)
	if !ok && r.unjoined == nil {
		r.unjoined = typeError("sequence item 0: expected str instance, %s found", typeName(v))
	}
	return r.write(s)
}

// exec renders a block where it stands. It sees what is set at the top; one that is scoped sees its surroundings.
func (s *blockStmt) exec(r *run) error {
	outer := r.frame
	if !s.scoped {
		outer = r.root
	}
	return s.render(r, outer)
}

func (s *blockStmt) render(r *run, outer *frame) error {
	if s.required {
		return raise("TemplateRuntimeError", "Required block %s not found", quoted(s.name))
	}
	if err := r.b.Enter(); err != nil {
		return err
	}
	defer r.b.Leave()
	saved := r.frame
	r.frame = outer
	defer func() { r.frame = saved }()
	return r.within(func() error {
		r.frame.set("super", &undefined{hint: "there is no parent block called " + quoted(s.name) + "."})
		return r.exec(s.body)
	})
}

func (s *autoescape) exec(r *run) error {
	v, err := r.eval(s.on)
	if err != nil {
		return err
	}
	saved, unsure := r.escape, r.unsure
	defer func() { r.escape, r.unsure = saved, unsure }()
	if r.unsure, _ = v.(*undefined); r.unsure != nil && !r.unsure.lenient {
		r.escape = false
	} else if r.escape, err = r.truth(v); err != nil {
		return err
	}
	return r.within(func() error { return r.exec(s.body) })
}

func (s *loaderStmt) exec(r *run) error {
	if _, err := r.eval(s.x); err != nil {
		return err
	}
	return typeError("no loader for this environment specified")
}

func (t *nameTarget) assign(r *run, v value.Value) error {
	r.frame.set(t.name, v)
	return nil
}

func (t *tupleTarget) assign(r *run, v value.Value) error {
	items, err := r.unpack(v, len(t.items))
	if err != nil {
		return err
	}
	for i, to := range t.items {
		if err := to.assign(r, items[i]); err != nil {
			return err
		}
	}
	return nil
}

// unpack gives exactly n items of a value.
func (r *run) unpack(v value.Value, n int) ([]value.Value, error) {
	it, err := r.iter(v)
	if err != nil {
		if u, ok := v.(*undefined); ok {
			return nil, u.fail()
		}
		return nil, typeError("cannot unpack non-iterable %s object", typeName(v))
	}
	items := make([]value.Value, 0, n)
	for {
		item, ok, err := r.pull(it)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if len(items) == n {
			return nil, valueError("too many values to unpack (expected %d)", n)
		}
		items = append(items, item)
	}
	if len(items) < n {
		return nil, valueError("not enough values to unpack (expected %d, got %d)", n, len(items))
	}
	return items, nil
}

func (t *nsRef) assign(r *run, v value.Value) error {
	ns, ok := r.lookup(t.name)
	if !ok {
		return raise("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
	}
	space, ok := ns.(*namespaceObject)
	if !ok {
		return raise("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
	}
	if err := r.acyclic(v, space); err != nil {
		return err
	}
	space.attrs.SetString(t.attr, v)
	return nil
}
