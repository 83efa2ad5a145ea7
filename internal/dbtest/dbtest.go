// Package dbtest gives tests databases of their own: PostgreSQL servers that they start, fresh databases on them, and
// fresh databases on a CockroachDB that the environment names.
package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
)

// Server is a PostgreSQL server in a directory of its own. It dies with this process.
type Server struct {
	bin  string
	dir  string
	port int
	cred *syscall.Credential // nil: as ourselves
	cmd  *exec.Cmd
	done chan struct{}
}

// Installed finds the newest PostgreSQL server on this machine; "" when there is none.
func Installed() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return ""
	}
	slices.SortFunc(found, func(a, b string) int { return versionOf(a) - versionOf(b) })
	return filepath.Dir(found[len(found)-1])
}

func versionOf(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// StartPostgres makes a database cluster in dir and starts a server on a free port of the loopback interface.
func StartPostgres(dir string) (*Server, error) {
	s := &Server{bin: Installed(), dir: dir}
	if s.bin == "" {
		return nil, errors.New("PostgreSQL isn't installed: initdb is neither in PATH nor in /usr/lib/postgresql")
	}
	if err := s.pickUser(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = ln.Addr().(*net.TCPAddr).Port
	if err := ln.Close(); err != nil {
		return nil, err
	}
	init := s.command("initdb", "-D", s.data(), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.start()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// pickUser: PostgreSQL refuses to run as root, so root runs it as postgres or nobody.
func (s *Server) pickUser() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(s.dir, int(uid), int(gid)); err != nil {
		return err
	}
	// The directories of tests are closed to other users.
	for dir := filepath.Dir(s.dir); dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGQUIT}
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-k", "", "-c", "listen_addresses=127.0.0.1",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	s.done = done
	cmd := s.cmd
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return s.await(30 * time.Second)
}

// await waits until the server answers.
func (s *Server) await(limit time.Duration) error {
	db, err := sql.Open("postgres", s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.Ping()
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL has ended: %s", log)
		case <-deadline.C:
			return fmt.Errorf("PostgreSQL doesn't answer: %w", err)
		case <-tick.C:
		}
	}
}

// DSN of a database of the server.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable&connect_timeout=5", s.port, database)
}

// Restart stops the server, immediately (as after a power failure) or when its clients are gone, and starts it again.
func (s *Server) Restart(immediate bool) error {
	if err := s.end(immediate); err != nil {
		return err
	}
	return s.start()
}

// Stop ends the server. Its directory stays.
func (s *Server) Stop() error { return s.end(true) }

func (s *Server) end(immediate bool) error {
	sig := syscall.SIGINT
	if immediate {
		sig = syscall.SIGQUIT
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("PostgreSQL doesn't end")
	}
}

// shared is the server that all tests of a process use. Nobody tells when the last test has ended, so its directory is
// removed by a later process.
var shared = sync.OnceValues(func() (*Server, error) {
	removeAbandoned()
	dir, err := os.MkdirTemp("", sharedPrefix)
	if err != nil {
		return nil, err
	}
	return StartPostgres(dir)
})

const sharedPrefix = "cierzo-postgres-"

// removeAbandoned removes the directories of servers that are gone, but those of the last minute, whose servers may not have
// begun. What can't be removed stays: it is another user's.
func removeAbandoned() {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), sharedPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range found {
		info, err := os.Stat(dir)
		if err == nil && time.Since(info.ModTime()) > time.Minute && !serving(dir) {
			_ = os.RemoveAll(dir)
		}
	}
}

// serving reports whether a server runs on the directory, or may.
func serving(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	return err != nil || syscall.Kill(pid, 0) != syscall.ESRCH
}

var databases atomic.Int64

// Postgres gives a test a fresh database on a PostgreSQL server that dies with the process. CIERZO_TEST_POSTGRES_DSN names
// another server. Without either the test is skipped.
func Postgres(t *testing.T) string {
	t.Helper()
	if dsn := os.Getenv("CIERZO_TEST_POSTGRES_DSN"); dsn != "" {
		return fresh(t, dsn, "postgres")
	}
	if Installed() == "" {
		t.Skip("PostgreSQL isn't installed and CIERZO_TEST_POSTGRES_DSN isn't set")
	}
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return fresh(t, s.DSN("postgres"), "postgres")
}

// Cockroach gives a test a fresh database on the CockroachDB that CIERZO_COCKROACH_DSN names; without it the test is
// skipped.
func Cockroach(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("CIERZO_COCKROACH_DSN")
	if dsn == "" {
		t.Skip("CIERZO_COCKROACH_DSN isn't set")
	}
	return fresh(t, dsn, "cockroach")
}

// fresh makes a database for the test and removes it afterwards.
func fresh(t *testing.T, dsn, scheme string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Scheme = "postgres"
	admin, err := sql.Open("postgres", u.String())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("cierzo_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(errors.Join(err, admin.Close()))
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		drop := "DROP DATABASE " + name + " WITH (FORCE)"
		if strings.HasPrefix(scheme, "cockroach") {
			drop = "DROP DATABASE " + name + " CASCADE"
		}
		if _, err := admin.ExecContext(ctx, drop); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	u.Path, u.Scheme = "/"+name, scheme
	return u.String()
}
