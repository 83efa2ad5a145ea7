package sqlstore

import (
	"cierzo/fault"
	"cierzo/persistence"
)

// SQLite is in the process: a prepared statement for each row costs no round trip.

const (
	createOne = `INSERT INTO executions (shard, id, epoch, owner, project_id, workflow_name, state, root_id, parent_id, parent_task_id, wake_at, wanting, busy, created_at, runners, doc)
VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING`
	updateOne = `UPDATE executions SET state = $4, wake_at = $5, wanting = $6, busy = $7, runners = $8, doc = $9
WHERE shard = $1 AND id = $2 AND epoch = $3`
	insertDataOne   = `INSERT INTO execution_data (shard, execution_id, vals) VALUES ($1, $2, $3)`
	updateDataOne   = `UPDATE execution_data SET vals = $3 WHERE shard = $1 AND execution_id = $2`
	insertTaskOne   = `INSERT INTO tasks (shard, execution_id, seq, id, doc, vals) VALUES ($1, $2, $3, $4, $5, $6)`
	updateTaskOne   = `UPDATE tasks SET doc = $4, vals = $5 WHERE shard = $1 AND execution_id = $2 AND seq = $3`
	insertActionOne = `INSERT INTO actions (shard, execution_id, seq, id, task_id, doc, vals) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	updateActionOne = `UPDATE actions SET doc = $4, vals = $5 WHERE shard = $1 AND execution_id = $2 AND seq = $3`
	historyOne      = `INSERT INTO history (shard, execution_id, last_seq, doc) VALUES ($1, $2, $3, $4)`
)

// writeOneByOne writes a batch with a statement for each row.
func writeOneByOne(t *transaction, b *batch) error {
	for _, turn := range b.turns {
		e := &turn.Execution
		var n int64
		var err error
		if turn.Create {
			n, err = t.exec(createOne, e.Shard, e.ID, string(turn.Node), e.ProjectID, e.WorkflowName, e.State, e.RootID,
				e.ParentID, e.ParentTaskID, e.WakeAt, e.Wanting, e.Busy, e.CreatedAt, e.Runners, e.Doc)
		} else {
			n, err = t.exec(updateOne, e.Shard, e.ID, int64(turn.Epoch), e.State, e.WakeAt, e.Wanting, e.Busy, e.Runners, e.Doc)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		b.written(e.ID)
		if err := writeParts(t, turn); err != nil {
			return err
		}
	}
	return nil
}

func writeParts(t *transaction, turn *persistence.TurnRows) error {
	e := &turn.Execution
	var err error
	switch {
	case turn.Data == "":
	case turn.Create:
		err = t.one(insertDataOne, e.Shard, e.ID, turn.Data)
	default:
		err = t.one(updateDataOne, e.Shard, e.ID, turn.Data)
	}
	for i := 0; err == nil && i < len(turn.Tasks); i++ {
		if r := &turn.Tasks[i]; r.New {
			err = t.one(insertTaskOne, r.Shard, r.ExecutionID, r.Seq, r.ID, r.Doc, r.Values)
		} else {
			err = t.one(updateTaskOne, r.Shard, r.ExecutionID, r.Seq, r.Doc, r.Values)
		}
	}
	for i := 0; err == nil && i < len(turn.Actions); i++ {
		if r := &turn.Actions[i]; r.New {
			err = t.one(insertActionOne, r.Shard, r.ExecutionID, r.Seq, r.ID, r.TaskID, r.Doc, r.Values)
		} else {
			err = t.one(updateActionOne, r.Shard, r.ExecutionID, r.Seq, r.Doc, r.Values)
		}
	}
	if h := turn.History; err == nil && h != nil {
		err = t.one(historyOne, h.Shard, h.ExecutionID, h.LastSeq, h.Doc)
	}
	return err
}

// one runs a statement that writes one row.
func (t *transaction) one(text string, args ...any) error {
	n, err := t.exec(text, args...)
	if err == nil && n != 1 {
		return missingRows(1, n)
	}
	return err
}

// missingRows is what becomes of a turn that changes rows that aren't there: the engine and the database disagree.
func missingRows(want int, got int64) error {
	return fault.New(fault.Internal, "a turn writes %d rows of a table, the database has %d of them", want, got)
}
