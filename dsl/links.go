package dsl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// links checks what concerns several tasks: starts, targets, joins. sound: the workflow has no errors so far; without
// that, starts and joins would be judged by transitions that could not be read.
func (r *reader) links(w *Workflow, path string, sound bool) {
	names := make(map[string]bool, len(w.Tasks))
	for _, t := range w.Tasks {
		names[t.Name] = true
	}
	if w.Type == Reverse {
		r.requirements(w, names, path)
		return
	}
	next := make([][]Target, len(w.Tasks))
	inbound := map[string]int{}
	for i, t := range w.Tasks {
		next[i] = outbound(w, t)
		for _, name := range distinct(next[i]) {
			inbound[name]++
		}
	}
	started := func(t *Task) bool { return inbound[t.Name] == 0 }
	if sound && len(w.Tasks) > 0 && !slices.ContainsFunc(w.Tasks, started) {
		r.add(SeverityError, w.Pos, 0, path, "no-start-task", "every task is the target of another one: take one transition away, or add a first task",
			fmt.Sprintf("Failed to find start tasks in direct workflow. There must be at least one task without inbound transition.[workflow_name=%s]", w.Name))
	}
	reported := map[Pos]bool{} // inherited transitions are there for each task
	for i, t := range w.Tasks {
		for _, to := range next[i] {
			switch {
			case reported[to.Pos]:
			case IsCommand(to.Name) && names[to.Name]:
				r.add(SeverityWarning, to.Pos, 0, path+".tasks."+t.Name, "command-and-task", "rename the task", fmt.Sprintf("%s is the engine command, not the task", to.Name))
			case !IsCommand(to.Name) && !names[to.Name]:
				r.unknownTask(w, to.Name, to.Pos, path+".tasks."+t.Name, true)
			default:
				continue
			}
			reported[to.Pos] = true
		}
	}
	if sound {
		r.joins(w, inbound, path)
	}
}

// outbound are all transitions of a task, its own and inherited ones.
func outbound(w *Workflow, t *Task) []Target {
	var out []Target
	for _, c := range Clauses(w, t) {
		out = append(out, c.Next...)
	}
	return out
}

func distinct(targets []Target) []string {
	var out []string
	for _, to := range targets {
		if !slices.Contains(out, to.Name) {
			out = append(out, to.Name)
		}
	}
	return out
}

// Clauses are the clauses of a task in the order success, error, complete, skip, with the defaults where the task's own
// have no transitions.
func Clauses(w *Workflow, t *Task) []*Clause {
	d := &w.Defaults
	return []*Clause{
		Effective(t, t.OnSuccess, d.OnSuccess), Effective(t, t.OnError, d.OnError), Effective(t, t.OnComplete, d.OnComplete), Effective(t, t.OnSkip, d.OnSkip),
	}
}

// Effective is a task's clause, with the transitions of the default when it has none of its own. The task itself is left
// out of what it inherits, and publish isn't inherited. Never nil.
func Effective(t *Task, own, inherited *Clause) *Clause {
	out := &Clause{}
	if own != nil {
		out.Publish, out.Next = own.Publish, own.Next
	}
	if len(out.Next) == 0 && inherited != nil {
		for _, to := range inherited.Next {
			if to.Name != t.Name {
				out.Next = append(out.Next, to)
			}
		}
	}
	return out
}

// commands are the engine commands.
const commands = " noop fail succeed pause "

// IsCommand reports whether a target is an engine command.
func IsCommand(name string) bool {
	return !strings.Contains(name, " ") && strings.Contains(commands, " "+name+" ")
}

func (r *reader) unknownTask(w *Workflow, name string, pos Pos, path string, engine bool) {
	var names []string
	for _, t := range w.Tasks {
		names = append(names, t.Name)
	}
	if engine {
		names = append(names, strings.Fields(commands)...)
	}
	end := 0
	if r.stands(name, pos) {
		end = pos.Col + utf8.RuneCountInString(name)
	}
	r.add(SeverityError, pos, end, path, "unknown-task", r.didYouMean(name, names), fmt.Sprintf("Task '%s' not found.", name))
}

// requirements checks the links of a reverse workflow. Cycles are accepted by Mistral.
func (r *reader) requirements(w *Workflow, names map[string]bool, path string) {
	needs := map[string][]string{}
	for _, t := range w.Tasks {
		for _, name := range append(slices.Clone(t.Requires), w.Defaults.Requires...) {
			if name == t.Name {
				continue
			}
			if !names[name] {
				r.unknownTask(w, name, t.Pos, path+".tasks."+t.Name, false)
			}
			needs[t.Name] = append(needs[t.Name], name)
		}
	}
	state := map[string]int{} // 1: below it we are, 2: done
	var cyclic func(name string) bool
	cyclic = func(name string) bool {
		if state[name] != 0 {
			return state[name] == 1
		}
		state[name] = 1
		defer func() { state[name] = 2 }()
		return slices.ContainsFunc(needs[name], cyclic)
	}
	for _, t := range w.Tasks {
		if state[t.Name] == 0 && cyclic(t.Name) {
			r.add(SeverityWarning, t.Pos, 0, path+".tasks."+t.Name, "requires-cycle", "take one of the requirements away", "tasks require each other in a circle: none of them can start")
			return
		}
	}
}

// joins checks that enough tasks lead to each join. Mistral reports all of them in one error.
func (r *reader) joins(w *Workflow, inbound map[string]int, path string) {
	first := -1
	var all []string
	for _, t := range w.Tasks {
		n := inbound[t.Name]
		text, hint := "", ""
		switch {
		case t.Join.All && n == 0:
			text, hint = fmt.Sprintf("No inbound tasks for task with 'join: all' [task_name=%s]", t.Name), "no task has a transition to it"
		case t.Join.Count > n:
			text = fmt.Sprintf("Not enough inbound tasks for task with 'join' [task_name=%s, join=%d, inbound_tasks=%d]", t.Name, t.Join.Count, n)
			hint = fmt.Sprintf("only %d tasks have a transition to it", n)
		default:
			continue
		}
		r.add(SeverityError, t.Pos, 0, path+".tasks."+t.Name, "join", hint, text)
		all = append(all, text)
		if first < 0 {
			first = len(r.diags) - 1
		}
	}
	if len(all) > 1 {
		r.diags[first].mistral = strings.Join(all, "\n")
	}
}

// stands reports whether a text begins at a place. It doesn't where it is quoted, or where the place is that of the task.
func (r *reader) stands(text string, pos Pos) bool {
	if pos.Line < 1 || pos.Line > len(r.lines) || pos.Col < 1 {
		return false
	}
	return strings.HasPrefix(behind(r.lines[pos.Line-1], pos.Col-1), text)
}
