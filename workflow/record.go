package workflow

import (
	"encoding/json"
	"fmt"
	"time"

	"cierzo/expr/value"
)

// ExecutionID names a workflow execution: a UUID in text form, or what its starter has chosen. The execution of a sub-workflow
// has the id of the parent's action record that stands for it.
type ExecutionID string

// TaskID names a task execution; see PartIDs.
type TaskID string

// ActionID names an action execution; see PartIDs.
type ActionID string

// RunnerID names one incarnation of an action runner: it is new for each process start.
type RunnerID string

// State is a state of an execution, a task or an action, in Mistral's words.
type State string

// The states. Executions use Running, Paused, Success, Error and Cancelled; tasks use all; actions use Running, Paused,
// Success, Error and Cancelled.
const (
	Idle      State = "IDLE"
	Waiting   State = "WAITING"
	Running   State = "RUNNING"
	Delayed   State = "DELAYED"
	Paused    State = "PAUSED"
	Success   State = "SUCCESS"
	Error     State = "ERROR"
	Cancelled State = "CANCELLED"
	Skipped   State = "SKIPPED"
)

// Final reports whether nothing leaves the state but an explicit rerun or skip.
func (s State) Final() bool {
	return s == Success || s == Error || s == Cancelled || s == Skipped
}

// ExecutionRecord is the hot, small part of an execution's durable state: one row, written in each turn.
type ExecutionRecord struct {
	ID           ExecutionID
	ProjectID    string
	WorkflowName string
	Namespace    string
	DefinitionID string // the revision of the definition that this execution keeps to its end
	Description  string
	Tags         []string
	State        State
	StateInfo    string // "" is null
	Priority     int    // higher is dispatched earlier; 0 is the default

	RootID       ExecutionID // "" for a root execution
	ParentID     ExecutionID // "" for a root execution
	ParentTaskID TaskID
	Index        int         // of the item, when the parent's task has with-items
	Depth        int         // 0 for a root execution; limited
	SourceID     ExecutionID // the execution whose start a user has repeated with this one; "" for none
	StartedBy    Requester   // of sub-workflows nobody
	Traceparent  string      // of the request that has begun it all, as the header of W3C Trace Context; "" for none

	// ParentPending says that the parent has not yet acknowledged this execution's state: the outbox of NotifyParent.
	ParentPending bool
	// ParentSent counts the sends of the pending notification, for back-off.
	ParentSent int

	// Requests holds the most recent commands that were carried out, oldest first, so that a repeated one is answered
	// and not carried out twice. len ≤ RequestsMax.
	Requests []RequestRecord

	// Runtime is what the execution remembers between turns.
	Runtime ExecutionRuntime

	// Runners hold dispatched actions, each once, by id.
	Runners []RunnerID

	// Turns counts the committed turns.
	Turns uint64
	// WakeAt is when somebody must look at this execution again at the latest; zero: only a message moves it.
	WakeAt time.Time
	// Wanting: queued actions wait for slots. Whoever owns the execution must have it in memory, or in its queue what it wants, for
	// slots are given to what the dispatcher knows of.
	Wanting bool

	CreatedAt time.Time
	UpdatedAt time.Time
}

// ExecutionRuntime is what an execution remembers between turns. Its JSON form is stored.
type ExecutionRuntime struct {
	HistorySeq uint64           `json:"history_seq,omitempty"` // of the last history event
	Backlog    []BacklogCommand `json:"backlog,omitempty"`     // what a pause command kept back until the resume
	ParentAt   time.Time        `json:"parent_at,omitzero"`    // when ParentPending was sent last
	Cascaded   bool             `json:"cascaded,omitempty"`    // the parent has paused or resumed this execution, not a user
	ReportSeq  int              `json:"report_seq,omitempty"`  // of the last report to the parent; they may arrive in any order
	WatchTurn  uint64           `json:"watch_turn,omitempty"`  // in which the watchdog has set a stalled execution going
}

// Requester is who asks for something, as the server that was asked knows it; zero: nobody knows.
type Requester struct {
	User    string `json:"user,omitempty"`    // its id
	Name    string `json:"name,omitempty"`    // for people; "" where it has none but the id
	Project string `json:"project,omitempty"` // its id
}

// detail is the requester as a history event tells of it; nil: nobody knows.
func (r Requester) detail() value.Value {
	if r == (Requester{}) {
		return nil
	}
	d := value.NewDict(3)
	for _, part := range [][2]string{{"user", r.User}, {"name", r.Name}, {"project", r.Project}} {
		if part[1] != "" {
			d.SetString(part[0], value.String(part[1]))
		}
	}
	return d.Freeze()
}

// BacklogCommand is a transition that waits for the execution to be resumed.
type BacklogCommand struct {
	From    TaskID `json:"from"`
	Event   string `json:"event"`
	Name    string `json:"name"`              // a task or an engine command
	Message string `json:"message,omitempty"` // of an engine command
}

// RequestRecord remembers a command by the id that its sender gave it.
type RequestRecord struct {
	ID string
}

// RequestsMax bounds ExecutionRecord.Requests.
const RequestsMax = 32

// ExecutionData is the bulky part of an execution's durable state: written at the start and when it changes.
type ExecutionData struct {
	Input   *value.Dict
	Params  *value.Dict // as the API shows them: env, namespace, task_name, notify …
	Env     *value.Dict // the root's environment, evaluated; never nil
	Context *value.Dict // vars and published globals
	Globals *value.Dict // of Context what was published globally; nil: nothing
	Output  value.Value // nil until the execution is final
	Auth    *CloudAuth  // of who started it, or went on with it; nil: nobody with a token of Keystone's. Never changed in place
}

// CloudAuth is the right of a user at an OpenStack cloud: that with which the actions of an execution act. It is stored, for
// executions outlive processes, and never shown: no log, no format and no JSON has the token.
type CloudAuth struct {
	// Token is Keystone's, for Project. Empty: it has been erased, or can't be used; actions must not act in its place.
	Token   string
	AuthURL string // of Keystone v3; empty: the one that the runner is configured with
	Project string // its id; never empty
	Region  string // where services are looked up when the action doesn't say; empty: any
}

// Format writes all but the token, for every verb; logs in text use it, too.
func (a CloudAuth) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "auth_url=%s project=%s region=%s", a.AuthURL, a.Project, a.Region)
}

// MarshalJSON keeps the token out of JSON, and of logs in it; stores have a form of their own.
func (a CloudAuth) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"auth_url": a.AuthURL, "project": a.Project, "region": a.Region})
}

// withoutToken is what is left of a right that has been used up.
func (a *CloudAuth) withoutToken() *CloudAuth {
	left := *a
	left.Token = ""
	return &left
}

// TaskRecord is the durable state of one task execution.
type TaskRecord struct {
	ID          TaskID
	ExecutionID ExecutionID
	Name        string
	Seq         int    // order of creation within the execution, from 0
	Type        string // "ACTION" or "WORKFLOW"
	State       State
	StateInfo   string
	Tags        []string

	// Parents are the tasks whose outbound contexts, merged in this order, are this task's inbound context. The context
	// itself is never stored: it follows from the parents' Published.
	Parents      []TaskID
	TriggeredBy  []Trigger
	Published    *value.Dict // nil is null
	Globals      *value.Dict // what it published globally; nil: nothing
	Next         []Trigger   // which tasks this one caused, by name; what joins look at. TaskID is unused
	HasNext      bool
	Processed    bool
	ErrorHandled bool

	Runtime TaskRuntime

	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  time.Time // zero is null
	FinishedAt time.Time // zero is null
}

// Failed reports whether the task has ended in an error that nothing has handled: what fails its execution, and what a rerun is for.
func (t *TaskRecord) Failed() bool { return t.State == Error && !t.ErrorHandled }

// Trigger says that a task was caused by another, and by which clause.
type Trigger struct {
	TaskID TaskID `json:"task_id,omitempty"`
	Name   string `json:"name,omitempty"`
	Event  string `json:"event"` // "on-success", "on-error", "on-complete", "on-skip", "not triggered", "impossible route"
}

// TaskRuntime is what a task remembers between turns. Its JSON form is stored.
type TaskRuntime struct {
	RetryNo        int       `json:"retry_no,omitempty"`        // retries made so far
	WakeAt         time.Time `json:"wake_at,omitzero"`          // end of a wait-before, wait-after or retry delay; zero: none
	WakeFor        string    `json:"wake_for,omitempty"`        // "start", "retry", "complete": what happens at WakeAt
	TimeoutAt      time.Time `json:"timeout_at,omitzero"`       // zero: none
	TimeoutSeconds int       `json:"timeout_seconds,omitempty"` // the timeout that TimeoutAt came from
	WaitAfterDone  bool      `json:"wait_after_done,omitempty"`
	PausedBefore   bool      `json:"paused_before,omitempty"` // the start policies have run; resume starts the task without them
	Remembered     State     `json:"remembered,omitempty"`    // the state to complete with after a wait-after
	RememberedInfo string    `json:"remembered_info,omitempty"`
	RerunNo        int       `json:"rerun_no,omitempty"`
	Unmet          bool      `json:"unmet,omitempty"`       // a join that has failed because too few tasks can lead to it
	ItemCount      int       `json:"item_count"`            // with-items: number of items; -1 when the task has none
	Concurrency    int       `json:"concurrency,omitempty"` // with-items: 0 is no limit
	ItemsReady     bool      `json:"items_ready,omitempty"` // with-items: ItemCount was evaluated
	GivenInput     string    `json:"given_input,omitempty"` // JSON object that a rerun gave in place of the evaluated input; "": none
}

// ActionKind tells an action from a sub-workflow.
type ActionKind uint8

// The kinds of what a task runs.
const (
	KindAction ActionKind = iota
	KindWorkflow
)

// Phase is where an action execution is on its way; it refines State (Running in Mistral's words) and is the outbox.
type Phase uint8

// The phases of an action execution.
const (
	// PhaseQueued waits for a slot on a runner.
	PhaseQueued Phase = iota
	// PhaseDispatched belongs to Runner as attempt Attempt; the row is the outbox of RunAction.
	PhaseDispatched
	// PhaseDeferred was run; its result comes from outside (an asynchronous action).
	PhaseDeferred
	// PhaseChild is a sub-workflow whose start is sent until the child answers.
	PhaseChild
	// PhaseDone has its outcome.
	PhaseDone
)

// ActionRecord is the durable state of one action execution (or sub-workflow) of a task.
type ActionRecord struct {
	ID          ActionID
	ExecutionID ExecutionID
	TaskID      TaskID
	Name        string
	Kind        ActionKind
	Seq         int // order of creation within the execution, from 0
	Index       int // of the item; 0 without with-items
	State       State
	Accepted    bool
	Input       *value.Dict
	Output      value.Value // {"result": …}; nil is null
	Tags        []string

	Phase     Phase
	Attempt   int      // 1 for the first; 0 while never assigned. Of a sub-workflow: the number of its newest report
	Runner    RunnerID // "" unless PhaseDispatched (kept afterwards for the record)
	Target    string   // label that the runner must have; "" is any
	SafeRerun bool
	Async     bool // is_sync of the API is its negation
	// LeaseUntil: a runner that has not begun by then must ask again; zero unless dispatched, and once it has begun.
	LeaseUntil time.Time
	// Granted: the runner was told to begin when it asked; it may have, whatever it asks afterwards.
	Granted bool
	// Deadline of the action by the task's timeout; zero is none.
	Deadline time.Time
	// RunName and RunInput are the base action and its input where Name is an ad-hoc action; "" and nil otherwise.
	RunName  string
	RunInput *value.Dict
	// ChildStarted: the sub-workflow has acknowledged its start.
	ChildStarted      bool
	ChildDefinitionID string
	ChildParams       *value.Dict
	// PauseSent: the sub-workflow was told to pause and has not said since that it runs.
	PauseSent bool
	// Forgotten: the task was run again before this one had ended; what comes of it doesn't count.
	Forgotten bool
	// CancelSent: the runner was told to stop; re-sent while the attempt is not reported.
	CancelSent bool
	// LateResults counts outcomes that came too late to be accepted.
	LateResults int

	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
}

// HistoryEvent is one line of an execution's history: what happened, in the order of the turns.
type HistoryEvent struct {
	Seq      uint64 // position in the execution's history, from 1, without gaps
	At       time.Time
	Kind     string // "execution.state", "task.state", "action.state", "action.late", "action.attempt", "command", "watchdog"
	TaskID   TaskID
	Task     string
	ActionID ActionID
	State    State
	Info     string
	Detail   value.Value // nil is none
}
