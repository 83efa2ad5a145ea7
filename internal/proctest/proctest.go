// Package proctest runs the real binary as a process, for the tests that look at cierzo from outside.
package proctest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "cierzo/node" // so that a change of the server makes the result that go test remembers worthless
)

// Main runs the tests of a package that starts processes, and removes the binary. It is the whole of a TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

// folder holds the binary, once it is built.
var folder string

// build compiles the command once per test process, with the race detector if the test has it.
var build = sync.OnceValues(func() (string, error) { return compile("cierzo", race) })

var makeFolder = sync.OnceValue(func() (err error) {
	folder, err = os.MkdirTemp("", "cierzo-proctest-")
	return err
})

func compile(name string, race bool, more ...string) (string, error) {
	if err := makeFolder(); err != nil {
		return "", err
	}
	path := filepath.Join(folder, name)
	args := append([]string{"build", "-o", path}, more...)
	if race {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "cierzo/cmd/cierzo")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Binary is the path of the command.
func Binary(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Tagged compiles the command with a build tag, and gives its path.
func Tagged(t *testing.T, tag string) string {
	t.Helper()
	path, err := compile("cierzo-"+tag, false, "-tags", tag)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Process is a process of the binary that can be killed, frozen and started again with the same arguments. It belongs to one
// goroutine, but for Signal.
type Process struct {
	t    *testing.T
	name string
	args []string
	cmd  *exec.Cmd
	done chan struct{} // closed when the present incarnation has ended
	log  tail

	mu       sync.Mutex
	ended    bool     // we have ended the present incarnation
	troubles []string // what must not be in a log, and ends that nobody has asked for
}

// tail keeps the last lines of a log, for the report of a failure.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const (
	linesMax    = 60
	troublesMax = 10
)

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if len(l.lines) > linesMax {
		l.lines = l.lines[len(l.lines)-linesMax:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// Start starts a process that ends with the test. The test fails if it ends before by itself, panics or has a data race.
func Start(t *testing.T, name string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, name: name, args: args}
	p.Restart()
	t.Cleanup(func() {
		p.Signal(syscall.SIGCONT)
		p.Kill()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Errorf("%s: %s", p.name, trouble)
		}
		if t.Failed() {
			t.Logf("last lines of %s:\n%s", p.name, &p.log)
		}
	})
	return p
}

// Restart starts the process again after its end.
func (p *Process) Restart() {
	p.t.Helper()
	path, err := build()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(path, p.args...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.log.add("--- started " + time.Now().Format(time.TimeOnly))
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	p.mu.Lock()
	p.ended = false
	p.mu.Unlock()
	go func() {
		defer close(done)
		scan := bufio.NewScanner(stderr)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			line := scan.Text()
			p.log.add(line)
			if strings.Contains(line, "DATA RACE") || strings.Contains(line, "panic") {
				p.trouble(line)
			}
		}
		err := cmd.Wait()
		p.log.add(fmt.Sprint("--- ended: ", err))
		p.mu.Lock()
		asked := p.ended
		p.mu.Unlock()
		if !asked {
			p.trouble(fmt.Sprint("ended by itself: ", err))
		}
	}()
}

// Signal sends a signal that the process survives, or nothing if it has ended.
func (p *Process) Signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Signal(s) // it may have ended in between
	}
}

func (p *Process) trouble(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.troubles) < troublesMax {
		p.troubles = append(p.troubles, text)
	}
}

// end sends a signal that the process does not survive.
func (p *Process) end(s syscall.Signal) {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.Signal(s)
}

// Kill ends the process without warning, frozen or not, and waits for its end.
func (p *Process) Kill() {
	p.end(syscall.SIGKILL)
	<-p.done
}

// Stop ends the process as an operator does; the error says that it didn't go in time, or not well.
func (p *Process) Stop(ctx context.Context) error {
	p.end(syscall.SIGTERM)
	select {
	case <-p.done:
		if !p.cmd.ProcessState.Success() {
			return fmt.Errorf("%s ended with %v", p.name, p.cmd.ProcessState)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s didn't end: %w", p.name, ctx.Err())
	}
}

// AwaitHealth waits until the process answers at the address of its REST API (host:port).
func (p *Process) AwaitHealth(ctx context.Context, address string) {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := healthy(ctx, address)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-p.done:
			p.t.Fatalf("%s has ended before it was healthy", p.name)
		case <-ctx.Done():
			p.t.Fatalf("%s isn't healthy in time: %v", p.name, err)
		}
	}
}

// Healthy waits until a server that was started otherwise answers at the address of its REST API (host:port).
func Healthy(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := healthy(ctx, address)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s isn't healthy in time: %v", address, err)
		}
	}
}

func healthy(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthcheck", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("healthcheck: %s", resp.Status)
	}
	_ = resp.Body.Close() // nothing is read from it
	return err
}

// FreeAddress reserves a loopback address by opening and closing it.
func FreeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// Pass lets time go by: when a fault comes and how long it lasts is part of the experiment, not a wait for something.
func Pass(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
