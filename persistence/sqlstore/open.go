// Package sqlstore is the store in SQL: SQLite for one node, CockroachDB and PostgreSQL for clusters.
//
// Every method that writes is one serializable transaction of transact, which repeats it after a serialization failure
// and looks at the error of COMMIT. Statements are constants next to the code that scans their rows; what differs
// between the databases is in dialect.go, and in how Commit writes many rows: arrays in one statement for the servers
// (servercommit.go), prepared statements row by row for SQLite (sqlitecommit.go).
//
// Statements for the servers stay in what CockroachDB and PostgreSQL have in common; statements.go lists all, and `make
// sql-syntax` has CockroachDB's parser read them.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"cierzo/fault"
	"cierzo/internal/cache"
	"cierzo/persistence"
)

// Config of a store; the zero value is right for most.
type Config struct {
	// ConnectionsMax bounds the connections to a server, half of them for writing. Defaults to 16.
	ConnectionsMax int
	// ConnectTimeout bounds the first connection, with the migration of the schema. Defaults to 15 s.
	ConnectTimeout time.Duration
}

// Store is a persistence.Store in a SQL database.
type Store struct {
	dialect dialect
	target  string  // of the database, for errors: a path, or host:port/name
	db      *sql.DB // reads
	writer  *sql.DB // transactions
	lock    *os.File
	version string
	schema  int

	commits atomic.Uint64
	retries atomic.Uint64

	// running is held for reading by whoever uses the database; Close waits for all of them, then closes.
	running sync.RWMutex
	over    bool

	definitions grouped[persistence.DefinitionKey, persistence.Definition]
	newest      newest
	revisions   *cache.Cache[string, persistence.Definition]

	// statements are prepared ones, by the database handle and the text. Not changed after Open.
	statements map[statementKey]*sql.Stmt
}

type statementKey struct {
	db   *sql.DB
	text string
}

var _ persistence.Store = (*Store)(nil)

// Open opens a database and brings its schema up to date. The dsn is one of
//
//	sqlite:///path/to/file.db                   (sqlite://file.db is relative to the working directory)
//	postgres://user:password@host:port/database
//	cockroach://user:password@host:port/database
//
// Parameters of the servers are lib/pq's. sslmode defaults to "disable" where all hosts are loopback addresses or sockets, and to
// "require" elsewhere; connect_timeout to 10 seconds.
//
// Kinds of errors: Invalid (the dsn, or a file that can't be a database here), Unavailable (the server), Conflict (a
// schema of a newer version, or another process has the file).
func Open(ctx context.Context, dsn string, cfg Config) (*Store, error) {
	if cfg.ConnectionsMax <= 0 {
		cfg.ConnectionsMax = 16
	}
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = 15 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	at, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	var s *Store
	if at.dialect.server {
		s, err = openServer(ctx, at, cfg)
	} else {
		s, err = openSQLite(ctx, at)
	}
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.lock != nil { // whoever had a lease is dead: nobody else can have the file now
		err := s.transact(ctx, "end the leases of those before", func(t *transaction) error {
			_, err := t.exec(endLeases)
			return err
		})
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

const versionQuery = `SELECT version()`

func openServer(ctx context.Context, at address, cfg Config) (*Store, error) {
	reads, err := newConnector(at.reads, false)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "database %s", at.target)
	}
	writes, err := newConnector(at.writes, at.dialect.whole)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "database %s", at.target)
	}
	s := &Store{
		dialect: at.dialect, target: at.target, db: sql.OpenDB(reads), writer: sql.OpenDB(writes), statements: map[statementKey]*sql.Stmt{},
		revisions: cache.New[string, persistence.Definition](revisionsMax),
	}
	for _, db := range []*sql.DB{s.db, s.writer} {
		half := max(cfg.ConnectionsMax/2, 1)
		db.SetMaxOpenConns(half)
		db.SetMaxIdleConns(half)
	}
	if err := s.writer.QueryRowContext(ctx, versionQuery).Scan(&s.version); err != nil {
		return nil, errors.Join(s.classifyConnect(err), s.Close())
	}
	return s, nil
}

// prepare readies the statements. It happens once, outside of transactions: inside of one it could wait for a connection
// that only the end of the transaction frees.
func (s *Store) prepare(ctx context.Context) error {
	for db, texts := range map[*sql.DB][]string{s.db: s.dialect.reads(), s.writer: s.dialect.writes()} {
		for _, text := range texts {
			stmt, err := db.PrepareContext(ctx, s.dialect.text(text))
			if err != nil {
				return s.classify(err, "prepare "+text)
			}
			s.statements[statementKey{db, text}] = stmt
		}
	}
	return nil
}

// enter keeps Close waiting until leave. fault.Unavailable: the store is closed.
func (s *Store) enter() error {
	s.running.RLock()
	if s.over {
		s.running.RUnlock()
		return fault.New(fault.Unavailable, "database %s: the store is closed", s.target)
	}
	return nil
}

func (s *Store) leave() { s.running.RUnlock() }

// Close implements persistence.Store. database/sql alone would leave running transactions to themselves, and the file's
// lock would be free while they still write.
func (s *Store) Close() error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.over {
		return nil
	}
	s.over = true
	err := errors.Join(s.db.Close(), s.writer.Close())
	if s.dialect.server {
		return nil // all that can fail is to say goodbye on a connection that is broken
	}
	return errors.Join(err, s.lock.Close())
}

// Info implements persistence.Store.
func (s *Store) Info(ctx context.Context) (persistence.Info, error) {
	if err := s.enter(); err != nil {
		return persistence.Info{}, err
	}
	defer s.leave()
	if err := s.db.PingContext(ctx); err != nil {
		return persistence.Info{}, s.classify(err, "ping")
	}
	return persistence.Info{
		Kind: s.dialect.name, Version: s.version, Schema: s.schema, Retries: s.retries.Load(), Commits: s.commits.Load(),
		BatchMax: s.dialect.batchMax, Exclusive: s.lock != nil,
	}, nil
}
