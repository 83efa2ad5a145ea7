package actors

import (
	"fmt"
	"slices"
	"testing"

	"cierzo/persistence"
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

// TestTurnTakesAllSlotsThatThereAre: actions that can begin are written once, with their runner, also when there are more of them than
// compete for slots at a time; and no others are.
func TestTurnTakesAllSlotsThatThereAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ items, slots int }{
		{wantsMax - 1, 10 * wantsMax}, {wantsMax, 10 * wantsMax}, {2*wantsMax + 7, 10 * wantsMax}, {3 * wantsMax, 2 * wantsMax}, {3 * wantsMax, wantsMax + 1},
	} {
		t.Run(fmt.Sprintf("%d items, %d slots", c.items, c.slots), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.cluster(1, 1, c.slots)
				w.define(fmt.Sprintf("version: '2.0'\nmany:\n  tasks:\n    all: {with-items: i in <%% range(%d) %%>, action: work}\n", c.items))
				dispatched := -1 // by the first turn
				w.engines[0].disk.committed = func(turns []persistence.Turn) {
					if dispatched >= 0 {
						return
					}
					dispatched = 0
					for _, a := range turns[0].Writes.Actions {
						if a.Phase == workflow.PhaseDispatched {
							dispatched++
						}
					}
				}
				w.start("many", idOf(1), workflow.Success)
				w.awaitState(idOf(1), workflow.Success)
				if want := min(c.items, c.slots); dispatched != want {
					t.Errorf("the first turn dispatches %d actions, want %d", dispatched, want)
				}
			})
		})
	}
}

// TestItemsRunInTheirOrder: those that wait for a slot get it in the order of the list.
func TestItemsRunInTheirOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.define("version: '2.0'\nmany:\n  tasks:\n    all: {with-items: i in <% range(20) %>, action: work seconds=1}\n")
		w.start("many", idOf(1), workflow.Success)
		w.awaitState(idOf(1), workflow.Success)
		actions := w.actionsOf(idOf(1))
		slices.SortFunc(actions, func(a, b *workflow.ActionRecord) int { return a.FinishedAt.Compare(b.FinishedAt) })
		for i, a := range actions {
			if a.Index != i {
				t.Errorf("item %d has run as number %d", a.Index, i)
			}
		}
	})
}
