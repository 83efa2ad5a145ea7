package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"strings"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Lists of executions, tasks and actions go along an index of what they are filtered by, in the order of creation: of
// executions, or of their states where these select. What else belongs to an execution is found by its key. The servers'
// planners must not turn that round, and read whole tables for one page.

const (
	pageExecution = ownerColumns + `, s.doc`
	// With each of its tasks or actions comes the execution, but not what is long: it is the same for all of them.
	pageOwner    = ownerColumns + `, CASE WHEN octet_length(s.doc) > 4000 THEN '' ELSE s.doc END`
	ownerColumns = `e.id, e.project_id, e.workflow_name, e.root_id, e.parent_id, e.parent_task_id, e.created_at, e.about, s.state, s.wake_at, s.wanting, s.busy, s.runners`

	alongExecutions = `executions AS e`
	alongStates     = `execution_states AS s`
	// OFFSET 0 keeps PostgreSQL from opening the inner query.
	stateOfEach     = ` JOIN LATERAL (SELECT * FROM execution_states AS y WHERE y.key = e.key OFFSET 0) AS s ON TRUE`
	executionOfEach = ` JOIN LATERAL (SELECT * FROM executions AS y WHERE y.key = s.key OFFSET 0) AS e ON TRUE`
	tasksOfEach     = ` JOIN LATERAL (SELECT * FROM tasks AS y WHERE y.key = e.key OFFSET 0) AS x ON TRUE`
	actionsOfEach   = ` JOIN LATERAL (SELECT seq, task, about, given, doc, vals FROM actions AS y WHERE y.key = e.key
UNION ALL SELECT ` + actionOfTask + ` FROM tasks AS x WHERE x.key = e.key AND x.action_about <> '' OFFSET 0) AS x ON TRUE`
	taskOfActionEach = ` JOIN LATERAL (SELECT about FROM tasks AS y WHERE y.key = e.key AND y.seq = x.task OFFSET 0) AS t ON TRUE`
	// SQLite knows no LATERAL and joins as it is told by CROSS JOIN.
	stateOfOne     = ` CROSS JOIN execution_states AS s ON s.key = e.key`
	executionOfOne = ` CROSS JOIN executions AS e ON e.key = s.key`
	tasksOfOne     = ` CROSS JOIN tasks AS x ON x.key = e.key`
	// Nor does it look into a union for what the rows before select: an execution's actions are looked for in both places in turn.
	actionsOfOne = ` CROSS JOIN (SELECT 0 AS apart UNION ALL SELECT 1) AS place LEFT JOIN tasks AS x ON place.apart = 0 AND x.key = e.key AND x.action_about <> ''
LEFT JOIN actions AS y ON place.apart = 1 AND y.key = e.key LEFT JOIN tasks AS t ON t.key = y.key AND t.seq = y.task`
	actionOfOne = `coalesce(x.about, t.about), coalesce(x.seq, y.seq), coalesce(x.seq, y.task), coalesce(x.action_about, y.about), coalesce(x.action_given, y.given),
coalesce(x.action_doc, y.doc), coalesce(x.action_vals, y.vals)`
)

// paged says what a page is of. The zero value is executions without their data.
type paged struct {
	columns string
	join    string // of what belongs to an execution; "" in lists of executions
	seq     string // its number
	where   string // more about it; "" is nothing
}

func (d dialect) executionPage() paged { return paged{columns: `, e.given, ` + dataColumn} }

func (d dialect) taskPage() paged {
	p := paged{`, ` + taskOfEach, tasksOfOne, "x.seq", ""}
	if d.server {
		p.join = tasksOfEach
	}
	return p
}

func (d dialect) actionPage() paged {
	if d.server {
		return paged{`, t.about, ` + actionOfEach, actionsOfEach + taskOfActionEach, "x.seq", ""}
	}
	return paged{`, ` + actionOfOne, actionsOfOne, "coalesce(x.seq, y.seq)", "(x.seq IS NOT NULL OR y.seq IS NOT NULL)"}
}

// from is where a page's executions come from, and the name of what is in the order of the list.
func (d dialect) from(q persistence.PageQuery) (text, along string) {
	switch {
	case byState(q) && d.server:
		return alongStates + executionOfEach, "s"
	case byState(q):
		return alongStates + executionOfOne, "s"
	case d.server:
		return alongExecutions + stateOfEach, "e"
	}
	return alongExecutions + stateOfOne, "e"
}

// byState reports whether a page goes along an index of states.
func byState(q persistence.PageQuery) bool {
	return len(q.States) > 0 && q.ID == "" && q.RootID == "" && q.ParentTask == "" && (onlyLive(q.States) || q.ProjectID != "" && onlyBroken(q.States))
}

// pageStatement has a condition for each field that selects. It and resourcesStatement are built, no others.
func (d dialect) pageStatement(p paged, q persistence.PageQuery) (string, []any) {
	var w selection
	from, along := d.from(q)
	w.whichExecutions(q, along)
	order, beyond := "", ">"
	if q.Descending {
		order, beyond = " DESC", "<"
	}
	created, key := along+".created_at", along+".key"
	if ofAll(q) {
		created = "(e.created_at + 0)" // what the index executions_all is of
	}
	if q.After != nil {
		at, after := w.place(persistence.Micros(q.After.CreatedAt)), w.place(int64(q.After.ID.Key()))
		if ofAll(q) {
			w.where(created + " " + beyond + "= " + at) // SQLite bounds no expression by a comparison of rows
		}
		if p.join != "" {
			// The first condition bounds the index; the second leaves out what the page before has of its last execution.
			w.where("(" + created + ", " + key + ") " + beyond + "= (" + at + ", " + after + ")")
			w.where("(" + key + " <> " + after + " OR " + p.seq + " " + beyond + " " + w.place(q.After.Seq) + ")")
		} else {
			w.where("(" + created + ", " + key + ") " + beyond + " (" + at + ", " + after + ")")
		}
	}
	if p.where != "" {
		w.where(p.where)
	}
	where := ""
	if len(w.conditions) > 0 {
		where = " WHERE " + w.all()
	}
	by := " ORDER BY " + created + order + ", " + key + order
	if p.join != "" {
		by += ", " + p.seq + order
	}
	execution := pageExecution
	if p.join != "" {
		execution = pageOwner
	}
	return d.text("SELECT " + execution + p.columns + " FROM " + from + p.join + where + by + " LIMIT " + w.place(persistence.Limit(q.Limit))), w.args
}

// ofAll reports whether a page is of the executions of all projects, with no index of its own.
func ofAll(q persistence.PageQuery) bool {
	return q.ProjectID == "" && q.ID == "" && q.RootID == "" && q.ParentTask == "" && !byState(q)
}

// all are the conditions as one.
func (q *selection) all() string { return strings.Join(q.conditions, " AND ") }

// whichExecutions adds the conditions on executions, e, and their states, s; along is the one of them whose index is used.
func (q *selection) whichExecutions(p persistence.PageQuery, along string) {
	switch {
	case p.ProjectID == "":
	case along == "e" && p.WorkflowName != "":
		q.where("e.flow = " + q.place(persistence.IndexHash(p.ProjectID, p.WorkflowName)))
	default:
		q.where(along + ".project = " + q.place(persistence.IndexHash(p.ProjectID)))
	}
	if p.ProjectID != "" {
		q.where("e.project_id = " + q.place(p.ProjectID))
	}
	if p.ID != "" {
		q.where("e.key = " + q.place(int64(p.ID.Key())) + " AND e.id = " + q.place(string(p.ID)))
	}
	if p.WorkflowName != "" {
		q.where("e.workflow_name = " + q.place(p.WorkflowName))
	}
	if p.NotWorkflow != "" {
		q.where("e.workflow_name <> " + q.place(p.NotWorkflow))
	}
	if len(p.States) > 0 {
		places := make([]string, 0, len(p.States))
		for _, state := range p.States {
			places = append(places, q.place(string(state)))
		}
		q.where("s.state IN (" + strings.Join(places, ", ") + ")")
		if onlyLive(p.States) {
			q.where(live) // lets the planner see the partial index
		}
		if onlyBroken(p.States) {
			q.where("s.state IN ('ERROR', 'CANCELLED')") // as above
		}
	}
	if p.RootID != "" {
		q.where("e.root_id <> '' AND e.root_id = " + q.place(string(p.RootID)))
	}
	if p.ParentTask != "" {
		q.where("e.parent_task_id <> '' AND e.parent_task_id = " + q.place(string(p.ParentTask)))
	}
	if p.RootsOnly {
		q.where("e.parent_id = ''")
	}
	if !p.Since.IsZero() {
		q.where(along + ".created_at >= " + q.place(persistence.Micros(p.Since)))
	}
	if !p.Until.IsZero() {
		q.where(along + ".created_at <= " + q.place(persistence.Micros(p.Until)))
	}
}

// onlyBroken reports whether all states are of the partial index of what failed or was cancelled.
func onlyBroken(states []workflow.State) bool {
	return !slices.ContainsFunc(states, func(s workflow.State) bool { return s != workflow.Error && s != workflow.Cancelled })
}

// scanPage scans pageExecution, before the columns in behind.
func scanPage(rows *sql.Rows, behind ...any) (*workflow.ExecutionRecord, error) {
	r, err := scanRow(rows, behind...)
	if err != nil {
		return nil, err
	}
	return r.Decode()
}

func scanRow(rows *sql.Rows, behind ...any) (r persistence.ExecutionRow, err error) {
	err = rows.Scan(slices.Concat(factsOf(&r), stateOf(&r), behind)...)
	return r, err
}

// owners are the executions of the tasks or actions that are read, which are mostly of one.
type owners struct {
	row   persistence.ExecutionRow
	last  *workflow.ExecutionRecord   // what the row says
	short []*workflow.ExecutionRecord // whose documents have not come
}

// scan reads pageOwner, before the columns in behind.
func (o *owners) scan(rows *sql.Rows, behind ...any) (*workflow.ExecutionRecord, error) {
	r, err := scanRow(rows, behind...)
	if err != nil {
		return nil, err
	}
	if o.last != nil && r == o.row {
		return o.last, nil
	}
	o.row = r
	short := r.Doc == ""
	if short {
		r.Doc = "{}"
	}
	rec, err := r.Decode()
	if err != nil {
		return nil, err
	}
	if o.last = rec; short {
		o.short = append(o.short, rec)
	}
	return rec, nil
}

// complete reads the documents that have not come.
func (o *owners) complete(ctx context.Context, s *Store) error {
	for _, rec := range o.short {
		whole, err := s.FindExecution(ctx, "", rec.ID)
		if fault.Is(err, fault.NotFound) {
			continue // it has been deleted since
		}
		if err != nil {
			return err
		}
		*rec = *whole
	}
	return nil
}

// PageExecutions implements persistence.Pages.
func (s *Store) PageExecutions(ctx context.Context, q persistence.PageQuery) ([]persistence.ExecutionEntry, error) {
	text, args := s.dialect.pageStatement(s.dialect.executionPage(), q)
	return list(ctx, s, "list executions", func(rows *sql.Rows) (persistence.ExecutionEntry, error) {
		var given, data string
		rec, err := scanPage(rows, &given, &data)
		if err != nil {
			return persistence.ExecutionEntry{}, err
		}
		d, err := persistence.ParseDataText(rec.ID, given, data)
		return persistence.ExecutionEntry{Execution: rec, Data: d}, err
	}, text, args...)
}

// PageTasks implements persistence.Pages.
func (s *Store) PageTasks(ctx context.Context, q persistence.PageQuery) ([]persistence.TaskEntry, error) {
	text, args := s.dialect.pageStatement(s.dialect.taskPage(), q)
	var of owners
	out, err := list(ctx, s, "list tasks", func(rows *sql.Rows) (persistence.TaskEntry, error) {
		var r persistence.TaskRow
		rec, err := of.scan(rows, taskOf(&r)...)
		if err != nil {
			return persistence.TaskEntry{}, err
		}
		t, err := persistence.NewHome(rec.ID, persistence.Micros(rec.CreatedAt)).Task(&r)
		return persistence.TaskEntry{Execution: rec, Task: t}, err
	}, text, args...)
	if err != nil {
		return nil, err
	}
	return out, of.complete(ctx, s)
}

// PageActions implements persistence.Pages.
func (s *Store) PageActions(ctx context.Context, q persistence.PageQuery) ([]persistence.ActionEntry, error) {
	text, args := s.dialect.pageStatement(s.dialect.actionPage(), q)
	var of owners
	out, err := list(ctx, s, "list actions", func(rows *sql.Rows) (persistence.ActionEntry, error) {
		var owner string
		var r persistence.ActionRow
		rec, err := of.scan(rows, append([]any{&owner}, actionOf(&r)...)...)
		if err != nil {
			return persistence.ActionEntry{}, err
		}
		name, err := persistence.TaskName(owner)
		if err != nil {
			return persistence.ActionEntry{}, err
		}
		a, err := persistence.NewHome(rec.ID, persistence.Micros(rec.CreatedAt)).Action(&r)
		return persistence.ActionEntry{Execution: rec, TaskName: name, Action: a}, err
	}, text, args...)
	if err != nil {
		return nil, err
	}
	return out, of.complete(ctx, s)
}

const (
	// A project at a time: each is one step in the index, however many executions it has.
	nextProjectQuery = `SELECT project, project_id FROM executions WHERE project > $1 ORDER BY project LIMIT 1`
	countRootsQuery  = `SELECT count(*) FROM executions AS e JOIN execution_states AS s ON s.key = e.key WHERE e.parent_id = '' AND s.state IN ($1, $2, $3)`
)

// ExecutionProjects implements persistence.Pages. The index has the projects by their hashes: all are found, then sorted.
func (s *Store) ExecutionProjects(ctx context.Context, after string, limit int) ([]string, error) {
	type project struct {
		hash int64
		id   string
	}
	var out []string
	at := project{hash: math.MinInt64}
	for {
		next, err := list(ctx, s, "list projects", func(rows *sql.Rows) (p project, err error) {
			err = rows.Scan(&p.hash, &p.id)
			return p, err
		}, nextProjectQuery, at.hash)
		if err != nil {
			return nil, err
		}
		if len(next) == 0 {
			break
		}
		if at = next[0]; at.id > after {
			out = append(out, at.id)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), persistence.Limit(limit))], nil
}

// CountRoots implements persistence.Pages.
func (s *Store) CountRoots(ctx context.Context, states []workflow.State) (int, error) {
	var places [3]string
	for i, state := range states[:min(len(states), len(places))] {
		places[i] = string(state)
	}
	return one(ctx, s, "count executions", scanCount, countRootsQuery, places[0], places[1], places[2])
}

func scanCount(rows *sql.Rows) (int, error) {
	var n int
	err := rows.Scan(&n)
	return n, err
}
