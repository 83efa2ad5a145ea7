package actors

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"cierzo/messages"
	"cierzo/workflow"
)

// board is what the dispatcher decides on: runners with their slots, and queued actions. It is plain state, without actors.
type board struct {
	runners  map[workflow.RunnerID]*runner
	holds    map[workflow.ActionID]*hold
	lanes    map[laneKey]*lane
	wants    map[workflow.ExecutionID]map[workflow.ActionID]*want
	projects map[string]int // holds of each project
	queued   int
}

// The times of the board.
const (
	// suspectAfter is when a silent runner gets nothing new.
	suspectAfter = 3500 * time.Millisecond
	// holdMin is how long a slot in use is believed without its runner naming the attempt.
	holdMin = time.Minute
	// goneTime is how long a runner is remembered after its last word.
	goneTime = time.Hour
)

// runner is an incarnation of a runner, as its last Hello says.
type runner struct {
	id       workflow.RunnerID
	address  string
	actor    string
	targets  map[string]bool
	granted  int
	draining bool
	gone     bool // it has said so, or another one is at its address
	seq      uint64
	heard    time.Time
	holds    map[workflow.ActionID]*hold
}

// hold is a slot in use: reserved for an offer, or dispatched.
type hold struct {
	action     workflow.ActionID
	execution  workflow.ExecutionID
	project    string
	runner     *runner
	dispatched bool
	since      time.Time
}

// want is a queued action.
type want struct {
	workflow.Want
	execution workflow.ExecutionID
	project   string
	gone      bool
}

// laneKey is what makes queued actions alike: in a lane the oldest comes first.
type laneKey struct {
	priority int
	project  string
	target   string
}

type lane struct {
	key   laneKey
	wants []*want
}

// offer is a slot for a queued action.
type offer struct {
	execution workflow.ExecutionID
	action    workflow.ActionID
	runner    workflow.RunnerID
}

func newBoard() *board {
	return &board{
		runners: map[workflow.RunnerID]*runner{}, holds: map[workflow.ActionID]*hold{}, lanes: map[laneKey]*lane{},
		wants: map[workflow.ExecutionID]map[workflow.ActionID]*want{}, projects: map[string]int{},
	}
}

func (r *runner) free(now time.Time) int {
	if r.gone || r.draining || now.Sub(r.heard) > suspectAfter {
		return 0
	}
	return max(r.granted-len(r.holds), 0)
}

// hello takes a runner's word in; false when it is an overtaken one.
func (b *board) hello(h *messages.Hello, local string, now time.Time) bool {
	id := workflow.RunnerID(h.RunnerId)
	r := b.runners[id]
	if r == nil {
		r = &runner{id: id, holds: map[workflow.ActionID]*hold{}}
		b.runners[id] = r
	}
	if h.Seq <= r.seq || r.gone {
		return false
	}
	r.seq, r.heard, r.address, r.actor = h.Seq, now, h.Address, h.Actor
	r.granted, r.draining, r.gone = int(h.Granted), h.Draining, h.Leaving
	r.targets = make(map[string]bool, len(h.Targets))
	for _, t := range h.Targets {
		r.targets[t] = true
	}
	// An address has one runner at a time; only without a network many can share one.
	for _, other := range b.runners {
		if other != r && other.address == r.address && r.address != local {
			other.gone = true
		}
	}
	b.reconcile(r, h, now)
	return true
}

// reconcile frees slots of attempts that the runner doesn't have: executions that were deleted, or moved to other engines.
func (b *board) reconcile(r *runner, h *messages.Hello, now time.Time) {
	if h.Seq%16 != 0 || len(h.Attempts) >= 4096 {
		return
	}
	named := make(map[string]bool, len(h.Attempts))
	for _, a := range h.Attempts {
		named[a.ActionId] = true
	}
	for id, x := range r.holds {
		if x.dispatched && now.Sub(x.since) > holdMin && !named[string(id)] {
			b.drop(x)
		}
	}
}

// register replaces what an execution wants.
func (b *board) register(id workflow.ExecutionID, project string, wants []workflow.Want) {
	old := b.wants[id]
	next := make(map[workflow.ActionID]*want, len(wants))
	for _, w := range wants {
		if b.holds[w.Action] != nil && !b.holds[w.Action].dispatched {
			continue // offered already
		}
		if x := old[w.Action]; x != nil {
			next[w.Action] = x
			delete(old, w.Action)
			continue
		}
		x := &want{Want: w, execution: id, project: project}
		next[w.Action] = x
		b.enqueue(x)
	}
	for _, x := range old {
		x.gone = true
		b.queued--
	}
	if len(next) == 0 {
		delete(b.wants, id)
		return
	}
	b.wants[id] = next
}

func (b *board) enqueue(x *want) {
	k := laneKey{x.Priority, x.project, x.Target}
	l := b.lanes[k]
	if l == nil {
		l = &lane{key: k}
		b.lanes[k] = l
	}
	i := len(l.wants)
	for i > 0 && x.Since.Before(l.wants[i-1].Since) {
		i--
	}
	l.wants = slices.Insert(l.wants, i, x)
	b.queued++
}

// match gives free slots to queued actions: the highest priority first, then the project that has the fewest slots, then
// the oldest. An action goes to the runner with the most room.
func (b *board) match(now time.Time) []offer {
	free := 0
	for _, r := range b.runners {
		free += r.free(now)
	}
	var offers []offer
	for free > 0 && b.queued > 0 {
		x, r := b.next(now)
		if x == nil {
			break
		}
		free--
		delete(b.wants[x.execution], x.Action)
		if len(b.wants[x.execution]) == 0 {
			delete(b.wants, x.execution)
		}
		x.gone = true
		b.queued--
		b.hold(&hold{action: x.Action, execution: x.execution, project: x.project, runner: r, since: now})
		offers = append(offers, offer{x.execution, x.Action, r.id})
	}
	return offers
}

// next chooses the want that is served next and the runner for it.
func (b *board) next(now time.Time) (*want, *runner) {
	var heads []*want
	for k, l := range b.lanes {
		for len(l.wants) > 0 && l.wants[0].gone {
			l.wants = l.wants[1:]
		}
		if len(l.wants) == 0 {
			delete(b.lanes, k)
			continue
		}
		heads = append(heads, l.wants[0])
	}
	slices.SortFunc(heads, func(x, y *want) int {
		return cmp.Or(y.Priority-x.Priority, b.projects[x.project]-b.projects[y.project], x.Since.Compare(y.Since), cmp.Compare(x.Action, y.Action))
	})
	tried := map[string]bool{}
	for _, x := range heads {
		if tried[x.Target] {
			continue
		}
		tried[x.Target] = true
		if r := b.roomiest(x.Target, now); r != nil {
			return x, r
		}
	}
	return nil, nil
}

func (b *board) roomiest(target string, now time.Time) *runner {
	var best *runner
	for _, r := range b.runners {
		if target != "" && !r.targets[target] {
			continue
		}
		if n := r.free(now); n > 0 && (best == nil || n > best.free(now) || n == best.free(now) && r.id < best.id) {
			best = r
		}
	}
	return best
}

// hold puts a slot in use, in place of another one of the same action.
func (b *board) hold(x *hold) {
	if old := b.holds[x.action]; old != nil {
		b.drop(old)
	}
	b.holds[x.action] = x
	x.runner.holds[x.action] = x
	b.projects[x.project]++
}

func (b *board) drop(x *hold) {
	delete(b.holds, x.action)
	delete(x.runner.holds, x.action)
	if b.projects[x.project]--; b.projects[x.project] <= 0 {
		delete(b.projects, x.project)
	}
}

// dispatched marks a slot as used by an attempt that is sent; nil when the runner is not known.
func (b *board) dispatched(id workflow.ExecutionID, project string, a workflow.ActionID, runner workflow.RunnerID, now time.Time) *runnerAddress {
	r := b.runners[runner]
	if r == nil {
		return nil
	}
	if x := b.holds[a]; x == nil || x.runner != r {
		b.hold(&hold{action: a, execution: id, project: project, runner: r, since: now})
	}
	b.holds[a].dispatched, b.holds[a].since = true, now
	return &runnerAddress{r.address, r.actor}
}

type runnerAddress struct{ address, actor string }

// release frees a slot, if the action still has it on that runner.
func (b *board) release(a workflow.ActionID, runner workflow.RunnerID) {
	if x := b.holds[a]; x != nil && x.runner.id == runner {
		b.drop(x)
	}
}

// forget drops what an execution wants and what was offered to it; with all also the slots of its attempts, which are
// another engine's now.
func (b *board) forget(id workflow.ExecutionID, all bool) {
	b.register(id, "", nil)
	for _, x := range b.holds {
		if x.execution == id && (all || !x.dispatched) {
			b.drop(x)
		}
	}
}

// expire forgets runners that were not heard for long, and gives the live ones with the time of their last word; the zero
// time is of those that are gone for good.
func (b *board) expire(now time.Time) map[workflow.RunnerID]time.Time {
	live := make(map[workflow.RunnerID]time.Time, len(b.runners))
	maps.DeleteFunc(b.runners, func(id workflow.RunnerID, r *runner) bool {
		if now.Sub(r.heard) > goneTime {
			for _, x := range r.holds {
				b.drop(x)
			}
			return true
		}
		live[id] = r.heard
		if r.gone {
			live[id] = time.Time{}
		}
		return false
	})
	return live
}

// demand is how many slots the engine uses and would like to have, of the runner.
func (b *board) demand(r *runner) int { return len(r.holds) + b.queued }
