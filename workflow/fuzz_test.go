package workflow_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/dsl/yaml"
	"cierzo/expr/goldentest"
	"cierzo/expr/value"
	"cierzo/fault"
)

// What one text of a fuzz test may do.
const (
	fuzzSteps    = 60 // events; a workflow may well be a loop
	fuzzTasksMax = 8000
	fuzzTimeMax  = 30 * time.Second // of milliseconds; more is a loop that nobody counts
)

// FuzzWorkflow runs what the language accepts: it compiles, and each of its workflows runs for some events, twice with the
// same history, the second time loaded from its rows before each event. Invariants panic in tests.
func FuzzWorkflow(f *testing.F) {
	for _, text := range fuzzSeeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			t.Skip()
		}
		begin := time.Now()
		doc, diags := dsl.Parse("fuzz.yaml", []byte(text))
		if diags.Err() != nil {
			t.Skip()
		}
		plain, again := fuzzRun(t, doc, text, false), fuzzRun(t, doc, text, true)
		if plain != again {
			t.Errorf("loading again before each event changes what happens: %s", firstDifference(plain, again))
		}
		if took := time.Since(begin); took > fuzzTimeMax {
			t.Errorf("took %s", took)
		}
	})
}

// fuzzRun starts every workflow of a document and gives what happens.
func fuzzRun(t *testing.T, doc *dsl.Document, text string, reload bool) string {
	t.Helper()
	w := newWorld(t)
	w.reload = reload
	kind := "workflow"
	switch {
	case doc.Workbook != nil:
		kind = "workbook"
	case doc.Actions != nil:
		kind = "action"
	}
	if err := w.define(kind, "", text, true); err != nil {
		t.Fatalf("it parses, and then: %v", err)
	}
	var history strings.Builder
	for _, key := range slices.Sorted(maps.Keys(w.defs)) {
		d := w.defs[key]
		if d.workflow == nil {
			continue
		}
		if _, err := w.start(d.name, "", value.NewDict(0).Freeze(), value.NewDict(0).Freeze()); err != nil {
			if fault.Is(err, fault.Internal) {
				t.Fatalf("start %s: %v", key, err)
			}
			continue
		}
		w.fewSteps()
	}
	for _, id := range w.order {
		for _, h := range w.execs[id].history {
			fmt.Fprintln(&history, id, h.Kind, h.Task, h.State, h.Info)
		}
	}
	return history.String()
}

// tasks counts the tasks of all executions.
func (w *world) tasks() int {
	n := 0
	for _, x := range w.execs {
		n += len(x.tasks)
	}
	return n
}

// fewSteps lets the world go on for a bounded number of events, and of tasks: a turn of a loop makes 2,000, and an input has ten seconds.
func (w *world) fewSteps() {
	for range fuzzSteps {
		if w.tasks() > fuzzTasksMax {
			return
		}
		if i := w.due(w.now); i >= 0 {
			d := w.queue[i]
			w.queue = append(w.queue[:i:i], w.queue[i+1:]...)
			if err := w.step(d.to, d.event); err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)) {
				w.t.Fatalf("step %T of %s: %v", d.event, d.to, err)
			}
			continue
		}
		at := w.next()
		if at.IsZero() {
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		w.tick()
	}
}

// fuzzSeeds are the workflows of this package's scripts, of the examples, and recorded ones where there are any.
func fuzzSeeds(f *testing.F) []string {
	f.Helper()
	var out []string
	scripts, _ := filepath.Glob("testdata/*.txt")
	for _, name := range scripts {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(data), "\nworkflow\n") {
			if text, _, found := strings.Cut(part, "\n----"); found && strings.HasPrefix(text, "version") {
				out = append(out, text+"\n")
			}
		}
	}
	if len(out) == 0 {
		f.Fatal("no workflows in testdata")
	}
	examples, _ := filepath.Glob(filepath.Join("..", "examples", "*.yaml"))
	for _, name := range examples {
		if data, err := os.ReadFile(name); err == nil {
			out = append(out, string(data))
		}
	}
	for _, name := range goldentest.Glob(f, "dsl/*/*.yaml") { // none: then those above
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if n, err := yaml.Parse(data); err == nil && n.Field("definitions") != nil {
			for _, d := range n.Field("definitions").Items {
				if text := d.Field("text"); text != nil {
					out = append(out, value.Str(text.Value))
				}
			}
		}
	}
	return out
}
