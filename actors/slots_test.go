package actors

import (
	"testing"

	"cierzo/workflow"
)

// TestFreedSlotIsUsedByTheSameTurn: of a runner with one slot each action of many takes one turn, which keeps the outcome of the one and
// gives the slot to the next.
func TestFreedSlotIsUsedByTheSameTurn(t *testing.T) {
	t.Parallel()
	const n = 20
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.define("version: '2.0'\nmany:\n  tasks:\n    all: {with-items: i in <% range(20) %>, action: work}\n")
		before := w.engines[0].Metrics().Commits
		w.start("many", idOf(1), workflow.Success)
		w.awaitState(idOf(1), workflow.Success)
		if turns := w.engines[0].Metrics().Commits - before; turns > n+1 {
			t.Errorf("%d committed turns for %d actions, want at most %d", turns, n, n+1)
		}
	})
}
