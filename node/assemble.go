package node

import (
	"context"
	"errors"
	"time"

	"cierzo/actors"
	"cierzo/actors/runner"
	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/cluster"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/persistence/sqlstore"
	"cierzo/workflow"
)

// assembly is the part of a node that talks to other nodes: its actor system, and the engine, gateway and runner on it.
type assembly struct {
	address string
	system  *cluster.System
	engine  *actors.Engine  // nil without the role
	gateway *actors.Gateway // nil without a store
	runner  *runner.Runner  // nil without the role
	begun   told            // of first turns
	ended   told            // of last turns
}

func openStore(ctx context.Context, dsn string) (persistence.Store, error) {
	if dsn == "memory:" {
		return memstore.New(memstore.Config{}), nil
	}
	return sqlstore.Open(ctx, dsn, sqlstore.Config{})
}

// assemble starts what the roles ask for, the engine first: the runner's first hello should find it.
func assemble(ctx context.Context, cfg Config, store persistence.Store, cat *catalog.Catalog, d *duties) (*assembly, error) {
	system, err := cluster.NewSystem(cluster.SystemConfig{Bind: cfg.Bind, Advertise: cfg.Advertise, Logger: cfg.Logger})
	if err != nil {
		return nil, listenError("bind", cfg.Bind, err)
	}
	a := &assembly{system: system}
	if cfg.Bind != "" {
		a.address = system.Address()
	}
	if err := a.start(ctx, cfg, store, cat, d); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, a.stop(stopCtx, 0))
	}
	return a, nil
}

func (a *assembly) start(ctx context.Context, cfg Config, store persistence.Store, cat *catalog.Catalog, d *duties) error {
	var err error
	var roles []string
	for _, r := range cfg.Roles {
		roles = append(roles, string(r))
	}
	var inner workflow.RunnerID
	if cfg.has(RoleEngine) {
		info, err := store.Info(ctx)
		if err != nil {
			return err
		}
		if info.Exclusive && cfg.has(RoleRunner) {
			inner = actors.NewInnerRunner()
		}
		a.engine, err = actors.StartEngine(ctx, actors.Config{
			Actors: a.system.Actors(), Network: a.system, Store: store, Catalog: cat, LeaseTTL: cfg.LeaseTTL,
			RunnerGrace: cfg.RunnerGrace, IdleAfter: cfg.IdleAfter, IdleMax: cfg.IdleMax, Roles: roles, Version: cfg.Version, Logger: cfg.Logger,
			InnerRunner: inner, Alone: info.Exclusive, Publishers: d.asked(), Notify: d.notifier.Notify,
			Changed: a.changed, Moved: a.ended.moved, Doubted: a.ended.doubted,
		})
		if err != nil {
			return err
		}
	}
	if store != nil {
		a.gateway, err = actors.StartGateway(ctx, actors.GatewayConfig{
			Actors: a.system.Actors(), Network: a.system, Nodes: store, Engine: a.engine, LeaseTTL: cfg.LeaseTTL, Logger: cfg.Logger,
		})
		if err != nil {
			return err
		}
	}
	if cfg.has(RoleRunner) {
		engines := cfg.Join
		if a.engine != nil {
			engines = append([]string{a.system.Address()}, engines...)
		}
		a.runner, err = runner.Start(runner.Config{
			Actors: a.system.Actors(), Network: a.system, Engines: engines, Actions: cfg.Actions, Slots: cfg.Slots,
			Targets: cfg.Targets, Version: cfg.Version, Logger: cfg.Logger, ID: string(inner),
		})
	}
	return err
}

// hears reports whether this process is told of the execution's turns.
func (a *assembly) hears(id workflow.ExecutionID) bool {
	return a.engine != nil && a.engine.Owns(id)
}

// stop drains the runner first, while the engine still takes its results.
func (a *assembly) stop(ctx context.Context, drain time.Duration) error {
	var errs []error
	if a.runner != nil {
		drainCtx, cancel := context.WithTimeout(ctx, drain)
		err := a.runner.Drain(drainCtx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
		errs = append(errs, a.runner.Stop(ctx))
	}
	if a.gateway != nil {
		errs = append(errs, a.gateway.Stop(ctx))
	}
	if a.engine != nil {
		errs = append(errs, a.engine.Stop(ctx))
	}
	errs = append(errs, a.system.Stop(ctx))
	return errors.Join(errs...)
}

// Start implements api.Engine.
func (a *assembly) Start(ctx context.Context, s catalog.Start) error {
	if a.gateway == nil {
		return fault.New(fault.Unavailable, "this node reaches no engine")
	}
	if !s.Newest {
		return a.gateway.Start(ctx, specOf(s))
	}
	err := a.gateway.StartNewest(ctx, specOf(s))
	if err != nil && !fault.Is(err, fault.Unavailable) {
		return persistence.ErrOutdated // whatever refuses it may be only a revision that isn't the newest any more
	}
	return err
}

func specOf(s catalog.Start) workflow.Spec {
	return workflow.Spec{
		ID: s.ID, ProjectID: s.ProjectID, Namespace: s.Namespace, DefinitionID: s.DefinitionID, Description: s.Description, SourceID: s.SourceID,
		Tags: s.Tags, Priority: s.Priority, Input: s.Input, Params: s.Params, Env: s.Env, Auth: s.Auth, By: s.By,
		Traceparent: s.Traceparent,
	}
}

// Command implements api.Engine.
func (a *assembly) Command(ctx context.Context, id workflow.ExecutionID, c workflow.Command) error {
	if a.gateway == nil {
		return fault.New(fault.Unavailable, "this node reaches no engine")
	}
	return a.gateway.Command(ctx, id, c)
}

// runners tells the API of the action runners that the engine hears.
func (a *assembly) runners() []apitype.Runner {
	if a.engine == nil {
		return nil
	}
	var out []apitype.Runner
	for _, r := range a.engine.Runners() {
		out = append(out, apitype.Runner{
			ID: string(r.ID), Address: r.Address, Targets: r.Targets, Version: r.Version, Slots: r.Slots, Used: r.Used, State: r.State,
			HeardAt: apitype.Time(r.Heard),
		})
	}
	return out
}

// queue tells the API of the actions that wait for a slot.
func (a *assembly) queue() []apitype.Queue {
	if a.engine == nil {
		return nil
	}
	var out []apitype.Queue
	for _, q := range a.engine.Queue() {
		out = append(out, apitype.Queue{Target: q.Target, Queued: q.Queued, Oldest: apitype.Time(q.Oldest), Able: q.Able})
	}
	return out
}

// changes counts what this node's engine has written. It is all that is written while there is no other engine.
func (n *Node) changes(ctx context.Context) (count uint64, all bool) {
	e := n.cluster.engine
	if e == nil {
		return 0, false
	}
	m := e.Metrics()
	nodes, err := n.store.LiveNodes(ctx)
	return m.Commits + m.Unsure + m.Reloads, err == nil && len(nodes) == 1 && nodes[0].ID == e.ID()
}
