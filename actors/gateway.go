package actors

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/google/uuid"

	"cierzo/cluster"
	"cierzo/fault"
	"cierzo/internal/pool"
	"cierzo/messages"
	"cierzo/persistence"
	"cierzo/workflow"
)

// GatewayConfig is what a gateway is made of. A node that serves the API has one, whether it is an engine or not.
type GatewayConfig struct {
	// Actors hosts the gateway's actor. Required.
	Actors *actor.ActorSystem
	// Network reaches the engines. Required.
	Network Network
	// Nodes lists the engines. Required without Engine.
	Nodes persistence.Nodes
	// Engine is one in this process, whose list of engines serves the gateway, too. nil: the gateway reads Nodes itself.
	Engine *Engine
	// LeaseTTL is that of the engines: the list is read each fifth of it. Defaults to 9 s.
	LeaseTTL time.Duration
	// ID names this gateway; it is new for each process start. Defaults to a random UUID.
	ID string
	// Timeout bounds Start and Command when their context has no deadline. Defaults to 30 s.
	Timeout time.Duration
	// Logger receives the log. Defaults to discarding it.
	Logger *slog.Logger
}

// The limits of a gateway.
const (
	// callsMax bounds the calls that wait.
	callsMax = 10_000
	// The times between two sends of a call.
	callResendMin = 250 * time.Millisecond
	callResendMax = 4 * time.Second
)

// Gateway carries commands to the engines that own the executions. It is safe for concurrent use.
type Gateway struct {
	cfg    GatewayConfig
	root   *actor.RootContext
	pid    *actor.PID
	closed context.Context
	close  context.CancelFunc
	unview func()
	calls  chan struct{}  // bounds them
	beat   sync.WaitGroup // the clock
	stop   sync.Once
}

// StartGateway reads the list of engines and starts the gateway's actor. ctx bounds the start only.
func StartGateway(ctx context.Context, cfg GatewayConfig) (*Gateway, error) {
	if cfg.Actors == nil || cfg.Network == nil || cfg.Nodes == nil && cfg.Engine == nil {
		return nil, fault.New(fault.Invalid, "gateway: Actors, Network, and Nodes or Engine are required")
	}
	if cfg.LeaseTTL <= 0 {
		cfg.LeaseTTL = cluster.DefaultTTL
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{cfg: cfg, root: cfg.Actors.Root, calls: make(chan struct{}, callsMax)}
	g.closed, g.close = context.WithCancel(context.Background())
	name := "gateway-" + cmp.Or(cfg.ID, uuid.NewString())
	desk := &desk{cfg: cfg, name: name, calls: map[uint64]*call{}}
	var err error
	dispatcher := pool.New(g.closed.Done())
	if cfg.Engine != nil {
		dispatcher = cfg.Engine.pool // one burst, one pool
	}
	props := actor.PropsFromProducer(func() actor.Actor { return desk }, actor.WithDispatcher(dispatcher))
	if g.pid, err = g.root.SpawnNamed(props, name); err != nil {
		g.close()
		return nil, fault.Wrap(fault.Conflict, err, "start the gateway")
	}
	tell := func(v *cluster.View) { g.root.Send(g.pid, v) }
	if cfg.Engine != nil {
		g.unview = cfg.Engine.watchers.add(tell)
	} else if g.unview, err = cluster.Watch(ctx, cfg.Nodes, cfg.LeaseTTL/5, cfg.Logger, tell); err != nil {
		g.close()
		g.root.Stop(g.pid)
		return nil, err
	}
	g.beat.Go(g.tick)
	return g, nil
}

// tick has the actor look at its clock.
func (g *Gateway) tick() {
	t := time.NewTicker(callResendMin)
	defer t.Stop()
	for {
		select {
		case <-g.closed.Done():
			return
		case <-t.C:
			if len(g.calls) > 0 {
				g.root.Send(g.pid, clock{})
			}
		}
	}
}

// Start creates an execution and returns when it is durable. The same ID again is no error and changes nothing.
// fault.Invalid: the workflow refuses it; fault.Unavailable: no answer in time, it may have happened or not.
func (g *Gateway) Start(ctx context.Context, s workflow.Spec) error { return g.start(ctx, s, false) }

// StartNewest is Start, if the definition is, when that becomes durable, the newest revision of its workflow, of the execution's own
// project. persistence.ErrOutdated: it isn't, and nothing has begun.
func (g *Gateway) StartNewest(ctx context.Context, s workflow.Spec) error {
	return g.start(ctx, s, true)
}

func (g *Gateway) start(ctx context.Context, s workflow.Spec, newest bool) error {
	m, err := encodeStart(s)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "start execution %s", s.ID)
	}
	m.Newest = newest
	return g.call(ctx, &messages.ToExecution{ExecutionId: string(s.ID), Message: &messages.ToExecution_Start{Start: m}})
}

// Command carries out a user's command and returns when its effect is durable. With a RequestID it is carried out once,
// however often it is given. Errors have the kind of the refusal; fault.Unavailable: no answer in time.
func (g *Gateway) Command(ctx context.Context, id workflow.ExecutionID, c workflow.Command) error {
	if c.RequestID == "" {
		c.RequestID = uuid.NewString() // it will be sent until it is answered
	}
	m, err := encodeCommand(c)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "command to execution %s", id)
	}
	return g.call(ctx, &messages.ToExecution{ExecutionId: string(id), Message: &messages.ToExecution_Command{Command: m}})
}

// call waits for the answer to a message.
func (g *Gateway) call(ctx context.Context, m *messages.ToExecution) error {
	if m.ExecutionId == "" {
		return fault.New(fault.Invalid, "an execution has an id")
	}
	select {
	case g.calls <- struct{}{}:
		defer func() { <-g.calls }()
	default:
		return fault.New(fault.Unavailable, "%d calls wait for engines already", callsMax)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.cfg.Timeout)
		defer cancel()
	}
	c := &call{message: m, answer: make(chan *messages.Answer, 1)}
	g.root.Send(g.pid, c)
	select {
	case a := <-c.answer:
		return decodeAnswer(a)
	case <-ctx.Done():
		g.root.Send(g.pid, giveUp{c})
		return fault.Wrap(fault.Unavailable, ctx.Err(), "no engine has answered for execution %s; it may have happened or not", m.ExecutionId)
	case <-g.closed.Done():
		return fault.New(fault.Unavailable, "the gateway stops; execution %s may have been changed or not", m.ExecutionId)
	}
}

// Stop ends the gateway; calls under way fail as Unavailable. It can be called twice.
func (g *Gateway) Stop(context.Context) error {
	g.stop.Do(func() {
		g.close()
		g.unview()
		g.beat.Wait()
		g.root.Poison(g.pid)
	})
	return nil
}

type (
	// call is a message that somebody waits for the answer of.
	call struct {
		message *messages.ToExecution
		answer  chan *messages.Answer
		no      uint64
		sends   int
		sendAt  time.Time
	}
	giveUp struct{ call *call }
)

// desk is the gateway's actor: it sends each call to the owner, as it is known at the moment, until an answer comes.
type desk struct {
	cfg   GatewayConfig
	name  string
	view  *cluster.View
	calls map[uint64]*call
	last  uint64
}

// Receive handles one message. Nothing in it waits.
func (d *desk) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *call:
		d.last++
		m.no = d.last
		m.message.ReplyTo = &messages.ReplyTo{Address: d.cfg.Network.Address(), Actor: d.name, Correlation: m.no}
		d.calls[m.no] = m
		d.send(m, time.Now())
	case giveUp:
		delete(d.calls, m.call.no)
	case *messages.ToGateway:
		x, a := d.calls[m.Correlation], m.GetAnswer()
		if x == nil || a == nil {
			return // answered before, given up, or not understood
		}
		delete(d.calls, m.Correlation)
		x.answer <- a
	case *cluster.View:
		d.view = m
		for _, x := range d.calls {
			d.send(x, time.Now())
		}
	case clock:
		now := time.Now()
		for _, x := range d.calls {
			if !x.sendAt.After(now) {
				d.send(x, now)
			}
		}
	}
}

func (d *desk) send(x *call, now time.Time) {
	x.sendAt = now.Add(min(callResendMin<<min(x.sends, 6), callResendMax))
	x.sends++
	if owner, ok := d.view.Owner(workflow.ExecutionID(x.message.ExecutionId)); ok {
		d.cfg.Network.Send(owner.Address, RouterName, x.message)
	}
}
