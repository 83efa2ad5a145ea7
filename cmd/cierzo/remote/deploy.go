package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/deploy"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

// filesLong says what files can hold, for the commands that read many.
const filesLong = `Files are definitions (workflows, workbooks, ad-hoc actions, as they are uploaded), environments (name, description, variables,
scope), cron triggers (name, workflow_name, pattern, …) and event triggers (name, workflow_name, exchange, topic, event, …): what a
file holds is seen by itself. Folders are searched for *.yaml and *.yml.`

// filesOf is what -f and the arguments name.
func filesOf(flags, args []string) ([]string, error) {
	files := append(slices.Clone(flags), args...)
	if len(files) == 0 {
		return nil, fault.New(fault.Invalid, "name files or folders")
	}
	return files, nil
}

func newDiff() *cobra.Command {
	var files []string
	var namespace string
	var prune bool
	cmd := sessionFlags(verb("diff FILE…", "Compare files with what the server has", cobra.ArbitraryArgs, func(s *session, args []string) error {
		paths, err := filesOf(files, args)
		if err != nil {
			return err
		}
		items, err := deploy.FromFiles(paths, namespace, s.cmd.InOrStdin())
		if err != nil {
			return err
		}
		steps, err := deploy.Plan(s.ctx, s.Client, items, namespace, prune)
		if err != nil {
			return err
		}
		if s.Format != "table" && s.Format != "wide" || s.Query != "" {
			if err := s.List("files", nil, stepObjects(steps)); err != nil {
				return err
			}
		} else {
			for i := range steps {
				if err := s.showDiff(&steps[i]); err != nil {
					return err
				}
			}
		}
		fmt.Fprintln(s.Err, summary(steps))
		if changes(steps) > 0 {
			return show.Exit{Code: show.Failed}
		}
		return nil
	}))
	cmd.GroupID = GroupDefinitions
	cmd.Long = "Compare files with what the server has, as `diff -u` shows it. The exit code is 1 when there is a difference.\n\n" + filesLong
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "file or folder; repeatable")
	cmd.Flags().BoolVar(&prune, "prune", false, "name also what the server has and the files don't")
	return namespaced(cmd, &namespace)
}

func (s *session) showDiff(step *deploy.Step) error {
	switch step.Verb {
	case deploy.Keep:
		return nil
	case deploy.Delete:
		_, err := fmt.Fprintln(s.Out, s.Diff(fmt.Sprintf("- only on the server: %s %s", step.Item.Kind, step.Item.Name())))
		return err
	}
	return s.diffText(step.Diff)
}

// diffText prints a difference, with colours on a terminal.
func (s *session) diffText(text string) error {
	if s.Format == "json" || s.Format == "yaml" || !s.Colour {
		return s.Text(text)
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if _, err := fmt.Fprintln(s.Out, s.Diff(line)); err != nil {
			return err
		}
	}
	return nil
}

func stepObjects(steps []deploy.Step) []map[string]any {
	out := []map[string]any{}
	for i := range steps {
		x := &steps[i]
		out = append(out, map[string]any{
			"step": string(x.Verb), "kind": string(x.Item.Kind), "name": x.Item.Name(), "namespace": x.Item.Namespace, "from": x.Item.Origin, "diff": x.Diff,
		})
	}
	return out
}

func changes(steps []deploy.Step) int {
	n := 0
	for i := range steps {
		if steps[i].Verb != deploy.Keep {
			n++
		}
	}
	return n
}

func tally(steps []deploy.Step) map[deploy.Verb]int {
	n := map[deploy.Verb]int{}
	for i := range steps {
		n[steps[i].Verb]++
	}
	return n
}

func summary(steps []deploy.Step) string {
	n := tally(steps)
	return fmt.Sprintf("%d to create, %d to update, %d to delete, %d unchanged", n[deploy.Create], n[deploy.Update], n[deploy.Delete], n[deploy.Keep])
}

// applyOptions are the flags of `apply`.
type applyOptions struct {
	files     []string
	namespace string
	public    bool
	prune     bool
	dryRun    bool
	yes       bool
}

func newApply() *cobra.Command {
	var o applyOptions
	cmd := sessionFlags(verb("apply -f DIR", "Bring files onto the server: create, update, with --prune delete", cobra.ArbitraryArgs, func(s *session, args []string) error {
		paths, err := filesOf(o.files, args)
		if err != nil {
			return err
		}
		return s.apply(paths, o)
	}))
	cmd.GroupID = GroupDefinitions
	cmd.Long = `Bring files onto the server: what is new is created, what is different becomes a new revision, what is the same stays. --dry-run
shows the plan only, ` + "`cierzo diff`" + ` shows the differences line by line. --prune deletes what the namespace has beyond the files:
workflows, workbooks and ad-hoc actions, and of environments and triggers when the files have some.

` + filesLong
	cmd.Example = `  cierzo apply -f workflows/ --dry-run
  cierzo apply -f workflows/ --prune --yes`
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "file", "f", nil, "file or folder; repeatable")
	f.BoolVar(&o.public, "public", false, "let all projects see the definitions; for administrators")
	f.BoolVar(&o.prune, "prune", false, "delete what the namespace has and the files don't")
	f.BoolVar(&o.dryRun, "dry-run", false, "show the plan, change nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "delete without asking")
	return namespaced(cmd, &o.namespace)
}

func (s *session) apply(paths []string, o applyOptions) error {
	items, err := deploy.FromFiles(paths, o.namespace, s.cmd.InOrStdin())
	if err != nil {
		return err
	}
	if o.public {
		for i := range items {
			if len(items[i].Text) > 0 {
				items[i].Scope = "public"
			}
		}
	}
	steps, err := deploy.Plan(s.ctx, s.Client, items, o.namespace, o.prune)
	if err != nil {
		return err
	}
	if o.dryRun {
		return s.report(steps, nil, nil, true)
	}
	if err := s.confirm(steps, o); err != nil {
		return err
	}
	failures := s.carry(steps)
	return s.report(steps, failures, nil, false)
}

// confirm asks before something is deleted. Who can't be asked has to say --yes.
func (s *session) confirm(steps []deploy.Step, o applyOptions) error {
	n := tally(steps)[deploy.Delete]
	if n == 0 || o.yes {
		return nil
	}
	for i := range steps {
		if x := &steps[i]; x.Verb == deploy.Delete {
			fmt.Fprintf(s.Err, "- %s %s\n", x.Item.Kind, x.Item.Name())
		}
	}
	if !show.Terminal(s.Err) || s.cmd.InOrStdin() != os.Stdin {
		return fault.New(fault.Invalid, "--prune would delete %d definitions: say --yes, or --dry-run to see the plan", n)
	}
	fmt.Fprintf(s.Err, "delete these %d? [y/N] ", n)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if word := strings.ToLower(strings.TrimSpace(answer)); err != nil || word != "y" && word != "yes" {
		return fault.New(fault.Invalid, "nothing was changed")
	}
	return nil
}

// carry carries out all steps, and gives the errors of those that failed, by their number. A server that has gone ends it.
func (s *session) carry(steps []deploy.Step) map[int]error {
	failures := map[int]error{}
	bar := newBar(s.Err, changes(steps))
	defer bar.done()
	var gone error
	for i := range steps {
		x := &steps[i]
		if x.Verb == deploy.Keep {
			continue
		}
		bar.next(fmt.Sprintf("%s %s", x.Item.Kind, x.Item.Name()))
		if gone != nil {
			failures[i] = gone
			continue
		}
		if err := deploy.Carry(s.ctx, s.Client, x); err != nil {
			failures[i] = err
			if s.ctx.Err() != nil || errors.Is(err, client.ErrUnauthenticated) {
				gone = err
			}
		}
	}
	return failures
}

// report shows what was or would be done, and chooses the exit code.
func (s *session) report(steps []deploy.Step, failures map[int]error, notes []deploy.Note, dry bool) error {
	rows := stepObjects(steps)
	for i, row := range rows {
		row["result"] = "done"
		if dry || steps[i].Verb == deploy.Keep {
			row["result"] = ""
		}
		if err := failures[i]; err != nil {
			row["result"], row["error"] = "failed", err.Error()
		}
	}
	if s.Format != "table" && s.Format != "wide" || s.Query != "" {
		var v any = map[string]any{"steps": rows, "notes": noteList(notes), "dry_run": dry}
		if s.Format == "name" {
			v = map[string]any{"name": summary(steps)}
		}
		if err := s.One(nil, v); err != nil {
			return err
		}
	} else {
		s.reportText(steps, failures)
		s.notesText(notes)
	}
	fmt.Fprintln(s.Err, outcome(steps, len(failures), dry))
	if len(failures) > 0 {
		return show.Exit{Code: show.Failed}
	}
	return nil
}

func noteList(notes []deploy.Note) []deploy.Note {
	if notes == nil {
		return []deploy.Note{}
	}
	return notes
}

func (s *session) reportText(steps []deploy.Step, failures map[int]error) {
	width := 0
	for i := range steps {
		width = max(width, len([]rune(steps[i].Item.Name())))
	}
	width = min(width, 60)
	for i := range steps {
		x := &steps[i]
		name := show.Clip(show.Clean(x.Item.Name()), width)
		text := fmt.Sprintf("%s %-13s %s%s  %s", x.Mark(), x.Item.Kind, name, strings.Repeat(" ", width-len([]rune(name))), deploy.Relative(x.Item.Origin))
		state := map[deploy.Verb]string{deploy.Create: "SUCCESS", deploy.Update: "RUNNING", deploy.Delete: "CANCELLED", deploy.Keep: "IDLE"}[x.Verb]
		if err := failures[i]; err != nil {
			text, state = text+"\n    "+err.Error(), "ERROR"
		}
		fmt.Fprintln(s.Out, s.Paint(state, text))
	}
}

// notesText shows notes below the things that they are about.
func (s *session) notesText(notes []deploy.Note) {
	last := ""
	for _, n := range notes {
		if head := string(n.Kind) + " " + n.Name; head != last {
			fmt.Fprintf(s.Out, "\n%s\n", show.Clean(head))
			last = head
		}
		state := map[string]string{"error": "ERROR", "warning": "PAUSED"}[n.Level]
		at := ""
		if n.Line > 0 {
			at = fmt.Sprintf("line %d: ", n.Line)
		}
		fmt.Fprintln(s.Out, s.Paint(state, fmt.Sprintf("  %s: %s%s [%s]", n.Level, at, show.Clean(n.Text), n.Code)))
		if n.Hint != "" {
			fmt.Fprintf(s.Out, "    hint: %s\n", show.Clean(n.Hint))
		}
	}
}

func outcome(steps []deploy.Step, failed int, dry bool) string {
	if dry {
		return summary(steps) + " (dry run: nothing was changed)"
	}
	n := tally(steps)
	text := fmt.Sprintf("%d created, %d updated, %d deleted, %d unchanged", n[deploy.Create], n[deploy.Update], n[deploy.Delete], n[deploy.Keep])
	if failed > 0 {
		text += fmt.Sprintf("; %d of these failed", failed)
	}
	return text
}

// importOptions are the flags of `import`.
type importOptions struct {
	from, profile, token string
	namespace            string
	only                 []string
	dryRun, keep         bool
}

func newImport() *cobra.Command {
	var o importOptions
	cmd := sessionFlags(verb("import --from URL", "Copy definitions, environments and triggers from a running Mistral", cobra.NoArgs, func(s *session, _ []string) error {
		return s.importFrom(o)
	}))
	cmd.GroupID = GroupDefinitions
	cmd.Long = `Copy workbooks, workflows and ad-hoc actions (with their namespaces, scopes and tags), environments, cron and event triggers from a
running Mistral, or from another cierzo, to the server, with whom workflows are shared, too; and say what will behave differently there: what lint finds in the
definitions, actions and workflows that the server doesn't know, Python code.

What the server has already in the same form is left alone, so the command may be repeated; what is different is updated, with
--keep it stays. One thing that fails doesn't keep the others from being copied; the exit code is 1 then. Executions are not
copied. Projects that a workflow is shared with have to accept it again.`
	cmd.Example = `  cierzo import --from http://mistral:8989/v2 --dry-run
  cierzo import --from https://mistral:8989/v2 --from-token "$(openstack token issue -f value -c id)"`
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "address of the server to copy from")
	f.StringVar(&o.profile, "from-profile", "", "profile with the server to copy from and who we are there")
	f.StringVar(&o.token, "from-token", "", "token for that server [CIERZO_FROM_TOKEN]")
	f.StringVar(&o.namespace, "namespace", "", "only definitions of this namespace")
	f.StringSliceVar(&o.only, "only", nil, "only these kinds: action, workbook, workflow, environment, cron-trigger, event-trigger, member")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be done and what will behave differently, change nothing")
	f.BoolVar(&o.keep, "keep", false, "leave what the server has as it is, even where it is different")
	return cmd
}

// source opens the server to copy from.
func (o importOptions) source(ctx context.Context, cmd *cobra.Command) (*client.Client, error) {
	switch {
	case o.from == "" && o.profile == "":
		return nil, fault.New(fault.Invalid, "--from: give the address of the server to copy from, such as http://mistral:8989/v2, or --from-profile")
	case o.profile != "":
		f, err := readProfiles()
		if err != nil {
			return nil, err
		}
		t, err := f.Get(o.profile)
		if err != nil {
			return nil, err
		}
		if o.from != "" {
			t.Server = o.from
		}
		return t.Open(ctx)
	}
	token := o.token
	if token == "" {
		token = os.Getenv("CIERZO_FROM_TOKEN")
	}
	if token != "" {
		return client.Open(client.Config{Address: o.from, Token: token})
	}
	// OpenStack's variables are about the server that they name, or about all when they name none.
	t, err := connect.FromEnvironment(o.from, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	return t.Open(cmd.Context())
}

func (o importOptions) kinds() ([]deploy.Kind, error) {
	var out []deploy.Kind
	for _, word := range o.only {
		kind := deploy.Kind(strings.TrimSuffix(word, "s"))
		if !slices.Contains(deploy.Kinds(), kind) {
			return nil, fault.New(fault.Invalid, "--only: %q is none of action, workbook, workflow, environment, cron-trigger, event-trigger, member", word)
		}
		out = append(out, kind)
	}
	return out, nil
}

func (s *session) importFrom(o importOptions) error {
	kinds, err := o.kinds()
	if err != nil {
		return err
	}
	from, err := o.source(s.ctx, s.cmd)
	if err != nil {
		return err
	}
	if from.Address() == s.Address() {
		return fault.New(fault.Invalid, "--from is the server itself: --server says where to copy to")
	}
	bar := newBar(s.Err, 3)
	bar.next("reading from " + from.Address())
	read, err := deploy.FromServer(s.ctx, from, deploy.Import{
		Kinds: kinds, Namespace: o.namespace, Narrow: s.cmd.Flags().Changed("namespace"), Now: time.Now().UTC(),
	})
	if err != nil {
		bar.done()
		return fmt.Errorf("read from %s: %w", from.Address(), err)
	}
	read.DropMembers(s.ctx, s.Client)
	bar.next("looking at the definitions")
	known, err := s.known()
	if err != nil {
		bar.done()
		return err
	}
	notes := append(deploy.Check(read.Items, known), read.Notes...)
	bar.next("comparing with " + s.Address())
	steps, failures := s.planEach(read.Items)
	bar.done()
	if o.keep {
		for i := range steps {
			if steps[i].Verb == deploy.Update {
				steps[i].Verb = deploy.Keep
			}
		}
	}
	if !o.dryRun {
		for i, err := range s.carry(steps) {
			failures[i] = err
		}
	}
	if err := s.report(steps, failures, notes, o.dryRun); err != nil {
		return err
	}
	if slices.ContainsFunc(read.Notes, func(n deploy.Note) bool { return n.Level == "error" }) {
		return show.Exit{Code: show.Failed}
	}
	return nil
}

// planEach plans item by item, so that one that can't be compared doesn't stop the others.
func (s *session) planEach(items []deploy.Item) ([]deploy.Step, map[int]error) {
	var steps []deploy.Step
	failures := map[int]error{}
	for _, item := range items {
		one, err := deploy.Plan(s.ctx, s.Client, []deploy.Item{item}, item.Namespace, false)
		if err != nil {
			failures[len(steps)] = err
			steps = append(steps, deploy.Step{Verb: deploy.Keep, Item: item})
			continue
		}
		steps = append(steps, one...)
	}
	return steps, failures
}

// known is what the server has, for checking what definitions name.
func (s *session) known() (deploy.Known, error) {
	var out deploy.Known
	actions, err := s.Actions(s.ctx, nil, 0)
	if err != nil {
		return out, err
	}
	workflows, err := s.Workflows(s.ctx, url.Values{"fields": {"name"}}, 0)
	if err != nil {
		return out, err
	}
	out.Actions, _ = namesOf(actions, nil, func(a apitype.Action) string { return a.Name })
	out.Workflows, _ = namesOf(workflows, nil, func(w apitype.Workflow) string { return w.Name })
	return out, nil
}
