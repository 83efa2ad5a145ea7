package persistence

import (
	"encoding/json"
	"fmt"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// TaskRow is a workflow.TaskRecord in a store.
type TaskRow struct {
	Shard       uint16 // of the execution
	ExecutionID string
	Seq         int64
	ID          string
	Doc         string
	Values      string
	New         bool // the store doesn't have it yet; not stored
}

type taskDoc struct {
	Name         string               `json:"name"`
	Type         string               `json:"type,omitempty"`
	State        string               `json:"state"`
	StateInfo    string               `json:"state_info,omitempty"`
	Tags         []string             `json:"tags,omitempty"`
	Parents      []workflow.TaskID    `json:"parents,omitempty"`
	TriggeredBy  []workflow.Trigger   `json:"triggered_by,omitempty"`
	Next         []workflow.Trigger   `json:"next,omitempty"`
	HasNext      bool                 `json:"has_next,omitempty"`
	Processed    bool                 `json:"processed,omitempty"`
	ErrorHandled bool                 `json:"error_handled,omitempty"`
	Runtime      workflow.TaskRuntime `json:"runtime,omitzero"`
	CreatedAt    int64                `json:"created_at,omitempty"`
	UpdatedAt    int64                `json:"updated_at,omitempty"`
	StartedAt    int64                `json:"started_at,omitempty"`
	FinishedAt   int64                `json:"finished_at,omitempty"`
}

// NewTaskRow makes the row of a record. fault.Invalid: no store can keep it.
func NewTaskRow(r *workflow.TaskRecord) (TaskRow, error) {
	row := TaskRow{Shard: Shard(r.ExecutionID), ExecutionID: string(r.ExecutionID), Seq: int64(r.Seq), ID: string(r.ID)}
	if err := checkText("id of a task", row.ID+row.ExecutionID); err != nil {
		return row, err
	}
	var err error
	row.Doc, err = encodeDoc(taskDoc{
		Name: r.Name, Type: r.Type, State: string(r.State), StateInfo: r.StateInfo, Tags: r.Tags, Parents: r.Parents,
		TriggeredBy: r.TriggeredBy, Next: r.Next, HasNext: r.HasNext, Processed: r.Processed, ErrorHandled: r.ErrorHandled,
		Runtime: r.Runtime, CreatedAt: Micros(r.CreatedAt), UpdatedAt: Micros(r.UpdatedAt), StartedAt: Micros(r.StartedAt),
		FinishedAt: Micros(r.FinishedAt),
	}, "task", row.ID)
	if err != nil {
		return row, err
	}
	var b body
	b.dict("published", r.Published)
	b.dict("globals", r.Globals)
	row.Values, err = b.text()
	return row, fault.Wrap(fault.Invalid, err, "encode task %s", r.ID)
}

// Decode makes the record of a row.
func (row *TaskRow) Decode() (*workflow.TaskRecord, error) {
	var d taskDoc
	if err := decodeDoc(row.Doc, &d, "task", row.ID); err != nil {
		return nil, err
	}
	m := readBody(row.Values)
	r := &workflow.TaskRecord{
		ID: workflow.TaskID(row.ID), ExecutionID: workflow.ExecutionID(row.ExecutionID), Name: d.Name, Seq: int(row.Seq),
		Type: d.Type, State: workflow.State(d.State), StateInfo: d.StateInfo, Tags: d.Tags, Parents: d.Parents,
		TriggeredBy: d.TriggeredBy, Published: m.getDict("published"), Globals: m.getDict("globals"), Next: d.Next, HasNext: d.HasNext,
		Processed: d.Processed, ErrorHandled: d.ErrorHandled, Runtime: d.Runtime, CreatedAt: FromMicros(d.CreatedAt),
		UpdatedAt: FromMicros(d.UpdatedAt), StartedAt: FromMicros(d.StartedAt), FinishedAt: FromMicros(d.FinishedAt),
	}
	if m.err != nil {
		return nil, fmt.Errorf("decode task %s: %w", row.ID, m.err)
	}
	return r, nil
}

// HistoryRow is a run of history events, those of one turn, in a store.
type HistoryRow struct {
	Shard       uint16
	ExecutionID string
	LastSeq     int64 // of the newest event in it
	Doc         string
}

type historyDoc struct {
	Seq      uint64 `json:"seq"`
	At       int64  `json:"at"`
	Kind     string `json:"kind"`
	TaskID   string `json:"task_id,omitempty"`
	Task     string `json:"task,omitempty"`
	ActionID string `json:"action_id,omitempty"`
	State    string `json:"state,omitempty"`
	Info     string `json:"info,omitempty"`
	Detail   string `json:"detail,omitempty"` // JSON
}

// NewHistoryRow makes the row of a turn's events; len(events) ≥ 1. fault.Invalid: no store can keep it.
func NewHistoryRow(id workflow.ExecutionID, events []workflow.HistoryEvent) (HistoryRow, error) {
	row := HistoryRow{Shard: Shard(id), ExecutionID: string(id), LastSeq: int64(events[len(events)-1].Seq)}
	docs := make([]historyDoc, 0, len(events))
	for _, e := range events {
		d := historyDoc{
			Seq: e.Seq, At: Micros(e.At), Kind: e.Kind, TaskID: string(e.TaskID), Task: e.Task,
			ActionID: string(e.ActionID), State: string(e.State), Info: e.Info,
		}
		if e.Detail != nil {
			text, err := value.AppendJSON(nil, e.Detail)
			if err != nil {
				return row, fault.Wrap(fault.Invalid, err, "encode history event %d of execution %s", e.Seq, id)
			}
			d.Detail = string(text)
		}
		docs = append(docs, d)
	}
	var err error
	row.Doc, err = encodeDoc(docs, "history of execution", row.ExecutionID)
	return row, err
}

// Decode makes the events of a row.
func (row *HistoryRow) Decode() ([]workflow.HistoryEvent, error) {
	var docs []historyDoc
	if err := json.Unmarshal([]byte(row.Doc), &docs); err != nil {
		return nil, fmt.Errorf("decode history of execution %s: %w", row.ExecutionID, err)
	}
	events := make([]workflow.HistoryEvent, 0, len(docs))
	for _, d := range docs {
		e := workflow.HistoryEvent{
			Seq: d.Seq, At: FromMicros(d.At), Kind: d.Kind, TaskID: workflow.TaskID(d.TaskID), Task: d.Task,
			ActionID: workflow.ActionID(d.ActionID), State: workflow.State(d.State), Info: d.Info,
		}
		if d.Detail != "" {
			v, err := parseValue(d.Detail)
			if err != nil {
				return nil, fmt.Errorf("decode history event %d of execution %s: %w", d.Seq, row.ExecutionID, err)
			}
			e.Detail = v
		}
		events = append(events, e)
	}
	return events, nil
}

// JoinHistory makes the events after a sequence number, at most limit of them, from rows in order.
func JoinHistory(rows []HistoryRow, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	var out []workflow.HistoryEvent
	for i := range rows {
		if uint64(rows[i].LastSeq) <= after {
			continue
		}
		events, err := rows[i].Decode()
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if e.Seq > after && len(out) < Limit(limit) {
				out = append(out, e)
			}
		}
	}
	return out, nil
}
