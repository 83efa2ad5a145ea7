package actors

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"cierzo/messages"
	"cierzo/workflow"
)

var seed = flag.Uint64("actors.seed", 0, "seed of the random tests; 0 takes the time")

// random gives a source whose seed the test's log names.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with: go test ./actors -run '^%s$' -actors.seed=%d", t.Name(), s)
	return rand.New(rand.NewPCG(s, 1))
}

// play is a story in which messages of some kinds are sent.
type play struct {
	name  string
	kinds []string
	run   func(w *world)
}

// plays are the stories; together they send every message of the protocol.
func plays() []play {
	return []play{
		{"a workflow with everything", []string{
			"StartExecution", "Answer", "RunAction", "ActionStarted", "ActionProgress", "ActionFinished value",
			"ActionFinished error", "ActionFinished deferred", "FinishedAck", "ChildReport", "ParentAck", "Hello", "EngineView", "Command",
		}, playEverything},
		{"a cancel", []string{"CancelAction", "ActionFinished cancelled", "ControlChild", "Command", "FinishedAck", "ParentAck", "ChildReport"}, playCancel},
		{"an attempt that waits too long on its runner", []string{"StartRequest", "StartGrant", "RunAction", "ActionFinished value", "ActionStarted"}, playLease},
		{"a pause while an attempt waits on its runner", []string{"StartRequest", "StartDenied", "RunAction", "Command"}, playDenied},
		{"a runner that dies", []string{"Hello", "RunAction", "ActionFinished value", "EngineView"}, playRunnerLost},
		{"an engine that dies", []string{"RunAction", "ActionFinished value", "FinishedAck", "StartExecution", "ChildReport", "ParentAck"}, playEngineLost},
		{"bundles", []string{"RunnerBundle", "ExecutionBundle"}, playEverything},
		{"bundles and an engine that dies", []string{"RunnerBundle", "ExecutionBundle"}, playEngineLost},
	}
}

// completeLater gives deferred actions their results from outside.
func completeLater(w *world, id workflow.ExecutionID) {
	var deferred workflow.ActionID
	w.await("deferred action", func() bool {
		for _, a := range w.actionsOf(id) {
			if a.Phase == workflow.PhaseDeferred {
				deferred = a.ID
				return true
			}
		}
		return false
	})
	w.command(id, workflow.CompleteAction{Action: deferred, State: workflow.Success})
}

// runIn is the RunAction in a message, or nil.
func runIn(m proto.Message) *messages.RunAction {
	to, _ := m.(*messages.ToRunner)
	return to.GetRun()
}

func playEverything(w *world) {
	w.start("everything", idOf(1), workflow.Success)
	w.start("everything", idOf(2), workflow.Success)
	completeLater(w, idOf(1))
	completeLater(w, idOf(2))
	w.awaitState(idOf(1), workflow.Success)
}

func playCancel(w *world) {
	w.wire.rewrite(func(m proto.Message) {
		if run := runIn(m); run != nil {
			run.Deadline = 0 // else the runner stops by itself at the moment in which the engine would tell it to
		}
	})
	w.start("timed", idOf(1), workflow.Error)
	w.start("parent", idOf(2), workflow.Cancelled)
	w.pass(20 * time.Second)
	w.command(idOf(2), workflow.Stop{State: workflow.Cancelled, Message: "enough"})
	w.awaitState(idOf(1), workflow.Error)
	w.awaitState(idOf(2), workflow.Cancelled)
}

// crowd has two engines give one attempt each to a runner with one slot: the second waits there longer than its lease.
func crowd(w *world) (first, second workflow.ExecutionID) {
	first, second = w.owned(w.engines[0], 1), w.owned(w.engines[1], 1)
	w.start("minute", first, workflow.Success)
	w.await("first attempt", func() bool { return w.running() == 1 })
	w.start("minute", second, workflow.Success)
	w.await("second attempt", func() bool { return w.action(second).Phase == workflow.PhaseDispatched })
	return first, second
}

func (w *world) running() (n uint64) {
	for _, r := range w.runners {
		n += r.Metrics().RunningNow
	}
	return n
}

func playLease(w *world) {
	_, second := crowd(w)
	w.awaitState(second, workflow.Success)
}

func playDenied(w *world) {
	_, second := crowd(w)
	w.command(second, workflow.Pause{})
	w.await("queued again", func() bool { return w.action(second).Phase == workflow.PhaseQueued })
	w.command(second, workflow.Resume{})
	w.awaitState(second, workflow.Success)
}

func playRunnerLost(w *world) {
	ids := []workflow.ExecutionID{idOf(1), idOf(2), idOf(3), idOf(4)}
	for _, id := range ids {
		w.start("minute_safe", id, workflow.Success)
	}
	w.await("attempts on the first runner", func() bool { return w.runners[0].Metrics().RunningNow > 0 })
	w.killRunner(w.runners[0])
	for _, id := range ids {
		w.awaitState(id, workflow.Success)
	}
}

func playEngineLost(w *world) {
	e := w.engines[0]
	ids := []workflow.ExecutionID{w.owned(e, 1), w.owned(e, 100), w.owned(e, 200), w.owned(w.engines[1], 1)}
	for i, id := range ids {
		w.start([]string{"minute", "everything", "minute", "minute"}[i], id, workflow.Success)
	}
	w.pass(4 * time.Second)
	w.kill(e)
	completeLater(w, ids[1])
	for _, id := range ids {
		w.awaitState(id, workflow.Success)
	}
}

// TestEveryMessageLostDoubledLateAndOutOfOrder plays each story with each trouble for each kind of message in it.
func TestEveryMessageLostDoubledLateAndOutOfOrder(t *testing.T) {
	t.Parallel()
	for _, p := range plays() {
		for _, kind := range p.kinds {
			for _, tr := range troubles() {
				t.Run(p.name+"/"+kind+" "+tr.name, func(t *testing.T) {
					t.Parallel()
					rng := random(t)
					inWorld(t, func(w *world) {
						slots := 8
						if p.name == "an attempt that waits too long on its runner" || p.name == "a pause while an attempt waits on its runner" {
							slots = 1
						}
						w.cluster(2, min(slots, 2), slots)
						w.wire.whole = strings.HasSuffix(kind, "Bundle")
						w.wire.obey(among([]string{kind}, tr.do, rng))
						p.run(w)
						if w.wire.count(kind) == 0 {
							t.Errorf("the story has sent no %s", kind)
						}
					})
				})
			}
		}
	}
}

// TestAllMessagesInTrouble plays each story with a network that loses, doubles and delays everything.
func TestAllMessagesInTrouble(t *testing.T) {
	t.Parallel()
	for _, p := range plays() {
		for round := range 4 {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				rng := random(t)
				inWorld(t, func(w *world) {
					slots := 8
					if p.name == "an attempt that waits too long on its runner" || p.name == "a pause while an attempt waits on its runner" {
						slots = 1
					}
					w.cluster(2, min(slots, 2), slots)
					w.wire.whole = round%2 == 1
					w.wire.obey(func(p packet) []fate {
						if p.kind == "Hello" || p.kind == "EngineView" {
							return arrives() // else all runners are lost all the time
						}
						var fates []fate
						for range rng.IntN(3) {
							fates = append(fates, fate{after: time.Duration(rng.IntN(1000*(1+round))) * time.Millisecond})
						}
						return fates
					})
					p.run(w)
				})
			})
		}
	}
}
