package actors

import (
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"cierzo/cluster"
	"cierzo/messages"
	"cierzo/persistence"
	"cierzo/workflow"
)

type nodeID = persistence.NodeID

// The limits of the router.
const (
	// hopsMax is how often a message is passed on before it is handled where it is.
	hopsMax = 2
	// bufferMax bounds what is kept for an actor that is stopping.
	bufferMax = 1000
	// smallMaps is the number of executions in memory up to which the router's maps aren't made smaller.
	smallMaps = 1000
)

// RouterName is the name under which an engine is reached.
const RouterName = "engine"

// Messages to the router.
type (
	// park stops all executions: the lease is lost.
	park struct{}
	// wake wakes executions that are due; with a runner, it was lost. absent: only those that are not in memory. The rest is
	// as in messages.Wake.
	wake struct {
		ids    []workflow.ExecutionID
		runner workflow.RunnerID
		absent bool
		gone   nodeID
		child  workflow.ActionID
		watch  bool
	}
	// idleCheck asks whether an execution may leave memory, crowded also if it waits for a slot; departure is the answer. yield tells it to, after the turn
	// that is under way.
	idleCheck struct{ crowded bool }
	yield     struct{}
	// summoned brings slots to an execution that has left memory while it waited for them.
	summoned struct {
		id    workflow.ExecutionID
		slots []workflow.Slot
	}
	// shutDown lets all executions go, after their turns or at once; empty is closed when they are gone.
	shutDown struct {
		empty chan<- struct{}
		now   bool
	}
)

// router is an engine's only address. It finds or makes the actor of an execution, or passes a message on to its owner.
type router struct {
	*Engine
	view     *cluster.View // nil while parked
	self     nodeID
	children map[workflow.ExecutionID]*child
	ids      map[string]workflow.ExecutionID // by the actor's name
	most     int                             // children since the maps were made
	leaving  []chan<- struct{}
	closed   bool // nothing new begins
	props    *actor.Props
	next     *execution // whose actor is being made, by props
}

// child is the actor of an execution.
type child struct {
	pid      *actor.PID
	used     time.Time
	stopping bool
	foreign  bool                    // the execution is another engine's now
	queued   bool                    // it leaves while it waits for slots
	sent     uint64                  // messages to it that count, see execution.heard
	buffer   []*messages.ToExecution // for its successor
}

func newRouter(e *Engine) *router {
	r := &router{Engine: e, children: map[workflow.ExecutionID]*child{}, ids: map[string]workflow.ExecutionID{}}
	r.props = actor.PropsFromProducer(func() actor.Actor { return r.next }, actor.WithDispatcher(e.pool))
	return r
}

// Receive handles one message. A panic must not escape: it would take all executions along.
func (r *router) Receive(c actor.Context) {
	defer r.catch("router")
	switch m := c.Message().(type) {
	case *messages.ToExecution:
		r.route(c, m)
	case *messages.ToEngine:
		if h := m.GetHello(); h != nil {
			r.dispatcher.told(h)
		} else {
			r.log.Debug("message not understood", "message", "ToEngine")
		}
	case wake:
		r.wake(c, m)
	case viewChanged:
		r.changed(m)
	case park:
		r.parkAll(c)
	case clock:
		r.sweepIdle()
	case summoned:
		r.summon(c, m)
	case departure:
		r.depart(c, m)
	case *actor.Stopping: // the library knows nothing of them, see spawn
		r.closed = true
		r.stopAll(c)
	case shutDown:
		r.leaving, r.closed = append(r.leaving, m.empty), true
		if m.now {
			r.stopAll(c)
			break
		}
		for _, x := range r.children {
			r.root.Send(x.pid, yield{})
		}
	case *actor.Terminated:
		r.terminated(c, m.Who)
	}
	folded := r.folds.len()
	r.counters.executions.Store(int64(len(r.children) + folded))
	r.counters.folded.Store(int64(folded))
	if len(r.children) == 0 {
		for _, empty := range r.leaving {
			close(empty)
		}
		r.leaving = r.leaving[:0]
	}
}

// route handles a message here, or passes it on to the owner.
func (r *router) route(c actor.Context, m *messages.ToExecution) {
	id := workflow.ExecutionID(m.ExecutionId)
	if r.view == nil || id == "" {
		r.counters.dropped.Add(1)
		return
	}
	if x := r.children[id]; x != nil && !x.foreign { // most messages: whose it is needs the hash of the id
		r.deliver(c, id, m)
		return
	}
	owner, ok := r.view.Owner(id)
	if ok && owner.ID != r.self && (m.Hops < hopsMax || r.closed) {
		if m.Hops < hopsMax {
			r.forward(owner, m)
		}
		return
	}
	r.deliver(c, id, m)
}

func (r *router) forward(owner persistence.Node, m *messages.ToExecution) {
	// The sender may share the message: a copy is changed.
	on := proto.CloneOf(m)
	on.Hops++
	r.counters.forwarded.Add(1)
	r.cfg.Network.Send(owner.Address, RouterName, on)
}

// deliver gives a message to the execution's actor, which is made if there is none.
func (r *router) deliver(c actor.Context, id workflow.ExecutionID, m *messages.ToExecution) {
	x := r.children[id]
	if x == nil {
		if r.closed {
			r.counters.dropped.Add(1)
			return
		}
		x = r.spawn(c, id)
	}
	if x.stopping {
		if len(x.buffer) < bufferMax {
			x.buffer = append(x.buffer, m)
		}
		return
	}
	if m.GetActionProgress() == nil {
		x.used = r.cfg.Now()
	}
	x.sent++
	r.root.Send(x.pid, m)
}

// spawn makes the actor of an execution. The router is its parent, but not by Context.Spawn: a context's set of children keeps places
// of those that have gone, and by them half of all actors that there ever were at the same time.
func (r *router) spawn(c actor.Context, id workflow.ExecutionID) *child {
	r.next = newExecution(r.Engine, id, r.self)
	r.next.fold = r.folds.take(id)
	pid, err := actor.DefaultSpawner(r.cfg.Actors, RouterName+"/"+r.cfg.Actors.ProcessRegistry.NextID(), r.props, c)
	if err != nil {
		panic(err) // the name is a new one
	}
	r.next = nil
	x := &child{pid: pid, used: r.cfg.Now(), foreign: r.foreign(id)}
	r.settled.set(persistence.Claim{ID: id, Owner: r.self}, false)
	r.children[id] = x
	r.ids[pid.Id] = id
	r.most = max(r.most, len(r.children))
	return x
}

// summon hands slots to an execution, which is loaded for it. One that can't be has them no more: it gets others when it is.
func (r *router) summon(c actor.Context, m summoned) {
	x := r.children[m.id]
	if r.view == nil || r.closed || r.foreign(m.id) || x != nil && x.stopping {
		r.dispatcher.told(forget{m.id, false})
		r.wake(c, wake{ids: []workflow.ExecutionID{m.id}})
		return
	}
	if x == nil {
		x = r.spawn(c, m.id)
	}
	x.used = r.cfg.Now()
	x.sent++
	r.root.Send(x.pid, m)
}

// wake sends to executions that the sweeper has found.
func (r *router) wake(c actor.Context, m wake) {
	for _, id := range m.ids {
		if m.absent && r.children[id] != nil {
			continue
		}
		message := &messages.ToExecution{ExecutionId: string(id), Message: &messages.ToExecution_Wake{Wake: &messages.Wake{
			Gone: string(m.gone), Child: string(m.child), Watch: m.watch,
		}}}
		if m.runner != "" {
			message.Message = &messages.ToExecution_RunnerLost{RunnerLost: &messages.RunnerLost{RunnerId: string(m.runner)}}
		}
		r.route(c, message)
	}
}

// changed takes a new view in: executions that are another engine's now finish their turn and go.
func (r *router) changed(m viewChanged) {
	r.self, r.view = m.self, m.view
	r.settled.clear()
	r.folds.belong(r.self)
	r.folds.drop(r.foreign)
	for id, x := range r.children {
		if x.foreign = r.foreign(id); x.foreign && !x.stopping {
			r.root.Send(x.pid, yield{})
		}
	}
}

// foreign reports whether an execution is another engine's.
func (r *router) foreign(id workflow.ExecutionID) bool {
	owner, ok := r.view.Owner(id)
	return ok && owner.ID != r.self
}

// parkAll stops everything at once: what is under way is fenced when it is stale, and found again when not.
func (r *router) parkAll(c actor.Context) {
	r.view = nil
	r.folds.belong("")
	r.counters.parked.Add(1)
	for _, x := range r.children {
		x.buffer = nil
	}
	r.stopAll(c)
}

func (r *router) stopAll(c actor.Context) {
	for _, x := range r.children {
		r.stopChild(c, x)
	}
}

func (r *router) stopChild(c actor.Context, x *child) {
	if !x.stopping {
		x.stopping = true
		c.Stop(x.pid)
	}
}

// sweepIdle asks those that have not been used for a while whether they may go.
func (r *router) sweepIdle() {
	now := r.cfg.Now()
	r.folds.age(now.Add(-r.cfg.IdleAfter), r.cfg.IdleMax-len(r.children))
	patience, crowded := r.patience(now), len(r.children) > r.cfg.IdleMax
	for _, x := range r.children {
		if !x.stopping && now.Sub(x.used) > patience {
			r.root.Send(x.pid, idleCheck{crowded})
		}
	}
}

// patience is how long an execution may be unused: so long that IdleMax have not been, if that is less than IdleAfter.
func (r *router) patience(now time.Time) time.Duration {
	if len(r.children) <= r.cfg.IdleMax {
		return r.cfg.IdleAfter
	}
	ages := make([]time.Duration, 0, len(r.children))
	for _, x := range r.children {
		ages = append(ages, now.Sub(x.used))
	}
	slices.Sort(ages)
	return min(r.cfg.IdleAfter, ages[r.cfg.IdleMax-1])
}

// compact is the same map with no more room than it needs.
func compact[K comparable, V any](m map[K]V) map[K]V {
	out := make(map[K]V, len(m))
	maps.Copy(out, m)
	return out
}

// terminated cleans up after an actor; what came for it meanwhile goes to its successor.
func (r *router) terminated(c actor.Context, pid *actor.PID) {
	id, ok := r.ids[pid.Id]
	if !ok {
		return
	}
	delete(r.ids, pid.Id)
	x := r.children[id]
	delete(r.children, id)
	if r.most > smallMaps && len(r.children) < r.most/8 { // maps keep the room that they once needed
		r.children, r.ids, r.most = compact(r.children), compact(r.ids), len(r.children)
	}
	owner, known := r.view.Owner(id)
	if foreign := r.view == nil || !known || owner.ID != r.self; x.queued && !foreign {
		r.dispatcher.told(left{id})
	} else {
		r.dispatcher.told(forget{id, foreign})
	}
	for _, m := range x.buffer {
		r.route(c, m)
	}
}
