package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/workflow"
)

// fill adds executions from the number first to the number last, and as many definitions, to what a busy installation
// has: half of the executions wait, a hundredth is due.
func fill(t *testing.T, db *sql.DB, first, last int) {
	t.Helper()
	series := fmt.Sprintf(" FROM generate_series(%d, %d) AS i", first, last)
	// Numbers that are spread as keys are; the same of projects, of which there are ten.
	const key, project = "('x' || left(md5(i::TEXT), 16))::BIT(64)::INT8", "i % 10"
	run(t, db,
		`INSERT INTO executions SELECT `+key+`, 1700000000000000 + i, `+project+`, i % 50, md5(i::TEXT), 'p' || i % 10, 'w' || i % 50,
CASE i % 2 WHEN 0 THEN '' ELSE md5((i - i % 20)::TEXT) END, CASE i % 2 WHEN 0 THEN '' ELSE md5((i - 1)::TEXT) END,
CASE i % 2 WHEN 0 THEN '' ELSE md5('t' || i) END, '', '{}', '{}'`+series,
		`INSERT INTO execution_states SELECT `+key+`, 1700000000000000 + i, `+project+`, 1, 'n',
CASE WHEN i % 100 = 0 THEN 1000 + i WHEN i % 2 = 0 THEN 9000000000000000 + i ELSE 0 END, CASE WHEN i % 50 = 0 THEN 1 ELSE 0 END, CASE WHEN i % 50 = 0 THEN 1 ELSE 0 END,
CASE i % 5 WHEN 0 THEN 'RUNNING' ELSE 'SUCCESS' END, CASE WHEN i % 50 = 0 THEN '["r1"]' ELSE '' END, '{}', '{}'`+series,
		`INSERT INTO execution_data SELECT `+key+`, '{}'`+series,
		`INSERT INTO tasks SELECT `+key+`, k, '{}', CASE i % 2 WHEN 0 THEN '{}' ELSE '' END, '', k, CASE i % 3 WHEN 0 THEN '{}' ELSE '' END, '{}', '', CASE i % 2 WHEN 0 THEN '{}' ELSE '' END, ''`+series+`, generate_series(0, 2) AS k`,
		`INSERT INTO actions SELECT `+key+`, k + 1, k, '{}', '', '{}', ''`+series+`, generate_series(0, 2) AS k WHERE i % 2 = 1`,
		`INSERT INTO history SELECT `+key+`, k, '[]'`+series+`, generate_series(1, 3) AS k`,
		`INSERT INTO revisions SELECT md5('d' || i), md5('d' || i), 'p' || i % 10, 'workflow', '', 'w' || i, 'private', '[]', '', '', 1, '', 1, 'me'`+series,
		`INSERT INTO definitions SELECT 'p' || i % 10, 'workflow', '', 'w' || i, CASE i % 100 WHEN 0 THEN 'public' ELSE 'private' END, md5('d' || i)`+series,
		`INSERT INTO resources SELECT md5('r' || i), CASE i % 2 WHEN 0 THEN 'cron_trigger' ELSE 'member' END, 'p' || i % 10, '', 'r' || i, 'private', 'w' || i % 50,
CASE WHEN i % 100 = 0 THEN 1000 + i ELSE 0 END, 1, '{}', 1700000000000000 + i, 0`+series,
		`INSERT INTO notices SELECT `+key+`, md5(i::TEXT), 'params-' || k, k, CASE WHEN i % 100 = 0 THEN 1700000000000000 ELSE 9000000000000000 END, 0, '{}'`+
			series+`, generate_series(1, 2) AS k`,
		"ANALYZE")
}

// scansAllowed are the statements that may read a whole table, with the reason.
func scansAllowed() map[string]string {
	const members = "there is a row for each node"
	const seldom = "a list for people that begins with a name: definitions are few, and the page is sorted over all that one may see"
	return map[string]string{
		versionOfDefinitions: "a table of one row",
		replaceNode:          members, liveNodes: members, forgetOfNode: members, endLeases: members, deleteNode: members, renewNode: members,
		listQuery: seldom, listInQuery: seldom, restQuery: seldom, listAllQuery: seldom, listAllIn: seldom, restAllQuery: seldom,
		countAllQuery: "it counts all",
		countNotices:  "it counts up to a limit", countRootsQuery: "it counts all, each few minutes at most",
	}
}

// TestPlans: under SERIALIZABLE a sequential scan conflicts with every writer of its table, and for the readers it grows with
// the installation. Generic plans are what prepared statements end with.
func TestPlans(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	s := open(t, dsn)
	first := 1
	for _, last := range []int{0, 10, 10_000} {
		if last >= first {
			fill(t, admin(t, dsn), first, last)
			first = last + 1
		}
		for handle, texts := range map[*sql.DB][]string{s.writer: s.dialect.writes(), s.db: s.dialect.reads()} {
			if last < 1000 && handle == s.db {
				continue // outside of transactions a scan of a small table harms nobody
			}
			if handle == s.writer {
				texts = append(texts, wholeText(allSheets(), false), wholeText(allSheets(), true))
			}
			for _, text := range texts {
				plan := explain(t, handle, s.dialect.text(text))
				if strings.Contains(plan, "Seq Scan") && scansAllowed()[text] == "" {
					t.Errorf("%d executions: %s\n%s", last, text, plan)
				}
			}
		}
	}
	for name, q := range map[string]persistence.ExecutionsQuery{
		"of a project":       {ProjectID: "p1", Limit: 50},
		"the next page":      {ProjectID: "p1", Before: &persistence.PageKey{CreatedAt: persistence.FromMicros(1700000000005000), ID: "x"}},
		"roots of a project": {ProjectID: "p1", RootsOnly: true, Limit: 50},
		"running ones":       {ProjectID: "p1", States: []workflow.State{workflow.Running}, Limit: 50},
		"below a root":       {RootID: "x", Limit: 50},
		"below a task":       {ParentTask: "x", Limit: 50},
	} {
		text, args := executionsStatement(s.dialect, q)
		if plan := explainWith(t, s.db, text, args); strings.Contains(plan, "Seq Scan") {
			t.Errorf("executions %s:\n%s", name, plan)
		}
	}
	after := &persistence.PageMark{CreatedAt: persistence.FromMicros(1700000000005000), ID: "x", Seq: 1}
	for name, q := range map[string]persistence.PageQuery{
		"of a project":  {ProjectID: "p1", NotWorkflow: "x", Limit: 50},
		"the next page": {ProjectID: "p1", After: after, Limit: 50},
		"backwards":     {ProjectID: "p1", Descending: true, After: after, Limit: 50},
		"live ones":     {ProjectID: "p1", States: persistence.LiveStates(), Limit: 50},
		"of one":        {ID: "x"},
		"below a root":  {RootID: "x"},
		"of some time":  {ProjectID: "p1", Since: persistence.FromMicros(1700000000005000), Until: persistence.FromMicros(1700000000006000)},
	} {
		for _, p := range []paged{s.dialect.executionPage(), s.dialect.taskPage(), s.dialect.actionPage()} {
			text, args := s.dialect.pageStatement(p, q)
			if plan := explainWith(t, s.db, text, args); strings.Contains(plan, "Seq Scan") {
				t.Errorf("a page %s: %s\n%s", name, text, plan)
			}
		}
	}
	ordered(t, s)
	keepPlans(t, s)
	for name, q := range map[string]persistence.ResourcesQuery{
		"of a kind":                 {Kind: persistence.MemberResource, Limit: 50},
		"that point to something":   {Kind: persistence.MemberResource, Ref: "w1"},
		"of a project, and a place": {Kind: persistence.MemberResource, ProjectID: "p1", After: &persistence.ResourceMark{CreatedAt: persistence.FromMicros(1700000000005000)}, Limit: 50},
	} {
		text, args := resourcesStatement(q)
		if plan := explainWith(t, s.db, text, args); strings.Contains(plan, "Seq Scan") {
			t.Errorf("resources %s:\n%s", name, plan)
		}
	}
	// The database's clock must bound the index, or all who wait are read to find those who are due.
	plan := explain(t, s.db, s.dialect.text(dueMany))
	if i := strings.Index(plan, "Index Cond:"); i < 0 || !strings.Contains(strings.SplitN(plan[i:], "\n", 2)[0], "wake_at <=") {
		t.Errorf("due executions:\n%s", plan)
	}
}

// allSheets is a sheet for each part of a batch.
func allSheets() []sheet {
	return append(append(owns(&batch{}), children(nil)...), versionsOf(nil), newestRevisions(nil))
}

// ordered: lists in the order of creation go along the index of what they are filtered by. Where that says little, the page
// comes in the order of the index: what is sorted for each page grows with the installation.
func ordered(t *testing.T, s *Store) {
	t.Helper()
	for _, test := range orderedPages() {
		for _, descending := range []bool{false, true} {
			text, args := test.statement(s, descending)
			plan := explainWith(t, s.db, text, args)
			// Rows of the page are sorted again after their data are joined.
			inner := plan[max(0, strings.Index(plan, "Limit")):]
			if !strings.Contains(inner, test.index) || strings.Contains(inner, "Sort") && !test.few {
				t.Errorf("descending %t: not in the order of %s: %s\n%s", descending, test.index, text, plan)
			}
		}
	}
}

// orderedPage is a list in the order of creation, and the index that it goes along.
type orderedPage struct {
	index string
	query persistence.PageQuery
	few   bool // the filter leaves so few that they may be sorted
}

// statement is that of a page behind another one.
func (p orderedPage) statement(s *Store, descending bool) (string, []any) {
	q := p.query
	q.After = &persistence.PageMark{CreatedAt: persistence.FromMicros(1700000000005000), ID: "x"}
	q.Limit, q.Descending = 50, descending
	return s.dialect.pageStatement(s.dialect.executionPage(), q)
}

func orderedPages() []orderedPage {
	return []orderedPage{
		{"executions_created", persistence.PageQuery{ProjectID: "p1", NotWorkflow: "x"}, false},
		{"executions_all", persistence.PageQuery{NotWorkflow: "x"}, false},
		{"executions_workflow", persistence.PageQuery{ProjectID: "p1", WorkflowName: "w1"}, true},
		{"executions_broken", persistence.PageQuery{ProjectID: "p1", States: []workflow.State{workflow.Error}}, true},
		{"executions_live", persistence.PageQuery{ProjectID: "p1", States: []workflow.State{workflow.Running}}, true},
	}
}

// explain gives a statement's generic plan.
func explain(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	var plan string
	onConnection(t, db, func(ctx context.Context, c *sql.Conn) error {
		for _, stmt := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE p AS " + text} {
			if _, err := c.ExecContext(ctx, stmt); err != nil {
				return err
			}
		}
		n := 0
		for strings.Contains(text, fmt.Sprint("$", n+1)) {
			n++
		}
		execute := "EXPLAIN EXECUTE p"
		if n > 0 {
			execute += "(" + strings.Join(slices.Repeat([]string{"NULL"}, n), ", ") + ")"
		}
		var err error
		if plan, err = planOf(ctx, c, execute); err != nil {
			return err
		}
		_, err = c.ExecContext(ctx, "DEALLOCATE p")
		if err == nil {
			_, err = c.ExecContext(ctx, "RESET plan_cache_mode")
		}
		return err
	})
	return plan
}

// explainWith gives the plan for these arguments.
func explainWith(t *testing.T, db *sql.DB, text string, args []any) string {
	t.Helper()
	var plan string
	onConnection(t, db, func(ctx context.Context, c *sql.Conn) error {
		var err error
		plan, err = planOf(ctx, c, "EXPLAIN "+text, args...)
		return err
	})
	return plan
}

func onConnection(t *testing.T, db *sql.DB, fn func(context.Context, *sql.Conn) error) {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := fn(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func planOf(ctx context.Context, c *sql.Conn, text string, args ...any) (string, error) {
	r, err := c.QueryContext(ctx, text, args...)
	if err != nil {
		return "", fmt.Errorf("%s: %w", text, err)
	}
	var lines []string
	err = each(r, into(&lines, scanText[string]))
	return strings.Join(lines, "\n"), err
}

// TestRoundTrips: a batch costs PostgreSQL one statement, whatever the number of its turns and of the tables that they touch.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	w, dsn := throughWire(t, dbtest.Postgres(t))
	s := open(t, dsn)
	mustCommit(t, s, creation("first")) // which asks for the numbers of types
	turns := func(n int, make func(id workflow.ExecutionID) persistence.Turn) []persistence.Turn {
		var out []persistence.Turn
		for i := range n {
			out = append(out, make(workflow.ExecutionID(fmt.Sprint("e", i))))
		}
		return out
	}
	again := func(id workflow.ExecutionID) persistence.Turn { return update(id, "again") }
	mixed := append(turns(50, again), creation("other"))
	bare := update("e1", "bare")
	bare.Writes.Data, bare.Writes.Tasks, bare.Writes.Actions, bare.Writes.History = nil, nil, nil, nil
	for _, test := range []struct {
		name       string
		turns      []persistence.Turn
		statements int
	}{
		{"50 creations", turns(50, creation), 1},
		{"50 updates", turns(50, again), 1},
		{"both", mixed, 1},
		{"one update of a state", []persistence.Turn{bare}, 1},
	} {
		w.on(nil)
		mustCommit(t, s, test.turns...)
		statements, frame := 0, []string{}
		for _, r := range w.requests() {
			if r.kind == 'E' {
				statements++
			} else {
				frame = append(frame, r.text)
			}
		}
		if statements != test.statements {
			t.Errorf("%s: %d statements, want %d", test.name, statements, test.statements)
		}
		if len(frame) > 0 {
			t.Errorf("%s: around them %q", test.name, frame)
		}
	}
}

// TestPlansOnSQLite: no table is read whole there either; there is one writer, and a slow statement holds up all.
func TestPlansOnSQLite(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteFile(t))
	for _, text := range slices.Concat(s.dialect.reads(), s.dialect.writes()) {
		var args []any
		for strings.Contains(s.dialect.text(text), fmt.Sprint("$", len(args)+1)) {
			args = append(args, nil)
		}
		err := s.read(t.Context(), "explain", "EXPLAIN QUERY PLAN "+text, func() {}, func(r *sql.Rows) error {
			var id, parent, unused int
			var detail string
			if err := r.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			// found is what the query inside has found.
			whole := strings.HasPrefix(detail, "SCAN ") && detail != "SCAN CONSTANT ROW" && !strings.HasPrefix(detail, "SCAN found") && !strings.Contains(detail, " USING ") && !strings.Contains(detail, "json_each") && !strings.Contains(detail, "VIRTUAL TABLE")
			if whole && scansAllowed()[text] == "" {
				t.Errorf("%s: %s", text, detail)
			}
			return nil
		}, args...)
		if err != nil {
			t.Error(err)
		}
	}
	for _, p := range []paged{s.dialect.taskPage(), s.dialect.actionPage()} {
		text, args := s.dialect.pageStatement(p, persistence.PageQuery{ProjectID: "p1", After: &persistence.PageMark{ID: "x"}})
		plan, err := list(t.Context(), s, "explain", func(r *sql.Rows) (detail string, err error) {
			var id, parent, unused int
			err = r.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}, "EXPLAIN QUERY PLAN "+text, args...)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range plan {
			// place has two rows, each without a table.
			if strings.HasPrefix(step, "SCAN ") && !strings.HasPrefix(step, "SCAN place") && step != "SCAN CONSTANT ROW" {
				t.Errorf("%s: %s\n%s", step, text, strings.Join(plan, "\n"))
			}
		}
	}
	for _, test := range orderedPages() {
		for _, descending := range []bool{false, true} {
			text, args := test.statement(s, descending)
			var plan []string
			err := s.read(t.Context(), "explain", "EXPLAIN QUERY PLAN "+text, func() { plan = nil }, func(r *sql.Rows) error {
				var id, parent, unused int
				var detail string
				err := r.Scan(&id, &parent, &unused, &detail)
				plan = append(plan, detail)
				return err
			}, args...)
			if err != nil {
				t.Fatal(err)
			}
			// SEARCH, not SCAN: the index is entered at the marker.
			if got := strings.Join(plan, "\n"); !strings.Contains(got, " USING INDEX "+test.index) || strings.Contains(got, "SCAN") {
				t.Errorf("descending %t: not along %s: %s\n%s", descending, test.index, text, got)
			}
		}
	}
}

// TestTurnsLeaveIndexesAloneOnSQLite: a turn that only goes on writes no entry of an index, and no statement of a turn makes a table of
// its own.
func TestTurnsLeaveIndexesAloneOnSQLite(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteFile(t))
	does := func(text string) (steps []string) {
		t.Helper()
		var args []any
		for strings.Contains(text, fmt.Sprint("$", len(args)+1)) {
			args = append(args, nil)
		}
		err := s.read(t.Context(), "explain", "EXPLAIN "+text, func() { steps = nil }, func(r *sql.Rows) error {
			var code string
			var rest any
			err := r.Scan(&rest, &code, &rest, &rest, &rest, &rest, &rest, &rest)
			steps = append(steps, code)
			return err
		}, args...)
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	for _, text := range []string{createOne, createStateOne, goOnOne, updateOne, insertTaskOne, updateTaskOne, insertActionOne, updateActionOne, historyOne} {
		if steps := does(text); slices.Contains(steps, "OpenEphemeral") || !slices.Contains(steps, "MakeRecord") {
			t.Errorf("%s: %v", text, steps)
		}
	}
	for _, text := range []string{goOnOne, updateTaskOne, updateActionOne} {
		if steps := does(text); slices.Contains(steps, "IdxInsert") || slices.Contains(steps, "IdxDelete") {
			t.Errorf("%s: %v", text, steps)
		}
	}
	if !slices.Contains(does(updateOne), "IdxInsert") {
		t.Error("the statement that changes what indexes follow seems to leave them alone: this test sees nothing")
	}
}
