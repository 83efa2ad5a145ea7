package workflow

import (
	"slices"

	"cierzo/dsl"
	"cierzo/internal/invariant"
	"cierzo/internal/planted"
)

// A join waits for its inbound tasks. Each of them induces RUNNING (it has triggered the join), ERROR (it can't any
// more) or WAITING; the join's state follows from all of them.

// induced is what one inbound task means for a join.
type induced struct {
	state State
	event string
	from  *task // nil: has not run
}

// triggerJoin reports a transition to a join: its execution is created by the first one. A transition that comes after
// the join has run is late and means nothing, but for loops: what the join itself has caused, or an inbound task that
// comes round again, begins a new execution of the join.
func (e *Execution) triggerJoin(m move) error {
	all := e.named(m.to.Name)
	if len(all) > 0 {
		last := all[len(all)-1]
		if last.State == Error && last.Runtime.Unmet && e.anew(m.from) {
			// It failed because of others, and one of these has been run again, or leads to it after all.
			e.reopen(last)
			e.setTask(last, Waiting, "Task is waiting.")
		}
		if last.State == Waiting {
			e.reviewAfter(last, m.from)
			return nil
		}
		if !e.again(last, m.from) {
			return nil
		}
	}
	t, err := e.newTask(m.to)
	if err != nil {
		return err
	}
	t.TriggeredBy = []Trigger{{TaskID: m.from.ID, Event: m.event}}
	t.Parents = []TaskID{m.from.ID} // all that it knows when it never runs
	e.setTask(t, Waiting, "Task is waiting.")
	e.review(t)
	return nil
}

// anew reports whether a user's rerun or skip has brought a task to lead to a join that had failed: of the task itself, or
// of one that it comes from. Any other one only comes late, and changes nothing.
func (e *Execution) anew(t *task) bool {
	seen := map[*task]bool{}
	for queue := []*task{t}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at.Runtime.RerunNo > 0 || at.State == Skipped {
			return true
		}
		for _, id := range at.Parents {
			if p := e.task(id); p != nil && !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
	return false
}

// again reports whether from begins another round of a join that has been decided.
func (e *Execution) again(join, from *task) bool {
	for _, id := range join.Parents {
		if p := e.task(id); !join.Runtime.Unmet && p.Name == from.Name && p != from {
			return true
		}
	}
	seen := map[TaskID]bool{}
	queue := []*task{from}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if t == join {
			return true
		}
		for _, id := range t.Parents {
			if p := e.task(id); !seen[id] && p.Seq >= join.Seq {
				seen[id] = true
				queue = append(queue, p)
			}
		}
	}
	return false
}

// wakeJoins has the joins looked at again that the completion of t may decide: the last execution of each, and those before it that a
// rerun has made wait.
func (e *Execution) wakeJoins(t *task) {
	e.joins = slices.DeleteFunc(e.joins, func(join *task) bool {
		join.joining = join.State == Waiting
		return !join.joining
	})
	for _, join := range e.joins {
		if !join.Runtime.WakeAt.IsZero() || !join.prog.upstream.has(t.prog) {
			continue
		}
		if all := e.named(join.Name); all[len(all)-1] == join {
			e.reviewAfter(join, t)
		} else {
			e.review(join)
		}
	}
}

// reviewAfter is review after the end of a task. When the join waits for all, and that one has triggered it and leads to no other
// inbound task, nothing has become impossible by it, and one more that the join waits for tells that it can't be decided.
func (e *Execution) reviewAfter(join, t *task) {
	join.thorough = join.thorough || !join.prog.Join.All || join.prog.upstream.tangled[t.prog] ||
		!slices.ContainsFunc(t.Next, func(n Trigger) bool { return n.Name == join.Name })
	e.block(join)
}

// noteJoin remembers a join that waits.
func (e *Execution) noteJoin(t *task) {
	if !t.joining {
		t.joining = true
		e.joins = append(e.joins, t)
	}
}

// refreshJoin decides a waiting join if it can be decided.
func (e *Execution) refreshJoin(t *task) error {
	if t.State != Waiting || !t.Runtime.WakeAt.IsZero() || e.rec.State != Running {
		return nil
	}
	routes := map[*taskProgram]bool{}
	if !t.thorough && t.awaited != nil && e.induce(t.awaited, t.prog, routes).state == Waiting {
		if invariant.Expensive {
			for _, tp := range t.prog.inbound {
				invariant.Check(e.induce(tp, t.prog, map[*taskProgram]bool{}).state != Error, "join %s would have seen that %s failed it", t.ID, tp.Name)
			}
		}
		return nil
	}
	t.thorough, t.awaited = false, nil
	var run, dead []Trigger
	var names []string
	var parents []TaskID
	for _, tp := range t.prog.inbound {
		in := e.induce(tp, t.prog, routes)
		switch in.state {
		case Running:
			run = append(run, Trigger{TaskID: in.from.ID, Event: in.event})
			parents = append(parents, in.from.ID)
		case Error:
			names = append(names, tp.Name)
			if in.from != nil {
				dead = append(dead, Trigger{TaskID: in.from.ID, Event: in.event})
			}
		default:
			t.awaited = tp
		}
	}
	total := len(t.prog.inbound)
	need := needed(t.prog.Join, total)
	switch {
	case len(run) >= need:
		t.awaited = nil
		t.TriggeredBy, t.Parents, t.inKnown, t.Runtime.Unmet = run, parents, false, false
		if t.Runtime.RerunNo > 0 {
			t.TriggeredBy = nil // as Mistral shows a join that was run again
		}
		e.setTask(t, Idle, "")
		e.enqueue(t)
	case len(names) > total-need:
		t.awaited = nil // when it waits again, then perhaps for something else
		t.TriggeredBy, t.Runtime.Unmet = nil, true
		if t.prog.Join.All {
			t.TriggeredBy = dead
		}
		if err := e.complete(t, Error, "Failed by tasks: "+pyList(names)); err != nil {
			return e.contain(t, "Failed to refresh state of task", err)
		}
	}
	return nil
}

// needed is how many inbound tasks must have triggered the join.
func needed(j dsl.Join, total int) int {
	if j.All {
		if planted.Has(planted.JoinEarly) {
			return max(1, total-1)
		}
		return total
	}
	return j.Count
}

// induce says what an inbound task means for a join now.
func (e *Execution) induce(tp, join *taskProgram, routes map[*taskProgram]bool) induced {
	all := e.named(tp.Name)
	if len(all) == 0 {
		if e.reachable(tp, routes) {
			return induced{state: Waiting}
		}
		return induced{state: Error, event: "impossible route"}
	}
	last := all[len(all)-1]
	if !last.State.Final() {
		return induced{state: Waiting}
	}
	for _, n := range slices.Backward(last.Next) {
		if n.Name == join.Name {
			return induced{state: Running, event: n.Event, from: last}
		}
	}
	return induced{state: Error, event: "not triggered", from: last}
}

// reachable reports whether a task that has not run may still be reached: searching its inbound tasks backwards, each
// once, so that a loop of tasks that never ran is no route.
func (e *Execution) reachable(tp *taskProgram, seen map[*taskProgram]bool) bool {
	visited := map[*taskProgram]bool{}
	queue := []*taskProgram{tp}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if visited[at] {
			continue
		}
		visited[at] = true
		if known, ok := seen[at]; ok {
			if known {
				return true
			}
			continue
		}
		if len(at.inbound) == 0 {
			seen[tp] = true
			return true
		}
		for _, from := range at.inbound {
			all := e.named(from.Name)
			if len(all) == 0 {
				queue = append(queue, from)
				continue
			}
			if e.mayTrigger(all, at) {
				seen[tp] = true
				return true
			}
		}
	}
	seen[tp] = false
	return false
}

// mayTrigger reports whether one of a task's executions can still cause the other task, which has not run. What one that is processed
// leads to would be there already, unless a pause keeps it back: it was behind a fail or succeed, or is not wanted since.
func (e *Execution) mayTrigger(all []*task, to *taskProgram) bool {
	for _, t := range all {
		switch {
		case !t.State.Final():
			return true
		case !t.Processed && slices.ContainsFunc(t.Next, func(n Trigger) bool { return n.Name == to.Name }):
			return true
		}
	}
	return slices.ContainsFunc(e.rec.Runtime.Backlog, func(b BacklogCommand) bool { return b.Name == to.Name })
}
