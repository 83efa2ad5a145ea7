package actors

import (
	"context"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The limits of the loader.
const (
	loadMax     = 16 // executions of one transaction
	loadersMax  = 4  // transactions at the same time
	loadTimeout = 30 * time.Second
)

// load is an execution on its way into memory.
type load struct {
	id    workflow.ExecutionID
	node  nodeID // that it is to belong to
	to    *actor.PID
	alone bool // it has failed more than once: if that is its own fault, others must not share it
}

// loader makes this node the owner of executions and reads them. Those that ask while transactions are under way go together in
// the next one.
type loader struct {
	e       *Engine
	mu      sync.Mutex
	waiting []load
	running int // goroutines
}

// add has an execution loaded; the actor is sent loaded. It doesn't wait.
func (l *loader) add(w load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, w)
	if l.running < loadersMax {
		l.running++
		l.e.tasks.Add(1)
		l.e.pool.Schedule(l.run)
	}
}

// run loads until none waits.
func (l *loader) run() {
	defer l.e.tasks.Done()
	for batch := l.next(); len(batch) > 0; batch = l.next() {
		l.e.counters.loads.Add(uint64(len(batch)))
		l.load(batch)
	}
}

// next takes what may go together: for one node, and no execution twice. Without any the goroutine ends.
func (l *loader) next() []load {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for seen := map[workflow.ExecutionID]bool{}; n < min(loadMax, len(l.waiting)); n++ {
		w := l.waiting[n]
		if n > 0 && (seen[w.id] || w.node != l.waiting[0].node || w.alone || l.waiting[0].alone) {
			break
		}
		seen[w.id] = true
	}
	if n == 0 || l.e.closing.Err() != nil {
		l.running--
		return nil
	}
	batch := l.waiting[:n:n]
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	return batch
}

// load loads a batch and tells each actor. What the store refuses as a whole is tried one by one, so that one can't spoil the
// others.
func (l *loader) load(batch []load) {
	ctx, cancel := context.WithTimeout(l.e.closing, loadTimeout)
	defer cancel()
	ids := make([]workflow.ExecutionID, len(batch))
	for i, w := range batch {
		ids[i] = w.id
	}
	out, err := l.activate(ctx, ids, batch[0].node)
	if err == nil && len(out) != len(batch) {
		err = fault.New(fault.Internal, "activation of %d executions gave %d", len(batch), len(out))
	}
	if err != nil && !fault.Is(err, fault.Unavailable) && len(batch) > 1 {
		for i := range batch {
			l.load(batch[i : i+1])
		}
		return
	}
	for i, w := range batch {
		answer := loaded{err: err}
		if err == nil {
			answer = l.e.understand(ctx, w.id, out[i])
		}
		l.e.root.Send(w.to, answer)
	}
}

// activate asks the store, unless this node is a member no more: it would take the executions from their owner.
func (l *loader) activate(ctx context.Context, ids []workflow.ExecutionID, node nodeID) ([]persistence.Activation, error) {
	if v := l.e.view.Load(); v == nil || v.self != node {
		return nil, fault.New(fault.Unavailable, "node %s is a member no more", node)
	}
	return l.e.cfg.Store.Activate(ctx, ids, node)
}

// understand makes an execution of what the store has of it.
func (e *Engine) understand(ctx context.Context, id workflow.ExecutionID, a persistence.Activation) (l loaded) {
	if a.Err != nil {
		return loaded{err: a.Err}
	}
	s := a.Snapshot
	err := e.guarded("load", id, func() error {
		p, err := e.cfg.Catalog.Program(ctx, s.Execution.DefinitionID)
		if err != nil {
			return fault.Wrap(unknownIsInternal(err), err, "definition of execution %s", id)
		}
		l, err = loadedOf(p, s)
		return err
	})
	if err != nil {
		return loaded{err: err}
	}
	return l
}

// loadedOf is an execution that goes on from its rows.
func loadedOf(p *workflow.Program, s *persistence.Snapshot) (loaded, error) {
	ex, err := workflow.Load(p, s.Execution, s.Data, s.Tasks, s.Actions)
	return loaded{ex: ex, known: digestOf(s.Execution), epoch: s.Epoch, wanting: s.Execution.Wanting}, err
}

// unknownIsInternal: a definition that isn't there any more must not look like an execution that isn't.
func unknownIsInternal(err error) fault.Kind {
	if fault.Is(err, fault.Unavailable) {
		return fault.Unavailable
	}
	return fault.Internal
}
