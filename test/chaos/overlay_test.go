package chaos

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// overlays are sources of the command that are different in this test: of one engine, whose clock can be stepped, and of the
// next version, whose schema has one migration more. The command itself has nothing of this in it.
type overlays struct {
	clock string // a clock with an offset
	next  string // and one more migration
}

// clockEnv names the file that holds the clock's offset, as time.ParseDuration reads it.
const clockEnv = "CHAOS_CLOCK"

const clockSource = `package node

import (
	"os"
	"strings"
	"time"
)

func chaosNow() time.Time {
	now := time.Now().UTC()
	if text, err := os.ReadFile(os.Getenv("` + clockEnv + `")); err == nil {
		if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
			return now.Add(d)
		}
	}
	return now
}
`

// nextMigration adds a column that has a value in each row, and an index on it: what a new version may do to a schema that
// the old one goes on using.
const nextMigration = `ALTER TABLE executions ADD COLUMN IF NOT EXISTS chaos_next INT8 NOT NULL DEFAULT 7;

CREATE INDEX IF NOT EXISTS executions_chaos ON executions (key, chaos_next);
`

// patches writes the overlays.
func patches(t *testing.T) overlays {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	assemble := filepath.Join(root, "node", "assemble.go")
	source, err := os.ReadFile(assemble)
	if err != nil {
		t.Fatal(err)
	}
	const anchor = "LeaseTTL: cfg.LeaseTTL,\n\t\t\tRunnerGrace:"
	if strings.Count(string(source), anchor) != 1 {
		t.Fatalf("%s doesn't configure the engine as this test believes: %q", assemble, anchor)
	}
	replaced := map[string]string{
		assemble: write("assemble.go", strings.Replace(string(source), anchor, "Now: chaosNow, "+anchor, 1)),
		filepath.Join(root, "node", "chaos_clock.go"): write("clock.go", clockSource),
	}
	overlay := func(name string) string {
		text, err := json.Marshal(map[string]any{"Replace": replaced})
		if err != nil {
			t.Fatal(err)
		}
		return write(name, string(text))
	}
	o := overlays{clock: overlay("clock.json")}
	migrations := filepath.Join(root, "persistence", "sqlstore", "migrations", "postgres")
	found, err := os.ReadDir(migrations)
	if err != nil {
		t.Fatal(err)
	}
	replaced[filepath.Join(migrations, numbered(len(found)+1))] = write("next.sql", nextMigration)
	o.next = overlay("next.json")
	return o
}
