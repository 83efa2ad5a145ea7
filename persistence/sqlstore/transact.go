package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	"github.com/lib/pq"
	sqlite3 "modernc.org/sqlite/lib"

	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/persistence"
)

// retriesMax bounds how often a transaction is repeated after a serialization failure.
const retriesMax = 30

// backoffMax bounds the pause before a repetition.
const backoffMax = 200 * time.Millisecond

// transact runs fn in one serializable transaction and repeats both after a serialization failure: fn has no side
// effects but on its own results, which it resets. fn's errors of a kind come back as they are.
func (s *Store) transact(ctx context.Context, doing string, fn func(*transaction) error) error {
	return s.repeat(ctx, doing, func(ctx context.Context) error { return s.once(ctx, fn) })
}

// repeat runs a whole transaction until it meets no serialization failure.
//
// The loop is crdb.ExecuteCtx's. crdb.ExecuteTx wouldn't do: on PostgreSQL it doesn't see the error of COMMIT, which is there the
// moment of truth.
func (s *Store) repeat(ctx context.Context, doing string, once func(context.Context) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	tries := 0
	err := crdb.ExecuteCtx(crdb.WithMaxRetries(ctx, retriesMax), func(ctx context.Context, _ ...any) error {
		if tries++; tries > 1 {
			s.retries.Add(1)
			if err := backoff(ctx, tries); err != nil {
				return err
			}
		}
		return once(ctx)
	})
	if err != nil {
		return s.classify(err, doing)
	}
	s.commits.Add(1)
	return nil
}

// backoff waits a random time that grows with the tries, so that those who met don't meet again.
func backoff(ctx context.Context, tries int) error {
	limit := min(time.Millisecond<<min(tries, 10), backoffMax)
	return wait.For(ctx, rand.N(limit))
}

// transaction is a running transaction; its statements are prepared once for each connection.
type transaction struct {
	store *Store
	tx    *sql.Tx
	ctx   context.Context
	own   map[string]*sql.Stmt // the prepared statements as they are this transaction's: the same one is made once
}

// prepared is the transaction's statement with that text; nil: it isn't among those that are prepared.
func (t *transaction) prepared(text string) *sql.Stmt {
	if own := t.own[text]; own != nil {
		return own
	}
	stmt := t.store.statements[statementKey{t.store.writer, text}]
	if stmt == nil {
		return nil
	}
	own := t.tx.StmtContext(t.ctx, stmt)
	if t.own == nil {
		t.own = map[string]*sql.Stmt{}
	}
	t.own[text] = own
	return own
}

func (t *transaction) exec(text string, args ...any) (int64, error) {
	var result sql.Result
	var err error
	if stmt := t.prepared(text); stmt != nil {
		result, err = stmt.ExecContext(t.ctx, args...)
	} else {
		result, err = t.tx.ExecContext(t.ctx, t.store.dialect.text(text), args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs scan for each row.
func (t *transaction) query(text string, scan func(*sql.Rows) error, args ...any) error {
	var rows *sql.Rows
	var err error
	if stmt := t.prepared(text); stmt != nil {
		rows, err = stmt.QueryContext(t.ctx, args...)
	} else {
		rows, err = t.tx.QueryContext(t.ctx, t.store.dialect.text(text), args...)
	}
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// row scans the only row; sql.ErrNoRows.
func (t *transaction) row(text string, args, into []any) error {
	found := false
	err := t.query(text, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(into...)
	}, args...)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// each runs scan for each row and closes the rows.
func each(rows *sql.Rows, scan func(*sql.Rows) error) error {
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// begin opens a transaction. A connection that the server has dropped while it was idle only shows here, where nothing has
// happened yet; so another one is taken.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	var opts *sql.TxOptions
	if s.dialect.server {
		opts = &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
	for try := 1; ; try++ {
		tx, err := s.writer.BeginTx(ctx, opts)
		if err == nil || try == lostMax || ctx.Err() != nil || !lost(err) {
			return tx, err
		}
	}
}

// once is one try. An error of COMMIT that isn't the server's refusal leaves everything open.
func (s *Store) once(ctx context.Context, fn func(*transaction) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return repeatable(err)
	}
	t := &transaction{store: s, tx: tx, ctx: ctx}
	if !s.dialect.server {
		// The driver of SQLite begins a goroutine for each statement, to watch a context that can end. A statement here is short, and
		// database/sql sees to it that none follows once the transaction's context has ended.
		t.ctx = context.WithoutCancel(ctx)
	}
	if err := fn(t); err != nil {
		// The transaction is void whether or not the server hears of it; a connection that can't roll back is dropped.
		_ = tx.Rollback()
		return repeatable(err)
	}
	err = tx.Commit()
	if err == nil || s.refused(err) {
		return repeatable(err)
	}
	return persistence.Ambiguous(err)
}

// alone runs a statement that is a transaction by itself, and spares BEGIN and COMMIT. It must be one that may be carried out twice,
// for that is what database/sql does when a connection breaks. It gives the number of rows.
func (s *Store) alone(ctx context.Context, doing, text string, args ...any) (n int64, err error) {
	err = s.repeat(ctx, doing, func(ctx context.Context) error {
		result, err := s.statements[statementKey{s.writer, text}].ExecContext(ctx, args...)
		if err == nil {
			n, err = result.RowsAffected()
		}
		if err == nil || s.refused(err) {
			return repeatable(err)
		}
		return persistence.Ambiguous(err)
	})
	return n, err
}

// refused reports that an error of COMMIT, or of a statement that is a transaction by itself, is the database's word that nothing was
// written.
func (s *Store) refused(err error) bool {
	if !s.dialect.server {
		return !unsureCommit(err)
	}
	var answer *pq.Error
	const (
		unknown   = "40003" // statement completion unknown: CockroachDB itself has lost the answer
		cancelled = "57014"
	)
	if !errors.As(err, &answer) || answer.Severity != "ERROR" || answer.Code == unknown || answer.Code.Class() == "08" {
		return false
	}
	// PostgreSQL heeds no cancellation once it commits.
	return answer.Code.Class() != "57" || answer.Code == cancelled && s.dialect.whole
}

// deadlocked marks a deadlock as what may be repeated, which crdb.ExecuteCtx knows only of 40001.
type deadlocked struct{ error }

func (d deadlocked) SQLState() string { return "40001" }
func (d deadlocked) Unwrap() error    { return d.error }

func repeatable(err error) error {
	var answer *pq.Error
	if errors.As(err, &answer) && answer.Code == "40P01" {
		return deadlocked{err}
	}
	return err
}

// classify gives an error of the database its kind and says where it happened. An error that has a kind keeps it.
func (s *Store) classify(err error, doing string) error {
	var kinded *fault.Error
	if errors.As(err, &kinded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	kind := fault.Unavailable
	var answer *pq.Error
	switch {
	case errors.As(err, &answer):
		switch answer.Code.Class() {
		case "22", "3D", "28", "54": // a value, a database, a user that isn't right; more than a column or an index can hold
			kind = fault.Invalid
		case "42", "23", "25", "26":
			kind = fault.Internal
		}
		if answer.Code == "42501" { // a user without the right
			kind = fault.Invalid
		}
		if answer.Code == "25006" { // read-only: a replica, or a server that is switched over
			kind = fault.Unavailable
		}
	case badFile(err):
		kind = fault.Invalid
	case sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT:
		kind = fault.Internal
	}
	return fault.Wrap(kind, err, "database %s: %s", s.target, doing)
}
