package actors

import (
	"fmt"

	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/workflow"
)

// definitions are the workflows of the tests.
const definitions = `
version: '2.0'
one:
  tasks:
    a: {action: work}
minute:
  tasks:
    a: {action: work seconds=60}
minute_safe:
  tasks:
    a: {action: work seconds=60, safe-rerun: true}
hour:
  tasks:
    a: {action: work seconds=3600}
everything:
  tasks:
    a:
      action: work seconds=1
      on-success: b
    b:
      action: work end="error"
      on-error: c
    c:
      workflow: one
      on-success: d
    d:
      with-items: i in <% [1, 2, 3, 4, 5] %>
      action: work seconds=2
      on-success: e
    e:
      action: later
timed:
  tasks:
    a: {action: work seconds=3600, timeout: 5}
outside:
  tasks:
    a: {action: later}
outside_large:
  vars:
    text: <% 'x' * 5000 %>
  tasks:
    a: {action: later}
parent:
  tasks:
    a: {workflow: minute}
delayed:
  tasks:
    a:
      action: work
      wait-before: 50
many:
  tasks:
    a:
      with-items: i in <% range(40).toList() %>
      action: work seconds=1
one_safe:
  tasks:
    a: {action: work seconds=1, safe-rerun: true}
many_safe:
  tasks:
    a:
      with-items: i in <% range(40).toList() %>
      action: work seconds=1
      safe-rerun: true
unhappy:
  tasks:
    a: {action: work end="panic"}
lookup:
  tasks:
    a:
      action: std.noop
      on-success: b
    b: {action: adhoc}
`

// judge checks what must hold at the end of every world.
func (w *world) judge() {
	w.t.Helper()
	for id, end := range w.started {
		w.judgeExecution(id, end)
	}
	w.wire.unchanged(w.t)
	for _, e := range w.engines {
		if n := e.Metrics().Panics; int(n) > w.panics {
			w.t.Errorf("engine %s has caught %d panics, want %d", e.address, n, w.panics)
		}
	}
}

// historyOf is the whole history of an execution, which is read in pages.
func (w *world) historyOf(id workflow.ExecutionID) (all []workflow.HistoryEvent) {
	w.t.Helper()
	for {
		page, err := w.store.History(w.t.Context(), id, uint64(len(all)), persistence.LimitMax)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// judgeExecution: an acknowledged execution is there and has ended as it must; its history has no gaps and one end; each
// action has ended once, with at most one accepted result, and what may not be repeated was not.
func (w *world) judgeExecution(id workflow.ExecutionID, end workflow.State) {
	w.t.Helper()
	rec := w.record(id)
	if end != "" && rec.State != end || !rec.State.Final() {
		w.t.Errorf("execution %s is %s (%s), want %s", id, rec.State, rec.StateInfo, end)
	}
	history := w.historyOf(id)
	ends, actionEnds, begun := 0, map[workflow.ActionID]int{}, map[string]int{}
	for i, h := range history {
		if h.Seq != uint64(i+1) {
			w.t.Errorf("execution %s: event %d has number %d", id, i+1, h.Seq)
		}
		switch {
		case h.Kind == "execution.state" && h.State.Final():
			ends++
		case h.Kind == "action.state" && h.State.Final():
			actionEnds[h.ActionID]++
		case h.Kind == "action.attempt" && h.State == workflow.Running:
			begun[string(h.ActionID)]++
		}
	}
	if ends != 1 {
		w.t.Errorf("execution %s has ended %d times", id, ends)
	}
	for _, a := range w.actionsOf(id) {
		if !a.State.Final() || actionEnds[a.ID] != 1 {
			w.t.Errorf("action %s of %s is %s, has ended %d times", a.ID, id, a.State, actionEnds[a.ID])
		}
		if a.Kind == workflow.KindWorkflow {
			if child := workflow.ExecutionID(a.ID); w.exists(child) {
				w.judgeExecution(child, "")
			} else if a.State == workflow.Success {
				w.t.Errorf("sub-workflow %s has succeeded and doesn't exist", child)
			}
			continue
		}
		w.judgeRuns(a, begun[string(a.ID)])
	}
}

// judgeRuns compares an action's row with what the runners did.
func (w *world) judgeRuns(a *workflow.ActionRecord, assigned int) {
	w.t.Helper()
	runs := w.ledger.attempts(a.ID)
	inline := a.Runner == "" && assigned == 0
	if assigned != a.Attempt && !inline {
		w.t.Errorf("action %s is at attempt %d, its history has %d", a.ID, a.Attempt, assigned)
	}
	times := map[int]int{}
	for _, n := range runs {
		times[n]++
		if n < 1 || n > a.Attempt {
			w.t.Errorf("action %s: attempt %d was run and never committed", a.ID, n)
		}
	}
	for n, k := range times {
		if k > 1 && !a.SafeRerun {
			w.t.Errorf("action %s: attempt %d was run %d times", a.ID, n, k)
		}
	}
	if a.State == workflow.Success && a.Name == "work" && !w.deep {
		if len(runs) == 0 {
			w.t.Errorf("action %s has succeeded and was never run", a.ID)
		}
		want := fmt.Sprintf(`{"result": "attempt %d"}`, a.Attempt)
		if got := jsonOf(a.Output); got != want {
			w.t.Errorf("action %s has the output %s, want %s", a.ID, got, want)
		}
	}
	if !a.SafeRerun && len(times) > 1 && a.State == workflow.Success {
		w.t.Errorf("action %s is not safe to repeat and was run as attempts %v", a.ID, runs)
	}
}

func jsonOf(v value.Value) string {
	data, err := value.AppendJSON(nil, v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
