package load

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cierzo/internal/dbtest"
)

// buildBinary compiles the command once per test process.
var buildBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cierzo-load-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "cierzo")
	out, err := exec.Command("go", "build", "-o", path, "cierzo/cmd/cierzo").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := buildBinary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// server is a process that can be killed and started again with the same arguments.
type server struct {
	t    *testing.T
	api  string // its REST API, host:port
	args []string
	cmd  *exec.Cmd
	log  *bytes.Buffer // of the present incarnation
	done chan struct{}

	killed atomic.Bool // the present incarnation is to end
}

func (s *server) start(ctx context.Context) {
	s.t.Helper()
	path, err := buildBinary()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(path, append([]string{"server", "--listen", s.api}, s.args...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.log = &bytes.Buffer{}
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd, done, log := s.cmd, make(chan struct{}), s.log
	s.done = done
	s.killed.Store(false)
	go func() {
		defer close(done)
		if err := cmd.Wait(); !s.killed.Load() {
			s.t.Errorf("the server on %s has ended by itself: %v\n%s", s.api, err, log)
		}
	}()
	s.awaitHealth(ctx)
}

// kill ends the process without warning.
func (s *server) kill() {
	s.killed.Store(true)
	_ = s.cmd.Process.Signal(syscall.SIGCONT) // it may have ended
	_ = s.cmd.Process.Kill()
	<-s.done
}

func (s *server) awaitHealth(ctx context.Context) {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.api+"/healthcheck", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-s.done:
			s.t.Fatalf("the server on %s has ended:\n%s", s.api, s.log)
		case <-ctx.Done():
			s.t.Fatalf("the server on %s isn't healthy in time", s.api)
		}
	}
}

// freeAddress reserves a loopback address by opening and closing it.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// cluster is some servers on one PostgreSQL.
type cluster struct {
	dsn     string
	servers []*server
}

// lease of the engines: short, so that a takeover is seen in a test.
const lease = 3 * time.Second

// startCluster starts a server with each of the given roles.
func startCluster(ctx context.Context, t *testing.T, roles ...string) *cluster {
	t.Helper()
	db, err := dbtest.StartPostgres(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	c := &cluster{dsn: db.DSN("postgres")}
	for _, role := range roles {
		s := &server{
			t: t, api: freeAddress(t),
			args: []string{"--roles", role, "--store", c.dsn, "--bind", freeAddress(t), "--lease", lease.String(), "--drain-timeout", "2s", "--log-level", "warn"},
		}
		c.servers = append(c.servers, s)
		s.start(ctx) // one after the other: the first one migrates the database
		t.Cleanup(s.kill)
	}
	return c
}
