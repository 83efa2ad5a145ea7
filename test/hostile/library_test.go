package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/workflow"
)

// The bounds of one case, in a process of its own: what it may hold at its peak, the runtime and the test itself included,
// and the CPU time after which it counts as one that doesn't end. The data limit keeps a case that is wrong from taking the
// machine along.
const (
	residentMax   = 768 << 20
	dataMax       = 4 << 30
	cpuSecondsMax = 30
	caseEnv       = "HOSTILE_CASE"
)

// outcome is what a case's process writes.
type outcome struct{ Error string }

// TestMain runs a case in a process that was started for it.
func TestMain(m *testing.M) {
	name := os.Getenv(caseEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	for resource, most := range map[int]uint64{syscall.RLIMIT_DATA: dataMax, syscall.RLIMIT_CPU: cpuSecondsMax} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			panic(err)
		}
	}
	for _, a := range attacks() {
		if a.name == name {
			var o outcome
			if err := a.run(); err != nil {
				o.Error = err.Error()
				if n := len(o.Error); n > 2000 { // it quotes the expression
					o.Error = o.Error[:1000] + " … " + o.Error[n-1000:]
				}
			}
			_ = json.NewEncoder(os.Stdout).Encode(o)
			os.Exit(0)
		}
	}
	panic("no case " + name)
}

// run does what the engine does with such a text, with its default limits and without a clock.
func (a *attack) run() error {
	text := a.text()
	env := &expr.Env{Context: value.NewDict(0).Freeze(), Now: time.Unix(1e9, 0).UTC(), Entropy: func() uint64 { return 4 }}
	switch a.lang {
	case "yaql", "jinja":
		if a.lang == "yaql" {
			text = "<% " + text + " %>"
		}
		t, err := expr.Parse(text)
		if err != nil {
			return err
		}
		_, err = t.Eval(env)
		return err
	case "json":
		_, err := value.ParseJSON([]byte(text))
		return err
	case "workflows":
		ws, diags := dsl.ParseWorkflows("hostile.yaml", []byte(text))
		_ = diags.Render()
		if err := diags.Err(); err != nil {
			return err
		}
		for _, w := range ws {
			if _, err := workflow.Compile(w, w.Name, ""); err != nil {
				return err
			}
		}
		return nil
	}
	panic(a.lang)
}

func (a *attack) expects(got string) bool {
	for _, want := range a.want {
		for part := range strings.SplitSeq(want, "|") {
			if part == "" && got == "" || part != "" && strings.Contains(got, part) {
				return true
			}
		}
	}
	return false
}

// TestLibrary runs each case in a process of its own.
func TestLibrary(t *testing.T) {
	t.Parallel()
	if race {
		t.Skip("with the race detector memory and time are other ones; make test runs this without")
	}
	if runtime.GOOS != "linux" {
		t.Skip("the peak of a process is in KiB on Linux only")
	}
	for _, a := range attacks() {
		t.Run(a.name[:min(len(a.name), 60)], func(t *testing.T) {
			t.Parallel()
			got, peak, cpu := a.measure(t)
			if !a.expects(got) {
				t.Errorf("%q, want one of %q", got[max(0, len(got)-300):], a.want)
			}
			if peak > residentMax {
				t.Errorf("%d MiB at the peak, more than %d", peak>>20, residentMax>>20)
			}
			t.Logf("peak %d MiB, CPU %s: %.150s", peak>>20, cpu.Round(time.Millisecond), got)
		})
	}
}

// measure gives the error, the peak of resident memory in bytes, and the CPU time.
func (a *attack) measure(t *testing.T) (got string, peak int64, cpu time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), caseEnv+"="+a.name)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%.2000s", err, stderr.String())
	}
	var o outcome
	if err := json.Unmarshal(stdout.Bytes(), &o); err != nil {
		t.Fatal(fmt.Errorf("%w in %q", err, stdout.String()))
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return o.Error, usage.Maxrss << 10, cmd.ProcessState.UserTime()
}
