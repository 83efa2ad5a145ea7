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
	Data      string // "" is unchanged
	Tasks     []TaskRow
	Actions   []ActionRow
	History   *HistoryRow // nil: none
	Notices   []NoticeRow
}

// NewTurnRows makes the rows of a turn. fault.Invalid: the turn is no turn (no execution, rows of another execution), or
// no store can keep it.
func NewTurnRows(t *Turn) (*TurnRows, error) {
	w := &t.Writes
	if w.Execution == nil || w.Execution.ID != t.ID || t.ID == "" {
		return nil, fault.New(fault.Invalid, "turn of execution %q: the row of the execution is missing or another's", t.ID)
	}
	if w.Create && w.Data == nil {
		return nil, fault.New(fault.Invalid, "turn of execution %s: it is created without its data", t.ID)
	}
	rows := &TurnRows{Create: w.Create, Epoch: t.Epoch, Node: t.Node}
	var err error
	if rows.Execution, err = NewExecutionRow(w.Execution); err != nil {
		return nil, err
	}
	if w.Data != nil {
		if rows.Data, err = NewDataText(w.Data); err != nil {
			return nil, err
		}
		if rows.Data == "" {
			rows.Data = "{}"
		}
	}
	if rows.Tasks, err = encodeTasks(t.ID, w.Tasks, w.FirstTask); err != nil {
		return nil, err
	}
	if rows.Actions, err = encodeActions(t.ID, w.Actions, w.FirstAction); err != nil {
		return nil, err
	}
	if len(w.History) > 0 {
		h, err := NewHistoryRow(t.ID, w.History)
		if err != nil {
			return nil, err
		}
		rows.History = &h
	}
	if rows.Notices, err = newNoticeRows(w); err != nil {
		return nil, err
	}
	return rows, nil
}

// encodeTasks makes the rows of tasks; those from the number first on are new.
func encodeTasks(id workflow.ExecutionID, records []*workflow.TaskRecord, first int) ([]TaskRow, error) {
	rows := make([]TaskRow, 0, len(records))
	last := -1
	for _, r := range records {
		if err := checkPart("task "+string(r.ID), r.ExecutionID, id, r.Seq, last); err != nil {
			return nil, err
		}
		last = r.Seq
		row, err := NewTaskRow(r)
		if err != nil {
			return nil, err
		}
		row.New = r.Seq >= first
		rows = append(rows, row)
	}
	return rows, nil
}

// encodeActions makes the rows of actions; those from the number first on are new.
func encodeActions(id workflow.ExecutionID, records []*workflow.ActionRecord, first int) ([]ActionRow, error) {
	rows := make([]ActionRow, 0, len(records))
	last := -1
	for _, r := range records {
		if err := checkPart("action "+string(r.ID), r.ExecutionID, id, r.Seq, last); err != nil {
			return nil, err
		}
		last = r.Seq
		row, err := NewActionRow(r)
		if err != nil {
			return nil, err
		}
		row.New = r.Seq >= first
		rows = append(rows, row)
	}
	return rows, nil
}

// checkPart refuses a part of a turn that is another execution's, or whose number isn't greater than that of the one before.
func checkPart(name string, execution, turnOf workflow.ExecutionID, seq, before int) error {
	if execution != turnOf {
		return fault.New(fault.Invalid, "%s of execution %q is in a turn of %s", name, execution, turnOf)
	}
	if seq <= before {
		return fault.New(fault.Invalid, "%s of execution %s is out of order in its turn", name, execution)
	}
	return nil
}
