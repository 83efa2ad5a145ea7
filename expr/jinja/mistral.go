package jinja

import (
	"errors"
	"fmt"
	"time"

	"cierzo/dsl/yaml"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// mistralBuiltin finds a function that Mistral adds. In Mistral the context is their first argument, bound in functions
// and missing in filters of the same names: x|json_dump takes x for the context.
func mistralBuiltin(name string) *builtin {
	f := func(required int, eval func(c *call) (value.Value, error), params ...string) *builtin {
		return &builtin{name: name + "_", required: required, params: params, hidden: 1, context: true, eval: eval}
	}
	switch name {
	case "env":
		return f(0, mistralEnv)
	case "execution":
		return f(0, mistralExecution)
	case "executions":
		return f(0, mistralExecutions, "id", "root_execution_id", "state", "from_time", "to_time")
	case "task":
		return f(0, mistralTask, "task_name")
	case "tasks":
		return f(0, mistralTasks, "workflow_execution_id", "recursive", "state", "flat")
	case "global":
		return f(1, mistralGlobal, "var_name")
	case "uuid":
		fn := f(0, mistralUUID)
		fn.variadic = true
		return fn
	case "json_parse":
		return f(1, jsonParse, "data")
	case "json_dump":
		return f(1, jsonDump, "data")
	case "yaml_parse":
		return f(1, yamlParse, "data")
	case "yaml_dump":
		return f(1, yamlDump, "data")
	}
	return nil
}

// mistralFunction finds a function of Mistral as a global; nil: there is none.
func (r *run) mistralFunction(name string) value.Value {
	fn := mistralBuiltin(name)
	if fn == nil {
		return nil
	}
	return &function{fn: fn}
}

// mistralFilter is a function of Mistral as a filter, with the context for its input.
func mistralFilter(name string) *builtin {
	fn := mistralBuiltin(name)
	if fn == nil {
		return nil
	}
	filter := *fn
	filter.hidden = 0
	filter.required++
	filter.params = append([]string{"context"}, fn.params...)
	filter.eval = func(c *call) (value.Value, error) {
		inner := *c
		inner.fn, inner.vals = fn, c.vals[1:]
		return fn.eval(&inner)
	}
	return &filter
}

// functions are the answers about executions.
func (c *call) functions() (scope.Functions, error) {
	if c.r.env.Functions == nil {
		return nil, raise("KeyError", "%s", "'__execution'")
	}
	return c.r.env.Functions, nil
}

// answer makes an answer of the engine a value of this evaluation.
func (c *call) answer(v value.Value, err error) (value.Value, error) {
	if err != nil {
		return nil, err
	}
	if v == nil {
		return value.Null{}, nil
	}
	return c.r.acquire(v)
}

// mistralEnv is __env of the data, where the engine puts it, or what the surroundings answer.
func mistralEnv(c *call) (value.Value, error) {
	if c.r.env.Context != nil {
		if _, ok := c.r.env.Context.GetString("__env"); ok {
			if root, ok := c.r.root.get("__env"); ok {
				return root, nil
			}
			if root := c.r.partOfData("__env"); root != nil {
				return root, nil
			}
		}
	}
	if c.r.env.Functions == nil {
		return nil, raise("KeyError", "'__env'")
	}
	return c.answer(c.r.env.Functions.Env())
}

func mistralExecution(c *call) (value.Value, error) {
	f, err := c.functions()
	if err != nil {
		return nil, err
	}
	return c.answer(f.Execution())
}

// name is an argument that is a text or None.
func (c *call) name(i int) (string, error) {
	if !c.given(i) {
		return "", nil
	}
	return c.soft(i)
}

func mistralExecutions(c *call) (value.Value, error) {
	f, err := c.functions()
	if err != nil {
		return nil, err
	}
	var q scope.ExecutionsQuery
	for i, to := range []*string{&q.ID, &q.RootExecutionID, &q.State} {
		if *to, err = c.name(i); err != nil {
			return nil, err
		}
	}
	for i, to := range []*time.Time{&q.From, &q.To} {
		if *to, err = c.time(3 + i); err != nil {
			return nil, err
		}
	}
	return c.answer(f.Executions(q))
}

// time is an argument that is a time, the text of one, or None.
func (c *call) time(i int) (time.Time, error) {
	if t, clock := timeOf(c.or(i, value.Null{})); clock {
		return t, nil
	}
	s, err := c.name(i)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, valueError("%s is no time", quoted(s))
}

func mistralTask(c *call) (value.Value, error) {
	f, err := c.functions()
	if err != nil {
		return nil, err
	}
	name, err := c.name(0)
	if err != nil {
		return nil, err
	}
	return c.answer(f.Task(name, name == ""))
}

func mistralTasks(c *call) (value.Value, error) {
	f, err := c.functions()
	if err != nil {
		return nil, err
	}
	var q scope.TasksQuery
	if q.WorkflowExecutionID, err = c.name(0); err != nil {
		return nil, err
	}
	if q.Recursive, err = c.truth(1, false); err != nil {
		return nil, err
	}
	if q.State, err = c.name(2); err != nil {
		return nil, err
	}
	if q.Flat, err = c.truth(3, false); err != nil {
		return nil, err
	}
	return c.answer(f.Tasks(q))
}

func mistralGlobal(c *call) (value.Value, error) {
	f, err := c.functions()
	if err != nil {
		return nil, err
	}
	name, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	return c.answer(f.Global(name))
}

// mistralUUID is a random UUID of version 4.
func mistralUUID(c *call) (value.Value, error) {
	if n := len(c.rest); n > 0 {
		return nil, typeError("uuid_() takes from 0 to 1 positional arguments but %d were given", n+1)
	}
	if c.r.env.Entropy == nil {
		return nil, raise("NotImplementedError", "there is no source of random numbers here")
	}
	high := c.r.env.Entropy()&^0xf000 | 0x4000
	low := c.r.env.Entropy()&^(3<<62) | 1<<63
	return value.String(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&0xffffffffffff)), nil
}

func jsonParse(c *call) (value.Value, error) {
	s, ok := textOf(c.arg(0))
	if !ok {
		if b, bytes := c.arg(0).(*bytesObject); bytes {
			s, ok = b.b, true
		}
	}
	if !ok {
		name := typeName(c.arg(0))
		if isUndefined(c.arg(0)) {
			name = "jinja2.runtime.StrictUndefined"
		}
		return nil, typeError("<class '%s'> can't be decoded", name)
	}
	if err := c.r.make(len(s)); err != nil {
		return nil, err
	}
	v, err := value.LoadJSON(s)
	var refused *value.JSONError
	switch {
	case errors.As(err, &refused):
		return nil, raise("JSONDecodeError", "%s", err)
	case err != nil:
		return nil, valueError("%s", err)
	}
	return v, nil
}

func jsonDump(c *call) (value.Value, error) {
	e := exporter{r: c.r, dump: true}
	v, _, err := e.export(c.arg(0))
	if err != nil {
		return nil, err
	}
	if err := c.r.make(e.size); err != nil {
		return nil, err
	}
	s, err := value.DumpJSON(v, 4)
	if err != nil {
		return nil, valueError("%s", err)
	}
	return value.String(s), c.r.make(len(s))
}

func yamlParse(c *call) (value.Value, error) {
	s, ok := textOf(c.arg(0))
	if !ok {
		if u, undef := c.arg(0).(*undefined); undef {
			return nil, u.fail()
		}
		return nil, raise("AttributeError", "'%s' object has no attribute 'read'", typeName(c.arg(0)))
	}
	if err := c.r.make(len(s)); err != nil {
		return nil, err
	}
	v, err := yaml.Load([]byte(s))
	var refused *yaml.Error
	switch {
	case errors.As(err, &refused):
		return nil, raise(refused.Class(), "%s", err)
	case err != nil:
		return nil, valueError("%s", err)
	}
	return v, nil
}

func yamlDump(c *call) (value.Value, error) {
	e := exporter{r: c.r, strict: true}
	v, _, err := e.export(c.arg(0))
	if err != nil {
		return nil, err
	}
	if err := c.r.make(e.size); err != nil {
		return nil, err
	}
	s, err := yaml.Dump(v)
	if err != nil {
		return nil, raise("RepresenterError", "%s", err)
	}
	return value.String(s), c.r.make(len(s))
}
