package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func (s *server) taskRoutes() {
	s.jsonRoute("GET /v2/tasks", s.listTasks)
	s.jsonRoute("GET /v2/tasks/{id}", s.getTask)
	s.jsonRoute("PUT /v2/tasks/{id}", s.updateTask)
	s.jsonRoute("GET /v2/tasks/{id}/action_executions", s.listTaskActions)
	s.jsonRoute("GET /v2/tasks/{id}/workflow_executions", s.listChildren)
	s.jsonRoute("GET /v2/action_executions", s.listActionExecutions)
	s.jsonRoute("GET /v2/action_executions/{id}", s.getActionExecution)
	s.jsonRoute("PUT /v2/action_executions/{id}", s.updateActionExecution)
}

func taskCollection() collection {
	return collection{
		name: "tasks", sortBy: "created_at", flags: []string{"include_output"},
		columns: []string{
			"id", "name", "type", "workflow_name", "workflow_namespace", "workflow_id", "workflow_execution_id", "tags", "state", "state_info", "project_id",
			"runtime_context", "result", "published", "processed", "created_at", "updated_at", "started_at", "finished_at", "env",
		},
	}
}

// tasksOf reads an execution's tasks.
func (s *server) tasksOf(ctx context.Context, id workflow.ExecutionID) ([]*workflow.TaskRecord, error) {
	var out []*workflow.TaskRecord
	after := -1
	for {
		tasks, err := s.Store.ListTasks(ctx, id, after, pageMax)
		if err != nil {
			return nil, err
		}
		out = append(out, tasks...)
		if len(tasks) < pageMax {
			return out, nil
		}
		after = tasks[len(tasks)-1].Seq
	}
}

// actionsOf reads an execution's actions, those of one task if task isn't "".
func (s *server) actionsOf(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID) ([]*workflow.ActionRecord, error) {
	var out []*workflow.ActionRecord
	after := -1
	for {
		list, err := s.Store.ListActions(ctx, id, task, after, pageMax)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
		if len(list) < pageMax {
			return out, nil
		}
		after = list[len(list)-1].Seq
	}
}

// listExecutionTasks answers an unknown execution with an empty list, as Mistral does.
func (s *server) listExecutionTasks(r *http.Request) (int, any, error) {
	rec, _, err := s.findExecution(r)
	if fault.Is(err, fault.NotFound) {
		return s.answerTasks(r, nil)
	}
	if err != nil {
		return 0, nil, err
	}
	return s.answerTasks(r, []*workflow.ExecutionRecord{rec})
}

func (s *server) listTasks(r *http.Request) (int, any, error) {
	q, err := taskCollection().parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	query := persistence.ExecutionsQuery{ProjectID: s.Project}
	for _, f := range q.filters {
		if f.op == "eq" && f.column == "workflow_execution_id" {
			rec, _, err := s.Store.GetExecution(r.Context(), s.Project, workflow.ExecutionID(f.value))
			if fault.Is(err, fault.NotFound) {
				return s.answerTasks(r, nil)
			}
			if err != nil {
				return 0, nil, err
			}
			return s.answerTasks(r, []*workflow.ExecutionRecord{rec})
		}
		if f.op == "eq" && f.column == "workflow_name" {
			query.WorkflowName = f.value
		}
	}
	records, err := s.readExecutions(r.Context(), query)
	if err != nil {
		return 0, nil, err
	}
	return s.answerTasks(r, records)
}

func (s *server) answerTasks(r *http.Request, of []*workflow.ExecutionRecord) (int, any, error) {
	c := taskCollection()
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	items := []apitype.Task{}
	for _, rec := range of {
		tasks, err := s.tasksOf(r.Context(), rec.ID)
		if err != nil {
			return 0, nil, err
		}
		for _, t := range tasks {
			item, err := taskJSON(rec, t)
			if err != nil {
				return 0, nil, err
			}
			items = append(items, item)
		}
		if len(items) > listMax {
			return 0, nil, fault.New(fault.TooLarge, "More than %d tasks; narrow the filter", listMax)
		}
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

// findTask reads a task and its execution.
func (s *server) findTask(r *http.Request) (*workflow.ExecutionRecord, *workflow.TaskRecord, error) {
	id := r.PathValue("id")
	t, err := s.Store.FindTask(r.Context(), workflow.TaskID(id))
	if err == nil {
		rec, _, err := s.Store.GetExecution(r.Context(), s.Project, t.ExecutionID)
		if !fault.Is(err, fault.NotFound) {
			return rec, t, err
		}
	} else if !fault.Is(err, fault.NotFound) {
		return nil, nil, err
	}
	return nil, nil, fault.New(fault.NotFound, "TaskExecution not found [id=%s]", id)
}

func (s *server) getTask(r *http.Request) (int, any, error) {
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := taskJSON(rec, t)
	if err != nil {
		return 0, nil, err
	}
	if item.Result, err = s.resultText(r.Context(), t); err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, taskCollection(), item)
	return http.StatusOK, body, err
}

// resultText is the task's result as JSON.
func (s *server) resultText(ctx context.Context, t *workflow.TaskRecord) (apitype.Opt[string], error) {
	list, err := s.actionsOf(ctx, t.ExecutionID, t.ID)
	if err != nil {
		return apitype.Opt[string]{}, err
	}
	text, err := jsonText(workflow.Result(t, list))
	return apitype.Some(text), err
}

func taskJSON(rec *workflow.ExecutionRecord, t *workflow.TaskRecord) (apitype.Task, error) {
	runtime, err := dictText(workflow.RuntimeContext(t))
	if err != nil {
		return apitype.Task{}, fmt.Errorf("task %s: %w", t.ID, err)
	}
	out := apitype.Task{
		ID: string(t.ID), Name: t.Name, Type: t.Type, WorkflowName: rec.WorkflowName, WorkflowNamespace: rec.Namespace,
		WorkflowID: rec.DefinitionID, WorkflowExecutionID: string(rec.ID), Tags: notNil(t.Tags), State: string(t.State),
		StateInfo: apitype.Text(t.StateInfo), ProjectID: rec.ProjectID, RuntimeContext: runtime, Published: apitype.Null[string](),
		Processed: t.Processed, CreatedAt: apitype.Time(t.CreatedAt), UpdatedAt: apitype.Time(t.UpdatedAt),
		StartedAt: apitype.Time(t.StartedAt), FinishedAt: apitype.Time(t.FinishedAt),
	}
	if t.Published != nil {
		text, err := dictText(t.Published)
		if err != nil {
			return out, fmt.Errorf("published of task %s: %w", t.ID, err)
		}
		out.Published = apitype.Some(text)
	}
	return out, nil
}

func (s *server) updateTask(r *http.Request) (int, any, error) {
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "task", "id", "name", "state", "reset", "env", "workflow_name", "workflow_id", "workflow_namespace", "workflow_execution_id",
		"type", "tags", "state_info", "project_id", "runtime_context", "result", "published", "processed", "created_at", "updated_at", "started_at", "finished_at")
	if err != nil {
		return 0, nil, err
	}
	op, err := taskOp(rec, t, f)
	if err != nil {
		return 0, nil, err
	}
	if err := s.Engine.Command(r.Context(), rec.ID, requestID(r, s.NewID), op); err != nil {
		return 0, nil, err
	}
	return s.getTask(r)
}

// taskOp reads what a PUT of a task asks for: rerun or skip.
func taskOp(rec *workflow.ExecutionRecord, t *workflow.TaskRecord, f fields) (workflow.Op, error) {
	for _, check := range []struct{ field, has, refusal string }{
		{"name", t.Name, "Task name does not match."},
		{"workflow_name", rec.WorkflowName, "Workflow name does not match."},
	} {
		text, err := f.text(check.field)
		if err != nil {
			return nil, err
		}
		if text != "" && text != check.has {
			return nil, fault.New(fault.Invalid, "%s", check.refusal)
		}
	}
	state, err := f.text("state")
	if err != nil {
		return nil, err
	}
	env, err := f.object("env")
	if err != nil {
		return nil, err
	}
	reset, err := f.boolean("reset")
	if err != nil {
		return nil, err
	}
	switch workflow.State(state) {
	case workflow.Skipped, workflow.Running:
	default:
		return nil, fault.New(fault.Invalid, "Invalid task state. Only updating task to RUNNING or SKIPPED is supported.")
	}
	if t.State != workflow.Error {
		return nil, fault.New(fault.Invalid, "The current task execution must be in ERROR for rerun. Only updating task to rerun is supported.")
	}
	if workflow.State(state) == workflow.Skipped {
		return workflow.Skip{Task: t.ID, Env: env}, nil
	}
	if !f.has("reset") {
		return nil, fault.New(fault.Invalid, "Reset field is mandatory to rerun task.")
	}
	if !reset && t.Runtime.ItemCount < 0 {
		return nil, fault.New(fault.Invalid, "Only with-items task has the option to not reset.")
	}
	return workflow.Rerun{Task: t.ID, Reset: reset, Env: env}, nil
}

func (s *server) listChildren(r *http.Request) (int, any, error) {
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	c := executionCollection()
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	records, err := s.readExecutions(r.Context(), persistence.ExecutionsQuery{ProjectID: rec.ProjectID, ParentTask: t.ID})
	if err != nil {
		return 0, nil, err
	}
	items, err := s.executionsJSON(r.Context(), records, q.flags["include_output"])
	if err != nil {
		return 0, nil, err
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

func actionExecutionCollection() collection {
	return collection{
		name: "action_executions", sortBy: "created_at", flags: []string{"include_output"},
		columns: []string{
			"id", "name", "workflow_name", "workflow_namespace", "task_name", "task_execution_id", "state", "state_info", "tags", "description",
			"project_id", "accepted", "input", "output", "params", "created_at", "updated_at",
		},
	}
}

func (s *server) listTaskActions(r *http.Request) (int, any, error) {
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	list, err := s.actionsOf(r.Context(), rec.ID, t.ID)
	if err != nil {
		return 0, nil, err
	}
	return answerActions(r, func(add func(apitype.ActionExecution)) error { return eachAction(rec, t, list, add) })
}

func (s *server) listActionExecutions(r *http.Request) (int, any, error) {
	records, err := s.readExecutions(r.Context(), persistence.ExecutionsQuery{ProjectID: s.Project})
	if err != nil {
		return 0, nil, err
	}
	return answerActions(r, func(add func(apitype.ActionExecution)) error {
		for _, rec := range records {
			tasks, err := s.tasksOf(r.Context(), rec.ID)
			if err != nil {
				return err
			}
			list, err := s.actionsOf(r.Context(), rec.ID, "")
			if err != nil {
				return err
			}
			for _, t := range tasks {
				if err := eachAction(rec, t, list, add); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// eachAction adds the task's actions of the list; sub-workflows are executions, not action executions.
func eachAction(rec *workflow.ExecutionRecord, t *workflow.TaskRecord, list []*workflow.ActionRecord, add func(apitype.ActionExecution)) error {
	for _, a := range list {
		if a.TaskID != t.ID || a.Kind != workflow.KindAction {
			continue
		}
		item, err := actionExecutionJSON(rec, t, a)
		if err != nil {
			return err
		}
		add(item)
	}
	return nil
}

func answerActions(r *http.Request, collect func(add func(apitype.ActionExecution)) error) (int, any, error) {
	c := actionExecutionCollection()
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	items := []apitype.ActionExecution{}
	err = collect(func(a apitype.ActionExecution) {
		if !q.flags["include_output"] {
			a.Output = apitype.Opt[string]{}
		}
		items = append(items, a)
	})
	if err != nil {
		return 0, nil, err
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

func actionExecutionJSON(rec *workflow.ExecutionRecord, t *workflow.TaskRecord, a *workflow.ActionRecord) (apitype.ActionExecution, error) {
	input, err := dictText(a.Input)
	if err != nil {
		return apitype.ActionExecution{}, fmt.Errorf("input of action %s: %w", a.ID, err)
	}
	output, err := jsonText(a.Output)
	if err != nil {
		return apitype.ActionExecution{}, fmt.Errorf("output of action %s: %w", a.ID, err)
	}
	return apitype.ActionExecution{
		ID: string(a.ID), Name: a.Name, WorkflowName: apitype.Text(rec.WorkflowName), WorkflowNamespace: apitype.Some(rec.Namespace),
		TaskName: apitype.Text(t.Name), TaskExecutionID: apitype.Text(string(a.TaskID)), State: string(a.State),
		StateInfo: apitype.Null[string](), Tags: notNil(a.Tags), Description: apitype.Some(""), ProjectID: rec.ProjectID,
		Accepted: a.Accepted, Input: input, Output: apitype.Some(output),
		CreatedAt: apitype.Time(a.CreatedAt), UpdatedAt: apitype.Time(a.UpdatedAt),
	}, nil
}

func (s *server) findAction(r *http.Request) (*workflow.ExecutionRecord, *workflow.TaskRecord, *workflow.ActionRecord, error) {
	id := r.PathValue("id")
	missing := fault.New(fault.NotFound, "ActionExecution not found [id=%s]", id)
	a, err := s.Store.FindAction(r.Context(), workflow.ActionID(id))
	if fault.Is(err, fault.NotFound) || (err == nil && a.Kind != workflow.KindAction) {
		return nil, nil, nil, missing
	}
	if err != nil {
		return nil, nil, nil, err
	}
	rec, _, err := s.Store.GetExecution(r.Context(), s.Project, a.ExecutionID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil, nil, missing
	}
	if err != nil {
		return nil, nil, nil, err
	}
	t, err := s.Store.FindTask(r.Context(), a.TaskID)
	return rec, t, a, err
}

func (s *server) getActionExecution(r *http.Request) (int, any, error) {
	rec, t, a, err := s.findAction(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := actionExecutionJSON(rec, t, a)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, actionExecutionCollection(), item)
	return http.StatusOK, body, err
}

func (s *server) updateActionExecution(r *http.Request) (int, any, error) {
	rec, _, a, err := s.findAction(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "action_ex", "id", "state", "output", "name", "workflow_name", "workflow_namespace", "task_name", "task_execution_id",
		"state_info", "tags", "description", "project_id", "accepted", "input", "params", "created_at", "updated_at")
	if err != nil {
		return 0, nil, err
	}
	state, err := f.text("state")
	if err != nil {
		return 0, nil, err
	}
	if !slices.Contains([]string{"SUCCESS", "ERROR", "CANCELLED", "PAUSED", "RUNNING"}, state) {
		return 0, nil, fault.New(fault.Invalid, "Error. Expected one of ['SUCCESS', 'ERROR', 'CANCELLED', 'PAUSED', 'RUNNING'], actual: %s", state)
	}
	// Mistral takes objects only, here.
	object, err := f.object("output")
	if err != nil {
		return 0, nil, err
	}
	var output value.Value
	switch {
	case object != nil:
		output = object
	case state == string(workflow.Error):
		output = value.String("Unknown error")
	}
	op := workflow.CompleteAction{Action: a.ID, State: workflow.State(state), Output: output}
	if err := s.Engine.Command(r.Context(), rec.ID, requestID(r, s.NewID), op); err != nil {
		return 0, nil, err
	}
	return s.getActionExecution(r)
}
