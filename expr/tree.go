package expr

import "cierzo/expr/value"

// Tree is a structure whose texts are templates: values of dicts and items of lists at any depth, never keys. It is
// frozen.
type Tree struct {
	source   value.Value
	constant bool
	template *Template
	items    []*Tree
	keys     []value.Value
	tuple    bool
}

// CompileTree parses the texts of a structure. The error is the first *SyntaxError.
func CompileTree(v value.Value) (*Tree, error) { return compileTree(v, false) }

// CompileLenient is CompileTree for structures that were not checked: a text that doesn't parse gives its error when it
// is evaluated.
func CompileLenient(v value.Value) *Tree {
	t, err := compileTree(v, true)
	if err != nil {
		panic(err) // a lenient compilation has no errors
	}
	return t
}

func compileTree(v value.Value, lenient bool) (*Tree, error) {
	t := &Tree{source: v, constant: true}
	switch v := v.(type) {
	case value.String:
		tpl := ParseLenient(string(v))
		if !lenient {
			var err error
			if tpl, err = Parse(string(v)); err != nil {
				return nil, err
			}
		}
		if _, constant := tpl.Const(); !constant {
			t.template, t.constant = tpl, false
		}
	case *value.List:
		return t, t.compileItems(v.Items(), lenient)
	case *value.Tuple:
		t.tuple = true
		return t, t.compileItems(v.Items(), lenient)
	case value.Mapping:
		var items []value.Value
		for k, item := range v.All() {
			t.keys = append(t.keys, k)
			items = append(items, item)
		}
		if t.keys == nil {
			return t, nil
		}
		return t, t.compileItems(items, lenient)
	}
	return t, nil
}

func (t *Tree) compileItems(items []value.Value, lenient bool) error {
	for _, item := range items {
		sub, err := compileTree(item, lenient)
		if err != nil {
			return err
		}
		t.items = append(t.items, sub)
		t.constant = t.constant && sub.constant
	}
	return nil
}

// Source is the structure as written.
func (t *Tree) Source() value.Value { return t.source }

// Const reports whether there are no expressions in the structure, and gives it.
func (t *Tree) Const() (value.Value, bool) { return t.source, t.constant }

// Keys are the keys of a structure that is a dict, in order; nil otherwise.
func (t *Tree) Keys() []value.Value { return t.keys }

// Eval evaluates all templates of the structure. With an empty context nothing is evaluated, as in Mistral.
func (t *Tree) Eval(env *Env) (value.Value, error) {
	if t.constant || !hasContext(env) {
		return t.source, nil
	}
	return t.eval(env)
}

func hasContext(env *Env) bool {
	if env.Root != nil {
		return value.Truthy(env.Root)
	}
	return env.Context != nil && value.Truthy(env.Context)
}

func (t *Tree) eval(env *Env) (value.Value, error) {
	switch {
	case t.constant:
		return t.source, nil
	case t.template != nil:
		return t.template.Eval(env)
	}
	items := make([]value.Value, len(t.items))
	for i, sub := range t.items {
		v, err := sub.eval(env)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	if t.keys == nil {
		if t.tuple {
			return value.NewTuple(items), nil
		}
		return value.NewList(items), nil
	}
	d := value.NewDict(len(items))
	for i, k := range t.keys {
		if err := d.Set(k, items[i]); err != nil {
			return nil, err
		}
	}
	return d, nil
}
