package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cierzo/bench"
	"cierzo/fault"
)

func newBench() *cobra.Command {
	var cfg bench.Config
	var inside bool
	var runs int
	var format, profile string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine and database: throughput, latency, and what an action costs",
		Long: `Measure what workflows cost on this machine and database: an engine in this process, a runner in
another one, actions that do nothing.

Workloads:
` + workloadHelp() + `
The database should be an empty one: the workflows and executions of the measurement stay there.
Processor time and counts hardly depend on what else the machine does; wall-clock figures do.`,
		Args: cobra.NoArgs,
		Example: `  cierzo bench
  cierzo bench --store postgres://me@127.0.0.1/bench --workloads W1,W2 --runs 3`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return fault.New(fault.Invalid, "output %q is unknown; there are table and json", format)
			}
			if !inside {
				self, err := os.Executable()
				if err != nil {
					return fault.Wrap(fault.Internal, err, "find this program")
				}
				cfg.Runner = []string{self, "bench", "runner"}
			}
			if profile == "" {
				return runBench(cmd, cfg, runs, format)
			}
			return profiled(profile, func() error { return runBench(cmd, cfg, runs, format) })
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "runner ADDRESS", Short: "The runner of a measurement", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return bench.RunRunner(cmd.Context(), args[0]) },
	})
	f := cmd.Flags()
	f.StringVar(&cfg.Store, "store", "", "database: sqlite:///path or postgres://… (default: a temporary SQLite file)")
	f.StringSliceVar(&cfg.Workloads, "workloads", nil, "workloads to run (default: all)")
	f.IntVar(&cfg.Executions, "executions", 2000, "executions of W1")
	f.IntVar(&cfg.Fan, "fan", 500, "actions of W3")
	f.IntVar(&cfg.Idle, "idle", 2000, "executions of W6")
	f.IntVar(&cfg.Run, "run", 1, "number of the first run")
	f.IntVar(&runs, "runs", 1, "how often to measure all")
	f.BoolVar(&inside, "inside", false, "run the actions inside the engine's process, without a connection")
	f.StringVar(&profile, "cpuprofile", "", "write a processor profile of the engine to this file, for `go tool pprof`")
	f.StringVarP(&format, "output", "o", "table", "table, or json: an object for each workload")
	return cmd
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

func workloadHelp() string {
	var b strings.Builder
	for _, w := range bench.Workloads() {
		fmt.Fprintf(&b, "  %-4s %s\n", w, bench.Describe(w))
	}
	return b.String()
}

func runBench(cmd *cobra.Command, cfg bench.Config, runs int, format string) (err error) {
	b, err := bench.New(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer func() { err = closeAfter(err, b) }()
	out := cmd.OutOrStdout()
	var results []bench.Result
	for range max(runs, 1) {
		err := b.Run(cmd.Context(), func(r bench.Result) {
			results = append(results, r)
			if format == "json" {
				_ = json.NewEncoder(out).Encode(r)
			} else {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", r.Workload, bench.Describe(r.Workload))
			}
		})
		if err != nil {
			return err
		}
	}
	if format == "table" {
		fmt.Fprintln(out, b.Durability())
		return benchTable(out, results)
	}
	return nil
}

func benchTable(out io.Writer, results []bench.Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tper s\tCPU ms\tdatabase\trunner\twriting tx\tWAL B\tretries\t")
	for _, r := range results {
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
		case "W5":
			fmt.Fprintf(out, "W5: p50 %.2f ms, p95 %.2f, p99 %.2f, max %.2f\n", r.P50, r.P95, r.P99, r.Max)
		case "W6":
			fmt.Fprintf(out, "W6: %.0f starts/s; 10,000 executions that wait take %.1f MiB in memory, %.1f MiB after they have left it, %d goroutines; idle: %.2f %% of a core, %.1f transactions/s\n",
				r.StartsPerSec, r.MiBHeld, r.MiBPassive, r.Goroutines, r.IdleCPU, r.IdleSQL)
		case "W7":
			fmt.Fprintf(out, "W7: %.3f transactions (reads too) and %.3f flushes for each action\n", r.AllPerAction, r.SyncPerAct)
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
