package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cierzo/internal/dbtest"
	"cierzo/internal/proctest"
	"cierzo/verify"
)

var example = flag.String("verify.example", "", "write the report of a long run with default leases to this path, .html and .json added")

func TestMain(m *testing.M) { proctest.Main(m) }

// node is a process that a script can kill and start again: that is the nemesis of an operator.
type node struct {
	folder, api string
}

// startNode writes a script that starts a node, and runs it. Its process id is in the file pid beside the script.
func startNode(ctx context.Context, t *testing.T, binary, env string, args ...string) node {
	t.Helper()
	n := node{folder: t.TempDir(), api: proctest.FreeAddress(t)}
	words := append([]string{binary, "server", "--listen", n.api, "--drain-timeout", "1s"}, args...)
	for i, w := range words {
		words[i] = "'" + w + "'"
	}
	script := fmt.Sprintf("%s %s >>%[3]s/log 2>&1 &\necho $! >%[3]s/pid\n", env, strings.Join(words, " "), n.folder)
	if err := os.WriteFile(n.script(), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.kill(t)
		if t.Failed() {
			log, err := os.ReadFile(filepath.Join(n.folder, "log"))
			lines := strings.Split(string(log), "\n")
			t.Logf("last lines of %s (%v):\n%s", n.api, err, strings.Join(lines[max(len(lines)-30, 0):], "\n"))
		}
	})
	if out, err := exec.CommandContext(ctx, "/bin/sh", n.script()).CombinedOutput(); err != nil {
		t.Fatalf("start a node: %v\n%s", err, out)
	}
	proctest.Healthy(ctx, t, n.api)
	return n
}

func (n node) script() string { return filepath.Join(n.folder, "start.sh") }

func (n node) kill(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(n.folder, "pid"))
	if err != nil {
		t.Error(err)
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid < 2 {
		t.Errorf("pid %q: %v", data, err)
		return
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // it may be dead already
}

// command runs the binary and gives its exit code and what it says.
func command(ctx context.Context, t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, proctest.Binary(t), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func readReport(t *testing.T, path string) *verify.Report {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rep verify.Report
	if err := json.Unmarshal(data, &rep); err != nil {
		t.Fatal(err)
	}
	return &rep
}

// TestClusterWithAKill verifies a cluster of three processes, one of which dies in the middle and comes back.
func TestClusterWithAKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	db, err := dbtest.StartPostgres(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	size, lease := []string{"--executions", "25", "--duration", "6s", "--seed", "7"}, []string{"--lease", "3s"}
	report := filepath.Join(t.TempDir(), "report")
	if *example != "" {
		size, lease, report = []string{"--executions", "200", "--duration", "1m", "--seed", "2026"}, nil, *example
	}
	var nodes []node
	var servers []string
	for range 3 {
		args := append([]string{"--store", db.DSN("postgres"), "--bind", proctest.FreeAddress(t)}, lease...)
		n := startNode(ctx, t, proctest.Binary(t), "", args...)
		nodes, servers = append(nodes, n), append(servers, "http://"+n.api)
	}
	t.Chdir(nodes[1].folder) // so that the command in the report is one to read
	args := append([]string{
		"verify", "--servers", strings.Join(servers, ","), "--html", report + ".html", "--json", report + ".json",
		"--nemesis", "kill -9 $(cat pid) && echo killed node 2", "--heal", "sleep 1; sh start.sh; echo started node 2 again",
	}, size...)
	code, out := command(ctx, t, args...)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	t.Log(out)
	rep := readReport(t, report+".json")
	switch {
	case !rep.Passed || len(rep.Faults) != 2 || rep.Faults[0].Exit != 0 || !strings.Contains(rep.Faults[0].Output, "killed node 2"):
		t.Errorf("passed: %t, faults %+v", rep.Passed, rep.Faults)
	case len(rep.Nodes) != 3 || rep.Counts.Acknowledged == 0 || rep.Counts.Actions == 0 || rep.Counts.Commands == 0:
		t.Errorf("nodes %v, counts %+v", rep.Nodes, rep.Counts)
	}
	for _, v := range rep.Checkers {
		if v.Checked == 0 {
			t.Errorf("%s has checked nothing", v.Checker)
		}
	}
	for _, kind := range []string{"executions", "workflows"} {
		if list := get(ctx, t, servers[0]+"/v2/"+kind+"?limit=1"); !strings.Contains(list, `"`+kind+`":[]`) {
			t.Errorf("it has left %s behind: %s", kind, list)
		}
	}
}

// TestFindsPlantedBugs verifies servers that are wrong on purpose.
func TestFindsPlantedBugs(t *testing.T) {
	binary := proctest.Tagged(t, "planted")
	for bug, checker := range map[string]string{"on-complete forgotten on errors": "graph", "request ids forgotten": "double"} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			n := startNode(ctx, t, binary, "CIERZO_PLANTED='"+bug+"'", "--store", "sqlite://"+filepath.Join(t.TempDir(), "a.db"))
			report := filepath.Join(t.TempDir(), "report.json")
			code, out := command(ctx, t, "verify", "--server", "http://"+n.api, "--json", report,
				"--executions", "25", "--duration", "4s", "--seed", "7", "--settle", "5s")
			if code != 1 {
				t.Fatalf("exit code %d:\n%s", code, out)
			}
			rep := readReport(t, report)
			for _, v := range rep.Checkers {
				if v.Checker == checker && len(v.Violations) == 0 {
					t.Errorf("%s has found nothing:\n%s", checker, out)
				}
			}
			// What was found stays, for whoever wants to look at it.
			if code, out := command(ctx, t, "verify", "--server", "http://"+n.api, "--remove", rep.Run); code != 0 || strings.Contains(out, "removed 0") {
				t.Errorf("remove: exit code %d: %s", code, out)
			}
		})
	}
}

// get reads a page of the API.
func get(ctx context.Context, t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), " ", "")
}
