package workflow

import (
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
)

// Moment is what the world adds to an event: the core has no clock and no randomness of its own.
type Moment struct {
	Now time.Time // UTC
	// Seed is fresh entropy; ids and random() of the step are derived from it.
	Seed [16]byte
	// Publishers are the notifiers that the server has for all executions, besides those that their params name.
	Publishers []Publisher
}

// Publisher is a notifier of the server.
type Publisher struct {
	Name       string
	EventTypes []string // empty: all
}

// Event is what happened to an execution. Events may come late, twice or never: Step answers each of them right.
type Event interface{ event() }

// Recovered follows Load: everything that the rows say is still to be sent is sent again.
type Recovered struct{}

// Ticked says that WakeAt has come. Too early or twice is harmless.
type Ticked struct {
	// Gone is the engine that had queued actions of the execution in its memory and is no more; "": that isn't why.
	Gone string
}

// ChildGone says that a sub-workflow isn't there any more. Of one that has reported its end it is harmless.
type ChildGone struct{ Child ActionID }

// Assigned gives queued actions their slots, in the order of Wants. An assignment that doesn't fit any more is returned
// by a Release send.
type Assigned struct{ Slots []Slot }

// Slot is the right to run one action on a runner.
type Slot struct {
	Action     ActionID
	Runner     RunnerID
	LeaseUntil time.Time
}

// ActionStarted says that a runner has begun the attempt.
type ActionStarted struct {
	Action  ActionID
	Attempt int
	Runner  RunnerID
}

// ActionFinished is a runner's only report of an outcome: value, error, cancellation or deferral.
type ActionFinished struct {
	Action  ActionID
	Attempt int
	Runner  RunnerID
	Outcome Outcome
}

// Outcome of an action: exactly one of the four.
type Outcome struct {
	Kind  OutcomeKind
	Value value.Value // of OutcomeValue and OutcomeError; never nil there
}

// OutcomeKind tells outcomes apart.
type OutcomeKind uint8

// The kinds of outcome.
const (
	OutcomeValue OutcomeKind = iota + 1
	OutcomeError
	OutcomeCancelled
	OutcomeDeferred
)

// StartRequested is a runner's question about an attempt whose lease ran out in its queue. Answered by Grant or Deny.
type StartRequested struct {
	Action  ActionID
	Attempt int
	Runner  RunnerID
}

// RunnerLost says that the runner's incarnation is gone for good, with all attempts that it had.
type RunnerLost struct{ Runner RunnerID }

// ChildReported is a sub-workflow's state; re-sent by the child until AckChild.
type ChildReported struct {
	Child ExecutionID
	Seq   int   // grows with each change of the child's state; older reports are ignored. 0: unknown, of a refusal
	State State // Running (also: started), Paused, Success, Error, Cancelled
	Info  string
	// Output is the sub-workflow's when it is final. Of a sub-workflow that was paused or resumed it is true when that
	// was its parent's doing: then it is no news to the parent, and must not move it.
	Output value.Value
	// Refused: the child could not be created; Info says why. There is no such execution.
	Refused bool
}

// ParentAcked says that the parent has committed what this execution reported about State.
type ParentAcked struct {
	State State
	Seq   int // of the report; 0: unknown
}

// Command is what a user asks for. RequestID makes it idempotent.
type Command struct {
	RequestID string
	Op        Op
	// Auth is the right of who asks; nil: none. A resumed execution, a rerun and a skipped task go on with it.
	Auth *CloudAuth
	// By is who asks: kept in the history.
	By Requester
}

// Op is a user's command.
type Op interface{ op() }

// Pause, Resume and Stop act on the execution. Stop's State is Success, Error or Cancelled.
type (
	Pause struct {
		// Cascade: the parent's ControlChild asks, not a user. See ControlOp.
		Cascade bool
	}
	// Resume continues a paused execution; Env is merged into its environment when not nil.
	Resume struct {
		Env     *value.Dict
		Cascade bool // as in Pause
	}
	// Stop ends the execution in State with the message as its state info.
	Stop struct {
		State   State
		Message string
	}
	// Rerun runs a failed task again.
	Rerun struct {
		Task  TaskID
		Reset bool
		Env   *value.Dict
		// Input is what the task's action or sub-workflow gets instead of the input that the task evaluates; nil: that one.
		Input *value.Dict
	}
	// Skip marks a failed task as skipped and goes on.
	Skip struct {
		Task TaskID
		Env  *value.Dict
	}
	// Describe changes the execution's description.
	Describe struct{ Description string }
	// SetEnv merges into the environment of an execution that is idle, paused or has failed.
	SetEnv struct{ Env *value.Dict }
	// CompleteAction gives an action its outcome from outside.
	CompleteAction struct {
		Action ActionID
		State  State // Success, Error, Cancelled; Paused and Running for asynchronous actions
		Output value.Value
	}
)

// ControlOp is the command that a ControlChild means; nil: there is no such op.
func ControlOp(op, message string) Op {
	switch op {
	case "pause":
		return Pause{Cascade: true}
	case "resume":
		return Resume{Cascade: true}
	case "cancel":
		return Stop{State: Cancelled, Message: message}
	}
	return nil
}

func (Pause) op()          {}
func (Resume) op()         {}
func (Stop) op()           {}
func (Rerun) op()          {}
func (Skip) op()           {}
func (Describe) op()       {}
func (SetEnv) op()         {}
func (CompleteAction) op() {}

func (Recovered) event()      {}
func (Ticked) event()         {}
func (ChildGone) event()      {}
func (Assigned) event()       {}
func (ActionStarted) event()  {}
func (ActionFinished) event() {}
func (StartRequested) event() {}
func (RunnerLost) event()     {}
func (ChildReported) event()  {}
func (ParentAcked) event()    {}
func (Command) event()        {}

// Facts is what a step may have to look up. Answers must not change within a turn. An error (the store is down) makes
// the step fail as a whole: its execution is then dropped from memory and loaded again.
type Facts interface {
	// Action finds an action by name, in the namespace first and then in the default one. nil, nil: there is none.
	Action(projectID, namespace, name string) (*ActionSpec, error)
	// Workflow finds the newest revision of a workflow, in the namespace first and then in the default one. nil, nil: there is none.
	Workflow(projectID, namespace, name string) (*WorkflowRef, error)
	// Tasks and Executions answer the expression functions tasks() and executions() about other executions.
	Tasks(projectID string, q TasksFilter) ([]TaskView, error)
	Executions(projectID string, q ExecutionsFilter) ([]ExecutionView, error)
}

// ActionSpec is what the engine must know of an action.
type ActionSpec struct {
	Name         string
	Inputs       []dsl.Param
	AcceptsExtra bool   // **kwargs
	Class        string // for error texts
	Async        bool   // the result comes from outside
	SafeRerun    bool
	// Inline, when not nil, runs the action inside the step: it has no outside effect.
	Inline func(id ActionID, input *value.Dict) Outcome
	// AdHoc is the definition when this is an ad-hoc action, and Base what it is based on.
	AdHoc *dsl.Action
	Base  *ActionSpec
}

// WorkflowRef is a workflow that can be started as a sub-workflow.
type WorkflowRef struct {
	DefinitionID string
	Name         string
	Namespace    string
	Type         string
	Input        []dsl.Param
}

// TasksFilter selects task executions for tasks(). Zero fields select all.
type TasksFilter struct {
	Execution ExecutionID
	Recursive bool // those of sub-workflows too, after all of the workflow that they are of
}

// ExecutionsFilter selects executions for executions(). Zero fields select all.
type ExecutionsFilter struct {
	ID       ExecutionID
	RootID   ExecutionID
	State    State
	From, To time.Time
}

// TaskView is a task execution as tasks() shows it.
type TaskView struct {
	Task    TaskRecord
	Actions []ActionRecord
}

// ExecutionView is an execution as executions() shows it.
type ExecutionView struct {
	Execution ExecutionRecord
	Data      ExecutionData
}
