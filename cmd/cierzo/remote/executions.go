package remote

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

func executionColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Workflow", Key: "workflow_name"},
		{Title: "State", Key: "state"},
		{Title: "Created", Key: "created_at"},
		{Title: "Duration", Of: duration("created_at", "updated_at")},
		{Title: "Description", Key: "description"},
		{Title: "Info", Key: "state_info"},
		{Title: "Namespace", Key: "workflow_namespace", Wide: true},
		{Title: "Workflow ID", Key: "workflow_id", Wide: true},
		{Title: "Task ID", Key: "task_execution_id", Wide: true},
		{Title: "Root ID", Key: "root_execution_id", Wide: true},
		{Title: "Updated", Key: "updated_at", Wide: true},
	}
}

// executionRecord is what `get` shows: more than a list.
func executionRecord() []show.Column {
	return append(executionColumns(), show.Column{Title: "Tags", Key: "tags"}, show.Column{Title: "Input", Key: "input"},
		show.Column{Title: "Params", Key: "params"}, show.Column{Title: "Output", Key: "output"})
}

// duration is the time between two fields, … while it goes on.
func duration(from, to string) func(map[string]any) string {
	return func(o map[string]any) string {
		state, _ := o["state"].(string)
		begin, _ := o[from].(string)
		end, _ := o[to].(string)
		b, err := time.Parse(apitype.TimeFormat, begin)
		if err != nil {
			return ""
		}
		e, err := time.Parse(apitype.TimeFormat, end)
		if err != nil || !show.Final(state) && state != "SKIPPED" {
			return "…"
		}
		return e.Sub(b).String()
	}
}

func newExecution() *cobra.Command {
	return noun("execution", "Executions of workflows: start, look at, control them", GroupWatch, []string{"exec"},
		executionCreate(), executionList(), executionGet(), executionUpdate(),
		deleterForced(), executionTasks(),
		executionState("pause", "Let running actions end and begin no new ones", "PAUSED"),
		executionState("resume", "Continue paused executions", "RUNNING"),
		executionState("cancel", "End executions and all their sub-workflows", "CANCELLED"),
		executionPart("get-input", "input", "Print the input of an execution as JSON", func(e *apitype.Execution) string { return e.Input }),
		executionPart("get-output", "output", "Print the output of an execution as JSON", func(e *apitype.Execution) string { return e.Output.Value }),
		executionPart("get-published", "published", "Print what an execution has published globally, as JSON", func(e *apitype.Execution) string { return e.PublishedGlobal.Value }),
		executionReport(), executionTree(), executionBulk(),
		ungrouped(newWatch()), ungrouped(newExplain()), ungrouped(newGraph()), ungrouped(newLogs()),
	)
}

// ungrouped makes a command of the root one of a noun, whose flags it shares.
func ungrouped(cmd *cobra.Command) *cobra.Command {
	cmd.GroupID = ""
	return cmd
}

// startOptions are the flags of `execution create`.
type startOptions struct {
	input, params, env                          []string
	envName, description, namespace, source, id string
	wait                                        time.Duration
	watch                                       bool
}

func executionCreate() *cobra.Command {
	var o startOptions
	cmd := verb("create [WORKFLOW] [INPUT] [PARAMS]", "Start a workflow by its name or id", cobra.RangeArgs(0, 3), func(s *session, args []string) error {
		return s.start(args, o)
	})
	cmd.Aliases = []string{"start"}
	cmd.Long = `Start a workflow by its name or id. INPUT and PARAMS are JSON objects or names of files in JSON or YAML, as Mistral's command
takes them; --input and --param take key=value, too. --source starts what another execution was started with.

--wait answers when the execution has ended or the time is over; --watch shows it until it ends. Both end in the exit code of
its state: 0 SUCCESS, 1 ERROR, 3 PAUSED, 4 CANCELLED.`
	cmd.Example = `  cierzo execution create provision -i servers=5 --watch
  cierzo execution create provision '{"servers": 5}' -o name
  cierzo execution create provision @input.yaml --wait 30s --query output`
	f := cmd.Flags()
	f.StringArrayVarP(&o.input, "input", "i", nil, "input: key=value (value is JSON or text), a JSON object, or @file; repeatable")
	f.StringArrayVarP(&o.params, "param", "p", nil, "start parameters such as task_name of reverse workflows, in the same forms; repeatable")
	f.StringArrayVarP(&o.env, "env", "e", nil, "variables of the environment, in the same forms; repeatable")
	f.StringVar(&o.envName, "environment", "", "name of a stored environment")
	f.StringVarP(&o.description, "description", "d", "", "what it is for")
	f.StringVar(&o.namespace, "namespace", "", "namespace of the workflow")
	f.StringVarP(&o.source, "source", "s", "", "id of an execution whose workflow, input and params are taken")
	f.StringVar(&o.id, "id", "", "id of the execution: the same one again starts nothing")
	f.DurationVar(&o.wait, "wait", 0, "wait for the end, at most so long, such as 30s")
	f.BoolVarP(&o.watch, "watch", "w", false, "show it until it ends")
	return completing(cmd, func(s *session) ([]string, error) {
		items, err := s.Workflows(s.ctx, url.Values{"fields": {"name"}}, namesMax)
		return namesOf(items, err, func(w apitype.Workflow) string { return w.Name })
	})
}

var uuidLike = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

func (s *session) start(args []string, o startOptions) error {
	e, err := o.request(args)
	if err != nil {
		return err
	}
	done, err := s.StartAndWait(s.ctx, *e, o.wait)
	if err != nil {
		return meant(err, e.WorkflowName, func() ([]string, error) {
			items, err := s.Workflows(s.ctx, url.Values{"fields": {"name"}}, namesMax)
			return namesOf(items, err, func(w apitype.Workflow) string { return w.Name })
		})
	}
	if o.watch {
		return s.watch(done.ID, 0, show.Terminal(s.Out))
	}
	if err := s.One(executionRecord(), done); err != nil {
		return err
	}
	if o.wait > 0 && (show.Final(done.State) || done.State == "PAUSED") {
		return show.ExitOf(done.State)
	}
	return nil
}

// request is what to start.
func (o startOptions) request(args []string) (*apitype.NewExecution, error) {
	args = append(args, "", "", "")
	e := &apitype.NewExecution{ID: o.id, WorkflowNamespace: o.namespace, Description: o.description, SourceExecutionID: o.source}
	if uuidLike.MatchString(args[0]) {
		e.WorkflowID = args[0]
	} else {
		e.WorkflowName = args[0]
	}
	if args[0] == "" && o.source == "" {
		return nil, fault.New(fault.Invalid, "name a workflow, or an execution by --source")
	}
	given, err := merge("input", args[1], o.input)
	if err != nil {
		return nil, err
	}
	if given != nil {
		if e.Input, err = json.Marshal(given); err != nil {
			return nil, err
		}
	}
	params, err := merge("param", args[2], o.params)
	if err != nil {
		return nil, err
	}
	env, err := input.Assignments("--env", o.env)
	if err != nil {
		return nil, err
	}
	if env != nil && o.envName != "" {
		return nil, fault.New(fault.Invalid, "--env and --environment: give one of the two")
	}
	if env != nil || o.envName != "" {
		var v any = env
		if o.envName != "" {
			v = o.envName
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		if params == nil {
			params = map[string]json.RawMessage{}
		}
		params["env"] = raw
	}
	if params != nil {
		if e.Params, err = json.Marshal(params); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// merge reads a positional argument and a flag that say the same thing; the flag wins. nil: neither was given.
func merge(name, arg string, flags []string) (map[string]json.RawMessage, error) {
	values, err := input.Assignments("--"+name, flags)
	if err != nil || arg == "" {
		return values, err
	}
	raw, err := input.Object(strings.ToUpper(name), arg)
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", strings.ToUpper(name))
	}
	for k, v := range values {
		out[k] = v
	}
	return out, nil
}

func executionList() *cobra.Command {
	var o listOptions
	var oldest, roots bool
	var state, workflow, task string
	cmd := verb("list", "List executions, newest first", cobra.NoArgs, func(s *session, _ []string) error {
		q, err := o.query()
		if err != nil {
			return err
		}
		newest(q, oldest)
		if state != "" && !slices.Contains(executionStates(), state) {
			return fault.New(fault.Invalid, "--state: no execution is ever %s%s (one of %s)", state, input.Suggest(strings.ToUpper(state), executionStates()), strings.Join(executionStates(), ", "))
		}
		for name, v := range map[string]string{"state": state, "workflow_name": workflow, "task_execution_id": task} {
			if v != "" {
				q.Set(name, v)
			}
		}
		if roots {
			q.Set("nulls", "root_execution_id")
		}
		items, err := s.AllExecutions(s.ctx, q, o.limit)
		if err != nil {
			return err
		}
		return s.List("executions", executionColumns(), items)
	})
	o.flags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "only those in this state")
	f.StringVar(&workflow, "workflow", "", "only those of the workflow of this name")
	f.StringVar(&task, "task", "", "only the sub-workflows of this task")
	f.BoolVar(&roots, "rootsonly", false, "no sub-workflows")
	f.BoolVar(&oldest, "oldest", false, "oldest first")
	complete(cmd, "state", executionStates()...)
	return cmd
}

func executionStates() []string {
	return []string{"IDLE", "RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED"}
}

// executionNames completes ids: those of the newest executions.
func executionNames(s *session) ([]string, error) {
	q := url.Values{"limit": {"50"}}
	newest(q, false)
	items, err := s.Executions(s.ctx, q)
	return namesOf(items, err, func(e apitype.Execution) string { return e.ID + "\t" + e.WorkflowName + " " + e.State })
}

func executionGet() *cobra.Command {
	return completing(verb("get ID", "Show an execution with its input and output", cobra.ExactArgs(1), func(s *session, args []string) error {
		e, err := s.Execution(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.One(executionRecord(), e)
	}), executionNames)
}

func executionUpdate() *cobra.Command {
	var state, message, description string
	var env []string
	cmd := verb("update ID", "Change the state, the environment or the description of an execution", cobra.ExactArgs(1), func(s *session, args []string) error {
		change := map[string]any{}
		if state != "" {
			change["state"] = state
		}
		if message != "" {
			change["state_info"] = message
		}
		if description != "" {
			change["description"] = description
		}
		values, err := input.Assignments("--env", env)
		if err != nil {
			return err
		}
		if values != nil {
			change["params"] = map[string]any{"env": values}
		}
		if len(change) == 0 {
			return fault.New(fault.Invalid, "nothing to change: give --state, --env or --description")
		}
		e, err := s.UpdateExecution(s.ctx, args[0], change)
		if err != nil {
			return err
		}
		return s.One(executionRecord(), e)
	})
	f := cmd.Flags()
	f.StringVarP(&state, "state", "s", "", "RUNNING, PAUSED, SUCCESS, ERROR or CANCELLED")
	f.StringVarP(&message, "message", "m", "", "why; becomes the execution's state info")
	f.StringVarP(&description, "description", "d", "", "the new description")
	f.StringArrayVarP(&env, "env", "e", nil, "variables: key=value, a JSON object, or @file; repeatable")
	complete(cmd, "state", "RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED")
	return completing(cmd, executionNames)
}

func deleterForced() *cobra.Command {
	var force bool
	cmd := deleter("delete ID…", "Delete executions that have ended", "execution", func(s *session, id string) error {
		return hinted(s.DeleteExecution(s.ctx, id, force), fault.Forbidden, "`cierzo execution cancel` ends it, --force deletes it as it is")
	})
	cmd.Flags().BoolVar(&force, "force", false, "also those that have not ended")
	return completing(cmd, executionNames)
}

func executionState(use, short, state string) *cobra.Command {
	var message string
	done := map[string]string{"PAUSED": "paused", "RUNNING": "resumed", "CANCELLED": "cancelled"}[state]
	cmd := verb(use+" ID…", short, cobra.MinimumNArgs(1), func(s *session, args []string) error {
		if len(args) > 1 {
			return s.each(args, done, "execution", func(s *session, id string) error {
				_, err := s.SetState(s.ctx, id, state, message)
				return err
			})
		}
		e, err := s.SetState(s.ctx, args[0], state, message)
		if err != nil {
			return err
		}
		return s.One(executionRecord(), e)
	})
	if state == "CANCELLED" {
		cmd.Flags().StringVarP(&message, "message", "m", "", "why; becomes the execution's state info")
	}
	return completing(cmd, executionNames)
}

// executionPart prints one of the structured fields.
func executionPart(use, alias, short string, part func(*apitype.Execution) string) *cobra.Command {
	cmd := verb(use+" ID", short, cobra.ExactArgs(1), func(s *session, args []string) error {
		e, err := s.Execution(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.Value(orNull(part(e)))
	})
	cmd.Aliases = []string{alias}
	return completing(cmd, executionNames)
}

func orNull(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(text)
}

// treeOptions are the flags of what looks at sub-workflows.
type treeOptions struct {
	errorsOnly bool
	depth      int
}

func (o *treeOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.errorsOnly, "errors-only", false, "only what has failed")
	cmd.Flags().IntVar(&o.depth, "max-depth", -1, "how deep into sub-workflows; -1: all")
}

func executionReport() *cobra.Command {
	var o treeOptions
	var statistics, all bool
	cmd := verb("get-report ID", "Show an execution with all tasks, actions and sub-workflows as a tree", cobra.ExactArgs(1), func(s *session, args []string) error {
		r, err := s.Report(s.ctx, args[0], o.errorsOnly && !all, statistics, o.depth)
		if err != nil {
			return err
		}
		if s.Format != "table" && s.Format != "wide" || s.Query != "" {
			return s.One(nil, r)
		}
		for _, b := range show.Tree(r, time.Now().UTC()) {
			fmt.Fprintln(s.Out, s.TreeLine(b, s.Width))
		}
		if r.Root != nil {
			fmt.Fprintln(s.Out)
		}
		st := r.Statistics
		fmt.Fprintf(s.Out, "%d tasks: %d running, %d succeeded, %d failed, %d idle, %d paused\n", st.Total, st.Running, st.Success, st.Error, st.Idle, st.Paused)
		return nil
	})
	o.flags(cmd)
	cmd.Flags().BoolVar(&statistics, "statistics-only", false, "only the numbers")
	cmd.Flags().BoolVar(&all, "no-errors-only", false, "all tasks; it is what happens anyway")
	cmd.Aliases = []string{"report"}
	return completing(cmd, executionNames)
}

func executionTree() *cobra.Command {
	var o treeOptions
	cmd := verb("get-sub-executions ID", "List an execution and all its sub-workflows", cobra.ExactArgs(1), func(s *session, args []string) error {
		items, err := s.SubExecutions(s.ctx, args[0], o.errorsOnly, o.depth)
		if err != nil {
			return err
		}
		return s.List("executions", executionColumns(), items)
	})
	o.flags(cmd)
	cmd.Aliases = []string{"sub-executions"}
	return completing(cmd, executionNames)
}

func bulkActions() []string { return []string{"pause", "resume", "cancel", "rerun", "delete"} }

func executionBulk() *cobra.Command {
	var b apitype.Bulk
	var filters []string
	cmd := verb("bulk pause|resume|cancel|rerun|delete", "Do one thing with all executions that a filter selects", cobra.ExactArgs(1), func(s *session, args []string) error {
		if actions := bulkActions(); !slices.Contains(actions, args[0]) {
			return fault.New(fault.Invalid, "bulk %s: it does %s%s", args[0], strings.Join(actions, ", "), input.Suggest(args[0], actions))
		}
		b.Action, b.Filter = args[0], map[string]any{}
		o := listOptions{filters: filters}
		q, err := o.query()
		if err != nil {
			return err
		}
		for field := range q {
			b.Filter[field] = q.Get(field)
		}
		if len(b.Filter) == 0 {
			return fault.New(fault.Invalid, "give a --filter such as state=ERROR: all executions are seldom meant")
		}
		return s.bulk(b)
	})
	cmd.Long = "Do one thing with all executions that a filter selects. `rerun` runs the failed tasks of those without a parent again."
	cmd.Example = `  cierzo execution bulk cancel --filter workflow_name=etl --filter state=RUNNING --dry-run
  cierzo execution bulk rerun --filter state=ERROR --filter created_at=gt:2026-01-01`
	cmd.ValidArgs = bulkActions()
	f := cmd.Flags()
	f.StringArrayVar(&filters, "filter", nil, "field=value or field=op:value, as of execution list; repeatable")
	f.BoolVar(&b.DryRun, "dry-run", false, "name them, do nothing")
	f.BoolVar(&b.Force, "force", false, "delete also what has not ended")
	f.StringVarP(&b.Reason, "message", "m", "", "why; becomes the state info of what is cancelled")
	return cmd
}

// bulk sends requests until the server has no more that match.
func (s *session) bulk(b apitype.Bulk) error {
	total := apitype.BulkResult{Action: b.Action, DryRun: b.DryRun, IDs: []string{}, Failed: []apitype.BulkFailure{}}
	for {
		r, err := s.Bulk(s.ctx, b)
		if err != nil {
			return err
		}
		total.Matched, total.Done = total.Matched+r.Matched, total.Done+r.Done
		total.IDs, total.Failed = append(total.IDs, r.IDs...), append(total.Failed, r.Failed...)
		if b.Marker = r.Marker; b.Marker == "" {
			break
		}
		fmt.Fprintf(s.Err, "%d so far\n", total.Matched)
	}
	columns := []show.Column{{Title: "Action", Key: "action"}, {Title: "Matched", Key: "matched"}, {Title: "Done", Key: "done"}, {Title: "IDs", Key: "ids"}}
	if err := s.One(columns, total); err != nil {
		return err
	}
	for _, f := range total.Failed {
		fmt.Fprintf(s.Err, "execution %s: %s\n", f.ID, f.Error)
	}
	if len(total.Failed) > 0 {
		return show.Exit{Code: show.Failed}
	}
	return nil
}
