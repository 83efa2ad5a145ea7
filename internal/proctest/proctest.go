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

	"cierzo/internal/wait"
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

// folder holds the binaries, once one is built.
var folder string

// Build says how the command is compiled. The zero value is as the test is: with the race detector if the test has it.
type Build struct {
	Race bool
	// Overlay is the path of a file for go build's -overlay: sources that are different in this build. "": none.
	Overlay string
	// Tags are build tags, with commas. "": none.
	Tags string
}

var (
	building sync.Mutex
	built    = map[Build]string{}
)

// Path compiles the command, each way once per test process.
func (b Build) Path() (string, error) {
	building.Lock()
	defer building.Unlock()
	b.Race = b.Race || race
	if path := built[b]; path != "" {
		return path, nil
	}
	if folder == "" {
		var err error
		if folder, err = os.MkdirTemp("", "cierzo-proctest-"); err != nil {
			return "", err
		}
	}
	path := filepath.Join(folder, fmt.Sprint("cierzo-", len(built)))
	args := []string{"build", "-o", path}
	if b.Race {
		args = append(args, "-race")
	}
	if b.Tags != "" {
		args = append(args, "-tags", b.Tags)
	}
	if b.Overlay != "" {
		args = append(args, "-overlay", b.Overlay)
	}
	out, err := exec.Command("go", append(args, "cierzo/cmd/cierzo")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	built[b] = path
	return path, nil
}

// Binary is the path of the command.
func Binary(t *testing.T) string {
	t.Helper()
	path, err := Build{}.Path()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Tagged compiles the command with a build tag, and gives its path.
func Tagged(t *testing.T, tag string) string {
	t.Helper()
	path, err := Build{Tags: tag}.Path()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Config is a process that is more than the command and its arguments.
type Config struct {
	Name string
	Args []string
	Build
	// Binary is the path of another program. Defaults to the command, compiled as Build says.
	Binary string
	// Env is added to the environment.
	Env []string
	// Enter starts the process where it shall be, by the function that it is given. Defaults to just doing that.
	Enter func(start func() error) error
}

// Process is a process of the binary that can be killed, frozen and started again with the same arguments. It belongs to one
// goroutine, but for Signal.
type Process struct {
	Config
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{} // closed when the present incarnation has ended
	log  tail

	mu       sync.Mutex
	ended    bool     // we have ended the present incarnation, or expect its end
	troubles []string // what must not be in a log, and ends that nobody has asked for
}

// tail keeps the last lines of a log, for the report of a failure, and writes all of them into a file among the test's artifacts
// (go test -artifacts).
type tail struct {
	mu    sync.Mutex
	lines []string
	file  *os.File
}

const (
	linesMax    = 60
	troublesMax = 10
)

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	_, _ = fmt.Fprintln(l.file, line) // without it there is still the end of it
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
	return Launch(t, Config{Name: name, Args: args})
}

// Launch is Start for a process that is more than its arguments.
func Launch(t *testing.T, cfg Config) *Process {
	t.Helper()
	p := &Process{Config: cfg, t: t}
	var err error
	if p.log.file, err = os.Create(filepath.Join(t.ArtifactDir(), cfg.Name+".log")); err != nil {
		t.Fatal(err)
	}
	p.Restart()
	t.Cleanup(func() {
		defer p.log.file.Close()
		p.Signal(syscall.SIGCONT)
		p.Kill()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Errorf("%s: %s", p.Name, trouble)
		}
		if t.Failed() {
			t.Logf("last lines of %s:\n%s", p.Name, &p.log)
		}
	})
	return p
}

// Restart starts the process again after its end.
func (p *Process) Restart() {
	p.t.Helper()
	path := p.Binary
	if path == "" {
		var err error
		if path, err = p.Build.Path(); err != nil {
			p.t.Fatal(err)
		}
	}
	p.cmd = exec.Command(path, p.Args...)
	p.cmd.Env = append(os.Environ(), p.Env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.mu.Lock()
	p.ended = false
	p.mu.Unlock()
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	enter := p.Enter
	if enter == nil {
		enter = func(start func() error) error { return start() }
	}
	if err := enter(p.cmd.Start); err != nil {
		p.t.Fatal(err)
	}
	p.log.add("--- started " + time.Now().Format(time.TimeOnly))
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		defer close(done)
		scan := bufio.NewScanner(stderr)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			line := scan.Text()
			p.log.add(line)
			p.mu.Lock()
			dying := p.ended
			p.mu.Unlock()
			if strings.Contains(line, "DATA RACE") || strings.Contains(line, "panic") && !dying {
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

// Pid is the id of the present incarnation.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the present incarnation has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExpectEnd says that the present incarnation may end by itself from now on: something is done to it that it can't survive.
// What the runtime prints when it dies is no trouble then.
func (p *Process) ExpectEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
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
			return fmt.Errorf("%s ended with %v", p.Name, p.cmd.ProcessState)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s didn't end: %w", p.Name, ctx.Err())
	}
}

// AwaitHealth waits until the process answers at the address of its REST API (host:port).
func (p *Process) AwaitHealth(ctx context.Context, address string) {
	p.t.Helper()
	awaitHealth(ctx, p.t, p.Name, address, p.done)
}

// Healthy waits until a server that was started otherwise answers at the address of its REST API (host:port).
func Healthy(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	awaitHealth(ctx, t, "the server on "+address, address, nil)
}

func awaitHealth(ctx context.Context, t *testing.T, name, address string, ended <-chan struct{}) {
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
		case <-ended:
			t.Fatalf("%s has ended before it was healthy", name)
		case <-ctx.Done():
			t.Fatalf("%s isn't healthy in time: %v", name, err)
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
func Pass(ctx context.Context, d time.Duration) { _ = wait.For(ctx, d) }
