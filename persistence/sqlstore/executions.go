package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/lib/pq"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

const (
	executionColumns = `shard, id, project_id, workflow_name, state, root_id, parent_id, parent_task_id, wake_at, wanting, busy, created_at, runners, doc`
	activateQuery    = `UPDATE executions SET epoch = epoch + 1, owner = $3 WHERE shard = $1 AND id = $2 RETURNING epoch, ` + executionColumns
	allTasksQuery    = `SELECT shard, execution_id, seq, id, doc, vals FROM tasks WHERE shard = $1 AND execution_id = $2 ORDER BY seq`
	allActionsQuery  = `SELECT shard, execution_id, seq, id, task_id, doc, vals FROM actions WHERE shard = $1 AND execution_id = $2 ORDER BY seq`
	dataQuery        = `SELECT vals FROM execution_data WHERE shard = $1 AND execution_id = $2`
)

// scanExecution scans executionColumns, behind the columns in before.
func scanExecution(rows *sql.Rows, before ...any) (*workflow.ExecutionRecord, error) {
	var r persistence.ExecutionRow
	err := rows.Scan(append(before, &r.Shard, &r.ID, &r.ProjectID, &r.WorkflowName, &r.State, &r.RootID, &r.ParentID, &r.ParentTaskID,
		&r.WakeAt, &r.Wanting, &r.Busy, &r.CreatedAt, &r.Runners, &r.Doc)...)
	if err != nil {
		return nil, err
	}
	return r.Decode()
}

func scanTask(rows *sql.Rows) (*workflow.TaskRecord, error) {
	var r persistence.TaskRow
	if err := rows.Scan(&r.Shard, &r.ExecutionID, &r.Seq, &r.ID, &r.Doc, &r.Values); err != nil {
		return nil, err
	}
	return r.Decode()
}

func scanAction(rows *sql.Rows) (*workflow.ActionRecord, error) {
	var r persistence.ActionRow
	if err := rows.Scan(&r.Shard, &r.ExecutionID, &r.Seq, &r.ID, &r.TaskID, &r.Doc, &r.Values); err != nil {
		return nil, err
	}
	return r.Decode()
}

// into appends what scan makes of a row.
func into[T any](list *[]T, scan func(*sql.Rows) (T, error)) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err == nil {
			*list = append(*list, v)
		}
		return err
	}
}

// Activate implements persistence.Executions.
func (s *Store) Activate(ctx context.Context, id workflow.ExecutionID, node persistence.NodeID) (*persistence.Snapshot, error) {
	shard := persistence.Shard(id)
	var snap *persistence.Snapshot
	err := s.transact(ctx, "activate execution "+string(id), func(t *transaction) error {
		snap = &persistence.Snapshot{}
		err := t.query(activateQuery, func(rows *sql.Rows) error {
			var err error
			snap.Execution, err = scanExecution(rows, &snap.Epoch)
			return err
		}, shard, string(id), string(node))
		if err != nil {
			return err
		}
		if snap.Execution == nil {
			return fault.New(fault.NotFound, "there is no such execution")
		}
		var data string
		if err := t.row(dataQuery, []any{shard, string(id)}, []any{&data}); err != nil {
			return err
		}
		if snap.Data, err = persistence.ParseDataText(data); err != nil {
			return err
		}
		if err := t.query(allTasksQuery, into(&snap.Tasks, scanTask), shard, string(id)); err != nil {
			return err
		}
		return t.query(allActionsQuery, into(&snap.Actions, scanAction), shard, string(id))
	})
	if err != nil {
		return nil, err
	}
	return snap, nil
}

const (
	raiseQuery     = `UPDATE executions SET epoch = epoch + 1 WHERE shard = $1 AND id = $2 RETURNING state`
	childrenQuery  = `SELECT id FROM executions WHERE parent_id = $1 AND parent_id <> ''`
	deleteHistory  = `DELETE FROM history WHERE shard = $1 AND execution_id = $2`
	deleteActions  = `DELETE FROM actions WHERE shard = $1 AND execution_id = $2`
	deleteTasks    = `DELETE FROM tasks WHERE shard = $1 AND execution_id = $2`
	deleteData     = `DELETE FROM execution_data WHERE shard = $1 AND execution_id = $2`
	deleteOneQuery = `DELETE FROM executions WHERE shard = $1 AND id = $2`
)

// DeleteExecution implements persistence.Executions.
func (s *Store) DeleteExecution(ctx context.Context, id workflow.ExecutionID, force bool) error {
	return s.transact(ctx, "delete execution "+string(id), func(t *transaction) error {
		var state string
		err := t.row(raiseQuery, []any{persistence.Shard(id), string(id)}, []any{&state})
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "there is no such execution")
		}
		if err != nil {
			return err
		}
		if !force && !workflow.State(state).Final() {
			return fault.New(fault.Conflict, "it is %s", state)
		}
		doomed := []string{string(id)}
		for i := 0; i < len(doomed); i++ {
			var children []string
			if err := t.query(childrenQuery, into(&children, scanText[string]), doomed[i]); err != nil {
				return err
			}
			for _, child := range children {
				if !slices.Contains(doomed, child) { // no circle goes on for ever
					doomed = append(doomed, child)
				}
			}
		}
		for _, d := range doomed {
			for _, text := range []string{deleteHistory, deleteActions, deleteTasks, deleteData, deleteOneQuery} {
				if _, err := t.exec(text, persistence.Shard(workflow.ExecutionID(d)), d); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func scanText[T ~string](rows *sql.Rows) (T, error) {
	var v string
	err := rows.Scan(&v)
	return T(v), err
}

const (
	// clock_timestamp() would be asked again for each row, and so couldn't bound the index: all who wait would be read.
	dueMany = `SELECT id FROM executions WHERE shard = ANY($1::INT8[]) AND wake_at <> 0
AND wake_at <= CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS INT8) ORDER BY wake_at, id LIMIT $2`
	dueOne       = `SELECT id FROM executions WHERE shard IN (SELECT value FROM json_each($1)) AND wake_at <> 0 AND wake_at <= {now} ORDER BY wake_at, id LIMIT $2`
	wantingMany  = `SELECT id, owner FROM executions WHERE shard = ANY($1::INT8[]) AND wanting <> 0 AND (shard, id) > ($2, $3) ORDER BY shard, id LIMIT $4`
	wantingOne   = `SELECT id, owner FROM executions WHERE shard IN (SELECT value FROM json_each($1)) AND wanting <> 0 AND (shard, id) > ($2, $3) ORDER BY shard, id LIMIT $4`
	quietMany    = `SELECT id, owner FROM executions WHERE shard = ANY($1::INT8[]) AND state = 'RUNNING' AND wake_at = 0 AND wanting = 0 AND busy = 0 AND (shard, id) > ($2, $3) ORDER BY shard, id LIMIT $4`
	quietOne     = `SELECT id, owner FROM executions WHERE shard IN (SELECT value FROM json_each($1)) AND state = 'RUNNING' AND wake_at = 0 AND wanting = 0 AND busy = 0 AND (shard, id) > ($2, $3) ORDER BY shard, id LIMIT $4`
	runnersMany  = `SELECT DISTINCT jsonb_array_elements_text(runners::JSONB) FROM executions WHERE busy <> 0 LIMIT $1`
	runnersOne   = `SELECT DISTINCT r.value FROM executions AS e, json_each(e.runners) AS r WHERE e.busy <> 0 LIMIT $1`
	onRunnerMany = `SELECT id FROM executions WHERE busy <> 0 AND strpos(runners, $1) > 0 LIMIT $2`
	onRunnerOne  = `SELECT id FROM executions WHERE busy <> 0 AND instr(runners, $1) > 0 LIMIT $2`
)

// Due implements persistence.Executions.
func (s *Store) Due(ctx context.Context, shards []uint16, limit int) ([]workflow.ExecutionID, error) {
	text := dueOne
	if s.dialect.server {
		text = dueMany
	}
	return list(ctx, s, "find due executions", scanText[workflow.ExecutionID], text, s.shardSet(shards), persistence.Limit(limit))
}

// Wanting implements persistence.Executions.
func (s *Store) Wanting(ctx context.Context, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	text := wantingOne
	if s.dialect.server {
		text = wantingMany
	}
	return s.claims(ctx, "find executions that want slots", text, shards, after, limit)
}

// Quiet implements persistence.Executions.
func (s *Store) Quiet(ctx context.Context, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	text := quietOne
	if s.dialect.server {
		text = quietMany
	}
	return s.claims(ctx, "find executions that nothing moves", text, shards, after, limit)
}

// claims lists a page of executions in the order of their keys.
func (s *Store) claims(ctx context.Context, doing, text string, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	first := -1
	if after.ID != "" {
		first = int(persistence.Shard(after.ID))
	}
	return list(ctx, s, doing, func(rows *sql.Rows) (persistence.Claim, error) {
		var c persistence.Claim
		err := rows.Scan(&c.ID, &c.Owner)
		return c, err
	}, text, s.shardSet(shards), first, string(after.ID), persistence.Limit(limit))
}

// shardSet is a set of shards as a parameter; nil is all of them.
func (s *Store) shardSet(shards []uint16) any {
	set := make(pq.Int64Array, 0, persistence.ShardsMax)
	for _, shard := range shards {
		set = append(set, int64(shard))
	}
	if shards == nil {
		for shard := range int64(persistence.ShardsMax) {
			set = append(set, shard)
		}
	}
	if s.dialect.server {
		return set
	}
	return jsonNumbers(set)
}

// DispatchedRunners implements persistence.Executions.
func (s *Store) DispatchedRunners(ctx context.Context, limit int) ([]workflow.RunnerID, error) {
	text := runnersOne
	if s.dialect.server {
		text = runnersMany
	}
	return list(ctx, s, "list runners", scanText[workflow.RunnerID], text, persistence.Limit(limit))
}

// OnRunner implements persistence.Executions.
func (s *Store) OnRunner(ctx context.Context, runner workflow.RunnerID, limit int) ([]workflow.ExecutionID, error) {
	text := onRunnerOne
	if s.dialect.server {
		text = onRunnerMany
	}
	name, err := json.Marshal(runner) // as it lies in the array
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "runner %q", runner)
	}
	return list(ctx, s, "list a runner's executions", scanText[workflow.ExecutionID], text, string(name), persistence.Limit(limit))
}
