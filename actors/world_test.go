package actors

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/actions"
	"cierzo/actions/std"
	actionrunner "cierzo/actors/runner"
	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/slogtest"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/workflow"
)

// world is a cluster in one process and in virtual time: real engines, runners and a gateway, each in an actor system of
// its own, on one store in memory and one wire.
type world struct {
	t       *testing.T
	log     *slog.Logger
	logged  *slogtest.Log
	wire    *wire
	store   *memstore.Store
	ledger  *ledger
	actions *actions.Registry
	systems []*actor.ActorSystem
	engines []*engineNode
	runners []*runnerNode
	gateway *Gateway
	started map[workflow.ExecutionID]workflow.State // what was acknowledged, and how it must end; "" is any final state
	panics  int                                     // that the test wants
	deep    bool                                    // the test changes results on their way
}

type engineNode struct {
	*Engine
	address string
	disk    *disk
	dead    bool
}

type runnerNode struct {
	*actionrunner.Runner
	address string
	port    port
	dead    bool
}

// inWorld runs a test in a bubble of virtual time, and checks at its end what must hold in every world.
func inWorld(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() {
			w.stop()
			<-time.After(time.Minute) // the actor library counts its dead letters for a while
			if !t.Failed() {
				idle.mu.Lock()
				defer idle.mu.Unlock()
				idle.systems = append(idle.systems, w.systems...)
			}
		}()
		test(w)
		w.settle()
		w.judge()
	})
}

func newWorld(t *testing.T) *world {
	log, logged := slogtest.New(t)
	w := &world{
		t: t, log: log, logged: logged, wire: newWire(), store: memstore.New(memstore.Config{}), ledger: newLedger(),
		started: map[workflow.ExecutionID]workflow.State{},
	}
	w.actions = w.ledger.actions(t)
	w.define(definitions)
	return w
}

// idle are actor systems that earlier worlds have left empty: an actor system takes ten times as long to make as a world
// of actors in it.
var idle struct {
	mu      sync.Mutex
	systems []*actor.ActorSystem
}

func (w *world) system() *actor.ActorSystem {
	idle.mu.Lock()
	defer idle.mu.Unlock()
	var s *actor.ActorSystem
	if n := len(idle.systems); n > 0 {
		s, idle.systems = idle.systems[n-1], idle.systems[:n-1]
	} else {
		s = quietSystem()
	}
	w.systems = append(w.systems, s)
	return s
}

func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterRequestLogging(false),
	)
}

// disk is the store as one engine has it: it can be taken away from that engine alone, and looked through.
type disk struct {
	*memstore.Store
	dead      atomic.Bool
	peeks     atomic.Int64                   // questions of the watchdog
	peeked    atomic.Int64                   // executions that it has read
	damaged   workflow.ExecutionID           // what can't be understood when it is read
	committed func(turns []persistence.Turn) // after a commit, before its engine hears of it
	before    func(turns []persistence.Turn) error
	unheard   func(turns []persistence.Turn) bool    // the answer to the commit is lost
	activate  func(ids []workflow.ExecutionID) error // before they are activated
}

var errDead = fault.New(fault.Unavailable, "the process is dead")

func (d *disk) Commit(ctx context.Context, turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	if d.dead.Load() {
		return nil, errDead
	}
	if d.before != nil {
		if err := d.before(turns); err != nil {
			return nil, err
		}
	}
	out, err := d.Store.Commit(ctx, turns)
	if d.committed != nil && err == nil {
		d.committed(turns)
	}
	if d.unheard != nil && err == nil && d.unheard(turns) {
		return nil, persistence.Ambiguous(fault.New(fault.Unavailable, "the connection is gone"))
	}
	return out, err
}

func (d *disk) Activate(ctx context.Context, ids []workflow.ExecutionID, node persistence.NodeID) ([]persistence.Activation, error) {
	if d.dead.Load() {
		return nil, errDead
	}
	if d.activate != nil {
		if err := d.activate(ids); err != nil {
			return nil, err
		}
	}
	return d.Store.Activate(ctx, ids, node)
}

func (d *disk) Peek(ctx context.Context, ids []workflow.ExecutionID) ([]persistence.Activation, error) {
	if d.dead.Load() {
		return nil, errDead
	}
	d.peeks.Add(1)
	d.peeked.Add(int64(len(ids)))
	out, err := d.Store.Peek(ctx, ids)
	for i, id := range ids {
		if err == nil && id == d.damaged {
			out[i] = persistence.Activation{Err: fault.New(fault.Internal, "it is damaged")}
		}
	}
	return out, err
}

func (d *disk) Due(ctx context.Context, shards []uint16, limit int) ([]workflow.ExecutionID, error) {
	if d.dead.Load() {
		return nil, errDead
	}
	return d.Store.Due(ctx, shards, limit)
}

func (d *disk) Register(ctx context.Context, n persistence.Node, ttl time.Duration) error {
	if d.dead.Load() {
		return errDead
	}
	return d.Store.Register(ctx, n, ttl)
}

func (d *disk) Renew(ctx context.Context, id persistence.NodeID, state string, ttl time.Duration) error {
	if d.dead.Load() {
		return errDead
	}
	return d.Store.Renew(ctx, id, state, ttl)
}

func (d *disk) LiveNodes(ctx context.Context) ([]persistence.Node, error) {
	if d.dead.Load() {
		return nil, errDead
	}
	return d.Store.LiveNodes(ctx)
}

// engine starts an engine; change may adapt its configuration.
func (w *world) engine(change ...func(*Config)) *engineNode {
	w.t.Helper()
	sys := w.system()
	n := &engineNode{address: fmt.Sprintf("engine-%d", len(w.engines)+1), disk: &disk{Store: w.store}}
	cfg := Config{
		Actors: sys, Network: w.wire.join(n.address, sys), Store: n.disk, Catalog: w.catalog(),
		Logger: w.log.With("node", n.address),
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if n.Engine, err = StartEngine(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
	w.engines = append(w.engines, n)
	return n
}

// runner starts a runner that knows all engines.
func (w *world) runner(slots int, change ...func(*actionrunner.Config)) *runnerNode {
	w.t.Helper()
	return w.runnerAt(fmt.Sprintf("runner-%d", len(w.runners)+1), slots, change...)
}

func (w *world) runnerAt(address string, slots int, change ...func(*actionrunner.Config)) *runnerNode {
	w.t.Helper()
	sys := w.system()
	n := &runnerNode{address: address, port: w.wire.join(address, sys)}
	cfg := actionrunner.Config{
		Actors: sys, Network: n.port, Actions: w.actions, Slots: slots, ID: fmt.Sprintf("r%d", len(w.runners)+1),
		Logger: w.log.With("node", n.address),
	}
	for _, e := range w.engines {
		cfg.Engines = append(cfg.Engines, e.address)
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if n.Runner, err = actionrunner.Start(cfg); err != nil {
		w.t.Fatal(err)
	}
	w.runners = append(w.runners, n)
	return n
}

// cluster starts as many engines and runners, and the gateway.
func (w *world) cluster(engines, runners, slots int) {
	w.t.Helper()
	for range engines {
		w.engine()
	}
	w.openGateway()
	for range runners {
		w.runner(slots)
	}
	w.pass(3 * time.Second) // until all know all
}

func (w *world) openGateway() {
	w.t.Helper()
	sys := w.system()
	var err error
	w.gateway, err = StartGateway(w.t.Context(), GatewayConfig{
		Actors: sys, Network: w.wire.join("api-1", sys), Nodes: w.store, Timeout: 5 * time.Minute, Logger: w.log.With("node", "api-1"),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// catalog is that of a node, which knows nothing of what other nodes store.
func (w *world) catalog() *catalog.Catalog {
	c := catalog.New(w.store, w.actions)
	c.Shared = true
	return c
}

// define stores workflows.
func (w *world) define(text string) {
	w.t.Helper()
	_, err := catalog.New(w.store, w.actions).Upload(w.t.Context(), catalog.Upload{Mode: catalog.Put, File: "test.yaml", Text: []byte(text)})
	if err != nil {
		w.t.Fatal(err)
	}
}

// spec is the start of a workflow by name.
func (w *world) spec(name string, id workflow.ExecutionID) workflow.Spec {
	w.t.Helper()
	def, err := w.store.FindDefinition(w.t.Context(), persistence.DefinitionKey{Kind: persistence.WorkflowDefinition, Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return workflow.Spec{ID: id, DefinitionID: def.ID, Input: value.NewDict(0), Params: value.NewDict(0), Env: value.NewDict(0)}
}

// ids are executions that no test cares to name; the number chooses.
func idOf(n int) workflow.ExecutionID {
	return workflow.ExecutionID(fmt.Sprintf("%08d-0000-4000-8000-000000000000", n))
}

// start creates an execution, which must end in the state; "" is any final one.
func (w *world) start(name string, id workflow.ExecutionID, end workflow.State) {
	w.t.Helper()
	if err := w.gateway.Start(w.t.Context(), w.spec(name, id)); err != nil {
		w.t.Fatalf("start %s: %v", name, err)
	}
	w.started[id] = end
}

func (w *world) command(id workflow.ExecutionID, op workflow.Op) {
	w.t.Helper()
	if err := w.gateway.Command(w.t.Context(), id, workflow.Command{Op: op}); err != nil {
		w.t.Fatalf("command %T: %v", op, err)
	}
}

// pass lets virtual time pass, and then everything come to rest.
func (w *world) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// await lets time pass until the condition holds.
func (w *world) await(what string, condition func() bool) {
	w.t.Helper()
	for range 3000 {
		synctest.Wait()
		if condition() {
			return
		}
		<-time.After(200 * time.Millisecond)
	}
	w.dump()
	w.t.Fatalf("%s has not come true in ten minutes", what)
}

// dump logs how far the executions are.
func (w *world) dump() {
	for id := range w.started {
		for _, a := range w.actionsOf(id) {
			w.t.Logf("%s: action %s %s (%d) is %s in phase %d, attempt %d on %s, wake at %v", id, a.ID, a.Name, a.Index, a.State, a.Phase, a.Attempt, a.Runner, w.record(id).WakeAt)
		}
	}
}

func (w *world) record(id workflow.ExecutionID) *workflow.ExecutionRecord {
	w.t.Helper()
	rec, _, err := w.store.GetExecution(w.t.Context(), "", id)
	if err != nil {
		w.t.Fatal(err)
	}
	return rec
}

func (w *world) exists(id workflow.ExecutionID) bool {
	_, epoch := w.store.Owner(id)
	return epoch > 0
}

func (w *world) actionsOf(id workflow.ExecutionID) []*workflow.ActionRecord {
	w.t.Helper()
	as, err := w.store.ListActions(w.t.Context(), id, "", -1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return as
}

// action is the only action of an execution.
func (w *world) action(id workflow.ExecutionID) *workflow.ActionRecord {
	w.t.Helper()
	as := w.actionsOf(id)
	if len(as) != 1 {
		w.t.Fatalf("execution %s has %d actions, want one", id, len(as))
	}
	return as[0]
}

func (w *world) awaitState(id workflow.ExecutionID, s workflow.State) {
	w.t.Helper()
	w.await(fmt.Sprintf("execution %s in state %s", id, s), func() bool { return w.record(id).State == s })
}

// awaitPhase waits until the execution's only action is there.
func (w *world) awaitPhase(id workflow.ExecutionID, phase workflow.Phase) {
	w.t.Helper()
	w.await(fmt.Sprintf("action in phase %d", phase), func() bool {
		as := w.actionsOf(id)
		return len(as) == 1 && as[0].Phase == phase
	})
}

// owner is the engine that owns the execution by the store's word, and another one.
func (w *world) owner(id workflow.ExecutionID) (owner, other *engineNode) {
	node, _ := w.store.Owner(id)
	for _, e := range w.engines {
		if e.ID() == node {
			owner = e
		} else if !e.dead {
			other = e
		}
	}
	return owner, other
}

// owned is an id, from n on, that the engine would own by its own view.
func (w *world) owned(e *engineNode, n int) workflow.ExecutionID {
	w.t.Helper()
	v := e.view.Load()
	for ; ; n++ {
		if o, ok := v.view.Owner(idOf(n)); ok && o.ID == v.self {
			return idOf(n)
		}
	}
}

// kill ends an engine as kill -9 would: it writes and says nothing from now on.
func (w *world) kill(e *engineNode) {
	e.dead = true
	e.disk.dead.Store(true)
	w.wire.isolate(true, e.address)
}

// killRunner ends a runner as kill -9 would.
func (w *world) killRunner(r *runnerNode) {
	r.dead = true
	w.wire.bury(r.port)
}

// settle heals everything and waits until all executions are final and nobody has anything left to say.
func (w *world) settle() {
	w.t.Helper()
	w.wire.obey(nil)
	w.store.Inject(nil)
	for _, e := range w.engines {
		if !e.dead {
			w.wire.isolate(false, e.address)
			e.disk.dead.Store(false)
		}
	}
	w.pass(w.wire.underway())
	for range 1200 {
		w.pass(time.Second)
		if w.unsettled() == "" {
			return
		}
	}
	w.dump()
	w.t.Errorf("not at rest twenty minutes after everything was healed: %s", w.unsettled())
}

// unsettled says what is not at rest.
func (w *world) unsettled() string {
	for id := range w.started {
		if what := w.unfinished(id); what != "" {
			return what
		}
	}
	for _, r := range w.runners {
		if m := r.Metrics(); !r.dead && (m.KnownNow > 0 || m.RunningNow > 0) {
			return fmt.Sprintf("runner %s knows %d attempts, runs %d", r.ID(), m.KnownNow, m.RunningNow)
		}
	}
	for _, e := range w.engines {
		if m := e.Metrics(); !e.dead && (m.HeldNow > 0 || m.QueuedNow > 0) {
			return fmt.Sprintf("engine %s holds %d slots, has %d actions queued", e.address, m.HeldNow, m.QueuedNow)
		}
	}
	return ""
}

func (w *world) unfinished(id workflow.ExecutionID) string {
	if rec := w.record(id); !rec.State.Final() || rec.ParentPending {
		return fmt.Sprintf("execution %s is %s", id, rec.State)
	}
	for _, a := range w.actionsOf(id) {
		if !a.State.Final() {
			return fmt.Sprintf("action %s of %s is %s in phase %d", a.ID, id, a.State, a.Phase)
		}
		if child := workflow.ExecutionID(a.ID); a.Kind == workflow.KindWorkflow && w.exists(child) {
			if what := w.unfinished(child); what != "" {
				return what
			}
		}
	}
	return ""
}

// stop ends everybody; the bubble fails when a goroutine is left.
func (w *world) stop() {
	ctx := context.WithoutCancel(w.t.Context())
	if w.gateway != nil {
		_ = w.gateway.Stop(ctx)
	}
	for _, r := range w.runners {
		if err := r.Stop(ctx); err != nil {
			w.t.Errorf("stop runner: %v", err)
		}
	}
	for _, e := range w.engines {
		stopCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
		if err := e.Stop(stopCtx); err != nil && !e.dead {
			w.t.Errorf("stop engine %s: %v", e.address, err)
		}
		cancel()
	}
}

// ledger is what actions did to the world.
type ledger struct {
	mu   sync.Mutex
	runs map[string][]int // attempts that were begun, by action
}

func newLedger() *ledger { return &ledger{runs: map[string][]int{}} }

func (l *ledger) note(c *actions.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[c.ActionID] = append(l.runs[c.ActionID], c.Attempt)
}

func (l *ledger) attempts(action workflow.ActionID) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.runs[string(action)])
}

// actions are the standard ones, and those of the tests.
func (l *ledger) actions(t *testing.T) *actions.Registry {
	t.Helper()
	r := actions.NewRegistry()
	if err := std.Register(r, std.Config{}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []actions.Action{
		{Name: "work", Params: []actions.Param{
			{Name: "seconds", Default: value.Int(0)}, {Name: "end", Default: value.String("value")},
		}, Run: l.work},
		{Name: "later", Async: true, Run: func(_ context.Context, c *actions.Call) actions.Result {
			l.note(c)
			return actions.Deferred()
		}},
	} {
		if err := r.Register(a); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// work takes some seconds and ends as it is told.
func (l *ledger) work(ctx context.Context, c *actions.Call) actions.Result {
	l.note(c)
	c.Progress("begun")
	seconds, _ := c.Input.GetString("seconds")
	timer := time.NewTimer(time.Duration(seconds.(value.Int)) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return actions.Cancelled()
	}
	switch end, _ := c.Input.GetString("end"); value.Str(end) {
	case "error":
		return actions.Errorf("told to")
	case "panic":
		panic("told to")
	case "cancelled":
		return actions.Cancelled()
	}
	return actions.Value(value.String(fmt.Sprintf("attempt %d", c.Attempt)))
}
