package sqlstore

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

func TestSQLitePragmas(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteFile(t))
	const full = 2
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": fmt.Sprint(full), "busy_timeout": "10000"} {
		for name, db := range map[string]*sql.DB{"writer": s.writer, "reader": s.db} {
			if got := pragmaOf(t, db, pragma); got != want {
				t.Errorf("%s of the %s is %s, want %s", pragma, name, got, want)
			}
		}
	}
	if got := pragmaOf(t, s.db, "query_only"); got != "1" {
		t.Errorf("the readers may write: query_only is %s", got)
	}
}

func pragmaOf(t *testing.T, db *sql.DB, name string) string {
	t.Helper()
	var v string
	if err := db.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSQLiteHasOneProcess(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := open(t, "sqlite://"+filepath.Join(folder, "a.db"))
	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(filepath.Join(folder, "a.db"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(folder, "a.db"), link, filepath.Join(folder, "x", "..", "a.db")} {
		_, err := Open(t.Context(), "sqlite://"+path, Config{})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "is used by another cierzo process; several nodes need PostgreSQL") {
			t.Errorf("%s: kind %v: %v", path, fault.KindOf(err), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, "sqlite://"+link)
}

func TestSQLiteBadFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "text.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		file:                                  "file is not a database",
		folder:                                "",
		filepath.Join(folder, "none", "a.db"): "there is no such folder",
		filepath.Join(file, "a.db"):           "the folder can't be written",
		"/proc/a.db":                          "",
	} {
		_, err := Open(t.Context(), "sqlite://"+path, Config{})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "database "+path) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: kind %v: %v", path, fault.KindOf(err), err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "this is no database\n") {
		t.Errorf("the file that is no database was written: %v", err)
	}
}

// mounted gives a file system of its own; without the right to mount, the test is skipped.
func mounted(t *testing.T, options string) (folder string, remount func(options string)) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, options); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return folder, func(options string) {
		flags := uintptr(syscall.MS_REMOUNT)
		if options == "ro" {
			flags, options = flags|syscall.MS_RDONLY, ""
		}
		if err := syscall.Mount("tmpfs", folder, "tmpfs", flags, options); err != nil {
			t.Fatalf("remount: %v", err)
		}
	}
}

func TestSQLiteReadOnly(t *testing.T) {
	t.Parallel()
	folder, remount := mounted(t, "size=8m")
	dsn := "sqlite://" + filepath.Join(folder, "a.db")
	s := open(t, dsn)
	mustCommit(t, s, creation("e1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remount("ro")
	if _, err := Open(t.Context(), dsn, Config{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "can't be written") {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	remount("size=8m")
	if got := infoOf(t, open(t, dsn), "e1"); got != "" {
		t.Errorf("the execution says %q", got)
	}
}

// TestSQLiteFullDisk fills the disk with executions. What was acknowledged is there, what was refused isn't, and with new
// room it goes on.
func TestSQLiteFullDisk(t *testing.T) {
	t.Parallel()
	folder, remount := mounted(t, "size=2m")
	dsn := "sqlite://" + filepath.Join(folder, "a.db")
	s := open(t, dsn)
	kept := map[workflow.ExecutionID]bool{}
	write := func(i int) error {
		turn := creation(workflow.ExecutionID(fmt.Sprint("e", i)))
		turn.Writes.Execution.Description = strings.Repeat("x", 20_000)
		err := commit(t.Context(), s, turn)
		if !persistence.IsAmbiguous(err) {
			kept[turn.ID] = err == nil
		}
		return err
	}
	failed := 0
	for i := range 200 {
		err := write(i)
		if err == nil {
			continue
		}
		if failed++; !fault.Is(err, fault.Unavailable) {
			t.Errorf("a full disk: kind %v: %v", fault.KindOf(err), err)
		}
	}
	if failed == 0 {
		t.Fatal("the disk isn't full")
	}
	check := func() {
		t.Helper()
		for id, there := range kept {
			if got := infoOf(t, s, id) != "none"; got != there {
				t.Errorf("%s is there: %v, the commit said %v", id, got, there)
			}
		}
	}
	check()
	remount("size=20m")
	if err := write(1000); err != nil {
		t.Errorf("with new room: %v", err)
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dsn)
	check()
}

// TestCloseWaits: a transaction that is running when the store is closed ends first, and the file is free only then.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	dsn := sqliteFile(t)
	s := open(t, dsn)
	mustCommit(t, s, creation("e1"))
	inside, goOn := make(chan struct{}), make(chan struct{})
	ended, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		ended <- s.transact(t.Context(), "wait", func(tx *transaction) error {
			close(inside)
			<-goOn
			_, err := tx.exec(deleteOneQuery, int64(workflow.ExecutionID("e1").Key()))
			return err
		})
	}()
	<-inside
	go func() { closed <- s.Close() }()
	for range 100 {
		if _, err := Open(t.Context(), dsn, Config{}); !fault.Is(err, fault.Conflict) {
			t.Fatalf("the file is free while a transaction runs: %v", err)
		}
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the transaction: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	if got := infoOf(t, open(t, dsn), "e1"); got != "none" {
		t.Error("the transaction was acknowledged and hasn't happened")
	}
}

// TestCloseAmongCommits: all that was acknowledged before and while the store was closed is there.
func TestCloseAmongCommits(t *testing.T) {
	t.Parallel()
	dsn := sqliteFile(t)
	for round := range 5 {
		s := open(t, dsn)
		var acknowledged sync.Map
		var begun, running sync.WaitGroup
		begun.Add(4)
		for g := range 4 {
			running.Go(func() {
				started := sync.OnceFunc(begun.Done)
				for i := 0; ; i++ {
					id := workflow.ExecutionID(fmt.Sprint("e", round, "-", g, "-", i))
					err := commit(t.Context(), s, creation(id))
					started()
					if err != nil {
						if !fault.Is(err, fault.Unavailable) || persistence.IsAmbiguous(err) {
							t.Errorf("while closing: %v", err)
						}
						return
					}
					acknowledged.Store(id, true)
				}
			})
		}
		begun.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		next := open(t, dsn) // nobody writes any more
		running.Wait()
		acknowledged.Range(func(id, _ any) bool {
			if infoOf(t, next, id.(workflow.ExecutionID)) == "none" {
				t.Errorf("%s was acknowledged and isn't there", id)
			}
			return true
		})
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// victim names the file for the child process of TestSQLiteKilled.
const victim = "CIERZO_TEST_SQLITE_VICTIM"

// TestSQLiteKilled kills a process with SIGKILL in the middle of commits, again and again: all that it had acknowledged is
// there, each execution whole.
func TestSQLiteKilled(t *testing.T) {
	if dsn := os.Getenv(victim); dsn != "" {
		commitForEver(t, dsn)
		return
	}
	t.Parallel()
	dsn := sqliteFile(t)
	var acknowledged []workflow.ExecutionID
	for round := range 6 {
		acknowledged = append(acknowledged, killAfter(t, dsn, round, 20+15*round)...)
		s := open(t, dsn)
		for _, id := range acknowledged {
			if infoOf(t, s, id) == "none" {
				t.Fatalf("round %d: %s was acknowledged and isn't there", round, id)
			}
		}
		all, err := s.ListExecutions(t.Context(), persistence.ExecutionsQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			snap, err := persistence.ActivateOne(t.Context(), s, e.ID, "n")
			if err != nil || len(snap.Tasks) != 1 || len(snap.Actions) != 1 {
				t.Fatalf("round %d: %s isn't whole: %v", round, e.ID, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged executions survived 6 kills", len(acknowledged))
}

// killAfter runs a child until it has acknowledged n commits, kills it, and gives all that it has acknowledged.
func killAfter(t *testing.T, dsn string, round, n int) []workflow.ExecutionID {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSQLiteKilled$")
	child.Env = append(os.Environ(), victim+"="+dsn, fmt.Sprint(victim, "_ROUND=", round))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []workflow.ExecutionID
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			t.Errorf("the child says %q", lines.Text())
			continue
		}
		ids = append(ids, workflow.ExecutionID(id))
		if len(ids) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(ids) < n {
		t.Fatalf("the child has acknowledged %d of %d", len(ids), n)
	}
	return ids
}

// commitForEver is the child: batches by several goroutines, each line after its commit.
func commitForEver(t *testing.T, dsn string) {
	s, err := Open(context.WithoutCancel(t.Context()), dsn, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() {
			for {
				id := workflow.ExecutionID(fmt.Sprint("e", os.Getenv(victim+"_ROUND"), "-", count.Add(1)))
				if err := commit(t.Context(), s, creation(id), creation(id+"b")); err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stdout.WriteString("acknowledged " + string(id) + "\n"); err != nil {
					return
				}
			}
		})
	}
	running.Wait()
}

// TestLeasesEndWithTheFile: who opens the file is alone with it, so the leases that it finds are those of the dead.
func TestLeasesEndWithTheFile(t *testing.T) {
	t.Parallel()
	dsn := sqliteFile(t)
	s := open(t, dsn)
	if i := info(t, s); !i.Exclusive {
		t.Error("a SQLite file is one process's alone")
	}
	if err := s.Register(t.Context(), persistence.Node{ID: "dead", Address: "a:1", State: "up", Started: time.Now()}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // as if it had been killed: it doesn't unregister
		t.Fatal(err)
	}
	next := open(t, dsn)
	live, err := next.LiveNodes(t.Context())
	if err != nil || len(live) > 0 {
		t.Errorf("nodes with a lease: %v, %v", live, err)
	}
}
