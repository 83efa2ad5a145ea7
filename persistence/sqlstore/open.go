// Package sqlstore is the store in SQL: SQLite for one node, CockroachDB and PostgreSQL for clusters.
//
// Records are kept as JSON beside the few columns that queries need. Every method that writes is one transaction of
// transact, which repeats it after a serialization failure. What differs between the databases is in dialect.go.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/lib/pq"  // the driver "postgres"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"cierzo/fault"
	"cierzo/persistence"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config of a store; the zero value is right for most.
type Config struct {
	// ConnectionsMax bounds the connections to a server. Defaults to 16.
	ConnectionsMax int
	// ConnectTimeout bounds the first connection. Defaults to 10 s.
	ConnectTimeout time.Duration
}

// Store is a persistence.Store in a SQL database.
type Store struct {
	db      *sql.DB // reads; and writes where the database takes several writers
	writer  *sql.DB // writes
	dialect dialect
	version string
	schema  int
	lock    *os.File
	commits atomic.Uint64
	retries atomic.Uint64
}

var _ persistence.Store = (*Store)(nil)

const forms = "give sqlite:///path/to/file.db, postgres://user@host:port/database or cockroach://user@host:port/database"

// Open opens a database and brings its schema up to date. dsn is sqlite://PATH, postgres://… or cockroach://…; for the
// servers sslmode defaults to "disable" on a loopback address and to "require" elsewhere. Kinds of errors: Invalid (the
// dsn), Unavailable (the server), Conflict (a schema of a newer version, or another process has the file).
func Open(ctx context.Context, dsn string, cfg Config) (*Store, error) {
	if cfg.ConnectionsMax == 0 {
		cfg.ConnectionsMax = 16
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok {
		return nil, fault.New(fault.Invalid, "%q is no database address: %s", dsn, forms)
	}
	var s *Store
	var err error
	switch scheme {
	case "sqlite":
		s, err = openSQLite(rest)
	case "postgres", "postgresql", "cockroach", "cockroachdb":
		s, err = openServer(ctx, scheme, dsn, cfg)
	default:
		return nil, fault.New(fault.Invalid, "%q is no kind of database: %s", scheme, forms)
	}
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openSQLite(path string) (*Store, error) {
	if path == "" {
		return nil, fault.New(fault.Invalid, "sqlite:// needs a path: %s", forms)
	}
	if strings.ContainsAny(path, "?#") {
		return nil, fault.New(fault.Invalid, "sqlite://%s: a path takes no parameters", path)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	writer, err := sql.Open("sqlite", "file:"+path+pragmas)
	if err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, err, "open %s", path), lock.Close())
	}
	writer.SetMaxOpenConns(1)
	db, err := sql.Open("sqlite", "file:"+path+strings.Replace(pragmas, "immediate", "deferred", 1))
	if err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, err, "open %s", path), writer.Close(), lock.Close())
	}
	db.SetMaxOpenConns(8)
	return &Store{db: db, writer: writer, dialect: sqlite, lock: lock}, nil
}

// lockFile makes sure that one process has the file: two engines on one SQLite file would not know of each other.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Clean(path)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "open the database")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.New(fault.Conflict, "%s is used by another process; several nodes need a database server", path)
	}
	return f, nil
}

func openServer(ctx context.Context, scheme, dsn string, cfg Config) (*Store, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" {
		return nil, fault.New(fault.Invalid, "the address of the database doesn't parse: %s", forms)
	}
	d := postgres
	if strings.HasPrefix(scheme, "cockroach") {
		d = cockroach
	}
	u.Scheme = "postgres"
	q := u.Query()
	if q.Get("sslmode") == "" {
		q.Set("sslmode", "require")
		if h := u.Hostname(); h == "localhost" || h == "::1" || strings.HasPrefix(h, "127.") {
			q.Set("sslmode", "disable")
		}
	}
	if q.Get("connect_timeout") == "" {
		q.Set("connect_timeout", "10")
	}
	u.RawQuery = q.Encode()
	db, err := sql.Open("postgres", u.String())
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "database %s", u.Host)
	}
	db.SetMaxOpenConns(cfg.ConnectionsMax)
	db.SetMaxIdleConns(cfg.ConnectionsMax)
	s := &Store{db: db, writer: db, dialect: d}
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&s.version); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, err, "database %s", u.Host), db.Close())
	}
	if strings.Contains(s.version, "CockroachDB") {
		s.dialect = cockroach
	}
	return s, nil
}

// Close implements persistence.Store.
func (s *Store) Close() error {
	errs := []error{s.db.Close()}
	if s.writer != s.db {
		errs = append(errs, s.writer.Close())
	}
	if s.lock != nil {
		if err := s.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Info implements persistence.Store.
func (s *Store) Info(ctx context.Context) (persistence.Info, error) {
	if err := s.db.PingContext(ctx); err != nil {
		return persistence.Info{}, fault.Wrap(fault.Unavailable, err, "database")
	}
	return persistence.Info{
		Kind: s.dialect.name, Version: s.version, Schema: s.schema, Retries: s.retries.Load(), Commits: s.commits.Load(), BatchMax: s.dialect.batchMax,
	}, nil
}

// migrate brings the schema up to date, one migration a transaction. The first statement takes the lock that makes
// several nodes that start at once do it one after the other.
func (s *Store) migrate(ctx context.Context) error {
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	if _, err := s.writer.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (one INT PRIMARY KEY, version INT NOT NULL)`); err != nil && !strings.Contains(err.Error(), "duplicate key") {
		return s.classify(err, "make the schema")
	}
	err = s.transact(ctx, "make the schema", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO schema_version (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING`)
		return err
	})
	if err != nil {
		return err
	}
	return s.transact(ctx, "migrate", func(tx *sql.Tx) error {
		// The update locks the row.
		if err := tx.QueryRowContext(ctx, `UPDATE schema_version SET version = version WHERE one = 1 RETURNING version`).Scan(&s.schema); err != nil {
			return err
		}
		if s.schema > len(entries) {
			return fault.New(fault.Conflict, "the database has schema %d, this version of cierzo knows %d; use a newer cierzo", s.schema, len(entries))
		}
		for ; s.schema < len(entries); s.schema++ {
			text, err := migrations.ReadFile("migrations/" + entries[s.schema].Name())
			if err != nil {
				return err
			}
			for stmt := range strings.SplitSeq(string(text), ";\n") {
				if strings.TrimSpace(stmt) == "" {
					continue
				}
				if _, err := tx.ExecContext(ctx, stmt); err != nil {
					return fmt.Errorf("migration %s: %w", entries[s.schema].Name(), err)
				}
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE schema_version SET version = $1 WHERE one = 1`, s.schema)
		return err
	})
}
