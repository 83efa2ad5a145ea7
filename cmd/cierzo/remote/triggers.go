package remote

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

func cronTriggerColumns() []show.Column {
	return []show.Column{
		{Title: "Name", Key: "name"},
		{Title: "Workflow", Key: "workflow_name"},
		{Title: "Params", Key: "workflow_params"},
		{Title: "Pattern", Key: "pattern"},
		{Title: "Next", Key: "next_execution_time"},
		{Title: "Remaining", Key: "remaining_executions"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at", Wide: true},
		{Title: "Input", Key: "workflow_input", Wide: true},
		{Title: "ID", Key: "id", Wide: true},
	}
}

func newCronTrigger() *cobra.Command {
	names := func(s *session) ([]string, error) {
		items, err := s.CronTriggers(s.ctx, nil, namesMax)
		return namesOf(items, err, func(t apitype.CronTrigger) string { return t.Name })
	}
	list := lister("cron triggers", "List cron triggers", cronTriggerColumns(), func(s *session, q url.Values, most int) ([]apitype.CronTrigger, error) {
		return s.CronTriggers(s.ctx, q, most)
	})
	get := completing(verb("get NAME", "Show a cron trigger by its name or id", cobra.ExactArgs(1), func(s *session, args []string) error {
		t, err := s.CronTrigger(s.ctx, args[0])
		if err != nil {
			return meant(err, args[0], func() ([]string, error) { return names(s) })
		}
		return s.One(cronTriggerColumns(), t)
	}), names)
	remove := completing(deleter("delete NAME…", "Delete cron triggers", "cron trigger", func(s *session, name string) error {
		return s.DeleteCronTrigger(s.ctx, name)
	}), names)
	return noun("cron-trigger", "Starting workflows by the clock", GroupTriggers, []string{"cron"}, cronTriggerCreate(), list, get, remove)
}

func cronTriggerCreate() *cobra.Command {
	var values, params []string
	var pattern, first, zone, catchUp string
	var count int
	var utc bool
	cmd := verb("create NAME WORKFLOW [INPUT]", "Start a workflow by the clock", cobra.RangeArgs(2, 3), func(s *session, args []string) error {
		args = append(args, "")
		t := apitype.NewCronTrigger{Name: args[0], TZ: zone, CatchUp: catchUp}
		if pattern != "" {
			t.Pattern = apitype.Some(pattern)
		}
		if count != 0 {
			t.RemainingExecutions = apitype.Some(count)
		}
		if uuidLike.MatchString(args[1]) {
			t.WorkflowID = args[1]
		} else {
			t.WorkflowName = args[1]
		}
		var err error
		if t.WorkflowInput, t.WorkflowParams, err = triggerValues(args[2], values, params); err != nil {
			return err
		}
		at, err := firstTime(first, utc)
		if err != nil {
			return err
		}
		if at != "" {
			t.FirstExecutionTime = apitype.Some(at)
		}
		done, err := s.CreateCronTrigger(s.ctx, t)
		if err != nil {
			return err
		}
		return s.One(append(cronTriggerColumns(), show.Column{Title: "First", Key: "first_execution_time"}), done)
	})
	cmd.Example = `  cierzo cron-trigger create nightly backup --pattern '30 2 * * *' -i keep=14
  cierzo cron-trigger create once report --first-time '2026-12-24 18:00'`
	f := cmd.Flags()
	f.StringArrayVarP(&values, "input", "i", nil, "input of the workflow: key=value, a JSON object, or @file; repeatable")
	f.StringArrayVar(&params, "params", nil, "start parameters, in the same forms; repeatable")
	f.StringVar(&pattern, "pattern", "", "when: minute hour day month weekday, or @hourly, @daily, …")
	f.StringVar(&first, "first-time", "", "the first time, \"2006-01-02 15:04\", in this machine's time zone")
	f.IntVar(&count, "count", 0, "how many times in all; 0: for ever")
	f.BoolVar(&utc, "utc", false, "--first-time is in UTC")
	f.StringVar(&zone, "tz", "", "time zone whose clocks the pattern is about, such as Europe/Madrid (default UTC)")
	f.StringVar(&catchUp, "catch-up", "", "what becomes of missed ticks: once, skip or all (default: the server's)")
	return cmd
}

// triggerValues reads what a trigger starts its workflow with.
func triggerValues(arg string, values, params []string) (json.RawMessage, json.RawMessage, error) {
	given, err := merge("input", arg, values)
	if err != nil {
		return nil, nil, err
	}
	start, err := merge("params", "", params)
	if err != nil {
		return nil, nil, err
	}
	var in, with json.RawMessage
	if given != nil {
		if in, err = json.Marshal(given); err != nil {
			return nil, nil, err
		}
	}
	if start != nil {
		with, err = json.Marshal(start)
	}
	return in, with, err
}

// firstTime is the time in UTC, as the API takes it.
func firstTime(text string, utc bool) (string, error) {
	if text == "" {
		return "", nil
	}
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		return "", fault.New(fault.Invalid, "--first-time: %q is no time such as \"2026-12-24 18:00\"", text)
	}
	return t.UTC().Format("2006-01-02 15:04"), nil
}

func eventTriggerColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Name", Key: "name"},
		{Title: "Workflow ID", Key: "workflow_id"},
		{Title: "Params", Key: "workflow_params"},
		{Title: "Exchange", Key: "exchange"},
		{Title: "Topic", Key: "topic"},
		{Title: "Event", Key: "event"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at", Wide: true},
		{Title: "Input", Key: "workflow_input", Wide: true},
	}
}

func newEventTrigger() *cobra.Command {
	list := lister("event triggers", "List event triggers", eventTriggerColumns(), func(s *session, q url.Values, most int) ([]apitype.EventTrigger, error) {
		return s.EventTriggers(s.ctx, q, most)
	})
	get := verb("get ID", "Show an event trigger", cobra.ExactArgs(1), func(s *session, args []string) error {
		t, err := s.EventTrigger(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.One(eventTriggerColumns(), t)
	})
	remove := deleter("delete ID…", "Delete event triggers", "event trigger", func(s *session, id string) error { return s.DeleteEventTrigger(s.ctx, id) })
	return noun("event-trigger", "Starting workflows at events", GroupTriggers, nil, eventTriggerCreate(), list, get, eventTriggerUpdate(), remove)
}

func eventTriggerCreate() *cobra.Command {
	var values, params []string
	cmd := verb("create NAME WORKFLOW EXCHANGE TOPIC EVENT [INPUT]", "Start a workflow at an event", cobra.RangeArgs(5, 6), func(s *session, args []string) error {
		args = append(args, "")
		id, err := s.workflowID(args[1])
		if err != nil {
			return err
		}
		t := apitype.NewEventTrigger{Name: args[0], WorkflowID: id, Exchange: args[2], Topic: args[3], Event: args[4]}
		if t.WorkflowInput, t.WorkflowParams, err = triggerValues(args[5], values, params); err != nil {
			return err
		}
		done, err := s.CreateEventTrigger(s.ctx, t)
		if err != nil {
			return err
		}
		return s.One(eventTriggerColumns(), done)
	})
	cmd.Flags().StringArrayVarP(&values, "input", "i", nil, "input of the workflow: key=value, a JSON object, or @file; repeatable")
	cmd.Flags().StringArrayVar(&params, "params", nil, "start parameters, in the same forms; repeatable")
	return cmd
}

// workflowID is the id of a workflow that may be named by its name.
func (s *session) workflowID(name string) (string, error) {
	if uuidLike.MatchString(name) {
		return name, nil
	}
	w, err := s.Workflow(s.ctx, name, "")
	return w.ID, err
}

func eventTriggerUpdate() *cobra.Command {
	var values, params []string
	var name, workflow string
	cmd := verb("update ID", "Change the name, workflow, input or parameters of an event trigger", cobra.ExactArgs(1), func(s *session, args []string) error {
		t := apitype.EventTriggerUpdate{Name: name}
		var err error
		if workflow != "" {
			if t.WorkflowID, err = s.workflowID(workflow); err != nil {
				return err
			}
		}
		if t.WorkflowInput, t.WorkflowParams, err = triggerValues("", values, params); err != nil {
			return err
		}
		done, err := s.UpdateEventTrigger(s.ctx, args[0], t)
		if err != nil {
			return err
		}
		return s.One(eventTriggerColumns(), done)
	})
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "the new name")
	f.StringVar(&workflow, "workflow", "", "name or id of the new workflow")
	f.StringArrayVarP(&values, "input", "i", nil, "input of the workflow: key=value, a JSON object, or @file; repeatable")
	f.StringArrayVar(&params, "params", nil, "start parameters, in the same forms; repeatable")
	return cmd
}
