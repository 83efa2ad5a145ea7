package actors

import (
	"cierzo/fault"
	"cierzo/messages"
	"cierzo/workflow"
)

// encodeToRunner gives the message and the runner of a send to a runner; nil for other sends.
func encodeToRunner(id workflow.ExecutionID, epoch uint64, s workflow.Send) (workflow.RunnerID, *messages.ToRunner, error) {
	m := &messages.ToRunner{}
	switch s := s.(type) {
	case workflow.Dispatch:
		run, err := encodeRun(id, epoch, s)
		m.Message = &messages.ToRunner_Run{Run: run}
		return s.Action.Runner, m, err
	case workflow.CancelAttempt:
		m.Message = &messages.ToRunner_Cancel{Cancel: &messages.CancelAction{Attempt: attemptID(id, s.Action, s.Attempt)}}
		return s.Runner, m, nil
	case workflow.AckFinished:
		m.Message = &messages.ToRunner_FinishedAck{FinishedAck: &messages.FinishedAck{
			Attempt: attemptID(id, s.Action, s.Attempt), Accepted: s.Accepted, Reason: s.Reason,
		}}
		return s.Runner, m, nil
	case workflow.Grant:
		m.Message = &messages.ToRunner_Grant{Grant: &messages.StartGrant{
			Attempt: attemptID(id, s.Action, s.Attempt), LeaseUntil: millis(s.LeaseUntil),
		}}
		return s.Runner, m, nil
	case workflow.Deny:
		m.Message = &messages.ToRunner_Denied{Denied: &messages.StartDenied{
			Attempt: attemptID(id, s.Action, s.Attempt), Reason: s.Reason,
		}}
		return s.Runner, m, nil
	}
	return "", nil, nil
}

func encodeRun(id workflow.ExecutionID, epoch uint64, s workflow.Dispatch) (*messages.RunAction, error) {
	var e encoder
	a := s.Action
	name, input := a.Name, a.Input
	if a.RunName != "" {
		name, input = a.RunName, a.RunInput
	}
	return &messages.RunAction{
		Attempt: attemptID(id, a.ID, a.Attempt), Action: name, Input: e.dict(input),
		LeaseUntil: millis(a.LeaseUntil), Deadline: millis(a.Deadline), SafeRerun: a.SafeRerun, Async: a.Async,
		TaskId: string(a.TaskID), Task: s.Task, Workflow: s.Workflow, Project: s.Project, RootExecutionId: string(s.Root),
		Index: uint32(a.Index), Epoch: epoch, Auth: encodeAuth(s.Auth), Traceparent: text(s.Traceparent),
	}, e.err
}

// encodeToExecution gives the message of a send to another execution; nil for other sends.
func encodeToExecution(from workflow.ExecutionID, s workflow.Send) (*messages.ToExecution, error) {
	var e encoder
	m := &messages.ToExecution{}
	switch s := s.(type) {
	case workflow.StartChild:
		start, err := encodeStart(workflow.Spec{
			ID: s.Child, ProjectID: s.Project, Namespace: s.Namespace, DefinitionID: s.DefinitionID, Priority: s.Priority,
			Input: s.Input, Params: s.Params, Env: s.Env, ParentID: s.Parent, ParentTaskID: s.ParentTask, RootID: s.Root,
			Index: s.Index, Depth: s.Depth, Auth: s.Auth, Traceparent: s.Traceparent,
		})
		m.ExecutionId, m.Message = string(s.Child), &messages.ToExecution_Start{Start: start}
		return m, err
	case workflow.ControlChild:
		m.ExecutionId = string(s.Child)
		m.Message = &messages.ToExecution_ControlChild{ControlChild: &messages.ControlChild{
			ParentId: string(from), Op: s.Op, Message: text(s.Message),
		}}
	case workflow.NotifyParent:
		m.ExecutionId = string(s.Parent)
		m.Message = &messages.ToExecution_ChildReport{ChildReport: &messages.ChildReport{
			ChildId: string(s.Child), Seq: uint32(s.Seq), State: string(s.State), Info: text(s.Info), Output: e.value(s.Output),
		}}
	case workflow.AckChild:
		m.ExecutionId = string(s.Child)
		m.Message = &messages.ToExecution_ParentAck{ParentAck: &messages.ParentAck{State: string(s.State), Seq: uint32(s.Seq)}}
	default:
		return nil, nil
	}
	return m, e.err
}

// refusedChild is the report of a sub-workflow that could not be created.
func refusedChild(parent, child workflow.ExecutionID, state workflow.State, info string) *messages.ToExecution {
	return &messages.ToExecution{ExecutionId: string(parent), Message: &messages.ToExecution_ChildReport{
		ChildReport: &messages.ChildReport{ChildId: string(child), State: string(state), Info: text(info), Refused: true},
	}}
}

// answerUnknown says to the sender of a message that its execution doesn't exist, so that it needn't send it again.
func answerUnknown(id workflow.ExecutionID, m *messages.ToExecution) (workflow.RunnerID, *messages.ToRunner, *messages.ToExecution) {
	const reason = "there is no such execution"
	switch x := m.Message.(type) {
	case *messages.ToExecution_ActionFinished:
		return workflow.RunnerID(x.ActionFinished.RunnerId), &messages.ToRunner{Message: &messages.ToRunner_FinishedAck{
			FinishedAck: &messages.FinishedAck{Attempt: x.ActionFinished.Attempt, Reason: reason},
		}}, nil
	case *messages.ToExecution_StartRequest:
		return workflow.RunnerID(x.StartRequest.RunnerId), &messages.ToRunner{Message: &messages.ToRunner_Denied{
			Denied: &messages.StartDenied{Attempt: x.StartRequest.Attempt, Reason: reason},
		}}, nil
	case *messages.ToExecution_ChildReport:
		return "", nil, &messages.ToExecution{ExecutionId: x.ChildReport.ChildId, Message: &messages.ToExecution_ParentAck{
			ParentAck: &messages.ParentAck{State: x.ChildReport.State, Seq: x.ChildReport.Seq},
		}}
	case *messages.ToExecution_ControlChild:
		if x.ControlChild.Op != "cancel" || x.ControlChild.ParentId == "" {
			return "", nil, nil
		}
		return "", nil, refusedChild(workflow.ExecutionID(x.ControlChild.ParentId), id,
			workflow.Cancelled, "cancelled before it began")
	}
	return "", nil, nil
}

// errUnknown is what a command hears about an execution that doesn't exist.
func errUnknown(id workflow.ExecutionID) error {
	return fault.New(fault.NotFound, "there is no execution %s", id)
}
