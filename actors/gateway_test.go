package actors

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"cierzo/fault"
	"cierzo/messages"
	"cierzo/workflow"
)

func TestGatewaySendsUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.wire.obey(func(p packet) []fate {
			if p.kind == "StartExecution" && p.n <= 3 || p.kind == "Answer" && p.n <= 2 {
				return nil
			}
			return arrives()
		})
		w.start("one", idOf(1), workflow.Success)
		if n := w.wire.count("StartExecution"); n != 6 {
			t.Errorf("sent %d times, want three that are lost, two whose answers are, and one", n)
		}
		if h, err := w.store.History(w.t.Context(), idOf(1), 0, 1000); err != nil || len(h) == 0 {
			t.Errorf("history: %v, %v", h, err)
		}
	})
}

func TestCommandWithARequestIDIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.start("outside", idOf(1), workflow.Success)
		w.awaitPhase(idOf(1), workflow.PhaseDeferred)
		for range 3 {
			c := workflow.Command{RequestID: "the same", Op: workflow.CompleteAction{Action: w.action(idOf(1)).ID, State: workflow.Success}}
			if err := w.gateway.Command(w.t.Context(), idOf(1), c); err != nil {
				t.Errorf("again: %v", err)
			}
		}
		c := workflow.Command{Op: workflow.CompleteAction{Action: w.action(idOf(1)).ID, State: workflow.Success}}
		if err := w.gateway.Command(w.t.Context(), idOf(1), c); !fault.Is(err, fault.Conflict) {
			t.Errorf("another one: %v, want a conflict", err)
		}
		w.start("outside", idOf(1), workflow.Success) // the same start again changes nothing
	})
}

func TestGatewayWithoutAnAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.wire.obey(func(p packet) []fate {
			if p.kind == "StartExecution" {
				return nil
			}
			return arrives()
		})
		began := time.Now()
		if err := w.gateway.Start(shortly(w), w.spec("one", idOf(1))); !fault.Is(err, fault.Unavailable) {
			t.Errorf("start: %v", err)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("it gave up after %v", d)
		}
		ctx, cancel := context.WithCancel(w.t.Context())
		cancel()
		if err := w.gateway.Command(ctx, idOf(1), workflow.Command{Op: workflow.Pause{}}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("command of a caller that has gone: %v", err)
		}
		sent := w.wire.count("StartExecution")
		w.pass(time.Minute)
		if n := w.wire.count("StartExecution"); n != sent {
			t.Errorf("what was given up was sent %d times more", n-sent)
		}
	})
}

func TestGatewayBoundsTheCallsThatWait(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 0, 0)
		for range callsMax {
			w.gateway.calls <- struct{}{}
		}
		if err := w.gateway.Start(w.t.Context(), w.spec("one", idOf(1))); !fault.Is(err, fault.Unavailable) {
			t.Errorf("one call too many: %v", err)
		}
		for range callsMax {
			<-w.gateway.calls
		}
		if err := w.gateway.Start(w.t.Context(), workflow.Spec{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("start without an id: %v", err)
		}
	})
}

func TestGatewayThatStopsFailsItsCallsAndStopsTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.wire.obey(func(p packet) []fate {
			if p.kind == "StartExecution" {
				return nil
			}
			return arrives()
		})
		var call sync.WaitGroup
		call.Go(func() {
			if err := w.gateway.Start(w.t.Context(), w.spec("one", idOf(1))); !fault.Is(err, fault.Unavailable) {
				t.Errorf("a call under way: %v", err)
			}
		})
		w.pass(time.Second)
		for range 2 {
			if err := w.gateway.Stop(w.t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		call.Wait()
		if err := w.gateway.Start(w.t.Context(), w.spec("one", idOf(1))); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a call after the end: %v", err)
		}
	})
}

func TestGatewayFollowsTheOwner(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		id := w.owned(w.engines[0], 1)
		w.kill(w.engines[0])
		w.start("one", id, workflow.Success) // waits for the end of the lease
		if owner, _ := w.owner(id); owner != w.engines[1] {
			t.Error("it wasn't started by the engine that lives")
		}
	})
}

func TestGatewayIgnoresAnswersThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 1)
		w.wire.obey(func(p packet) []fate {
			if p.kind != "Answer" {
				return arrives()
			}
			other := proto.CloneOf(p.m.(*messages.ToGateway))
			other.Correlation += 1000
			return []fate{{m: other}, {m: &messages.ToGateway{Correlation: 1}}, {}, {}, {after: time.Minute}}
		})
		w.start("one", idOf(1), workflow.Success)
	})
}

func TestConfigurationsThatLackSomethingAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := StartEngine(t.Context(), Config{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("engine: %v", err)
	}
	if _, err := StartGateway(t.Context(), GatewayConfig{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("gateway: %v", err)
	}
}

func TestEngineThatCanNotRegisterLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sys := w.system()
		d := &disk{Store: w.store}
		d.dead.Store(true)
		cfg := Config{Actors: sys, Network: w.wire.join("engine-0", sys), Store: d, Catalog: &panicky{}}
		if _, err := StartEngine(w.t.Context(), cfg); !fault.Is(err, fault.Unavailable) {
			t.Errorf("start: %v", err)
		}
		d.dead.Store(false)
		e, err := StartEngine(w.t.Context(), cfg) // in the same actor system: the names are free again
		if err != nil {
			t.Fatalf("start again: %v", err)
		}
		if _, err := StartEngine(w.t.Context(), cfg); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second engine in one system: %v", err)
		}
		if err := e.Stop(w.t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

// TestCodecKeepsEveryCommandAndAnswer sends each command and each kind of error through the codec.
func TestCodecKeepsEveryCommandAndAnswer(t *testing.T) {
	t.Parallel()
	for kind := range kindNames {
		if err := decodeAnswer(encodeAnswer(fault.New(kind, "text"))); !fault.Is(err, kind) || err.Error() != "text" {
			t.Errorf("%v has become %v", kind, err)
		}
	}
	if err := decodeAnswer(&messages.Answer{ErrorKind: "new", Error: "x"}); !fault.Is(err, fault.Internal) {
		t.Errorf("an unknown kind: %v", err)
	}
	for _, op := range []workflow.Op{
		workflow.Pause{},
		workflow.Resume{},
		workflow.Stop{State: workflow.Error, Message: "m"},
		workflow.Rerun{Task: "t", Reset: true},
		workflow.Skip{Task: "t"},
		workflow.Describe{Description: "d"},
		workflow.SetEnv{},
		workflow.CompleteAction{Action: "a", State: workflow.Success},
	} {
		auth := &workflow.CloudAuth{Token: "t", AuthURL: "u", Project: "p", Region: "g"}
		by := workflow.Requester{User: "u", Name: "Ana", Project: "p"}
		m, err := encodeCommand(workflow.Command{RequestID: "r", Op: op, Auth: auth, By: by})
		if err != nil {
			t.Errorf("%T: %v", op, err)
			continue
		}
		if c, err := decodeCommand(m); err != nil || c.RequestID != "r" || c.Op != op || *c.Auth != *auth || c.By != by {
			t.Errorf("%#v has become %#v, %v", op, c.Op, err)
		}
	}
	bad, err := encodeStart(workflow.Spec{Description: "a\xff", Tags: []string{"\xff"}})
	if err != nil || bad.Description != "a\uFFFD" || bad.Tags[0] != "\uFFFD" || encodeAnswer(errors.New("\xff")).Error != "\uFFFD" {
		t.Errorf("texts that are no UTF-8: %v, %v", bad, err)
	}
	if _, err := decodeCommand(&messages.Command{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown command: %v", err)
	}
}

// TestRightsTravel: a right reaches executions, their sub-workflows and runners as it is, none stays none, and logs don't show it.
func TestRightsTravel(t *testing.T) {
	t.Parallel()
	for _, auth := range []*workflow.CloudAuth{nil, {Project: "p"}, {Token: "s3cret", AuthURL: "http://k/v3", Project: "p", Region: "west"}} {
		start, err := encodeStart(workflow.Spec{ID: "e", Auth: auth})
		if err != nil {
			t.Fatal(err)
		}
		child, err := encodeToExecution("e", workflow.StartChild{Child: "c", Parent: "e", Auth: auth})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*messages.StartExecution{start, child.GetStart()} {
			if s, err := decodeStart("e", m); err != nil || !reflect.DeepEqual(s.Auth, auth) {
				t.Errorf("%#v, %v", s, err)
			}
		}
		_, run, err := encodeToRunner("e", 1, workflow.Dispatch{Action: &workflow.ActionRecord{ID: "a", Runner: "r"}, Auth: auth})
		if err != nil || !reflect.DeepEqual(decodeAuth(run.GetRun().Auth), auth) {
			t.Errorf("to the runner: %v, %v", run.GetRun().Auth != nil, err)
		}
		var out strings.Builder
		slog.New(slog.NewTextHandler(&out, nil)).Info("dead letters", "child", child, "run", run, "right", auth)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("dead letters", "child", child, "run", run, "right", auth)
		if text := out.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, "ToRunner_Run") {
			t.Errorf("logged: %s", text)
		}
	}
}
