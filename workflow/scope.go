package workflow

import (
	"cierzo/expr"
	"cierzo/expr/value"
)

// Scopes say where an expression is evaluated: which layers `$` has, and what task() without a name means.

// scope is the place of an evaluation.
type scope struct {
	e    *Execution
	task *task
	ctx  *value.Layers
}

// taskScope is where a task's input, with-items, target and policies are evaluated. extra is the with-items layer.
func (e *Execution) taskScope(t *task, extra *value.Dict) *scope {
	layers := []*value.Dict{e.taskLayer(t), e.envLayer()}
	layers = append(layers, e.inbound(t).layers()...)
	if extra != nil {
		layers = append(layers, extra)
	}
	return e.scopeOf(t, layers)
}

// outScope is where publish, transitions and completion policies are evaluated; b is the task's in- or outbound branch.
func (e *Execution) outScope(t *task, b *branch) *scope {
	layers := []*value.Dict{e.taskLayer(t)}
	layers = append(layers, b.layers()...)
	return e.scopeOf(t, append(layers, e.envLayer()))
}

// finalScope is where the workflow's output is evaluated.
func (e *Execution) finalScope(b *branch) *scope {
	return e.scopeOf(nil, append(append([]*value.Dict(nil), b.layers()...), e.envLayer()))
}

func (e *Execution) scopeOf(t *task, layers []*value.Dict) *scope {
	layers = append(layers, e.data.Context, e.data.Input)
	return &scope{e: e, task: t, ctx: value.NewLayers(layers...)}
}

func (e *Execution) taskLayer(t *task) *value.Dict {
	inner := value.NewDict(2)
	inner.SetString("id", value.String(t.ID))
	inner.SetString("name", value.String(t.Name))
	outer := value.NewDict(1)
	outer.SetString("__task_execution", inner.Freeze())
	return outer.Freeze()
}

func (e *Execution) envLayer() *value.Dict {
	if e.pub == nil {
		d := value.NewDict(1)
		d.SetString("__env", e.data.Env)
		e.pub = d.Freeze()
	}
	return e.pub
}

func (s *scope) env() *expr.Env {
	return &expr.Env{Context: s.ctx, Functions: functions{s.e, s.task}, Now: s.e.now, Entropy: s.e.entropy.word, Legacy: s.e.program.legacy}
}

// tree evaluates a structure; nil gives nil. An error is a flaw unless the facts could not be read.
func (s *scope) tree(t *expr.Tree) (value.Value, error) {
	if t == nil {
		return nil, nil
	}
	v, err := t.Eval(s.env())
	return s.result(v, err)
}

// template evaluates a text; nil gives nil.
func (s *scope) template(t *expr.Template) (value.Value, error) {
	if t == nil {
		return nil, nil
	}
	v, err := t.Eval(s.env())
	return s.result(v, err)
}

func (s *scope) result(v value.Value, err error) (value.Value, error) {
	if s.e.factsErr != nil {
		return nil, s.e.factsErr
	}
	if err != nil {
		return nil, &flaw{err.Error()}
	}
	return v, nil
}

// dict evaluates a structure that gives a dictionary.
func (s *scope) dict(t *expr.Tree) (*value.Dict, error) {
	v, err := s.tree(t)
	if err != nil || v == nil {
		return nil, err
	}
	d, ok := asDict(v)
	if !ok {
		return nil, flawf("A dictionary is expected, got %s: %s", value.TypeName(v), value.Repr(v))
	}
	return d, nil
}

// asDict gives a dictionary that nobody will change.
func asDict(v value.Value) (*value.Dict, bool) {
	switch v := v.(type) {
	case *value.Dict:
		return v.Freeze(), true
	case *value.Layers:
		return v.Flatten().Freeze(), true
	}
	return nil, false
}
