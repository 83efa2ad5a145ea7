package jinja

import (
	"fmt"
	"slices"
	"strings"

	"cierzo/expr/value"
)

// args are the arguments of a call.
type args struct {
	pos []value.Value
	kw  []namedArg
	// ahead is what was made of constant arguments of map, select and their like; nil: nothing.
	ahead *ahead
}

// ahead is what a filter would make of its arguments again each time. It is frozen.
type ahead struct {
	fn  *builtin // the filter or test that an argument names; nil: none, or there is none of that name
	get *getter  // of the attribute that an argument names; nil: none
	// inner is for the filter that map applies, with the arguments behind its name; nil: nothing.
	inner *ahead
}

type namedArg struct {
	name string
	val  value.Value
}

func (a args) keyword(name string) (value.Value, bool) {
	for _, k := range a.kw {
		if k.name == name {
			return k.val, true
		}
	}
	return nil, false
}

// builtin is a filter, a test, a method or a function. It is frozen.
type builtin struct {
	name     string // Python's
	required int    // how many of params must be given
	params   []string
	variadic bool // more positional arguments may follow
	keywords bool // any keyword arguments may follow
	posOnly  bool // params have no names
	// keywordOnly: params are given by name.
	keywordOnly bool
	context     bool // it looks at the evaluation, so it is never computed ahead
	hidden      int  // arguments that Jinja2 adds; messages count them
	mutates     bool // it changes its receiver
	brief       bool // nothing that it makes keeps its call, so the call may be used again
	eval        func(c *call) (value.Value, error)
	// prepare makes of constant arguments what eval else makes of them each time. What is wrong with them stays an error of
	// the evaluation. nil: there is nothing to be made.
	prepare func(given args, depth int) *ahead
}

// prepared is prepare with a bound on the depth; nil: nothing, or there is no such filter.
func (fn *builtin) prepared(given args, depth int) *ahead {
	if fn == nil || fn.prepare == nil || depth == 0 {
		return nil
	}
	return fn.prepare(given, depth)
}

// call is one call of a builtin, its arguments in the order of params.
type call struct {
	r    *run
	fn   *builtin
	self value.Value   // of a method
	vals []value.Value // nil: not given
	rest []value.Value
	kw   []namedArg
	few  [4]value.Value // where vals are, as long as they are few

	ahead *ahead // see args
	next  *call  // of the spare ones
}

// callable is what templates can call, besides builtins.
type callable interface {
	call(r *run, a args) (value.Value, error)
}

// call calls a value.
func (r *run) call(fn value.Value, a args) (value.Value, error) {
	switch fn := fn.(type) {
	case *function:
		return r.invoke(fn.fn, fn.self, a)
	case *classObject:
		return r.invoke(fn.fn, nil, a)
	case callable:
		return fn.call(r, a)
	case *undefined:
		return nil, fn.fail()
	}
	return nil, typeError("'%s' object is not callable", typeName(fn))
}

// callFilter applies a filter or test to its input.
func (r *run) callFilter(fn *builtin, input value.Value, a args) (value.Value, error) {
	c, err := r.bindFilter(fn, input, a)
	if err != nil {
		return nil, err
	}
	v, err := fn.eval(c)
	if fn.brief {
		c.next, r.spare = r.spare, c
	}
	return v, err
}

// newCall makes a call, of one that is over where there is one.
func (r *run) newCall(fn *builtin) *call {
	c := r.spare
	if c == nil {
		return &call{r: r, fn: fn}
	}
	r.spare = c.next
	*c = call{r: r, fn: fn}
	return c
}

// bindFilter is what callFilter does before it evaluates.
func (r *run) bindFilter(fn *builtin, input value.Value, a args) (*call, error) {
	if err := r.lookAt(input, a.pos); err != nil {
		return nil, err
	}
	c := r.newCall(fn)
	if !fn.keywordOnly && len(fn.params) > 0 && len(a.kw) == 0 && len(a.pos) < len(fn.params) && len(a.pos)+1 >= fn.required && !fn.mutates {
		c.room()[0] = input
		copy(c.vals[1:], a.pos)
		return c, nil
	}
	if fn.variadic && !fn.keywordOnly && len(fn.params) == 1 && fn.required == 1 && fn.keywords && !fn.mutates && !a.names(fn.params[0]) {
		c.room()[0] = input
		c.rest, c.kw, c.ahead = a.pos, a.kw, a.ahead
		return c, nil
	}
	if fn.mutates && !r.owns {
		return nil, errShared
	}
	pos := make([]value.Value, 0, len(a.pos)+1)
	a.pos = append(append(pos, input), a.pos...)
	return c, c.bind(a)
}

// names reports whether there is a keyword argument of a name.
func (a args) names(name string) bool {
	_, ok := a.keyword(name)
	return ok
}

// room makes vals.
func (c *call) room() []value.Value {
	if n := len(c.fn.params); n <= len(c.few) {
		c.vals = c.few[:n:n]
	} else {
		c.vals = make([]value.Value, n)
	}
	return c.vals
}

// invoke binds the arguments and calls.
func (r *run) invoke(fn *builtin, self value.Value, a args) (value.Value, error) {
	if fn.mutates && !r.owns {
		return nil, errShared
	}
	if err := r.lookAt(self, a.pos); err != nil {
		return nil, err
	}
	c := &call{r: r, fn: fn, self: self}
	if err := c.bind(a); err != nil {
		return nil, err
	}
	return fn.eval(c)
}

// lookAt takes the steps of reading the texts among receiver and arguments.
func (r *run) lookAt(self value.Value, pos []value.Value) error {
	n := 0
	if s, ok := textOf(self); ok {
		n = len(s)
	}
	for _, v := range pos {
		if s, ok := textOf(v); ok {
			n += len(s)
		}
	}
	return r.look(n)
}

// bind puts the arguments where they belong, with Python's errors.
func (c *call) bind(a args) error {
	fn := c.fn
	n := len(fn.params)
	c.room()
	if fn.keywordOnly && len(a.pos) > 0 {
		return typeError("%s() takes no positional arguments", fn.name)
	}
	given := copy(c.vals, a.pos)
	if len(a.pos) > n {
		c.rest = a.pos[given:]
	}
	for _, k := range a.kw {
		at := -1
		if !fn.posOnly {
			at = slices.Index(fn.params, k.name)
		}
		switch {
		case at >= 0 && c.vals[at] != nil:
			return typeError("%s() got multiple values for argument %s", fn.name, quoted(k.name))
		case at >= 0:
			c.vals[at] = k.val
		case fn.keywords:
			c.kw = append(c.kw, k)
		case fn.posOnly:
			return typeError("%s() takes no keyword arguments", c.fullName())
		default:
			return typeError("%s() got an unexpected keyword argument %s", fn.name, quoted(k.name))
		}
	}
	if len(c.rest) > 0 && !fn.variadic {
		return c.tooMany(len(a.pos))
	}
	var missing []string
	for i := range fn.required {
		if c.vals[i] == nil {
			missing = append(missing, quoted(fn.params[i]))
		}
	}
	if missing != nil && fn.posOnly {
		return c.arity(len(a.pos))
	}
	if missing != nil {
		return c.tooFew(missing)
	}
	return nil
}

// fullName is what messages of functions written in C call them: methods with their type.
func (c *call) fullName() string {
	if c.self == nil {
		return c.fn.name
	}
	name := typeName(c.self)
	if name == "Markup" {
		name = "str"
	}
	return name + "." + c.fn.name
}

// arity is the error of a function written in C that is called with the wrong number of arguments.
func (c *call) arity(given int) error {
	least, most := c.fn.required, len(c.fn.params)
	switch {
	case most == 0:
		return typeError("%s() takes no arguments (%d given)", c.fullName(), given)
	case least == 1 && most == 1:
		return typeError("%s() takes exactly one argument (%d given)", c.fullName(), given)
	case least == most:
		return typeError("%s expected %d arguments, got %d", c.fn.name, most, given)
	case given < least:
		return typeError("%s expected at least %d argument%s, got %d", c.fn.name, least, plural(least), given)
	}
	return typeError("%s expected at most %d argument%s, got %d", c.fn.name, most, plural(most), given)
}

func (c *call) tooMany(given int) error {
	if c.fn.posOnly {
		return c.arity(given)
	}
	n, h := len(c.fn.params), c.fn.hidden
	takes := fmt.Sprintf("%d positional argument%s", n+h, plural(n+h))
	if c.fn.required < n {
		takes = fmt.Sprintf("from %d to %d positional arguments", c.fn.required+h, n+h)
	}
	return typeError("%s() takes %s but %d %s given", c.fn.name, takes, given+h, map[bool]string{true: "was", false: "were"}[given+h == 1])
}

func (c *call) tooFew(missing []string) error {
	list := missing[0]
	if n := len(missing); n > 1 {
		list = strings.Join(missing[:n-1], ", ") + " and " + missing[n-1]
		if n > 2 {
			list = strings.Join(missing[:n-1], ", ") + ", and " + missing[n-1]
		}
	}
	return typeError("%s() missing %d required positional argument%s: %s", c.fn.name, len(missing), plural(len(missing)), list)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// arg is argument i; nil: not given.
func (c *call) arg(i int) value.Value { return c.vals[i] }

// or is argument i, or what takes its place.
func (c *call) or(i int, otherwise value.Value) value.Value {
	if c.vals[i] == nil {
		return otherwise
	}
	return c.vals[i]
}

// given reports whether argument i is there and not None.
func (c *call) given(i int) bool {
	if c.vals[i] == nil {
		return false
	}
	_, none := c.vals[i].(value.Null)
	return !none
}

// int is argument i as an index or count.
func (c *call) int(i, otherwise int) (int, error) {
	if c.vals[i] == nil {
		return otherwise, nil
	}
	return toIndex(c.vals[i])
}

// text is argument i, which must be a text.
func (c *call) text(i int, otherwise string) (string, error) {
	if c.vals[i] == nil {
		return otherwise, nil
	}
	if s, ok := textOf(c.vals[i]); ok {
		return s, nil
	}
	if u, ok := c.vals[i].(*undefined); ok && !u.lenient {
		return "", u.fail()
	}
	return "", typeError("%s() argument %d must be str, not %s", c.fn.name, i+1, typeName(c.vals[i]))
}

// soft is argument i as text, whatever it is.
func (c *call) soft(i int) (string, error) { return c.r.str(c.vals[i]) }

// truth is the truth of argument i.
func (c *call) truth(i int, otherwise bool) (bool, error) {
	if c.vals[i] == nil {
		return otherwise, nil
	}
	return c.r.truth(c.vals[i])
}

// flag is an argument that Python takes as an integer and only asks whether it is 0; false when it isn't given.
func (c *call) flag(i int) (bool, error) {
	if c.vals[i] == nil {
		return false, nil
	}
	n, err := toIndex(c.vals[i])
	return n != 0, err
}

// toIndex is Python's operator.index within the range of int; numbers beyond are cut to its ends.
func toIndex(v value.Value) (int, error) {
	switch v := v.(type) {
	case value.Int:
		return int(v), nil
	case value.Bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case value.BigInt:
		if v.Big().Sign() < 0 {
			return minInt, nil
		}
		return maxInt, nil
	}
	return 0, typeError("'%s' object cannot be interpreted as an integer", typeName(v))
}

const (
	maxInt = int(^uint(0) >> 1)
	minInt = -maxInt - 1
)
