package jinja

import (
	"slices"

	"cierzo/expr/value"
)

// resolver is the pass behind parsing: it finds filters and tests by name, sees what loops and macros need, and computes
// constants as far as that shows.
type resolver struct {
	t        *Template
	soft     bool  // within an if: an unknown filter is an error only where it is applied
	escape   bool  // autoescape is on, as far as that is known ahead
	volatile bool  // it isn't known
	err      error // the first
}

// resolve is the pass over an expression that stands alone.
func (t *Template) resolve(x *expr) error {
	r := &resolver{t: t}
	r.whole(x)
	return r.err
}

// resolveTemplate is the pass over the whole template.
func (t *Template) resolveTemplate() error {
	if t.tpl.late != nil {
		return t.tpl.late
	}
	r := &resolver{t: t}
	r.body(t.tpl.body)
	return r.err
}

// whole is the pass over a whole expression: Jinja2 computes what is constant before it looks for filters.
func (r *resolver) whole(x *expr) {
	r.link(*x)
	f := r.folder()
	f.visit(x)
	f.replace(x)
	r.check(*x, f)
}

// hard notes an error.
func (r *resolver) hard(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *resolver) fail(line int, message string) {
	if r.err == nil {
		r.err = &Error{Class: "TemplateAssertionError", Message: message, Line: line}
	}
}

func (r *resolver) body(body []stmt) {
	for i, s := range body {
		if o, ok := s.(*output); ok {
			body[i] = r.output(o)
			continue
		}
		r.stmt(s)
	}
}

// output makes text of a print statement that is constant, which Jinja2 does even where it doesn't know if text is escaped.
func (r *resolver) output(s *output) stmt {
	r.link(s.x)
	f := r.folder()
	f.visit(&s.x)
	if v, err := f.asConst(s.x); err == nil {
		text, err := f.run.str(v)
		if err == nil {
			if _, safe := v.(*markup); r.escape && !safe {
				text = escapeHTML(text)
			}
			return &textStmt{text: text, computed: true}
		}
	}
	f.replace(&s.x)
	r.check(s.x, f)
	return s
}

func (r *resolver) stmt(s stmt) {
	saved := r.soft
	within := false // a new frame begins, which is not soft
	switch s := s.(type) {
	case *ifStmt:
		r.soft, within = true, true
	case *forStmt:
		r.loop(s)
	case *macroStmt:
		r.macro(s.fn)
	case *callBlock:
		r.macro(s.fn)
	}
	exprs, bodies := parts(s)
	for _, x := range exprs {
		r.whole(x)
	}
	escape, volatile := r.escape, r.volatile
	if a, ok := s.(*autoescape); ok {
		r.autoescape(a)
	}
	r.soft = within
	for _, b := range bodies {
		r.body(b)
	}
	r.soft, r.escape, r.volatile = saved, escape, volatile
}

func (r *resolver) autoescape(s *autoescape) {
	v, err := r.folder().asConst(s.on)
	if err != nil {
		r.volatile = true
		return
	}
	r.escape = value.Truthy(v)
}

func (r *resolver) loop(s *forStmt) {
	found := map[string]bool{}
	mentions(s.body, found)
	s.usesLoop = found["loop"]
	if assigns(s.target, "loop") {
		r.fail(0, "Can't assign to special loop variable in for-loop target")
	}
}

func assigns(to target, name string) bool {
	switch to := to.(type) {
	case *nameTarget:
		return to.name == name
	case *tupleTarget:
		for _, item := range to.items {
			if assigns(item, name) {
				return true
			}
		}
	}
	return false
}

func (r *resolver) macro(def *macroDef) {
	found := map[string]bool{}
	mentions(def.body, found)
	params := map[string]bool{}
	for i, p := range def.params {
		params[p] = true
		if p == "caller" {
			def.explicitCaller = true
			if found["caller"] && i < len(def.params)-len(def.defaults) {
				r.fail(0, `When defining macros or call blocks the special "caller" argument must be omitted or be given a default.`)
			}
		}
	}
	def.caller = found["caller"]
	def.args = found["varargs"] && !params["varargs"]
	def.keyword = found["kwargs"] && !params["kwargs"]
}

// link finds the filters and tests of an expression.
func (r *resolver) link(x expr) {
	switch x := x.(type) {
	case *filterExpr:
		x.fn = lookupFilter(x.name)
		if x.name == "attr" || x.name == "map" {
			r.t.owns = r.t.owns || mutatesByName(x.args)
		}
	case *testExpr:
		x.fn = lookupTest(x.name)
	case *callExpr:
		if a, ok := x.fn.(*attribute); ok && isMutator(a.name) {
			r.t.owns = true
		}
	}
	for _, c := range x.children() {
		r.link(*c)
	}
}

// check refuses what Jinja2 can't write as Python: filters and tests that don't exist, slices and keywords that don't go.
func (r *resolver) check(x expr, f *folder) {
	if _, computed := f.known[x]; computed {
		return
	}
	saved := r.soft
	switch x := x.(type) {
	case *filterExpr:
		r.repeated(x.args)
		x.args.fix()
		x.args.prepare(x.fn)
		if x.fn == nil && !r.soft {
			r.fail(x.line, "No filter named "+quoted(x.name)+".")
		}
	case *testExpr:
		r.repeated(x.args)
		x.args.fix()
		if x.fn == nil && !r.soft {
			r.fail(x.line, "No test named "+quoted(x.name)+".")
		}
	case *condExpr:
		r.soft = true
	case *subscript:
		r.slices(x)
	case *callExpr:
		r.repeated(x.args)
	}
	for _, c := range x.children() {
		r.check(*c, f)
	}
	r.soft = saved
}

// slices refuses several slices at once: what Jinja2 writes for them is no Python.
func (r *resolver) slices(x *subscript) {
	t, ok := x.arg.(*tupleExpr)
	if !ok {
		return
	}
	for _, item := range t.items {
		if _, ok := item.(*sliceExpr); ok {
			r.hard(&Error{Class: "SyntaxError", Message: "invalid syntax"})
		}
	}
}

// repeated refuses a keyword that is given twice: Python does.
func (r *resolver) repeated(a callArgs) {
	seen := map[string]bool{}
	for _, k := range a.keywords {
		if seen[k.name] {
			r.hard(&Error{Class: "SyntaxError", Message: "keyword argument repeated: " + k.name})
		}
		seen[k.name] = true
	}
}

// fix takes arguments that are all constants out of the evaluation.
func (x *callArgs) fix() {
	if x.star != nil || x.starStar != nil || len(x.pos)+len(x.keywords) == 0 {
		return
	}
	a := &args{}
	for _, p := range x.pos {
		c, ok := p.(*constant)
		if !ok {
			return
		}
		a.pos = append(a.pos, c.v)
	}
	for _, k := range x.keywords {
		c, ok := k.val.(*constant)
		if !ok {
			return
		}
		a.kw = append(a.kw, namedArg{k.name, c.v})
	}
	a.pos, a.kw = slices.Clip(a.pos), slices.Clip(a.kw) // who appends gets a copy
	x.fixed = a
}

// prepare makes ahead what the filter makes of constant arguments.
func (x *callArgs) prepare(fn *builtin) {
	if x.fixed != nil {
		x.fixed.ahead = fn.prepared(*x.fixed, aheadDepthMax)
	}
}

// isMutator reports whether a method of this name changes its receiver.
func isMutator(name string) bool {
	switch name {
	case "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add", "discard":
		return true
	}
	return false
}

func mutatesByName(a callArgs) bool {
	for _, x := range a.pos {
		if c, ok := x.(*constant); ok {
			if s, ok := c.v.(value.String); ok && isMutator(string(s)) {
				return true
			}
		}
	}
	return false
}
