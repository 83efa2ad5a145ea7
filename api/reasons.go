package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/dsl"
	"cierzo/workflow"
)

// situation is all that an explanation is made from.
type situation struct {
	execution *workflow.ExecutionRecord
	workflow  *dsl.Workflow
	tasks     []*workflow.TaskRecord   // by Seq
	actions   []*workflow.ActionRecord // by Seq
	now       time.Time
}

// reason is why a task goes no further at the moment.
type reason struct {
	waits  string // a word for programs
	text   string // a sentence for people
	since  time.Time
	until  time.Time // zero: nobody knows
	holder string
}

// explain says of every task that has not ended what it waits for, since when, until when, and who holds it.
func explain(sit situation) apitype.Explanation {
	out := apitype.Explanation{ID: string(sit.execution.ID), State: string(sit.execution.State), Tasks: []apitype.TaskReason{}}
	for _, t := range sit.tasks {
		if t.State.Final() && (t.Processed || sit.execution.State != workflow.Paused) {
			continue
		}
		why := sit.taskReason(t)
		out.Tasks = append(out.Tasks, apitype.TaskReason{
			TaskID: string(t.ID), Task: t.Name, State: string(t.State), Waits: why.waits, Text: why.text,
			Since: apitype.Time(why.since), Until: apitype.Time(why.until), Holder: apitype.Text(why.holder),
		})
	}
	out.Summary = sit.summary(len(out.Tasks))
	return out
}

// summary is a sentence about the execution.
func (sit *situation) summary(waiting int) string {
	rec := sit.execution
	name := "Execution of " + rec.WorkflowName
	switch {
	case rec.State == workflow.Paused:
		return name + " is paused: it goes on when it is resumed (PUT state RUNNING)."
	case rec.State.Final() && waiting > 0:
		return fmt.Sprintf("%s has ended as %s; %s that had begun %s still there, and nothing follows.", name, rec.State, count(waiting, "task"), areIs(waiting))
	case rec.State.Final():
		return fmt.Sprintf("%s has ended as %s: nothing is waited for.", name, rec.State)
	case waiting == 0:
		return name + " is about to go on: none of its tasks waits for anything."
	}
	return fmt.Sprintf("%s waits for %s.", name, count(waiting, "task"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func areIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// taskReason says what one task waits for.
func (sit *situation) taskReason(t *workflow.TaskRecord) reason {
	paused := sit.execution.State == workflow.Paused
	switch {
	case t.State.Final():
		return reason{"resume", fmt.Sprintf("Task %s has ended as %s; what follows begins when the execution is resumed.", t.Name, t.State), t.UpdatedAt, time.Time{}, ""}
	case t.State == workflow.Waiting:
		return sit.joinReason(t)
	case t.State == workflow.Delayed || !t.Runtime.WakeAt.IsZero():
		return delayReason(t)
	case t.State == workflow.Idle && t.Runtime.PausedBefore:
		return reason{"resume", fmt.Sprintf("Task %s stops before it starts (pause-before): resume the execution.", t.Name), t.UpdatedAt, time.Time{}, ""}
	case t.State == workflow.Idle && paused:
		return reason{"resume", fmt.Sprintf("Task %s begins when the execution is resumed.", t.Name), t.UpdatedAt, time.Time{}, ""}
	case t.State == workflow.Idle:
		return reason{"engine", fmt.Sprintf("Task %s is about to begin.", t.Name), t.UpdatedAt, time.Time{}, ""}
	}
	why := sit.actionReason(t)
	if at := t.Runtime.TimeoutAt; !at.IsZero() && (why.until.IsZero() || at.Before(why.until)) {
		why.until = at
		why.text = strings.TrimSuffix(why.text, ".") + fmt.Sprintf(", and fails by its timeout of %d s if that doesn't come.", t.Runtime.TimeoutSeconds)
	}
	return why
}

// delayReason is about a task that waits for the clock.
func delayReason(t *workflow.TaskRecord) reason {
	at := t.Runtime.WakeAt
	why := reason{waits: "time", since: t.UpdatedAt, until: at}
	clock := at.UTC().Format(apitype.TimeFormat)
	switch t.Runtime.WakeFor {
	case "start":
		why.text = fmt.Sprintf("Task %s waits before it starts (wait-before) until %s.", t.Name, clock)
	case "retry":
		why.text = fmt.Sprintf("Task %s is tried again, for the %s time, at %s.", t.Name, ordinal(t.Runtime.RetryNo), clock)
	case "complete":
		why.text = fmt.Sprintf("Task %s has its result and waits (wait-after) until %s.", t.Name, clock)
	default:
		why.text = fmt.Sprintf("Task %s waits until %s.", t.Name, clock)
	}
	return why
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}

// joinReason names the tasks that a join waits for.
func (sit *situation) joinReason(t *workflow.TaskRecord) reason {
	need, arrived := 0, 0
	var missing []string
	inbound := inboundOf(sit.workflow, t.Name)
	for _, name := range inbound {
		last := sit.newest(name)
		switch {
		case last == nil:
			missing = append(missing, name+" (not begun)")
		case !last.State.Final():
			missing = append(missing, fmt.Sprintf("%s (%s)", name, last.State))
		case slices.ContainsFunc(last.Next, func(n workflow.Trigger) bool { return n.Name == t.Name }):
			arrived++
		default:
			missing = append(missing, name+" (ended without leading here)")
		}
	}
	need = len(inbound)
	if spec := taskOf(sit.workflow, t.Name); spec != nil && spec.Join.Count > 0 {
		need = spec.Join.Count
	}
	text := fmt.Sprintf("Task %s is a join: %d of the %d tasks that it needs have come; it waits for %s.", t.Name, arrived, need, strings.Join(missing, ", "))
	if len(missing) == 0 {
		text = fmt.Sprintf("Task %s is a join that is about to be decided.", t.Name)
	}
	return reason{"tasks", text, t.CreatedAt, time.Time{}, strings.Join(missing, ", ")}
}

// newest is the last execution of a task.
func (sit *situation) newest(name string) *workflow.TaskRecord {
	for i := len(sit.tasks) - 1; i >= 0; i-- {
		if sit.tasks[i].Name == name {
			return sit.tasks[i]
		}
	}
	return nil
}

func taskOf(w *dsl.Workflow, name string) *dsl.Task {
	for _, t := range w.Tasks {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// inboundOf lists the tasks that have a transition to a task, in the order of the text.
func inboundOf(w *dsl.Workflow, name string) []string {
	var out []string
	for _, t := range w.Tasks {
		for _, c := range dsl.Clauses(w, t) {
			if slices.ContainsFunc(c.Next, func(to dsl.Target) bool { return to.Name == name }) {
				out = append(out, t.Name)
				break
			}
		}
	}
	return out
}

// actionReason is about a task whose actions or sub-workflows have not ended.
func (sit *situation) actionReason(t *workflow.TaskRecord) reason {
	var open []*workflow.ActionRecord
	done := 0
	for _, a := range sit.actions {
		switch {
		case a.TaskID != t.ID:
		case !a.State.Final():
			open = append(open, a)
		case a.Accepted:
			done++
		}
	}
	if len(open) == 0 {
		if sit.execution.State == workflow.Paused {
			return reason{"resume", fmt.Sprintf("Task %s goes on when the execution is resumed.", t.Name), t.UpdatedAt, time.Time{}, ""}
		}
		return reason{"engine", fmt.Sprintf("Task %s is about to go on.", t.Name), t.UpdatedAt, time.Time{}, ""}
	}
	why := sit.oneAction(t, open[0])
	if t.Runtime.ItemCount >= 0 {
		why.text = fmt.Sprintf("%d of %s of task %s %s done, %d %s under way. The oldest: %s", done, count(t.Runtime.ItemCount, "item"), t.Name, areIs(done), len(open), areIs(len(open)), why.text)
	}
	return why
}

// oneAction says where an action is on its way.
func (sit *situation) oneAction(t *workflow.TaskRecord, a *workflow.ActionRecord) reason {
	why := reason{since: a.CreatedAt, until: a.Deadline}
	switch {
	case a.State == workflow.Paused:
		why.waits, why.since = "resume", a.UpdatedAt
		why.text = fmt.Sprintf("Task %s: action %s is paused; it goes on when its action execution %s gets the state RUNNING.", t.Name, a.Name, a.ID)
	case a.Kind == workflow.KindWorkflow && !a.ChildStarted:
		why.waits, why.holder = "engine", string(a.ID)
		why.text = fmt.Sprintf("Task %s starts its sub-workflow %s, execution %s.", t.Name, a.Name, a.ID)
	case a.Kind == workflow.KindWorkflow:
		why.waits, why.holder = "workflow", string(a.ID)
		why.text = fmt.Sprintf("Task %s waits for its sub-workflow %s, execution %s: see its explanation.", t.Name, a.Name, a.ID)
	case a.Phase == workflow.PhaseQueued && sit.execution.State == workflow.Paused:
		why.waits = "resume"
		why.text = fmt.Sprintf("Task %s: action %s is queued; it is given to a runner when the execution is resumed.", t.Name, a.Name)
	case a.Phase == workflow.PhaseQueued:
		why.waits, why.since = "slot", a.UpdatedAt
		on := "a runner"
		if a.Target != "" {
			on = "a runner with the target " + a.Target
		}
		why.text = fmt.Sprintf("Task %s: action %s waits for a free slot on %s.", t.Name, a.Name, on)
	case a.Phase == workflow.PhaseDeferred:
		why.waits = "result"
		why.text = fmt.Sprintf("Task %s: action %s has been run and its result comes from outside: PUT /v2/action_executions/%s.", t.Name, a.Name, a.ID)
	case a.Phase == workflow.PhaseDispatched && !a.LeaseUntil.IsZero():
		why.waits, why.holder = "runner", string(a.Runner)
		why.text = fmt.Sprintf("Task %s: action %s was sent to runner %s (attempt %d), which has not begun it yet.", t.Name, a.Name, a.Runner, a.Attempt)
	default:
		why.waits, why.holder = "runner", string(a.Runner)
		if !a.StartedAt.IsZero() {
			why.since = a.StartedAt
		}
		why.text = fmt.Sprintf("Task %s: runner %s runs action %s (attempt %d).", t.Name, a.Runner, a.Name, a.Attempt)
	}
	return why
}
