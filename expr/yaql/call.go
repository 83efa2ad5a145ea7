package yaql

import (
	"cierzo/expr/value"
)

// args are the arguments of a call by parameter; nil stands for a default that is no value. Lazy ones are lambdas.
type args struct {
	r    *run
	f    *frame
	name string
	at   []value.Value
	rest []value.Value
	kw   []binding
}

func (a *args) str(i int) string            { return string(a.at[i].(value.String)) }
func (a *args) bool(i int) bool             { return a.at[i] != nil && value.Truthy(a.at[i]) }
func (a *args) mapping(i int) value.Mapping { return a.at[i].(value.Mapping) }
func (a *args) lambda(i int) *lambda {
	l, _ := a.at[i].(*lambda)
	return l
}

// int gives an integer argument; a bool is one. What doesn't fit is clamped: no collection is that long.
func (a *args) int(i int) int {
	switch v := a.at[i].(type) {
	case value.Int:
		return int(v)
	case value.Bool:
		if v {
			return 1
		}
	case value.BigInt:
		return v.Big().Sign() * (1<<62 - 1)
	}
	return 0
}

func (c *call) eval(r *run, f *frame) (value.Value, error) {
	if err := r.budget.Step(); err != nil {
		return nil, err
	}
	if c.legacy != nil && r.env.Legacy {
		return c.legacy.eval(r, f)
	}
	if c.form&formFunction != 0 {
		if d := f.definition(c.name); d != nil {
			return c.callDefined(r, f, d)
		}
	}
	var vals []value.Value
	if c.name == "#indexer" && len(c.plans) == 0 {
		return nil, c.refuse(nil) // unlike a method, it is looked for before what it is of is known
	}
	if c.recv != nil {
		recv, err := r.eval(c.recv, f)
		if err != nil {
			return nil, err
		}
		if c.safe && recv.Kind() == value.KindNull {
			return recv, nil
		}
		if len(c.plans) == 0 || c.fault != nil || c.ambiguous {
			return nil, c.refuse(recv)
		}
		vals = make([]value.Value, len(c.args), len(c.args)+2)
		vals[0] = recv
	} else {
		if len(c.plans) == 0 || c.fault != nil || c.ambiguous {
			return nil, c.refuse(nil)
		}
		vals = make([]value.Value, len(c.args))
	}
	for i, a := range c.args {
		switch {
		case i == 0 && c.recv != nil:
		case c.lazy[i]:
			vals[i] = &lambda{r: r, f: f, body: a}
		default:
			v, err := r.eval(a, f)
			if err != nil {
				if c.recv != nil && !c.acceptsReceiver(r, vals[0]) {
					err = c.refuse(vals[0])
				}
				return nil, err
			}
			vals[i] = v
		}
	}
	if c.op != "" {
		if v, err := r.fastOperation(c.op, vals[0], vals[1]); v != nil || err != nil {
			return v, err
		}
	}
	if err := r.look(vals); err != nil {
		return nil, err
	}
	return c.dispatch(r, f, vals)
}

// lookShift is how much text counts as one step, as a power of two: counting and searching make nothing, but take time.
const lookShift = 10

// look takes the steps of looking through the texts among the arguments of a call.
func (r *run) look(vals []value.Value) error {
	n := 0
	for _, v := range vals {
		if s, ok := v.(value.String); ok {
			n += len(s)
		}
	}
	return r.budget.Steps(n >> lookShift)
}

// callValues calls the overload of a system function that values match.
func (r *run) callValues(name string, vals ...value.Value) (value.Value, error) {
	if err := r.budget.Step(); err != nil {
		return nil, err
	}
	overloads := r.options.functions[name]
	if len(overloads) == 0 {
		return nil, unknownFunction(name)
	}
	for _, ov := range overloads {
		if ov.acceptsAll(r, vals) {
			a := &args{r: r, name: name, at: vals}
			if ov.rest != nil {
				a.at, a.rest = nil, vals
			}
			return ov.run(a)
		}
	}
	return nil, noMatch(name)
}

func (ov *overload) acceptsAll(r *run, vals []value.Value) bool {
	if ov.rest == nil && len(ov.params) != len(vals) {
		return false
	}
	for i, v := range vals {
		p := ov.rest
		if p == nil {
			p = &ov.params[i]
		}
		if !p.accepts(r, v) {
			return false
		}
	}
	return true
}

// dispatch picks the overload that the values match and calls it.
func (c *call) dispatch(r *run, f *frame, vals []value.Value) (value.Value, error) {
	var chosen *plan
	for i := range c.plans {
		p := &c.plans[i]
		if !p.accepts(r, vals) {
			continue
		}
		if chosen == nil || p.ov.moreSpecial(chosen.ov) {
			chosen = p
		} else if !chosen.ov.moreSpecial(p.ov) {
			return nil, c.ambiguity(vals)
		}
	}
	if chosen == nil {
		if c.recv != nil {
			return nil, c.refuse(vals[0])
		}
		return nil, c.refuse(nil)
	}
	a := &args{r: r, f: f, name: c.name}
	if err := chosen.bind(c, a, vals); err != nil {
		return nil, err
	}
	v, err := chosen.ov.run(a)
	if err != nil {
		return nil, err
	}
	return v, r.weigh(v)
}

// refuse says why there is nothing to call.
func (c *call) refuse(recv value.Value) error {
	switch {
	case !c.known && c.form == formMethod:
		return unknownMethod(c.name, recv)
	case !c.known:
		return unknownFunction(c.name)
	case c.fault != nil:
		return c.fault
	case c.ambiguous:
		return c.ambiguity([]value.Value{recv})
	case c.form == formMethod:
		return noMatchMethod(c.name, recv)
	}
	return noMatch(c.name)
}

// ambiguity is the error for a call that several overloads match.
func (c *call) ambiguity(vals []value.Value) error {
	if c.form == formMethod {
		return fail(classAmbiguousMeth, "Ambiguous method \"%s\" for receiver %s", c.name, receiverText(vals[0]))
	}
	return fail(classAmbiguous, "Ambiguous function \"%s\"", c.name)
}

func (p *plan) accepts(r *run, vals []value.Value) bool {
	for i, from := range p.from {
		if from < 0 {
			continue
		}
		// What a left out argument of another call left behind is no value here either.
		if vals[from] == value.Value(noValue) && !p.ov.params[i].optional || !p.ov.params[i].accepts(r, vals[from]) {
			return false
		}
	}
	for _, from := range p.rest {
		if !p.ov.rest.accepts(r, vals[from]) {
			return false
		}
	}
	return true
}

// acceptsReceiver reports whether any overload takes the receiver. That is asked before the arguments are evaluated, and
// here only when one of them fails: else it shows when an overload is chosen.
func (c *call) acceptsReceiver(r *run, recv value.Value) bool {
	for i := range c.plans {
		p := &c.plans[i]
		for j, from := range p.from {
			if from == 0 && p.ov.params[j].accepts(r, recv) {
				return true
			}
		}
		if len(p.rest) > 0 && p.rest[0] == 0 && p.ov.rest.accepts(r, recv) {
			return true
		}
	}
	return false
}

// bind puts the values in the order of the parameters.
func (p *plan) bind(c *call, a *args, vals []value.Value) error {
	if p.same {
		a.at = vals
	} else {
		a.at = make([]value.Value, len(p.from))
		for i, from := range p.from {
			if from >= 0 {
				a.at[i] = vals[from]
			} else {
				a.at[i] = p.ov.params[i].def
			}
		}
	}
	for _, from := range p.rest {
		a.rest = append(a.rest, vals[from])
	}
	first := len(c.args) - len(c.names)
	for _, from := range p.kw {
		a.kw = append(a.kw, binding{c.names[from-first], vals[from]})
	}
	if a.r.options.LimitIterators == 0 {
		return nil
	}
	return p.limit(a)
}

// limit bounds the collections among the arguments.
func (p *plan) limit(a *args) error {
	var err error
	for i := range a.at {
		if p.ov.params[i].iterates() && a.at[i] != nil {
			if a.at[i], err = a.r.limited(a.at[i]); err != nil {
				return err
			}
		}
	}
	for i := range a.rest {
		if p.ov.rest.iterates() {
			if a.rest[i], err = a.r.limited(a.rest[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// callDefined calls a function that def() made: arguments are $1, $2, … and $name.
func (c *call) callDefined(r *run, f *frame, d *definition) (value.Value, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	in := &frame{outer: d.body.f}
	first := len(c.args) - len(c.names)
	in.args = in.buf[:0]
	for i, a := range c.args {
		if _, rule := a.(*pair); rule {
			return nil, fail(classMapping, "Cannot convert mapping to keyword argument")
		}
		if i < len(c.lazy) && c.lazy[i] {
			return nil, fail(classAmbiguous, "Ambiguous function \"%s\"", c.name)
		}
		v, err := r.eval(a, f)
		if err != nil {
			return nil, err
		}
		if i < first {
			in.args = append(in.args, v)
		} else {
			in.names = append(in.names, binding{c.names[i-first], v})
		}
	}
	in.def = d
	return r.eval(d.body.body, in)
}

// callNamed calls a function or method by name with values; that is what call() does.
func (a *args) callNamed(name string, recv value.Value, positional []value.Value, named []binding) (value.Value, error) {
	var nodes []node
	for _, v := range positional {
		nodes = append(nodes, &constant{v: v})
	}
	for _, b := range named {
		nodes = append(nodes, &pair{&constant{v: value.String(b.name), word: true}, &constant{v: b.v}})
	}
	kind, receiver := formFunction|formSystem, node(nil)
	if recv != nil {
		kind, receiver = formMethod, &constant{v: recv}
	}
	c := resolve(a.r.options, name, kind, receiver, nodes)
	if len(named) > 0 && c.rules {
		return nil, fail(classArgument, "Invalid argument %s", named[0].name)
	}
	return a.r.eval(c, a.f)
}
