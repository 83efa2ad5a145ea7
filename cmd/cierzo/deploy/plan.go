package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

// Verb is what a plan does with an item.
type Verb string

// The verbs.
const (
	Create Verb = "create"
	Update Verb = "update"
	Delete Verb = "delete"
	Keep   Verb = "keep" // it is as it should be
)

// Step is one line of a plan.
type Step struct {
	Verb Verb
	Item Item
	// Diff is the difference as `diff -u` shows it: from what the server has to what it should have.
	Diff string
	// missing names the workflows or actions of an Update's text that the server doesn't have yet.
	missing []string
	// id is what a Delete removes, and what an Update of a trigger replaces.
	id string
	// inPlace says that an event trigger goes on listening to the same, so it can be changed where it is.
	inPlace bool
}

// Mark is the step as one character.
func (s *Step) Mark() string {
	return map[Verb]string{Create: "+", Update: "~", Delete: "-", Keep: "="}[s.Verb]
}

// Plan compares items with what a server has. With prune what the items' namespace has and they don't is deleted.
func Plan(ctx context.Context, c *client.Client, items []Item, namespace string, prune bool) ([]Step, error) {
	p := &planner{ctx: ctx, client: c}
	var out []Step
	for _, item := range items {
		s, err := p.step(item)
		if err != nil {
			return nil, fmt.Errorf("compare %s %s: %w", item.Kind, item.Name(), err)
		}
		out = append(out, *s)
	}
	if prune {
		gone, err := p.prune(items, namespace)
		if err != nil {
			return nil, fmt.Errorf("look for what to delete: %w", err)
		}
		out = append(out, gone...)
	}
	return out, nil
}

type planner struct {
	ctx    context.Context
	client *client.Client
	events []apitype.EventTrigger // read once
}

// current is a definition as the server has it.
type current struct{ text, scope string }

func (p *planner) step(item Item) (*Step, error) {
	switch item.Kind {
	case Environment:
		return p.environment(item)
	case CronTrigger:
		return p.cron(item)
	case EventTrigger:
		return p.event(item)
	case Member:
		return p.member(item)
	}
	s := &Step{Verb: Keep, Item: item}
	have := 0
	shown := map[string]bool{}
	for _, name := range item.Names {
		now, err := p.definition(item.Kind, name, item.Namespace)
		if fault.Is(err, fault.NotFound) {
			s.missing = append(s.missing, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		have++
		if now.text != string(item.Text) && !shown[now.text] {
			shown[now.text] = true
			s.Verb = Update
			s.Diff += unified(item, now.text, string(item.Text))
		}
		if item.Scope != "" && now.scope != item.Scope {
			s.Verb = Update
			s.Diff += fmt.Sprintf("scope: %s, should be %s\n", now.scope, item.Scope)
		}
	}
	switch {
	case have == 0:
		s.Verb, s.missing = Create, nil
		s.Diff = unified(item, "", string(item.Text))
	case len(s.missing) > 0:
		s.Verb = Update
		s.Diff += fmt.Sprintf("new in this text: %s\n", strings.Join(s.missing, ", "))
	}
	return s, nil
}

func (p *planner) definition(kind Kind, name, namespace string) (*current, error) {
	switch kind {
	case Workbook:
		w, err := p.client.Workbook(p.ctx, name, namespace)
		return &current{w.Definition, w.Scope}, err
	case Action:
		a, err := p.client.Action(p.ctx, name, namespace)
		if err == nil && a.Definition.Value == "" { // is_system says so only on some of Mistral's versions
			return nil, fault.New(fault.Conflict, "the server's runners have an action of this name")
		}
		return &current{a.Definition.Value, a.Scope.Value}, err
	default:
		w, err := p.client.Workflow(p.ctx, name, namespace)
		return &current{w.Definition, w.Scope}, err
	}
}

func unified(item Item, from, to string) string {
	old := "server: " + string(item.Kind) + " " + item.Name()
	if from == "" {
		old = "/dev/null"
	}
	return udiff.Unified(old, item.Origin, from, to)
}

func (p *planner) environment(item Item) (*Step, error) {
	s := &Step{Verb: Keep, Item: item}
	now, err := p.client.Environment(p.ctx, item.Names[0])
	if fault.Is(err, fault.NotFound) {
		s.Verb = Create
		s.Diff = unified(item, "", pretty(environmentFields(item.Environment)))
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	want := environmentFields(item.Environment)
	have := map[string]any{"variables": structure(json.RawMessage(now.Variables.Value)), "scope": now.Scope, "description": now.Description.Value}
	for k := range have {
		if _, said := want[k]; !said {
			delete(have, k)
		}
	}
	if !reflect.DeepEqual(want, have) {
		s.Verb = Update
		s.Diff = unified(item, pretty(have), pretty(want))
	}
	return s, nil
}

// environmentFields is what an item says of an environment.
func environmentFields(e *apitype.NewEnvironment) map[string]any {
	out := map[string]any{}
	if !e.Description.IsZero() {
		out["description"] = e.Description.Value
	}
	if e.Scope != "" {
		out["scope"] = e.Scope
	}
	if len(e.Variables) > 0 {
		out["variables"] = structure(e.Variables)
	}
	return out
}

// structure reads JSON, or JSON inside a text; "" and null are an empty object.
func structure(raw json.RawMessage) any {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || v == nil {
		return map[string]any{}
	}
	return v
}

func pretty(v any) string {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(raw) + "\n"
}

func (p *planner) cron(item Item) (*Step, error) {
	s := &Step{Verb: Keep, Item: item}
	now, err := p.client.CronTrigger(p.ctx, item.Names[0])
	want := map[string]any{
		"workflow_name": item.Cron.WorkflowName, "pattern": item.Cron.Pattern.Value, "tz": item.Cron.TZ, "catch_up": item.Cron.CatchUp,
		"workflow_input": structure(item.Cron.WorkflowInput), "workflow_params": structure(item.Cron.WorkflowParams),
	}
	if fault.Is(err, fault.NotFound) {
		s.Verb = Create
		s.Diff = unified(item, "", pretty(want))
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	have := map[string]any{
		"workflow_name": now.WorkflowName, "pattern": now.Pattern.Value, "tz": now.TZ, "catch_up": now.CatchUp,
		"workflow_input": structure(json.RawMessage(now.WorkflowInput)), "workflow_params": structure(json.RawMessage(now.WorkflowParams)),
	}
	if item.Cron.Pattern.Value == "" { // the server writes a pattern of its own for what fires once
		delete(have, "pattern")
		delete(want, "pattern")
	}
	// How often it fires yet and when is the server's: it counts down.
	if !reflect.DeepEqual(want, have) {
		s.Verb, s.id = Update, now.ID
		s.Diff = unified(item, pretty(have), pretty(want))
	}
	return s, nil
}

func (p *planner) event(item Item) (*Step, error) {
	if p.events == nil {
		list, err := p.client.EventTriggers(p.ctx, nil, 0)
		if err != nil {
			return nil, err
		}
		p.events = append([]apitype.EventTrigger{}, list...)
	}
	s := &Step{Verb: Create, Item: item}
	want := eventFields(&item.Event.NewEventTrigger, item.Event.Workflow)
	now, err := p.triggerOf(item)
	if err != nil {
		return nil, err
	}
	if now == nil {
		s.Diff = unified(item, "", pretty(want))
		return s, nil
	}
	name := now.WorkflowID
	if w, err := p.client.Workflow(p.ctx, now.WorkflowID, ""); err == nil {
		name = w.Name
	}
	have := eventFields(&apitype.NewEventTrigger{
		Exchange: now.Exchange, Topic: now.Topic, Event: now.Event, Scope: now.Scope,
		WorkflowInput: json.RawMessage(now.WorkflowInput), WorkflowParams: json.RawMessage(now.WorkflowParams),
	}, name)
	if item.Event.Scope == "" {
		delete(have, "scope")
	}
	s.Verb, s.id, s.inPlace = Keep, now.ID, listens(now.Exchange, now.Topic, now.Event) == listens(item.Event.Exchange, item.Event.Topic, item.Event.Event)
	if !reflect.DeepEqual(want, have) {
		s.Verb = Update
		s.Diff = unified(item, pretty(have), pretty(want))
	}
	return s, nil
}

func listens(exchange, topic, event string) [3]string { return [3]string{exchange, topic, event} }

// triggerOf finds what the server has of an event trigger; nil: nothing. Names may repeat there: the one that listens to the
// same is meant, else the only one of the name, which is to listen to something else. A public one of another project isn't
// meant by a private item.
func (p *planner) triggerOf(item Item) (*apitype.EventTrigger, error) {
	var named, same []apitype.EventTrigger
	for _, t := range p.events {
		if t.Name != item.Names[0] || t.Scope == "public" && item.Event.Scope == "private" {
			continue
		}
		named = append(named, t)
		if listens(t.Exchange, t.Topic, t.Event) == listens(item.Event.Exchange, item.Event.Topic, item.Event.Event) {
			same = append(same, t)
		}
	}
	if len(same) > 0 {
		return &same[0], nil
	}
	switch len(named) {
	case 0:
		return nil, nil
	case 1:
		return &named[0], nil
	}
	return nil, fault.New(fault.Conflict, "the server has %d event triggers of this name, and none listens to %s %s %s: delete those that are too many", len(named), item.Event.Exchange, item.Event.Topic, item.Event.Event)
}

func eventFields(t *apitype.NewEventTrigger, workflow string) map[string]any {
	out := map[string]any{
		"workflow_name": workflow, "exchange": t.Exchange, "topic": t.Topic, "event": t.Event,
		"workflow_input": structure(t.WorkflowInput), "workflow_params": structure(t.WorkflowParams),
	}
	if t.Scope != "" {
		out["scope"] = t.Scope
	}
	return out
}

// prune finds what the namespace has beyond the items: of definitions always, of environments and triggers when there are
// items of the kind. Only what belongs to the project of the others is looked at, not what is public elsewhere.
func (p *planner) prune(items []Item, namespace string) ([]Step, error) {
	q := url.Values{}
	if namespace != "" {
		q.Set("namespace", namespace)
	}
	workflows, err := p.client.Workflows(p.ctx, q, 0)
	if err != nil {
		return nil, err
	}
	workbooks, err := p.client.Workbooks(p.ctx, q, 0)
	if err != nil {
		return nil, err
	}
	actions, err := p.client.Actions(p.ctx, q, 0)
	if err != nil {
		return nil, err
	}
	f := &pruner{wanted: map[string]bool{}, projects: map[string]bool{}}
	for _, i := range items {
		for _, n := range i.Names {
			f.wanted[string(i.Kind)+" "+n] = true
		}
	}
	for _, w := range workbooks {
		f.add(Workbook, w.Name, w.Namespace, w.ID, w.ProjectID, w.Scope)
		f.books = append(f.books, w.Name+".")
	}
	for _, w := range workflows {
		f.add(Workflow, w.Name, w.Namespace, w.ID, w.ProjectID, w.Scope)
	}
	for _, a := range actions {
		if a.Definition.Value != "" { // the others are the runners'
			f.add(Action, a.Name, a.Namespace, a.ID, a.ProjectID.Value, a.Scope.Value)
		}
	}
	if err := p.pruneOthers(items, f); err != nil {
		return nil, err
	}
	out := f.steps(namespace)
	slices.Reverse(out) // triggers go before what they start
	return out, nil
}

// pruneOthers adds environments and triggers.
func (p *planner) pruneOthers(items []Item, f *pruner) error {
	has := func(kind Kind) bool { return slices.ContainsFunc(items, func(i Item) bool { return i.Kind == kind }) }
	if has(Environment) {
		list, err := p.client.Environments(p.ctx, nil, 0)
		if err != nil {
			return err
		}
		for _, e := range list {
			f.add(Environment, e.Name, "", e.Name, e.ProjectID, e.Scope)
		}
	}
	if has(CronTrigger) {
		list, err := p.client.CronTriggers(p.ctx, nil, 0)
		if err != nil {
			return err
		}
		for _, t := range list {
			f.add(CronTrigger, t.Name, "", t.ID, t.ProjectID, t.Scope)
		}
	}
	if has(EventTrigger) {
		list, err := p.client.EventTriggers(p.ctx, nil, 0)
		if err != nil {
			return err
		}
		for _, t := range list {
			f.add(EventTrigger, t.Name, "", t.ID, t.ProjectID, t.Scope)
		}
	}
	return nil
}

// pruner gathers what a server has.
type pruner struct {
	wanted   map[string]bool
	projects map[string]bool // of what is wanted and there
	books    []string        // "workbook."
	found    []found
}

type found struct {
	kind                                Kind
	name, namespace, id, project, scope string
}

func (f *pruner) add(kind Kind, name, namespace, id, project, scope string) {
	if f.wanted[string(kind)+" "+name] {
		f.projects[project] = true
		return
	}
	f.found = append(f.found, found{kind, name, namespace, id, project, scope})
}

func (f *pruner) steps(namespace string) []Step {
	var out []Step
	for _, x := range f.found {
		ofBook := slices.ContainsFunc(f.books, func(prefix string) bool {
			return (x.kind == Workflow || x.kind == Action) && strings.HasPrefix(x.name, prefix)
		})
		mine := f.projects[x.project] || len(f.projects) == 0 && x.scope == "private"
		definition := x.kind == Workflow || x.kind == Action || x.kind == Workbook
		if ofBook || !mine || definition && x.namespace != namespace {
			continue
		}
		out = append(out, Step{Verb: Delete, Item: Item{Kind: x.kind, Names: []string{x.name}, Namespace: x.namespace, Origin: "server"}, id: x.id})
	}
	return out
}
