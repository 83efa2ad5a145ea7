package workflow

import (
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/internal/invariant"
)

// Sub-workflows: the execution of one has the id of the action that stands for it. Its start is sent until it reports;
// it reports every state until it is acknowledged.

// prepareChild resolves a sub-workflow and its input. What it doesn't declare becomes its params.
func (e *Execution) prepareChild(a *action, name string) error {
	a.Kind, a.Phase, a.SafeRerun = KindWorkflow, PhaseChild, false
	ref, err := e.findWorkflow(name)
	if err != nil {
		return err
	}
	if ref == nil {
		return flawf("Failed to find workflow [name=%s] [namespace=%s]", name, e.rec.Namespace)
	}
	if e.rec.Depth+1 > DepthMax {
		return flawf("Sub-workflows are nested deeper than %d (limit DepthMax) [name=%s]", DepthMax, name)
	}
	params := value.NewDict(5)
	if v, ok := e.data.Params.GetString("notify"); ok {
		params.SetString("notify", v)
	}
	input := splitInput(ref.Input, a.Input, params)
	if _, err := bindInput(ref.Name, specClass(ref.Type), ref.Input, false, input); err != nil {
		return err
	}
	params.SetString("root_execution_id", value.String(e.root()))
	params.SetString("task_execution_id", value.String(a.TaskID))
	params.SetString("index", value.Int(a.Index))
	params.SetString("namespace", value.String(e.rec.Namespace))
	a.Name, a.Input, a.ChildDefinitionID, a.ChildParams = ref.Name, input, ref.DefinitionID, params.Freeze()
	return nil
}

// splitInput keeps what is declared and puts the rest into params.
func splitInput(declared []dsl.Param, given, params *value.Dict) *value.Dict {
	names := make(map[string]bool, len(declared))
	for _, p := range declared {
		names[p.Name] = true
	}
	input := value.NewDict(len(declared))
	for k, v := range given.All() {
		if s, ok := k.(value.String); ok && names[string(s)] {
			put(input, k, v)
		} else {
			put(params, k, v)
		}
	}
	return input.Freeze()
}

func (e *Execution) findWorkflow(name string) (*WorkflowRef, error) {
	if e.program.prefix != "" {
		ref, err := e.facts.Workflow(e.rec.ProjectID, e.rec.Namespace, e.program.prefix+name)
		if ref != nil || err != nil {
			return ref, asFactFlaw(err)
		}
	}
	ref, err := e.facts.Workflow(e.rec.ProjectID, e.rec.Namespace, name)
	return ref, asFactFlaw(err)
}

// childWord says what a sub-workflow must be told: to start until it reports, then to follow this execution's state; "": nothing.
func (e *Execution) childWord(a *action) string {
	switch {
	case a.CancelSent:
		return "cancel"
	case !a.ChildStarted && e.rec.State != Cancelled: // of an execution that failed, what was begun still runs
		return "start"
	case a.ChildStarted && e.rec.State == Paused && a.State == Running:
		return "pause"
	case a.ChildStarted && e.rec.State == Running && a.State == Paused:
		return "resume"
	}
	return ""
}

// mustTell reports whether a sub-workflow must be told something.
func (e *Execution) mustTell(a *action) bool {
	return a.Phase == PhaseChild && !a.State.Final() && e.childWord(a) != ""
}

// admit reports whether a sub-workflow may be told something now. No more than UnansweredMax are at a time: all at once those of a large
// with-items would stand in line so long that they had to be told again, and so would their answers.
func (e *Execution) admit(a *action) bool {
	most := UnansweredMax
	if invariant.Expensive {
		most = 2 // so that tests come to it
	}
	switch {
	case a.told:
		return true
	case e.told < most:
		a.told = true
		e.told++
		return true
	case !a.heldBack:
		a.heldBack = true
		e.heldBack = append(e.heldBack, a)
		e.stir(a)
	}
	return false
}

// countTold brings the count up to date with what an action must be told.
func (e *Execution) countTold(a *action) {
	switch must := e.mustTell(a); {
	case must && !a.heldBack: // who is held back has its turn with admitNext
		e.admit(a)
	case !must && a.told:
		a.told = false
		e.told--
	}
}

// admitNext has those told that were held back, as far as there is room.
func (e *Execution) admitNext() {
	for len(e.heldBack) > 0 {
		a := e.heldBack[0]
		if e.mustTell(a) && !e.admit(a) {
			return
		}
		a.heldBack = false
		if e.heldBack = e.heldBack[1:]; a.told {
			e.send(a)
		}
	}
	e.heldBack = nil
}

// childSends is what a sub-workflow must be told.
func (e *Execution) childSends(a *action) []Send {
	child := ExecutionID(a.ID)
	switch word := e.childWord(a); word {
	case "":
		return nil
	case "start":
		return []Send{StartChild{
			Child: child, DefinitionID: a.ChildDefinitionID, Parent: e.rec.ID, ParentTask: a.TaskID, Root: e.root(),
			Index: a.Index, Depth: e.rec.Depth + 1, Project: e.rec.ProjectID, Namespace: e.rec.Namespace,
			Priority: e.rec.Priority, Input: a.Input, Params: a.ChildParams, Env: e.data.Env,
			Auth: e.data.Auth, Traceparent: e.rec.Traceparent,
		}}
	case "cancel":
		return []Send{ControlChild{Child: child, Op: word, Message: e.rec.StateInfo}}
	default:
		return []Send{ControlChild{Child: child, Op: word}}
	}
}

// tellChildren has all unfinished sub-workflows told of a change of this execution's state.
func (e *Execution) tellChildren() { e.eachChild(e.tellChild) }

// eachChild goes through the sub-workflows that have not ended.
func (e *Execution) eachChild(do func(*action)) {
	for _, t := range e.liveTasks() {
		for _, a := range t.actions {
			if a.Phase == PhaseChild && !a.State.Final() {
				do(a)
			}
		}
	}
}

// childReported takes a sub-workflow's state over. Repeated and overtaken reports are only acknowledged.
func (e *Execution) childReported(ev ChildReported) error {
	e.sends = append(e.sends, AckChild{Child: ev.Child, State: ev.State, Seq: ev.Seq})
	a := e.action(ActionID(ev.Child))
	if a == nil || a.Kind != KindWorkflow || (ev.Seq != 0 && ev.Seq <= a.Attempt) {
		return nil
	}
	if ev.Refused {
		if a.State.Final() {
			return nil
		}
		state := Error
		if ev.State == Cancelled {
			state = Cancelled
		}
		return e.childDone(a, state, resultDict(ev.Info))
	}
	if ev.Seq > a.Attempt {
		a.Attempt = ev.Seq
		e.touchAction(a)
	}
	if a.State.Final() {
		return e.childRevived(a, ev)
	}
	if !a.ChildStarted {
		a.ChildStarted = true
		e.touchAction(a)
	}
	cascaded := ev.Output != nil && !ev.State.Final()
	switch ev.State {
	case Running:
		return e.childRunning(a, cascaded)
	case Paused:
		return e.childPaused(a, cascaded)
	case Success, Error, Cancelled:
		if a.State == Paused && ev.State != Cancelled {
			// The report of its resume was overtaken by this one.
			if err := e.childRunning(a, false); err != nil {
				return err
			}
		}
		return e.childDone(a, ev.State, ev.Output)
	}
	return nil
}

func (e *Execution) childDone(a *action, s State, output value.Value) error {
	o := Outcome{Kind: OutcomeValue, Value: output}
	switch s {
	case Error:
		o.Kind = OutcomeError
	case Cancelled:
		o.Kind = OutcomeCancelled
	}
	a.ChildStarted = true
	return e.actionDone(a, o)
}

// childInfo is why a sub-workflow failed, as its output says.
func (a *action) childInfo() string {
	if d, ok := resultOf(&a.ActionRecord).(*value.Dict); ok {
		if v, ok := d.GetString("result"); ok {
			if s, ok := v.(value.String); ok {
				return string(s)
			}
		}
	}
	return ""
}

// childPaused is the report of a pause. One that a user asked for pauses the parent too; the answer to the parent's own
// command, which may come when the parent goes on already, doesn't.
func (e *Execution) childPaused(a *action, cascaded bool) error {
	if a.State == Paused {
		return nil
	}
	e.setAction(a, Paused)
	if t := a.task; t.State == Running {
		e.setTask(t, Paused, "")
		e.notifyTask(t, "TASK_PAUSED")
	}
	if e.rec.State == Running && !cascaded && !a.PauseSent {
		return e.pause("")
	}
	e.tellChild(a)
	return nil
}

// childRunning is the report of a start or a resume. A child that goes on takes its parents along, unless another task
// is still paused.
func (e *Execution) childRunning(a *action, cascaded bool) error {
	if a.PauseSent {
		a.PauseSent = false
		e.touchAction(a)
	}
	if a.State != Paused {
		e.tellChild(a)
		return nil
	}
	e.setAction(a, Running)
	t := a.task
	if t.State == Paused && !anyPaused(t) {
		e.setTask(t, Running, "")
		e.notifyTask(t, "TASK_RESUMED")
	}
	if cascaded {
		e.tellChild(a)
		return nil
	}
	for _, other := range e.liveTasks() {
		if other.State == Paused {
			return nil
		}
	}
	return e.resume()
}

func anyPaused(t *task) bool {
	for _, a := range t.actions {
		if a.State == Paused {
			return true
		}
	}
	return false
}

// tellChild repeats what the child must be told, if anything.
func (e *Execution) tellChild(a *action) {
	if e.outstanding(a) {
		e.send(a)
	}
}

// childRevived: a rerun inside a sub-workflow that had ended sets its parents going again. Any other word of a child
// that nobody waits for is answered with a cancel.
func (e *Execution) childRevived(a *action, ev ChildReported) error {
	if ev.State != Running {
		return nil
	}
	t := a.task
	superseded := a.Forgotten || t.actions[len(t.actions)-1] != a && t.Runtime.ItemCount < 0
	if ev.Seq <= 1 || a.State == Success || superseded || e.rec.State == Success || (t.State != Error && t.State != Cancelled) {
		if e.rec.State == Cancelled || a.CancelSent {
			e.sends = append(e.sends, ControlChild{Child: ev.Child, Op: "cancel"})
		}
		return nil
	}
	a.Phase, a.Output, a.CancelSent, a.FinishedAt = PhaseChild, nil, false, zeroTime
	e.accept(a, false)
	a.State = Running
	t.active++
	e.touchAction(a)
	e.record(HistoryEvent{Kind: "action.state", TaskID: t.ID, Task: t.Name, ActionID: a.ID, State: Running})
	t.Processed, t.ErrorHandled, t.Next, t.HasNext = false, false, nil, false
	t.taken = nil // items that the task's end had cancelled are to be run
	t.Runtime.RerunNo++
	e.setTask(t, Running, "")
	e.notifyTask(t, "TASK_RERUN")
	e.revive()
	return e.takeUp()
}

// parentAcked ends the repetition of a report.
func (e *Execution) parentAcked(ev ParentAcked) {
	if e.rec.ParentPending && ev.State == e.rec.State && (ev.Seq == 0 || ev.Seq == e.rec.Runtime.ReportSeq) {
		e.rec.ParentPending, e.rec.ParentSent, e.rec.Runtime.ParentAt, e.recDirty = false, 0, zeroTime, true
	}
}
