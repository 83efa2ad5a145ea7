package workflow

import (
	"time"

	"cierzo/expr/value"
)

// Effects is all that a turn wants done, as data. The order is law: first Writes in one transaction; only when that
// has committed the Sends; timers follow from Writes.Execution.WakeAt.
type Effects struct {
	Writes Writes
	Sends  []Send
}

// Writes are the rows of a turn. Records are snapshots: the execution never changes them afterwards.
type Writes struct {
	Create    bool             // the execution's row must not exist yet
	Execution *ExecutionRecord // nil: nothing is written and no commit is needed
	Data      *ExecutionData   // nil: unchanged
	Given     bool             // Data's Input, Params or Env are changed too
	Tasks     []*TaskRecord    // by Seq, each once
	Actions   []*ActionRecord  // by Seq, each once
	// FirstTask and FirstAction are the numbers of those that the store has: records from these on are new to it.
	FirstTask, FirstAction int
	History                []HistoryEvent
	Notices                []Notification // in the order in which they happened
}

// Want is a queued action that waits for a slot.
type Want struct {
	Action   ActionID
	Seq      int // the action's number in its execution
	Target   string
	Priority int
	Since    time.Time
}

// Send is a message that leaves the execution after the commit.
type Send interface{ send() }

type (
	// Dispatch gives an attempt to its runner. Sent again after recovery: the runner recognises the attempt.
	Dispatch struct {
		Action   *ActionRecord
		Task     string // name
		Workflow string // name
		Project  string
		Root     ExecutionID
		Auth     *CloudAuth // nil: the runner's own

		Traceparent string
	}
	// CancelAttempt tells a runner to stop an attempt.
	CancelAttempt struct {
		Action  ActionID
		Attempt int
		Runner  RunnerID
	}
	// AckFinished tells a runner to forget an outcome; also for duplicates and late ones (Accepted false).
	AckFinished struct {
		Action   ActionID
		Attempt  int
		Runner   RunnerID
		Accepted bool
		Reason   string
	}
	// Grant and Deny answer StartRequested.
	Grant struct {
		Action     ActionID
		Attempt    int
		Runner     RunnerID
		LeaseUntil time.Time
	}
	// Deny tells the runner to drop the attempt without running it.
	Deny struct {
		Action  ActionID
		Attempt int
		Runner  RunnerID
		Reason  string
	}
	// Release returns slots that were not needed, or are free again: one credit of Runner each.
	Release struct {
		Action ActionID
		Runner RunnerID
	}
	// StartChild creates the sub-workflow's execution; repeated until the child reports.
	StartChild struct {
		Child        ExecutionID
		DefinitionID string
		Parent       ExecutionID
		ParentTask   TaskID
		Root         ExecutionID
		Index        int
		Depth        int
		Project      string
		Namespace    string
		Priority     int
		Input        *value.Dict
		Params       *value.Dict
		Env          *value.Dict
		Auth         *CloudAuth
		Traceparent  string
	}
	// ControlChild passes a command on to a sub-workflow: "pause", "resume", "cancel".
	ControlChild struct {
		Child   ExecutionID
		Op      string
		Message string
	}
	// NotifyParent reports this execution's state to its parent until ParentAcked.
	NotifyParent struct {
		Parent     ExecutionID
		ParentTask TaskID
		Child      ExecutionID
		Seq        int
		State      State
		Info       string
		Output     value.Value
	}
	// ControlParent asks the parent to go on, when a rerun inside a sub-workflow revives it.
	ControlParent struct {
		Parent ExecutionID
		Child  ExecutionID
		Op     string // "revive"
	}
	// AckChild tells a sub-workflow that its report is committed.
	AckChild struct {
		Child ExecutionID
		State State
		Seq   int // of the report
	}
	// Notification is an event for notifiers. It is among the Writes, from where it is delivered; as a Send it only says
	// that there is something to deliver.
	Notification struct {
		Event string // WORKFLOW_LAUNCHED, TASK_FAILED …
		At    time.Time
		Task  *TaskRecord // nil for events of the execution
		// State and StateInfo are the execution's at that moment.
		State     State
		StateInfo string
		// Publishers are those of the execution's params that ask for the event, Server the names of the server's.
		Publishers []*value.Dict
		Server     []string
	}
)

func (Dispatch) send()      {}
func (CancelAttempt) send() {}
func (AckFinished) send()   {}
func (Grant) send()         {}
func (Deny) send()          {}
func (Release) send()       {}
func (StartChild) send()    {}
func (ControlChild) send()  {}
func (NotifyParent) send()  {}
func (ControlParent) send() {}
func (AckChild) send()      {}
func (Notification) send()  {}
