package jinja

import (
	"cierzo/expr/value"
)

// macroObject is a macro, or the caller of a call block, with the variables around it.
type macroObject struct {
	value.Object
	def   *macroDef
	outer *frame
}

// TypeName is Python's name of the type.
func (*macroObject) TypeName() string { return "jinja2.runtime.Macro" }

// Repr is Jinja2's text.
func (m *macroObject) Repr() string {
	if m.def.name == "" {
		return "<Macro anonymous>"
	}
	return "<Macro " + quoted(m.def.name) + ">"
}

func (s *macroStmt) exec(r *run) error {
	r.frame.set(s.name, &macroObject{def: s.fn, outer: r.frame})
	return nil
}

func (s *callBlock) exec(r *run) error {
	fn, err := r.eval(s.call.fn)
	if err != nil {
		return err
	}
	a, err := r.evalArgs(&s.call.args)
	if err != nil {
		return err
	}
	a.kw = append(a.kw, namedArg{"caller", &macroObject{def: s.fn, outer: r.frame}})
	v, err := r.call(fn, a)
	if err != nil {
		return err
	}
	return r.writeRaw(v)
}

// attr is an attribute of a macro; nil: there is none of this name.
func (m *macroObject) attr(name string) value.Value {
	switch name {
	case "name":
		if m.def.name == "" {
			return value.Null{}
		}
		return value.String(m.def.name)
	case "arguments":
		items := make([]value.Value, len(m.def.params))
		for i, p := range m.def.params {
			items[i] = value.String(p)
		}
		return value.NewTuple(items)
	case "catch_kwargs":
		return value.Bool(m.def.keyword)
	case "catch_varargs":
		return value.Bool(m.def.args)
	case "caller":
		return value.Bool(m.def.caller)
	case "explicit_caller":
		return value.Bool(m.def.explicitCaller)
	}
	return nil
}

// call expands the macro.
func (m *macroObject) call(r *run, a args) (value.Value, error) {
	if err := r.b.Enter(); err != nil {
		return nil, err
	}
	defer r.b.Leave()
	saved := r.frame
	r.frame = &frame{outer: m.outer}
	defer func() { r.frame = saved }()
	if err := m.bind(r, a); err != nil {
		return nil, err
	}
	return r.blockText(func() error { return r.exec(m.def.body) })
}

// bind gives the parameters their values. A parameter that is not given and has no default is undefined.
func (m *macroObject) bind(r *run, a args) error {
	def := m.def
	given := make([]value.Value, len(def.params))
	n := copy(given, a.pos)
	kw := a.kw
	for i := n; i < len(def.params); i++ {
		if v, ok := (args{kw: kw}).keyword(def.params[i]); ok {
			given[i] = v
			kw = without(kw, def.params[i])
		}
	}
	if def.caller && !def.explicitCaller {
		v, ok := (args{kw: kw}).keyword("caller")
		if !ok {
			v = &undefined{hint: "No caller defined"}
		}
		kw = without(kw, "caller")
		r.frame.set("caller", v)
	}
	if err := m.bindRest(r, a.pos[n:], kw); err != nil {
		return err
	}
	for i, p := range def.params {
		v := given[i]
		if v == nil {
			var err error
			if v, err = m.defaultOf(r, i); err != nil {
				return err
			}
		}
		r.frame.set(p, v)
	}
	return nil
}

func (m *macroObject) defaultOf(r *run, i int) (value.Value, error) {
	def := m.def
	if at := i - (len(def.params) - len(def.defaults)); at >= 0 {
		return r.eval(def.defaults[at])
	}
	return &undefined{hint: "parameter " + quoted(def.params[i]) + " was not provided"}, nil
}

// bindRest gives varargs and kwargs what is left of the arguments.
func (m *macroObject) bindRest(r *run, pos []value.Value, kw []namedArg) error {
	def := m.def
	if def.keyword {
		d := value.NewDict(len(kw))
		for _, k := range kw {
			d.SetString(k.name, k.val)
		}
		r.frame.set("kwargs", d)
	} else if len(kw) > 0 {
		if kw[0].name == "caller" {
			return typeError("macro %s was invoked with two values for the special caller argument. This is most likely a bug.", m.quotedName())
		}
		return typeError("macro %s takes no keyword argument %s", m.quotedName(), quoted(kw[0].name))
	}
	if def.args {
		r.frame.set("varargs", value.NewTuple(append([]value.Value{}, pos...)))
	} else if len(pos) > 0 {
		return typeError("macro %s takes not more than %d argument(s)", m.quotedName(), len(def.params))
	}
	return nil
}

func (m *macroObject) quotedName() string {
	if m.def.name == "" {
		return "None"
	}
	return quoted(m.def.name)
}

func without(kw []namedArg, name string) []namedArg {
	var out []namedArg
	for _, k := range kw {
		if k.name != name {
			out = append(out, k)
		}
	}
	return out
}
