package actors

import (
	"slices"
	"sync/atomic"

	"cierzo/workflow"
)

// Metrics counts what an engine did since its start.
type Metrics struct {
	Turns         uint64 // turns that were computed
	Commits       uint64 // turns that were committed
	Ended         uint64 // executions that came to a final state, each time that they did
	Batches       uint64 // transactions that held them
	Fenced        uint64 // stale turns that the store refused: another engine has taken over
	Unsure        uint64 // turns of whose commit nobody knows; their executions were loaded again
	Loads         uint64 // executions read from the store
	Reloads       uint64 // of them after an error
	Unfolded      uint64 // executions that went on from what was folded of them in memory
	LateResults   uint64 // outcomes that were acknowledged and not accepted
	Dispatched    uint64 // attempts given to runners, repetitions included
	RunnersLost   uint64
	Forwarded     uint64 // messages passed on to the owner
	Dropped       uint64 // messages that could not be delivered or understood
	Parked        uint64 // times that the node's lease was lost
	Panics        uint64 // panics caught in turns
	ExecutionsNow uint64 // executions in memory
	FoldedNow     uint64 // of them, those that wait and are folded
	QueuedNow     uint64 // actions that wait for a slot
	RunnersNow    uint64 // runners that say hello
	SlotsNow      uint64 // slots granted by them
	HeldNow       uint64 // slots in use
	StalledNow    uint64 // executions that wait for nothing, as the last look at all of them has found
	// Repairs counts what the watchdog had to set going, by its cause.
	Repairs map[workflow.Cause]uint64
}

// counters is Metrics as its writers see it.
type counters struct {
	turns, commits, ended, batches, fenced, unsure, loads, reloads, unfolded, late, dispatched, lost, forwarded, dropped, parked, panics atomic.Uint64
	executions, folded, queued, runners, slots, held, stalled                                                                            atomic.Int64

	repairs [5]atomic.Uint64 // in the order of workflow.Causes
}

// repaired counts the repairs that a turn has written down.
func (x *execution) repaired(history []workflow.HistoryEvent) {
	for _, h := range history {
		cause, ok := h.Repair()
		if !ok {
			continue
		}
		if i := slices.Index(workflow.Causes(), cause); i >= 0 {
			x.counters.repairs[i].Add(1)
		}
		x.log.Warn("repaired", "execution_id", x.id, "task", h.Task, "action_id", h.ActionID, "cause", h.Info)
	}
}

func (c *counters) read() Metrics {
	repairs := map[workflow.Cause]uint64{}
	for i, cause := range workflow.Causes() {
		repairs[cause] = c.repairs[i].Load()
	}
	return Metrics{
		Turns: c.turns.Load(), Commits: c.commits.Load(), Ended: c.ended.Load(), Batches: c.batches.Load(), Fenced: c.fenced.Load(),
		Unsure: c.unsure.Load(), Loads: c.loads.Load(), Reloads: c.reloads.Load(), Unfolded: c.unfolded.Load(), LateResults: c.late.Load(),
		Dispatched: c.dispatched.Load(), RunnersLost: c.lost.Load(), Forwarded: c.forwarded.Load(),
		Dropped: c.dropped.Load(), Parked: c.parked.Load(), Panics: c.panics.Load(),
		ExecutionsNow: gauge(&c.executions), FoldedNow: gauge(&c.folded), QueuedNow: gauge(&c.queued), RunnersNow: gauge(&c.runners),
		SlotsNow: gauge(&c.slots), HeldNow: gauge(&c.held), StalledNow: gauge(&c.stalled), Repairs: repairs,
	}
}

func gauge(v *atomic.Int64) uint64 { return uint64(max(v.Load(), 0)) }
