package check

import (
	"cmp"
	"slices"
	"time"

	"cierzo/expr/value"
	"cierzo/workflow"
)

// limits: a with-items task runs no more at a time than its concurrency, a runner no more than its slots.
func (c *Case) limits(r *report) {
	for _, x := range c.sorted() {
		c.concurrency(r, x)
	}
	if c.Slots <= 0 {
		return
	}
	byRunner := map[string][]*Run{}
	for _, run := range c.Runs {
		byRunner[run.Runner] = append(byRunner[run.Runner], run)
	}
	r.checked += len(byRunner)
	for runner, runs := range byRunner {
		if n := overlap(runs); n > c.Slots {
			r.addf("", "runner %s has run %d actions at a time, its slots are %d", runner, n, c.Slots)
		}
	}
}

// overlap is the most runs at the same time.
func overlap(runs []*Run) (most int) {
	type edge struct {
		at time.Duration
		by int
	}
	var edges []edge
	for _, run := range runs {
		edges = append(edges, edge{run.Began, 1})
		if run.Kind != "" {
			edges = append(edges, edge{run.Ended, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), a.by-b.by) })
	now := 0
	for _, e := range edges {
		now += e.by
		most = max(most, now)
	}
	return most
}

// concurrency counts, event by event, how many actions of each task are under way.
func (c *Case) concurrency(r *report, x *Execution) {
	limit := map[workflow.TaskID]int{}
	for _, t := range x.Tasks {
		if n := x.concurrencyOf(t.Name); n > 0 {
			limit[t.ID] = n
			r.checked++
		}
	}
	open := map[workflow.TaskID]map[workflow.ActionID]bool{}
	for _, h := range x.History {
		n := limit[h.TaskID]
		if h.Kind != "action.state" || n == 0 {
			continue
		}
		if open[h.TaskID] == nil {
			open[h.TaskID] = map[workflow.ActionID]bool{}
		}
		if h.State.Final() {
			delete(open[h.TaskID], h.ActionID)
			continue
		}
		open[h.TaskID][h.ActionID] = true
		if len(open[h.TaskID]) > n && !c.mayRevive(x) {
			r.addf(x.ID, "event %d: task %s has %d actions under way, its concurrency is %d", h.Seq, h.Task, len(open[h.TaskID]), n)
		}
	}
}

// concurrencyOf is what the definition says, 0 where it doesn't say it with a number.
func (x *Execution) concurrencyOf(task string) int {
	if t := x.taskOf(task); t != nil && t.Concurrency != nil {
		if v, ok := t.Concurrency.Const(); ok {
			if n, ok := v.(value.Int); ok {
				return int(n)
			}
		}
	}
	return 0
}
