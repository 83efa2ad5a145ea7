package workflow_test

import (
	"fmt"
	"strings"
	"time"

	"cierzo/workflow"
)

// What scripts print: messages, changes of state, rows. Ids are replaced by names.

// names replaces ids in a text by the names of what they stand for.
func (s *script) names(text string) string {
	r := s.w.execs[s.id]
	if r == nil {
		return text
	}
	count := map[string]int{}
	for _, t := range r.tasks {
		name := t.Name
		if n := count[t.Name]; n > 0 {
			name = fmt.Sprintf("%s#%d", t.Name, n)
		}
		count[t.Name]++
		text = strings.ReplaceAll(text, string(t.ID), name)
		for i, a := range s.w.actionsOf(s.id, t.ID) {
			text = strings.ReplaceAll(text, string(a.ID), fmt.Sprintf("%s.%d", name, i))
		}
	}
	return strings.ReplaceAll(text, string(s.id), "ME")
}

func (s *script) at(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return "in " + t.Sub(s.w.now).String()
}

// printSend is called before the rows of the turn can be named: printChanges names them.
func (s *script) printSend(send workflow.Send) {
	var line string
	switch m := send.(type) {
	case workflow.Dispatch:
		line = fmt.Sprintf("dispatch %s attempt %d to %s: %s %s", m.Action.ID, m.Action.Attempt, m.Action.Runner, m.Action.Name, jsonText(m.Action.Input))
		if m.Action.RunName != "" {
			line += fmt.Sprintf(" as %s %s", m.Action.RunName, jsonText(m.Action.RunInput))
		}
		if m.Action.Target != "" {
			line += " target " + m.Action.Target
		}
		if !m.Action.Deadline.IsZero() {
			line += " until " + s.at(m.Action.Deadline)
		}
	case workflow.CancelAttempt:
		line = fmt.Sprintf("cancel %s attempt %d at %s", m.Action, m.Attempt, m.Runner)
	case workflow.AckFinished:
		line = fmt.Sprintf("ack %s attempt %d to %s accepted=%v %s", m.Action, m.Attempt, m.Runner, m.Accepted, m.Reason)
	case workflow.Grant:
		line = fmt.Sprintf("grant %s attempt %d to %s lease %s", m.Action, m.Attempt, m.Runner, s.at(m.LeaseUntil))
	case workflow.Deny:
		line = fmt.Sprintf("deny %s attempt %d to %s: %s", m.Action, m.Attempt, m.Runner, m.Reason)
	case workflow.Release:
		line = fmt.Sprintf("release %s of %s", m.Action, m.Runner)
	case workflow.StartChild:
		line = fmt.Sprintf("start child %s depth %d index %d: input %s params %s", m.Child, m.Depth, m.Index, jsonText(m.Input), jsonText(m.Params))
	case workflow.ControlChild:
		line = fmt.Sprintf("%s child %s %s", m.Op, m.Child, m.Message)
	case workflow.NotifyParent:
		line = fmt.Sprintf("tell parent %d %s %s", m.Seq, m.State, m.Info)
	case workflow.AckChild:
		line = fmt.Sprintf("ack child %s %s", m.Child, m.State)
	case workflow.Notification:
		line = "notify " + m.Event
		if m.Task != nil {
			line += " " + m.Task.Name
		}
	default:
		line = fmt.Sprintf("%T", m)
	}
	s.out.WriteString("> " + strings.TrimSpace(line) + "\n")
}

// printChanges prints the history that the last event added, names what the messages speak of, and tells the wake-up.
func (s *script) printChanges() {
	r := s.w.execs[s.id]
	sent := s.out.String()
	s.out.Reset()
	var changes strings.Builder
	for _, h := range r.history[s.seen:] {
		who := h.Task
		if h.ActionID != "" {
			who = string(h.ActionID)
		} else if h.TaskID != "" {
			who = string(h.TaskID)
		}
		fmt.Fprintf(&changes, "%s %s %s %s\n", strings.TrimSuffix(h.Kind, ".state"), who, h.State, h.Info)
	}
	s.seen = len(r.history)
	for line := range strings.Lines(s.names(changes.String() + sent)) {
		if words := strings.Fields(line); len(words) > 0 {
			s.out.WriteString(strings.Join(words, " ") + "\n")
		}
	}
	if !r.rec.WakeAt.IsZero() {
		fmt.Fprintf(&s.out, "wake %s\n", s.at(r.rec.WakeAt))
	}
}

var phases = map[workflow.Phase]string{
	workflow.PhaseQueued: "queued", workflow.PhaseDispatched: "dispatched", workflow.PhaseDeferred: "deferred",
	workflow.PhaseChild: "child", workflow.PhaseDone: "done",
}

func (s *script) printState() {
	r := s.w.execs[s.id]
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.rec.State, strings.Join(strings.Fields(r.rec.StateInfo), " "))
	if r.data.Output != nil {
		fmt.Fprintf(&b, " output %s", jsonText(r.data.Output))
	}
	b.WriteString("\n")
	for _, t := range r.tasks {
		fmt.Fprintf(&b, "  %s %s", t.ID, t.State)
		if t.StateInfo != "" {
			fmt.Fprintf(&b, " %q", strings.TrimSpace(t.StateInfo))
		}
		if t.Published != nil && t.Published.Len() > 0 {
			fmt.Fprintf(&b, " published %s", jsonText(t.Published))
		}
		if t.Processed {
			b.WriteString(" processed")
		}
		b.WriteString("\n")
		for _, a := range s.w.actionsOf(s.id, t.ID) {
			fmt.Fprintf(&b, "    %s %s %s %s", a.ID, a.Name, a.State, phases[a.Phase])
			if a.Accepted {
				b.WriteString(" accepted")
			}
			if a.Output != nil {
				b.WriteString(" " + jsonText(a.Output))
			}
			b.WriteString("\n")
		}
	}
	s.out.WriteString(s.names(b.String()))
}
