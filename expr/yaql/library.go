package yaql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// args are a call's arguments, evaluated when they are asked for. For a method the receiver is number 0.
type args struct {
	r        *run
	f        *frame
	name     string
	receiver value.Value
	nodes    []node
	named    map[string]node
}

func (a *args) len() int {
	n := len(a.nodes)
	if a.receiver != nil {
		n++
	}
	return n
}

// value evaluates argument i.
func (a *args) value(i int) (value.Value, error) {
	if a.receiver != nil {
		if i == 0 {
			return a.receiver, nil
		}
		i--
	}
	if i >= len(a.nodes) {
		return nil, noMatch(a.name)
	}
	return a.r.eval(a.nodes[i], a.f)
}

// lambda makes a function of argument i.
func (a *args) lambda(i int) func(items ...value.Value) (value.Value, error) {
	if a.receiver != nil {
		i--
	}
	if i >= len(a.nodes) {
		return func(...value.Value) (value.Value, error) { return nil, noMatch(a.name) }
	}
	n := a.nodes[i]
	return func(items ...value.Value) (value.Value, error) {
		f := &frame{args: items, outer: a.f, run: a.r, dollar: a.f.dollar}
		if len(items) > 0 {
			f.dollar = items[0]
		}
		return a.r.eval(n, f)
	}
}

func (a *args) list(i int) ([]value.Value, error) {
	v, err := a.value(i)
	if err != nil {
		return nil, err
	}
	items, ok := sequence(v)
	if !ok {
		return nil, noMatch(a.name)
	}
	return items, a.r.charge(len(items))
}

func (a *args) text(i int) (string, error) {
	v, err := a.value(i)
	if err != nil {
		return "", err
	}
	s, ok := v.(value.String)
	if !ok {
		return "", noMatch(a.name)
	}
	return string(s), nil
}

func (a *args) int(i int) (int, error) {
	v, err := a.value(i)
	if err != nil {
		return 0, err
	}
	n, ok := v.(value.Int)
	if !ok {
		return 0, noMatch(a.name)
	}
	return int(n), nil
}

func (c call) eval(r *run, f *frame) (value.Value, error) {
	a := &args{r: r, f: f, name: c.name, nodes: c.args, named: c.named}
	if c.receiver != nil {
		v, err := r.eval(c.receiver, f)
		if err != nil {
			return nil, err
		}
		if _, null := v.(value.Null); null && c.safe {
			return v, nil
		}
		a.receiver = v
		if fn := method(c.name); fn != nil {
			return fn(a)
		}
		return nil, fmt.Errorf("Unknown method \"%s\"", c.name)
	}
	if fn := function(c.name); fn != nil {
		return fn(a)
	}
	return nil, fmt.Errorf("Unknown function \"%s\"", c.name)
}

type builtin func(*args) (value.Value, error)

// function finds what is called without a receiver.
func function(name string) builtin {
	switch name {
	case "task", "tasks", "execution", "executions", "env", "global":
		return mistral
	case "let":
		return let
	case "switch":
		return switchOf
	case "coalesce":
		return coalesce
	case "dict":
		return dictOf
	case "list":
		return func(a *args) (value.Value, error) { return a.all() }
	case "str":
		return func(a *args) (value.Value, error) { v, err := a.value(0); return value.String(str(v)), err }
	case "int":
		return toInt
	case "float":
		return toFloatValue
	case "bool":
		return func(a *args) (value.Value, error) {
			v, err := a.value(0)
			return value.Bool(err == nil && value.Truthy(v)), err
		}
	case "range":
		return rangeOf
	case "len", "isEmpty":
		return lenOf
	case "max", "min":
		return extreme
	case "isList", "isDict", "isString", "isInteger", "isNumber", "isBoolean":
		return isKind
	case "abs":
		return func(a *args) (value.Value, error) {
			v, err := a.value(0)
			if c, ok := order(v, value.Int(0)); err == nil && ok && c < 0 {
				return arithmetic("-", value.Int(0), v)
			}
			return v, err
		}
	}
	return nil
}

func str(v value.Value) string {
	switch v := v.(type) {
	case nil, value.Null:
		return "null"
	case value.Bool:
		return strconv.FormatBool(bool(v))
	default:
		return value.Str(v)
	}
}

func (a *args) all() (value.Value, error) {
	var items []value.Value
	for i := range a.len() {
		v, err := a.value(i)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return value.NewList(items), nil
}

func mistral(a *args) (value.Value, error) {
	fn := a.r.env.Functions
	if fn == nil {
		return nil, fmt.Errorf("Unknown function \"%s\"", a.name)
	}
	arg := func(i int, name string) (string, error) {
		n, ok := a.named[name]
		if !ok && i < len(a.nodes) {
			if _, isPair := a.nodes[i].(pair); !isPair {
				n, ok = a.nodes[i], true
			}
		}
		if !ok {
			return "", nil
		}
		v, err := a.r.eval(n, a.f)
		if err != nil {
			return "", err
		}
		if _, null := v.(value.Null); null {
			return "", nil
		}
		return value.Str(v), nil
	}
	switch a.name {
	case "env":
		return fn.Env()
	case "execution":
		return fn.Execution()
	case "task":
		name, err := arg(0, "taskName")
		if err != nil {
			return nil, err
		}
		return fn.Task(name, name == "")
	case "global":
		name, err := arg(0, "varName")
		if err != nil {
			return nil, err
		}
		return fn.Global(name)
	case "tasks":
		id, err := arg(0, "workflowExecutionId")
		if err != nil {
			return nil, err
		}
		state, err := arg(2, "state")
		return mustTasks(fn, scope.TasksQuery{WorkflowExecutionID: id, State: state}, err)
	}
	id, err := arg(0, "id")
	if err != nil {
		return nil, err
	}
	return fn.Executions(scope.ExecutionsQuery{ID: id})
}

func mustTasks(fn scope.Functions, q scope.TasksQuery, err error) (value.Value, error) {
	if err != nil {
		return nil, err
	}
	return fn.Tasks(q)
}

func let(a *args) (value.Value, error) {
	f := &frame{dollar: a.f.dollar, names: map[string]value.Value{}, outer: a.f, run: a.r}
	for i, n := range a.nodes {
		if _, ok := n.(pair); ok {
			continue
		}
		v, err := a.r.eval(n, a.f)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			f.dollar = v
		}
		f.args = append(f.args, v)
	}
	for name, n := range a.named {
		v, err := a.r.eval(n, a.f)
		if err != nil {
			return nil, err
		}
		f.names[name] = v
	}
	return &context{frame: f}, nil
}

func switchOf(a *args) (value.Value, error) {
	for _, n := range a.nodes {
		kv, ok := n.(pair)
		if !ok {
			return nil, noMatch(a.name)
		}
		c, err := a.r.eval(kv.items[0], a.f)
		if err != nil {
			return nil, err
		}
		if value.Truthy(c) {
			return a.r.eval(kv.items[1], a.f)
		}
	}
	return value.Null{}, nil
}

func coalesce(a *args) (value.Value, error) {
	for i := range a.len() {
		v, err := a.value(i)
		if err != nil {
			return nil, err
		}
		if _, null := v.(value.Null); !null {
			return v, nil
		}
	}
	return value.Null{}, nil
}

func dictOf(a *args) (value.Value, error) {
	var d dictNode
	for _, n := range a.nodes {
		kv, ok := n.(pair)
		if !ok {
			return nil, noMatch(a.name)
		}
		d.keys, d.vals = append(d.keys, kv.items[0]), append(d.vals, kv.items[1])
	}
	return d.eval(a.r, a.f)
}

func toInt(a *args) (value.Value, error) {
	v, err := a.value(0)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case value.Int, value.BigInt:
		return v, nil
	case value.Float:
		return value.Int(int64(v)), nil
	case value.Null:
		return value.Int(0), nil
	case value.String:
		n, err := strconv.ParseInt(strings.TrimSpace(string(v)), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("invalid literal for int() with base 10: %s", value.Repr(v))
		}
		return value.Int(n), nil
	}
	return nil, noMatch("int")
}

func toFloatValue(a *args) (value.Value, error) {
	v, err := a.value(0)
	if err != nil {
		return nil, err
	}
	if f, ok := toFloat(v); ok {
		return value.Float(f), nil
	}
	if s, ok := v.(value.String); ok {
		f, err := strconv.ParseFloat(string(s), 64)
		return value.Float(f), err
	}
	return nil, noMatch("float")
}

func rangeOf(a *args) (value.Value, error) {
	from, to, step := 0, 0, 1
	var err error
	if a.len() == 1 {
		to, err = a.int(0)
	} else {
		if from, err = a.int(0); err == nil {
			to, err = a.int(1)
		}
		if err == nil && a.len() > 2 {
			step, err = a.int(2)
		}
	}
	if err != nil || step == 0 {
		return nil, noMatch("range")
	}
	if n := (to - from) / step; n > 0 {
		if err := a.r.charge(n); err != nil {
			return nil, err
		}
	}
	var items []value.Value
	for i := from; (step > 0 && i < to) || (step < 0 && i > to); i += step {
		items = append(items, value.Int(i))
	}
	return value.NewList(items), nil
}

func lenOf(a *args) (value.Value, error) {
	v, err := a.value(0)
	if err != nil {
		return nil, err
	}
	n := 0
	switch v := v.(type) {
	case value.String:
		n = len([]rune(string(v)))
	case value.Mapping:
		n = v.Len()
	default:
		items, ok := sequence(v)
		if !ok {
			return nil, noMatch(a.name)
		}
		n = len(items)
	}
	if a.name == "isEmpty" {
		return value.Bool(n == 0), nil
	}
	return value.Int(n), nil
}

func extreme(a *args) (value.Value, error) {
	var items []value.Value
	if a.receiver != nil {
		l, err := a.list(0)
		if err != nil {
			return nil, err
		}
		items = l
	} else {
		l, err := a.all()
		if err != nil {
			return nil, err
		}
		items, _ = sequence(l)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s of an empty sequence", a.name)
	}
	best := items[0]
	for _, v := range items[1:] {
		c, ok := order(v, best)
		if !ok {
			return nil, noMatch(a.name)
		}
		if (c > 0) == (a.name == "max") && c != 0 {
			best = v
		}
	}
	return best, nil
}

func isKind(a *args) (value.Value, error) {
	v, err := a.value(0)
	if err != nil {
		return nil, err
	}
	k := v.Kind()
	switch a.name {
	case "isList":
		return value.Bool(k == value.KindList || k == value.KindTuple), nil
	case "isDict":
		return value.Bool(k == value.KindDict), nil
	case "isString":
		return value.Bool(k == value.KindString), nil
	case "isInteger":
		return value.Bool(k == value.KindInt || k == value.KindBigInt), nil
	case "isNumber":
		return value.Bool(k == value.KindInt || k == value.KindBigInt || k == value.KindFloat), nil
	}
	return value.Bool(k == value.KindBool), nil
}

// method finds what is called behind a dot.
func method(name string) builtin {
	switch name {
	case "select", "map", "where", "filter", "selectMany", "all", "any", "first", "last", "count", "sum", "distinct", "toList",
		"orderBy", "reverse", "takeWhile", "skipWhile", "enumerate", "zip", "limit", "take", "skip", "append", "flatten", "toDict", "groupBy",
		"aggregate", "reduce", "indexOf", "contains":
		return query
	case "len", "isEmpty":
		return lenOf
	case "max", "min":
		return extreme
	case "get", "keys", "values", "items", "set", "containsKey", "delete":
		return dictMethod
	case "join", "split", "toUpper", "toLower", "trim", "replace", "startsWith", "endsWith", "substring":
		return textMethod
	}
	return nil
}

func query(a *args) (value.Value, error) {
	if s, ok := a.receiver.(value.String); ok && (a.name == "contains" || a.name == "indexOf") {
		part, err := a.text(1)
		if err != nil {
			return nil, err
		}
		if a.name == "contains" {
			return value.Bool(strings.Contains(string(s), part)), nil
		}
		return value.Int(strings.Index(string(s), part)), nil
	}
	items, err := a.list(0)
	if err != nil {
		return nil, err
	}
	fn := a.lambda(1)
	switch a.name {
	case "select", "map", "selectMany", "where", "filter", "takeWhile", "skipWhile", "distinct":
		return a.each(items, fn)
	case "all", "any", "first", "last", "count", "sum", "contains", "indexOf":
		return a.reduce(items, fn)
	case "toList":
		return value.NewList(items), nil
	case "reverse":
		items = slices.Clone(items)
		slices.Reverse(items)
		return value.NewList(items), nil
	case "orderBy":
		return orderBy(items, fn)
	case "enumerate", "zip", "append", "flatten", "limit", "take", "skip":
		return a.shape(items)
	case "toDict":
		return a.toDict(items)
	case "groupBy":
		return a.groupBy(items, fn)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("reduce() of empty sequence with no initial value")
	}
	acc := items[0]
	if a.len() > 2 {
		if acc, err = a.value(2); err != nil {
			return nil, err
		}
		items = append([]value.Value{nil}, items...)
	}
	for _, v := range items[1:] {
		if acc, err = fn(acc, v); err != nil {
			return nil, err
		}
	}
	return acc, nil
}

func (a *args) each(items []value.Value, fn func(...value.Value) (value.Value, error)) (value.Value, error) {
	var out []value.Value
	seen := value.NewDict(8)
	skipping := a.name == "skipWhile"
	for _, item := range items {
		var v value.Value
		var err error
		if a.name != "distinct" || a.len() > 1 {
			if v, err = fn(item); err != nil {
				return nil, err
			}
		} else {
			v = item
		}
		switch a.name {
		case "select", "map":
			out = append(out, v)
		case "selectMany":
			inner, ok := sequence(v)
			if !ok {
				inner = []value.Value{v}
			}
			out = append(out, inner...)
		case "where", "filter":
			if value.Truthy(v) {
				out = append(out, item)
			}
		case "takeWhile":
			if !value.Truthy(v) {
				return value.NewList(out), nil
			}
			out = append(out, item)
		case "skipWhile":
			skipping = skipping && value.Truthy(v)
			if !skipping {
				out = append(out, item)
			}
		default:
			if _, ok := seen.Get(v); !ok {
				if err := seen.Set(v, value.Null{}); err != nil {
					return nil, err
				}
				out = append(out, item)
			}
		}
	}
	return value.NewList(out), nil
}

func (a *args) reduce(items []value.Value, fn func(...value.Value) (value.Value, error)) (value.Value, error) {
	switch a.name {
	case "count":
		return value.Int(len(items)), nil
	case "first", "last":
		if len(items) == 0 {
			if a.len() > 1 {
				return a.value(1)
			}
			return nil, fmt.Errorf("")
		}
		if a.name == "first" {
			return items[0], nil
		}
		return items[len(items)-1], nil
	case "sum":
		var acc value.Value = value.Int(0)
		for _, v := range items {
			var err error
			if acc, err = arithmetic("+", acc, v); err != nil {
				return nil, err
			}
		}
		return acc, nil
	case "contains", "indexOf":
		v, err := a.value(1)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(items, func(item value.Value) bool { return value.Equal(item, v) })
		if a.name == "contains" {
			return value.Bool(i >= 0), nil
		}
		return value.Int(i), nil
	}
	if a.len() == 1 {
		if a.name == "any" {
			return value.Bool(len(items) > 0), nil
		}
		fn = func(v ...value.Value) (value.Value, error) { return v[0], nil }
	}
	for _, item := range items {
		v, err := fn(item)
		if err != nil {
			return nil, err
		}
		if value.Truthy(v) == (a.name == "any") {
			return value.Bool(a.name == "any"), nil
		}
	}
	return value.Bool(a.name == "all"), nil
}

func orderBy(items []value.Value, fn func(...value.Value) (value.Value, error)) (value.Value, error) {
	keys := make(map[int]value.Value, len(items))
	order2 := make([]int, len(items))
	for i, item := range items {
		k, err := fn(item)
		if err != nil {
			return nil, err
		}
		keys[i], order2[i] = k, i
	}
	ok := true
	slices.SortStableFunc(order2, func(x, y int) int {
		c, comparable := order(keys[x], keys[y])
		ok = ok && comparable
		return c
	})
	if !ok {
		return nil, noMatch("#operator_<")
	}
	out := make([]value.Value, len(items))
	for i, at := range order2 {
		out[i] = items[at]
	}
	return value.NewList(out), nil
}

func (a *args) shape(items []value.Value) (value.Value, error) {
	var out []value.Value
	switch a.name {
	case "enumerate":
		for i, item := range items {
			out = append(out, value.NewList([]value.Value{value.Int(i), item}))
		}
	case "zip":
		other, err := a.list(1)
		if err != nil {
			return nil, err
		}
		for i := range min(len(items), len(other)) {
			out = append(out, value.NewList([]value.Value{items[i], other[i]}))
		}
	case "append":
		out = slices.Clone(items)
		for i := 1; i < a.len(); i++ {
			v, err := a.value(i)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	case "flatten":
		out = flatten(items)
	default:
		n, err := a.int(1)
		if err != nil {
			return nil, err
		}
		n = max(0, min(n, len(items)))
		if a.name == "skip" {
			return value.NewList(items[n:]), nil
		}
		return value.NewList(items[:n]), nil
	}
	return value.NewList(out), nil
}

func flatten(items []value.Value) []value.Value {
	var out []value.Value
	for _, item := range items {
		if inner, ok := sequence(item); ok {
			out = append(out, flatten(inner)...)
		} else {
			out = append(out, item)
		}
	}
	return out
}

func (a *args) toDict(items []value.Value) (value.Value, error) {
	key, val := a.lambda(1), a.lambda(2)
	out := value.NewDict(len(items))
	for _, item := range items {
		k, err := key(item)
		if err != nil {
			return nil, err
		}
		v := item
		if a.len() > 2 {
			if v, err = val(item); err != nil {
				return nil, err
			}
		}
		if err := out.Set(k, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *args) groupBy(items []value.Value, fn func(...value.Value) (value.Value, error)) (value.Value, error) {
	groups := value.NewDict(8)
	lists := map[int][]value.Value{}
	for _, item := range items {
		k, err := fn(item)
		if err != nil {
			return nil, err
		}
		at, ok := groups.Get(k)
		if !ok {
			at = value.Int(groups.Len())
			if err := groups.Set(k, at); err != nil {
				return nil, err
			}
		}
		v := item
		if a.len() > 2 {
			if v, err = a.lambda(2)(item); err != nil {
				return nil, err
			}
		}
		i := int(at.(value.Int))
		lists[i] = append(lists[i], v)
	}
	var out []value.Value
	for k, at := range groups.All() {
		out = append(out, value.NewList([]value.Value{k, value.NewList(lists[int(at.(value.Int))])}))
	}
	return value.NewList(out), nil
}

func dictMethod(a *args) (value.Value, error) {
	m, ok := a.receiver.(value.Mapping)
	if !ok {
		return nil, noMatch(a.name)
	}
	var items []value.Value
	switch a.name {
	case "get", "containsKey":
		k, err := a.value(1)
		if err != nil {
			return nil, err
		}
		v, ok := m.Get(k)
		switch {
		case a.name == "containsKey":
			return value.Bool(ok), nil
		case ok:
			return v, nil
		case a.len() > 2:
			return a.value(2)
		}
		return value.Null{}, nil
	case "keys":
		for k := range m.All() {
			items = append(items, k)
		}
	case "values":
		for _, v := range m.All() {
			items = append(items, v)
		}
	case "items":
		for k, v := range m.All() {
			items = append(items, value.NewList([]value.Value{k, v}))
		}
	case "set":
		k, err := a.value(1)
		if err != nil {
			return nil, err
		}
		v, err := a.value(2)
		if err != nil {
			return nil, err
		}
		one := value.NewDict(1)
		if err := one.Set(k, v); err != nil {
			return nil, err
		}
		return mergeDicts(m, one)
	default:
		out, err := mergeDicts(m, value.NewDict(0))
		if err != nil {
			return nil, err
		}
		for i := 1; i < a.len(); i++ {
			k, err := a.value(i)
			if err != nil {
				return nil, err
			}
			out.(*value.Dict).Delete(k)
		}
		return out, nil
	}
	return value.NewList(items), nil
}

func textMethod(a *args) (value.Value, error) {
	if a.name == "join" {
		items, err := a.list(0)
		if err != nil {
			return nil, err
		}
		sep, err := a.text(1)
		if err != nil {
			return nil, err
		}
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = str(item)
		}
		return value.String(strings.Join(parts, sep)), nil
	}
	s, err := a.text(0)
	if err != nil {
		return nil, err
	}
	switch a.name {
	case "toUpper":
		return value.String(strings.ToUpper(s)), nil
	case "toLower":
		return value.String(strings.ToLower(s)), nil
	case "trim":
		return value.String(strings.TrimSpace(s)), nil
	}
	x, err := a.value(1)
	if err != nil {
		return nil, err
	}
	arg := value.Str(x)
	switch a.name {
	case "split":
		var items []value.Value
		for part := range strings.SplitSeq(s, arg) {
			items = append(items, value.String(part))
		}
		return value.NewList(items), nil
	case "startsWith":
		return value.Bool(strings.HasPrefix(s, arg)), nil
	case "endsWith":
		return value.Bool(strings.HasSuffix(s, arg)), nil
	case "substring":
		n, err := a.int(1)
		if err != nil {
			return nil, err
		}
		runes := []rune(s)
		n = max(0, min(n, len(runes)))
		end := len(runes)
		if a.len() > 2 {
			length, err := a.int(2)
			if err != nil {
				return nil, err
			}
			if length >= 0 {
				end = min(end, n+length)
			}
		}
		return value.String(string(runes[n:end])), nil
	}
	with, err := a.text(2)
	return value.String(strings.ReplaceAll(s, arg, with)), err
}
