package actors

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/persistence"
	"cierzo/workflow"
)

// Folding: an execution that waits for somebody outside leaves its actor at once, and a few hundred bytes of it stay in memory for as
// long as the actor would have. Whoever comes within that time finds it without the store.

// foldedMax bounds what is kept of one execution, in bytes.
const foldedMax = 4 << 10

// folded is an execution in memory that has no actor: what the store had after its last turn. Whoever else has activated it since has
// raised its epoch, so that nothing can be written that goes by this.
type folded struct {
	rows    string // by persistence.Fold
	program *workflow.Program
	used    int64 // when it had its last turn, in microseconds
}

// departure says that an execution's actor, which has heard so many messages, may go at once.
type departure struct {
	id      workflow.ExecutionID
	heard   uint64
	settled bool // as workflow.Execution.Settled says
	queued  bool // it waits for slots, and the board is to remember that
}

// keep has what the store has of the execution ready to stay in memory without the actor; false: it is too large for that.
func (x *execution) keep() bool {
	var rows string
	err := x.guarded("fold", x.id, func() (err error) {
		rec, data, tasks, actions := x.ex.Rows()
		rows, err = persistence.Fold(&persistence.Snapshot{Epoch: x.epoch, Execution: rec, Data: data, Tasks: tasks, Actions: actions})
		return err
	})
	if err != nil {
		x.log.Error("execution can't be folded", "execution_id", x.id, "error", err)
	}
	if err != nil || len(rows) > foldedMax {
		return false
	}
	x.left = &folded{rows: rows, program: x.ex.Program(), used: x.cfg.Now().UnixMicro()}
	return true
}

// depart tells the router that the actor may go.
func (x *execution) depart() {
	m := departure{id: x.id, heard: x.heard}
	if x.ex != nil {
		m.queued = x.ex.Queued()
		m.settled = !m.queued && x.ex.Settled()
	}
	x.root.Send(x.router, m)
}

// depart lets an actor go, unless something is on its way to it.
func (r *router) depart(c actor.Context, m departure) {
	if x := r.children[m.id]; x != nil && !x.stopping && x.sent == m.heard {
		x.queued = m.queued
		r.stopChild(c, x)
		r.settled.set(persistence.Claim{ID: m.id, Owner: r.self}, m.settled)
	}
}

// unfold goes on with what the execution was when it left memory.
func (x *execution) unfold() {
	f := x.fold
	x.fold = nil
	var l loaded
	err := x.guarded("unfold", x.id, func() error {
		s, err := persistence.Unfold(x.id, f.rows)
		if err == nil {
			l, err = loadedOf(f.program, s)
		}
		return err
	})
	if err != nil { // the store has it, too
		x.log.Error("execution can't be unfolded", "execution_id", x.id, "error", err)
		return
	}
	x.counters.unfolded.Add(1)
	x.loaded(l)
}

// pageSize is how many bytes of those that are folded lie together. One by one they would lie among all else that is being made while
// they are, and keep twice their room from being used again when that has gone.
const pageSize = 16 << 10

// folds are the executions in memory that have no actor. They are put there by actors that end, and taken out by the router. The zero
// value has none, and takes none.
type folds struct {
	mu    sync.Mutex
	node  nodeID // that has activated them
	list  map[workflow.ExecutionID]folded
	most  int             // since the map was made
	page  strings.Builder // the newest; the others belong to those that lie on them
	pages int             // bytes of all pages since those that are there were last moved together
	bytes int             // of them, those of executions that are still there
}

func (f *folds) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list)
}

// belong says which node's they are from now on; another's are forgotten. "": nobody's.
func (f *folds) belong(node nodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.node != node {
		f.node, f.list, f.most = node, nil, 0
		f.page, f.pages, f.bytes = strings.Builder{}, 0, 0
	}
}

// put keeps an execution that the node has activated.
func (f *folds) put(id workflow.ExecutionID, node nodeID, x *folded) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if node != f.node {
		return
	}
	if f.list == nil {
		f.list = map[workflow.ExecutionID]folded{}
	}
	f.forget(id)
	f.lay(id, *x)
	f.most = max(f.most, len(f.list))
}

// lay has an execution lie where others do.
func (f *folds) lay(id workflow.ExecutionID, x folded) {
	need := len(id) + len(x.rows)
	if f.page.Cap()-f.page.Len() < need {
		f.page = strings.Builder{}
		f.page.Grow(max(pageSize, need))
		f.pages += f.page.Cap()
	}
	f.bytes += need
	from := f.page.Len()
	f.page.WriteString(string(id))
	f.page.WriteString(x.rows)
	laid := f.page.String()[from:]
	x.rows = laid[len(id):]
	f.list[workflow.ExecutionID(laid[:len(id)])] = x
}

func (f *folds) forget(id workflow.ExecutionID) {
	if x, there := f.list[id]; there {
		f.bytes -= len(id) + len(x.rows)
		delete(f.list, id)
	}
}

// take removes an execution; nil: it isn't there.
func (f *folds) take(id workflow.ExecutionID) *folded {
	f.mu.Lock()
	defer f.mu.Unlock()
	x, there := f.list[id]
	if !there {
		return nil
	}
	f.forget(id)
	f.shrink()
	return &x
}

// drop removes those of which it is true.
func (f *folds) drop(is func(workflow.ExecutionID) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(func(id workflow.ExecutionID, _ folded) bool { return is(id) })
}

// age removes those that have not been used since a moment, and of more than so many those that have not been for the longest.
func (f *folds) age(since time.Time, room int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := since.UnixMicro()
	if over := len(f.list) - max(room, 0); over > 0 {
		times := make([]int64, 0, len(f.list))
		for _, x := range f.list {
			times = append(times, x.used)
		}
		slices.Sort(times)
		last = max(last, times[over-1])
	}
	f.remove(func(_ workflow.ExecutionID, x folded) bool { return x.used <= last })
}

func (f *folds) remove(is func(workflow.ExecutionID, folded) bool) {
	for id, x := range f.list {
		if is(id, x) {
			f.forget(id)
		}
	}
	f.shrink()
}

// shrink gives room back: a map keeps what it once needed, and a page stays as long as one execution lies on it.
func (f *folds) shrink() {
	if f.most > smallMaps && len(f.list) < f.most/8 {
		f.list, f.most = compact(f.list), len(f.list)
	}
	if f.pages <= 2*f.bytes+4*pageSize {
		return
	}
	old := f.list
	f.list, f.most = make(map[workflow.ExecutionID]folded, len(old)), len(old)
	f.page, f.pages, f.bytes = strings.Builder{}, 0, 0
	for id, x := range old {
		f.lay(id, x)
	}
}
