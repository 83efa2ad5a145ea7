package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/node"
)

// runOptions are the flags of `cierzo run`.
type runOptions struct {
	file     string
	workflow string
	input    []string
	env      []string
	params   []string
	remote   bool // on a server, by --server or --profile
	flags    *pflag.FlagSet
	store    string
	slots    int
	quiet    bool
}

func newRun() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE.yaml",
		Short: "Run a workflow to its end and print its output as JSON",
		Long: `Run a workflow of a file to its end: on an engine inside this process, or with --server or --profile on a running one.

The file is a list of workflows or a workbook ("-" reads it from standard input). Progress goes to standard error, the
output goes to standard output as JSON. The exit code tells the final state: 0 SUCCESS, 1 ERROR, 3 PAUSED, 4 CANCELLED;
2 says that the file or the request is wrong.`,
		Example: `  cierzo run examples/provision-fleet.yaml --input servers=5
  cierzo run etl.yaml --workflow etl --input @input.json --env '{"region": "eu"}'
  cierzo run approval.yaml --server http://127.0.0.1:8989`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file, o.flags = args[0], cmd.Flags()
			o.remote = o.flags.Changed("server") || o.flags.Changed("profile")
			return runWorkflow(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.workflow, "workflow", "w", "", "workflow to start (default: the first of the file)")
	f.StringArrayVarP(&o.input, "input", "i", nil, "input: key=value (value is JSON or text), a JSON object, or @file (JSON or YAML); repeatable")
	f.StringArrayVarP(&o.env, "env", "e", nil, "environment, in the same forms as --input")
	f.StringArrayVarP(&o.params, "param", "p", nil, "start parameters such as task_name of reverse workflows, in the same forms as --input")
	connect.Flags(f)
	f.StringVar(&o.store, "store", "", "database of the embedded engine (default: a temporary SQLite file)")
	f.IntVar(&o.slots, "slots", 0, "actions that run at the same time in the embedded engine (0: 16 per processor)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
	return cmd
}

// backend is an engine that runs a workflow: inside this process or behind a server's API.
type backend interface {
	// upload stores the definitions of a file and returns the names of its workflows in the file's order.
	upload(ctx context.Context, file string, source []byte) ([]string, error)
	start(ctx context.Context, r startRequest) (string, error)
	// snapshot reads the execution and its tasks as they are now.
	snapshot(ctx context.Context, id string) (*snapshot, error)
	close(ctx context.Context) error
}

// startRequest says what to start, with values as JSON; nil is none.
type startRequest struct {
	workflow           string
	input, env, params map[string]json.RawMessage
}

// snapshot is an execution at one moment.
type snapshot struct {
	State  string
	Info   string
	Output json.RawMessage // nil until final
	Tasks  []taskSnapshot  // in order of creation
}

// taskSnapshot is a task at one moment.
type taskSnapshot struct {
	ID      string
	Name    string
	State   string
	Info    string
	Started time.Time // zero before the start
	Ended   time.Time // zero before the end
}

func runWorkflow(ctx context.Context, o runOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	source, err := input.Source(o.file, stdin)
	if err != nil {
		return err
	}
	r, err := o.request()
	if err != nil {
		return err
	}
	b, err := openBackend(ctx, o)
	if err != nil {
		return err
	}
	final, err := runOn(ctx, b, o, source, r, stderr)
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if closeErr := b.close(closeCtx); err == nil && closeErr != nil {
		return closeErr
	}
	if err != nil {
		return err
	}
	return report(final, stdout, stderr)
}

// request reads the flags' values; the workflow is chosen when the file is known.
func (o runOptions) request() (r startRequest, err error) {
	if r.input, err = input.Assignments("--input", o.input); err != nil {
		return r, err
	}
	if r.env, err = input.Assignments("--env", o.env); err != nil {
		return r, err
	}
	r.params, err = input.Assignments("--param", o.params)
	return r, err
}

func openBackend(ctx context.Context, o runOptions) (backend, error) {
	if o.remote {
		return newRemoteBackend(ctx, o.flags)
	}
	return newLocalBackend(ctx, o.store, o.slots)
}

func runOn(ctx context.Context, b backend, o runOptions, source []byte, r startRequest, stderr io.Writer) (*snapshot, error) {
	names, err := b.upload(ctx, o.file, source)
	if err != nil {
		return nil, err
	}
	if r.workflow, err = chooseWorkflow(o.file, names, o.workflow); err != nil {
		return nil, err
	}
	if !o.remote && o.store == "" { // a store, and a server, may know actions that the file doesn't
		if err := lintText(stderr, []node.Findings{node.Lint(o.file, source)}); err != nil {
			return nil, err
		}
	}
	id, err := b.start(ctx, r)
	if err != nil {
		return nil, err
	}
	show := newProgress(stderr, o.quiet)
	show.begin(r.workflow, id)
	return follow(ctx, b, id, show)
}

// followMin and followMax bound how often a running execution is looked at: at first often, so that short ones are seen
// at once. outageMax is how long the server may be away meanwhile: the execution goes on without us, and a server that
// restarts is back before long.
const (
	followMin = 5 * time.Millisecond
	followMax = 100 * time.Millisecond
	outageMax = 2 * time.Minute
)

// follow shows the execution's progress until it is final or paused.
func follow(ctx context.Context, b backend, id string, show *progress) (*snapshot, error) {
	pause := followMin
	timer := time.NewTimer(pause)
	defer timer.Stop()
	var away time.Time
	for {
		s, err := b.snapshot(ctx, id)
		switch {
		case ctx.Err() != nil:
			return nil, fault.New(fault.Unavailable, "interrupted; execution %s", id)
		case fault.Is(err, fault.Unavailable) && (away.IsZero() || time.Since(away) < outageMax):
			if away.IsZero() {
				away = time.Now()
				show.note(fmt.Sprintf("the server doesn't answer, trying for %v: %v", outageMax, err))
			}
		case err != nil:
			return nil, fmt.Errorf("follow execution %s: %w", id, err)
		default:
			if !away.IsZero() {
				show.note(fmt.Sprintf("the server is back after %v", time.Since(away).Round(100*time.Millisecond)))
			}
			away = time.Time{}
			show.update(s, time.Now())
			if s.ended() {
				show.end(s)
				return s, nil
			}
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		pause = min(pause*3/2, followMax)
		timer.Reset(pause)
	}
}

// ended reports whether nothing more happens without somebody's doing.
func (s *snapshot) ended() bool { return show.Final(s.State) || s.State == "PAUSED" }

// report prints the output and chooses the exit code by the final state.
func report(s *snapshot, stdout, stderr io.Writer) error {
	if len(s.Output) > 0 {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, s.Output, "", "  "); err != nil {
			return fmt.Errorf("print the output: %w", err)
		}
		if _, err := fmt.Fprintln(stdout, pretty.String()); err != nil {
			return fmt.Errorf("print the output: %w", err)
		}
	}
	if s.Info != "" && s.State != "SUCCESS" {
		for line := range strings.SplitSeq(strings.TrimRight(s.Info, "\n"), "\n") {
			fmt.Fprintln(stderr, show.Clean(line))
		}
	}
	return show.ExitOf(s.State)
}

func chooseWorkflow(file string, names []string, wanted string) (string, error) {
	if len(names) == 0 {
		return "", fault.New(fault.Invalid, "%s defines no workflow", file)
	}
	if wanted == "" {
		return names[0], nil
	}
	for _, n := range names {
		if n == wanted || strings.HasSuffix(n, "."+wanted) {
			return n, nil
		}
	}
	return "", fault.New(fault.Invalid, "%s has no workflow %q%s (it has %s)", file, wanted, input.Suggest(wanted, names), strings.Join(names, ", "))
}
