package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/remote"
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
		return fault.New(fault.Invalid, "%s (see `%s --help`)", flagComplaint(err), cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: remote.GroupRun, Title: "Run and check workflows here:"},
		&cobra.Group{ID: remote.GroupWatch, Title: "Executions on a server:"},
		&cobra.Group{ID: remote.GroupDefinitions, Title: "What a server has:"},
		&cobra.Group{ID: remote.GroupTriggers, Title: "Triggers:"},
		&cobra.Group{ID: remote.GroupServer, Title: "Servers:"},
	)
	for _, cmd := range []*cobra.Command{newRun(), newLint(), newEval(), newSchema()} {
		cmd.GroupID = remote.GroupRun
		root.AddCommand(cmd)
	}
	for _, cmd := range []*cobra.Command{newServer(), newConfig(), newBench(), newVerify()} {
		cmd.GroupID = remote.GroupServer
		root.AddCommand(cmd)
	}
	root.AddCommand(remote.Commands()...)
	root.AddCommand(newVersion())
	asUsageErrors(root)
	return root
}

// flatNames understands the names of Mistral's command, in which noun and verb are one word: workflow-list is workflow list.
func flatNames(root *cobra.Command, args []string) []string {
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		if arg == "run-action" {
			return slices.Concat(args[:i], []string{"action", "run"}, args[i+1:])
		}
		for _, noun := range root.Commands() {
			rest, ok := strings.CutPrefix(arg, noun.Name()+"-")
			if !ok {
				continue
			}
			for _, verb := range noun.Commands() {
				if verb.Name() == rest {
					return slices.Concat(args[:i], []string{noun.Name(), rest}, args[i+1:])
				}
			}
		}
		break
	}
	return args
}

// joinedNames are the commands in the form of Mistral's: workflow-list.
func joinedNames(root *cobra.Command) []string {
	var out []string
	for _, noun := range root.Commands() {
		for _, verb := range noun.Commands() {
			out = append(out, noun.Name()+"-"+verb.Name())
		}
	}
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

var parseError = regexp.MustCompile(`strconv\.Parse(Int|Uint|Bool|Float): parsing ".*": .*$`)

// flagComplaint says what is wrong with a flag without naming Go's functions.
func flagComplaint(err error) string {
	return parseError.ReplaceAllStringFunc(err.Error(), func(text string) string {
		switch parseError.FindStringSubmatch(text)[1] {
		case "Bool":
			return "it is neither true nor false"
		case "Float":
			return "it is no number"
		default:
			return "it is no whole number, or too large"
		}
	})
}

// asUsageErrors gives cobra's complaints about arguments the kind that ends in exit code 2.
func asUsageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil {
				return nil
			}
			meant := ""
			if len(args) > 0 && c.HasAvailableSubCommands() {
				c.SuggestionsMinimumDistance = 2
				if names := c.SuggestionsFor(args[0]); len(names) > 0 {
					meant = fmt.Sprintf("; did you mean %q?", names[0])
				} else if !c.HasParent() {
					meant = input.Suggest(args[0], joinedNames(c))
				}
			}
			if _, wants, ok := strings.Cut(c.Use, " "); ok && !c.HasAvailableSubCommands() {
				return fault.New(fault.Invalid, "%d %s given, `%s` takes %s (see `%s --help`)", len(args), plural(len(args), "argument"), c.CommandPath(), wants, c.CommandPath())
			}
			return fault.New(fault.Invalid, "%w%s (see `%s --help`)", err, meant, c.CommandPath())
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
