package workflow

import (
	"slices"
	"time"

	"cierzo/expr"
	"cierzo/expr/value"
)

// functions answers Mistral's functions from the execution's own state, and from the facts where they ask about others.
type functions struct {
	e    *Execution
	task *task // nil outside a task
}

var _ expr.Functions = functions{}

// Task is task(name), or task() when current: of several executions of a name the last, but within a task of that name
// the task itself. Unknown: null.
func (f functions) Task(name string, current bool) (value.Value, error) {
	if current || (f.task != nil && f.task.Name == name) {
		if f.task == nil {
			return value.Null{}, nil
		}
		return f.e.taskView(f.task), nil
	}
	all := f.e.named(name)
	if len(all) == 0 {
		return value.Null{}, nil
	}
	return f.e.taskView(all[len(all)-1]), nil
}

// taskView is a task as task() shows it.
func (e *Execution) taskView(t *task) *value.Dict {
	return taskDict(&t.TaskRecord, t.prog.Spec, t.result())
}

func taskDict(t *TaskRecord, spec, result value.Value) *value.Dict {
	d := value.NewDict(12)
	d.SetString("id", value.String(t.ID))
	d.SetString("name", value.String(t.Name))
	d.SetString("spec", orNull(spec))
	d.SetString("state", value.String(t.State))
	d.SetString("state_info", textOrNull(t.StateInfo))
	d.SetString("result", result)
	d.SetString("published", dictOrNull(t.Published))
	d.SetString("type", value.String(t.Type))
	d.SetString("workflow_execution_id", value.String(t.ExecutionID))
	d.SetString("created_at", timeText(t.CreatedAt))
	d.SetString("updated_at", timeText(t.UpdatedAt))
	return d.Freeze()
}

func orNull(v value.Value) value.Value {
	if v == nil {
		return value.Null{}
	}
	return v
}

func dictOrNull(d *value.Dict) value.Value {
	if d == nil {
		return value.Null{}
	}
	return d
}

func textOrNull(s string) value.Value {
	if s == "" {
		return value.Null{}
	}
	return value.String(s)
}

func timeText(t time.Time) value.Value {
	if t.IsZero() {
		return value.Null{}
	}
	return value.String(t.UTC().Format(time.DateTime))
}

// Tasks is tasks(): of this execution as it is now, which the store may not have yet, of others from the facts.
func (f functions) Tasks(q expr.TasksQuery) (value.Value, error) {
	e := f.e
	id := ExecutionID(q.WorkflowExecutionID)
	var views []TaskView
	if id != e.rec.ID || q.Recursive {
		var err error
		if views, err = e.facts.Tasks(e.rec.ProjectID, TasksFilter{Execution: id, Recursive: q.Recursive}); err != nil {
			e.factsErr = err
			return nil, err
		}
	}
	within := id == "" || id == e.rec.ID || q.Recursive && id == e.rec.RootID
	var out []value.Value
	for _, v := range e.withOwn(views, within) {
		if (q.State != "" && string(v.Task.State) != q.State) || (q.Flat && standsForChild(&v)) {
			continue
		}
		out = append(out, e.showTask(&v))
	}
	return value.NewList(out), nil
}

// withOwn puts this execution's tasks in the place of those that the store has of it. If it has none they come first,
// as long as they are within what was asked for.
func (e *Execution) withOwn(views []TaskView, within bool) []TaskView {
	own := make([]TaskView, len(e.tasks))
	for i, t := range e.tasks {
		own[i].Task = t.TaskRecord
		for _, a := range t.actions {
			own[i].Actions = append(own[i].Actions, a.ActionRecord)
		}
	}
	var out []TaskView
	placed := false
	for i := range views {
		switch {
		case views[i].Task.ExecutionID != e.rec.ID:
			out = append(out, views[i])
		case !placed:
			out, placed = append(out, own...), true
		}
	}
	if within && !placed {
		out = append(own, out...)
	}
	return out
}

// standsForChild tells a task that only shows the state of its sub-workflow: flat lists have the sub-workflow's tasks.
func standsForChild(v *TaskView) bool {
	for i := range v.Actions {
		if v.Actions[i].Kind == KindWorkflow && v.Actions[i].State == v.Task.State {
			return true
		}
	}
	return false
}

// showTask shows a task of any execution.
func (e *Execution) showTask(v *TaskView) value.Value {
	if own := e.task(v.Task.ID); own != nil {
		return e.taskView(own)
	}
	actions := make([]*ActionRecord, len(v.Actions))
	for i := range v.Actions {
		actions[i] = &v.Actions[i]
	}
	return taskDict(&v.Task, nil, Result(&v.Task, actions))
}

// Execution is execution(): this execution without state and output.
func (f functions) Execution() (value.Value, error) {
	return executionDict(&f.e.rec, &f.e.data, f.e.program.spec.Spec), nil
}

func executionDict(r *ExecutionRecord, data *ExecutionData, spec value.Value) *value.Dict {
	d := value.NewDict(8)
	d.SetString("id", value.String(r.ID))
	d.SetString("name", value.String(r.WorkflowName))
	d.SetString("spec", orNull(spec))
	d.SetString("input", dictOrNull(data.Input))
	d.SetString("params", dictOrNull(data.Params))
	d.SetString("created_at", timeText(r.CreatedAt))
	d.SetString("updated_at", timeText(r.UpdatedAt))
	d.SetString("root_execution_id", textOrNull(string(r.RootID)))
	return d
}

// Executions is executions(): those that match, oldest first, this one as it is now.
func (f functions) Executions(q expr.ExecutionsQuery) (value.Value, error) {
	e := f.e
	var views []ExecutionView
	if ExecutionID(q.ID) != e.rec.ID {
		var err error
		views, err = e.facts.Executions(e.rec.ProjectID, ExecutionsFilter{
			ID: ExecutionID(q.ID), RootID: ExecutionID(q.RootExecutionID), State: State(q.State), From: q.From, To: q.To,
		})
		if err != nil {
			e.factsErr = err
			return nil, err
		}
	}
	// The store may have this execution as it was, or not at all yet.
	views = slices.DeleteFunc(views, func(v ExecutionView) bool { return v.Execution.ID == e.rec.ID })
	if e.matches(&q) {
		at := 0
		for at < len(views) && !views[at].Execution.CreatedAt.After(e.rec.CreatedAt) {
			at++
		}
		views = slices.Insert(views, at, ExecutionView{Execution: e.rec, Data: e.data})
	}
	out := make([]value.Value, 0, len(views))
	for i := range views {
		out = append(out, listedExecution(&views[i].Execution, &views[i].Data))
	}
	return value.NewList(out), nil
}

// matches reports whether executions() finds this execution.
func (e *Execution) matches(q *expr.ExecutionsQuery) bool {
	r := &e.rec
	return (q.ID == "" || q.ID == string(r.ID)) && (q.RootExecutionID == "" || q.RootExecutionID == string(r.RootID)) &&
		(q.State == "" || q.State == string(r.State)) &&
		(q.From.IsZero() || !r.CreatedAt.Before(q.From)) && (q.To.IsZero() || r.CreatedAt.Before(q.To))
}

func listedExecution(r *ExecutionRecord, data *ExecutionData) value.Value {
	d := executionDict(r, data, nil)
	d.SetString("workflow_name", value.String(r.WorkflowName))
	d.SetString("workflow_namespace", value.String(r.Namespace))
	d.SetString("workflow_id", value.String(r.DefinitionID))
	d.SetString("description", value.String(r.Description))
	d.SetString("state", value.String(r.State))
	d.SetString("state_info", textOrNull(r.StateInfo))
	d.SetString("task_execution_id", textOrNull(string(r.ParentTaskID)))
	d.SetString("output", orNull(data.Output))
	return d.Freeze()
}

// Env is env(): the root's environment.
func (f functions) Env() (value.Value, error) { return f.e.data.Env, nil }

// Global is global(name): a variable of the execution's own context, null when there is none.
func (f functions) Global(name string) (value.Value, error) {
	if v, ok := f.e.data.Context.GetString(name); ok {
		return v, nil
	}
	return value.Null{}, nil
}
