package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"cierzo/fault"
	"cierzo/internal/cache"
	"cierzo/persistence"
)

// connectionsSQLite bounds the readers of a SQLite file; there is one writer.
const connectionsSQLite = 4

const sqliteVersionQuery = `SELECT sqlite_version()`

func openSQLite(ctx context.Context, at address) (*Store, error) {
	lock, err := lockFile(at.path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dialect: at.dialect, target: at.target, lock: lock, statements: map[statementKey]*sql.Stmt{},
		revisions: cache.New[string, persistence.Definition](revisionsMax),
	}
	// In a URI of SQLite these three have a meaning.
	file := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(at.path)
	const common = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16000)"
	if s.writer, err = sql.Open("sqlite", file+common+"&_txlock=immediate"); err != nil {
		return nil, errors.Join(s.classify(err, "open"), lock.Close())
	}
	s.writer.SetMaxOpenConns(1)
	if s.db, err = sql.Open("sqlite", file+common+"&_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(s.classify(err, "open"), s.writer.Close(), lock.Close())
	}
	s.db.SetMaxOpenConns(connectionsSQLite)
	s.db.SetMaxIdleConns(connectionsSQLite)
	if err := s.writer.QueryRowContext(ctx, sqliteVersionQuery).Scan(&s.version); err != nil {
		return nil, errors.Join(s.classify(err, "open"), s.Close())
	}
	s.version = "SQLite " + s.version
	return s, nil
}

// lockFile makes sure that one process has the file: two engines on one SQLite file would not know of each other.
func lockFile(path string) (*os.File, error) {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file // one lock, whatever the file is called
	}
	f, err := os.OpenFile(filepath.Clean(path)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.Invalid, err, "database %s: there is no such folder", path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return nil, fault.Wrap(fault.Invalid, err, "database %s: the folder can't be written", path)
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, err, "database %s", path)
	}
	err = tryLock(f)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fault.New(fault.Conflict, "database %s is used by another cierzo process; several nodes need PostgreSQL or CockroachDB", path)
	case err != nil:
		err = fault.Wrap(fault.Invalid, err, "database %s: its folder knows no locks", path)
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// lockPatience is how long a lock that somebody has is tried: a child that is just being started holds all its parent's
// files until it runs its own program, and a process that ends may still be closing its.
const lockPatience = 500 * time.Millisecond

func tryLock(f *os.File) error {
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(5 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			return err
		}
	}
}

// sqliteCode is the primary result code of an error of SQLite, 0 of any other.
func sqliteCode(err error) int {
	var e *moderncsqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// badFile reports an error that says that the file can't be this store's database, now or later.
func badFile(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return true
	}
	return false
}

// unsureCommit reports an error of COMMIT that leaves open what the file says after a crash: the log was written, but
// perhaps not to the disk.
func unsureCommit(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_IOERR }
