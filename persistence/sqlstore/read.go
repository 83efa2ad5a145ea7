package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// lostMax bounds how often a read or a BEGIN is tried when its connection breaks: after a restart of the server each pooled
// connection breaks once, and by default there are 8 in a pool.
const lostMax = 10

// read runs a query for its rows, outside of transactions: one statement sees one moment. fn runs again from the start
// after a lost connection, reset empties its result.
func (s *Store) read(ctx context.Context, doing, text string, reset func(), scan func(*sql.Rows) error, args ...any) error {
	err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	for range lostMax {
		reset()
		if err = s.readOnce(ctx, text, scan, args...); err == nil {
			return nil
		}
		if ctx.Err() != nil || !lost(err) {
			break
		}
	}
	return s.classify(err, doing)
}

func (s *Store) readOnce(ctx context.Context, text string, scan func(*sql.Rows) error, args ...any) error {
	var rows *sql.Rows
	var err error
	if stmt := s.statements[statementKey{s.db, text}]; stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		rows, err = s.db.QueryContext(ctx, s.dialect.text(text), args...)
	}
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// lost reports a connection that broke, not one that couldn't be made.
func lost(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var broken *net.OpError
	return errors.As(err, &broken) && broken.Op != "dial"
}

func list[T any](ctx context.Context, s *Store, doing string, scan func(*sql.Rows) (T, error), text string, args ...any) ([]T, error) {
	var out []T
	err := s.read(ctx, doing, text, func() { out = nil }, func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err == nil {
			out = append(out, v)
		}
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// one is the only row; fault.NotFound.
func one[T any](ctx context.Context, s *Store, what string, scan func(*sql.Rows) (T, error), text string, args ...any) (T, error) {
	var none T
	all, err := list(ctx, s, "read "+what, scan, text, args...)
	if err != nil {
		return none, err
	}
	if len(all) == 0 {
		return none, fault.New(fault.NotFound, "there is no %s", what)
	}
	return all[0], nil
}

const (
	executionQuery = `SELECT d.vals, e.shard, e.id, e.project_id, e.workflow_name, e.state, e.root_id, e.parent_id, e.parent_task_id, e.wake_at, e.wanting, e.busy, e.created_at, e.runners, e.doc
FROM executions AS e JOIN execution_data AS d ON d.shard = e.shard AND d.execution_id = e.id WHERE e.shard = $1 AND e.id = $2`
	tasksQuery       = `SELECT shard, execution_id, seq, id, doc, vals FROM tasks WHERE shard = $1 AND execution_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	actionsQuery     = `SELECT shard, execution_id, seq, id, task_id, doc, vals FROM actions WHERE shard = $1 AND execution_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	taskActionsQuery = `SELECT shard, execution_id, seq, id, task_id, doc, vals FROM actions WHERE shard = $1 AND execution_id = $2 AND seq > $3 AND task_id = $5 ORDER BY seq LIMIT $4`
	findTaskQuery    = `SELECT shard, execution_id, seq, id, doc, vals FROM tasks WHERE id = $1`
	findActionQuery  = `SELECT shard, execution_id, seq, id, task_id, doc, vals FROM actions WHERE id = $1`
	historyQuery     = `SELECT shard, execution_id, last_seq, doc FROM history WHERE shard = $1 AND execution_id = $2 AND last_seq > $3 ORDER BY last_seq LIMIT $4`
	countAllQuery    = `SELECT state, count(*) FROM executions GROUP BY state`
	countQuery       = `SELECT state, count(*) FROM executions WHERE project_id = $1 GROUP BY state`
)

// GetExecution implements persistence.Reader.
func (s *Store) GetExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	var data string
	r, err := one(ctx, s, "execution "+string(id), func(rows *sql.Rows) (*workflow.ExecutionRecord, error) {
		return scanExecution(rows, &data)
	}, executionQuery, persistence.Shard(id), string(id))
	if err != nil {
		return nil, nil, err
	}
	if projectID != "" && r.ProjectID != projectID {
		return nil, nil, fault.New(fault.NotFound, "there is no execution %s", id)
	}
	d, err := persistence.ParseDataText(data)
	if err != nil {
		return nil, nil, err
	}
	return r, d, nil
}

// selection builds the conditions of a query.
type selection struct {
	conditions []string
	args       []any
}

// place adds a parameter.
func (q *selection) place(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *selection) where(condition string) { q.conditions = append(q.conditions, condition) }

// executionsStatement is built, for it has a condition for each field that selects. So are pageStatement and
// resourcesStatement; no others.
func executionsStatement(q persistence.ExecutionsQuery) (string, []any) {
	var w selection
	if q.ProjectID != "" {
		w.where("project_id = " + w.place(q.ProjectID))
	}
	if q.WorkflowName != "" {
		w.where("workflow_name = " + w.place(q.WorkflowName))
	}
	if len(q.States) > 0 {
		places := make([]string, 0, len(q.States))
		for _, state := range q.States {
			places = append(places, w.place(string(state)))
		}
		w.where("state IN (" + strings.Join(places, ", ") + ")")
		if onlyLive(q.States) {
			w.where("state IN ('RUNNING', 'PAUSED', 'IDLE')") // lets the planner see the partial index
		}
	}
	if q.RootID != "" {
		w.where("root_id <> '' AND root_id = " + w.place(string(q.RootID)))
	}
	if q.ParentTask != "" {
		w.where("parent_task_id <> '' AND parent_task_id = " + w.place(string(q.ParentTask)))
	}
	if q.RootsOnly {
		w.where("parent_id = ''")
	}
	if q.Before != nil {
		w.where("(created_at, id) < (" + w.place(persistence.Micros(q.Before.CreatedAt)) + ", " + w.place(string(q.Before.ID)) + ")")
	}
	text := "SELECT " + executionColumns + " FROM executions"
	if len(w.conditions) > 0 {
		text += " WHERE " + strings.Join(w.conditions, " AND ")
	}
	return text + " ORDER BY created_at DESC, id DESC LIMIT " + w.place(persistence.Limit(q.Limit)), w.args
}

// onlyLive reports whether all states are of executions that have not ended.
func onlyLive(states []workflow.State) bool {
	return !slices.ContainsFunc(states, func(s workflow.State) bool { return !slices.Contains(persistence.LiveStates(), s) })
}

// ListExecutions implements persistence.Reader.
func (s *Store) ListExecutions(ctx context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error) {
	text, args := executionsStatement(q)
	return list(ctx, s, "list executions", func(rows *sql.Rows) (*workflow.ExecutionRecord, error) { return scanExecution(rows) }, text, args...)
}

// ListTasks implements persistence.Reader.
func (s *Store) ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error) {
	return list(ctx, s, "list tasks", scanTask, tasksQuery, persistence.Shard(id), string(id), after, persistence.Limit(limit))
}

// ListActions implements persistence.Reader.
func (s *Store) ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error) {
	text, args := actionsQuery, []any{persistence.Shard(id), string(id), after, persistence.Limit(limit)}
	if task != "" {
		text, args = taskActionsQuery, append(args, string(task))
	}
	return list(ctx, s, "list actions", scanAction, text, args...)
}

// FindTask implements persistence.Reader.
func (s *Store) FindTask(ctx context.Context, id workflow.TaskID) (*workflow.TaskRecord, error) {
	return one(ctx, s, "task "+string(id), scanTask, findTaskQuery, string(id))
}

// FindAction implements persistence.Reader.
func (s *Store) FindAction(ctx context.Context, id workflow.ActionID) (*workflow.ActionRecord, error) {
	return one(ctx, s, "action "+string(id), scanAction, findActionQuery, string(id))
}

// History implements persistence.Reader.
func (s *Store) History(ctx context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	rows, err := list(ctx, s, "read history", func(rows *sql.Rows) (persistence.HistoryRow, error) {
		var r persistence.HistoryRow
		err := rows.Scan(&r.Shard, &r.ExecutionID, &r.LastSeq, &r.Doc)
		return r, err
	}, historyQuery, persistence.Shard(id), string(id), int64(after), persistence.Limit(limit))
	if err != nil {
		return nil, err
	}
	return persistence.JoinHistory(rows, after, limit)
}

// CountExecutions implements persistence.Reader.
func (s *Store) CountExecutions(ctx context.Context, projectID string) (map[workflow.State]int, error) {
	text, args := countAllQuery, []any{}
	if projectID != "" {
		text, args = countQuery, []any{projectID}
	}
	out := map[workflow.State]int{}
	err := s.read(ctx, "count executions", text, func() { clear(out) }, func(rows *sql.Rows) error {
		var state string
		var n int
		err := rows.Scan(&state, &n)
		out[workflow.State(state)] = n
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// jsonNumbers is how SQLite takes a list.
func jsonNumbers(list []int64) string {
	text, err := json.Marshal(list)
	if err != nil {
		return "[]" // numbers always have a JSON form
	}
	return string(text)
}
