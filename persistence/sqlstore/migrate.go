package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"cierzo/fault"
)

// Migrations are numbered from 0001, one folder for each database. They only go forward, and a number never changes once
// it was released. Statements end with a semicolon at the end of a line and can be run twice: CockroachDB can't undo a
// half of a migration.
//
//go:embed migrations/*/*.sql
var migrations embed.FS

// lockTTL is how long a node may take for a migration before another one believes it dead.
const lockTTL = time.Minute

const (
	schemaTable  = `CREATE TABLE IF NOT EXISTS cierzo_schema (one INT PRIMARY KEY, version INT NOT NULL, locked_until BIGINT NOT NULL)`
	schemaRow    = `INSERT INTO cierzo_schema (one, version, locked_until) VALUES (1, 0, 0) ON CONFLICT (one) DO NOTHING`
	schemaLock   = `UPDATE cierzo_schema SET locked_until = {now} + $1 WHERE one = 1 AND locked_until < {now}`
	schemaUnlock = `UPDATE cierzo_schema SET locked_until = 0 WHERE one = 1`
	schemaGet    = `SELECT version FROM cierzo_schema WHERE one = 1`
	schemaSet    = `UPDATE cierzo_schema SET version = $1 WHERE one = 1 AND version = $2`
)

// migrationTexts are the migrations of a database, in order.
func (d dialect) migrationTexts() ([]string, error) {
	folder := "migrations/" + d.name
	entries, err := migrations.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var texts []string
	for i, e := range entries {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(e.Name(), want) {
			return nil, fmt.Errorf("migration %s: its name doesn't begin with %s", e.Name(), want)
		}
		text, err := migrations.ReadFile(folder + "/" + e.Name())
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// statementsOf parts a migration.
func statementsOf(text string) []string {
	var out []string
	for stmt := range strings.SplitSeq(text, ";\n") {
		if stmt = strings.TrimSuffix(strings.TrimSpace(stmt), ";"); stmt != "" {
			out = append(out, stmt)
		}
	}
	return out
}

// migrate brings the schema up to date. Of several nodes that start at once one does it, the others wait.
func (s *Store) migrate(ctx context.Context) error {
	texts, err := s.dialect.migrationTexts()
	if err != nil {
		return err
	}
	if s.readSchema(ctx) == nil && s.schema == len(texts) {
		return nil
	}
	if err := s.lockSchema(ctx); err != nil {
		return err
	}
	err = s.migrateFrom(ctx, texts)
	// The lock is also given back when ctx is over.
	unlock, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, undo := s.writer.ExecContext(unlock, schemaUnlock); undo != nil {
		err = errors.Join(err, s.classify(undo, "give the lock of the schema back"))
	}
	return err
}

func (s *Store) readSchema(ctx context.Context) error {
	if err := s.writer.QueryRowContext(ctx, schemaGet).Scan(&s.schema); err != nil {
		return s.classify(err, "read the version of the schema")
	}
	return nil
}

// lockSchema waits for the lock of the schema.
func (s *Store) lockSchema(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	held := false // the last answer was that another node has it; time can run out amid the next question
	for {
		locked, err := s.tryLockSchema(ctx)
		switch {
		case err == nil && locked:
			return nil
		case ctx.Err() == nil:
			held = err == nil
		}
		if err != nil && ctx.Err() == nil && !mayPass(err) {
			return s.classify(err, "lock the schema")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if held {
				return fault.New(fault.Unavailable, "database %s: another node has been migrating the schema for too long; if there is none, its lock ends within %s",
					s.target, lockTTL)
			}
			return s.classify(err, "lock the schema")
		}
	}
}

// mayPass reports an error of locking the schema that only says that somebody else is doing the same, or that the server
// can't now.
func mayPass(err error) bool {
	if badFile(err) {
		return false
	}
	var answer *pq.Error
	if !errors.As(err, &answer) {
		return true
	}
	switch answer.Code {
	case "23505", "42P07", "42710", "XX000", "40001", "40P01": // the table was made by two at once; a row was written by two at once
		return true
	}
	switch answer.Code.Class() {
	case "53", "57", "58", "08":
		return true
	}
	return false
}

func (s *Store) tryLockSchema(ctx context.Context) (bool, error) {
	// Two nodes that create the table at the same time can fail both; they try again.
	for _, stmt := range []string{schemaTable, schemaRow} {
		if _, err := s.writer.ExecContext(ctx, stmt); err != nil {
			return false, err
		}
	}
	result, err := s.writer.ExecContext(ctx, s.dialect.text(schemaLock), lockTTL.Microseconds())
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// migrateFrom applies what is missing; the lock is held.
func (s *Store) migrateFrom(ctx context.Context, texts []string) error {
	for {
		if err := s.readSchema(ctx); err != nil {
			return err
		}
		switch {
		case s.schema == len(texts):
			return nil
		case s.schema > len(texts):
			return fault.New(fault.Conflict, "database %s has the schema of migration %d, this cierzo knows migrations up to %d: use the newer cierzo that made it",
				s.target, s.schema, len(texts))
		}
		if err := s.applyMigration(ctx, s.schema+1, texts[s.schema]); err != nil {
			return s.classify(err, fmt.Sprintf("migration %d", s.schema+1))
		}
	}
}

// applyMigration applies a migration unless somebody who believed that our lock had run out has done it.
func (s *Store) applyMigration(ctx context.Context, number int, text string) error {
	if !s.dialect.schemaInTx {
		if err := runAll(ctx, s.writer, text); err != nil {
			return err
		}
		_, err := setSchema(ctx, s.writer, number)
		return err
	}
	// Refused for somebody else who counts it at the same moment, it is tried again, and finds that it was counted.
	return s.transact(ctx, "apply", func(t *transaction) error {
		// The version first: its row makes everybody else wait for the end of the transaction.
		ours, err := setSchema(ctx, t.tx, number)
		if err == nil && ours {
			err = runAll(ctx, t.tx, text)
		}
		return err
	})
}

type execer interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
}

func runAll(ctx context.Context, db execer, text string) error {
	for _, stmt := range statementsOf(text) {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// setSchema counts a migration; false: it was counted before.
func setSchema(ctx context.Context, db execer, number int) (bool, error) {
	result, err := db.ExecContext(ctx, schemaSet, number, number-1)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
