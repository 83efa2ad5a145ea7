package triggers_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/catalog"
	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/persistence/sqlstore"
	"cierzo/triggers"
	"cierzo/workflow"
)

const project = "p"

// clock is virtual time, shared by all engines and the database.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

// ledger is what all engines together have started; the same id again is nothing new, as in the engine.
type ledger struct {
	mu     sync.Mutex
	begun  map[workflow.ExecutionID]int
	starts map[workflow.ExecutionID]catalog.Start
	refuse func(s catalog.Start) error
}

func newLedger() *ledger {
	return &ledger{begun: map[workflow.ExecutionID]int{}, starts: map[workflow.ExecutionID]catalog.Start{}}
}

func (l *ledger) Start(_ context.Context, s catalog.Start) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		if err := l.refuse(s); err != nil {
			return err
		}
	}
	l.begun[s.ID]++
	l.starts[s.ID] = s
	return nil
}

var errDead = fault.New(fault.Unavailable, "this engine has died")

// mortal is an engine's access to the store and to executions. It dies at one of its steps: before it, so that nothing is
// done, or after it, so that nobody hears that it was.
type mortal struct {
	persistence.Store
	ledger *ledger
	clock  *clock
	mu     sync.Mutex
	steps  int // that are left to it
	after  bool
}

func (m *mortal) step(do func() error) error {
	m.mu.Lock()
	m.steps--
	left, after := m.steps, m.after
	m.mu.Unlock()
	switch {
	case left > 0:
		return do()
	case left == 0 && after:
		return errors.Join(errDead, do())
	}
	return errDead
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.steps <= 0
}

func (m *mortal) Start(ctx context.Context, s catalog.Start) error {
	return m.step(func() error { return m.ledger.Start(ctx, s) })
}

func (m *mortal) UpdateResource(ctx context.Context, r persistence.Resource) (out *persistence.Resource, err error) {
	err = m.step(func() error {
		out, err = m.Store.UpdateResource(ctx, r)
		return err
	})
	return out, err
}

func (m *mortal) DeleteResource(ctx context.Context, kind persistence.ResourceKind, id string, version uint64) error {
	return m.step(func() error { return m.Store.DeleteResource(ctx, kind, id, version) })
}

// DueResources asks the virtual clock. The simulated year is over by the clock of a real database.
func (m *mortal) DueResources(ctx context.Context, kind persistence.ResourceKind, limit int) ([]persistence.Resource, error) {
	list, err := m.Store.DueResources(ctx, kind, limit)
	return slices.DeleteFunc(list, func(r persistence.Resource) bool { return r.DueAt.After(m.clock.Now()) }), err
}

func newCatalog(t *testing.T, store persistence.Store) *catalog.Catalog {
	t.Helper()
	registry := actions.NewRegistry()
	if err := std.Register(registry, std.Config{}); err != nil {
		t.Fatal(err)
	}
	return catalog.New(store, registry)
}

// define stores the workflow that triggers start and gives its id.
func define(t *testing.T, cat *catalog.Catalog, text string) string {
	t.Helper()
	done, err := cat.Upload(t.Context(), catalog.Upload{Mode: catalog.Put, ProjectID: project, File: "w.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return done.Workflows[0].FirstID
}

const tick = "version: '2.0'\nw:\n  input: [n: 1]\n  tasks:\n    t: {action: std.noop}\n"

func create(t *testing.T, store persistence.Store, name, workflowID string, due time.Time, doc persistence.CronTrigger) *persistence.Resource {
	t.Helper()
	doc.Next = due
	r := persistence.Resource{Kind: persistence.CronTriggerResource, ProjectID: project, Name: name, Scope: "private", Ref: workflowID, DueAt: due}
	if err := persistence.SetDoc(&r, doc); err != nil {
		t.Fatal(err)
	}
	made, err := store.CreateResource(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// subject is a trigger of the simulated year.
type subject struct {
	pattern, zone string
	catchUp       triggers.CatchUp
	matches       func(local time.Time) bool // the dumb twin of the pattern: does the clock on the wall show it?
	fixed         bool                       // a time of the day, once a day; else by time elapsed
	ticks         []time.Time                // what the twin expects
	id            string
	skipped       map[time.Time]int
	lastNo        uint64
	version       uint64
	doc           persistence.CronTrigger
}

func at(hour, minute int) func(time.Time) bool {
	return func(l time.Time) bool { return l.Hour() == hour && l.Minute() == minute }
}

// expect finds the ticks of a year minute by minute.
func (s *subject) expect(t *testing.T, from, to time.Time) {
	t.Helper()
	zone, err := time.LoadLocation(s.zone)
	if err != nil {
		t.Fatal(err)
	}
	days := map[string]bool{}
	for m := from.Add(time.Minute); !m.After(to); m = m.Add(time.Minute) {
		local := m.In(zone)
		// What the clock would show if it hadn't been put forward: times that are skipped are taken by the old clock.
		_, before := m.Add(-3 * time.Hour).In(zone).Zone()
		_, now := local.Zone()
		old := m.UTC().Add(time.Duration(before) * time.Second)
		if !s.fixed {
			if s.matches(local) {
				s.ticks = append(s.ticks, m)
			}
			continue
		}
		day := local.Format(time.DateOnly)
		skipped := now > before && s.matches(old) && inGap(m, zone, before, now)
		if (s.matches(local) || skipped) && !days[day] {
			days[day] = true
			s.ticks = append(s.ticks, m)
		}
	}
}

// inGap reports whether the old clock would show a time at m that the clock on the wall never has shown.
func inGap(m time.Time, zone *time.Location, before, now int) bool {
	for change := m; ; change = change.Add(-time.Minute) {
		if _, offset := change.In(zone).Zone(); offset == before {
			return m.Sub(change.Add(time.Minute)) < time.Duration(now-before)*time.Second
		}
	}
}

func yearSubjects(often bool) []*subject {
	list := []*subject{
		{pattern: "30 2 * * *", zone: "Europe/Berlin", catchUp: triggers.CatchUpAll, matches: at(2, 30), fixed: true},
		{pattern: "30 1 * * *", zone: "America/New_York", catchUp: triggers.CatchUpOnce, matches: at(1, 30), fixed: true},
		{pattern: "15 2 * * *", zone: "Australia/Lord_Howe", catchUp: triggers.CatchUpSkip, matches: at(2, 15), fixed: true},
		{pattern: "0 9 * * mon-fri", zone: "", catchUp: "", matches: func(l time.Time) bool {
			return at(9, 0)(l) && l.Weekday() != time.Saturday && l.Weekday() != time.Sunday
		}, fixed: true},
	}
	if often {
		list = append(
			list,
			&subject{pattern: "50 * * * *", zone: "Europe/Berlin", catchUp: triggers.CatchUpAll, matches: func(l time.Time) bool { return l.Minute() == 50 }},
			&subject{pattern: "20 * * * *", zone: "Australia/Lord_Howe", catchUp: triggers.CatchUpOnce, matches: func(l time.Time) bool { return l.Minute() == 20 }},
		)
	}
	return list
}

// TestYear: three engines live through a year, over all changes of clocks, dying at random steps of their work; sometimes
// all of them are away for hours. Each tick of each trigger is started once, or recorded as skipped.
func TestYear(t *testing.T) {
	t.Parallel()
	t.Run("in memory", func(t *testing.T) {
		t.Parallel()
		c := &clock{}
		year(t, c, memstore.New(memstore.Config{Now: c.Now}), yearSubjects(true))
	})
	for name, dsn := range map[string]func() string{
		"SQLite":     func() string { return "sqlite://" + filepath.Join(t.TempDir(), "year.db") },
		"PostgreSQL": func() string { return dbtest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "PostgreSQL" && dbtest.Installed() == "" {
				t.Skip("PostgreSQL isn't installed")
			}
			store, err := sqlstore.Open(t.Context(), dsn(), sqlstore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			year(t, &clock{}, store, yearSubjects(false)[:1])
		})
	}
}

func year(t *testing.T, c *clock, store persistence.Store, list []*subject) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(1, 0, 0)
	c.set(from)
	cat, l := newCatalog(t, store), newLedger()
	w := define(t, cat, tick)
	for i, s := range list {
		s.skipped = map[time.Time]int{}
		s.expect(t, from, to)
		s.id = create(t, store, fmt.Sprint("trigger-", i), w, s.ticks[0], persistence.CronTrigger{
			WorkflowName: "w", Input: "{}", Params: "{}", Pattern: s.pattern, TZ: s.zone, CatchUp: string(s.catchUp),
		}).ID
	}
	deaths, outages := 0, 0
	var engines [3]*mortal
	var crons [3]*triggers.Cron
	for {
		next := look(t, store, list)
		if next.After(to) {
			break
		}
		c.set(latest(c.Now().Add(time.Duration(rnd.IntN(3000))*time.Millisecond), next))
		if rnd.IntN(60*len(list)) == 0 && c.Now().Before(to.AddDate(0, 0, -3)) {
			outages++
			c.set(c.Now().Add(time.Duration(rnd.IntN(60*48)) * time.Minute))
		}
		if c.Now().After(to) {
			c.set(to)
		}
		i := rnd.IntN(len(crons))
		if crons[i] == nil || engines[i].dead() {
			if crons[i] != nil {
				deaths++
			}
			engines[i] = &mortal{Store: store, ledger: l, clock: c, steps: 1 + rnd.IntN(60), after: rnd.IntN(2) == 0}
			if c.Now().After(to.Add(-2 * time.Hour)) {
				engines[i].steps = 1 << 20 // what was begun is brought to its end
			}
			var err error
			crons[i], err = triggers.NewCron(triggers.CronConfig{Store: engines[i], Catalog: cat, Engine: engines[i], Now: c.Now, CatchUpMax: 5})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := crons[i].Sweep(t.Context()); err != nil && !engines[i].dead() {
			t.Fatal(err)
		}
	}
	total, skipped := 0, 0
	for _, s := range list {
		n, k := s.check(t, l)
		total, skipped = total+n, skipped+k
	}
	if len(l.begun) != total {
		t.Errorf("%d executions for %d ticks", len(l.begun), total)
	}
	t.Logf("%d ticks started, %d skipped, %d deaths, %d outages", total, skipped, deaths, outages)
	if deaths < 10 || outages == 0 {
		t.Errorf("%d deaths, %d outages, %d skipped: that was no test", deaths, outages, skipped)
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// look reads all triggers: when the first is due, and what they say.
func look(t *testing.T, store persistence.Store, list []*subject) time.Time {
	t.Helper()
	all, err := store.ListResources(t.Context(), persistence.ResourcesQuery{Kind: persistence.CronTriggerResource})
	if err != nil || len(all) != len(list) {
		t.Fatalf("%d triggers, %v", len(all), err)
	}
	first := all[0].DueAt
	for i := range all {
		if all[i].DueAt.Before(first) {
			first = all[i].DueAt
		}
		for _, s := range list {
			if s.id == all[i].ID && s.version != all[i].Version {
				s.look(t, &all[i])
			}
		}
	}
	return first
}

// look remembers which ticks are recorded as skipped.
func (s *subject) look(t *testing.T, r *persistence.Resource) {
	t.Helper()
	var err error
	s.version = r.Version
	if s.doc, err = persistence.DocOf[persistence.CronTrigger](r); err != nil {
		t.Fatal(err)
	}
	for _, run := range s.doc.Runs {
		if run.No <= s.lastNo {
			continue
		}
		s.lastNo = run.No
		if run.Outcome != "skipped" {
			continue
		}
		n := 0
		for _, at := range s.ticks {
			if !at.Before(run.Tick) && !at.After(run.Until) {
				s.skipped[at]++
				n++
			}
		}
		if n != run.Ticks {
			t.Errorf("%s: a record of %d skipped ticks from %s to %s, where %d are", s.pattern, run.Ticks, run.Tick, run.Until, n)
		}
	}
}

// check wants each tick started or skipped, and once.
func (s *subject) check(t *testing.T, l *ledger) (started, skipped int) {
	t.Helper()
	for _, at := range s.ticks {
		begun, left := l.begun[triggers.ExecutionID(s.id, at)] > 0, s.skipped[at]
		switch {
		case begun && left == 0:
			started++
		case !begun && left == 1:
			skipped++
		default:
			t.Errorf("%s in %q: the tick %s was started: %v, skipped %d times", s.pattern, s.zone, at, begun, left)
		}
	}
	if s.doc.Started != uint64(started) || s.doc.Skipped != uint64(skipped) || s.doc.Failed != 0 || len(s.doc.Pending) > 0 {
		t.Errorf("%s: it says %d started, %d skipped; it was %d, %d", s.pattern, s.doc.Started, s.doc.Skipped, started, skipped)
	}
	return started, skipped
}
