package workflow

import "cierzo/expr/value"

// notify announces an event to the notifiers that the execution's params name; without any nothing is sent.
func (e *Execution) notify(event string, t *task) {
	v, ok := e.data.Params.GetString("notify")
	if !ok {
		return
	}
	list, ok := v.(*value.List)
	if !ok || !wanted(list, event) {
		return
	}
	n := Notification{Event: event, At: e.now}
	if t != nil {
		n.Task = t.snapshot()
	}
	e.sends = append(e.sends, n)
}

func (e *Execution) notifyTask(t *task, event string) {
	if event != "" {
		e.notify(event, t)
	}
}

// wanted reports whether one of the notifiers asks for the event; an empty list of types asks for all.
func wanted(list *value.List, event string) bool {
	for _, item := range list.Items() {
		d, ok := item.(*value.Dict)
		if !ok {
			continue
		}
		v, _ := d.GetString("event_types")
		types, ok := v.(*value.List)
		if !ok || types.Len() == 0 {
			return true
		}
		for _, name := range types.Items() {
			if s, ok := name.(value.String); ok && string(s) == event {
				return true
			}
		}
	}
	return false
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
