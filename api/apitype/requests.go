package apitype

import "encoding/json"

// NewExecution is the body of a request to start an execution. Input and Params are objects or JSON inside a string.
type NewExecution struct {
	ID                string          `json:"id,omitempty"`
	WorkflowID        string          `json:"workflow_id,omitempty"`
	WorkflowName      string          `json:"workflow_name,omitempty"`
	WorkflowNamespace string          `json:"workflow_namespace,omitempty"`
	Input             json.RawMessage `json:"input,omitempty"`
	Params            json.RawMessage `json:"params,omitempty"`
	Description       string          `json:"description,omitempty"`
	SourceExecutionID string          `json:"source_execution_id,omitempty"`
}

// NewActionExecution is the body of a request to run an action by itself. Input and Params are objects or JSON inside a
// string; Params knows save_result, run_sync, target and timeout.
type NewActionExecution struct {
	Name              string          `json:"name"`
	WorkflowNamespace string          `json:"workflow_namespace,omitempty"`
	Input             json.RawMessage `json:"input,omitempty"`
	Params            json.RawMessage `json:"params,omitempty"`
	Description       string          `json:"description,omitempty"`
}

// ActionResult is the answer to running an action whose result is not saved: there is nothing to look at afterwards.
type ActionResult struct {
	Name              string      `json:"name"`
	WorkflowNamespace string      `json:"workflow_namespace"`
	Description       string      `json:"description"`
	State             string      `json:"state"`
	Input             string      `json:"input"`
	Output            Opt[string] `json:"output"`
}

// Bulk is the body of a request to do one thing with many executions.
type Bulk struct {
	Action string            `json:"action"`            // "pause", "resume", "cancel", "delete"
	Filter map[string]string `json:"filter"`            // as in the query string of a list
	DryRun bool              `json:"dry_run,omitempty"` // count and name them, do nothing
	Force  bool              `json:"force,omitempty"`   // delete also what has not ended
	Reason string            `json:"reason,omitempty"`  // of a cancel: the state info
	Limit  int               `json:"limit,omitempty"`   // executions of this request; defaults to 1000, which is the most
	Marker string            `json:"marker,omitempty"`  // go on behind this execution
}

// NewEnvironment is the body of a request to make or change an environment. What is nil stays.
type NewEnvironment struct {
	Name        string          `json:"name"`
	Description *string         `json:"description,omitempty"`
	Variables   json.RawMessage `json:"variables,omitempty"` // an object, or JSON inside a string
	Scope       string          `json:"scope,omitempty"`
}

// NewCronTrigger is the body of a request to make a cron trigger.
type NewCronTrigger struct {
	Name                string          `json:"name"`
	WorkflowName        string          `json:"workflow_name,omitempty"`
	WorkflowID          string          `json:"workflow_id,omitempty"`
	WorkflowInput       json.RawMessage `json:"workflow_input,omitempty"` // an object, or JSON inside a string
	WorkflowParams      json.RawMessage `json:"workflow_params,omitempty"`
	Scope               string          `json:"scope,omitempty"`
	Pattern             string          `json:"pattern,omitempty"`
	RemainingExecutions int             `json:"remaining_executions,omitempty"`
	FirstExecutionTime  string          `json:"first_execution_time,omitempty"` // "2006-01-02 15:04", UTC
}

// NewEventTrigger is the body of a request to make or change an event trigger.
type NewEventTrigger struct {
	Name           string          `json:"name,omitempty"`
	WorkflowID     string          `json:"workflow_id,omitempty"`
	WorkflowInput  json.RawMessage `json:"workflow_input,omitempty"` // an object, or JSON inside a string
	WorkflowParams json.RawMessage `json:"workflow_params,omitempty"`
	Exchange       string          `json:"exchange,omitempty"`
	Topic          string          `json:"topic,omitempty"`
	Event          string          `json:"event,omitempty"`
	Scope          string          `json:"scope,omitempty"`
}

// NewDynamicAction is the body of a request to make or change a dynamic action.
type NewDynamicAction struct {
	ID             string `json:"id,omitempty"`
	Name           string `json:"name,omitempty"`
	Namespace      string `json:"namespace,omitempty"`
	ClassName      string `json:"class_name,omitempty"`
	CodeSourceID   string `json:"code_source_id,omitempty"`
	CodeSourceName string `json:"code_source_name,omitempty"`
	Scope          string `json:"scope,omitempty"`
}
