package sqlstore

import "cierzo/persistence"

// SQLite is in the process: a prepared statement for each row costs no round trip.

const (
	createOne = `INSERT INTO executions (shard, id, epoch, owner, project_id, workflow_name, state, root_id, parent_id, parent_task_id, wake_at, wanting, created_at, doc)
VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`
	updateOne = `UPDATE executions SET state = $4, wake_at = $5, wanting = $6, doc = $7 WHERE shard = $1 AND id = $2 AND epoch = $3`
	dataOne   = `INSERT INTO execution_data (shard, execution_id, vals) VALUES ($1, $2, $3)
ON CONFLICT (shard, execution_id) DO UPDATE SET vals = excluded.vals`
	taskOne = `INSERT INTO tasks (shard, execution_id, seq, id, doc, vals) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (shard, execution_id, seq) DO UPDATE SET doc = excluded.doc, vals = excluded.vals`
	actionOne = `INSERT INTO actions (shard, execution_id, seq, id, task_id, runner, doc, vals) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (shard, execution_id, seq) DO UPDATE SET runner = excluded.runner, doc = excluded.doc, vals = excluded.vals`
	historyOne = `INSERT INTO history (shard, execution_id, last_seq, doc) VALUES ($1, $2, $3, $4)
ON CONFLICT (shard, execution_id, last_seq) DO UPDATE SET doc = excluded.doc`
)

// writeOneByOne writes a batch with a statement for each row.
func writeOneByOne(t *transaction, b *batch) error {
	for _, turn := range b.turns {
		e := &turn.Execution
		var n int64
		var err error
		if turn.Create {
			n, err = t.exec(createOne, e.Shard, e.ID, string(turn.Node), e.ProjectID, e.WorkflowName, e.State, e.RootID,
				e.ParentID, e.ParentTaskID, e.WakeAt, e.Wanting, e.CreatedAt, e.Doc)
		} else {
			n, err = t.exec(updateOne, e.Shard, e.ID, int64(turn.Epoch), e.State, e.WakeAt, e.Wanting, e.Doc)
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
	if turn.Data != "" {
		if _, err := t.exec(dataOne, e.Shard, e.ID, turn.Data); err != nil {
			return err
		}
	}
	for i := range turn.Tasks {
		r := &turn.Tasks[i]
		if _, err := t.exec(taskOne, r.Shard, r.ExecutionID, r.Seq, r.ID, r.Doc, r.Values); err != nil {
			return err
		}
	}
	for i := range turn.Actions {
		r := &turn.Actions[i]
		if _, err := t.exec(actionOne, r.Shard, r.ExecutionID, r.Seq, r.ID, r.TaskID, r.Runner, r.Doc, r.Values); err != nil {
			return err
		}
	}
	for i := range turn.Notices {
		r := &turn.Notices[i]
		if _, err := t.exec(noticeOne, r.Shard, r.ExecutionID, r.Lane, r.Seq, r.DueAt, r.Doc); err != nil {
			return err
		}
	}
	if h := turn.History; h != nil {
		if _, err := t.exec(historyOne, h.Shard, h.ExecutionID, h.LastSeq, h.Doc); err != nil {
			return err
		}
	}
	return nil
}
