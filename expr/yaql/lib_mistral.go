package yaql

import (
	"errors"
	"fmt"
	"time"

	"cierzo/dsl/yaml"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// mistralEntries are the functions that Mistral adds. What they answer is not converted: to YAQL it is Python's lists and
// dicts.
func mistralEntries() []entry {
	return []entry{
		{formFunction, "env()", environment},
		{formFunction, "execution()", execution},
		{formFunction, "executions(id: any = null, rootExecutionId: any = null, state: any = null, fromTime: any = null, toTime: any = null)", executions},
		{formFunction, "global(varName: any)", global},
		{formFunction, "task(taskName: any = null)", task},
		{formFunction, "tasks(workflowExecutionId: any = null, recursive: bool? = false, state: any = null, flat: bool? = false)", tasks},
		{formFunction, "uuid()", uuid},
		{formFunction, "json_parse(data: any)", parseJSON},
		{formFunction, "json_dump(data: any)", dumpJSON},
		{formFunction | formLegacy, "json_pp(data: any = null)", prettyJSON},
		{formFunction, "yaml_parse(data: any)", parseYAML},
		{formFunction, "yaml_dump(data: any)", dumpYAML},
	}
}

// functions are the answers about executions; without them Mistral's functions are unknown.
func (a *args) functions() (scope.Functions, error) {
	if a.r.env.Functions == nil {
		return nil, fail(classValue, "there is no execution to ask %s() about", a.name)
	}
	return a.r.env.Functions, nil
}

func thawed(v value.Value, err error) (value.Value, error) {
	if err != nil {
		return nil, err
	}
	if v == nil {
		return value.Null{}, nil
	}
	return value.Thawed(v), nil
}

// environment is __env of the data, where the engine puts it, or what the surroundings answer.
func environment(a *args) (value.Value, error) {
	if a.r.data != nil {
		if v, ok := a.r.data.GetString("__env"); ok {
			return thawed(v, nil)
		}
	}
	if a.r.env.Functions == nil {
		return value.Null{}, nil
	}
	return thawed(a.r.env.Functions.Env())
}

func execution(a *args) (value.Value, error) {
	f, err := a.functions()
	if err != nil {
		return nil, err
	}
	return thawed(f.Execution())
}

// nameArgument is an argument that is a text or null.
func (a *args) nameArgument(i int) string {
	if a.at[i].Kind() == value.KindNull {
		return ""
	}
	return value.StrFrozen(a.at[i])
}

func executions(a *args) (value.Value, error) {
	f, err := a.functions()
	if err != nil {
		return nil, err
	}
	q := scope.ExecutionsQuery{ID: a.nameArgument(0), RootExecutionID: a.nameArgument(1), State: a.nameArgument(2)}
	if q.From, err = a.timeArgument(3); err != nil {
		return nil, err
	}
	if q.To, err = a.timeArgument(4); err != nil {
		return nil, err
	}
	return thawed(f.Executions(q))
}

// timeArgument is an argument that is a time, the text of one, or null.
func (a *args) timeArgument(i int) (time.Time, error) {
	switch v := a.at[i].(type) {
	case value.DateTime:
		return v.Time, nil
	case value.String:
		d, err := parseDate(string(v), a.r.env.Now)
		if err != nil {
			return time.Time{}, err
		}
		return d.(value.DateTime).Time, nil
	}
	return time.Time{}, nil
}

func global(a *args) (value.Value, error) {
	f, err := a.functions()
	if err != nil {
		return nil, err
	}
	return thawed(f.Global(a.nameArgument(0)))
}

func task(a *args) (value.Value, error) {
	f, err := a.functions()
	if err != nil {
		return nil, err
	}
	return thawed(f.Task(a.nameArgument(0), a.at[0].Kind() == value.KindNull))
}

func tasks(a *args) (value.Value, error) {
	f, err := a.functions()
	if err != nil {
		return nil, err
	}
	return thawed(f.Tasks(scope.TasksQuery{
		WorkflowExecutionID: a.nameArgument(0), Recursive: a.bool(1), State: a.nameArgument(2), Flat: a.bool(3),
	}))
}

// uuid is a random UUID of version 4.
func uuid(a *args) (value.Value, error) {
	high, err := a.r.entropy()
	if err != nil {
		return nil, err
	}
	low, err := a.r.entropy()
	if err != nil {
		return nil, err
	}
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 1<<63
	return value.String(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&0xffffffffffff)), nil
}

func parseJSON(a *args) (value.Value, error) {
	text, ok := a.at[0].(value.String)
	if !ok {
		return nil, fail(classType, "%s can't be decoded", className(a.at[0]))
	}
	if err := a.r.budget.Charge(len(text)); err != nil {
		return nil, err
	}
	v, err := value.LoadJSON(string(text))
	var refused *value.JSONError
	switch {
	case errors.As(err, &refused):
		return nil, &Error{classJSON, err.Error()}
	case err != nil:
		return nil, &Error{classValue, err.Error()}
	}
	return value.Thawed(v), nil
}

// plain makes lists of all collections in a value, with everything paid for.
func (r *run) plain(v value.Value, depth int) (value.Value, error) {
	if depth > value.DepthMax {
		return nil, fail(classRecursion, "maximum recursion depth exceeded")
	}
	if s, ok := v.(value.String); ok {
		return v, r.budget.Charge(len(s))
	}
	if m, ok := v.(value.Mapping); ok {
		out := value.NewFreeDict(m.Len())
		for k, item := range m.All() {
			got, err := r.plain(inherit(m, item), depth+1)
			if err != nil {
				return nil, err
			}
			if err := r.budget.Charge(1); err != nil {
				return nil, err
			}
			if err := out.Set(k, got); err != nil {
				return nil, asType(err)
			}
		}
		return out, nil
	}
	if !r.iterable(v) {
		return v, nil
	}
	var items []value.Value
	err := r.each(v, func(item value.Value) (bool, error) {
		got, err := r.plain(item, depth+1)
		items = append(items, got)
		if err == nil {
			err = r.budget.Charge(1)
		}
		return true, err
	})
	return value.NewList(items), err
}

func dumpJSON(a *args) (value.Value, error) {
	v, err := a.r.plain(a.at[0], 0)
	if err != nil {
		return nil, err
	}
	text, err := value.DumpJSON(v, 4)
	if err != nil {
		class := classValue
		if value.TypeName(v) == "dict" && err.Error() != "Circular reference detected" {
			class = classType
		}
		return nil, &Error{class, err.Error()}
	}
	return a.text(text)
}

// prettyJSON is json_pp(), whose text is no JSON if there are line ends within texts.
func prettyJSON(a *args) (value.Value, error) {
	v, err := dumpJSON(a)
	if err != nil {
		return nil, err
	}
	return value.String(value.PrettyJSON(string(v.(value.String)))), nil
}

func parseYAML(a *args) (value.Value, error) {
	text, ok := a.at[0].(value.String)
	if !ok {
		return nil, fail(classAttribute, "'%s' object has no attribute 'read'", frozenName(a.at[0]))
	}
	if err := a.r.budget.Charge(len(text)); err != nil {
		return nil, err
	}
	v, err := yaml.Load([]byte(text))
	if err == nil {
		return value.Thawed(v), nil
	}
	var refused *yaml.Error
	if errors.As(err, &refused) {
		return nil, &Error{refused.Class(), err.Error()}
	}
	return nil, &Error{classValue, err.Error()}
}

func dumpYAML(a *args) (value.Value, error) {
	if err := a.r.measure(a.at[0]); err != nil {
		return nil, err
	}
	text, err := yaml.Dump(a.at[0])
	if err != nil {
		return nil, &Error{classYAML, err.Error()}
	}
	return a.text(text)
}
