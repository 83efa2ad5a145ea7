package check

import (
	"cmp"
	"slices"
	"strings"

	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/workflow"
)

// What a task has made of its actions: how often it tried, its state, what it published.

// number is a policy's constant; known is false when it isn't one.
func number(t *expr.Tree) (n int, known bool) {
	if t == nil {
		return 0, true
	}
	v, ok := t.Const()
	if !ok {
		return 0, false
	}
	i, ok := v.(value.Int)
	return int(i), ok
}

func (g *graph) task(t *workflow.TaskRecord) {
	def := g.defs[t.Name]
	if def == nil {
		return
	}
	retries, known := 0, true
	if def.Retry != nil {
		retries, known = number(def.Retry.Count)
		known = known && def.Retry.BreakOn == nil && def.Retry.ContinueOn == nil
	}
	if !known {
		return
	}
	if len(def.WithItems) > 0 {
		g.items(t, def, retries)
	} else {
		g.tries(t, def, retries)
	}
	g.published(t, def)
}

// failedByTasks begins what a join says that nothing can lead to.
const failedByTasks = "Failed by tasks"

// cutShort reports whether a task has ended otherwise than by the end of its actions.
func (g *graph) cutShort(t *workflow.TaskRecord) bool {
	return strings.Contains(t.StateInfo, "timed out") || strings.HasPrefix(t.StateInfo, failedByTasks) ||
		strings.HasPrefix(t.StateInfo, "Failed to ") || t.State == workflow.Cancelled
}

// failOn reports whether a success of the task is a failure.
func failOn(def *dsl.Task) (fails, certain bool) {
	if def.FailOn == nil {
		return false, true
	}
	return condition(def.FailOn)
}

// tries compares a plain task with its actions: one after the other, while the one before has failed, retries more at most.
func (g *graph) tries(t *workflow.TaskRecord, def *dsl.Task, retries int) {
	actions := g.actions[t.ID]
	if len(actions) > 1+retries {
		g.r.addf(g.x.ID, "task %s was tried %d times, it may be tried %d times", t.Name, len(actions), 1+retries)
	}
	fails, certain := failOn(def)
	for i, a := range actions {
		if i < len(actions)-1 && a.State == workflow.Success && !fails && certain && def.Timeout == nil {
			g.r.addf(g.x.ID, "task %s was tried again after its action %s had succeeded", t.Name, a.ID)
		}
	}
	if len(actions) == 0 || !t.State.Final() || g.cutShort(t) || !certain {
		return
	}
	last := actions[len(actions)-1]
	state := last.State
	if state == workflow.Success && fails {
		state = workflow.Error
	}
	if last.State.Final() && state != t.State && !g.late(t) {
		g.r.addf(g.x.ID, "task %s is %s (%s), its last action %s is %s", t.Name, t.State, t.StateInfo, last.ID, last.State)
	}
	if t.State == workflow.Error && state == workflow.Error && len(actions)+g.givenUp(t) < 1+retries && g.whole && def.Timeout == nil { // a try may be over before it has begun
		g.r.addf(g.x.ID, "task %s has failed after %d tries of %d", t.Name, len(actions), 1+retries)
	}
}

// givenUp counts the tries of a join that were over before its action was begun, for nothing could lead to it then.
func (g *graph) givenUp(t *workflow.TaskRecord) (n int) {
	for _, h := range g.x.History {
		if h.TaskID == t.ID && h.Kind == "task.state" && h.State == workflow.Error && strings.HasPrefix(h.Info, failedByTasks) {
			n++
		}
	}
	return n
}

// late: in an execution that had ended before, actions end as they like and move nothing.
func (g *graph) late(*workflow.TaskRecord) bool { return !g.whole }

// items compares a with-items task with its actions: each index once in the end, and no index beyond.
func (g *graph) items(t *workflow.TaskRecord, def *dsl.Task, retries int) {
	n := t.Runtime.ItemCount
	tried, counts := map[int]int{}, map[int]int{}
	failed := false
	for _, a := range g.actions[t.ID] {
		if a.Index < 0 || a.Index >= n {
			g.r.addf(g.x.ID, "task %s has an action for item %d of %d", t.Name, a.Index, n)
		}
		tried[a.Index]++
		if a.Accepted {
			counts[a.Index]++
			failed = failed || a.State == workflow.Error
		}
	}
	for index, k := range tried {
		if k > 1+retries {
			g.r.addf(g.x.ID, "item %d of task %s was tried %d times, it may be tried %d times", index, t.Name, k, 1+retries)
		}
	}
	for index, k := range counts {
		if k > 1 {
			g.r.addf(g.x.ID, "item %d of task %s has %d results", index, t.Name, k)
		}
	}
	fails, certain := failOn(def)
	if !t.State.Final() || g.cutShort(t) || n < 0 || !g.whole || !certain {
		return
	}
	for index := range n {
		if counts[index] == 0 {
			g.r.addf(g.x.ID, "task %s is %s, and its item %d has no result", t.Name, t.State, index)
		}
	}
	want := workflow.Success
	if failed || fails {
		want = workflow.Error
	}
	if t.State != want {
		g.r.addf(g.x.ID, "task %s is %s (%s), its items say %s", t.Name, t.State, t.StateInfo, want)
	}
}

// published compares what the task published with its results, where that is `<% task().result %>` under one name.
func (g *graph) published(t *workflow.TaskRecord, def *dsl.Task) {
	if t.State != workflow.Success || def.Publish == nil || !g.whole || !def.KeepResult {
		return
	}
	spec, ok := def.Publish.Source().(*value.Dict)
	if !ok {
		return
	}
	for k, v := range spec.All() {
		if s, ok := v.(value.String); !ok || s != "<% task().result %>" {
			continue
		}
		got, _ := t.Published.Get(k)
		if want := g.result(t); got == nil || !value.Equal(got, want) {
			g.r.addf(g.x.ID, "task %s has published %s, its result is %s", t.Name, text(got), text(want))
		}
	}
}

func text(v value.Value) string {
	if v == nil {
		return "nothing"
	}
	return value.Str(v)
}

// result is a task's result as its accepted actions have it.
func (g *graph) result(t *workflow.TaskRecord) value.Value {
	var accepted []*workflow.ActionRecord
	for _, a := range g.actions[t.ID] {
		if a.Accepted {
			accepted = append(accepted, a)
		}
	}
	if t.Runtime.ItemCount < 0 && len(accepted) == 1 {
		return resultOf(accepted[0])
	}
	slices.SortStableFunc(accepted, func(a, b *workflow.ActionRecord) int { return cmp.Compare(a.Index, b.Index) })
	var list []value.Value
	for _, a := range accepted {
		list = append(list, resultOf(a))
	}
	return value.NewList(list)
}
