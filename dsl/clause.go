package dsl

import (
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

// clauseNames are the clauses in the order in which Mistral reads them.
var clauseNames = []string{"on-complete", "on-success", "on-error", "on-skip"}

// clause reads an on-clause in any of its forms; the schema has seen it.
func (r *reader) clause(n *yaml.Node, name, path string) *Clause {
	n, path = n.Field(name), path+"."+name
	if n == nil {
		return nil
	}
	c := &Clause{}
	if !isType(n.Value, "object") {
		c.Next = r.targets(n, path)
		return c
	}
	c.Publish = r.publish(n.Field("publish"), path+".publish")
	next := n.Field("next")
	switch {
	case next != nil && len(next.Entries) > 0:
		r.warn(next, path+".next", "dropped-condition", "write a list: [{"+textOf(next.Entries[0].Key)+": …}]", "the condition of a mapping is ignored: %s always runs",
			textOf(next.Entries[0].Key))
		c.Next = r.target(next.Entries[0].Key, nil, path+".next")
	case next != nil:
		c.Next = r.targets(next, path+".next")
	case c.Publish == nil && len(n.Entries) == 1:
		name := textOf(n.Entries[0].Key)
		r.warn(n, path, "clause-mapping", "write a list: [{"+name+": …}]", "a mapping is no transition here: %s never runs after this task", name)
	}
	return c
}

func (r *reader) publish(n *yaml.Node, path string) *Publish {
	if n == nil || !isType(n.Value, "object") {
		return nil
	}
	p := &Publish{Branch: dict(n.Field("branch")), Global: dict(n.Field("global")), Atomic: dict(n.Field("atomic"))}
	if n.Field("branch") == nil && n.Field("global") == nil && n.Field("atomic") == nil {
		for _, e := range n.Entries {
			if name := textOf(e.Key); name != "name" && name != "version" && name != "description" && name != "tags" {
				return nil // the schema has said so
			}
		}
		r.fail(n, path, "publish-scope", "", "Either 'branch', 'global' or 'atomic' must be specified: ")
		return nil
	}
	for _, scope := range []string{"branch", "global", "atomic"} {
		r.expressions(n.Field(scope), path+"."+scope)
	}
	if a := n.Field("atomic"); a != nil {
		r.warn(a, path+".atomic", "atomic-publish", "use global", "Mistral never publishes what is under atomic")
	}
	return p
}

// targets reads a text or a list of texts and one-key mappings.
func (r *reader) targets(n *yaml.Node, path string) []Target {
	if stringOf(n) != "" {
		return r.target(n, nil, path)
	}
	var out []Target
	for _, item := range n.Items {
		if len(item.Entries) == 1 {
			out = append(out, r.target(item.Entries[0].Key, item.Entries[0].Node, path)...)
		} else {
			out = append(out, r.target(item, nil, path)...)
		}
	}
	return out
}

// target reads one target; none when it is no text.
func (r *reader) target(n, condition *yaml.Node, path string) []Target {
	text := stringOf(n)
	name, params, dropped, ok := splitCall(text)
	if text == "" || !ok {
		return nil
	}
	t := Target{Name: name, Condition: tree(condition), Pos: at(n)}
	if params != nil && params.Len() > 0 {
		t.Params = expr.CompileLenient(params)
		if !IsCommand(name) {
			r.warn(n, path, "unused-parameters", "write them in the task", "parameters only mean something to engine commands: these are ignored")
		}
	}
	if strings.Trim(dropped, "() ") != "" {
		r.dropped(n, path, dropped)
	}
	if _, msg := paramOf(params, "msg"); IsCommand(name) && params != nil && params.Len() > 0 && !msg {
		r.warn(n, path, "unused-parameters", "the parameter is called msg", "%s only looks at msg", name)
	}
	return []Target{t}
}

func paramOf(params *value.Dict, name string) (value.Value, bool) {
	if params == nil {
		return nil, false
	}
	return params.GetString(name)
}

// transitions checks the expressions in names and conditions of all clauses of a task. Parameters aren't checked.
func (r *reader) transitions(n *yaml.Node, path string) {
	for _, name := range []string{"on-complete", "on-success", "on-error", "on-skip"} {
		c := n.Field(name)
		if c != nil && isType(c.Value, "object") {
			c = c.Field("next")
		}
		if c == nil {
			continue
		}
		for _, item := range append([]*yaml.Node{c}, c.Items...) {
			r.expression(item, path+"."+name, true)
			for _, e := range item.Entries {
				r.expression(e.Key, path+"."+name, true)
				if item != c {
					r.expression(e.Node, path+"."+name+"."+textOf(e.Key), true)
				}
			}
		}
	}
}
