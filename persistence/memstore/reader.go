package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// GetExecution implements persistence.Reader.
func (s *Store) GetExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, *workflow.ExecutionData, error) {
	var rec *workflow.ExecutionRecord
	var data *workflow.ExecutionData
	err := s.read(ctx, "GetExecution", func() error {
		e := s.executions[id]
		if e == nil || (projectID != "" && e.row.ProjectID != projectID) {
			return fault.New(fault.NotFound, "execution %s", id)
		}
		var err error
		if rec, err = e.row.Decode(); err != nil {
			return err
		}
		data, err = persistence.ParseDataText(id, e.given, e.data)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return rec, data, nil
}

// FindExecution implements persistence.Reader.
func (s *Store) FindExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, error) {
	rec, _, err := s.GetExecution(ctx, projectID, id)
	return rec, err
}

// ListExecutions implements persistence.Reader.
func (s *Store) ListExecutions(ctx context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error) {
	var out []*workflow.ExecutionRecord
	err := s.read(ctx, "ListExecutions", func() error {
		var rows []*persistence.ExecutionRow
		for _, e := range s.executions {
			if selected(q, &e.row) {
				rows = append(rows, &e.row)
			}
		}
		slices.SortFunc(rows, func(a, b *persistence.ExecutionRow) int {
			return -cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Key, b.Key))
		})
		for _, row := range rows[:min(len(rows), persistence.Limit(q.Limit))] {
			rec, err := row.Decode()
			if err != nil {
				return err
			}
			out = append(out, rec)
		}
		return nil
	})
	return out, err
}

func selected(q persistence.ExecutionsQuery, row *persistence.ExecutionRow) bool {
	if q.Before != nil {
		at := persistence.Micros(q.Before.CreatedAt)
		if row.CreatedAt > at || (row.CreatedAt == at && row.Key >= int64(q.Before.ID.Key())) {
			return false
		}
	}
	return (q.ProjectID == "" || row.ProjectID == q.ProjectID) &&
		(q.WorkflowName == "" || row.WorkflowName == q.WorkflowName) &&
		(len(q.States) == 0 || slices.Contains(q.States, workflow.State(row.State))) &&
		(q.RootID == "" || row.RootID == string(q.RootID)) &&
		(q.ParentTask == "" || row.ParentTaskID == string(q.ParentTask)) &&
		(!q.RootsOnly || row.ParentID == "")
}

// ListTasks implements persistence.Reader.
func (s *Store) ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error) {
	var out []*workflow.TaskRecord
	err := s.read(ctx, "ListTasks", func() error {
		e := s.executions[id]
		if e == nil {
			return nil
		}
		for _, seq := range slices.Sorted(maps.Keys(e.tasks)) {
			if seq <= int64(after) || len(out) == persistence.Limit(limit) {
				continue
			}
			row := e.tasks[seq]
			t, err := e.row.Home().Task(&row)
			if err != nil {
				return err
			}
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

// ListActions implements persistence.Reader.
func (s *Store) ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error) {
	var out []*workflow.ActionRecord
	err := s.read(ctx, "ListActions", func() error {
		e := s.executions[id]
		if e == nil {
			return nil
		}
		for _, seq := range slices.Sorted(maps.Keys(e.actions)) {
			row := e.actions[seq]
			if seq <= int64(after) || len(out) == persistence.Limit(limit) {
				continue
			}
			a, err := e.row.Home().Action(&row)
			if err != nil {
				return err
			}
			if task != "" && a.TaskID != task {
				continue
			}
			out = append(out, a)
		}
		return nil
	})
	return out, err
}

// FindTask implements persistence.Reader.
func (s *Store) FindTask(ctx context.Context, id workflow.TaskID) (*workflow.TaskRecord, error) {
	var out *workflow.TaskRecord
	err := s.read(ctx, "FindTask", func() error {
		key, seq, _ := id.Place()
		for other, e := range s.executions {
			if row, there := e.tasks[int64(seq)]; there && other.Key() == key {
				var err error
				if out, err = e.row.Home().Task(&row); err != nil || out.ID == id {
					return err
				}
			}
		}
		return fault.New(fault.NotFound, "task %s", id)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// FindAction implements persistence.Reader.
func (s *Store) FindAction(ctx context.Context, id workflow.ActionID) (*workflow.ActionRecord, error) {
	var out *workflow.ActionRecord
	err := s.read(ctx, "FindAction", func() error {
		key, seq, _ := id.Place()
		for other, e := range s.executions {
			if row, there := e.actions[int64(seq)]; there && other.Key() == key {
				var err error
				if out, err = e.row.Home().Action(&row); err != nil || out.ID == id {
					return err
				}
			}
		}
		return fault.New(fault.NotFound, "action %s", id)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// History implements persistence.Reader.
func (s *Store) History(ctx context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	var out []workflow.HistoryEvent
	err := s.read(ctx, "History", func() error {
		e := s.executions[id]
		if e == nil {
			return nil
		}
		var err error
		out, err = e.row.Home().JoinHistory(e.history, after, limit)
		return err
	})
	return out, err
}

// CountExecutions implements persistence.Reader.
func (s *Store) CountExecutions(ctx context.Context, projectID string) (map[workflow.State]int, error) {
	out := map[workflow.State]int{}
	err := s.read(ctx, "CountExecutions", func() error {
		for _, e := range s.executions {
			if projectID == "" || e.row.ProjectID == projectID {
				out[workflow.State(e.row.State)]++
			}
		}
		return nil
	})
	return out, err
}
