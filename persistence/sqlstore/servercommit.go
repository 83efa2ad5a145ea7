package sqlstore

import (
	"database/sql"

	"github.com/lib/pq"

	"cierzo/persistence"
)

// PostgreSQL and CockroachDB: a statement costs a round trip, rows cost little. Each statement gets all rows of its table
// as arrays, one for each column.

const (
	createMany = `INSERT INTO executions (shard, id, epoch, owner, project_id, workflow_name, state, root_id, parent_id, parent_task_id, wake_at, wanting, busy, created_at, runners, doc)
SELECT * FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::INT8[], $12::INT8[], $13::INT8[], $14::INT8[], $15::TEXT[], $16::TEXT[])
ON CONFLICT (shard, id) DO NOTHING RETURNING id`
	updateMany = `UPDATE executions AS e SET state = u.state, wake_at = u.wake_at, wanting = u.wanting, busy = u.busy, runners = u.runners, doc = u.doc
FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[], $5::INT8[], $6::INT8[], $7::INT8[], $8::TEXT[], $9::TEXT[]) AS u (shard, id, epoch, state, wake_at, wanting, busy, runners, doc)
WHERE e.shard = u.shard AND e.id = u.id AND e.epoch = u.epoch RETURNING e.id`
	insertDataMany = `INSERT INTO execution_data (shard, execution_id, vals)
SELECT * FROM unnest($1::INT8[], $2::TEXT[], $3::TEXT[])`
	updateDataMany = `UPDATE execution_data AS d SET vals = u.vals
FROM unnest($1::INT8[], $2::TEXT[], $3::TEXT[]) AS u (shard, execution_id, vals)
WHERE d.shard = u.shard AND d.execution_id = u.execution_id`
	insertTaskMany = `INSERT INTO tasks (shard, execution_id, seq, id, doc, vals)
SELECT * FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[])`
	updateTaskMany = `UPDATE tasks AS t SET doc = u.doc, vals = u.vals
FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[], $5::TEXT[]) AS u (shard, execution_id, seq, doc, vals)
WHERE t.shard = u.shard AND t.execution_id = u.execution_id AND t.seq = u.seq`
	insertActionMany = `INSERT INTO actions (shard, execution_id, seq, id, task_id, doc, vals)
SELECT * FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[])`
	updateActionMany = `UPDATE actions AS a SET doc = u.doc, vals = u.vals
FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[], $5::TEXT[]) AS u (shard, execution_id, seq, doc, vals)
WHERE a.shard = u.shard AND a.execution_id = u.execution_id AND a.seq = u.seq`
	historyMany = `INSERT INTO history (shard, execution_id, last_seq, doc)
SELECT * FROM unnest($1::INT8[], $2::TEXT[], $3::INT8[], $4::TEXT[])`
)

// columns are the arrays of a statement's parameters: numbers and texts.
type columns struct {
	rows   int
	places []any // *[]int64 or *[]string
}

func numbers(c *columns) *pq.Int64Array {
	a := &pq.Int64Array{}
	c.places = append(c.places, a)
	return a
}

func texts(c *columns) *pq.StringArray {
	a := &pq.StringArray{}
	c.places = append(c.places, a)
	return a
}

// writeArrays writes a batch with a statement for each table that it touches.
func writeArrays(t *transaction, b *batch) error {
	if err := createRows(t, b); err != nil {
		return err
	}
	if err := updateRows(t, b); err != nil {
		return err
	}
	turns := b.committed()
	for _, part := range []struct {
		text string
		cols columns
	}{
		{insertDataMany, dataColumns(turns, true)},
		{updateDataMany, dataColumns(turns, false)},
		{insertTaskMany, newTasks(turns)},
		{updateTaskMany, changedTasks(turns)},
		{insertActionMany, newActions(turns)},
		{updateActionMany, changedActions(turns)},
		{historyMany, historyColumns(turns)},
	} {
		if part.cols.rows == 0 {
			continue
		}
		n, err := t.exec(part.text, part.cols.places...)
		if err != nil {
			return err
		}
		if n != int64(part.cols.rows) {
			return missingRows(part.cols.rows, n)
		}
	}
	return nil
}

func (b *batch) scanWritten(rows *sql.Rows) error {
	var id string
	if err := rows.Scan(&id); err != nil {
		return err
	}
	b.written(id)
	return nil
}

func createRows(t *transaction, b *batch) error {
	var c columns
	shard, id, epoch, owner := numbers(&c), texts(&c), numbers(&c), texts(&c)
	project, name, state, root, parent, parentTask := texts(&c), texts(&c), texts(&c), texts(&c), texts(&c), texts(&c)
	wake, wanting, busy, created, runners, doc := numbers(&c), numbers(&c), numbers(&c), numbers(&c), texts(&c), texts(&c)
	for _, turn := range b.turns {
		if !turn.Create {
			continue
		}
		e := &turn.Execution
		c.rows++
		*shard, *id, *epoch, *owner = append(*shard, int64(e.Shard)), append(*id, e.ID), append(*epoch, 1), append(*owner, string(turn.Node))
		*project, *name, *state = append(*project, e.ProjectID), append(*name, e.WorkflowName), append(*state, e.State)
		*root, *parent, *parentTask = append(*root, e.RootID), append(*parent, e.ParentID), append(*parentTask, e.ParentTaskID)
		*wake, *wanting, *busy = append(*wake, e.WakeAt), append(*wanting, e.Wanting), append(*busy, e.Busy)
		*created, *runners, *doc = append(*created, e.CreatedAt), append(*runners, e.Runners), append(*doc, e.Doc)
	}
	if c.rows == 0 {
		return nil
	}
	return t.query(createMany, b.scanWritten, c.places...)
}

func updateRows(t *transaction, b *batch) error {
	var c columns
	shard, id, epoch, state := numbers(&c), texts(&c), numbers(&c), texts(&c)
	wake, wanting, busy, runners, doc := numbers(&c), numbers(&c), numbers(&c), texts(&c), texts(&c)
	for _, turn := range b.turns {
		if turn.Create {
			continue
		}
		e := &turn.Execution
		c.rows++
		*shard, *id, *epoch = append(*shard, int64(e.Shard)), append(*id, e.ID), append(*epoch, int64(turn.Epoch))
		*state, *wake, *wanting = append(*state, e.State), append(*wake, e.WakeAt), append(*wanting, e.Wanting)
		*busy, *runners, *doc = append(*busy, e.Busy), append(*runners, e.Runners), append(*doc, e.Doc)
	}
	if c.rows == 0 {
		return nil
	}
	return t.query(updateMany, b.scanWritten, c.places...)
}

// dataColumns are the data of turns that create their execution, or of the others.
func dataColumns(turns []*persistence.TurnRows, create bool) columns {
	var c columns
	shard, id, vals := numbers(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		if turn.Data != "" && turn.Create == create {
			c.rows++
			*shard, *id, *vals = append(*shard, int64(turn.Execution.Shard)), append(*id, turn.Execution.ID), append(*vals, turn.Data)
		}
	}
	return c
}

func newTasks(turns []*persistence.TurnRows) columns {
	var c columns
	shard, execution, seq, id, doc, vals := numbers(&c), texts(&c), numbers(&c), texts(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for i := range turn.Tasks {
			if r := &turn.Tasks[i]; r.New {
				c.rows++
				*shard, *execution, *seq = append(*shard, int64(r.Shard)), append(*execution, r.ExecutionID), append(*seq, r.Seq)
				*id, *doc, *vals = append(*id, r.ID), append(*doc, r.Doc), append(*vals, r.Values)
			}
		}
	}
	return c
}

func changedTasks(turns []*persistence.TurnRows) columns {
	var c columns
	shard, execution, seq, doc, vals := numbers(&c), texts(&c), numbers(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for i := range turn.Tasks {
			if r := &turn.Tasks[i]; !r.New {
				c.rows++
				*shard, *execution, *seq = append(*shard, int64(r.Shard)), append(*execution, r.ExecutionID), append(*seq, r.Seq)
				*doc, *vals = append(*doc, r.Doc), append(*vals, r.Values)
			}
		}
	}
	return c
}

func newActions(turns []*persistence.TurnRows) columns {
	var c columns
	shard, execution, seq, id := numbers(&c), texts(&c), numbers(&c), texts(&c)
	task, doc, vals := texts(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for i := range turn.Actions {
			if r := &turn.Actions[i]; r.New {
				c.rows++
				*shard, *execution, *seq, *id = append(*shard, int64(r.Shard)), append(*execution, r.ExecutionID), append(*seq, r.Seq), append(*id, r.ID)
				*task, *doc, *vals = append(*task, r.TaskID), append(*doc, r.Doc), append(*vals, r.Values)
			}
		}
	}
	return c
}

func changedActions(turns []*persistence.TurnRows) columns {
	var c columns
	shard, execution, seq, doc, vals := numbers(&c), texts(&c), numbers(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for i := range turn.Actions {
			if r := &turn.Actions[i]; !r.New {
				c.rows++
				*shard, *execution, *seq = append(*shard, int64(r.Shard)), append(*execution, r.ExecutionID), append(*seq, r.Seq)
				*doc, *vals = append(*doc, r.Doc), append(*vals, r.Values)
			}
		}
	}
	return c
}

func historyColumns(turns []*persistence.TurnRows) columns {
	var c columns
	shard, id, last, doc := numbers(&c), texts(&c), numbers(&c), texts(&c)
	for _, turn := range turns {
		if h := turn.History; h != nil {
			c.rows++
			*shard, *id, *last, *doc = append(*shard, int64(h.Shard)), append(*id, h.ExecutionID), append(*last, h.LastSeq), append(*doc, h.Doc)
		}
	}
	return c
}
