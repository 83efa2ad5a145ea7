package actors

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/messages"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The limits of an execution's actor.
const (
	// inboxMax bounds the messages that wait for a turn: all sub-workflows of a task may report at the same moment. Beyond they are
	// dropped, and come again.
	inboxMax = workflow.ItemsMax
	// turnItemsMax bounds the messages of one turn.
	turnItemsMax = 500
	// wantsMax bounds the queued actions of one execution that compete for slots at a time.
	wantsMax = 256
	// timerMax is how near a moment must be for a timer of its own; the sweeper sees to the others.
	timerMax = time.Minute
)

// item is something that happened to the execution, and who wants to know what became of it.
type item struct {
	event   workflow.Event        // nil of a start
	start   *workflow.Spec        // nil of others
	newest  bool                  // the start's definition must be the newest revision
	message *messages.ToExecution // nil of what comes from here
}

// Messages of an execution's actor to itself.
type (
	// timer says that the moment has come, or that it may be tried again to load.
	timer struct{ no uint64 }
	// loaded is what the store gave.
	loaded struct {
		ex      *workflow.Execution
		known   digest
		epoch   uint64
		wanting bool // the queue may know what it wants, from before it left memory
		err     error
	}
)

// digest is what the actor remembers of the execution's row while a turn has the state.
type digest struct {
	state  workflow.State
	wakeAt time.Time
}

func digestOf(r *workflow.ExecutionRecord) digest {
	return digest{r.State, r.WakeAt}
}

// execution is the engine actor: the only writer of one execution, as long as its epoch holds. While a turn is under way
// that has the state; the actor only collects.
type execution struct {
	*Engine
	id      workflow.ExecutionID
	node    nodeID
	self    *actor.PID
	ex      *workflow.Execution // nil until it is loaded
	known   digest
	epoch   uint64
	inbox   []item
	turn    *turn // nil: none is under way
	loading bool
	pausing bool // after a failure; its end is a timer's
	turns   uint64
	alarm   *time.Timer
	alarms  uint64
	failed  int // failures in a row
	idle    int // ticks in a row that changed nothing
	wanting bool
	leaving bool
	fresh   bool    // the next turn looks up nothing in memory
	heard   uint64  // messages that came by way of the router
	fold    *folded // what it was when it left memory last, if that was kept
	left    *folded // what stays of it if the actor ends now
}

func newExecution(e *Engine, id workflow.ExecutionID, node nodeID) *execution {
	return &execution{Engine: e, id: id, node: node}
}

// Receive handles one message. Only a step's lookups may wait in it, see compute.
func (x *execution) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		x.self = c.Self()
	case *actor.Stopping:
		x.disarm()
		if x.left != nil {
			x.folds.put(x.id, x.node, x.left)
		}
	case *actor.Stopped:
		// Mailboxes of others remember who wrote to them until their place is used again: nothing large may hang on it.
		*x = execution{Engine: x.Engine, id: x.id}
		return
	case *messages.ToExecution:
		x.heard++
		for _, part := range m.Parts() {
			x.take(part)
		}
	case summoned:
		x.heard++
		x.inbox = append(x.inbox, item{event: workflow.Assigned{Slots: m.slots}})
	case offered:
		x.inbox = append(x.inbox, item{event: workflow.Assigned{Slots: m.slots}})
	case *turn:
		x.stepped(m)
	case written:
		x.written(m)
	case loaded:
		x.loaded(m)
	case timer:
		if m.no == x.alarms && x.turn == nil {
			x.inbox = append(x.inbox, item{event: workflow.Ticked{}})
			x.pausing = false
		}
	case idleCheck:
		switch {
		case x.alarmed():
		case x.resting(), m.crowded && x.quiet() && x.ex.Queued():
			x.depart()
		}
		return
	case yield:
		x.leaving = true
	}
	x.pump(c)
}

// take puts a message in line.
func (x *execution) take(m *messages.ToExecution) {
	it := item{message: m}
	var err error
	switch {
	case m.GetStart() != nil:
		var spec workflow.Spec
		if spec, err = decodeStart(x.id, m.GetStart()); err == nil {
			it.start, it.newest = &spec, m.GetStart().Newest
		}
	case m.GetActionProgress() != nil:
		p := m.GetActionProgress()
		x.log.Debug("progress", "execution_id", x.id, "action_id", p.GetAttempt().GetActionId(), "text", p.Text)
		return
	default:
		it.event, err = decodeEvent(m)
	}
	if err != nil {
		x.answer(m, err)
		return
	}
	if it.event == nil && it.start == nil {
		x.counters.dropped.Add(1)
		x.log.Debug("message not understood", "message", "ToExecution", "execution_id", x.id)
		return
	}
	if len(x.inbox) >= inboxMax {
		x.counters.dropped.Add(1)
		return
	}
	if m.GetWake().GetWatch() && x.turn == nil && len(x.inbox) == 0 {
		x.ex, x.fold, x.left = nil, nil, nil // what it has in memory has not moved it
	}
	if tick, ok := it.event.(workflow.Ticked); ok && tick.Gone == "" && x.ticking() {
		return
	}
	x.inbox = append(x.inbox, it)
}

// ticking reports whether a tick is in line already.
func (x *execution) ticking() bool {
	for _, it := range x.inbox {
		if _, ok := it.event.(workflow.Ticked); ok {
			return true
		}
	}
	return false
}

// resting reports whether nothing is under way, so that the execution may leave memory.
func (x *execution) resting() bool {
	return x.quiet() && (x.ex == nil || x.ex.Idle())
}

// quiet reports whether nothing of this actor is under way.
func (x *execution) quiet() bool {
	return x.turn == nil && !x.loading && !x.pausing && len(x.inbox) == 0
}

// pump begins what is next: to load, or turns with all that waits.
func (x *execution) pump(c actor.Context) {
	for x.turn == nil && !x.loading {
		if x.leaving {
			c.Stop(c.Self())
			return
		}
		if x.pausing || len(x.inbox) == 0 {
			return
		}
		if x.ex == nil && x.fold != nil {
			x.unfold()
			continue
		}
		if x.ex == nil && x.inbox[0].start == nil {
			x.load()
			return
		}
		x.begin()
	}
}

// begin is the begin of a turn, and its end when nothing is to be written.
func (x *execution) begin() {
	items := x.inbox
	if len(items) > turnItemsMax { // the rest may be very many, and isn't copied for each turn
		items = slices.Clone(x.inbox[:turnItemsMax])
		clear(x.inbox[:turnItemsMax])
		x.inbox = x.inbox[turnItemsMax:]
	} else {
		x.inbox = nil
	}
	x.disarm()
	x.left = nil
	x.turns++
	x.turn = &turn{e: x.Engine, id: x.id, self: x.self, no: x.turns, ex: x.ex, node: x.node, epoch: x.epoch, items: items, wanting: x.wanting, fresh: x.fresh}
	x.fresh = false
	x.compute(x.turn, x.turn.step)
}

// stepped goes on with a turn that is not with the committer: with slots of the dispatcher's, or to its end.
func (x *execution) stepped(t *turn) {
	if t != x.turn {
		return
	}
	switch {
	case t.err != nil:
		x.abort(t, t.err)
	case t.asks:
		t.asks, t.wanting = false, len(t.wants) > 0
		given := x.dispatcher.ask(x.id, t.ex.ProjectID(), x.self.Id, t.wants, t.freed)
		x.compute(t, func() { t.assign(given) })
	case t.ex == nil && t.version() != 0:
		x.again(t) // a start is refused, and nothing is written that would assert what was looked up
	default:
		x.finish(t)
	}
}

// written is the store's answer to a turn.
func (x *execution) written(m written) {
	t := x.turn
	if t == nil || m.no != t.no {
		return
	}
	switch {
	case m.err != nil:
		x.abort(t, m.err)
	case m.outcome == persistence.Committed:
		x.counters.commits.Add(1)
		x.finish(t)
	case m.outcome == persistence.Exists:
		x.exists(t)
	case m.outcome == persistence.Taken:
		x.never(t, fault.New(fault.Conflict, "the id %s can't be used: the id of another execution has the same key (hash); choose another one", x.id))
	case m.outcome == persistence.Outdated && !t.newest:
		x.cfg.Catalog.Outdated(t.version())
		x.again(t)
	case m.outcome == persistence.Outdated:
		x.cfg.Catalog.Outdated(t.version())
		x.never(t, persistence.ErrOutdated)
	case m.outcome == persistence.Fenced && planted.Has(planted.FencedSpeaks):
		x.finish(t)
	case m.outcome == persistence.Fenced:
		// Another engine has it: not a word to anybody.
		x.log.Info("turn refused, another engine has taken over", "execution_id", x.id)
		x.turn, x.ex, x.inbox, x.leaving = nil, nil, nil, true
		x.dispatcher.told(forget{x.id, true}) // its slots are the other one's, whatever this engine's view says
	default:
		x.abort(t, fault.New(fault.Internal, "the store can't keep a turn of execution %s", x.id))
	}
}

// finish does what a turn wants done, after its commit.
func (x *execution) finish(t *turn) {
	x.turn, x.ex, x.failed = nil, t.ex, 0
	if t.ex == nil { // the start was refused: there is no such execution
		x.answerAll(t)
		x.leaving = len(x.inbox) == 0
		return
	}
	if t.created {
		x.epoch = 1
	}
	x.wanting = t.wanting
	if rec := t.effects.Writes.Execution; rec != nil {
		changed := rec.State != x.known.state
		x.known, x.idle = digestOf(rec), 0
		x.repaired(t.effects.Writes.History)
		if rec.State.Final() && (changed || t.created) {
			x.counters.ended.Add(1)
		}
		if changed {
			x.log.Info("execution", "execution_id", x.id, "workflow", rec.WorkflowName, "state", rec.State)
		}
		if x.cfg.Changed != nil {
			x.cfg.Changed(&t.effects.Writes)
		}
	} else {
		x.idle++
	}
	x.send(t.effects.Sends)
	if len(t.items) > 0 && t.items[0].event == (workflow.Recovered{}) {
		x.dispatcher.told(recovered{x.id, t.ex.Record().Runners})
	}
	x.answerAll(t)
	x.bury(t)
	x.arm()
	if !x.resting() {
		return
	}
	if later := x.cfg.Now().Add(x.cfg.IdleAfter); x.ex.Dormant(later) || x.ex.Foldable(later) && x.keep() {
		x.depart()
	}
}

// exists is the answer to a start that was carried out before: whatever became of it, it is done.
func (x *execution) exists(t *turn) {
	x.turn, x.ex, x.wanting = nil, nil, false
	x.dispatcher.told(forget{x.id, false}) // slots for actions of an execution that never was
	var rest []item
	for _, it := range t.items {
		if it.start != nil {
			x.answer(it.message, nil)
			continue
		}
		rest = append(rest, it)
	}
	x.inbox = append(append(rest, x.inbox...), item{event: workflow.Recovered{}})
}

// again does a turn over, with lookups that are answered by the store: those from memory may not hold any more.
func (x *execution) again(t *turn) {
	x.turn, x.ex, x.wanting, x.fresh = nil, nil, false, true
	x.dispatcher.told(forget{x.id, false})
	x.inbox = append(t.items, x.inbox...)
}

// never refuses a start that can't be written: there is no such execution.
func (x *execution) never(t *turn, err error) {
	x.turn, x.ex, x.wanting = nil, nil, false
	x.dispatcher.told(forget{x.id, false})
	for _, it := range t.items {
		x.answer(it.message, err)
	}
	x.leaving = len(x.inbox) == 0
}

// abort drops the state after an error: it is loaded again. When nobody knows what became of the turn, its messages are
// tried again on what the store has; after a defect of ours they are given up, lest they fail for ever.
func (x *execution) abort(t *turn, err error) {
	x.turn, x.ex = nil, nil
	x.failed++
	x.counters.reloads.Add(1)
	if !planted.Has(planted.SlotLeak) {
		x.dispatcher.told(forget{x.id, false})
	}
	x.wanting = false
	if fault.Is(err, fault.Unavailable) {
		x.counters.unsure.Add(1)
		x.log.Warn("turn in doubt, the execution is loaded again", "execution_id", x.id, "error", err)
		kept := make([]item, 0, len(t.items)+len(x.inbox))
		for _, it := range t.items {
			if it.message != nil {
				kept = append(kept, it)
			}
		}
		x.inbox = append(kept, x.inbox...)
	} else {
		x.log.Error("turn failed, the execution is loaded again", "execution_id", x.id, "error", err)
		for _, it := range t.items {
			x.answer(it.message, err)
		}
	}
	x.retry()
}
