package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/lib/pq"

	"cierzo/persistence"
	"cierzo/workflow"
)

const (
	factsQuery      = `SELECT key, ` + factColumns + `, given FROM executions WHERE key {among}`
	activateQuery   = `UPDATE execution_states SET epoch = epoch + 1, owner = $2 WHERE key {among} RETURNING key, epoch, ` + stateColumns
	peekQuery       = `SELECT key, epoch, ` + stateColumns + ` FROM execution_states WHERE key {among}`
	dataQuery       = `SELECT s.key, ` + dataColumn + ` FROM execution_states AS s WHERE s.key {among}`
	allTasksQuery   = `SELECT key, ` + taskColumns + `, seq, seq, action_about, action_given, action_doc, action_vals FROM tasks WHERE key {among}`
	allActionsQuery = `SELECT key, ` + actionColumns + ` FROM actions WHERE key {among}`
)

// active is an execution as it is activated.
type active struct {
	persistence.SnapshotRows // with epoch 0: its state isn't there
}

// Activate implements persistence.Executions.
func (s *Store) Activate(ctx context.Context, ids []workflow.ExecutionID, node persistence.NodeID) ([]persistence.Activation, error) {
	return s.snapshots(ctx, "activate executions", ids, activateQuery, string(node))
}

// Peek implements persistence.Executions.
func (s *Store) Peek(ctx context.Context, ids []workflow.ExecutionID) ([]persistence.Activation, error) {
	return s.snapshots(ctx, "read executions", ids, peekQuery)
}

// snapshots reads executions whole, their states by a query for the keys, which may change them.
func (s *Store) snapshots(ctx context.Context, doing string, ids []workflow.ExecutionID, states string, args ...any) ([]persistence.Activation, error) {
	if err := persistence.CheckOnce(ids); err != nil {
		return nil, err
	}
	var found map[int64]*active
	err := s.transact(ctx, doing, func(t *transaction) (err error) {
		if found, err = t.executions(ids); err != nil || len(found) == 0 {
			return err
		}
		return t.complete(found, states, args...)
	})
	if err != nil {
		return nil, err
	}
	out := make([]persistence.Activation, len(ids))
	for i, id := range ids {
		if x := found[int64(id.Key())]; x == nil || x.Execution.ID != string(id) || x.Epoch == 0 {
			out[i].Err = noExecution()
		} else {
			out[i].Snapshot, out[i].Err = x.snapshot()
		}
	}
	return out, nil
}

// executions are those that are there, by their keys.
func (t *transaction) executions(ids []workflow.ExecutionID) (map[int64]*active, error) {
	var keys []int64
	for _, id := range ids {
		keys = append(keys, int64(id.Key()))
	}
	found := make(map[int64]*active, len(ids))
	err := t.query(factsQuery, func(rows *sql.Rows) error {
		var x active
		if err := rows.Scan(slices.Concat([]any{&x.Execution.Key}, factsOf(&x.Execution), []any{&x.Given})...); err != nil {
			return err
		}
		if slices.Contains(ids, workflow.ExecutionID(x.Execution.ID)) { // else it is another one with the same key
			found[x.Execution.Key] = &x
		}
		return nil
	}, t.store.dialect.keys(keys))
	return found, err
}

// complete reads the states and the rest.
func (t *transaction) complete(found map[int64]*active, states string, args ...any) error {
	keys := t.store.dialect.keys(slices.Collect(maps.Keys(found)))
	err := t.query(states, func(rows *sql.Rows) error {
		var key int64
		var epoch uint64
		var r persistence.ExecutionRow
		if err := rows.Scan(append([]any{&key, &epoch}, stateOf(&r)...)...); err != nil {
			return err
		}
		x := found[key]
		x.Epoch = epoch
		x.Execution.State, x.Execution.WakeAt, x.Execution.Wanting, x.Execution.Busy, x.Execution.Runners, x.Execution.Doc = r.State, r.WakeAt, r.Wanting, r.Busy, r.Runners, r.Doc
		return nil
	}, append([]any{keys}, args...)...)
	if err != nil {
		return err
	}
	var key int64
	err = t.query(dataQuery, func(rows *sql.Rows) error {
		var data string
		err := rows.Scan(&key, &data)
		if err == nil {
			found[key].Data = data
		}
		return err
	}, keys)
	if err != nil {
		return err
	}
	err = t.query(allTasksQuery, func(rows *sql.Rows) error {
		var r persistence.TaskRow
		var a persistence.ActionRow
		if err := rows.Scan(slices.Concat([]any{&key}, taskOf(&r), actionOf(&a))...); err != nil {
			return err
		}
		x := found[key]
		x.Tasks = append(x.Tasks, r)
		if a.About != "" { // the action that has the number of its task lies with it
			x.Actions = append(x.Actions, a)
		}
		return nil
	}, keys)
	if err != nil {
		return err
	}
	return t.query(allActionsQuery, func(rows *sql.Rows) error {
		var a persistence.ActionRow
		err := rows.Scan(append([]any{&key}, actionOf(&a)...)...)
		if err == nil {
			found[key].Actions = append(found[key].Actions, a)
		}
		return err
	}, keys)
}

// snapshot is what the rows say.
func (x *active) snapshot() (*persistence.Snapshot, error) {
	slices.SortFunc(x.Tasks, func(a, b persistence.TaskRow) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(x.Actions, func(a, b persistence.ActionRow) int { return cmp.Compare(a.Seq, b.Seq) })
	return x.Snapshot()
}

// keys are a parameter for {among}.
func (d dialect) keys(list []int64) any {
	if d.server {
		return pq.Int64Array(list)
	}
	return jsonNumbers(list)
}
