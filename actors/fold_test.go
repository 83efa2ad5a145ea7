package actors

import (
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/persistence"
	"cierzo/workflow"
)

// actorsOfExecutions counts those that there are in a system.
func actorsOfExecutions(system *actor.ActorSystem) (n int) {
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		for name := range bucket.Items() {
			if strings.HasPrefix(name, RouterName+"/") {
				n++
			}
		}
	}
	return n
}

// fold starts an execution that waits for somebody outside, and waits until it has no actor.
func (w *world) fold(e *engineNode, id workflow.ExecutionID) {
	w.t.Helper()
	w.start("outside", id, workflow.Success)
	w.awaitPhase(id, workflow.PhaseDeferred)
	w.pass(100 * time.Millisecond)
	if m, n := e.Metrics(), actorsOfExecutions(e.cfg.Actors); m.ExecutionsNow != 1 || m.FoldedNow != 1 || n != 0 {
		w.t.Fatalf("%d in memory, %d folded, %d actors; want one, folded, and no actor", m.ExecutionsNow, m.FoldedNow, n)
	}
}

// foldOne starts an engine and a runner, and folds an execution there.
func (w *world) foldOne() *engineNode {
	w.cluster(1, 1, 1)
	w.fold(w.engines[0], idOf(1))
	return w.engines[0]
}

// TestExecutionThatWaitsForSomebodyOutsideIsFoldedAtOnce and goes on without the store.
func TestExecutionThatWaitsForSomebodyOutsideIsFoldedAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.foldOne()
		for range 3 {
			w.command(idOf(1), workflow.Describe{Description: "again"})
			w.pass(100 * time.Millisecond)
		}
		completeLater(w, idOf(1))
		w.awaitState(idOf(1), workflow.Success)
		if m := e.Metrics(); m.Loads != 0 || m.Unfolded != 4 {
			t.Errorf("%d loads, %d times unfolded; want none and 4", m.Loads, m.Unfolded)
		}
		w.pass(3 * time.Second)
		if m := e.Metrics(); m.ExecutionsNow != 0 {
			t.Errorf("%d executions are in memory after its end", m.ExecutionsNow)
		}
	})
}

// TestOnlyWhatIsSmallAndAtRestIsFolded lists what is not.
func TestOnlyWhatIsSmallAndAtRestIsFolded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"many bytes":   "vars: {text: <% 'x' * 5000 %>}\n  tasks:\n    a: {action: later}\n",
		"many parts":   "tasks:\n    a: {action: later, with-items: i in <% range(20).toList() %>}\n",
		"on a runner":  "tasks:\n    a: {action: work seconds=60}\n    b: {action: later}\n",
		"a moment":     "tasks:\n    a: {action: later, timeout: 20}\n",
		"sub-workflow": "tasks:\n    a: {workflow: minute}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.cluster(1, 1, 30)
				w.define("version: '2.0'\nthis:\n  " + text)
				w.start("this", idOf(1), "")
				w.pass(2 * time.Second)
				if m := w.engines[0].Metrics(); m.ExecutionsNow == 0 || m.FoldedNow != 0 {
					t.Errorf("%d in memory, %d folded; want none folded", m.ExecutionsNow, m.FoldedNow)
				}
				for _, a := range w.actionsOf(idOf(1)) {
					if a.Phase == workflow.PhaseDeferred {
						w.command(idOf(1), workflow.CompleteAction{Action: a.ID, State: workflow.Success})
					}
				}
			})
		})
	}
}

// TestFoldedExecutionThatIsAnothersIsForgotten: with the lease goes what was known by it, and with the next view what is another's.
func TestFoldedExecutionThatIsAnothersIsForgotten(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(2, 1, 1)
		a, b := w.engines[0], w.engines[1]
		id := w.owned(a, 1)
		w.fold(a, id)
		before := *a.view.Load()
		a.root.Send(a.router, viewChanged{a.ID(), only(b)})
		w.pass(10 * time.Millisecond)
		if n := a.Metrics().FoldedNow; n != 0 {
			t.Errorf("%d are folded that are another's", n)
		}
		a.root.Send(a.router, before)
		completeLater(w, id)
		if n := a.Metrics().Loads; n != 1 {
			t.Errorf("%d loads, want one", n)
		}
	})
}

// TestFoldedExecutionThatWasTakenIsFenced: the engine doesn't know yet that another one has activated it.
func TestFoldedExecutionThatWasTakenIsFenced(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.foldOne()
		if _, err := persistence.ActivateOne(t.Context(), w.store, idOf(1), "another"); err != nil {
			t.Fatal(err)
		}
		w.command(idOf(1), workflow.Describe{Description: "after all"})
		if m := e.Metrics(); m.Fenced != 1 || m.Unfolded != 1 || m.Loads != 1 {
			t.Errorf("fenced %d times, unfolded %d, loaded %d; want once each", m.Fenced, m.Unfolded, m.Loads)
		}
		if d := w.record(idOf(1)).Description; d != "after all" {
			t.Errorf("description %q", d)
		}
		completeLater(w, idOf(1))
	})
}

// wantLoaded checks that the execution was read from the store in place of going on from what was folded.
func wantLoaded(t *testing.T, e *engineNode) {
	t.Helper()
	if m := e.Metrics(); m.Loads != 1 || m.Unfolded != 0 {
		t.Errorf("%d loads, %d times unfolded; want one and none", m.Loads, m.Unfolded)
	}
}

// TestWatchdogsWakeReadsTheStore: what an engine has in memory has not moved the execution, so that may be what is wrong.
func TestWatchdogsWakeReadsTheStore(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.foldOne()
		e.root.Send(e.router, wake{ids: []workflow.ExecutionID{idOf(1)}, watch: true})
		w.pass(100 * time.Millisecond)
		wantLoaded(t, e)
		completeLater(w, idOf(1))
	})
}

// TestDamagedFoldIsLoaded: the store has what can't be unfolded.
func TestDamagedFoldIsLoaded(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.foldOne()
		x := e.folds.take(idOf(1))
		x.rows = "damaged"
		e.folds.put(idOf(1), e.folds.node, x)
		completeLater(w, idOf(1))
		wantLoaded(t, e)
	})
}

// TestActorWithMailStays: what the router has sent meanwhile is not lost with it.
func TestActorWithMailStays(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.cluster(1, 0, 0)
		r := newRouter(w.engines[0].Engine)
		x := &child{sent: 7}
		r.children[idOf(1)] = x
		for _, m := range []departure{{id: idOf(1), heard: 6}, {id: idOf(2), heard: 7}} {
			if r.depart(nil, m); x.stopping {
				t.Errorf("%+v: the actor is stopped, which has been sent 7 messages", m)
			}
		}
	})
}

// TestFoldsAgeAndHaveNoMoreThanTheirRoom: those go first that have not been used for the longest.
func TestFoldsAgeAndHaveNoMoreThanTheirRoom(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_000_000, 0)
	var f folds
	f.belong("me")
	fill := func() {
		for n := range 10 {
			f.put(idOf(n), "me", &folded{used: at.Add(time.Duration(n) * time.Second).UnixMicro()})
		}
	}
	has := func() (list []int) {
		for n := range 10 {
			if f.take(idOf(n)) != nil {
				list = append(list, n)
			}
		}
		return list
	}
	for _, c := range []struct {
		since, room, first int
	}{{-1, 10, 0}, {-1, 20, 0}, {3, 10, 4}, {-1, 4, 6}, {8, 4, 9}, {-1, 0, 10}, {-1, -5, 10}, {20, 10, 10}} {
		fill()
		f.age(at.Add(time.Duration(c.since)*time.Second), c.room)
		if list := has(); len(list) != 10-c.first || len(list) > 0 && list[0] != c.first {
			t.Errorf("used until second %d, room for %d: %v are left, want those from %d on", c.since, c.room, list, c.first)
		}
	}
	fill()
	f.put(idOf(20), "another", &folded{})
	if f.take(idOf(20)) != nil {
		t.Error("what another node has activated is kept")
	}
	if f.belong("me"); f.len() != 10 {
		t.Errorf("%d are left that belong to the same as before", f.len())
	}
	if f.belong("another"); f.len() != 0 {
		t.Errorf("%d are left that belonged to another", f.len())
	}
}

// TestFoldsLieTogether: on few pages, of which none stays for the sake of a few that lie on it, and each has what is its own.
func TestFoldsLieTogether(t *testing.T) {
	t.Parallel()
	var f folds
	f.belong("me")
	rows := func(n int) string { return strings.Repeat(string(rune('a'+n%26)), 200+n%200) }
	check := func(most int) {
		t.Helper()
		bytes := 0
		for id, x := range f.list {
			bytes += len(id) + len(x.rows)
		}
		if bytes != f.bytes || f.pages > most {
			t.Errorf("%d bytes are counted, and pages of %d; want %d, and pages of at most %d", f.bytes, f.pages, bytes, most)
		}
	}
	for n := range 1000 {
		f.put(idOf(n), "me", &folded{rows: rows(n), used: int64(n)})
		f.put(idOf(n), "me", &folded{rows: rows(n), used: int64(n)}) // in place of the first
	}
	check(2*f.bytes + 5*pageSize)
	for n := range 1000 {
		if n%20 == 0 {
			continue
		}
		if x := f.take(idOf(n)); x == nil || x.rows != rows(n) {
			t.Fatalf("execution %d: %+v", n, x)
		}
	}
	check(2*f.bytes + 4*pageSize)
	f.age(time.UnixMicro(500), 1000)
	check(2*f.bytes + 4*pageSize)
	for n := 520; n < 1000; n += 20 {
		if x := f.take(idOf(n)); x == nil || x.rows != rows(n) {
			t.Errorf("execution %d: %+v", n, x)
		}
	}
	if f.bytes != 0 || f.len() != 0 {
		t.Errorf("%d bytes of %d executions are left", f.bytes, f.len())
	}
}
