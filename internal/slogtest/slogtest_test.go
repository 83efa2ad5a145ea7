package slogtest_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/internal/slogtest"
)

func TestRecordsWhatWasLogged(t *testing.T) {
	t.Parallel()
	logger, log := slogtest.New(t)
	logger.With("node", "a").WithGroup("turn").Info("committed", "rows", 3, slog.Group("time", "ms", 4))
	logger.Error("refused", "epoch", int64(7))

	want := []slogtest.Record{
		{Level: slog.LevelInfo, Message: "committed", Attrs: map[string]any{"node": "a", "turn.rows": int64(3), "turn.time.ms": int64(4)}},
		{Level: slog.LevelError, Message: "refused", Attrs: map[string]any{"epoch": int64(7)}},
	}
	if diff := cmp.Diff(want, log.Records()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"refused"}, log.Messages(slog.LevelWarn)); diff != "" {
		t.Errorf("messages from warn on (-want +got):\n%s", diff)
	}
}

func TestLineAfterTheTestIsKeptQuietly(t *testing.T) {
	t.Parallel()
	var logger *slog.Logger
	var log *slogtest.Log
	t.Run("short-lived", func(t *testing.T) { logger, log = slogtest.New(t) })
	logger.Warn("late", "error", errors.New("x")) // testing would panic if this reached the test's log
	if got := log.Messages(slog.LevelDebug); len(got) != 1 || got[0] != "late" {
		t.Errorf("messages = %q, want the late one", got)
	}
}
