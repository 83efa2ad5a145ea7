package runner

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"cierzo/actions"
	"cierzo/expr/value"
	"cierzo/internal/slogtest"
	"cierzo/messages"
	"cierzo/messages/messagestest"
)

// bench is a runner between an engine that the test plays and actions that do what they are told. It implements Network.
type bench struct {
	*Runner
	t     *testing.T
	sys   *actor.ActorSystem
	mu    sync.Mutex
	sent  []sent         // the messages of a bundle as if each had been sent by itself
	sends int            // bundles are one
	runs  map[string]int // of each action
}

// sent is something that the runner has said.
type sent struct {
	at   time.Time
	to   string
	kind string
	m    proto.Message
}

const engineAt = "engine-1"

// onBench runs a test in a bubble of virtual time, with a runner that knows one engine.
func onBench(t *testing.T, slots int, test func(b *bench), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log, _ := slogtest.New(t)
		b := &bench{t: t, runs: map[string]int{}, sys: actor.NewActorSystem(
			actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))}
		cfg := Config{
			Actors: b.sys, Network: b, Actions: b.registry(), Engines: []string{engineAt}, ID: "r1", Slots: slots, Logger: log,
			SayStarted: -1,
		}
		for _, c := range change {
			c(&cfg)
		}
		var err error
		if b.Runner, err = Start(cfg); err != nil {
			t.Fatal(err)
		}
		b.view()
		test(b)
		for range 2 { // twice
			if err := b.Stop(t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		<-time.After(time.Minute) // the actor library counts its dead letters for a while
	})
}

func (b *bench) Address() string { return "runner:1" }

func (b *bench) Send(address, name string, m proto.Message) {
	if name != engineActor {
		b.t.Errorf("sent to %s at %s", name, address)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := m.(*messages.ToExecution); ok {
		b.sends++
	}
	for _, part := range messagestest.Apart(proto.Clone(m)) {
		b.sent = append(b.sent, sent{time.Now(), address, messagestest.Kind(part), part})
	}
}

// heard takes what was said since the last call, but for hellos.
func (b *bench) heard() []sent {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.DeleteFunc(b.sent, func(s sent) bool { return s.kind == "Hello" })
	b.sent = nil
	return out
}

// toExecutions is how many messages to executions have been sent, bundles as one.
func (b *bench) toExecutions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sends
}

// kinds is what was said since the last call, but for hellos.
func (b *bench) kinds() string {
	var kinds []string
	for _, s := range b.heard() {
		kinds = append(kinds, s.kind)
	}
	return strings.Join(kinds, ", ")
}

// expect checks what was said since the last call, but for hellos.
func (b *bench) expect(what, want string) {
	b.t.Helper()
	if got := b.kinds(); got != want {
		b.t.Errorf("%s: the runner said %q, want %q", what, got, want)
	}
}

// hello takes the last hello that was said.
func (b *bench) hello() *messages.Hello {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range slices.Backward(b.sent) {
		if s.kind == "Hello" {
			return s.m.(*messages.ToEngine).GetHello()
		}
	}
	b.t.Fatal("no hello was said")
	return nil
}

// say has the engine say something.
func (b *bench) say(m *messages.ToRunner) {
	if m.RunnerId == "" {
		m.RunnerId = "r1"
	}
	if m.Engine == "" {
		m.Engine = engineAt
	}
	b.sys.Root.Send(b.pid, m)
	synctest.Wait()
}

// view has the engine answer a hello.
func (b *bench) view() {
	b.say(&messages.ToRunner{Message: &messages.ToRunner_View{View: &messages.EngineView{
		EngineId: "e1", Address: engineAt, Engines: []*messages.EngineNode{{Id: "e1", Address: engineAt}},
	}}})
}

// pass lets time pass, in which the engine answers hellos.
func (b *bench) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-time.After(min(time.Second, time.Until(end)))
		b.view()
	}
}

// silence lets time pass in which no engine says anything.
func (b *bench) silence(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func attemptOf(action string, n int) *messages.Attempt {
	return &messages.Attempt{ExecutionId: "x", ActionId: action, Attempt: uint32(n)}
}

// order is a RunAction of the action "work" that takes some seconds.
func order(action string, n, seconds int, change ...func(*messages.RunAction)) *messages.ToRunner {
	m := &messages.RunAction{
		Attempt: attemptOf(action, n), Action: "work", Input: fmt.Appendf(nil, `{"seconds": %d}`, seconds),
		LeaseUntil: time.Now().Add(30 * time.Second).UnixMilli(),
	}
	for _, c := range change {
		c(m)
	}
	return &messages.ToRunner{Message: &messages.ToRunner_Run{Run: m}}
}

func ack(action string, n int) *messages.ToRunner {
	return &messages.ToRunner{Message: &messages.ToRunner_FinishedAck{FinishedAck: &messages.FinishedAck{Attempt: attemptOf(action, n), Accepted: true}}}
}

func cancelOf(action string, n int) *messages.ToRunner {
	return &messages.ToRunner{Message: &messages.ToRunner_Cancel{Cancel: &messages.CancelAction{Attempt: attemptOf(action, n)}}}
}

func grantOf(action string, n int) *messages.ToRunner {
	return &messages.ToRunner{Message: &messages.ToRunner_Grant{Grant: &messages.StartGrant{
		Attempt: attemptOf(action, n), LeaseUntil: time.Now().Add(30 * time.Second).UnixMilli(),
	}}}
}

func denialOf(action string, n int) *messages.ToRunner {
	return &messages.ToRunner{Message: &messages.ToRunner_Denied{Denied: &messages.StartDenied{Attempt: attemptOf(action, n), Reason: "no"}}}
}

// begun is how often an action was begun.
func (b *bench) begun(action string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs[action]
}

func (b *bench) registry() *actions.Registry {
	r := actions.NewRegistry()
	for _, a := range []actions.Action{
		{Name: "work", Run: b.work},
		{Name: "later", Async: true, Run: func(context.Context, *actions.Call) actions.Result { return actions.Value(nil) }},
		{Name: "deaf", Run: func(context.Context, *actions.Call) actions.Result {
			<-time.After(100 * time.Second) // doesn't heed its context
			return actions.Value(nil)
		}},
	} {
		if err := r.Register(a); err != nil {
			b.t.Fatal(err)
		}
	}
	return r
}

func (b *bench) work(ctx context.Context, c *actions.Call) actions.Result {
	b.mu.Lock()
	b.runs[c.ActionID]++
	b.mu.Unlock()
	seconds, _ := c.Input.GetString("seconds")
	select {
	case <-time.After(time.Duration(seconds.(value.Int)) * time.Second):
	case <-ctx.Done():
		return actions.Cancelled()
	}
	end, told := c.Input.GetString("end")
	if !told {
		return actions.Value(value.String("done"))
	}
	switch value.Str(end) {
	case "error":
		return actions.Errorf("told to")
	case "cancelled":
		return actions.Cancelled()
	case "deferred":
		return actions.Deferred()
	case "panic":
		panic("told to")
	case "nothing":
		return actions.Result{}
	case "large":
		return actions.Value(value.String(strings.Repeat("x", PayloadBytesMax)))
	case "deep":
		v := value.Value(value.Null{})
		for range value.DepthMax + 1 {
			v = value.NewList([]value.Value{v})
		}
		return actions.Value(v)
	}
	return actions.Value(value.String("done"))
}
