package actors

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/workflow"
)

// Each step of a turn that can fail does so here twice: nothing was persisted, and persisted but nobody has heard of it.

var (
	down   = fault.New(fault.Unavailable, "the store is down")
	errCut = errors.New("the connection was cut")
	sick   = fault.New(fault.Internal, "the store is sick")
)

// faults is what a store can do to the n-th call of a method.
func storeFaults() map[string]memstore.Fault {
	return map[string]memstore.Fault{
		"not persisted":                       {Before: down},
		"persisted but unheard":               {After: errCut},
		"not persisted, the store has a bug":  {Before: sick},
		"hangs for longer than anybody waits": {Delay: 10 * time.Minute},
		"slow":                                {Delay: 4 * time.Second},
	}
}

// TestEachCommitFails lets each commit of an execution fail in each way, and then each three times in a row.
func TestEachCommitFails(t *testing.T) {
	t.Parallel()
	eachCall(t, "Commit", []int{1, 2, 3, 4, 5, 6})
}

// TestEachActivationFails does so with the loads of an execution, which follow failed commits.
func TestEachActivationFails(t *testing.T) {
	t.Parallel()
	eachCall(t, "Activate", []int{1, 2})
}

// TestEachLookupFails does so with the lookups of definitions: of the execution's own, and of the steps'.
func TestEachLookupFails(t *testing.T) {
	t.Parallel()
	eachCall(t, "FindDefinition", []int{2, 3, 4})
	eachCall(t, "GetDefinition", []int{1, 2})
}

func eachCall(t *testing.T, op string, calls []int) {
	for name, f := range storeFaults() {
		for _, n := range calls {
			for _, times := range []int{1, 3} {
				t.Run(op+" "+name, func(t *testing.T) {
					t.Parallel()
					inWorld(t, func(w *world) {
						w.engine(func(c *Config) { c.LeaseTTL = time.Hour })
						w.openGateway()
						w.runner(4)
						hits := 0
						hit := func(o string, attempt int) memstore.Fault {
							if o == op && attempt >= n && attempt < n+times {
								hits++
								return f
							}
							return memstore.Fault{}
						}
						w.define(`{version: '2.0', adhoc: {base: work, base-input: {seconds: 1}}}`)
						if op == "Activate" {
							w.start("lookup", idOf(1), "")
							w.awaitPhaseOfAny(idOf(1), workflow.PhaseDispatched)
							w.store.Inject(func(o string, attempt int) memstore.Fault {
								if o == "Commit" && attempt <= 4 {
									return memstore.Fault{After: errCut}
								}
								return hit(o, attempt)
							})
						} else {
							w.store.Inject(hit)
							w.startUntil("lookup", idOf(1))
						}
						w.started[idOf(1)] = ""
						w.await("end", func() bool { return w.record(idOf(1)).State.Final() })
						if hits == 0 && n == calls[0] {
							t.Errorf("no %s has failed", op)
						}
						if !errors.Is(f.Before, sick) && w.record(idOf(1)).State != workflow.Success {
							t.Errorf("the execution is %s: %s", w.record(idOf(1)).State, w.record(idOf(1)).StateInfo)
						}
					})
				})
			}
		}
	}
}

// startUntil starts an execution as often as it takes to hear that it is there.
func (w *world) startUntil(name string, id workflow.ExecutionID) {
	w.t.Helper()
	spec := workflow.Spec{}
	w.await("definition", func() bool {
		def, err := w.store.FindDefinition(w.t.Context(), persistence.DefinitionKey{Kind: persistence.WorkflowDefinition, Name: name})
		if err == nil {
			spec = workflow.Spec{ID: id, DefinitionID: def.ID, Input: value.NewDict(0), Params: value.NewDict(0), Env: value.NewDict(0)}
		}
		return err == nil
	})
	w.await("start", func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
		defer cancel()
		return w.gateway.Start(ctx, spec) == nil
	})
}

func (w *world) awaitPhaseOfAny(id workflow.ExecutionID, phase workflow.Phase) {
	w.t.Helper()
	w.await("action", func() bool {
		return slices.ContainsFunc(w.actionsOf(id), func(a *workflow.ActionRecord) bool { return a.Phase == phase })
	})
}

// TestCrashBetweenCommitAndSends ends the engine after each of the commits of an execution, before it has sent anything.
func TestCrashBetweenCommitAndSends(t *testing.T) {
	t.Parallel()
	for n := range 7 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.cluster(2, 1, 4)
				e := w.engines[0]
				id := w.owned(e, 1)
				commits := 0
				e.disk.committed = func([]persistence.Turn) {
					if commits++; commits == n+1 {
						w.kill(e)
					}
				}
				w.startUntil("everything", id)
				w.started[id] = workflow.Success
				completeLater(w, id)
				w.awaitState(id, workflow.Success)
				if commits > n && !e.dead {
					t.Error("the engine lives")
				}
			})
		})
	}
}

// TestCrashBetweenSendAndAck ends the engine at the moment in which it sends an acknowledgement for the n-th time.
func TestCrashBetweenSendAndAck(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 4; n++ {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.cluster(2, 1, 4)
				e := w.engines[0]
				id := w.owned(e, 1)
				w.wire.obey(func(p packet) []fate {
					if p.kind == "FinishedAck" && p.from == e.address && p.n >= n {
						e.dead = true
						e.disk.dead.Store(true)
						w.wire.cut[e.address] = true // obey is called with the lock
						return nil
					}
					return arrives()
				})
				w.start("everything", id, workflow.Success)
				completeLater(w, id)
				w.awaitState(id, workflow.Success)
			})
		})
	}
}

func TestPanicInATurnStopsTheTurnOnly(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.panics = 1
		w.engine(func(c *Config) { c.Catalog = &panicky{Catalog: c.Catalog, at: 2} })
		w.openGateway()
		w.runner(2)
		w.start("one", idOf(1), workflow.Success)
		w.awaitState(idOf(1), workflow.Success)
		if n := w.engines[0].Metrics().Panics; n != 1 {
			t.Errorf("%d panics, want one", n)
		}
	})
}

// panicky panics in one of the turns.
type panicky struct {
	Catalog
	n, at int
}

func (p *panicky) Facts(ctx context.Context, fresh bool) (workflow.Facts, func() uint64) {
	if p.n++; p.n == p.at {
		panic("a defect")
	}
	return p.Catalog.Facts(ctx, fresh)
}

func TestTurnThatTheStoreRefusesIsAnsweredWithItsError(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		spec := w.spec("one", idOf(1))
		spec.ProjectID = "no\x00text"
		if err := w.gateway.Start(w.t.Context(), spec); !fault.Is(err, fault.Internal) {
			t.Errorf("start: %v", err)
		}
		if w.exists(idOf(1)) {
			t.Error("it exists")
		}
		w.start("one", idOf(1), workflow.Success)
	})
}

func TestStartIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		spec := w.spec("one", idOf(1))
		spec.Input.SetString("unknown", value.Int(1))
		if err := w.gateway.Start(w.t.Context(), spec); !fault.Is(err, fault.Invalid) {
			t.Errorf("start with an input that the workflow doesn't have: %v", err)
		}
		spec = w.spec("one", idOf(2))
		spec.DefinitionID = "none"
		if err := w.gateway.Start(w.t.Context(), spec); !fault.Is(err, fault.NotFound) {
			t.Errorf("start of no definition: %v", err)
		}
		if err := w.gateway.Command(w.t.Context(), idOf(3), workflow.Command{Op: workflow.Pause{}}); !fault.Is(err, fault.NotFound) {
			t.Errorf("command to no execution: %v", err)
		}
		w.pass(3 * time.Second)
		if diff := gocmp.Diff(uint64(0), w.engines[0].Metrics().ExecutionsNow); diff != "" {
			t.Errorf("executions in memory: %s", diff)
		}
	})
}

// TestStartOfAnOldRevisionIsRefusedAndLeavesNothing: the slots that it got, too, are free again.
func TestStartOfAnOldRevisionIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 1, 2)
		old := w.spec("one", idOf(1))
		if err := w.gateway.StartNewest(w.t.Context(), old); err != nil {
			t.Errorf("start of the newest revision: %v", err)
		}
		w.awaitState(idOf(1), workflow.Success)
		w.define(strings.Replace(definitions, "a: {action: work}", "again: {action: work}", 1))
		for n := range 5 {
			old.ID = idOf(2 + n)
			if err := w.gateway.StartNewest(w.t.Context(), old); !errors.Is(err, persistence.ErrOutdated) {
				t.Errorf("start of an old revision: %v", err)
			}
			if w.exists(old.ID) {
				t.Errorf("execution %s exists", old.ID)
			}
		}
		w.pass(3 * time.Second)
		if m := w.engines[0].Metrics(); m.ExecutionsNow != 0 || m.HeldNow != 0 {
			t.Errorf("%d executions in memory, %d slots in use", m.ExecutionsNow, m.HeldNow)
		}
		if err := w.gateway.Start(w.t.Context(), old); err != nil {
			t.Errorf("start of an old revision that needn't be the newest: %v", err)
		}
		w.awaitState(old.ID, workflow.Success)
		if err := w.gateway.StartNewest(w.t.Context(), old); err != nil {
			t.Errorf("the same start again, whatever its revision: %v", err)
		}
	})
}

// TestEndInDoubtIsTold: the answer to the commit of the last turn is lost. Who is told of turns is told to look, at once: it hears of the
// end otherwise when the runner has repeated the outcome, or never.
func TestEndInDoubtIsTold(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var ends, doubts atomic.Int64
		e := w.engine(func(c *Config) {
			c.Changed = func(f *workflow.Writes) {
				if f.Execution.State.Final() {
					ends.Add(1)
				}
			}
			c.Doubted = func(id workflow.ExecutionID) {
				if id != idOf(1) || w.record(id).State != workflow.Success || ends.Load() != 0 {
					w.t.Errorf("%s is to be looked at, in %s, told of %d ends", id, w.record(id).State, ends.Load())
				}
				doubts.Add(1)
			}
		})
		var lost atomic.Bool
		e.disk.unheard = func(turns []persistence.Turn) bool {
			return turns[0].Writes.Execution.State.Final() && lost.CompareAndSwap(false, true)
		}
		w.openGateway()
		w.runner(1)
		w.start("minute", idOf(1), workflow.Success)
		w.awaitState(idOf(1), workflow.Success)
		w.pass(10 * time.Second)
		if doubts.Load() != 1 {
			t.Errorf("told to look %d times, want 1", doubts.Load())
		}
	})
}
