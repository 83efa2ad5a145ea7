package triggers

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
)

// eventTriggersMax bounds the event triggers that there may be.
const eventTriggersMax = 20_000

// Event is something that has happened elsewhere.
type Event struct {
	// ID names the event: sent again, it starts nothing again. Required.
	ID string
	// Exchange and Topic are where it was published; "" is anywhere.
	Exchange, Topic string
	// Type is what triggers name as their event: compute.instance.create.end. Required.
	Type      string
	Publisher string
	Timestamp string
	Payload   value.Value // nil is null
	Context   *value.Dict // who did it: project_id, user_id …; nil is empty
}

// context is an entry of the event's context, null if there is none.
func (e *Event) context(name string) value.Value {
	if e.Context != nil {
		if v, ok := e.Context.GetString(name); ok {
			return v
		}
	}
	return value.Null{}
}

// data is the event as expressions see it: Mistral's names.
func (e *Event) data() *value.Dict {
	d := value.NewDict(0)
	d.SetString("event_type", value.String(e.Type))
	payload := e.Payload
	if payload == nil {
		payload = value.Null{}
	}
	d.SetString("payload", payload)
	d.SetString("publisher", value.String(e.Publisher))
	d.SetString("timestamp", value.String(e.Timestamp))
	about := e.Context
	if about == nil {
		about = value.NewDict(0)
	}
	d.SetString("context", about)
	return d
}

// EventResult is what became of an event at one trigger.
type EventResult struct {
	TriggerID, TriggerName string
	ProjectID              string
	ExecutionID            string // "": it was refused
	Error                  error  // why
}

// EventsConfig is what Events is made of.
type EventsConfig struct {
	Store       persistence.Store // required
	Catalog     *catalog.Catalog  // required
	Engine      Engine            // required
	Definitions Definitions
	// OneProject: nobody authenticates, so all triggers belong to everybody. Else a trigger gets the events of its project,
	// and a public one those of all.
	OneProject bool
	Now        func() time.Time // defaults to time.Now
	Logger     *slog.Logger     // defaults to discarding it
}

// Events gives events to event triggers. It is safe for concurrent use.
type Events struct {
	cfg                          EventsConfig
	taken, started, failed, idle atomic.Uint64

	mu    sync.Mutex
	cache []eventTrigger
	read  time.Time
}

// eventTrigger is a trigger with its document read: each event is compared with all of them.
type eventTrigger struct {
	persistence.Resource
	doc persistence.EventTrigger
}

// NewEvents makes an Events.
func NewEvents(cfg EventsConfig) (*Events, error) {
	if cfg.Store == nil || cfg.Catalog == nil || cfg.Engine == nil {
		return nil, fault.New(fault.Invalid, "events: Store, Catalog and Engine are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Events{cfg: cfg}, nil
}

// Metrics are the counters of what this node has done, by their names.
func (e *Events) Metrics() map[string]uint64 {
	return map[string]uint64{
		"events_total": e.taken.Load(), "events_unmatched_total": e.idle.Load(),
		"event_triggers_started_total": e.started.Load(), "event_triggers_failed_total": e.failed.Load(),
	}
}

// Handle starts what waits for an event, and returns when that is durable. What one trigger can't start is in its result,
// and in the trigger. fault.Unavailable: something is in doubt, give the event again; fault.Invalid: it is no event.
func (e *Events) Handle(ctx context.Context, ev Event) ([]EventResult, error) {
	all, err := e.triggers(ctx)
	if err != nil {
		return nil, err
	}
	return e.handle(ctx, ev, all)
}

func (e *Events) handle(ctx context.Context, ev Event, all []eventTrigger) ([]EventResult, error) {
	if ev.Type == "" || ev.ID == "" {
		return nil, fault.New(fault.Invalid, "an event has an id and a type")
	}
	e.taken.Add(1)
	var called []*eventTrigger
	for i := range all {
		if e.matches(&all[i], &ev) {
			called = append(called, &all[i])
		}
	}
	if len(called) == 0 {
		e.idle.Add(1)
		return nil, nil
	}
	properties, why := e.cfg.Definitions.properties(ev)
	out := make([]EventResult, 0, len(called))
	for _, t := range called {
		result, err := e.call(ctx, t, ev, properties, why)
		if err != nil {
			return nil, err
		}
		out = append(out, result)
	}
	return out, nil
}

// matches reports whether a trigger waits for an event. As in Mistral, the type of the event is the very text.
func (e *Events) matches(t *eventTrigger, ev *Event) bool {
	switch {
	case t.doc.Event != ev.Type, ev.Exchange != "" && t.doc.Exchange != ev.Exchange, ev.Topic != "" && t.doc.Topic != ev.Topic:
		return false
	case e.cfg.OneProject, t.Scope == "public":
		return true
	}
	project, ok := ev.context("project_id").(value.String)
	return ok && string(project) == t.ProjectID
}

// call starts the workflow of a trigger; why: the event's properties could not be found out.
func (e *Events) call(ctx context.Context, t *eventTrigger, ev Event, properties *value.Dict, why error) (EventResult, error) {
	out := EventResult{TriggerID: t.ID, TriggerName: t.Name, ProjectID: t.ProjectID}
	err := why
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		id, startErr := begin(ctx, e.cfg.Store, e.cfg.Catalog, e.cfg.Engine, order{
			trigger: &t.Resource, input: t.doc.Input, params: t.doc.Params, admin: t.doc.Admin, event: properties, key: ev.ID,
			description: description{
				Description: "Workflow execution created by event trigger '(" + t.ID + ")'.",
				TriggeredBy: triggered{Type: "event_trigger", ID: t.ID, Name: t.Name},
			},
		})
		out.ExecutionID, err = string(id), startErr
	}
	switch {
	case err == nil:
		e.started.Add(1)
		return out, nil
	case fault.Is(err, fault.Unavailable) || ctx.Err() != nil:
		return out, fault.Wrap(fault.Unavailable, err, "event trigger %s", t.ID)
	}
	out.ExecutionID, out.Error = "", err
	e.failed.Add(1)
	e.cfg.Logger.Error("event trigger: the workflow can't be started", "trigger", t.ID, "event", ev.Type, "error", err)
	e.complain(ctx, t, err)
	return out, nil
}

// complain writes into a trigger why it could not start its workflow. If that fails, the log has it.
func (e *Events) complain(ctx context.Context, t *eventTrigger, why error) {
	change, doc := t.Resource, t.doc // the list is shared
	doc.LastError, doc.LastErrorAt = errorText(why), e.cfg.Now().UTC()
	err := persistence.SetDoc(&change, doc)
	if err == nil {
		_, err = e.cfg.Store.UpdateResource(ctx, change)
	}
	if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
		e.cfg.Logger.Warn("event trigger: its error is not stored", "trigger", t.ID, "error", err)
	}
}

// triggers reads all event triggers.
func (e *Events) triggers(ctx context.Context) ([]eventTrigger, error) {
	q := persistence.ResourcesQuery{Kind: persistence.EventTriggerResource, Limit: persistence.LimitMax}
	var out []eventTrigger
	for {
		list, err := e.cfg.Store.ListResources(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			doc, err := persistence.DocOf[persistence.EventTrigger](&r)
			if err != nil {
				return nil, err
			}
			out = append(out, eventTrigger{r, doc})
		}
		if len(list) < persistence.LimitMax {
			return out, nil
		}
		if len(out) >= eventTriggersMax {
			return nil, fault.New(fault.Invalid, "there are more than %d event triggers", eventTriggersMax)
		}
		last := list[len(list)-1]
		q.After = &persistence.ResourceMark{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// triggersStale is how old the list of triggers may be that events of a broker are compared with.
const triggersStale = time.Second

// recent is triggers, read once a second.
func (e *Events) recent(ctx context.Context) ([]eventTrigger, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.cfg.Now(); now.Sub(e.read) >= triggersStale || now.Before(e.read) {
		list, err := e.triggers(ctx)
		if err != nil {
			return nil, err
		}
		e.cache, e.read = list, now
	}
	return e.cache, nil
}

// Source is where events of a broker are published.
type Source struct{ Exchange, Topic string }

// Sources are those that there are triggers for.
func (e *Events) Sources(ctx context.Context) (map[Source]bool, error) {
	list, err := e.triggers(ctx)
	if err != nil {
		return nil, err
	}
	out := map[Source]bool{}
	for i := range list {
		out[Source{list[i].doc.Exchange, list[i].doc.Topic}] = true
	}
	return out, nil
}

// HandleNotification takes a message of oslo.messaging from a broker. fault.Unavailable: give it again, later (an engine
// can't be reached, or the service is in maintenance); another error: it is no notification, or nobody could start anything.
func (e *Events) HandleNotification(ctx context.Context, from Source, body []byte) ([]EventResult, error) {
	ev, err := ParseNotification(body)
	if err != nil {
		return nil, err
	}
	closed, err := persistence.InMaintenance(ctx, e.cfg.Store)
	if err != nil {
		return nil, err
	}
	if closed {
		return nil, fault.New(fault.Unavailable, "the service is in maintenance")
	}
	all, err := e.recent(ctx)
	if err != nil {
		return nil, err
	}
	ev.Exchange, ev.Topic = from.Exchange, from.Topic
	return e.handle(ctx, ev, all)
}
