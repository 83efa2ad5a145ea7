package chaos

import (
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/lib/pq"

	"cierzo/internal/dbtest"
)

// TestProxy sees what becomes of transactions whose COMMIT meets each verdict.
func TestProxy(t *testing.T) {
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
	var next atomic.Uint32
	p := newProxy(t, "127.0.0.1", server.Address(), func() verdict { return verdict(next.Load()) })
	db, err := sql.Open("postgres", "postgres://postgres@"+p.address()+"/postgres?sslmode=disable")
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
	for _, v := range []struct {
		verdict
		done, failed bool
		code         string
	}{{pass, true, false, ""}, {cutBefore, false, true, ""}, {cutAfter, true, true, ""}, {conflict, false, true, "40001"}, {pass, true, false, ""}} {
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
