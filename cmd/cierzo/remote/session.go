// Package remote has the commands that talk to a server: the nouns and verbs of Mistral's command, and beyond them what
// explains, watches, compares and brings about. They go through api/client, and write by package show.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cierzo/api/client"
	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

// The groups of commands in the help.
const (
	GroupRun         = "run"
	GroupWatch       = "watch"
	GroupDefinitions = "definitions"
	GroupTriggers    = "triggers"
	GroupServer      = "server"
)

// Commands makes all commands that talk to a server.
func Commands() []*cobra.Command {
	return []*cobra.Command{
		newExecution(), newTask(), newActionExecution(), newWatch(), newExplain(), newGraph(), newLogs(),
		newWorkflow(), newWorkbook(), newAction(), newEnvironment(), newCodeSource(), newDynamicAction(), newMember(),
		newApply(), newDiff(), newImport(),
		newCronTrigger(), newEventTrigger(),
		newDoctor(), newProfile(), newMaintenance(), newService(),
	}
}

// session is what a command that talks to a server works with.
type session struct {
	*client.Client
	*show.Printer
	ctx context.Context
	cmd *cobra.Command
}

// sessionFlags declares what all commands of a noun understand.
func sessionFlags(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	connect.Flags(f)
	outputFlags(f)
	complete(cmd, "output", show.Formats()...)
	return cmd
}

func outputFlags(f *pflag.FlagSet) {
	f.StringP("output", "o", "", "form of the result: "+strings.Join(show.Formats(), ", "))
	f.String("query", "", "select from the result by a JMESPath expression; the form is json then, if -o says nothing")
}

// complete names the values of a flag for the shell's completion.
func complete(cmd *cobra.Command, flag string, words ...string) {
	// It fails for a flag that isn't declared, which a test would show: completion is walked there.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

func open(cmd *cobra.Command) (*session, error) {
	p, err := printer(cmd)
	if err != nil {
		return nil, err
	}
	target, err := connect.Find(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c, err := target.Open(cmd.Context())
	if err != nil {
		return nil, Hint(err)
	}
	return &session{Client: c, Printer: p, ctx: cmd.Context(), cmd: cmd}, nil
}

func printer(cmd *cobra.Command) (*show.Printer, error) {
	format, err := cmd.Flags().GetString("output")
	if err != nil {
		return nil, err
	}
	query, err := cmd.Flags().GetString("query")
	if err != nil {
		return nil, err
	}
	return show.NewPrinter(cmd.OutOrStdout(), cmd.ErrOrStderr(), format, query)
}

// Hint adds what helps against an error that has to do with the connection.
func Hint(err error) error {
	text := ""
	switch {
	case errors.Is(err, client.ErrUnauthenticated):
		text = "give a token by --token or CIERZO_TOKEN, Keystone's account by the variables OS_AUTH_URL, OS_USERNAME, …, or either in a profile"
	case fault.Is(err, fault.Unavailable) && strings.Contains(err.Error(), "connection refused"):
		text = "`cierzo server` starts a server; --server, CIERZO_SERVER or a profile says where another one is"
	case fault.Is(err, fault.Unavailable) && strings.Contains(err.Error(), "certificate"):
		text = "OS_CACERT or `cacert` in a profile names the certificate of the authority that signed it"
	case fault.Is(err, fault.Unavailable):
		text = "`cierzo doctor` looks at the connection step by step"
	default:
		return err
	}
	return fault.New(fault.KindOf(err), "%w\n  hint: %s", err, text)
}

// hinted adds a hint to an error of a kind.
func hinted(err error, kind fault.Kind, hint string) error {
	if !fault.Is(err, kind) {
		return err
	}
	return fault.New(kind, "%w\n  hint: %s", err, hint)
}

// noun makes the command of a resource.
func noun(use, short, group string, aliases []string, verbs ...*cobra.Command) *cobra.Command {
	cmd := sessionFlags(&cobra.Command{Use: use, Short: short, Aliases: aliases, GroupID: group, Args: cobra.NoArgs, RunE: help})
	cmd.AddCommand(verbs...)
	return cmd
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// verb makes a command that works with a server.
func verb(use, short string, args cobra.PositionalArgs, run func(s *session, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := open(cmd)
			if err != nil {
				return err
			}
			return Hint(run(s, args))
		},
	}
}

// listOptions are the flags of lists.
type listOptions struct {
	limit              int
	marker             string
	sortKeys, sortDirs string
	filters            []string
	allProjects        bool
}

func (o *listOptions) flags(f *pflag.FlagSet) {
	f.IntVar(&o.limit, "limit", 100, "at most so many; 0: all")
	f.StringVar(&o.marker, "marker", "", "begin behind the item of this id")
	f.StringVar(&o.sortKeys, "sort-keys", "", "fields to sort by, comma-separated")
	f.StringVar(&o.sortDirs, "sort-dirs", "", "asc or desc for each of them, comma-separated")
	f.StringArrayVar(&o.filters, "filter", nil, "field=value or field=op:value with op eq, neq, gt, gte, lt, lte, in, nin or has; repeatable")
	f.BoolVar(&o.allProjects, "all-projects", false, "of all projects; for administrators")
	f.SetNormalizeFunc(dashes)
}

// dashes takes Mistral's --sort_keys for --sort-keys.
func dashes(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
}

func (o *listOptions) query() (url.Values, error) {
	if o.limit < 0 {
		return nil, fault.New(fault.Invalid, "--limit: %d is negative", o.limit)
	}
	q := url.Values{}
	for name, v := range map[string]string{"marker": o.marker, "sort_keys": o.sortKeys, "sort_dirs": o.sortDirs} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for _, f := range o.filters {
		field, v, ok := strings.Cut(f, "=")
		if !ok || field == "" {
			return nil, fault.New(fault.Invalid, "--filter %s: give field=value, such as state=ERROR or name=has:web", f)
		}
		q.Set(field, v)
	}
	if o.allProjects {
		q.Set("all_projects", "true")
	}
	return q, nil
}

// newest sorts by the time of creation, newest first, if nothing else was asked for.
func newest(q url.Values, oldest bool) {
	if !oldest && !q.Has("sort_keys") && !q.Has("sort_dirs") {
		q.Set("sort_keys", "created_at")
		q.Set("sort_dirs", "desc")
	}
}

// lister makes the verb list of a resource.
func lister[T any](what, short string, columns []show.Column, list func(s *session, q url.Values, most int) ([]T, error)) *cobra.Command {
	var o listOptions
	cmd := verb("list", short, cobra.NoArgs, func(s *session, _ []string) error {
		q, err := o.query()
		if err != nil {
			return err
		}
		items, err := list(s, q, o.limit)
		if err != nil {
			return err
		}
		if err := s.List(what, columns, items); err != nil {
			return err
		}
		if o.limit > 0 && len(items) == o.limit && show.Terminal(s.Err) {
			fmt.Fprintf(s.Err, "the first %d; --limit 0 lists all\n", o.limit)
		}
		return nil
	})
	o.flags(cmd.Flags())
	return cmd
}

// deleter makes the verb delete: of several things; what fails is said, the others go on.
func deleter(use, short, what string, remove func(s *session, name string) error) *cobra.Command {
	return verb(use, short, cobra.MinimumNArgs(1), func(s *session, args []string) error {
		return s.each(args, "deleted", what, remove)
	})
}

// each does something with several things, and ends in exit code 1 when one of them has failed.
func (s *session) each(names []string, done, what string, f func(s *session, name string) error) error {
	var last error
	failed := 0
	for _, name := range names {
		if err := f(s, name); err != nil {
			if len(names) == 1 {
				return err
			}
			fmt.Fprintf(s.Err, "%s %s: %v\n", what, name, err)
			failed++
			last = err
			continue
		}
		fmt.Fprintf(s.Err, "%s %s %s\n", what, show.Clean(name), done)
	}
	if failed == len(names) {
		return fault.New(fault.KindOf(last), "none of the %d was %s", failed, done)
	}
	if failed > 0 {
		return show.Exit{Code: show.Failed}
	}
	return nil
}

// meant adds to "not found" the name that was probably meant.
func meant(err error, name string, names func() ([]string, error)) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	known, listErr := names()
	if listErr != nil {
		return err // the first error says more
	}
	if hint := input.Suggest(name, known); hint != "" {
		return fault.New(fault.NotFound, "%w%s", err, hint)
	}
	return err
}

// namesOf lists what completion and suggestions know of a collection.
func namesOf[T any](items []T, err error, name func(T) string) ([]string, error) {
	var out []string
	for _, i := range items {
		out = append(out, name(i))
	}
	return out, err
}

// completing makes a command complete its first argument with names of the server.
func completing(cmd *cobra.Command, names func(s *session) ([]string, error)) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		s, err := open(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := names(s)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}
