package actors

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"cierzo/cluster"
	"cierzo/fault"
	"cierzo/internal/pool"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Network brings messages to actors by address and name: at most once, in any order, without ever blocking. Messages must
// not be changed after they were given to it. cluster.System is one.
type Network interface {
	// Address is what other nodes reach this one by.
	Address() string
	// Send brings the message to the actor with that name on the node with that address, perhaps this one.
	Send(address, actor string, m proto.Message)
}

// Catalog is what the engine must know about definitions. Both may read the store.
type Catalog interface {
	// Program compiles a stored revision. fault.NotFound when there is none.
	Program(ctx context.Context, definitionID string) (*workflow.Program, error)
	// Facts answers the lookups of one turn, each within a bounded time; the context is that of the engine. version says, after
	// them, which version of the definitions the turn must assert (persistence.Turn), 0 being any; it is 0 if they are to be fresh.
	Facts(ctx context.Context, fresh bool) (answers workflow.Facts, version func() uint64)
	// Outdated says that the definitions haven't got the version any more.
	Outdated(version uint64)
}

// Store is the part of persistence.Store that an engine uses.
type Store interface {
	persistence.Executions
	persistence.Nodes
	// The watchdog reads.
	FindExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, error)
	ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error)
	ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error)
}

// Config is what an engine is made of.
type Config struct {
	// Actors hosts the engine's actors; one engine to a system. Required.
	Actors *actor.ActorSystem
	// Network reaches the other nodes. Required.
	Network Network
	// Store holds executions and members. Required.
	Store Store
	// Catalog holds the definitions. Required.
	Catalog Catalog

	// LeaseTTL is how long the node stays a member without being heard of. Defaults to 9 s.
	LeaseTTL time.Duration
	// RunnerGrace is how long a runner may be silent before its attempts count as lost. Defaults to 10 s.
	RunnerGrace time.Duration
	// InnerRunner is the id, made by NewInnerRunner, of the runner in this process, "" for none. Set it, and Alone, where no other
	// process can have the store: the inner runners of processes that had it before are gone with them, and count as lost at once.
	InnerRunner workflow.RunnerID
	Alone       bool
	// IdleAfter is when an execution that only waits leaves memory. Defaults to 30 s.
	IdleAfter time.Duration
	// IdleMax is how many executions stay in memory though they only wait, also for a slot; of more, those that have waited longest leave it at
	// once. Defaults to 10,000.
	IdleMax int
	// TurnsMax bounds the turns that are computed at the same time. Defaults to 16.
	TurnsMax int
	// BatchMax bounds the turns of one transaction. Defaults to 256; persistence.Info knows better.
	BatchMax int
	// Committers is the number of transactions that are written at the same time. Defaults to 1.
	Committers int
	// Roles and Version are shown in the list of nodes.
	Roles   []string
	Version string
	// Logger receives the log. Defaults to discarding it.
	Logger *slog.Logger
	// Now is the wall clock. Defaults to time.Now in UTC.
	Now func() time.Time
	// Entropy gives each step of an execution its fresh randomness. Defaults to crypto/rand; a simulation repeats it.
	Entropy func(id workflow.ExecutionID) [16]byte
	// NewNodeID names the node, anew after each lost lease. Defaults to random numbers of 64 bits, in hexadecimal.
	NewNodeID func() persistence.NodeID
	// Publishers are told of the events of all executions; see workflow.Notification. nil: only those that executions name.
	Publishers []workflow.Publisher
	// Notify is told, after the commit, that there is a notification to deliver (see persistence.Notices). It must return at
	// once. nil: nobody is.
	Notify func(execution *workflow.ExecutionRecord, n workflow.Notification)
	// Changed is told what each turn has written, after its commit; nobody changes that any more. It must return at once. nil:
	// nobody is.
	Changed func(w *workflow.Writes)
	// Moved is told when this engine may own other executions than before; owns is its method Owns. It must return soon. nil: nobody is.
	Moved func(owns func(id workflow.ExecutionID) bool)
	// Doubted is told of an execution that was loaded again after a failure: its last turn may have been written without Changed having
	// been told. It must return at once. nil: nobody is.
	Doubted func(id workflow.ExecutionID)
}

// complete fills the defaults in.
func (c *Config) complete() error {
	if c.Actors == nil || c.Network == nil || c.Store == nil || c.Catalog == nil {
		return fault.New(fault.Invalid, "engine: Actors, Network, Store and Catalog are required")
	}
	if c.LeaseTTL <= 0 {
		c.LeaseTTL = cluster.DefaultTTL
	}
	if c.RunnerGrace <= 0 {
		c.RunnerGrace = 10 * time.Second
	}
	if c.IdleAfter <= 0 {
		c.IdleAfter = 30 * time.Second
	}
	if c.IdleMax <= 0 {
		c.IdleMax = 10_000
	}
	if c.TurnsMax <= 0 {
		c.TurnsMax = 16
	}
	if c.Committers <= 0 {
		c.Committers = 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = func() time.Time { return time.Now().UTC() }
	}
	if c.Entropy == nil {
		c.Entropy = func(workflow.ExecutionID) (seed [16]byte) {
			_, _ = rand.Read(seed[:]) // never fails, says its contract
			return seed
		}
	}
	return nil
}

// Engine is a running engine. Its methods may be called from anywhere.
type Engine struct {
	cfg        Config
	log        *slog.Logger
	root       *actor.RootContext
	counters   counters
	runners    atomic.Pointer[[]RunnerInfo] // the dispatcher writes it
	queue      atomic.Pointer[[]QueueInfo]  // and this
	router     *actor.PID
	dispatcher *dispatcher
	committer  *committer
	loader     *loader
	members    *cluster.Membership
	view       atomic.Pointer[viewChanged]                     // nil while parked
	settled    settled                                         // executions out of memory that the watchdog needn't look at
	folds      folds                                           // executions in memory that have no actor
	watchers   watchers                                        // of the list of engines
	live       atomic.Pointer[map[workflow.RunnerID]time.Time] // runners and their last word; see board.expire
	slots      chan struct{}                                   // bounds turns
	tasks      sync.WaitGroup                                  // all goroutines
	pool       *pool.Pool                                      // runs turns and actors
	closing    context.Context
	close      context.CancelFunc
	stop       sync.Once
	stopErr    error
}

// StartEngine registers the node in the store and starts its actors. ctx bounds the start only.
func StartEngine(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, log: cfg.Logger, root: cfg.Actors.Root, slots: make(chan struct{}, cfg.TurnsMax)}
	e.closing, e.close = context.WithCancel(context.Background())
	e.pool = pool.New(e.closing.Done())
	e.committer = newCommitter(e, cfg.BatchMax)
	e.loader = &loader{e: e}
	e.dispatcher = newDispatcher(e)
	if err := e.spawn(); err != nil {
		e.close()
		return nil, err
	}
	members, err := cluster.Join(ctx, cluster.MembershipConfig{
		Nodes: cfg.Store, Address: cfg.Network.Address(), Roles: cfg.Roles, Version: cfg.Version, TTL: cfg.LeaseTTL,
		NewID: cfg.NewNodeID, Park: e.park, Changed: e.changed, Seen: e.watchers.tell, Logger: cfg.Logger,
	})
	if err != nil {
		e.close()
		away, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer done()
		return nil, errors.Join(err, e.poison(away))
	}
	e.members = members
	for range cfg.Committers {
		e.tasks.Go(e.committer.run)
	}
	e.tasks.Go((&sweeper{e: e, watch: watchdog{e: e}}).run)
	return e, nil
}

func (e *Engine) spawn() error {
	var err error
	stop := actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })
	r := newRouter(e)
	props := actor.PropsFromProducer(func() actor.Actor { return r }, actor.WithSupervisor(stop), actor.WithDispatcher(e.pool))
	e.router, err = e.root.SpawnNamed(props, RouterName)
	if err != nil {
		return fault.Wrap(fault.Conflict, err, "start the engine's router")
	}
	return nil
}

// park stops all executions: the lease is lost.
func (e *Engine) park() {
	e.view.Store(nil)
	e.root.Send(e.router, park{})
	e.dispatcher.told(park{})
	e.moved()
}

func (e *Engine) moved() {
	if e.cfg.Moved != nil {
		e.cfg.Moved(e.Owns)
	}
}

// Owns reports whether the execution is this engine's, so that Config.Changed is told of its turns.
func (e *Engine) Owns(id workflow.ExecutionID) bool {
	v := e.view.Load()
	if v == nil {
		return false
	}
	owner, ok := v.view.Owner(id)
	return ok && owner.ID == v.self
}

// changed passes a new view on.
func (e *Engine) changed(self persistence.NodeID, v *cluster.View) {
	m := viewChanged{self, v}
	e.view.Store(&m)
	e.dispatcher.told(m)
	e.root.Send(e.router, m)
	e.moved()
}

// watchers are told of the list of engines as this one reads it.
type watchers struct {
	mu    sync.Mutex
	last  *cluster.View
	tells map[int]func(*cluster.View)
	next  int
}

func (w *watchers) tell(v *cluster.View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = v
	for _, tell := range w.tells {
		tell(v)
	}
}

// add has fn told of the list as it is, and of each new one until the returned function is called. fn must return at once.
func (w *watchers) add(fn func(*cluster.View)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tells == nil {
		w.tells = map[int]func(*cluster.View){}
	}
	no := w.next
	w.next++
	w.tells[no] = fn
	if w.last != nil {
		fn(w.last)
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.tells, no)
	}
}

// catch keeps a panic from ending an actor that others live under.
func (e *Engine) catch(who string) {
	if p := recover(); p != nil {
		e.counters.panics.Add(1)
		e.log.Error("panic in an actor", "actor", who, "panic", p, "stack", string(debug.Stack()))
	}
}

// Stop leaves the cluster: other engines take over, turns under way are finished, actors stopped. ctx bounds the wait for
// turns; what was under way then is found again by its rows. It can be called twice.
func (e *Engine) Stop(ctx context.Context) error {
	e.stop.Do(func() {
		if err := e.members.Drain(ctx); err != nil {
			e.log.Warn("node can't say that it drains", "error", err)
		}
		empty := make(chan struct{})
		e.root.Send(e.router, shutDown{empty: empty})
		select {
		case <-empty:
		case <-ctx.Done():
			e.stopErr = fault.Wrap(fault.Unavailable, ctx.Err(), "finish turns")
		}
		e.close()
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		e.stopErr = errors.Join(e.stopErr, e.poison(leave), e.members.Leave(leave))
		e.tasks.Wait()
	})
	return e.stopErr
}

// poison ends the actors and waits for them.
func (e *Engine) poison(ctx context.Context) error {
	done := make(chan struct{})
	empty := make(chan struct{})
	e.root.Send(e.router, shutDown{empty, true})
	go func() {
		defer close(done)
		select {
		case <-empty: // what an actor computes is over, too
		case <-ctx.Done():
		}
		_ = e.root.StopFuture(e.router).Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "stop the engine's actors")
	}
}

// ID is the node's present id; it changes when the lease was lost and got again.
func (e *Engine) ID() persistence.NodeID { return e.members.ID() }

// Queue tells of the actions that wait for a slot, by target: as of the last second.
func (e *Engine) Queue() []QueueInfo {
	if list := e.queue.Load(); list != nil {
		return slices.Clone(*list)
	}
	return nil
}

// Runners tells of the runners that the engine hears, by their address: as of the last second.
func (e *Engine) Runners() []RunnerInfo {
	if list := e.runners.Load(); list != nil {
		return slices.Clone(*list)
	}
	return nil
}

// Metrics are the engine's counters so far.
func (e *Engine) Metrics() Metrics { return e.counters.read() }
