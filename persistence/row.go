package persistence

import (
	"encoding/json"
	"fmt"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/workflow"
)

// The rows: how records lie in every store. What queries look at is a field of its own; the rest of a record is one JSON
// document, Doc, and its values, which can be large, are another, Values. Times are microseconds, see Micros.

// ExecutionRow is a workflow.ExecutionRecord in a store.
type ExecutionRow struct {
	Shard        uint16
	ID           string
	ProjectID    string
	WorkflowName string
	State        string
	RootID       string
	ParentID     string
	ParentTaskID string
	WakeAt       int64  // 0 is never
	Wanting      int64  // 1: queued actions wait for slots; 0: none do
	Busy         int64  // 1: runners hold actions; 0: none does
	Runners      string // JSON array of these runners; "" without any
	CreatedAt    int64
	Doc          string
}

type executionDoc struct {
	Namespace     string                    `json:"namespace,omitempty"`
	DefinitionID  string                    `json:"definition_id,omitempty"`
	Description   string                    `json:"description,omitempty"`
	Tags          []string                  `json:"tags,omitempty"`
	StateInfo     string                    `json:"state_info,omitempty"`
	Priority      int                       `json:"priority,omitempty"`
	Index         int                       `json:"index,omitempty"`
	Depth         int                       `json:"depth,omitempty"`
	SourceID      string                    `json:"source_id,omitempty"`
	ParentPending bool                      `json:"parent_pending,omitempty"`
	ParentSent    int                       `json:"parent_sent,omitempty"`
	Requests      []string                  `json:"requests,omitempty"`
	Runtime       workflow.ExecutionRuntime `json:"runtime,omitzero"`
	Turns         uint64                    `json:"turns,omitempty"`
	UpdatedAt     int64                     `json:"updated_at,omitempty"`
}

// NewExecutionRow makes the row of a record. fault.Invalid: no store can keep it.
func NewExecutionRow(r *workflow.ExecutionRecord) (ExecutionRow, error) {
	d := executionDoc{
		Namespace: r.Namespace, DefinitionID: r.DefinitionID, Description: r.Description, Tags: r.Tags,
		StateInfo: r.StateInfo, Priority: r.Priority, Index: r.Index, Depth: r.Depth, SourceID: string(r.SourceID), ParentPending: r.ParentPending,
		ParentSent: r.ParentSent, Runtime: r.Runtime, Turns: r.Turns, UpdatedAt: Micros(r.UpdatedAt),
	}
	for _, q := range r.Requests {
		d.Requests = append(d.Requests, q.ID)
	}
	row := ExecutionRow{
		Shard: Shard(r.ID), ID: string(r.ID), ProjectID: r.ProjectID, WorkflowName: r.WorkflowName, State: string(r.State),
		RootID: string(r.RootID), ParentID: string(r.ParentID), ParentTaskID: string(r.ParentTaskID),
		WakeAt: Micros(r.WakeAt), CreatedAt: Micros(r.CreatedAt),
	}
	if r.Wanting {
		row.Wanting = 1
	}
	if len(r.Runners) > 0 {
		text, err := json.Marshal(r.Runners)
		if err != nil {
			return row, fault.Wrap(fault.Invalid, err, "encode execution %s", row.ID)
		}
		row.Busy, row.Runners = 1, string(text)
	}
	if planted.Has(planted.WakeUnsaved) {
		row.WakeAt = 0
	}
	for _, s := range []string{row.Runners, row.ID, row.ProjectID, row.WorkflowName, row.State, row.RootID, row.ParentID, row.ParentTaskID} {
		if err := checkText("name or id", s); err != nil {
			return row, err
		}
	}
	var err error
	row.Doc, err = encodeDoc(d, "execution", row.ID)
	return row, err
}

// Decode makes the record of a row.
func (row *ExecutionRow) Decode() (*workflow.ExecutionRecord, error) {
	var d executionDoc
	if err := decodeDoc(row.Doc, &d, "execution", row.ID); err != nil {
		return nil, err
	}
	r := &workflow.ExecutionRecord{
		ID: workflow.ExecutionID(row.ID), ProjectID: row.ProjectID, WorkflowName: row.WorkflowName, Namespace: d.Namespace,
		DefinitionID: d.DefinitionID, Description: d.Description, Tags: d.Tags, State: workflow.State(row.State),
		StateInfo: d.StateInfo, Priority: d.Priority, RootID: workflow.ExecutionID(row.RootID),
		ParentID: workflow.ExecutionID(row.ParentID), ParentTaskID: workflow.TaskID(row.ParentTaskID), Index: d.Index,
		Depth: d.Depth, SourceID: workflow.ExecutionID(d.SourceID), ParentPending: d.ParentPending, ParentSent: d.ParentSent, Runtime: d.Runtime, Turns: d.Turns,
		WakeAt: FromMicros(row.WakeAt), Wanting: row.Wanting != 0, CreatedAt: FromMicros(row.CreatedAt), UpdatedAt: FromMicros(d.UpdatedAt),
	}
	if row.Runners != "" {
		if err := decodeDoc(row.Runners, &r.Runners, "runners of execution", row.ID); err != nil {
			return nil, err
		}
	}
	for _, id := range d.Requests {
		r.Requests = append(r.Requests, workflow.RequestRecord{ID: id})
	}
	return r, nil
}

// NewDataText makes the document of an execution's data. fault.Invalid: a value has no JSON form.
func NewDataText(d *workflow.ExecutionData) (string, error) {
	var b body
	b.dict("input", d.Input)
	b.dict("params", d.Params)
	b.dict("env", d.Env)
	b.dict("context", d.Context)
	b.dict("globals", d.Globals)
	b.value("output", d.Output)
	if a := d.Auth; a != nil {
		auth := value.NewDict(4)
		for _, f := range authFields(a) {
			auth.SetString(f.name, value.String(*f.text))
		}
		b.dict("auth", auth)
	}
	text, err := b.text()
	return text, fault.Wrap(fault.Invalid, err, "encode the data of an execution")
}

// ParseDataText is the inverse of NewDataText.
func ParseDataText(text string) (*workflow.ExecutionData, error) {
	m := readBody(text)
	d := &workflow.ExecutionData{
		Input: m.getDict("input"), Params: m.getDict("params"), Env: m.getDict("env"), Context: m.getDict("context"),
		Globals: m.getDict("globals"), Output: m.get("output"),
	}
	if auth := m.getDict("auth"); auth != nil {
		d.Auth = &workflow.CloudAuth{}
		for _, f := range authFields(d.Auth) {
			if v, ok := auth.GetString(f.name); ok {
				*f.text = value.Str(v)
			}
		}
	}
	if m.err != nil {
		return nil, fmt.Errorf("decode the data of an execution: %w", m.err)
	}
	return d, nil
}

type authField struct {
	name string
	text *string
}

// authFields are the parts of a right as it is stored. Its own JSON lacks the token.
func authFields(a *workflow.CloudAuth) []authField {
	return []authField{{"token", &a.Token}, {"auth_url", &a.AuthURL}, {"project", &a.Project}, {"region", &a.Region}}
}

func encodeDoc(doc any, kind, id string) (string, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "encode %s %s", kind, id)
	}
	return string(text), nil
}

func decodeDoc(text string, doc any, kind, id string) error {
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		return fmt.Errorf("decode %s %s: %w", kind, id, err)
	}
	return nil
}
