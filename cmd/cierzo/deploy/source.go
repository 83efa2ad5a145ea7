package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

// Import says what to read from another server.
type Import struct {
	// Kinds to read; empty: all.
	Kinds []Kind
	// Namespace narrows definitions to one, if Narrow says so.
	Namespace string
	Narrow    bool
	// Now is the time, against which first times of triggers are judged.
	Now time.Time
}

// Read is what was read, and what was left where it is.
type Read struct {
	Items []Item
	Notes []Note
	// Names of all workflows of the source, by id.
	workflows map[string]apitype.Workflow
}

// FromServer reads what another server, of Mistral or ours, has: definitions of workbooks, workflows and ad-hoc actions with their
// namespaces and scopes, environments, cron and event triggers, with whom workflows are shared. Tags are in the definitions. What can't be read becomes a note;
// only a server that can't be talked to is an error.
func FromServer(ctx context.Context, c *client.Client, o Import) (*Read, error) {
	r := &reader{ctx: ctx, client: c, options: o, out: &Read{workflows: map[string]apitype.Workflow{}}}
	if o.Narrow {
		r.query = url.Values{"namespace": {o.Namespace}}
	}
	books, err := r.workbooks()
	if err != nil {
		return nil, err
	}
	if err := r.definitions(books); err != nil {
		return nil, err
	}
	for _, read := range []func() error{r.environments, r.crons, r.events, r.members, r.code} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	sortItems(r.out.Items)
	return r.out, nil
}

type reader struct {
	ctx     context.Context
	client  *client.Client
	options Import
	query   url.Values
	out     *Read
}

func (r *reader) wants(kind Kind) bool {
	return len(r.options.Kinds) == 0 || slices.Contains(r.options.Kinds, kind)
}

// note records what could not be read; only a server that isn't there or wants to know who asks is an error for the whole.
func (r *reader) note(kind Kind, name string, err error) error {
	if fault.Is(err, fault.Unavailable) || errors.Is(err, client.ErrUnauthenticated) {
		return fmt.Errorf("read %ss: %w", kind, err)
	}
	r.out.Notes = append(r.out.Notes, Note{Level: "error", Kind: kind, Name: name, Code: "not-read", Text: err.Error()})
	return nil
}

// workbooks gives the prefixes of what is in workbooks, for it comes with them: "namespace/name.".
func (r *reader) workbooks() ([]string, error) {
	list, err := r.client.Workbooks(r.ctx, r.query, 0)
	if err != nil {
		return nil, r.note(Workbook, "", err)
	}
	var books []string
	for _, w := range list {
		books = append(books, w.Namespace+"/"+w.Name+".")
		if r.wants(Workbook) {
			r.add(Workbook, w.Name, w.Namespace, w.Scope, w.Definition)
		}
	}
	return books, nil
}

// definitions reads workflows and actions. Several that were uploaded in one text are one item again.
func (r *reader) definitions(books []string) error {
	ofBook := func(namespace, name string) bool {
		return slices.ContainsFunc(books, func(prefix string) bool { return strings.HasPrefix(namespace+"/"+name, prefix) })
	}
	workflows, err := r.client.Workflows(r.ctx, r.query, 0)
	if err != nil {
		if err := r.note(Workflow, "", err); err != nil {
			return err
		}
	}
	for _, w := range workflows {
		r.out.workflows[w.ID] = w
		if r.wants(Workflow) && !ofBook(w.Namespace, w.Name) {
			r.add(Workflow, w.Name, w.Namespace, w.Scope, w.Definition)
		}
	}
	if !r.wants(Action) {
		return nil
	}
	actions, err := r.client.Actions(r.ctx, r.query, 0)
	if err != nil {
		return r.note(Action, "", err)
	}
	for _, a := range actions {
		if a.Definition.Value != "" && !ofBook(a.Namespace, a.Name) { // the others are the runners'
			r.add(Action, a.Name, a.Namespace, a.Scope.Value, a.Definition.Value)
		}
	}
	return nil
}

func (r *reader) add(kind Kind, name, namespace, scope, text string) {
	if strings.TrimSpace(text) == "" {
		r.out.Notes = append(r.out.Notes, Note{Level: "error", Kind: kind, Name: name, Code: "not-read", Text: "the server gives no text of it"})
		return
	}
	for i := range r.out.Items {
		x := &r.out.Items[i]
		if x.Kind == kind && kind != Workbook && x.Namespace == namespace && x.Scope == scope && string(x.Text) == text {
			x.Names = append(x.Names, name)
			return
		}
	}
	r.out.Items = append(r.out.Items, Item{
		Kind: kind, Names: []string{name}, Namespace: namespace, Scope: scope, Text: []byte(text), Origin: origin(kind, namespace, name),
	})
}

// origin is what stands where a file's name would.
func origin(kind Kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return string(kind) + ":" + name
}

func (r *reader) environments() error {
	if !r.wants(Environment) {
		return nil
	}
	list, err := r.client.Environments(r.ctx, nil, 0)
	if err != nil {
		return r.note(Environment, "", err)
	}
	for _, short := range list {
		if short.Name == "" {
			r.out.Notes = append(r.out.Notes, Note{Level: "warning", Kind: Environment, Name: short.ID, Code: "unnamed", Text: "it has no name, so nothing can use it: it is left behind"})
			continue
		}
		e, err := r.client.Environment(r.ctx, short.Name) // lists may leave out the variables
		if err != nil {
			if err := r.note(Environment, short.Name, err); err != nil {
				return err
			}
			continue
		}
		item := &apitype.NewEnvironment{Name: e.Name, Scope: e.Scope, Variables: json.RawMessage(pretty(structure(json.RawMessage(e.Variables.Value))))}
		if e.Description.Value != "" {
			item.Description = e.Description
		}
		r.out.Items = append(r.out.Items, Item{Kind: Environment, Names: []string{e.Name}, Scope: e.Scope, Origin: origin(Environment, "", e.Name), Environment: item})
	}
	return nil
}

// onceOnly is the pattern that Mistral stores for a trigger with a first time only; it never fires again.
const onceOnly = "0 0 30 2 0"

func (r *reader) crons() error {
	if !r.wants(CronTrigger) {
		return nil
	}
	list, err := r.client.CronTriggers(r.ctx, nil, 0)
	if err != nil {
		return r.note(CronTrigger, "", err)
	}
	for _, t := range list {
		item := apitype.NewCronTrigger{
			Name: t.Name, WorkflowName: t.WorkflowName, Scope: t.Scope, Pattern: t.Pattern, RemainingExecutions: t.RemainingExecutions, TZ: t.TZ, CatchUp: t.CatchUp,
			WorkflowInput: object(t.WorkflowInput), WorkflowParams: object(t.WorkflowParams),
		}
		// A first time that is over is over; one that comes is taken, unless it is the next time of the pattern anyway.
		next, err := time.Parse(apitype.TimeFormat, t.NextExecutionTime.Value)
		later := err == nil && next.After(r.options.Now.Add(2*time.Minute))
		first, err := time.Parse(apitype.TimeFormat, t.FirstExecutionTime.Value)
		if err == nil && later && !first.Before(next.Add(-time.Minute)) {
			item.FirstExecutionTime = apitype.Some(next.Format("2006-01-02 15:04"))
		}
		if item.Pattern.Value == onceOnly {
			item.Pattern = apitype.Opt[string]{}
			if !later {
				r.out.Notes = append(r.out.Notes, Note{Level: "warning", Kind: CronTrigger, Name: t.Name, Code: "over", Text: "it fires once, and that is over or about to be: it is left behind"})
				continue
			}
			item.FirstExecutionTime, item.RemainingExecutions = apitype.Some(next.Format("2006-01-02 15:04")), apitype.Opt[int]{}
		}
		r.out.Items = append(r.out.Items, Item{Kind: CronTrigger, Names: []string{t.Name}, Scope: t.Scope, Origin: origin(CronTrigger, "", t.Name), Cron: &item})
	}
	return nil
}

// object is JSON of a trigger's input; nil where there is none.
func object(text string) json.RawMessage {
	if m, ok := structure(json.RawMessage(text)).(map[string]any); ok && len(m) == 0 {
		return nil
	}
	return json.RawMessage(text)
}

func (r *reader) events() error {
	if !r.wants(EventTrigger) {
		return nil
	}
	list, err := r.client.EventTriggers(r.ctx, nil, 0)
	if err != nil {
		return r.note(EventTrigger, "", err)
	}
	for _, t := range list {
		w, ok := r.out.workflows[t.WorkflowID]
		if !ok {
			found, err := r.client.Workflow(r.ctx, t.WorkflowID, "")
			if err != nil {
				if err := r.note(EventTrigger, t.Name, fmt.Errorf("its workflow %s can't be read: %w", t.WorkflowID, err)); err != nil {
					return err
				}
				continue
			}
			w = *found
		}
		item := &EventItem{Workflow: w.Name, Namespace: w.Namespace, NewEventTrigger: apitype.NewEventTrigger{
			Name: t.Name, Exchange: t.Exchange, Topic: t.Topic, Event: t.Event, Scope: t.Scope,
			WorkflowInput: object(t.WorkflowInput), WorkflowParams: object(t.WorkflowParams),
		}}
		r.out.Items = append(r.out.Items, Item{Kind: EventTrigger, Names: []string{t.Name}, Scope: t.Scope, Origin: origin(EventTrigger, "", t.Name), Event: item})
	}
	return nil
}

// code notes what stays: Python that only a runner can run.
func (r *reader) code() error {
	if len(r.options.Kinds) > 0 {
		return nil
	}
	list, err := r.client.DynamicActions(r.ctx, nil, 0)
	if err != nil {
		// Older servers have no such path, and others show it to administrators only: then there is nothing to say.
		if fault.Is(err, fault.Unavailable) {
			return err
		}
		return nil
	}
	for _, a := range list {
		r.out.Notes = append(r.out.Notes, Note{
			Level: "warning", Kind: "dynamic-action", Name: a.Name, Code: "python",
			Text: fmt.Sprintf("it is Python code (%s in %s) and isn't copied: a runner has to offer an action of this name", a.ClassName, a.CodeSourceName),
		})
	}
	return nil
}
