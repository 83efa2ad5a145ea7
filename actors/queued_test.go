package actors

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"cierzo/workflow"
)

// runOrder lists the executions in the order in which their (only) actions ended.
func (w *world) runOrder(count int) []workflow.ExecutionID {
	type run struct {
		id workflow.ExecutionID
		at time.Time
	}
	var runs []run
	for n := range count {
		a := w.action(idOf(n))
		runs = append(runs, run{idOf(n), a.FinishedAt})
	}
	slices.SortStableFunc(runs, func(a, b run) int { return a.at.Compare(b.at) })
	ids := make([]workflow.ExecutionID, len(runs))
	for i, r := range runs {
		ids[i] = r.id
	}
	return ids
}

// TestQueuedExecutionsLeaveMemory: of those that wait for slots, too, no more than IdleMax stay; the queue knows what the others want,
// and they come when it is their turn.
func TestQueuedExecutionsLeaveMemory(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const all, most = 60, 5
		e := w.engine(func(c *Config) { c.IdleAfter, c.IdleMax = time.Hour, most })
		w.openGateway()
		for n := range all {
			w.start("minute", idOf(n), workflow.Success)
			w.pass(10 * time.Millisecond)
		}
		w.pass(10 * time.Minute) // the sweeps bring nobody back
		if m := e.Metrics(); m.ExecutionsNow > most || m.Loads != 0 || m.QueuedNow != all {
			t.Errorf("%d are in memory, %d were loaded, %d actions are queued; want %d, none, and %d", m.ExecutionsNow, m.Loads, m.QueuedNow, most, all)
		}
		w.runner(2)
		w.pass(all / 4 * time.Minute)
		if m := e.Metrics(); m.ExecutionsNow > most+4 || m.Loads > all {
			t.Errorf("half way %d are in memory, %d were loaded", m.ExecutionsNow, m.Loads)
		}
		w.settle()
		if m := e.Metrics(); m.Loads > all || m.Reloads != 0 {
			t.Errorf("%d loads and %d reloads of %d executions", m.Loads, m.Reloads, all)
		}
		want := make([]workflow.ExecutionID, all)
		for n := range all {
			want[n] = idOf(n)
		}
		if got := w.runOrder(all); !slices.Equal(got, want) {
			t.Errorf("not run in the order of their starts: %v", got)
		}
	})
}

// TestCommandsReachQueuedExecutionsThatHaveLeft: they are loaded, and what they don't want any more leaves the queue.
func TestCommandsReachQueuedExecutionsThatHaveLeft(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const all = 20
		e := w.engine(func(c *Config) { c.IdleMax = 1 })
		w.openGateway()
		for n := range all {
			end := workflow.Success
			if n%4 == 1 {
				end = workflow.Cancelled
			}
			w.start("one", idOf(n), end)
		}
		w.pass(10 * time.Second)
		for n := range all {
			switch n % 4 {
			case 1:
				w.command(idOf(n), workflow.Stop{State: workflow.Cancelled})
			case 2:
				w.command(idOf(n), workflow.Pause{})
			}
		}
		w.pass(time.Minute)
		if m := e.Metrics(); m.QueuedNow != all/2 || m.ExecutionsNow > 1 {
			t.Errorf("%d actions are queued, %d executions in memory; want %d and one", m.QueuedNow, m.ExecutionsNow, all/2)
		}
		w.runner(1)
		w.pass(10 * time.Second)
		for n := range all {
			if n%4 == 2 {
				w.command(idOf(n), workflow.Resume{})
			}
		}
	})
}

// TestNothingIsLostWhileAQueuedExecutionLeavesMemory gives slots, and takes runners and engines away, at the very moments in which
// executions are sent away.
func TestNothingIsLostWhileAQueuedExecutionLeavesMemory(t *testing.T) {
	t.Parallel()
	for round := range 8 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			rng := random(t)
			inWorld(t, func(w *world) {
				crowded := func(c *Config) { c.IdleMax, c.IdleAfter = 1, time.Nanosecond }
				w.engine(crowded)
				w.engine(crowded)
				w.openGateway()
				w.pass(5 * time.Second)
				const all = 300
				r := w.runner(2)
				for i := range all {
					w.start([]string{"one_safe", "many_safe"}[i%50/49], idOf(i), workflow.Success)
					for range rng.IntN(4) { // about as many end as begin: some are given slots just when they are to go
						<-time.After(time.Duration(rng.IntN(3)) * 250 * time.Millisecond)
						for _, e := range w.engines {
							e.root.Send(e.router, clock{}) // asks whether they may go
						}
						for range rng.IntN(40) {
							runtime.Gosched()
						}
					}
					if rng.IntN(10) == 0 {
						w.command(idOf(rng.IntN(i+1)), workflow.Describe{Description: "here"})
					}
					switch i {
					case 100:
						w.killRunner(r)
						r = w.runner(3)
					case 200:
						w.kill(w.engines[rng.IntN(2)])
						w.engine(crowded)
					}
				}
			})
		})
	}
}

// TestSlotsForAnExecutionThatIsJustLeaving: they go back, and it comes again for others.
func TestSlotsForAnExecutionThatIsJustLeaving(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		e := w.engine(func(c *Config) { c.IdleMax = 1 })
		w.openGateway()
		for n := range 3 {
			w.start("one", idOf(n), workflow.Success)
			w.pass(10 * time.Millisecond)
		}
		slots := []workflow.Slot{{Action: w.action(idOf(0)).ID, Runner: "r1", LeaseUntil: time.Now().Add(time.Minute)}}
		for _, m := range []any{clock{}, departure{id: idOf(0), heard: 1, queued: true}, summoned{idOf(0), slots}} {
			e.root.Send(e.router, m)
		}
		w.pass(10 * time.Millisecond)
		if m := e.Metrics(); m.Loads != 1 || m.QueuedNow != 3 {
			t.Errorf("%d loads, %d actions are queued; want one, and 3", m.Loads, m.QueuedNow)
		}
		w.runner(1)
	})
}

// TestSummonedExecutionThatEndsLeavesMemoryAtOnce: the slots that brought it back count as a message that it has heard.
func TestSummonedExecutionThatEndsLeavesMemoryAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const all = 5
		e := w.engine(func(c *Config) { c.IdleAfter, c.IdleMax = time.Hour, 1 })
		w.openGateway()
		for n := range all {
			w.start("one", idOf(n), workflow.Success)
			w.pass(10 * time.Millisecond)
		}
		w.await("most leave memory", func() bool { return e.Metrics().ExecutionsNow == 1 })
		w.runner(1)
		w.await("all end", func() bool { return e.Metrics().Ended == all })
		w.pass(10 * time.Millisecond)
		if m := e.Metrics(); m.ExecutionsNow != 0 || m.Loads != all-1 {
			t.Errorf("%d are in memory, %d were loaded; want none, and %d", m.ExecutionsNow, m.Loads, all-1)
		}
	})
}
