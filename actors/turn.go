package actors

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/persistence"
	"cierzo/workflow"
)

// programTimeout is what the store may take to give a definition.
const programTimeout = 30 * time.Second

// turn is a turn under way. While a goroutine of its own computes it, it belongs to that until it is sent to the actor.
type turn struct {
	e       *Engine
	id      workflow.ExecutionID
	self    *actor.PID
	no      uint64
	ex      *workflow.Execution
	node    nodeID
	epoch   uint64
	items   []item
	refused []error // of each item
	created bool
	newest  bool // what is created is of a revision that must be the newest
	facts   workflow.Facts
	version func() uint64 // of the definitions, that the turn must assert
	fresh   bool          // lookups are not to be answered from memory
	effects workflow.Effects
	wants   []workflow.Want
	freed   []workflow.Release // for the dispatcher, with what is asked
	wanting bool               // the dispatcher knows of wants
	asks    bool               // the dispatcher is to be asked for slots before the turn goes on
	gone    bool               // to the committer, which answers with written
	err     error
}

// compute goes on with a turn: in the actor's own goroutine while one of the engine's places is free, which spares going to another
// one and back, else in one that waits for a place. fn may wait for the store: as many actors as there are places may be deaf then.
func (x *execution) compute(t *turn, fn func()) {
	if !x.inside(fn) {
		e, self := x.Engine, x.self
		x.work(func() {
			fn()
			if !t.gone {
				e.root.Send(self, t)
			}
		})
		return
	}
	if !t.gone {
		x.stepped(t)
	}
}

// inside runs fn if a place is free.
func (e *Engine) inside(fn func()) bool {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
		fn()
		return true
	default:
		return false
	}
}

// work runs fn in a goroutine that ends before the engine does; at most TurnsMax at a time.
func (e *Engine) work(fn func()) {
	e.tasks.Add(1)
	e.pool.Schedule(func() {
		defer e.tasks.Done()
		select {
		case e.slots <- struct{}{}:
			defer func() { <-e.slots }()
			fn()
		case <-e.closing.Done():
		}
	})
}

func (t *turn) moment() workflow.Moment {
	return workflow.Moment{Now: t.e.cfg.Now().UTC(), Seed: t.e.cfg.Entropy(t.id), Publishers: t.e.cfg.Publishers}
}

// step carries out the events of the turn and hands it on.
func (t *turn) step() {
	t.e.counters.turns.Add(1)
	t.err = t.e.guarded("turn", t.id, t.steps)
	if t.err == nil && t.ex != nil {
		t.ask()
	}
	if !t.asks {
		t.conclude()
	}
}

// ask has the dispatcher asked for slots, if it is to know what the execution wants.
func (t *turn) ask() {
	t.wants = t.ex.Wants(wantsMax)
	if t.asks = len(t.wants) > 0 || t.wanting; t.asks {
		t.freed = t.ex.TakeFreed()
	}
}

func (t *turn) steps() error {
	t.facts, t.version = t.e.cfg.Catalog.Facts(t.e.closing, t.fresh)
	t.refused = make([]error, len(t.items))
	for i, it := range t.items {
		var err error
		switch {
		case it.start != nil:
			err = t.start(it)
		case t.ex == nil:
			err = errUnknown(t.id)
		default:
			err = t.ex.Step(t.moment(), it.event, t.facts)
		}
		if err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)) {
			return err
		}
		t.refused[i] = err
	}
	return nil
}

// start makes a new execution; one that is there already is not begun again.
func (t *turn) start(it item) error {
	if t.ex != nil {
		return nil
	}
	spec := *it.start
	ctx, cancel := context.WithTimeout(t.e.closing, programTimeout)
	defer cancel()
	p, err := t.e.cfg.Catalog.Program(ctx, spec.DefinitionID)
	if err != nil {
		return fmt.Errorf("definition of execution %s: %w", t.id, err)
	}
	ex, err := workflow.New(p, spec, t.moment(), t.facts)
	if err != nil {
		return err
	}
	t.ex, t.created, t.newest = ex, true, it.newest
	return nil
}

// assign goes on with the slots that the dispatcher gave. When those are as many as may be asked for at a time there may be more: what
// gets one now is written once, with its runner, and doesn't wait for the next turn, which may be far off.
func (t *turn) assign(s []workflow.Slot) {
	if len(s) > 0 {
		t.err = t.e.guarded("turn", t.id, func() error { return t.ex.Step(t.moment(), workflow.Assigned{Slots: s}, t.facts) })
	}
	if t.err == nil && len(s) == wantsMax {
		t.ask()
	}
	if !t.asks {
		t.conclude()
	}
}

// conclude takes the effects and brings them to the committer, if anything is to be written.
func (t *turn) conclude() {
	if t.err == nil && t.ex != nil {
		t.err = t.e.guarded("turn", t.id, func() error {
			if t.answers() {
				t.ex.Affirm()
			}
			t.effects = t.ex.Flush()
			return nil
		})
	}
	if t.err != nil || t.effects.Writes.Execution == nil {
		return
	}
	if planted.Has(planted.AckBeforeCommit) {
		x := &execution{Engine: t.e, id: t.id, ex: t.ex, epoch: t.epoch}
		x.send(t.effects.Sends)
		x.answerAll(t)
	}
	writes := t.effects.Writes
	if at := t.e.wakeInStore(writes.Execution.WakeAt); !at.Equal(writes.Execution.WakeAt) {
		rec := *writes.Execution
		rec.WakeAt, writes.Execution = at, &rec
	}
	turn := persistence.Turn{ID: t.id, Epoch: t.epoch, Node: t.node, Newest: t.newest, Definitions: t.version(), Writes: writes}
	// Here, while others are being committed: the database would wait for the rows of a whole batch.
	if t.err = t.e.guarded("turn", t.id, func() error { turn.Prepare(); return nil }); t.err != nil {
		return
	}
	t.gone = true
	t.e.committer.submit(write{no: t.no, to: t.self, turn: turn})
}

// answers reports whether somebody waits to hear what becomes of an item: a refusal, too, must be its owner's.
func (t *turn) answers() bool {
	if planted.Has(planted.RefusalUnfenced) {
		return false
	}
	return slices.ContainsFunc(t.items, func(it item) bool { return it.message.GetReplyTo() != nil })
}

// guarded makes a panic an error: what was done (a turn, a load) is given up, the process lives on.
func (e *Engine) guarded(doing string, id workflow.ExecutionID, fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.counters.panics.Add(1)
			e.log.Error("panic", "execution_id", id, "doing", doing, "panic", p, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "%s of execution %s: %v", doing, id, p)
		}
	}()
	return fn()
}

// load has this node made the owner and the execution read.
func (x *execution) load() {
	x.loading, x.left = true, nil
	x.loader.add(load{x.id, x.node, x.self, x.failed > 1})
}

// loaded goes on with what the store gave; first of all everything that the rows say is sent again.
func (x *execution) loaded(m loaded) {
	x.loading = false
	switch {
	case m.err == nil:
		x.ex, x.known, x.epoch = m.ex, m.known, m.epoch
		x.wanting = m.wanting
		if x.failed > 0 && x.cfg.Doubted != nil {
			x.cfg.Doubted(x.id)
		}
		x.inbox = append([]item{{event: workflow.Recovered{}}}, x.inbox...)
	case fault.Is(m.err, fault.NotFound):
		x.unknown()
	default:
		x.failed++
		x.log.Warn("execution can't be loaded", "execution_id", x.id, "error", m.err)
		if !fault.Is(m.err, fault.Unavailable) {
			for _, it := range x.inbox {
				x.answer(it.message, m.err)
			}
			x.inbox = nil
			x.dispatcher.told(forget{x.id, false}) // slots may have been among it
		}
		x.retry()
	}
}
