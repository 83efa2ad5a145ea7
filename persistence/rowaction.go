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
	Doc         string
	Values      string
	New         bool // the store doesn't have it yet; not stored
}

// actionDoc is a row's document, written small like taskDoc.
type actionDoc struct {
	Name         string              `json:"n"`
	Kind         workflow.ActionKind `json:"k,omitempty"`
	Index        int                 `json:"x,omitempty"`
	State        string              `json:"s"` // see shortStates
	Accepted     bool                `json:"a,omitempty"`
	Tags         []string            `json:"tags,omitempty"`
	Phase        workflow.Phase      `json:"p,omitempty"`
	Attempt      int                 `json:"no,omitempty"`
	Runner       string              `json:"r,omitempty"`
	Target       string              `json:"target,omitempty"`
	SafeRerun    bool                `json:"sr,omitempty"`
	Async        bool                `json:"as,omitempty"`
	LeaseUntil   int64               `json:"l,omitempty"`
	Granted      bool                `json:"gr,omitempty"`
	Deadline     int64               `json:"d,omitempty"`
	RunName      string              `json:"rn,omitempty"`
	ChildStarted bool                `json:"cs,omitempty"`
	ChildDef     string              `json:"cd,omitempty"`
	CancelSent   bool                `json:"xs,omitempty"`
	Forgotten    bool                `json:"fg,omitempty"`
	PauseSent    bool                `json:"ps,omitempty"`
	LateResults  int                 `json:"late,omitempty"`
	CreatedAt    int64               `json:"c,omitempty"`
	UpdatedAt    int64               `json:"u,omitempty"`
	StartedAt    int64               `json:"st,omitempty"`
	FinishedAt   int64               `json:"f,omitempty"`
}

// NewActionRow makes the row of a record. fault.Invalid: no store can keep it.
func NewActionRow(r *workflow.ActionRecord) (ActionRow, error) {
	row := ActionRow{
		Shard: Shard(r.ExecutionID), ExecutionID: string(r.ExecutionID), Seq: int64(r.Seq), ID: string(r.ID),
		TaskID: string(r.TaskID),
	}
	if err := checkText("id of an action", row.ID+row.ExecutionID+row.TaskID); err != nil {
		return row, err
	}
	var err error
	c := Micros(r.CreatedAt)
	row.Doc, err = encodeDoc(actionDoc{
		Name: r.Name, Kind: r.Kind, Index: r.Index, State: abbreviate(r.State, shortStates), Accepted: r.Accepted, Tags: r.Tags,
		Phase: r.Phase, Attempt: r.Attempt, Runner: string(r.Runner), Target: r.Target, SafeRerun: r.SafeRerun,
		Async: r.Async, LeaseUntil: distance(c, r.LeaseUntil), Granted: r.Granted, Deadline: distance(c, r.Deadline), RunName: r.RunName,
		ChildStarted: r.ChildStarted, ChildDef: r.ChildDefinitionID, CancelSent: r.CancelSent, Forgotten: r.Forgotten, PauseSent: r.PauseSent, LateResults: r.LateResults,
		CreatedAt: c, UpdatedAt: distance(c, r.UpdatedAt), StartedAt: distance(c, r.StartedAt), FinishedAt: distance(c, r.FinishedAt),
	}, "action", row.ID)
	if err != nil {
		return row, err
	}
	var b body
	b.dict("i", r.Input)
	b.value("o", r.Output)
	b.dict("ri", r.RunInput)
	b.dict("cp", r.ChildParams)
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
		Name: d.Name, Kind: d.Kind, Seq: int(row.Seq), Index: d.Index, State: expand(d.State, longStates), Accepted: d.Accepted,
		Input: m.getDict("i"), Output: m.get("o"), Tags: d.Tags, Phase: d.Phase, Attempt: d.Attempt,
		Runner: workflow.RunnerID(d.Runner), Target: d.Target, SafeRerun: d.SafeRerun, Async: d.Async,
		LeaseUntil: moment(d.CreatedAt, d.LeaseUntil), Granted: d.Granted, Deadline: moment(d.CreatedAt, d.Deadline), RunName: d.RunName,
		RunInput: m.getDict("ri"), ChildStarted: d.ChildStarted, ChildDefinitionID: d.ChildDef,
		ChildParams: m.getDict("cp"), CancelSent: d.CancelSent, Forgotten: d.Forgotten, PauseSent: d.PauseSent, LateResults: d.LateResults,
		CreatedAt: FromMicros(d.CreatedAt), UpdatedAt: moment(d.CreatedAt, d.UpdatedAt), StartedAt: moment(d.CreatedAt, d.StartedAt),
		FinishedAt: moment(d.CreatedAt, d.FinishedAt),
	}
	if m.err != nil {
		return nil, fmt.Errorf("decode action %s: %w", row.ID, m.err)
	}
	return r, nil
}
