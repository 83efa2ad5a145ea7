package jinja

import (
	"strings"

	"cierzo/expr/value"
)

func (x *constant) eval(*run) (value.Value, error) { return x.v, nil }

func (x *brokenConst) eval(*run) (value.Value, error) {
	return nil, raise("NameError", "name %s is not defined", quoted(x.name))
}

func (x *name) eval(r *run) (value.Value, error) {
	if v, ok := r.lookup(x.name); ok {
		return v, nil
	}
	return undefinedName(x.name), nil
}

func (r *run) evalAll(xs []expr) ([]value.Value, error) {
	if err := r.make(len(xs)); err != nil {
		return nil, err
	}
	out := make([]value.Value, len(xs))
	for i, x := range xs {
		v, err := r.eval(x)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (x *listExpr) eval(r *run) (value.Value, error) {
	items, err := r.evalAll(x.items)
	if err != nil {
		return nil, err
	}
	return value.NewList(items), nil
}

func (x *tupleExpr) eval(r *run) (value.Value, error) {
	items, err := r.evalAll(x.items)
	if err != nil {
		return nil, err
	}
	return value.NewTuple(items), nil
}

func (x *dictExpr) eval(r *run) (value.Value, error) {
	d := value.NewDict(len(x.keys))
	for i := range x.keys {
		k, err := r.eval(x.keys[i])
		if err != nil {
			return nil, err
		}
		v, err := r.eval(x.vals[i])
		if err != nil {
			return nil, err
		}
		if err := r.setKey(d, k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (x *attribute) eval(r *run) (value.Value, error) {
	obj, err := r.eval(x.obj)
	if err != nil {
		return nil, err
	}
	return r.getattr(obj, x.name)
}

func (x *subscript) eval(r *run) (value.Value, error) {
	obj, err := r.eval(x.obj)
	if err != nil {
		return nil, err
	}
	arg, err := r.eval(x.arg)
	if err != nil {
		return nil, err
	}
	if s, ok := arg.(*sliceObject); ok {
		return r.slice(obj, s)
	}
	return r.getitem(obj, arg)
}

func (x *sliceExpr) eval(r *run) (value.Value, error) {
	s := &sliceObject{}
	for i, part := range []expr{x.start, x.stop, x.step} {
		s.parts[i] = value.Null{}
		if part == nil {
			continue
		}
		v, err := r.eval(part)
		if err != nil {
			return nil, err
		}
		s.parts[i] = v
	}
	return s, nil
}

func (x *callExpr) eval(r *run) (value.Value, error) {
	fn, err := r.eval(x.fn)
	if err != nil {
		return nil, err
	}
	a, err := r.evalArgs(&x.args)
	if err != nil {
		return nil, err
	}
	return r.call(fn, a)
}

// evalArgs evaluates the arguments of a call.
func (r *run) evalArgs(x *callArgs) (args, error) {
	switch {
	case x.fixed != nil:
		if err := r.make(len(x.fixed.pos)); err != nil {
			return args{}, err
		}
		return *x.fixed, r.steps(len(x.fixed.pos) + len(x.fixed.kw))
	case len(x.pos)+len(x.keywords) == 0 && x.star == nil && x.starStar == nil:
		return args{}, nil
	}
	return r.evalOpenArgs(x)
}

func (r *run) evalOpenArgs(x *callArgs) (args, error) {
	var a args
	var err error
	if len(x.pos) > 0 {
		if a.pos, err = r.evalAll(x.pos); err != nil {
			return a, err
		}
	}
	for _, kw := range x.keywords {
		v, err := r.eval(kw.val)
		if err != nil {
			return a, err
		}
		a.kw = append(a.kw, namedArg{kw.name, v})
	}
	if x.star != nil {
		v, err := r.eval(x.star)
		if err != nil {
			return a, err
		}
		items, err := r.list(v)
		if err != nil {
			return a, err
		}
		a.pos = append(a.pos, items...)
	}
	if x.starStar != nil {
		err = r.starStar(x.starStar, &a)
	}
	return a, err
}

func (r *run) starStar(x expr, a *args) error {
	v, err := r.eval(x)
	if err != nil {
		return err
	}
	if u, ok := v.(*undefined); ok {
		return u.fail()
	}
	m, ok := v.(value.Mapping)
	if !ok {
		return typeError("argument after ** must be a mapping, not %s", typeName(v))
	}
	if err := r.make(m.Len()); err != nil {
		return err
	}
	for k, item := range m.All() {
		name, ok := textOf(k)
		if !ok {
			return typeError("keywords must be strings")
		}
		if _, twice := a.keyword(name); twice {
			return typeError("got multiple values for keyword argument %s", quoted(name))
		}
		a.kw = append(a.kw, namedArg{name, item})
	}
	return nil
}

func (x *filterExpr) eval(r *run) (value.Value, error) {
	input, err := r.eval(x.input)
	if err != nil {
		return nil, err
	}
	return x.apply(r, input)
}

func (x *filterExpr) apply(r *run, input value.Value) (value.Value, error) {
	a, err := r.evalArgs(&x.args)
	if err != nil {
		return nil, err
	}
	if x.fn == nil {
		return nil, raise("TemplateRuntimeError", "No filter named %s found.", quoted(x.name))
	}
	return r.callFilter(x.fn, input, a)
}

func (x *testExpr) eval(r *run) (value.Value, error) {
	input, err := r.eval(x.input)
	if err != nil {
		return nil, err
	}
	a, err := r.evalArgs(&x.args)
	if err != nil {
		return nil, err
	}
	if x.fn == nil {
		return nil, raise("TemplateRuntimeError", "No test named %s found.", quoted(x.name))
	}
	return r.callFilter(x.fn, input, a)
}

func (x *condExpr) eval(r *run) (value.Value, error) {
	yes, err := r.test(x.test)
	if err != nil {
		return nil, err
	}
	if yes {
		return r.eval(x.yes)
	}
	if x.no == nil {
		return undefinedCondition(x.line), nil
	}
	return r.eval(x.no)
}

// test evaluates an expression to its truth.
func (r *run) test(x expr) (bool, error) {
	v, err := r.eval(x)
	if err != nil {
		return false, err
	}
	return r.truth(v)
}

func (x *logical) eval(r *run) (value.Value, error) {
	left, err := r.eval(x.left)
	if err != nil {
		return nil, err
	}
	yes, err := r.truth(left)
	if err != nil {
		return nil, err
	}
	if yes == x.or {
		return left, nil
	}
	return r.eval(x.right)
}

func (x *notExpr) eval(r *run) (value.Value, error) {
	yes, err := r.test(x.x)
	return value.Bool(!yes), err
}

func (x *comparison) eval(r *run) (value.Value, error) {
	left, err := r.eval(x.first)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		right, err := r.eval(x.rest[i])
		if err != nil {
			return nil, err
		}
		yes, err := r.compare(op, left, right)
		if err != nil || !yes {
			return value.Bool(false), err
		}
		left = right
	}
	return value.Bool(true), nil
}

func (x *binary) eval(r *run) (value.Value, error) {
	left, err := r.eval(x.left)
	if err != nil {
		return nil, err
	}
	right, err := r.eval(x.right)
	if err != nil {
		return nil, err
	}
	return r.binary(x.op, left, right)
}

func (x *unary) eval(r *run) (value.Value, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	return r.unary(x.op, v)
}

func (x *concat) eval(r *run) (value.Value, error) {
	items, err := r.evalAll(x.items)
	if err != nil {
		return nil, err
	}
	if r.escape && !x.plain {
		return r.concatMarkup(items)
	}
	var b strings.Builder
	for _, item := range items {
		s, err := r.str(item)
		if err != nil {
			return nil, err
		}
		if err := r.make(len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return value.String(b.String()), nil
}

// concatMarkup joins as Jinja2 does where it escapes: from the first markup on everything is escaped.
func (r *run) concatMarkup(items []value.Value) (value.Value, error) {
	marked := false
	for _, item := range items {
		if _, ok := item.(*markup); ok {
			marked = true
		}
	}
	var b strings.Builder
	for _, item := range items {
		s, err := r.str(item)
		if err != nil {
			return nil, err
		}
		if _, ok := item.(*markup); marked && !ok {
			s = escapeHTML(s)
		}
		if err := r.make(len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	if marked {
		return &markup{s: b.String()}, nil
	}
	return value.String(b.String()), nil
}

func (x *nsRef) eval(*run) (value.Value, error) {
	return nil, raise("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
}
