package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress shows the tasks of a running execution: on a terminal a block of lines that is redrawn, elsewhere a line for
// each change of a task's state.
type progress struct {
	out    io.Writer
	quiet  bool
	live   bool
	colour bool
	width  int
	drawn  int               // lines of the block that stand on the terminal
	seen   map[string]string // task id → state that was shown last
	began  time.Time
}

func newProgress(out io.Writer, quiet bool) *progress {
	p := &progress{out: out, quiet: quiet, seen: map[string]string{}, width: 100, began: time.Now()}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return p
	}
	p.live = true
	p.colour = os.Getenv("NO_COLOR") == ""
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
		p.width = w
	}
	return p
}

func (p *progress) begin(workflow, id string) {
	if !p.quiet {
		fmt.Fprintf(p.out, "%s  %s\n", workflow, id)
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
		fmt.Fprintln(p.out, text)
		p.drawn = 0
	}
}

func (p *progress) end(s *snapshot) {
	if p.quiet {
		return
	}
	fmt.Fprintf(p.out, "%s  %d tasks, %s\n", p.paint(s.State), len(s.Tasks), time.Since(p.began).Round(10*time.Millisecond))
}

func (p *progress) lines(s *snapshot) {
	for _, t := range s.Tasks {
		if p.seen[t.ID] == t.State {
			continue
		}
		p.seen[t.ID] = t.State
		fmt.Fprintf(p.out, "%-9s %s%s\n", t.State, t.Name, reason(t))
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
		line := fmt.Sprintf("%s %-28s %8s%s", icon(t.State), t.Name, elapsed(t, now), reason(t))
		fmt.Fprintf(&b, "\r\x1b[K%s\n", p.paintAs(t.State, clip(line, p.width-1)))
		lines++
	}
	p.drawn = lines
	fmt.Fprint(p.out, b.String())
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

func icon(state string) string {
	switch state {
	case "SUCCESS":
		return "✓"
	case "ERROR":
		return "✗"
	case "CANCELLED":
		return "⊘"
	case "PAUSED":
		return "‖"
	case "SKIPPED":
		return "»"
	case "RUNNING":
		return "▶"
	default:
		return "…"
	}
}

func (p *progress) paint(state string) string { return p.paintAs(state, icon(state)+" "+state) }

func (p *progress) paintAs(state, text string) string {
	if !p.colour {
		return text
	}
	code := "2"
	switch state {
	case "SUCCESS":
		code = "32"
	case "ERROR":
		code = "31"
	case "RUNNING":
		code = "36"
	case "CANCELLED", "PAUSED", "SKIPPED":
		code = "33"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// clip cuts a line to the terminal's width: a wrapped line would break the redraw's count.
func clip(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	return string(runes[:width-1]) + "…"
}
