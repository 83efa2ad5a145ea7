package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"cierzo/api/client"
	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/remote"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/verify"
)

func newVerify() *cobra.Command {
	var cfg verify.Config
	var servers []string
	var html, json, remove string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that a cluster keeps its promises, under load and under the faults that you bring",
		Long: `Start random workflows on a cluster, interfere with them as users do, break things by a command of yours (--nemesis), and check
afterwards whether the cluster has kept its promises: nothing acknowledged is lost or done twice, everything comes to its end.

It does no harm: its workflows are named cierzo-verify-…, they only run std.noop, std.echo, std.fail and std.async_noop, it touches
no executions but its own, asks for so many things a second at most, and removes everything at the end (not when it has found
something, or with --keep).

The nemesis is a command for the shell, run once in the middle or each --nemesis-every, with CIERZO_VERIFY_PHASE ("fault" or
"heal"), CIERZO_VERIFY_ROUND (from 1) and CIERZO_VERIFY_SEED in its environment.

The exit code is 1 when a promise was broken.`,
		Args: cobra.NoArgs,
		Example: `  cierzo verify
  cierzo verify --servers http://a:8989,http://b:8989,http://c:8989 --nemesis 'ssh a systemctl kill -s KILL cierzo' --heal 'ssh a systemctl start cierzo' --html report.html
  cierzo verify --executions 1000 --duration 10m --nemesis ./break-something --nemesis-every 1m --json report.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if cfg.Clients, err = openServers(cmd, servers); err != nil {
				return err
			}
			if !quiet {
				cfg.Progress = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), show.Clean(line)) }
			}
			if remove != "" {
				return removeRun(cmd, cfg, remove)
			}
			cfg.Version = version()
			rep, err := verify.Run(cmd.Context(), cfg)
			if rep != nil {
				err = errors.Join(err, writeReport(cmd, rep, html, json))
			}
			if err != nil {
				return remote.Hint(err)
			}
			if !rep.Passed {
				return show.Exit{Code: show.Failed}
			}
			return nil
		},
	}
	f := cmd.Flags()
	connect.Flags(f)
	f.StringSliceVar(&servers, "servers", nil, "addresses of the cluster's APIs, in place of --server: a request without an answer goes to the next one")
	f.IntVar(&cfg.Executions, "executions", 100, "executions to start")
	f.DurationVar(&cfg.Duration, "duration", 0, "time over which they are started (default 30s)")
	f.IntVar(&cfg.Concurrency, "concurrency", 25, "executions that are under way at a time")
	f.IntVar(&cfg.Rate, "rate", 0, "requests per second at most (default 100, or 4 for each of --concurrency)")
	f.Uint64Var(&cfg.Seed, "seed", 0, "seed of workflows and commands; 0 draws one")
	f.DurationVar(&cfg.Settle, "settle", 0, "time after the last fault within which all must end, that of the longest workflow added (default 30s)")
	f.StringVar(&cfg.Nemesis, "nemesis", "", "command for the shell that breaks something")
	f.DurationVar(&cfg.NemesisEvery, "nemesis-every", 0, "run the nemesis each such time; 0: once, in the middle")
	f.StringVar(&cfg.Heal, "heal", "", "command for the shell that mends it, run once after the last fault")
	f.BoolVar(&cfg.ExpectFaults, "expect-faults", false, "something else breaks things meanwhile: what the cluster repairs is no violation")
	f.BoolVar(&cfg.Keep, "keep", false, "leave executions and workflows where they are")
	f.StringVar(&html, "html", "", "write the report to this file, as a page for browsers")
	f.StringVar(&json, "json", "", "write the report to this file, as JSON")
	f.BoolVar(&quiet, "quiet", false, "don't tell what is going on")
	f.StringVar(&remove, "remove", "", "verify nothing: remove what a run has left, by its name")
	return cmd
}

// openServers opens the APIs of a cluster, all with the same credentials.
func openServers(cmd *cobra.Command, servers []string) ([]*client.Client, error) {
	target, err := connect.Find(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if len(servers) == 0 {
		servers = []string{target.Server}
	}
	var out []*client.Client
	for _, address := range servers {
		one := *target
		one.Server = address
		c, err := one.Open(cmd.Context())
		if err != nil {
			return nil, remote.Hint(err)
		}
		out = append(out, c)
	}
	return out, nil
}

func removeRun(cmd *cobra.Command, cfg verify.Config, name string) error {
	rate := cfg.Rate
	if rate == 0 {
		rate = 100
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	n, err := verify.Remove(ctx, cfg.Clients, rate, name)
	if err != nil {
		return remote.Hint(err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed %d executions and the workflows of run %s\n", n, name)
	return err
}

// writeReport writes the report in all forms that were asked for.
func writeReport(cmd *cobra.Command, rep *verify.Report, html, json string) error {
	for _, form := range []struct {
		file  string
		write func() ([]byte, error)
	}{{html, rep.HTML}, {json, rep.JSON}} {
		if form.file == "" {
			continue
		}
		data, err := form.write()
		if err != nil {
			return fault.Wrap(fault.Internal, err, "report")
		}
		if err := os.WriteFile(form.file, data, 0o644); err != nil { //nolint:gosec // the user's own choice, for others to read
			return fault.Wrap(fault.Invalid, err, "report")
		}
	}
	return rep.Text(cmd.OutOrStdout())
}
