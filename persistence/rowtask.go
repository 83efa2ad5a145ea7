package persistence

import (
	"cmp"
	"fmt"
	"slices"

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

// taskDoc is a row's document. There are two writes of it for each action, so its names are short. Moments but the first
// are distances from CreatedAt, see distance.
type taskDoc struct {
	Name         string                `json:"n"`
	Type         string                `json:"y,omitempty"` // "" is ACTION
	State        string                `json:"s"`           // see shortStates
	StateInfo    string                `json:"i,omitempty"`
	Tags         []string              `json:"tags,omitempty"`
	Parents      []workflow.TaskID     `json:"p,omitempty"`
	AsTriggered  bool                  `json:"q,omitempty"` // Parents are the tasks of TriggeredBy
	TriggeredBy  []workflow.Trigger    `json:"b,omitempty"`
	Next         []workflow.Trigger    `json:"x,omitempty"`
	HasNext      bool                  `json:"hx,omitempty"`
	Processed    bool                  `json:"pr,omitempty"`
	ErrorHandled bool                  `json:"eh,omitempty"`
	Runtime      *workflow.TaskRuntime `json:"r,omitempty"` // nil is that of a task without policies and items
	CreatedAt    int64                 `json:"c,omitempty"`
	UpdatedAt    int64                 `json:"u,omitempty"`
	StartedAt    int64                 `json:"st,omitempty"`
	FinishedAt   int64                 `json:"f,omitempty"`
}

// plainRuntime is what a task without policies and items remembers: nothing.
func plainRuntime() workflow.TaskRuntime { return workflow.TaskRuntime{ItemCount: -1} }

const plainType = "ACTION"

// asTriggered reports whether the parents are the tasks that have triggered this one.
func asTriggered(r *workflow.TaskRecord) bool {
	return len(r.Parents) > 0 && slices.EqualFunc(r.Parents, r.TriggeredBy, func(p workflow.TaskID, t workflow.Trigger) bool { return p == t.TaskID })
}

// NewTaskRow makes the row of a record. fault.Invalid: no store can keep it.
func NewTaskRow(r *workflow.TaskRecord) (TaskRow, error) {
	row := TaskRow{Shard: Shard(r.ExecutionID), ExecutionID: string(r.ExecutionID), Seq: int64(r.Seq), ID: string(r.ID)}
	if err := checkText("id of a task", row.ID+row.ExecutionID); err != nil {
		return row, err
	}
	var err error
	c := Micros(r.CreatedAt)
	d := taskDoc{
		Name: r.Name, State: abbreviate(r.State, shortStates), StateInfo: r.StateInfo, Tags: r.Tags, Parents: r.Parents,
		TriggeredBy: r.TriggeredBy, Next: r.Next, HasNext: r.HasNext, Processed: r.Processed, ErrorHandled: r.ErrorHandled,
		CreatedAt: c, UpdatedAt: distance(c, r.UpdatedAt), StartedAt: distance(c, r.StartedAt), FinishedAt: distance(c, r.FinishedAt),
	}
	if r.Type != plainType {
		d.Type = cmp.Or(r.Type, "-")
	}
	if r.Runtime != plainRuntime() {
		d.Runtime = &r.Runtime
	}
	if asTriggered(r) {
		d.Parents, d.AsTriggered = nil, true
	}
	row.Doc, err = encodeDoc(d, "task", row.ID)
	if err != nil {
		return row, err
	}
	var b body
	b.dict("p", r.Published)
	b.dict("g", r.Globals)
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
	c := d.CreatedAt
	r := &workflow.TaskRecord{
		ID: workflow.TaskID(row.ID), ExecutionID: workflow.ExecutionID(row.ExecutionID), Name: d.Name, Seq: int(row.Seq),
		Type: cmp.Or(d.Type, plainType), State: expand(d.State, longStates), StateInfo: d.StateInfo, Tags: d.Tags, Parents: d.Parents,
		TriggeredBy: d.TriggeredBy, Published: m.getDict("p"), Globals: m.getDict("g"), Next: d.Next, HasNext: d.HasNext,
		Processed: d.Processed, ErrorHandled: d.ErrorHandled, Runtime: plainRuntime(), CreatedAt: FromMicros(c),
		UpdatedAt: moment(c, d.UpdatedAt), StartedAt: moment(c, d.StartedAt), FinishedAt: moment(c, d.FinishedAt),
	}
	if r.Type == "-" {
		r.Type = ""
	}
	if d.Runtime != nil {
		r.Runtime = *d.Runtime
	}
	if d.AsTriggered {
		for _, t := range d.TriggeredBy {
			r.Parents = append(r.Parents, t.TaskID)
		}
	}
	if m.err != nil {
		return nil, fmt.Errorf("decode task %s: %w", row.ID, m.err)
	}
	return r, nil
}
