// Package client speaks the REST API, version 2, of cierzo and of OpenStack Mistral.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
)

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base string // with the /v2
	http *http.Client
}

// Timeout of a request, from dialing to the end of the answer. Mistral's own is 60 s.
const Timeout = 90 * time.Second

// answerMax bounds an answer, in bytes.
const answerMax = 256 << 20

// New makes a client of the server at address, such as http://127.0.0.1:8989; the path /v2 is added if it isn't there.
func New(address string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.New(fault.Invalid, "server: %q is no address such as http://127.0.0.1:8989", address)
	}
	base := strings.TrimRight(u.String(), "/")
	if !strings.HasSuffix(base, "/v2") {
		base += "/v2"
	}
	return &Client{base: base, http: &http.Client{Timeout: Timeout}}, nil
}

// CreateWorkflows uploads a text with a list of workflows. fault.Conflict when one exists.
func (c *Client) CreateWorkflows(ctx context.Context, namespace string, text []byte) ([]apitype.Workflow, error) {
	var out apitype.Workflows
	err := c.text(ctx, http.MethodPost, "/workflows"+query("namespace", namespace), text, &out)
	return out.Workflows, err
}

// UpdateWorkflows makes new revisions of the workflows in a text. fault.NotFound when one doesn't exist.
func (c *Client) UpdateWorkflows(ctx context.Context, namespace string, text []byte) ([]apitype.Workflow, error) {
	var out apitype.Workflows
	err := c.text(ctx, http.MethodPut, "/workflows"+query("namespace", namespace), text, &out)
	return out.Workflows, err
}

// CreateActions uploads a text with ad-hoc actions.
func (c *Client) CreateActions(ctx context.Context, namespace string, text []byte) ([]apitype.Action, error) {
	var out apitype.Actions
	err := c.text(ctx, http.MethodPost, "/actions"+query("namespace", namespace), text, &out)
	return out.Actions, err
}

// CreateWorkbook uploads a workbook. fault.Conflict when it exists.
func (c *Client) CreateWorkbook(ctx context.Context, namespace string, text []byte) (*apitype.Workbook, error) {
	var out apitype.Workbook
	err := c.text(ctx, http.MethodPost, "/workbooks"+query("namespace", namespace), text, &out)
	return &out, err
}

// UpdateWorkbook replaces a workbook's text.
func (c *Client) UpdateWorkbook(ctx context.Context, namespace string, text []byte) (*apitype.Workbook, error) {
	var out apitype.Workbook
	err := c.text(ctx, http.MethodPut, "/workbooks"+query("namespace", namespace), text, &out)
	return &out, err
}

// StartExecution begins an execution. With an ID that exists it answers that execution.
func (c *Client) StartExecution(ctx context.Context, e apitype.NewExecution) (*apitype.Execution, error) {
	var out apitype.Execution
	err := c.json(ctx, http.MethodPost, "/executions", e, &out)
	return &out, err
}

// Execution reads an execution with its output.
func (c *Client) Execution(ctx context.Context, id string) (*apitype.Execution, error) {
	var out apitype.Execution
	err := c.json(ctx, http.MethodGet, "/executions/"+url.PathEscape(id), nil, &out)
	return &out, err
}

// Executions lists executions; q holds filters and paging as the API takes them.
func (c *Client) Executions(ctx context.Context, q url.Values) ([]apitype.Execution, error) {
	var out apitype.Executions
	err := c.json(ctx, http.MethodGet, "/executions?"+q.Encode(), nil, &out)
	return out.Executions, err
}

// SetState asks for a change of an execution's state: RUNNING resumes, PAUSED pauses, a final state stops.
func (c *Client) SetState(ctx context.Context, id, state, info string) (*apitype.Execution, error) {
	body := map[string]string{"state": state}
	if info != "" {
		body["state_info"] = info
	}
	var out apitype.Execution
	err := c.json(ctx, http.MethodPut, "/executions/"+url.PathEscape(id), body, &out)
	return &out, err
}

// DeleteExecution removes an execution; force also one that isn't final.
func (c *Client) DeleteExecution(ctx context.Context, id string, force bool) error {
	path := "/executions/" + url.PathEscape(id)
	if force {
		path += "?force=true"
	}
	return c.json(ctx, http.MethodDelete, path, nil, nil)
}

// Tasks lists an execution's tasks in the order of their creation.
func (c *Client) Tasks(ctx context.Context, execution string) ([]apitype.Task, error) {
	var all []apitype.Task
	marker := ""
	for {
		var out apitype.Tasks
		if err := c.json(ctx, http.MethodGet, "/executions/"+url.PathEscape(execution)+"/tasks"+query("marker", marker), nil, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Tasks...)
		if out.Next == "" || len(out.Tasks) == 0 {
			return all, nil
		}
		marker = out.Tasks[len(out.Tasks)-1].ID
	}
}

// UpdateTask reruns (state RUNNING) or skips (state SKIPPED) a failed task.
func (c *Client) UpdateTask(ctx context.Context, id, state string, reset bool) (*apitype.Task, error) {
	var out apitype.Task
	err := c.json(ctx, http.MethodPut, "/tasks/"+url.PathEscape(id), map[string]any{"state": state, "reset": reset}, &out)
	return &out, err
}

// TaskActions lists a task's action executions with their output.
func (c *Client) TaskActions(ctx context.Context, task string) ([]apitype.ActionExecution, error) {
	var out apitype.ActionExecutions
	err := c.json(ctx, http.MethodGet, "/tasks/"+url.PathEscape(task)+"/action_executions?include_output=true", nil, &out)
	return out.ActionExecutions, err
}

// CompleteAction gives an action its outcome: state SUCCESS, ERROR or CANCELLED, output any JSON or nil.
func (c *Client) CompleteAction(ctx context.Context, id, state string, output json.RawMessage) (*apitype.ActionExecution, error) {
	body := map[string]any{"state": state}
	if output != nil {
		body["output"] = string(output)
	}
	var out apitype.ActionExecution
	err := c.json(ctx, http.MethodPut, "/action_executions/"+url.PathEscape(id), body, &out)
	return &out, err
}

func query(name, v string) string {
	if v == "" {
		return ""
	}
	return "?" + name + "=" + url.QueryEscape(v)
}

func (c *Client) text(ctx context.Context, method, path string, body []byte, answer any) error {
	return c.call(ctx, method, path, "text/plain", body, answer)
}

func (c *Client) json(ctx context.Context, method, path string, body, answer any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	return c.call(ctx, method, path, "application/json", data, answer)
}

func (c *Client) call(ctx context.Context, method, path, contentType string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "request %s", path)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fault.Wrap(fault.Unavailable, err, "server %s", c.base)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "server %s", c.base)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fault.New(fault.KindOfStatus(resp.StatusCode), "%s", faultText(resp, data))
	}
	if answer == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("answer of %s %s: %w", method, path, err)
	}
	return nil
}

// faultText is what the server says of an error: the faultstring, or the text as it came.
func faultText(resp *http.Response, data []byte) string {
	var f apitype.Fault
	if json.Unmarshal(data, &f) == nil && f.Message != "" {
		return f.Message
	}
	if text := strings.TrimSpace(string(data)); text != "" && len(text) < 1000 {
		return text
	}
	return resp.Status
}
