package actors

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/fault"
	"cierzo/internal/planted"
	"cierzo/persistence"
)

// The limits of a batch.
const (
	batchTurnsMax = 256 // where the store has no opinion
	commitTimeout = 15 * time.Second
	// When as many turns wait, with no more rows than these, the batch is closed a moment later; see gather.
	gatherTurns = 12
	gatherRows  = 256
)

// write is a turn on its way to the store.
type write struct {
	turn persistence.Turn
	to   *actor.PID
	no   uint64 // of the actor's turns; comes back in written
}

// written is what became of a write. With an error that is Unavailable nobody knows.
type written struct {
	no      uint64
	outcome persistence.TurnOutcome
	err     error
}

// committer writes the turns of many executions in one transaction. It is a queue and the goroutines that empty it.
type committer struct {
	e     *Engine
	queue chan write
	rows  atomic.Int64 // of those in the queue
	max   int
}

func newCommitter(e *Engine, max int) *committer {
	if max <= 0 || max > batchTurnsMax {
		max = batchTurnsMax
	}
	return &committer{e: e, queue: make(chan write, 4*max), max: max}
}

// submit waits while the queue is full; it is called by the goroutines of turns only. false: the engine is stopping.
func (c *committer) submit(w write) bool {
	c.rows.Add(w.rows())
	select {
	case c.queue <- w:
		return true
	case <-c.e.closing.Done():
		return false
	}
}

// rows is how many rows the turn writes, more or less.
func (w *write) rows() int64 {
	return int64(1 + len(w.turn.Writes.Tasks) + len(w.turn.Writes.Actions))
}

// gather lets those who have a turn under way come along, when many small ones are waiting: a commit by itself costs as much as a dozen of
// them. It does so where the store works in this process; a server would only wait, and with few turns, or many rows, there is little to be saved.
func (c *committer) gather() {
	if c.e.cfg.Alone && len(c.queue) >= gatherTurns && c.rows.Load() <= gatherRows {
		runtime.Gosched()
	}
}

// run empties the queue until the engine closes.
func (c *committer) run() {
	var held []write // a second turn of the same execution waits for the next batch
	for {
		batch, seen := held, map[string]bool{}
		held = nil
		for _, w := range batch {
			seen[string(w.turn.ID)] = true
		}
		if len(batch) == 0 {
			select {
			case w := <-c.queue:
				c.rows.Add(-w.rows())
				batch = append(batch, w)
				seen[string(w.turn.ID)] = true
			case <-c.e.closing.Done():
				return
			}
		}
		c.gather()
	collect:
		for len(batch) < c.max && len(held) == 0 {
			select {
			case w := <-c.queue:
				c.rows.Add(-w.rows())
				if seen[string(w.turn.ID)] {
					held = append(held, w)
					continue
				}
				seen[string(w.turn.ID)] = true
				batch = append(batch, w)
			default:
				break collect
			}
		}
		c.commit(batch)
	}
}

// commit writes a batch and tells each actor. When the store refuses the batch as a whole, each turn is tried alone, so that
// one can't spoil the others.
func (c *committer) commit(batch []write) {
	turns := make([]persistence.Turn, len(batch))
	for i, w := range batch {
		turns[i] = w.turn
	}
	outcomes, err := c.write(turns)
	if err != nil && !fault.Is(err, fault.Unavailable) && len(batch) > 1 {
		for _, w := range batch {
			c.commit([]write{w})
		}
		return
	}
	if err == nil {
		c.e.counters.batches.Add(1)
	}
	for i, w := range batch {
		answer := written{no: w.no, err: err}
		if err == nil {
			answer.outcome = outcomes[i]
			if answer.outcome == persistence.Fenced { // counted here: its actor may be gone
				c.e.counters.fenced.Add(1)
			}
		}
		c.e.root.Send(w.to, answer)
	}
}

func (c *committer) write(turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	// Not of closing: a transaction that has begun is finished.
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	outcomes, err := c.e.cfg.Store.Commit(ctx, turns)
	if planted.Has(planted.CommitErrorLost) && err != nil {
		return slices.Repeat([]persistence.TurnOutcome{persistence.Committed}, len(turns)), nil
	}
	if err == nil && len(outcomes) != len(turns) {
		return nil, fault.New(fault.Internal, "commit of %d turns gave %d outcomes", len(turns), len(outcomes))
	}
	if err != nil && ctx.Err() != nil {
		// Out of time: whatever the error's kind, nobody knows.
		return nil, persistence.Ambiguous(err)
	}
	return outcomes, err
}
