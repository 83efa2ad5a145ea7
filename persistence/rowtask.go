package persistence

import (
	"cmp"
	"fmt"
	"slices"

	"cierzo/fault"
	"cierzo/workflow"
)

// TaskRow is a workflow.TaskRecord in a store, in its execution's home.
type TaskRow struct {
	Seq    int64
	About  string // what it is: written when it is created, and never again
	Doc    string
	Values string
	New    bool // the store doesn't have it yet; not stored
}

// taskAbout is what a task is. There are two writes of a task for each action, so all names are short. Moments are distances
// from the execution's creation, see distance.
type taskAbout struct {
	Name      string   `json:"n"`
	Type      string   `json:"y,omitempty"` // "" is ACTION
	Tags      []string `json:"tags,omitempty"`
	CreatedAt int64    `json:"c,omitempty"`
}

// taskDoc is where a task is. Moments are distances from the task's creation.
type taskDoc struct {
	State       string                `json:"s"` // see shortStates
	StateInfo   string                `json:"i,omitempty"`
	Parents     []int                 `json:"p,omitempty"` // tasks by number, from 1
	TriggeredBy []triggerDoc          `json:"b,omitempty"`
	Next        []triggerDoc          `json:"x,omitempty"`
	Flags       int                   `json:"z,omitempty"` // see taskFlags
	Runtime     *workflow.TaskRuntime `json:"r,omitempty"` // nil is that of a task without policies and items
	StartedAt   int64                 `json:"st,omitempty"`
	FinishedAt  int64                 `json:"f,omitempty"`
	UpdatedAt   *int64                `json:"u,omitempty"` // nil: at its end, if it has one, else when it was created
}

// triggerDoc is a workflow.Trigger.
type triggerDoc struct {
	Task  int    `json:"t,omitempty"` // number from 1
	Name  string `json:"n,omitempty"`
	Event string `json:"e,omitempty"` // see shortEvents
}

func (d *taskAbout) write(o *object) {
	o.always("n", d.Name)
	o.text("y", d.Type)
	o.texts("tags", d.Tags)
	o.number("c", d.CreatedAt)
}

func (d *taskDoc) write(o *object) {
	o.always("s", d.State)
	o.text("i", d.StateInfo)
	o.numbers("p", d.Parents)
	o.triggers("b", d.TriggeredBy)
	o.triggers("x", d.Next)
	o.number("z", int64(d.Flags))
	if d.Runtime != nil {
		o.rest("r", d.Runtime)
	}
	o.number("st", d.StartedAt)
	o.number("f", d.FinishedAt)
	o.pointed("u", d.UpdatedAt)
}

func (o *object) triggers(name string, list []triggerDoc) {
	each(o, name, list, func(t triggerDoc) {
		o.dst = append(o.dst, '{')
		o.number("t", int64(t.Task))
		o.text("n", t.Name)
		o.text("e", t.Event)
		o.dst = append(o.dst, '}')
	})
}

var (
	shortEvents = map[string]string{"on-success": "", "on-error": "e", "on-complete": "c", "on-skip": "k"}
	longEvents  = inverse(shortEvents)
)

// flag is a field that is one bit of a document's number.
type flag struct {
	bit   int
	field *bool
}

func packFlags(flags []flag) int {
	n := 0
	for _, f := range flags {
		if *f.field {
			n |= f.bit
		}
	}
	return n
}

func unpackFlags(n int, flags []flag) {
	for _, f := range flags {
		*f.field = n&f.bit != 0
	}
}

func taskFlags(r *workflow.TaskRecord, asTriggered *bool) []flag {
	return []flag{{1, &r.HasNext}, {2, &r.Processed}, {4, &r.ErrorHandled}, {8, asTriggered}}
}

// updated is how a document keeps the moment of its last change.
func updated(finished, at int64) *int64 {
	if at == cmp.Or(finished, 1) {
		return nil
	}
	return &at
}

// lastUpdate is the inverse of updated.
func lastUpdate(finished int64, at *int64) int64 {
	if at == nil {
		return cmp.Or(finished, 1)
	}
	return *at
}

// plainRuntime is what a task without policies and items remembers: nothing.
func plainRuntime() workflow.TaskRuntime { return workflow.TaskRuntime{ItemCount: -1} }

const plainType = "ACTION"

// asTriggered reports whether the parents are the tasks that have triggered this one.
func asTriggered(r *workflow.TaskRecord) bool {
	return len(r.Parents) > 0 && slices.EqualFunc(r.Parents, r.TriggeredBy, func(p workflow.TaskID, t workflow.Trigger) bool { return p == t.TaskID })
}

// NewTaskRow makes the row of a record. fault.Invalid: no store can keep it.
func (h *Home) NewTaskRow(r *workflow.TaskRecord) (TaskRow, error) {
	row := TaskRow{Seq: int64(r.Seq)}
	if r.ID != h.ids.Task(r.Seq) {
		return row, fault.New(fault.Invalid, "task %q isn't task %d of execution %s", r.ID, r.Seq, h.ID)
	}
	c := Micros(r.CreatedAt)
	about := taskAbout{Name: r.Name, Tags: r.Tags, CreatedAt: distance(h.CreatedAt, r.CreatedAt)}
	if r.Type != plainType {
		about.Type = cmp.Or(r.Type, "-")
	}
	var err error
	if row.About, err = encodeDoc(&about, "task", string(r.ID)); err != nil {
		return row, err
	}
	triggered := asTriggered(r)
	d := taskDoc{
		State: abbreviate(r.State, shortStates), StateInfo: r.StateInfo, Flags: packFlags(taskFlags(r, &triggered)),
		StartedAt: distance(c, r.StartedAt), FinishedAt: distance(c, r.FinishedAt),
	}
	d.UpdatedAt = updated(d.FinishedAt, distance(c, r.UpdatedAt))
	if d.TriggeredBy, err = h.triggers(r.TriggeredBy); err != nil {
		return row, err
	}
	if d.Next, err = h.triggers(r.Next); err != nil {
		return row, err
	}
	if r.Runtime != plainRuntime() {
		d.Runtime = &r.Runtime
	}
	if !triggered {
		for _, id := range r.Parents {
			n, err := h.task(id)
			if err != nil {
				return row, err
			}
			d.Parents = append(d.Parents, n)
		}
	}
	if row.Doc, err = encodeDoc(&d, "task", string(r.ID)); err != nil {
		return row, err
	}
	var b body
	if r.Published == nil || r.Published.Len() > 0 {
		b.value("p", orNull(r.Published))
	}
	b.dict("g", r.Globals)
	if row.Values, err = b.text(); err != nil {
		return row, fault.Wrap(fault.Invalid, err, "encode task %s", r.ID)
	}
	return row, nil
}

func (h *Home) triggers(list []workflow.Trigger) ([]triggerDoc, error) {
	out := make([]triggerDoc, 0, len(list))
	for _, t := range list {
		n, err := h.task(t.TaskID)
		if err != nil {
			return nil, err
		}
		out = append(out, triggerDoc{Task: n, Name: t.Name, Event: abbreviate(t.Event, shortEvents)})
	}
	return out, nil
}

func (h *Home) triggersOf(list []triggerDoc) []workflow.Trigger {
	var out []workflow.Trigger
	for _, t := range list {
		out = append(out, workflow.Trigger{TaskID: h.taskID(t.Task), Name: t.Name, Event: expand(t.Event, longEvents)})
	}
	return out
}

// Task makes the record of a row.
func (h *Home) Task(row *TaskRow) (*workflow.TaskRecord, error) {
	r := &workflow.TaskRecord{ID: h.ids.Task(int(row.Seq)), ExecutionID: h.ID, Seq: int(row.Seq), Runtime: plainRuntime()}
	var about taskAbout
	if err := decodeDoc(row.About, &about, "task", string(r.ID)); err != nil {
		return nil, err
	}
	var d taskDoc
	if err := decodeDoc(row.Doc, &d, "task", string(r.ID)); err != nil {
		return nil, err
	}
	m := readBody(row.Values)
	r.Name, r.Type, r.Tags, r.CreatedAt = about.Name, cmp.Or(about.Type, plainType), about.Tags, moment(h.CreatedAt, about.CreatedAt)
	if r.Type == "-" {
		r.Type = ""
	}
	var triggered bool
	unpackFlags(d.Flags, taskFlags(r, &triggered))
	c := Micros(r.CreatedAt)
	r.State, r.StateInfo = expand(d.State, longStates), d.StateInfo
	r.TriggeredBy, r.Next, r.Published, r.Globals = h.triggersOf(d.TriggeredBy), h.triggersOf(d.Next), m.dictOrEmpty("p"), m.getDict("g")
	r.StartedAt, r.FinishedAt, r.UpdatedAt = moment(c, d.StartedAt), moment(c, d.FinishedAt), moment(c, lastUpdate(d.FinishedAt, d.UpdatedAt))
	if d.Runtime != nil {
		r.Runtime = *d.Runtime
	}
	for _, n := range d.Parents {
		r.Parents = append(r.Parents, h.taskID(n))
	}
	if triggered {
		for _, t := range r.TriggeredBy {
			r.Parents = append(r.Parents, t.TaskID)
		}
	}
	if m.err != nil {
		return nil, fmt.Errorf("decode task %s: %w", r.ID, m.err)
	}
	return r, nil
}

// TaskName is the name in TaskRow.About.
func TaskName(about string) (string, error) {
	var a taskAbout
	err := decodeDoc(about, &a, "task", "")
	return a.Name, err
}
