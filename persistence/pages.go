package persistence

import (
	"context"
	"time"

	"cierzo/workflow"
)

// Pages reads what lists show: rows with all that is printed of them, page by page, in the order of the executions' time
// of creation. Tasks and actions of one execution stay together, in the order of their own creation: the engine writes
// them without an index over all executions, and their lists go along those of the executions.
type Pages interface {
	// PageExecutions lists executions with their data.
	PageExecutions(ctx context.Context, q PageQuery) ([]ExecutionEntry, error)
	// PageTasks lists the tasks of the selected executions.
	PageTasks(ctx context.Context, q PageQuery) ([]TaskEntry, error)
	// PageActions lists what the tasks of the selected executions run; sub-workflows too.
	PageActions(ctx context.Context, q PageQuery) ([]ActionEntry, error)
	// ExecutionProjects lists the projects that have executions, in their order, those after the given one.
	ExecutionProjects(ctx context.Context, after string, limit int) ([]string, error)
	// CountRoots counts the executions without a parent in the given states, at most three.
	CountRoots(ctx context.Context, states []workflow.State) (int, error)
}

// PageQuery selects executions, and by them tasks and actions. Zero fields select all.
type PageQuery struct {
	ProjectID    string
	ID           workflow.ExecutionID // only this one
	WorkflowName string
	NotWorkflow  string // not those of this workflow
	States       []workflow.State
	RootID       workflow.ExecutionID
	ParentTask   workflow.TaskID
	RootsOnly    bool
	Since, Until time.Time // created at or after Since, and at or before Until
	Descending   bool
	After        *PageMark // keyset paging: what comes behind, in the order of the list
	Limit        int       // 1…1000
}

// PageMark is a place in a list.
type PageMark struct {
	CreatedAt time.Time            // of the execution
	ID        workflow.ExecutionID // of the execution
	Seq       int                  // of the task or action; unused in lists of executions
}

// ExecutionEntry is an execution as lists show it.
type ExecutionEntry struct {
	Execution *workflow.ExecutionRecord
	Data      *workflow.ExecutionData
}

// TaskEntry is a task as lists show it.
type TaskEntry struct {
	Execution *workflow.ExecutionRecord
	Task      *workflow.TaskRecord
}

// ActionEntry is an action as lists show it.
type ActionEntry struct {
	Execution *workflow.ExecutionRecord
	TaskName  string
	Action    *workflow.ActionRecord
}

// LiveStates are the states of executions that have not ended; a query for some of them looks at these only.
func LiveStates() []workflow.State {
	return []workflow.State{workflow.Running, workflow.Paused, workflow.Idle}
}
