package bench

import (
	"context"
	"time"

	"cierzo/fault"
	"cierzo/node"
	"cierzo/persistence"
	"cierzo/workflow"
)

// specimen is an execution that has ended, as it lies in the store.
type specimen struct {
	execution *workflow.ExecutionRecord
	data      *workflow.ExecutionData
	task      *workflow.TaskRecord
	action    *workflow.ActionRecord
	history   []workflow.HistoryEvent
}

// fill makes the store hold at least so many executions that have ended: copies of one that has run, each with its task, its
// action and its history, under ids of their own.
func (b *Bench) fill(ctx context.Context, upTo int) error {
	if b.stored >= upTo {
		return nil
	}
	s, err := b.specimen(ctx)
	if err != nil {
		return err
	}
	defer reportProgress(b.cfg.Progress, "fill the store", func() int { return b.stored }, upTo)()
	store := b.node.Store()
	for b.stored < upTo {
		turns := make([]persistence.Turn, 0, 64)
		for range min(64, upTo-b.stored) {
			turns = append(turns, s.copy(b.stored+len(turns), b.node.NewExecutionID()))
		}
		outcomes, err := store.Commit(ctx, turns)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if o != persistence.Committed {
				return fault.New(fault.Internal, "execution %s isn't written: outcome %d", turns[i].ID, o)
			}
		}
		b.stored += len(turns)
	}
	return nil
}

func (b *Bench) specimen(ctx context.Context) (*specimen, error) {
	id, err := b.node.Start(ctx, node.StartRequest{Workflow: "bench_seq_1"})
	if err != nil {
		return nil, err
	}
	if err := b.awaitAll(ctx, []string{id}); err != nil {
		return nil, err
	}
	store, s := b.node.Store(), &specimen{}
	if s.execution, s.data, err = store.GetExecution(ctx, "", workflow.ExecutionID(id)); err != nil {
		return nil, err
	}
	tasks, err := store.ListTasks(ctx, s.execution.ID, -1, 10)
	if err != nil {
		return nil, err
	}
	actions, err := store.ListActions(ctx, s.execution.ID, "", -1, 10)
	if err != nil {
		return nil, err
	}
	if len(tasks) != 1 || len(actions) != 1 {
		return nil, fault.New(fault.Internal, "execution %s has %d tasks and %d actions", id, len(tasks), len(actions))
	}
	s.task, s.action = tasks[0], actions[0]
	s.history, err = store.History(ctx, s.execution.ID, 0, 100)
	return s, err
}

// copy is the turn that creates the copy number n, which is a second younger than the one before.
func (s *specimen) copy(n int, id string) persistence.Turn {
	e, t, a := *s.execution, *s.task, *s.action
	e.ID = workflow.ExecutionID(id)
	e.CreatedAt = e.CreatedAt.Add(time.Duration(n)*time.Second - 365*24*time.Hour)
	ids := workflow.NewPartIDs(e.ID, e.CreatedAt)
	t.ID, a.ID = ids.Task(t.Seq), ids.Action(a.Seq)
	t.ExecutionID, a.ExecutionID, a.TaskID = e.ID, e.ID, t.ID
	history := make([]workflow.HistoryEvent, len(s.history))
	for i, h := range s.history {
		if h.TaskID != "" {
			h.TaskID = t.ID
		}
		if h.ActionID != "" {
			h.ActionID = a.ID
		}
		history[i] = h
	}
	return persistence.Turn{ID: e.ID, Writes: workflow.Writes{
		Create: true, Execution: &e, Data: s.data, Tasks: []*workflow.TaskRecord{&t}, Actions: []*workflow.ActionRecord{&a}, History: history,
	}}
}
