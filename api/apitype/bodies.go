package apitype

import "encoding/json"

// The bodies of requests, and answers that are no resources.

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
	Action string         `json:"action"`            // "pause", "resume", "cancel", "rerun", "delete"
	Filter map[string]any `json:"filter"`            // as in the query string of a list: a text, or a list of texts that must all hold
	DryRun bool           `json:"dry_run,omitempty"` // count and name them, do nothing
	Force  bool           `json:"force,omitempty"`   // delete also what has not ended
	Reason string         `json:"reason,omitempty"`  // of a cancel: the state info
	Limit  int            `json:"limit,omitempty"`   // executions of this request; defaults to 1000, which is the most
	Marker string         `json:"marker,omitempty"`  // go on behind this execution
}

// NewEnvironment is the body of a request to make or change an environment: what it leaves out stays. Variables are an
// object or JSON inside a string, and replace the old ones.
type NewEnvironment struct {
	Name        string          `json:"name"`
	Description Opt[string]     `json:"description,omitzero"`
	Variables   json.RawMessage `json:"variables,omitempty"`
	Scope       string          `json:"scope,omitempty"`
}

// ExecutionUpdate is the body of a request to change an execution: its state, its description, or its environment.
type ExecutionUpdate struct {
	State       string          `json:"state,omitempty"`      // RUNNING resumes, PAUSED pauses, the others stop
	StateInfo   Opt[string]     `json:"state_info,omitzero"`  // why it is stopped
	Description Opt[string]     `json:"description,omitzero"` // alone only
	Params      json.RawMessage `json:"params,omitempty"`     // {"env": {…}}
	ID          string          `json:"id,omitempty"`         // ignored
}

// TaskUpdate is the body of a request to rerun or skip a task that has failed.
type TaskUpdate struct {
	ID           string          `json:"id,omitempty"`            // must be the task's, if given
	Name         string          `json:"name,omitempty"`          // must be the task's, if given
	WorkflowName string          `json:"workflow_name,omitempty"` // must be the task's, if given
	State        string          `json:"state"`                   // RUNNING reruns
	Reset        Opt[bool]       `json:"reset,omitzero"`          // required for a rerun; false reruns only the failed items of a with-items task
	Env          json.RawMessage `json:"env,omitempty"`           // merged into the execution's environment
	Input        json.RawMessage `json:"input,omitempty"`         // of a rerun: what the action gets in place of the input that the task evaluates
}

// ActionUpdate is the body of a request to finish, pause or resume an action execution.
type ActionUpdate struct {
	State  string          `json:"state"`
	Output json.RawMessage `json:"output,omitempty"` // the result, an object or JSON inside a string
}

// NewCronTrigger is the body of a request to make a cron trigger. It needs a pattern or a first time.
type NewCronTrigger struct {
	Name                string          `json:"name"`
	WorkflowID          string          `json:"workflow_id,omitempty"`
	WorkflowName        string          `json:"workflow_name,omitempty"`
	WorkflowInput       json.RawMessage `json:"workflow_input,omitempty"`
	WorkflowParams      json.RawMessage `json:"workflow_params,omitempty"`
	Scope               string          `json:"scope,omitempty"`
	Pattern             Opt[string]     `json:"pattern,omitzero"`
	RemainingExecutions Opt[int]        `json:"remaining_executions,omitzero"`
	FirstExecutionTime  Opt[string]     `json:"first_execution_time,omitzero"` // "2006-01-02 15:04", UTC
	TZ                  string          `json:"tz,omitempty"`                  // name of a time zone; defaults to UTC
	CatchUp             string          `json:"catch_up,omitempty"`            // once, skip, all: what becomes of missed ticks
}

// NewEventTrigger is the body of a request to make an event trigger.
type NewEventTrigger struct {
	Name           string          `json:"name,omitempty"` // defaults to its id
	WorkflowID     string          `json:"workflow_id"`
	WorkflowInput  json.RawMessage `json:"workflow_input,omitempty"`
	WorkflowParams json.RawMessage `json:"workflow_params,omitempty"`
	Exchange       string          `json:"exchange"`
	Topic          string          `json:"topic"`
	Event          string          `json:"event"`
	Scope          string          `json:"scope,omitempty"`
}

// NewEvent is the body of a request that tells of an event.
type NewEvent struct {
	EventType   string          `json:"event_type"`
	MessageID   string          `json:"message_id,omitempty"` // what comes again with the same id is the same event
	PublisherID string          `json:"publisher_id,omitempty"`
	Exchange    string          `json:"exchange,omitempty"` // "": triggers of any
	Topic       string          `json:"topic,omitempty"`
	Timestamp   string          `json:"timestamp,omitempty"`
	Payload     json.RawMessage `json:"payload,omitempty"`
	Context     json.RawMessage `json:"context,omitempty"` // an object, or JSON inside a string: project_id, user_id …
}

// EventTriggerUpdate is the body of a request to change what an event trigger starts.
type EventTriggerUpdate struct {
	Name           string          `json:"name,omitempty"`
	WorkflowID     string          `json:"workflow_id,omitempty"`
	WorkflowInput  json.RawMessage `json:"workflow_input,omitempty"`
	WorkflowParams json.RawMessage `json:"workflow_params,omitempty"`
	Scope          string          `json:"scope,omitempty"`
}

// NewMember is the body of a request to share a workflow.
type NewMember struct {
	MemberID string `json:"member_id"` // the project
}

// MemberUpdate is the body of a request to accept or reject what is shared.
type MemberUpdate struct {
	Status string `json:"status"`
}

// NewDynamicAction is the body of a request to make or change a dynamic action.
type NewDynamicAction struct {
	ID             string `json:"id,omitempty"` // of the one to change
	Name           string `json:"name,omitempty"`
	Namespace      string `json:"namespace,omitempty"`
	ClassName      string `json:"class_name,omitempty"`
	CodeSourceID   string `json:"code_source_id,omitempty"`
	CodeSourceName string `json:"code_source_name,omitempty"`
	Scope          string `json:"scope,omitempty"`
}

// CodeSources is a page of code sources.
type CodeSources struct {
	CodeSources []CodeSource `json:"code_sources"`
	Next        string       `json:"next,omitempty"`
}

// DynamicActions is a page of dynamic actions.
type DynamicActions struct {
	DynamicActions []DynamicAction `json:"dynamic_actions"`
	Next           string          `json:"next,omitempty"`
}

// Versions are the versions of the API.
type Versions struct {
	Versions []Version `json:"versions"`
}

// Version is a version of the API.
type Version struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Links  []Link `json:"links"`
}

// Link is where a version is.
type Link struct {
	Href   string `json:"href"`
	Target string `json:"target"`
	Rel    string `json:"rel"`
}

// Root is the address of the API's version.
type Root struct {
	URI string `json:"uri"`
}

// Health says that the service can reach its store.
type Health struct {
	Store  string `json:"store"`  // its kind
	Schema int    `json:"schema"` // number of the newest migration
}

// MaintenanceUpdate is the body of a request to begin or end maintenance: PAUSED or RUNNING.
type MaintenanceUpdate struct {
	Status string `json:"status"`
}
