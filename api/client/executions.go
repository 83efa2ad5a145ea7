package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cierzo/api/apitype"
)

// StartExecution begins an execution. With an ID that exists it answers that execution.
func (c *Client) StartExecution(ctx context.Context, e apitype.NewExecution) (*apitype.Execution, error) {
	return c.StartAndWait(ctx, e, 0)
}

// StartAndWait begins an execution, and answers when it has ended or the time is over. Mistral's servers don't wait.
func (c *Client) StartAndWait(ctx context.Context, e apitype.NewExecution, wait time.Duration) (*apitype.Execution, error) {
	q := ""
	if wait > 0 {
		q = query("wait", wait.String())
	}
	var out apitype.Execution
	err := c.json(ctx, http.MethodPost, "/executions"+q, e, &out)
	return &out, err
}

// Execution reads an execution with its output.
func (c *Client) Execution(ctx context.Context, id string) (*apitype.Execution, error) {
	var out apitype.Execution
	err := c.get(ctx, path("executions", id), &out)
	return &out, err
}

// Executions lists one page of executions; q holds filters and paging as the API takes them.
func (c *Client) Executions(ctx context.Context, q url.Values) ([]apitype.Execution, error) {
	var out apitype.Executions
	err := c.get(ctx, "/executions"+suffix(q), &out)
	return out.Executions, err
}

// AllExecutions lists executions page after page, at most so many (0: all).
func (c *Client) AllExecutions(ctx context.Context, q url.Values, most int) ([]apitype.Execution, error) {
	return list[apitype.Execution](ctx, c, "/executions", "executions", q, most)
}

// SubExecutions lists an execution and all its sub-workflows. depth -1 is all of them.
func (c *Client) SubExecutions(ctx context.Context, id string, errorsOnly bool, depth int) ([]apitype.Execution, error) {
	var out apitype.Executions
	err := c.get(ctx, path("executions", id, "executions")+tree(errorsOnly, depth), &out)
	return out.Executions, err
}

func tree(errorsOnly bool, depth int) string {
	return query("errors_only", strconv.FormatBool(errorsOnly), "max_depth", strconv.Itoa(depth))
}

// Report is Mistral's report about an execution: all tasks with their actions and sub-workflows. depth -1 is all.
func (c *Client) Report(ctx context.Context, id string, errorsOnly, statisticsOnly bool, depth int) (*apitype.Report, error) {
	var out apitype.Report
	q := tree(errorsOnly, depth)
	if statisticsOnly {
		q += "&statistics_only=true"
	}
	err := c.get(ctx, path("executions", id, "report")+q, &out)
	return &out, err
}

// UpdateExecution changes an execution: {"state", "state_info"}, {"description"} or {"params": {"env": …}}.
func (c *Client) UpdateExecution(ctx context.Context, id string, change map[string]any) (*apitype.Execution, error) {
	var out apitype.Execution
	err := c.json(ctx, http.MethodPut, path("executions", id), change, &out)
	return &out, err
}

// SetState asks for a change of an execution's state: RUNNING resumes, PAUSED pauses, a final state stops.
func (c *Client) SetState(ctx context.Context, id, state, info string) (*apitype.Execution, error) {
	body := map[string]any{"state": state}
	if info != "" {
		body["state_info"] = info
	}
	return c.UpdateExecution(ctx, id, body)
}

// DeleteExecution removes an execution; force also one that isn't final.
func (c *Client) DeleteExecution(ctx context.Context, id string, force bool) error {
	q := ""
	if force {
		q = "?force=true"
	}
	return c.remove(ctx, path("executions", id)+q)
}

// Bulk does one thing with many executions; the answer's marker says where another request goes on.
func (c *Client) Bulk(ctx context.Context, b apitype.Bulk) (*apitype.BulkResult, error) {
	var out apitype.BulkResult
	err := c.json(ctx, http.MethodPost, "/executions/bulk", b, &out)
	return &out, err
}

// Explain says of every task that has not ended what it waits for.
func (c *Client) Explain(ctx context.Context, id string) (*apitype.Explanation, error) {
	var out apitype.Explanation
	err := c.get(ctx, path("executions", id, "explain"), &out)
	return &out, err
}

// Graph has the tasks of an execution's workflow with their states, and the transitions.
func (c *Client) Graph(ctx context.Context, id string) (*apitype.Graph, error) {
	var out apitype.Graph
	err := c.get(ctx, path("executions", id, "graph"), &out)
	return &out, err
}

// Drawing is the graph as a text; format is "dot" or "mermaid".
func (c *Client) Drawing(ctx context.Context, id, format string) (string, error) {
	var out []byte
	err := c.get(ctx, path("executions", id, "graph")+query("format", format), &out)
	return string(out), err
}

// Tasks lists an execution's tasks in the order of their creation.
func (c *Client) Tasks(ctx context.Context, execution string) ([]apitype.Task, error) {
	return list[apitype.Task](ctx, c, path("executions", execution, "tasks"), "tasks", nil, 0)
}

// FindTasks lists tasks, of an execution or (execution "") of all, at most so many (0: all).
func (c *Client) FindTasks(ctx context.Context, execution string, q url.Values, most int) ([]apitype.Task, error) {
	at := "/tasks"
	if execution != "" {
		at = path("executions", execution, "tasks")
	}
	return list[apitype.Task](ctx, c, at, "tasks", q, most)
}

// Task reads a task with its result.
func (c *Client) Task(ctx context.Context, id string) (*apitype.Task, error) {
	var out apitype.Task
	err := c.get(ctx, path("tasks", id), &out)
	return &out, err
}

// TaskExecutions lists the sub-workflow executions of a task, and theirs. depth -1 is all.
func (c *Client) TaskExecutions(ctx context.Context, id string, errorsOnly bool, depth int) ([]apitype.Execution, error) {
	var out apitype.Executions
	err := c.get(ctx, path("tasks", id, "executions")+tree(errorsOnly, depth), &out)
	return out.Executions, err
}

// UpdateTask reruns (state RUNNING) or skips (state SKIPPED) a failed task.
func (c *Client) UpdateTask(ctx context.Context, id, state string, reset bool) (*apitype.Task, error) {
	return c.ChangeTask(ctx, id, map[string]any{"state": state, "reset": reset})
}

// ChangeTask is UpdateTask with all that can be said: {"state", "reset", "env", "input"}.
func (c *Client) ChangeTask(ctx context.Context, id string, change map[string]any) (*apitype.Task, error) {
	var out apitype.Task
	err := c.json(ctx, http.MethodPut, path("tasks", id), change, &out)
	return &out, err
}

// TaskActions lists a task's action executions with their output.
func (c *Client) TaskActions(ctx context.Context, task string) ([]apitype.ActionExecution, error) {
	return c.ActionExecutions(ctx, task, url.Values{"include_output": {"true"}}, 0)
}

// ActionExecutions lists action executions, of a task or (task "") of all, at most so many (0: all).
func (c *Client) ActionExecutions(ctx context.Context, task string, q url.Values, most int) ([]apitype.ActionExecution, error) {
	at := "/action_executions"
	if task != "" {
		at = path("tasks", task, "action_executions")
	}
	return list[apitype.ActionExecution](ctx, c, at, "action_executions", q, most)
}

// ActionExecution reads an action execution with its output.
func (c *Client) ActionExecution(ctx context.Context, id string) (*apitype.ActionExecution, error) {
	var out apitype.ActionExecution
	err := c.get(ctx, path("action_executions", id), &out)
	return &out, err
}

// RunAction runs an action by itself. What is not saved comes back with its output and has no ID.
func (c *Client) RunAction(ctx context.Context, a apitype.NewActionExecution) (*apitype.ActionExecution, error) {
	var out apitype.ActionExecution
	err := c.json(ctx, http.MethodPost, "/action_executions", a, &out)
	return &out, err
}

// CompleteAction gives an action its outcome: state SUCCESS, ERROR or CANCELLED, output any JSON or nil.
func (c *Client) CompleteAction(ctx context.Context, id, state string, output json.RawMessage) (*apitype.ActionExecution, error) {
	body := map[string]any{"state": state}
	if output != nil {
		body["output"] = string(output)
	}
	var out apitype.ActionExecution
	err := c.json(ctx, http.MethodPut, path("action_executions", id), body, &out)
	return &out, err
}

// DeleteActionExecution removes an action that was run by itself; servers may forbid it.
func (c *Client) DeleteActionExecution(ctx context.Context, id string) error {
	return c.remove(ctx, path("action_executions", id))
}
