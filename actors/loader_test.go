package actors

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/workflow"
)

// away lets so many executions wait for somebody until they have left memory.
func (w *world) away(count int) *engineNode {
	w.t.Helper()
	e := w.engine(func(c *Config) { c.IdleAfter = 5 * time.Second })
	w.openGateway()
	w.runner(count)
	for n := range count {
		w.start("outside", idOf(n), workflow.Success)
	}
	w.pass(10 * time.Second)
	if m := e.Metrics(); m.ExecutionsNow != 0 || m.Loads != 0 {
		w.t.Fatalf("%d executions in memory, %d loads", m.ExecutionsNow, m.Loads)
	}
	return e
}

// describe gives a command to each, all at the same time, and says how it ended.
func (w *world) describe(count int) []error {
	var calls sync.WaitGroup
	errs := make([]error, count)
	for n := range count {
		calls.Go(func() {
			errs[n] = w.gateway.Command(w.t.Context(), idOf(n), workflow.Command{Op: workflow.Describe{Description: "here"}})
		})
	}
	calls.Wait()
	return errs
}

// refuseLoads has the store refuse so many batches with an execution, and says how large they were.
func (e *engineNode) refuseLoads(bad workflow.ExecutionID, times int, err error) (refused func() []int) {
	var mu sync.Mutex
	var batches []int
	e.disk.activate = func(ids []workflow.ExecutionID) error {
		<-time.After(10 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		if len(batches) == times || !slices.Contains(ids, bad) {
			return nil
		}
		batches = append(batches, len(ids))
		return err
	}
	return func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(batches)
	}
}

// TestLoadsGoTogether: those that come while the store is at work are loaded by few transactions.
func TestLoadsGoTogether(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const count = 100
		e := w.away(count)
		var mu sync.Mutex
		var sizes []int
		var now, most int
		e.disk.activate = func(ids []workflow.ExecutionID) error {
			mu.Lock()
			sizes = append(sizes, len(ids))
			now++
			most = max(most, now)
			mu.Unlock()
			<-time.After(10 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			return nil
		}
		if err := errors.Join(w.describe(count)...); err != nil {
			t.Error(err)
		}
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		if sum != count || len(sizes) > loadersMax+(count-loadersMax)/loadMax+loadersMax || slices.Max(sizes) > loadMax || most > loadersMax {
			t.Errorf("%d loads in transactions of %v, %d at the same time; want %d, most of them of %d, %d at the same time", sum, sizes, most, count, loadMax, loadersMax)
		}
		if m := e.Metrics(); m.Loads != count {
			t.Errorf("%d loads are counted, want %d", m.Loads, count)
		}
		for n := range count {
			completeLater(w, idOf(n))
		}
	})
}

// TestLoadThatTheStoreRefusesSpoilsNoOther: it alone is not loaded, and is tried again.
func TestLoadThatTheStoreRefusesSpoilsNoOther(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const count, bad = 40, 17
		e := w.away(count)
		e.refuseLoads(idOf(bad), 2, fault.New(fault.Internal, "a row that nobody understands")) // with others, and alone
		for n, err := range w.describe(count) {
			if (err != nil) != (n == bad) || err != nil && !fault.Is(err, fault.Internal) {
				t.Errorf("execution %d: %v", n, err)
			}
		}
		for n := range count {
			completeLater(w, idOf(n))
		}
	})
}

// TestLoadThatNeverEndsSpoilsNoOtherForLong: after the second time it is tried alone.
func TestLoadThatNeverEndsSpoilsNoOtherForLong(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const count, bad = 40, 17
		e := w.away(count)
		refused := e.refuseLoads(idOf(bad), 6, fault.New(fault.Unavailable, "no answer"))
		if err := errors.Join(w.describe(count)...); err != nil {
			t.Error(err)
		}
		batches := refused()
		if len(batches) != 6 || slices.Max(batches[2:]) > 1 {
			t.Errorf("it was tried in batches of %v", batches)
		}
		for n := range count {
			completeLater(w, idOf(n))
		}
	})
}

// TestNothingIsLoadedForANodeThatIsAMemberNoMore: what is in line when the lease is lost is another engine's.
func TestNothingIsLoadedForANodeThatIsAMemberNoMore(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const count = 200
		e := w.away(count)
		member := e.view.Load()
		var mu sync.Mutex
		parked, batches := false, 0
		e.disk.activate = func([]workflow.ExecutionID) error {
			mu.Lock()
			first := batches == 0
			batches++
			mu.Unlock()
			<-time.After(5 * time.Millisecond)
			if first {
				e.park()
				time.AfterFunc(time.Second, func() {
					mu.Lock()
					defer mu.Unlock()
					if parked = true; batches > loadersMax {
						t.Errorf("%d batches were loaded without a lease, want the %d that had begun", batches, loadersMax)
					}
					e.changed(member.self, member.view)
				})
			}
			<-time.After(5 * time.Millisecond)
			return nil
		}
		if err := errors.Join(w.describe(count)...); err != nil {
			t.Error(err)
		}
		if !parked || batches <= loadersMax {
			t.Errorf("the lease was lost: %v, %d batches", parked, batches)
		}
		for n := range count {
			completeLater(w, idOf(n))
		}
	})
}
