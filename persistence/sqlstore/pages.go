package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"cierzo/persistence"
	"cierzo/workflow"
)

// Lists of executions, tasks and actions go along the index of executions by project and time of creation; what belongs
// to an execution is found by its own key. The servers' planners must not turn that round: they guess the size of the join
// far too small, for the two halves of a key are not independent, and then read whole tables for one page.

const (
	pageExecution = `e.shard, e.id, e.project_id, e.workflow_name, e.state, e.root_id, e.parent_id, e.parent_task_id, e.wake_at, e.wanting, e.busy, e.created_at, e.runners, e.doc`
	// OFFSET 0 keeps PostgreSQL from opening the inner query.
	dataOfEach    = ` JOIN LATERAL (SELECT vals FROM execution_data AS x WHERE x.shard = e.shard AND x.execution_id = e.id OFFSET 0) AS d ON TRUE`
	tasksOfEach   = ` JOIN LATERAL (SELECT seq, id, doc, vals FROM tasks AS x WHERE x.shard = e.shard AND x.execution_id = e.id OFFSET 0) AS p ON TRUE`
	actionsOfEach = ` JOIN LATERAL (SELECT seq, id, task_id, doc, vals FROM actions AS x WHERE x.shard = e.shard AND x.execution_id = e.id OFFSET 0) AS p ON TRUE`
	// SQLite knows no LATERAL and joins as it is told by CROSS JOIN.
	dataOfOne    = ` CROSS JOIN execution_data AS d ON d.shard = e.shard AND d.execution_id = e.id`
	tasksOfOne   = ` CROSS JOIN tasks AS p ON p.shard = e.shard AND p.execution_id = e.id`
	actionsOfOne = ` CROSS JOIN actions AS p ON p.shard = e.shard AND p.execution_id = e.id`
)

// paged says what a page is of.
type paged struct {
	columns string
	join    string // of what belongs to an execution, as p
	parts   bool   // of tasks or actions: rows p of an execution, by p.seq
}

func (d dialect) executionPage() paged {
	p := paged{`d.vals`, dataOfOne, false}
	if d.server {
		p.join = dataOfEach
	}
	return p
}

func (d dialect) taskPage() paged {
	p := paged{`p.seq, p.id, p.doc, p.vals`, tasksOfOne, true}
	if d.server {
		p.join = tasksOfEach
	}
	return p
}

func (d dialect) actionPage() paged {
	p := paged{`t.doc, p.seq, p.id, p.task_id, p.doc, p.vals`, actionsOfOne, true}
	if d.server {
		p.join = actionsOfEach
	}
	p.join += ` JOIN tasks AS t ON t.id = p.task_id`
	return p
}

// pageStatement has a condition for each field that selects.
func pageStatement(p paged, q persistence.PageQuery) (string, []any) {
	var w selection
	w.whichExecutions(q)
	order, beyond := "", ">"
	if q.Descending {
		order, beyond = " DESC", "<"
	}
	created := "e.created_at"
	if ofAll(q) {
		created = "(e.created_at + 0)" // what the index executions_all is of
	}
	if q.After != nil {
		at, id := w.place(persistence.Micros(q.After.CreatedAt)), w.place(string(q.After.ID))
		if ofAll(q) {
			w.where(created + " " + beyond + "= " + at) // SQLite bounds no expression by a comparison of rows
		}
		if p.parts {
			// The first condition bounds the index; the second leaves out what the page before has of its last execution.
			w.where("(" + created + ", e.id) " + beyond + "= (" + at + ", " + id + ")")
			w.where("((e.created_at, e.id) <> (" + at + ", " + id + ") OR p.seq " + beyond + " " + w.place(q.After.Seq) + ")")
		} else {
			w.where("(" + created + ", e.id) " + beyond + " (" + at + ", " + id + ")")
		}
	}
	where := ""
	if len(w.conditions) > 0 {
		where = " WHERE " + w.all()
	}
	by := " ORDER BY " + created + order + ", e.id" + order
	limit := " LIMIT " + w.place(persistence.Limit(q.Limit))
	if p.parts {
		return "SELECT " + pageExecution + ", " + p.columns + " FROM executions AS e" + p.join + where + by + ", p.seq" + order + limit, w.args
	}
	// Each execution has its data: the page is cut before they are joined.
	return "SELECT " + pageExecution + ", " + p.columns + " FROM (SELECT " + pageExecution + " FROM executions AS e" + where + by + limit + ") AS e" + p.join + by, w.args
}

// ofAll reports whether a page is of the executions of all projects, with no index of its own.
func ofAll(q persistence.PageQuery) bool {
	return q.ProjectID == "" && q.ID == "" && q.RootID == "" && q.ParentTask == "" && (len(q.States) == 0 || !onlyLive(q.States))
}

// all are the conditions as one.
func (q *selection) all() string { return strings.Join(q.conditions, " AND ") }

// whichExecutions adds the conditions on executions, e.
func (q *selection) whichExecutions(p persistence.PageQuery) {
	if p.ProjectID != "" {
		q.where("e.project_id = " + q.place(p.ProjectID))
	}
	if p.ID != "" {
		q.where("e.shard = " + q.place(persistence.Shard(p.ID)) + " AND e.id = " + q.place(string(p.ID)))
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
		q.where("e.state IN (" + strings.Join(places, ", ") + ")")
		if onlyLive(p.States) {
			q.where("e.state IN ('RUNNING', 'PAUSED', 'IDLE')") // lets the planner see the partial index
		}
		if onlyBroken(p.States) {
			q.where("e.state IN ('ERROR', 'CANCELLED')") // as above
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
		q.where("e.created_at >= " + q.place(persistence.Micros(p.Since)))
	}
	if !p.Until.IsZero() {
		q.where("e.created_at <= " + q.place(persistence.Micros(p.Until)))
	}
}

// onlyBroken reports whether all states are of the partial index of what failed or was cancelled.
func onlyBroken(states []workflow.State) bool {
	return !slices.ContainsFunc(states, func(s workflow.State) bool { return s != workflow.Error && s != workflow.Cancelled })
}

// scanPage scans pageExecution, before the columns in behind.
func scanPage(rows *sql.Rows, behind ...any) (*workflow.ExecutionRecord, error) {
	var r persistence.ExecutionRow
	err := rows.Scan(append([]any{
		&r.Shard, &r.ID, &r.ProjectID, &r.WorkflowName, &r.State, &r.RootID, &r.ParentID, &r.ParentTaskID,
		&r.WakeAt, &r.Wanting, &r.Busy, &r.CreatedAt, &r.Runners, &r.Doc,
	}, behind...)...)
	if err != nil {
		return nil, err
	}
	return r.Decode()
}

// PageExecutions implements persistence.Pages.
func (s *Store) PageExecutions(ctx context.Context, q persistence.PageQuery) ([]persistence.ExecutionEntry, error) {
	text, args := pageStatement(s.dialect.executionPage(), q)
	return list(ctx, s, "list executions", func(rows *sql.Rows) (persistence.ExecutionEntry, error) {
		var data string
		rec, err := scanPage(rows, &data)
		if err != nil {
			return persistence.ExecutionEntry{}, err
		}
		d, err := persistence.ParseDataText(data)
		return persistence.ExecutionEntry{Execution: rec, Data: d}, err
	}, text, args...)
}

// PageTasks implements persistence.Pages.
func (s *Store) PageTasks(ctx context.Context, q persistence.PageQuery) ([]persistence.TaskEntry, error) {
	text, args := pageStatement(s.dialect.taskPage(), q)
	return list(ctx, s, "list tasks", func(rows *sql.Rows) (persistence.TaskEntry, error) {
		var r persistence.TaskRow
		rec, err := scanPage(rows, &r.Seq, &r.ID, &r.Doc, &r.Values)
		if err != nil {
			return persistence.TaskEntry{}, err
		}
		r.ExecutionID = string(rec.ID)
		t, err := r.Decode()
		return persistence.TaskEntry{Execution: rec, Task: t}, err
	}, text, args...)
}

// PageActions implements persistence.Pages.
func (s *Store) PageActions(ctx context.Context, q persistence.PageQuery) ([]persistence.ActionEntry, error) {
	text, args := pageStatement(s.dialect.actionPage(), q)
	return list(ctx, s, "list actions", func(rows *sql.Rows) (persistence.ActionEntry, error) {
		var owner persistence.TaskRow
		var r persistence.ActionRow
		rec, err := scanPage(rows, &owner.Doc, &r.Seq, &r.ID, &r.TaskID, &r.Doc, &r.Values)
		if err != nil {
			return persistence.ActionEntry{}, err
		}
		r.ExecutionID, owner.ID = string(rec.ID), r.TaskID
		t, err := owner.Decode()
		if err != nil {
			return persistence.ActionEntry{}, err
		}
		a, err := r.Decode()
		return persistence.ActionEntry{Execution: rec, TaskName: t.Name, Action: a}, err
	}, text, args...)
}
