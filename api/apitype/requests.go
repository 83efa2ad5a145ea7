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
	Action string         `json:"action"`            // "pause", "resume", "cancel", "delete"
	Filter map[string]any `json:"filter"`            // as in the query string of a list: a text, or a list of texts that must all hold
	DryRun bool           `json:"dry_run,omitempty"` // count and name them, do nothing
	Force  bool           `json:"force,omitempty"`   // delete also what has not ended
	Reason string         `json:"reason,omitempty"`  // of a cancel: the state info
	Limit  int            `json:"limit,omitempty"`   // executions of this request; defaults to 1000, which is the most
	Marker string         `json:"marker,omitempty"`  // go on behind this execution
}
