package workflow

import (
	"fmt"
	"strings"

	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/fault"
)

// start checks the input, evaluates environment and vars, and makes the first tasks ready.
func (e *Execution) start(s Spec) error {
	if s.Depth > DepthMax {
		return fault.New(fault.TooLarge, "Sub-workflows are nested deeper than %d (limit DepthMax)", DepthMax)
	}
	input, err := bindInput(e.program.name, e.program.specClass(), e.program.spec.Input, false, orEmpty(s.Input))
	if err != nil {
		return asInvalid(err)
	}
	e.data = ExecutionData{Input: input, Params: orEmpty(s.Params), Env: orEmpty(s.Env), Context: e.baseContext(), Auth: s.Auth}
	if err := e.startEnv(); err != nil {
		return asInvalid(err)
	}
	if err := e.startVars(); err != nil {
		return asInvalid(err)
	}
	var first []*taskProgram
	if e.program.reverse() {
		target, err := e.target()
		if err != nil {
			return err
		}
		need := e.program.requiredBy(target.Name)
		for _, tp := range e.program.order {
			if need[tp.Name] && len(tp.requires) == 0 {
				first = append(first, tp)
			}
		}
	} else {
		first = e.program.start
	}
	if by := s.By.detail(); by != nil {
		e.record(HistoryEvent{Kind: "command", State: e.rec.State, Info: "start", Detail: by})
	}
	e.setState(Running, "")
	e.notify("WORKFLOW_LAUNCHED", nil)
	for _, tp := range first {
		t, err := e.newTask(tp)
		if err != nil {
			return asInvalid(err)
		}
		e.enqueue(t)
	}
	return nil
}

// asInvalid makes a flaw in a start the caller's error.
func asInvalid(err error) error {
	if text, ok := asFlaw(err); ok {
		return fault.New(fault.Invalid, "%s", text)
	}
	return err
}

func orEmpty(d *value.Dict) *value.Dict {
	if d == nil {
		return emptyDict()
	}
	return d.Freeze()
}

func (e *Execution) baseContext() *value.Dict {
	id := value.NewDict(1)
	id.SetString("id", value.String(e.rec.ID))
	d := value.NewDict(1)
	d.SetString("__execution", id.Freeze())
	return d.Freeze()
}

// startEnv evaluates a root's environment with itself as env(), and shows it in the params as Mistral does.
func (e *Execution) startEnv() error {
	if e.rec.ParentID == "" {
		evaluate := true
		if v, ok := e.data.Params.GetString("evaluate_env"); ok {
			evaluate = truthy(v)
		}
		if evaluate && e.data.Env.Len() > 0 {
			env, err := e.finalScope(nil).dict(expr.CompileLenient(e.data.Env))
			if err != nil {
				return err
			}
			e.data.Env, e.pub = env, nil
		}
	}
	params := e.data.Params.Clone()
	if e.rec.ParentID == "" {
		params.SetString("env", e.data.Env)
	} else if _, ok := params.GetString("env"); !ok {
		params.SetString("env", emptyDict())
	}
	params.SetString("namespace", value.String(e.rec.Namespace))
	e.data.Params = params.Freeze()
	return nil
}

func (e *Execution) startVars() error {
	vars, err := e.finalScope(nil).dict(e.program.spec.Vars)
	if err != nil || vars == nil {
		return err
	}
	e.data.Context = mergeDeep(e.data.Context, vars)
	return nil
}

// target is the task that a reverse workflow is asked for.
func (e *Execution) target() (*taskProgram, error) {
	v, ok := e.data.Params.GetString("task_name")
	if !ok {
		v = value.Null{}
	}
	if name, ok := v.(value.String); ok && e.program.tasks[string(name)] != nil {
		return e.program.tasks[string(name)], nil
	}
	return nil, fault.New(fault.Invalid, "Invalid task name [wf_spec=%s, task_name=%s]", e.program.name, value.Str(v))
}

// CheckInput refuses an input that the workflow of the name would refuse at its start.
func CheckInput(name string, w *dsl.Workflow, input *value.Dict) error {
	class := (&Program{spec: w}).specClass()
	if _, err := bindInput(name, class, w.Input, false, orEmpty(input)); err != nil {
		return asInvalid(err)
	}
	return nil
}

// bindInput checks given values against declared inputs and fills in defaults. extra accepts undeclared names.
func bindInput(name, class string, params []dsl.Param, extra bool, given *value.Dict) (*value.Dict, error) {
	declared := make(map[string]bool, len(params))
	out := value.NewDict(len(params))
	var missing, unexpected []string
	for _, p := range params {
		declared[p.Name] = true
		if v, ok := given.GetString(p.Name); ok {
			out.SetString(p.Name, v)
		} else if p.Default != nil {
			out.SetString(p.Name, p.Default)
		} else {
			missing = append(missing, p.Name)
		}
	}
	for k, v := range given.All() {
		s, isString := k.(value.String)
		switch {
		case isString && declared[string(s)]:
		case extra:
			put(out, k, v)
		default:
			unexpected = append(unexpected, value.Str(k))
		}
	}
	if len(missing) == 0 && len(unexpected) == 0 {
		return out.Freeze(), nil
	}
	text := fmt.Sprintf("Invalid input [name=%s, class=%s", name, class)
	if len(missing) > 0 {
		text += ", missing=" + pyList(missing)
	}
	if len(unexpected) > 0 {
		text += ", unexpected=" + pyList(unexpected)
	}
	return nil, &flaw{text + "]"}
}

// pyList writes names as Python writes a list of texts.
func pyList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = value.Repr(value.String(n))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
