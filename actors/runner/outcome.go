package runner

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"cierzo/actions"
	"cierzo/expr/value"
	"cierzo/internal/planted"
	"cierzo/messages"
)

// start runs an attempt in a goroutine that is its own until it ends, before the runner does.
func (w *worker) start(a *attempt) {
	call, err := w.call(a)
	if err != nil {
		w.finish(a, messages.OutcomeKind_OUTCOME_ERROR, value.String(err.Error()))
		return
	}
	act, ok := w.cfg.Actions.Find(a.run.Action)
	if !ok {
		w.finish(a, messages.OutcomeKind_OUTCOME_ERROR, value.String("action "+a.run.Action+" is not known to runner "+w.cfg.ID))
		return
	}
	call.Input = act.Complete(call.Input)
	ctx, cancel := context.WithCancel(w.ctx)
	if !call.Deadline.IsZero() {
		ctx, cancel = context.WithDeadline(w.ctx, call.Deadline)
	}
	w.move(a, running)
	a.cancel = cancel
	w.running++
	w.counters.started.Add(1)
	a.begunAt = w.cfg.Now()
	if w.cfg.SayStarted < 0 {
		w.sayStarted(a)
	}
	pid := w.pid
	w.work.Add(1)
	w.pool.Schedule(func() {
		defer w.work.Done()
		defer cancel()
		w.root.Send(pid, returned{a, guarded(ctx, act, call)})
	})
}

// guarded runs an action; its panic is its error.
func guarded(ctx context.Context, act *actions.Action, call *actions.Call) (result actions.Result) {
	defer func() {
		if p := recover(); p != nil {
			call.Logger.Error("action panicked", "panic", p, "stack", string(debug.Stack()))
			result = actions.Errorf("action %s panicked: %v", act.Name, p)
		}
	}()
	result = act.Run(ctx, call)
	if act.Async && result.Kind == actions.KindValue {
		return actions.Deferred()
	}
	return result
}

func (w *worker) call(a *attempt) (*actions.Call, error) {
	m := a.run
	input := value.NewDict(0)
	if len(m.Input) > 0 {
		v, err := value.ParseJSON(m.Input)
		if err != nil {
			return nil, err
		}
		if d, ok := v.(*value.Dict); ok {
			input = d
		}
	}
	pid, root := w.pid, w.root
	call := &actions.Call{
		Input: input, ExecutionID: m.Attempt.ExecutionId, RootID: m.RootExecutionId, TaskID: m.TaskId,
		ActionID: m.Attempt.ActionId, Attempt: int(m.Attempt.Attempt), IdempotencyKey: m.Attempt.ActionId,
		Project: m.Project, Workflow: m.Workflow, Task: m.Task, Index: int(m.Index), Traceparent: m.Traceparent,
		CallbackURL: w.cfg.Callback(m.Attempt.ActionId),
		Auth:        actions.Auth{Token: m.Auth.GetToken(), AuthURL: m.Auth.GetAuthUrl(), Project: m.Auth.GetProject(), Region: m.Auth.GetRegion()},
		Progress:    func(text string) { root.Send(pid, progressed{a, clip(text)}) },
		Logger:      slog.New(attemptLog{w.cfg.Logger.Handler(), m.Attempt}),
	}
	if m.Deadline != 0 {
		call.Deadline = time.UnixMilli(m.Deadline)
	}
	return call, nil
}

// attemptLog says in each record whose it is. Most actions log nothing, so that is put together when there is one.
type attemptLog struct {
	slog.Handler
	of *messages.Attempt
}

func (h attemptLog) named() slog.Handler {
	return h.Handler.WithAttrs([]slog.Attr{
		slog.String("execution_id", h.of.GetExecutionId()), slog.String("action_id", h.of.GetActionId()), slog.Uint64("attempt", uint64(h.of.GetAttempt())),
	})
}

// Handle implements slog.Handler.
func (h attemptLog) Handle(ctx context.Context, r slog.Record) error { return h.named().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (h attemptLog) WithAttrs(attrs []slog.Attr) slog.Handler { return h.named().WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (h attemptLog) WithGroup(name string) slog.Handler { return h.named().WithGroup(name) }

// progressBytesMax bounds a line of progress.
const progressBytesMax = 1024

// clip makes any bytes a text that a message can carry.
func clip(text string) string {
	if len(text) > progressBytesMax {
		text = text[:progressBytesMax]
		for k := 0; k < utf8.UTFMax && !utf8.ValidString(text); k++ { // the cut may have gone through a letter
			text = text[:len(text)-1]
		}
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func (w *worker) sayStarted(a *attempt) {
	a.said = true
	w.toOwner(a, &messages.ToExecution{Message: &messages.ToExecution_ActionStarted{
		ActionStarted: &messages.ActionStarted{Attempt: a.id(), RunnerId: w.cfg.ID},
	}})
}

// returned takes the outcome over. An attempt that was stopped for want of engines is not over: when one is heard again it
// says whether the attempt is still this runner's, and then it is run again.
func (w *worker) returned(a *attempt, r actions.Result) {
	w.running--
	switch {
	case w.ctx.Err() != nil:
		return // the runner has left: nobody would believe it
	case a.isolated && !a.cancelled && (r.Kind == actions.KindCancelled || r.Kind == actions.KindError):
		a.isolated, a.sends = false, 0
		w.ask(a)
	case a.cancelled && r.Kind == actions.KindError:
		w.finish(a, messages.OutcomeKind_OUTCOME_CANCELLED, nil)
	case r.Kind == actions.KindValue:
		w.finish(a, messages.OutcomeKind_OUTCOME_VALUE, r.Value)
	case r.Kind == actions.KindError:
		w.finish(a, messages.OutcomeKind_OUTCOME_ERROR, r.Value)
	case r.Kind == actions.KindCancelled && !a.cancelled && !a.isolated:
		w.finish(a, messages.OutcomeKind_OUTCOME_ERROR, value.String(stoppedText(a, w.cfg.Now())))
	case r.Kind == actions.KindCancelled:
		w.finish(a, messages.OutcomeKind_OUTCOME_CANCELLED, nil)
	case r.Kind == actions.KindDeferred:
		w.finish(a, messages.OutcomeKind_OUTCOME_DEFERRED, nil)
	default:
		w.finish(a, messages.OutcomeKind_OUTCOME_ERROR, value.String("action "+a.run.Action+" returned no result"))
	}
}

// stoppedText says why an action ended that nobody had cancelled.
func stoppedText(a *attempt, now time.Time) string {
	if d := a.run.Deadline; d != 0 && !now.Before(time.UnixMilli(d)) {
		return "action " + a.run.Action + " was stopped at its deadline"
	}
	return "action " + a.run.Action + " cancelled itself"
}

// finish makes the outcome a message and sends it for the first time.
func (w *worker) finish(a *attempt, kind messages.OutcomeKind, v value.Value) {
	m := &messages.ActionFinished{Attempt: a.id(), RunnerId: w.cfg.ID, Kind: kind}
	if kind == messages.OutcomeKind_OUTCOME_VALUE || kind == messages.OutcomeKind_OUTCOME_ERROR {
		m.Kind, m.Value = w.encode(kind, v)
	}
	w.move(a, finished)
	a.outcome, a.sends = m, 0
	w.counters.finished.Add(1)
	w.report(a)
}

// encode gives the JSON form of a result; what has none, or is too large, becomes an error that says so.
func (w *worker) encode(kind messages.OutcomeKind, v value.Value) (messages.OutcomeKind, []byte) {
	if v == nil {
		v = value.Null{}
	}
	data, err := value.AppendJSON(nil, v)
	var flaw actions.Result
	switch {
	case err != nil:
		flaw = actions.Errorf("result can't be stored: %v", err)
	case len(data) > w.cfg.PayloadBytesMax:
		flaw = actions.Errorf("result is too large: %d bytes (limit %d)", len(data), w.cfg.PayloadBytesMax)
	default:
		return kind, data
	}
	data, err = value.AppendJSON(nil, flaw.Value)
	if err != nil {
		data = []byte(`"result can't be stored"`)
	}
	return messages.OutcomeKind_OUTCOME_ERROR, data
}

// report sends the outcome and sets the time of the next repetition.
func (w *worker) report(a *attempt) {
	w.toOwner(a, &messages.ToExecution{Message: &messages.ToExecution_ActionFinished{ActionFinished: a.outcome}})
	a.sendAt = w.cfg.Now().Add(a.backOff())
	a.sends++
	if planted.Has(planted.OutboxLost) {
		w.remove(a)
	}
}
