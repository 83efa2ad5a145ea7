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
	dataQuery       = `SELECT s.key, ` + dataColumn + ` FROM execution_states AS s WHERE s.key {among}`
	allTasksQuery   = `SELECT key, ` + taskColumns + `, seq, seq, action_about, action_given, action_doc, action_vals FROM tasks WHERE key {among}`
	allActionsQuery = `SELECT key, ` + actionColumns + ` FROM actions WHERE key {among}`
)

// active is an execution as it is activated.
type active struct {
	row         persistence.ExecutionRow
	epoch       uint64 // 0: its state isn't there
	given, data string
	tasks       []persistence.TaskRow
	actions     []persistence.ActionRow
}

// Activate implements persistence.Executions.
func (s *Store) Activate(ctx context.Context, ids []workflow.ExecutionID, node persistence.NodeID) ([]persistence.Activation, error) {
	if err := persistence.CheckOnce(ids); err != nil {
		return nil, err
	}
	var found map[int64]*active
	err := s.transact(ctx, "activate executions", func(t *transaction) (err error) {
		if found, err = t.executions(ids); err != nil || len(found) == 0 {
			return err
		}
		return t.activate(found, node)
	})
	if err != nil {
		return nil, err
	}
	out := make([]persistence.Activation, len(ids))
	for i, id := range ids {
		if x := found[int64(id.Key())]; x == nil || x.row.ID != string(id) || x.epoch == 0 {
			out[i].Err = noExecution()
		} else {
			out[i].Snapshot, out[i].Err = x.snapshot(id)
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
		if err := rows.Scan(slices.Concat([]any{&x.row.Key}, factsOf(&x.row), []any{&x.given})...); err != nil {
			return err
		}
		if slices.Contains(ids, workflow.ExecutionID(x.row.ID)) { // else it is another one with the same key
			found[x.row.Key] = &x
		}
		return nil
	}, t.store.dialect.keys(keys))
	return found, err
}

// activate raises the epochs and reads the rest.
func (t *transaction) activate(found map[int64]*active, node persistence.NodeID) error {
	keys := t.store.dialect.keys(slices.Collect(maps.Keys(found)))
	err := t.query(activateQuery, func(rows *sql.Rows) error {
		var key int64
		var epoch uint64
		var r persistence.ExecutionRow
		if err := rows.Scan(append([]any{&key, &epoch}, stateOf(&r)...)...); err != nil {
			return err
		}
		x := found[key]
		x.epoch = epoch
		x.row.State, x.row.WakeAt, x.row.Wanting, x.row.Busy, x.row.Runners, x.row.Doc = r.State, r.WakeAt, r.Wanting, r.Busy, r.Runners, r.Doc
		return nil
	}, keys, string(node))
	if err != nil {
		return err
	}
	var key int64
	err = t.query(dataQuery, func(rows *sql.Rows) error {
		var data string
		err := rows.Scan(&key, &data)
		if err == nil {
			found[key].data = data
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
		x.tasks = append(x.tasks, r)
		if a.About != "" { // the action that has the number of its task lies with it
			x.actions = append(x.actions, a)
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
			found[key].actions = append(found[key].actions, a)
		}
		return err
	}, keys)
}

// snapshot is what the rows say.
func (x *active) snapshot(id workflow.ExecutionID) (*persistence.Snapshot, error) {
	snap := &persistence.Snapshot{Epoch: x.epoch}
	var err error
	if snap.Execution, err = x.row.Decode(); err != nil {
		return nil, err
	}
	if snap.Data, err = persistence.ParseDataText(id, x.given, x.data); err != nil {
		return nil, err
	}
	home := x.row.Home()
	slices.SortFunc(x.tasks, func(a, b persistence.TaskRow) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(x.actions, func(a, b persistence.ActionRow) int { return cmp.Compare(a.Seq, b.Seq) })
	for i := range x.tasks {
		task, err := home.Task(&x.tasks[i])
		if err != nil {
			return nil, err
		}
		snap.Tasks = append(snap.Tasks, task)
	}
	for i := range x.actions {
		action, err := home.Action(&x.actions[i])
		if err != nil {
			return nil, err
		}
		snap.Actions = append(snap.Actions, action)
	}
	return snap, nil
}

// keys are a parameter for {among}.
func (d dialect) keys(list []int64) any {
	if d.server {
		return pq.Int64Array(list)
	}
	return jsonNumbers(list)
}
