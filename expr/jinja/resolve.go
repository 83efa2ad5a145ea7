package jinja

import (
	"math"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// resolver is the pass behind parsing: it finds filters and tests by name, sees what loops and macros need, and computes
// constants as far as that shows.
type resolver struct {
	t    *Template
	soft bool  // within an if: an unknown filter is an error only where it is applied
	err  error // the first
}

// resolve is the pass over an expression that stands alone.
func (t *Template) resolve(x *expr) error {
	r := &resolver{t: t}
	r.expr(x)
	r.fold(x, false)
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

func (r *resolver) fail(line int, message string) {
	if r.err == nil {
		r.err = &Error{Class: "TemplateAssertionError", Message: message, Line: line}
	}
}

func (r *resolver) body(body []stmt) {
	for _, s := range body {
		r.stmt(s)
	}
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
	_, prints := s.(*output)
	for _, x := range exprs {
		r.expr(x)
		r.fold(x, prints)
	}
	r.soft = within
	for _, b := range bodies {
		r.body(b)
	}
	r.soft = saved
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

// expr finds the filters and tests of an expression.
func (r *resolver) expr(ref *expr) {
	saved := r.soft
	switch x := (*ref).(type) {
	case *filterExpr:
		r.repeated(x.args)
		if x.fn = lookupFilter(x.name); x.fn == nil && !r.soft {
			r.fail(x.line, "No filter named "+quoted(x.name)+".")
		}
		if x.name == "attr" || x.name == "map" {
			r.t.owns = r.t.owns || mutatesByName(x.args)
		}
	case *testExpr:
		r.repeated(x.args)
		if x.fn = lookupTest(x.name); x.fn == nil && !r.soft {
			r.fail(x.line, "No test named "+quoted(x.name)+".")
		}
	case *condExpr:
		r.soft = true
	case *subscript:
		r.slices(x)
	case *callExpr:
		r.repeated(x.args)
		if a, ok := x.fn.(*attribute); ok && isMutator(a.name) {
			r.t.owns = true
		}
	}
	for _, c := range (*ref).children() {
		r.expr(c)
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
		if _, ok := item.(*sliceExpr); ok && r.err == nil {
			r.err = &Error{Class: "SyntaxError", Message: "invalid syntax"}
		}
	}
}

// repeated refuses a keyword that is given twice: Python does.
func (r *resolver) repeated(a callArgs) {
	seen := map[string]bool{}
	for _, k := range a.keywords {
		if seen[k.name] && r.err == nil {
			r.err = &Error{Class: "SyntaxError", Message: "keyword argument repeated: " + k.name}
		}
		seen[k.name] = true
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

// Limits of what is computed ahead.
const (
	foldStepsMax = 2000
	foldItemsMax = 20_000
)

// fold computes constants ahead where that shows: Jinja2 writes them into Python source, where inf and nan are names that
// nobody defined. printed: it is the whole of a print statement, whose constants become text at once.
func (r *resolver) fold(ref *expr, printed bool) {
	v, ok := r.constant(ref)
	if !ok || unwritable(v) == "" {
		return
	}
	if broken := (&brokenConst{v, unwritable(v)}); !printed {
		*ref = broken
	} else {
		*ref = &constant{v}
	}
}

// constant computes an expression if it is constant. Where it isn't, constants below it are replaced.
func (r *resolver) constant(ref *expr) (value.Value, bool) {
	if c, ok := (*ref).(*constant); ok {
		return c.v, true
	}
	children := (*ref).children()
	vals := make([]value.Value, len(children))
	all := foldable(*ref)
	for i, c := range children {
		v, ok := r.constant(c)
		if ok {
			vals[i] = v
		} else {
			all = false
		}
	}
	if c, ok := (*ref).(*concat); ok {
		c.plain = all
	}
	if all {
		run := newRun(&scope.Env{Limits: scope.Limits{StepsMax: foldStepsMax, ItemsMax: foldItemsMax}}, r.t.tpl, false)
		if v, err := run.eval(*ref); err == nil && writable(v) {
			return v, true
		}
	}
	for i, c := range children {
		if vals[i] == nil {
			continue
		}
		if name := unwritable(vals[i]); name != "" {
			*c = &brokenConst{vals[i], name}
		}
	}
	return nil, false
}

// foldable reports whether an expression is constant if what is below it is.
func foldable(x expr) bool {
	switch x := x.(type) {
	case *name, *nsRef, *callExpr, *brokenConst, *sliceExpr:
		return false
	case *filterExpr:
		return x.input != nil && x.fn != nil && !x.fn.context
	case *testExpr:
		return x.fn != nil && !x.fn.context
	}
	return true
}

// writable reports whether Jinja2 would write a value into source.
func writable(v value.Value) bool {
	switch v := v.(type) {
	case value.Null, value.Bool, value.Int, value.BigInt, value.Float, value.String, *markup:
		return true
	case *value.List:
		return allWritable(v.Items())
	case *value.Tuple:
		return allWritable(v.Items())
	case *value.Dict:
		for k, item := range v.All() {
			if !writable(k) || !writable(item) {
				return false
			}
		}
		return true
	}
	return false
}

func allWritable(items []value.Value) bool {
	for _, item := range items {
		if !writable(item) {
			return false
		}
	}
	return true
}

// unwritable finds the inf or nan in a constant, "" if there is none.
func unwritable(v value.Value) string {
	switch v := v.(type) {
	case value.Float:
		if math.IsNaN(float64(v)) {
			return "nan"
		}
		if math.IsInf(float64(v), 0) {
			return "inf"
		}
	case *value.List:
		return firstUnwritable(v.Items())
	case *value.Tuple:
		return firstUnwritable(v.Items())
	case *value.Dict:
		for k, item := range v.All() {
			if name := unwritable(k) + unwritable(item); name != "" {
				return name[:3]
			}
		}
	}
	return ""
}

func firstUnwritable(items []value.Value) string {
	for _, item := range items {
		if name := unwritable(item); name != "" {
			return name
		}
	}
	return ""
}
