package catalog

import (
	"cierzo/actions"
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/workflow"
)

// builtInSpec says of a registered action what the engine must know.
func builtInSpec(a *actions.Action) *workflow.ActionSpec {
	spec := &workflow.ActionSpec{Name: a.Name, AcceptsExtra: a.AcceptsExtra, Class: a.Class, Async: a.Async, SafeRerun: a.SafeRerun}
	for _, p := range a.Params {
		spec.Inputs = append(spec.Inputs, dsl.Param{Name: p.Name, Default: p.Default})
	}
	if inline := a.Inline; inline != nil {
		spec.Inline = func(id workflow.ActionID, input *value.Dict) workflow.Outcome {
			return Outcome(inline(&actions.Call{ActionID: string(id), Input: input}))
		}
	}
	return spec
}

// Outcome is an action's result as the state machine takes it.
func Outcome(r actions.Result) workflow.Outcome {
	switch r.Kind {
	case actions.KindValue:
		return workflow.Outcome{Kind: workflow.OutcomeValue, Value: r.Value}
	case actions.KindCancelled:
		return workflow.Outcome{Kind: workflow.OutcomeCancelled}
	case actions.KindDeferred:
		return workflow.Outcome{Kind: workflow.OutcomeDeferred}
	default:
		return workflow.Outcome{Kind: workflow.OutcomeError, Value: r.Value}
	}
}
