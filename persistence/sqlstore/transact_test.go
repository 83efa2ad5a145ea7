package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/workflow"
)

// creation is the first turn of an execution, with a task, an action and an event, so that it writes to every table.
func creation(id workflow.ExecutionID) persistence.Turn {
	none := value.NewDict(0)
	at := time.Unix(1, 0)
	ids := workflow.NewPartIDs(id, at)
	return persistence.Turn{ID: id, Node: "n1", Writes: workflow.Writes{
		Create:    true,
		Execution: &workflow.ExecutionRecord{ID: id, ProjectID: "p1", State: workflow.Running, CreatedAt: at},
		Data:      &workflow.ExecutionData{Input: none, Params: none, Env: none, Context: none},
		Tasks:     []*workflow.TaskRecord{{ID: ids.Task(0), ExecutionID: id, Name: "t", State: workflow.Running}},
		Actions:   []*workflow.ActionRecord{{ID: ids.Action(0), ExecutionID: id, TaskID: ids.Task(0), State: workflow.Running}},
		History:   []workflow.HistoryEvent{{Seq: 1, Kind: "command"}},
	}}
}

// eventNo numbers the events of updates: no turn repeats another one's.
var eventNo atomic.Uint64

func init() { eventNo.Store(1) }

// update is a turn of the execution's first activation.
func update(id workflow.ExecutionID, info string) persistence.Turn {
	t := creation(id)
	t.Epoch, t.Writes.Create, t.Writes.FirstTask, t.Writes.FirstAction = 1, false, 1, 1
	t.Writes.History[0].Seq = eventNo.Add(1)
	t.Writes.Execution.StateInfo = info
	return t
}

func commit(ctx context.Context, s *Store, turns ...persistence.Turn) error {
	out, err := s.Commit(ctx, turns)
	for i, o := range out {
		if o != persistence.Committed {
			return fmt.Errorf("turn %d: outcome %d", i, o)
		}
	}
	return err
}

func mustCommit(t *testing.T, s *Store, turns ...persistence.Turn) {
	t.Helper()
	if err := commit(t.Context(), s, turns...); err != nil {
		t.Fatal(err)
	}
}

// infoOf reads an execution's state info; "none" if it isn't there.
func infoOf(t *testing.T, s *Store, id workflow.ExecutionID) string {
	t.Helper()
	r, _, err := s.GetExecution(t.Context(), "", id)
	if fault.Is(err, fault.NotFound) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.StateInfo
}

// admin is a plain connection to a store's database.
func admin(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func run(t *testing.T, db *sql.DB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// sabotage makes the next n writes of executions run a statement of PL/pgSQL: at once, or only at COMMIT.
func sabotage(t *testing.T, db *sql.DB, n int, atCommit bool, statement string) {
	t.Helper()
	trigger := "CREATE TRIGGER sabotage AFTER INSERT OR UPDATE ON execution_states"
	if atCommit {
		trigger = "CREATE CONSTRAINT TRIGGER sabotage AFTER INSERT OR UPDATE ON execution_states DEFERRABLE INITIALLY DEFERRED"
	}
	run(t, db,
		"CREATE SEQUENCE sabotages", // counts through rollbacks
		fmt.Sprintf(`CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF nextval('sabotages') <= %d THEN %s; END IF; RETURN NULL; END $$`, n, statement),
		trigger+" FOR EACH ROW EXECUTE FUNCTION sabotage()")
}

func raise(code string) string {
	return "RAISE EXCEPTION 'sabotaged' USING ERRCODE = '" + code + "'"
}

const endBackend = "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10)"

func TestSabotage(t *testing.T) {
	t.Parallel()
	dbtest.Postgres(t)
	for name, whole := range map[string]bool{"in one statement": true, "by tables": false} {
		t.Run(name, func(t *testing.T) { trySabotage(t, whole) })
	}
}

// trySabotage makes commits fail in every way; those of whole batches are single statements.
func trySabotage(t *testing.T, whole bool) {
	const always = 1 << 30
	tests := []struct {
		name      string
		n         int
		atCommit  bool
		statement string
		kind      fault.Kind // of the error
		succeeds  bool
		ambiguous bool
		retries   uint64
	}{
		{"COMMIT is refused", always, true, raise("23514"), fault.Internal, false, false, 0},
		{"COMMIT fails to serialize 5 times", 5, true, raise("40001"), 0, true, false, 5},
		{"a statement fails to serialize 5 times", 5, false, raise("40001"), 0, true, false, 5},
		{"a statement deadlocks 3 times", 3, false, raise("40P01"), 0, true, false, 3},
		{"COMMIT deadlocks 3 times", 3, true, raise("40P01"), 0, true, false, 3},
		{"a storm of serialization failures", always, false, raise("40001"), fault.Unavailable, false, false, retriesMax},
		{"the connection is killed in a statement", always, false, endBackend, fault.Unavailable, false, whole, 0},
		{"the connection is killed in COMMIT", always, true, endBackend, fault.Unavailable, false, true, 0},
		{"a value is wrong", always, false, raise("22003"), fault.Invalid, false, false, 0},
		{"a row is too big for an index", always, false, raise("54000"), fault.Invalid, false, false, 0},
		{"a column is missing", always, false, raise("42703"), fault.Internal, false, false, 0},
		{"a key is there", always, false, raise("23505"), fault.Internal, false, false, 0},
		{"the disk is full", always, false, raise("53100"), fault.Unavailable, false, false, 0},
		{"the server is read-only", always, false, raise("25006"), fault.Unavailable, false, false, 0},
		{"CockroachDB doesn't know", always, true, raise("40003"), fault.Unavailable, false, true, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dsn := dbtest.Postgres(t)
			s, db := open(t, dsn), admin(t, dsn)
			s.dialect.whole = whole
			mustCommit(t, s, creation("e1"))
			before := info(t, s)
			sabotage(t, db, test.n, test.atCommit, test.statement)
			err := commit(t.Context(), s, update("e1", "new"))
			if test.succeeds != (err == nil) || err != nil && !fault.Is(err, test.kind) {
				t.Errorf("error %v of kind %v", err, fault.KindOf(err))
			}
			if persistence.IsAmbiguous(err) != test.ambiguous {
				t.Errorf("ambiguous: %v, of %v", !test.ambiguous, err)
			}
			want := ""
			if test.succeeds {
				want = "new"
			}
			if got := infoOf(t, s, "e1"); got != want {
				t.Errorf("the execution says %q, want %q", got, want)
			}
			after := info(t, s)
			if got := after.Retries - before.Retries; got != test.retries {
				t.Errorf("%d retries, want %d", got, test.retries)
			}
			run(t, db, "DROP TRIGGER sabotage ON execution_states")
			mustCommit(t, s, update("e1", "after it"))
		})
	}
}

func info(t *testing.T, s *Store) persistence.Info {
	t.Helper()
	i, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestCommitUnheard is each failing step of the wire twice: the server never got it, and it did and nobody heard.
func TestCommitUnheard(t *testing.T) {
	t.Parallel()
	type step struct {
		name      string
		match     func(request) bool
		verdict   verdict
		ambiguous bool
		written   bool
	}
	for name, steps := range map[string][]step{
		"in one statement": {
			{"it is lost", isExecution, cutBefore, true, false},
			{"it is carried out", isExecution, cutAfter, true, true},
		},
		"by tables": {
			{"COMMIT is lost", isCommit, cutBefore, true, false},
			{"COMMIT is carried out", isCommit, cutAfter, true, true},
			{"a statement is lost", isExecution, cutBefore, false, false},
			{"a statement is carried out", isExecution, cutAfter, false, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dsn := throughWire(t, dbtest.Postgres(t))
			s := open(t, dsn)
			s.dialect.whole = name == "in one statement"
			mustCommit(t, s, creation("e1"))
			for _, test := range steps {
				commits := info(t, s).Commits
				before := infoOf(t, s, "e1")
				cut := false
				w.on(func(r request) verdict {
					if cut || !test.match(r) {
						return pass
					}
					cut = true
					return test.verdict
				})
				err := commit(t.Context(), s, update("e1", test.name))
				if !fault.Is(err, fault.Unavailable) || persistence.IsAmbiguous(err) != test.ambiguous {
					t.Errorf("%s: ambiguous %v, kind %v: %v", test.name, persistence.IsAmbiguous(err), fault.KindOf(err), err)
				}
				want := before
				if test.written {
					want = test.name
				}
				if got := infoOf(t, s, "e1"); got != want {
					t.Errorf("%s: the execution says %q, want %q", test.name, got, want)
				}
				if got := info(t, s).Commits; got != commits {
					t.Errorf("%s: a commit of which nobody knows was counted", test.name)
				}
			}
		})
	}
}

// TestBeginLost: a BEGIN that is lost does no harm, it is sent again.
func TestBeginLost(t *testing.T) {
	t.Parallel()
	w, dsn := throughWire(t, dbtest.Postgres(t))
	s := open(t, dsn)
	mustCommit(t, s, creation("e1"))
	lost := false
	w.on(func(r request) verdict {
		if lost || !strings.HasPrefix(r.text, "BEGIN") {
			return pass
		}
		lost = true
		return cutBefore
	})
	if _, err := persistence.ActivateOne(t.Context(), s, "e1", "n"); err != nil || !lost {
		t.Errorf("lost: %v; %v", lost, err)
	}
}

func isCommit(r request) bool    { return r.text == "COMMIT" }
func isExecution(r request) bool { return r.kind == 'E' }

// TestIdleConnectionsKilled: when the server drops what was idle, nobody notices.
func TestIdleConnectionsKilled(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	s, db := open(t, dsn), admin(t, dsn)
	mustCommit(t, s, creation("e1"))
	fill := func() { // both pools
		var held sync.WaitGroup
		for range 8 {
			held.Go(func() {
				if _, _, err := s.GetExecution(t.Context(), "", "e1"); err != nil {
					t.Error(err)
				}
				if _, err := persistence.ActivateOne(t.Context(), s, "e1", "n"); err != nil {
					t.Error(err)
				}
			})
		}
		held.Wait()
	}
	kill := func() {
		const others = ` FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
		run(t, db, `SELECT pg_terminate_backend(pid)`+others)
		for left := 1; left > 0; { // they have only been told so far
			if err := db.QueryRowContext(t.Context(), `SELECT count(*)`+others).Scan(&left); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 3 {
		fill()
		kill()
		if got := infoOf(t, s, "e1"); got != "" {
			t.Errorf("round %d: %q", round, got)
		}
		if _, err := persistence.ActivateOne(t.Context(), s, "e1", "n"); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		fill()
		snap, err := persistence.ActivateOne(t.Context(), s, "e1", "n")
		if err != nil {
			t.Fatal(err)
		}
		kill()
		turn := update("e1", "")
		turn.Epoch = snap.Epoch
		if err := commit(t.Context(), s, turn); err != nil {
			t.Errorf("round %d: a commit by one statement: %v", round, err)
		}
	}
}

// TestDeadlock locks two rows in opposite orders: the server ends one transaction, which is run again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	s, db := open(t, dsn), admin(t, dsn)
	run(t, db, "CREATE TABLE pairs (id INT PRIMARY KEY, n INT)", "INSERT INTO pairs VALUES (1, 0), (2, 0)")
	var both, done sync.WaitGroup
	both.Add(2)
	for i := range 2 {
		done.Go(func() {
			met := sync.OnceFunc(func() { both.Done(); both.Wait() })
			err := s.transact(t.Context(), "lock a pair", func(tx *transaction) error {
				for k := range 2 {
					if _, err := tx.exec("UPDATE pairs SET n = n + 1 WHERE id = $1", 1+(i+k)%2); err != nil {
						return err
					}
					met()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	var sum int
	if err := db.QueryRowContext(t.Context(), "SELECT sum(n) FROM pairs").Scan(&sum); err != nil || sum != 4 {
		t.Errorf("the pairs say %d, want 4: %v", sum, err)
	}
	if r := info(t, s).Retries; r == 0 {
		t.Error("no transaction was run again")
	}
}

// TestCancelled: a context that ends while a statement waits ends the transaction, and nothing is written.
func TestCancelled(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	s, db := open(t, dsn), admin(t, dsn)
	mustCommit(t, s, creation("e1"))
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "SELECT 1 FROM execution_states FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- commit(ctx, s, update("e1", "x")) }()
	awaitWaiter(t, db)
	cancel()
	if err := <-ended; !fault.Is(err, fault.Unavailable) || persistence.IsAmbiguous(err) {
		t.Errorf("a cancelled commit: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := infoOf(t, s, "e1"); got != "" {
		t.Errorf("the execution says %q", got)
	}
	mustCommit(t, s, update("e1", "y"))
}

// awaitWaiter waits until somebody waits for a lock.
func awaitWaiter(t *testing.T, db *sql.DB) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var n int
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
	t.Fatal("nobody waits for a lock")
}

// TestClassify is the table of what the server's errors are to a caller.
func TestClassify(t *testing.T) {
	t.Parallel()
	s := &Store{dialect: postgres(), target: "h:1/d"}
	for code, want := range map[pqerror.Code]fault.Kind{
		"22001": fault.Invalid, "3D000": fault.Invalid, "28P01": fault.Invalid, "54000": fault.Invalid,
		"42601": fault.Internal, "23502": fault.Internal, "26000": fault.Internal, "25P02": fault.Internal,
		"25006": fault.Unavailable, "40001": fault.Unavailable, "40P01": fault.Unavailable, "53300": fault.Unavailable,
		"57P01": fault.Unavailable, "57014": fault.Unavailable, "08006": fault.Unavailable, "XX000": fault.Unavailable,
	} {
		err := s.classify(&pq.Error{Code: code, Message: "m"}, "doing")
		if fault.KindOf(err) != want {
			t.Errorf("%s is %v, want %v", code, fault.KindOf(err), want)
		}
		if !strings.HasPrefix(err.Error(), "database h:1/d: doing: ") {
			t.Errorf("the text is %q", err)
		}
	}
	own := fault.New(fault.NotFound, "none")
	if err := s.classify(own, "doing"); !fault.Is(err, fault.NotFound) || !errors.Is(err, own) {
		t.Errorf("an error with a kind of its own: %v", err)
	}
}
