package mistralclient

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// runnersMax is how many commands run at the same time.
const runnersMax = 3

// runner runs the client's command again and again: Python is loaded once, each command is a fork of it.
type runner struct {
	in  io.Writer
	out *bufio.Reader
}

// request is one command.
type request struct {
	Args []string          `json:"args"`
	Env  map[string]string `json:"env"`
	Out  string            `json:"out"` // files that get the output
	Err  string            `json:"err"`
}

func newRunner(t *testing.T, home string) *runner {
	t.Helper()
	cmd := exec.Command(interpreter(t), "testdata/runner.py")
	cmd.Env = append(os.Environ(), "HOME="+home, "PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8")
	var errs strings.Builder
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the client's process ended: %v\n%s", err, errs.String())
		}
	})
	return &runner{in, bufio.NewReader(out)}
}

// interpreter is the Python that the command says in its first line: others don't have the client's modules.
func interpreter(t *testing.T) string {
	t.Helper()
	command, err := exec.LookPath("mistral")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(command)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	path, ok := strings.CutPrefix(first, "#!")
	if !ok || !strings.Contains(path, "python") {
		t.Fatalf("%s is no Python script: %s", command, first)
	}
	return strings.Fields(path)[0]
}

// run gives the command's exit code.
func (r *runner) run(q request) (int, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(r.in, "%s\n", line); err != nil {
		return 0, err
	}
	reply, err := r.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the client's process is gone: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(reply))
}
