package sqlstore

import (
	"cmp"
	"database/sql"
	"database/sql/driver"

	"github.com/lib/pq"

	"cierzo/persistence"
)

// PostgreSQL (which tries one statement for all first, see onecommit.go) and CockroachDB: a statement costs a round trip, rows cost
// little. Each statement gets all rows of its table
// as arrays, one for each column.

const (
	createMany = `WITH made AS (` + createMade + `) ` + createState
	createMade = createRows + `
ON CONFLICT (key) DO NOTHING RETURNING key`
	createRows = `
INSERT INTO executions (key, created_at, project, flow, id, project_id, workflow_name, root_id, parent_id, parent_task_id, about, given, history)
SELECT * FROM unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::INT8[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[], $12::TEXT[], $13::TEXT[])`
	createState = `
INSERT INTO execution_states (key, created_at, project, epoch, owner, wake_at, wanting, busy, state, runners, doc, vals)
SELECT u.* FROM unnest($1::INT8[], $2::INT8[], $3::INT8[], $14::INT8[], $15::TEXT[], $16::INT8[], $17::INT8[], $18::INT8[], $19::TEXT[], $20::TEXT[], $21::TEXT[], $22::TEXT[])
AS u (key, created_at, project, epoch, owner, wake_at, wanting, busy, state, runners, doc, vals) JOIN made ON made.key = u.key RETURNING key`
	updateMany = `UPDATE execution_states AS s SET wake_at = u.wake_at, wanting = u.wanting, busy = u.busy, state = u.state, runners = u.runners, doc = u.doc,
vals = CASE u.vals WHEN '=' THEN s.vals ELSE u.vals END
FROM unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::INT8[], $5::INT8[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[]) AS u (key, epoch, wake_at, wanting, busy, state, runners, doc, vals)
WHERE s.key = u.key AND s.epoch = u.epoch RETURNING s.key`
	updateGivenMany = `UPDATE executions AS e SET given = u.given FROM unnest($1::INT8[], $2::TEXT[]) AS u (key, given) WHERE e.key = u.key`
	putDataMany     = `INSERT INTO execution_data (key, vals)
SELECT * FROM unnest($1::INT8[], $2::TEXT[]) ON CONFLICT (key) DO UPDATE SET vals = excluded.vals`
	insertTaskMany = `INSERT INTO tasks (key, seq, history_seq, about, history, action_about, action_given, doc, vals, action_doc, action_vals)
SELECT * FROM unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[])`
	updateTaskMany = `UPDATE tasks AS t SET
action_about = CASE u.action_about WHEN '=' THEN t.action_about ELSE u.action_about END, action_given = CASE u.action_given WHEN '=' THEN t.action_given ELSE u.action_given END,
doc = CASE u.doc WHEN '=' THEN t.doc ELSE u.doc END, vals = CASE u.vals WHEN '=' THEN t.vals ELSE u.vals END,
history_seq = CASE u.history WHEN '=' THEN t.history_seq ELSE u.history_seq END, history = CASE u.history WHEN '=' THEN t.history ELSE u.history END,
action_doc = CASE u.action_doc WHEN '=' THEN t.action_doc ELSE u.action_doc END, action_vals = CASE u.action_vals WHEN '=' THEN t.action_vals ELSE u.action_vals END
FROM unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::INT8[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[])
AS u (key, seq, action, history_seq, history, action_about, action_given, doc, vals, action_doc, action_vals)
WHERE t.key = u.key AND t.seq = u.seq AND (u.action = 0 OR (u.action = 1) = (t.action_about = '')) AND (u.history = '=' OR t.history = '')`
	insertActionMany = `INSERT INTO actions (key, seq, task, about, given, doc, vals)
SELECT * FROM unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[])`
	updateActionMany = `UPDATE actions AS a SET doc = u.doc, vals = u.vals
FROM unnest($1::INT8[], $2::INT8[], $3::TEXT[], $4::TEXT[]) AS u (key, seq, doc, vals) WHERE a.key = u.key AND a.seq = u.seq`
	historyMany = `INSERT INTO history (key, last_seq, doc)
SELECT * FROM unnest($1::INT8[], $2::INT8[], $3::TEXT[])`
)

// columns are the arrays of a statement's parameters: numbers and texts.
type columns struct {
	rows   int
	places []driver.Valuer // *pq.Int64Array or *pq.StringArray
}

func (c columns) args() []any {
	out := make([]any, len(c.places))
	for i, v := range c.places {
		out[i] = v
	}
	return out
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

// part is a statement with its parameters.
type part struct {
	text string
	cols columns
}

// children are the parts of turns besides the executions' own rows.
func children(turns []*turnRows) []part {
	return []part{
		{updateGivenMany, changedGiven(turns)},
		{putDataMany, dataColumns(turns)},
		{insertTaskMany, newTasks(turns)},
		{updateTaskMany, changedTasks(turns)},
		{insertActionMany, newActions(turns)},
		{updateActionMany, changedActions(turns)},
		{historyMany, historyColumns(turns)},
		{noticeMany, noticeColumns(turns)},
	}
}

// writeArrays writes a batch with a statement for each table that it touches.
func writeArrays(t *transaction, b *batch) error {
	for _, own := range []part{{createMany, createdRows(b)}, {updateMany, updatedRows(b)}} {
		if own.cols.rows == 0 {
			continue
		}
		if err := t.query(own.text, b.scanWritten, own.cols.args()...); err != nil {
			return err
		}
	}
	for _, part := range children(b.committed()) {
		if part.cols.rows == 0 {
			continue
		}
		n, err := t.exec(part.text, part.cols.args()...)
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
	var key int64
	if err := rows.Scan(&key); err != nil {
		return err
	}
	b.written(key)
	return nil
}

func createdRows(b *batch) columns {
	var c columns
	key, created, projects, flow, id := numbers(&c), numbers(&c), numbers(&c), numbers(&c), texts(&c)
	project, name, root, parent, parentTask := texts(&c), texts(&c), texts(&c), texts(&c), texts(&c)
	about, given, history := texts(&c), texts(&c), texts(&c)
	epoch, owner, wake, wanting, busy := numbers(&c), texts(&c), numbers(&c), numbers(&c), numbers(&c)
	state, runners, doc, data := texts(&c), texts(&c), texts(&c), texts(&c)
	for _, turn := range b.turns {
		if !turn.Create {
			continue
		}
		e := &turn.Execution
		c.rows++
		*key, *created, *id = append(*key, e.Key), append(*created, e.CreatedAt), append(*id, e.ID)
		*projects, *flow = append(*projects, persistence.IndexHash(e.ProjectID)), append(*flow, persistence.IndexHash(e.ProjectID, e.WorkflowName))
		*project, *name, *root = append(*project, e.ProjectID), append(*name, e.WorkflowName), append(*root, e.RootID)
		*parent, *parentTask = append(*parent, e.ParentID), append(*parentTask, e.ParentTaskID)
		*about, *given = append(*about, e.About), append(*given, turn.Given)
		*history = append(*history, turn.born)
		*epoch, *owner = append(*epoch, 1), append(*owner, string(turn.Node))
		*wake, *wanting, *busy, *state = append(*wake, e.WakeAt), append(*wanting, e.Wanting), append(*busy, e.Busy), append(*state, e.State)
		*runners, *doc, *data = append(*runners, e.Runners), append(*doc, e.Doc), append(*data, vals(turn))
	}
	return c
}

func updatedRows(b *batch) columns {
	var c columns
	key, epoch, wake, wanting, busy := numbers(&c), numbers(&c), numbers(&c), numbers(&c), numbers(&c)
	state, runners, doc, data := texts(&c), texts(&c), texts(&c), texts(&c)
	for _, turn := range b.turns {
		if turn.Create {
			continue
		}
		e := &turn.Execution
		c.rows++
		*key, *epoch, *wake = append(*key, e.Key), append(*epoch, int64(turn.Epoch)), append(*wake, e.WakeAt)
		*wanting, *busy, *state = append(*wanting, e.Wanting), append(*busy, e.Busy), append(*state, e.State)
		*runners, *doc, *data = append(*runners, e.Runners), append(*doc, e.Doc), append(*data, vals(turn))
	}
	return c
}

// changedGiven is what executions that were created before have been given since.
func changedGiven(turns []*turnRows) columns {
	var c columns
	key, given := numbers(&c), texts(&c)
	for _, turn := range turns {
		if turn.HasGiven && !turn.Create {
			c.rows++
			*key, *given = append(*key, turn.Execution.Key), append(*given, turn.Given)
		}
	}
	return c
}

// dataColumns are the data that don't lie in the rows of states.
func dataColumns(turns []*turnRows) columns {
	var c columns
	key, data := numbers(&c), texts(&c)
	for _, turn := range turns {
		if vals(turn) == valsApart {
			c.rows++
			*key, *data = append(*key, turn.Execution.Key), append(*data, turn.Data)
		}
	}
	return c
}

func newTasks(turns []*turnRows) columns {
	var c columns
	key, seq, events, about, history := numbers(&c), numbers(&c), numbers(&c), texts(&c), texts(&c)
	actionAbout, given, doc, values, actionDoc, actionValues := texts(&c), texts(&c), texts(&c), texts(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for _, r := range turn.tasks {
			if !r.isNew() {
				continue
			}
			a := cmp.Or(r.action, &persistence.ActionRow{})
			c.rows++
			*key, *seq, *events = append(*key, turn.Execution.Key), append(*seq, r.seq), append(*events, turn.Events)
			*about, *history = append(*about, r.task.About), append(*history, r.history)
			*actionAbout, *given, *doc = append(*actionAbout, a.About), append(*given, a.Given), append(*doc, r.task.Doc)
			*values, *actionDoc, *actionValues = append(*values, r.task.Values), append(*actionDoc, a.Doc), append(*actionValues, a.Values)
		}
	}
	return c
}

func changedTasks(turns []*turnRows) columns {
	var c columns
	key, seq, which, events, history := numbers(&c), numbers(&c), numbers(&c), numbers(&c), texts(&c)
	about, given, doc, values, actionDoc, actionValues := texts(&c), texts(&c), texts(&c), texts(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for _, r := range turn.tasks {
			if r.isNew() {
				continue
			}
			w := r.change()
			c.rows++
			*key, *seq, *which = append(*key, turn.Execution.Key), append(*seq, r.seq), append(*which, w.action)
			*events, *history = append(*events, turn.Events), append(*history, w.history)
			*about, *given, *doc = append(*about, w.about), append(*given, w.given), append(*doc, w.doc)
			*values, *actionDoc, *actionValues = append(*values, w.values), append(*actionDoc, w.actionDoc), append(*actionValues, w.actionValues)
		}
	}
	return c
}

func newActions(turns []*turnRows) columns {
	var c columns
	key, seq, task, about := numbers(&c), numbers(&c), numbers(&c), texts(&c)
	given, doc, values := texts(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for _, r := range turn.actions {
			if r.New {
				c.rows++
				*key, *seq, *task = append(*key, turn.Execution.Key), append(*seq, r.Seq), append(*task, r.Task)
				*about, *given = append(*about, r.About), append(*given, r.Given)
				*doc, *values = append(*doc, r.Doc), append(*values, r.Values)
			}
		}
	}
	return c
}

func changedActions(turns []*turnRows) columns {
	var c columns
	key, seq, doc, values := numbers(&c), numbers(&c), texts(&c), texts(&c)
	for _, turn := range turns {
		for _, r := range turn.actions {
			if !r.New {
				c.rows++
				*key, *seq, *doc, *values = append(*key, turn.Execution.Key), append(*seq, r.Seq), append(*doc, r.Doc), append(*values, r.Values)
			}
		}
	}
	return c
}

func historyColumns(turns []*turnRows) columns {
	var c columns
	key, last, doc := numbers(&c), numbers(&c), texts(&c)
	for _, turn := range turns {
		if h := turn.history; h != nil {
			c.rows++
			*key, *last, *doc = append(*key, turn.Execution.Key), append(*last, h.LastSeq), append(*doc, h.Doc)
		}
	}
	return c
}
