package remote

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/internal/wait"
)

func newWatch() *cobra.Command {
	var timeout time.Duration
	var live bool
	cmd := view("watch ID", "Show an execution and all below it live, until it ends", cobra.ExactArgs(1), func(s *session, args []string) error {
		return s.watch(args[0], timeout, live || show.Terminal(s.Out))
	})
	cmd.Long = `Show an execution as a tree of tasks and sub-workflows, live, until it ends or is paused. On a terminal the tree is redrawn;
elsewhere each change of a state is a line. The exit code tells the state: 0 SUCCESS, 1 ERROR, 3 PAUSED, 4 CANCELLED.`
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "give up after so long, such as 10m, with exit code 5; 0: never")
	cmd.Flags().BoolVar(&live, "live", false, "redraw though it is no terminal")
	_ = cmd.Flags().MarkHidden("live") // it is declared one line above
	return cmd
}

const (
	// redrawMin is the least time between two looks at an execution, however much happens.
	redrawMin = 100 * time.Millisecond
	// tickEvery is how often the tree is looked at though nothing was heard: the durations go on, and sub-workflows of sub-workflows
	// have streams that we don't hear.
	tickEvery = time.Second
	// streamsMax bounds the event streams of one watch: the execution's and those of its running sub-workflows.
	streamsMax = 16
)

// watch shows an execution until it ends.
func (s *session) watch(id string, timeout time.Duration, live bool) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(s.ctx, timeout)
		defer cancel()
	}
	w := &watcher{session: s, ctx: ctx, heard: make(chan struct{}, 1), following: map[string]bool{}, seen: map[string]string{}, live: live}
	defer w.streams.Wait()
	defer cancel()
	state, err := w.run(id)
	if err != nil {
		if ctx.Err() != nil && s.ctx.Err() == nil {
			return fault.New(fault.Unavailable, "execution %s has not ended after %v", id, timeout)
		}
		if s.ctx.Err() != nil {
			return fault.New(fault.Unavailable, "interrupted; execution %s goes on", id)
		}
		return err
	}
	return show.ExitOf(state)
}

// watcher looks at an execution's report whenever one of the streams has said something.
type watcher struct {
	*session
	ctx       context.Context
	heard     chan struct{} // holds a token when something has happened
	streams   sync.WaitGroup
	following map[string]bool
	live      bool
	drawn     int               // lines that stand on the terminal
	seen      map[string]string // path → state that was shown last
}

func (w *watcher) run(id string) (string, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var quiet time.Time
	for {
		select {
		case <-w.ctx.Done():
			return "", w.ctx.Err()
		case <-w.heard:
		case <-timer.C:
		}
		if err := wait.For(w.ctx, time.Until(quiet)); err != nil {
			return "", err
		}
		r, err := w.Report(w.ctx, id, false, false, -1)
		if err != nil && !fault.Is(err, fault.Unavailable) || err == nil && r.Root == nil {
			return "", err
		}
		quiet = time.Now().Add(redrawMin)
		timer.Reset(tickEvery)
		if err != nil { // it comes back, or the stream says that it doesn't
			if !w.following[id] {
				return "", err
			}
			continue
		}
		if err := w.show(r); err != nil {
			return "", err
		}
		if show.Final(r.Root.State) || r.Root.State == "PAUSED" {
			return r.Root.State, nil
		}
		w.follow(r.Root)
	}
}

// follow listens to an execution and its running sub-workflows.
func (w *watcher) follow(e *apitype.ReportExecution) {
	if show.Final(e.State) {
		return
	}
	if !w.following[e.ID] && len(w.following) < streamsMax {
		w.following[e.ID] = true
		w.streams.Go(func() {
			// What it was told before is in the report already. An error ends the listening; the ticks remain.
			_ = w.FollowExecution(w.ctx, e.ID, 0, func(apitype.Event) error {
				w.wake()
				return nil
			})
			w.wake()
		})
	}
	for i := range e.Tasks {
		for j := range e.Tasks[i].Workflows {
			w.follow(&e.Tasks[i].Workflows[j])
		}
	}
}

func (w *watcher) wake() {
	select {
	case w.heard <- struct{}{}:
	default:
	}
}

func (w *watcher) show(r *apitype.Report) error {
	branches := show.Tree(r, time.Now().UTC())
	if w.live {
		return w.redraw(branches)
	}
	for _, b := range branches {
		if w.seen[b.Path+b.ID] == b.State {
			continue
		}
		w.seen[b.Path+b.ID] = b.State
		text := fmt.Sprintf("%-9s %s", b.State, show.Clean(b.Path))
		if b.Info != "" {
			text += "  " + b.Info
		}
		if _, err := fmt.Fprintln(w.Out, w.Paint(b.State, text)); err != nil {
			return err
		}
	}
	return nil
}

// linesMax bounds the block of lines, where the terminal's height doesn't: a longer one would scroll and could not be redrawn.
const linesMax = 60

func (w *watcher) redraw(branches []show.Branch) error {
	var b strings.Builder
	if w.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", w.drawn)
	}
	most := linesMax
	if height := show.Height(w.Out); height > 0 {
		most = min(most, height-2) // one for what is hidden, one for the cursor
	}
	hidden := max(0, len(branches)-most)
	lines := 0
	for i, branch := range branches {
		if hidden > 0 && i > 0 && i <= hidden {
			continue // the first line stays: it is the execution itself
		}
		fmt.Fprintf(&b, "\r\x1b[K%s\n", w.TreeLine(branch, w.Width-1))
		lines++
		if i == 0 && hidden > 0 {
			fmt.Fprintf(&b, "\r\x1b[K  … %d earlier lines\n", hidden)
			lines++
		}
	}
	b.WriteString("\x1b[J")
	w.drawn = lines
	_, err := fmt.Fprint(w.Out, b.String())
	return err
}
