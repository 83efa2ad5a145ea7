package actors

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"cierzo/messages"
	"cierzo/messages/messagestest"
)

// wire is the network of a test: all messages between its nodes go through it, and a rule says what becomes of each. It
// delivers copies, as a real network does.
type wire struct {
	mu    sync.Mutex
	nodes map[string]*actor.ActorSystem // by address
	cut   map[string]bool               // addresses that nothing leaves or reaches
	rule  func(packet) []fate
	last  time.Time             // when the last of the late copies arrives
	edit  func(m proto.Message) // changes each copy
	whole bool                  // a bundle has one fate; else each message in it has its own
	sent  map[string]int        // by kind
	given []given
}

// packet is a message on its way.
type packet struct {
	from, to, actor string
	kind            string // "RunAction", "ActionFinished", …
	n               int    // of its kind, from 1
	m               proto.Message
}

// fate is one copy of a message: when it arrives, and what is in it if not what was sent.
type fate struct {
	after time.Duration
	m     proto.Message
}

// arrives is the fate of a message that nothing happens to.
func arrives(...packet) []fate { return []fate{{}} }

// given is a message as it was when it was sent; nobody may change it afterwards.
type given struct {
	m    proto.Message
	text []byte
}

func newWire() *wire {
	return &wire{nodes: map[string]*actor.ActorSystem{}, cut: map[string]bool{}, sent: map[string]int{}}
}

// port is a node's end of the wire; it implements Network and runner.Network.
type port struct {
	wire    *wire
	address string
	dead    *atomic.Bool // its process is: it says nothing any more
}

func (p port) Address() string { return p.address }

func (p port) Send(address, name string, m proto.Message) {
	if !p.dead.Load() {
		p.wire.send(p.address, address, name, m)
	}
}

// join adds a node. What its engine sends to its own router goes over the wire too.
func (w *wire) join(address string, s *actor.ActorSystem) port {
	s.Root.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
		return func(c actor.SenderContext, target *actor.PID, e *actor.MessageEnvelope) {
			if m, ok := e.Message.(*messages.ToExecution); ok && target.Id == RouterName {
				w.send(address, address, RouterName, m)
				return
			}
			next(c, target, e)
		}
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[address] = s
	return port{w, address, &atomic.Bool{}}
}

// obey sets the rule; nil: everything arrives.
func (w *wire) obey(rule func(packet) []fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = rule
}

// bury takes a dead process from its address.
func (w *wire) bury(p port) {
	p.dead.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.nodes, p.address)
}

// isolate cuts addresses off, or joins them again.
func (w *wire) isolate(off bool, addresses ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range addresses {
		w.cut[a] = off
	}
}

// rewrite has each message changed on its way.
func (w *wire) rewrite(edit func(proto.Message)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit = edit
}

func (w *wire) count(kind string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent[kind]
}

func (w *wire) send(from, to, name string, m proto.Message) {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given = append(w.given, given{m, text})
	parts := messagestest.Apart(m)
	if w.whole || len(parts) == 1 {
		w.pass(from, to, name, m)
		return
	}
	w.sent[messagestest.Kind(m)]++
	for _, part := range parts {
		w.pass(from, to, name, part)
	}
}

// pass is called with the lock.
func (w *wire) pass(from, to, name string, m proto.Message) {
	kind := messagestest.Kind(m)
	w.sent[kind]++
	if w.cut[from] || w.cut[to] {
		return
	}
	fates := arrives()
	if w.rule != nil {
		fates = w.rule(packet{from, to, name, kind, w.sent[kind], m})
	}
	for _, f := range fates {
		c := proto.Clone(m)
		if f.m != nil {
			c = f.m
		}
		if w.edit != nil {
			w.edit(c)
		}
		if f.after <= 0 {
			w.deliver(to, name, c)
			continue
		}
		if at := time.Now().Add(f.after); at.After(w.last) {
			w.last = at
		}
		time.AfterFunc(f.after, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !w.cut[to] {
				w.deliver(to, name, c)
			}
		})
	}
}

// deliver is called with the lock.
func (w *wire) deliver(to, name string, m proto.Message) {
	if s := w.nodes[to]; s != nil {
		actor.NewRootContext(s, nil).Send(actor.NewPID(s.Address(), name), m)
	}
}

// underway is the time until the last of the late copies arrives.
func (w *wire) underway() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(time.Until(w.last), 0)
}

// unchanged checks that no message was changed after it was sent.
func (w *wire) unchanged(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.given {
		text, err := proto.MarshalOptions{Deterministic: true}.Marshal(g.m)
		if err != nil || !bytes.Equal(text, g.text) {
			t.Errorf("a %s was changed after it was sent: %v", messagestest.Kind(g.m), g.m)
		}
	}
}

// trouble is what can happen to the messages of one kind. It counts what it has done.
type trouble struct {
	name string
	do   func(p packet, rng *rand.Rand) []fate
}

// troubles are what the protocol must bear, of each message.
func troubles() []trouble {
	return []trouble{
		{"lost twice", func(p packet, _ *rand.Rand) []fate {
			if p.n <= 2 {
				return nil
			}
			return arrives()
		}},
		{"doubled, and again late", func(packet, *rand.Rand) []fate { return []fate{{}, {}, {after: 7 * time.Second}} }},
		{"doubled after the end", func(packet, *rand.Rand) []fate { return []fate{{}, {after: 3 * time.Minute}} }},
		{"later than its repetitions", func(p packet, _ *rand.Rand) []fate {
			if p.n <= 2 {
				return []fate{{after: 25 * time.Second}}
			}
			return arrives()
		}},
		{"out of order", func(_ packet, rng *rand.Rand) []fate {
			return []fate{{after: time.Duration(rng.IntN(2500)) * time.Millisecond}}
		}},
		{"everything at once", func(p packet, rng *rand.Rand) []fate {
			if p.n > 40 {
				return arrives()
			}
			var fates []fate
			for range rng.IntN(4) {
				fates = append(fates, fate{after: time.Duration(rng.IntN(9000)) * time.Millisecond})
			}
			return fates
		}},
	}
}

// among makes a rule that is for some kinds only.
func among(kinds []string, do func(packet, *rand.Rand) []fate, rng *rand.Rand) func(packet) []fate {
	return func(p packet) []fate {
		if !slices.Contains(kinds, p.kind) {
			return arrives()
		}
		return do(p, rng)
	}
}
