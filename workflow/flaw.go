package workflow

import (
	"errors"
	"fmt"

	"cierzo/fault"
)

// flaw is a mistake in the workflow that shows while a task is prepared or completed. It fails the task and the whole
// execution at once; error handlers don't see it. Any other error ends the step.
type flaw struct{ text string }

func (f *flaw) Error() string { return f.text }

func flawf(format string, args ...any) error { return &flaw{fmt.Sprintf(format, args...)} }

// asFlaw gives the text of a flaw.
func asFlaw(err error) (string, bool) {
	var f *flaw
	if errors.As(err, &f) {
		return f.text, true
	}
	return "", false
}

// contain turns a flaw met while doing something with a task into the failure of the task and the execution; doing is
// Mistral's wording. Other errors pass.
func (e *Execution) contain(t *task, doing string, err error) error {
	text, ok := asFlaw(err)
	if !ok {
		return err
	}
	info := fmt.Sprintf("%s [error=%s, wf=%s, task=%s]", doing, text, e.program.name, t.Name)
	e.setTask(t, Error, info)
	return e.stop(Error, info)
}

// asFactFlaw makes a refusal among the facts (a definition that is wrong) a flaw; failures of the lookup pass.
func asFactFlaw(err error) error {
	if err == nil || fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable) {
		return err
	}
	return &flaw{err.Error()}
}
