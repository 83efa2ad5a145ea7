package actors

import (
	"errors"
	"strings"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/messages"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The codec between messages and the state machine's events and sends.

func encode(v value.Value) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	return value.AppendJSON(nil, v)
}

// text is what a message can carry of a text that people or programs gave: one that isn't UTF-8 would keep the whole message
// from being sent.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// encoder keeps the first error of many values.
type encoder struct{ err error }

func (e *encoder) value(v value.Value) []byte {
	data, err := encode(v)
	if e.err == nil {
		e.err = err
	}
	return data
}

func (e *encoder) dict(d *value.Dict) []byte {
	if d == nil {
		return nil
	}
	return e.value(d)
}

// decoder keeps the first error of many values.
type decoder struct{ err error }

func (d *decoder) value(data []byte) value.Value {
	if len(data) == 0 {
		return nil
	}
	v, err := value.ParseJSON(data)
	if err != nil && d.err == nil {
		d.err = fault.Wrap(fault.Invalid, err, "value in a message")
	}
	return v
}

func (d *decoder) dict(data []byte) *value.Dict {
	v := d.value(data)
	if v == nil {
		return nil
	}
	dict, ok := v.(*value.Dict)
	if !ok && d.err == nil {
		d.err = fault.New(fault.Invalid, "value in a message is a %s, not a dict", value.TypeName(v))
	}
	return dict
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func attemptID(execution workflow.ExecutionID, action workflow.ActionID, attempt int) *messages.Attempt {
	return &messages.Attempt{ExecutionId: string(execution), ActionId: string(action), Attempt: uint32(attempt)}
}

func encodeAuth(a *workflow.CloudAuth) *messages.CloudAuth {
	if a == nil {
		return nil
	}
	return &messages.CloudAuth{Token: text(a.Token), AuthUrl: text(a.AuthURL), Project: text(a.Project), Region: text(a.Region)}
}

func decodeAuth(m *messages.CloudAuth) *workflow.CloudAuth {
	if m == nil {
		return nil
	}
	return &workflow.CloudAuth{Token: m.Token, AuthURL: m.AuthUrl, Project: m.Project, Region: m.Region}
}

func encodeRequester(r workflow.Requester) *messages.Requester {
	if r == (workflow.Requester{}) {
		return nil
	}
	return &messages.Requester{User: text(r.User), Name: text(r.Name), Project: text(r.Project)}
}

func decodeRequester(m *messages.Requester) workflow.Requester {
	return workflow.Requester{User: m.GetUser(), Name: m.GetName(), Project: m.GetProject()}
}

func encodeStart(s workflow.Spec) (*messages.StartExecution, error) {
	var e encoder
	m := &messages.StartExecution{
		DefinitionId: s.DefinitionID, Project: text(s.ProjectID), Namespace: text(s.Namespace), Description: text(s.Description),
		Priority: int32(s.Priority), Input: e.dict(s.Input), Params: e.dict(s.Params), Env: e.dict(s.Env),
		ParentId: string(s.ParentID), ParentTaskId: string(s.ParentTaskID), RootId: string(s.RootID),
		Index: uint32(s.Index), Depth: uint32(s.Depth), SourceId: string(s.SourceID),
		Auth: encodeAuth(s.Auth), By: encodeRequester(s.By), Traceparent: text(s.Traceparent),
	}
	for _, tag := range s.Tags {
		m.Tags = append(m.Tags, text(tag))
	}
	return m, e.err
}

func decodeStart(id workflow.ExecutionID, m *messages.StartExecution) (workflow.Spec, error) {
	var d decoder
	s := workflow.Spec{
		ID: id, ProjectID: m.Project, Namespace: m.Namespace, DefinitionID: m.DefinitionId, Description: m.Description,
		Tags: m.Tags, Priority: int(m.Priority), Input: d.dict(m.Input), Params: d.dict(m.Params), Env: d.dict(m.Env),
		ParentID: workflow.ExecutionID(m.ParentId), ParentTaskID: workflow.TaskID(m.ParentTaskId),
		RootID: workflow.ExecutionID(m.RootId), Index: int(m.Index), Depth: int(m.Depth), SourceID: workflow.ExecutionID(m.SourceId),
		Auth: decodeAuth(m.Auth), By: decodeRequester(m.By), Traceparent: m.Traceparent,
	}
	return s, d.err
}

func encodeCommand(c workflow.Command) (*messages.Command, error) {
	var e encoder
	m := &messages.Command{RequestId: c.RequestID, Auth: encodeAuth(c.Auth), By: encodeRequester(c.By)}
	switch op := c.Op.(type) {
	case workflow.Pause:
		m.Op = &messages.Command_Pause{Pause: &messages.Pause{}}
	case workflow.Resume:
		m.Op = &messages.Command_Resume{Resume: &messages.Resume{Env: e.dict(op.Env)}}
	case workflow.Stop:
		m.Op = &messages.Command_Stop{Stop: &messages.Stop{State: string(op.State), Message: text(op.Message)}}
	case workflow.Rerun:
		m.Op = &messages.Command_Rerun{Rerun: &messages.Rerun{TaskId: string(op.Task), Reset_: op.Reset, Env: e.dict(op.Env), Input: e.dict(op.Input)}}
	case workflow.Skip:
		m.Op = &messages.Command_Skip{Skip: &messages.Skip{TaskId: string(op.Task), Env: e.dict(op.Env)}}
	case workflow.Describe:
		m.Op = &messages.Command_Describe{Describe: &messages.Describe{Description: text(op.Description)}}
	case workflow.SetEnv:
		m.Op = &messages.Command_SetEnv{SetEnv: &messages.SetEnv{Env: e.dict(op.Env)}}
	case workflow.CompleteAction:
		m.Op = &messages.Command_CompleteAction{CompleteAction: &messages.CompleteAction{
			ActionId: string(op.Action), State: string(op.State), Output: e.value(op.Output),
		}}
	default:
		return nil, fault.New(fault.Internal, "command %T has no message", c.Op)
	}
	return m, e.err
}

// decodeCommand gives a command; fault.Invalid for one that this version doesn't know.
func decodeCommand(m *messages.Command) (workflow.Command, error) {
	var d decoder
	c := workflow.Command{RequestID: m.RequestId, Auth: decodeAuth(m.Auth), By: decodeRequester(m.By)}
	switch op := m.Op.(type) {
	case *messages.Command_Pause:
		c.Op = workflow.Pause{}
	case *messages.Command_Resume:
		c.Op = workflow.Resume{Env: d.dict(op.Resume.Env)}
	case *messages.Command_Stop:
		c.Op = workflow.Stop{State: workflow.State(op.Stop.State), Message: op.Stop.Message}
	case *messages.Command_Rerun:
		c.Op = workflow.Rerun{Task: workflow.TaskID(op.Rerun.TaskId), Reset: op.Rerun.Reset_, Env: d.dict(op.Rerun.Env), Input: d.dict(op.Rerun.Input)}
	case *messages.Command_Skip:
		c.Op = workflow.Skip{Task: workflow.TaskID(op.Skip.TaskId), Env: d.dict(op.Skip.Env)}
	case *messages.Command_Describe:
		c.Op = workflow.Describe{Description: op.Describe.Description}
	case *messages.Command_SetEnv:
		c.Op = workflow.SetEnv{Env: d.dict(op.SetEnv.Env)}
	case *messages.Command_CompleteAction:
		c.Op = workflow.CompleteAction{
			Action: workflow.ActionID(op.CompleteAction.ActionId), State: workflow.State(op.CompleteAction.State),
			Output: d.value(op.CompleteAction.Output),
		}
	default:
		return c, fault.New(fault.Invalid, "the engine doesn't know this command; is it older than the sender?")
	}
	return c, d.err
}

// decodeEvent gives the event that a message stands for. nil, nil: none, the message is for others or not understood.
func decodeEvent(m *messages.ToExecution) (workflow.Event, error) {
	var d decoder
	switch x := m.Message.(type) {
	case *messages.ToExecution_Command:
		return decodeCommand(x.Command)
	case *messages.ToExecution_ActionStarted:
		a := x.ActionStarted.GetAttempt()
		return workflow.ActionStarted{
			Action: workflow.ActionID(a.GetActionId()), Attempt: int(a.GetAttempt()), Runner: workflow.RunnerID(x.ActionStarted.RunnerId),
		}, nil
	case *messages.ToExecution_ActionFinished:
		return decodeFinished(x.ActionFinished)
	case *messages.ToExecution_StartRequest:
		a := x.StartRequest.GetAttempt()
		return workflow.StartRequested{
			Action: workflow.ActionID(a.GetActionId()), Attempt: int(a.GetAttempt()), Runner: workflow.RunnerID(x.StartRequest.RunnerId),
		}, nil
	case *messages.ToExecution_RunnerLost:
		return workflow.RunnerLost{Runner: workflow.RunnerID(x.RunnerLost.RunnerId)}, nil
	case *messages.ToExecution_Wake:
		if child := x.Wake.GetChild(); child != "" {
			return workflow.ChildGone{Child: workflow.ActionID(child)}, nil
		}
		return workflow.Ticked{Gone: x.Wake.GetGone()}, nil
	case *messages.ToExecution_ChildReport:
		r := x.ChildReport
		return workflow.ChildReported{
			Child: workflow.ExecutionID(r.ChildId), Seq: int(r.Seq), State: workflow.State(r.State), Info: r.Info,
			Output: d.value(r.Output), Refused: r.Refused,
		}, d.err
	case *messages.ToExecution_ParentAck:
		return workflow.ParentAcked{State: workflow.State(x.ParentAck.State), Seq: int(x.ParentAck.Seq)}, nil
	case *messages.ToExecution_ControlChild:
		op := workflow.ControlOp(x.ControlChild.Op, x.ControlChild.Message)
		if op == nil {
			return nil, nil
		}
		return workflow.Command{Op: op}, nil
	}
	return nil, nil
}

func decodeFinished(m *messages.ActionFinished) (workflow.Event, error) {
	var d decoder
	a := m.GetAttempt()
	ev := workflow.ActionFinished{
		Action: workflow.ActionID(a.GetActionId()), Attempt: int(a.GetAttempt()), Runner: workflow.RunnerID(m.RunnerId),
	}
	switch m.Kind {
	case messages.OutcomeKind_OUTCOME_VALUE, messages.OutcomeKind_OUTCOME_ERROR:
		ev.Outcome = workflow.Outcome{Kind: workflow.OutcomeValue, Value: d.value(m.Value)}
		if m.Kind == messages.OutcomeKind_OUTCOME_ERROR {
			ev.Outcome.Kind = workflow.OutcomeError
		}
		if d.err != nil { // an outcome nevertheless: the runner would send it for ever
			ev.Outcome = workflow.Outcome{Kind: workflow.OutcomeError, Value: value.String("the result can't be read: " + d.err.Error())}
		}
		if ev.Outcome.Value == nil {
			ev.Outcome.Value = value.Null{}
		}
	case messages.OutcomeKind_OUTCOME_CANCELLED:
		ev.Outcome.Kind = workflow.OutcomeCancelled
	case messages.OutcomeKind_OUTCOME_DEFERRED:
		ev.Outcome.Kind = workflow.OutcomeDeferred
	default:
		return nil, nil
	}
	return ev, nil
}

// The kinds of refusals on the wire.
var kindNames = map[fault.Kind]string{
	fault.Internal: "internal", fault.Invalid: "invalid", fault.NotFound: "not_found", fault.Conflict: "conflict",
	fault.Forbidden: "forbidden", fault.TooLarge: "too_large", fault.Unavailable: "unavailable",
}

func encodeAnswer(err error) *messages.Answer {
	if err == nil {
		return &messages.Answer{}
	}
	return &messages.Answer{ErrorKind: kindNames[fault.KindOf(err)], Error: text(err.Error()), Outdated: errors.Is(err, persistence.ErrOutdated)}
}

func decodeAnswer(m *messages.Answer) error {
	switch {
	case m.ErrorKind == "":
		return nil
	case m.Outdated:
		return persistence.ErrOutdated
	}
	for kind, name := range kindNames {
		if name == m.ErrorKind {
			return fault.New(kind, "%s", m.Error)
		}
	}
	return fault.New(fault.Internal, "%s", m.Error)
}
