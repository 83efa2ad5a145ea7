package load

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"cierzo/api/apitype"
	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/workflow"
)

var listed = flag.Int("lists.count", 3000, "executions in the lists")

const (
	// pageSize is that of the lists: of a million executions the project has 900,000, so the last page is the 10,000th.
	pageSize = 90
	// tries of each list; the middle one is told.
	tries = 15
	// project is whose lists are read; others have a tenth of the executions.
	project = "<default-project>"
)

// TestLists fills a database with executions, through its tables, and reads lists over HTTP: from the beginning, the middle and
// the end, filtered and of all projects. Every page must hold what was put there; the times are told, for docs/rest.md.
func TestLists(t *testing.T) {
	for name, dsn := range map[string]func() (store, driver, source string){
		"postgres": func() (string, string, string) {
			db, err := dbtest.StartPostgres(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Stop(); err != nil {
					t.Error(err)
				}
			})
			return db.DSN("postgres"), "postgres", db.DSN("postgres")
		},
		"sqlite": func() (string, string, string) {
			file := filepath.Join(t.TempDir(), "lists.db")
			return "sqlite://" + file, "sqlite", "file:" + file + "?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)"
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(*listed)*time.Millisecond)
			defer cancel()
			store, driver, source := dsn()
			s := startServer(ctx, t, "--store", store) // migrates the database
			l := &lists{t: t, ctx: ctx, server: s}
			l.template()
			begin := time.Now()
			l.fill(driver, source)
			t.Logf("%d executions in %v", *listed, time.Since(begin).Round(time.Second))
			l.read()
		})
	}
}

// lists is a database with many executions, and what is in it.
type lists struct {
	t      *testing.T
	ctx    context.Context
	server *server
	about  string // of an execution's row
	doc    string
	mine   []string // ids of the project's executions, in the order of their creation
	rare   []string // those of the workflow "rare"
	failed []string // those that ended in ERROR
}

func (l *lists) call(method, path, body string) []byte {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.ctx, method, "http://"+l.server.api+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("X-Roles", "admin")
	if body != "" {
		req.Header.Set("Content-Type", map[bool]string{true: "application/json", false: "text/plain"}[body[0] == '{'])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		l.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, data, err)
	}
	return data
}

// template has the documents of an execution as a server would store them.
func (l *lists) template() {
	l.t.Helper()
	var defined apitype.Workflows
	if err := json.Unmarshal(l.call("POST", "/v2/workflows", workflows), &defined); err != nil {
		l.t.Fatal(err)
	}
	row, err := persistence.NewExecutionRow(&workflow.ExecutionRecord{
		ID: "x", ProjectID: project, WorkflowName: "quick", DefinitionID: defined.Workflows[0].ID, State: workflow.Success, Description: "one of many",
		Tags: []string{"many"}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.about, l.doc = row.About, row.Doc
}

// row is the execution number i: every tenth is of another project, one in 10,000 is of the rare workflow, one in 7000 has failed.
func (l *lists) row(i int) (id, owner, name, state string) {
	id, owner, name, state = uuid.NewString(), project, fmt.Sprintf("w%d", i%20), "SUCCESS"
	switch {
	case i%10 == 9:
		owner = "other"
	case i%10_000 == 50:
		name = "rare"
		l.rare = append(l.rare, id)
	case i%7000 == 100:
		state = "ERROR"
		l.failed = append(l.failed, id)
	}
	if owner == project {
		l.mine = append(l.mine, id)
	}
	return id, owner, name, state
}

func (l *lists) fill(driver, source string) {
	l.t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		l.t.Fatal(err)
	}
	defer db.Close()
	type pair struct{ execution, state string }
	statements := pair{
		`INSERT INTO executions (key, created_at, project, flow, id, project_id, workflow_name, about, root_id, parent_id, parent_task_id, given, history)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '', '', '', '')`,
		`INSERT INTO execution_states (key, created_at, project, state, doc, epoch, owner, wake_at, wanting, busy, runners, vals)
VALUES (?, ?, ?, ?, ?, 1, '', 0, 0, 0, '', '')`,
	}
	copies := driver == "postgres"
	if copies {
		statements = pair{
			`COPY executions (key, created_at, project, flow, id, project_id, workflow_name, about, root_id, parent_id, parent_task_id, given, history) FROM STDIN`,
			`COPY execution_states (key, created_at, project, state, doc, epoch, owner, wake_at, wanting, busy, runners, vals) FROM STDIN`,
		}
	}
	const chunk = 50_000
	from := time.Now().Add(-30 * 24 * time.Hour)
	for first := 0; first < *listed; first += chunk {
		var rows, states [][]any
		for i := first; i < min(first+chunk, *listed); i++ {
			id, owner, name, state := l.row(i)
			key := int64(workflow.ExecutionID(id).Key())
			at := persistence.Micros(from.Add(time.Duration(i) * time.Second))
			row := []any{key, at, persistence.IndexHash(owner), persistence.IndexHash(owner, name), id, owner, name, l.about}
			stateRow := []any{key, at, persistence.IndexHash(owner), state, l.doc}
			if copies {
				row, stateRow = append(row, "", "", "", "", ""), append(stateRow, 1, "", 0, 0, 0, "", "")
			}
			rows, states = append(rows, row), append(states, stateRow)
		}
		l.insert(db, statements.execution, rows, copies)
		l.insert(db, statements.state, states, copies)
	}
	if _, err := db.ExecContext(l.ctx, "ANALYZE"); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lists) insert(db *sql.DB, text string, rows [][]any, copies bool) {
	l.t.Helper()
	tx, err := db.BeginTx(l.ctx, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	stmt, err := tx.PrepareContext(l.ctx, text)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, row := range rows {
		if _, err := stmt.ExecContext(l.ctx, row...); err != nil {
			l.t.Fatal(err)
		}
	}
	if copies {
		if _, err := stmt.ExecContext(l.ctx); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := stmt.Close(); err != nil {
		l.t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		l.t.Fatal(err)
	}
}

// read reads each list some times; what it holds is compared, how long it takes is told.
func (l *lists) read() {
	n := len(l.mine)
	last := n - n%pageSize - pageSize
	middle := n / 2
	marker := func(ids []string, i int) string {
		if i <= 0 {
			return ""
		}
		return "&marker=" + ids[i-1]
	}
	since := apitype.Time(time.Now().Add(-30 * 24 * time.Hour).Add(time.Duration(*listed*9/10) * time.Second)).Value
	reversed := slices.Clone(l.mine)
	slices.Reverse(reversed)
	const down = "&sort_keys=created_at&sort_dirs=desc"
	for _, list := range []struct {
		name, query string
		want        []string // nil: only that the page is full
	}{
		{"page 1", "", l.mine[:pageSize]},
		{fmt.Sprintf("page %d, by its marker", middle/pageSize), marker(l.mine, middle), l.mine[middle : middle+pageSize]},
		{fmt.Sprintf("page %d, by its marker", last/pageSize+1), marker(l.mine, last), l.mine[last : last+pageSize]},
		{"the newest first, page 1", down, reversed[:pageSize]},
		{fmt.Sprintf("the newest first, page %d, by its marker", last/pageSize+1), down + marker(reversed, last), reversed[last : last+pageSize]},
		{"from nine tenths of the time on", "&created_at=gt:" + strings.ReplaceAll(since, " ", "%20"), nil},
		{"a rare workflow", "&workflow_name=rare", l.rare[:min(len(l.rare), pageSize)]},
		{"the few that failed", "&state=ERROR", l.failed[:min(len(l.failed), pageSize)]},
		{"the few that failed, the newest first", "&state=ERROR" + down, lastOf(l.failed)},
		{"running ones, of which there are none", "&state=RUNNING", []string{}},
		{"of all projects, page 1", "&all_projects=true", nil},
		{"of all projects, the newest first", "&all_projects=true" + down, nil},
		{fmt.Sprintf("of all projects, page %d, by its marker", last/pageSize+1), "&all_projects=true" + marker(l.mine, last), nil},
	} {
		var took []time.Duration
		for range tries {
			begin := time.Now()
			data := l.call("GET", fmt.Sprintf("/v2/executions?limit=%d%s", pageSize, list.query), "")
			took = append(took, time.Since(begin))
			var page apitype.Executions
			if err := json.Unmarshal(data, &page); err != nil {
				l.t.Fatal(err)
			}
			ids := make([]string, 0, pageSize)
			for _, e := range page.Executions {
				ids = append(ids, e.ID)
			}
			if list.want != nil && !slices.Equal(ids, list.want) || list.want == nil && len(ids) != pageSize {
				l.t.Fatalf("%s: %d executions, not those that were put there", list.name, len(ids))
			}
		}
		slices.Sort(took)
		l.t.Logf("%-48s p50 %6.1f ms, max %6.1f ms", list.name, ms(took[len(took)/2]), ms(took[len(took)-1]))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// lastOf is the first page of a list in the other direction.
func lastOf(ids []string) []string {
	out := slices.Clone(ids)
	slices.Reverse(out)
	return out[:min(len(out), pageSize)]
}
