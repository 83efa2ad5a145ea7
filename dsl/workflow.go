package dsl

import (
	"regexp"
	"slices"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

// specVersion is what Mistral stamps on everything.
const specVersion = "2.0"

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$`)

func (r *reader) workflows(root *yaml.Node) []*Workflow {
	var out []*Workflow
	for _, e := range r.list(root) {
		if w := r.workflow(e, textOf(e.Key)); w != nil {
			out = append(out, w)
		}
	}
	r.namesWithBlanks(root)
	return out
}

// list gives the members of a list document: all keys but the version.
func (r *reader) list(root *yaml.Node) []yaml.Entry {
	r.check(r.grammar.list, root, nil, "")
	if !isType(root.Value, "object") {
		return nil
	}
	if v := root.Field("version"); v != nil && !goodVersion(v) {
		r.warn(v, "version", "version", "write version: '2.0'", "Mistral doesn't look at the version of a list, and takes it for 2.0")
	}
	members := slices.DeleteFunc(slices.Clone(root.Entries), func(e yaml.Entry) bool { return stringOf(e.Key) == "version" })
	if len(members) == 0 && root.Field("version") != nil {
		r.fail(root, "", "empty", "write a workflow or an action below the version", "At least one item must be in the list [data=%s].", value.Repr(root.Value))
	}
	members = slices.DeleteFunc(members, func(e yaml.Entry) bool { return !isType(e.Node.Value, "object") || len(e.Node.Entries) == 0 })
	return r.keyed(members, "")
}

// goodVersion reports whether a version is "2.0", 2.0 or 2.
func goodVersion(v *yaml.Node) bool {
	return stringOf(v) == specVersion || value.Equal(v.Value, value.Int(2))
}

func (r *reader) nameIsNoText(key *yaml.Node, path string) {
	r.fail(key, path, "name", "put the name into quotes", "Invalid DSL: %s is not of type 'string'", value.Repr(key.Value))
}

// namesWithBlanks refuses names of workflows with blanks. Mistral's database does, so it is the last error.
func (r *reader) namesWithBlanks(root *yaml.Node) {
	for _, e := range root.Entries {
		if name := stringOf(e.Key); strings.Contains(name, " ") {
			r.fail(e.Key, name, "name", "use - or _", "Name '%s' must not contain spaces", name)
		}
	}
}

var workflowAttributes = []string{
	"name", "version", "type", "description", "tags", "input", "output", "output-on-error", "vars", "task-defaults", "tasks",
}

// workflow reads one workflow; nil when nothing could be made of it.
func (r *reader) workflow(e yaml.Entry, path string) *Workflow {
	n, name := e.Node, textOf(e.Key)
	w := &Workflow{Name: name, Type: Direct, Pos: at(e.Key), Spec: injected(n, "name", name, "version", specVersion)}
	if t := n.Field("type"); t != nil {
		w.Type = stringOf(t)
		if w.Type != Direct && w.Type != Reverse {
			d := r.fail(t, path+".type", "type", `write "direct" or "reverse"`, "a workflow of type %s doesn't exist", value.Repr(t.Value))
			d.mistral = "Failed to find a specification class to instantiate [spec_cls=<class 'mistral.lang.v2.workflows.WorkflowSpec'>, data=" + value.Repr(w.Spec) + "]"
			w.Type = Direct
		}
	}
	errorsBefore := r.errors
	r.check(r.grammar.workflow, n, w.Spec, path)
	r.expressions(n.Field("output"), path+".output")
	r.expressions(n.Field("vars"), path+".vars")
	r.unknownAttributes(n, path)
	if tree := n.Field("output-on-error"); tree != nil {
		r.deepExpressions(tree, path+".output-on-error")
	}
	if d := n.Field("description"); d != nil {
		w.Description = d.Value
	}
	w.Tags, w.Input = stringsOf(n.Field("tags")), params(n.Field("input"))
	w.Output, w.OutputOnError, w.Vars = dict(n.Field("output")), dict(n.Field("output-on-error")), dict(n.Field("vars"))
	if d := n.Field("task-defaults"); d != nil && isType(d.Value, "object") && len(d.Entries) > 0 {
		r.defaults(w, d, path+".task-defaults")
	}
	r.tasks(w, n.Field("tasks"), path+".tasks")
	if uuidForm.MatchString(name) {
		r.fail(e.Key, path, "name", "choose another name", "Workflow name cannot be in the format of UUID.")
	}
	r.links(w, path, r.errors == errorsBefore)
	return w
}

// unknownAttributes warns: Mistral takes whatever a workflow has.
func (r *reader) unknownAttributes(n *yaml.Node, path string) {
	for _, e := range n.Entries {
		name := textOf(e.Key)
		switch {
		case name == "name" || name == "version":
			r.warn(e.Key, path, "overwritten-attribute", "remove it", "%s of a workflow is overwritten by Mistral", name)
		case !slices.Contains(workflowAttributes, name):
			r.warn(e.Key, path, "unknown-attribute", r.didYouMean(name, workflowAttributes), "a workflow has no attribute %s: it is ignored", value.Repr(e.Key.Value))
		}
	}
	if in := n.Field("input"); in != nil {
		for _, item := range in.Items {
			if len(item.Entries) == 1 {
				def := item.Entries[0].Node
				if t, err := expr.Parse(stringOf(def)); err == nil && !isConst(t) {
					r.warn(def, path+".input."+textOf(item.Entries[0].Key), "literal-default", "compute it in vars", "the default of an input is never evaluated: it stays this text")
				}
			}
		}
	}
}

func isConst(t *expr.Template) bool {
	_, constant := t.Const()
	return constant
}

// params reads declared inputs: names, or a name with its default. As in Mistral the last one of a name counts.
func params(n *yaml.Node) []Param {
	if n == nil {
		return nil
	}
	var out []Param
	for _, item := range n.Items {
		p := Param{Name: stringOf(item)}
		if len(item.Entries) == 1 {
			p = Param{textOf(item.Entries[0].Key), item.Entries[0].Node.Value}
		}
		if i := slices.IndexFunc(out, func(o Param) bool { return o.Name == p.Name }); i >= 0 {
			out[i] = p
			continue
		}
		out = append(out, p)
	}
	return out
}

func (r *reader) defaults(w *Workflow, n *yaml.Node, path string) {
	r.check(r.grammar.defaults, n, nil, path)
	r.flagExpression(n, "safe-rerun", path)
	d := &w.Defaults
	d.Policies = r.policies(n, path)
	d.OnComplete = r.clause(n, "on-complete", path)
	d.OnSuccess = r.clause(n, "on-success", path)
	d.OnError = r.clause(n, "on-error", path)
	d.OnSkip = r.clause(n, "on-skip", path)
	for _, name := range clauseNames {
		if c := n.Field(name); c != nil && c.Field("publish") != nil {
			r.warn(c.Field("publish"), path+"."+name, "default-publish", "publish in the tasks", "only transitions are inherited: this publish is never done")
		}
	}
	r.transitions(n, path)
	d.SafeRerun = switchOf(n.Field("safe-rerun"))
	d.Requires = stringsOf(n.Field("requires"))
}

func (r *reader) tasks(w *Workflow, n *yaml.Node, path string) {
	if n == nil || !isType(n.Value, "object") {
		return
	}
	entries := n.Entries
	if len(entries) > TasksMax {
		r.fail(entries[TasksMax].Key, path, "limit", "", "more than %d tasks in a workflow", TasksMax)
		entries = entries[:TasksMax]
	}
	for _, e := range entries {
		name := textOf(e.Key)
		switch {
		case e.Key.Value.Kind() != value.KindString:
			r.nameIsNoText(e.Key, path)
		case name == "version": // Mistral passes over it
		case !isType(e.Node.Value, "object"):
			if !wordForm.MatchString(name) { // the schema has refused the others
				r.fail(e.Node, path+"."+name, "type", noMappingHint(e.Node), "Invalid DSL: %s is not of type 'object'", value.Repr(e.Node.Value))
			}
		default:
			w.Tasks = append(w.Tasks, r.task(w, e, path+"."+name))
		}
	}
}
