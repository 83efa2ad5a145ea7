package dsl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
)

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$`)

// nameMax and joinNameMax bound the names of tasks; Mistral's database has them.
const (
	nameMax     = 255
	joinNameMax = 208
)

// workflow reads one workflow; nil when nothing could be made of it.
func (r *reader) workflow(name string, n *yaml.Node, path string) *Workflow {
	if uuidForm.MatchString(name) {
		r.fail(at(n), path, "name", "", "Workflow name cannot be in the format of UUID.")
	}
	if strings.Contains(name, " ") {
		r.fail(at(n), path, "name", "", "Name '%s' must not contain spaces", name)
	}
	if !r.mapping(n, path) {
		return nil
	}
	w := &Workflow{Name: name, Type: Direct, Pos: at(n)}
	if t := field(n, "type"); t != nil {
		w.Type = textOf(t)
		if w.Type != Direct && w.Type != Reverse {
			r.fail(at(t), path+".type", "type", `write "direct" or "reverse"`,
				"Failed to find a specification class to instantiate [spec_cls=<class 'mistral.lang.v2.workflows.WorkflowSpec'>, data=%s]", value.Repr(n.Value))
			return nil
		}
	}
	if d := field(n, "description"); d != nil {
		w.Description = d.Value
	}
	w.Tags = r.texts(field(n, "tags"), path+".tags")
	w.Input = r.params(field(n, "input"), path+".input")
	w.Output = r.dict(field(n, "output"), path+".output")
	w.OutputOnError = r.unchecked(field(n, "output-on-error"), path+".output-on-error")
	w.Vars = r.dict(field(n, "vars"), path+".vars")
	if d := field(n, "task-defaults"); d != nil {
		r.defaults(w, d, path+".task-defaults")
	}
	tasks := field(n, "tasks")
	if tasks == nil {
		r.fail(at(n), path, "tasks", "", "Invalid DSL: 'tasks' is a required property")
		return nil
	}
	if !r.mapping(tasks, path+".tasks") {
		return nil
	}
	for _, e := range tasks.Entries {
		if t := r.task(w, e, path+".tasks."+textOf(e.Key)); t != nil {
			w.Tasks = append(w.Tasks, t)
		}
	}
	w.Spec = injected(n, map[string]value.Value{"name": value.String(name), "version": value.String("2.0")})
	r.checkWorkflow(w, path)
	return w
}

// injected is a definition as written, with the keys that Mistral adds.
func injected(n *yaml.Node, add map[string]value.Value) value.Value {
	d, ok := n.Value.(*value.Dict)
	if !ok {
		return n.Value
	}
	d = d.Clone()
	for _, k := range []string{"name", "version", "type"} {
		if v, ok := add[k]; ok {
			d.SetString(k, v)
		}
	}
	return d.Freeze()
}

// params reads declared inputs: names, or a name with its default.
func (r *reader) params(n *yaml.Node, path string) []Param {
	if n == nil {
		return nil
	}
	if _, ok := n.Value.(*value.List); !ok {
		r.fail(at(n), path, "type", "write a list: [a, {b: default}]", "Invalid DSL: %s is not of type 'array'", value.Repr(n.Value))
		return nil
	}
	if len(n.Items) == 0 {
		r.fail(at(n), path, "empty", "", "Invalid DSL: [] is too short")
	}
	var out []Param
	for _, item := range n.Items {
		switch {
		case len(item.Entries) == 1:
			out = append(out, Param{textOf(item.Entries[0].Key), item.Entries[0].Node.Value})
		case item.Value.Kind() == value.KindString:
			out = append(out, Param{Name: textOf(item)})
		default:
			r.fail(at(item), path, "input", "", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(item.Value))
		}
	}
	return out
}

func (r *reader) defaults(w *Workflow, n *yaml.Node, path string) {
	if !r.mapping(n, path) {
		return
	}
	r.known(n, path, "retry", "wait-before", "wait-after", "timeout", "pause-before", "concurrency", "fail-on", "on-success", "on-error",
		"on-complete", "on-skip", "safe-rerun", "requires")
	d := &w.Defaults
	d.Policies = r.policies(n, path)
	d.OnSuccess = r.clause(field(n, "on-success"), path+".on-success")
	d.OnError = r.clause(field(n, "on-error"), path+".on-error")
	d.OnComplete = r.clause(field(n, "on-complete"), path+".on-complete")
	d.OnSkip = r.clause(field(n, "on-skip"), path+".on-skip")
	d.SafeRerun = r.flag(field(n, "safe-rerun"))
	d.Requires = r.requires(field(n, "requires"), path+".requires")
}

// checkWorkflow checks what concerns several tasks: starts, links, joins.
func (r *reader) checkWorkflow(w *Workflow, path string) {
	if w.Type == Reverse {
		for _, t := range w.Tasks {
			for _, name := range append(slices.Clone(t.Requires), w.Defaults.Requires...) {
				r.checkTarget(w, t, name, t.Pos, path, false)
			}
		}
		return
	}
	inbound := map[string]map[string]bool{}
	for _, t := range w.Tasks {
		for _, c := range Clauses(w, t) {
			for _, to := range c.Next {
				if inbound[to.Name] == nil {
					inbound[to.Name] = map[string]bool{}
				}
				inbound[to.Name][t.Name] = true
			}
		}
	}
	starts := false
	for _, t := range w.Tasks {
		starts = starts || len(inbound[t.Name]) == 0
	}
	if !starts && len(w.Tasks) > 0 {
		r.fail(w.Pos, path, "no-start-task", "every task is the target of another one",
			"Failed to find start tasks in direct workflow. There must be at least one task without inbound transition.[workflow_name=%s]", w.Name)
	}
	for _, t := range w.Tasks {
		for _, c := range Clauses(w, t) {
			for _, to := range c.Next {
				r.checkTarget(w, t, to.Name, to.Pos, path, true)
			}
		}
		r.checkJoin(t, len(inbound[t.Name]), path)
	}
}

// Clauses are the clauses of a task in the order success, error, complete, skip, with the defaults where the task's own
// have no transitions.
func Clauses(w *Workflow, t *Task) []*Clause {
	d := &w.Defaults
	var out []*Clause
	for _, pair := range [][2]*Clause{{t.OnSuccess, d.OnSuccess}, {t.OnError, d.OnError}, {t.OnComplete, d.OnComplete}, {t.OnSkip, d.OnSkip}} {
		out = append(out, Effective(t, pair[0], pair[1]))
	}
	return out
}

// Effective is a task's clause, with the transitions of the default when it has none of its own. The task itself is left
// out of what it inherits, and publish isn't inherited. Never nil.
func Effective(t *Task, own, inherited *Clause) *Clause {
	out := &Clause{}
	if own != nil {
		out.Publish, out.Next = own.Publish, own.Next
	}
	if len(out.Next) == 0 && inherited != nil {
		for _, to := range inherited.Next {
			if to.Name != t.Name {
				out.Next = append(out.Next, to)
			}
		}
	}
	return out
}

// IsCommand reports whether a target is an engine command.
func IsCommand(name string) bool {
	return name == "noop" || name == "fail" || name == "succeed" || name == "pause"
}

func (r *reader) checkTarget(w *Workflow, t *Task, name string, pos Pos, path string, commands bool) {
	if commands && IsCommand(name) {
		return
	}
	var names []string
	for _, other := range w.Tasks {
		if other.Name == name {
			return
		}
		names = append(names, other.Name)
	}
	if commands {
		names = append(names, "noop", "fail", "succeed", "pause")
	}
	r.fail(pos, path+".tasks."+t.Name, "unknown-task", didYouMean(name, names), "Task '%s' not found.", name)
}

func (r *reader) checkJoin(t *Task, inbound int, path string) {
	switch {
	case t.Join.All && inbound == 0:
		r.fail(t.Pos, path+".tasks."+t.Name, "join", "no task has a transition to it", "No inbound tasks for task with 'join: all' [task_name=%s]", t.Name)
	case t.Join.Count > inbound:
		r.fail(t.Pos, path+".tasks."+t.Name, "join", fmt.Sprintf("only %d tasks have a transition to it", inbound),
			"Not enough inbound tasks for task with 'join' [task_name=%s, join=%d, inbound_tasks=%d]", t.Name, t.Join.Count, inbound)
	}
}

func (r *reader) workbook(n *yaml.Node) *Workbook {
	if !r.mapping(n, "") {
		return nil
	}
	version := field(n, "version")
	if version == nil {
		r.fail(at(n), "", "version", "write version: '2.0' at the top", "Invalid DSL: 'version' is a required property")
	} else if v := textOf(version); v != "2.0" && v != "2" {
		r.fail(at(version), "version", "version", "write version: '2.0'", "Unsupported DSL version: %s", v)
	}
	r.known(n, "", "version", "name", "description", "tags", "actions", "workflows")
	if field(n, "name") == nil {
		r.fail(at(n), "", "name", "", "Invalid DSL: 'name' is a required property")
	}
	wb := &Workbook{Name: r.text(field(n, "name"), "name"), Tags: r.texts(field(n, "tags"), "tags"), Spec: n.Value}
	if d := field(n, "description"); d != nil {
		wb.Description = d.Value
	}
	if list := field(n, "actions"); list != nil && r.mapping(list, "actions") {
		for _, e := range list.Entries {
			if name := textOf(e.Key); name != "version" {
				if a := r.action(name, e.Node, "actions."+name); a != nil {
					wb.Actions = append(wb.Actions, a)
				}
			}
		}
	}
	if list := field(n, "workflows"); list != nil && r.mapping(list, "workflows") {
		for _, e := range list.Entries {
			if name := textOf(e.Key); name != "version" {
				if w := r.workflow(name, e.Node, "workflows."+name); w != nil {
					wb.Workflows = append(wb.Workflows, w)
				}
			}
		}
	}
	return wb
}

func (r *reader) action(name string, n *yaml.Node, path string) *Action {
	if !r.mapping(n, path) {
		return nil
	}
	r.known(n, path, "name", "version", "description", "tags", "base", "base-input", "input", "output")
	base := field(n, "base")
	if base == nil {
		r.fail(at(n), path, "base", "", "Invalid DSL: 'base' is a required property")
		return nil
	}
	a := &Action{
		Name: name, Description: r.text(field(n, "description"), path+".description"), Tags: r.texts(field(n, "tags"), path+".tags"),
		Base: r.call(base, path+".base"), BaseInput: r.dict(field(n, "base-input"), path+".base-input"),
		Input: r.params(field(n, "input"), path+".input"), Pos: at(n),
		Spec: injected(n, map[string]value.Value{"name": value.String(name), "version": value.String("2.0")}),
	}
	if out := field(n, "output"); out != nil && out.Value.Kind() != value.KindNull {
		a.Output = r.tree(out, path+".output")
	}
	if a.Base == nil {
		return nil
	}
	return a
}
