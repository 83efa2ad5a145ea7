package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

const (
	dataQuery         = `SELECT record FROM execution_data WHERE shard = $1 AND id = $2`
	tasksQuery        = `SELECT record FROM tasks WHERE shard = $1 AND execution_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	actionsQuery      = `SELECT record FROM actions WHERE shard = $1 AND execution_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	taskActionsQuery  = `SELECT record FROM actions WHERE shard = $1 AND execution_id = $2 AND seq > $3 AND task_id = $5 ORDER BY seq LIMIT $4`
	historyQuery      = `SELECT record FROM history WHERE shard = $1 AND execution_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	executionQuery    = `SELECT e.record, d.record FROM executions e JOIN execution_data d ON d.shard = e.shard AND d.id = e.id WHERE e.shard = $1 AND e.id = $2`
	findTaskQuery     = `SELECT record FROM tasks WHERE id = $1`
	findActionQuery   = `SELECT record FROM actions WHERE id = $1`
	runnersQuery      = `SELECT DISTINCT runner FROM actions WHERE runner <> '' LIMIT $1`
	onRunnerQuery     = `SELECT DISTINCT execution_id FROM actions WHERE runner = $1 LIMIT $2`
	countQuery        = `SELECT state, count(*) FROM executions GROUP BY state`
	countProjectQuery = `SELECT state, count(*) FROM executions WHERE project_id = $1 GROUP BY state`
)

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// scanAll decodes the only column of each row.
func scanAll[T any](ctx context.Context, q querier, decode func([]byte) (T, error), query string, args ...any) ([]T, error) {
	texts, err := scanTexts(ctx, q, query, args...)
	if err != nil {
		return nil, err
	}
	out := make([]T, 0, len(texts))
	for _, raw := range texts {
		v, err := decode([]byte(raw))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// scanTexts reads the only column of each row.
func scanTexts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// read runs a read outside of transactions, again after a lost connection or a serialization failure.
func (s *Store) read(ctx context.Context, doing string, fn func() error) error {
	var err error
	for range 3 {
		if err = fn(); err == nil {
			return nil
		}
		if ctx.Err() != nil || !lost(err) {
			break
		}
	}
	return s.classify(err, doing)
}

func list[T any](ctx context.Context, s *Store, doing string, decode func([]byte) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := s.read(ctx, doing, func() error {
		var err error
		out, err = scanAll(ctx, s.db, decode, query, args...)
		return err
	})
	return out, err
}

func one[T any](ctx context.Context, s *Store, doing string, decode func([]byte) (T, error), query string, args ...any) (T, error) {
	var none T
	all, err := list(ctx, s, doing, decode, query, args...)
	if err != nil {
		return none, err
	}
	if len(all) == 0 {
		return none, fault.New(fault.NotFound, "%s: not found", doing)
	}
	return all[0], nil
}

// GetExecution implements persistence.Reader.
func (s *Store) GetExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	var record, data string
	doing := "execution " + string(id)
	err := s.read(ctx, doing, func() error {
		return s.db.QueryRowContext(ctx, executionQuery, int64(persistence.Shard(id)), string(id)).Scan(&record, &data)
	})
	if err != nil {
		return nil, nil, err
	}
	r, err := persistence.DecodeExecution([]byte(record))
	if err != nil {
		return nil, nil, err
	}
	if projectID != "" && r.ProjectID != projectID {
		return nil, nil, fault.New(fault.NotFound, "%s: not found", doing)
	}
	d, err := persistence.DecodeData([]byte(data))
	return r, d, err
}

// ListExecutions implements persistence.Reader.
func (s *Store) ListExecutions(ctx context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error) {
	var where []string
	var args []any
	cond := func(format string, v ...any) {
		places := make([]any, len(v))
		for i := range v {
			args = append(args, v[i])
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		where = append(where, fmt.Sprintf(format, places...))
	}
	if q.ProjectID != "" {
		cond("project_id = %s", q.ProjectID)
	}
	if q.WorkflowName != "" {
		cond("workflow_name = %s", q.WorkflowName)
	}
	if len(q.States) > 0 {
		var places []string
		for _, st := range q.States {
			args = append(args, string(st))
			places = append(places, fmt.Sprintf("$%d", len(args)))
		}
		where = append(where, "state IN ("+strings.Join(places, ", ")+")")
	}
	if q.RootID != "" {
		cond("(root_id = %s OR id = %s)", string(q.RootID), string(q.RootID))
	}
	if q.ParentTask != "" {
		cond("parent_task = %s AND parent_task <> ''", string(q.ParentTask))
	}
	if q.RootsOnly {
		where = append(where, "root_id = ''")
	}
	if q.Before != nil {
		us := q.Before.CreatedAt.UnixMicro()
		cond("(created_at < %s OR (created_at = %s AND id < %s))", us, us, string(q.Before.ID))
	}
	query := "SELECT record FROM executions"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, q.Limit)
	query += fmt.Sprintf(" ORDER BY created_at DESC, id DESC LIMIT $%d", len(args))
	return list(ctx, s, "list executions", persistence.DecodeExecution, query, args...)
}

// ListTasks implements persistence.Reader.
func (s *Store) ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error) {
	return list(ctx, s, "list tasks", persistence.DecodeTask, tasksQuery, int64(persistence.Shard(id)), string(id), after, limit)
}

// ListActions implements persistence.Reader.
func (s *Store) ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error) {
	if task == "" {
		return list(ctx, s, "list actions", persistence.DecodeAction, actionsQuery, int64(persistence.Shard(id)), string(id), after, limit)
	}
	return list(ctx, s, "list actions", persistence.DecodeAction, taskActionsQuery, int64(persistence.Shard(id)), string(id), after, limit, string(task))
}

// FindTask implements persistence.Reader.
func (s *Store) FindTask(ctx context.Context, id workflow.TaskID) (*workflow.TaskRecord, error) {
	return one(ctx, s, "task "+string(id), persistence.DecodeTask, findTaskQuery, string(id))
}

// FindAction implements persistence.Reader.
func (s *Store) FindAction(ctx context.Context, id workflow.ActionID) (*workflow.ActionRecord, error) {
	return one(ctx, s, "action "+string(id), persistence.DecodeAction, findActionQuery, string(id))
}

// History implements persistence.Reader.
func (s *Store) History(ctx context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	events, err := list(ctx, s, "read history", persistence.DecodeEvent, historyQuery, int64(persistence.Shard(id)), string(id), int64(after), limit)
	out := make([]workflow.HistoryEvent, 0, len(events))
	for _, e := range events {
		out = append(out, *e)
	}
	return out, err
}

// CountExecutions implements persistence.Reader.
func (s *Store) CountExecutions(ctx context.Context, projectID string) (map[workflow.State]int, error) {
	query, args := countQuery, []any{}
	if projectID != "" {
		query, args = countProjectQuery, []any{projectID}
	}
	out := map[workflow.State]int{}
	err := s.read(ctx, "count executions", func() error {
		clear(out)
		rows, err := s.db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var state string
			var n int
			if err := rows.Scan(&state, &n); err != nil {
				return err
			}
			out[workflow.State(state)] = n
		}
		return rows.Err()
	})
	return out, err
}

// Due implements persistence.Executions.
func (s *Store) Due(ctx context.Context, shards []uint16, limit int) ([]workflow.ExecutionID, error) {
	query := "SELECT id FROM executions WHERE wake_at IS NOT NULL AND wake_at <= " + s.dialect.now
	var args []any
	if shards != nil {
		if len(shards) == 0 {
			return nil, nil
		}
		if s.dialect.arrays {
			list := make([]int64, len(shards))
			for i, sh := range shards {
				list[i] = int64(sh)
			}
			query += " AND shard = ANY($1)"
			args = append(args, pq.Array(list))
		} else {
			places := make([]string, len(shards))
			for i, sh := range shards {
				args = append(args, int64(sh))
				places[i] = fmt.Sprintf("$%d", i+1)
			}
			query += " AND shard IN (" + strings.Join(places, ", ") + ")"
		}
	}
	args = append(args, limit)
	query += fmt.Sprintf(" ORDER BY wake_at LIMIT $%d", len(args))
	return list(ctx, s, "find due executions", func(b []byte) (workflow.ExecutionID, error) { return workflow.ExecutionID(b), nil }, query, args...)
}

// DispatchedRunners implements persistence.Executions.
func (s *Store) DispatchedRunners(ctx context.Context, limit int) ([]workflow.RunnerID, error) {
	return list(ctx, s, "list runners", func(b []byte) (workflow.RunnerID, error) { return workflow.RunnerID(b), nil }, runnersQuery, limit)
}

// OnRunner implements persistence.Executions.
func (s *Store) OnRunner(ctx context.Context, runner workflow.RunnerID, limit int) ([]workflow.ExecutionID, error) {
	return list(ctx, s, "list a runner's executions", func(b []byte) (workflow.ExecutionID, error) { return workflow.ExecutionID(b), nil }, onRunnerQuery, string(runner), limit)
}
