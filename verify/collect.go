package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// collector reads what the API shows of all executions of a run, and makes a case of it.
type collector struct {
	*caller
	plan        *plan
	definitions map[string]*dsl.Workflow
	actions     map[string][]apitype.ActionExecution // by task
	out         *check.Case
}

// collect reads everything. An error says that the cluster doesn't answer.
func collect(ctx context.Context, c *cluster, p *plan) (*check.Case, error) {
	doc, diagnostics := dsl.Parse("verify.yaml", []byte(p.text()))
	if doc == nil || len(diagnostics) > 0 {
		return nil, fault.New(fault.Internal, "the drawn workflows are wrong: %v", diagnostics)
	}
	k := &collector{
		caller: &caller{cluster: c}, plan: p, definitions: map[string]*dsl.Workflow{}, actions: map[string][]apitype.ActionExecution{},
		out: &check.Case{
			Executions: map[workflow.ExecutionID]*check.Execution{}, Partial: true,
			Made: map[string][]workflow.ExecutionID{}, Expected: map[workflow.ActionID]value.Value{},
		},
	}
	for _, w := range doc.Workflows {
		k.definitions[w.Name] = w
	}
	return k.out, k.all(ctx)
}

// get reads until there is an answer.
func get[T any](ctx context.Context, k *collector, what string, fn func(context.Context, *client.Client) (T, error)) (T, error) {
	var out T
	a := k.do(ctx, "collect", func(ctx context.Context, c *client.Client) (err error) {
		out, err = fn(ctx, c)
		return err
	})
	if a.err != nil {
		return out, fmt.Errorf("read %s: %w", what, a.err)
	}
	return out, nil
}

func (k *collector) all(ctx context.Context) error {
	var list []apitype.Execution
	for _, f := range k.plan.flows {
		q := url.Values{"workflow_name": {k.plan.prefix + f.name}}
		some, err := get(ctx, k, "executions of "+f.name, func(ctx context.Context, c *client.Client) ([]apitype.Execution, error) {
			return c.AllExecutions(ctx, q, 0)
		})
		if err != nil {
			return err
		}
		list = append(list, some...)
		q.Set("include_output", "true")
		acts, err := get(ctx, k, "actions of "+f.name, func(ctx context.Context, c *client.Client) ([]apitype.ActionExecution, error) {
			return c.ActionExecutions(ctx, "", q, 0)
		})
		if err != nil {
			return err
		}
		for _, a := range acts {
			k.actions[a.TaskExecutionID.Value] = append(k.actions[a.TaskExecutionID.Value], a)
		}
	}
	for i := range list {
		x, err := k.execution(ctx, list[i].ID)
		if err != nil {
			return err
		}
		if x == nil {
			continue
		}
		k.out.Executions[x.ID] = x
		if key, err := keyOf(list[i].Input); err == nil && x.ParentTaskID == "" {
			k.out.Made[key] = append(k.out.Made[key], x.ID)
		}
	}
	k.children()
	return nil
}

func keyOf(input string) (string, error) {
	var in struct{ Key string }
	err := json.Unmarshal([]byte(input), &in)
	return in.Key, err
}

// execution reads one execution; nil: it is gone. Of one that hasn't ended the history is read once more after its rows: if
// it has grown, the rows may be of different moments.
func (k *collector) execution(ctx context.Context, id string) (*check.Execution, error) {
	const triesMax = 5
	for try := 1; ; try++ {
		history, err := k.history(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		x, err := k.rows(ctx, id)
		if err != nil {
			return nil, err
		}
		x.History = history
		if x.State.Final() {
			return x, k.addActions(x)
		}
		if err := k.freshActions(ctx, x); err != nil {
			return nil, err
		}
		again, err := k.history(ctx, id)
		if err != nil {
			return nil, err
		}
		if len(again) == len(history) || try == triesMax {
			return x, k.addActions(x)
		}
	}
}

// freshActions reads the actions of an execution that is under way.
func (k *collector) freshActions(ctx context.Context, x *check.Execution) error {
	for _, t := range x.Tasks {
		list, err := get(ctx, k, "actions of task "+t.Name, func(ctx context.Context, c *client.Client) ([]apitype.ActionExecution, error) {
			return c.TaskActions(ctx, string(t.ID))
		})
		if err != nil {
			return err
		}
		k.actions[string(t.ID)] = list
	}
	return nil
}

// eventsPage is how many events the API shows at once.
const eventsPage = 1000

func (k *collector) history(ctx context.Context, id string) ([]workflow.HistoryEvent, error) {
	var out []workflow.HistoryEvent
	for after := uint64(0); ; {
		page, err := get(ctx, k, "history of "+id, func(ctx context.Context, c *client.Client) ([]apitype.Event, error) {
			return c.Events(ctx, id, after)
		})
		if err != nil {
			return nil, err
		}
		for i := range page {
			out = append(out, historyEvent(&page[i]))
		}
		if len(page) < eventsPage {
			return out, nil
		}
		after = page[len(page)-1].Seq
	}
}

func historyEvent(e *apitype.Event) workflow.HistoryEvent {
	at, _ := time.Parse(time.RFC3339Nano, e.At) // the zero time: the server says none
	return workflow.HistoryEvent{
		Seq: e.Seq, At: at, Kind: e.Kind, TaskID: workflow.TaskID(e.TaskID), Task: e.Task, ActionID: workflow.ActionID(e.ActionID),
		State: workflow.State(e.State), Info: e.Info,
	}
}

// rows reads an execution and its tasks.
func (k *collector) rows(ctx context.Context, id string) (*check.Execution, error) {
	e, err := get(ctx, k, "execution "+id, func(ctx context.Context, c *client.Client) (*apitype.Execution, error) { return c.Execution(ctx, id) })
	if err != nil {
		return nil, err
	}
	params, err := dict(e.Params)
	if err != nil {
		return nil, fmt.Errorf("params of execution %s: %w", id, err)
	}
	if e.Output.Value == "" {
		e.Output.Value = "{}"
	}
	output, err := value.ParseJSON([]byte(e.Output.Value))
	if err != nil {
		return nil, fmt.Errorf("output of execution %s: %w", id, err)
	}
	x := &check.Execution{
		ExecutionRecord: &workflow.ExecutionRecord{
			ID: workflow.ExecutionID(e.ID), WorkflowName: e.WorkflowName, RootID: workflow.ExecutionID(e.RootExecutionID.Value),
			ParentTaskID: workflow.TaskID(e.TaskExecutionID.Value), State: workflow.State(e.State), StateInfo: e.StateInfo.Value,
		},
		Data: &workflow.ExecutionData{Params: params, Output: output}, Definition: k.definitions[e.WorkflowName],
	}
	tasks, err := get(ctx, k, "tasks of "+id, func(ctx context.Context, c *client.Client) ([]apitype.Task, error) { return c.Tasks(ctx, id) })
	if err != nil {
		return nil, err
	}
	for i := range tasks {
		t, err := taskRecord(&tasks[i], i)
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", tasks[i].ID, err)
		}
		x.Tasks = append(x.Tasks, t)
	}
	if key, err := keyOf(e.Input); err == nil {
		k.expect(x, key)
	}
	return x, nil
}

func dict(text string) (*value.Dict, error) {
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fault.New(fault.Invalid, "%q is no object", text)
	}
	return d, nil
}

// taskRecord is a task as the engine knows it, as far as the API shows it.
func taskRecord(t *apitype.Task, seq int) (*workflow.TaskRecord, error) {
	out := &workflow.TaskRecord{
		ID: workflow.TaskID(t.ID), ExecutionID: workflow.ExecutionID(t.WorkflowExecutionID), Name: t.Name, Seq: seq,
		State: workflow.State(t.State), StateInfo: t.StateInfo.Value,
	}
	var context struct {
		TriggeredBy []struct {
			TaskID string `json:"task_id"`
			Event  string `json:"event"`
		} `json:"triggered_by"`
		WithItems *struct{ Count int } `json:"with_items"`
	}
	if err := json.Unmarshal([]byte(t.RuntimeContext), &context); err != nil {
		return nil, fmt.Errorf("runtime context: %w", err)
	}
	for _, by := range context.TriggeredBy {
		out.TriggeredBy = append(out.TriggeredBy, workflow.Trigger{TaskID: workflow.TaskID(by.TaskID), Event: by.Event})
	}
	out.Runtime.ItemCount = -1
	if context.WithItems != nil {
		out.Runtime.ItemCount = context.WithItems.Count
	}
	if t.Published.Value != "" {
		published, err := dict(t.Published.Value)
		if err != nil {
			return nil, fmt.Errorf("published: %w", err)
		}
		out.Published = published
	}
	return out, nil
}

// expect says what the results of an execution's std.echo must be: they follow from its input.
func (k *collector) expect(x *check.Execution, key string) {
	f := k.plan.flow(x.WorkflowName)
	if f == nil {
		return
	}
	for _, t := range x.Tasks {
		job := f.job(t.Name)
		if job == nil || job.action != echo {
			continue
		}
		for _, a := range k.actions[string(t.ID)] {
			k.out.Expected[workflow.ActionID(a.ID)] = value.String(job.expected(key, indexOf(a.Input)))
		}
	}
}

// indexOf finds the number of the item in an action's input, where the drawn workflows put it: last.
func indexOf(input string) int {
	var in struct {
		Output    string          `json:"output"`
		ErrorData json.RawMessage `json:"error_data"`
	}
	if json.Unmarshal([]byte(input), &in) != nil {
		return 0
	}
	text := in.Output
	if text == "" {
		text = strings.Trim(string(in.ErrorData), `"`)
	}
	n, err := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	if err != nil {
		return 0
	}
	return n
}

// addActions adds the actions of an execution, in the order of its history.
func (k *collector) addActions(x *check.Execution) error {
	attempts, order := map[workflow.ActionID]int{}, map[workflow.ActionID]int{}
	for _, h := range x.History {
		switch {
		case h.Kind == "action.attempt" && h.State == workflow.Running:
			attempts[h.ActionID]++
		case h.Kind == "action.state" && order[h.ActionID] == 0:
			order[h.ActionID] = len(order) + 1
		}
	}
	for _, t := range x.Tasks {
		for _, a := range k.actions[string(t.ID)] {
			rec := &workflow.ActionRecord{
				ID: workflow.ActionID(a.ID), ExecutionID: x.ID, TaskID: t.ID, Name: a.Name, Kind: workflow.KindAction, Seq: order[workflow.ActionID(a.ID)],
				State: workflow.State(a.State), Accepted: a.Accepted.Value, Attempt: attempts[workflow.ActionID(a.ID)], Async: a.Name == async,
				SafeRerun: true, // of the actions that are used here each one is
			}
			if t.Runtime.ItemCount >= 0 {
				rec.Index = k.itemOf(x, t, &a)
			}
			if a.Output.Value != "" {
				output, err := value.ParseJSON([]byte(a.Output.Value))
				if err != nil {
					return fmt.Errorf("output of action %s: %w", a.ID, err)
				}
				rec.Output = output
			}
			x.Actions = append(x.Actions, rec)
		}
	}
	return nil
}

// itemOf is the item of an action. std.noop takes no input that could say it: its actions count as they come, retries apart.
func (k *collector) itemOf(x *check.Execution, t *workflow.TaskRecord, a *apitype.ActionExecution) int {
	if a.Name != noop {
		return indexOf(a.Input)
	}
	n := 0
	for _, other := range x.Actions {
		if other.TaskID == t.ID {
			n++
		}
	}
	return n
}

// children adds what stands for sub-workflows in their parents: its state is in the parent's history, all else is the
// sub-workflow's own.
func (k *collector) children() {
	for _, x := range k.out.Executions {
		known := map[workflow.ActionID]bool{}
		for _, a := range x.Actions {
			known[a.ID] = true
		}
		newest := map[string]*workflow.ActionRecord{}
		children := map[workflow.ActionID]*workflow.ActionRecord{}
		for _, h := range x.History {
			if h.Kind != "action.state" || known[h.ActionID] {
				continue
			}
			rec := children[h.ActionID]
			if rec == nil {
				rec = &workflow.ActionRecord{ID: h.ActionID, ExecutionID: x.ID, TaskID: h.TaskID, Kind: workflow.KindWorkflow, Seq: len(x.Actions)}
				k.adopt(x, rec)
				children[rec.ID] = rec
				x.Actions = append(x.Actions, rec)
				newest[fmt.Sprint(rec.TaskID, "/", rec.Index)] = rec
			}
			rec.State = h.State
		}
		for _, a := range newest { // the others were tried again
			a.Accepted = a.State.Final()
		}
	}
}

// adopt takes over what the sub-workflow says of itself.
func (k *collector) adopt(x *check.Execution, rec *workflow.ActionRecord) {
	child := k.out.Executions[workflow.ExecutionID(rec.ID)]
	if child == nil {
		return
	}
	if child.ParentTaskID == rec.TaskID {
		child.ParentID = x.ID
	}
	rec.Name = child.WorkflowName
	if v, ok := child.Data.Params.GetString("index"); ok {
		if n, ok := v.(value.Int); ok {
			rec.Index = int(n)
		}
	}
	out := value.NewDict(1)
	out.SetString("result", child.Data.Output)
	rec.Output = out.Freeze()
}
