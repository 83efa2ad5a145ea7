package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cierzo/fault"
	"cierzo/internal/shortid"
	"cierzo/persistence"
)

// MembershipConfig is what a membership is made of.
type MembershipConfig struct {
	// Nodes is the store. Required.
	Nodes persistence.Nodes
	// Address, Roles and Version are what the row says. Address is required.
	Address string
	Roles   []string
	Version string
	// TTL is the lease. Defaults to 9 s.
	TTL time.Duration
	// NewID names the node, at its start and after each lost lease. Defaults to random numbers of 64 bits, in hexadecimal.
	NewID func() persistence.NodeID
	// Park is called when the lease is lost: the node must stop what it owns and route nothing until Changed. Required.
	Park func()
	// Changed is called with each new view while the lease holds, and the id that the node has now. Required.
	Changed func(self persistence.NodeID, v *View)
	// Seen is called with each new view that the store gives, whether the lease holds or not. nil: nobody asks.
	Seen func(v *View)
	// Logger receives the log. Required.
	Logger *slog.Logger
}

// Membership keeps a node's lease and watches the others. Its callbacks come one after the other.
type Membership struct {
	cfg    MembershipConfig
	margin time.Duration
	self   atomic.Pointer[lease]
	state  atomic.Pointer[string]
	cancel context.CancelFunc
	done   sync.WaitGroup
	calls  sync.Mutex // around callbacks
	stop   sync.Once
	err    error
}

// lease is what this process believes about its row.
type lease struct {
	id    persistence.NodeID
	until time.Time // with the monotonic clock; before the row's end
	lost  bool
}

// DefaultTTL is the lease's length when nothing else is said.
const DefaultTTL = 9 * time.Second

// Join registers the node and keeps it registered until Leave. The first view is reported before it returns.
func Join(ctx context.Context, cfg MembershipConfig) (*Membership, error) {
	if cfg.TTL == 0 {
		cfg.TTL = DefaultTTL
	}
	if cfg.NewID == nil {
		cfg.NewID = func() persistence.NodeID { return persistence.NodeID(shortid.New()) }
	}
	m := &Membership{cfg: cfg, margin: max(cfg.TTL/9, min(cfg.TTL/3, time.Second))}
	up := Up
	m.state.Store(&up)
	if err := m.register(ctx); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m.cancel = cancel
	view := &watcher{nodes: cfg.Nodes, changed: m.changed}
	if err := view.poll(ctx); err != nil {
		cancel()
		// Else the others would send to a node that isn't there until its lease ends.
		away, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		return nil, errors.Join(err, cfg.Nodes.Unregister(away, m.ID()))
	}
	// Three goroutines: a renewal that hangs must keep neither the watchdog nor the view from their work.
	m.done.Go(func() { m.renew(run) })
	m.done.Go(func() { m.watchdog(run) })
	m.done.Go(func() { view.run(run, cfg.TTL/5, cfg.Logger) })
	return m, nil
}

// ID is the node's present id.
func (m *Membership) ID() persistence.NodeID { return m.self.Load().id }

// Valid reports whether the lease holds, by this process's clock, which is stricter than the store's.
func (m *Membership) Valid() bool {
	l := m.self.Load()
	return !l.lost && time.Now().Before(l.until)
}

// Drain says in the row that the node takes nothing new; the others take over with their next look.
func (m *Membership) Drain(ctx context.Context) error {
	draining := Draining
	m.state.Store(&draining)
	return m.cfg.Nodes.Renew(ctx, m.ID(), Draining, m.cfg.TTL)
}

// Leave takes the row away and ends all goroutines. It can be called twice.
func (m *Membership) Leave(ctx context.Context) error {
	m.stop.Do(func() {
		m.cancel()
		m.done.Wait()
		m.err = m.cfg.Nodes.Unregister(ctx, m.ID())
	})
	return m.err
}

// register makes a new row under a new id.
func (m *Membership) register(ctx context.Context) error {
	id, sent := m.cfg.NewID(), time.Now()
	err := m.cfg.Nodes.Register(ctx, persistence.Node{
		ID: id, Address: m.cfg.Address, Roles: m.cfg.Roles, State: *m.state.Load(), Version: m.cfg.Version, Started: sent.UTC(),
	}, m.cfg.TTL)
	if err != nil {
		return err
	}
	m.self.Store(&lease{id: id, until: sent.Add(m.cfg.TTL - m.margin)})
	return nil
}

// renew extends the lease each fifth of it, and gets a new one when it is lost.
func (m *Membership) renew(ctx context.Context) {
	tick := time.NewTicker(m.cfg.TTL / 5)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.renewOnce(ctx)
	}
}

func (m *Membership) renewOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.TTL)
	defer cancel()
	old := m.self.Load()
	if old.lost {
		if err := m.register(ctx); err != nil {
			m.cfg.Logger.Warn("node can't register", "error", err)
			return
		}
		m.cfg.Logger.Info("node has registered again", "node", m.ID())
		return
	}
	sent := time.Now()
	err := m.cfg.Nodes.Renew(ctx, old.id, *m.state.Load(), m.cfg.TTL)
	switch {
	case err == nil:
		// The watchdog may have given up meanwhile: what is lost stays lost.
		m.self.CompareAndSwap(old, &lease{id: old.id, until: sent.Add(m.cfg.TTL - m.margin)})
	case fault.Is(err, fault.Conflict):
		m.lose(old, "the store says so")
	case ctx.Err() == nil:
		m.cfg.Logger.Warn("lease not renewed", "node", old.id, "error", err)
	}
}

// watchdog notices the end of the lease even when the renewal hangs.
func (m *Membership) watchdog(ctx context.Context) {
	for {
		l := m.self.Load()
		wait := m.cfg.TTL / 10
		if !l.lost {
			wait = min(max(time.Until(l.until), 0), m.cfg.TTL/10)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if l = m.self.Load(); !l.lost && !time.Now().Before(l.until) {
			m.lose(l, "not renewed in time")
		}
	}
}

// lose gives a lease up, once.
func (m *Membership) lose(l *lease, why string) {
	// Under the lock from the start: else a new lease and its view could come before the call that parks.
	m.calls.Lock()
	defer m.calls.Unlock()
	if !m.self.CompareAndSwap(l, &lease{id: l.id, lost: true}) {
		return
	}
	m.cfg.Logger.Error("lease lost, the node parks", "node", l.id, "reason", why)
	m.cfg.Park()
}

// changed passes a view on while the lease holds and the view knows the node.
func (m *Membership) changed(v *View) bool {
	m.calls.Lock()
	defer m.calls.Unlock()
	if m.cfg.Seen != nil {
		m.cfg.Seen(v)
	}
	if !m.Valid() || !v.Has(m.ID()) {
		return false
	}
	m.cfg.Changed(m.ID(), v)
	return true
}

// Watch reads who the engines are, now and each interval until the returned function is called, which waits for the last
// call of changed. An error is of the first read.
func Watch(ctx context.Context, nodes persistence.Nodes, every time.Duration, log *slog.Logger, changed func(*View)) (stop func(), err error) {
	w := &watcher{nodes: nodes, changed: func(v *View) bool { changed(v); return true }}
	if err := w.poll(ctx); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { w.run(run, every, log) })
	return func() { cancel(); done.Wait() }, nil
}

// watcher polls the list of nodes and reports differences.
type watcher struct {
	nodes   persistence.Nodes
	changed func(*View) bool // false: ask me again with the next view, even if it is the same
	last    *View
}

func (w *watcher) run(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// On an error the old view stays: an outage of the store must not empty it.
		if err := w.poll(ctx); err != nil && ctx.Err() == nil {
			log.Warn("list of nodes not read", "error", err)
		}
	}
}

func (w *watcher) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	nodes, err := w.nodes.LiveNodes(ctx)
	if err != nil {
		return err
	}
	if w.last.shows(nodes) {
		return nil
	}
	w.last = nil
	if v := NewView(nodes); w.changed(v) {
		w.last = v
	}
	return nil
}
