package remote

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

func taskColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Name", Key: "name"},
		{Title: "Workflow", Key: "workflow_name"},
		{Title: "State", Key: "state"},
		{Title: "Started", Key: "started_at"},
		{Title: "Duration", Of: duration("started_at", "finished_at")},
		{Title: "Info", Key: "state_info"},
		{Title: "Namespace", Key: "workflow_namespace", Wide: true},
		{Title: "Execution ID", Key: "workflow_execution_id", Wide: true},
		{Title: "Created", Key: "created_at", Wide: true},
		{Title: "Finished", Key: "finished_at", Wide: true},
	}
}

func newTask() *cobra.Command {
	return noun("task", "Tasks of executions: look at, rerun, skip them", GroupWatch, nil,
		taskList(), taskGet(),
		taskPart("get-result", "result", "Print the result of a task as JSON", func(t *apitype.Task) string { return t.Result.Value }),
		taskPart("get-published", "published", "Print what a task has published, as JSON", func(t *apitype.Task) string { return t.Published.Value }),
		taskTree(), taskRerun(), taskSkip(),
	)
}

func taskList() *cobra.Command {
	var o listOptions
	var oldest bool
	cmd := verb("list [EXECUTION]", "List tasks, of an execution or of all", cobra.MaximumNArgs(1), func(s *session, args []string) error {
		q, err := o.query()
		if err != nil {
			return err
		}
		execution := ""
		if len(args) > 0 {
			execution = args[0] // in the order in which they ran, which is what one wants to read
		} else {
			newest(q, oldest)
		}
		items, err := s.FindTasks(s.ctx, execution, q, o.limit)
		if err != nil {
			return err
		}
		return s.List("tasks", taskColumns(), items)
	})
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&oldest, "oldest", false, "oldest first; of an execution they always are")
	return completing(cmd, executionNames)
}

func taskRecord() []show.Column {
	return append(taskColumns(), show.Column{Title: "Type", Key: "type"}, show.Column{Title: "Result", Key: "result"},
		show.Column{Title: "Published", Key: "published"})
}

func taskGet() *cobra.Command {
	return verb("get ID", "Show a task with its result", cobra.ExactArgs(1), func(s *session, args []string) error {
		t, err := s.Task(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.One(taskRecord(), t)
	})
}

func taskPart(use, alias, short string, part func(*apitype.Task) string) *cobra.Command {
	cmd := verb(use+" ID", short, cobra.ExactArgs(1), func(s *session, args []string) error {
		t, err := s.Task(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.Value(orNull(part(t)))
	})
	cmd.Aliases = []string{alias}
	return cmd
}

func taskTree() *cobra.Command {
	var o treeOptions
	cmd := verb("get-sub-executions ID", "List the sub-workflow executions of a task", cobra.ExactArgs(1), func(s *session, args []string) error {
		items, err := s.TaskExecutions(s.ctx, args[0], o.errorsOnly, o.depth)
		if err != nil {
			return err
		}
		return s.List("executions", executionColumns(), items)
	})
	o.flags(cmd)
	cmd.Aliases = []string{"sub-executions"}
	return cmd
}

func taskRerun() *cobra.Command {
	var resume bool
	var env, values []string
	cmd := verb("rerun ID", "Run a failed task again; its execution goes on from there", cobra.ExactArgs(1), func(s *session, args []string) error {
		change := map[string]any{"state": "RUNNING", "reset": !resume}
		given, err := input.Assignments("--input", values)
		if err != nil {
			return err
		}
		if given != nil {
			change["input"] = given
		}
		return s.changeTask(args[0], change, env)
	})
	cmd.Flags().StringArrayVarP(&values, "input", "i", nil, "input in place of the one that the task computes, for this run: key=value, a JSON object, or @file; repeatable")
	cmd.Flags().BoolVar(&resume, "resume", false, "of a with-items task, only the items that have failed")
	cmd.Flags().StringArrayVarP(&env, "env", "e", nil, "change the execution's environment: key=value, a JSON object, or @file; repeatable")
	return cmd
}

func taskSkip() *cobra.Command {
	return verb("skip ID", "Take a failed task for done; its execution goes on by on-skip", cobra.ExactArgs(1), func(s *session, args []string) error {
		return s.changeTask(args[0], map[string]any{"state": "SKIPPED"}, nil)
	})
}

func (s *session) changeTask(id string, change map[string]any, env []string) error {
	values, err := input.Assignments("--env", env)
	if err != nil {
		return err
	}
	if values != nil {
		change["env"] = values
	}
	t, err := s.ChangeTask(s.ctx, id, change)
	if err != nil {
		return err
	}
	return s.One(taskRecord(), t)
}

func actionExecutionColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Name", Key: "name"},
		{Title: "Workflow", Key: "workflow_name"},
		{Title: "Task", Key: "task_name"},
		{Title: "State", Key: "state"},
		{Title: "Accepted", Key: "accepted"},
		{Title: "Created", Key: "created_at"},
		{Title: "Duration", Of: duration("created_at", "updated_at")},
		{Title: "Namespace", Key: "workflow_namespace", Wide: true},
		{Title: "Task ID", Key: "task_execution_id", Wide: true},
		{Title: "Info", Key: "state_info", Wide: true},
		{Title: "Updated", Key: "updated_at", Wide: true},
	}
}

func actionExecutionRecord() []show.Column {
	return append(actionExecutionColumns(), show.Column{Title: "Description", Key: "description"}, show.Column{Title: "Input", Key: "input"},
		show.Column{Title: "Output", Key: "output"})
}

func newActionExecution() *cobra.Command {
	verbs := []*cobra.Command{
		actionExecutionList(), actionExecutionGet(),
		actionExecutionPart("get-input", "input", "Print the input of an action execution as JSON", func(a *apitype.ActionExecution) string { return a.Input }),
		actionExecutionPart("get-output", "output", "Print the output of an action execution as JSON", func(a *apitype.ActionExecution) string { return a.Output.Value }),
		actionExecutionUpdate(),
		deleter("delete ID…", "Delete actions that were run by themselves, where the server allows it", "action execution", func(s *session, id string) error {
			return s.DeleteActionExecution(s.ctx, id)
		}),
	}
	return noun("action-execution", "Executions of actions, and their results", GroupWatch, []string{"ae"}, append(verbs, finishers()...)...)
}

func actionExecutionList() *cobra.Command {
	var o listOptions
	var oldest bool
	cmd := verb("list [TASK]", "List action executions, of a task or of all", cobra.MaximumNArgs(1), func(s *session, args []string) error {
		q, err := o.query()
		if err != nil {
			return err
		}
		task := ""
		if len(args) > 0 {
			task = args[0]
		} else {
			newest(q, oldest)
		}
		items, err := s.ActionExecutions(s.ctx, task, q, o.limit)
		if err != nil {
			return err
		}
		return s.List("action executions", actionExecutionColumns(), items)
	})
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&oldest, "oldest", false, "oldest first; of a task they always are")
	return cmd
}

func actionExecutionGet() *cobra.Command {
	return verb("get ID", "Show an action execution with its output", cobra.ExactArgs(1), func(s *session, args []string) error {
		a, err := s.ActionExecution(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.One(actionExecutionRecord(), a)
	})
}

func actionExecutionPart(use, alias, short string, part func(*apitype.ActionExecution) string) *cobra.Command {
	cmd := verb(use+" ID", short, cobra.ExactArgs(1), func(s *session, args []string) error {
		a, err := s.ActionExecution(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.Value(orNull(part(a)))
	})
	cmd.Aliases = []string{alias}
	return cmd
}

func actionExecutionUpdate() *cobra.Command {
	var state string
	var output []string
	cmd := verb("update ID", "Give an action execution a state and an output", cobra.ExactArgs(1), func(s *session, args []string) error {
		if state == "" {
			return fault.New(fault.Invalid, "--state: give PAUSED, RUNNING, SUCCESS, ERROR or CANCELLED")
		}
		return s.finish(args[0], state, output)
	})
	f := cmd.Flags()
	f.StringVarP(&state, "state", "s", "", "PAUSED, RUNNING, SUCCESS, ERROR or CANCELLED")
	f.StringArrayVar(&output, "result", nil, "the output: a JSON object, key=value, or @file; repeatable; --output of Mistral's command")
	complete(cmd, "state", "PAUSED", "RUNNING", "SUCCESS", "ERROR", "CANCELLED")
	return cmd
}

// finishers are the two that people need.
func finishers() []*cobra.Command {
	one := func(use, short, state string) *cobra.Command {
		cmd := verb(use+" ID [RESULT…]", short+"; RESULT is a JSON object, key=value, or @file", cobra.MinimumNArgs(1), func(s *session, args []string) error {
			return s.finish(args[0], state, args[1:])
		})
		cmd.Example = fmt.Sprintf("  cierzo action-execution %s ID approved=true by=kim", use)
		return cmd
	}
	return []*cobra.Command{
		one("complete", "End an asynchronous action in SUCCESS", "SUCCESS"), one("fail", "End an asynchronous action in ERROR", "ERROR"),
	}
}

func (s *session) finish(id, state string, output []string) error {
	values, err := input.Assignments("RESULT", output)
	if err != nil {
		return err
	}
	var result json.RawMessage
	if values != nil {
		if result, err = json.Marshal(values); err != nil {
			return err
		}
	}
	a, err := s.CompleteAction(s.ctx, id, state, result)
	if err != nil {
		return hinted(err, fault.NotFound, "`cierzo execution tasks ID` lists the actions of an execution")
	}
	return s.One(actionExecutionRecord(), a)
}

func actionRun() *cobra.Command {
	var save, wait bool
	var target, namespace, description string
	var values []string
	var timeout int
	cmd := verb("run NAME [INPUT]", "Run an action by itself and print its result", cobra.RangeArgs(1, 2), func(s *session, args []string) error {
		args = append(args, "")
		given, err := merge("input", args[1], values)
		if err != nil {
			return err
		}
		a := apitype.NewActionExecution{Name: args[0], WorkflowNamespace: namespace, Description: description}
		params := map[string]any{"save_result": save, "run_sync": wait}
		if target != "" {
			params["target"] = target
		}
		if timeout > 0 {
			params["timeout"] = timeout
		}
		if a.Params, err = json.Marshal(params); err != nil {
			return err
		}
		if given != nil {
			if a.Input, err = json.Marshal(given); err != nil {
				return err
			}
		}
		return s.runAction(a, save)
	})
	cmd.Example = `  cierzo action run std.echo -i output=hello
  cierzo action run std.http '{"url": "https://example.org"}' --save-result`
	f := cmd.Flags()
	f.StringArrayVarP(&values, "input", "i", nil, "input: key=value (value is JSON or text), a JSON object, or @file; repeatable")
	f.BoolVarP(&save, "save-result", "s", false, "keep the result as an action execution, and don't wait for it")
	f.BoolVar(&wait, "run-sync", false, "wait, even with --save-result; not for asynchronous actions")
	f.StringVarP(&target, "target", "t", "", "name of the runner that has to run it")
	f.StringVar(&namespace, "namespace", "", "namespace of the action")
	f.StringVarP(&description, "description", "d", "", "what it is for")
	f.IntVar(&timeout, "timeout", 0, "seconds that it may take; 0: any")
	return completing(cmd, func(s *session) ([]string, error) {
		items, err := s.Actions(s.ctx, url.Values{}, namesMax)
		return namesOf(items, err, func(a apitype.Action) string { return a.Name })
	})
}

func (s *session) runAction(a apitype.NewActionExecution, saved bool) error {
	done, err := s.RunAction(s.ctx, a)
	if err != nil {
		return err
	}
	if saved {
		return s.One(actionExecutionRecord(), done)
	}
	if err := s.Value(orNull(done.Output.Value)); err != nil {
		return err
	}
	if done.State == "ERROR" || done.State == "CANCELLED" {
		return show.ExitOf(done.State)
	}
	return nil
}

func executionTasks() *cobra.Command {
	columns := []show.Column{
		{Title: "Task", Key: "task_name"},
		{Title: "State", Key: "state"},
		{Title: "Action", Key: "name"},
		{Title: "Action state", Key: "action_state"},
		{Title: "Action ID", Key: "action_id"},
		{Title: "Task ID", Key: "task_id", Wide: true},
	}
	return completing(verb("tasks ID", "List an execution's tasks with their actions", cobra.ExactArgs(1), func(s *session, args []string) error {
		tasks, err := s.Tasks(s.ctx, args[0])
		if err != nil {
			return err
		}
		rows := []map[string]any{}
		for _, t := range tasks {
			list, err := s.TaskActions(s.ctx, t.ID)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				rows = append(rows, map[string]any{"task_id": t.ID, "task_name": t.Name, "state": t.State})
			}
			for _, a := range list {
				rows = append(rows, map[string]any{
					"task_id": t.ID, "task_name": t.Name, "state": t.State, "name": a.Name, "action_state": a.State, "action_id": a.ID, "id": a.ID,
				})
			}
		}
		return s.List("tasks", columns, rows)
	}), executionNames)
}
