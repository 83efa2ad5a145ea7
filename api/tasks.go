package api

import (
	"context"
	"fmt"
	"net/http"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func taskCollection() collection {
	return collection{
		name: "tasks", sortBy: "created_at", flags: []string{"include_output"},
		json: []string{"runtime_context", "result", "published", "published_global"}, large: []string{"result"},
		columns: []string{
			"id", "name", "type", "workflow_name", "workflow_namespace", "workflow_id", "workflow_execution_id", "tags", "state", "state_info", "project_id",
			"runtime_context", "result", "published", "published_global", "processed", "created_at", "updated_at", "started_at", "finished_at",
		},
		hidden: []string{"env", "reset"},
	}
}

// readAll reads pages by sequence number; the first page is the one after -1.
func readAll[T any](page func(after int) ([]T, error), seq func(T) int) ([]T, error) {
	var out []T
	for after := -1; ; {
		list, err := page(after)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
		if len(list) < pageMax {
			return out, nil
		}
		after = seq(list[len(list)-1])
	}
}

// tasksOf reads an execution's tasks.
func (s *server) tasksOf(ctx context.Context, id workflow.ExecutionID) ([]*workflow.TaskRecord, error) {
	return readAll(func(after int) ([]*workflow.TaskRecord, error) { return s.Store.ListTasks(ctx, id, after, pageMax) },
		func(t *workflow.TaskRecord) int { return t.Seq })
}

// actionsOf reads an execution's actions, those of one task if task isn't "".
func (s *server) actionsOf(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID) ([]*workflow.ActionRecord, error) {
	return readAll(func(after int) ([]*workflow.ActionRecord, error) {
		return s.Store.ListActions(ctx, id, task, after, pageMax)
	}, func(a *workflow.ActionRecord) int { return a.Seq })
}

// listExecutionTasks answers an unknown execution with an empty list, as Mistral does.
func (s *server) listExecutionTasks(r *http.Request) (int, any, error) {
	c := taskCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	return scan(r, c, q, s.taskSource(r, q, persistence.PageQuery{ProjectID: projectOf(r), ID: workflow.ExecutionID(r.PathValue("id"))}))
}

func (s *server) listTasks(r *http.Request) (int, any, error) {
	c := taskCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	project, err := s.listedProject(r, q, "tasks")
	if err != nil {
		return 0, nil, err
	}
	pq := persistence.PageQuery{ProjectID: project}
	for _, f := range q.filters {
		if f.op == "eq" && f.column == "workflow_execution_id" {
			pq.ID = workflow.ExecutionID(f.value)
		}
	}
	return scan(r, c, q, s.taskSource(r, q, pq))
}

// taskSource is a list of tasks. Those that only stand for an action are not in it.
func (s *server) taskSource(r *http.Request, q *listQuery, pq persistence.PageQuery) source[persistence.TaskEntry] {
	ctx := r.Context()
	pq.NotWorkflow = actionWorkflow
	for _, f := range q.filters {
		if f.op == "eq" && f.column == "workflow_name" {
			pq.WorkflowName = f.value
		}
	}
	return source[persistence.TaskEntry]{
		query: pq,
		read:  func(q persistence.PageQuery) ([]persistence.TaskEntry, error) { return s.Store.PageTasks(ctx, q) },
		mark: func(e persistence.TaskEntry) *persistence.PageMark {
			return &persistence.PageMark{CreatedAt: e.Execution.CreatedAt, ID: e.Execution.ID, Seq: e.Task.Seq}
		},
		find: func(id string) (*persistence.PageMark, error) {
			t, err := s.Store.FindTask(ctx, workflow.TaskID(id))
			if err != nil {
				return nil, err
			}
			rec, err := s.Store.FindExecution(ctx, pq.ProjectID, t.ExecutionID)
			if err != nil {
				return nil, err
			}
			return &persistence.PageMark{CreatedAt: rec.CreatedAt, ID: rec.ID, Seq: t.Seq}, nil
		},
		item: func(e persistence.TaskEntry) (any, error) {
			item, err := s.taskJSON(ctx, e.Execution, e.Task)
			if err == nil && q.uses("result") {
				item.Result, err = s.resultText(ctx, e.Task)
			}
			return item, err
		},
	}
}

// findTask reads the task that the path names, and its execution.
func (s *server) findTask(r *http.Request) (*workflow.ExecutionRecord, *workflow.TaskRecord, error) {
	id := r.PathValue("id")
	t, err := s.Store.FindTask(r.Context(), workflow.TaskID(id))
	if err == nil {
		rec, err := s.Store.FindExecution(r.Context(), projectOf(r), t.ExecutionID)
		if err == nil && rec.WorkflowName != actionWorkflow {
			return rec, t, nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, nil, err
		}
	} else if !fault.Is(err, fault.NotFound) {
		return nil, nil, err
	}
	return nil, nil, fault.New(fault.NotFound, "Task execution not found [id=%s]", clipText(id))
}

func (s *server) getTask(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "fields"); err != nil {
		return 0, nil, err
	}
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := s.wholeTask(r.Context(), rec, t)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, taskCollection(), item)
	return http.StatusOK, body, err
}

// wholeTask is a task with what lists leave out.
func (s *server) wholeTask(ctx context.Context, rec *workflow.ExecutionRecord, t *workflow.TaskRecord) (apitype.Task, error) {
	item, err := s.taskJSON(ctx, rec, t)
	if err != nil {
		return item, err
	}
	if item.Result, err = s.resultText(ctx, t); err != nil {
		return item, err
	}
	if t.Globals != nil {
		text, err := dictText(t.Globals)
		if err != nil {
			return item, err
		}
		item.PublishedGlobal = apitype.Some(text)
	}
	return item, nil
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

func (s *server) taskJSON(ctx context.Context, rec *workflow.ExecutionRecord, t *workflow.TaskRecord) (apitype.Task, error) {
	runtime, err := dictText(workflow.RuntimeContext(t))
	if err != nil {
		return apitype.Task{}, fmt.Errorf("task %s: %w", t.ID, err)
	}
	id, err := s.Catalog.Origin(ctx, rec.DefinitionID)
	if err != nil {
		return apitype.Task{}, err
	}
	out := apitype.Task{
		ID: string(t.ID), Name: t.Name, Type: t.Type, WorkflowName: rec.WorkflowName, WorkflowNamespace: rec.Namespace,
		WorkflowID: id, WorkflowExecutionID: string(rec.ID), Tags: notNil(t.Tags), State: string(t.State),
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
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "task", "id", "name", "state", "reset", "env", "input", "workflow_name", "workflow_id", "workflow_namespace", "workflow_execution_id",
		"type", "tags", "state_info", "project_id", "runtime_context", "result", "published", "published_global", "processed", "created_at", "updated_at", "started_at", "finished_at")
	if err != nil {
		return 0, nil, err
	}
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	op, err := taskOp(rec, t, f)
	if err != nil {
		return 0, nil, err
	}
	if err := s.Engine.Command(r.Context(), rec.ID, s.commandOf(r, op)); err != nil {
		if fault.Is(err, fault.Invalid) && t.State != workflow.Error { // Mistral's API has other words for it than its engine
			err = fault.New(fault.Invalid, "The current task execution must be in ERROR for rerun. Only updating task to rerun is supported.")
		}
		return 0, nil, err
	}
	after, now, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := s.wholeTask(r.Context(), after, now)
	if _, rerun := op.(workflow.Rerun); rerun && now.State.Final() && !now.StartedAt.Equal(t.StartedAt) {
		// It has run to its end in the same turn: Mistral answers before it runs.
		item.State, item.StateInfo, item.Processed = string(workflow.Running), apitype.Null[string](), false
		item.FinishedAt, item.Result, item.Published = apitype.Null[string](), apitype.Some("[]"), apitype.Some("{}")
	}
	return http.StatusOK, item, err
}

// taskOp reads what a PUT of a task asks for: rerun or skip.
func taskOp(rec *workflow.ExecutionRecord, t *workflow.TaskRecord, f fields) (workflow.Op, error) {
	reset, err := f.boolean("reset")
	if err != nil {
		return nil, err
	}
	env, err := f.object("env")
	if err != nil {
		return nil, err
	}
	input, err := f.object("input")
	if err != nil {
		return nil, err
	}
	texts, err := f.texts("id", "name", "workflow_name", "state")
	if err != nil {
		return nil, err
	}
	if _, given := f["reset"]; !given && texts["state"] != string(workflow.Skipped) {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute reset. Value: 'None'. Mandatory field missing.")
	}
	for _, check := range []struct{ field, has, refusal string }{
		{"id", string(t.ID), "Task id does not match."},
		{"name", t.Name, "Task name does not match."},
		{"workflow_name", rec.WorkflowName, "Workflow name does not match."},
	} {
		if text := texts[check.field]; text != "" && text != check.has {
			return nil, fault.New(fault.Invalid, "%s", check.refusal)
		}
	}
	state := workflow.State(texts["state"])
	if state != workflow.Skipped && state != workflow.Running {
		return nil, fault.New(fault.Invalid, "Invalid task state. Only updating task to RUNNING or SKIPPED is supported.")
	}
	if state == workflow.Skipped {
		if input != nil {
			return nil, fault.New(fault.Invalid, "A task that is skipped takes no input.")
		}
		return workflow.Skip{Task: t.ID, Env: env}, nil
	}
	if !f.has("reset") {
		return nil, fault.New(fault.Invalid, "Reset field is mandatory to rerun task.")
	}
	return workflow.Rerun{Task: t.ID, Reset: reset, Env: env, Input: input}, nil
}

// listChildren lists the sub-workflow executions of a task.
func (s *server) listChildren(r *http.Request) (int, any, error) {
	c := executionCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	src := s.executionSource(r, q, persistence.PageQuery{ProjectID: rec.ProjectID})
	src.query.ParentTask = t.ID
	return scan(r, c, q, src)
}

// outputText is the output of an action: null while it has none.
func outputText(v value.Value) (apitype.Opt[string], error) {
	if v == nil {
		return apitype.Null[string](), nil
	}
	text, err := jsonText(v)
	return apitype.Some(text), err
}
