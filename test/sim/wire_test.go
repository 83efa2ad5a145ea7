package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"cierzo/messages"
	"cierzo/messages/messagestest"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// wire is the network. Each message is copied, takes its time and meets the faults of the moment.
type wire struct {
	*world
	mu   sync.Mutex
	live map[string]*process // by address
	seen map[chance]uint64   // how often the same message was sent
}

// The times that a message takes without a fault: over the network, and within a process.
const (
	latencyMin = 50 * time.Microsecond
	latencyVar = 2 * time.Millisecond
	localVar   = 30 * time.Microsecond
)

func newWire(w *world) *wire {
	return &wire{world: w, live: map[string]*process{}, seen: map[chance]uint64{}}
}

// count says how often a key was drawn for, this time included.
func (n *wire) count(key chance) chance {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen[key]++
	return key.num(n.seen[key])
}

// carry brings a message from one address to an actor at another, or not.
func (n *wire) carry(from, to, name string, m proto.Message) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	key := n.count(n.chance.str("message").str(from).str(to).str(name).bytes(data))
	if parts := messagestest.Apart(m); len(parts) > 1 && key.str("apart").percent(50) {
		for _, part := range parts { // each meets its own faults, and comes when it comes
			n.carry(from, to, name, part)
		}
		return
	}
	kind := messagestest.Kind(m)
	n.trace.line("%s→%s %s %x", from, to, kind, uint64(key))
	n.trace.note("%s→%s %v", from, to, m)
	n.notice(m)
	delays := []time.Duration{latencyMin + key.within(latencyVar)}
	now := n.since()
	for i, f := range n.plan.Faults {
		if !f.active(now) || !f.between(from, to) {
			continue
		}
		key := key.num(uint64(i) + 100)
		switch f.Kind {
		case cutOff, cutIncoming, cutOutgoing:
			delays = nil
		case loseMessages:
			if key.percent(f.P) {
				delays = nil
			}
		case doubleMessages:
			if key.percent(f.P) && len(delays) > 0 {
				delays = append(delays, delays[0]+key.str("double").within(4*time.Second))
			}
		case delayMessages:
			for k := range delays {
				delays[k] += key.num(uint64(k)).within(time.Duration(f.P) * 100 * time.Millisecond)
			}
		}
	}
	for _, d := range delays {
		n.deliver(to, name, kind, proto.Clone(m), d)
	}
}

// deliver gives a copy to whoever lives at the address when it arrives.
func (n *wire) deliver(to, name, kind string, m proto.Message, d time.Duration) {
	time.AfterFunc(d, func() {
		n.mu.Lock()
		p := n.live[to]
		n.mu.Unlock()
		if p == nil {
			return
		}
		p.enter(func() {
			n.trace.line("%s gets %s", to, kind)
			actor.NewRootContext(p.system, nil).Send(actor.NewPID(p.system.Address(), name), m)
		})
	})
}

func (n *wire) join(p *process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.live[p.address] = p
}

func (n *wire) bury(p *process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.live[p.address] == p {
		delete(n.live, p.address)
	}
}

// active reports whether the fault lasts at that time.
func (f *trouble) active(at time.Duration) bool {
	from := time.Duration(f.At) * time.Millisecond
	return at >= from && at < from+time.Duration(f.For)*time.Millisecond
}

// between reports whether the fault is about messages from one address to the other.
func (f *trouble) between(from, to string) bool {
	if from == to {
		return false
	}
	a, b := slices.Contains(f.Nodes, from), slices.Contains(f.Nodes, to)
	switch f.Kind {
	case cutOff:
		return a != b
	case cutIncoming:
		return b && !a
	case cutOutgoing:
		return a && !b
	}
	return len(f.Nodes) == 0 || a || b
}

// process is one incarnation of a node.
type process struct {
	*world
	address string
	no      int // of the address
	system  *actor.ActorSystem
	stop    func()

	mu     sync.Mutex
	dead   bool
	gone   chan struct{} // closed with dead
	paused chan struct{} // nil unless it is; closed at its end
	held   []func()      // what waits for its end
	last   map[string]time.Time
	offset time.Duration // of its clock
}

func (w *world) process(address string) *process {
	w.incarnations[address]++
	p := &process{
		world: w, address: address, no: w.incarnations[address], system: w.system(), gone: make(chan struct{}),
		last: map[string]time.Time{},
	}
	p.system.Root.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
		return func(c actor.SenderContext, target *actor.PID, e *actor.MessageEnvelope) { p.local(next, c, target, e) }
	})
	w.wire.join(p)
	return p
}

// local brings a message within the process: in the order of sending for each receiver, at a moment of its own. What an
// engine says to its own router about executions goes like any other message to a router.
func (p *process) local(next actor.SenderFunc, c actor.SenderContext, target *actor.PID, e *actor.MessageEnvelope) {
	if m, ok := e.Message.(*messages.ToExecution); ok && target.Id == routerName {
		p.Send(p.address, routerName, m)
		return
	}
	p.trace.note("%s.%d %s hears %T %v", p.address, p.no, target.Id, e.Message, e.Message)
	key := p.wire.count(p.chance.str("local").str(p.address).num(uint64(p.no)).str(fmt.Sprintf("%T", e.Message)))
	at := time.Now().Add(time.Microsecond + key.within(localVar))
	p.mu.Lock()
	if last := p.last[target.Id]; !at.After(last) {
		at = last.Add(1)
	}
	p.last[target.Id] = at
	p.mu.Unlock()
	time.AfterFunc(time.Until(at), func() { p.enter(func() { next(c, target, e) }) })
}

const routerName = "engine"

// enter runs fn unless the process is dead; while it is paused fn waits.
func (p *process) enter(fn func()) {
	p.mu.Lock()
	switch {
	case p.dead:
		p.mu.Unlock()
	case p.paused != nil:
		p.held = append(p.held, fn)
		p.mu.Unlock()
	default:
		p.mu.Unlock()
		fn()
	}
}

// await waits while the process is paused; false: it is dead.
func (p *process) await() bool {
	for {
		p.mu.Lock()
		dead, paused := p.dead, p.paused
		p.mu.Unlock()
		if dead || paused == nil {
			return !dead
		}
		select {
		case <-paused:
		case <-p.gone:
		}
	}
}

func (p *process) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused == nil {
		p.paused = make(chan struct{})
	}
}

// resume lets a paused process go on: first what it would have done meanwhile, in its order.
func (p *process) resume() {
	p.mu.Lock()
	held, paused := p.held, p.paused
	p.held, p.paused = nil, nil
	p.mu.Unlock()
	for _, fn := range held {
		p.enter(fn)
	}
	if paused != nil {
		close(paused)
	}
}

// kill ends the process as kill -9 does: it writes and says nothing from now on.
func (p *process) kill() {
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return
	}
	p.dead, p.held = true, nil
	close(p.gone)
	p.mu.Unlock()
	p.wire.bury(p)
	p.stop()
}

func (p *process) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.offset).UTC()
}

func (p *process) step(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offset += d
}

// Address and Send implement the Network of engines, runners and gateways.
func (p *process) Address() string { return p.address }

func (p *process) Send(address, name string, m proto.Message) {
	p.enter(func() { p.wire.carry(p.address, address, name, m) })
}

// notice notes the grants of attempts that had waited too long.
func (n *wire) notice(m proto.Message) {
	to, ok := m.(*messages.ToRunner)
	if !ok {
		return
	}
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	for _, part := range to.Parts() {
		if part.GetGrant() == nil {
			continue
		}
		a := part.GetGrant().GetAttempt()
		n.grants = append(n.grants, check.Grant{
			Execution: workflow.ExecutionID(a.GetExecutionId()), Action: workflow.ActionID(a.GetActionId()), At: n.since(),
		})
	}
}
