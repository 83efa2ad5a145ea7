package triggers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/triggers"
)

// bench is a store in virtual time with a Cron.
type bench struct {
	t       *testing.T
	clock   *clock
	store   *memstore.Store
	catalog *catalog.Catalog
	ledger  *ledger
	cron    *triggers.Cron
	flow    string // id of the workflow
}

func noon() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

func newBench(t *testing.T) *bench {
	t.Helper()
	c := &clock{now: noon()}
	b := &bench{t: t, clock: c, store: memstore.New(memstore.Config{Now: c.Now}), ledger: newLedger()}
	b.catalog = newCatalog(t, b.store)
	b.flow = define(t, b.catalog, tick)
	var err error
	b.cron, err = triggers.NewCron(triggers.CronConfig{Store: b.store, Catalog: b.catalog, Engine: b.ledger, Now: c.Now, CatchUpMax: 3})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) create(name, flow string, due time.Time, doc persistence.CronTrigger) string {
	b.t.Helper()
	if doc.Input == "" {
		doc.Input, doc.Params = "{}", "{}"
	}
	return create(b.t, b.store, name, flow, due, doc).ID
}

func (b *bench) sweep(at time.Time) {
	b.t.Helper()
	b.clock.set(at)
	if err := b.cron.Sweep(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) doc(id string) persistence.CronTrigger {
	b.t.Helper()
	r, err := b.store.GetResource(b.t.Context(), persistence.CronTriggerResource, id)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, err := persistence.DocOf[persistence.CronTrigger](r)
	if err != nil {
		b.t.Fatal(err)
	}
	return doc
}

// ran lists the minutes after noon at which the trigger's ticks ran.
func (b *bench) ran(id string) string {
	var out []string
	for m := range 24 * 60 {
		if b.ledger.begun[triggers.ExecutionID(id, noon().Add(time.Duration(m)*time.Minute))] > 0 {
			out = append(out, fmt.Sprint(m))
		}
	}
	return strings.Join(out, " ")
}

func TestCatchUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy       triggers.CatchUp
		late         time.Duration // of the first sweep after the tick at minute 10
		want         string
		skipped      uint64
		after        string // a minute later
		everyMinutes int
	}{
		{triggers.CatchUpOnce, 0, "10", 0, "10", 5},
		{triggers.CatchUpOnce, 59 * time.Second, "10", 0, "10", 5},
		{triggers.CatchUpOnce, 12 * time.Minute, "20", 2, "20", 5},                                  // 10, 15, 20 were missed
		{triggers.CatchUpOnce, 15*time.Minute + time.Second, "25", 3, "25", 5},                      // 25 is in time and stands for all
		{triggers.CatchUpSkip, 12 * time.Minute, "", 3, "", 5},                                      //
		{triggers.CatchUpSkip, 15*time.Minute + time.Second, "25", 3, "25", 5},                      //
		{triggers.CatchUpAll, 12 * time.Minute, "10 15 20", 0, "10 15 20", 5},                       //
		{triggers.CatchUpAll, 27 * time.Minute, "25 30 35", 3, "25 30 35", 5},                       // the oldest beyond three go
		{triggers.CatchUpAll, 5*time.Minute + 9*time.Second, "12 13 14 15", 2, "12 13 14 15 16", 1}, // 15 isn't late
		{"", 12 * time.Minute, "20", 2, "20", 5},
	} {
		b := newBench(t)
		first := noon().Add(10 * time.Minute)
		id := b.create("t", b.flow, first, persistence.CronTrigger{Pattern: fmt.Sprintf("*/%d * * * *", c.everyMinutes), CatchUp: string(c.policy)})
		b.sweep(first.Add(-time.Second))
		b.sweep(first.Add(c.late))
		if got := b.ran(id); got != c.want {
			t.Errorf("%s, %s late: ran at %q, want %q", c.policy, c.late, got, c.want)
		}
		doc := b.doc(id)
		if doc.Skipped != c.skipped || len(doc.Pending) != 0 || !doc.Next.After(b.clock.Now()) {
			t.Errorf("%s, %s late: %+v", c.policy, c.late, doc)
		}
		b.sweep(b.clock.Now().Add(time.Minute))
		if got := b.ran(id); got != c.after {
			t.Errorf("%s, %s late, a minute later: ran at %q, want %q", c.policy, c.late, got, c.after)
		}
	}
}

// TestManyMissed: a trigger of each second that nobody has fired for a day is decided on in portions, and isn't run a day long.
func TestManyMissed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("t", b.flow, noon(), persistence.CronTrigger{Pattern: "* * * * * *", CatchUp: "all"})
	for range 10 {
		b.sweep(noon().Add(24 * time.Hour))
	}
	if doc := b.doc(id); doc.Started+doc.Skipped != 86401 || doc.Started != 3+61 || len(b.ledger.begun) != 64 {
		t.Errorf("%d started, %d skipped, %d executions", doc.Started, doc.Skipped, len(b.ledger.begun))
	}
}

// TestManyDueAtOnce: a sweep ends when nothing is due any more, also with triggers among it that can't be decided on.
func TestManyDueAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := make([]string, 450)
	for i := range ids {
		ids[i] = b.create(fmt.Sprint("t", i), b.flow, noon(), persistence.CronTrigger{Pattern: "0 * * * *"})
	}
	b.create("broken", b.flow, noon(), persistence.CronTrigger{Pattern: "no pattern"})
	b.clock.set(noon())
	if err := b.cron.Sweep(t.Context()); !fault.Is(err, fault.Invalid) {
		t.Errorf("the broken one says %v", err)
	}
	for _, id := range ids {
		if got := b.ran(id); got != "0" {
			t.Fatalf("%s ran at %q", id, got)
		}
	}
}

func TestCountedTriggersGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("counted", b.flow, noon(), persistence.CronTrigger{Pattern: "* * * * *", Remaining: 2, Params: `{"a": 1}`, Input: `{"n": 2}`})
	once := b.create("once", b.flow, noon().Add(time.Minute), persistence.CronTrigger{Pattern: triggers.OnceOnly, Remaining: 1})
	b.sweep(noon())
	if doc := b.doc(id); doc.Remaining != 1 || doc.Last || len(doc.Runs) != 1 || doc.Runs[0].Outcome != "started" || doc.Runs[0].ExecutionID == "" {
		t.Errorf("after one run: %+v", doc)
	}
	b.sweep(noon().Add(time.Minute))
	b.sweep(noon().Add(2 * time.Minute))
	for _, gone := range []string{id, once} {
		if _, err := b.store.GetResource(t.Context(), persistence.CronTriggerResource, gone); !fault.Is(err, fault.NotFound) {
			t.Errorf("after the last run: %v", err)
		}
	}
	if len(b.ledger.begun) != 3 {
		t.Errorf("%d executions", len(b.ledger.begun))
	}
	s := b.ledger.starts[triggers.ExecutionID(id, noon())]
	var about struct {
		Description string
		TriggeredBy map[string]string `json:"triggered_by"`
	}
	if err := json.Unmarshal([]byte(s.Description), &about); err != nil || about.Description != "Workflow execution created by cron trigger '("+id+")'." ||
		about.TriggeredBy["type"] != "cron_trigger" || about.TriggeredBy["id"] != id {
		t.Errorf("description %s: %v", s.Description, err)
	}
	if s.ProjectID != project || s.WorkflowName != "w" || value.Str(s.Input) != "{'n': 2}" || value.Str(s.Params) != "{'a': 1}" {
		t.Errorf("started: %+v %s %s", s, value.Str(s.Input), value.Str(s.Params))
	}
}

// TestBrokenTriggers: what can't run is recorded in the trigger, counts as a run, and keeps nobody else from running.
func TestBrokenTriggers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other, err := b.catalog.Upload(t.Context(), catalog.Upload{Mode: catalog.Put, ProjectID: "other", File: "o.yaml", Text: []byte(strings.Replace(tick, "\nw:", "\nsecret:", 1))})
	if err != nil {
		t.Fatal(err)
	}
	foreign := other.Workflows[0].FirstID
	type broken struct{ id, text string }
	var list []broken
	for _, c := range []struct {
		flow, text string
		doc        persistence.CronTrigger
	}{
		{"11111111-2222-3333-4444-555555555555", "Workflow not found", persistence.CronTrigger{}},
		{foreign, "Workflow not found", persistence.CronTrigger{}},
		{b.flow, "Invalid input", persistence.CronTrigger{Input: `{"nosuch": 1}`, Params: "{}"}},
		{b.flow, "Environment is not found: none", persistence.CronTrigger{Input: "{}", Params: `{"env": "none"}`}},
		{b.flow, "workflow_input", persistence.CronTrigger{Input: "[]", Params: `{}`}},
		{b.flow, "tz: \"Mars/Olympus\"", persistence.CronTrigger{TZ: "Mars/Olympus"}},
		{b.flow, "", persistence.CronTrigger{Pattern: "nonsense"}},
	} {
		if c.doc.Pattern == "" {
			c.doc.Pattern = "* * * * *"
		}
		list = append(list, broken{b.create(fmt.Sprint("broken-", len(list)), c.flow, noon(), c.doc), c.text})
	}
	last := b.create("last", "gone", noon(), persistence.CronTrigger{Pattern: "* * * * *", Remaining: 1})
	good := b.create("good", b.flow, noon(), persistence.CronTrigger{Pattern: "* * * * *"})
	admins := b.create("admins", foreign, noon(), persistence.CronTrigger{Pattern: "* * * * *", Admin: true})
	_ = b.cron.Sweep(t.Context()) // says that some patterns can't be read
	for _, x := range list {
		doc := b.doc(x.id)
		if len(doc.Runs) != 1 || doc.Runs[0].Outcome != "failed" || !strings.Contains(doc.Runs[0].Error, x.text) || doc.Runs[0].Error == "" {
			t.Errorf("want %q: %+v", x.text, doc)
		}
	}
	if doc := b.doc(last); !doc.Last || !doc.Next.IsZero() || len(doc.Runs) != 1 || doc.Failed != 1 {
		t.Errorf("the last run has failed: %+v", doc)
	}
	if b.ran(good) != "0" || b.ran(admins) != "0" || len(b.ledger.begun) != 2 {
		t.Errorf("ran: %q, %q, %d", b.ran(good), b.ran(admins), len(b.ledger.begun))
	}
	b.clock.set(noon().Add(time.Minute))
	_ = b.cron.Sweep(t.Context())
	if doc := b.doc(last); len(doc.Runs) != 1 {
		t.Errorf("it runs after its last run: %+v", doc)
	}
	if doc := b.doc(list[0].id); doc.Failed != 2 {
		t.Errorf("it isn't tried again: %+v", doc)
	}
}

// TestSharedWorkflow: a share counts when the trigger fires, not only when it is made.
func TestSharedWorkflow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other, err := b.catalog.Upload(t.Context(), catalog.Upload{Mode: catalog.Put, ProjectID: "other", File: "o.yaml", Text: []byte(strings.Replace(tick, "\nw:", "\nshared:", 1))})
	if err != nil {
		t.Fatal(err)
	}
	foreign := other.Workflows[0].FirstID
	share := persistence.Resource{Kind: persistence.MemberResource, ProjectID: "other", Namespace: foreign, Name: project, Ref: project, Scope: "private"}
	if err := persistence.SetDoc(&share, persistence.Member{Status: "accepted"}); err != nil {
		t.Fatal(err)
	}
	made, err := b.store.CreateResource(t.Context(), share)
	if err != nil {
		t.Fatal(err)
	}
	id := b.create("t", foreign, noon(), persistence.CronTrigger{Pattern: "* * * * *"})
	b.sweep(noon())
	if err := persistence.SetDoc(made, persistence.Member{Status: "rejected"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.UpdateResource(t.Context(), *made); err != nil {
		t.Fatal(err)
	}
	b.sweep(noon().Add(time.Minute))
	if doc := b.doc(id); b.ran(id) != "0" || doc.Started != 1 || doc.Failed != 1 {
		t.Errorf("ran at %q: %+v", b.ran(id), doc)
	}
}

// TestDoubtIsTriedAgain: of a start of which nobody knows whether it has happened the tick stays pending.
func TestDoubtIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("t", b.flow, noon(), persistence.CronTrigger{Pattern: "0 * * * *"})
	down := true
	b.ledger.refuse = func(catalog.Start) error {
		if down {
			return fault.New(fault.Unavailable, "no engine")
		}
		return nil
	}
	b.sweep(noon())
	if doc := b.doc(id); len(doc.Pending) != 1 || len(doc.Runs) != 0 {
		t.Errorf("in doubt: %+v", doc)
	}
	down = false
	b.sweep(noon().Add(10 * time.Minute)) // much later: it was decided, so it runs
	if doc := b.doc(id); b.ran(id) != "0" || len(doc.Pending) != 0 || doc.Started != 1 || doc.Skipped != 0 {
		t.Errorf("ran at %q: %+v", b.ran(id), doc)
	}
}

func TestMaintenanceHoldsTriggers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("t", b.flow, noon(), persistence.CronTrigger{Pattern: "* * * * *", CatchUp: "skip"})
	setting := persistence.Resource{Kind: persistence.SettingResource, Name: persistence.MaintenanceName, Scope: "private"}
	if err := persistence.SetDoc(&setting, persistence.Maintenance{Status: "PAUSED"}); err != nil {
		t.Fatal(err)
	}
	made, err := b.store.CreateResource(t.Context(), setting)
	if err != nil {
		t.Fatal(err)
	}
	b.sweep(noon())
	b.sweep(noon().Add(5 * time.Minute))
	if err := persistence.SetDoc(made, persistence.Maintenance{Status: "RUNNING"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.UpdateResource(t.Context(), *made); err != nil {
		t.Fatal(err)
	}
	b.sweep(noon().Add(5*time.Minute + time.Second))
	if doc := b.doc(id); b.ran(id) != "5" && b.ran(id) != "4 5" || doc.Skipped == 0 {
		t.Errorf("ran at %q: %+v", b.ran(id), doc)
	}
}

// TestOldDocuments: what was stored before there was a Next fires too.
func TestOldDocuments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := persistence.Resource{
		Kind: persistence.CronTriggerResource, ProjectID: project, Name: "old", Scope: "private", Ref: b.flow, DueAt: noon(),
		Doc: `{"workflow_name":"w","input":"{}","params":"{}","pattern":"* * * * *"}`,
	}
	made, err := b.store.CreateResource(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b.sweep(noon())
	if doc := b.doc(made.ID); b.ran(made.ID) != "0" || !doc.Next.Equal(noon().Add(time.Minute)) {
		t.Errorf("ran at %q: %+v", b.ran(made.ID), doc)
	}
}

func TestRefusedCronConfig(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Config{})
	ok := triggers.CronConfig{Store: store, Catalog: newCatalog(t, store), Engine: newLedger()}
	for name, change := range map[string]func(c *triggers.CronConfig){
		"no store":  func(c *triggers.CronConfig) { c.Store = nil },
		"no engine": func(c *triggers.CronConfig) { c.Engine = nil },
		"catch-up":  func(c *triggers.CronConfig) { c.CatchUp = "never" },
		"too many":  func(c *triggers.CronConfig) { c.CatchUpMax = 1001 },
		"negative":  func(c *triggers.CronConfig) { c.CatchUpMax = -1 },
	} {
		cfg := ok
		change(&cfg)
		if _, err := triggers.NewCron(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, zone := range []string{"Local", "Nowhere", "../../etc/passwd", "UTC\x00"} {
		if _, err := triggers.Zone(zone); !fault.Is(err, fault.Invalid) {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
	if !slices.Contains([]string{"UTC"}, must(triggers.Zone("")).String()) {
		t.Error("the default isn't UTC")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
