package actors

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cierzo/messages"
	"cierzo/workflow"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// hear has a board hear a runner with so many slots.
func hear(b *board, now time.Time, id string, seq uint64, slots int, change ...func(*messages.Hello)) bool {
	h := &messages.Hello{RunnerId: id, Address: "host-" + id, Actor: "runner-" + id, Seq: seq, Slots: uint32(slots), Granted: uint32(slots)}
	for _, c := range change {
		c(h)
	}
	return b.hello(h, localAddress, now)
}

func wantOf(action string, priority int, age time.Duration, target string) workflow.Want {
	return workflow.Want{Action: workflow.ActionID(action), Priority: priority, Since: noon.Add(-age), Target: target}
}

// served is the order in which a board serves, one slot at a time as they become free.
func served(b *board, now time.Time) []string {
	var order []string
	for {
		offers := b.match(now)
		if len(offers) == 0 {
			return order
		}
		for _, o := range offers {
			order = append(order, string(o.action))
			b.release(o.action, o.runner)
		}
	}
}

func TestBoardServesTheHighestPriorityAndThenTheOldest(t *testing.T) {
	t.Parallel()
	b := newBoard()
	b.register("x", "p", []workflow.Want{wantOf("young", 0, time.Second, ""), wantOf("old", 0, time.Minute, ""), wantOf("urgent", 5, 0, "")})
	b.register("y", "p", []workflow.Want{wantOf("oldest", 0, time.Hour, ""), wantOf("idle", -1, 10*time.Hour, "")})
	hear(b, noon, "r", 1, 1)
	if diff := gocmp.Diff([]string{"urgent", "oldest", "old", "young", "idle"}, served(b, noon)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestBoardIsFairBetweenProjects(t *testing.T) {
	t.Parallel()
	b := newBoard()
	var greedy []workflow.Want
	for i := range 100 {
		greedy = append(greedy, wantOf(fmt.Sprintf("g%03d", i), 0, time.Hour, ""))
	}
	b.register("x", "greedy", greedy)
	b.register("y", "modest", []workflow.Want{wantOf("m1", 0, 0, ""), wantOf("m2", 0, 0, ""), wantOf("m3", 0, 0, "")})
	hear(b, noon, "r", 1, 8)
	count := map[string]int{}
	for _, o := range b.match(noon) {
		count[string(o.execution)]++
	}
	if diff := gocmp.Diff(map[string]int{"x": 5, "y": 3}, count); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
}

func TestBoardGivesTargetsToTheirRunnersOnly(t *testing.T) {
	t.Parallel()
	b := newBoard()
	b.register("x", "p", []workflow.Want{
		wantOf("nowhere", 9, time.Hour, "moon"), wantOf("gpu", 0, 0, "gpu"), wantOf("any", 0, time.Minute, ""),
	})
	hear(b, noon, "plain", 1, 1)
	hear(b, noon, "special", 1, 3, func(h *messages.Hello) { h.Targets = []string{"gpu"} })
	got := map[string]string{}
	for _, o := range b.match(noon) {
		got[string(o.action)] = string(o.runner)
	}
	if diff := gocmp.Diff(map[string]string{"gpu": "special", "any": "special"}, got); diff != "" {
		t.Errorf("offers (-want +got):\n%s", diff)
	}
}

func TestBoardGivesNothingToRunnersThatDrainLeaveOrAreSilent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*messages.Hello){
		"draining": func(h *messages.Hello) { h.Draining = true },
		"leaving":  func(h *messages.Hello) { h.Leaving = true },
		"silent":   func(*messages.Hello) {},
	} {
		b := newBoard()
		hear(b, noon, "r", 1, 1, change)
		b.register("x", "p", []workflow.Want{wantOf("a", 0, 0, "")})
		now := noon
		if name == "silent" {
			now = noon.Add(suspectAfter + 1)
		}
		if offers := b.match(now); len(offers) != 0 {
			t.Errorf("%s: %v", name, offers)
		}
	}
}

func TestBoardIgnoresAnOvertakenHello(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "r", 5, 1)
	if hear(b, noon, "r", 4, 9) || hear(b, noon, "r", 5, 9) {
		t.Error("an overtaken hello was taken in")
	}
	if n := b.free(noon); n != 1 {
		t.Errorf("%d slots, want those of the newest hello", n)
	}
	hear(b, noon, "r", 6, 1, func(h *messages.Hello) { h.Leaving = true })
	if hear(b, noon, "r", 7, 1) {
		t.Error("a runner that has left was taken in again")
	}
}

func atOnePlace(h *messages.Hello) { h.Address = "one-place" }

func TestBoardReplacesARunnerAtItsAddress(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "before", 40, 2, atOnePlace)
	hear(b, noon.Add(time.Second), "after", 1, 2, atOnePlace)
	b.register("x", "p", []workflow.Want{wantOf("a", 0, 0, "")})
	if offers := b.match(noon.Add(time.Second)); len(offers) != 1 || offers[0].runner != "after" {
		t.Errorf("offers %v, want one for the runner that is there now", offers)
	}
	if live := b.expire(noon.Add(10 * time.Second)); !live["before"].IsZero() || live["after"].IsZero() {
		t.Errorf("live: %v, want the one before gone for good", live)
	}
}

func TestBoardBearsALateHelloOfTheRunnerBefore(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "after", 1, 2, atOnePlace)
	hear(b, noon.Add(time.Second), "before", 40, 2, atOnePlace) // sent before it died, heard now for the first time
	if live := b.expire(noon.Add(1500 * time.Millisecond)); live["after"].IsZero() {
		t.Error("a runner that lives counts as gone because of a late hello")
	}
	hear(b, noon.Add(2*time.Second), "after", 2, 2, atOnePlace)
	b.register("x", "p", []workflow.Want{wantOf("a", 0, 0, "")})
	if offers := b.match(noon.Add(2 * time.Second)); len(offers) != 1 || offers[0].runner != "after" {
		t.Errorf("offers %v, want one for the runner that speaks", offers)
	}
	hear(b, noon.Add(6*time.Second), "after", 3, 2, atOnePlace)
	if live := b.expire(noon.Add(6 * time.Second)); !live["before"].IsZero() || live["after"].IsZero() {
		t.Errorf("live: %v", live)
	}
}

func TestBoardReconcilesWithWhatTheRunnerHas(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "r", 1, 3)
	for _, a := range []workflow.ActionID{"kept", "gone", "young"} {
		at := noon
		if a == "young" {
			at = noon.Add(2 * time.Minute)
		}
		b.dispatched("x", "p", a, "r", at)
	}
	hear(b, noon.Add(2*time.Minute), "r", 16, 3, func(h *messages.Hello) { h.Attempts = []*messages.Attempt{{ActionId: "kept"}} })
	if b.holds["kept"] == nil || b.holds["gone"] != nil || b.holds["young"] == nil {
		t.Errorf("holds: %v", b.holds)
	}
	checkBoard(t, b)
}

func TestBoardFreesWhatDeadExecutionsHeld(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "r", 1, 5)
	hear(b, noon, "s", 1, 5)
	b.dispatched("x", "p", "a", "r", noon)
	b.dispatched("x", "p", "b", "s", noon)
	b.register("x", "p", []workflow.Want{wantOf("c", 0, 0, "")})
	b.match(noon) // c is offered
	b.register("x", "p", []workflow.Want{wantOf("d", 0, 0, "")})
	b.forget("x", false)
	if len(b.holds) != 2 || b.queued != 0 {
		t.Errorf("after an actor's end: %d holds, %d queued, want the two attempts that were sent", len(b.holds), b.queued)
	}
	b.lost("x", "r")
	if len(b.holds) != 1 || b.holds["b"] == nil {
		t.Errorf("after a runner's end: %v", b.holds)
	}
	b.onlyOn("x", []workflow.RunnerID{"r", "s"})
	if len(b.holds) != 1 || b.holds["b"] == nil {
		t.Errorf("after it was loaded, with its attempt: %v", b.holds)
	}
	b.onlyOn("x", nil)
	checkBoard(t, b)
	if len(b.holds) != 0 {
		t.Errorf("after it was loaded, without any: %v", b.holds)
	}
	b.dispatched("x", "p", "b", "s", noon)
	b.forget("x", true)
	checkBoard(t, b)
	if len(b.holds) != 0 || len(b.projects) != 0 || len(b.lanes) != 0 {
		t.Errorf("after the execution has moved: %d holds, projects %v", len(b.holds), b.projects)
	}
}

func TestBoardForgetsRunnersThatWereNotHeardForLong(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "r", 1, 5)
	b.dispatched("x", "p", "a", "r", noon)
	if live := b.expire(noon.Add(goneTime)); len(live) != 1 {
		t.Errorf("live: %v", live)
	}
	if live := b.expire(noon.Add(goneTime + 1)); len(live) != 0 || len(b.holds) != 0 {
		t.Errorf("live: %v, holds: %v", live, b.holds)
	}
}

func TestBoardDoesNotGrowWithWantsThatNobodyCanServe(t *testing.T) {
	t.Parallel()
	b := newBoard()
	b.register("stays", "p", []workflow.Want{wantOf("first", 0, time.Hour, "moon")})
	for i := range 1000 {
		b.register("x", "p", []workflow.Want{wantOf(fmt.Sprint("a", i), 0, 0, "moon")})
		b.forget("x", false)
	}
	if n := len(b.lanes[laneKey{project: "p", target: "moon"}].wants); n > 4 {
		t.Errorf("the lane has %d places for one want", n)
	}
}

func TestBoardTellsWhatWaits(t *testing.T) {
	t.Parallel()
	b := newBoard()
	hear(b, noon, "r", 1, 0)
	b.register("x", "p", []workflow.Want{wantOf("a", 0, 2*time.Second, ""), wantOf("b", 0, time.Second, "moon"), wantOf("c", 5, 3*time.Second, "moon")})
	b.register("y", "q", []workflow.Want{wantOf("d", 0, time.Second, "")})
	b.register("z", "q", []workflow.Want{wantOf("e", 0, time.Second, "")})
	b.forget("z", false)
	got := b.tellQueue(noon)
	want := []QueueInfo{{Target: "", Queued: 2, Oldest: got[0].Oldest, Able: 1}, {Target: "moon", Queued: 2, Oldest: got[1].Oldest}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for i, since := range []string{"a", "c"} {
		if w := b.wants["x"][workflow.ActionID(since)]; !got[i].Oldest.Equal(w.Since) {
			t.Errorf("the oldest of %q waits since %v, want %v", got[i].Target, got[i].Oldest, w.Since)
		}
	}
	b.forget("x", false)
	b.forget("y", false)
	if got := b.tellQueue(noon); len(got) != 0 {
		t.Errorf("nothing waits, but %+v", got)
	}
}

// checkBoard checks what a board's parts say of each other.
func checkBoard(t *testing.T, b *board) {
	t.Helper()
	projects, held, queued := map[string]int{}, 0, 0
	for id, x := range b.holds {
		projects[x.project]++
		if x.runner.holds[id] != x || b.held[x.execution][id] != x {
			t.Errorf("hold of %s is missing at its runner or execution", id)
		}
	}
	if diff := gocmp.Diff(projects, b.projects); diff != "" {
		t.Errorf("slots of projects (-counted +kept):\n%s", diff)
	}
	for _, r := range b.runners {
		held += len(r.holds)
	}
	for _, ws := range b.wants {
		queued += len(ws)
	}
	if held != len(b.holds) || queued != b.queued {
		t.Errorf("%d slots held, %d at runners; %d queued, counted %d", len(b.holds), held, queued, b.queued)
	}
}

// dumb is match as it is said in one sentence: all wants and all runners are looked at for each slot.
func dumb(b *board, now time.Time) []offer {
	var wants []*want
	for _, ws := range b.wants {
		for _, x := range ws {
			wants = append(wants, x)
		}
	}
	projects := map[string]int{}
	for p, n := range b.projects {
		projects[p] = n
	}
	free := map[workflow.RunnerID]int{}
	for id, r := range b.runners {
		free[id] = r.free(now)
	}
	roomiest := func(target string) (best workflow.RunnerID) {
		for id, r := range b.runners {
			if free[id] > 0 && (target == "" || r.targets[target]) && (best == "" || free[id] > free[best] || free[id] == free[best] && id < best) {
				best = id
			}
		}
		return best
	}
	var offers []offer
	for {
		slices.SortFunc(wants, func(x, y *want) int {
			return cmp.Or(y.Priority-x.Priority, projects[x.project]-projects[y.project], x.Since.Compare(y.Since),
				cmp.Compare(x.execution, y.execution), cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.Action, y.Action))
		})
		i := slices.IndexFunc(wants, func(x *want) bool { return roomiest(x.Target) != "" })
		if i < 0 {
			return offers
		}
		x := wants[i]
		r := roomiest(x.Target)
		wants = slices.Delete(wants, i, i+1)
		projects[x.project]++
		free[r]--
		offers = append(offers, offer{x.execution, x.Action, r})
	}
}

// TestBoardIsItsDumbTwinAndNeverExceedsItsCredits does random things to a board: what it offers is what the dumb twin
// would, and a runner never has more offers and attempts than it granted when they were made.
func TestBoardIsItsDumbTwinAndNeverExceedsItsCredits(t *testing.T) {
	t.Parallel()
	rng := random(t)
	b, now, seq := newBoard(), noon, uint64(0)
	targets := []string{"", "", "gpu", "big", "moon"}
	dice := func(n int) string { return fmt.Sprint(rng.IntN(n)) }
	next := 0
	for step := range 3000 {
		now = now.Add(time.Duration(rng.IntN(700)) * time.Millisecond)
		switch rng.IntN(8) {
		case 0, 1:
			seq++
			hear(b, now, "r"+dice(5), seq, rng.IntN(6), func(h *messages.Hello) {
				h.Targets = []string{targets[2+rng.IntN(2)]}
				h.Draining = rng.IntN(10) == 0
			})
		case 2, 3, 4:
			var ws []workflow.Want
			for range rng.IntN(6) {
				next++
				ws = append(ws, workflow.Want{
					Action: workflow.ActionID(fmt.Sprintf("a%d", next)), Target: targets[rng.IntN(len(targets))], Priority: rng.IntN(3),
					Since: noon.Add(-time.Duration(rng.IntN(100)) * time.Second),
				})
			}
			b.register(workflow.ExecutionID("x"+dice(20)), "p"+dice(4), ws)
		case 5:
			for id, x := range b.holds {
				if rng.IntN(2) == 0 {
					b.release(id, x.runner.id)
				} else if rng.IntN(2) == 0 {
					b.dispatched(x.execution, x.project, id, x.runner.id, now)
				}
			}
		case 6:
			b.forget(workflow.ExecutionID("x"+dice(20)), rng.IntN(2) == 0)
		case 7:
			b.lost(workflow.ExecutionID("x"+dice(20)), workflow.RunnerID("r"+dice(5)))
		}
		before := map[workflow.RunnerID]int{}
		for id, r := range b.runners {
			before[id] = len(r.holds)
		}
		want := dumb(b, now)
		if diff := gocmp.Diff(want, b.match(now), gocmp.AllowUnexported(offer{})); diff != "" {
			t.Fatalf("step %d: offers (-dumb +board):\n%s", step, diff)
		}
		for id, r := range b.runners {
			if len(r.holds) > max(r.granted, before[id]) {
				t.Fatalf("step %d: runner %s has %d slots in use and granted %d", step, id, len(r.holds), r.granted)
			}
		}
		checkBoard(t, b)
	}
}

// TestAskIsRegisterAndMatch: slots that nobody waits for are given as all others are.
func TestAskIsRegisterAndMatch(t *testing.T) {
	t.Parallel()
	rng := random(t)
	asked, twin := newBoard(), newBoard()
	now, at, next := noon, uint64(0), 0
	targets := []string{"", "", "gpu", "big", "moon"}
	straight := 0
	for step := range 3000 {
		now = now.Add(time.Duration(rng.IntN(100)) * time.Millisecond)
		id := workflow.ExecutionID(fmt.Sprint("x", rng.IntN(5)))
		switch rng.IntN(4) {
		case 0:
			at++
			runner, slots, target := fmt.Sprint("r", rng.IntN(3)), rng.IntN(30), targets[2+rng.IntN(2)]
			for _, b := range []*board{asked, twin} {
				hear(b, now, runner, at, slots, func(h *messages.Hello) { h.Targets = []string{target} })
			}
		case 1, 2:
			var wants []workflow.Want
			for range rng.IntN(6) {
				next++
				w := workflow.Want{
					Action: workflow.ActionID(fmt.Sprint("a", next)), Seq: next, Target: targets[rng.IntN(5-rng.IntN(2))], Since: noon.Add(-time.Duration(rng.IntN(3)) * time.Second),
				}
				if wants = append(wants, w); rng.IntN(10) == 0 {
					wants = append(wants, w)
				}
			}
			if rng.IntN(4) > 0 {
				slices.SortFunc(wants, sooner)
			}
			offers := asked.ask(id, "p", wants, now)
			straight += len(offers)
			twin.register(id, "p", wants)
			offers = append(offers, asked.match(now)...)
			if diff := gocmp.Diff(twin.match(now), offers, gocmp.AllowUnexported(offer{}), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("step %d: offers (-register and match +ask):\n%s", step, diff)
			}
		case 3:
			asked.forget(id, true)
			twin.forget(id, true)
		}
		checkBoard(t, asked)
		for runner, r := range twin.runners {
			if got, want := slices.Sorted(maps.Keys(asked.runners[runner].holds)), slices.Sorted(maps.Keys(r.holds)); !slices.Equal(got, want) {
				t.Fatalf("step %d: %s holds %v, want %v", step, runner, got, want)
			}
		}
	}
	if straight < 100 {
		t.Errorf("only %d offers were made without the queue", straight)
	}
}

// crowded is a board with 100,000 queued actions in 1,000 lanes.
func crowded() *board {
	b := newBoard()
	hear(b, noon, "r", 1, 0, func(h *messages.Hello) {
		h.Targets = []string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"}
	})
	for i := range 1000 {
		var ws []workflow.Want
		for k := range 100 {
			// Younger and older ones come in any order.
			age := time.Duration((i*7919+k*104729)%100_000) * time.Millisecond
			ws = append(ws, wantOf(fmt.Sprintf("%d-%d", i, k), k%2, age, fmt.Sprint("t", k%10)))
		}
		b.register(workflow.ExecutionID(fmt.Sprint("x", i)), fmt.Sprint("p", i%100), ws)
	}
	return b
}

// BenchmarkBoardMatchesOneSlot frees one slot at a time, with 100,000 queued actions in 1,000 lanes.
func BenchmarkBoardMatchesOneSlot(b *testing.B) {
	board := crowded()
	hear(board, noon, "r", 2, 1, func(h *messages.Hello) {
		h.Targets = []string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"}
	})
	for b.Loop() {
		offers := board.match(noon)
		for _, o := range offers {
			board.release(o.action, o.runner)
			again := workflow.ExecutionID("again " + string(o.action))
			board.register(again, "p1", []workflow.Want{wantOf(string(o.action), 0, 0, "t1")})
		}
	}
}

// BenchmarkBoardMatchesAll serves 100,000 queued actions at once.
func BenchmarkBoardMatchesAll(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		board := crowded()
		hear(board, noon, "r", 2, 100_000, func(h *messages.Hello) {
			h.Targets = []string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"}
		})
		b.StartTimer()
		if n := len(board.match(noon)); n != 100_000 {
			b.Fatalf("%d offers", n)
		}
	}
}
