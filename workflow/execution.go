package workflow

import (
	"fmt"
	"slices"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/invariant"
	"cierzo/internal/planted"
)

// The limits of one execution. Each refusal names the limit.
const (
	// TasksMax bounds the task executions of one execution.
	TasksMax = 100_000
	// ActionsMax bounds the action executions of one execution.
	ActionsMax = 200_000
	// ItemsMax bounds the items of one with-items task.
	ItemsMax = 100_000
	// DepthMax bounds the nesting of sub-workflows: the depth of a root execution is 0.
	DepthMax = 100
	// TurnTasksMax bounds the task steps of one turn; what remains is done in the next one, at once.
	TurnTasksMax = 2000
	// UnansweredMax bounds the sub-workflows of one execution that are told to start, to pause or the like and have not answered; the
	// others are told as these answer.
	UnansweredMax = 1000
	// FieldBytesMax bounds one stored value (input, output, published …) in its JSON form.
	FieldBytesMax = 1 << 20
)

// Spec is what a new execution is made of.
type Spec struct {
	ID           ExecutionID
	ProjectID    string
	Namespace    string
	DefinitionID string
	Description  string
	Tags         []string
	Priority     int
	Input        *value.Dict // nil: none
	Params       *value.Dict // nil: none
	// Env is the environment: of a root execution as the user gave it, its expressions not yet evaluated; of a
	// sub-workflow the root's. nil: none
	Env *value.Dict
	// Auth is the right with which actions act on a cloud: of who starts the execution, of a sub-workflow its parent's. nil: none
	Auth *CloudAuth
	// SourceID is the execution whose start a user has repeated with this one; "" for none.
	SourceID ExecutionID
	// By is who starts it: kept with the execution and in its history.
	By Requester
	// Traceparent is that of the request that starts it, of a sub-workflow its parent's: actions pass it on. "" for none
	Traceparent string

	// The rest is of sub-workflows only, as StartChild has it.
	ParentID     ExecutionID
	ParentTaskID TaskID
	RootID       ExecutionID
	Index        int
	Depth        int
}

// Execution is one workflow execution: rows, and what is derived from them.
type Execution struct {
	program *Program
	ids     PartIDs
	rec     ExecutionRecord
	data    ExecutionData

	tasks   []*task            // by Seq
	byName  map[string][]*task // nil while there are few
	actions []*action          // by Seq

	ready    []*task // to be started, in order
	blocked  []*task // joins that wait to be looked at again
	joins    []*task // joins that wait, and perhaps others
	live     []*task // all that are not final or have running actions, and perhaps others
	open     int     // tasks that are not final
	waitings []*action
	outbox   outbox    // actions whose messages must be repeated until somebody answers, but for those in stirred
	stirred  []*action // that have changed since the outbox was looked at: they belong into it or not
	holds    []int     // dispatched actions of each of the record's runners, as of the last Flush
	told     int       // sub-workflows that are told something and have not answered, see admit
	heldBack []*action // others, which are told when these have; and perhaps some that have ended
	storedT  int       // tasks and actions that the store has, as of the last Flush
	storedA  int
	pub      *value.Dict // memo of the root context layer
	stalled  string      // by what Load has found, it waits for nothing; "" it doesn't
	lateAt   time.Time   // the moment of which it was recorded that it was late

	// Of the turn, until Flush.
	create    bool
	recDirty  bool
	dataDirty bool
	given     bool // the data's input, params or environment are changed too
	dirtyT    []*task
	dirtyA    []*action
	history   []HistoryEvent
	sends     []Send
	notices   []Notification
	resend    []*action
	parentDue bool

	// Of the step.
	now        time.Time
	publishers []Publisher
	facts      Facts
	factsErr   error
	entropy    entropy
	steps      int

	lastDetail attemptMemo

	merged int // contexts that were put together, for a test
}

type task struct {
	TaskRecord
	prog     *taskProgram
	actions  []*action
	dirty    bool
	queued   bool         // in Execution.ready
	listed   bool         // in Execution.live
	inReview bool         // in Execution.blocked
	joining  bool         // in Execution.joins
	thorough bool         // at all inbound tasks, when it is looked at
	awaited  *taskProgram // an inbound task that a join waited for when it was looked at thoroughly
	in       *branch      // memo of inbound, if inKnown: nil is a context without anything
	out      *branch      // memo of outbound, if outKnown and Published is still outOf
	outOf    *value.Dict  // as it was
	inKnown  bool
	outKnown bool

	active   int       // actions that are not final
	accepted int       // actions that are accepted
	newest   []*action // by index
	// Of with-items: which indexes have an action that counts, nil when that must be found out; the lowest that may be
	// free; and whether items are being started right now.
	taken     []bool
	cursor    int
	launching bool
	list      *itemList // while there are items to be started, and others run; nil: to be evaluated
}

type action struct {
	ActionRecord
	task     *task
	dirty    bool
	resent   bool      // in Execution.resend
	waits    bool      // in Execution.waitings
	stirred  bool      // in Execution.stirred
	place    int       // in Execution.outbox, from 1; 0: it isn't there
	outdated bool      // there is a newer action of the same index
	told     bool      // counted in Execution.told
	heldBack bool      // in Execution.heldBack
	heldBy   RunnerID  // as counted in Execution.holds
	again    bool      // it was sent: its next moment is to be found
	nextSend time.Time // when it is to be sent again; zero: unknown
}

// New begins an execution: its first turn's effects are pending, Flush gives them. fault.Invalid refuses the start.
func New(p *Program, s Spec, m Moment, f Facts) (*Execution, error) {
	e := newExecution(p)
	e.begin(m, f)
	e.create, e.recDirty, e.dataDirty, e.given = true, true, true, true
	e.rec = ExecutionRecord{
		ID: s.ID, ProjectID: s.ProjectID, WorkflowName: p.name, Namespace: s.Namespace, DefinitionID: s.DefinitionID,
		Description: s.Description, Tags: s.Tags, State: Idle, Priority: s.Priority,
		RootID: s.RootID, ParentID: s.ParentID, ParentTaskID: s.ParentTaskID, Index: s.Index, Depth: s.Depth,
		SourceID: s.SourceID, StartedBy: s.By, Traceparent: s.Traceparent, CreatedAt: m.Now, UpdatedAt: m.Now,
	}
	e.ids = NewPartIDs(s.ID, m.Now)
	if s.ParentID != "" && s.Description == "" {
		e.rec.Description = "sub-workflow execution"
	}
	if err := e.start(s); err != nil {
		return nil, err
	}
	return e, e.end()
}

func newExecution(p *Program) *Execution {
	return &Execution{program: p}
}

// Load rebuilds an execution from its rows, tasks and actions by Seq. The rows must not be changed by anybody afterwards.
func Load(p *Program, rec *ExecutionRecord, data *ExecutionData, tasks []*TaskRecord, actions []*ActionRecord) (*Execution, error) {
	e := newExecution(p)
	e.rec, e.data, e.now, e.ids = *rec, *data, rec.UpdatedAt, NewPartIDs(rec.ID, rec.CreatedAt)
	for _, r := range tasks {
		tp := p.tasks[r.Name]
		if tp == nil {
			return nil, fault.New(fault.Internal, "load execution %s: its workflow %s has no task %q", rec.ID, p.name, r.Name)
		}
		if r.Seq != len(e.tasks) {
			return nil, fault.New(fault.Internal, "load execution %s: task %s has number %d, expected %d", rec.ID, r.ID, r.Seq, len(e.tasks))
		}
		t := &task{TaskRecord: *r, prog: tp}
		t.lose()
		e.addTask(t)
	}
	for _, r := range actions {
		t := e.task(r.TaskID)
		if t == nil {
			return nil, fault.New(fault.Internal, "load execution %s: action %s has no task %s", rec.ID, r.ID, r.TaskID)
		}
		if r.Seq != len(e.actions) {
			return nil, fault.New(fault.Internal, "load execution %s: action %s has number %d, expected %d", rec.ID, r.ID, r.Seq, len(e.actions))
		}
		e.addAction(&action{ActionRecord: *r, task: t})
	}
	e.storedT, e.storedA = len(e.tasks), len(e.actions)
	e.rec.Runners = nil // counted anew
	e.countHolds(e.actions)
	e.stalled, _ = Stalled(rec, tasks, actions)
	e.derive()
	return e, nil
}

// lose is where planted bugs forget something on loading.
func (t *task) lose() {
	switch {
	case planted.Has(planted.JoinForgets):
		t.Next = nil
	case planted.Has(planted.RetryForgotten):
		t.Runtime.RetryNo = 0
	case planted.Has(planted.ConcurrencyLost):
		t.Runtime.Concurrency = 0
	}
}

// derive rebuilds the queues that are implied by the rows.
func (e *Execution) derive() {
	for _, a := range e.actions {
		e.countTold(a)
		if !a.State.Final() && e.outstanding(a) {
			a.nextSend = e.nextResend(a)
		}
	}
	for _, t := range e.tasks {
		if t.startable() && e.rec.State != Cancelled {
			e.enqueue(t)
		}
		if t.State != Waiting {
			continue
		}
		e.noteJoin(t)
		if e.rec.State == Running {
			e.review(t)
		}
	}
}

func (e *Execution) addTask(t *task) {
	e.tasks = append(e.tasks, t)
	switch {
	case e.byName != nil:
		e.byName[t.Name] = append(e.byName[t.Name], t)
	case len(e.tasks) > fewTasks:
		e.byName = make(map[string][]*task, 2*fewTasks)
		for _, t := range e.tasks {
			e.byName[t.Name] = append(e.byName[t.Name], t)
		}
	}
	if !t.State.Final() {
		e.open++
	}
	e.enlist(t)
}

// lineUp puts a queued action among those that wait for a slot, in the order of creation.
func (e *Execution) lineUp(a *action) {
	if a.waits {
		return
	}
	a.waits = true
	at := len(e.waitings)
	for at > 0 && e.waitings[at-1].Seq > a.Seq {
		at--
	}
	e.waitings = slices.Insert(e.waitings, at, a)
}

// enlist puts a task among those that time or runners may move.
func (e *Execution) enlist(t *task) {
	if !t.listed {
		t.listed = true
		e.live = append(e.live, t)
	}
}

// liveTasks lists the tasks that are not final or have running actions.
func (e *Execution) liveTasks() []*task {
	e.live = slices.DeleteFunc(e.live, func(t *task) bool {
		gone := t.State.Final() && t.active == 0
		t.listed = t.listed && !gone
		return gone
	})
	return e.live
}

// setNewest makes an action the newest one of its index.
func (t *task) setNewest(a *action) {
	if more := a.Index + 1 - len(t.newest); more > 0 {
		t.newest = append(t.newest, make([]*action, more)...)
	}
	if old := t.newest[a.Index]; old != nil {
		old.outdated = true
	}
	t.newest[a.Index] = a
}

// stir has the outbox look at an action, for what it has to send may have changed.
func (e *Execution) stir(a *action) {
	if !a.stirred && (a.place > 0 || !a.State.Final()) {
		a.stirred = true
		e.stirred = append(e.stirred, a)
	}
}

func (e *Execution) addAction(a *action) {
	invariant.Check(a.Seq == len(e.actions), "action %s has number %d, expected %d", a.ID, a.Seq, len(e.actions))
	e.actions = append(e.actions, a)
	a.task.actions = append(a.task.actions, a)
	a.task.setNewest(a)
	e.stir(a)
	if !a.State.Final() {
		a.task.active++
		e.enlist(a.task)
	}
	if a.Accepted {
		a.task.accepted++
	}
	if a.Phase == PhaseQueued {
		e.lineUp(a)
	}
}

// State is the execution's state.
func (e *Execution) State() State { return e.rec.State }

// ProjectID is the project that the execution belongs to.
func (e *Execution) ProjectID() string { return e.rec.ProjectID }

// Record is a snapshot of the execution's row.
func (e *Execution) Record() ExecutionRecord {
	r := e.rec
	r.Runtime.Backlog = slices.Clone(r.Runtime.Backlog)
	r.Requests = slices.Clone(r.Requests)
	return r
}

// Output is the execution's output, nil until it is final.
func (e *Execution) Output() value.Value { return e.data.Output }

// Affirm has the next Flush write the execution's row though nothing has changed: the store then says whether this is
// still the execution's owner, before anybody is told anything.
func (e *Execution) Affirm() { e.recDirty = true }

// conclusive reports a send that makes somebody else forget something. Said by an engine that was overtaken and doesn't
// know what its successor has done, it would lose a result.
func conclusive(s Send) bool {
	if planted.Has(planted.AckUnfenced) {
		return false
	}
	switch s.(type) {
	case AckFinished, Deny, AckChild:
		return true
	}
	return false
}

// Flush takes what the steps since the last Flush want done.
func (e *Execution) Flush() Effects {
	var f Effects
	f.Sends = e.takeSends()
	if wanting := len(e.Wants(1)) > 0; wanting != e.rec.Wanting {
		e.rec.Wanting, e.recDirty = wanting, true
	}
	if slices.ContainsFunc(f.Sends, conclusive) {
		e.Affirm()
	}
	written := e.create || e.recDirty || e.dataDirty || len(e.dirtyT) > 0 || len(e.dirtyA) > 0 || len(e.history) > 0 || len(e.notices) > 0
	if !written {
		return f
	}
	e.rec.Turns++
	e.rec.UpdatedAt = e.now
	e.countHolds(e.dirtyA)
	rec := e.Record()
	f.Writes = Writes{Create: e.create, Execution: &rec, History: e.history, Notices: e.notices, FirstTask: e.storedT, FirstAction: e.storedA}
	e.storedT, e.storedA = len(e.tasks), len(e.actions)
	if e.dataDirty {
		data := e.data
		f.Writes.Data, f.Writes.Given = &data, e.given
	}
	slices.SortFunc(e.dirtyT, func(a, b *task) int { return a.Seq - b.Seq })
	for _, t := range e.dirtyT {
		t.dirty = false
		f.Writes.Tasks = append(f.Writes.Tasks, t.snapshot())
	}
	slices.SortFunc(e.dirtyA, func(a, b *action) int { return a.Seq - b.Seq })
	for _, a := range e.dirtyA {
		a.dirty = false
		f.Writes.Actions = append(f.Writes.Actions, a.snapshot())
	}
	e.given = false
	e.create, e.recDirty, e.dataDirty, e.dirtyT, e.dirtyA, e.history, e.notices = false, false, false, nil, nil, nil, nil
	return f
}

// countHolds brings the record's list of runners up to date, after changes of actions. Who takes is counted before who gives back: a
// runner that does both stays where it is. A list that a record was written with is not changed.
func (e *Execution) countHolds(changed []*action) {
	for _, a := range changed {
		if now := a.holder(); now != a.heldBy && now != "" {
			at, known := slices.BinarySearch(e.rec.Runners, now)
			if !known {
				e.rec.Runners = slices.Insert(slices.Clone(e.rec.Runners), at, now)
				e.holds = slices.Insert(e.holds, at, 0)
			}
			e.holds[at]++
		}
	}
	for _, a := range changed {
		now := a.holder()
		if now != a.heldBy && a.heldBy != "" {
			at, _ := slices.BinarySearch(e.rec.Runners, a.heldBy)
			if e.holds[at]--; e.holds[at] == 0 {
				e.rec.Runners = slices.Delete(slices.Clone(e.rec.Runners), at, at+1)
				e.holds = slices.Delete(e.holds, at, at+1)
			}
		}
		a.heldBy = now
	}
}

// holder is the runner that has the action; "": none.
func (a *action) holder() RunnerID {
	if a.Phase == PhaseDispatched {
		return a.Runner
	}
	return ""
}

func (t *task) snapshot() *TaskRecord {
	r := t.TaskRecord
	r.Parents, r.TriggeredBy, r.Next = slices.Clone(r.Parents), slices.Clone(r.TriggeredBy), slices.Clone(r.Next)
	return &r
}

func (a *action) snapshot() *ActionRecord {
	r := a.ActionRecord
	return &r
}

// touch marks a task as changed in this turn.
func (e *Execution) touch(t *task) {
	t.UpdatedAt = e.now
	if !t.dirty {
		t.dirty = true
		e.dirtyT = append(e.dirtyT, t)
	}
}

// touchAction marks an action as changed in this turn.
func (e *Execution) touchAction(a *action) {
	e.stir(a)
	a.UpdatedAt = e.now
	if !a.dirty {
		a.dirty = true
		e.dirtyA = append(e.dirtyA, a)
	}
}

// record adds a line to the history.
func (e *Execution) record(h HistoryEvent) {
	e.recDirty = true
	e.rec.Runtime.HistorySeq++
	h.Seq, h.At = e.rec.Runtime.HistorySeq, e.now
	if e.history == nil {
		e.history = make([]HistoryEvent, 0, 8) // few turns have more
	}
	e.history = append(e.history, h)
}

// setState changes the execution's state.
func (e *Execution) setState(s State, info string) {
	invariant.Check(e.rec.State != Success || s == Success, "execution %s leaves SUCCESS for %s", e.rec.ID, s)
	e.rec.State, e.rec.StateInfo, e.rec.Runtime.Cascaded, e.recDirty = s, info, false, true
	e.eachChild(e.stir) // what it must be told is this execution's state
	e.record(HistoryEvent{Kind: "execution.state", State: s, Info: info})
	if e.rec.ParentID != "" {
		e.rec.ParentPending, e.rec.ParentSent, e.parentDue = true, 0, true
		e.rec.Runtime.ReportSeq++
	}
}

// setTask changes a task's state.
func (e *Execution) setTask(t *task, s State, info string) {
	if t.State.Final() != s.Final() {
		if s.Final() {
			e.open--
		} else {
			e.open++
			e.enlist(t)
		}
	}
	invariant.Check(e.open >= 0, "execution %s: %d open tasks after task %s became %s", e.rec.ID, e.open, t.ID, s)
	changed := t.State != s || t.StateInfo != info
	t.State, t.StateInfo = s, info
	if s.Final() {
		t.FinishedAt = e.now
	} else {
		t.FinishedAt = time.Time{}
		t.outKnown = false
	}
	if s == Waiting {
		e.noteJoin(t)
	}
	e.touch(t)
	if changed {
		e.record(HistoryEvent{Kind: "task.state", TaskID: t.ID, Task: t.Name, State: s, Info: info})
	}
}

// setAction changes an action's state.
func (e *Execution) setAction(a *action, s State) {
	changed := a.State != s
	if !a.State.Final() && s.Final() {
		a.task.active--
	}
	a.State = s
	if s.Final() {
		a.FinishedAt, a.Phase, a.LeaseUntil = e.now, PhaseDone, zeroTime
	}
	e.touchAction(a)
	if changed {
		e.record(HistoryEvent{Kind: "action.state", TaskID: a.TaskID, Task: a.task.Name, ActionID: a.ID, State: s})
	}
}

func (e *Execution) newTask(tp *taskProgram) (*task, error) {
	if len(e.tasks) >= TasksMax {
		return nil, flawf("More than %d task executions in one workflow execution (limit TasksMax)", TasksMax)
	}
	t := &task{prog: tp, TaskRecord: TaskRecord{
		ID: e.ids.Task(len(e.tasks)), ExecutionID: e.rec.ID, Name: tp.Name, Seq: len(e.tasks), Type: "ACTION", State: Idle,
		Tags: tp.Tags, Published: emptyDict(), CreatedAt: e.now,
	}}
	if tp.Workflow != nil {
		t.Type = "WORKFLOW"
	}
	t.Runtime.ItemCount = -1
	e.addTask(t)
	e.touch(t)
	e.record(HistoryEvent{Kind: "task.state", TaskID: t.ID, Task: t.Name, State: Idle})
	return t, nil
}

func (e *Execution) newAction(t *task) (*action, error) {
	if len(e.actions) >= ActionsMax {
		return nil, flawf("More than %d action executions in one workflow execution (limit ActionsMax)", ActionsMax)
	}
	a := &action{task: t, ActionRecord: ActionRecord{
		ExecutionID: e.rec.ID, TaskID: t.ID, State: Running,
		Tags: t.Tags, SafeRerun: t.prog.safeRerun, CreatedAt: e.now,
	}}
	return a, nil
}

// String names the execution in messages.
func (e *Execution) String() string { return fmt.Sprintf("%s (%s)", e.rec.ID, e.program.name) }

var noEntries = value.NewDict(0).Freeze()

func emptyDict() *value.Dict { return noEntries }

func truthy(v value.Value) bool { return v != nil && value.Truthy(v) }
