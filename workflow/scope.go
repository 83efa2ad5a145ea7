package workflow

import (
	"cierzo/expr"
	"cierzo/expr/value"
)

// Scopes say where an expression is evaluated: which layers `$` has, and what task() without a name means.

// scope is the place of an evaluation. What `$` has there is put together when an expression asks for the first time: most tasks
// have none in most places.
type scope struct {
	e    *Execution
	task *task         // nil: the workflow itself
	ctx  *value.Layers // nil until it is asked for; made of the rest
	in   *branch
	item *value.Dict // of with-items; nil: none
	out  bool        // the task's layer and the branch come before the environment
	// The base as it was when the scope began: what is published meanwhile isn't seen.
	context, input *value.Dict
}

// taskScope is where a task's input, with-items, target and policies are evaluated. extra is the with-items layer.
func (e *Execution) taskScope(t *task, extra *value.Dict) *scope {
	return &scope{e: e, task: t, in: e.inbound(t), item: extra, context: e.data.Context, input: e.data.Input}
}

// outScope is where publish, transitions and completion policies are evaluated; b is the task's in- or outbound branch.
func (e *Execution) outScope(t *task, b *branch) *scope {
	return &scope{e: e, task: t, in: b, out: true, context: e.data.Context, input: e.data.Input}
}

// finalScope is where the workflow's output is evaluated.
func (e *Execution) finalScope(b *branch) *scope {
	return &scope{e: e, in: b, out: true, context: e.data.Context, input: e.data.Input}
}

// dollar is what `$` has.
func (s *scope) dollar() *value.Layers {
	if s.ctx != nil {
		return s.ctx
	}
	branch := s.in.layers()
	layers := make([]*value.Dict, 0, len(branch)+5)
	if s.task != nil {
		layers = append(layers, s.e.taskLayer(s.task))
	}
	if s.out {
		layers = append(append(layers, branch...), s.e.envLayer())
	} else {
		layers = append(append(append(layers, s.e.envLayer()), branch...), s.item)
	}
	s.ctx = value.NewLayers(append(layers, s.context, s.input)...)
	return s.ctx
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
	return &expr.Env{Context: s.dollar(), Functions: functions{s.e, s.task}, Now: s.e.now, Entropy: s.e.entropy.word, Legacy: s.e.program.legacy}
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
