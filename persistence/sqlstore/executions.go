package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/lib/pq"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

const (
	factColumns  = `id, project_id, workflow_name, root_id, parent_id, parent_task_id, created_at, about`
	stateColumns = `state, wake_at, wanting, busy, runners, doc`
	// dataColumn is the data of a state, s.
	dataColumn = `CASE WHEN s.vals = '-' THEN (SELECT d.vals FROM execution_data AS d WHERE d.key = s.key) ELSE s.vals END`

	taskColumns   = `seq, about, doc, vals`
	actionColumns = `seq, task, about, given, doc, vals`
)

// factsOf are where factColumns go.
func factsOf(r *persistence.ExecutionRow) []any {
	return []any{&r.ID, &r.ProjectID, &r.WorkflowName, &r.RootID, &r.ParentID, &r.ParentTaskID, &r.CreatedAt, &r.About}
}

// stateOf is where stateColumns go.
func stateOf(r *persistence.ExecutionRow) []any {
	return []any{&r.State, &r.WakeAt, &r.Wanting, &r.Busy, &r.Runners, &r.Doc}
}

// taskOf is where taskColumns go.
func taskOf(r *persistence.TaskRow) []any { return []any{&r.Seq, &r.About, &r.Doc, &r.Values} }

// actionOf is where actionColumns go.
func actionOf(r *persistence.ActionRow) []any {
	return []any{&r.Seq, &r.Task, &r.About, &r.Given, &r.Doc, &r.Values}
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

func noExecution() error { return fault.New(fault.NotFound, "there is no such execution") }

// absent says what a row that isn't there means.
func absent(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return noExecution()
	}
	return err
}

const (
	raiseQuery     = `UPDATE execution_states SET epoch = epoch + 1 WHERE key = $1 RETURNING state`
	childrenQuery  = `SELECT id FROM executions WHERE parent_id = $1 AND parent_id <> ''`
	deleteHistory  = `DELETE FROM history WHERE key = $1`
	deleteActions  = `DELETE FROM actions WHERE key = $1`
	deleteTasks    = `DELETE FROM tasks WHERE key = $1`
	deleteData     = `DELETE FROM execution_data WHERE key = $1`
	deleteState    = `DELETE FROM execution_states WHERE key = $1`
	deleteOneQuery = `DELETE FROM executions WHERE key = $1`
)

// DeleteExecution implements persistence.Executions.
func (s *Store) DeleteExecution(ctx context.Context, id workflow.ExecutionID, force bool) error {
	return s.transact(ctx, "delete execution "+string(id), func(t *transaction) error {
		var found, state string
		if err := t.row(idOfKey, []any{int64(id.Key())}, []any{&found}); err != nil {
			return absent(err)
		}
		if found != string(id) {
			return noExecution()
		}
		if err := t.row(raiseQuery, []any{int64(id.Key())}, []any{&state}); err != nil {
			return absent(err)
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
			for _, text := range []string{deleteHistory, deleteActions, deleteTasks, deleteData, deleteState, deleteOneQuery} {
				if _, err := t.exec(text, int64(workflow.ExecutionID(d).Key())); err != nil {
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
	// clock_timestamp() would be asked again for each row, and so couldn't bound the index: all who wait would be read. The index
	// has sixteen beginnings, the upper bits of the key: enough to spread writes over ranges, and few to look at each second.
	dueMany = `SELECT e.id FROM (
SELECT * FROM (SELECT key, wake_at FROM execution_states WHERE (key >> 60) IN (-8,-7,-6,-5,-4,-3,-2,-1,0,1,2,3,4,5,6,7) AND wake_at <> 0 AND busy = 0 AND wake_at <= CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS INT8) AND (key >> 56) = ANY($1::INT8[]) ORDER BY wake_at, key LIMIT $2) AS found_resting
UNION ALL SELECT * FROM (SELECT key, wake_at FROM execution_states WHERE busy <> 0 AND wake_at <> 0 AND wake_at <= CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS INT8) AND (key >> 56) = ANY($1::INT8[]) ORDER BY wake_at, key LIMIT $2) AS found_working
ORDER BY wake_at, key LIMIT $2) AS found JOIN executions AS e ON e.key = found.key ORDER BY found.wake_at, found.key`
	dueOne = `SELECT e.id FROM (
SELECT * FROM (SELECT key, wake_at FROM execution_states WHERE (key >> 60) IN (-8,-7,-6,-5,-4,-3,-2,-1,0,1,2,3,4,5,6,7) AND wake_at <> 0 AND busy = 0 AND wake_at <= {now} AND (key >> 56) IN (SELECT value FROM json_each($1)) ORDER BY wake_at, key LIMIT $2) AS found_resting
UNION ALL SELECT * FROM (SELECT key, wake_at FROM execution_states WHERE busy <> 0 AND wake_at <> 0 AND wake_at <= {now} AND (key >> 56) IN (SELECT value FROM json_each($1)) ORDER BY wake_at, key LIMIT $2) AS found_working
ORDER BY wake_at, key LIMIT $2) AS found JOIN executions AS e ON e.key = found.key ORDER BY found.wake_at, found.key`
	wantingMany = `SELECT e.id, found.owner FROM (SELECT key, owner FROM execution_states WHERE wanting <> 0 AND key >= $2 AND (key >> 56) = ANY($1::INT8[])
ORDER BY key LIMIT $3) AS found JOIN executions AS e ON e.key = found.key ORDER BY found.key`
	wantingOne = `SELECT e.id, found.owner FROM (SELECT key, owner FROM execution_states WHERE wanting <> 0 AND key >= $2 AND (key >> 56) IN (SELECT value FROM json_each($1))
ORDER BY key LIMIT $3) AS found JOIN executions AS e ON e.key = found.key ORDER BY found.key`
	quietMany = `SELECT e.id, found.owner FROM (SELECT key, owner FROM execution_states WHERE state = 'RUNNING' AND wake_at = 0 AND wanting = 0 AND busy = 0 AND key >= $2 AND (key >> 56) = ANY($1::INT8[])
ORDER BY key LIMIT $3) AS found JOIN executions AS e ON e.key = found.key ORDER BY found.key`
	quietOne = `SELECT e.id, found.owner FROM (SELECT key, owner FROM execution_states WHERE state = 'RUNNING' AND wake_at = 0 AND wanting = 0 AND busy = 0 AND key >= $2 AND (key >> 56) IN (SELECT value FROM json_each($1))
ORDER BY key LIMIT $3) AS found JOIN executions AS e ON e.key = found.key ORDER BY found.key`
	runnersMany  = `SELECT DISTINCT jsonb_array_elements_text(runners::JSONB) FROM execution_states WHERE busy <> 0 LIMIT $1`
	runnersOne   = `SELECT DISTINCT r.value FROM execution_states AS e, json_each(e.runners) AS r WHERE e.busy <> 0 LIMIT $1`
	onRunnerMany = `SELECT e.id FROM (SELECT key FROM execution_states WHERE busy <> 0 AND strpos(runners, $1) > 0 LIMIT $2) AS found JOIN executions AS e ON e.key = found.key`
	onRunnerOne  = `SELECT e.id FROM (SELECT key FROM execution_states WHERE busy <> 0 AND instr(runners, $1) > 0 LIMIT $2) AS found JOIN executions AS e ON e.key = found.key`
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
	first := int64(math.MinInt64)
	if after.ID != "" {
		first = int64(after.ID.Key()) + 1
	}
	return list(ctx, s, doing, func(rows *sql.Rows) (persistence.Claim, error) {
		var c persistence.Claim
		err := rows.Scan(&c.ID, &c.Owner)
		return c, err
	}, text, s.shardSet(shards), first, persistence.Limit(limit))
}

// shardSet is a set of shards as a parameter, as the upper bits of a key are; nil is all of them.
func (s *Store) shardSet(shards []uint16) any {
	set := make(pq.Int64Array, 0, persistence.ShardsMax)
	for _, shard := range shards {
		set = append(set, int64(int8(shard)))
	}
	if shards == nil {
		for shard := range persistence.ShardsMax {
			set = append(set, int64(int8(shard)))
		}
	}
	return s.dialect.keys(set)
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
