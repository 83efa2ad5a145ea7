package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// micros is a time as it is stored; the zero time is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Commit implements persistence.Executions: one transaction for all turns, the fenced ones drop out.
func (s *Store) Commit(ctx context.Context, turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	creates, updates := newRows(executionsTable), newRows(executionsTable)
	for i := range turns {
		t := &turns[i]
		r := t.Writes.Execution
		if r == nil {
			return nil, fault.New(fault.Internal, "a turn of %s without its execution", t.ID)
		}
		raw, err := persistence.EncodeExecution(r)
		if err != nil {
			return nil, err
		}
		into, epoch := updates, int64(t.Epoch)
		if t.Writes.Create {
			into, epoch = creates, 1
		}
		into.add(int64(persistence.Shard(t.ID)), string(t.ID), r.ProjectID, r.WorkflowName, string(r.State), string(r.RootID), string(r.ParentTaskID),
			r.CreatedAt.UnixMicro(), micros(r.WakeAt), epoch, string(t.Node), string(raw))
	}
	var outcomes []persistence.TurnOutcome
	err := s.transact(ctx, "commit turns", func(tx *sql.Tx) error {
		written := map[string]bool{}
		if err := s.collect(ctx, tx, executionsTable.insertNew(s.dialect), creates, written); err != nil {
			return err
		}
		if err := s.collect(ctx, tx, updateFenced(s.dialect), updates, written); err != nil {
			return err
		}
		outcomes = make([]persistence.TurnOutcome, len(turns))
		for i := range turns {
			switch {
			case written[string(turns[i].ID)]:
				outcomes[i] = persistence.Committed
			case turns[i].Writes.Create:
				outcomes[i] = persistence.Exists
			default:
				outcomes[i] = persistence.Fenced
			}
		}
		return s.writeParts(ctx, tx, turns, outcomes)
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// collect runs a statement for its rows and notes the ids that it returns.
func (s *Store) collect(ctx context.Context, tx *sql.Tx, stmt string, r *rows, ids map[string]bool) error {
	for _, args := range r.args(s.dialect) {
		result, err := tx.QueryContext(ctx, stmt, args...)
		if err != nil {
			return err
		}
		for result.Next() {
			var id string
			if err := result.Scan(&id); err != nil {
				result.Close()
				return err
			}
			ids[id] = true
		}
		if err := result.Err(); err != nil {
			return err
		}
		if err := result.Close(); err != nil {
			return err
		}
	}
	return nil
}

// writeParts writes data, tasks, actions and history of the turns that were not refused.
func (s *Store) writeParts(ctx context.Context, tx *sql.Tx, turns []persistence.Turn, outcomes []persistence.TurnOutcome) error {
	data, tasks, actions, history := newRows(dataTable), newRows(tasksTable), newRows(actionsTable), newRows(historyTable)
	for i := range turns {
		if outcomes[i] != persistence.Committed {
			continue
		}
		t := &turns[i]
		shard, id := int64(persistence.Shard(t.ID)), string(t.ID)
		if t.Writes.Data != nil {
			raw, err := persistence.EncodeData(t.Writes.Data)
			if err != nil {
				return err
			}
			data.add(shard, id, string(raw))
		}
		for _, r := range t.Writes.Tasks {
			raw, err := persistence.EncodeTask(r)
			if err != nil {
				return err
			}
			tasks.add(shard, id, int64(r.Seq), string(r.ID), string(raw))
		}
		for _, r := range t.Writes.Actions {
			raw, err := persistence.EncodeAction(r)
			if err != nil {
				return err
			}
			runner := ""
			if r.Phase == workflow.PhaseDispatched {
				runner = string(r.Runner)
			}
			actions.add(shard, id, int64(r.Seq), string(r.ID), string(r.TaskID), runner, string(raw))
		}
		for k := range t.Writes.History {
			raw, err := persistence.EncodeEvent(&t.Writes.History[k])
			if err != nil {
				return err
			}
			history.add(shard, id, int64(t.Writes.History[k].Seq), string(raw))
		}
	}
	for _, r := range []*rows{data, tasks, actions, history} {
		stmt := r.table.upsert(s.dialect)
		for _, args := range r.args(s.dialect) {
			if _, err := tx.ExecContext(ctx, stmt, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

const activateQuery = `UPDATE executions SET epoch = epoch + 1, node_id = $3 WHERE shard = $1 AND id = $2 RETURNING epoch, record`

// Activate implements persistence.Executions.
func (s *Store) Activate(ctx context.Context, id workflow.ExecutionID, node persistence.NodeID) (*persistence.Snapshot, error) {
	shard := int64(persistence.Shard(id))
	var snap *persistence.Snapshot
	err := s.transact(ctx, "activate execution "+string(id), func(tx *sql.Tx) error {
		snap = &persistence.Snapshot{}
		var raw string
		if err := tx.QueryRowContext(ctx, activateQuery, shard, string(id), string(node)).Scan(&snap.Epoch, &raw); err != nil {
			return err
		}
		var err error
		if snap.Execution, err = persistence.DecodeExecution([]byte(raw)); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, dataQuery, shard, string(id)).Scan(&raw); err != nil {
			return err
		}
		if snap.Data, err = persistence.DecodeData([]byte(raw)); err != nil {
			return err
		}
		if snap.Tasks, err = scanAll(ctx, tx, persistence.DecodeTask, tasksQuery, shard, string(id), -1, 1<<30); err != nil {
			return err
		}
		snap.Actions, err = scanAll(ctx, tx, persistence.DecodeAction, actionsQuery, shard, string(id), -1, 1<<30)
		return err
	})
	if err != nil {
		return nil, err
	}
	return snap, nil
}

// DeleteExecution implements persistence.Executions.
func (s *Store) DeleteExecution(ctx context.Context, id workflow.ExecutionID, force bool) error {
	return s.transact(ctx, "delete execution "+string(id), func(tx *sql.Tx) error {
		var state, root string
		shard := int64(persistence.Shard(id))
		if err := tx.QueryRowContext(ctx, `SELECT state, root_id FROM executions WHERE shard = $1 AND id = $2`, shard, string(id)).Scan(&state, &root); err != nil {
			return err
		}
		if !force && !workflow.State(state).Final() {
			return fault.New(fault.Conflict, "execution %s is in state %s", id, state)
		}
		victims, err := tree(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, victim := range victims {
			for _, stmt := range []string{
				`DELETE FROM history WHERE shard = $1 AND execution_id = $2`, `DELETE FROM actions WHERE shard = $1 AND execution_id = $2`,
				`DELETE FROM tasks WHERE shard = $1 AND execution_id = $2`, `DELETE FROM execution_data WHERE shard = $1 AND id = $2`,
				`DELETE FROM executions WHERE shard = $1 AND id = $2`,
			} {
				if _, err := tx.ExecContext(ctx, stmt, int64(persistence.Shard(victim)), string(victim)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// tree lists an execution and all that is below it: the children of its tasks, by their parent's task.
func tree(ctx context.Context, tx *sql.Tx, id workflow.ExecutionID) ([]workflow.ExecutionID, error) {
	out := []workflow.ExecutionID{id}
	for i := 0; i < len(out); i++ {
		children, err := scanTexts(ctx, tx, `SELECT e.id FROM tasks t JOIN executions e ON e.parent_task = t.id WHERE t.shard = $1 AND t.execution_id = $2 AND e.parent_task <> ''`,
			int64(persistence.Shard(out[i])), string(out[i]))
		if err != nil {
			return nil, err
		}
		for _, c := range children {
			out = append(out, workflow.ExecutionID(c))
		}
	}
	return out, nil
}
