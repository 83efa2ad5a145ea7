package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// An action that is run by itself has all that an action of a workflow has (it survives crashes, waits for slots, has a
// timeout), for it is one: of a workflow with one task, which no list shows.

// actionWorkflow names that workflow.
const actionWorkflow = catalog.ActionWorkflow

// systemProject owns its definition.
const systemProject = "<cierzo>"

const actionText = `version: '2.0'
name: one_action
workflows:
  run:
    input: [name, input, timeout, target]
    tasks:
      run:
        action: <% $.name %>
        input: <% $.input %>
        timeout: <% $.timeout %>
        target: <% $.target %>
`

// runTimeout bounds how long an answer waits for an action that is run synchronously, if params.timeout says nothing.
const runTimeout = 60 * time.Second

// actionRun is what a request to run an action asks for.
type actionRun struct {
	name, namespace, description, target string
	input, params                        *value.Dict
	saveResult, runSync                  bool
	timeout                              int // seconds; 0 is none
}

func (s *server) runAction(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	run, err := readActionRun(r)
	if err != nil {
		return 0, nil, err
	}
	async, err := s.isAsync(r, run)
	if err != nil {
		return 0, nil, err
	}
	if run.runSync && async {
		return 0, nil, fault.New(fault.Invalid, "Action does not support synchronous execution.")
	}
	rec, err := s.startAction(r, run)
	if err != nil {
		return 0, nil, err
	}
	if !run.runSync && (run.saveResult || async) {
		return s.answerRunning(r, rec, run)
	}
	return s.answerRun(r, rec, run)
}

func readActionRun(r *http.Request) (*actionRun, error) {
	f, err := readFields(r, "action_ex", "name", "input", "description", "workflow_namespace", "params", "id", "state", "output", "workflow_name", "task_name",
		"task_execution_id", "state_info", "tags", "project_id", "accepted", "created_at", "updated_at")
	if err != nil {
		return nil, err
	}
	t, err := f.texts("name", "workflow_namespace", "description")
	if err != nil {
		return nil, err
	}
	run := &actionRun{name: t["name"], namespace: t["workflow_namespace"], description: t["description"]}
	if run.name == "" {
		return nil, fault.New(fault.Invalid, "Please provide at least action name to run action.")
	}
	if err := checkName("name", run.name); err != nil {
		return nil, err
	}
	if err := checkName("workflow_namespace", run.namespace); err != nil {
		return nil, err
	}
	if run.input, err = f.object("input"); err != nil {
		return nil, err
	}
	if run.params, err = f.object("params"); err != nil {
		return nil, err
	}
	if run.input == nil {
		run.input = value.NewDict(0)
	}
	return run, run.readParams()
}

// readParams reads params.save_result, run_sync, timeout and target.
func (run *actionRun) readParams() error {
	if run.params == nil {
		run.params = value.NewDict(0)
	}
	for name, v := range run.params.All() {
		wrong := false
		switch plainKey(name) {
		case "save_result":
			run.saveResult = value.Truthy(v)
		case "run_sync":
			run.runSync = value.Truthy(v)
		case "target":
			if _, null := v.(value.Null); null {
				continue
			}
			text, ok := v.(value.String)
			run.target, wrong = string(text), !ok
		case "timeout":
			if _, null := v.(value.Null); null {
				continue
			}
			n, err := parseInt("timeout", value.Str(v))
			run.timeout, wrong = n, err != nil || n < 0
		}
		if wrong {
			return fault.New(fault.Invalid, "Invalid input for field/attribute params. The parameter %s has the value %s", plainKey(name), clipText(value.Str(v)))
		}
	}
	return nil
}

func plainKey(v value.Value) string {
	text, _ := v.(value.String)
	return string(text)
}

// isAsync finds the action and says whether its result comes from outside.
func (s *server) isAsync(r *http.Request, run *actionRun) (bool, error) {
	facts, _ := s.Catalog.Facts(r.Context(), true)
	spec, err := facts.Action(callerOf(r).ProjectID, run.namespace, run.name)
	if err != nil {
		return false, err
	}
	if spec != nil {
		return spec.Async, nil
	}
	if err := s.noPython(r, run); err != nil {
		return false, err
	}
	return false, fault.New(fault.Invalid, "Failed to find action [action_name=%s]", clipText(run.name))
}

// startAction begins the execution around the action. What the action refuses (its input) is the request's fault.
func (s *server) startAction(r *http.Request, run *actionRun) (*workflow.ExecutionRecord, error) {
	def, err := s.actionDefinition(r.Context())
	if err != nil {
		return nil, err
	}
	id, err := newID(r, s.NewExecutionID)
	if err != nil {
		return nil, err
	}
	input := value.NewDict(4)
	input.SetString("name", value.String(run.name))
	input.SetString("input", run.input)
	input.SetString("timeout", value.Int(run.timeout))
	input.SetString("target", value.String(run.target))
	caller := callerOf(r)
	start := catalog.Start{
		ID: workflow.ExecutionID(id), ProjectID: caller.ProjectID, DefinitionID: def.ID, WorkflowName: actionWorkflow, Namespace: run.namespace,
		Description: run.description, Input: input, Params: run.params, Env: value.NewDict(0),
		Auth: caller.Auth, By: caller.requester(), Traceparent: traceparentOf(r),
	}
	if err := s.Engine.Start(r.Context(), start); err != nil {
		return nil, err
	}
	rec, err := s.Store.FindExecution(r.Context(), start.ProjectID, start.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.ListActions(r.Context(), rec.ID, "", -1, 1)
	if err != nil {
		return nil, err
	}
	if rec.State == workflow.Error && len(list) == 0 {
		tasks, err := s.Store.ListTasks(r.Context(), rec.ID, -1, 1)
		if err != nil {
			return nil, err
		}
		text := rec.StateInfo
		if len(tasks) > 0 && tasks[0].StateInfo != "" {
			text = tasks[0].StateInfo
		}
		if err := s.Store.DeleteExecution(r.Context(), rec.ID, true); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.Invalid, "%s", refusedInput(text))
	}
	return rec, nil
}

// refusedInput is what is wrong with the input, without what the task around it adds.
func refusedInput(text string) string {
	if _, rest, ok := strings.Cut(text, "[error="); ok {
		text = rest
		if i := strings.LastIndex(text, ", wf="); i >= 0 {
			text = text[:i]
		}
	}
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// answerRunning answers with the action as it was created: Mistral answers before it runs.
func (s *server) answerRunning(r *http.Request, rec *workflow.ExecutionRecord, run *actionRun) (int, any, error) {
	item, err := s.actionOf(r.Context(), rec)
	if err != nil {
		return 0, nil, err
	}
	item.State, item.Accepted, item.Output = string(workflow.Running), apitype.Some(false), apitype.Null[string]()
	return http.StatusCreated, item, s.withParams(&item, run)
}

func (s *server) withParams(item *apitype.ActionExecution, run *actionRun) error {
	text, err := dictText(run.params)
	item.Params = apitype.Some(text)
	return err
}

// answerRun waits for the action's end. A result that nobody wants saved goes with the answer.
func (s *server) answerRun(r *http.Request, rec *workflow.ExecutionRecord, run *actionRun) (int, any, error) {
	wait := runTimeout
	if run.timeout > 0 {
		wait = min(wait, time.Duration(run.timeout+1)*time.Second)
	}
	ended, done := awaitTurn(s.Ended, rec.ID)
	defer done()
	rec, data, err := s.Store.GetExecution(r.Context(), rec.ProjectID, rec.ID)
	if err != nil {
		return 0, nil, err
	}
	rec, _, err = s.waitForEnd(r.Context(), rec, data, ended, wait)
	if err != nil {
		return 0, nil, err
	}
	item, err := s.actionOf(r.Context(), rec)
	if err != nil {
		return 0, nil, err
	}
	if run.saveResult || !rec.State.Final() {
		item.Accepted = apitype.Some(false) // as Mistral shows it in this answer
		return http.StatusCreated, item, s.withParams(&item, run)
	}
	if r.Header.Get(idempotencyHeader) == "" {
		if err := s.Store.DeleteExecution(r.Context(), rec.ID, true); err != nil {
			return 0, nil, err
		}
	}
	out := apitype.ActionResult{Name: item.Name, State: item.State, Input: item.Input, Output: item.Output, Description: run.description, WorkflowNamespace: run.namespace}
	return http.StatusCreated, out, nil
}

// actionOf reads the action of an execution that stands for one.
func (s *server) actionOf(ctx context.Context, rec *workflow.ExecutionRecord) (apitype.ActionExecution, error) {
	list, err := s.Store.ListActions(ctx, rec.ID, "", -1, 1)
	if err != nil {
		return apitype.ActionExecution{}, err
	}
	if len(list) == 0 {
		return apitype.ActionExecution{}, fault.New(fault.Internal, "execution %s of an action has no action", rec.ID)
	}
	return actionExecutionJSON(rec, "", list[0])
}

// actionDefinition is the definition of the workflow with one task; the first request stores it.
func (s *server) actionDefinition(ctx context.Context) (*persistence.Definition, error) {
	key := persistence.DefinitionKey{ProjectID: systemProject, Kind: persistence.WorkflowDefinition, Name: actionWorkflow}
	sum := sha256.Sum256([]byte(actionText))
	hash := hex.EncodeToString(sum[:])
	def, err := s.Store.FindDefinition(ctx, key)
	if err == nil && def.ProjectID == systemProject && def.Hash == hash {
		return def, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	stored, err := s.Store.PutDefinitions(ctx, []persistence.Definition{{
		ProjectID: systemProject, Kind: persistence.WorkflowDefinition, Name: actionWorkflow, Workbook: catalog.ActionWorkbook, Scope: "private",
		Text: actionText, Hash: hash,
	}})
	if err != nil {
		return nil, err
	}
	return &stored[0], nil
}
