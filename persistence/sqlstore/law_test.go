package sqlstore

import (
	"path/filepath"
	"testing"

	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/persistence/storetest"
)

// open opens a store that is closed with the test.
func open(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// sqliteFile is the dsn of a file in a folder of the test's own.
func sqliteFile(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "cierzo.db")
}

func TestLawOnSQLite(t *testing.T) {
	t.Parallel()
	storetest.Exercise(t, func(t *testing.T) persistence.Store { return open(t, sqliteFile(t)) })
}

func TestLawOnPostgreSQL(t *testing.T) {
	t.Parallel()
	dbtest.Postgres(t) // skips here, not in each test
	storetest.Exercise(t, func(t *testing.T) persistence.Store { return open(t, dbtest.Postgres(t)) })
}

func TestLawOnCockroachDB(t *testing.T) {
	t.Parallel()
	dbtest.Cockroach(t)
	storetest.Exercise(t, func(t *testing.T) persistence.Store { return open(t, dbtest.Cockroach(t)) })
}
