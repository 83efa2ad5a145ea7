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
	recordQuery    = `SELECT ` + pageExecution + ` FROM executions AS e JOIN execution_states AS s ON s.key = e.key WHERE e.key = $1 AND e.id = $2`
	executionQuery = `SELECT ` + pageExecution + `, e.given, ` + dataColumn + ` FROM executions AS e JOIN execution_states AS s ON s.key = e.key WHERE e.key = $1 AND e.id = $2`
	// What is of an execution comes with the execution's id and the moment of its creation, which its own rows don't have.
	homeColumns  = `e.id, e.created_at`
	taskOfEach   = `x.seq, x.about, x.doc, x.vals`
	actionOfEach = `x.seq, x.task, x.about, x.given, x.doc, x.vals`
	actionOfTask = `x.seq, x.seq AS task, x.action_about AS about, x.action_given AS given, x.action_doc AS doc, x.action_vals AS vals` // that has its number
	tasksQuery   = `SELECT ` + homeColumns + `, ` + taskOfEach + ` FROM executions AS e JOIN tasks AS x ON x.key = e.key WHERE e.key = $1 AND e.id = $2 AND x.seq > $3 ORDER BY x.seq LIMIT $4`
	// Actions lie in two places, see turnRows.
	actionsQuery = `SELECT * FROM (SELECT ` + homeColumns + `, ` + actionOfEach + ` FROM executions AS e JOIN actions AS x ON x.key = e.key WHERE e.key = $1 AND e.id = $2 AND x.seq > $3 ORDER BY x.seq LIMIT $4) AS found_apart
UNION ALL SELECT * FROM (SELECT ` + homeColumns + `, ` + actionOfTask + ` FROM executions AS e JOIN tasks AS x ON x.key = e.key WHERE e.key = $1 AND e.id = $2 AND x.seq > $3 AND x.action_about <> '' ORDER BY x.seq LIMIT $4) AS found_inside
ORDER BY seq LIMIT $4`
	taskActionsQuery = `SELECT * FROM (SELECT ` + homeColumns + `, ` + actionOfEach + ` FROM executions AS e JOIN actions AS x ON x.key = e.key WHERE e.key = $1 AND e.id = $2 AND x.seq > $3 AND x.task = $5 ORDER BY x.seq LIMIT $4) AS found_apart
UNION ALL SELECT ` + homeColumns + `, ` + actionOfTask + ` FROM executions AS e JOIN tasks AS x ON x.key = e.key WHERE e.key = $1 AND e.id = $2 AND x.seq > $3 AND x.seq = $5 AND x.action_about <> ''
ORDER BY seq LIMIT $4`
	findTaskQuery   = `SELECT ` + homeColumns + `, ` + taskOfEach + ` FROM executions AS e JOIN tasks AS x ON x.key = e.key WHERE e.key = $1 AND x.seq = $2`
	findActionQuery = `SELECT ` + homeColumns + `, ` + actionOfEach + ` FROM executions AS e JOIN actions AS x ON x.key = e.key WHERE e.key = $1 AND x.seq = $2
UNION ALL SELECT ` + homeColumns + `, ` + actionOfTask + ` FROM executions AS e JOIN tasks AS x ON x.key = e.key WHERE e.key = $1 AND x.seq = $2 AND x.action_about <> ''`
	// History lies in three places, see placeHistory. That in tasks begins with the first task whose number of events is above the one
	// asked for: it is found by halves, for an execution may have very many tasks. What is as high as low is the answer.
	historyQuery = `WITH RECURSIVE found (low, high) AS (
SELECT CAST(0 AS INT8), coalesce((SELECT max(seq) + 1 FROM tasks WHERE key = $1), 0)
UNION ALL SELECT CASE WHEN (SELECT history_seq FROM tasks WHERE key = $1 AND seq = ((low + high) >> 1)) > CAST($3 AS INT8) THEN low ELSE ((low + high) >> 1) + 1 END,
CASE WHEN (SELECT history_seq FROM tasks WHERE key = $1 AND seq = ((low + high) >> 1)) > CAST($3 AS INT8) THEN (low + high) >> 1 ELSE high END FROM found WHERE low < high)
SELECT ` + homeColumns + `, 0 AS last_seq, e.history AS doc FROM executions AS e WHERE e.key = $1 AND e.id = $2 AND e.history <> ''
UNION ALL SELECT * FROM (SELECT ` + homeColumns + `, x.last_seq, x.doc FROM executions AS e JOIN history AS x ON x.key = e.key
WHERE e.key = $1 AND e.id = $2 AND x.last_seq > $3 ORDER BY x.last_seq LIMIT $4) AS found_apart
UNION ALL SELECT * FROM (SELECT ` + homeColumns + `, x.history_seq AS last_seq, x.history AS doc FROM executions AS e JOIN tasks AS x ON x.key = e.key
WHERE e.key = $1 AND e.id = $2 AND x.history_seq > $3 AND x.history <> '' AND x.seq >= (SELECT max(low) FROM found) ORDER BY x.seq LIMIT $4) AS found_inside
ORDER BY last_seq`
	countAllQuery = `SELECT state, count(*) FROM execution_states GROUP BY state`
	// Those that have succeeded are in no index by state: they are all but the others.
	countQuery = `SELECT state, count(*) FROM execution_states WHERE project = $1 AND {live} GROUP BY state
UNION ALL SELECT state, count(*) FROM execution_states WHERE project = $1 AND state IN ('ERROR', 'CANCELLED') GROUP BY state
UNION ALL SELECT '', count(*) FROM executions WHERE project = $1`
)

// GetExecution implements persistence.Reader.
func (s *Store) GetExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	var given, data string
	r, err := s.execution(ctx, executionQuery, projectID, id, &given, &data)
	if err != nil {
		return nil, nil, err
	}
	d, err := persistence.ParseDataText(id, given, data)
	if err != nil {
		return nil, nil, err
	}
	return r, d, nil
}

// FindExecution implements persistence.Reader.
func (s *Store) FindExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, error) {
	return s.execution(ctx, recordQuery, projectID, id)
}

// execution reads pageExecution, and the columns behind them.
func (s *Store) execution(ctx context.Context, text, projectID string, id workflow.ExecutionID, behind ...any) (*workflow.ExecutionRecord, error) {
	r, err := one(ctx, s, "execution "+string(id), func(rows *sql.Rows) (*workflow.ExecutionRecord, error) {
		return scanPage(rows, behind...)
	}, text, int64(id.Key()), string(id))
	if err != nil {
		return nil, err
	}
	if projectID != "" && r.ProjectID != projectID {
		return nil, fault.New(fault.NotFound, "there is no execution %s", id)
	}
	return r, nil
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

// executionsStatement is a page's, without what lists show besides.
func executionsStatement(d dialect, q persistence.ExecutionsQuery) (string, []any) {
	p := persistence.PageQuery{
		ProjectID: q.ProjectID, WorkflowName: q.WorkflowName, States: q.States, RootID: q.RootID, ParentTask: q.ParentTask,
		RootsOnly: q.RootsOnly, Descending: true, Limit: q.Limit,
	}
	if q.Before != nil {
		p.After = &persistence.PageMark{CreatedAt: q.Before.CreatedAt, ID: q.Before.ID}
	}
	return d.pageStatement(paged{}, p)
}

// onlyLive reports whether all states are of executions that have not ended.
func onlyLive(states []workflow.State) bool {
	return !slices.ContainsFunc(states, func(s workflow.State) bool { return !slices.Contains(persistence.LiveStates(), s) })
}

// ListExecutions implements persistence.Reader.
func (s *Store) ListExecutions(ctx context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error) {
	text, args := executionsStatement(s.dialect, q)
	return list(ctx, s, "list executions", func(rows *sql.Rows) (*workflow.ExecutionRecord, error) { return scanPage(rows) }, text, args...)
}

// homes remembers the home of the rows that are read, which are mostly of one.
type homes struct{ last *persistence.Home }

// scan reads homeColumns, and the columns behind them.
func (h *homes) scan(rows *sql.Rows, behind ...any) error {
	var id string
	var at int64
	if err := rows.Scan(append([]any{&id, &at}, behind...)...); err != nil {
		return err
	}
	if h.last == nil || string(h.last.ID) != id || h.last.CreatedAt != at {
		h.last = persistence.NewHome(workflow.ExecutionID(id), at)
	}
	return nil
}

func (h *homes) task(rows *sql.Rows) (*workflow.TaskRecord, error) {
	var r persistence.TaskRow
	if err := h.scan(rows, taskOf(&r)...); err != nil {
		return nil, err
	}
	return h.last.Task(&r)
}

func (h *homes) action(rows *sql.Rows) (*workflow.ActionRecord, error) {
	var r persistence.ActionRow
	if err := h.scan(rows, actionOf(&r)...); err != nil {
		return nil, err
	}
	return h.last.Action(&r)
}

// ListTasks implements persistence.Reader.
func (s *Store) ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error) {
	return list(ctx, s, "list tasks", new(homes).task, tasksQuery, int64(id.Key()), string(id), after, persistence.Limit(limit))
}

// ListActions implements persistence.Reader.
func (s *Store) ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error) {
	text, args := actionsQuery, []any{int64(id.Key()), string(id), after, persistence.Limit(limit)}
	if task != "" {
		key, seq, ok := task.Place()
		if !ok || key != id.Key() {
			return nil, nil
		}
		text, args = taskActionsQuery, append(args, seq)
	}
	found, err := list(ctx, s, "list actions", new(homes).action, text, args...)
	if err == nil && task != "" && len(found) > 0 && found[0].TaskID != task {
		return nil, nil // a task of an execution that had the id before
	}
	return found, err
}

// FindTask implements persistence.Reader.
func (s *Store) FindTask(ctx context.Context, id workflow.TaskID) (*workflow.TaskRecord, error) {
	none := fault.New(fault.NotFound, "there is no task %s", id)
	key, seq, ok := id.Place()
	if !ok {
		return nil, none
	}
	r, err := one(ctx, s, "task "+string(id), new(homes).task, findTaskQuery, int64(key), seq)
	if err == nil && r.ID != id {
		return nil, none
	}
	return r, err
}

// FindAction implements persistence.Reader.
func (s *Store) FindAction(ctx context.Context, id workflow.ActionID) (*workflow.ActionRecord, error) {
	none := fault.New(fault.NotFound, "there is no action %s", id)
	key, seq, ok := id.Place()
	if !ok {
		return nil, none
	}
	r, err := one(ctx, s, "action "+string(id), new(homes).action, findActionQuery, int64(key), seq)
	if err == nil && r.ID != id {
		return nil, none
	}
	return r, err
}

// History implements persistence.Reader.
func (s *Store) History(ctx context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	var h homes
	rows, err := list(ctx, s, "read history", func(rows *sql.Rows) (persistence.HistoryRow, error) {
		var r persistence.HistoryRow
		err := h.scan(rows, &r.LastSeq, &r.Doc)
		return r, err
	}, historyQuery, int64(id.Key()), string(id), int64(after), persistence.Limit(limit))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return h.last.JoinHistory(rows, after, limit)
}

// CountExecutions implements persistence.Reader.
func (s *Store) CountExecutions(ctx context.Context, projectID string) (map[workflow.State]int, error) {
	text, args := countAllQuery, []any{}
	if projectID != "" {
		text, args = countQuery, []any{persistence.IndexHash(projectID)}
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
	if all, ofProject := out[""]; ofProject {
		delete(out, "")
		for _, n := range out {
			all -= n
		}
		if all > 0 {
			out[workflow.Success] = all
		}
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
