package persistence

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/workflow"
)

// The rows: how records lie in every store. What queries look at is a field of its own; the rest is in JSON documents, and
// values, which can be large, in others. What never changes after its creation lies apart from what does. Times are
// microseconds, see Micros.

// ExecutionRow is a workflow.ExecutionRecord in a store.
type ExecutionRow struct {
	// What it is: written when it is created, and never again.
	Key          int64 // workflow.Key of ID
	ID           string
	ProjectID    string
	WorkflowName string
	RootID       string
	ParentID     string
	ParentTaskID string
	CreatedAt    int64
	About        string // "" says nothing

	// Where it is.
	State   string
	WakeAt  int64  // 0 is never
	Wanting int64  // 1: queued actions wait for slots; 0: none do
	Busy    int64  // 1: runners hold actions; 0: none does
	Runners string // JSON array of these runners; "" without any
	Doc     string
}

// executionAbout is the rest of what an execution is.
type executionAbout struct {
	Namespace    string `json:"ns,omitempty"`
	DefinitionID string `json:"d,omitempty"`
	Priority     int    `json:"p,omitempty"`
	Index        int    `json:"x,omitempty"`
	Depth        int    `json:"l,omitempty"`
	SourceID     string `json:"src,omitempty"`

	StartedBy   workflow.Requester `json:"by,omitzero"`
	Traceparent string             `json:"tp,omitempty"`
}

// executionDoc is the rest of where an execution is. It is written with each turn, so its names are short.
type executionDoc struct {
	Description   string                     `json:"description,omitempty"`
	Tags          []string                   `json:"tags,omitempty"`
	StateInfo     string                     `json:"i,omitempty"`
	ParentPending bool                       `json:"pp,omitempty"`
	ParentSent    int                        `json:"ps,omitempty"`
	Requests      []string                   `json:"q,omitempty"`
	Runtime       *workflow.ExecutionRuntime `json:"r,omitempty"` // but HistorySeq
	HistorySeq    uint64                     `json:"h,omitempty"`
	Turns         uint64                     `json:"n,omitempty"`
	UpdatedAt     int64                      `json:"u,omitempty"` // see distance
}

func (d *executionAbout) write(o *object) {
	o.text("ns", d.Namespace)
	o.text("d", d.DefinitionID)
	o.number("p", int64(d.Priority))
	o.number("x", int64(d.Index))
	o.number("l", int64(d.Depth))
	o.text("src", d.SourceID)
	if d.StartedBy != (workflow.Requester{}) {
		o.rest("by", d.StartedBy)
	}
	o.text("tp", d.Traceparent)
}

func (d *executionDoc) write(o *object) {
	o.text("description", d.Description)
	o.texts("tags", d.Tags)
	o.text("i", d.StateInfo)
	o.truth("pp", d.ParentPending)
	o.number("ps", int64(d.ParentSent))
	o.texts("q", d.Requests)
	if d.Runtime != nil {
		o.rest("r", d.Runtime)
	}
	o.number("h", int64(d.HistorySeq))
	o.number("n", int64(d.Turns))
	o.number("u", d.UpdatedAt)
}

// NewExecutionRow makes the row of a record. fault.Invalid: no store can keep it.
func NewExecutionRow(r *workflow.ExecutionRecord) (ExecutionRow, error) {
	return homeOf(r).row(r)
}

// homeOf is the home of a record's parts.
func homeOf(r *workflow.ExecutionRecord) *Home { return NewHome(r.ID, Micros(r.CreatedAt)) }

func (h *Home) row(r *workflow.ExecutionRecord) (ExecutionRow, error) {
	row := ExecutionRow{
		Key: h.Key(), ID: string(r.ID), ProjectID: r.ProjectID, WorkflowName: r.WorkflowName, State: string(r.State),
		RootID: string(r.RootID), ParentID: string(r.ParentID), ParentTaskID: string(r.ParentTaskID),
		WakeAt: Micros(r.WakeAt), CreatedAt: h.CreatedAt,
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
	about := executionAbout{
		Namespace: r.Namespace, DefinitionID: r.DefinitionID, Priority: r.Priority, Index: r.Index, Depth: r.Depth, SourceID: string(r.SourceID),
		StartedBy: r.StartedBy, Traceparent: r.Traceparent,
	}
	var err error
	if about != (executionAbout{}) {
		if row.About, err = encodeDoc(&about, "execution", row.ID); err != nil {
			return row, err
		}
	}
	d := executionDoc{
		Description: r.Description, Tags: r.Tags, StateInfo: r.StateInfo, ParentPending: r.ParentPending, ParentSent: r.ParentSent,
		HistorySeq: r.Runtime.HistorySeq, Turns: r.Turns, UpdatedAt: distance(row.CreatedAt, r.UpdatedAt),
	}
	for _, q := range r.Requests {
		d.Requests = append(d.Requests, q.ID)
	}
	runtime := r.Runtime
	runtime.HistorySeq = 0
	if !reflect.ValueOf(runtime).IsZero() { // whatever fields it has
		d.Runtime = &runtime
	}
	row.Doc, err = encodeDoc(&d, "execution", row.ID)
	return row, err
}

// Decode makes the record of a row.
func (row *ExecutionRow) Decode() (*workflow.ExecutionRecord, error) {
	var about executionAbout
	if row.About != "" {
		if err := decodeDoc(row.About, &about, "execution", row.ID); err != nil {
			return nil, err
		}
	}
	var d executionDoc
	if err := decodeDoc(row.Doc, &d, "execution", row.ID); err != nil {
		return nil, err
	}
	r := &workflow.ExecutionRecord{
		ID: workflow.ExecutionID(row.ID), ProjectID: row.ProjectID, WorkflowName: row.WorkflowName, Namespace: about.Namespace,
		DefinitionID: about.DefinitionID, Description: d.Description, Tags: d.Tags, State: workflow.State(row.State),
		StateInfo: d.StateInfo, Priority: about.Priority, RootID: workflow.ExecutionID(row.RootID),
		ParentID: workflow.ExecutionID(row.ParentID), ParentTaskID: workflow.TaskID(row.ParentTaskID), Index: about.Index,
		Depth: about.Depth, SourceID: workflow.ExecutionID(about.SourceID), StartedBy: about.StartedBy, Traceparent: about.Traceparent,
		ParentPending: d.ParentPending, ParentSent: d.ParentSent,
		Turns: d.Turns, WakeAt: FromMicros(row.WakeAt), Wanting: row.Wanting != 0, CreatedAt: FromMicros(row.CreatedAt),
		UpdatedAt: moment(row.CreatedAt, d.UpdatedAt),
	}
	if d.Runtime != nil {
		r.Runtime = *d.Runtime
	}
	r.Runtime.HistorySeq = d.HistorySeq
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

// Home is the execution that rows are of: what its tasks, actions and history don't repeat.
type Home struct {
	ID        workflow.ExecutionID
	CreatedAt int64
	ids       workflow.PartIDs
}

// NewHome is the home of the parts of an execution.
func NewHome(id workflow.ExecutionID, createdAt int64) *Home {
	return &Home{ID: id, CreatedAt: createdAt, ids: workflow.NewPartIDs(id, FromMicros(createdAt))}
}

// SnapshotRows are the rows of a Snapshot; tasks and actions by Seq.
type SnapshotRows struct {
	Epoch       uint64
	Execution   ExecutionRow
	Given, Data string
	Tasks       []TaskRow
	Actions     []ActionRow
}

// Snapshot is what the rows say.
func (r *SnapshotRows) Snapshot() (*Snapshot, error) {
	s := &Snapshot{Epoch: r.Epoch}
	var err error
	if s.Execution, err = r.Execution.Decode(); err != nil {
		return nil, err
	}
	if s.Data, err = ParseDataText(s.Execution.ID, r.Given, r.Data); err != nil {
		return nil, err
	}
	h := r.Execution.Home()
	for i := range r.Tasks {
		t, err := h.Task(&r.Tasks[i])
		if err != nil {
			return nil, err
		}
		s.Tasks = append(s.Tasks, t)
	}
	for i := range r.Actions {
		a, err := h.Action(&r.Actions[i])
		if err != nil {
			return nil, err
		}
		s.Actions = append(s.Actions, a)
	}
	return s, nil
}

// Home is that of the row's execution.
func (row *ExecutionRow) Home() *Home { return NewHome(workflow.ExecutionID(row.ID), row.CreatedAt) }

// Key of the execution.
func (h *Home) Key() int64 { return int64(h.ids.Key()) }

// task is the number of one of its tasks, from 1; 0 is none.
func (h *Home) task(id workflow.TaskID) (int, error) {
	if id == "" {
		return 0, nil
	}
	seq, ok := h.ids.TaskSeq(id)
	if !ok {
		return 0, fault.New(fault.Invalid, "%q is no task of execution %s", id, h.ID)
	}
	return seq + 1, nil
}

// taskID is the inverse of task.
func (h *Home) taskID(n int) workflow.TaskID {
	if n <= 0 {
		return ""
	}
	return h.ids.Task(n - 1)
}

// plainGiven and plainData are the documents of most executions. They are stored as "".
const (
	plainGiven = `{"i":{},"p":{"env": {}, "namespace": ""},"e":{}}`
	plainData  = `{"c":{}}`
)

// NewGivenText makes the document of what an execution was given: input, params and environment. fault.Invalid: a value has
// no JSON form.
func NewGivenText(d *workflow.ExecutionData) (string, error) {
	var b body
	b.dict("i", d.Input)
	b.dict("p", d.Params)
	b.dict("e", d.Env)
	text, err := b.text()
	switch text {
	case plainGiven:
		text = ""
	case "":
		text = "{}"
	}
	return text, fault.Wrap(fault.Invalid, err, "encode what an execution was given")
}

// NewDataText makes the document of the data of an execution that change: context, output, the right to act. What the context
// says of the execution itself is left out. fault.Invalid: a value has no JSON form.
func NewDataText(id workflow.ExecutionID, d *workflow.ExecutionData) (string, error) {
	var b body
	if d.Context != nil {
		if rest, own := withoutItself(id, d.Context); own {
			b.dict("c", rest)
		} else {
			b.dict("x", d.Context)
		}
	}
	b.dict("g", d.Globals)
	b.value("o", d.Output)
	if a := d.Auth; a != nil {
		auth := value.NewDict(4)
		for _, f := range authFields(a) {
			auth.SetString(f.name, value.String(*f.text))
		}
		b.dict("auth", auth)
	}
	text, err := b.text()
	switch text {
	case plainData:
		text = ""
	case "":
		text = "{}"
	}
	return text, fault.Wrap(fault.Invalid, err, "encode the data of an execution")
}

// itself is the name of what a context says of its execution, first of all.
const itself = "__execution"

// withoutItself is a context without what it says of its execution; false when it doesn't begin with that and no more.
func withoutItself(id workflow.ExecutionID, context *value.Dict) (*value.Dict, bool) {
	if context.Len() == 0 {
		return nil, false
	}
	name, v := context.At(0)
	about, isDict := v.(*value.Dict)
	if !isDict || !isString(name, itself) || about.Len() != 1 {
		return nil, false
	}
	if own, _ := about.GetString("id"); !isString(own, string(id)) {
		return nil, false
	}
	rest := value.NewDict(context.Len() - 1)
	for i := 1; i < context.Len(); i++ {
		if k, v := context.At(i); rest.Set(k, v) != nil {
			return nil, false
		}
	}
	return rest, true
}

// withItself is the inverse of withoutItself.
func withItself(id workflow.ExecutionID, rest *value.Dict) (*value.Dict, error) {
	about := value.NewDict(1)
	about.SetString("id", value.String(id))
	context := value.NewDict(rest.Len() + 1)
	context.SetString(itself, about.Freeze())
	for k, v := range rest.All() {
		if err := context.Set(k, v); err != nil {
			return nil, err
		}
	}
	return context.Freeze(), nil
}

// ParseDataText is the inverse of NewGivenText and NewDataText.
func ParseDataText(id workflow.ExecutionID, given, data string) (*workflow.ExecutionData, error) {
	g, m := readBody(cmp.Or(given, plainGiven)), readBody(cmp.Or(data, plainData))
	d := &workflow.ExecutionData{
		Input: g.getDict("i"), Params: g.getDict("p"), Env: g.getDict("e"), Context: m.getDict("x"), Globals: m.getDict("g"), Output: m.get("o"),
	}
	err := errors.Join(g.err, m.err)
	if rest := m.getDict("c"); rest != nil && err == nil {
		d.Context, err = withItself(id, rest)
	}
	if auth := m.getDict("auth"); auth != nil {
		d.Auth = &workflow.CloudAuth{}
		for _, f := range authFields(d.Auth) {
			if v, ok := auth.GetString(f.name); ok {
				*f.text = value.Str(v)
			}
		}
	}
	if err = errors.Join(err, m.err); err != nil {
		return nil, fmt.Errorf("decode the data of execution %s: %w", id, err)
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

func decodeDoc(text string, doc any, kind, id string) error {
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		return fmt.Errorf("decode %s %s: %w", kind, id, err)
	}
	return nil
}
