package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"cierzo/fault"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "cierzo",
		Short:         "A workflow engine: Mistral's language and API, durable whatever crashes",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.New(fault.Invalid, "%w (see `%s --help`)", err, cmd.CommandPath())
	})
	root.AddCommand(newServer(), newRun(), newLint(), newSchema(), newEval(), newExecution(), newBench(), newAction(), newConfig(), newVersion())
	asUsageErrors(root)
	return root
}

// asUsageErrors gives cobra's complaints about arguments the kind that ends in exit code 2.
func asUsageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return fault.New(fault.Invalid, "%w (see `%s --help`)", err, c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		asUsageErrors(sub)
	}
}

func newConfig() *cobra.Command {
	config := &cobra.Command{Use: "config", Short: "Show the settings"}
	show := &cobra.Command{
		Use:   "show",
		Short: "Show the effective settings of `cierzo server`, each with where its value comes from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), s)
			return err
		},
	}
	addSettingFlags(show)
	config.AddCommand(show)
	return config
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "cierzo %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is the module's version, or the commit that the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
