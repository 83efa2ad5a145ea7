package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	"github.com/lib/pq"

	"cierzo/fault"
	"cierzo/persistence"
)

// retriesMax bounds how often a transaction is repeated after a serialization failure.
const retriesMax = 20

// transact runs fn in one serializable transaction, again after a serialization failure: fn must not have side effects.
// The error of COMMIT is looked at: it is the moment of truth on PostgreSQL, which crdb.ExecuteTx ignores.
func (s *Store) transact(ctx context.Context, doing string, fn func(*sql.Tx) error) error {
	ctx = crdb.WithMaxRetries(ctx, retriesMax)
	tries := 0
	err := crdb.ExecuteCtx(ctx, func(ctx context.Context, _ ...any) error {
		if tries++; tries > 1 {
			s.retries.Add(1)
		}
		return s.once(ctx, fn)
	})
	if err != nil {
		return s.classify(err, doing)
	}
	s.commits.Add(1)
	return nil
}

// once is one try. An error of COMMIT that isn't the server's answer leaves everything open.
func (s *Store) once(ctx context.Context, fn func(*sql.Tx) error) error {
	var opts *sql.TxOptions
	if s.dialect.arrays {
		opts = &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
	tx, err := s.writer.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) && !lost(undo) {
			return errors.Join(err, undo)
		}
		return err
	}
	err = tx.Commit()
	var answer *pq.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer) && answer.Code != "40003" && answer.Code.Class() != "08" && answer.Code.Class() != "57":
		return err // the server says no: nothing was written
	case !s.dialect.arrays && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		return err // SQLite rolls back what it can't commit
	}
	return persistence.Ambiguous(err)
}

// classify gives a database's error its kind.
func (s *Store) classify(err error, doing string) error {
	var kinded *fault.Error
	if errors.As(err, &kinded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var pe *pq.Error
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.Wrap(fault.NotFound, err, "%s", doing)
	case errors.As(err, &pe) && pe.Code.Class() == "23":
		return fault.Wrap(fault.Conflict, err, "%s", doing)
	case errors.As(err, &pe), lost(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, err, "%s", doing)
	case strings.Contains(err.Error(), "UNIQUE constraint"):
		return fault.Wrap(fault.Conflict, err, "%s", doing)
	}
	return fault.Wrap(fault.Unavailable, err, "%s", doing)
}

// lost reports a broken connection.
func lost(err error) bool {
	var n net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &n)
}
