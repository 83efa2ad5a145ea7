package workflow_test

import (
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/workflow"
)

const watched = `
version: '2.0'
watched:
  tasks:
    first: {action: std.async_noop, on-success: [second, meet]}
    second: {action: std.noop, on-success: meet}
    meet: {join: all, action: std.noop}
parent:
  tasks:
    down: {workflow: watched}
`

// repairs are the events of the watchdog.
func repairs(r *resident) []string {
	var out []string
	for _, h := range r.history {
		if h.Kind == "watchdog" {
			out = append(out, h.Info)
		}
	}
	return out
}

func begin(t *testing.T, name string) (*world, workflow.ExecutionID, *resident) {
	t.Helper()
	w := newWorld(t)
	if err := w.define("workflow", "", watched, false); err != nil {
		t.Fatal(err)
	}
	id, err := w.start(name, "", value.NewDict(0), value.NewDict(0))
	if err != nil {
		t.Fatal(err)
	}
	return w, id, w.execs[id]
}

// TestStalledExecutionsGoOn takes a wake-up out of an execution's rows, as a defect would: the watchdog sees it, loading
// repairs it, the history says so, once.
func TestStalledExecutionsGoOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose func(r *resident)
		why  string
	}{
		"a task isn't told of its action's end": {func(r *resident) {
			a := r.actions[0]
			a.State, a.Phase, a.Accepted, a.Runner = workflow.Success, workflow.PhaseDone, true, ""
			out := value.NewDict(1)
			out.SetString("result", value.Null{})
			a.Output = out
		}, "task first is RUNNING, and nothing is under way for it"},
		"a task isn't started": {func(r *resident) {
			r.actions = nil
			r.tasks[0].State, r.tasks[0].StartedAt = workflow.Idle, time.Time{}
		}, "task first is IDLE, and nothing is under way for it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, id, r := begin(t, "watched")
			w.hold = true
			c.lose(r)
			r.rec.WakeAt, r.rec.Runners, r.rec.Wanting = time.Time{}, nil, false
			if why, _ := workflow.Stalled(r.rec, r.tasks, r.actions); why != c.why {
				t.Fatalf("the watchdog says %q, want %q", why, c.why)
			}
			w.load(r)
			w.hold = false
			if err := w.step(id, workflow.Recovered{}); err != nil {
				t.Fatal(err)
			}
			if got := repairs(r); len(got) != 1 || got[0] != "waits for nothing: "+c.why {
				t.Errorf("repairs %q", got)
			}
			if why, _ := workflow.Stalled(r.rec, r.tasks, r.actions); why != "" {
				t.Errorf("afterwards: %s", why)
			}
			w.load(r)
			if err := w.step(id, workflow.Recovered{}); err != nil {
				t.Fatal(err)
			}
			if got := repairs(r); len(got) != 1 {
				t.Errorf("it was repaired again: %q", got)
			}
		})
	}
}

// TestHopelessIsSaidOnce: what can't be set going is written down once, not at every look.
func TestHopelessIsSaidOnce(t *testing.T) {
	t.Parallel()
	w, id, r := begin(t, "watched")
	w.hold = true
	r.actions = nil // the task is running, and has none
	r.rec.WakeAt, r.rec.Runners, r.rec.Wanting = time.Time{}, nil, false
	for range 3 {
		w.load(r)
		if err := r.ex.Step(w.moment(), workflow.Recovered{}, w); err != nil {
			t.Fatal(err)
		}
		f := r.ex.Flush()
		if f.Writes.Execution != nil {
			r.rec = f.Writes.Execution
			r.history = append(r.history, f.Writes.History...)
		}
	}
	if got := repairs(r); len(got) != 1 {
		t.Errorf("execution %s: %q", id, got)
	}
}

// TestLateWorkSaysSo: what is done long after its moment, or for an engine that is gone, is in the history with its cause.
func TestLateWorkSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event workflow.Event
		late  time.Duration
		load  bool
		want  string
	}{
		"in time":              {workflow.Ticked{}, workflow.LateMax, false, ""},
		"a tick that is late":  {workflow.Ticked{}, workflow.LateMax + time.Second, false, "overdue: it was due 6s ago"},
		"a load that is late":  {workflow.Recovered{}, time.Minute, true, "overdue: it was due 1m0s ago"},
		"an engine that ended": {workflow.Ticked{Gone: "n1"}, 0, false, "engine gone: its queued actions were in line at engine n1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.hold, w.noSlots = true, strings.HasPrefix(c.want, "engine")
			if err := w.define("workflow", "", "version: '2.0'\none:\n  tasks:\n    t: {action: std.echo output=1 delay=1}\n", false); err != nil {
				t.Fatal(err)
			}
			id, err := w.start("one", "", value.NewDict(0), value.NewDict(0))
			if err != nil {
				t.Fatal(err)
			}
			r := w.execs[id]
			if at := r.rec.WakeAt; !at.IsZero() {
				w.now = at.Add(c.late)
			}
			if c.load {
				w.load(r)
			}
			for range 2 { // a repetition of the event is no second repair
				if err := w.step(id, c.event); err != nil {
					t.Fatal(err)
				}
				if w.noSlots {
					break
				}
			}
			got := repairs(r)
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
				t.Errorf("repairs %q, want one that begins %q", got, c.want)
			}
		})
	}
}

// TestDeletedSubWorkflowEndsItsTask: nobody waits for what was deleted; what has ended before doesn't mind.
func TestDeletedSubWorkflowEndsItsTask(t *testing.T) {
	t.Parallel()
	w, id, r := begin(t, "parent")
	w.hold = true
	child := r.actions[0].ID
	if _, children := workflow.Stalled(&workflow.ExecutionRecord{State: workflow.Running}, r.tasks, r.actions); len(children) != 1 || children[0] != child {
		t.Errorf("it waits for %v, want %s", children, child)
	}
	for range 2 {
		if err := w.step(id, workflow.ChildGone{Child: child}); err != nil {
			t.Fatal(err)
		}
	}
	if got := repairs(r); len(got) != 1 || !strings.HasPrefix(got[0], "sub-workflow gone: ") {
		t.Errorf("repairs %q", got)
	}
	if r.rec.State != workflow.Error || r.tasks[0].State != workflow.Error {
		t.Errorf("the execution is %s, its task %s", r.rec.State, r.tasks[0].State)
	}
}
