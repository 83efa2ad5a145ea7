package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cierzo/bench"
	"cierzo/cmd/cierzo/remote"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

// ofCluster reports whether the command line names servers. What the environment says is for other commands: nobody wants to
// put a load on a cluster because a variable is set.
func (o *benchOptions) ofCluster(cmd *cobra.Command) bool {
	return slices.ContainsFunc([]string{"server", "servers", "profile"}, cmd.Flags().Changed)
}

// runClusterBench measures a running cluster.
func runClusterBench(cmd *cobra.Command, o *benchOptions) error {
	for _, own := range []string{"store", "idle", "inside", "growth", "most", "svg", "cpuprofile"} {
		if cmd.Flags().Changed(own) {
			return fault.New(fault.Invalid, "--%s is for a node of the measurement's own, not for a running cluster", own)
		}
	}
	clients, err := openServers(cmd, o.servers)
	if err != nil {
		return err
	}
	cfg := bench.ClusterConfig{
		Clients: clients, Workloads: o.cfg.Workloads, Executions: o.cfg.Executions, AtATime: o.atATime, Fan: o.cfg.Fan, Keep: o.keep,
	}
	if live := show.Terminal(cmd.ErrOrStderr()); live {
		cfg.Progress = liveProgress(cmd.ErrOrStderr())
		defer fmt.Fprint(cmd.ErrOrStderr(), "\r\x1b[K")
	}
	out := cmd.OutOrStdout()
	var results []bench.Result
	for run := range max(o.runs, 1) {
		cfg.Run = o.cfg.Run + run
		err := bench.MeasureCluster(cmd.Context(), cfg, func(r bench.Result) {
			results = append(results, r)
			if o.format == "json" {
				_ = json.NewEncoder(out).Encode(r)
			}
		})
		if err != nil {
			return remote.Hint(err)
		}
	}
	if o.format == "json" {
		return nil
	}
	return clusterTable(out, results)
}

func clusterTable(out io.Writer, results []bench.Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tper s\tp50 ms\tp95 ms\tp99 ms\tmax ms\tCPU ms\ttransactions\t")
	known := func(v float64, digits int) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf("%.*f", digits, v)
	}
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\t\n",
			r.Workload, known(r.Throughput, 0), r.P50, r.P95, r.P99, r.Max, known(r.CPU, 3), known(r.Commits, 3))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if r.Workload == "W5" {
			fmt.Fprint(out, bench.Histogram(r.Took, 40))
		}
	}
	return nil
}
