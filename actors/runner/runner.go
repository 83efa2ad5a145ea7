// Package runner is an action runner: it runs what engines give it and reports the outcome, over and over until an engine
// has acknowledged it. It has no store and knows nothing of workflows: all it needs is in the messages.
//
// An attempt that is known is never begun twice, and one whose lease ran out while it waited for a slot is asked about
// before it begins. A runner that no engine answers gives its repeatable actions up before the engines give them to
// somebody else.
package runner

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"cierzo/actions"
	"cierzo/fault"
	"cierzo/internal/pool"
	"cierzo/internal/shortid"
)

// The limits of a runner.
const (
	// PayloadBytesMax is the default limit of an outcome's JSON form.
	PayloadBytesMax = 1 << 20
	// HelloAttemptsMax bounds the attempts that a Hello lists.
	HelloAttemptsMax = 4096
	// queueSlotsMax bounds the attempts that a runner keeps, as a multiple of its slots, and queueMin is the least bound.
	// What comes beyond is dropped; the engine sends it again.
	queueSlotsMax = 4
	queueMin      = 64
)

// Network brings messages to actors by address and name: at most once, in any order, without ever blocking. Messages are
// not changed after they were given to it.
type Network interface {
	// Address is what engines reach this node by.
	Address() string
	// Send brings the message to the actor with that name on the node with that address, perhaps this one.
	Send(address, actor string, m proto.Message)
}

// Config is what a runner is made of.
type Config struct {
	// Actors hosts the runner's actor. Required.
	Actors *actor.ActorSystem
	// Network reaches the engines. Required.
	Network Network
	// Actions are what it can run. Required.
	Actions *actions.Registry
	// Engines are addresses of engines to say hello to first; they name the others. Required.
	Engines []string

	// ID names this incarnation. Defaults to shortid.New.
	ID string
	// Slots is how many actions run at a time. Defaults to 16 for each processor.
	Slots int
	// Targets are the labels by which tasks choose this runner.
	Targets []string
	// Heartbeat is the interval of Hello. Defaults to 1 s.
	Heartbeat time.Duration
	// SayStarted is how long an attempt runs before its engine is told that it has begun: of a shorter one the outcome
	// says all, and saves the engine a transaction. Defaults to 1 s; negative: at once.
	SayStarted time.Duration
	// Lease is how long the runner believes that engines count on it without hearing from them; it must be shorter than the
	// engines' RunnerGrace. Defaults to 8 s.
	Lease time.Duration
	// PayloadBytesMax bounds an outcome's JSON form. Defaults to the constant.
	PayloadBytesMax int
	// Callback gives the address where the result of an asynchronous action is put. nil: there is none.
	Callback func(actionID string) string
	// Version is shown to the engines.
	Version string
	// Logger receives the log. Defaults to discarding it.
	Logger *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

func (c *Config) complete() error {
	switch {
	case c.Actors == nil, c.Network == nil, c.Actions == nil:
		return fault.New(fault.Invalid, "runner: Actors, Network and Actions are required")
	case len(c.Engines) == 0:
		return fault.New(fault.Invalid, "runner: no engine to say hello to")
	case c.Slots < 0:
		return fault.New(fault.Invalid, "runner: %d slots", c.Slots)
	}
	if c.ID == "" {
		c.ID = shortid.New()
	}
	if c.Slots == 0 {
		c.Slots = 16 * runtime.GOMAXPROCS(0)
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = time.Second
	}
	if c.SayStarted == 0 {
		c.SayStarted = time.Second
	}
	if c.Lease <= 0 {
		c.Lease = 8 * time.Second
	}
	if c.PayloadBytesMax <= 0 {
		c.PayloadBytesMax = PayloadBytesMax
	}
	if c.Callback == nil {
		c.Callback = func(string) string { return "" }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Runner is a running action runner. Its methods may be called from anywhere.
type Runner struct {
	cfg      Config
	pid      *actor.PID
	counters counters
	ctx      context.Context // of all actions
	cancel   context.CancelFunc
	pool     *pool.Pool     // runs actions and the actor
	work     sync.WaitGroup // actions and the heartbeat
	gone     chan struct{}  // closed when the actor has stopped
	stop     sync.Once
}

// Start begins to say hello and to run what engines send.
func Start(cfg Config) (*Runner, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	r := &Runner{cfg: cfg, gone: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.pool = pool.New(r.ctx.Done())
	w := newWorker(r)
	props := actor.PropsFromProducer(func() actor.Actor { return w }, actor.WithDispatcher(r.pool))
	pid, err := cfg.Actors.Root.SpawnNamed(props, ActorName(cfg.ID))
	if err != nil {
		r.cancel()
		return nil, fault.Wrap(fault.Conflict, err, "start runner %s", cfg.ID)
	}
	r.pid = pid
	r.work.Go(r.beat)
	return r, nil
}

// ActorName is the name under which the runner with that id is reached: it is of one incarnation, as the id.
func ActorName(id string) string { return "runner-" + id }

// ID is the name of this incarnation.
func (r *Runner) ID() string { return r.cfg.ID }

// beatMin is the first interval of Hello: engines may be starting too, and work may be waiting already.
const beatMin = 10 * time.Millisecond

// beat has the actor look at its clock, often at first, then each Heartbeat.
func (r *Runner) beat() {
	r.cfg.Actors.Root.Send(r.pid, tick{})
	wait := min(beatMin, r.cfg.Heartbeat)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-timer.C:
			r.cfg.Actors.Root.Send(r.pid, tick{})
			wait = min(2*wait, r.cfg.Heartbeat)
			timer.Reset(wait)
		}
	}
}

// Drain takes no new attempts and returns when all that the runner has is finished and acknowledged. fault.Unavailable
// when ctx ends before.
func (r *Runner) Drain(ctx context.Context) error {
	empty := make(chan struct{})
	r.cfg.Actors.Root.Send(r.pid, drain{empty})
	select {
	case <-empty:
		return nil
	case <-r.gone:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "drain runner %s", r.cfg.ID)
	}
}

// Stop cancels what runs, tells the engines that this incarnation is gone, and ends the actor. What was not acknowledged is
// lost, as the engines know. ctx bounds the wait for actions that don't heed their context. It can be called twice.
func (r *Runner) Stop(ctx context.Context) error {
	r.stop.Do(func() {
		r.cancel()
		r.cfg.Actors.Root.Send(r.pid, leave{})
		r.cfg.Actors.Root.Poison(r.pid)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-r.gone
		r.work.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "stop runner %s", r.cfg.ID)
	}
}
