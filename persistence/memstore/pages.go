package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"cierzo/persistence"
	"cierzo/workflow"
)

// paged lists the executions that a query selects, in the order of its list. The mark's own execution is in it: its
// tasks may go on behind the mark.
func (s *Store) paged(q persistence.PageQuery) []*execution {
	var out []*execution
	for _, e := range s.executions {
		if inPage(q, &e.row) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *execution) int {
		return direction(q, cmp.Or(cmp.Compare(a.row.CreatedAt, b.row.CreatedAt), cmp.Compare(a.row.Key, b.row.Key)))
	})
	return out
}

func direction(q persistence.PageQuery, order int) int {
	if q.Descending {
		return -order
	}
	return order
}

func inPage(q persistence.PageQuery, row *persistence.ExecutionRow) bool {
	if q.After != nil && behind(q, row) < 0 {
		return false
	}
	return (q.ProjectID == "" || row.ProjectID == q.ProjectID) &&
		(q.ID == "" || row.ID == string(q.ID)) &&
		(q.WorkflowName == "" || row.WorkflowName == q.WorkflowName) &&
		(q.NotWorkflow == "" || row.WorkflowName != q.NotWorkflow) &&
		(len(q.States) == 0 || slices.Contains(q.States, workflow.State(row.State))) &&
		(q.RootID == "" || row.RootID == string(q.RootID)) &&
		(q.ParentTask == "" || row.ParentTaskID == string(q.ParentTask)) &&
		(!q.RootsOnly || row.ParentID == "") &&
		(q.Since.IsZero() || row.CreatedAt >= persistence.Micros(q.Since)) &&
		(q.Until.IsZero() || row.CreatedAt <= persistence.Micros(q.Until))
}

// behind compares an execution with the mark: 1 is behind it, 0 is the mark's own.
func behind(q persistence.PageQuery, row *persistence.ExecutionRow) int {
	return direction(q, cmp.Or(cmp.Compare(row.CreatedAt, persistence.Micros(q.After.CreatedAt)), cmp.Compare(row.Key, int64(q.After.ID.Key()))))
}

// PageExecutions implements persistence.Pages.
func (s *Store) PageExecutions(ctx context.Context, q persistence.PageQuery) ([]persistence.ExecutionEntry, error) {
	var out []persistence.ExecutionEntry
	err := s.read(ctx, "PageExecutions", func() error {
		for _, e := range s.paged(q) {
			if len(out) == persistence.Limit(q.Limit) {
				break
			}
			if q.After != nil && behind(q, &e.row) == 0 {
				continue
			}
			rec, err := e.row.Decode()
			if err != nil {
				return err
			}
			data, err := persistence.ParseDataText(rec.ID, e.given, e.data)
			if err != nil {
				return err
			}
			out = append(out, persistence.ExecutionEntry{Execution: rec, Data: data})
		}
		return nil
	})
	return out, err
}

// pageParts calls add for the numbers of parts of the selected executions, in the order of the list, until it has called
// it for a whole page.
func (s *Store) pageParts(q persistence.PageQuery, seqs func(e *execution) []int64, add func(e *execution, rec *workflow.ExecutionRecord, seq int64) error) error {
	n := 0
	for _, e := range s.paged(q) {
		rec, err := e.row.Decode()
		if err != nil {
			return err
		}
		list := seqs(e)
		slices.SortFunc(list, func(a, b int64) int { return direction(q, cmp.Compare(a, b)) })
		for _, seq := range list {
			if q.After != nil && behind(q, &e.row) == 0 && direction(q, cmp.Compare(seq, int64(q.After.Seq))) <= 0 {
				continue
			}
			if n == persistence.Limit(q.Limit) {
				return nil
			}
			n++
			if err := add(e, rec, seq); err != nil {
				return err
			}
		}
	}
	return nil
}

// PageTasks implements persistence.Pages.
func (s *Store) PageTasks(ctx context.Context, q persistence.PageQuery) ([]persistence.TaskEntry, error) {
	var out []persistence.TaskEntry
	err := s.read(ctx, "PageTasks", func() error {
		return s.pageParts(q, func(e *execution) []int64 { return slices.Collect(maps.Keys(e.tasks)) },
			func(e *execution, rec *workflow.ExecutionRecord, seq int64) error {
				row := e.tasks[seq]
				t, err := e.row.Home().Task(&row)
				out = append(out, persistence.TaskEntry{Execution: rec, Task: t})
				return err
			})
	})
	return out, err
}

// PageActions implements persistence.Pages.
func (s *Store) PageActions(ctx context.Context, q persistence.PageQuery) ([]persistence.ActionEntry, error) {
	var out []persistence.ActionEntry
	err := s.read(ctx, "PageActions", func() error {
		return s.pageParts(q, func(e *execution) []int64 { return slices.Collect(maps.Keys(e.actions)) },
			func(e *execution, rec *workflow.ExecutionRecord, seq int64) error {
				row := e.actions[seq]
				a, err := e.row.Home().Action(&row)
				if err != nil {
					return err
				}
				entry := persistence.ActionEntry{Execution: rec, Action: a}
				if t, there := e.tasks[row.Task]; there {
					owner, err := e.row.Home().Task(&t)
					if err != nil {
						return err
					}
					entry.TaskName = owner.Name
				}
				out = append(out, entry)
				return nil
			})
	})
	return out, err
}

// ExecutionProjects implements persistence.Pages.
func (s *Store) ExecutionProjects(ctx context.Context, after string, limit int) ([]string, error) {
	var out []string
	err := s.read(ctx, "ExecutionProjects", func() error {
		seen := map[string]bool{}
		for _, e := range s.executions {
			if p := e.row.ProjectID; p > after && !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
		slices.Sort(out)
		out = out[:min(len(out), persistence.Limit(limit))]
		return nil
	})
	return out, err
}

// CountRoots implements persistence.Pages.
func (s *Store) CountRoots(ctx context.Context, states []workflow.State) (int, error) {
	n := 0
	err := s.read(ctx, "CountRoots", func() error {
		for _, e := range s.executions {
			if e.row.ParentID == "" && slices.Contains(states, workflow.State(e.row.State)) {
				n++
			}
		}
		return nil
	})
	return n, err
}
