package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func (s *server) executionRoutes() {
	s.jsonRoute("GET /v2/executions", s.listExecutions)
	s.jsonRoute("POST /v2/executions", s.createExecution)
	s.jsonRoute("GET /v2/executions/{id}", s.getExecution)
	s.jsonRoute("PUT /v2/executions/{id}", s.updateExecution)
	s.jsonRoute("DELETE /v2/executions/{id}", s.deleteExecution)
	s.jsonRoute("GET /v2/executions/{id}/tasks", s.listExecutionTasks)
	s.jsonRoute("GET /v2/executions/{id}/executions", s.listTree)
}

func executionCollection() collection {
	return collection{
		name: "executions", sortBy: "created_at", flags: []string{"include_output"},
		columns: []string{
			"id", "workflow_name", "workflow_id", "workflow_namespace", "description", "tags", "params", "task_execution_id", "root_execution_id",
			"source_execution_id", "state", "state_info", "input", "output", "created_at", "updated_at", "project_id",
		},
	}
}

func (s *server) listExecutions(r *http.Request) (int, any, error) {
	c := executionCollection()
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	records, err := s.readExecutions(r.Context(), q.narrow(persistence.ExecutionsQuery{ProjectID: s.Project}))
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

// narrow gives the store the filters that it knows; the others are applied to what it answers.
func (q *listQuery) narrow(sq persistence.ExecutionsQuery) persistence.ExecutionsQuery {
	for _, f := range q.filters {
		if f.op != "eq" {
			continue
		}
		switch f.column {
		case "workflow_name":
			sq.WorkflowName = f.value
		case "state":
			sq.States = []workflow.State{workflow.State(f.value)}
		case "root_execution_id":
			sq.RootID = workflow.ExecutionID(f.value)
		case "task_execution_id":
			sq.ParentTask = workflow.TaskID(f.value)
		}
	}
	return sq
}

// readExecutions reads all pages of a query.
func (s *server) readExecutions(ctx context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error) {
	var out []*workflow.ExecutionRecord
	q.Limit = pageMax
	for {
		records, err := s.Store.ListExecutions(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, records...)
		if len(records) < q.Limit || len(out) >= listMax {
			return out, nil
		}
		last := records[len(records)-1]
		q.Before = &persistence.PageKey{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// executionsJSON reads the bulky part of each execution too; one that was deleted meanwhile is left out.
func (s *server) executionsJSON(ctx context.Context, records []*workflow.ExecutionRecord, withOutput bool) ([]apitype.Execution, error) {
	items := make([]apitype.Execution, 0, len(records))
	for _, rec := range records {
		_, data, err := s.Store.GetExecution(ctx, rec.ProjectID, rec.ID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e, err := executionJSON(rec, data)
		if err != nil {
			return nil, err
		}
		if !withOutput {
			e.Output = apitype.Opt[string]{}
		}
		items = append(items, e)
	}
	return items, nil
}

func executionJSON(rec *workflow.ExecutionRecord, data *workflow.ExecutionData) (apitype.Execution, error) {
	var first error
	text := func(d *value.Dict) string {
		t, err := dictText(d)
		if err != nil && first == nil {
			first = fmt.Errorf("execution %s: %w", rec.ID, err)
		}
		return t
	}
	out := apitype.Execution{
		ID: string(rec.ID), WorkflowID: rec.DefinitionID, WorkflowName: rec.WorkflowName, WorkflowNamespace: rec.Namespace,
		Description: rec.Description, Tags: notNil(rec.Tags), Params: text(data.Params),
		TaskExecutionID: apitype.Text(string(rec.ParentTaskID)), RootExecutionID: apitype.Text(string(rec.RootID)),
		SourceExecutionID: apitype.Null[string](), State: string(rec.State), StateInfo: apitype.Text(rec.StateInfo),
		Input: text(data.Input), Output: apitype.Some("{}"),
		CreatedAt: apitype.Time(rec.CreatedAt), UpdatedAt: apitype.Time(rec.UpdatedAt), ProjectID: rec.ProjectID,
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

func (s *server) findExecution(r *http.Request) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	id := r.PathValue("id")
	rec, data, err := s.Store.GetExecution(r.Context(), s.Project, workflow.ExecutionID(id))
	if fault.Is(err, fault.NotFound) {
		return nil, nil, fault.New(fault.NotFound, "WorkflowExecution not found [id=%s]", id)
	}
	return rec, data, err
}

func (s *server) getExecution(r *http.Request) (int, any, error) {
	rec, data, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	e, err := executionJSON(rec, data)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, executionCollection(), e)
	return http.StatusOK, body, err
}

// someFields applies the parameter `fields` to one item.
func someFields(r *http.Request, c collection, item any) (any, error) {
	list, err := c.parseFields(r.URL.Query().Get("fields"))
	if err != nil || list == nil {
		return item, err
	}
	o, err := objectOf(item)
	if err != nil {
		return nil, err
	}
	return pick(o, list), nil
}

func (s *server) createExecution(r *http.Request) (int, any, error) {
	f, err := readFields(r, "wf_ex", "id", "workflow_id", "workflow_name", "workflow_namespace", "input", "params", "description",
		"source_execution_id", "state", "state_info", "output", "tags", "task_execution_id", "root_execution_id", "created_at", "updated_at", "project_id", "published_global")
	if err != nil {
		return 0, nil, err
	}
	start, err := s.readStart(r, f)
	if err != nil {
		return 0, nil, err
	}
	if f.has("id") {
		if rec, data, err := s.Store.GetExecution(r.Context(), s.Project, start.ID); err == nil {
			e, err := executionJSON(rec, data)
			return http.StatusCreated, e, err
		}
	}
	if err := s.Engine.Start(r.Context(), start); err != nil {
		return 0, nil, err
	}
	rec, data, err := s.Store.GetExecution(r.Context(), s.Project, start.ID)
	if err != nil {
		return 0, nil, err
	}
	e, err := executionJSON(rec, data)
	return http.StatusCreated, e, err
}

// readStart reads the body of a request to start an execution; what it leaves out comes from the source execution.
func (s *server) readStart(r *http.Request, f fields) (catalog.Start, error) {
	var out catalog.Start
	texts := map[string]string{}
	for _, name := range []string{"id", "workflow_id", "workflow_name", "workflow_namespace", "description", "source_execution_id"} {
		t, err := f.text(name)
		if err != nil {
			return out, err
		}
		texts[name] = t
	}
	input, err := f.object("input")
	if err != nil {
		return out, err
	}
	params, err := f.object("params")
	if err != nil {
		return out, err
	}
	if len(texts["id"]) > 36 {
		return out, fault.New(fault.Invalid, "Invalid input for field/attribute id. Value: '%s'. An id has at most 36 characters", clipText(texts["id"]))
	}
	identifier := firstOf(texts["workflow_id"], texts["workflow_name"])
	if source := texts["source_execution_id"]; source != "" {
		rec, data, err := s.Store.GetExecution(r.Context(), s.Project, workflow.ExecutionID(source))
		if err != nil {
			return out, fault.New(fault.NotFound, "WorkflowExecution not found [id=%s]", source)
		}
		identifier = firstOf(identifier, rec.DefinitionID)
		input, params = merge(data.Input, input), merge(data.Params, params)
		texts["description"] = strings.TrimSpace(texts["description"] + " Based on the execution '" + source + "'")
	}
	if identifier == "" {
		return out, fault.New(fault.Invalid, "Workflow ID or workflow name must be provided. Workflow ID is recommended.")
	}
	def, err := s.lookUp(r, persistence.WorkflowDefinition, identifier, texts["workflow_namespace"])
	if err != nil {
		return out, err
	}
	if out, err = s.Catalog.NewStart(r.Context(), def, input, params); err != nil {
		return out, err
	}
	out.ID, out.Description = workflow.ExecutionID(firstOf(texts["id"], s.NewID())), texts["description"]
	return out, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// merge is base with the entries of over set on top.
func merge(base, over *value.Dict) *value.Dict {
	if base == nil {
		return over
	}
	out := base.Clone()
	if over != nil {
		for k, v := range over.All() {
			if name, ok := k.(value.String); ok {
				out.SetString(string(name), v)
			}
		}
	}
	return out
}

func (s *server) updateExecution(r *http.Request) (int, any, error) {
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "wf_ex", "id", "state", "state_info", "description", "params", "workflow_name", "workflow_id", "workflow_namespace",
		"input", "output", "tags", "task_execution_id", "root_execution_id", "source_execution_id", "created_at", "updated_at", "project_id", "published_global")
	if err != nil {
		return 0, nil, err
	}
	op, err := executionOp(f)
	if err != nil {
		return 0, nil, err
	}
	if op != nil {
		if err := s.Engine.Command(r.Context(), rec.ID, requestID(r, s.NewID), op); err != nil {
			return 0, nil, err
		}
	}
	return s.getExecution(r)
}

// requestID is the client's own id of the request, so that a repeated one is carried out once.
func requestID(r *http.Request, newID func() string) string {
	return firstOf(r.Header.Get("X-Request-Id"), newID())
}

// executionOp reads what a PUT asks for; nil when there is nothing to do.
func executionOp(f fields) (workflow.Op, error) {
	state, err := f.text("state")
	if err != nil {
		return nil, err
	}
	info, err := f.text("state_info")
	if err != nil {
		return nil, err
	}
	params, err := f.object("params")
	if err != nil {
		return nil, err
	}
	var env *value.Dict
	if params != nil {
		if v, ok := params.GetString("env"); ok {
			env, _ = v.(*value.Dict)
		}
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
		return workflow.Stop{State: st, Message: info}, nil
	}
	return nil, fault.New(fault.Invalid, "Cannot change state to %s. Allowed states are: 'RUNNING, PAUSED, SUCCESS, ERROR, CANCELLED", state)
}

func (s *server) deleteExecution(r *http.Request) (int, any, error) {
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	force := false
	if v := r.URL.Query().Get("force"); v != "" {
		if force, err = parseBool("force", v); err != nil {
			return 0, nil, err
		}
	}
	if !force && !rec.State.Final() {
		return 0, nil, fault.New(fault.Forbidden, "Only completed executions can be deleted. Use --force to override this. Execution %s is in %s state", rec.ID, rec.State)
	}
	return http.StatusNoContent, nil, s.Store.DeleteExecution(r.Context(), rec.ID, force)
}

// listTree lists an execution with all that is below it.
func (s *server) listTree(r *http.Request) (int, any, error) {
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	root := rec.ID
	if rec.RootID != "" {
		root = rec.RootID
	}
	all, err := s.readExecutions(r.Context(), persistence.ExecutionsQuery{ProjectID: s.Project, RootID: root})
	if err != nil {
		return 0, nil, err
	}
	below := map[workflow.ExecutionID]bool{rec.ID: true}
	tree := []*workflow.ExecutionRecord{rec}
	// Newest first: parents come after their children, so the list is walked from its end.
	for i := len(all) - 1; i >= 0; i-- {
		if e := all[i]; e.ID != rec.ID && below[e.ParentID] {
			below[e.ID] = true
			tree = append(tree, e)
		}
	}
	items, err := s.executionsJSON(r.Context(), tree, r.URL.Query().Get("include_output") == "true")
	return http.StatusOK, apitype.Executions{Executions: items}, err
}
