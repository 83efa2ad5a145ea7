package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"cierzo/fault"
	"cierzo/persistence"
)

// batch is the turns of one commit that have rows.
type batch struct {
	turns    []*persistence.TurnRows
	place    map[string]int // of an execution's turn in outcomes
	outcomes []persistence.TurnOutcome
}

// newBatch makes the rows of turns, outside of the transaction. What no store can keep is refused here and harms nobody
// else.
func newBatch(turns []persistence.Turn) (*batch, error) {
	b := &batch{place: make(map[string]int, len(turns)), outcomes: make([]persistence.TurnOutcome, len(turns))}
	for i := range turns {
		id := string(turns[i].ID)
		if _, twice := b.place[id]; twice {
			return nil, fault.New(fault.Invalid, "commit: execution %s has two turns", id)
		}
		b.place[id] = i
		rows, err := persistence.NewTurnRows(&turns[i])
		if err != nil {
			b.outcomes[i] = persistence.Refused
			continue
		}
		b.turns = append(b.turns, rows)
	}
	// Everybody locks rows in the same order.
	slices.SortFunc(b.turns, func(x, y *persistence.TurnRows) int {
		return cmp.Or(cmp.Compare(x.Execution.Shard, y.Execution.Shard), cmp.Compare(x.Execution.ID, y.Execution.ID))
	})
	return b, nil
}

// reset forgets what an earlier try has found.
func (b *batch) reset() {
	for _, t := range b.turns {
		b.outcomes[b.place[t.Execution.ID]] = persistence.Fenced
		if t.Create {
			b.outcomes[b.place[t.Execution.ID]] = persistence.Exists
		}
	}
}

func (b *batch) written(id string) { b.outcomes[b.place[id]] = persistence.Committed }

// committed are the turns whose parts are to be written.
func (b *batch) committed() []*persistence.TurnRows {
	out := make([]*persistence.TurnRows, 0, len(b.turns))
	for _, t := range b.turns {
		if b.outcomes[b.place[t.Execution.ID]] == persistence.Committed {
			out = append(out, t)
		}
	}
	return out
}

// Commit implements persistence.Executions: one transaction for all turns; the fenced ones drop out.
func (s *Store) Commit(ctx context.Context, turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	b, err := newBatch(turns)
	if err != nil || len(b.turns) == 0 {
		if err == nil {
			return b.outcomes, nil
		}
		return nil, err
	}
	write := writeOneByOne
	if s.dialect.server {
		write = writeArrays
	}
	err = s.transact(ctx, "commit turns", func(t *transaction) error {
		b.reset()
		return write(t, b)
	})
	if err != nil {
		return nil, err
	}
	return b.outcomes, nil
}
