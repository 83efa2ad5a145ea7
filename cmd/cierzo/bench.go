package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cierzo/bench"
	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

func newBench() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine and database: throughput, latency, and what an action costs",
		Long: `Measure what workflows cost on this machine and database: an engine in this process, a runner in
another one, actions that do nothing.

Workloads:
` + listHelp(bench.Workloads(), bench.Describe) + `
Curves, with --growth: the same by what there is much of.
` + listHelp(bench.Curves(), bench.DescribeCurve) + `
The database should be an empty one: the workflows and executions of the measurement stay there.
Processor time and counts hardly depend on what else the machine does; wall-clock figures do.

With --server, --servers or --profile a running cluster is measured instead, by its API (CIERZO_SERVER alone chooses none):
the workloads ` + strings.Join(bench.ClusterWorkloads(), ", ") + `, so many executions at a time, with the time that each took.
Processor time and transactions are those of the servers that are named, as their /metrics say. Its workflows are named
cierzo-bench-…, they run std.echo, and everything is removed at the end.`,
		Args: cobra.NoArgs,
		Example: `  cierzo bench
  cierzo bench --store postgres://me@127.0.0.1/bench --workloads W1,W2 --runs 3
  cierzo bench --growth items,context --svg curves
  cierzo bench --servers http://a:8989,http://b:8989 --workloads W1,W2 --at-a-time 64`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.format != "table" && o.format != "json" {
				return fault.New(fault.Invalid, "output %q is unknown; there are table and json", o.format)
			}
			if o.ofCluster(cmd) {
				return runClusterBench(cmd, &o)
			}
			self, err := os.Executable()
			if err != nil {
				return fault.Wrap(fault.Internal, err, "find this program")
			}
			o.cfg.Server = []string{self, "bench", "server"}
			if !o.inside {
				o.cfg.Runner, o.cfg.Engine = []string{self, "bench", "runner"}, []string{self, "bench", "engine"}
			}
			live := show.Terminal(cmd.ErrOrStderr())
			if live {
				o.cfg.Progress = liveProgress(cmd.ErrOrStderr())
				defer fmt.Fprint(cmd.ErrOrStderr(), "\r\x1b[K")
			}
			run := func() error { return runBench(cmd, &o, live) }
			if len(o.growth) > 0 {
				run = func() error { return runGrowth(cmd, &o, live) }
			}
			if o.profile == "" {
				return run()
			}
			return profiled(o.profile, run)
		},
	}
	cmd.AddCommand(benchParts()...)
	f := cmd.Flags()
	connect.Flags(f)
	f.StringSliceVar(&o.servers, "servers", nil, "addresses of a running cluster's APIs, in place of --server: each takes its part of the starts")
	f.IntVar(&o.atATime, "at-a-time", 8, "executions of W1 that are under way at a time, on a running cluster")
	f.BoolVar(&o.keep, "keep", false, "leave executions and workflows on the running cluster")
	f.StringVar(&o.cfg.Store, "store", "", "database: sqlite:///path or postgres://… (default: a temporary SQLite file)")
	f.StringSliceVar(&o.cfg.Workloads, "workloads", nil, "workloads to run (default: all)")
	f.IntVar(&o.cfg.Executions, "executions", 2000, "executions of W1")
	f.IntVar(&o.cfg.Fan, "fan", 500, "actions of W3")
	f.IntVar(&o.cfg.Idle, "idle", 2000, "executions of W6")
	f.IntVar(&o.cfg.Run, "run", 1, "number of the first run")
	f.IntVar(&o.runs, "runs", 1, "how often to measure all")
	f.BoolVar(&o.inside, "inside", false, "run the actions inside the engine's process, without a connection")
	f.StringSliceVar(&o.growth, "growth", nil, "measure these curves in place of workloads; all: every one")
	f.IntVar(&o.most, "most", 10_000, "the curves' greatest number of executions in the store and of items")
	f.StringVar(&o.svg, "svg", "", "write each curve as a picture into this folder")
	f.StringVar(&o.profile, "cpuprofile", "", "write a processor profile of the engine to this file, for go tool pprof")
	f.StringVarP(&o.format, "output", "o", "table", "table, or json: an object for each workload or curve")
	return cmd
}

// benchParts are the processes of a measurement, and the table of many measurements.
func benchParts() []*cobra.Command {
	return []*cobra.Command{{
		Use: "runner ADDRESSES COUNT", Short: "The runners of a measurement", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "count")
			}
			return bench.RunRunners(cmd.Context(), strings.Split(args[0], ","), n)
		},
	}, {
		Use: "engine ADDRESS STORE", Short: "One more engine of a measurement", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return bench.RunEngine(cmd.Context(), args[0], args[1]) },
	}, newBenchServer(), {
		Use: "ratios FILE", Short: "Compare the results of several programs", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			f, err := os.Open(args[0])
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "results")
			}
			defer func() { err = closeAfter(err, f) }()
			text, err := bench.Ratios(f)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}}
}

type benchOptions struct {
	servers              []string
	atATime              int
	keep                 bool
	cfg                  bench.Config
	inside               bool
	runs, most           int
	format, profile, svg string
	growth               []string
}

// newBenchServer is a server with the settings of a new installation, whatever the environment says.
func newBenchServer() *cobra.Command {
	return &cobra.Command{
		Use: "server STORE ADDRESS", Short: "The server whose start is measured", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.SetArgs([]string{"server", "--store", args[0], "--listen", args[1], "--log-level", "error"})
			return root.ExecuteContext(cmd.Context())
		},
	}
}

// profiled writes a processor profile of fn.
func profiled(path string, fn func() error) (err error) {
	f, err := os.Create(path) //nolint:gosec // the user's own choice
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "profile")
	}
	defer func() { err = closeAfter(err, f) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return fault.Wrap(fault.Internal, err, "profile")
	}
	defer pprof.StopCPUProfile()
	return fn()
}

// liveProgress writes how far a measurement is, over and over into the same line.
func liveProgress(out io.Writer) func(what string, done, of int) {
	return func(what string, done, of int) { fmt.Fprintf(out, "\r\x1b[K%s  %d of %d", what, done, of) }
}

func listHelp(names []string, describe func(string) string) string {
	var b strings.Builder
	for _, w := range names {
		fmt.Fprintf(&b, "  %-7s %s\n", w, describe(w))
	}
	return b.String()
}

func runBench(cmd *cobra.Command, o *benchOptions, live bool) (err error) {
	b, err := bench.New(cmd.Context(), o.cfg)
	if err != nil {
		return err
	}
	defer func() { err = closeAfter(err, b) }()
	out := cmd.OutOrStdout()
	var results []bench.Result
	for range max(o.runs, 1) {
		err := b.Run(cmd.Context(), func(r bench.Result) {
			results = append(results, r)
			if o.format == "json" {
				_ = json.NewEncoder(out).Encode(r)
				return
			}
			if live {
				fmt.Fprint(cmd.ErrOrStderr(), "\r\x1b[K")
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", r.Workload, bench.Describe(r.Workload))
		})
		if err != nil {
			return err
		}
	}
	if o.format == "table" {
		fmt.Fprintln(out, b.Durability())
		return benchTable(out, results)
	}
	return nil
}

func benchTable(out io.Writer, results []bench.Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tper s\tCPU ms\tdatabase\trunner\twriting tx\tWAL B\tretries\t")
	for _, r := range results {
		if r.Workload == "W0" {
			continue
		}
		total := r.CPUSelf + r.CPUServer
		share := func(part float64) string {
			if total == 0 {
				return "-"
			}
			return fmt.Sprintf("%.0f %%", 100*part/total)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.3f\t%s\t%s\t%.3f\t%.0f\t%.3f\t\n", r.Workload, r.Throughput, r.CPU, share(r.CPUServer), share(r.CPURunner), max(r.Writing, r.Commits), r.WAL, r.Retries)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		switch r.Workload {
		case "W0":
			fmt.Fprintf(out, "W0: first answer after %.0f ms, idle with %.0f MiB, a program of %.0f MB\n", r.FirstAnswer, float64(r.IdleRSS)/(1<<20), float64(r.Binary)/1e6)
		case "W5":
			fmt.Fprint(out, bench.Histogram(r.Took, 40))
			fmt.Fprintf(out, "W5: p50 %.2f ms, p95 %.2f, p99 %.2f, max %.2f\n", r.P50, r.P95, r.P99, r.Max)
		case "W6":
			fmt.Fprintf(out, "W6: %.0f starts/s; 10,000 executions that wait take %.1f MiB in memory, %.1f MiB after they have left it, %.1f MiB when they wait for days; %d goroutines; idle: %.2f %% of a core, %.1f transactions/s\n",
				r.StartsPerSec, r.MiBHeld, r.MiBPassive, r.MiBDays, r.Goroutines, r.IdleCPU, r.IdleSQL)
		case "W7":
			fmt.Fprintf(out, "W7: %.3f transactions (reads too) and %.3f flushes for each action\n", r.AllPerAction, r.SyncPerAct)
		}
	}
	return nil
}

func runGrowth(cmd *cobra.Command, o *benchOptions, live bool) error {
	names := o.growth
	if slices.Equal(names, []string{"all"}) {
		names = bench.Curves()
	}
	out := cmd.OutOrStdout()
	for _, name := range names {
		if !live && o.format == "table" {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", name, bench.DescribeCurve(name))
		}
		c, err := bench.Grow(cmd.Context(), o.cfg, name, o.most)
		if err != nil {
			return err
		}
		if live {
			fmt.Fprint(cmd.ErrOrStderr(), "\r\x1b[K")
		}
		if o.format == "json" {
			_ = json.NewEncoder(out).Encode(c)
		} else {
			fmt.Fprint(out, c.Plot(40))
		}
		if o.svg != "" && len(c.Points) > 0 {
			if err := os.MkdirAll(o.svg, 0o750); err != nil {
				return fault.Wrap(fault.Invalid, err, "pictures")
			}
			if err := os.WriteFile(filepath.Join(o.svg, name+".svg"), []byte(c.SVG()), 0o600); err != nil {
				return fault.Wrap(fault.Invalid, err, "pictures")
			}
		}
	}
	return nil
}

func closeAfter(err error, c io.Closer) error {
	if e := c.Close(); err == nil {
		return e
	}
	return err
}
