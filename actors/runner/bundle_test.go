package runner

import (
	"testing"
	"time"

	"cierzo/messages"
)

// TestWhatIsSaidTogetherGoesTogether: a bundle of orders begins all of them in its order, and what a tick says to an execution is one
// message; what is for another execution goes by itself.
func TestWhatIsSaidTogetherGoesTogether(t *testing.T) {
	t.Parallel()
	onBench(t, 4, func(b *bench) {
		other := order("d", 1, 1)
		other.GetRun().Attempt.ExecutionId = "y"
		b.say(messages.BundleForRunner([]*messages.ToRunner{order("a", 1, 1), order("b", 1, 1), cancelOf("c", 1), order("c", 1, 1)}))
		b.say(other)
		b.expect("one is cancelled before it comes, the others begin", "ActionFinished cancelled, ActionFinished cancelled, ActionStarted, ActionStarted, ActionStarted")
		b.pass(2 * time.Second)
		b.heard()
		b.say(&messages.ToRunner{Message: &messages.ToRunner_View{View: &messages.EngineView{ // now all of it is to be said again
			Address: engineAt, Engines: []*messages.EngineNode{{Id: "e2", Address: "engine:2"}, {Id: "e1", Address: engineAt}},
		}}})
		b.heard()
		before := b.toExecutions()
		b.silence(1100 * time.Millisecond)
		said := b.heard()
		if sends := b.toExecutions() - before; len(said) != 4 || sends != 2 {
			t.Fatalf("%d outcomes were said in %d messages, want four in two", len(said), sends)
		}
		for i, action := range []string{"a", "b", "c", "d"} {
			f := said[i].m.(*messages.ToExecution)
			if got := f.GetActionFinished().GetAttempt().GetActionId(); got != action || f.ExecutionId != map[bool]string{true: "y", false: "x"}[action == "d"] {
				t.Errorf("outcome %d is that of %s, for execution %s", i, got, f.ExecutionId)
			}
		}
		for _, action := range []string{"a", "b", "c", "d"} {
			b.say(ack(action, 1))
		}
	})
}
