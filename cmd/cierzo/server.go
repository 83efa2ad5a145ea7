package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"cierzo/fault"
	"cierzo/node"
)

func newServer() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run a node: engine, action runner and REST API",
		Long: `Run a node. With no flags it is a whole engine in one process on a SQLite file.

A cluster is several of them on one database:
  cierzo server --store postgres://cierzo@db/cierzo --bind 10.0.0.1:7000
and runners, which need no database:
  cierzo server --roles runner --join 10.0.0.1:7000 --bind 10.0.0.9:7000

SIGTERM drains: no new action is begun, running ones are waited for, executions move to the other engines.`,
		Args: cobra.NoArgs,
		RunE: runServer,
	}
	addSettingFlags(cmd)
	return cmd
}

func runServer(cmd *cobra.Command, _ []string) error {
	s, err := loadSettings(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return err
	}
	cfg, err := s.nodeConfig()
	if err != nil {
		return err
	}
	log, err := newLogger(cmd.ErrOrStderr(), s.value["log-level"], s.value["log-format"])
	if err != nil {
		return err
	}
	cfg.Logger, cfg.Version = log, version()
	n, err := node.New(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), n.Describe())
	<-cmd.Context().Done()
	log.Info("stopping", "drain_timeout", cfg.DrainTimeout.String())
	// The signal has ended the command's context; draining needs one of its own. The margin is for closing the store.
	ctx, cancel := context.WithTimeout(context.Background(), cfg.DrainTimeout+10*time.Second)
	defer cancel()
	return n.Stop(ctx)
}

func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fault.New(fault.Invalid, "log-level: %q is none of debug, info, warn, error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	default:
		return nil, fault.New(fault.Invalid, "log-format: %q is neither text nor json", format)
	}
}
