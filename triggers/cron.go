package triggers

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"cierzo/catalog"
	"cierzo/fault"
	"cierzo/persistence"
)

// The limits of a Cron.
const (
	pageMax = 200 // due triggers that are read in one go
	// claimTTL is how long others keep away from a trigger whose ticks somebody has claimed. startTimeout bounds one start
	// within it, so that a start doesn't outlive the claim.
	claimTTL     = 30 * time.Second
	startTimeout = 10 * time.Second
	// pendingMax bounds the ticks of a trigger that are started in one go.
	pendingMax = 1000
	// failPause is when a trigger is looked at again that can't be decided on.
	failPause = time.Minute
	// firingMax bounds the triggers that are fired at the same time.
	firingMax = 8
)

// CronConfig is what a Cron is made of.
type CronConfig struct {
	Store   persistence.Store // required
	Catalog *catalog.Catalog  // required
	Engine  Engine            // required
	// Every is the time between two looks. Defaults to 1 s.
	Every time.Duration
	// CatchUp is for triggers that don't say it themselves. Defaults to CatchUpOnce.
	CatchUp CatchUp
	// CatchUpMax bounds the runs of CatchUpAll. Defaults to 100; at most 1000.
	CatchUpMax int
	// Grace is how late a tick may be fired without counting as missed. Defaults to 1 min.
	Grace time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger receives the log. Defaults to discarding it.
	Logger *slog.Logger
}

func (c *CronConfig) complete() error {
	if c.Store == nil || c.Catalog == nil || c.Engine == nil {
		return fault.New(fault.Invalid, "cron: Store, Catalog and Engine are required")
	}
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.CatchUp == "" {
		c.CatchUp = CatchUpOnce
	}
	if _, err := ParseCatchUp(string(c.CatchUp)); err != nil {
		return err
	}
	if c.CatchUpMax == 0 {
		c.CatchUpMax = 100
	}
	if c.CatchUpMax < 0 || c.CatchUpMax > pendingMax {
		return fault.New(fault.Invalid, "cron: %d missed ticks at once; it takes 1 to %d", c.CatchUpMax, pendingMax)
	}
	if c.Grace <= 0 {
		c.Grace = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Cron fires cron triggers, together with those of other engines. It is safe for concurrent use.
type Cron struct {
	cfg                      CronConfig
	started, failed, skipped atomic.Uint64
}

// NewCron makes a Cron; Run runs it.
func NewCron(cfg CronConfig) (*Cron, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Cron{cfg: cfg}, nil
}

// Metrics are the counters of what this node has done, by their names.
func (c *Cron) Metrics() map[string]uint64 {
	return map[string]uint64{
		"cron_ticks_started_total": c.started.Load(), "cron_ticks_failed_total": c.failed.Load(), "cron_ticks_skipped_total": c.skipped.Load(),
	}
}

// Run sweeps until ctx is done.
func (c *Cron) Run(ctx context.Context) {
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("cron triggers", "error", err)
		}
	}
}

// Sweep fires what is due. An error of one trigger doesn't keep it from the others.
func (c *Cron) Sweep(ctx context.Context) error {
	var errs []error
	for more := true; more; {
		var err error
		more, err = c.page(ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// page fires those that have been due longest. There may be more when it is full, and it makes sense to look at once if not all of
// these were in vain.
func (c *Cron) page(ctx context.Context) (more bool, err error) {
	list, err := c.cfg.Store.DueResources(ctx, persistence.CronTriggerResource, pageMax)
	if err != nil || len(list) == 0 {
		return false, err
	}
	// New runs are not begun while the service is in maintenance; afterwards their ticks have been missed.
	if closed, err := persistence.InMaintenance(ctx, c.cfg.Store); err != nil || closed {
		return false, err
	}
	// Engines that sweep at the same time don't all want the same trigger first.
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	var mu sync.Mutex
	var errs []error
	var fired atomic.Int64
	var all sync.WaitGroup
	slots := make(chan struct{}, firingMax)
	for i := range list {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			switch err := c.fire(ctx, &list[i]); {
			case err == nil:
				fired.Add(1)
			case !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound):
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	all.Wait()
	return len(list) == pageMax && fired.Load() > 0, errors.Join(errs...)
}

// fire decides on the ticks of a trigger, starts what is pending and writes down what became of it. Each step may be the
// last; another engine goes on from there.
func (c *Cron) fire(ctx context.Context, r *persistence.Resource) error {
	t, err := persistence.DocOf[persistence.CronTrigger](r)
	if err != nil {
		return err
	}
	if r, err = c.claim(ctx, r, &t); err != nil {
		return err
	}
	began := c.cfg.Now()
	outcomes := make([]persistence.TriggerRun, 0, len(t.Pending))
	for _, tick := range t.Pending {
		if c.cfg.Now().Sub(began) > claimTTL-startTimeout || ctx.Err() != nil {
			break
		}
		run, err := c.start(ctx, r, &t, tick)
		if err != nil {
			c.cfg.Logger.Warn("cron trigger: a start is in doubt, it is tried again", "trigger", r.ID, "tick", tick, "error", err)
			break
		}
		outcomes = append(outcomes, run)
	}
	return c.settle(ctx, r, &t, outcomes)
}

// claim writes down what is decided; the trigger is this engine's for a while then.
func (c *Cron) claim(ctx context.Context, r *persistence.Resource, t *persistence.CronTrigger) (*persistence.Resource, error) {
	now := c.cfg.Now().UTC()
	skipped := t.Skipped
	if t.Next.IsZero() && len(t.Pending) == 0 && !t.Last {
		t.Next = r.DueAt // as it was stored before there was a Next
	}
	if len(t.Pending) == 0 && !t.Next.IsZero() {
		s, err := Schedule(t.Pattern, t.TZ)
		if err != nil {
			return nil, c.refuse(ctx, r, t, err)
		}
		// It is due by the database's clock, from which ours may differ.
		p := policy{catchUp: c.cfg.CatchUp, catchUpMax: c.cfg.CatchUpMax, grace: c.cfg.Grace}
		if t.CatchUp != "" {
			p.catchUp = CatchUp(t.CatchUp)
		}
		p.claim(t, s, latest(now, t.Next))
	}
	r.DueAt = now.Add(claimTTL)
	if err := persistence.SetDoc(r, t); err != nil {
		return nil, err
	}
	r, err := c.cfg.Store.UpdateResource(ctx, *r)
	if err != nil {
		return nil, err
	}
	c.skipped.Add(t.Skipped - skipped)
	if t.Skipped > skipped {
		c.cfg.Logger.Warn("cron trigger: ticks were missed and are skipped", "trigger", r.ID, "ticks", t.Skipped-skipped)
	}
	return r, nil
}

// refuse puts a trigger off whose pattern or zone this engine doesn't understand (any more), and says so in it.
func (c *Cron) refuse(ctx context.Context, r *persistence.Resource, t *persistence.CronTrigger, why error) error {
	now := c.cfg.Now().UTC()
	record(t, persistence.TriggerRun{Tick: t.Next, Outcome: "failed", Error: errorText(why), At: now})
	r.DueAt = now.Add(failPause)
	if err := persistence.SetDoc(r, t); err != nil {
		return err
	}
	if _, err := c.cfg.Store.UpdateResource(ctx, *r); err != nil {
		return err
	}
	return why
}

// start runs the workflow for a tick. The error says that nobody knows whether it has begun; a refusal is an outcome.
func (c *Cron) start(ctx context.Context, r *persistence.Resource, t *persistence.CronTrigger, tick time.Time) (persistence.TriggerRun, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	run := persistence.TriggerRun{Tick: tick, Outcome: "started"}
	id, err := begin(ctx, c.cfg.Store, c.cfg.Catalog, c.cfg.Engine, order{
		trigger: r, input: t.Input, params: t.Params, admin: t.Admin, key: strconv.FormatInt(tick.UnixMicro(), 10),
		description: description{
			Description: "Workflow execution created by cron trigger '(" + r.ID + ")'.",
			TriggeredBy: triggered{Type: "cron_trigger", ID: r.ID},
		},
	})
	run.At = c.cfg.Now().UTC()
	switch {
	case err == nil:
		run.ExecutionID = string(id)
	case fault.Is(err, fault.Unavailable) || ctx.Err() != nil:
		return run, err
	default:
		run.Outcome, run.Error = "failed", errorText(err)
		c.cfg.Logger.Error("cron trigger: the workflow can't be started", "trigger", r.ID, "tick", tick, "error", err)
	}
	return run, nil
}

// settle writes down what became of the first pending ticks, and when the trigger is due next. One that has no runs left goes,
// as in Mistral; unless its last runs have failed or were skipped, for the record of that would go with it.
func (c *Cron) settle(ctx context.Context, r *persistence.Resource, t *persistence.CronTrigger, outcomes []persistence.TriggerRun) error {
	var started, failed uint64
	for _, run := range outcomes {
		record(t, run)
		if run.Outcome == "failed" {
			failed++
		} else {
			started++
		}
	}
	t.Pending, t.Started, t.Failed = t.Pending[len(outcomes):], t.Started+started, t.Failed+failed
	// The runs are there, even if this can't be written: what is written then is written by the next engine, or by this one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	var err error
	switch {
	case len(t.Pending) == 0 && t.Last && failed == 0 && started > 0:
		err = c.cfg.Store.DeleteResource(ctx, r.Kind, r.ID, r.Version)
	default:
		r.DueAt = t.Next
		if len(t.Pending) > 0 {
			r.DueAt = c.cfg.Now().UTC().Add(c.cfg.Every) // they are tried again
		}
		if err = persistence.SetDoc(r, t); err == nil {
			_, err = c.cfg.Store.UpdateResource(ctx, *r)
		}
	}
	if err == nil {
		c.started.Add(started)
		c.failed.Add(failed)
	}
	return err
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
