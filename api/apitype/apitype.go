// Package apitype holds the JSON types of the REST API, version 2, as Mistral's clients know them.
//
// Structured fields (input, output, params, …) travel as JSON inside a string. Times are UTC, "2006-01-02 15:04:05". A
// field that isn't set is absent, one that is empty is null: Opt keeps the two apart.
package apitype

import (
	"bytes"
	"encoding/json"
	"time"
)

// TimeFormat of all times in answers, in UTC.
const TimeFormat = "2006-01-02 15:04:05"

// Opt is a field that can be absent, null or a value. The zero value is absent; tag such fields with omitzero.
type Opt[T any] struct {
	Set   bool // in the JSON object at all
	Null  bool
	Value T
}

// Some is a field with a value.
func Some[T any](v T) Opt[T] { return Opt[T]{Set: true, Value: v} }

// Null is a field that is null.
func Null[T any]() Opt[T] { return Opt[T]{Set: true, Null: true} }

// IsZero reports whether the field is absent.
func (o Opt[T]) IsZero() bool { return !o.Set }

// MarshalJSON writes the value or null.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.Set || o.Null {
		return []byte("null"), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o.Value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// UnmarshalJSON reads a value or null.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	o.Set = true
	if string(data) == "null" {
		o.Null = true
		return nil
	}
	return json.Unmarshal(data, &o.Value)
}

// Time is a time as the API writes it; the zero time is null.
func Time(t time.Time) Opt[string] {
	if t.IsZero() {
		return Null[string]()
	}
	return Some(t.UTC().Format(TimeFormat))
}

// Text is a text as the API writes it; the empty text is null.
func Text(s string) Opt[string] {
	if s == "" {
		return Null[string]()
	}
	return Some(s)
}

// Fault is the body of errors. Code and Debug are only there on the JSON endpoints, not on those that take a text.
type Fault struct {
	Debug   Opt[string] `json:"debuginfo,omitzero"`
	Code    string      `json:"faultcode,omitempty"` // "Client" or "Server"
	Message string      `json:"faultstring"`
}

// Validation is the answer of the validate endpoints.
type Validation struct {
	Valid bool   `json:"valid"`
	Error string `json:"error,omitempty"`
}

// Workflow is a workflow definition.
type Workflow struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Namespace  string          `json:"namespace"`
	Input      string          `json:"input"`
	Interface  json.RawMessage `json:"interface"` // a JSON string in lists and GET, an object in answers to uploads
	Definition string          `json:"definition"`
	Checksum   Opt[string]     `json:"checksum"` // MD5 of the definition, hex; null for a workbook's
	Tags       []string        `json:"tags"`
	Scope      string          `json:"scope"`
	ProjectID  string          `json:"project_id"`
	CreatedAt  Opt[string]     `json:"created_at"`
	UpdatedAt  Opt[string]     `json:"updated_at,omitzero"`
}

// Workbook is a workbook definition.
type Workbook struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Namespace  string      `json:"namespace"`
	Definition string      `json:"definition"`
	Tags       []string    `json:"tags"`
	Scope      string      `json:"scope"`
	ProjectID  string      `json:"project_id"`
	CreatedAt  Opt[string] `json:"created_at"`
	UpdatedAt  Opt[string] `json:"updated_at,omitzero"`
}

// Action is an action definition: ad-hoc, or one that runners offer.
type Action struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Namespace   string        `json:"namespace"`
	IsSystem    bool          `json:"is_system"`
	Input       Opt[string]   `json:"input"`
	Description Opt[string]   `json:"description"`
	Tags        Opt[[]string] `json:"tags"`
	Definition  Opt[string]   `json:"definition"`
	Scope       Opt[string]   `json:"scope"`
	ProjectID   Opt[string]   `json:"project_id"`
	CreatedAt   Opt[string]   `json:"created_at"`
	UpdatedAt   Opt[string]   `json:"updated_at,omitzero"`
}

// Execution is a workflow execution.
type Execution struct {
	ID                string      `json:"id"`
	WorkflowID        string      `json:"workflow_id"`
	WorkflowName      string      `json:"workflow_name"`
	WorkflowNamespace string      `json:"workflow_namespace"`
	Description       string      `json:"description"`
	Tags              []string    `json:"tags"`
	Params            string      `json:"params"`
	TaskExecutionID   Opt[string] `json:"task_execution_id"`
	RootExecutionID   Opt[string] `json:"root_execution_id"`
	SourceExecutionID Opt[string] `json:"source_execution_id"`
	State             string      `json:"state"`
	StateInfo         Opt[string] `json:"state_info"`
	Input             string      `json:"input"`
	Output            Opt[string] `json:"output,omitzero"`
	PublishedGlobal   Opt[string] `json:"published_global,omitzero"`
	CreatedAt         Opt[string] `json:"created_at"`
	UpdatedAt         Opt[string] `json:"updated_at,omitzero"`
	ProjectID         string      `json:"project_id"`
	StartedBy         *Requester  `json:"started_by,omitempty"`
	Traceparent       string      `json:"traceparent,omitempty"`
}

// Requester is who has asked for something.
type Requester struct {
	User    string `json:"user,omitempty"`
	Name    string `json:"name,omitempty"`
	Project string `json:"project,omitempty"`
}

// Task is a task execution.
type Task struct {
	ID                  string      `json:"id"`
	Name                string      `json:"name"`
	Type                string      `json:"type"`
	WorkflowName        string      `json:"workflow_name"`
	WorkflowNamespace   string      `json:"workflow_namespace"`
	WorkflowID          string      `json:"workflow_id"`
	WorkflowExecutionID string      `json:"workflow_execution_id"`
	Tags                []string    `json:"tags"`
	State               string      `json:"state"`
	StateInfo           Opt[string] `json:"state_info"`
	ProjectID           string      `json:"project_id"`
	RuntimeContext      string      `json:"runtime_context"`
	Result              Opt[string] `json:"result,omitzero"`
	Published           Opt[string] `json:"published,omitzero"`
	PublishedGlobal     Opt[string] `json:"published_global,omitzero"`
	Processed           bool        `json:"processed"`
	CreatedAt           Opt[string] `json:"created_at"`
	UpdatedAt           Opt[string] `json:"updated_at"`
	StartedAt           Opt[string] `json:"started_at"`
	FinishedAt          Opt[string] `json:"finished_at"`
}

// ActionExecution is an execution of an action.
type ActionExecution struct {
	ID                string      `json:"id"`
	Name              string      `json:"name"`
	WorkflowName      Opt[string] `json:"workflow_name"`
	WorkflowNamespace Opt[string] `json:"workflow_namespace"`
	TaskName          Opt[string] `json:"task_name"`
	TaskExecutionID   Opt[string] `json:"task_execution_id"`
	State             string      `json:"state"`
	StateInfo         Opt[string] `json:"state_info"`
	Tags              []string    `json:"tags"`
	Description       Opt[string] `json:"description"`
	ProjectID         string      `json:"project_id"`
	Accepted          Opt[bool]   `json:"accepted"`
	Input             string      `json:"input"`
	Output            Opt[string] `json:"output,omitzero"`
	Params            Opt[string] `json:"params,omitzero"`
	CreatedAt         Opt[string] `json:"created_at"`
	UpdatedAt         Opt[string] `json:"updated_at"`
}

// Environment is a named set of variables.
type Environment struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description Opt[string] `json:"description,omitzero"`
	Variables   Opt[string] `json:"variables,omitzero"`
	Scope       string      `json:"scope"`
	ProjectID   string      `json:"project_id"`
	CreatedAt   Opt[string] `json:"created_at"`
	UpdatedAt   Opt[string] `json:"updated_at,omitzero"`
}

// Each page of a list has its collection under the resource's name, and the next page's address when it is full.
type (
	// Workflows is a page of workflows.
	Workflows struct {
		Workflows []Workflow `json:"workflows"`
		Next      string     `json:"next,omitempty"`
	}
	// Workbooks is a page of workbooks.
	Workbooks struct {
		Workbooks []Workbook `json:"workbooks"`
		Next      string     `json:"next,omitempty"`
	}
	// Actions is a page of actions.
	Actions struct {
		Actions []Action `json:"actions"`
		Next    string   `json:"next,omitempty"`
	}
	// Executions is a page of executions.
	Executions struct {
		Executions []Execution `json:"executions"`
		Next       string      `json:"next,omitempty"`
	}
	// Tasks is a page of tasks.
	Tasks struct {
		Tasks []Task `json:"tasks"`
		Next  string `json:"next,omitempty"`
	}
	// ActionExecutions is a page of action executions.
	ActionExecutions struct {
		ActionExecutions []ActionExecution `json:"action_executions"`
		Next             string            `json:"next,omitempty"`
	}
	// Environments is a page of environments.
	Environments struct {
		Environments []Environment `json:"environments"`
		Next         string        `json:"next,omitempty"`
	}
)
