// Package yaql is the YAQL expression language as Mistral configures it.
//
// Parse makes a frozen program of a text: every call is resolved to the overloads of the library that its arguments can
// match (library.go and the files beside it), so that an evaluation only looks at the types of values. Expression.Eval
// runs it within the limits of scope.Env. Inside an evaluation a list is Python's tuple and collections are lazy; the
// result is converted (finalize.go).
package yaql

import (
	"strconv"
	"strings"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// Options are the settings of Mistral's group [yaql]. The zero value is Mistral's default.
type Options struct {
	// LimitIterators bounds the elements of any collection; 0 is no bound, a negative number bounds to zero elements.
	LimitIterators int
	// MemoryQuota bounds the bytes of all values made, as CPython would count them. 0 is no bound.
	MemoryQuota int
	// RawInput leaves lists of the data what they are in Python: neither tuples nor hashable.
	RawInput bool
	// RawOutput leaves the result unconverted.
	RawOutput bool
	// KeepTuples makes the lists of the result tuples, as they are inside.
	KeepTuples bool
	// SetsToLists makes the sets of the result lists.
	SetsToLists bool
	// IterableDicts lets a dict be a collection of its keys.
	IterableDicts bool
	// KeywordOperator separates names from arguments. Defaults to "=>"; "-" is none at all.
	KeywordOperator string
	// AllowDelegates accepts f(x)(y) and $f(x).
	AllowDelegates bool
	// Legacy has the functions that Mistral 15 had and master hasn't: json_pp() and format() of texts.
	Legacy bool
	// Lambdas has the function lambda() and calls of its results; Mistral doesn't.
	Lambdas bool

	functions functions
}

// Expression is a parsed expression. It is frozen.
type Expression struct {
	source  string
	root    node
	options *Options
	unknown []Unknown
}

// Unknown is a call by a name that the library doesn't have, so that it fails when it is evaluated.
type Unknown struct {
	Name   string
	Offset int // in the source, in bytes
}

// Unknown lists the calls by unknown names; none of an expression that uses def(), which gives names their meaning.
func (e *Expression) Unknown() []Unknown { return e.unknown }

// Parse parses an expression. Errors are *SyntaxError: "Lexical error: …" and "Parse error: …".
func Parse(src string) (*Expression, error) { return ParseWith(src, Options{}) }

// ParseWith is Parse for other options than the default.
func ParseWith(src string, options Options) (*Expression, error) {
	src = strings.TrimSpace(src)
	options.functions = library
	p := &parser{scan: scanner{src: src, keyword: "=>"}, options: &options}
	switch options.KeywordOperator {
	case "":
	case "-":
		p.scan.keyword = ""
	default:
		p.scan.keyword = options.KeywordOperator
	}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	e := &Expression{source: src, root: root, options: &options}
	if !p.defines {
		e.unknown = p.unknown
	}
	return e, nil
}

// Source is the text as written.
func (e *Expression) Source() string { return e.source }

// Eval evaluates the expression. Errors are *Error and *scope.LimitError, and what env.Functions answers.
func (e *Expression) Eval(env *scope.Env) (value.Value, error) { return e.eval(env, nil) }

// eval evaluates with variables beside those of the data.
func (e *Expression) eval(env *scope.Env, vars []binding) (value.Value, error) {
	r := &run{env: env, options: e.options, budget: scope.NewBudget(env.Limits)}
	data := env.Root
	if data == nil {
		data = value.Value(value.Null{})
		if env.Context != nil {
			data = env.Context
		}
	}
	if m, ok := data.(value.Mapping); ok {
		r.data = m
	}
	if e.options.RawInput {
		data = value.Thawed(data)
	}
	f := &frame{names: vars}
	f.buf[0] = data
	f.args = f.buf[:1]
	v, err := e.root.eval(r, f)
	if err != nil {
		return nil, err
	}
	if err := r.weigh(data, v); err != nil {
		return nil, err
	}
	return r.finalize(v)
}

// run is one evaluation.
type run struct {
	env     *scope.Env
	options *Options
	data    value.Mapping // nil: $ is no dict
	budget  scope.Budget
	// pulls counts the iterators that are being asked for an item right now.
	pulls int
	// patterns are the regular expressions that were compiled.
	patterns map[patternKey]*pattern
}

// frame holds the variables of a lambda, a let or a def, within those of outer.
type frame struct {
	outer *frame
	args  []value.Value // $1 (which is $), $2, …
	names []binding
	def   *definition
	buf   [2]value.Value
}

type binding struct {
	name string
	v    value.Value
}

// definition is a function made by def().
type definition struct {
	name string
	body *lambda
}

// lambda is an argument that the callee evaluates.
type lambda struct {
	value.Object
	r    *run
	f    *frame
	body node
}

func (l *lambda) call(v value.Value) (value.Value, error) {
	f := &frame{outer: l.f}
	f.buf[0] = v
	f.args = f.buf[:1]
	return l.r.eval(l.body, f)
}

func (l *lambda) call2(v, w value.Value) (value.Value, error) {
	f := &frame{outer: l.f}
	f.buf[0], f.buf[1] = v, w
	f.args = f.buf[:2]
	return l.r.eval(l.body, f)
}

func (l *lambda) truth(v value.Value) (bool, error) {
	got, err := l.call(v)
	return err == nil && value.Truthy(got), err
}

// now evaluates the lambda where it stands.
func (l *lambda) now() (value.Value, error) { return l.r.eval(l.body, l.f) }

// eval evaluates a node one level deeper and counts the step.
func (r *run) eval(n node, f *frame) (value.Value, error) {
	if err := r.budget.Enter(); err != nil {
		return nil, err
	}
	v, err := n.eval(r, f)
	r.budget.Leave()
	return v, err
}

func (f *frame) arg(n int) value.Value {
	for ; f != nil; f = f.outer {
		if n <= len(f.args) {
			if v := f.args[n-1]; v != nil && v != value.Value(noValue) {
				return v
			}
		}
	}
	return value.Null{}
}

// set gives a variable its value; a name that is a number is that of an argument.
func (f *frame) set(name string, v value.Value) {
	n, isArgument := argumentNumber(strings.TrimPrefix(name, "$"))
	if !isArgument {
		f.names = append(f.names, binding{strings.TrimPrefix(name, "$"), v})
		return
	}
	for len(f.args) < n {
		f.args = append(f.args, nil)
	}
	f.args[n-1] = v
}

// argumentNumber reads the name of an argument: "" and "1" are the first.
func argumentNumber(name string) (int, bool) {
	if name == "" {
		return 1, true
	}
	n, err := strconv.Atoi(name)
	return n, err == nil && n > 0 && n < 1000 && name[0] != '0' && name[0] != '+'
}

func (f *frame) named(r *run, name string) value.Value {
	for ; f != nil; f = f.outer {
		for i := len(f.names) - 1; i >= 0; i-- {
			if f.names[i].name == name {
				return f.names[i].v
			}
		}
	}
	switch name {
	case "__env", "__execution", "__task_execution":
		if r.data != nil {
			if v, ok := r.data.GetString(name); ok {
				return value.Thawed(v) // these are not converted with the data
			}
		}
	}
	return value.Null{}
}

func (f *frame) definition(name string) *definition {
	for ; f != nil; f = f.outer {
		if f.def != nil && f.def.name == name {
			return f.def
		}
	}
	return nil
}

// marker stands for an argument that was left out where nothing takes its place.
type marker struct {
	value.Object
	text string
}

// TypeName is the name of the marker's type in Python.
func (*marker) TypeName() string { return "MarkerClass" }

// Repr is its text in Python.
func (m *marker) Repr() string { return m.text }

var noValue = &marker{text: "<NoValue>"}

// scopeContext is what let, with, def and unpack give.
type scopeContext struct {
	value.Object
	f *frame
}

// TypeName is the name of the type in Python.
func (*scopeContext) TypeName() string { return "Context" }

// Repr is its text in Python, without the address.
func (*scopeContext) Repr() string { return "<yaql.language.contexts.Context object>" }
