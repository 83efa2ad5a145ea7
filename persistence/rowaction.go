package persistence

import (
	"fmt"

	"cierzo/fault"
	"cierzo/workflow"
)

// ActionRow is a workflow.ActionRecord in a store.
type ActionRow struct {
	Shard       uint16 // of the execution
	ExecutionID string
	Seq         int64
	ID          string
	TaskID      string
	Runner      string // only while the action is dispatched, "" otherwise: who must be asked about it
	Doc         string
	Values      string
}

type actionDoc struct {
	Name         string              `json:"name"`
	Kind         workflow.ActionKind `json:"kind,omitempty"`
	Index        int                 `json:"index,omitempty"`
	State        string              `json:"state"`
	Accepted     bool                `json:"accepted,omitempty"`
	Tags         []string            `json:"tags,omitempty"`
	Phase        workflow.Phase      `json:"phase,omitempty"`
	Attempt      int                 `json:"attempt,omitempty"`
	Runner       string              `json:"runner,omitempty"`
	Target       string              `json:"target,omitempty"`
	SafeRerun    bool                `json:"safe_rerun,omitempty"`
	Async        bool                `json:"async,omitempty"`
	LeaseUntil   int64               `json:"lease_until,omitempty"`
	Deadline     int64               `json:"deadline,omitempty"`
	RunName      string              `json:"run_name,omitempty"`
	ChildStarted bool                `json:"child_started,omitempty"`
	ChildDef     string              `json:"child_definition_id,omitempty"`
	CancelSent   bool                `json:"cancel_sent,omitempty"`
	Forgotten    bool                `json:"forgotten,omitempty"`
	PauseSent    bool                `json:"pause_sent,omitempty"`
	LateResults  int                 `json:"late_results,omitempty"`
	CreatedAt    int64               `json:"created_at,omitempty"`
	UpdatedAt    int64               `json:"updated_at,omitempty"`
	StartedAt    int64               `json:"started_at,omitempty"`
	FinishedAt   int64               `json:"finished_at,omitempty"`
}

// NewActionRow makes the row of a record. fault.Invalid: no store can keep it.
func NewActionRow(r *workflow.ActionRecord) (ActionRow, error) {
	row := ActionRow{
		Shard: Shard(r.ExecutionID), ExecutionID: string(r.ExecutionID), Seq: int64(r.Seq), ID: string(r.ID),
		TaskID: string(r.TaskID),
	}
	if r.Phase == workflow.PhaseDispatched {
		row.Runner = string(r.Runner)
	}
	if err := checkText("id of an action or runner", row.ID+row.ExecutionID+row.TaskID+row.Runner); err != nil {
		return row, err
	}
	var err error
	row.Doc, err = encodeDoc(actionDoc{
		Name: r.Name, Kind: r.Kind, Index: r.Index, State: string(r.State), Accepted: r.Accepted, Tags: r.Tags,
		Phase: r.Phase, Attempt: r.Attempt, Runner: string(r.Runner), Target: r.Target, SafeRerun: r.SafeRerun,
		Async: r.Async, LeaseUntil: Micros(r.LeaseUntil), Deadline: Micros(r.Deadline), RunName: r.RunName,
		ChildStarted: r.ChildStarted, ChildDef: r.ChildDefinitionID, CancelSent: r.CancelSent, Forgotten: r.Forgotten, PauseSent: r.PauseSent, LateResults: r.LateResults,
		CreatedAt: Micros(r.CreatedAt), UpdatedAt: Micros(r.UpdatedAt), StartedAt: Micros(r.StartedAt),
		FinishedAt: Micros(r.FinishedAt),
	}, "action", row.ID)
	if err != nil {
		return row, err
	}
	var b body
	b.dict("input", r.Input)
	b.value("output", r.Output)
	b.dict("run_input", r.RunInput)
	b.dict("child_params", r.ChildParams)
	row.Values, err = b.text()
	return row, fault.Wrap(fault.Invalid, err, "encode action %s", r.ID)
}

// Decode makes the record of a row.
func (row *ActionRow) Decode() (*workflow.ActionRecord, error) {
	var d actionDoc
	if err := decodeDoc(row.Doc, &d, "action", row.ID); err != nil {
		return nil, err
	}
	m := readBody(row.Values)
	r := &workflow.ActionRecord{
		ID: workflow.ActionID(row.ID), ExecutionID: workflow.ExecutionID(row.ExecutionID), TaskID: workflow.TaskID(row.TaskID),
		Name: d.Name, Kind: d.Kind, Seq: int(row.Seq), Index: d.Index, State: workflow.State(d.State), Accepted: d.Accepted,
		Input: m.getDict("input"), Output: m.get("output"), Tags: d.Tags, Phase: d.Phase, Attempt: d.Attempt,
		Runner: workflow.RunnerID(d.Runner), Target: d.Target, SafeRerun: d.SafeRerun, Async: d.Async,
		LeaseUntil: FromMicros(d.LeaseUntil), Deadline: FromMicros(d.Deadline), RunName: d.RunName,
		RunInput: m.getDict("run_input"), ChildStarted: d.ChildStarted, ChildDefinitionID: d.ChildDef,
		ChildParams: m.getDict("child_params"), CancelSent: d.CancelSent, Forgotten: d.Forgotten, PauseSent: d.PauseSent, LateResults: d.LateResults,
		CreatedAt: FromMicros(d.CreatedAt), UpdatedAt: FromMicros(d.UpdatedAt), StartedAt: FromMicros(d.StartedAt),
		FinishedAt: FromMicros(d.FinishedAt),
	}
	if m.err != nil {
		return nil, fmt.Errorf("decode action %s: %w", row.ID, m.err)
	}
	return r, nil
}
