package workflow_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"cierzo/expr/goldentest"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// The golden cases are recorded answers of OpenStack Mistral: whole workflows with steps. Here they run in one process,
// without REST: what only REST shows isn't compared, and cases that need it are skipped.

var goldenOnly = flag.String("golden", "", "run only golden cases whose name matches this regular expression, and print what differs")

// caseFile is a case as golden.py reads it.
type caseFile struct {
	Name        string
	Area        string
	Definitions []struct{ Kind, Namespace, Op, Text string }
	Start       map[string]any
	Steps       []map[string]any
	NoFinalWait bool `yaml:"no_final_wait"`
	Timeout     float64

	Environments []struct {
		Name      string
		Variables map[string]any
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	known := readKnown(t)
	files := goldentest.Files(t, "dsl/*/*.yaml")
	var only *regexp.Regexp
	if *goldenOnly != "" {
		only = regexp.MustCompile(*goldenOnly)
	}
	ran, passed, skipped := 0, 0, map[string]int{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if only != nil && !only.MatchString(name) {
			continue
		}
		diffs, skip := goldenCase(t, file)
		if skip != "" {
			skipped[skip]++
			continue
		}
		ran++
		_, isKnown := known[name]
		switch {
		case len(diffs) == 0 && isKnown:
			t.Errorf("%s is listed in known_failures.txt and passes: take it out", name)
		case len(diffs) == 0:
			passed++
		case !isKnown:
			t.Errorf("%s/%s differs:\n  %s", filepath.Base(filepath.Dir(file)), name, strings.Join(diffs[:min(8, len(diffs))], "\n  "))
		}
	}
	t.Logf("%d of %d cases pass, %d known failures; skipped: %v", passed, ran, ran-passed, skipped)
}

// readKnown reads known_failures.txt: a case's name and the reason, separated by a tab or blanks.
func readKnown(t *testing.T) map[string]string {
	f, err := os.Open("testdata/known_failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, reason, _ := strings.Cut(strings.TrimSpace(s.Text()), " ")
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		if known[name] = strings.TrimSpace(reason); known[name] == "" {
			t.Errorf("known_failures.txt gives no reason for %s", name)
		}
	}
	return known
}

// goldenCase runs one case. It gives the differing paths, or why the case can't be run here.
func goldenCase(t *testing.T, file string) (diffs []string, skip string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c caseFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	goldenText, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(goldenText, &want); err != nil {
		t.Fatal(err)
	}
	if why := cannotRun(&c, string(text)); why != "" {
		return nil, why
	}
	got := newGoldenRun(t, &c, false).run()
	again := newGoldenRun(t, &c, true).run()
	if ds := differences(roundTrip(t, got), roundTrip(t, again), ""); len(ds) > 0 {
		t.Errorf("%s: loading it again before each event changes the outcome:\n  %s", c.Name, strings.Join(ds, "\n  "))
	}
	var ignore []string
	if paths, ok := want["unstable_paths"].([]any); ok {
		for _, p := range paths {
			ignore = append(ignore, strings.ReplaceAll(p.(string), "#len", ""))
		}
	}
	reduce(want)
	a, b := forgive(goldentest.Semantic(want), goldentest.Semantic(roundTrip(t, got)))
	for _, d := range differences(a, b, "") {
		ignored := false
		for _, i := range ignore {
			ignored = ignored || strings.HasPrefix(d, i)
		}
		if !ignored {
			diffs = append(diffs, d)
		}
	}
	return diffs, ""
}

func cannotRun(c *caseFile, text string) string {
	switch {
	case c.Area == "api":
		return "area api: REST only"
	case c.Start == nil:
		return "no execution"
	case strings.Contains(text, "std.http"), strings.Contains(text, "std.mistral_http"), strings.Contains(text, "std.javascript"):
		return "action of the world outside"
	}
	for _, s := range c.Steps {
		for op := range s {
			if op == "http" || op == "action" {
				return "step " + op + ": REST only"
			}
		}
	}
	return ""
}

// reduce drops what isn't compared here: uploads beyond their success, and fields that only REST has.
func reduce(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range []string{"definitions", "environments", "oracle", "stable", "race", "unstable_paths", "published_global", "state_info_text", "error", "error_class", "error_where"} {
			delete(v, k)
		}
		for _, x := range v {
			reduce(x)
		}
	case []any:
		for _, x := range v {
			reduce(x)
		}
	}
}

func roundTrip(t *testing.T, v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// goldenRun is the run of one case.
type goldenRun struct {
	w     *world
	c     *caseFile
	execs map[string]workflow.ExecutionID
	order []string
	joins map[string]bool
}

func newGoldenRun(t *testing.T, c *caseFile, reload bool) *goldenRun {
	w := newWorld(t)
	w.reload = reload
	return &goldenRun{w: w, execs: map[string]workflow.ExecutionID{}, c: c, joins: map[string]bool{}}
}

type object = map[string]any

func (g *goldenRun) run() object {
	out := object{"case": g.c.Name}
	for _, d := range g.c.Definitions {
		// A refused definition shows as a start that fails.
		_ = g.w.define(d.Kind, d.Namespace, d.Text, d.Op == "update")
		g.findJoins(d.Text)
	}
	out["start"] = g.start(g.c.Start, "root")
	lastWait := false
	if len(g.c.Steps) > 0 {
		var steps []any
		for _, s := range g.c.Steps {
			for op, arg := range s {
				m, isMap := arg.(map[string]any)
				lastWait = op == "wait" && !(isMap && m["exec"] != nil)
				r := g.op(op, arg)
				r["op"] = op
				steps = append(steps, r)
			}
		}
		out["steps"] = steps
	}
	for _, name := range g.order {
		id := g.execs[name]
		if !lastWait && !g.c.NoFinalWait {
			limit := 25.0
			if g.c.Timeout > 0 {
				limit = g.c.Timeout
			}
			if !g.w.until(seconds(limit), func() bool { s := g.state(id); return s.Final() || s == workflow.Paused }) {
				out["wait"] = object{name: "did not end"}
			}
		}
		g.settle(id)
		if name == "root" {
			out["execution"] = g.execution(id)
		} else {
			more, _ := out["executions"].(object)
			if more == nil {
				more = object{}
				out["executions"] = more
			}
			more[name] = g.execution(id)
		}
	}
	return out
}

var joinLine = regexp.MustCompile(`(?m)^\s+join:`)

// findJoins names the tasks with a join: of those triggered_by isn't compared.
func (g *goldenRun) findJoins(text string) {
	// golden.py stumbles over a version in front of the workflows and finds no joins then.
	if !joinLine.MatchString(text) || strings.HasPrefix(text, "version") && !strings.Contains(text, "\nworkflows:") {
		return
	}
	var doc map[string]any
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		return
	}
	if ws, ok := doc["workflows"].(map[string]any); ok {
		doc = ws
	}
	for _, w := range doc {
		wf, _ := w.(map[string]any)
		tasks, _ := wf["tasks"].(map[string]any)
		for name, body := range tasks {
			if b, ok := body.(map[string]any); ok && b["join"] != nil {
				g.joins[name] = true
			}
		}
	}
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

func (g *goldenRun) state(id workflow.ExecutionID) workflow.State { return g.w.execs[id].rec.State }

// answer is the REST status of a command's error.
func answer(err error) object {
	switch {
	case err == nil:
		return object{"status": 200}
	case fault.Is(err, fault.NotFound):
		return object{"status": 404}
	case fault.Is(err, fault.Conflict):
		return object{"status": 409}
	case fault.Is(err, fault.Internal):
		return object{"status": 500}
	}
	return object{"status": 400}
}

func dictOf(v any) *value.Dict {
	if s, ok := v.(string); ok {
		var m any
		if json.Unmarshal([]byte(s), &m) == nil {
			v = m
		}
	}
	x, err := value.FromGo(v)
	if err != nil {
		return nil
	}
	d, _ := x.(*value.Dict)
	return d
}

func (g *goldenRun) start(s map[string]any, as string) object {
	namespace, _ := s["namespace"].(string)
	name, _ := s["workflow"].(string)
	params := dictOf(s["params"])
	if params == nil {
		params = value.NewDict(0)
	}
	if v, ok := params.GetString("env"); ok {
		if _, list := v.(*value.List); list {
			return object{"status": 400} // the catalog's refusal
		}
		if env, ok := v.(value.String); ok {
			for _, e := range g.c.Environments {
				if e.Name == string(env) {
					params.SetString("env", dictOf(e.Variables))
				}
			}
		}
	}
	id, err := g.w.start(name, namespace, dictOf(s["input"]), params)
	if err != nil {
		return answer(err)
	}
	if d, ok := s["description"].(string); ok {
		_ = g.w.step(id, workflow.Command{Op: workflow.Describe{Description: d}})
	}
	g.execs[as] = id
	g.order = append(g.order, as)
	return object{"status": 201, "state": "RUNNING"}
}

// settle lets pass what golden.py waits for quiet.
func (g *goldenRun) settle(id workflow.ExecutionID) {
	end := g.w.now.Add(8 * time.Second)
	for {
		g.w.drain()
		before := g.fingerprint(id)
		quiet := seconds(2.6)
		if g.quiet(id) {
			quiet = seconds(0.35)
		}
		changed := g.w.until(min(quiet, end.Sub(g.w.now)), func() bool { return g.fingerprint(id) != before })
		if !changed || !g.w.now.Before(end) {
			return
		}
	}
}

func (g *goldenRun) quiet(id workflow.ExecutionID) bool {
	for _, t := range g.w.execs[id].tasks {
		if !t.State.Final() {
			return false
		}
		for _, a := range g.w.actionsOf(id, t.ID) {
			if child := workflow.ExecutionID(a.ID); g.w.execs[child] != nil && (!g.state(child).Final() || !g.quiet(child)) {
				return false
			}
		}
	}
	return g.state(id).Final()
}

func (g *goldenRun) fingerprint(id workflow.ExecutionID) string {
	var b strings.Builder
	r := g.w.execs[id]
	fmt.Fprint(&b, r.rec.State)
	for _, t := range r.tasks {
		fmt.Fprint(&b, t.ID, t.State, t.Processed, t.UpdatedAt)
		for _, a := range g.w.actionsOf(id, t.ID) {
			if child := workflow.ExecutionID(a.ID); g.w.execs[child] != nil {
				b.WriteString(g.fingerprint(child))
			}
		}
	}
	return b.String()
}

// findExec resolves "root", a name given at the start, or sub:task/task#n.
func (g *goldenRun) findExec(v any) (workflow.ExecutionID, bool) {
	ref, _ := v.(string)
	if ref == "" {
		ref = "root"
	}
	if id, ok := g.execs[ref]; ok {
		return id, true
	}
	base, rest, _ := strings.Cut(ref, ":")
	if base == "sub" {
		base = "root"
	}
	id, ok := g.execs[base]
	if !ok {
		return "", false
	}
	for part := range strings.SplitSeq(rest, "/") {
		name, n, _ := strings.Cut(part, "#")
		t := g.w.taskNamed(id, name, 0)
		if t == nil {
			return "", false
		}
		var children []workflow.ExecutionID
		for _, a := range g.w.actionsOf(id, t.ID) {
			if g.w.execs[workflow.ExecutionID(a.ID)] != nil {
				children = append(children, workflow.ExecutionID(a.ID))
			}
		}
		i, _ := strconv.Atoi(n)
		if i >= len(children) {
			return "", false
		}
		id = children[i]
	}
	return id, true
}

func (g *goldenRun) waitExec(v any) workflow.ExecutionID {
	var id workflow.ExecutionID
	ok := false
	g.w.until(seconds(15), func() bool { id, ok = g.findExec(v); return ok })
	if !ok {
		return "none"
	}
	return id
}

func (g *goldenRun) findTask(id workflow.ExecutionID, ref any) *workflow.TaskRecord {
	name, n, _ := strings.Cut(fmt.Sprint(ref), "#")
	i, _ := strconv.Atoi(n)
	return g.w.taskNamed(id, name, i)
}

func (g *goldenRun) waitAction(m object) *workflow.ActionRecord {
	var found *workflow.ActionRecord
	g.w.until(seconds(15), func() bool { found = g.findAction(m); return found != nil })
	return found
}

func (g *goldenRun) findAction(m object) *workflow.ActionRecord {
	id, ok := g.findExec(m["exec"])
	if !ok {
		return nil
	}
	t := g.findTask(id, m["task"])
	if t == nil {
		return nil
	}
	var list []*workflow.ActionRecord
	for _, a := range g.w.actionsOf(id, t.ID) {
		if where, _ := m["where"].(string); (where == "" || where == "open") && a.State.Final() {
			continue
		}
		if want, ok := m["input"]; ok {
			if d := dictOf(want); d == nil || !value.Equal(d, a.Input) {
				continue
			}
		}
		list = append(list, a)
	}
	sort.SliceStable(list, func(i, j int) bool {
		if !list[i].CreatedAt.Equal(list[j].CreatedAt) {
			return list[i].CreatedAt.Before(list[j].CreatedAt)
		}
		return jsonText(list[i].Input) < jsonText(list[j].Input)
	})
	i, _ := m["index"].(int)
	if i >= len(list) {
		return nil
	}
	return list[i]
}
