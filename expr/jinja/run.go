package jinja

import (
	"errors"
	"strings"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// run is one evaluation.
type run struct {
	b      scope.Budget
	env    *scope.Env
	tpl    *template
	frame  *frame // the innermost
	root   *frame // what is set at the top
	out    *strings.Builder
	escape bool // autoescape is on
	// unsure is the undefined value that autoescape was set to: an error when something is printed.
	unsure *undefined
	// unjoined is the error that joining the output will end in.
	unjoined error
	owns     bool          // lists and dicts are copies of this evaluation: they may be changed
	groups   groups        // what groupby made: tuples with names
	data     value.Mapping // _ where it is one; nil: it isn't
	spare    *call         // calls that are over, for the next ones

	// Where frame, root and out begin, so that they are no allocations of their own.
	top      frame
	topNames [4]string
	topVals  [4]value.Value
	text     strings.Builder
}

// frame holds the variables of a block. There are few, so they are searched in order.
type frame struct {
	outer *frame
	names []string
	vals  []value.Value
}

func (f *frame) set(name string, v value.Value) {
	for i, n := range f.names {
		if n == name {
			f.vals[i] = v
			return
		}
	}
	f.names, f.vals = append(f.names, name), append(f.vals, v)
}

func (f *frame) get(name string) (value.Value, bool) {
	for ; f != nil; f = f.outer {
		for i, n := range f.names {
			if n == name {
				return f.vals[i], true
			}
		}
	}
	return nil, false
}

// errShared says that a shared list or dict would be changed: Render begins again with copies.
var errShared = errors.New("a shared value would be changed")

func newRun(env *scope.Env, tpl *template, owns bool) *run {
	r := &run{b: scope.NewBudget(env.Limits), env: env, tpl: tpl, owns: owns}
	r.top.names, r.top.vals = r.topNames[:0], r.topVals[:0]
	r.frame, r.root, r.out = &r.top, &r.top, &r.text
	return r
}

// start gives _ its value. What else Mistral defines is looked up when it is needed: three parts of it, and functions.
func (r *run) start() error {
	root := r.env.Root
	if root == nil {
		if r.env.Context != nil {
			root = r.env.Context
		} else {
			root = value.NewDict(0)
		}
	}
	root, err := r.acquire(root)
	if err != nil {
		return err
	}
	r.root.set("_", root)
	r.data, _ = root.(value.Mapping)
	return nil
}

// partOfData is one of the three parts of _ that have names of their own; nil: it is none.
func (r *run) partOfData(name string) value.Value {
	if r.data == nil {
		return nil
	}
	switch name {
	case "__env", "__execution", "__task_execution":
		if v, ok := r.data.GetString(name); ok {
			return v
		}
		return value.Null{}
	}
	return nil
}

// acquire makes a value from outside one that this evaluation may change, where the template does such things.
func (r *run) acquire(v value.Value) (value.Value, error) {
	if !r.owns {
		return v, nil
	}
	return r.copyDeep(v, map[value.Value]value.Value{})
}

// copyDeep copies lists and dicts at any depth; what is in two places is one thing in the copy too.
func (r *run) copyDeep(v value.Value, seen map[value.Value]value.Value) (value.Value, error) {
	switch v.(type) {
	case *value.List, value.Mapping, *value.Tuple:
	default:
		return v, nil
	}
	if have, ok := seen[v]; ok {
		return have, nil
	}
	if err := r.b.Enter(); err != nil {
		return nil, err
	}
	defer r.b.Leave()
	var out value.Value
	var err error
	switch v := v.(type) {
	case *value.List:
		var items []value.Value
		items, err = r.copyItems(v.Items(), seen)
		out = value.NewList(items)
	case *value.Tuple:
		var items []value.Value
		items, err = r.copyItems(v.Items(), seen)
		out = value.NewTuple(items)
	case value.Mapping:
		d := value.NewDict(v.Len())
		for k, item := range v.All() {
			if item, err = r.copyDeep(item, seen); err != nil {
				return nil, err
			}
			if err = d.Set(k, item); err != nil {
				return nil, err
			}
		}
		out, err = d, r.make(v.Len())
	}
	seen[v] = out
	return out, err
}

func (r *run) copyItems(items []value.Value, seen map[value.Value]value.Value) ([]value.Value, error) {
	if err := r.make(len(items)); err != nil {
		return nil, err
	}
	out := make([]value.Value, len(items))
	for i, item := range items {
		var err error
		if out[i], err = r.copyDeep(item, seen); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// make takes n items or characters from the budget, before they are made.
func (r *run) make(n int) error { return r.b.Charge(n) }

// lookShift is how much text counts as one step, as a power of two: comparing and searching make nothing, but take time.
const lookShift = 10

// look takes the steps of looking through n characters.
func (r *run) look(n int) error { return r.steps(n >> lookShift) }

// eval evaluates an expression.
func (r *run) eval(x expr) (value.Value, error) {
	if err := r.b.Step(); err != nil {
		return nil, err
	}
	return x.eval(r)
}

// exec runs statements.
func (r *run) exec(body []stmt) error {
	for _, s := range body {
		if err := r.b.Step(); err != nil {
			return err
		}
		if err := s.exec(r); err != nil {
			return err
		}
	}
	return nil
}

// write writes to the output.
func (r *run) write(s string) error {
	if r.out.Len()+len(s) > r.b.OutputMax() {
		return &scope.LimitError{Limit: "output", Max: r.b.OutputMax()}
	}
	if err := r.make(len(s)); err != nil {
		return err
	}
	r.out.WriteString(s)
	return nil
}

// capture runs statements and gives what they write.
func (r *run) capture(body []stmt) (string, error) {
	return r.captureFunc(func() error { return r.exec(body) })
}

// captureFunc gives what f writes.
func (r *run) captureFunc(f func() error) (string, error) {
	out, unjoined := r.out, r.unjoined
	r.out, r.unjoined = &strings.Builder{}, nil
	defer func() { r.out, r.unjoined = out, unjoined }()
	if err := f(); err != nil {
		return "", err
	}
	return r.out.String(), r.unjoined
}

// within runs f with a new frame of variables.
func (r *run) within(f func() error) error {
	saved := r.frame
	r.frame = &frame{outer: saved}
	defer func() { r.frame = saved }()
	return f()
}

// lookup finds a variable: those of the template, then Mistral's functions, then Jinja2's globals.
func (r *run) lookup(name string) (value.Value, bool) {
	if v, ok := r.frame.get(name); ok {
		return v, v != nil
	}
	if v := r.partOfData(name); v != nil {
		return v, true
	}
	if v := r.mistralFunction(name); v != nil {
		return v, true
	}
	if v := global(name); v != nil {
		return v, true
	}
	if name == "self" {
		return &selfObject{}, true
	}
	return nil, false
}
