package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"cierzo/cmd/cierzo/show"
)

// progress shows the tasks of a running execution: on a terminal a block of lines that is redrawn, elsewhere a line for
// each change of a task's state.
type progress struct {
	*show.Printer
	quiet bool
	live  bool
	drawn int               // lines of the block that stand on the terminal
	seen  map[string]string // task id → state that was shown last
	began time.Time
}

func newProgress(out io.Writer, quiet bool) *progress {
	return &progress{
		Printer: &show.Printer{Out: out, Err: out, Colour: show.Colours(out), Width: max(show.Width(out), 40)},
		quiet:   quiet, live: show.Terminal(out), seen: map[string]string{}, began: time.Now(),
	}
}

func (p *progress) begin(workflow, id string) {
	if !p.quiet {
		fmt.Fprintf(p.Out, "%s  %s\n", workflow, id)
	}
}

// update shows what has changed since the last call.
func (p *progress) update(s *snapshot, now time.Time) {
	switch {
	case p.quiet:
	case p.live:
		p.redraw(s, now)
	default:
		p.lines(s)
	}
}

// note puts a line among the progress; a block that is redrawn begins anew below it.
func (p *progress) note(text string) {
	if !p.quiet {
		fmt.Fprintln(p.Out, text)
		p.drawn = 0
	}
}

func (p *progress) end(s *snapshot) {
	if p.quiet {
		return
	}
	fmt.Fprintf(p.Out, "%s  %s, %s\n", p.Paint(s.State, show.Icon(s.State)+" "+s.State), count(len(s.Tasks), "task"), time.Since(p.began).Round(10*time.Millisecond))
}

func (p *progress) lines(s *snapshot) {
	for _, t := range s.Tasks {
		if p.seen[t.ID] == t.State {
			continue
		}
		p.seen[t.ID] = t.State
		fmt.Fprintln(p.Out, show.Clean(fmt.Sprintf("%-9s %s%s", t.State, t.Name, reason(t))))
	}
}

// liveMax bounds the block of lines: a longer list would scroll and could not be redrawn.
const liveMax = 30

func (p *progress) redraw(s *snapshot, now time.Time) {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn)
	}
	tasks, hidden := s.Tasks, 0
	if len(tasks) > liveMax {
		hidden = len(tasks) - liveMax
		tasks = tasks[hidden:]
	}
	lines := 0
	if hidden > 0 {
		fmt.Fprintf(&b, "\r\x1b[K  … %d earlier tasks\n", hidden)
		lines++
	}
	for _, t := range tasks {
		line := show.Clean(fmt.Sprintf("%s %-28s %8s%s", show.Icon(t.State), t.Name, elapsed(t, now), reason(t)))
		fmt.Fprintf(&b, "\r\x1b[K%s\n", p.Paint(t.State, show.Clip(line, p.Width-1)))
		lines++
	}
	p.drawn = lines
	fmt.Fprint(p.Out, b.String())
}

// reason is the first line of a task's state info where it says something that the state doesn't.
func reason(t taskSnapshot) string {
	info, _, _ := strings.Cut(strings.TrimSpace(t.Info), "\n")
	if info == "" || t.State == "SUCCESS" {
		return ""
	}
	return "  " + info
}

func elapsed(t taskSnapshot, now time.Time) string {
	if t.Started.IsZero() {
		return ""
	}
	end := t.Ended
	if end.IsZero() {
		end = now
	}
	return end.Sub(t.Started).Round(100 * time.Millisecond).String()
}
