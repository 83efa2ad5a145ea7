package chaos

import (
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/persistence/sqlstore"
	"cierzo/workflow"
)

// fated is a database behind a proxy that gives each commit the verdict that is next.
func fated(t *testing.T, next *atomic.Uint32) string {
	t.Helper()
	if dbtest.Installed() == "" {
		t.Skip("PostgreSQL isn't installed")
	}
	server, err := dbtest.StartPostgres(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := newProxy(t, "127.0.0.1", server.Address(), func() verdict { return verdict(next.Load()) })
	return "postgres://postgres@" + p.address() + "/postgres?sslmode=disable"
}

// fates are what a verdict does to a commit: whether it is done, whether it fails, and with which code.
var fates = []struct {
	verdict
	done, failed bool
	code         string
}{{pass, true, false, ""}, {cutBefore, false, true, ""}, {cutAfter, true, true, ""}, {conflict, false, true, "40001"}, {pass, true, false, ""}}

// TestProxy sees what becomes of transactions whose COMMIT meets each verdict.
func TestProxy(t *testing.T) {
	var next atomic.Uint32
	db, err := sql.Open("postgres", fated(t, &next))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE rows (n INT)"); err != nil {
		t.Fatal(err)
	}
	for _, v := range fates {
		if _, err := db.ExecContext(t.Context(), "DELETE FROM rows"); err != nil {
			t.Fatal(err)
		}
		next.Store(uint32(v.verdict))
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO rows VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		err = tx.Commit()
		next.Store(uint32(pass))
		if (err != nil) != v.failed {
			t.Errorf("verdict %d: COMMIT gives %v", v.verdict, err)
		}
		var answer *pq.Error
		if v.code != "" && (!errors.As(err, &answer) || string(answer.Code) != v.code) {
			t.Errorf("verdict %d: COMMIT gives %v, want %s", v.verdict, err, v.code)
		}
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM rows").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if (n == 1) != v.done {
			t.Errorf("verdict %d: %d rows are there", v.verdict, n)
		}
	}
}

// TestProxyAndStore sees the same of the store's turns, whose commit is no COMMIT.
func TestProxyAndStore(t *testing.T) {
	var next atomic.Uint32
	store, err := sqlstore.Open(t.Context(), fated(t, &next), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, v := range fates {
		id := workflow.ExecutionID(fmt.Sprint("e", i))
		none := value.NewDict(0)
		turn := persistence.Turn{ID: id, Node: "n", Writes: workflow.Writes{
			Create:    true,
			Execution: &workflow.ExecutionRecord{ID: id, ProjectID: "p", State: workflow.Running, CreatedAt: time.Unix(1, 0)},
			Data:      &workflow.ExecutionData{Input: none, Params: none, Env: none, Context: none},
		}}
		retries := storeInfo(t, store).Retries
		next.Store(uint32(v.verdict))
		_, err := store.Commit(t.Context(), []persistence.Turn{turn})
		next.Store(uint32(pass))
		if (err != nil) != v.failed {
			t.Errorf("verdict %d: the commit gives %v", v.verdict, err)
		}
		if unsure := v.failed && v.code == ""; persistence.IsAmbiguous(err) != unsure {
			t.Errorf("verdict %d: the store is unsure: %v; %v", v.verdict, !unsure, err)
		}
		if again := storeInfo(t, store).Retries > retries; again != (v.code != "") {
			t.Errorf("verdict %d: tried again: %v", v.verdict, again)
		}
		_, _, err = store.GetExecution(t.Context(), "", id)
		if err != nil && !fault.Is(err, fault.NotFound) || (err == nil) != v.done {
			t.Errorf("verdict %d: the execution is there: %v; %v", v.verdict, !v.done, err)
		}
	}
}

func storeInfo(t *testing.T, store *sqlstore.Store) persistence.Info {
	t.Helper()
	i, err := store.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i
}
