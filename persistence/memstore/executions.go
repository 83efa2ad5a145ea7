package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Commit implements persistence.Executions.
func (s *Store) Commit(ctx context.Context, turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	seen := make(map[workflow.ExecutionID]bool, len(turns))
	for i := range turns {
		if seen[turns[i].ID] {
			return nil, fault.New(fault.Invalid, "commit: execution %s has two turns", turns[i].ID)
		}
		seen[turns[i].ID] = true
	}
	outcomes := make([]persistence.TurnOutcome, len(turns))
	err := s.write(ctx, "Commit", func() error {
		batch := make([]*persistence.TurnRows, len(turns))
		for i := range turns {
			rows, err := turns[i].Rows()
			if err != nil {
				outcomes[i] = persistence.Refused
				continue
			}
			if err := s.agrees(rows); err != nil {
				return err
			}
			batch[i] = rows
		}
		for i, rows := range batch {
			if rows != nil {
				outcomes[i] = s.commit(rows)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// agrees checks that what a turn calls new isn't there, and what it changes is.
func (s *Store) agrees(rows *persistence.TurnRows) error {
	e := s.executions[workflow.ExecutionID(rows.Execution.ID)]
	if (e == nil) != rows.Create || e != nil && e.epoch != rows.Epoch {
		return nil // nothing of it is written
	}
	if e == nil {
		e = &execution{}
	}
	for _, t := range rows.Tasks {
		if _, there := e.tasks[t.Seq]; there == t.New {
			return fault.New(fault.Internal, "a turn and the store disagree on task %d of execution %s", t.Seq, rows.Execution.ID)
		}
	}
	for _, a := range rows.Actions {
		if _, there := e.actions[a.Seq]; there == a.New {
			return fault.New(fault.Internal, "a turn and the store disagree on action %d of execution %s", a.Seq, rows.Execution.ID)
		}
	}
	return nil
}

func (s *Store) isNewest(r persistence.RevisionOf) bool {
	d := s.definitions[r.DefinitionKey]
	return d != nil && d.ID == r.ID
}

func (s *Store) isVersion(version int64) bool {
	return version == 0 || version == int64(1+s.changes)
}

func (s *Store) commit(rows *persistence.TurnRows) persistence.TurnOutcome {
	id := workflow.ExecutionID(rows.Execution.ID)
	e := s.executions[id]
	switch {
	case rows.Create && e != nil && !planted.Has(planted.StartRepeats):
		return persistence.Exists
	case !rows.Create && (e == nil || e.epoch != rows.Epoch && !planted.Has(planted.OldEpochAccepted)):
		return persistence.Fenced
	case rows.Newest.ID != "" && !s.isNewest(rows.Newest), !s.isVersion(rows.Definitions):
		return persistence.Outdated
	case rows.Create:
		e = &execution{epoch: 1, owner: rows.Node, tasks: map[int64]persistence.TaskRow{}, actions: map[int64]persistence.ActionRow{}}
		s.executions[id] = e
	default:
		r, old := &rows.Execution, &e.row
		r.ProjectID, r.WorkflowName, r.CreatedAt, r.About = old.ProjectID, old.WorkflowName, old.CreatedAt, old.About
		r.RootID, r.ParentID, r.ParentTaskID = old.RootID, old.ParentID, old.ParentTaskID
	}
	e.row = rows.Execution
	if rows.HasGiven {
		e.given = rows.Given
	}
	if rows.HasData {
		e.data = rows.Data
	}
	for _, t := range rows.Tasks {
		if !t.New {
			t.About = e.tasks[t.Seq].About
		}
		e.tasks[t.Seq] = t
	}
	for _, a := range rows.Actions {
		if !a.New {
			old := e.actions[a.Seq]
			a.Task, a.About, a.Given = old.Task, old.About, old.Given
		}
		e.actions[a.Seq] = a
	}
	if h := rows.History; h != nil {
		e.history = slices.DeleteFunc(e.history, func(old persistence.HistoryRow) bool { return old.LastSeq == h.LastSeq })
		e.history = append(e.history, *h)
	}
	s.post(rows.Notices)
	return persistence.Committed
}

// Activate implements persistence.Executions.
func (s *Store) Activate(ctx context.Context, ids []workflow.ExecutionID, node persistence.NodeID) ([]persistence.Activation, error) {
	if err := persistence.CheckOnce(ids); err != nil {
		return nil, err
	}
	out := make([]persistence.Activation, len(ids))
	err := s.write(ctx, "Activate", func() error {
		for i, id := range ids {
			out[i].Snapshot, out[i].Err = s.activate(id, node)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Store) activate(id workflow.ExecutionID, node persistence.NodeID) (*persistence.Snapshot, error) {
	snap, err := s.peek(id)
	if err != nil {
		return nil, err
	}
	e := s.executions[id]
	e.epoch++
	e.owner = node
	snap.Epoch = e.epoch
	return snap, nil
}

// Peek implements persistence.Executions.
func (s *Store) Peek(ctx context.Context, ids []workflow.ExecutionID) ([]persistence.Activation, error) {
	if err := persistence.CheckOnce(ids); err != nil {
		return nil, err
	}
	out := make([]persistence.Activation, len(ids))
	err := s.read(ctx, "Peek", func() error {
		for i, id := range ids {
			out[i].Snapshot, out[i].Err = s.peek(id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Store) peek(id workflow.ExecutionID) (*persistence.Snapshot, error) {
	e := s.executions[id]
	if e == nil {
		return nil, fault.New(fault.NotFound, "execution %s", id)
	}
	snap, err := e.snapshot()
	if err == nil {
		snap.Epoch = e.epoch
	}
	return snap, err
}

func (e *execution) snapshot() (*persistence.Snapshot, error) {
	rows := persistence.SnapshotRows{Execution: e.row, Given: e.given, Data: e.data}
	for _, seq := range slices.Sorted(maps.Keys(e.tasks)) {
		rows.Tasks = append(rows.Tasks, e.tasks[seq])
	}
	for _, seq := range slices.Sorted(maps.Keys(e.actions)) {
		rows.Actions = append(rows.Actions, e.actions[seq])
	}
	return rows.Snapshot()
}

// DeleteExecution implements persistence.Executions.
func (s *Store) DeleteExecution(ctx context.Context, id workflow.ExecutionID, force bool) error {
	return s.write(ctx, "DeleteExecution", func() error {
		e := s.executions[id]
		if e == nil {
			return fault.New(fault.NotFound, "execution %s", id)
		}
		if !force && !workflow.State(e.row.State).Final() {
			return fault.New(fault.Conflict, "execution %s is %s", id, e.row.State)
		}
		doomed := []string{string(id)}
		for i := 0; i < len(doomed); i++ {
			for _, other := range s.executions {
				if other.row.ParentID == doomed[i] && !slices.Contains(doomed, other.row.ID) {
					doomed = append(doomed, other.row.ID)
				}
			}
		}
		for _, d := range doomed {
			delete(s.executions, workflow.ExecutionID(d))
		}
		return nil
	})
}

// Due implements persistence.Executions.
func (s *Store) Due(ctx context.Context, shards []uint16, limit int) ([]workflow.ExecutionID, error) {
	var ids []workflow.ExecutionID
	err := s.read(ctx, "Due", func() error {
		now := persistence.Micros(s.cfg.Now())
		var due []*persistence.ExecutionRow
		for _, e := range s.executions {
			if e.row.WakeAt != 0 && e.row.WakeAt <= now && (shards == nil || slices.Contains(shards, persistence.Shard(workflow.ExecutionID(e.row.ID)))) {
				due = append(due, &e.row)
			}
		}
		slices.SortFunc(due, func(a, b *persistence.ExecutionRow) int {
			return cmp.Or(cmp.Compare(a.WakeAt, b.WakeAt), cmp.Compare(a.Key, b.Key))
		})
		for _, row := range due[:min(len(due), persistence.Limit(limit))] {
			ids = append(ids, workflow.ExecutionID(row.ID))
		}
		return nil
	})
	return ids, err
}

// Wanting implements persistence.Executions.
func (s *Store) Wanting(ctx context.Context, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	return s.claims(ctx, "Wanting", shards, after, limit, func(row *persistence.ExecutionRow) bool { return row.Wanting != 0 })
}

// Quiet implements persistence.Executions.
func (s *Store) Quiet(ctx context.Context, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	return s.claims(ctx, "Quiet", shards, after, limit, func(row *persistence.ExecutionRow) bool {
		return row.State == string(workflow.Running) && row.WakeAt == 0 && row.Wanting == 0 && row.Busy == 0
	})
}

func (s *Store) claims(ctx context.Context, what string, shards []uint16, after persistence.Claim, limit int, fits func(*persistence.ExecutionRow) bool) ([]persistence.Claim, error) {
	var out []persistence.Claim
	err := s.read(ctx, what, func() error {
		for id, e := range s.executions {
			if fits(&e.row) && (shards == nil || slices.Contains(shards, persistence.Shard(workflow.ExecutionID(e.row.ID)))) && byKey(id, after.ID) > 0 {
				out = append(out, persistence.Claim{ID: id, Owner: e.owner})
			}
		}
		slices.SortFunc(out, func(a, b persistence.Claim) int { return byKey(a.ID, b.ID) })
		out = out[:min(len(out), persistence.Limit(limit))]
		return nil
	})
	return out, err
}

// byKey is the order of keys; "" is before all.
func byKey(a, b workflow.ExecutionID) int {
	if a == "" || b == "" {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(a.Key(), b.Key())
}

// DispatchedRunners implements persistence.Executions.
func (s *Store) DispatchedRunners(ctx context.Context, limit int) ([]workflow.RunnerID, error) {
	var out []workflow.RunnerID
	err := s.read(ctx, "DispatchedRunners", func() error {
		found := map[string]bool{}
		for _, e := range s.executions {
			r, err := e.row.Decode()
			if err != nil {
				return err
			}
			for _, name := range r.Runners {
				found[string(name)] = true
			}
		}
		out = firstOf[workflow.RunnerID](found, limit)
		return nil
	})
	return out, err
}

// OnRunner implements persistence.Executions.
func (s *Store) OnRunner(ctx context.Context, runner workflow.RunnerID, limit int) ([]workflow.ExecutionID, error) {
	var out []workflow.ExecutionID
	err := s.read(ctx, "OnRunner", func() error {
		found := map[string]bool{}
		for id, e := range s.executions {
			r, err := e.row.Decode()
			if err != nil {
				return err
			}
			if slices.Contains(r.Runners, runner) {
				found[string(id)] = true
			}
		}
		out = firstOf[workflow.ExecutionID](found, limit)
		return nil
	})
	return out, err
}

func firstOf[T ~string](names map[string]bool, limit int) []T {
	var out []T
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if len(out) == persistence.Limit(limit) {
			break
		}
		out = append(out, T(name))
	}
	return out
}
