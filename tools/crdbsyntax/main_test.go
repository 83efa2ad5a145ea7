package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql        string
		statements int
		problem    string // a part of it; empty: none
	}{
		"query":        {"SELECT id FROM executions WHERE epoch = $1 -- LISTEN\n", 1, ""},
		"literal":      {"SELECT 'DEFERRABLE' FROM t", 1, ""},
		"unnest":       {"UPDATE e SET x = u.x FROM unnest($1::UUID[], $2::INT8[]) AS u (id, x) WHERE e.id = u.id RETURNING e.id", 1, ""},
		"two":          {"CREATE TABLE t (id UUID PRIMARY KEY); CREATE INDEX i ON t (id)", 2, ""},
		"no sense":     {"SELECT FROM WHERE", 0, "can't parse"},
		"nothing":      {"-- nothing here\n", 0, "no statement"},
		"notification": {"SELECT pg_notify('a', 'b')", 1, "no notifications"},
		"lock":         {"SELECT pg_advisory_xact_lock(1)", 1, "advisory locks"},
		"sequence":     {"CREATE TABLE t (id BIGSERIAL PRIMARY KEY)", 1, "hot-spot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			statements, problems := check(c.sql)
			if statements != c.statements {
				t.Errorf("%d statements, want %d (%q)", statements, c.statements, problems)
			}
			got := strings.Join(problems, "; ")
			if c.problem == "" && got != "" || !strings.Contains(got, c.problem) {
				t.Errorf("problems %q, want %q", got, c.problem)
			}
		})
	}
}

func TestDeferrableIsRefused(t *testing.T) {
	t.Parallel() // by the parser or by the rule: both will do
	_, problems := check("CREATE TABLE t (id INT8 PRIMARY KEY, u INT8 REFERENCES v (id) DEFERRABLE INITIALLY DEFERRED)")
	if len(problems) == 0 {
		t.Error("no problem found")
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := run(folder, t.Output()); err == nil {
		t.Error("an empty folder passes: a check that checks nothing must not be green")
	}
	for name, text := range map[string]string{"good.sql": "SELECT 1", "bad.sql": "SELEKT 1"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	bad, err := run(folder, &out)
	if err != nil || bad != 1 {
		t.Errorf("bad = %d, %v; want 1\n%s", bad, err, out.String())
	}
	if !strings.Contains(out.String(), "bad.sql: ") || !strings.Contains(out.String(), "2 files, 1 statements, 1 files refused") {
		t.Errorf("output:\n%s", out.String())
	}
}
