package sqlstore

import (
	"cmp"
	"database/sql"
	"errors"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// SQLite is in the process: a prepared statement for each row costs no round trip. A text that a turn leaves as it is comes as NULL,
// for the driver copies each text that it is given, see kept.

const (
	createOne = `INSERT INTO executions (key, created_at, project, flow, id, project_id, workflow_name, root_id, parent_id, parent_task_id, about, given, history)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`
	createStateOne = `INSERT INTO execution_states (key, created_at, project, epoch, owner, wake_at, wanting, busy, state, runners, doc, vals)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11)`
	updateOne = `UPDATE execution_states SET wake_at = $3, wanting = $4, busy = $5, state = $6, runners = $7, doc = $8,
vals = coalesce($9, vals) WHERE key = $1 AND epoch = $2`
	// goOnOne is updateOne of a turn that leaves alone what indexes follow: SQLite writes the entries of a column that is set anew, whether
	// or not it changes. Most turns are such.
	goOnOne = `UPDATE execution_states SET runners = $7, doc = $8, vals = coalesce($9, vals)
WHERE key = $1 AND epoch = $2 AND wake_at = $3 AND wanting = $4 AND busy = $5 AND state = $6`
	updateGivenOne = `UPDATE executions SET given = $2 WHERE key = $1`
	putDataOne     = `INSERT INTO execution_data (key, vals) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET vals = excluded.vals`
	insertTaskOne  = `INSERT INTO tasks (key, seq, about, doc, vals, action_about, action_given, action_doc, action_vals, history_seq, history) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	updateTaskOne  = `UPDATE tasks SET action_about = coalesce($4, action_about), action_given = coalesce($5, action_given), doc = coalesce($6, doc), vals = coalesce($7, vals),
history_seq = CASE WHEN $11 IS NULL THEN history_seq ELSE $10 END, history = coalesce($11, history),
action_doc = coalesce($8, action_doc), action_vals = coalesce($9, action_vals)
WHERE key = $1 AND seq = $2 AND ($3 = 0 OR ($3 = 1) = (action_about = '')) AND ($11 IS NULL OR history = '')`
	insertActionOne = `INSERT INTO actions (key, seq, task, about, given, doc, vals) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	updateActionOne = `UPDATE actions SET doc = $3, vals = $4 WHERE key = $1 AND seq = $2`
	historyOne      = `INSERT INTO history (key, last_seq, doc) VALUES ($1, $2, $3)`
)

// writeOneByOne writes a batch with a statement for each row.
func writeOneByOne(t *transaction, b *batch) error {
	for _, turn := range b.turns {
		write := updateState
		if turn.Create {
			write = createExecution
		}
		var n int64
		err := findOutdatedOne(t, turn)
		if err == nil && !turn.outdated {
			n, err = write(t, turn)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		b.written(turn.Execution.Key)
		if err := writeParts(t, turn); err != nil {
			return err
		}
	}
	return nil
}

// findOutdatedOne finds out whether the revision is the newest, and the definitions are those, that the turn wants.
func findOutdatedOne(t *transaction, turn *turnRows) error {
	turn.outdated = false
	if turn.Newest.ID != "" {
		var newest string
		err := t.row(newestIDQuery, keyArgs(turn.Newest.DefinitionKey), []any{&newest})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		turn.outdated = newest != turn.Newest.ID
	}
	if turn.Definitions != 0 && !turn.outdated {
		var version int64
		if err := t.row(versionOfDefinitions, nil, []any{&version}); err != nil {
			return err
		}
		turn.outdated = version != turn.Definitions
	}
	return nil
}

func createExecution(t *transaction, turn *turnRows) (int64, error) {
	e := &turn.Execution
	project := persistence.IndexHash(e.ProjectID)
	n, err := t.exec(createOne, e.Key, e.CreatedAt, project, persistence.IndexHash(e.ProjectID, e.WorkflowName), e.ID, e.ProjectID, e.WorkflowName,
		e.RootID, e.ParentID, e.ParentTaskID, e.About, turn.Given, turn.born)
	if err != nil || n == 0 {
		return n, err
	}
	return t.exec(createStateOne, e.Key, e.CreatedAt, project, string(turn.Node), e.WakeAt, e.Wanting, e.Busy, e.State, e.Runners, e.Doc, vals(turn))
}

func updateState(t *transaction, turn *turnRows) (int64, error) {
	e := &turn.Execution
	args := [...]any{e.Key, int64(turn.Epoch), e.WakeAt, e.Wanting, e.Busy, e.State, e.Runners, e.Doc, kept(vals(turn))}
	if !workflow.State(e.State).Final() {
		if n, err := t.exec(goOnOne, args[:]...); n > 0 || err != nil {
			return n, err
		}
	}
	return t.exec(updateOne, args[:]...)
}

func writeParts(t *transaction, turn *turnRows) error {
	key := turn.Execution.Key
	var err error
	if turn.HasGiven && !turn.Create {
		err = t.one(updateGivenOne, key, turn.Given)
	}
	if err == nil && vals(turn) == valsApart {
		err = t.one(putDataOne, key, turn.Data)
	}
	for i := 0; err == nil && i < len(turn.tasks); i++ {
		r := turn.tasks[i]
		if r.isNew() {
			a := cmp.Or(r.action, &persistence.ActionRow{})
			err = t.one(insertTaskOne, key, r.seq, r.task.About, r.task.Doc, r.task.Values, a.About, a.Given, a.Doc, a.Values, turn.Events, r.history)
		} else {
			w := r.change()
			err = t.one(updateTaskOne, key, r.seq, w.action, kept(w.about), kept(w.given), kept(w.doc), kept(w.values), kept(w.actionDoc), kept(w.actionValues),
				turn.Events, kept(w.history))
		}
	}
	for i := 0; err == nil && i < len(turn.actions); i++ {
		if r := turn.actions[i]; r.New {
			err = t.one(insertActionOne, key, r.Seq, r.Task, r.About, r.Given, r.Doc, r.Values)
		} else {
			err = t.one(updateActionOne, key, r.Seq, r.Doc, r.Values)
		}
	}
	if h := turn.history; err == nil && h != nil {
		err = t.one(historyOne, key, h.LastSeq, h.Doc)
	}
	for i := 0; err == nil && i < len(turn.Notices); i++ {
		r := &turn.Notices[i]
		err = t.one(noticeOne, r.Key, r.ExecutionID, r.Lane, r.Seq, r.DueAt, r.Doc)
	}
	return err
}

// kept is a text of a row as a statement gets it: NULL for what the turn doesn't change.
func kept(text string) any {
	if text == same {
		return nil
	}
	return text
}

// one runs a statement that writes one row.
func (t *transaction) one(text string, args ...any) error {
	n, err := t.exec(text, args...)
	if err == nil && n != 1 {
		return missingRows(1, n)
	}
	return err
}

// missingRows is what becomes of a turn that changes rows that aren't there: the engine and the database disagree.
func missingRows(want int, got int64) error {
	return fault.New(fault.Internal, "a turn writes %d rows of a table, the database has %d of them", want, got)
}
