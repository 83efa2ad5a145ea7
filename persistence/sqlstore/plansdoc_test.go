package sqlstore

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"cierzo/persistence"
	"cierzo/workflow"
)

var writePlans = flag.Bool("plans.write", false, "write docs/plans.md anew")

const plansPath = "../../docs/plans.md"

// hotStatements are those that run for each turn, each takeover, each look of a clock and each page of a list, by what they do.
func hotStatements(d dialect) [][2]string {
	page, _ := d.pageStatement(d.executionPage(), persistence.PageQuery{ProjectID: "p1", NotWorkflow: "x", After: &persistence.PageMark{ID: "x"}, Limit: 50})
	live, _ := d.pageStatement(d.executionPage(), persistence.PageQuery{ProjectID: "p1", States: persistence.LiveStates(), Limit: 50})
	failed, _ := d.pageStatement(d.executionPage(), persistence.PageQuery{ProjectID: "p1", States: []workflow.State{workflow.Error}, Limit: 50})
	return [][2]string{
		{"Commit, as PostgreSQL carries it out: what a batch can have in one statement", wholeText(allSheets(), false)},
		{"Commit, as PostgreSQL carries it out: a turn by itself that has one row of each kind", wholeText(allSheets(), true)},
		{"Commit: executions that begin", createMany},
		{"Commit: executions that go on", updateMany},
		{"Commit: large data", putDataMany},
		{"Commit: new tasks", insertTaskMany},
		{"Commit: tasks that go on", updateTaskMany},
		{"Commit: new actions", insertActionMany},
		{"Commit: actions that go on", updateActionMany},
		{"Commit: history", historyMany},
		{"Takeover: the fence", activateQuery},
		{"Watchdog: the states of what an engine before has left", peekQuery},
		{"Takeover: data", dataQuery},
		{"Takeover: tasks", allTasksQuery},
		{"Takeover: actions", allActionsQuery},
		{"Start: the definition", newestIDQuery},
		{"Clock: executions that are due", dueMany},
		{"Clock: executions that want slots, of an engine that is gone", wantingMany},
		{"Clock: executions that nothing moves", quietMany},
		{"Clock: runners that hold actions", runnersMany},
		{"An execution", executionQuery},
		{"Its history", historyQuery},
		{"A page of a project's executions", page},
		{"A page of those that have not ended", live},
		{"A page of those that failed", failed},
	}
}

var costs = regexp.MustCompile(`  \(cost=[^)]*\)`)

// keepPlans writes the plans of the hot statements into the documentation, or looks whether it has their present texts.
func keepPlans(t *testing.T, s *Store) {
	t.Helper()
	if *writePlans {
		var b strings.Builder
		b.WriteString("# Plans of the hot statements\n\nWritten by `make plans`: the generic plans of PostgreSQL for a database of 10,000 executions. ")
		b.WriteString("What runs in a turn goes along a primary\nkey; lists and clocks go along an index in its order, and end at their limit. The same indexes, led by hashes, keep CockroachDB from\nfull scans and from ranges that all writers hit; its plans can't be shown here without one.\n")
		for _, hot := range hotStatements(s.dialect) {
			db := s.db
			if strings.HasPrefix(hot[0], "Commit") || strings.HasPrefix(hot[0], "Takeover") {
				db = s.writer
			}
			fmt.Fprintf(&b, "\n## %s\n\n```sql\n%s\n```\n\n```\n%s\n```\n", hot[0], s.dialect.text(hot[1]), costs.ReplaceAllString(explain(t, db, s.dialect.text(hot[1])), ""))
		}
		if err := os.WriteFile(plansPath, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(plansPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, hot := range hotStatements(s.dialect) {
		if !strings.Contains(string(text), s.dialect.text(hot[1])) {
			t.Errorf("docs/plans.md hasn't the present statement %q: make plans", hot[0])
		}
	}
}
