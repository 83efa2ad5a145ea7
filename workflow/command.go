package workflow

import (
	"slices"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/invariant"
	"cierzo/internal/planted"
)

// command carries out what a user asks for. A command that was carried out before, by its request id, is only answered.
// All refusals come before the first change.
func (e *Execution) command(c Command) error {
	if c.RequestID != "" && !planted.Has(planted.RequestForgotten) && slices.Contains(e.rec.Requests, RequestRecord{ID: c.RequestID}) {
		return nil
	}
	if err := e.carryOutOp(c.Op); err != nil {
		return err
	}
	e.renewAuth(c)
	e.record(HistoryEvent{Kind: "command", State: e.rec.State, Info: opName(c.Op), Detail: c.By.detail()})
	if c.RequestID != "" {
		if n := len(e.rec.Requests); n >= RequestsMax {
			e.rec.Requests = slices.Clone(e.rec.Requests[n-RequestsMax+1:])
		}
		e.rec.Requests = append(e.rec.Requests, RequestRecord{ID: c.RequestID})
	}
	return nil
}

// renewAuth has the execution go on with the right of who has it go on: tokens live for hours, executions for days. The right
// of another project's administrator isn't taken: actions would reach that project's things.
func (e *Execution) renewAuth(c Command) {
	switch c.Op.(type) {
	case Resume, Rerun, Skip:
	default:
		return
	}
	if c.Auth == nil || c.Auth.Token == "" || c.Auth.Project != e.rec.ProjectID || e.rec.State == Success {
		return
	}
	e.data.Auth, e.dataDirty = c.Auth, true
}

func (e *Execution) carryOutOp(op Op) error {
	switch op := op.(type) {
	case Pause:
		if e.rec.State.Final() {
			return e.refuseState(Paused)
		}
		if e.rec.State == Paused {
			return nil
		}
		err := e.pause("")
		e.rec.Runtime.Cascaded = op.Cascade
		return err
	case Resume:
		return e.resumeOp(op)
	case Stop:
		return e.stopOp(op)
	case Rerun:
		return e.rerun(op)
	case Skip:
		return e.skip(op)
	case Describe:
		e.rec.Description, e.recDirty = op.Description, true
		return nil
	case SetEnv:
		if e.rec.State != Idle && e.rec.State != Paused && e.rec.State != Error {
			return fault.New(fault.Forbidden, "Updating env to workflow execution is only permitted if it is in IDLE, PAUSED, or ERROR state.")
		}
		e.mergeEnv(op.Env)
		return nil
	case CompleteAction:
		return e.completeAction(op)
	}
	invariant.Unreachable("execution %s: unknown command %T", e.rec.ID, op)
	return nil
}

func opName(op Op) string {
	switch op := op.(type) {
	case Pause:
		return "pause"
	case Resume:
		return "resume"
	case Stop:
		return "stop as " + string(op.State)
	case Rerun:
		return "rerun"
	case Skip:
		return "skip"
	case Describe:
		return "describe"
	case SetEnv:
		return "set environment"
	case CompleteAction:
		return "complete action as " + string(op.State)
	}
	return "unknown"
}

func (e *Execution) refuseState(to State) error {
	return fault.New(fault.Invalid, "Can't change workflow execution state from %s to %s. [workflow=%s, execution_id=%s]",
		e.rec.State, to, e.program.name, e.rec.ID)
}

func (e *Execution) mergeEnv(env *value.Dict) {
	if env == nil || env.Len() == 0 {
		return
	}
	e.data.Env, e.pub = mergeDeep(e.data.Env, env), nil
	if e.rec.ParentID == "" {
		params := e.data.Params.Clone()
		params.SetString("env", e.data.Env)
		e.data.Params = params.Freeze()
	}
	e.dataDirty, e.given = true, true
}

// pause stops new work; what runs goes on, and its results wait for the resume.
func (e *Execution) pause(info string) error {
	if e.rec.State != Running {
		return nil
	}
	e.setState(Paused, info)
	e.notify("WORKFLOW_PAUSED", nil)
	e.tellChildren()
	return nil
}

func (e *Execution) resumeOp(op Resume) error {
	if e.rec.State != Paused {
		return nil
	}
	e.mergeEnv(op.Env)
	return e.resumeBy(op.Cascade)
}

func (e *Execution) resume() error { return e.resumeBy(false) }

// resumeBy goes on: with children, with the transitions that completed meanwhile, with tasks that waited, with the backlog.
func (e *Execution) resumeBy(cascade bool) error {
	if e.rec.State != Paused {
		return nil
	}
	e.setState(Running, "")
	e.rec.Runtime.Cascaded = cascade
	e.notify("WORKFLOW_RESUMED", nil)
	e.tellChildren()
	backlog := e.takeBacklog()
	for i := 0; i < len(e.tasks); i++ {
		if err := e.resumeTask(e.tasks[i]); err != nil {
			return err
		}
	}
	return e.dispatch(backlog)
}

// takeBacklog gives the moves that a pause command has kept back, and forgets them.
func (e *Execution) takeBacklog() []move {
	backlog := e.rec.Runtime.Backlog
	if len(backlog) == 0 {
		return nil
	}
	e.rec.Runtime.Backlog, e.recDirty = nil, true
	moves := make([]move, 0, len(backlog))
	for _, b := range backlog {
		m := move{from: e.task(b.From), event: b.Event, name: b.Name, message: b.Message}
		if !engineCommand(b.Name) {
			m.to = e.program.tasks[b.Name]
		}
		moves = append(moves, m)
	}
	return arrange(moves)
}

// takeUp does what a pause had kept back from an execution that ended without a resume, and has been revived. Tasks that had
// completed meanwhile lead to tasks, and no more to fail or succeed: in Mistral they lead to nothing at all, so that joins
// wait for ever. Those that failed by a flaw lead to nothing here either. The backlog is carried out as it is.
func (e *Execution) takeUp() error {
	for i := 0; i < len(e.tasks) && e.rec.State == Running; i++ {
		t := e.tasks[i]
		switch {
		case !t.State.Final() || t.Processed:
		case t.HasNext || e.program.reverse(): // decided, and put off: see transit
			if err := e.continueTask(t, isCommand); err != nil {
				if err := e.contain(t, "Failed to complete task", err); err != nil {
					return err
				}
			}
		default:
			t.Processed = true
			e.touch(t)
		}
	}
	if e.rec.State != Running { // paused again: the resume will do it
		return nil
	}
	return e.dispatch(e.takeBacklog())
}

func (e *Execution) resumeTask(t *task) error {
	switch {
	case t.State.Final() && !t.Processed:
		if err := e.continueTask(t, isPause); err != nil {
			return e.contain(t, "Failed to complete task", err)
		}
	case t.State == Waiting:
		e.review(t)
	case t.State == Idle && t.Runtime.PausedBefore && e.rec.State == Running:
		t.Runtime.PausedBefore = false
		if t.StartedAt.IsZero() {
			t.StartedAt = e.now
		}
		e.setTask(t, Running, "")
		e.notifyTask(t, "TASK_LAUNCHED")
		return e.proceed(t)
	case t.State == Idle:
		e.enqueue(t)
	}
	return nil
}

func (e *Execution) stopOp(op Stop) error {
	if !op.State.Final() || op.State == Skipped {
		return fault.New(fault.Invalid, "Can't stop an execution with the state %s", op.State)
	}
	return e.stop(op.State, op.Message)
}

// failedTask finds the task of a rerun or skip.
func (e *Execution) failedTask(id TaskID) (*task, error) {
	t := e.task(id)
	switch {
	case t == nil:
		return nil, fault.New(fault.NotFound, "TaskExecution not found [id=%s]", id)
	case t.State == Success:
		return nil, fault.New(fault.Invalid, "Rerunning succeeded tasks is not supported.")
	case t.State != Error:
		return nil, fault.New(fault.Invalid, "The current task execution must be in ERROR for rerun. Only updating task to rerun is supported.")
	case e.rec.State == Success:
		return nil, e.refuseState(Running)
	}
	return t, nil
}

// rerun runs a failed task again: with its start policies, its earlier actions no longer counting.
func (e *Execution) rerun(op Rerun) error {
	t, err := e.failedTask(op.Task)
	if err != nil {
		return err
	}
	if !op.Reset && len(t.prog.WithItems) == 0 {
		return fault.New(fault.Invalid, "Only with-items task has the option to not reset.")
	}
	given, err := givenInput(t, op.Input)
	if err != nil {
		return err
	}
	if e.rec.State == Paused {
		return nil
	}
	e.mergeEnv(op.Env)
	e.revive()
	e.forget(t, !op.Reset)
	n := t.Runtime.RerunNo + 1
	t.Runtime = TaskRuntime{ItemCount: t.Runtime.ItemCount, ItemsReady: t.Runtime.ItemsReady, RerunNo: n, GivenInput: given}
	e.reopen(t)
	t.StartedAt = e.now
	e.notifyTask(t, "TASK_RERUN")
	if t.prog.Join.IsJoin() {
		t.TriggeredBy, t.inKnown = nil, false
		e.setTask(t, Waiting, "Task is waiting.")
		e.review(t)
	} else {
		e.setTask(t, Idle, "")
		e.enqueue(t)
	}
	return e.takeUp()
}

// givenInput is the input of a rerun as a task keeps it; "" for none.
func givenInput(t *task, input *value.Dict) (string, error) {
	if input == nil {
		return "", nil
	}
	if len(t.prog.WithItems) > 0 {
		return "", fault.New(fault.Invalid, "Task %s has with-items: each item has an input of its own. Change the environment instead.", t.Name)
	}
	if err := sizeLimit("ActionExecution", "input", input); err != nil {
		return "", fault.New(fault.Invalid, "%v", err)
	}
	text, err := value.AppendJSON(nil, input)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "input")
	}
	return string(text), nil
}

// reopen takes back what a task's end meant for others.
func (e *Execution) reopen(t *task) {
	t.Processed, t.ErrorHandled, t.Next, t.HasNext = false, false, nil, false
	t.Published, t.Globals = emptyDict(), nil
	for _, other := range e.tasks {
		other.inKnown, other.outKnown = false, false
	}
	e.touch(t)
}

// skip marks a failed task as skipped and goes on behind it.
func (e *Execution) skip(op Skip) error {
	t, err := e.failedTask(op.Task)
	if err != nil {
		return err
	}
	if e.rec.State == Paused {
		return nil
	}
	e.mergeEnv(op.Env)
	e.revive()
	e.reopen(t)
	e.setTask(t, Running, "")
	if err := e.complete(t, Skipped, "Task was skipped."); err != nil {
		if err := e.contain(t, "Failed to complete task", err); err != nil {
			return err
		}
	}
	return e.takeUp()
}

// revive sets an execution that had ended going again; its parents hear of it and do the same. After what the caller does comes
// takeUp.
func (e *Execution) revive() {
	if !e.rec.State.Final() {
		return
	}
	e.data.Output, e.dataDirty = nil, true
	e.setState(Running, "")
	e.notify("WORKFLOW_RERUN", nil)
	for _, t := range e.tasks {
		t.taken = nil // items that the cancel took back are to be run, when no other runs any more
		switch {
		case t.State == Waiting:
			e.review(t)
		case t.State == Idle:
			t.Runtime.PausedBefore = false // no resume will come: it pauses again
			e.touch(t)
			e.enqueue(t)
		case t.State == Running && t.active == 0:
			// The cancel took back what it was about to run: it begins again.
			e.setTask(t, Idle, "")
			e.enqueue(t)
		}
	}
}

// completeAction gives an action its outcome from outside.
func (e *Execution) completeAction(op CompleteAction) error {
	a := e.action(op.Action)
	if a == nil || a.Kind == KindWorkflow {
		return fault.New(fault.NotFound, "ActionExecution not found [id=%s]", op.Action)
	}
	if a.State.Final() {
		return fault.New(fault.Conflict, "Action execution is already complete: %s [state=%s]", a.ID, a.State)
	}
	o := Outcome{Value: op.Output}
	switch op.State {
	case Success:
		o.Kind = OutcomeValue
	case Error:
		o.Kind = OutcomeError
	case Cancelled:
		o.Kind = OutcomeCancelled
	case Paused, Running:
		return e.updateAction(a, op.State)
	default:
		return fault.New(fault.Invalid, "Invalid state transition from %s to %s.", a.State, op.State)
	}
	if a.Phase == PhaseDispatched {
		// Its runner need not go on; whatever it reports now is late.
		e.sends = append(e.sends, CancelAttempt{Action: a.ID, Attempt: a.Attempt, Runner: a.Runner}, Release{Action: a.ID, Runner: a.Runner})
		a.Runner = ""
	}
	return e.actionDone(a, o)
}

// updateAction pauses and resumes an asynchronous action, and with it the task and the execution.
func (e *Execution) updateAction(a *action, s State) error {
	if s == Paused && !a.Async {
		return fault.New(fault.Invalid, "Transition to the PAUSED state is only supported for asynchronous action execution.")
	}
	if a.State == s {
		return nil
	}
	e.setAction(a, s)
	t := a.task
	if s == Paused {
		if t.State == Running {
			e.setTask(t, Paused, "")
			e.notifyTask(t, "TASK_PAUSED")
		}
		return e.pause("")
	}
	if t.State == Paused && !anyPaused(t) {
		e.setTask(t, Running, "")
		e.notifyTask(t, "TASK_RESUMED")
	}
	for _, other := range e.liveTasks() {
		if other.State == Paused {
			return nil
		}
	}
	return e.resume()
}
