package chaos

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
)

// buildBinary compiles the command once per test process.
var buildBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cierzo-chaos-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "cierzo")
	args := []string{"build", "-o", path}
	if race {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "cierzo/cmd/cierzo")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func binary(t *testing.T) string {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a server that can be killed, frozen and started again with the same arguments.
type process struct {
	t    *testing.T
	name string
	args []string
	cmd  *exec.Cmd
	done chan struct{} // closed when the present incarnation has ended
	log  *tail

	mu       sync.Mutex
	ended    bool     // we have ended the present incarnation
	troubles []string // what must not be in a log, and ends that nobody has asked for
}

// tail keeps the last lines of a log, for the report of a failure.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const tailMax = 60

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if len(l.lines) > tailMax {
		l.lines = l.lines[len(l.lines)-tailMax:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func newProcess(t *testing.T, name string, args ...string) *process {
	p := &process{t: t, name: name, args: args, log: &tail{}}
	p.start()
	t.Cleanup(func() {
		p.signal(syscall.SIGCONT)
		p.kill()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Errorf("%s: %s", p.name, trouble)
		}
		if t.Failed() {
			t.Logf("last lines of %s:\n%s", p.name, p.log)
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(binary(p.t), p.args...)
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

func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Signal(s) // it may have ended in between
	}
}

func (p *process) trouble(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.troubles) < 10 {
		p.troubles = append(p.troubles, text)
	}
}

// end sends a signal that the process does not survive.
func (p *process) end(s syscall.Signal) {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.signal(s)
}

// kill ends the process without warning and waits for its end.
func (p *process) kill() {
	p.end(syscall.SIGKILL)
	<-p.done
}

// stop ends the process as an operator does, and reports whether it went in time.
func (p *process) stop(ctx context.Context) error {
	cmd := p.cmd
	p.end(syscall.SIGTERM)
	select {
	case <-p.done:
		if !cmd.ProcessState.Success() {
			return fmt.Errorf("%s ended with %v", p.name, cmd.ProcessState)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s didn't end: %w", p.name, ctx.Err())
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

// awaitHealth waits until the server answers.
func awaitHealth(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	await(ctx, t, "health of "+address, func() (bool, error) {
		resp, err := http.Get("http://" + address + "/healthcheck")
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// await asks again and again until the condition holds; the error that it gave last is part of the failure.
func await(ctx context.Context, t *testing.T, what string, cond func() (bool, error)) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := cond()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in time (last: %v)", what, err)
		case <-tick.C:
		}
	}
}

// pass lets time go by: what a fault lasts is part of the experiment, not a wait for something.
func pass(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
