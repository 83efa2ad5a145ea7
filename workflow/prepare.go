package workflow

import (
	"fmt"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/internal/invariant"
)

// prepared is an action execution that is about to begin, with what the registry says of its action.
type prepared struct {
	action *action
	spec   *ActionSpec // of the base action; nil for a sub-workflow
}

// prepare evaluates name and input of a task's action or sub-workflow. item is the with-items layer, nil for a plain task.
func (e *Execution) prepare(t *task, item *value.Dict, index int) (*prepared, error) {
	call := t.prog.Action
	if t.prog.Workflow != nil {
		call = t.prog.Workflow
	}
	// The item's variable isn't visible in the name.
	name, err := e.callName(t, call)
	if err != nil {
		return nil, err
	}
	s := e.taskScope(t, item)
	input, err := e.callInput(s, t, call)
	if err != nil {
		return nil, err
	}
	if err := sizeLimit("ActionExecution", "input", input); err != nil {
		return nil, err
	}
	if t.prog.Workflow == nil {
		input = e.actionDefaults(name, input)
	}
	a, err := e.newAction(t)
	if err != nil {
		return nil, err
	}
	a.Index, a.Input = index, input
	if t.prog.Workflow != nil {
		return &prepared{action: a}, e.prepareChild(a, name)
	}
	p, err := e.prepareAction(a, name, input)
	if err != nil {
		return nil, err
	}
	return p, e.prepareRun(s, t, a)
}

// prepareRun gives an action its target and deadline.
func (e *Execution) prepareRun(s *scope, t *task, a *action) error {
	if t.prog.Target != nil {
		v, err := s.template(t.prog.Target)
		if err != nil {
			return err
		}
		if truthy(v) {
			a.Target = value.Str(v)
		}
	}
	a.Deadline = t.Runtime.TimeoutAt
	return nil
}

// callName evaluates the name of what a task runs; without one, or when it is falsy, that is std.noop.
func (e *Execution) callName(t *task, call *dsl.Call) (string, error) {
	if call == nil || call.Name == nil {
		return "std.noop", nil
	}
	v, ok := call.Name.Const()
	if !ok {
		var err error
		if v, err = e.taskScope(t, nil).template(call.Name); err != nil {
			return "", err
		}
	}
	if !truthy(v) {
		return "std.noop", nil
	}
	return value.Str(v), nil
}

// callInput evaluates a task's input: the dictionary, or the expression that gives one, and the inline parameters.
// What a rerun has given takes their place.
func (e *Execution) callInput(s *scope, t *task, call *dsl.Call) (*value.Dict, error) {
	if given := t.Runtime.GivenInput; given != "" {
		v, err := value.ParseJSON([]byte(given))
		if d, ok := v.(*value.Dict); ok && err == nil {
			return d.Freeze(), nil
		}
		invariant.Unreachable("task %s: the input of its rerun is no object: %v", t.ID, err)
	}
	input := emptyDict()
	v, err := s.tree(t.prog.Input)
	if err != nil {
		return nil, err
	}
	if v != nil {
		d, ok := asDict(v)
		if !ok {
			return nil, flawf("Wrong dynamic input for task: %s. Dict type is expected. Actual type: %s. Actual value: %s",
				t.Name, value.TypeName(v), value.Str(v))
		}
		input = d
	}
	if call == nil || call.Params == nil {
		return input, nil
	}
	inline, err := s.dict(call.Params)
	if err != nil {
		return nil, err
	}
	return under(input, inline), nil
}

// under adds inline parameters to an input, which wins where both have one: so does Mistral, against what one expects.
func under(input, inline *value.Dict) *value.Dict {
	out := input.Clone()
	for k, v := range inline.All() {
		if _, given := input.Get(k); !given {
			put(out, k, v)
		}
	}
	return out.Freeze()
}

// actionDefaults fills in what the environment's __actions gives the action for inputs that the task leaves out.
func (e *Execution) actionDefaults(name string, input *value.Dict) *value.Dict {
	v, ok := e.data.Env.GetString("__actions")
	if !ok {
		return input
	}
	all, ok := v.(value.Mapping)
	if !ok {
		return input
	}
	v, _ = all.GetString(name)
	defaults, ok := v.(value.Mapping)
	if !ok {
		return input
	}
	out := input.Clone()
	for k, d := range defaults.All() {
		if _, given := input.Get(k); !given {
			put(out, k, d)
		}
	}
	return out.Freeze()
}

// findAction looks an action up by name, among the workbook's first. nil: there is none.
func (e *Execution) findAction(name string) (*ActionSpec, error) {
	if e.program.prefix != "" {
		spec, err := e.facts.Action(e.rec.ProjectID, e.rec.Namespace, e.program.prefix+name)
		if spec != nil || err != nil {
			return spec, asFactFlaw(err)
		}
	}
	spec, err := e.facts.Action(e.rec.ProjectID, e.rec.Namespace, name)
	return spec, asFactFlaw(err)
}

// prepareAction resolves an action and its input; for an ad-hoc action down to the base that a runner knows.
func (e *Execution) prepareAction(a *action, name string, input *value.Dict) (*prepared, error) {
	spec, err := e.findAction(name)
	if err != nil {
		return nil, err
	}
	if spec == nil {
		return nil, flawf("Failed to find action [action_name=%s, namespace=%s]", name, e.rec.Namespace)
	}
	a.Name, a.Async = spec.Name, spec.Async
	if a.SafeRerun = a.SafeRerun || spec.SafeRerun; spec.AdHoc == nil {
		_, err := checkAction(spec, input)
		return &prepared{a, spec}, err
	}
	if a.Input, err = checkAdHoc(spec, input); err != nil {
		return nil, err
	}
	base, runInput, err := e.adHocInput(a.task, spec, input)
	if err != nil {
		return nil, err
	}
	a.RunName, a.RunInput, a.Async = base.Name, runInput, base.Async
	return &prepared{a, base}, nil
}

// checkAction checks an input against what an action declares; defaults are the action's own business.
func checkAction(spec *ActionSpec, input *value.Dict) (*value.Dict, error) {
	return bindInput(spec.Name, spec.Class, spec.Inputs, spec.AcceptsExtra, input)
}

// checkAdHoc binds the declared input of an ad-hoc action.
func checkAdHoc(spec *ActionSpec, input *value.Dict) (*value.Dict, error) {
	return bindInput(spec.Name, "mistral.actions.adhoc.AdHocAction", spec.AdHoc.Input, false, input)
}

// adHocInput follows the chain of an ad-hoc action: at each step its declared input is bound and base-input evaluated.
func (e *Execution) adHocInput(t *task, spec *ActionSpec, input *value.Dict) (*ActionSpec, *value.Dict, error) {
	for depth := 0; spec.AdHoc != nil; depth++ {
		if depth > DepthMax {
			return nil, nil, flawf("Ad-hoc actions are based on each other deeper than %d (limit DepthMax)", DepthMax)
		}
		bound, err := checkAdHoc(spec, input)
		if err != nil {
			return nil, nil, err
		}
		next, err := e.baseInput(t, spec, bound)
		if err != nil {
			return nil, nil, err
		}
		if spec.Base == nil {
			return nil, nil, flawf("Failed to find action [action_name=%s, namespace=%s]", spec.AdHoc.Base.Name.Source(), e.rec.Namespace)
		}
		spec, input = spec.Base, next
	}
	if _, err := checkAction(spec, input); err != nil {
		return nil, nil, err
	}
	return spec, input, nil
}

// baseInput evaluates base-input and the inline parameters of base. They see the ad-hoc action's own input, and under it
// what the calling task's branch has published, the environment, variables and globals, but not the workflow's input.
func (e *Execution) baseInput(t *task, spec *ActionSpec, bound *value.Dict) (*value.Dict, error) {
	layers := append([]*value.Dict{bound}, e.inbound(t).layers()...)
	s := &scope{e: e, ctx: value.NewLayers(append(layers, e.envLayer(), e.data.Context)...)}
	own, err := s.dict(spec.AdHoc.BaseInput)
	if err != nil {
		return nil, err
	}
	if own == nil {
		own = emptyDict()
	}
	inline, err := s.dict(spec.AdHoc.Base.Params)
	if err != nil || inline == nil {
		return own, err
	}
	return under(own, inline), nil
}

// adHocOutput applies the output of an ad-hoc action's chain to a successful result, innermost first; `$` is the result.
func (e *Execution) adHocOutput(a *action, s State, result value.Value) (value.Value, error) {
	if a.RunName == "" || s != Success {
		return result, nil
	}
	spec, err := e.findAction(a.Name)
	if err != nil {
		return nil, err
	}
	var chain []*ActionSpec
	for ; spec != nil && spec.AdHoc != nil; spec = spec.Base {
		chain = append(chain, spec)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if result, err = e.shape(chain[i], result); err != nil {
			text, ok := asFlaw(err)
			if !ok {
				return nil, err
			}
			return nil, &flaw{fmt.Sprintf("%s, action=%s", text, chain[i].Name)}
		}
	}
	return result, nil
}

// shape evaluates the output of one ad-hoc action.
func (e *Execution) shape(spec *ActionSpec, result value.Value) (value.Value, error) {
	if spec.AdHoc.Output == nil {
		return result, nil
	}
	s := &scope{e: e, ctx: value.NewLayers(e.envLayer())}
	env := s.env()
	env.Root = result
	v, err := spec.AdHoc.Output.Eval(env)
	return s.result(v, err)
}
