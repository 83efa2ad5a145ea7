package bench

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"

	"cierzo/fault"
)

// server is the measured database server, asked on a connection of its own. nil stands for SQLite.
type server struct {
	db         *sql.DB
	postmaster int // 0 when it isn't on this machine
}

// counts are a server's counters since it was started.
type counts struct {
	wal, transactions, all, syncs int64
	cpu                           time.Duration
}

func isServer(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func openServer(ctx context.Context, dsn string) (*server, error) {
	if !isServer(dsn) {
		return nil, nil
	}
	if !strings.Contains(dsn, "sslmode=") {
		join := "?"
		if strings.Contains(dsn, "?") {
			join = "&"
		}
		dsn += join + "sslmode=prefer"
		if strings.Contains(dsn, "@127.0.0.1") || strings.Contains(dsn, "@localhost") {
			dsn = strings.Replace(dsn, "sslmode=prefer", "sslmode=disable", 1)
		}
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "database")
	}
	db.SetMaxOpenConns(1)
	s := &server{db: db}
	var backend int
	if err := db.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "database")
	}
	if f := stat(backend); len(f) > statParent && strings.Contains(commandOf(backend), "postgres") {
		if pid, err := strconv.Atoi(f[statParent]); err == nil {
			s.postmaster = pid
		}
	}
	return s, nil
}

func (s *server) close() error {
	if s == nil {
		return nil
	}
	return s.db.Close()
}

func (s *server) read(ctx context.Context) (counts, error) {
	var c counts
	if s == nil {
		return c, nil
	}
	c.cpu = treeTime(s.postmaster)
	err := s.db.QueryRowContext(ctx, `SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::INT8, txid_snapshot_xmax(txid_current_snapshot()),
		(SELECT sum(xact_commit + xact_rollback)::INT8 FROM pg_stat_database), (SELECT wal_sync FROM pg_stat_wal)`).
		Scan(&c.wal, &c.transactions, &c.all, &c.syncs)
	if err != nil {
		return c, fault.Wrap(fault.Unavailable, err, "read the database's counters")
	}
	return c, nil
}

// durability lists the settings that a commit's durability hangs on.
func (s *server) durability(ctx context.Context) (string, error) {
	if s == nil {
		return "SQLite, WAL, synchronous=FULL", nil
	}
	var version, fsync, commit, pages string
	err := s.db.QueryRowContext(ctx, `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')`).
		Scan(&version, &fsync, &commit, &pages)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "read the database's settings")
	}
	return "PostgreSQL " + version + ", fsync=" + fsync + ", synchronous_commit=" + commit + ", full_page_writes=" + pages, nil
}
