package remote

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

// viewOptions makes a command of the root that looks at an execution.
func view(use, short string, args cobra.PositionalArgs, run func(s *session, args []string) error) *cobra.Command {
	cmd := verb(use, short, args, run)
	cmd.GroupID = GroupWatch
	return completing(sessionFlags(cmd), executionNames)
}

func newExplain() *cobra.Command {
	cmd := view("explain ID", "Say what an execution waits for, task by task", cobra.ExactArgs(1), func(s *session, args []string) error {
		e, err := s.Explain(s.ctx, args[0])
		if err != nil {
			return err
		}
		if s.Format != "table" && s.Format != "wide" || s.Query != "" {
			return s.One(nil, e)
		}
		fmt.Fprint(s.Out, explanation(s.Printer, e))
		return nil
	})
	cmd.Long = "Say what an execution waits for: for each task that has not ended a sentence, since when, until when, and who holds it."
	return cmd
}

func explanation(p *show.Printer, e *apitype.Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Paint(e.State, show.Icon(e.State)+" "+show.Clean(e.Summary)))
	for _, t := range e.Tasks {
		fmt.Fprintf(&b, "\n%s  %s\n", p.Paint(t.State, show.Icon(t.State)+" "+show.Clean(t.Task)), t.State)
		fmt.Fprintf(&b, "    %s\n", show.Clean(t.Text))
		var words []string
		for _, w := range []struct {
			name string
			v    apitype.Opt[string]
		}{{"since", t.Since}, {"until", t.Until}, {"held by", t.Holder}} {
			if w.v.Value != "" {
				words = append(words, w.name+" "+show.Clean(w.v.Value))
			}
		}
		if len(words) > 0 {
			fmt.Fprintf(&b, "    %s\n", strings.Join(words, ", "))
		}
	}
	return b.String()
}

func newGraph() *cobra.Command {
	var mermaid, dot bool
	cmd := view("graph ID", "Draw an execution's tasks with their states and transitions", cobra.ExactArgs(1), func(s *session, args []string) error {
		switch {
		case mermaid && dot:
			return fault.New(fault.Invalid, "--mermaid and --dot: give one of the two")
		case mermaid || dot:
			text, err := s.Drawing(s.ctx, args[0], map[bool]string{true: "dot", false: "mermaid"}[dot])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(s.Out, text)
			return err
		}
		g, err := s.Graph(s.ctx, args[0])
		if err != nil {
			return err
		}
		if s.Format != "table" && s.Format != "wide" || s.Query != "" {
			return s.One(nil, g)
		}
		_, err = fmt.Fprint(s.Out, s.Draw(g))
		return err
	})
	cmd.Example = `  cierzo graph ID
  cierzo graph ID --dot | dot -Tsvg > run.svg`
	cmd.Flags().BoolVar(&mermaid, "mermaid", false, "as a Mermaid flowchart, for Markdown")
	cmd.Flags().BoolVar(&dot, "dot", false, "as a Graphviz digraph")
	return cmd
}

func newLogs() *cobra.Command {
	var follow bool
	var after uint64
	var kind, workflow string
	cmd := view("logs [ID]", "Print what has happened to an execution, event by event", cobra.MaximumNArgs(1), func(s *session, args []string) error {
		print := func(e apitype.Event) error {
			if !strings.HasPrefix(e.Kind, kind) {
				return nil
			}
			return s.event(e, len(args) == 0)
		}
		if len(args) == 0 {
			if !follow {
				return fault.New(fault.Invalid, "name an execution, or give --follow for what happens to all from now on")
			}
			return ended(s.ctx.Err, s.FollowAll(s.ctx, workflow, kind, print))
		}
		for !follow {
			list, err := s.Events(s.ctx, args[0], after)
			if err != nil || len(list) == 0 {
				return err
			}
			for _, e := range list {
				if err := print(e); err != nil {
					return err
				}
				after = e.Seq
			}
		}
		return ended(s.ctx.Err, s.FollowExecution(s.ctx, args[0], after, print))
	})
	cmd.Long = `Print what has happened to an execution: a line for each event, with -o json one JSON object on a line. With --follow it goes
on until the execution has ended; without an ID it prints what happens to all executions from now on.`
	f := cmd.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on as things happen")
	f.Uint64Var(&after, "after", 0, "begin behind the event of this number")
	f.StringVar(&kind, "kind", "", "only events whose kind begins so, such as task. or execution.state")
	f.StringVar(&workflow, "workflow", "", "without an ID: only executions of this workflow")
	return cmd
}

// ended takes the user's interrupt for the end that it is.
func ended(interrupted func() error, err error) error {
	if interrupted() != nil {
		return nil
	}
	return err
}

// event prints one event as a line.
func (s *session) event(e apitype.Event, whose bool) error {
	if s.Format == "json" || s.Query != "" {
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if s.Query != "" {
			return s.Value(raw)
		}
		_, err = fmt.Fprintf(s.Out, "%s\n", raw)
		return err
	}
	if s.Format == "yaml" {
		fmt.Fprintln(s.Out, "---")
		return s.One(nil, e)
	}
	at := e.At
	if t, err := time.Parse(time.RFC3339Nano, e.At); err == nil {
		at = t.UTC().Format("2006-01-02 15:04:05.000")
	}
	words := []string{at, fmt.Sprintf("%4d", e.Seq), fmt.Sprintf("%-18s", e.Kind)}
	if whose {
		words = append(words, e.ExecutionID, e.WorkflowName)
	}
	for _, w := range []string{e.Task, e.State, firstLine(e.Info)} {
		if w != "" {
			words = append(words, w)
		}
	}
	_, err := fmt.Fprintln(s.Out, s.Paint(e.State, show.Clean(strings.TrimRight(strings.Join(words, "  "), " "))))
	return err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
