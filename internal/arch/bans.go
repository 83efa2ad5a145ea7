package arch

// Ban keeps outside packages, functions or goroutines out of some rooms.
type Ban struct {
	// Room says which files the ban is about.
	Room Room
	// Imports and Except are import paths; "x/..." stands for x and all below.
	Imports, Except []string
	// Calls are names of imported packages, as "time.Now".
	Calls []string
	// Goroutines bans the go statement.
	Goroutines bool
	// Because is the reason, for the reader of the violation.
	Because string
}

// Room chooses files by folder.
type Room struct {
	// In lists the folders; empty: all but Outside.
	In []string
	// Outside lists the folders that are left out.
	Outside []string
	// Tests says that test files are meant too.
	Tests bool
}

func (r Room) covers(folder *Folder, file *File) bool {
	if file.Test && !r.Tests {
		return false
	}
	if matchAny(r.Outside, folder.Path) {
		return false
	}
	return len(r.In) == 0 || matchAny(r.In, folder.Path)
}

// core is the part that decides and never acts.
func core() []string { return []string{"cron", "expr/...", "dsl/...", "workflow/..."} }

// Bans is the second half of the table.
func Bans() []Ban {
	const (
		pure      = "the core decides, it doesn't act: time and entropy come with the event"
		oneWriter = "SQL lives in persistence/sqlstore, the others know the Store contract"
	)
	return []Ban{
		{
			Room: Room{In: core(), Outside: []string{"expr/goldentest"}},
			Imports: []string{
				"context", "crypto/rand", "database/sql/...", "log/...", "math/rand/...", "net/...", "os/...",
				"runtime/...", "sync/...", "syscall",
			},
			Except: []string{"net/url"},
			Calls: []string{
				"time.After", "time.AfterFunc", "time.NewTicker", "time.NewTimer", "time.Now", "time.Since",
				"time.Sleep", "time.Tick", "time.Until",
			},
			Goroutines: true,
			Because:    pure,
		},
		{
			Room:    Room{Outside: []string{"actors/...", "cluster", "node", "test/..."}, Tests: true},
			Imports: []string{"github.com/asynkron/protoactor-go/..."},
			Because: "the actor library stays in actors, cluster and node",
		},
		{
			Room:    Room{Outside: []string{"persistence/sqlstore", "internal/dbtest", "bench", "test/chaos", "test/bench", "test/load"}, Tests: true},
			Imports: []string{"database/sql/...", "github.com/lib/pq/...", "github.com/cockroachdb/...", "modernc.org/sqlite/..."},
			Because: oneWriter,
		},
		{
			Room:    Room{Outside: []string{"actions/std"}, Tests: true},
			Imports: []string{"modernc.org/quickjs/...", "golang.org/x/crypto/...", "github.com/wneessen/go-mail/..."},
			Because: "scripts, remote shells and mail are actions; the interpreter of scripts only runs in a child process",
		},
		{
			Room:    Room{In: []string{"actors/...", "cluster", "messages", "persistence/...", "catalog"}},
			Imports: []string{"net/http/..."},
			Because: "HTTP is the business of api, web and node",
		},
		{
			Room:    Room{Outside: []string{"expr/yaql", "expr/jinja"}},
			Imports: []string{"github.com/dlclark/regexp2/..."},
			Because: "only the expression languages have Python's regular expressions; package regexp can't run away",
		},
		{
			Room: Room{Outside: []string{"expr/goldentest", "persistence/storetest", "internal/dbtest", "internal/proctest", "internal/slogtest", "test/..."}},
			Imports: []string{
				"testing/...", "github.com/google/go-cmp/...", "github.com/rogpeppe/go-internal/...",
				"go.uber.org/goleak", "pgregory.net/rapid",
			},
			Because: "code that is shipped has no tests in it",
		},
		{
			Room:    Room{Outside: []string{"cmd/...", "examples/...", "test/..."}},
			Imports: []string{"flag", "github.com/spf13/..."},
			Because: "flags belong to programs",
		},
	}
}
