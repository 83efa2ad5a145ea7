package runner

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"cierzo/messages"
)

func TestLogOfAnActionSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(attemptLog{slog.NewTextHandler(&out, nil), &messages.Attempt{ExecutionId: "x", ActionId: "a", Attempt: 3}})
	log.Info("plain", "k", 1)
	log.With("k", 2).Info("with")
	log.WithGroup("g").Info("group", "k", 3)
	log.Debug("not at this level")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"level=INFO msg=plain execution_id=x action_id=a attempt=3 k=1",
		"level=INFO msg=with execution_id=x action_id=a attempt=3 k=2",
		"level=INFO msg=group execution_id=x action_id=a attempt=3 g.k=3",
	}
	if len(lines) != len(want) {
		t.Fatalf("logged %q", lines)
	}
	for i, line := range lines {
		if _, after, _ := strings.Cut(line, " "); after != want[i] {
			t.Errorf("logged %q, want %q", after, want[i])
		}
	}
}
