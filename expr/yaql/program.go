package yaql

import (
	"fmt"

	"cierzo/expr/value"
)

// node is a piece of a program. It is frozen.
type node interface {
	eval(r *run, f *frame) (value.Value, error)
}

type (
	// constant is a literal or, as a word, a bare identifier.
	constant struct {
		v       value.Value
		word    bool
		wrapped bool // in parentheses: which overloads it fits is not known before it is evaluated
	}
	// argument is $1 and so on; $ is $1.
	argument struct{ n int }
	// variable is $name.
	variable struct{ name string }
	// property is of.name.
	property struct {
		of   node
		name string
		safe bool
	}
	// mismatch is a dot with something on its right that is neither a word nor a call.
	mismatch struct {
		of   node
		safe bool
	}
	// logic is and, or.
	logic struct {
		or   bool
		l, r node
	}
	// within is context -> expression.
	within struct{ l, r node }
	// pair is key => value among arguments.
	pair struct{ k, v node }
	// hole is an argument that was left out.
	hole struct{}
)

func binaryNode(options *Options, op string, l, r node) node {
	name := "#operator_" + op
	switch op {
	case "and":
		return &logic{false, l, r}
	case "or":
		return &logic{true, l, r}
	case "->":
		return &within{l, r}
	case "=":
		name = "*equal"
	case "!=":
		name = "*not_equal"
	}
	c := resolve(options, name, formSystem, nil, []node{l, r})
	c.op = op
	return c
}

func (c *constant) eval(*run, *frame) (value.Value, error) { return c.v, nil }

func (a *argument) eval(_ *run, f *frame) (value.Value, error) { return f.arg(a.n), nil }

func (v *variable) eval(r *run, f *frame) (value.Value, error) { return f.named(r, v.name), nil }

func (h *hole) eval(*run, *frame) (value.Value, error) { return noValue, nil }

func (p *pair) eval(*run, *frame) (value.Value, error) {
	return nil, fail(classMapping, "Cannot convert mapping to keyword argument")
}

func (m *mismatch) eval(r *run, f *frame) (value.Value, error) {
	if m.safe {
		of, err := r.eval(m.of, f)
		if err != nil {
			return nil, err
		}
		if of.Kind() == value.KindNull {
			return of, nil
		}
	}
	return nil, noMatch("#operator_.")
}

func (p *property) eval(r *run, f *frame) (value.Value, error) {
	if err := r.budget.Step(); err != nil {
		return nil, err
	}
	of, err := r.eval(p.of, f)
	if err != nil {
		return nil, err
	}
	if p.safe && of.Kind() == value.KindNull {
		return of, nil
	}
	return r.property(of, p.name)
}

// property is of.name: a key of a dict, the property of each element of a collection, or a property of a time.
func (r *run) property(of value.Value, name string) (value.Value, error) {
	if m, ok := of.(value.Mapping); ok {
		if v, ok := m.GetString(name); ok {
			return inherit(m, v), nil
		}
		return nil, fail(classKey, "%s", value.Repr(value.String(name)))
	}
	if !r.iterable(of) {
		return r.callValues("#property#"+name, of)
	}
	of, err := r.limited(of)
	if err != nil {
		return nil, err
	}
	from := r.source(of)
	return r.iterator(func() (value.Value, error) {
		item, err := from()
		if item == nil || err != nil {
			return nil, err
		}
		return r.property(item, name)
	}), nil
}

// inherit gives what was taken from a container the container's mutability.
func inherit(from, v value.Value) value.Value {
	switch from := from.(type) {
	case *value.Dict:
		if from.ItemsMutable() {
			return value.Thawed(v)
		}
	case *value.List:
		if from.ItemsMutable() {
			return value.Thawed(v)
		}
	}
	return v
}

func (l *logic) eval(r *run, f *frame) (value.Value, error) {
	v, err := r.eval(l.l, f)
	if err != nil || value.Truthy(v) == l.or {
		return v, err
	}
	return r.eval(l.r, f)
}

func (w *within) eval(r *run, f *frame) (value.Value, error) {
	v, err := r.eval(w.l, f)
	if err != nil {
		return nil, err
	}
	c, ok := v.(*scopeContext)
	if !ok {
		return nil, noMatch("#operator_->")
	}
	return r.eval(w.r, c.f)
}

// call is a call with the overloads that its arguments may match.
type call struct {
	name  string
	op    string // of a binary operator
	form  form
	recv  node // of a method, of #indexer and #call
	safe  bool
	args  []node   // the positional ones, with the receiver first, then the named ones
	names []string // of the named arguments
	lazy  []bool   // by argument: it is handed over unevaluated
	plans []plan
	known bool // the library has the name in this form
	rules bool // "=>" among the arguments is data
	// ambiguous: the overloads don't agree on what is lazy.
	ambiguous bool
	fault     error // what every evaluation answers, unless def() made a function of that name
	// legacy is the call where the functions of older versions are known; nil: that is no difference.
	legacy *call
}

// plan says where the parameters of an overload come from.
type plan struct {
	ov   *overload
	from []int // by parameter: the argument; -1: the default
	rest []int // arguments of *args
	kw   []int // arguments of **kwargs
	same bool  // the arguments are the parameters, in order
}

func resolve(options *Options, name string, form form, recv node, args []node) *call {
	c := resolveCall(options, name, form, recv, args)
	if !options.Legacy && options.functions.hasLegacy(name, form) {
		old := *options
		old.Legacy = true
		c.legacy = resolveCall(&old, name, form, recv, args)
	}
	return c
}

func resolveCall(options *Options, name string, form form, recv node, args []node) *call {
	c := &call{name: name, form: form, recv: recv}
	if recv != nil {
		c.args = append(c.args, recv)
	}
	candidates := options.functions.find(name, form, options)
	c.known = len(candidates) > 0
	c.rules = c.known && candidates[0].rules
	for _, a := range args {
		p, ok := a.(*pair)
		if !ok || c.rules {
			c.args = append(c.args, a)
			continue
		}
		word, ok := p.k.(*constant)
		if !ok || !word.word {
			c.fault = fail(classMapping, "Cannot convert mapping to keyword argument")
			return c
		}
		c.addNamed(string(word.v.(value.String)), p.v)
	}
	if !c.known {
		return c // an unknown name, unless def() makes it
	}
	c.plan(candidates)
	return c
}

// addNamed adds a named argument; the last of a name wins.
func (c *call) addNamed(name string, v node) {
	first := len(c.args) - len(c.names)
	for i, have := range c.names {
		if have == name {
			c.args[first+i] = v
			return
		}
	}
	c.names, c.args = append(c.names, name), append(c.args, v)
}

// plan keeps the candidates that the arguments can match; all must agree on what is lazy.
func (c *call) plan(candidates []*overload) {
	for _, ov := range candidates {
		p, ok := c.match(ov)
		if !ok {
			continue
		}
		lazy := p.laziness(len(c.args))
		if c.plans == nil {
			c.lazy = lazy
		}
		if fmt.Sprint(lazy) != fmt.Sprint(c.lazy) {
			c.ambiguous = true
		}
		c.plans = append(c.plans, p)
	}
}

func (p *plan) laziness(n int) []bool {
	lazy := make([]bool, n)
	for i, from := range p.from {
		if from >= 0 {
			lazy[from] = p.ov.params[i].lazy()
		}
	}
	for _, from := range p.rest {
		lazy[from] = p.ov.rest.lazy()
	}
	return lazy
}

// match maps the arguments to the parameters of an overload by number, name and what constants are.
func (c *call) match(ov *overload) (plan, bool) {
	p := plan{ov: ov, from: make([]int, len(ov.params))}
	for i := range p.from {
		p.from[i] = -1
	}
	first := len(c.args) - len(c.names)
	for i, a := range c.args[:first] {
		_, left := a.(*hole)
		switch {
		case i < len(ov.params):
			if left {
				continue
			}
			if !ov.params[i].takes(a) {
				return p, false
			}
			p.from[i] = i
		case ov.rest == nil || !ov.rest.takes(a):
			return p, false
		default:
			p.rest = append(p.rest, i)
		}
	}
	for i, name := range c.names {
		at := ov.param(name)
		switch {
		case at < 0 && ov.kwargs:
			p.kw = append(p.kw, first+i)
		case at < 0 || at < first && p.from[at] >= 0 || !ov.params[at].takes(c.args[first+i]):
			return p, false
		default:
			p.from[at] = first + i
		}
	}
	p.same = p.rest == nil && p.kw == nil && len(c.args) == len(p.from)
	for i, from := range p.from {
		if from < 0 && !ov.params[i].optional {
			return p, false
		}
		p.same = p.same && from == i
	}
	return p, true
}
