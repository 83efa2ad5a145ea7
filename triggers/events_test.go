package triggers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/triggers"
)

func (b *bench) events(definitions string, oneProject bool) *triggers.Events {
	b.t.Helper()
	d, err := triggers.ParseDefinitions("events.yaml", []byte(definitions))
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := triggers.NewEvents(triggers.EventsConfig{
		Store: b.store, Catalog: b.catalog, Engine: b.ledger, Definitions: d, OneProject: oneProject, Now: b.clock.Now,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *bench) eventTrigger(name, scope, flow string, doc persistence.EventTrigger) string {
	b.t.Helper()
	if doc.Input == "" {
		doc.Input, doc.Params = "{}", `{"kept": 1}`
	}
	r := persistence.Resource{Kind: persistence.EventTriggerResource, ProjectID: project, Name: name, Scope: scope, Ref: flow}
	if err := persistence.SetDoc(&r, doc); err != nil {
		b.t.Fatal(err)
	}
	made, err := b.store.CreateResource(b.t.Context(), r)
	if err != nil {
		b.t.Fatal(err)
	}
	return made.ID
}

func object(t *testing.T, text string) *value.Dict {
	t.Helper()
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Dict)
}

func TestEventsMatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	created := persistence.EventTrigger{Exchange: "nova", Topic: "notifications", Event: "instance.create.end"}
	own := b.eventTrigger("own", "private", b.flow, created)
	public := b.eventTrigger("public", "public", b.flow, created)
	other := created
	other.Topic = "other"
	elsewhere := b.eventTrigger("elsewhere", "private", b.flow, other)
	e := b.events("", false)
	for _, c := range []struct {
		exchange, topic, kind, context string
		want                           []string
	}{
		{"nova", "notifications", "instance.create.end", `{"project_id": "p"}`, []string{own, public}},
		{"", "", "instance.create.end", `{"project_id": "p"}`, []string{own, public, elsewhere}},
		{"nova", "other", "instance.create.end", `{"project_id": "p"}`, []string{elsewhere}},
		{"nova", "notifications", "instance.create.end", `{"project_id": "q"}`, []string{public}},
		{"nova", "notifications", "instance.create.end", `{}`, []string{public}},
		{"nova", "notifications", "instance.create.end", `{"project_id": 5}`, []string{public}},
		{"nova", "notifications", "instance.create.start", `{"project_id": "p"}`, nil},
		{"cinder", "notifications", "instance.create.end", `{"project_id": "p"}`, nil},
	} {
		got, err := e.Handle(t.Context(), triggers.Event{ID: "e", Exchange: c.exchange, Topic: c.topic, Type: c.kind, Context: object(t, c.context)})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, id := range c.want {
			want[id] = true
		}
		for _, r := range got {
			if !want[r.TriggerID] || r.Error != nil || r.ExecutionID == "" {
				t.Errorf("%+v: %+v", c, r)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	if len(b.ledger.begun) != 3 {
		t.Errorf("one event, three triggers, %d executions", len(b.ledger.begun))
	}
	if m := e.Metrics(); m["events_total"] != 8 || m["events_unmatched_total"] != 2 {
		t.Errorf("%v", m)
	}
	for _, ev := range []triggers.Event{{ID: "e"}, {Type: "t"}} {
		if _, err := e.Handle(t.Context(), ev); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", ev, err)
		}
	}
	all, err := b.events("", true).Handle(t.Context(), triggers.Event{ID: "f", Type: "instance.create.end"})
	if err != nil || len(all) != 3 {
		t.Errorf("without authentication: %+v, %v", all, err)
	}
}

const definitionsFile = `
- event_types: ["instance.*"]
  properties: {any: '<% $.event_type %>'}
- event_types: instance.[cd]*.end
  properties:
    resource: <% $.payload.id %>
    who: "{{ _.context.user_id }}"
    deep: {list: [<% $.publisher %>, 1]}
- event_types: [broken]
  properties: {x: <% 1 / 0 %>}
`

func TestEventProperties(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, kind := range []string{"instance.create.end", "instance.update", "volume", "broken"} {
		b.eventTrigger(kind, "private", b.flow, persistence.EventTrigger{Event: kind})
	}
	e := b.events(definitionsFile, false)
	for kind, want := range map[string]string{
		"instance.create.end": `{"resource":7,"who":"u","deep":{"list":["svc",1]}}`,
		"instance.update":     `{"any":"instance.update"}`,
		"volume":              `{"service":"svc","project_id":"p","user_id":"u","timestamp":"now"}`,
	} {
		got, err := e.Handle(t.Context(), triggers.Event{
			ID: kind, Type: kind, Publisher: "svc", Timestamp: "now", Payload: object(t, `{"id": 7}`), Context: object(t, `{"project_id": "p", "user_id": "u"}`),
		})
		if err != nil || len(got) != 1 || got[0].Error != nil {
			t.Fatalf("%s: %+v, %v", kind, got, err)
		}
		for id, s := range b.ledger.starts {
			if string(id) != got[0].ExecutionID {
				continue
			}
			params, err := value.AppendJSON(nil, s.Params)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.ReplaceAll(string(params), " ", ""), `{"kept":1,"event_params":`+want+`}`; got != want {
				t.Errorf("%s: params %s, want %s", kind, got, want)
			}
			var about struct {
				TriggeredBy map[string]string `json:"triggered_by"`
			}
			if err := json.Unmarshal([]byte(s.Description), &about); err != nil || about.TriggeredBy["type"] != "event_trigger" || about.TriggeredBy["name"] != kind {
				t.Errorf("description %s: %v", s.Description, err)
			}
		}
	}
	got, err := e.Handle(t.Context(), triggers.Event{ID: "x", Type: "broken", Context: object(t, `{"project_id": "p"}`)})
	if err != nil || len(got) != 1 || got[0].Error == nil || got[0].ExecutionID != "" {
		t.Errorf("broken properties: %+v, %v", got, err)
	}
}

func TestRefusedDefinitions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a: 1":                                            "are a list",
		"- 5":                                             "event definition 1",
		"- {event_types: x}":                              "Required field properties not specified",
		"- {properties: {}}":                              "Required field event_types not specified",
		"- {event_types: [], properties: {}}":             "event_types",
		"- {event_types: [5], properties: {}}":            "is no text",
		"- {event_types: x, properties: []}":              "properties: it takes a dict",
		"- {event_types: x, properties: {}, y: 1}":        `unknown key "y"`,
		"- {event_types: x, properties: {a: '<% $. %>'}}": "properties",
		"- {event_types: '[z-a]', properties: {}}":        "event_types",
		"- [": "events.yaml",
	} {
		if _, err := triggers.ParseDefinitions("events.yaml", []byte(text)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := triggers.ParseDefinitions("events.yaml", nil); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

func TestEventRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bad := b.eventTrigger("bad", "private", "gone", persistence.EventTrigger{Event: "x"})
	b.eventTrigger("good", "private", b.flow, persistence.EventTrigger{Event: "x"})
	e := b.events("", true)
	got, err := e.Handle(t.Context(), triggers.Event{ID: "1", Type: "x"})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, r := range got {
		if (r.TriggerID == bad) != (r.Error != nil) {
			t.Errorf("%+v", r)
		}
	}
	r, err := b.store.GetResource(t.Context(), persistence.EventTriggerResource, bad)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := persistence.DocOf[persistence.EventTrigger](r); err != nil || !strings.Contains(doc.LastError, "Workflow not found") || doc.LastErrorAt.IsZero() {
		t.Errorf("%+v, %v", doc, err)
	}
	b.ledger.refuse = func(catalog.Start) error { return fault.New(fault.Unavailable, "no engine") }
	if _, err := e.Handle(t.Context(), triggers.Event{ID: "2", Type: "x"}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("in doubt: %v", err)
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	inner := `{"message_id": "m1", "publisher_id": "compute.host", "event_type": "instance.create.end", "priority": "INFO", "payload": {"id": 1},
"timestamp": "2026-01-01 00:00:00", "_unique_id": "u", "_context_project_id": "p", "_context_user_id": "me"}`
	quoted, err := json.Marshal(inner)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"envelope": fmt.Sprintf(`{"oslo.version": "2.0", "oslo.message": %s}`, quoted), "bare": inner} {
		ev, err := triggers.ParseNotification([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		project, _ := ev.Context.GetString("project_id")
		if ev.ID != "m1" || ev.Type != "instance.create.end" || ev.Publisher != "compute.host" || ev.Timestamp != "2026-01-01 00:00:00" ||
			value.Str(ev.Payload) != "{'id': 1}" || value.Str(project) != "p" {
			t.Errorf("%s: %+v", name, ev)
		}
	}
	twin, err := triggers.ParseNotification([]byte(`{"event_type": "x"}`))
	again, err2 := triggers.ParseNotification([]byte(`{"event_type": "x"}`))
	if err != nil || err2 != nil || twin.ID == "" || twin.ID != again.ID {
		t.Errorf("without an id: %q, %q", twin.ID, again.ID)
	}
	for _, bad := range []string{
		"", "nonsense", "[]", "{}", `{"event_type": 5}`, `{"oslo.version": "3.0", "oslo.message": "{}"}`, `{"oslo.version": "2.0", "oslo.message": {}}`,
		`{"oslo.version": "2.0", "oslo.message": "nonsense"}`, `{"oslo.message": "[]"}`, `{"event_type": "` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		if _, err := triggers.ParseNotification([]byte(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
	b := newBench(t)
	b.eventTrigger("t", "private", b.flow, persistence.EventTrigger{Exchange: "nova", Topic: "n", Event: "instance.create.end"})
	e := b.events("", false)
	sources, err := e.Sources(t.Context())
	if err != nil || len(sources) != 1 || !sources[triggers.Source{Exchange: "nova", Topic: "n"}] {
		t.Errorf("sources %v, %v", sources, err)
	}
	for range 3 { // redelivered
		if got, err := e.HandleNotification(t.Context(), triggers.Source{Exchange: "nova", Topic: "n"}, []byte(inner)); err != nil || len(got) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if len(b.ledger.begun) != 1 {
		t.Errorf("%d executions of one notification", len(b.ledger.begun))
	}
}
