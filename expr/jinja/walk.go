package jinja

// children are the expressions directly below an expression, so that passes can look at them and replace them.

func (x *constant) children() []*expr    { return nil }
func (x *brokenConst) children() []*expr { return nil }
func (x *name) children() []*expr        { return nil }
func (x *nsRef) children() []*expr       { return nil }
func (x *listExpr) children() []*expr    { return refs(x.items) }
func (x *tupleExpr) children() []*expr   { return refs(x.items) }
func (x *dictExpr) children() []*expr    { return append(refs(x.keys), refs(x.vals)...) }
func (x *attribute) children() []*expr   { return []*expr{&x.obj} }
func (x *subscript) children() []*expr   { return []*expr{&x.obj, &x.arg} }
func (x *sliceExpr) children() []*expr   { return present(&x.start, &x.stop, &x.step) }
func (x *callExpr) children() []*expr    { return append([]*expr{&x.fn}, x.args.children()...) }
func (x *filterExpr) children() []*expr  { return append(present(&x.input), x.args.children()...) }
func (x *testExpr) children() []*expr    { return append([]*expr{&x.input}, x.args.children()...) }
func (x *condExpr) children() []*expr    { return present(&x.test, &x.yes, &x.no) }
func (x *logical) children() []*expr     { return []*expr{&x.left, &x.right} }
func (x *notExpr) children() []*expr     { return []*expr{&x.x} }
func (x *comparison) children() []*expr  { return append([]*expr{&x.first}, refs(x.rest)...) }
func (x *binary) children() []*expr      { return []*expr{&x.left, &x.right} }
func (x *unary) children() []*expr       { return []*expr{&x.x} }
func (x *concat) children() []*expr      { return refs(x.items) }

func (a *callArgs) children() []*expr {
	out := refs(a.pos)
	for i := range a.keywords {
		out = append(out, &a.keywords[i].val)
	}
	return append(out, present(&a.star, &a.starStar)...)
}

func refs(xs []expr) []*expr {
	out := make([]*expr, len(xs))
	for i := range xs {
		out[i] = &xs[i]
	}
	return out
}

func present(xs ...*expr) []*expr {
	var out []*expr
	for _, x := range xs {
		if *x != nil {
			out = append(out, x)
		}
	}
	return out
}

// parts are the expressions and the bodies directly in a statement.
func parts(s stmt) (exprs []*expr, bodies [][]stmt) {
	switch s := s.(type) {
	case *output:
		return []*expr{&s.x}, nil
	case *ifStmt:
		for i := range s.branches {
			exprs = append(exprs, present(&s.branches[i].test)...)
			bodies = append(bodies, s.branches[i].body)
		}
		return exprs, bodies
	case *forStmt:
		return present(&s.iter, &s.test), [][]stmt{s.body, s.empty}
	case *setStmt:
		return []*expr{&s.x}, nil
	case *setBlock:
		return present(&s.filter), [][]stmt{s.body}
	case *withStmt:
		return refs(s.values), [][]stmt{s.body}
	case *macroStmt:
		return refs(s.fn.defaults), [][]stmt{s.fn.body}
	case *callBlock:
		exprs = append(refs(s.fn.defaults), &s.call.fn)
		return append(exprs, s.call.args.children()...), [][]stmt{s.fn.body}
	case *filterBlock:
		return []*expr{&s.filter}, [][]stmt{s.body}
	case *blockStmt:
		return nil, [][]stmt{s.body}
	case *autoescape:
		return []*expr{&s.on}, [][]stmt{s.body}
	case *loaderStmt:
		return []*expr{&s.x}, nil
	}
	return nil, nil
}

// mentions collects the names that statements read, except in blocks, which have variables of their own.
func mentions(body []stmt, found map[string]bool) {
	for _, s := range body {
		if _, ok := s.(*blockStmt); ok {
			continue
		}
		exprs, bodies := parts(s)
		for _, x := range exprs {
			mentionedIn(*x, found)
		}
		for _, b := range bodies {
			mentions(b, found)
		}
	}
}

func mentionedIn(x expr, found map[string]bool) {
	if n, ok := x.(*name); ok {
		found[n.name] = true
	}
	for _, c := range x.children() {
		mentionedIn(*c, found)
	}
}
