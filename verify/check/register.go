package check

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"cierzo/workflow"
)

// registers: to its users an execution is a register that holds its state. Whatever they were told must fit some order of
// what they did, in which each op happens between its call and its return.
func (c *Case) registers(r *report) {
	ops := map[workflow.ExecutionID][]Op{}
	for _, op := range c.Ops {
		ops[op.Execution] = append(ops[op.Execution], op)
	}
	for id, list := range ops {
		r.checked += len(list)
		x := c.Executions[id]
		child := x != nil && x.ParentID != ""
		revives := x != nil && c.mayRevive(x)
		m := model(child, revives)
		if porcupine.CheckOperationsTimeout(m.ToModel(), operations(list), time.Minute) == porcupine.Illegal {
			r.addf(id, "no order of these explains what its users were told: %s", describeOps(list))
		}
	}
}

func describeOps(list []Op) string {
	out := ""
	slices.SortStableFunc(list, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	last := ""
	for _, op := range list {
		what := string(op.Kind) + " " + string(op.State) + " " + string(op.Answer) + "; "
		if op.Kind != Get || what != last {
			out += op.Call.Round(time.Millisecond).String() + "–" + op.Return.Round(time.Millisecond).String() + " " + what
		}
		last = what
	}
	return out
}

// operations leaves out reads between two equal ones: they say nothing.
func operations(list []Op) []porcupine.Operation {
	slices.SortStableFunc(list, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	same := func(i int, op Op) bool {
		return i >= 0 && i < len(list) && list[i].Kind == Get && list[i].State == op.State
	}
	var out []porcupine.Operation
	for i, op := range list {
		if op.Kind == Complete || op.Kind == Get && same(i-1, op) && same(i+1, op) {
			continue
		}
		until := max(int64(op.Return), int64(op.Call)+1)
		if op.Answer == Unknown {
			until = math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: len(out), Input: op, Output: op.Answer, Call: int64(op.Call), Return: until})
	}
	return out
}

// model is the register. An execution moves by itself as well: it begins when it is a sub-workflow, comes to its end, and is
// paused and resumed with its parents and children.
func model(child, revives bool) porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{workflow.State("")} },
		Step: func(state, input, output any) []any {
			op := input.(Op)
			var out []any
			for _, s := range drift(state.(workflow.State), child, revives) {
				for _, next := range op.from(s, output.(Answer)) {
					if !slices.Contains(out, any(next)) {
						out = append(out, next)
					}
				}
			}
			return out
		},
	}
}

// drift is where an execution may be after a while of which nothing is known.
func drift(s workflow.State, child, revives bool) []workflow.State {
	living := []workflow.State{workflow.Running, workflow.Paused, workflow.Success, workflow.Error, workflow.Cancelled}
	switch {
	case s == "" && child:
		return append([]workflow.State{""}, living...)
	case s == workflow.Running, s == workflow.Paused:
		return living
	case (s == workflow.Error || s == workflow.Cancelled) && revives:
		return living
	}
	return []workflow.State{s}
}

// from is where the op leads from a state; nothing: it can't have been answered like that.
func (op Op) from(s workflow.State, a Answer) []workflow.State {
	stays := []workflow.State{s}
	var goes []workflow.State
	switch op.Kind {
	case Get:
		if op.State == s {
			return stays
		}
		return nil
	case Start:
		if goes = stays; s == "" {
			goes = []workflow.State{workflow.Running}
		}
	case Pause:
		if s == workflow.Running || s == workflow.Paused {
			goes = []workflow.State{workflow.Paused}
		}
	case Resume:
		if goes = stays; s == workflow.Paused {
			goes = []workflow.State{workflow.Running}
		}
	case Stop:
		if goes = stays; !s.Final() {
			goes = []workflow.State{op.State}
		}
		if op.State == workflow.Success && !s.Final() {
			goes = append(goes, workflow.Error) // its output can't be evaluated
		}
	case Rerun, Skip:
		if goes = stays; s == workflow.Error || s == workflow.Cancelled {
			goes = []workflow.State{workflow.Running}
		}
	}
	switch {
	case s == "" && op.Kind != Start:
		goes = nil // there is nothing to command
	case a == Refused:
		return stays
	case a == Unknown:
		return append(stays, goes...)
	}
	if a == Done {
		return goes
	}
	return stays
}
