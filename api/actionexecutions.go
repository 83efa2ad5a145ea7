package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func actionExecutionCollection() collection {
	return collection{
		name: "action_executions", sortBy: "created_at", flags: []string{"include_output"},
		json: []string{"input", "output", "params"}, large: []string{"output"},
		columns: []string{
			"id", "name", "workflow_name", "workflow_namespace", "task_name", "task_execution_id", "state", "state_info", "tags", "description",
			"project_id", "accepted", "input", "output", "params", "created_at", "updated_at",
		},
	}
}

// listTaskActions lists the action executions of a task.
func (s *server) listTaskActions(r *http.Request) (int, any, error) {
	c := actionExecutionCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	rec, t, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	return scan(r, c, q, s.taskActionSource(r.Context(), rec, t))
}

// taskActionSource is the list of a task's actions, without its sub-workflows, which are executions.
func (s *server) taskActionSource(ctx context.Context, rec *workflow.ExecutionRecord, t *workflow.TaskRecord) source[*workflow.ActionRecord] {
	var all []*workflow.ActionRecord
	mark := func(a *workflow.ActionRecord) *persistence.PageMark { return &persistence.PageMark{Seq: a.Seq} }
	return source[*workflow.ActionRecord]{
		read: func(q persistence.PageQuery) ([]*workflow.ActionRecord, error) {
			if !q.Descending {
				after := -1
				if q.After != nil {
					after = q.After.Seq
				}
				return s.Store.ListActions(ctx, rec.ID, t.ID, after, q.Limit)
			}
			if all == nil { // the store knows no way back
				var err error
				if all, err = s.actionsOf(ctx, rec.ID, t.ID); err != nil {
					return nil, err
				}
			}
			before := len(all)
			if q.After != nil {
				before, _ = slices.BinarySearchFunc(all, q.After.Seq, func(a *workflow.ActionRecord, seq int) int { return cmp.Compare(a.Seq, seq) })
			}
			list := slices.Clone(all[max(0, before-q.Limit):before])
			slices.Reverse(list)
			return list, nil
		},
		mark: mark,
		find: func(id string) (*persistence.PageMark, error) {
			a, err := s.Store.FindAction(ctx, workflow.ActionID(id))
			if err != nil {
				return nil, err
			}
			if a.TaskID != t.ID {
				return nil, fault.New(fault.NotFound, "task %s has no action %s", t.ID, clipText(id))
			}
			return mark(a), nil
		},
		item: func(a *workflow.ActionRecord) (any, error) {
			if a.Kind != workflow.KindAction {
				return nil, nil
			}
			return actionExecutionJSON(rec, t.Name, a)
		},
	}
}

// listActionExecutions lists action executions of workflows and those that were run by themselves.
func (s *server) listActionExecutions(r *http.Request) (int, any, error) {
	c := actionExecutionCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	project, err := s.listedProject(r, q, "action_executions")
	if err != nil {
		return 0, nil, err
	}
	pq := persistence.PageQuery{ProjectID: project}
	for _, f := range q.filters {
		switch {
		case f.op != "eq":
		case f.column == "workflow_name":
			pq.WorkflowName = f.value
		case f.column == "task_execution_id":
			t, err := s.Store.FindTask(r.Context(), workflow.TaskID(f.value))
			if err == nil {
				pq.ID = t.ExecutionID
			} else if !fault.Is(err, fault.NotFound) {
				return 0, nil, err
			}
		}
	}
	return scan(r, c, q, s.actionSource(r.Context(), pq))
}

func (s *server) actionSource(ctx context.Context, pq persistence.PageQuery) source[persistence.ActionEntry] {
	return source[persistence.ActionEntry]{
		query: pq,
		read:  func(q persistence.PageQuery) ([]persistence.ActionEntry, error) { return s.Store.PageActions(ctx, q) },
		mark: func(e persistence.ActionEntry) *persistence.PageMark {
			return &persistence.PageMark{CreatedAt: e.Execution.CreatedAt, ID: e.Execution.ID, Seq: e.Action.Seq}
		},
		find: func(id string) (*persistence.PageMark, error) {
			a, err := s.Store.FindAction(ctx, workflow.ActionID(id))
			if err != nil {
				return nil, err
			}
			rec, err := s.Store.FindExecution(ctx, pq.ProjectID, a.ExecutionID)
			if err != nil {
				return nil, err
			}
			return &persistence.PageMark{CreatedAt: rec.CreatedAt, ID: rec.ID, Seq: a.Seq}, nil
		},
		item: func(e persistence.ActionEntry) (any, error) {
			if e.Action.Kind != workflow.KindAction {
				return nil, nil
			}
			return actionExecutionJSON(e.Execution, e.TaskName, e.Action)
		},
	}
}

func actionExecutionJSON(rec *workflow.ExecutionRecord, task string, a *workflow.ActionRecord) (apitype.ActionExecution, error) {
	input, err := dictText(a.Input)
	if err != nil {
		return apitype.ActionExecution{}, fmt.Errorf("input of action %s: %w", a.ID, err)
	}
	output, err := outputText(a.Output)
	if err != nil {
		return apitype.ActionExecution{}, fmt.Errorf("output of action %s: %w", a.ID, err)
	}
	out := apitype.ActionExecution{
		ID: string(a.ID), Name: a.Name, WorkflowName: apitype.Text(rec.WorkflowName), WorkflowNamespace: apitype.Some(rec.Namespace),
		TaskName: apitype.Text(task), TaskExecutionID: apitype.Text(string(a.TaskID)), State: string(a.State),
		StateInfo: apitype.Null[string](), Tags: notNil(a.Tags), Description: apitype.Some(""), ProjectID: rec.ProjectID,
		Accepted: apitype.Some(a.Accepted), Input: input, Output: output,
		CreatedAt: apitype.Time(a.CreatedAt), UpdatedAt: apitype.Time(a.UpdatedAt),
	}
	if rec.WorkflowName == actionWorkflow {
		// It stands for itself: the execution and the task around it are our own affair.
		out.WorkflowName, out.TaskName, out.TaskExecutionID = apitype.Null[string](), apitype.Null[string](), apitype.Null[string]()
		out.Description = apitype.Some(rec.Description)
		if rec.State == workflow.Error && a.State != workflow.Error {
			// Its time was up: the action stays as it was, or becomes CANCELLED, as those of workflows do; here nothing else tells of it.
			out.State = string(workflow.Error)
			out.Output, err = outputText(timedOut(rec.StateInfo))
		}
	}
	return out, err
}

// timedOut is the output of an action that ran by itself and was given up; info is what the execution around it says.
func timedOut(info string) value.Value {
	text := "Action timed out"
	if _, rest, ok := strings.Cut(info, "[timeout"); ok {
		limit, _, _ := strings.Cut(rest, "]")
		text += " [timeout" + limit + "]"
	}
	d := value.NewDict(1)
	d.SetString("result", value.String(text))
	return d
}

// findAction reads an action execution with its task and execution.
func (s *server) findAction(r *http.Request, id string) (*workflow.ExecutionRecord, *workflow.TaskRecord, *workflow.ActionRecord, error) {
	missing := fault.New(fault.NotFound, "ActionExecution not found [id=%s]", clipText(id))
	a, err := s.Store.FindAction(r.Context(), workflow.ActionID(id))
	if fault.Is(err, fault.NotFound) || (err == nil && a.Kind != workflow.KindAction) {
		return nil, nil, nil, missing
	}
	if err != nil {
		return nil, nil, nil, err
	}
	rec, err := s.Store.FindExecution(r.Context(), projectOf(r), a.ExecutionID)
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
	return s.answerAction(r, r.PathValue("id"), "")
}

// getTaskAction reads an action execution of a task.
func (s *server) getTaskAction(r *http.Request) (int, any, error) {
	return s.answerAction(r, r.PathValue("action"), r.PathValue("id"))
}

// answerAction shows an action execution; of the task, if task isn't "".
func (s *server) answerAction(r *http.Request, id, task string) (int, any, error) {
	if r.Method == http.MethodGet {
		if err := knownOnly(r.URL.Query(), "fields"); err != nil {
			return 0, nil, err
		}
	}
	rec, t, a, err := s.findAction(r, id)
	if err != nil {
		return 0, nil, err
	}
	if task != "" && task != string(t.ID) {
		return 0, nil, fault.New(fault.NotFound, "ActionExecution not found [id=%s]", clipText(id))
	}
	item, err := actionExecutionJSON(rec, t.Name, a)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, actionExecutionCollection(), item)
	return http.StatusOK, body, err
}

func (s *server) updateActionExecution(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "action_ex", "id", "state", "output", "name", "workflow_name", "workflow_namespace", "task_name", "task_execution_id",
		"state_info", "tags", "description", "project_id", "accepted", "input", "params", "created_at", "updated_at")
	if err != nil {
		return 0, nil, err
	}
	op, err := actionOp(f)
	if err != nil {
		return 0, nil, err
	}
	rec, _, a, err := s.findAction(r, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	op.Action = a.ID
	if err := s.Engine.Command(r.Context(), rec.ID, s.commandOf(r, op)); err != nil {
		return 0, nil, err
	}
	return s.answerAction(r, r.PathValue("id"), "")
}

// actionOp reads what a PUT of an action execution says. Mistral takes objects only, here.
func actionOp(f fields) (workflow.CompleteAction, error) {
	var op workflow.CompleteAction
	state, err := f.text("state")
	if err != nil {
		return op, err
	}
	if !slices.Contains([]string{"SUCCESS", "ERROR", "CANCELLED", "PAUSED", "RUNNING"}, state) {
		return op, fault.New(fault.Invalid, "Error. Expected one of ['SUCCESS', 'ERROR', 'CANCELLED', 'PAUSED', 'RUNNING'], actual: %s", clipText(state))
	}
	output, err := f.object("output")
	if err != nil {
		return op, err
	}
	op.State = workflow.State(state)
	switch {
	case output != nil:
		op.Output = output
	case op.State == workflow.Error:
		op.Output = value.String("Unknown error")
	case op.State == workflow.Success:
		op.Output = value.NewDict(0)
	}
	return op, nil
}

func (s *server) deleteActionExecution(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	rec, _, _, err := s.findAction(r, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	switch {
	case rec.WorkflowName != actionWorkflow:
		return 0, nil, fault.New(fault.Forbidden, "Only ad-hoc action execution can be deleted.")
	case !s.DeleteActionExecutions:
		return 0, nil, fault.New(fault.Forbidden, "Action execution deletion is not allowed.")
	case !rec.State.Final():
		return 0, nil, fault.New(fault.Forbidden, "Only completed action execution can be deleted.")
	}
	return http.StatusNoContent, nil, s.Store.DeleteExecution(r.Context(), rec.ID, true)
}
