package api

import (
	"net/http"
	"slices"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// source is a list in the store: rows in the order of the executions' creation.
type source[T any] struct {
	query persistence.PageQuery // what is selected; paging is scan's
	read  func(q persistence.PageQuery) ([]T, error)
	mark  func(row T) *persistence.PageMark
	// find is the place of the item with the id.
	find func(id string) (*persistence.PageMark, error)
	// item is what the list shows of a row; nil: not shown.
	item func(row T) (any, error)
}

// scan makes a page of a list. In the store's own order it reads on until the page is full; any other order needs all
// items at once, which is bounded.
func scan[T any](r *http.Request, c collection, q *listQuery, src source[T]) (int, any, error) {
	src.query.Limit = pageMax
	if !q.storeOrder() {
		items, err := scanAll(q, src)
		if err != nil {
			return 0, nil, err
		}
		body, err := page(r, c, q, items)
		return http.StatusOK, body, err
	}
	src.query.Descending = q.sortDesc[0]
	if q.marker != "" {
		mark, err := src.find(q.marker)
		if fault.Is(err, fault.NotFound) {
			return 0, nil, noMarker(c, q.marker)
		}
		if err != nil {
			return 0, nil, err
		}
		src.query.After = mark
	}
	objects, last, err := scanPage(q, src)
	if err != nil {
		return 0, nil, err
	}
	next := ""
	if last != "" {
		next = q.next(r, last)
	}
	return http.StatusOK, q.answer(c, objects, next), nil
}

// storeOrder reports whether the list is asked for in the order that it has in the store.
func (q *listQuery) storeOrder() bool {
	return q.sortKeys[0] == "created_at" && (len(q.sortKeys) == 1 || len(q.sortKeys) == 2 && q.sortKeys[1] == "id")
}

// scanPage reads until the page is full, nothing is left, or too many rows didn't fit. last is the id of the last item that
// was looked at when there may be more behind it.
func scanPage[T any](q *listQuery, src source[T]) (objects []object, last string, err error) {
	objects = []object{}
	for seen := 0; seen < scanMax; {
		// A page needs no more rows than it shows, if the store knows all conditions. Else the reads grow.
		src.query.Limit = min(pageMax, q.limit-len(objects)+3*seen)
		rows, err := src.read(src.query)
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			seen++
			item, err := src.item(row)
			if err != nil {
				return nil, "", err
			}
			if item == nil {
				continue
			}
			o, err := objectOf(item)
			if err != nil {
				return nil, "", err
			}
			last = plain(o["id"])
			if !q.matches(o) {
				continue
			}
			if objects = append(objects, o); len(objects) == q.limit {
				return objects, last, nil
			}
		}
		if len(rows) < src.query.Limit {
			return objects, "", nil
		}
		src.query.After = src.mark(rows[len(rows)-1])
	}
	return objects, last, nil
}

// scanAll reads all items that match; page sorts them.
func scanAll[T any](q *listQuery, src source[T]) ([]any, error) {
	items := []any{}
	for seen := 0; ; {
		rows, err := src.read(src.query)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			item, err := src.item(row)
			if err != nil {
				return nil, err
			}
			if item == nil {
				continue
			}
			o, err := objectOf(item)
			if err != nil {
				return nil, err
			}
			if q.matches(o) {
				items = append(items, item)
			}
		}
		if seen += len(rows); len(rows) < src.query.Limit {
			return items, nil
		}
		if seen >= scanMax || len(items) > listMax {
			return nil, fault.New(fault.Invalid, "Too many items to be sorted by %s: narrow the filter, or sort by created_at", q.sortKeys[0])
		}
		src.query.After = src.mark(rows[len(rows)-1])
	}
}

// narrow gives the store the filters that it knows; all of them are applied to what it answers, too.
func (q *listQuery) narrow(sq persistence.PageQuery) persistence.PageQuery {
	for _, f := range q.filters {
		switch {
		case f.column == "created_at":
			sq = f.narrowTime(sq)
		case f.column == "state" && f.op == "in":
			for _, v := range splitList(f.value) {
				sq.States = append(sq.States, workflow.State(v))
			}
		case f.op != "eq":
		case f.column == "workflow_name":
			sq.WorkflowName = f.value
		case f.column == "state":
			sq.States = []workflow.State{workflow.State(f.value)}
		case f.column == "root_execution_id":
			sq.RootID = workflow.ExecutionID(f.value)
		case f.column == "task_execution_id":
			sq.ParentTask = workflow.TaskID(f.value)
		}
	}
	if slices.Contains(q.nulls, "task_execution_id") || slices.Contains(q.nulls, "root_execution_id") {
		sq.RootsOnly = true
	}
	return sq
}

// narrowTime bounds the time of creation. The API's times are whole seconds, so the bounds leave one to spare.
func (f filter) narrowTime(sq persistence.PageQuery) persistence.PageQuery {
	at, err := time.Parse(apitype.TimeFormat, f.value)
	if err != nil {
		return sq
	}
	if f.op == "gt" || f.op == "gte" || f.op == "eq" {
		sq.Since = at.Add(-time.Second)
	}
	if f.op == "lt" || f.op == "lte" || f.op == "eq" {
		sq.Until = at.Add(time.Second)
	}
	return sq
}
