package workflow

import (
	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
)

// publish evaluates what a completed task leaves to others: into its branch, and into the execution's context. Later
// sources override earlier ones: the state's clause, the task's own publish, on-complete.
func (e *Execution) publish(t *task) error {
	if t.State == Cancelled {
		return nil
	}
	var own *expr.Tree
	var state *dsl.Publish
	switch t.State {
	case Success:
		own, state = t.prog.Publish, t.prog.onSuccess.publish
	case Error:
		own, state = t.prog.PublishOnError, t.prog.onError.publish
	case Skipped:
		own, state = t.prog.PublishOnSkip, t.prog.onSkip.publish
	}
	sources := []dsl.Publish{{}, {Branch: own}, {}}
	if state != nil {
		sources[0] = *state
	}
	if t.prog.onDone.publish != nil {
		sources[2] = *t.prog.onDone.publish
	}
	s := e.outScope(t, e.inbound(t))
	branchVars, globals := value.NewDict(0), value.NewDict(0)
	for _, src := range sources {
		if err := publishInto(s, branchVars, src.Branch); err != nil {
			return err
		}
		if err := publishInto(s, globals, src.Global); err != nil {
			return err
		}
	}
	if err := sizeLimit("TaskExecution", "published", branchVars); err != nil {
		return err
	}
	switch {
	case branchVars.Len() == 0 && globals.Len() > 0:
		t.Published = nil // as Mistral shows it
	case branchVars.Len() > 0 || t.Published == nil || t.Published.Len() > 0:
		t.Published = branchVars.Freeze()
	}
	e.touch(t)
	t.Globals = nil
	if globals.Len() > 0 {
		t.Globals = globals.Freeze()
		e.data.Context, e.dataDirty = mergeDeep(e.data.Context, t.Globals), true
		if e.data.Globals == nil {
			e.data.Globals = emptyDict()
		}
		e.data.Globals = mergeDeep(e.data.Globals, t.Globals)
	}
	return nil
}

func publishInto(s *scope, into *value.Dict, tree *expr.Tree) error {
	d, err := s.dict(tree)
	if err != nil || d == nil {
		return err
	}
	for k, v := range d.All() {
		put(into, k, v)
	}
	return nil
}
