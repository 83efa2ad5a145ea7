package workflow

import (
	"time"

	"cierzo/expr/value"
)

// startTask begins a task: policies first, then its actions. A task that comes back from a pause-before, a delay or a
// rerun without policies has Runtime.WakeFor or PausedBefore handled by its caller.
func (e *Execution) startTask(t *task) error {
	if t.StartedAt.IsZero() {
		t.StartedAt = e.now
	}
	e.setTask(t, Running, "")
	e.notifyTask(t, "TASK_LAUNCHED")
	if err := e.beforeStart(t); err != nil {
		return e.contain(t, "Failed to run task", err)
	}
	if t.State != Running {
		return nil
	}
	return e.proceed(t)
}

// proceed schedules what a running task runs.
func (e *Execution) proceed(t *task) error {
	if t.State != Running {
		e.setTask(t, Running, "")
	}
	var err error
	if len(t.prog.WithItems) > 0 {
		err = e.scheduleItems(t)
	} else {
		err = e.schedulePlain(t)
	}
	if err != nil {
		return e.contain(t, "Failed to run task", err)
	}
	return nil
}

func (e *Execution) schedulePlain(t *task) error {
	a, err := e.prepare(t, nil, 0)
	if err != nil {
		return err
	}
	return e.launch(a)
}

// launch adds a prepared action to the execution: it runs at once when it is inline, else it waits for a slot or a child.
func (e *Execution) launch(p *prepared) error {
	a := p.action
	a.Seq = len(e.actions)
	a.ID = e.ids.Action(a.Seq)
	e.addAction(a)
	e.touchAction(a)
	e.record(HistoryEvent{Kind: "action.state", TaskID: a.TaskID, Task: a.task.Name, ActionID: a.ID, State: Running})
	switch {
	case a.Kind == KindWorkflow:
		e.send(a)
		return nil
	case p.spec.Inline == nil || a.Async:
		return nil
	}
	a.StartedAt, a.Attempt = e.now, 1
	input := a.Input
	if a.RunInput != nil {
		input = a.RunInput
	}
	return e.actionDone(a, p.spec.Inline(a.ID, input))
}

// actionDone gives an action its outcome, and the task its consequences.
func (e *Execution) actionDone(a *action, o Outcome) error {
	state, result := Success, o.Value
	switch o.Kind {
	case OutcomeError:
		state = Error
	case OutcomeCancelled:
		state = Cancelled
	}
	if result == nil {
		result = value.Null{}
	}
	if state != Cancelled && a.Kind == KindAction && a.Name != "" {
		shaped, err := e.adHocOutput(a, state, result)
		if err != nil {
			return e.spoil(a, "Failed to complete action", err)
		}
		result = shaped
	}
	output := wrapped(result)
	if err := sizeLimit("ActionExecution", "output", output); err != nil {
		return e.spoil(a, "Failed to handle action completion", err)
	}
	e.finishAction(a, state, output)
	return e.onActionDone(a)
}

func (e *Execution) finishAction(a *action, s State, output *value.Dict) {
	a.Output = output
	e.accept(a, a.counts(s))
	e.setAction(a, s)
}

// wrapped is a result as an action's output has it.
func wrapped(result value.Value) *value.Dict {
	out := value.NewDict(1)
	out.SetString("result", result)
	return out.Freeze()
}

// counts reports whether an outcome belongs to the task's result: not when the task has moved on to another action for
// the same item, and not when a task that had ended had it cancelled.
func (a *action) counts(s State) bool {
	if a.Forgotten || a.outdated {
		return false
	}
	return !(a.CancelSent && s == Cancelled && a.task.State == Error)
}

// spoil ends an action whose outcome can't be used, and with it the task and the execution.
func (e *Execution) spoil(a *action, doing string, err error) error {
	text, ok := asFlaw(err)
	if !ok {
		return err
	}
	e.finishAction(a, Error, wrapped(value.String(doing+": "+text)))
	e.accept(a, false)
	if a.task.State.Final() {
		return nil
	}
	return e.contain(a.task, doing, err)
}

// accept says whether an action counts for its task's result.
func (e *Execution) accept(a *action, yes bool) {
	if a.Accepted == yes {
		return
	}
	if a.Accepted = yes; yes {
		a.task.accepted++
	} else {
		a.task.accepted--
	}
	e.touchAction(a)
}

// onActionDone continues the task whose action has ended.
func (e *Execution) onActionDone(a *action) error {
	t := a.task
	if t.State.Final() || t.State == Waiting || t.State == Delayed {
		return nil
	}
	var err error
	if len(t.prog.WithItems) > 0 {
		err = e.itemDone(t, a)
	} else if !a.Forgotten {
		err = e.complete(t, a.State, e.failureText(a))
	}
	if err != nil {
		return e.contain(t, "Failed to handle action completion", err)
	}
	return nil
}

// failureText is the state info of a task whose action didn't succeed: its result in Python's notation.
func (e *Execution) failureText(a *action) string {
	if a.State == Success {
		return ""
	}
	if a.Kind == KindWorkflow {
		if info := a.childInfo(); info != "" || a.State == Cancelled {
			return info
		}
		return "Failed subworkflow [execution_id=" + string(a.ID) + "]"
	}
	r := resultOf(&a.ActionRecord)
	if _, null := r.(value.Null); null && a.State == Cancelled {
		return ""
	}
	return value.Str(r)
}

// complete ends a task's work with a state: publish, policies, transitions. Policies may put the end off.
func (e *Execution) complete(t *task, s State, info string) error {
	if t.State.Final() {
		return nil
	}
	e.setTask(t, s, info)
	if err := e.publish(t); err != nil {
		return err
	}
	err := e.conclude(t)
	// Policies and transitions still see the result. What is completed again after its wait-after publishes again.
	if !t.prog.KeepResult && t.Runtime.WakeFor != wakeComplete {
		e.dropResult(t)
	}
	return err
}

// conclude applies the policies to a task's state, and unless they put its end off starts what follows.
func (e *Execution) conclude(t *task) error {
	if t.State != Skipped {
		if err := e.afterCompletion(t); err != nil {
			return err
		}
	}
	if !t.State.Final() {
		return nil
	}
	return e.transit(t)
}

// dropResult empties the outputs of a task that doesn't keep its result.
func (e *Execution) dropResult(t *task) {
	for _, a := range t.actions {
		if a.State.Final() && a.Kind == KindAction {
			a.Output = emptyDict()
			e.touchAction(a)
		}
	}
}

// Result is a task's result: the value of its accepted action, or the list of them.
func Result(t *TaskRecord, actions []*ActionRecord) value.Value {
	var accepted []*ActionRecord
	for _, a := range actions {
		if a.Accepted {
			accepted = append(accepted, a)
		}
	}
	if t.Runtime.ItemCount < 0 && len(accepted) == 1 {
		return resultOf(accepted[0])
	}
	if t.Runtime.ItemCount >= 0 {
		sortByIndex(accepted)
	}
	list := make([]value.Value, len(accepted))
	for i, a := range accepted {
		list[i] = resultOf(a)
	}
	return value.NewList(list)
}

// resultOf is the result in an action's output, null when it has none.
func resultOf(a *ActionRecord) value.Value {
	if d, ok := a.Output.(*value.Dict); ok {
		if v, ok := d.GetString("result"); ok {
			return v
		}
	}
	return value.Null{}
}

func (t *task) result() value.Value {
	records := make([]*ActionRecord, len(t.actions))
	for i, a := range t.actions {
		records[i] = &a.ActionRecord
	}
	return Result(&t.TaskRecord, records)
}

// sizeLimit refuses a value that is too big to be stored.
func sizeLimit(class, field string, v value.Value) error {
	if v == nil {
		return nil
	}
	b, err := value.AppendJSON(make([]byte, 0, 64), v)
	if err != nil {
		return flawf("Can't store %s of %s: %v", field, class, err)
	}
	if len(b) > FieldBytesMax {
		return flawf("Field size limit exceeded [class=%s, field=%s, size=%dKB, limit=%dKB]", class, field, len(b)>>10, FieldBytesMax>>10)
	}
	return nil
}

// RuntimeContext is what REST shows of a task's runtime, in Mistral's words.
func RuntimeContext(t *TaskRecord) *value.Dict {
	d := value.NewDict(4)
	if len(t.TriggeredBy) > 0 {
		list := make([]value.Value, len(t.TriggeredBy))
		for i, by := range t.TriggeredBy {
			one := value.NewDict(2)
			one.SetString("task_id", value.String(by.TaskID))
			one.SetString("event", value.String(by.Event))
			list[i] = one.Freeze()
		}
		d.SetString("triggered_by", value.NewList(list))
	}
	r := t.Runtime
	if r.RetryNo > 0 {
		retry := value.NewDict(1)
		retry.SetString("retry_no", value.Int(r.RetryNo))
		d.SetString("retry_task_policy", retry.Freeze())
	}
	if r.ItemsReady {
		items := value.NewDict(2)
		items.SetString("capacity", capacity(t))
		items.SetString("count", value.Int(r.ItemCount))
		d.SetString("with_items", items.Freeze())
	}
	if r.Concurrency > 0 {
		d.SetString("concurrency", value.Int(r.Concurrency))
	}
	return d.Freeze()
}

// capacity is how many more items may run: null without a limit.
func capacity(t *TaskRecord) value.Value {
	switch {
	case t.Runtime.Concurrency == 0:
		return value.Null{}
	case t.State.Final():
		return value.Int(t.Runtime.Concurrency)
	}
	return value.Int(0)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
