package dsl

import (
	"strconv"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
)

func (r *reader) workbook(root *yaml.Node) *Workbook {
	r.workbookVersion(root)
	r.check(r.grammar.workbook, root, nil, "")
	if !isType(root.Value, "object") {
		return nil
	}
	wb := &Workbook{Name: stringOf(root.Field("name")), Tags: stringsOf(root.Field("tags")), Spec: root.Value}
	if d := root.Field("description"); d != nil {
		wb.Description = d.Value
	}
	for _, e := range r.workbookMembers(root, "actions") {
		if a := r.action(e, "actions."+textOf(e.Key)); a != nil {
			wb.Actions = append(wb.Actions, a)
		}
	}
	for _, e := range r.workbookMembers(root, "workflows") {
		if w := r.workflow(e, "workflows."+textOf(e.Key)); w != nil {
			wb.Workflows = append(wb.Workflows, w)
		}
	}
	return wb
}

// workbookVersion does what Mistral does before it looks at anything else. A list has no version.
func (r *reader) workbookVersion(root *yaml.Node) {
	v := root.Field("version")
	if v == nil {
		return
	}
	text := strings.TrimSpace(value.Str(v.Value))
	if f, err := strconv.ParseFloat(text, 64); err != nil || f != 2 || !isType(v.Value, "string") && !isType(v.Value, "number") {
		r.fail(v, "version", "version", "write version: '2.0'", "Unsupported DSL version: %s", value.Str(v.Value))
	}
}

// workbookMembers are the workflows or the actions that are mappings; what else there is is refused.
func (r *reader) workbookMembers(root *yaml.Node, name string) []yaml.Entry {
	list := root.Field(name)
	if list == nil || !isType(list.Value, "object") {
		return nil
	}
	var out []yaml.Entry
	for _, e := range list.Entries {
		key := textOf(e.Key)
		switch {
		case key == "version":
		case isType(e.Node.Value, "object"):
			out = append(out, e)
		case name == "actions":
			r.fail(e.Node, name+"."+key, "type", noMappingHint(e.Node), "Invalid DSL: %s is not of type 'object'", value.Repr(e.Node.Value))
		default:
			r.fail(e.Node, name+"."+key, "type", noMappingHint(e.Node), "A specification with polymorphic key must be backed by a dictionary [spec_cls=<class 'mistral.lang.v2.workflows.WorkflowSpec'>, data=%s]",
				value.Str(e.Node.Value))
		}
	}
	return r.keyed(out, name)
}

// keyed drops members whose key is no text.
func (r *reader) keyed(all []yaml.Entry, path string) []yaml.Entry {
	if len(all) > WorkflowsMax {
		r.fail(all[WorkflowsMax].Key, path, "limit", "", "more than %d definitions in one document", WorkflowsMax)
		all = all[:WorkflowsMax]
	}
	var out []yaml.Entry
	for _, e := range all {
		if e.Key.Value.Kind() != value.KindString {
			r.nameIsNoText(e.Key, path)
			continue
		}
		out = append(out, e)
	}
	return out
}

func (r *reader) actions(root *yaml.Node) []*Action {
	var out []*Action
	for _, e := range r.list(root) {
		if a := r.action(e, textOf(e.Key)); a != nil {
			out = append(out, a)
		}
	}
	return out
}

func (r *reader) action(e yaml.Entry, path string) *Action {
	n, name := e.Node, textOf(e.Key)
	a := &Action{Name: name, Pos: at(e.Key), Spec: injected(n, "name", name, "version", specVersion)}
	r.check(r.grammar.action, n, a.Spec, path, "name", "version")
	base := n.Field("base")
	if stringOf(base) == "" {
		return nil
	}
	if a.Base = r.call(base, path+".base"); a.Base == nil {
		return nil
	}
	r.expressions(n.Field("base-input"), path+".base-input")
	if out := n.Field("output"); out != nil && out.Value.Kind() != value.KindNull {
		r.expression(out, path+".output", true)
		r.eachBelow(out, path+".output", r.deepExpressions)
		a.Output = tree(out)
	}
	a.Description, a.Tags = stringOf(n.Field("description")), stringsOf(n.Field("tags"))
	a.BaseInput, a.Input = dict(n.Field("base-input")), params(n.Field("input"))
	return a
}
