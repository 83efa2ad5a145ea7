package check

import (
	"slices"
	"strings"

	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/workflow"
)

// The task graph, replayed: which tasks there must be follows from the definition and from how tasks have ended. The rules
// are written down here once more, in the plainest form, and know nothing of how the engine comes to its decisions.

// graphs replays the graph of each execution whose definition is known. Where users have run something again, here or in a
// sub-workflow, what was has left its traces beside what is, and there is more than one answer.
func (c *Case) graphs(r *report) {
	for _, x := range c.sorted() {
		if x.Definition == nil || c.mayRevive(x) {
			continue
		}
		g := newGraph(c, r, x)
		r.checked += len(x.Tasks)
		if x.Definition.Type == dsl.Reverse {
			g.reverse()
		} else {
			g.direct()
		}
		for _, t := range x.Tasks {
			g.task(t)
		}
		g.end()
	}
}

// graph is one execution under replay.
type graph struct {
	c       *Case
	r       *report
	x       *Execution
	byID    map[workflow.TaskID]*workflow.TaskRecord
	byName  map[string][]*workflow.TaskRecord
	defs    map[string]*dsl.Task
	actions map[workflow.TaskID][]*workflow.ActionRecord
	// whole: the execution came to its end by itself, so everything that should follow has followed.
	whole bool
}

func newGraph(c *Case, r *report, x *Execution) *graph {
	g := &graph{
		c: c, r: r, x: x, byID: map[workflow.TaskID]*workflow.TaskRecord{}, byName: map[string][]*workflow.TaskRecord{},
		defs: map[string]*dsl.Task{}, actions: map[workflow.TaskID][]*workflow.ActionRecord{},
	}
	for _, t := range x.Tasks {
		g.byID[t.ID], g.byName[t.Name] = t, append(g.byName[t.Name], t)
	}
	for _, t := range x.Definition.Tasks {
		g.defs[t.Name] = t
	}
	for _, a := range x.Actions {
		g.actions[a.TaskID] = append(g.actions[a.TaskID], a)
	}
	g.whole = x.State.Final() && !x.commanded("stop") && !g.ordered()
	if x.ParentID != "" && x.State == workflow.Cancelled && !g.cancelledTask() {
		g.whole = false // its parent's doing
	}
	return g
}

func (g *graph) cancelledTask() bool {
	return slices.ContainsFunc(g.x.Tasks, func(t *workflow.TaskRecord) bool { return t.State == workflow.Cancelled })
}

// step is a transition of the definition that a task's end calls for.
type step struct {
	to      string
	event   string
	certain bool // its condition could be evaluated here
}

// steps lists what follows when the task ends in that state, noops included.
func (g *graph) steps(def *dsl.Task, s workflow.State) []step {
	var out []step
	add := func(event string, own, general *dsl.Clause) {
		c := own
		if c == nil {
			c = general
		}
		if c == nil {
			return
		}
		for _, target := range c.Next {
			holds, certain := condition(target.Condition)
			if holds || !certain {
				out = append(out, step{target.Name, event, certain})
			}
		}
	}
	d := &g.x.Definition.Defaults
	switch s {
	case workflow.Success:
		add("on-success", def.OnSuccess, d.OnSuccess)
	case workflow.Error:
		add("on-error", def.OnError, d.OnError)
	default:
		return nil
	}
	add("on-complete", def.OnComplete, d.OnComplete)
	return out
}

// condition evaluates what depends on no data: no names of the context, and no functions.
func condition(t *expr.Tree) (holds, certain bool) {
	if t == nil {
		return true, true
	}
	if strings.ContainsAny(value.Str(t.Source()), "$_(") {
		return false, false
	}
	some := value.NewDict(1) // over an empty context nothing is evaluated
	some.SetString("some", value.Bool(true))
	v, err := t.Eval(&expr.Env{Context: some})
	if err != nil {
		return false, false
	}
	return value.Truthy(v), true
}

// ordered reports whether a task's end has, or may have, called for fail or succeed: what stood beside it may be missing.
func (g *graph) ordered() bool {
	for _, t := range g.x.Tasks {
		if def := g.defs[t.Name]; def != nil && t.State.Final() {
			for _, s := range g.steps(def, t.State) {
				if s.to == "fail" || s.to == "succeed" {
					return true
				}
			}
		}
	}
	return false
}

// inbound lists the tasks of the definition that may lead to a task.
func (g *graph) inbound(name string) []string {
	var out []string
	for _, t := range g.x.Definition.Tasks {
		for _, c := range []*dsl.Clause{t.OnSuccess, t.OnError, t.OnComplete, t.OnSkip} {
			if c != nil && slices.ContainsFunc(c.Next, func(x dsl.Target) bool { return x.Name == name }) {
				out = append(out, t.Name)
				break
			}
		}
	}
	return out
}

// direct compares the tasks of a direct workflow with what the ends of the others call for.
func (g *graph) direct() {
	for _, def := range g.x.Definition.Tasks {
		rows, from := g.byName[def.Name], g.inbound(def.Name)
		switch {
		case len(from) == 0 && len(rows) != 1:
			g.r.addf(g.x.ID, "task %s, which starts the workflow, has %d executions", def.Name, len(rows))
		case len(from) == 0:
		case def.Join.IsJoin():
			g.join(def, rows, from)
		default:
			g.plain(def, rows, from)
		}
	}
	for name := range g.byName {
		if g.defs[name] == nil {
			g.r.addf(g.x.ID, "its workflow has no task %s", name)
		}
	}
}

// plain compares a task that is no join: one execution for each transition to it.
func (g *graph) plain(def *dsl.Task, rows []*workflow.TaskRecord, from []string) {
	type cause struct {
		id    workflow.TaskID
		event string
	}
	have := map[cause]int{}
	for _, t := range rows {
		if len(t.TriggeredBy) != 1 {
			g.r.addf(g.x.ID, "task %s has %d causes", t.Name, len(t.TriggeredBy))
			continue
		}
		by := cause{t.TriggeredBy[0].TaskID, t.TriggeredBy[0].Event}
		have[by]++
		if have[by] > 1 {
			g.r.addf(g.x.ID, "task %s was caused %d times by %s of one task", t.Name, have[by], by.event)
		}
		source := g.byID[by.id]
		if source == nil || source.Seq >= t.Seq {
			g.r.addf(g.x.ID, "task %s was caused by %q, which isn't there or came later", t.Name, by.id)
			continue
		}
		if !slices.ContainsFunc(g.steps(g.defs[source.Name], source.State), func(s step) bool { return s.to == t.Name && s.event == by.event }) {
			g.r.addf(g.x.ID, "task %s was caused by %s of task %s, which is %s", t.Name, by.event, source.Name, source.State)
		}
	}
	if !g.whole {
		return
	}
	for _, name := range from {
		for _, source := range g.byName[name] {
			for _, s := range g.steps(g.defs[name], source.State) {
				if s.to == def.Name && s.certain && have[cause{source.ID, s.event}] == 0 {
					g.r.addf(g.x.ID, "task %s is %s, and %s never came", name, source.State, def.Name)
				}
			}
		}
	}
}

// join compares a join: one execution at most, which runs when enough of its sources lead to it.
func (g *graph) join(def *dsl.Task, rows []*workflow.TaskRecord, from []string) {
	rounds := 1 // each source that comes again begins the join anew
	for _, name := range from {
		rounds += max(len(g.byName[name])-1, 0)
	}
	if len(rows) > rounds && !g.cyclic() {
		g.r.addf(g.x.ID, "join %s has %d executions, its sources %d at most", def.Name, len(rows), rounds)
	}
	if rounds > 1 {
		return
	}
	led, perhaps := 0, 0
	for _, name := range from {
		all := g.byName[name]
		if len(all) == 0 {
			continue
		}
		var sure, maybe bool
		for _, s := range g.steps(g.defs[name], all[len(all)-1].State) {
			if s.to == def.Name {
				sure, maybe = sure || s.certain, maybe || !s.certain
			}
		}
		switch {
		case sure:
			led++
		case maybe:
			perhaps++
		}
	}
	need := len(from)
	if !def.Join.All {
		need = def.Join.Count
	}
	if len(rows) == 0 {
		if g.whole && led > 0 {
			g.r.addf(g.x.ID, "join %s never came, and %d tasks lead to it", def.Name, led)
		}
		return
	}
	last := rows[len(rows)-1]
	failed := strings.HasPrefix(last.StateInfo, failedByTasks)
	ran := len(g.actions[last.ID]) > 0
	if ran && led+perhaps < need {
		g.r.addf(g.x.ID, "join %s has run, and of the %d tasks that it needs only %d lead to it", def.Name, need, led+perhaps)
	}
	if failed && led >= need && g.whole && !g.unexpected(last, from) {
		g.r.addf(g.x.ID, "join %s has failed, and %d of the %d tasks that it needs lead to it", def.Name, led, need)
	}
	if g.whole && !ran && !failed && led >= need && !g.cutShort(last) {
		g.r.addf(g.x.ID, "join %s is %s, and never ran", def.Name, last.State)
	}
}

// unexpected reports whether a source of a join that has failed came into being after the failure, by a task that came again.
// What can still lead to a join is asked of the newest execution of each task (as in Mistral), so others on their way don't keep
// it waiting.
func (g *graph) unexpected(join *workflow.TaskRecord, from []string) bool {
	if !slices.ContainsFunc(g.ancestors(join.Name), func(name string) bool { return len(g.byName[name]) > 1 }) {
		return false
	}
	failed := false
	for _, h := range g.x.History {
		switch {
		case h.Kind != "task.state":
		case h.TaskID == join.ID && h.State == workflow.Error:
			failed = true
		case failed && slices.Contains(from, h.Task) && h.State == workflow.Idle:
			return true
		}
	}
	return false
}

// ancestors lists the tasks from which a way leads to a task.
func (g *graph) ancestors(name string) []string {
	all := g.inbound(name)
	for i := 0; i < len(all); i++ {
		for _, from := range g.inbound(all[i]) {
			if !slices.Contains(all, from) {
				all = append(all, from)
			}
		}
	}
	return all
}

// cyclic: in a workflow with loops a task may come again.
func (g *graph) cyclic() bool {
	for name := range g.defs {
		if slices.Contains(g.ancestors(name), name) {
			return true
		}
	}
	return false
}

// reverse compares the tasks of a reverse workflow with what its target requires.
func (g *graph) reverse() {
	target, _ := g.x.Data.Params.GetString("task_name")
	need := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if def := g.defs[name]; def != nil && !need[name] {
			need[name] = true
			for _, r := range def.Requires {
				add(r)
			}
		}
	}
	add(value.Str(target))
	for name, rows := range g.byName {
		if !need[name] || len(rows) > 1 {
			g.r.addf(g.x.ID, "task %s has %d executions, required: %t", name, len(rows), need[name])
		}
		for _, required := range g.defs[name].Requires {
			if !slices.ContainsFunc(g.byName[required], func(t *workflow.TaskRecord) bool { return t.State == workflow.Success }) {
				g.r.addf(g.x.ID, "task %s has begun, and %s, which it requires, has not succeeded", name, required)
			}
		}
	}
	if !g.whole {
		return
	}
	for name := range need {
		ready := !slices.ContainsFunc(g.defs[name].Requires, func(required string) bool {
			return !slices.ContainsFunc(g.byName[required], func(t *workflow.TaskRecord) bool { return t.State == workflow.Success })
		})
		if ready && len(g.byName[name]) == 0 {
			g.r.addf(g.x.ID, "task %s never came, and all that it requires has succeeded", name)
		}
	}
}

// end compares the final state with the tasks'.
func (g *graph) end() {
	if !g.whole {
		return
	}
	want := workflow.Success
	for _, t := range g.x.Tasks {
		switch {
		case !t.State.Final():
			g.r.addf(g.x.ID, "it is %s, and its task %s is %s", g.x.State, t.Name, t.State)
		case t.State == workflow.Cancelled:
			want = workflow.Cancelled
		case t.State == workflow.Error && want != workflow.Cancelled && !g.handled(t):
			want = workflow.Error
		}
	}
	if g.x.State != want {
		g.r.addf(g.x.ID, "it is %s (%s), its tasks say %s", g.x.State, g.x.StateInfo, want)
	}
}

// handled reports whether the failure of a task leads anywhere by its on-error.
func (g *graph) handled(t *workflow.TaskRecord) bool {
	if g.x.Definition.Type == dsl.Reverse {
		return false
	}
	return slices.ContainsFunc(g.steps(g.defs[t.Name], workflow.Error), func(s step) bool { return s.event == "on-error" })
}
