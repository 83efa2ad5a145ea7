package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mistralNames are the sub-commands of Mistral's command that talk to a server.
const mistralNames = `
action-create action-delete action-execution-delete action-execution-get action-execution-get-input action-execution-get-output
action-execution-list action-execution-update action-get action-get-definition action-list action-update action-validate
code-source-create code-source-delete code-source-get code-source-get-content code-source-list code-source-update
cron-trigger-create cron-trigger-delete cron-trigger-get cron-trigger-list
dynamic-action-create dynamic-action-delete dynamic-action-get dynamic-action-list dynamic-action-update
environment-create environment-delete environment-get environment-list environment-update
event-trigger-create event-trigger-delete event-trigger-get event-trigger-list
execution-create execution-delete execution-get execution-get-input execution-get-output execution-get-published execution-get-report
execution-get-sub-executions execution-list execution-update
member-create member-delete member-get member-list member-update run-action service-list
task-get task-get-published task-get-result task-get-sub-executions task-list task-rerun
workbook-create workbook-delete workbook-get workbook-get-definition workbook-list workbook-update workbook-validate
workflow-create workflow-delete workflow-get workflow-get-definition workflow-list workflow-update workflow-validate`

// TestMistralNames: each of Mistral's commands is one of ours, by its own name and as noun and verb.
func TestMistralNames(t *testing.T) {
	t.Parallel()
	root := newRoot()
	for _, name := range strings.Fields(mistralNames) {
		words := flatNames(root, []string{name, "x"})
		cmd, rest, err := root.Find(words)
		if err != nil || len(words) != 3 || len(rest) != 1 || !cmd.Runnable() || cmd.HasSubCommands() {
			t.Errorf("%s is %q: command %s, arguments %q, %v", name, words, cmd.CommandPath(), rest, err)
		}
	}
	for _, args := range [][]string{{"workflow", "list"}, {"run", "workflow-list"}, {"nothing-list"}, {"--help"}} {
		if got := flatNames(root, args); strings.Join(got, " ") != strings.Join(args, " ") {
			t.Errorf("%q became %q", args, got)
		}
	}
}

// TestHelp walks all commands: each says what it does, no two of a noun have one name, and flags say their type.
func TestHelp(t *testing.T) {
	t.Parallel()
	n := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		n++
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 110 {
			t.Errorf("%s: the short help is %q", cmd.CommandPath(), cmd.Short)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if strings.Contains(f.Usage, "`") { // the flag library takes it for the name of a value
				t.Errorf("%s --%s: %q", cmd.CommandPath(), f.Name, f.Usage)
			}
		})
		seen := map[string]bool{}
		for _, sub := range cmd.Commands() {
			for _, name := range append([]string{sub.Name()}, sub.Aliases...) {
				if seen[name] {
					t.Errorf("%s has two commands %s", cmd.CommandPath(), name)
				}
				seen[name] = true
			}
			walk(sub)
		}
	}
	walk(newRoot())
	if n < 120 {
		t.Errorf("only %d commands were looked at", n)
	}
}
