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

func executionStates() []workflow.State {
	return []workflow.State{workflow.Cancelled, workflow.Error, workflow.Idle, workflow.Paused, workflow.Running, workflow.Success}
}

func executionCollection() collection {
	return collection{
		name: "executions", sortBy: "created_at", flags: []string{"include_output"}, nulls: true,
		json: []string{"params", "input", "output", "published_global"}, large: []string{"output", "published_global"},
		shown: []string{"started_by", "traceparent"},
		columns: []string{
			"id", "workflow_name", "workflow_id", "workflow_namespace", "description", "tags", "params", "task_execution_id", "root_execution_id",
			"source_execution_id", "state", "state_info", "input", "output", "created_at", "updated_at", "project_id", "published_global",
		},
	}
}

func (s *server) listExecutions(r *http.Request) (int, any, error) {
	c := executionCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	project, err := s.listedProject(r, q, "executions")
	if err != nil {
		return 0, nil, err
	}
	return scan(r, c, q, s.executionSource(r, q, persistence.PageQuery{ProjectID: project}))
}

// executionSource is a list of executions. Those that only stand for an action are not in it.
func (s *server) executionSource(r *http.Request, q *listQuery, pq persistence.PageQuery) source[persistence.ExecutionEntry] {
	pq = q.narrow(pq)
	pq.NotWorkflow = actionWorkflow
	ctx := r.Context()
	return source[persistence.ExecutionEntry]{
		query: pq,
		read: func(q persistence.PageQuery) ([]persistence.ExecutionEntry, error) {
			return s.Store.PageExecutions(ctx, q)
		},
		mark: func(e persistence.ExecutionEntry) *persistence.PageMark {
			return &persistence.PageMark{CreatedAt: e.Execution.CreatedAt, ID: e.Execution.ID}
		},
		find: func(id string) (*persistence.PageMark, error) {
			rec, err := s.Store.FindExecution(ctx, pq.ProjectID, workflow.ExecutionID(id))
			if err != nil {
				return nil, err
			}
			return &persistence.PageMark{CreatedAt: rec.CreatedAt, ID: rec.ID}, nil
		},
		item: func(e persistence.ExecutionEntry) (any, error) { return s.executionJSON(ctx, e.Execution, e.Data) },
	}
}

func (s *server) executionJSON(ctx context.Context, rec *workflow.ExecutionRecord, data *workflow.ExecutionData) (apitype.Execution, error) {
	var first error
	text := func(d *value.Dict) string {
		t, err := dictText(d)
		if err != nil && first == nil {
			first = fmt.Errorf("execution %s: %w", rec.ID, err)
		}
		return t
	}
	id, err := s.Catalog.Origin(ctx, rec.DefinitionID)
	if err != nil {
		return apitype.Execution{}, err
	}
	out := apitype.Execution{
		ID: string(rec.ID), WorkflowID: id, WorkflowName: rec.WorkflowName, WorkflowNamespace: rec.Namespace,
		Description: rec.Description, Tags: notNil(rec.Tags), Params: text(data.Params),
		TaskExecutionID: apitype.Text(string(rec.ParentTaskID)), RootExecutionID: apitype.Text(string(rec.RootID)),
		SourceExecutionID: apitype.Text(string(rec.SourceID)), State: string(rec.State), StateInfo: apitype.Text(rec.StateInfo),
		Input: text(data.Input), Output: apitype.Some("{}"), PublishedGlobal: apitype.Some(text(data.Globals)),
		CreatedAt: apitype.Time(rec.CreatedAt), UpdatedAt: apitype.Time(rec.UpdatedAt), ProjectID: rec.ProjectID,
		Traceparent: rec.Traceparent,
	}
	if by := rec.StartedBy; by != (workflow.Requester{}) {
		out.StartedBy = &apitype.Requester{User: by.User, Name: by.Name, Project: by.Project}
	}
	if data.Output != nil {
		t, err := jsonText(data.Output)
		if err != nil {
			return out, fmt.Errorf("output of execution %s: %w", rec.ID, err)
		}
		out.Output = apitype.Some(t)
	}
	return out, first
}

// findExecution reads the execution that the path names.
func (s *server) findExecution(r *http.Request) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	return s.execution(r, r.PathValue("id"))
}

func (s *server) execution(r *http.Request, id string) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	missing := fault.New(fault.NotFound, "WorkflowExecution not found [id=%s]", clipText(id))
	rec, data, err := s.Store.GetExecution(r.Context(), projectOf(r), workflow.ExecutionID(id))
	if fault.Is(err, fault.NotFound) || err == nil && rec.WorkflowName == actionWorkflow {
		return nil, nil, missing
	}
	return rec, data, err
}

func (s *server) getExecution(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "fields"); err != nil {
		return 0, nil, err
	}
	rec, data, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	e, err := s.executionJSON(r.Context(), rec, data)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, executionCollection(), e)
	return http.StatusOK, body, err
}

func (s *server) updateExecution(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "wf_ex", "id", "state", "state_info", "description", "params", "workflow_name", "workflow_id", "workflow_namespace",
		"input", "output", "tags", "task_execution_id", "root_execution_id", "source_execution_id", "created_at", "updated_at", "project_id", "published_global", "started_by", "traceparent")
	if err != nil {
		return 0, nil, err
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	op, err := executionOp(f)
	if err != nil {
		return 0, nil, err
	}
	if stop, ok := op.(workflow.Stop); !ok || stop.State != workflow.Cancelled {
		if err := s.notInMaintenance(r); err != nil {
			return 0, nil, err
		}
	}
	if err := s.Engine.Command(r.Context(), rec.ID, s.commandOf(r, op)); err != nil {
		return 0, nil, err
	}
	after, data, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	if _, resumed := op.(workflow.Resume); resumed && rec.State == workflow.Paused {
		if err := s.asResumed(r.Context(), rec.Runtime.HistorySeq, after, data); err != nil {
			return 0, nil, err
		}
	}
	e, err := s.executionJSON(r.Context(), after, data)
	return http.StatusOK, e, err
}

// asResumed shows an execution that a resume has run to its end, or its next pause, in the same turn as RUNNING: Mistral answers before the
// tasks run that it goes on with. seq is of the last event before.
func (s *server) asResumed(ctx context.Context, seq uint64, rec *workflow.ExecutionRecord, data *workflow.ExecutionData) error {
	if rec.State == workflow.Running {
		return nil
	}
	events, err := s.Store.History(ctx, rec.ID, seq, pageMax)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Kind == "execution.state" && e.State == workflow.Paused {
			return nil // paused again before anything has run
		}
		if e.Kind == "action.state" || e.Kind == "task.state" && !e.State.Final() && rec.State.Final() {
			rec.State, rec.StateInfo, data.Output = workflow.Running, "", nil
			return nil
		}
	}
	return nil
}

// executionOp reads what a PUT asks for.
func executionOp(f fields) (workflow.Op, error) {
	t, err := f.texts("state", "state_info")
	if err != nil {
		return nil, err
	}
	params, err := f.object("params")
	if err != nil {
		return nil, err
	}
	env, err := envOf(params)
	if err != nil {
		return nil, err
	}
	state := t["state"]
	if string(f["description"]) == `""` && (state != "" || env != nil) {
		delete(f, "description") // an empty one isn't given, in Mistral
	}
	switch {
	case f.has("description") && (state != "" || env != nil):
		return nil, fault.New(fault.Invalid, "The property description must be updated separately from state.")
	case f.has("description"):
		text, err := f.text("description")
		return workflow.Describe{Description: text}, err
	case state == "" && env == nil:
		return nil, fault.New(fault.Invalid, "The property state, description, or env is not provided for update.")
	case state == "":
		return workflow.SetEnv{Env: env}, nil
	case env != nil && state != string(workflow.Running):
		return nil, fault.New(fault.Invalid, "The property env can only be updated when workflow execution is not running or on resume from pause.")
	}
	switch st := workflow.State(state); st {
	case workflow.Running:
		return workflow.Resume{Env: env}, nil
	case workflow.Paused:
		return workflow.Pause{}, nil
	case workflow.Success, workflow.Error, workflow.Cancelled:
		return workflow.Stop{State: st, Message: t["state_info"]}, nil
	}
	return nil, fault.New(fault.Invalid, "Cannot change state to %s. Allowed states are: 'RUNNING, PAUSED, SUCCESS, ERROR, CANCELLED", clipText(state))
}

// envOf is the environment in the parameters of an update; nil: there is none.
func envOf(params *value.Dict) (*value.Dict, error) {
	if params == nil {
		return nil, nil
	}
	v, ok := params.GetString("env")
	if !ok {
		return nil, nil
	}
	switch env := v.(type) {
	case value.Null:
		return nil, nil
	case *value.Dict:
		return env, nil
	}
	return nil, fault.New(fault.Invalid, "Unexpected value type for environment [env=%s, type=%s]", clipText(value.Str(v)), value.TypeName(v))
}

func (s *server) deleteExecution(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if err := knownOnly(q, "force"); err != nil {
		return 0, nil, err
	}
	force, err := flag(q, "force", false)
	if err != nil {
		return 0, nil, err
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.removeExecution(r.Context(), rec, force)
}

// removeExecution deletes an execution with all that is below it.
func (s *server) removeExecution(ctx context.Context, rec *workflow.ExecutionRecord, force bool) error {
	if !force && !rec.State.Final() {
		return fault.New(fault.Forbidden, "Only completed executions can be deleted. Use --force to override this. Execution %s is in %s state", rec.ID, rec.State)
	}
	return s.Store.DeleteExecution(ctx, rec.ID, force)
}
