package actors

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/messages"
	"cierzo/workflow"
)

// carried counts messages between the engine and the runner, bundles as one, among those that were given from the number on: all to
// the runner, those of them that carry attempts, and all to executions that say more than progress.
func (w *wire) carried(from int) (toRunner, attempts, toExecution int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.given[from:] {
		switch m := g.m.(type) {
		case *messages.ToRunner:
			if m.GetView() == nil {
				toRunner++
			}
			if slices.ContainsFunc(m.Parts(), func(m *messages.ToRunner) bool { return m.GetRun() != nil }) {
				attempts++
			}
		case *messages.ToExecution:
			// What an action says of its progress goes with its outcome, or before it: that hangs on how far the action is.
			if m.GetStart() == nil && slices.ContainsFunc(m.Parts(), func(m *messages.ToExecution) bool { return m.GetActionProgress() == nil }) {
				toExecution++
			}
		}
	}
	return toRunner, attempts, toExecution
}

// TestMessagesOfAnAction counts what goes over the network: of a sequence two messages for each action, for the word that an outcome is
// kept goes with the next action; of actions that begin side by side one for all.
func TestMessagesOfAnAction(t *testing.T) {
	t.Parallel()
	const n = 30
	var chain strings.Builder
	for i := range n {
		fmt.Fprintf(&chain, "    t%d: {action: work", i)
		if i < n-1 {
			fmt.Fprintf(&chain, ", on-success: t%d", i+1)
		}
		chain.WriteString("}\n")
	}
	for _, c := range []struct {
		name, tasks                     string
		toRunner, attempts, toExecution int // at most
	}{
		{"sequence", chain.String(), n + 1, n, n},
		// How many outcomes come together hangs on how many are there when the first is sent.
		{"with-items", fmt.Sprintf("    all: {with-items: i in <%% range(%d) %%>, action: work}\n", n), n + 1, 1, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.cluster(1, 1, n)
				w.define("version: '2.0'\nmany:\n  tasks:\n" + c.tasks)
				w.wire.mu.Lock()
				before := len(w.wire.given)
				w.wire.mu.Unlock()
				w.start("many", idOf(1), workflow.Success)
				w.awaitState(idOf(1), workflow.Success)
				w.pass(100 * time.Millisecond)
				toRunner, attempts, toExecution := w.wire.carried(before)
				if toRunner > c.toRunner || attempts > c.attempts || toExecution > c.toExecution {
					t.Errorf("%d messages to the runner, %d of them with attempts, and %d to the execution; want at most %d, %d and %d",
						toRunner, attempts, toExecution, c.toRunner, c.attempts, c.toExecution)
				}
			})
		})
	}
}

// TestBundleInABundleIsNotUnderstood: whoever nests them could nest them without end.
func TestBundleInABundleIsNotUnderstood(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("minute", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		e := w.engines[0]
		outcome := &messages.ToExecution{Message: &messages.ToExecution_ActionFinished{ActionFinished: &messages.ActionFinished{
			Attempt:  &messages.Attempt{ActionId: "99999999-0000-4000-8000-000000000000", Attempt: 1},
			RunnerId: w.runners[0].ID(), Kind: messages.OutcomeKind_OUTCOME_VALUE, Value: []byte("1"),
		}}}
		bundle := func(parts ...*messages.ToExecution) *messages.ToExecution {
			return &messages.ToExecution{Message: &messages.ToExecution_Bundle{Bundle: &messages.ExecutionBundle{Messages: parts}}}
		}
		w.wire.whole = true
		say := func(m *messages.ToExecution) (acks int, dropped uint64) {
			acks, dropped = w.wire.count("FinishedAck"), e.Metrics().Dropped
			m.ExecutionId = string(idOf(1))
			w.wire.send("somewhere", e.address, RouterName, m)
			w.pass(100 * time.Millisecond)
			return w.wire.count("FinishedAck") - acks, e.Metrics().Dropped - dropped
		}
		if acks, dropped := say(bundle(bundle(outcome), bundle())); acks != 0 || dropped != 2 {
			t.Errorf("of bundles in a bundle: %d answers, %d messages dropped", acks, dropped)
		}
		if acks, dropped := say(bundle(outcome)); acks != 1 || dropped != 0 {
			t.Errorf("of a bundle: %d answers, %d messages dropped", acks, dropped)
		}
	})
}
