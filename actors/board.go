package actors

import (
	"maps"
	"slices"
	"time"

	"cierzo/internal/planted"
	"cierzo/messages"
	"cierzo/workflow"
)

// board is what the dispatcher decides on: runners with their slots here, queued actions in queue.go. It is plain state,
// without actors.
type board struct {
	runners  map[workflow.RunnerID]*runner
	holds    map[workflow.ActionID]*hold
	held     map[workflow.ExecutionID]map[workflow.ActionID]*hold // the same by execution
	lanes    map[laneKey]*lane
	wants    map[workflow.ExecutionID]map[workflow.ActionID]*want
	projects map[string]int // holds of each project
	queued   int            // wants of all executions

	registered uint64 // counts registrations of wants
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
	version  string
	targets  map[string]bool
	granted  int
	draining bool
	gone     bool // it has said that it leaves
	replaced bool // another one has said hello from its address since
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

func newBoard() *board {
	return &board{
		runners: map[workflow.RunnerID]*runner{}, holds: map[workflow.ActionID]*hold{},
		held: map[workflow.ExecutionID]map[workflow.ActionID]*hold{}, lanes: map[laneKey]*lane{},
		wants: map[workflow.ExecutionID]map[workflow.ActionID]*want{}, projects: map[string]int{},
	}
}

func (r *runner) free(now time.Time) int {
	if r.gone || r.replaced || r.draining || now.Sub(r.heard) > suspectAfter {
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
	r.seq, r.heard, r.address, r.actor, r.version = h.Seq, now, h.Address, h.Actor, h.Version
	r.granted, r.draining, r.gone, r.replaced = int(h.Granted), h.Draining, h.Leaving, false
	r.targets = make(map[string]bool, len(h.Targets))
	for _, t := range h.Targets {
		r.targets[t] = true
	}
	// An address has one runner at a time; only without a network many can share one. A last word of the one before can
	// be late, so the one that goes on speaking has it.
	for _, other := range b.runners {
		if other != r && other.address == r.address && r.address != local {
			other.replaced = true
		}
	}
	b.reconcile(r, h, now)
	return true
}

// reconcile frees slots of attempts that the runner doesn't have: executions that were deleted, or moved to other engines;
// and those that were offered long ago and never used.
func (b *board) reconcile(r *runner, h *messages.Hello, now time.Time) {
	if planted.Has(planted.SlotLeak) {
		return
	}
	if h.Seq%16 != 0 || len(h.Attempts) >= 4096 {
		return
	}
	named := make(map[string]bool, len(h.Attempts))
	for _, a := range h.Attempts {
		named[a.ActionId] = true
	}
	for id, x := range r.holds {
		if now.Sub(x.since) > holdMin && (!x.dispatched || !named[string(id)]) {
			b.drop(x)
		}
	}
}

// hold puts a slot in use, in place of another one of the same action.
func (b *board) hold(x *hold) {
	if old := b.holds[x.action]; old != nil {
		b.drop(old)
	}
	b.holds[x.action] = x
	x.runner.holds[x.action] = x
	if b.held[x.execution] == nil {
		b.held[x.execution] = map[workflow.ActionID]*hold{}
	}
	b.held[x.execution][x.action] = x
	b.projects[x.project]++
}

func (b *board) drop(x *hold) {
	delete(b.holds, x.action)
	delete(x.runner.holds, x.action)
	if delete(b.held[x.execution], x.action); len(b.held[x.execution]) == 0 {
		delete(b.held, x.execution)
	}
	if b.projects[x.project]--; b.projects[x.project] <= 0 {
		delete(b.projects, x.project)
	}
}

// dispatched marks a slot as used by an attempt that is sent, if the runner is known.
func (b *board) dispatched(id workflow.ExecutionID, project string, a workflow.ActionID, runner workflow.RunnerID, now time.Time) {
	r := b.runners[runner]
	if r == nil {
		return
	}
	if x := b.holds[a]; x == nil || x.runner != r {
		b.hold(&hold{action: a, execution: id, project: project, runner: r, since: now})
	}
	b.holds[a].dispatched, b.holds[a].since = true, now
}

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
	for _, x := range b.held[id] {
		if all || !x.dispatched {
			b.drop(x)
		}
	}
}

// owes reports whether something was offered to an execution that it hasn't used yet.
func (b *board) owes(id workflow.ExecutionID) bool {
	for _, x := range b.held[id] {
		if !x.dispatched {
			return true
		}
	}
	return false
}

// onlyOn drops what an execution has on other runners than these.
func (b *board) onlyOn(id workflow.ExecutionID, runners []workflow.RunnerID) {
	for _, x := range b.held[id] {
		if x.dispatched && !slices.Contains(runners, x.runner.id) {
			b.drop(x)
		}
	}
}

// lost frees the slots that an execution had on a runner that is gone.
func (b *board) lost(id workflow.ExecutionID, runner workflow.RunnerID) {
	for _, x := range b.held[id] {
		if x.runner.id == runner {
			b.drop(x)
		}
	}
}

// expire forgets runners that were not heard for long, and gives the others with the time of their last word; the zero
// time is of those that are gone for good: they have said so, or are silent while another one speaks from their address.
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
		if r.gone || r.replaced && now.Sub(r.heard) > suspectAfter {
			live[id] = time.Time{}
		}
		return false
	})
	return live
}

// demand is how many slots the engine uses and would like to have, of the runner.
func (b *board) demand(r *runner) int { return len(r.holds) + b.queued }
