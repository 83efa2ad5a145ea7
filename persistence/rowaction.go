package persistence

import (
	"errors"
	"fmt"

	"cierzo/fault"
	"cierzo/workflow"
)

// ActionRow is a workflow.ActionRecord in a store, in its execution's home.
type ActionRow struct {
	Seq    int64
	Task   int64  // number of its task
	About  string // what it is, and with what: written when it is created, and never again
	Given  string
	Doc    string
	Values string
	New    bool // the store doesn't have it yet; not stored
}

// actionAbout is what an action is, written small like taskAbout.
type actionAbout struct {
	Name      string              `json:"n"`
	Kind      workflow.ActionKind `json:"k,omitempty"`
	Index     int                 `json:"x,omitempty"`
	Tags      []string            `json:"tags,omitempty"`
	Target    string              `json:"target,omitempty"`
	Flags     int                 `json:"z,omitempty"` // see aboutFlags
	RunName   string              `json:"rn,omitempty"`
	ChildDef  string              `json:"cd,omitempty"`
	CreatedAt int64               `json:"c,omitempty"`
	Deadline  int64               `json:"d,omitempty"`
}

// actionDoc is where an action is, written small like taskDoc.
type actionDoc struct {
	State       string          `json:"s"`           // see shortStates
	Phase       *workflow.Phase `json:"p,omitempty"` // nil: what the state implies
	Attempt     int             `json:"no,omitempty"`
	Runner      string          `json:"r,omitempty"`
	LeaseUntil  int64           `json:"l,omitempty"`
	Flags       int             `json:"z,omitempty"` // see actionFlags
	LateResults int             `json:"late,omitempty"`
	StartedAt   int64           `json:"st,omitempty"`
	FinishedAt  int64           `json:"f,omitempty"`
	UpdatedAt   *int64          `json:"u,omitempty"` // nil: at its end, if it has one, else when it was created
}

func (d *actionAbout) write(o *object) {
	o.always("n", d.Name)
	o.number("k", int64(d.Kind))
	o.number("x", int64(d.Index))
	o.texts("tags", d.Tags)
	o.text("target", d.Target)
	o.number("z", int64(d.Flags))
	o.text("rn", d.RunName)
	o.text("cd", d.ChildDef)
	o.number("c", d.CreatedAt)
	o.number("d", d.Deadline)
}

func (d *actionDoc) write(o *object) {
	o.always("s", d.State)
	if d.Phase != nil {
		o.zeroToo("p", int64(*d.Phase))
	}
	o.number("no", int64(d.Attempt))
	o.text("r", d.Runner)
	o.number("l", d.LeaseUntil)
	o.number("z", int64(d.Flags))
	o.number("late", int64(d.LateResults))
	o.number("st", d.StartedAt)
	o.number("f", d.FinishedAt)
	o.pointed("u", d.UpdatedAt)
}

// phaseOf is the phase that most actions in a state are in.
func phaseOf(s workflow.State) workflow.Phase {
	if s.Final() {
		return workflow.PhaseDone
	}
	return workflow.PhaseQueued
}

// nullResult is the output of actions that have nothing to say. It is stored as noResult.
const (
	nullResult = `{"o":{"result": null}}`
	noResult   = "0"
)

func aboutFlags(r *workflow.ActionRecord) []flag {
	return []flag{{1, &r.SafeRerun}, {2, &r.Async}}
}

func actionFlags(r *workflow.ActionRecord) []flag {
	return []flag{{1, &r.Accepted}, {2, &r.Granted}, {4, &r.ChildStarted}, {8, &r.CancelSent}, {16, &r.Forgotten}, {32, &r.PauseSent}}
}

// NewActionRow makes the row of a record. fault.Invalid: no store can keep it.
func (h *Home) NewActionRow(r *workflow.ActionRecord) (ActionRow, error) {
	row := ActionRow{Seq: int64(r.Seq)}
	if r.ID != h.ids.Action(r.Seq) {
		return row, fault.New(fault.Invalid, "action %q isn't action %d of execution %s", r.ID, r.Seq, h.ID)
	}
	task, err := h.task(r.TaskID)
	if err != nil || task == 0 {
		return row, fault.New(fault.Invalid, "action %s: %q is no task of execution %s", r.ID, r.TaskID, h.ID)
	}
	row.Task = int64(task - 1)
	c := Micros(r.CreatedAt)
	row.About, err = encodeDoc(&actionAbout{
		Name: r.Name, Kind: r.Kind, Index: r.Index, Tags: r.Tags, Target: r.Target, Flags: packFlags(aboutFlags(r)), RunName: r.RunName,
		ChildDef: r.ChildDefinitionID, CreatedAt: distance(h.CreatedAt, r.CreatedAt), Deadline: distance(c, r.Deadline),
	}, "action", string(r.ID))
	if err != nil {
		return row, err
	}
	d := actionDoc{
		State: abbreviate(r.State, shortStates), Attempt: r.Attempt, Runner: string(r.Runner),
		LeaseUntil: distance(c, r.LeaseUntil), Flags: packFlags(actionFlags(r)), LateResults: r.LateResults,
		StartedAt: distance(c, r.StartedAt), FinishedAt: distance(c, r.FinishedAt),
	}
	d.UpdatedAt = updated(d.FinishedAt, distance(c, r.UpdatedAt))
	if r.Phase != phaseOf(r.State) {
		d.Phase = &r.Phase
	}
	if row.Doc, err = encodeDoc(&d, "action", string(r.ID)); err != nil {
		return row, err
	}
	var given, result body
	if r.Input == nil || r.Input.Len() > 0 {
		given.value("i", orNull(r.Input))
	}
	given.dict("ri", r.RunInput)
	given.dict("cp", r.ChildParams)
	result.value("o", r.Output)
	if row.Given, err = given.text(); err != nil {
		return row, fault.Wrap(fault.Invalid, err, "encode action %s", r.ID)
	}
	if row.Values, err = result.text(); row.Values == nullResult {
		row.Values = noResult
	}
	if err != nil {
		return row, fault.Wrap(fault.Invalid, err, "encode action %s", r.ID)
	}
	return row, nil
}

// Action makes the record of a row.
func (h *Home) Action(row *ActionRow) (*workflow.ActionRecord, error) {
	r := &workflow.ActionRecord{
		ID: h.ids.Action(int(row.Seq)), ExecutionID: h.ID, TaskID: h.ids.Task(int(row.Task)), Seq: int(row.Seq),
	}
	var about actionAbout
	if err := decodeDoc(row.About, &about, "action", string(r.ID)); err != nil {
		return nil, err
	}
	var d actionDoc
	if err := decodeDoc(row.Doc, &d, "action", string(r.ID)); err != nil {
		return nil, err
	}
	values := row.Values
	if values == noResult {
		values = nullResult
	}
	given, result := readBody(row.Given), readBody(values)
	unpackFlags(about.Flags, aboutFlags(r))
	unpackFlags(d.Flags, actionFlags(r))
	r.Name, r.Kind, r.Index, r.Tags, r.Target = about.Name, about.Kind, about.Index, about.Tags, about.Target
	r.RunName, r.ChildDefinitionID, r.CreatedAt = about.RunName, about.ChildDef, moment(h.CreatedAt, about.CreatedAt)
	c := Micros(r.CreatedAt)
	r.State, r.Attempt, r.Runner = expand(d.State, longStates), d.Attempt, workflow.RunnerID(d.Runner)
	if r.Phase = phaseOf(r.State); d.Phase != nil {
		r.Phase = *d.Phase
	}
	r.Input, r.RunInput, r.ChildParams, r.Output = given.dictOrEmpty("i"), given.getDict("ri"), given.getDict("cp"), result.get("o")
	r.LeaseUntil, r.Deadline, r.LateResults = moment(c, d.LeaseUntil), moment(c, about.Deadline), d.LateResults
	r.StartedAt, r.FinishedAt, r.UpdatedAt = moment(c, d.StartedAt), moment(c, d.FinishedAt), moment(c, lastUpdate(d.FinishedAt, d.UpdatedAt))
	if err := errors.Join(given.err, result.err); err != nil {
		return nil, fmt.Errorf("decode action %s: %w", r.ID, err)
	}
	return r, nil
}
