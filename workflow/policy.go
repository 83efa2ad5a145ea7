package workflow

import (
	"fmt"
	"time"

	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/internal/planted"
)

// What a delayed task is delayed for.
const (
	wakeStart    = "start"    // the end of a wait-before: the task's actions start
	wakeRetry    = "retry"    // the end of a retry delay: the actions run again
	wakeComplete = "complete" // the end of a wait-after: the remembered state is final
)

// beforeStart applies the policies that precede a task, in Mistral's order. They may put the start off.
func (e *Execution) beforeStart(t *task) error {
	p := &t.prog.policies
	paused, err := e.pauseBefore(t, p.PauseBefore)
	if err != nil {
		return err
	}
	if err := e.waitBefore(t, p.WaitBefore, paused); err != nil {
		return err
	}
	if _, err := e.intPolicy(t, "WaitAfterPolicy", "delay", p.WaitAfter); err != nil {
		return err
	}
	if p.Retry != nil {
		if _, _, err := e.retryNumbers(t, p.Retry); err != nil {
			return err
		}
	}
	timeout, err := e.intPolicy(t, "TimeoutPolicy", "delay", p.Timeout)
	if err != nil {
		return err
	}
	if timeout > 0 {
		t.Runtime.TimeoutAt = e.now.Add(seconds(timeout))
		t.Runtime.TimeoutSeconds = timeout
		e.touch(t)
	}
	concurrency, err := e.intPolicy(t, "ConcurrencyPolicy", "concurrency", p.Concurrency)
	if err != nil {
		return err
	}
	t.Runtime.Concurrency = concurrency
	return nil
}

func (e *Execution) pauseBefore(t *task, tree *expr.Tree) (bool, error) {
	if tree == nil {
		return false, nil
	}
	v, err := e.taskScope(t, nil).tree(tree)
	if err != nil {
		return false, err
	}
	b, ok := v.(value.Bool)
	if !ok {
		return false, wrongType("PauseBeforePolicy", v, "boolean")
	}
	if !b {
		return false, nil
	}
	t.Runtime.PausedBefore = true
	e.setTask(t, Idle, "Set by 'pause-before' policy")
	return true, e.pause("")
}

func (e *Execution) waitBefore(t *task, tree *expr.Tree, paused bool) error {
	delay, err := e.intPolicy(t, "WaitBeforePolicy", "delay", tree)
	if err != nil || delay == 0 || paused {
		return err
	}
	e.delay(t, delay, wakeStart, Delayed, fmt.Sprintf("Delayed by 'wait-before' policy [delay=%d]", delay))
	return nil
}

// delay puts a task to sleep.
func (e *Execution) delay(t *task, secs int, why string, s State, info string) {
	t.Runtime.WakeAt, t.Runtime.WakeFor = e.now.Add(seconds(secs)), why
	e.setTask(t, s, info)
}

// intPolicy evaluates a policy's number of seconds or items; 0 when it is absent.
func (e *Execution) intPolicy(t *task, policy, field string, tree *expr.Tree) (int, error) {
	if tree == nil {
		return 0, nil
	}
	v, err := e.taskScope(t, nil).tree(tree)
	if err != nil {
		return 0, err
	}
	n, ok := v.(value.Int)
	if !ok {
		return 0, wrongType(policy, v, "integer")
	}
	if n < 0 {
		return 0, flawf("Invalid data type in %s: %d is less than the minimum of 0 [%s]. Value(s) can be shown after YAQL evaluating. "+
			"If you use YAQL here, please correct it.", policy, n, field)
	}
	return int(min(n, maxSeconds)), nil
}

// maxSeconds bounds delays to what a time can hold.
const maxSeconds = 100 * 365 * 24 * 3600

func wrongType(policy string, v value.Value, want string) error {
	return flawf("Invalid data type in %s: %s is not of type '%s'. Value(s) can be shown after YAQL evaluating. "+
		"If you use YAQL here, please correct it.", policy, value.Repr(v), want)
}

// afterCompletion applies the policies that follow a task's work. They may change its state or put its end off.
func (e *Execution) afterCompletion(t *task) error {
	p := &t.prog.policies
	if p.WaitAfter != nil && !t.Runtime.WaitAfterDone {
		waits, err := e.waitAfter(t, p.WaitAfter)
		if err != nil || waits {
			return err
		}
	}
	if p.FailOn != nil && t.State == Success {
		if err := e.failOn(t, p.FailOn); err != nil {
			return err
		}
	}
	if p.Retry != nil {
		return e.retry(t, p.Retry)
	}
	return nil
}

func (e *Execution) waitAfter(t *task, tree *expr.Tree) (bool, error) {
	v, err := e.outScope(t, e.inbound(t)).tree(tree)
	if err != nil {
		return false, err
	}
	n, ok := v.(value.Int)
	if !ok {
		return false, wrongType("WaitAfterPolicy", v, "integer")
	}
	if n <= 0 {
		return false, nil
	}
	t.Runtime.TimeoutAt = time.Time{} // the work is done in time
	t.Runtime.WaitAfterDone, t.Runtime.Remembered, t.Runtime.RememberedInfo = true, t.State, t.StateInfo
	e.delay(t, int(min(n, maxSeconds)), wakeComplete, Delayed, fmt.Sprintf("Delayed by 'wait-after' policy [delay=%d]", n))
	return true, nil
}

func (e *Execution) failOn(t *task, tree *expr.Tree) error {
	v, err := e.outScope(t, e.outbound(t)).tree(tree)
	if err != nil {
		return err
	}
	if truthy(v) {
		e.setTask(t, Error, "Failed by 'fail-on' policy")
	}
	return nil
}

func (e *Execution) retryNumbers(t *task, r *dsl.Retry) (count, delay int, err error) {
	if count, err = e.intPolicy(t, "RetryPolicy", "count", r.Count); err != nil {
		return 0, 0, err
	}
	delay, err = e.intPolicy(t, "RetryPolicy", "delay", r.Delay)
	return count, delay, err
}

// retry decides whether a completed task runs again, after dsl.md's table.
func (e *Execution) retry(t *task, r *dsl.Retry) error {
	if t.State != Success && t.State != Error {
		return nil
	}
	count, delay, err := e.retryNumbers(t, r)
	if err != nil {
		return err
	}
	s := e.outScope(t, e.outbound(t))
	continueOn, err := s.tree(r.ContinueOn)
	if err != nil {
		return err
	}
	breakOn, err := s.tree(r.BreakOn)
	if err != nil {
		return err
	}
	switch {
	case t.Runtime.RetryNo >= count,
		t.State == Error && truthy(breakOn),
		t.State == Success && r.ContinueOn == nil,
		r.ContinueOn != nil && !truthy(continueOn):
		return nil
	}
	t.Runtime.RetryNo++
	t.Runtime.TimeoutAt = time.Time{}
	info := fmt.Sprintf("Delayed by 'retry' policy [delay=%d]", delay)
	// A join whose inbound tasks failed is retried by looking at them again.
	if t.Runtime.Unmet {
		e.delay(t, delay, wakeRetry, Waiting, info)
		return nil
	}
	e.delay(t, delay, wakeRetry, Delayed, info)
	return nil
}

// wakeTask ends a task's sleep.
func (e *Execution) wakeTask(t *task) error {
	why := t.Runtime.WakeFor
	t.Runtime.WakeAt, t.Runtime.WakeFor = time.Time{}, ""
	e.touch(t)
	switch why {
	case wakeStart:
		return e.proceed(t)
	case wakeRetry:
		if t.State == Waiting {
			e.review(t)
			return nil
		}
		e.forget(t, false)
		t.armTimeout(e.now)
		return e.proceed(t)
	case wakeComplete:
		state, info := t.Runtime.Remembered, t.Runtime.RememberedInfo
		if err := e.complete(t, state, info); err != nil {
			return e.contain(t, "Failed to complete task", err)
		}
	}
	return nil
}

// armTimeout gives another attempt the whole time again. Mistral leaves it without a limit.
func (t *task) armTimeout(now time.Time) {
	if t.Runtime.TimeoutSeconds > 0 {
		t.Runtime.TimeoutAt = now.Add(seconds(t.Runtime.TimeoutSeconds))
	}
}

// forget makes earlier actions of a task not count any more, before it runs again; keepGood spares the successful ones.
func (e *Execution) forget(t *task, keepGood bool) {
	for _, a := range t.actions {
		if !a.State.Final() {
			a.Forgotten = !planted.Has(planted.ForgottenCounts)
			e.touchAction(a)
			e.abandon(a)
		}
		if !(keepGood && a.State == Success) {
			e.accept(a, false)
		}
	}
	t.taken = nil
}

// timeOut fails a task whose time is up, and stops what it runs.
func (e *Execution) timeOut(t *task) error {
	info := fmt.Sprintf("Task timed out [timeout(s)=%d].", t.Runtime.TimeoutSeconds)
	t.Runtime.TimeoutAt, t.Runtime.WakeAt, t.Runtime.WakeFor = time.Time{}, time.Time{}, ""
	t.Runtime.PausedBefore = false // a retry doesn't wait for a resume
	for _, a := range t.actions {
		if !a.State.Final() {
			e.abandon(a)
		}
	}
	if err := e.complete(t, Error, info); err != nil {
		return e.contain(t, "Failed to complete task", err)
	}
	return nil
}
