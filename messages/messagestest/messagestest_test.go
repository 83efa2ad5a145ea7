package messagestest

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"cierzo/messages"
)

func outcome(action string, kind messages.OutcomeKind) *messages.ToExecution {
	return &messages.ToExecution{Message: &messages.ToExecution_ActionFinished{ActionFinished: &messages.ActionFinished{
		Attempt: &messages.Attempt{ActionId: action}, Kind: kind,
	}}}
}

func TestApart(t *testing.T) {
	t.Parallel()
	bundle := messages.BundleForExecution("x", []*messages.ToExecution{
		outcome("a", messages.OutcomeKind_OUTCOME_VALUE), outcome("b", messages.OutcomeKind_OUTCOME_ERROR),
	})
	bundle.Hops = 2
	before := proto.CloneOf(bundle)
	parts := Apart(bundle)
	if len(parts) != 2 {
		t.Fatalf("%d parts, want two", len(parts))
	}
	for i, action := range []string{"a", "b"} {
		m := parts[i].(*messages.ToExecution)
		if m.ExecutionId != "x" || m.Hops != 2 || m.GetActionFinished().GetAttempt().GetActionId() != action {
			t.Errorf("part %d is %v", i, m)
		}
	}
	if !proto.Equal(bundle, before) {
		t.Error("the bundle was changed")
	}
	hello := &messages.ToEngine{}
	if other := Apart(hello); len(other) != 1 || other[0] != proto.Message(hello) {
		t.Errorf("of another message: %v", other)
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]proto.Message{
		"ActionFinished error": outcome("a", messages.OutcomeKind_OUTCOME_ERROR),
		"RunnerBundle":         messages.BundleForRunner([]*messages.ToRunner{{}, {}}),
		"ToRunner":             &messages.ToRunner{},
		"Attempt":              &messages.Attempt{},
	} {
		if got := Kind(m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
