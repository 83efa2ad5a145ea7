package api

import (
	"net/http"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// treeMax bounds the executions of one answer about a tree.
const treeMax = 10_000

// subtree says how much of a tree is asked for.
type subtree struct {
	depthMax   int // negative: all; 0: only the execution itself
	errorsOnly bool
	output     bool
	statistics bool // only these
	root       bool // the first execution is shown whatever its state
}

// readSubtree reads the parameters of what shows a tree.
func readSubtree(r *http.Request, known ...string) (subtree, error) {
	q := r.URL.Query()
	t := subtree{depthMax: -1}
	err := knownOnly(q, append(known, "errors_only", "max_depth")...)
	if err != nil {
		return t, err
	}
	if t.errorsOnly, err = flag(q, "errors_only", false); err != nil {
		return t, err
	}
	if t.output, err = flag(q, "include_output", false); err != nil {
		return t, err
	}
	if t.statistics, err = flag(q, "statistics_only", false); err != nil {
		return t, err
	}
	if v := q.Get("max_depth"); v != "" {
		if t.depthMax, err = parseInt("max_depth", v); err != nil {
			return t, err
		}
	}
	return t, nil
}

// family is an execution with all that is below it.
type family struct {
	entries  map[workflow.ExecutionID]persistence.ExecutionEntry
	children map[workflow.TaskID][]workflow.ExecutionID // in the order of their creation
	below    map[workflow.ExecutionID][]workflow.ExecutionID
}

// familyOf reads the tree that an execution belongs to: one list by the root.
func (s *server) familyOf(r *http.Request, rec *workflow.ExecutionRecord, data *workflow.ExecutionData) (*family, error) {
	f := &family{
		entries:  map[workflow.ExecutionID]persistence.ExecutionEntry{rec.ID: {Execution: rec, Data: data}},
		children: map[workflow.TaskID][]workflow.ExecutionID{},
		below:    map[workflow.ExecutionID][]workflow.ExecutionID{},
	}
	root := rec.RootID
	if root == "" {
		root = rec.ID
	}
	q := persistence.PageQuery{ProjectID: rec.ProjectID, RootID: root, Limit: pageMax}
	for {
		list, err := s.Store.PageExecutions(r.Context(), q)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			x := e.Execution
			if x.ID != rec.ID {
				f.entries[x.ID] = e
			}
			f.children[x.ParentTaskID] = append(f.children[x.ParentTaskID], x.ID)
			f.below[x.ParentID] = append(f.below[x.ParentID], x.ID)
		}
		if len(list) < pageMax {
			return f, nil
		}
		if len(f.entries) > treeMax {
			return nil, fault.New(fault.Invalid, "More than %d executions belong to execution %s: ask for a part of the tree", treeMax, root)
		}
		last := list[len(list)-1].Execution
		q.After = &persistence.PageMark{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// walk lists an execution and what is below it, parents first, down to a depth.
func (f *family) walk(id workflow.ExecutionID, t subtree, depth int, visit func(persistence.ExecutionEntry)) {
	e, ok := f.entries[id]
	if !ok || depth > workflow.DepthMax {
		return
	}
	if !t.errorsOnly || e.Execution.State == workflow.Error || t.root && depth == 0 {
		visit(e)
	}
	if t.depthMax >= 0 && depth >= t.depthMax {
		return
	}
	for _, child := range f.below[id] {
		f.walk(child, t, depth+1, visit)
	}
}

// listTree lists an execution with all that is below it.
func (s *server) listTree(r *http.Request) (int, any, error) {
	t, err := readSubtree(r, "include_output")
	if err != nil {
		return 0, nil, err
	}
	rec, data, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := s.familyOf(r, rec, data)
	if err != nil {
		return 0, nil, err
	}
	t.root = true
	return s.answerTree(r, t, func(visit func(persistence.ExecutionEntry)) { f.walk(rec.ID, t, 0, visit) })
}

// listTaskTree lists the executions below a task.
func (s *server) listTaskTree(r *http.Request) (int, any, error) {
	t, err := readSubtree(r, "include_output")
	if err != nil {
		return 0, nil, err
	}
	rec, task, err := s.findTask(r)
	if err != nil {
		return 0, nil, err
	}
	_, data, err := s.Store.GetExecution(r.Context(), rec.ProjectID, rec.ID)
	if err != nil {
		return 0, nil, err
	}
	f, err := s.familyOf(r, rec, data)
	if err != nil {
		return 0, nil, err
	}
	return s.answerTree(r, t, func(visit func(persistence.ExecutionEntry)) {
		for _, child := range f.children[task.ID] {
			f.walk(child, t, 0, visit)
		}
	})
}

func (s *server) answerTree(r *http.Request, t subtree, walk func(visit func(persistence.ExecutionEntry))) (int, any, error) {
	out := apitype.Executions{Executions: []apitype.Execution{}}
	var first error
	walk(func(e persistence.ExecutionEntry) {
		item, err := s.executionJSON(r.Context(), e.Execution, e.Data)
		if err != nil && first == nil {
			first = err
		}
		if !t.output {
			item.Output = apitype.Opt[string]{}
		}
		item.PublishedGlobal = apitype.Opt[string]{}
		out.Executions = append(out.Executions, item)
	})
	return http.StatusOK, out, first
}
