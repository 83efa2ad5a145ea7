package actors

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"cierzo/fault"
	"cierzo/messages"
	"cierzo/persistence/memstore"
	"cierzo/workflow"
)

// wakeAt has an engine take an execution that isn't its own: at the limit of hops a message is handled where it is.
func (w *world) wakeAt(e *engineNode, id workflow.ExecutionID) {
	w.wire.send("nowhere", e.address, RouterName, &messages.ToExecution{
		ExecutionId: string(id), Hops: hopsMax, Message: &messages.ToExecution_Wake{Wake: &messages.Wake{}},
	})
}

func TestOfTwoOwnersOnlyOneCommitsAndTheFencedOneSaysNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 4)
		a, b := w.engines[0], w.engines[1]
		id := w.owned(a, 1)
		w.start("minute", id, workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		w.pass(3 * time.Second) // until the runner has said that it has begun
		w.wakeAt(b, id)
		w.pass(time.Second)
		if owner, _ := w.owner(id); owner != b {
			t.Fatal("the other engine has not taken the execution")
		}
		// The first one still has it in memory. What it computes now is refused, and nobody may hear of it.
		var said []string
		w.wire.obey(func(p packet) []fate {
			if p.from == a.address && p.to != a.address && p.kind != "EngineView" {
				said = append(said, p.kind)
			}
			return arrives()
		})
		w.wire.send("nowhere", a.address, RouterName, &messages.ToExecution{
			ExecutionId: string(id), ReplyTo: &messages.ReplyTo{Address: "api-1", Actor: "nobody"},
			Message: &messages.ToExecution_Command{Command: &messages.Command{RequestId: "1", Op: &messages.Command_Describe{
				Describe: &messages.Describe{Description: "never"},
			}}},
		})
		w.pass(100 * time.Millisecond)
		if n := a.Metrics().Fenced; n != 1 {
			t.Errorf("%d turns were fenced, want one", n)
		}
		if len(said) > 0 {
			t.Errorf("the fenced engine has said: %v", said)
		}
		if d := w.record(id).Description; d == "never" {
			t.Error("a fenced turn was written")
		}
		if n := a.Metrics().ExecutionsNow; n != 0 {
			t.Errorf("the fenced engine keeps %d executions", n)
		}
	})
}

// TestOvertakenEngineRefusesNothing: what an engine doesn't know its successor may have done. A refusal would make a runner
// or a sub-workflow forget what only they have, and tell a user what isn't so.
func TestOvertakenEngineRefusesNothing(t *testing.T) {
	t.Parallel()
	strange := &messages.Attempt{ActionId: "99999999-0000-4000-8000-000000000000", Attempt: 1}
	for name, c := range map[string]struct {
		message *messages.ToExecution
		kind    string // what the owner answers
	}{
		"outcome of an action": {&messages.ToExecution{Message: &messages.ToExecution_ActionFinished{ActionFinished: &messages.ActionFinished{
			Attempt: strange, RunnerId: "r1", Kind: messages.OutcomeKind_OUTCOME_VALUE, Value: []byte("1"),
		}}}, "FinishedAck"},
		"question of a runner": {&messages.ToExecution{Message: &messages.ToExecution_StartRequest{StartRequest: &messages.StartRequest{
			Attempt: strange, RunnerId: "r1",
		}}}, "StartDenied"},
		"report of a sub-workflow": {&messages.ToExecution{Message: &messages.ToExecution_ChildReport{ChildReport: &messages.ChildReport{
			ChildId: strange.ActionId, Seq: 1, State: string(workflow.Success),
		}}}, "ParentAck"},
		"command": {&messages.ToExecution{
			ReplyTo: &messages.ReplyTo{Address: "api-1", Actor: "nobody"},
			Message: &messages.ToExecution_Command{Command: &messages.Command{RequestId: "1", Op: &messages.Command_CompleteAction{
				CompleteAction: &messages.CompleteAction{ActionId: strange.ActionId, State: string(workflow.Success)},
			}}},
		}, "Answer"},
	} {
		for _, overtaken := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, overtaken %t", name, overtaken), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(w *world) {
					w.cluster(2, 1, 4)
					a, b := w.engines[0], w.engines[1]
					id := w.owned(a, 1)
					w.start("minute", id, workflow.Success)
					w.await("attempt", func() bool { return w.running() == 1 })
					w.pass(3 * time.Second) // until the runner has said that it has begun
					if overtaken {
						w.wakeAt(b, id)
						w.pass(time.Second)
					}
					before, fenced := w.wire.count(c.kind), a.Metrics().Fenced
					m := proto.CloneOf(c.message)
					m.ExecutionId, m.Hops = string(id), hopsMax
					w.wire.send("nowhere", a.address, RouterName, m)
					w.pass(100 * time.Millisecond)
					said, refused := w.wire.count(c.kind)-before, a.Metrics().Fenced-fenced
					if overtaken && (said != 0 || refused != 1) {
						t.Errorf("it said %d %s and was fenced %d times, want silence and once", said, c.kind, refused)
					}
					if !overtaken && (said == 0 || refused != 0) {
						t.Errorf("the owner said %d %s and was fenced %d times, want an answer and never", said, c.kind, refused)
					}
				})
			})
		}
	}
}

// TestManyOwnersAtOnce has engines take each other's executions at random, again and again.
func TestManyOwnersAtOnce(t *testing.T) {
	t.Parallel()
	rng := random(t)
	inWorld(t, func(w *world) {
		w.cluster(3, 2, 8)
		for i := range 10 {
			w.start("everything", idOf(i), workflow.Success)
		}
		for range 400 {
			w.wakeAt(w.engines[rng.IntN(3)], idOf(rng.IntN(10)))
			w.pass(time.Duration(rng.IntN(100)) * time.Millisecond)
		}
		for i := range 10 {
			completeLater(w, idOf(i))
		}
		fenced := uint64(0)
		for _, e := range w.engines {
			fenced += e.Metrics().Fenced
		}
		if fenced == 0 {
			t.Error("nobody was ever fenced")
		}
	})
}

func TestEngineThatLosesItsLeaseParksAndComesBackUnderANewID(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		e := w.engines[0]
		w.start("minute", idOf(1), workflow.Success)
		w.start("outside", idOf(2), workflow.Success)
		w.pass(time.Second)
		before := e.ID()
		e.disk.dead.Store(true)
		w.pass(30 * time.Second)
		if m := e.Metrics(); m.Parked != 1 || m.ExecutionsNow != 0 || m.HeldNow != 0 {
			t.Errorf("parked %d times, %d executions in memory, %d slots held", m.Parked, m.ExecutionsNow, m.HeldNow)
		}
		if err := w.gateway.Command(shortly(w), idOf(1), workflow.Command{Op: workflow.Pause{}}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("command to a parked engine: %v", err)
		}
		e.disk.dead.Store(false)
		completeLater(w, idOf(2))
		w.awaitState(idOf(1), workflow.Success)
		if e.ID() == before {
			t.Error("the engine is back under its old id")
		}
		if n := e.Metrics().RunnersLost; n != 0 {
			t.Error("the engine has heard nobody while it was parked, and takes a runner for lost")
		}
	})
}

func TestExecutionsMoveToAnEngineThatJoins(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 4)
		for i := range 20 {
			w.start("outside", idOf(i), workflow.Success)
		}
		w.pass(2 * time.Second)
		w.engine()
		w.pass(5 * time.Second)
		theirs := 0
		for i := range 20 {
			if o, _ := w.engines[0].view.Load().view.Owner(idOf(i)); o.Address != w.engines[0].address {
				theirs++
			}
		}
		if got := int(w.engines[0].Metrics().ExecutionsNow); theirs == 0 || got != 20-theirs {
			t.Errorf("%d executions in memory, want the %d that are still this engine's", got, 20-theirs)
		}
		for i := range 20 {
			completeLater(w, idOf(i))
		}
		if n := w.engines[1].Metrics().Loads; int(n) != theirs {
			t.Errorf("the new engine has loaded %d executions, want %d", n, theirs)
		}
	})
}

func TestEngineThatStopsHandsOverAndLosesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 8)
		for i := range 10 {
			w.start("everything", idOf(i), workflow.Success)
		}
		w.pass(1500 * time.Millisecond)
		e := w.engines[0]
		for range 2 { // twice
			if err := e.Stop(w.t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		e.dead = true
		for i := range 10 {
			completeLater(w, idOf(i))
		}
	})
}

// TestEngineWhoseStoreIsDownStopsSoon: what waits for another try of the store is let go.
func TestEngineWhoseStoreIsDownStopsSoon(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.engine(func(c *Config) { c.LeaseTTL = time.Hour })
		w.openGateway()
		w.runner(1)
		w.start("outside", idOf(1), workflow.Success)
		w.awaitPhase(idOf(1), workflow.PhaseDeferred)
		w.store.Inject(func(op string, _ int) memstore.Fault {
			if op == "Commit" {
				return memstore.Fault{Before: down}
			}
			return memstore.Fault{}
		})
		if err := w.gateway.Command(shortly(w), idOf(1), workflow.Command{Op: workflow.Describe{}}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("command: %v", err)
		}
		w.pass(time.Minute)
		e := w.engines[0]
		began := time.Now()
		if err := e.Stop(w.t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("it took %v to stop", d)
		}
		e.dead = true
		w.store.Inject(nil)
		w.engine()
		w.pass(3 * time.Second)
		completeLater(w, idOf(1))
	})
}
