// Package housekeeping removes what nobody needs any more: executions that have ended long ago, by Mistral's
// execution_expiration_policy.
package housekeeping

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The limits of a policy.
const (
	// OlderThanMin is the least age: what has just ended is still asked for, and what a trigger has just started must not be
	// gone before that is written down.
	OlderThanMin = time.Minute
	// EveryMin is the least interval.
	EveryMin     = time.Minute
	batchDefault = 1000
	page         = 100
)

// ExpirationConfig is Mistral's policy. Executions that have ended, with all below them, are removed if they are old, or if
// there are too many.
type ExpirationConfig struct {
	Store persistence.Store // required
	// Every is the time between two evaluations; 0: nothing is ever removed.
	Every time.Duration
	// OlderThan is the age, since their end, beyond which executions are removed; 0 is no limit.
	OlderThan time.Duration
	// MaxFinished is how many executions without a parent may be kept that have ended; the oldest beyond it are removed.
	// 0 is no limit.
	MaxFinished int
	// Batch bounds the executions without a parent that one evaluation removes. Defaults to 1000.
	Batch int
	// IgnoredStates are those (SUCCESS, ERROR, CANCELLED) in which executions are kept, and not counted.
	IgnoredStates []workflow.State
	Now           func() time.Time // defaults to time.Now
	Logger        *slog.Logger     // defaults to discarding it
}

// finalStates are those in which an execution may be removed.
func finalStates() []workflow.State {
	return []workflow.State{workflow.Success, workflow.Error, workflow.Cancelled}
}

func (c *ExpirationConfig) complete() error {
	if c.Store == nil {
		return fault.New(fault.Invalid, "expiration: Store is required")
	}
	if c.Every < EveryMin {
		return fault.New(fault.Invalid, "expiration: an evaluation each %s; at most each %s", c.Every, EveryMin)
	}
	if c.OlderThan == 0 && c.MaxFinished == 0 {
		return fault.New(fault.Invalid, "expiration: neither an age nor a number of executions is given")
	}
	if c.OlderThan != 0 && c.OlderThan < OlderThanMin {
		return fault.New(fault.Invalid, "expiration: an age of %s; it takes %s or more", c.OlderThan, OlderThanMin)
	}
	if c.MaxFinished < 0 || c.Batch < 0 {
		return fault.New(fault.Invalid, "expiration: a number is negative")
	}
	for _, s := range c.IgnoredStates {
		if !slices.Contains(finalStates(), s) {
			return fault.New(fault.Invalid, "expiration: the ignored state %.80q is none of SUCCESS, ERROR, CANCELLED", s)
		}
	}
	if len(c.states()) == 0 {
		return fault.New(fault.Invalid, "expiration: all states are ignored")
	}
	if c.Batch == 0 {
		c.Batch = batchDefault
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

func (c *ExpirationConfig) states() []workflow.State {
	return slices.DeleteFunc(finalStates(), func(s workflow.State) bool { return slices.Contains(c.IgnoredStates, s) })
}

// Expiration removes executions. All engines may evaluate the same policy: what another has removed is gone.
type Expiration struct {
	cfg     ExpirationConfig
	removed atomic.Uint64
}

// NewExpiration makes an Expiration; Run runs it.
func NewExpiration(cfg ExpirationConfig) (*Expiration, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Expiration{cfg: cfg}, nil
}

// Metrics are the counters of what this node has done, by their names.
func (x *Expiration) Metrics() map[string]uint64 {
	return map[string]uint64{"executions_expired_total": x.removed.Load()}
}

// Run evaluates the policy until ctx is done.
func (x *Expiration) Run(ctx context.Context) {
	tick := time.NewTicker(x.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := x.Evaluate(ctx)
		if n > 0 {
			x.cfg.Logger.Info("executions expired", "executions", n)
		}
		if err != nil && ctx.Err() == nil {
			x.cfg.Logger.Warn("expiration of executions", "error", err)
		}
	}
}

// Evaluate removes one batch and says how many executions without a parent went.
func (x *Expiration) Evaluate(ctx context.Context) (int, error) {
	removed := 0
	if x.cfg.OlderThan > 0 {
		n, err := x.expireOld(ctx)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	if x.cfg.MaxFinished > 0 && removed < x.cfg.Batch {
		n, err := x.expireSurplus(ctx, x.cfg.Batch-removed)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// expireOld removes what has ended long ago, project by project: so the database goes along the index of executions.
func (x *Expiration) expireOld(ctx context.Context) (int, error) {
	before := x.cfg.Now().Add(-x.cfg.OlderThan)
	removed := 0
	err := x.eachProject(ctx, func(project string) error {
		return x.eachEnded(ctx, project, before, func(e *workflow.ExecutionRecord) (bool, error) {
			if removed >= x.cfg.Batch {
				return false, nil
			}
			if !e.UpdatedAt.Before(before) {
				return true, nil
			}
			gone, err := x.remove(ctx, e)
			if gone {
				removed++
			}
			return true, err
		})
	})
	return removed, err
}

// expireSurplus removes the oldest beyond the number that may be kept.
func (x *Expiration) expireSurplus(ctx context.Context, limit int) (int, error) {
	count, err := x.cfg.Store.CountRoots(ctx, x.cfg.states())
	if err != nil {
		return 0, err
	}
	surplus := min(count-x.cfg.MaxFinished, limit)
	if surplus <= 0 {
		return 0, nil
	}
	var oldest []*workflow.ExecutionRecord
	err = x.eachProject(ctx, func(project string) error {
		n := 0
		err := x.eachEnded(ctx, project, time.Time{}, func(e *workflow.ExecutionRecord) (bool, error) {
			oldest = append(oldest, e)
			n++
			return n < surplus, nil
		})
		slices.SortFunc(oldest, func(a, b *workflow.ExecutionRecord) int { return a.CreatedAt.Compare(b.CreatedAt) })
		oldest = oldest[:min(len(oldest), surplus)]
		return err
	})
	removed := 0
	for _, e := range oldest {
		if err != nil {
			break
		}
		var gone bool
		if gone, err = x.remove(ctx, e); gone {
			removed++
		}
	}
	return removed, err
}

// remove deletes an execution with all below it. One that runs again, or is gone, is none of ours.
func (x *Expiration) remove(ctx context.Context, e *workflow.ExecutionRecord) (bool, error) {
	err := x.cfg.Store.DeleteExecution(ctx, e.ID, false)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	x.removed.Add(1)
	return true, nil
}

func (x *Expiration) eachProject(ctx context.Context, fn func(project string) error) error {
	after := ""
	for {
		list, err := x.cfg.Store.ExecutionProjects(ctx, after, persistence.LimitMax)
		if err != nil {
			return err
		}
		for _, project := range list {
			if err := fn(project); err != nil {
				return err
			}
			after = project
		}
		if len(list) < persistence.LimitMax {
			return nil
		}
	}
}

// eachEnded calls fn with the executions of a project that have no parent and have ended, the oldest first, until it says no.
// created: only those that were created before; zero: all.
func (x *Expiration) eachEnded(ctx context.Context, project string, created time.Time, fn func(*workflow.ExecutionRecord) (more bool, err error)) error {
	q := persistence.PageQuery{ProjectID: project, States: x.cfg.states(), RootsOnly: true, Until: created, Limit: page}
	for {
		list, err := x.cfg.Store.PageExecutions(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range list {
			more, err := fn(e.Execution)
			if err != nil || !more {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
		last := list[len(list)-1].Execution
		q.After = &persistence.PageMark{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}
