package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/expr/value"
	"cierzo/verify/check"
)

// ledger is what actions did to the world outside; nothing that happens to a process takes anything out of it.
type ledger struct {
	mu   sync.Mutex
	runs []*check.Run
	n    map[string]int // runs of each attempt
}

// begin notes that an attempt was begun.
func (l *ledger) begin(p *process, c *actions.Call) *check.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprint(c.ActionID, "/", c.Attempt)
	l.n[key]++
	r := &check.Run{
		Execution: c.ExecutionID, Action: c.ActionID, Attempt: c.Attempt, Runner: p.runnerID(), Task: c.Task, Index: c.Index,
		No: l.n[key], Began: p.since(),
	}
	l.runs = append(l.runs, r)
	return r
}

func (l *ledger) end(p *process, r *check.Run, kind, result string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Ended, r.Kind, r.Result = p.since(), kind, result
}

// standard is the standard actions.
var standard = sync.OnceValue(func() *actions.Registry {
	r := actions.NewRegistry()
	if err := std.Register(r, std.Config{}); err != nil {
		panic(err)
	}
	return r
})

// registry is the actions that the runner of a process knows.
func (w *world) registry(p *process) *actions.Registry {
	r := actions.NewRegistry()
	noop, ok := standard().Find("std.noop")
	if !ok {
		panic("there is no std.noop")
	}
	for _, a := range []actions.Action{
		*noop,
		{Name: "work", Params: []actions.Param{
			{Name: "ms", Default: value.Int(0)}, {Name: "fails", Default: value.Int(0)},
		}, Run: func(ctx context.Context, c *actions.Call) actions.Result { return w.work(ctx, p, c) }},
		{Name: "later", Async: true, Run: func(_ context.Context, c *actions.Call) actions.Result {
			run := w.ledger.begin(p, c)
			w.ledger.end(p, run, check.Deferred, "")
			return actions.Deferred()
		}},
	} {
		if err := r.Register(a); err != nil {
			panic(err)
		}
	}
	return r
}

// work takes its time and ends as its attempt's chance says. Its result names the run, so that it can be recognised.
func (w *world) work(ctx context.Context, p *process, c *actions.Call) actions.Result {
	run := w.ledger.begin(p, c)
	ms, _ := c.Input.GetString("ms")
	fails, _ := c.Input.GetString("fails")
	key := w.chance.str("work").str(c.ActionID).num(uint64(c.Attempt))
	d := time.Duration(ms.(value.Int))*time.Millisecond + key.within(5*time.Millisecond) + time.Microsecond
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		w.ledger.end(p, run, check.Cancelled, "")
		return actions.Cancelled()
	}
	if !p.await() {
		return actions.Cancelled()
	}
	token := run.Token()
	if key.str("fails").percent(int(fails.(value.Int))) {
		w.ledger.end(p, run, check.Failed, token)
		return actions.Errorf("%s", token)
	}
	w.ledger.end(p, run, check.Succeeded, token)
	return actions.Value(value.String(token))
}
