package node

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/traceparent"
	"cierzo/internal/wait"
	"cierzo/persistence"
	"cierzo/workflow"
)

// DefaultProject owns what is uploaded and started from Go; it is the REST API's project too when nobody authenticates.
const DefaultProject = "<default-project>"

// Upload stores the definitions of a text (workflows, ad-hoc actions or a workbook), new or as new revisions, and returns
// the names of its workflows in the order of the text. file names the text in errors.
func (n *Node) Upload(ctx context.Context, file string, text []byte) ([]string, error) {
	if err := n.withStore("upload"); err != nil {
		return nil, err
	}
	done, err := n.catalog.Upload(ctx, catalog.Upload{Mode: catalog.Put, ProjectID: DefaultProject, File: file, Text: text})
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(done.Workflows))
	for _, w := range done.Workflows {
		names = append(names, w.Name)
	}
	return names, nil
}

// StartRequest says what to start.
type StartRequest struct {
	// Workflow is the name of an uploaded workflow, with its workbook's name in front: "wb.w".
	Workflow string
	// Namespace of the workflow. Defaults to the default one.
	Namespace string
	// ID of the execution, at most 36 characters; the same ID again starts nothing and is no error, so a caller that
	// doesn't know whether its request has arrived can repeat it. Defaults to a new UUID.
	ID string
	// Input by name: anything that encoding/json takes. nil is none.
	Input map[string]any
	// Env is what the expression function env() gives. nil is none.
	Env map[string]any
	// Params are Mistral's start parameters (task_name of reverse workflows, notify, …). nil is none.
	Params map[string]any
	// Description is a free text.
	Description string
	// Priority: of queued actions the higher one is dispatched first. Defaults to 0.
	Priority int
	// Traceparent is the caller's place in a trace, as the header of W3C Trace Context; actions pass it on. Defaults to none.
	Traceparent string
}

// Start begins an execution and returns its id when it is durable: from then on it runs to its end whatever crashes.
func (n *Node) Start(ctx context.Context, r StartRequest) (string, error) {
	if err := n.withStore("start"); err != nil {
		return "", err
	}
	if len(r.ID) > 36 {
		return "", fault.New(fault.Invalid, "id %q is longer than 36 characters", r.ID)
	}
	if r.Traceparent != "" && !traceparent.Valid(r.Traceparent) {
		return "", fault.New(fault.Invalid, "traceparent %q is none of W3C Trace Context", r.Traceparent)
	}
	id := workflow.ExecutionID(cmp.Or(r.ID, n.NewExecutionID()))
	err := catalog.Begin(func(fresh bool) (catalog.Start, error) { return n.prepare(ctx, id, &r, fresh) }, func(s catalog.Start) error {
		return n.cluster.Start(ctx, s)
	})
	if err != nil {
		return "", err
	}
	return string(id), nil
}

// prepare makes the start that a request means.
func (n *Node) prepare(ctx context.Context, id workflow.ExecutionID, r *StartRequest, fresh bool) (start catalog.Start, err error) {
	key := persistence.DefinitionKey{ProjectID: DefaultProject, Kind: persistence.WorkflowDefinition, Namespace: r.Namespace, Name: r.Workflow}
	def, remembered, err := n.catalog.ToStart(ctx, key, fresh)
	if fault.Is(err, fault.NotFound) {
		return start, catalog.NotFound(key)
	}
	if err != nil {
		return start, err
	}
	input, err := dictOf("input", r.Input)
	if err != nil {
		return start, err
	}
	params, err := dictOf("params", r.Params)
	if err != nil {
		return start, err
	}
	if r.Env != nil {
		env, err := dictOf("env", r.Env)
		if err != nil {
			return start, err
		}
		params.SetString("env", env)
	}
	start, err = n.catalog.NewStart(ctx, DefaultProject, def, input, params)
	start.ID, start.Description, start.Priority, start.Newest = id, r.Description, r.Priority, remembered
	start.Traceparent = r.Traceparent
	return start, err
}

// dictOf gives a Go value the form that the engine works on. It goes by JSON, so that struct tags and json.RawMessage
// mean what they mean elsewhere.
func dictOf(field string, m map[string]any) (*value.Dict, error) {
	if m == nil {
		return value.NewDict(0), nil
	}
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", field)
	}
	v, err := value.ParseJSON(data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", field)
	}
	return v.(*value.Dict), nil
}

// Execution is an execution at one moment.
type Execution struct {
	ID        string
	Workflow  string
	State     string // RUNNING, PAUSED, SUCCESS, ERROR or CANCELLED
	StateInfo string
	Input     json.RawMessage
	Output    json.RawMessage // nil until the execution is final
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Final reports whether the execution has ended.
func (e *Execution) Final() bool { return workflow.State(e.State).Final() }

// Decode reads the output into v, as encoding/json does.
func (e *Execution) Decode(v any) error { return json.Unmarshal(e.Output, v) }

// Execution reads an execution. fault.NotFound.
func (n *Node) Execution(ctx context.Context, id string) (*Execution, error) {
	if err := n.withStore("read"); err != nil {
		return nil, err
	}
	rec, data, err := n.store.GetExecution(ctx, DefaultProject, workflow.ExecutionID(id))
	if err != nil {
		return nil, err
	}
	return executionOf(rec, data)
}

func executionOf(rec *workflow.ExecutionRecord, data *workflow.ExecutionData) (*Execution, error) {
	stored := func(t time.Time) time.Time { return persistence.FromMicros(persistence.Micros(t)) }
	out := &Execution{
		ID: string(rec.ID), Workflow: rec.WorkflowName, State: string(rec.State), StateInfo: rec.StateInfo,
		CreatedAt: stored(rec.CreatedAt), UpdatedAt: stored(rec.UpdatedAt),
	}
	var err error
	if out.Input, err = value.AppendJSON(nil, data.Input); err != nil {
		return nil, err
	}
	if data.Output != nil {
		if out.Output, err = value.AppendJSON(nil, data.Output); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Task is a task of an execution at one moment.
type Task struct {
	ID        string
	Name      string
	State     string
	StateInfo string
	Started   time.Time // zero before the start
	Ended     time.Time // zero before the end
}

// tasksMax bounds what Tasks answers.
const tasksMax = 10000

// Tasks lists an execution's tasks in the order of their creation, at most 10,000.
func (n *Node) Tasks(ctx context.Context, id string) ([]Task, error) {
	if err := n.withStore("read"); err != nil {
		return nil, err
	}
	var out []Task
	after := -1
	for len(out) < tasksMax {
		records, err := n.store.ListTasks(ctx, workflow.ExecutionID(id), after, 1000)
		if err != nil {
			return nil, err
		}
		for _, t := range records {
			out = append(out, Task{
				ID: string(t.ID), Name: t.Name, State: string(t.State), StateInfo: t.StateInfo, Started: t.StartedAt, Ended: t.FinishedAt,
			})
			after = t.Seq
		}
		if len(records) < 1000 {
			break
		}
	}
	return out, nil
}

// Wait returns the execution when it is final, or the context's error.
func (n *Node) Wait(ctx context.Context, id string) (*Execution, error) {
	ended, done := n.cluster.ended.await(workflow.ExecutionID(id))
	defer done()
	if e, err := n.Execution(ctx, id); err != nil || e.Final() {
		return e, err
	}
	return n.wait(ctx, id, ended, true)
}

// wait hears of the execution's end by ended, and looks at it now and then; soon unless it is known not to have ended before.
func (n *Node) wait(ctx context.Context, id string, ended <-chan *workflow.Writes, open bool) (*Execution, error) {
	var looks wait.Looks
	timer := time.NewTimer(looks.Next(open && n.cluster.hears(workflow.ExecutionID(id))))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "wait for execution %s", id)
		case w := <-ended:
			if w != nil {
				ended = nil // it tells once
			}
			if w != nil && w.Data != nil && w.Execution.ProjectID == DefaultProject {
				return executionOf(w.Execution, w.Data)
			}
		case <-timer.C:
		}
		e, err := n.Execution(ctx, id)
		if err != nil {
			return nil, err
		}
		if e.Final() {
			return e, nil
		}
		timer.Reset(looks.Next(ended != nil && n.cluster.hears(workflow.ExecutionID(id))))
	}
}

// Run starts a workflow and waits for its end.
func (n *Node) Run(ctx context.Context, r StartRequest) (*Execution, error) {
	h, err := n.Begin(ctx, r)
	if err != nil {
		return nil, err
	}
	return h.Wait(ctx)
}

// Pause lets running actions end and begins no new ones.
func (n *Node) Pause(ctx context.Context, id string) error {
	return n.command(ctx, id, workflow.Pause{})
}

// Resume continues a paused execution.
func (n *Node) Resume(ctx context.Context, id string) error {
	return n.command(ctx, id, workflow.Resume{})
}

// Cancel ends an execution and all its sub-workflows. Once it has returned no further action of it is begun.
func (n *Node) Cancel(ctx context.Context, id, reason string) error {
	return n.command(ctx, id, workflow.Stop{State: workflow.Cancelled, Message: reason})
}

// CompleteAction gives an asynchronous action its result; v is anything that encoding/json takes.
func (n *Node) CompleteAction(ctx context.Context, actionID string, v any) error {
	return n.finishAction(ctx, actionID, workflow.Success, v)
}

// FailAction ends an asynchronous action in ERROR; v says why.
func (n *Node) FailAction(ctx context.Context, actionID string, v any) error {
	return n.finishAction(ctx, actionID, workflow.Error, v)
}

func (n *Node) finishAction(ctx context.Context, actionID string, state workflow.State, v any) error {
	if err := n.withStore("complete an action"); err != nil {
		return err
	}
	a, err := n.store.FindAction(ctx, workflow.ActionID(actionID))
	if err != nil {
		return err
	}
	return n.finish(ctx, a, state, v)
}

func (n *Node) finish(ctx context.Context, a *workflow.ActionRecord, state workflow.State, v any) error {
	output, err := valueOf(v)
	if err != nil {
		return err
	}
	return n.command(ctx, string(a.ExecutionID), workflow.CompleteAction{Action: a.ID, State: state, Output: output})
}

// Signal gives the asynchronous action that the named task of an execution waits for its result. It waits until the
// task has come so far; fault.NotFound when the execution has ended without it.
func (n *Node) Signal(ctx context.Context, id, task string, v any) error {
	if err := n.withStore("signal"); err != nil {
		return err
	}
	var looks wait.Looks
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, ctx.Err(), "wait for task %q of execution %s", task, id)
		case <-timer.C:
		}
		// The state is read first: an execution that is final now gets no new tasks afterwards.
		e, err := n.store.FindExecution(ctx, DefaultProject, workflow.ExecutionID(id))
		if err != nil {
			return err
		}
		action, err := n.waitingAction(ctx, e.ID, task)
		if err != nil {
			return err
		}
		if action != nil {
			return n.finish(ctx, action, workflow.Success, v)
		}
		if e.State.Final() {
			return fault.New(fault.NotFound, "execution %s has ended and no task %q of it waits", id, task)
		}
		timer.Reset(looks.Next(false))
	}
}

// waitingAction finds the open asynchronous action of a task; nil when there is none.
func (n *Node) waitingAction(ctx context.Context, id workflow.ExecutionID, task string) (*workflow.ActionRecord, error) {
	for last := -1; ; {
		tasks, err := n.store.ListTasks(ctx, id, last, persistence.LimitMax)
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			if last = t.Seq; t.Name != task || t.State.Final() {
				continue
			}
			if a, err := n.waitingOf(ctx, t); a != nil || err != nil {
				return a, err
			}
		}
		if len(tasks) < persistence.LimitMax {
			return nil, nil
		}
	}
}

func (n *Node) waitingOf(ctx context.Context, t *workflow.TaskRecord) (*workflow.ActionRecord, error) {
	for last := -1; ; {
		list, err := n.store.ListActions(ctx, t.ExecutionID, t.ID, last, persistence.LimitMax)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if last = a.Seq; a.Async && !a.State.Final() {
				return a, nil
			}
		}
		if len(list) < persistence.LimitMax {
			return nil, nil
		}
	}
}

func valueOf(v any) (value.Value, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "result")
	}
	return value.ParseJSON(data)
}

func (n *Node) command(ctx context.Context, id string, op workflow.Op) error {
	if err := n.withStore("command"); err != nil {
		return err
	}
	return n.cluster.Command(ctx, workflow.ExecutionID(id), workflow.Command{RequestID: uuid.NewString(), Op: op})
}

// withStore refuses what a node without a database can't do.
func (n *Node) withStore(what string) error {
	if n.store == nil {
		return fault.New(fault.Invalid, "%s: this node is only a runner; ask an engine or api node", what)
	}
	return nil
}
