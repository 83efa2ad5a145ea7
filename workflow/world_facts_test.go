package workflow_test

import (
	"sort"
	"strings"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// The facts.

func (w *world) Action(_, namespace, name string) (*workflow.ActionSpec, error) {
	if spec := builtIn(name); spec != nil {
		return spec, nil
	}
	d := w.find("action", namespace, name)
	if d == nil {
		return nil, nil
	}
	baseName := d.action.Base.Name.Source()
	base, err := w.Action("", namespace, baseName)
	if err != nil {
		return nil, err
	}
	if base == nil {
		return nil, fault.New(fault.Invalid, "Failed to find base action [action_name=%s namespace=%s]", baseName, namespace)
	}
	return &workflow.ActionSpec{Name: d.name, Inputs: d.action.Input, Class: base.Class, Async: base.Async, AdHoc: d.action, Base: base}, nil
}

func builtIn(name string) *workflow.ActionSpec {
	null := value.Null{}
	table := map[string]workflow.ActionSpec{
		"std.noop":       {Class: "mistral.actions.std_actions.NoOpAction", Inline: inline(name, "inline")},
		"std.async_noop": {Class: "mistral.actions.std_actions.AsyncNoOpAction", Async: true},
		"std.echo": {
			Class:  "mistral.actions.std_actions.EchoAction",
			Inputs: []dsl.Param{{Name: "output"}, {Name: "delay", Default: value.Int(0)}},
		},
		"std.fail": {
			Class: "mistral.actions.std_actions.FailAction", Inputs: []dsl.Param{{Name: "error_data", Default: null}},
			Inline: inline(name, "00000000-0000-4000-8000-000000000000"),
		},
		"std.test_dict": {
			Class: "mistral.actions.std_actions.TestDictAction", Inline: inline(name, "inline"),
			Inputs: []dsl.Param{{Name: "size", Default: value.Int(0)}, {Name: "key_prefix", Default: value.String("")}, {Name: "val", Default: value.String("")}},
		},
		"std.safe": {Class: "Safe", SafeRerun: true, AcceptsExtra: true},
		"std.http": {Class: "mistral.actions.std_actions.HTTPAction", AcceptsExtra: true},
	}
	spec, ok := table[name]
	if !ok {
		return nil
	}
	spec.Name = name
	return &spec
}

func (w *world) Workflow(_, namespace, name string) (*workflow.WorkflowRef, error) {
	d := w.find("workflow", namespace, name)
	if d == nil {
		return nil, nil
	}
	return &workflow.WorkflowRef{DefinitionID: d.id, Name: d.name, Namespace: d.namespace, Type: d.workflow.Type, Input: d.workflow.Input}, nil
}

func (w *world) Tasks(_ string, q workflow.TasksFilter) ([]workflow.TaskView, error) {
	var out []workflow.TaskView
	var add func(id workflow.ExecutionID)
	add = func(id workflow.ExecutionID) {
		r := w.execs[id]
		if r == nil {
			return
		}
		var children []workflow.ExecutionID
		for _, t := range r.tasks {
			v := workflow.TaskView{Task: *t}
			for _, a := range r.actions {
				if a.TaskID != t.ID {
					continue
				}
				v.Actions = append(v.Actions, *a)
				if a.Kind == workflow.KindWorkflow && q.Recursive && q.Execution != "" {
					children = append(children, workflow.ExecutionID(a.ID))
				}
			}
			out = append(out, v)
		}
		for _, child := range children {
			add(child)
		}
	}
	if q.Execution != "" {
		add(q.Execution)
		return out, nil
	}
	for _, id := range w.order {
		add(id)
	}
	return out, nil
}

func (w *world) Executions(_ string, q workflow.ExecutionsFilter) ([]workflow.ExecutionView, error) {
	var out []workflow.ExecutionView
	for _, id := range w.order {
		r := w.execs[id]
		if r.rec == nil || (q.ID != "" && q.ID != id) || (q.State != "" && q.State != r.rec.State) || (q.RootID != "" && q.RootID != r.rec.RootID) {
			continue
		}
		out = append(out, workflow.ExecutionView{Execution: *r.rec, Data: *r.data})
	}
	return out, nil
}

// taskNamed finds the n-th execution of a task; nil: there is none.
func (w *world) taskNamed(id workflow.ExecutionID, name string, n int) *workflow.TaskRecord {
	for _, t := range w.execs[id].tasks {
		if t.Name == name {
			if n--; n < 0 {
				return t
			}
		}
	}
	return nil
}

// actionsOf lists the actions of a task by Seq.
func (w *world) actionsOf(id workflow.ExecutionID, task workflow.TaskID) []*workflow.ActionRecord {
	var out []*workflow.ActionRecord
	for _, a := range w.execs[id].actions {
		if a.TaskID == task {
			out = append(out, a)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Seq < out[j].Seq })
	return out
}

func jsonText(v value.Value) string {
	if v == nil {
		return "null"
	}
	b, err := value.AppendJSON(nil, v)
	if err != nil {
		return "!" + err.Error()
	}
	return strings.ReplaceAll(string(b), "\n", " ")
}
