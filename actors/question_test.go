package actors

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"cierzo/expr/value"
	"cierzo/messages"
	"cierzo/workflow"
)

// The questions of the people who first drew an engine and an executor, with our answers. See the architecture, "The
// problem it comes from".

// crowded runs a test on two engines and a runner with one slot, in which a second attempt waits.
func inCrowd(t *testing.T, test func(w *world, second workflow.ExecutionID)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		_, second := crowd(w)
		test(w, second)
	})
}

func TestActionWhoseGrantRanOutInTheQueueAsksAgainAndRuns(t *testing.T) {
	t.Parallel()
	inCrowd(t, func(w *world, second workflow.ExecutionID) {
		w.awaitState(second, workflow.Success)
		if w.wire.count("StartRequest") == 0 || w.wire.count("StartGrant") == 0 {
			t.Errorf("%d questions, %d grants, want some of both", w.wire.count("StartRequest"), w.wire.count("StartGrant"))
		}
		if a := w.action(second); a.Attempt != 1 {
			t.Errorf("attempt %d, want the first to run", a.Attempt)
		}
	})
}

func TestActionWhoseGrantRanOutInTheQueueIsHaltedWhenTheExecutionWasPausedMeanwhile(t *testing.T) {
	t.Parallel()
	inCrowd(t, func(w *world, second workflow.ExecutionID) {
		w.command(second, workflow.Pause{})
		w.pass(5 * time.Minute)
		a := w.action(second)
		if runs := w.ledger.attempts(a.ID); len(runs) != 0 || a.Phase != workflow.PhaseQueued || w.record(second).State != workflow.Paused {
			t.Errorf("paused: phase %d, runs %v", a.Phase, runs)
		}
		if m := w.runners[0].Metrics(); m.Denied == 0 || m.KnownNow != 0 {
			t.Errorf("the runner knows %d attempts, %d were denied", m.KnownNow, m.Denied)
		}
		w.command(second, workflow.Resume{})
		w.awaitState(second, workflow.Success)
		if diff := gocmp.Diff([]int{2}, w.ledger.attempts(a.ID)); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestActionWhoseGrantRanOutInTheQueueIsHaltedWhenTheExecutionWasCancelledMeanwhile(t *testing.T) {
	t.Parallel()
	inCrowd(t, func(w *world, second workflow.ExecutionID) {
		w.command(second, workflow.Stop{State: workflow.Cancelled, Message: "enough"})
		w.started[second] = workflow.Cancelled
		w.pass(5 * time.Minute)
		a := w.action(second)
		if runs := w.ledger.attempts(a.ID); len(runs) != 0 || a.State != workflow.Cancelled {
			t.Errorf("cancelled: the action is %s, runs %v", a.State, runs)
		}
	})
}

func TestAfterAnAcknowledgedCancelNoActionIsGranted(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 3)
		w.start("many", idOf(1), workflow.Cancelled)
		w.pass(2500 * time.Millisecond)
		w.command(idOf(1), workflow.Stop{State: workflow.Cancelled})
		before := w.wire.count("RunAction")
		w.pass(time.Minute)
		if after := w.wire.count("RunAction"); after != before {
			t.Errorf("%d attempts were sent after the cancel was acknowledged", after-before)
		}
	})
}

func TestResultThatArrivesAfterACancelChangesNothingOfTheExecution(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		w.define(`{version: '2.0', two: {tasks: {a: {action: work seconds=60, on-success: b}, b: {action: work}}}}`)
		w.start("two", idOf(1), workflow.Cancelled)
		w.awaitPhase(idOf(1), workflow.PhaseDispatched)
		w.command(idOf(1), workflow.Stop{State: workflow.Cancelled, Message: "enough"})
		before := w.record(idOf(1))
		w.await("result", func() bool { return w.action(idOf(1)).State.Final() })
		after := w.record(idOf(1))
		if after.State != workflow.Cancelled || after.StateInfo != before.StateInfo {
			t.Errorf("the execution is %s (%s), was %s (%s)", after.State, after.StateInfo, before.State, before.StateInfo)
		}
		w.pass(time.Minute)
		if as := w.actionsOf(idOf(1)); len(as) != 1 {
			t.Errorf("the result of a cancelled execution has begun %d more actions", len(as)-1)
		}
	})
}

func TestResultOfAnotherAttemptIsKeptAsLateAndChangesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 2, 2)
		w.start("minute_safe", idOf(1), workflow.Success)
		w.await("attempt", func() bool { return w.running() == 1 })
		first := w.runners[0]
		if first.Metrics().RunningNow == 0 {
			first = w.runners[1]
		}
		// The runner runs on, but nobody hears it; it comes back with its result when another one has the action.
		w.wire.isolate(true, first.address)
		w.await("second attempt", func() bool { return w.action(idOf(1)).Attempt == 2 })
		a := w.action(idOf(1))
		late := &messages.ToExecution{ExecutionId: string(idOf(1)), Message: &messages.ToExecution_ActionFinished{
			ActionFinished: &messages.ActionFinished{
				Attempt: attemptID(idOf(1), a.ID, 1), RunnerId: first.ID(), Kind: messages.OutcomeKind_OUTCOME_VALUE, Value: []byte(`"late"`),
			},
		}}
		w.wire.send("somewhere", w.engines[0].address, RouterName, late)
		w.pass(time.Second)
		if got := w.action(idOf(1)); got.LateResults != 1 || got.State != workflow.Running || got.Attempt != 2 {
			t.Errorf("after a late result: %s, attempt %d, %d late", got.State, got.Attempt, got.LateResults)
		}
		w.wire.isolate(false, first.address)
		w.awaitState(idOf(1), workflow.Success)
		if got := w.engines[0].Metrics().LateResults; got == 0 {
			t.Error("late results are not counted")
		}
	})
}

func TestErrorArrivesByTheSameMessageAsAValue(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		w.define(`{version: '2.0', bad: {tasks: {a: {action: work end="error"}}}}`)
		w.start("bad", idOf(1), workflow.Error)
		w.start("one", idOf(2), workflow.Success)
		w.start("unhappy", idOf(3), workflow.Error)
		w.awaitState(idOf(1), workflow.Error)
		w.awaitState(idOf(3), workflow.Error)
		if v, e := w.wire.count("ActionFinished value"), w.wire.count("ActionFinished error"); v != 1 || e != 2 {
			t.Errorf("%d values and %d errors, want one and two", v, e)
		}
		if got := jsonOf(w.action(idOf(1)).Output); got != `{"result": "told to"}` {
			t.Errorf("the error is %s", got)
		}
		if got := jsonOf(w.action(idOf(3)).Output); !strings.Contains(got, "panicked: told to") {
			t.Errorf("the panic is %s", got)
		}
	})
}

func TestOutcomeThatNoStoreCanKeepEndsTheActionInError(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		deep := []byte(strings.Repeat("[", value.DepthMax+1) + strings.Repeat("]", value.DepthMax+1))
		w.wire.rewrite(func(m proto.Message) {
			if to, ok := m.(*messages.ToExecution); ok && to.GetActionFinished() != nil {
				to.GetActionFinished().Value = deep
			}
		})
		w.start("one", idOf(1), workflow.Error)
		w.awaitState(idOf(1), workflow.Error)
	})
}

func TestDeepestOutcomeThatARunnerSendsCanBeLoadedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.engine(func(c *Config) { c.IdleAfter = time.Second })
		w.openGateway()
		w.runner(2)
		w.define(`{version: '2.0', deep: {tasks: {a: {action: work, on-success: b}, b: {action: later}}}}`)
		deep := []byte(strings.Repeat("[", value.DepthMax) + strings.Repeat("]", value.DepthMax))
		w.wire.rewrite(func(m proto.Message) {
			if to, ok := m.(*messages.ToExecution); ok && to.GetActionFinished() != nil {
				to.GetActionFinished().Value = deep
			}
		})
		w.start("deep", idOf(1), workflow.Success)
		w.await("passivated", func() bool { return len(w.actionsOf(idOf(1))) == 2 && w.engines[0].Metrics().ExecutionsNow == 0 })
		completeLater(w, idOf(1))
		for _, a := range w.actionsOf(idOf(1)) {
			if a.Name == "work" && jsonOf(a.Output) != `{"result": `+string(deep)+`}` {
				t.Errorf("the result is %.40s", jsonOf(a.Output))
			}
		}
		w.deep = true
	})
}

func TestOutcomeThatNobodyCanReadEndsTheActionInError(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		w.wire.rewrite(func(m proto.Message) {
			if to, ok := m.(*messages.ToExecution); ok && to.GetActionFinished() != nil {
				to.GetActionFinished().Value = []byte(`{"broken`)
			}
		})
		w.start("one", idOf(1), workflow.Error)
		w.awaitState(idOf(1), workflow.Error)
	})
}

// TestNoRequestAndResponseAnywhere reads the sources: the only futures are of the own actors of an engine and of the
// network, when they stop.
func TestNoRequestAndResponseAnywhere(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "runner", filepath.Join("..", "cluster")} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("sources in %s: %v, %v", dir, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				switch sel.Sel.Name {
				case "RequestFuture", "Request", "RequestWithCustomSender", "Respond", "NewFuture", "PoisonFuture", "ReenterAfter",
					"AwaitFuture", "PipeTo", "SetReceiveTimeout", "Stash":
					t.Errorf("%s uses %s: messages only, nobody waits for an answer", name, sel.Sel.Name)
				case "StopFuture":
					if base := filepath.Base(name); base != "engine.go" && base != "system.go" {
						t.Errorf("%s uses StopFuture: only an engine and the network wait for the end of their own actors", name)
					}
				}
				return true
			})
		}
	}
}
