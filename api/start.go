package api

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/persistence"
	"cierzo/workflow"
)

// idempotencyHeader names a request: sent again with the same name and by the same project, it is carried out once.
const idempotencyHeader = "Idempotency-Key"

const (
	// idMax bounds the ids that clients choose, in characters.
	idMax = 36
	// keyMax bounds an Idempotency-Key, in bytes.
	keyMax = 255
	// waitMax bounds the parameter wait.
	waitMax = 60 * time.Second
)

// newID is the id of what the request creates: made from its Idempotency-Key and its project, or another.
func newID(r *http.Request, another func() string) (string, error) {
	key := r.Header.Get(idempotencyHeader)
	if key == "" {
		return another(), nil
	}
	if len(key) > keyMax {
		return "", fault.New(fault.Invalid, "%s is longer than %d bytes", idempotencyHeader, keyMax)
	}
	return keyedID(callerOf(r).ProjectID, r.Method+" "+r.URL.Path, key), nil
}

// keyedID makes the UUID of a key: the same for the same project, endpoint and key, and nobody else's.
func keyedID(project, endpoint, key string) string {
	var space uuid.UUID
	sum := sha256.Sum256([]byte(project + "\x00" + endpoint))
	copy(space[:], sum[:])
	return uuid.NewHash(sha256.New(), space, []byte(key), 8).String()
}

// requestID is the client's own id of a command, so that a repeated one is carried out once.
func (s *server) requestID(r *http.Request) string {
	id := firstOf(r.Header.Get(idempotencyHeader), r.Header.Get("X-Request-Id"))
	if id == "" || len(id) > keyMax {
		return s.NewID()
	}
	return id
}

// commandOf is the command that the request gives, with who the caller is and its right.
func (s *server) commandOf(r *http.Request, op workflow.Op) workflow.Command {
	c := callerOf(r)
	return workflow.Command{RequestID: s.requestID(r), Op: op, Auth: c.Auth, By: c.requester()}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s *server) createExecution(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if err := knownOnly(q, "wait"); err != nil {
		return 0, nil, err
	}
	wait, err := parseWait(q.Get("wait"))
	if err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "wf_ex", "id", "workflow_id", "workflow_name", "workflow_namespace", "input", "params", "description",
		"source_execution_id", "state", "state_info", "output", "tags", "task_execution_id", "root_execution_id", "created_at", "updated_at", "project_id", "published_global", "started_by", "traceparent")
	if err != nil {
		return 0, nil, err
	}
	// An id that is new can't be there; the read is saved.
	named := f.has("id") || r.Header.Get(idempotencyHeader) != ""
	var rec *workflow.ExecutionRecord
	var data *workflow.ExecutionData
	var created bool
	var ended <-chan *workflow.Writes
	unwait := func() {}
	defer func() { unwait() }()
	err = catalog.Begin(func(fresh bool) (catalog.Start, error) { return s.readStart(r, f, fresh) }, func(start catalog.Start) (err error) {
		if wait > 0 {
			unwait()
			ended, unwait = awaitTurn(s.Ended, start.ID)
		}
		rec, data, created, err = s.begin(r, start, named)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	if wait > 0 {
		if rec, data, err = s.waitForEnd(r.Context(), rec, data, ended, wait); err != nil {
			return 0, nil, err
		}
	} else if created {
		if err := s.asCreated(r.Context(), rec, data); err != nil {
			return 0, nil, err
		}
	}
	e, err := s.executionJSON(r.Context(), rec, data)
	if created && wait == 0 {
		e.UpdatedAt = apitype.Null[string]() // not absent, as in answers to other creations: Mistral's own client reads it
	}
	return http.StatusCreated, e, err
}

// begin starts an execution; unless there is one of the id, if the id was named by the client. What the id was used for
// before must be the same workflow.
func (s *server) begin(r *http.Request, start catalog.Start, named bool) (*workflow.ExecutionRecord, *workflow.ExecutionData, bool, error) {
	ctx := r.Context()
	created := !named
	if named {
		_, err := s.Store.FindExecution(ctx, "", start.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, nil, false, err
		}
		created = err != nil
	}
	var rec *workflow.ExecutionRecord
	var data *workflow.ExecutionData
	if created {
		begun, done := awaitTurn(s.Begun, start.ID)
		defer done()
		if err := s.Engine.Start(ctx, start); err != nil {
			return nil, nil, false, err
		}
		select {
		case w := <-begun:
			rec, data = new(*w.Execution), new(*w.Data)
		default: // another process has it
		}
	}
	if rec == nil {
		var err error
		if rec, data, err = s.Store.GetExecution(ctx, "", start.ID); err != nil {
			return nil, nil, false, err
		}
	}
	if rec.ProjectID != start.ProjectID {
		return nil, nil, false, fault.New(fault.Conflict, "The id %s is taken", clipText(string(start.ID)))
	}
	if r.Header.Get(idempotencyHeader) != "" && (rec.WorkflowName != start.WorkflowName || rec.Namespace != start.Namespace) {
		return nil, nil, false, fault.New(fault.Conflict, "The %s was used for an execution of the workflow %s", idempotencyHeader, rec.WorkflowName)
	}
	return rec, data, created, nil
}

// asCreated shows an execution as it was when it was created: Mistral answers before the actions run, and here some of
// them have run in the same turn. What ended without running anything has ended, and what was paused before its first
// tasks is paused.
func (s *server) asCreated(ctx context.Context, rec *workflow.ExecutionRecord, data *workflow.ExecutionData) error {
	if rec.State == workflow.Running {
		return nil
	}
	list, err := s.Store.ListActions(ctx, rec.ID, "", -1, 1)
	if err != nil || len(list) == 0 {
		return err
	}
	tasks, err := s.Store.ListTasks(ctx, rec.ID, -1, pageMax)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(tasks, func(t *workflow.TaskRecord) bool {
		return t.Runtime.PausedBefore && len(t.TriggeredBy)+len(t.Parents) == 0
	}) {
		return nil
	}
	rec.State, rec.StateInfo, data.Output, data.Globals = workflow.Running, "", nil, nil
	return nil
}

// parseWait reads how long an answer may wait for the end of the execution.
func parseWait(v string) (time.Duration, error) {
	if v == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 || d > waitMax {
		return 0, fault.New(fault.Invalid, "Invalid input for field/attribute wait. Value: '%s'. Value should be a time such as 30s, at most %s", clipText(v), waitMax)
	}
	return d, nil
}

// awaitTurn awaits a turn of an execution if there is somebody who tells of it.
func awaitTurn(await func(workflow.ExecutionID) (<-chan *workflow.Writes, func()), id workflow.ExecutionID) (turn <-chan *workflow.Writes, done func()) {
	if await == nil {
		return nil, func() {}
	}
	return await(id)
}

// waitForEnd looks at an execution until it has ended or the time is over. ended tells if it has since before it was read.
func (s *server) waitForEnd(ctx context.Context, rec *workflow.ExecutionRecord, data *workflow.ExecutionData, ended <-chan *workflow.Writes, most time.Duration) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	until := time.NewTimer(most)
	defer until.Stop()
	var looks wait.Looks
	for !rec.State.Final() {
		look := time.NewTimer(looks.Next(ended != nil && s.Hears != nil && s.Hears(rec.ID)))
		select {
		case <-look.C:
		case w := <-ended:
			look.Stop()
			if w != nil {
				ended = nil // it tells once
			}
			if w != nil && w.Data != nil {
				return w.Execution, w.Data, nil
			}
		case <-until.C:
			look.Stop()
			return rec, data, nil
		case <-ctx.Done():
			look.Stop()
			return nil, nil, fault.Wrap(fault.Unavailable, ctx.Err(), "wait for execution %s", rec.ID)
		}
		var err error
		if rec, data, err = s.Store.GetExecution(ctx, rec.ProjectID, rec.ID); err != nil {
			return nil, nil, err
		}
	}
	return rec, data, nil
}

// readStart reads the body of a request to start an execution; what it leaves out comes from the source execution.
func (s *server) readStart(r *http.Request, f fields, fresh bool) (start catalog.Start, err error) {
	t, err := f.texts("id", "workflow_id", "workflow_name", "workflow_namespace", "description", "source_execution_id")
	if err != nil {
		return start, err
	}
	input, err := f.object("input")
	if err != nil {
		return start, err
	}
	params, err := f.object("params")
	if err != nil {
		return start, err
	}
	if len(t["id"]) > idMax {
		return start, fault.New(fault.Invalid, "Invalid input for field/attribute id. Value: '%s'. An id has at most %d characters", clipText(t["id"]), idMax)
	}
	if err := checkName("workflow_namespace", t["workflow_namespace"]); err != nil {
		return start, err
	}
	identifier := firstOf(t["workflow_id"], t["workflow_name"])
	source := t["source_execution_id"]
	if source != "" {
		rec, data, err := s.execution(r, source)
		if err != nil {
			return start, err
		}
		if identifier == "" {
			identifier, t["workflow_namespace"] = rec.DefinitionID, rec.Namespace
		}
		input, params = merge(data.Input, input), merge(data.Params, params)
		t["description"] = strings.TrimSpace(t["description"] + " Based on the execution '" + source + "'")
	}
	if identifier == "" {
		return start, fault.New(fault.Invalid, "Workflow ID or workflow name must be provided. Workflow ID is recommended.")
	}
	def, remembered, err := s.toStart(r, identifier, t["workflow_namespace"], fresh)
	if err != nil {
		return start, err
	}
	if start, err = s.Catalog.NewStart(r.Context(), callerOf(r).ProjectID, def, input, params); err != nil {
		return start, err
	}
	id := t["id"]
	if id == "" {
		if id, err = newID(r, s.NewExecutionID); err != nil {
			return start, err
		}
	}
	caller := callerOf(r)
	start.Auth, start.By, start.Traceparent, start.Newest = caller.Auth, caller.requester(), traceparentOf(r), remembered
	start.ID, start.SourceID, start.Description = workflow.ExecutionID(id), workflow.ExecutionID(source), t["description"]
	return start, nil
}

// toStart finds the workflow that a start means; remembered and fresh are as Catalog.ToStart says.
func (s *server) toStart(r *http.Request, identifier, namespace string, fresh bool) (def *persistence.Definition, remembered bool, err error) {
	if !isUUID(identifier) {
		key := persistence.DefinitionKey{ProjectID: callerOf(r).ProjectID, Kind: persistence.WorkflowDefinition, Namespace: namespace, Name: identifier}
		if def, remembered, err = s.Catalog.ToStart(r.Context(), key, fresh); !fault.Is(err, fault.NotFound) {
			return def, remembered, err
		}
	}
	def, err = s.lookUp(r, persistence.WorkflowDefinition, identifier, namespace)
	return def, false, err
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
