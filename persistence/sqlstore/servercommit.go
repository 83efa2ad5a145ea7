package sqlstore

import (
	"cmp"
	"database/sql"
	"slices"

	"cierzo/persistence"
)

// PostgreSQL (which tries one statement for all first, see onecommit.go) and CockroachDB: a statement costs a round trip, rows cost
// little. Each statement gets all rows of its table as arrays, one for each column.

const (
	createMany = `WITH made AS (` + createRows + `unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::INT8[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[], $12::TEXT[], $13::TEXT[])
AS u (key, created_at, project, flow, id, project_id, workflow_name, root_id, parent_id, parent_task_id, about, given, history) ON CONFLICT (key) DO NOTHING RETURNING key) ` +
		createStates + `unnest($1::INT8[], $2::INT8[], $3::INT8[], $14::INT8[], $15::TEXT[], $16::INT8[], $17::INT8[], $18::INT8[], $19::TEXT[], $20::TEXT[], $21::TEXT[], $22::TEXT[])
AS u (key, created_at, project, epoch, owner, wake_at, wanting, busy, state, runners, doc, vals) JOIN made ON made.key = u.key RETURNING key`
	createRows = `INSERT INTO executions (key, created_at, project, flow, id, project_id, workflow_name, root_id, parent_id, parent_task_id, about, given, history)
SELECT u.key, u.created_at, u.project, u.flow, u.id, u.project_id, u.workflow_name, u.root_id, u.parent_id, u.parent_task_id, u.about, u.given, u.history FROM `
	createStates = `INSERT INTO execution_states (key, created_at, project, epoch, owner, wake_at, wanting, busy, state, runners, doc, vals)
SELECT u.key, u.created_at, u.project, u.epoch, u.owner, u.wake_at, u.wanting, u.busy, u.state, u.runners, u.doc, u.vals FROM `

	updateMany = updateStates + `unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::INT8[], $5::INT8[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[])
AS u (key, epoch, wake_at, wanting, busy, state, runners, doc, vals)` + ofStates + ` RETURNING s.key`
	updateStates = `UPDATE execution_states AS s SET wake_at = u.wake_at, wanting = u.wanting, busy = u.busy, state = u.state, runners = u.runners, doc = u.doc,
vals = CASE u.vals WHEN '=' THEN s.vals ELSE u.vals END FROM `
	ofStates = ` WHERE s.key = u.key AND s.epoch = u.epoch`

	updateGivenMany = updateGiven + `unnest($1::INT8[], $2::TEXT[]) AS u (key, given)` + ofGiven
	updateGiven     = `UPDATE executions AS e SET given = u.given FROM `
	ofGiven         = ` WHERE e.key = u.key`

	putDataMany = putData + `unnest($1::INT8[], $2::TEXT[]) AS u (key, vals)` + overData
	putData     = `INSERT INTO execution_data (key, vals) SELECT u.key, u.vals FROM `
	overData    = ` ON CONFLICT (key) DO UPDATE SET vals = excluded.vals`

	insertTaskMany = insertTask + `unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[])
AS u (key, seq, history_seq, about, history, action_about, action_given, doc, vals, action_doc, action_vals)`
	insertTask = `INSERT INTO tasks (key, seq, history_seq, about, history, action_about, action_given, doc, vals, action_doc, action_vals)
SELECT u.key, u.seq, u.history_seq, u.about, u.history, u.action_about, u.action_given, u.doc, u.vals, u.action_doc, u.action_vals FROM `

	updateTaskMany = updateTask + `unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::INT8[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[])
AS u (key, seq, action, history_seq, history, action_about, action_given, doc, vals, action_doc, action_vals)` + ofTask
	updateTask = `UPDATE tasks AS t SET
action_about = CASE u.action_about WHEN '=' THEN t.action_about ELSE u.action_about END, action_given = CASE u.action_given WHEN '=' THEN t.action_given ELSE u.action_given END,
doc = CASE u.doc WHEN '=' THEN t.doc ELSE u.doc END, vals = CASE u.vals WHEN '=' THEN t.vals ELSE u.vals END,
history_seq = CASE u.history WHEN '=' THEN t.history_seq ELSE u.history_seq END, history = CASE u.history WHEN '=' THEN t.history ELSE u.history END,
action_doc = CASE u.action_doc WHEN '=' THEN t.action_doc ELSE u.action_doc END, action_vals = CASE u.action_vals WHEN '=' THEN t.action_vals ELSE u.action_vals END
FROM `
	ofTask = ` WHERE t.key = u.key AND t.seq = u.seq AND (u.action = 0 OR (u.action = 1) = (t.action_about = '')) AND (u.history = '=' OR t.history = '')`

	insertActionMany = insertAction + `unnest($1::INT8[], $2::INT8[], $3::INT8[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[]) AS u (key, seq, task, about, given, doc, vals)`
	insertAction     = `INSERT INTO actions (key, seq, task, about, given, doc, vals) SELECT u.key, u.seq, u.task, u.about, u.given, u.doc, u.vals FROM `

	updateActionMany = updateAction + `unnest($1::INT8[], $2::INT8[], $3::TEXT[], $4::TEXT[]) AS u (key, seq, doc, vals)` + ofAction
	updateAction     = `UPDATE actions AS a SET doc = u.doc, vals = u.vals FROM `
	ofAction         = ` WHERE a.key = u.key AND a.seq = u.seq`

	historyMany   = insertHistory + `unnest($1::INT8[], $2::INT8[], $3::TEXT[]) AS u (key, last_seq, doc)`
	insertHistory = `INSERT INTO history (key, last_seq, doc) SELECT u.key, u.last_seq, u.doc FROM `
)

// Which revisions are the newest, of those that must be.
const (
	newestMany = newestRows + `unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[]) AS u (project_id, namespace, name, revision_id)` + areNewest
	newestRows = `SELECT u.project_id, u.namespace, u.name, u.revision_id FROM `
	areNewest  = ` JOIN definitions AS d ON d.project_id = u.project_id AND d.kind = 'workflow' AND d.namespace = u.namespace AND d.name = u.name AND d.revision_id = u.revision_id`
)

// What of the versions that the definitions must have is the one that they have.
const (
	definitionsMany = definitionsRows + `unnest($1::INT8[]) AS u (version)` + areVersion
	definitionsRows = `SELECT u.version FROM `
	areVersion      = ` JOIN definitions_version AS v ON v.id = 1 AND v.version = u.version`
)

// part is a statement that writes rows, or looks whether they are as they must be. It is head and tail around where the rows come from, called u.
type part struct {
	many       string // the statement, with an array for each column
	head, tail string
	rowType    string // of the rows as one array: in migrations/postgres
	kinds      string // of the columns: isNumber, isText
}

// parts are all statements of a commit: first those of the executions themselves, which tell what else is written.
var (
	createPart = part{createMany, createStates, "", "turn_creation", "nnnnttttttttt" + "ntnnntttt"}
	updatePart = part{updateMany, updateStates, ofStates, "turn_update", "nnnnntttt"}

	givenPart        = part{updateGivenMany, updateGiven, ofGiven, "turn_given", "nt"}
	dataPart         = part{putDataMany, putData, overData, "turn_data", "nt"}
	taskPart         = part{insertTaskMany, insertTask, "", "turn_task", "nnntttttttt"}
	taskUpdatePart   = part{updateTaskMany, updateTask, ofTask, "turn_task_update", "nnnnttttttt"}
	actionPart       = part{insertActionMany, insertAction, "", "turn_action", "nnntttt"}
	actionUpdatePart = part{updateActionMany, updateAction, ofAction, "turn_action_update", "nntt"}
	historyPart      = part{historyMany, insertHistory, "", "turn_history", "nnt"}
	noticePart       = part{noticeMany, insertNotice, onceNotice, "turn_notice", "nttnnt"}

	newestPart      = part{newestMany, newestRows, areNewest, "turn_newest", "tttt"}
	definitionsPart = part{definitionsMany, definitionsRows, areVersion, "turn_definitions", "n"}
)

// owns are the rows of a batch's executions.
func owns(b *batch) []sheet { return []sheet{createdRows(b), updatedRows(b)} }

// children are the rows of turns besides the executions' own.
func children(turns []*turnRows) []sheet {
	return []sheet{
		changedGiven(turns), dataRows(turns), newTasks(turns), changedTasks(turns), newActions(turns), changedActions(turns),
		historyRows(turns), noticeRows(turns),
	}
}

// writeArrays writes a batch with a statement for each table that it touches.
func writeArrays(t *transaction, b *batch) error {
	if err := findOutdated(t, b); err != nil {
		return err
	}
	for _, s := range owns(b) {
		if s.rows() == 0 {
			continue
		}
		if err := t.query(s.many, b.scanWritten, s.arrays()...); err != nil {
			return err
		}
	}
	for _, s := range children(b.committed()) {
		if s.rows() == 0 {
			continue
		}
		n, err := t.exec(s.many, s.arrays()...)
		if err != nil {
			return err
		}
		if n != int64(s.rows()) {
			return missingRows(s.rows(), n)
		}
	}
	return nil
}

// findOutdated finds turns that can't be written because their revision isn't the newest, or the definitions have changed.
func findOutdated(t *transaction, b *batch) error {
	newest := map[persistence.RevisionOf]bool{}
	if s := newestRevisions(b.turns); s.rows() > 0 {
		err := t.query(s.many, func(rows *sql.Rows) error {
			r := persistence.RevisionOf{DefinitionKey: persistence.DefinitionKey{Kind: persistence.WorkflowDefinition}}
			err := rows.Scan(&r.ProjectID, &r.Namespace, &r.Name, &r.ID)
			newest[r] = true
			return err
		}, s.arrays()...)
		if err != nil {
			return err
		}
	}
	versions := map[int64]bool{}
	if s := versionsOf(b.turns); s.rows() > 0 {
		err := t.query(s.many, func(rows *sql.Rows) error {
			var version int64
			err := rows.Scan(&version)
			versions[version] = true
			return err
		}, s.arrays()...)
		if err != nil {
			return err
		}
	}
	for _, turn := range b.turns {
		turn.outdated = turn.Newest.ID != "" && !newest[turn.Newest] || turn.Definitions != 0 && !versions[turn.Definitions]
	}
	return nil
}

// versionsOf are the versions that the definitions must have, each once.
func versionsOf(turns []*turnRows) sheet {
	s := sheet{part: definitionsPart}
	for _, turn := range turns {
		if v := turn.Definitions; v != 0 && !slices.Contains(s.cells, cell{number: v}) {
			s.numbers(v)
		}
	}
	return s
}

// newestRevisions are the revisions that must be the newest, each once.
func newestRevisions(turns []*turnRows) sheet {
	s := sheet{part: newestPart}
	var seen map[persistence.RevisionOf]bool
	for _, turn := range turns {
		r := turn.Newest
		if r.ID == "" || seen[r] {
			continue
		}
		if seen == nil {
			seen = map[persistence.RevisionOf]bool{}
		}
		seen[r] = true
		s.texts(r.ProjectID, r.Namespace, r.Name, r.ID)
	}
	return s
}

func (b *batch) scanWritten(rows *sql.Rows) error {
	var key int64
	if err := rows.Scan(&key); err != nil {
		return err
	}
	b.written(key)
	return nil
}

func createdRows(b *batch) sheet {
	s := sheet{part: createPart}
	for _, turn := range b.turns {
		if !turn.Create || turn.outdated {
			continue
		}
		e := &turn.Execution
		s.numbers(e.Key, e.CreatedAt, persistence.IndexHash(e.ProjectID), persistence.IndexHash(e.ProjectID, e.WorkflowName))
		s.texts(e.ID, e.ProjectID, e.WorkflowName, e.RootID, e.ParentID, e.ParentTaskID, e.About, turn.Given, turn.born)
		s.numbers(1) // the epoch
		s.texts(string(turn.Node))
		s.numbers(e.WakeAt, e.Wanting, e.Busy)
		s.texts(e.State, e.Runners, e.Doc, vals(turn))
	}
	return s
}

func updatedRows(b *batch) sheet {
	s := sheet{part: updatePart}
	for _, turn := range b.turns {
		if turn.Create || turn.outdated {
			continue
		}
		e := &turn.Execution
		s.numbers(e.Key, int64(turn.Epoch), e.WakeAt, e.Wanting, e.Busy)
		s.texts(e.State, e.Runners, e.Doc, vals(turn))
	}
	return s
}

// changedGiven is what executions that were created before have been given since.
func changedGiven(turns []*turnRows) sheet {
	s := sheet{part: givenPart}
	for _, turn := range turns {
		if turn.HasGiven && !turn.Create {
			s.numbers(turn.Execution.Key)
			s.texts(turn.Given)
		}
	}
	return s
}

// dataRows are the data that don't lie in the rows of states.
func dataRows(turns []*turnRows) sheet {
	s := sheet{part: dataPart}
	for _, turn := range turns {
		if vals(turn) == valsApart {
			s.numbers(turn.Execution.Key)
			s.texts(turn.Data)
		}
	}
	return s
}

func newTasks(turns []*turnRows) sheet {
	s := sheet{part: taskPart}
	for _, turn := range turns {
		for _, r := range turn.tasks {
			if !r.isNew() {
				continue
			}
			a := cmp.Or(r.action, &persistence.ActionRow{})
			s.numbers(turn.Execution.Key, r.seq, turn.Events)
			s.texts(r.task.About, r.history, a.About, a.Given, r.task.Doc, r.task.Values, a.Doc, a.Values)
		}
	}
	return s
}

func changedTasks(turns []*turnRows) sheet {
	s := sheet{part: taskUpdatePart}
	for _, turn := range turns {
		for _, r := range turn.tasks {
			if r.isNew() {
				continue
			}
			w := r.change()
			s.numbers(turn.Execution.Key, r.seq, w.action, turn.Events)
			s.texts(w.history, w.about, w.given, w.doc, w.values, w.actionDoc, w.actionValues)
		}
	}
	return s
}

func newActions(turns []*turnRows) sheet {
	s := sheet{part: actionPart}
	for _, turn := range turns {
		for _, r := range turn.actions {
			if r.New {
				s.numbers(turn.Execution.Key, r.Seq, r.Task)
				s.texts(r.About, r.Given, r.Doc, r.Values)
			}
		}
	}
	return s
}

func changedActions(turns []*turnRows) sheet {
	s := sheet{part: actionUpdatePart}
	for _, turn := range turns {
		for _, r := range turn.actions {
			if !r.New {
				s.numbers(turn.Execution.Key, r.Seq)
				s.texts(r.Doc, r.Values)
			}
		}
	}
	return s
}

func historyRows(turns []*turnRows) sheet {
	s := sheet{part: historyPart}
	for _, turn := range turns {
		if h := turn.history; h != nil {
			s.numbers(turn.Execution.Key, h.LastSeq)
			s.texts(h.Doc)
		}
	}
	return s
}
