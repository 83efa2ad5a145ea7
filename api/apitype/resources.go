package apitype

// CronTrigger starts a workflow by the clock.
type CronTrigger struct {
	ID                  string      `json:"id"`
	Name                string      `json:"name"`
	WorkflowName        string      `json:"workflow_name"`
	WorkflowID          string      `json:"workflow_id"`
	WorkflowInput       string      `json:"workflow_input"`
	WorkflowParams      string      `json:"workflow_params"`
	ProjectID           string      `json:"project_id"`
	Scope               string      `json:"scope"`
	Pattern             Opt[string] `json:"pattern"`
	RemainingExecutions Opt[int]    `json:"remaining_executions"`
	FirstExecutionTime  Opt[string] `json:"first_execution_time"`
	NextExecutionTime   Opt[string] `json:"next_execution_time"`
	CreatedAt           Opt[string] `json:"created_at"`
	UpdatedAt           Opt[string] `json:"updated_at,omitzero"`

	// Beyond Mistral; absent where they say nothing.
	TZ        string       `json:"tz,omitempty"`       // name of the time zone whose clocks the pattern is about; UTC
	CatchUp   string       `json:"catch_up,omitempty"` // once, skip, all
	LastError string       `json:"last_error,omitempty"`
	Ticks     *Ticks       `json:"ticks,omitempty"`       // of a single trigger
	Runs      []TriggerRun `json:"recent_runs,omitempty"` // of a single trigger, oldest first
}

// Ticks counts what became of a trigger's ticks.
type Ticks struct {
	Started uint64 `json:"started"`
	Failed  uint64 `json:"failed"`
	Skipped uint64 `json:"skipped"`
}

// TriggerRun is what became of a tick of a cron trigger, or of a row of ticks that were skipped.
type TriggerRun struct {
	Tick        string `json:"tick"`
	Until       string `json:"until,omitempty"` // the last of skipped ones
	Ticks       int    `json:"ticks,omitempty"` // how many were skipped
	Outcome     string `json:"outcome"`         // started, failed, skipped
	ExecutionID string `json:"execution_id,omitempty"`
	Error       string `json:"error,omitempty"`
	At          string `json:"at"`
}

// EventAnswer is what became of an event.
type EventAnswer struct {
	ID       string        `json:"id"` // the event's; sent again under it, it starts nothing again
	Triggers []EventResult `json:"triggers"`
}

// EventResult is what became of an event at one trigger.
type EventResult struct {
	TriggerID   string      `json:"trigger_id"`
	TriggerName string      `json:"trigger_name"`
	ExecutionID Opt[string] `json:"execution_id"` // null: it was refused
	Error       string      `json:"error,omitempty"`
}

// EventTrigger starts a workflow at an event.
type EventTrigger struct {
	ID             string      `json:"id"`
	Name           string      `json:"name"`
	WorkflowID     string      `json:"workflow_id"`
	WorkflowInput  string      `json:"workflow_input"`
	WorkflowParams string      `json:"workflow_params"`
	Exchange       string      `json:"exchange"`
	Topic          string      `json:"topic"`
	Event          string      `json:"event"`
	ProjectID      string      `json:"project_id"`
	Scope          string      `json:"scope"`
	CreatedAt      Opt[string] `json:"created_at"`
	UpdatedAt      Opt[string] `json:"updated_at,omitzero"`
	LastError      string      `json:"last_error,omitempty"` // beyond Mistral: why it could not start the workflow
}

// Member is a project that a workflow is shared with.
type Member struct {
	ID           string      `json:"id"`
	ResourceID   string      `json:"resource_id"`
	ResourceType string      `json:"resource_type"`
	ProjectID    string      `json:"project_id"` // of the owner
	MemberID     string      `json:"member_id"`
	Status       string      `json:"status"`
	CreatedAt    Opt[string] `json:"created_at"`
	UpdatedAt    Opt[string] `json:"updated_at,omitzero"`
}

// CodeSource is a module of actions.
type CodeSource struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Namespace string      `json:"namespace"`
	Content   string      `json:"content"`
	Version   int         `json:"version"`
	ProjectID string      `json:"project_id"`
	Scope     string      `json:"scope"`
	Actions   []string    `json:"actions"` // names of dynamic actions
	CreatedAt Opt[string] `json:"created_at"`
	UpdatedAt Opt[string] `json:"updated_at,omitzero"`
}

// DynamicAction is an action in a code source.
type DynamicAction struct {
	ID             string      `json:"id"`
	Name           string      `json:"name"`
	Namespace      string      `json:"namespace"`
	CodeSourceID   string      `json:"code_source_id"`
	CodeSourceName string      `json:"code_source_name"`
	ClassName      string      `json:"class_name"`
	ProjectID      string      `json:"project_id"`
	Scope          string      `json:"scope"`
	CreatedAt      Opt[string] `json:"created_at"`
	UpdatedAt      Opt[string] `json:"updated_at,omitzero"`
}

// Maintenance is the state of the whole service: RUNNING, PAUSING or PAUSED.
type Maintenance struct {
	Status string `json:"status"`
}

// Each page of a list has its collection under the resource's name, and the next page's address when it is full.
type (
	// CronTriggers is a page of cron triggers.
	CronTriggers struct {
		CronTriggers []CronTrigger `json:"cron_triggers"`
		Next         string        `json:"next,omitempty"`
	}
	// EventTriggers is a page of event triggers.
	EventTriggers struct {
		EventTriggers []EventTrigger `json:"event_triggers"`
		Next          string         `json:"next,omitempty"`
	}
	// Members are the projects that a workflow is shared with.
	Members struct {
		Members []Member `json:"members"`
	}
)
