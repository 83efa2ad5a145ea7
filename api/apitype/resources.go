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
