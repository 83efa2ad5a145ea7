package deploy

import (
	"context"
	"encoding/json"
	"fmt"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

// Carry carries out a step on a server. A step that has been carried out already is no error.
func Carry(ctx context.Context, c *client.Client, s *Step) error {
	switch s.Verb {
	case Keep:
		return nil
	case Delete:
		return remove(ctx, c, s)
	case Create, Update:
		return put(ctx, c, s)
	}
	return fmt.Errorf("unknown step %q", s.Verb)
}

func put(ctx context.Context, c *client.Client, s *Step) error {
	i := &s.Item
	switch i.Kind {
	case Environment:
		if s.Verb == Create {
			_, err := c.CreateEnvironment(ctx, *i.Environment)
			return err
		}
		_, err := c.UpdateEnvironment(ctx, *i.Environment)
		return err
	case CronTrigger:
		return putCron(ctx, c, s)
	case EventTrigger:
		return putEvent(ctx, c, s)
	case Member:
		return putMember(ctx, c, s)
	}
	for _, name := range s.missing {
		text, ok := i.part(name)
		if !ok {
			return fault.New(fault.Invalid, "%s is new in a text with others that exist, and can't be cut out of it: put it into a file of its own", name)
		}
		if err := upload(ctx, c, i.Kind, client.Upload{Text: text, Namespace: i.Namespace, Scope: i.Scope}); err != nil {
			return err
		}
	}
	return upload(ctx, c, i.Kind, client.Upload{Text: i.Text, Namespace: i.Namespace, Scope: i.Scope, Update: s.Verb == Update})
}

func upload(ctx context.Context, c *client.Client, kind Kind, u client.Upload) error {
	var err error
	switch kind {
	case Workbook:
		_, err = c.UploadWorkbook(ctx, u)
	case Action:
		_, err = c.UploadActions(ctx, u)
	default:
		_, err = c.UploadWorkflows(ctx, u)
	}
	return err
}

// putCron makes a trigger; there is no changing one, so an old one goes first.
func putCron(ctx context.Context, c *client.Client, s *Step) error {
	if s.Verb == Update {
		if err := c.DeleteCronTrigger(ctx, s.id); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	_, err := c.CreateCronTrigger(ctx, *s.Item.Cron)
	return err
}

func putEvent(ctx context.Context, c *client.Client, s *Step) error {
	w, err := c.Workflow(ctx, s.Item.Event.Workflow, s.Item.Event.Namespace)
	if err != nil {
		return err
	}
	t := s.Item.Event.NewEventTrigger
	t.WorkflowID = w.ID
	if s.Verb == Update && s.inPlace {
		change := apitype.EventTriggerUpdate{WorkflowID: w.ID, WorkflowInput: orEmpty(t.WorkflowInput), WorkflowParams: orEmpty(t.WorkflowParams), Scope: t.Scope}
		_, err = c.UpdateEventTrigger(ctx, s.id, change)
		return err
	}
	if _, err = c.CreateEventTrigger(ctx, t); err != nil || s.Verb == Create {
		return err
	}
	// The new one listens before the old one goes: no event falls between.
	if err := c.DeleteEventTrigger(ctx, s.id); !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// orEmpty says {} where nothing is said: a change would leave as it is what it doesn't name.
func orEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

func remove(ctx context.Context, c *client.Client, s *Step) error {
	i := &s.Item
	var err error
	switch i.Kind {
	case Workflow:
		err = c.DeleteWorkflow(ctx, i.Names[0], i.Namespace)
	case Workbook:
		err = c.DeleteWorkbook(ctx, i.Names[0], i.Namespace)
	case Action:
		err = c.DeleteAction(ctx, i.Names[0], i.Namespace)
	case Environment:
		err = c.DeleteEnvironment(ctx, i.Names[0])
	case CronTrigger:
		err = c.DeleteCronTrigger(ctx, s.id)
	case EventTrigger:
		err = c.DeleteEventTrigger(ctx, s.id)
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
