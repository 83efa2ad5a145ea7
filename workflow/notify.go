package workflow

import (
	"slices"

	"cierzo/expr/value"
)

// notify announces an event to the notifiers that the execution's params name, and to those of the server. If none asks for
// it, nothing is written.
func (e *Execution) notify(event string, t *task) {
	n := Notification{Event: event, At: e.now, State: e.rec.State, StateInfo: e.rec.StateInfo}
	if v, ok := e.data.Params.GetString("notify"); ok {
		if list, ok := v.(*value.List); ok {
			n.Publishers = asking(list, event)
		}
	}
	for _, p := range e.publishers {
		if len(p.EventTypes) == 0 || slices.Contains(p.EventTypes, event) {
			n.Server = append(n.Server, p.Name)
		}
	}
	if len(n.Publishers) == 0 && len(n.Server) == 0 {
		return
	}
	if t != nil {
		n.Task = t.snapshot()
	}
	e.notices = append(e.notices, n)
	e.sends = append(e.sends, n)
}

func (e *Execution) notifyTask(t *task, event string) {
	if event != "" {
		e.notify(event, t)
	}
}

// asking are the notifiers that ask for the event; an empty list of types asks for all.
func asking(list *value.List, event string) []*value.Dict {
	var out []*value.Dict
	for _, item := range list.Items() {
		if d, ok := item.(*value.Dict); ok && asks(d, event) {
			out = append(out, d)
		}
	}
	return out
}

func asks(publisher *value.Dict, event string) bool {
	v, _ := publisher.GetString("event_types")
	types, ok := v.(*value.List)
	if !ok || types.Len() == 0 {
		return true
	}
	return slices.ContainsFunc(types.Items(), func(name value.Value) bool {
		s, ok := name.(value.String)
		return ok && string(s) == event
	})
}

func executionEvent(s State) string {
	switch s {
	case Success:
		return "WORKFLOW_SUCCEEDED"
	case Error:
		return "WORKFLOW_FAILED"
	}
	return "WORKFLOW_CANCELLED"
}

func taskEvent(s State) string {
	switch s {
	case Success:
		return "TASK_SUCCEEDED"
	case Error:
		return "TASK_FAILED"
	case Cancelled:
		return "TASK_CANCELLED"
	case Skipped:
		return "TASK_SKIPPED"
	}
	return ""
}
