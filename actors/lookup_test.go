package actors

import (
	"fmt"
	"testing"
	"time"

	"cierzo/persistence"
	"cierzo/workflow"
)

// TestTurnsGoByTheNewestDefinitions: engines remember what they have looked up, and each turn asserts that it still holds. Others
// change definitions behind their backs.
func TestTurnsGoByTheNewestDefinitions(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 10)
		w.define(`
version: '2.0'
outer:
  output: {of: <% task(a).result.of %>, by: <% task(b).result %>}
  tasks:
    a: {workflow: inner}
    b: {action: mine}
`)
		for n := range 10 {
			w.define(fmt.Sprintf("version: '2.0'\ninner:\n  output: {of: %d}\n  tasks:\n    a: {action: std.noop}\n", n))
			w.define(fmt.Sprintf("version: '2.0'\nmine:\n  base: std.echo\n  base-input: {output: %d}\n", n))
			for _, twice := range []int{0, 1} { // the second time it is remembered
				id := idOf(2*n + twice)
				w.start("outer", id, workflow.Success)
				w.awaitState(id, workflow.Success)
				_, data, err := w.store.GetExecution(t.Context(), "", id)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := jsonOf(data.Output), fmt.Sprintf(`{"of": %d, "by": %d}`, n, n); got != want {
					t.Errorf("after revision %d: %s, want %s", n, got, want)
				}
			}
		}
	})
}

// TestWhatWasMissingIsFound: it is remembered, too, that there is no such definition.
func TestWhatWasMissingIsFound(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 10)
		w.define("version: '2.0'\nouter:\n  tasks:\n    a: {action: mine}\n")
		for n := range 2 {
			w.start("outer", idOf(n), workflow.Error)
			w.awaitState(idOf(n), workflow.Error)
		}
		w.define("version: '2.0'\nmine: {base: std.noop}\n")
		w.start("outer", idOf(2), workflow.Success)
		w.awaitState(idOf(2), workflow.Success)
	})
}

// TestDefinitionsThatChangeAllTheTimeStopNobody: a turn whose lookups don't hold is done over with answers of the store.
func TestDefinitionsThatChangeAllTheTimeStopNobody(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 10)
		w.define("version: '2.0'\nmine: {base: work}\nother: {base: std.noop}\n")
		w.define("version: '2.0'\nouter:\n  tasks:\n    a: {action: mine, on-success: b}\n    b: {action: mine, on-success: c}\n    c: {action: mine}\n")
		changes := 0
		w.engines[0].disk.before = func(turns []persistence.Turn) error {
			for _, turn := range turns {
				if turn.Definitions != 0 {
					changes++
					w.define(fmt.Sprintf("version: '2.0'\nother: {base: std.noop, description: '%d'}\n", changes))
				}
			}
			return nil
		}
		w.start("outer", idOf(1), workflow.Success)
		w.pass(10 * time.Second)
		w.awaitState(idOf(1), workflow.Success)
		if changes == 0 {
			t.Error("no turn has asserted anything")
		}
		if n := w.engines[0].Metrics().Loads; n == 0 {
			t.Error("no turn was done over")
		}
	})
}
