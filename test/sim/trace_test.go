package sim

import (
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"cierzo/verify/check"
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

// histories are the rows and events of all executions.
func histories(c *check.Case) string {
	var b strings.Builder
	for _, x := range c.Executions {
		fmt.Fprintf(&b, "execution %s (%s, parent %s) is %s (%s)\n", x.ID, x.WorkflowName, x.ParentID, x.State, x.StateInfo)
		for _, t := range x.Tasks {
			fmt.Fprintf(&b, "  task %s %s is %s (%s) by %v %+v processed %t next %v\n", t.ID, t.Name, t.State, t.StateInfo, t.TriggeredBy, t.Runtime, t.Processed, t.Next)
		}
		for _, a := range x.Actions {
			fmt.Fprintf(&b, "  action %s of %s is %s in phase %d, accepted %t, index %d, attempt %d on %s\n", a.ID, x.ID, a.State, a.Phase, a.Accepted, a.Index, a.Attempt, a.Runner)
		}
		for _, h := range x.History {
			fmt.Fprintf(&b, "  %d %s %s %s %s %s %s\n", h.Seq, h.At.Format("04:05.000000"), h.Kind, h.Task, h.ActionID, h.State, h.Info)
		}
	}
	return b.String()
}
