package workflow

import (
	"fmt"
	"strings"

	"cierzo/expr/value"
	"cierzo/internal/planted"
)

// settle is asked when nothing is left to do now: it ends the execution if all its tasks have ended. It reports whether
// the step is over.
func (e *Execution) settle() (bool, error) {
	if e.rec.State != Running || e.open > 0 {
		return true, nil
	}
	var cancelled []string
	failed := false
	for _, t := range e.tasks {
		switch {
		case t.State == Cancelled:
			cancelled = append(cancelled, t.Name)
		case t.Failed():
			failed = true
		}
	}
	switch {
	case len(cancelled) > 0:
		return true, e.stop(Cancelled, "Cancelled tasks: "+strings.Join(cancelled, ", "))
	case failed:
		return true, e.stop(Error, e.failure())
	}
	return true, e.stop(Success, "")
}

// failure is the state info of an execution that failed because tasks did.
func (e *Execution) failure() string {
	var names []string
	var b strings.Builder
	for _, t := range e.tasks {
		if !t.Failed() || t.prog.hasOnError {
			continue
		}
		names = append(names, t.Name)
		fmt.Fprintf(&b, "\n  %s [task_ex_id=%s] -> %s\n", t.Name, t.ID, orNone(t.StateInfo))
		for _, a := range t.actions {
			if a.State != Error {
				continue
			}
			kind, text := "action_ex_id", value.Str(resultOf(&a.ActionRecord))
			if a.Kind == KindWorkflow {
				kind, text = "wf_ex_id", orNone(a.childInfo())
			}
			fmt.Fprintf(&b, "    [%s=%s, idx=%d]: %s\n", kind, a.ID, a.Index, text)
		}
	}
	return "Failure caused by error in tasks: " + strings.Join(names, ", ") + "\n" + b.String()
}

func orNone(s string) string {
	if s == "" {
		return "None"
	}
	return s
}

// stop ends the execution. One that is final already stays as it is.
func (e *Execution) stop(s State, info string) error {
	err := e.stopWith(s, info)
	if text, ok := asFlaw(err); ok && s == Success {
		return e.stopWith(Error, fmt.Sprintf("Failed to check and complete [wf_ex_id=%s, wf_name=%s]: %s", e.rec.ID, e.program.name, text))
	}
	return err
}

// stopWith is stop, but that an output that can't be evaluated is the caller's affair: a flaw.
func (e *Execution) stopWith(s State, info string) error {
	if e.rec.State.Final() {
		return nil
	}
	switch s {
	case Success:
		out, err := e.successOutput()
		if err != nil {
			return err
		}
		e.data.Output = out
		if e.data.Auth != nil { // nothing can be begun any more
			e.data.Auth = e.data.Auth.withoutToken()
		}
	case Error:
		out, text, err := e.errorOutput(info)
		if err != nil {
			return err
		}
		e.data.Output, info = out, text
	default:
		e.data.Output = resultDict(info)
	}
	e.dataDirty = true
	e.setState(s, info)
	if s == Success { // others may be revived
		e.rec.Runtime.Backlog = nil
	}
	e.withdraw()
	e.notify(executionEvent(s), nil)
	return nil
}

// withdraw takes back queued actions of an execution that has ended: no runner has begun them, none will. Those of a
// cancelled one are CANCELLED; sub-workflows of it are told.
func (e *Execution) withdraw() {
	for _, t := range e.liveTasks() {
		for _, a := range t.actions {
			switch {
			case a.State.Final(), planted.Has(planted.CancelKeepsQueue):
			case a.Phase == PhaseQueued && e.rec.State == Cancelled:
				e.setAction(a, Cancelled)
			case a.Phase == PhaseChild && e.rec.State == Cancelled:
				e.abandon(a)
			}
		}
	}
}

// successOutput evaluates the workflow's output; without one it is all that the last tasks have published.
func (e *Execution) successOutput() (value.Value, error) {
	final := e.finalBranch()
	out, err := e.finalScope(final).dict(e.program.spec.Output)
	if err != nil {
		return nil, err
	}
	if out == nil || out.Len() == 0 {
		out = final.flat()
	}
	return out, sizeLimit("WorkflowExecution", "output", out)
}

// errorOutput is the message under "result", and output-on-error or else all that the last tasks have published.
func (e *Execution) errorOutput(info string) (value.Value, string, error) {
	final := e.finalBranch()
	over := final.flat()
	if tree := e.program.spec.OutputOnError; tree != nil {
		d, err := e.finalScope(final).dict(tree)
		if err == nil {
			err = sizeLimit("WorkflowExecution", "output", d)
		}
		text, bad := "", false
		if err != nil {
			if text, bad = asFlaw(err); !bad {
				return nil, "", err
			}
		}
		switch {
		case bad:
			info = fmt.Sprintf("Failed to evaluate expression in output-on-error! (output-on-error: '%s', exception: '%s' Cause: '%s'",
				value.Str(tree.Source()), text, info)
			over = emptyDict()
		case d.Len() > 0:
			over = d
		}
	}
	return mergeDeep(resultDict(info), over), info, nil
}

func resultDict(info string) *value.Dict {
	d := value.NewDict(1)
	if info == "" {
		d.SetString("result", value.Null{})
	} else {
		d.SetString("result", value.String(info))
	}
	return d.Freeze()
}

// finalBranch merges the outbound contexts of the tasks that caused no other: what the workflow leaves.
func (e *Execution) finalBranch() *branch {
	var ends []*branch
	if e.program.reverse() {
		if target, err := e.target(); err == nil {
			if all := e.named(target.Name); len(all) > 0 {
				ends = append(ends, e.outbound(all[len(all)-1]))
			}
		}
		return merge(ends)
	}
	for _, t := range e.tasks {
		if t.State.Final() && !t.HasNext {
			ends = append(ends, e.outbound(t))
		}
	}
	return merge(ends)
}
