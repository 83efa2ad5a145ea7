package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/internal/dbtest"
)

// eachServer runs a test on a fresh database of each server that there is.
func eachServer(t *testing.T, test func(t *testing.T, dsn string)) {
	for name, fresh := range map[string]func(*testing.T) string{"PostgreSQL": dbtest.Postgres, "CockroachDB": dbtest.Cockroach} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// plain is a dsn for lib/pq.
func plain(dsn string) string { return strings.Replace(dsn, "cockroach://", "postgres://", 1) }

// migrationsNow is how many migrations there are.
func migrationsNow(t *testing.T) int {
	t.Helper()
	texts, err := sqlite().migrationTexts()
	if err != nil {
		t.Fatal(err)
	}
	return len(texts)
}

// TestMigrateTogether opens one empty database from many nodes at once, then once more.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := Open(t.Context(), dsn, Config{ConnectionsMax: 2})
				if err != nil {
					t.Error(err)
					return
				}
				if i := info(t, s); i.Schema != migrationsNow(t) {
					t.Errorf("schema %d", i.Schema)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		mustCommit(t, open(t, dsn), creation("e1"))
		if got := infoOf(t, open(t, dsn), "e1"); got != "" {
			t.Errorf("after opening it again: %q", got)
		}
	})
}

// TestMigrateHalf: a node has died in the middle of the first migration, on a server that can't undo a half.
func TestMigrateHalf(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, dsn string) {
		texts, err := open(t, dsn).dialect.migrationTexts()
		if err != nil {
			t.Fatal(err)
		}
		db := admin(t, plain(dsn))
		statements := statementsOf(texts[0])
		for _, half := range []int{1, len(statements) / 2, len(statements)} {
			for _, table := range []string{"executions", "execution_states", "execution_data", "tasks", "actions", "history", "nodes", "revisions", "definitions"} {
				run(t, db, "DROP TABLE IF EXISTS "+table)
			}
			run(t, db, "UPDATE cierzo_schema SET version = 0")
			run(t, db, statements[:half]...)
			s := open(t, dsn)
			mustCommit(t, s, creation("e1"))
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestMigrateRollsBack: where a migration is a transaction, a failing one leaves nothing, and is told.
func TestMigrateRollsBack(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.Postgres(t))
	texts, err := s.dialect.migrationTexts()
	if err != nil {
		t.Fatal(err)
	}
	err = s.migrateFrom(t.Context(), append(texts, "CREATE TABLE half (id INT);\nCREATE TABLE half (id INT);\n"))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("migration ", len(texts)+1)) {
		t.Errorf("a bad migration: %v", err)
	}
	if err := s.readSchema(t.Context()); err != nil || s.schema != len(texts) {
		t.Errorf("schema %d, %v", s.schema, err)
	}
	var there bool
	if err := s.writer.QueryRowContext(t.Context(), "SELECT to_regclass('half') IS NOT NULL").Scan(&there); err != nil || there {
		t.Errorf("a half of it is there: %v, %v", there, err)
	}
}

// TestMigrateRace: both believe that they hold the lock, as when it runs out under a slow node. Each migration is counted once.
func TestMigrateRace(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.Postgres(t))
	texts, err := s.dialect.migrationTexts()
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.writer, "CREATE TABLE counted (n INT)", "INSERT INTO counted VALUES (0)")
	const more = 10 // once all have their connections, they meet at each
	for range more {
		texts = append(texts, "UPDATE counted SET n = n + 1;\n")
	}
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			node := &Store{dialect: s.dialect, target: s.target, db: s.db, writer: s.writer}
			if err := node.migrateFrom(t.Context(), texts); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	var n int
	if err := s.writer.QueryRowContext(t.Context(), "SELECT n FROM counted").Scan(&n); err != nil || n != more {
		t.Errorf("the migrations were applied to the sum of %d, want %d: %v", n, more, err)
	}
}

// TestNewerSchema refuses a database that a newer version has made, and leaves it as it is.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, dsn string, spoil func(*sql.DB) error) {
		s := open(t, dsn)
		if err := spoil(s.writer); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the lock is given back
			_, err := Open(t.Context(), dsn, Config{ConnectTimeout: 5 * time.Second})
			if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "schema of migration 99") || !strings.Contains(err.Error(), "newer cierzo") {
				t.Errorf("kind %v: %v", fault.KindOf(err), err)
			}
		}
	}
	newer := func(db *sql.DB) error {
		_, err := db.Exec("UPDATE cierzo_schema SET version = 99")
		return err
	}
	eachServer(t, func(t *testing.T, dsn string) { check(t, dsn, newer) })
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		check(t, sqliteFile(t), newer)
	})
}

// TestSchemaLock: a node that died with the lock keeps others out until it runs out, and no longer.
func TestSchemaLock(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		run(t, s.writer, "UPDATE cierzo_schema SET version = 0")
		if locked, err := s.tryLockSchema(t.Context()); err != nil || !locked {
			t.Fatalf("lock: %v, %v", locked, err)
		}
		_, err := Open(t.Context(), dsn, Config{ConnectTimeout: 3 * time.Second})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "another node") || !strings.Contains(err.Error(), "within 1m0s") {
			t.Errorf("while it is locked: %v", err)
		}
		_, err = s.writer.ExecContext(t.Context(), s.dialect.text("UPDATE cierzo_schema SET locked_until = {now} + 300000"))
		if err != nil {
			t.Fatal(err)
		}
		next := open(t, dsn) // waits for the end of the lock
		if i := info(t, next); i.Schema != migrationsNow(t) {
			t.Errorf("schema %d", i.Schema)
		}
	})
}

// TestNoRights: a user that may not make tables is told, and not when the time for connecting is over.
func TestNoRights(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	db := admin(t, dsn)
	name := "weak_" + strings.TrimPrefix(dsn[strings.LastIndex(dsn, "/")+1:strings.Index(dsn, "?")], "cierzo_")
	run(t, db, "CREATE ROLE "+name+" LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), "DROP ROLE "+name); err != nil {
			t.Error(err)
		}
	})
	_, err := Open(t.Context(), strings.Replace(dsn, "postgres@", name+"@", 1), Config{ConnectTimeout: time.Hour})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
}
