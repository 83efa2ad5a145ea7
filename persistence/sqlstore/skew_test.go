package sqlstore

import (
	"fmt"
	"sync"
	"testing"

	"cierzo/internal/dbtest"
)

// eachDatabase runs a test on a fresh store of each kind that there is.
func eachDatabase(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, open(t, sqliteFile(t)))
	})
	for name, fresh := range map[string]func(*testing.T) string{"PostgreSQL": dbtest.Postgres, "CockroachDB": dbtest.Cockroach} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, fresh(t)))
		})
	}
}

// TestWriteSkew: two doctors are on call, each goes home if the other stays. In any serial order one stays; below SERIALIZABLE
// both go. The store's own transactions would bear READ COMMITTED, as they lock the rows that they decide by; this is what
// transact promises to the next one.
func TestWriteSkew(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		run(t, s.writer, "CREATE TABLE doctors (round INT, id INT, on_call INT, PRIMARY KEY (round, id))")
		const rounds = 20
		for round := range rounds {
			run(t, s.writer, fmt.Sprintf("INSERT INTO doctors VALUES (%d, 0, 1), (%d, 1, 1)", round, round))
			var both, done sync.WaitGroup
			both.Add(2)
			for id := range 2 {
				done.Go(func() {
					met := sync.OnceFunc(func() {
						if both.Done(); s.dialect.server { // SQLite lets one in at a time
							both.Wait()
						}
					})
					err := s.transact(t.Context(), "go home", func(tx *transaction) error {
						var onCall int
						if err := tx.row("SELECT sum(on_call) FROM doctors WHERE round = $1", []any{round}, []any{&onCall}); err != nil {
							return err
						}
						met()
						if onCall < 2 {
							return nil
						}
						_, err := tx.exec("UPDATE doctors SET on_call = 0 WHERE round = $1 AND id = $2", round, id)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			done.Wait()
			var left int
			if err := s.writer.QueryRowContext(t.Context(), "SELECT sum(on_call) FROM doctors WHERE round = $1", round).Scan(&left); err != nil || left != 1 {
				t.Errorf("round %d: %d doctors are on call, %v", round, left, err)
			}
		}
		if i := info(t, s); s.dialect.server && i.Retries < rounds {
			t.Errorf("%d retries in %d rounds that met", i.Retries, rounds)
		}
	})
}

// TestReadModifyWrite: many add to one counter by reading it and writing it back; no addition is lost.
func TestReadModifyWrite(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		run(t, s.writer, "CREATE TABLE counters (id INT PRIMARY KEY, n INT)", "INSERT INTO counters VALUES (1, 0)")
		var done sync.WaitGroup
		for range 4 {
			done.Go(func() {
				for range 10 {
					err := s.transact(t.Context(), "add one", func(tx *transaction) error {
						var n int
						if err := tx.row("SELECT n FROM counters WHERE id = 1", nil, []any{&n}); err != nil {
							return err
						}
						_, err := tx.exec("UPDATE counters SET n = $1 WHERE id = 1", n+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		done.Wait()
		var n int
		if err := s.writer.QueryRowContext(t.Context(), "SELECT n FROM counters WHERE id = 1").Scan(&n); err != nil || n != 40 {
			t.Errorf("40 additions gave %d, %v", n, err)
		}
	})
}
