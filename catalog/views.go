package catalog

import (
	"context"
	"fmt"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// viewsMax bounds what tasks() and executions() answer in one expression, in executions and in tasks each; readPage is
// how many rows are read at once.
const (
	viewsMax = 10000
	readPage = 1000
)

// ActionWorkflow names the workflow that an action runs in when it is run by itself, a member of the workbook ActionWorkbook.
// Names of workflows have no blanks, so no user's has this one. What is listed to users leaves its executions out.
const (
	ActionWorkbook = "one action"
	ActionWorkflow = ActionWorkbook + ".run"
)

// Executions lists the project's executions for executions(), oldest first.
func (f *facts) Executions(projectID string, q workflow.ExecutionsFilter) ([]workflow.ExecutionView, error) {
	ctx, cancel := context.WithTimeout(f.ctx, lookupTimeout)
	defer cancel()
	if q.ID != "" {
		rec, data, err := f.catalog.store.GetExecution(ctx, projectID, q.ID)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read execution %s: %w", q.ID, err)
		}
		return []workflow.ExecutionView{{Execution: *rec, Data: *data}}, nil
	}
	query := persistence.ExecutionsQuery{ProjectID: projectID, RootID: q.RootID}
	if q.State != "" {
		query.States = []workflow.State{q.State}
	}
	records, err := f.list(ctx, query, func(r *workflow.ExecutionRecord) bool {
		return (q.From.IsZero() || !r.CreatedAt.Before(q.From)) && (q.To.IsZero() || r.CreatedAt.Before(q.To))
	})
	if err != nil {
		return nil, err
	}
	views := make([]workflow.ExecutionView, 0, len(records))
	for i := len(records) - 1; i >= 0; i-- {
		_, data, err := f.catalog.store.GetExecution(ctx, projectID, records[i].ID)
		if fault.Is(err, fault.NotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, fmt.Errorf("read execution %s: %w", records[i].ID, err)
		}
		views = append(views, workflow.ExecutionView{Execution: *records[i], Data: *data})
	}
	return views, nil
}

// list reads all pages of a query, newest first, and keeps what fits.
func (f *facts) list(ctx context.Context, q persistence.ExecutionsQuery, keep func(*workflow.ExecutionRecord) bool) ([]*workflow.ExecutionRecord, error) {
	var out []*workflow.ExecutionRecord
	q.Limit = readPage
	for {
		page, err := f.catalog.store.ListExecutions(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list executions: %w", err)
		}
		for _, r := range page {
			if r.WorkflowName != ActionWorkflow && keep(r) {
				out = append(out, r)
			}
		}
		if len(out) > viewsMax {
			return nil, fault.New(fault.TooLarge, "more than %d executions match; narrow the filter", viewsMax)
		}
		if len(page) < readPage {
			return out, nil
		}
		last := page[len(page)-1]
		q.Before = &persistence.PageKey{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// Tasks lists task executions for tasks(): of one execution, of its tree, or of all the project's.
func (f *facts) Tasks(projectID string, q workflow.TasksFilter) ([]workflow.TaskView, error) {
	ctx, cancel := context.WithTimeout(f.ctx, lookupTimeout)
	defer cancel()
	var ids []workflow.ExecutionID
	if q.Execution != "" {
		if _, err := f.catalog.store.FindExecution(ctx, projectID, q.Execution); err != nil {
			if fault.Is(err, fault.NotFound) {
				return nil, nil
			}
			return nil, fmt.Errorf("read execution %s: %w", q.Execution, err)
		}
		ids = append(ids, q.Execution)
	} else {
		records, err := f.list(ctx, persistence.ExecutionsQuery{ProjectID: projectID}, func(*workflow.ExecutionRecord) bool { return true })
		if err != nil {
			return nil, err
		}
		for i := len(records) - 1; i >= 0; i-- {
			ids = append(ids, records[i].ID)
		}
	}
	var views []workflow.TaskView
	for _, id := range ids {
		var err error
		if views, err = f.appendTasks(ctx, views, id, q.Recursive && q.Execution != ""); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// appendTasks appends an execution's tasks, and then those of its sub-workflows, one after the other.
func (f *facts) appendTasks(ctx context.Context, views []workflow.TaskView, id workflow.ExecutionID, recursive bool) ([]workflow.TaskView, error) {
	own, err := f.tasksOf(ctx, id)
	if err != nil {
		return nil, err
	}
	views = append(views, own...)
	if len(views) > viewsMax {
		return nil, fault.New(fault.TooLarge, "more than %d tasks match; narrow the filter", viewsMax)
	}
	for _, v := range own {
		for _, a := range v.Actions {
			if !recursive || a.Kind != workflow.KindWorkflow {
				continue
			}
			if views, err = f.appendTasks(ctx, views, workflow.ExecutionID(a.ID), true); err != nil {
				return nil, err
			}
		}
	}
	return views, nil
}

// tasksOf reads an execution's tasks with their actions.
func (f *facts) tasksOf(ctx context.Context, id workflow.ExecutionID) ([]workflow.TaskView, error) {
	tasks, err := readAll(func(after int) ([]*workflow.TaskRecord, error) {
		return f.catalog.store.ListTasks(ctx, id, after, readPage)
	}, func(t *workflow.TaskRecord) int { return t.Seq })
	if err != nil {
		return nil, fmt.Errorf("list tasks of %s: %w", id, err)
	}
	all, err := readAll(func(after int) ([]*workflow.ActionRecord, error) {
		return f.catalog.store.ListActions(ctx, id, "", after, readPage)
	}, func(a *workflow.ActionRecord) int { return a.Seq })
	if err != nil {
		return nil, fmt.Errorf("list actions of %s: %w", id, err)
	}
	byTask := map[workflow.TaskID][]workflow.ActionRecord{}
	for _, a := range all {
		byTask[a.TaskID] = append(byTask[a.TaskID], *a)
	}
	views := make([]workflow.TaskView, 0, len(tasks))
	for _, t := range tasks {
		views = append(views, workflow.TaskView{Task: *t, Actions: byTask[t.ID]})
	}
	return views, nil
}

// readAll reads pages by sequence number; the first page is the one after -1.
func readAll[T any](page func(after int) ([]T, error), seq func(T) int) ([]T, error) {
	var out []T
	after := -1
	for {
		p, err := page(after)
		if err != nil {
			return nil, err
		}
		out = append(out, p...)
		if len(p) < readPage {
			return out, nil
		}
		after = seq(p[len(p)-1])
	}
}
