package actors

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"cierzo/workflow"
)

// The board's queue: what executions want, and in which order they get it.

// want is a queued action.
type want struct {
	workflow.Want
	execution workflow.ExecutionID
	project   string
	asked     uint64 // the registration that has named it last
	gone      bool   // served, or not wanted any more; it leaves its lane later
}

// laneKey is what makes queued actions alike: in a lane the oldest comes first.
type laneKey struct {
	priority int
	project  string
	target   string
}

// lane is a heap of wants.
type lane struct {
	key   laneKey
	wants wantHeap
	gone  int // wants in the heap that are gone
}

type wantHeap []*want

func (h wantHeap) Len() int           { return len(h) }
func (h wantHeap) Less(i, j int) bool { return older(h[i], h[j]) < 0 }
func (h wantHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *wantHeap) Push(x any)        { *h = append(*h, x.(*want)) }

func (h *wantHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}

// sooner orders what an execution wants.
func sooner(x, y workflow.Want) int {
	return cmp.Or(y.Priority-x.Priority, x.Since.Compare(y.Since), cmp.Compare(x.Seq, y.Seq))
}

// older orders the wants of a lane: of those of a moment an execution's stay together, in the order in which it has made them.
func older(x, y *want) int {
	return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.execution, y.execution), cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.Action, y.Action))
}

// offer is a slot for a queued action.
type offer struct {
	execution workflow.ExecutionID
	action    workflow.ActionID
	runner    workflow.RunnerID
}

// ask gives an execution slots for what it wants, in the order of the list, as far as there are any, and registers the rest. With slots
// that others wait for it is not so easy, see match: then it gives none.
func (b *board) ask(id workflow.ExecutionID, project string, wants []workflow.Want, now time.Time) []offer {
	if b.queued > 0 || !slices.IsSortedFunc(wants, sooner) {
		b.register(id, project, wants)
		return nil
	}
	var offers []offer
	var rest []workflow.Want
	for _, w := range wants {
		if b.offered(w.Action) {
			continue
		}
		r := b.roomiest(w.Target, now)
		if r == nil {
			rest = append(rest, w)
			continue
		}
		b.hold(&hold{action: w.Action, execution: id, project: project, runner: r, since: now})
		offers = append(offers, offer{id, w.Action, r.id})
	}
	b.register(id, project, rest)
	return offers
}

// offered reports whether an action has a slot that it hasn't used yet.
func (b *board) offered(a workflow.ActionID) bool {
	h := b.holds[a]
	return h != nil && !h.dispatched
}

// register replaces what an execution wants.
func (b *board) register(id workflow.ExecutionID, project string, wants []workflow.Want) {
	b.registered++
	known := b.wants[id]
	if known == nil {
		if len(wants) == 0 {
			return
		}
		known = make(map[workflow.ActionID]*want, len(wants))
		b.wants[id] = known
	}
	for _, w := range wants {
		x := known[w.Action]
		if x != nil && x.asked == b.registered {
			continue // it is there twice
		}
		if x != nil && x.Want == w && x.project == project {
			x.asked = b.registered
			continue
		}
		if x != nil {
			b.dequeue(x)
			delete(known, w.Action)
		}
		if b.offered(w.Action) {
			continue
		}
		x = &want{Want: w, execution: id, project: project, asked: b.registered}
		known[w.Action] = x
		b.enqueue(x)
	}
	for action, x := range known {
		if x.asked != b.registered {
			b.dequeue(x)
			delete(known, action)
		}
	}
	if len(known) == 0 {
		delete(b.wants, id)
	}
}

func (x *want) lane() laneKey { return laneKey{x.Priority, x.project, x.Target} }

func (b *board) enqueue(x *want) {
	l := b.lanes[x.lane()]
	if l == nil {
		l = &lane{key: x.lane()}
		b.lanes[l.key] = l
	}
	heap.Push(&l.wants, x)
	b.queued++
}

// dequeue takes a want out. Its place in the lane is freed when it comes to the front, or with all such places when they
// are the most: nobody may ever come to the front of a lane whose runners don't exist.
func (b *board) dequeue(x *want) {
	x.gone = true
	b.queued--
	l := b.lanes[x.lane()]
	if l.gone++; 2*l.gone <= len(l.wants) {
		return
	}
	kept := l.wants[:0]
	for _, y := range l.wants {
		if !y.gone {
			kept = append(kept, y)
		}
	}
	clear(l.wants[len(kept):])
	l.wants, l.gone = kept, 0
	if len(kept) == 0 {
		delete(b.lanes, l.key)
		return
	}
	heap.Init(&l.wants)
}

// head is the oldest want of the lane; nil when there is none.
func (l *lane) head() *want {
	for len(l.wants) > 0 {
		if !l.wants[0].gone {
			return l.wants[0]
		}
		heap.Pop(&l.wants)
		l.gone--
	}
	return nil
}

// match gives free slots to queued actions: the highest priority first, then the project that has the fewest slots, then
// the oldest. An action goes to the runner with the most room.
func (b *board) match(now time.Time) []offer {
	var offers []offer
	var front *front
	for free := b.free(now); free > 0 && b.queued > 0; free-- {
		if front == nil {
			front = b.front(now)
		}
		x, r := front.next()
		if x == nil {
			break
		}
		b.hold(&hold{action: x.Action, execution: x.execution, project: x.project, runner: r, since: now})
		if delete(b.wants[x.execution], x.Action); len(b.wants[x.execution]) == 0 {
			delete(b.wants, x.execution)
		}
		b.dequeue(x)
		offers = append(offers, offer{x.execution, x.Action, r.id})
	}
	return offers
}

func (b *board) free(now time.Time) (n int) {
	for _, r := range b.runners {
		n += r.free(now)
	}
	return n
}

// front is the heads of all lanes during one match: a heap of the groups of one priority and project, each of them a heap
// of lanes. A group's rank changes when its project gets a slot, and then only for the worse: what is at the front is
// looked at again before it counts.
type front struct {
	b      *board
	now    time.Time
	groups groupHeap
}

type group struct {
	priority int
	project  string
	lanes    laneHeap
	// The rank, as it was when it was looked at last.
	held   int // slots of the project
	oldest *want
}

type (
	laneHeap  []*lane
	groupHeap []*group
)

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return older(h[i].head(), h[j].head()) < 0 }
func (h laneHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *laneHeap) Push(x any)        { *h = append(*h, x.(*lane)) }
func (h *laneHeap) Pop() any          { return popLast(h) }

func (h groupHeap) Len() int { return len(h) }
func (h groupHeap) Less(i, j int) bool {
	x, y := h[i], h[j]
	return cmp.Or(y.priority-x.priority, x.held-y.held, older(x.oldest, y.oldest)) < 0
}
func (h groupHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *groupHeap) Push(x any)   { *h = append(*h, x.(*group)) }
func (h *groupHeap) Pop() any     { return popLast(h) }

func popLast[H ~[]E, E any](h *H) E {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// front ranks the lanes for which a runner has room.
func (b *board) front(now time.Time) *front {
	f := &front{b: b, now: now}
	room := map[string]bool{}
	groups := map[laneKey]*group{}
	for key, l := range b.lanes {
		if l.head() == nil {
			delete(b.lanes, key)
			continue
		}
		if _, known := room[key.target]; !known {
			room[key.target] = b.roomiest(key.target, now) != nil
		}
		if !room[key.target] {
			continue
		}
		k := laneKey{priority: key.priority, project: key.project}
		g := groups[k]
		if g == nil {
			g = &group{priority: k.priority, project: k.project, held: b.projects[k.project]}
			groups[k] = g
			f.groups = append(f.groups, g)
		}
		g.lanes = append(g.lanes, l)
	}
	for _, g := range f.groups {
		heap.Init(&g.lanes)
		g.oldest = g.lanes[0].head()
	}
	heap.Init(&f.groups)
	return f
}

// next chooses the want that is served next and the runner for it; the caller serves it before it calls again.
func (f *front) next() (*want, *runner) {
	for len(f.groups) > 0 {
		g := f.groups[0]
		r := f.tidy(g)
		if r == nil {
			heap.Pop(&f.groups)
			continue
		}
		if held, oldest := f.b.projects[g.project], g.lanes[0].head(); g.held != held || g.oldest != oldest {
			g.held, g.oldest = held, oldest
			heap.Fix(&f.groups, 0)
			continue
		}
		return g.oldest, r
	}
	return nil, nil
}

// tidy brings the oldest want of a group to its front, after one was served there, and finds the runner for it; nil when
// there is none for any of the group.
func (f *front) tidy(g *group) *runner {
	if g.lanes[0].head() != nil {
		heap.Fix(&g.lanes, 0)
	} else {
		heap.Pop(&g.lanes)
	}
	for len(g.lanes) > 0 {
		if r := f.b.roomiest(g.lanes[0].key.target, f.now); r != nil {
			return r
		}
		heap.Pop(&g.lanes)
	}
	return nil
}

// roomiest is the runner with the most free slots that the target means; nil when none has any.
func (b *board) roomiest(target string, now time.Time) *runner {
	var best *runner
	most := 0
	for _, r := range b.runners {
		if target != "" && !r.targets[target] {
			continue
		}
		if n := r.free(now); n > 0 && (n > most || n == most && r.id < best.id) {
			best, most = r, n
		}
	}
	return best
}
