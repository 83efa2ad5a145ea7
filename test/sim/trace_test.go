package sim

import (
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// trace is what happened, in its order: a hash always, the text when somebody wants to read it.
type trace struct {
	mu   sync.Mutex
	text *strings.Builder // nil: only the hash
	sum  uint64
	zero time.Time
}

func newTrace(text bool) *trace {
	t := &trace{zero: time.Now()}
	if text {
		t.text = &strings.Builder{}
	}
	return t
}

func (t *trace) line(format string, args ...any) {
	h := fnv.New64a()
	at := time.Since(t.zero)
	fmt.Fprintf(h, format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum = scramble(t.sum ^ h.Sum64() ^ uint64(at))
	if t.text != nil {
		fmt.Fprintf(t.text, "%12.6f ", at.Seconds())
		fmt.Fprintf(t.text, format, args...)
		t.text.WriteByte('\n')
	}
}

// note is a line for readers only.
func (t *trace) note(format string, args ...any) {
	if t.text == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.text, "%12.6f   ", time.Since(t.zero).Seconds())
	line := fmt.Sprintf(format, args...)
	t.text.WriteString(line[:min(len(line), 400)] + "\n")
}

// logger writes a process's log into the trace's text.
func (t *trace) logger(p *process) *slog.Logger {
	if t.text == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})).With("process", fmt.Sprintf("%s.%d", p.address, p.no))
}

type logWriter struct{ t *trace }

var _ io.Writer = logWriter{}

func (l logWriter) Write(p []byte) (int, error) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	fmt.Fprintf(l.t.text, "%12.6f   log %s", time.Since(l.t.zero).Seconds(), p)
	return len(p), nil
}
