package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"cierzo/fault"
	"cierzo/persistence"
)

// batch is the turns of one commit that have rows.
type batch struct {
	turns    []*turnRows   // by key
	place    map[int64]int // of an execution's turn in outcomes
	outcomes []persistence.TurnOutcome
}

// newBatch makes the rows of turns, outside of the transaction. What no store can keep is refused here and harms nobody
// else.
func newBatch(turns []persistence.Turn) (*batch, error) {
	b := &batch{place: make(map[int64]int, len(turns)), outcomes: make([]persistence.TurnOutcome, len(turns))}
	for i := range turns {
		rows, unfit := turns[i].Rows()
		key := turns[i].Key()
		if other, twice := b.place[key]; twice {
			if turns[other].ID == turns[i].ID {
				return nil, fault.New(fault.Invalid, "commit: execution %s has two turns", turns[i].ID)
			}
			b.outcomes[i] = persistence.Taken
			continue
		}
		b.place[key] = i
		if unfit != nil {
			b.outcomes[i] = persistence.Refused
			continue
		}
		b.turns = append(b.turns, newTurnRows(rows))
	}
	// Everybody locks rows in the same order.
	slices.SortFunc(b.turns, func(x, y *turnRows) int { return cmp.Compare(x.Execution.Key, y.Execution.Key) })
	return b, nil
}

// reset forgets what an earlier try has found.
func (b *batch) reset() {
	for _, t := range b.turns {
		t.outdated = false
		b.outcomes[b.place[t.Execution.Key]] = persistence.Fenced
		if t.Create {
			b.outcomes[b.place[t.Execution.Key]] = persistence.Exists
		}
	}
}

func (b *batch) written(key int64) { b.outcomes[b.place[key]] = persistence.Committed }

// turnRows are a turn's rows as they lie in tables: an action with the number of its task lies in the task's row. That is so of the
// actions of a sequence, and of all until a task has another number of actions than one. It is said by the numbers alone, so
// it holds for ever; and a list of actions by number is one of tasks by number.
type turnRows struct {
	*persistence.TurnRows
	tasks   []taskRow // by seq
	actions []*persistence.ActionRow
	// history is what lies in the history's own table; nil: nothing. born lies in the execution's row, see placeHistory.
	history *persistence.HistoryRow
	born    string
	// outdated says that the revision isn't the newest, or the definitions aren't those, which this turn wants: so this try of a
	// transaction has found.
	outdated bool
}

// taskRow is what a turn writes into the row of a task: the task, its action, or both; never neither.
type taskRow struct {
	seq    int64
	task   *persistence.TaskRow
	action *persistence.ActionRow
	// history is that of the turn; "" is none.
	history string
}

func newTurnRows(rows *persistence.TurnRows) *turnRows {
	t := &turnRows{TurnRows: rows, tasks: make([]taskRow, 0, len(rows.Tasks))}
	for i := range rows.Tasks {
		t.tasks = append(t.tasks, taskRow{seq: rows.Tasks[i].Seq, task: &rows.Tasks[i]})
	}
	for i := range rows.Actions {
		a := &rows.Actions[i]
		if a.Seq != a.Task {
			t.actions = append(t.actions, a)
			continue
		}
		at, there := slices.BinarySearchFunc(t.tasks, a.Seq, func(r taskRow, seq int64) int { return cmp.Compare(r.seq, seq) })
		if there && (a.New || !t.tasks[at].task.New) {
			t.tasks[at].action = a
			continue
		}
		// Of a task that is new only a new action can be: what this writes isn't there, and the turn fails.
		t.tasks = slices.Insert(t.tasks, at, taskRow{seq: a.Seq, action: a})
	}
	t.placeHistory()
	return t
}

// placeHistory finds a row for the turn's history: that of the execution with the first event, else that of the last task which the
// turn makes. The second turn, which ends most workflows of one action, has that of the newest task, if it changes it: the turn
// that has made that one was the first. Others have one of their own. Tasks are searched by the number of events, see historyQuery:
// what has no part in that order doesn't lie there.
func (t *turnRows) placeHistory() {
	h := t.History
	if h == nil {
		return
	}
	if t.Create && h.First {
		t.born = h.Doc
		return
	}
	last := len(t.tasks) - 1
	for last >= 0 && !t.tasks[last].isNew() {
		last--
	}
	if last < 0 && t.Turns == 2 {
		last = slices.IndexFunc(t.tasks, func(r taskRow) bool { return r.seq == t.FirstTask-1 })
	}
	if last < 0 || h.LastSeq != t.Events {
		t.history = h
		return
	}
	t.tasks[last].history = h.Doc
}

// isNew reports whether the row is to be inserted.
func (r taskRow) isNew() bool { return r.task != nil && r.task.New }

// same stands for a text of a row that the turn doesn't change.
const same = "="

// What a change of a task's row says of its action.
const (
	actionStays  = 0
	actionBegins = 1 // there is none yet
	actionGoesOn = 2 // there is one
)

// taskChange is a change of a task's row.
type taskChange struct {
	action                  int64
	history                 string
	about, given            string // of the action
	doc, values             string
	actionDoc, actionValues string
}

func (r taskRow) change() taskChange {
	w := taskChange{actionStays, cmp.Or(r.history, same), same, same, same, same, same, same}
	if r.task != nil {
		w.doc, w.values = r.task.Doc, r.task.Values
	}
	if a := r.action; a != nil {
		w.action, w.actionDoc, w.actionValues = actionGoesOn, a.Doc, a.Values
		if a.New {
			w.action, w.about, w.given = actionBegins, a.About, a.Given
		}
	}
	return w
}

const (
	idOfKey    = `SELECT id FROM executions WHERE key = $1`
	epochOfKey = `SELECT epoch FROM execution_states WHERE key = $1`
)

// sayWhy says of turns that were not written why: it tells executions that are there from others that have their key, and both, and
// those that are fenced, from those that were refused before that was seen.
func sayWhy(t *transaction, b *batch) error {
	for _, turn := range b.turns {
		at := b.place[turn.Execution.Key]
		switch outcome := b.outcomes[at]; {
		case outcome == persistence.Exists:
			var id string
			err := t.row(idOfKey, []any{turn.Execution.Key}, []any{&id})
			switch {
			case turn.outdated && errors.Is(err, sql.ErrNoRows):
				b.outcomes[at] = persistence.Outdated
			case err != nil:
				return err
			case id != turn.Execution.ID:
				b.outcomes[at] = persistence.Taken
			}
		case outcome == persistence.Fenced && turn.outdated:
			var epoch uint64
			err := t.row(epochOfKey, []any{turn.Execution.Key}, []any{&epoch})
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if epoch == turn.Epoch {
				b.outcomes[at] = persistence.Outdated
			}
		}
	}
	return nil
}

// valsMax bounds the data that lie in the row of a state, in bytes. What is longer has a row of its own, which turns that don't
// change the data don't write again.
const valsMax = 1000

// valsApart stands in a state's vals for data that are in execution_data.
const valsApart = "-"

// vals is what a turn writes into the state's vals.
func vals(turn *turnRows) string {
	switch {
	case !turn.HasData:
		return same
	case len(turn.Data) > valsMax:
		return valsApart
	}
	return turn.Data
}

// committed are the turns whose parts are to be written.
func (b *batch) committed() []*turnRows {
	out := make([]*turnRows, 0, len(b.turns))
	for _, t := range b.turns {
		if b.outcomes[b.place[t.Execution.Key]] == persistence.Committed {
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
	if done, err := s.commitWhole(ctx, b); done {
		return b.outcomes, nil
	} else if err != nil {
		return nil, err
	}
	write := writeOneByOne
	if s.dialect.server {
		write = writeArrays
	}
	err = s.transact(ctx, "commit turns", func(t *transaction) error {
		b.reset()
		if err := write(t, b); err != nil {
			return err
		}
		return sayWhy(t, b)
	})
	if err != nil {
		return nil, err
	}
	return b.outcomes, nil
}
