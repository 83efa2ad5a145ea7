package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"cierzo/expr/jinja"
	"cierzo/expr/scope"
	"cierzo/expr/value"
	"cierzo/expr/yaql"
)

var expressions = flag.Bool("bench.expressions", false, "compare the speed of expressions with that of the reference in Python")

// measured is an expression with what the reference, in the versions of Mistral master, was recorded to do in a second on
// another machine: parsed once and evaluated again and again.
type measured struct {
	text     string
	recorded float64
}

var yaqlMeasured = []measured{
	{"$.vm.meta.owner", 2450},
	{"$.count + 1 > 2 and $.name = deploy", 1680},
	{"'VM ' + $.vm.id + ' of ' + $.vm.meta.owner", 1170},
	{"$.servers.where($.ram > 2000 and $.up).select({n => $.name, r => $.ram})", 113},
	{"$.servers.groupBy($.az, $.ram, $.sum()).toDict($[0], $[1])", 123},
}

var jinjaMeasured = []measured{
	{"_.vm.meta.owner", 19200},
	{"_.count + 1 > 2 and _.name == 'deploy'", 18300},
	{"'VM ' ~ _.vm.id ~ ' of ' ~ _.vm.meta.owner", 20400},
	{"_.servers|selectattr('up')|selectattr('ram','gt',2000)|map(attribute='name')|list", 11800},
	{"_.servers|groupby('az')|map('last')|map('map',attribute='ram')|map('sum')|list", 8900},
}

// How many times the recorded figures must be reached.
const (
	yaqlTimes  = 50
	jinjaTimes = 20
)

// expressionData is what $ and _ hold: 20 servers, and some texts.
func expressionData() string {
	var servers []string
	for i := range 20 {
		servers = append(servers, fmt.Sprintf(`{"name": "web-%d", "ram": %d, "up": %t, "az": "az%d"}`, i, 512*(1+i%8), i%3 != 0, i%4))
	}
	return `{"name": "deploy", "count": 3, "vm": {"id": "i-1", "meta": {"owner": "alice"}}, "servers": [` + strings.Join(servers, ", ") + `]}`
}

func frozenData(tb testing.TB) value.Mapping {
	tb.Helper()
	v, err := value.ParseJSON([]byte(expressionData()))
	if err != nil {
		tb.Fatal(err)
	}
	return v.(*value.Dict).Freeze()
}

func yaqlRun(tb testing.TB, text string) func() {
	data := frozenData(tb)
	e, err := yaql.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		if _, err := e.Eval(&scope.Env{Context: data}); err != nil {
			tb.Fatal(err)
		}
	}
}

func jinjaRun(tb testing.TB, text string) func() {
	data := frozenData(tb)
	t, err := jinja.Compile("{{ " + text + " }}")
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		if _, err := t.Render(&scope.Env{Context: data}); err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkYAQL(b *testing.B) { benchmarkAll(b, yaqlMeasured, yaqlRun) }

func BenchmarkJinja(b *testing.B) { benchmarkAll(b, jinjaMeasured, jinjaRun) }

func benchmarkAll(b *testing.B, list []measured, run func(testing.TB, string) func()) {
	for _, m := range list {
		b.Run(m.text[:min(len(m.text), 40)], func(b *testing.B) {
			once := run(b, m.text)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/m.recorded, "times-the-reference")
		})
	}
}

// TestExpressions prints the table of docs/expressions-performance.md: operations per second, the ratio to the recorded
// figures, and the ratio to Python on this machine where python3 has yaql and jinja2.
func TestExpressions(t *testing.T) {
	if !*expressions {
		t.Skip("a measurement: -bench.expressions")
	}
	here := reference(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // idle cores would help the garbage collector, and be counted
	for _, lang := range []struct {
		name  string
		list  []measured
		run   func(testing.TB, string) func()
		times float64
	}{{"yaql", yaqlMeasured, yaqlRun, yaqlTimes}, {"jinja", jinjaMeasured, jinjaRun, jinjaTimes}} {
		fmt.Printf("| %s | cierzo, per second | ns | recorded | times | Python here | times here |\n| --- | --- | --- | --- | --- | --- | --- |\n", lang.name)
		for _, m := range lang.list {
			rate := perSecond(lang.run(t, m.text))
			python, ratio := "-", "-"
			if p, ok := here[lang.name][m.text]; ok {
				python, ratio = fmt.Sprintf("%.0f", p["eval"]), fmt.Sprintf("%.0f", rate/p["eval"])
			}
			fmt.Printf("| `%s` | %.0f | %.0f | %.0f | %.0f | %s | %s |\n", strings.ReplaceAll(m.text, "|", `\|`), rate, 1e9/rate, m.recorded, rate/m.recorded, python, ratio)
			if rate < lang.times*m.recorded {
				t.Logf("%s: %.0f times the recorded figure, %.0f are wanted: is the machine busy?", m.text, rate/m.recorded, lang.times)
			}
		}
		fmt.Println()
	}
}

// perSecond is the best of some runs of CPU time, that of the garbage collector included.
func perSecond(once func()) float64 {
	n := 1
	for ; cpuOf(n, once) < 50*time.Millisecond; n *= 2 {
	}
	best := time.Duration(1<<63 - 1)
	for range 7 {
		best = min(best, cpuOf(n, once))
	}
	return float64(n) / best.Seconds()
}

func cpuOf(n int, once func()) time.Duration {
	began := cpuTime()
	for range n {
		once()
	}
	return cpuTime() - began
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reference asks the first python3 that has one of the libraries, the system's first; nothing where none has.
func reference(t *testing.T) map[string]map[string]map[string]float64 {
	t.Helper()
	asked := map[string]any{"data": json.RawMessage(expressionData())}
	for name, list := range map[string][]measured{"yaql": yaqlMeasured, "jinja": jinjaMeasured} {
		var texts []string
		for _, m := range list {
			texts = append(texts, m.text)
		}
		asked[name] = texts
	}
	input, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		out := map[string]map[string]map[string]float64{}
		cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "reference.py"))
		cmd.Stdin = bytes.NewReader(input)
		text, err := cmd.Output()
		if err == nil && json.Unmarshal(text, &out) == nil && len(out) > 0 {
			return out
		}
	}
	t.Log("no python3 with yaql and jinja2 (Debian: python3-yaql python3-jinja2): compared with recorded figures only")
	return nil
}
