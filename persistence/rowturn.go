package persistence

import (
	"cierzo/fault"
	"cierzo/workflow"
)

// TurnRows are the rows of a turn.
type TurnRows struct {
	Create    bool
	Epoch     uint64
	Node      NodeID
	Execution ExecutionRow
	HasGiven  bool // else Given is unchanged
	Given     string
	HasData   bool // else Data is unchanged
	Data      string
	Tasks     []TaskRow
	Actions   []ActionRow
	History   *HistoryRow // nil: none
	Events    int64       // number of the execution's newest event
	Turns     uint64      // number of the turn, from 1
	FirstTask int64       // number of tasks that the store has
	Notices   []NoticeRow
	Newest    RevisionOf // what must be the newest revision; the zero value is nothing
	// Definitions is the version that the definitions must have; 0 is any.
	Definitions int64
}

// RevisionOf is a revision, and what of.
type RevisionOf struct {
	DefinitionKey
	ID string
}

// Prepare makes the rows of the turn, which must not be changed afterwards. Commit does it with those that aren't prepared: whoever has a
// turn may do it while the store is busy with others.
func (t *Turn) Prepare() {
	t.rows, t.unfit = newTurnRows(t)
}

// Rows are the rows of the turn. fault.Invalid: the turn is no turn (no execution, rows of another execution), or no store can keep it.
func (t *Turn) Rows() (*TurnRows, error) {
	if t.rows == nil && t.unfit == nil {
		t.Prepare()
	}
	return t.rows, t.unfit
}

// Key of the turn's execution.
func (t *Turn) Key() int64 {
	if t.rows != nil {
		return t.rows.Execution.Key // saves the hash of the id
	}
	return int64(t.ID.Key())
}

func newTurnRows(t *Turn) (*TurnRows, error) {
	w := &t.Writes
	if w.Execution == nil || w.Execution.ID != t.ID || t.ID == "" {
		return nil, fault.New(fault.Invalid, "turn of execution %q: the row of the execution is missing or another's", t.ID)
	}
	if w.Create && w.Data == nil {
		return nil, fault.New(fault.Invalid, "turn of execution %s: it is created without its data", t.ID)
	}
	rows := &TurnRows{Create: w.Create, Epoch: t.Epoch, Node: t.Node, Events: int64(w.Execution.Runtime.HistorySeq), Turns: w.Execution.Turns, FirstTask: int64(w.FirstTask), Definitions: int64(t.Definitions)}
	var err error
	h := homeOf(w.Execution)
	if rows.Execution, err = h.row(w.Execution); err != nil {
		return nil, err
	}
	if w.Data != nil {
		rows.HasData, rows.HasGiven = true, w.Given || w.Create
		if rows.Data, err = NewDataText(t.ID, w.Data); err != nil {
			return nil, err
		}
	}
	if rows.HasGiven {
		if rows.Given, err = NewGivenText(w.Data); err != nil {
			return nil, err
		}
	}
	if t.Newest && w.Create {
		rows.Newest.ID = w.Execution.DefinitionID
		rows.Newest.DefinitionKey = DefinitionKey{
			ProjectID: w.Execution.ProjectID, Kind: WorkflowDefinition, Namespace: w.Execution.Namespace, Name: w.Execution.WorkflowName,
		}
	}
	if rows.Tasks, err = h.encodeTasks(w.Tasks, w.FirstTask); err != nil {
		return nil, err
	}
	if rows.Actions, err = h.encodeActions(w.Actions, w.FirstAction); err != nil {
		return nil, err
	}
	if len(w.History) > 0 {
		history, err := h.NewHistoryRow(w.History)
		if err != nil {
			return nil, err
		}
		rows.History = &history
	}
	if rows.Notices, err = newNoticeRows(w); err != nil {
		return nil, err
	}
	return rows, nil
}

// encodeTasks makes the rows of tasks; those from the number first on are new.
func (h *Home) encodeTasks(records []*workflow.TaskRecord, first int) ([]TaskRow, error) {
	rows := make([]TaskRow, 0, len(records))
	last := -1
	for _, r := range records {
		if err := checkPart("task", string(r.ID), r.ExecutionID, h.ID, r.Seq, last); err != nil {
			return nil, err
		}
		last = r.Seq
		row, err := h.NewTaskRow(r)
		if err != nil {
			return nil, err
		}
		row.New = r.Seq >= first
		rows = append(rows, row)
	}
	return rows, nil
}

// encodeActions makes the rows of actions; those from the number first on are new.
func (h *Home) encodeActions(records []*workflow.ActionRecord, first int) ([]ActionRow, error) {
	rows := make([]ActionRow, 0, len(records))
	last := -1
	for _, r := range records {
		if err := checkPart("action", string(r.ID), r.ExecutionID, h.ID, r.Seq, last); err != nil {
			return nil, err
		}
		last = r.Seq
		row, err := h.NewActionRow(r)
		if err != nil {
			return nil, err
		}
		row.New = r.Seq >= first
		rows = append(rows, row)
	}
	return rows, nil
}

// checkPart refuses a part of a turn that is another execution's, or whose number isn't greater than that of the one before.
func checkPart(kind, id string, execution, turnOf workflow.ExecutionID, seq, before int) error {
	if execution != turnOf {
		return fault.New(fault.Invalid, "%s %s of execution %q is in a turn of %s", kind, id, execution, turnOf)
	}
	if seq <= before {
		return fault.New(fault.Invalid, "%s %s of execution %s is out of order in its turn", kind, id, execution)
	}
	return nil
}
