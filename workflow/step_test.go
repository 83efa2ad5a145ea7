package workflow_test

import (
	"fmt"
	"strings"
	"testing"

	"cierzo/workflow"
)

// TestTurnsThatAreFull: a turn that has started as many tasks as it may still sees that nothing is left to do.
func TestTurnsThatAreFull(t *testing.T) {
	for n, turns := range map[int]int{
		workflow.TurnTasksMax - 1: 1, workflow.TurnTasksMax: 1, workflow.TurnTasksMax + 1: 2, 2 * workflow.TurnTasksMax: 2,
	} {
		var b strings.Builder
		b.WriteString("version: '2.0'\nw:\n  tasks:\n")
		for i := range n {
			fmt.Fprintf(&b, "    t%d: {action: std.noop}\n", i)
		}
		if got := price(t, b.String()).turns; got != turns {
			t.Errorf("%d tasks took %d turns, want %d", n, got, turns)
		}
	}
}
