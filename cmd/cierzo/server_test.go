package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/cmd/cierzo/show"
)

// output collects what a command writes while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// await waits until the output matches, and gives the first group.
func (o *output) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-deadline:
			t.Fatalf("never says %s; it says:\n%s", pattern, o)
		case <-tick.C:
		}
	}
}

// startServer runs `cierzo server` in this process until the test ends, and gives the address of its API.
func startServer(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var log output
	ended := make(chan int, 1)
	args = append([]string{"server", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, args...)
	go func() { ended <- run(ctx, args, strings.NewReader(""), &log, &log) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != show.OK {
			t.Errorf("the server ended with code %d:\n%s", code, &log)
		}
	})
	return log.await(t, `REST API (http://[^/]+)/v2`)
}

// command runs a command to its end.
func command(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code := run(ctx, args, strings.NewReader(""), &out, &errs); code != want {
		t.Fatalf("cierzo %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
	}
	return out.String(), errs.String()
}

func TestRunOnServer(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	for range 2 { // the second time the definitions are there already
		out, _ := command(t, show.OK, "run", "-q", "../../examples/etl.yaml", "--server", url)
		if !strings.Contains(out, `"loaded": 50512`) {
			t.Errorf("output: %s", out)
		}
	}
	_, errs := command(t, show.Usage, "run", filepath.Join("testdata", "nothing.yaml"), "--server", url)
	if !strings.Contains(errs, "no such file") {
		t.Errorf("standard error: %s", errs)
	}
	command(t, show.Unavailable, "run", "../../examples/etl.yaml", "--server", "http://127.0.0.1:1")
}

func TestApproval(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	var out, errs output
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"run", "../../examples/approval.yaml", "--server", url, "--input", "change=rotate the certificates"}, os.Stdin, &out, &errs)
	}()
	id := errs.await(t, `approval  (\S+)`)
	errs.await(t, `RUNNING   wait_for_decision`)
	tasks, _ := command(t, show.OK, "execution", "tasks", id, "--server", url)
	m := regexp.MustCompile(`std.async_noop\s+RUNNING\s+(\S+)`).FindStringSubmatch(tasks)
	if m == nil {
		t.Fatalf("no open action:\n%s", tasks)
	}
	command(t, show.OK, "action", "complete", m[1], `{"approved": true, "by": "kim"}`, "--server", url)
	if c := <-code; c != show.OK {
		t.Fatalf("exit code %d: %s", c, &errs)
	}
	if got := out.String(); !strings.Contains(got, `"decided_by": "kim"`) {
		t.Errorf("output: %s", got)
	}
	list, _ := command(t, show.OK, "execution", "list", "--server", url)
	if !strings.Contains(list, id) || !strings.Contains(list, "SUCCESS") {
		t.Errorf("list: %s", list)
	}
	command(t, show.Usage, "action", "complete", "0", "--server", url)
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	_, errs := command(t, show.Unavailable, "server", "--data-dir", t.TempDir(), "--listen", strings.TrimPrefix(url, "http://"))
	if !strings.Contains(errs, "another process has the port") {
		t.Errorf("standard error: %s", errs)
	}
}
