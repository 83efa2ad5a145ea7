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
	at   Place
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

// Place is where a server runs.
type Place struct {
	// Address is the IP address that it listens on. Defaults to 127.0.0.1.
	Address string
	// Network is a network (CIDR) whose hosts may connect, beside this one. "": none.
	Network string
	// Enter starts the server where it shall be, by the function that it is given. Defaults to just doing that.
	Enter func(start func() error) error
	// Settings are added to those that all servers have: name=value.
	Settings []string
}

// StartPostgres makes a database cluster in dir and starts a server on a free port of the loopback interface.
func StartPostgres(dir string) (*Server, error) { return StartPostgresAt(dir, Place{}) }

// StartPostgresAt is StartPostgres for a server that is elsewhere.
func StartPostgresAt(dir string, at Place) (*Server, error) {
	if at.Address == "" {
		at.Address = "127.0.0.1"
	}
	if at.Enter == nil {
		at.Enter = func(start func() error) error { return start() }
	}
	s := &Server{bin: Installed(), dir: dir, at: at}
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
	if at.Network != "" {
		if err := s.admit(at.Network); err != nil {
			return nil, err
		}
	}
	return s, s.Start()
}

// admit lets the hosts of a network in.
func (s *Server) admit(network string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "host all all %s trust\n", network)
	return errors.Join(err, f.Close())
}

// Address is where it listens, host:port.
func (s *Server) Address() string { return net.JoinHostPort(s.at.Address, strconv.Itoa(s.port)) }

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

// Start starts a server that has ended. It returns when the server answers.
func (s *Server) Start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-k", "", "-c", "listen_addresses="+s.at.Address,
		"-c", "max_connections=200", "-c", "shared_buffers=64MB")
	for _, setting := range s.at.Settings {
		s.cmd.Args = append(s.cmd.Args, "-c", setting)
	}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.at.Enter(s.cmd.Start); err != nil {
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
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&connect_timeout=5", s.Address(), database)
}

// Restart stops the server, immediately (as after a power failure) or when its clients are gone, and starts it again.
func (s *Server) Restart(immediate bool) error {
	if err := s.end(immediate); err != nil {
		return err
	}
	return s.Start()
}

// Ended is closed when the server has ended.
func (s *Server) Ended() <-chan struct{} { return s.done }

// Kill ends the server's first process without warning (SIGKILL), and waits until its children have noticed and are gone, too.
func (s *Server) Kill() error {
	children := s.children()
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.done
	deadline := time.Now().Add(30 * time.Second)
	for _, pid := range children {
		for syscall.Kill(pid, 0) != syscall.ESRCH {
			if time.Now().After(deadline) {
				return fmt.Errorf("process %d of PostgreSQL doesn't end", pid)
			}
			time.Sleep(20 * time.Millisecond) // nobody tells of the end of another's child
		}
	}
	return nil
}

// Signal sends a signal to all processes of the server: SIGSTOP and SIGCONT, for a pause.
func (s *Server) Signal(sig syscall.Signal) error {
	err := s.cmd.Process.Signal(sig)
	for _, pid := range s.children() {
		if e := syscall.Kill(pid, sig); e != nil && e != syscall.ESRCH {
			err = errors.Join(err, e)
		}
	}
	return err
}

// children are the processes that the server has started.
func (s *Server) children() (pids []int) {
	found, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …; the name may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(s.cmd.Process.Pid) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
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
