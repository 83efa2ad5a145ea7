package yaql

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// run is one evaluation with its budget.
type run struct {
	env      *scope.Env
	steps    int
	stepsMax int
}

// frame holds the variables of a lambda or a let.
type frame struct {
	dollar value.Value
	args   []value.Value // $1, $2, …
	names  map[string]value.Value
	outer  *frame
	run    *run
}

func (r *run) eval(n node, f *frame) (value.Value, error) {
	r.steps++
	if r.steps > r.stepsMax {
		return nil, fmt.Errorf("expression needs more than %d steps", r.stepsMax)
	}
	return n.eval(r, f)
}

// charge takes n items from the budget before they are made.
func (r *run) charge(n int) error {
	r.steps += n
	if n < 0 || r.steps > r.stepsMax {
		return fmt.Errorf("expression needs more than %d steps", r.stepsMax)
	}
	return nil
}

func (c constant) eval(*run, *frame) (value.Value, error) { return c.v, nil }

func (v variable) eval(_ *run, f *frame) (value.Value, error) {
	if v.name == "$" {
		return f.dollar, nil
	}
	name := v.name[1:]
	for ; f != nil; f = f.outer {
		if f.names != nil {
			if got, ok := f.names[name]; ok {
				return got, nil
			}
		}
		if len(name) == 1 && name[0] >= '1' && name[0] <= '9' && int(name[0]-'1') < len(f.args) {
			return f.args[name[0]-'1'], nil
		}
		if f.outer == nil && name == "1" {
			return f.dollar, nil
		}
	}
	return value.Null{}, nil
}

func (l listNode) eval(r *run, f *frame) (value.Value, error) {
	items := make([]value.Value, len(l.items))
	for i, n := range l.items {
		v, err := r.eval(n, f)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return value.NewList(items), nil
}

func (d dictNode) eval(r *run, f *frame) (value.Value, error) {
	out := value.NewDict(len(d.keys))
	for i := range d.keys {
		k, err := r.eval(d.keys[i], f)
		if err != nil {
			return nil, err
		}
		v, err := r.eval(d.vals[i], f)
		if err != nil {
			return nil, err
		}
		if err := out.Set(k, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p property) eval(r *run, f *frame) (value.Value, error) {
	of, err := r.eval(p.of, f)
	if err != nil {
		return nil, err
	}
	return getProperty(of, p.name, p.safe)
}

func getProperty(of value.Value, name string, safe bool) (value.Value, error) {
	switch of := of.(type) {
	case value.Mapping:
		if v, ok := of.GetString(name); ok {
			return v, nil
		}
		return nil, fmt.Errorf("%s", name)
	case *value.List:
		items := make([]value.Value, of.Len())
		for i, item := range of.Items() {
			v, err := getProperty(item, name, false)
			if err != nil {
				return nil, err
			}
			items[i] = v
		}
		return value.NewList(items), nil
	case value.Null:
		if safe {
			return of, nil
		}
	}
	return nil, fmt.Errorf("Unknown function \"#property#%s\"", name)
}

func (x index) eval(r *run, f *frame) (value.Value, error) {
	of, err := r.eval(x.of, f)
	if err != nil {
		return nil, err
	}
	at, err := r.eval(x.at, f)
	if err != nil {
		return nil, err
	}
	if items, ok := sequence(of); ok {
		i, ok := at.(value.Int)
		if !ok {
			return nil, noMatch("#indexer")
		}
		if i < 0 {
			i += value.Int(len(items))
		}
		if i < 0 || int(i) >= len(items) {
			return nil, fmt.Errorf("list index out of range")
		}
		return items[i], nil
	}
	if m, ok := of.(value.Mapping); ok {
		if v, ok := m.Get(at); ok {
			return v, nil
		}
		return nil, fmt.Errorf("%s", value.Str(at))
	}
	return nil, noMatch("#indexer")
}

func noMatch(name string) error {
	return fmt.Errorf("No function \"%s\" matches supplied arguments", name)
}

func sequence(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Items(), true
	case *value.Tuple:
		return v.Items(), true
	}
	return nil, false
}

func (u unary) eval(r *run, f *frame) (value.Value, error) {
	v, err := r.eval(u.of, f)
	if err != nil {
		return nil, err
	}
	if u.op == "not" {
		return value.Bool(!value.Truthy(v)), nil
	}
	if u.op == "-" {
		return arithmetic("-", value.Int(0), v)
	}
	return v, nil
}

func (b binary) eval(r *run, f *frame) (value.Value, error) {
	left, err := r.eval(b.l, f)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case "and":
		if !value.Truthy(left) {
			return left, nil
		}
		return r.eval(b.r, f)
	case "or":
		if value.Truthy(left) {
			return left, nil
		}
		return r.eval(b.r, f)
	case "->":
		in := f
		if c, ok := left.(*context); ok {
			in = c.frame
		} else {
			in = &frame{dollar: left, outer: f, run: r}
		}
		return r.eval(b.r, in)
	}
	right, err := r.eval(b.r, f)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case "=":
		return value.Bool(value.Equal(left, right)), nil
	case "!=":
		return value.Bool(!value.Equal(left, right)), nil
	case "<", ">", "<=", ">=":
		return compare(b.op, left, right)
	case "in":
		return contains(right, left)
	}
	return arithmetic(b.op, left, right)
}

// context is what let() gives to ->; it is no value of its own anywhere else.
type context struct {
	value.Null
	frame *frame
}

func compare(op string, a, b value.Value) (value.Value, error) {
	c, ok := order(a, b)
	if !ok {
		return nil, noMatch("#operator_" + op)
	}
	switch op {
	case "<":
		return value.Bool(c < 0), nil
	case ">":
		return value.Bool(c > 0), nil
	case "<=":
		return value.Bool(c <= 0), nil
	}
	return value.Bool(c >= 0), nil
}

// order compares numbers and texts; null is less than everything.
func order(a, b value.Value) (int, bool) {
	_, an := a.(value.Null)
	_, bn := b.(value.Null)
	switch {
	case an && bn:
		return 0, true
	case an:
		return -1, true
	case bn:
		return 1, true
	}
	if x, ok := a.(value.String); ok {
		y, ok := b.(value.String)
		return strings.Compare(string(x), string(y)), ok
	}
	x, ok1 := toFloat(a)
	y, ok2 := toFloat(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	i, ok1 := toBig(a)
	j, ok2 := toBig(b)
	if ok1 && ok2 {
		return i.Cmp(j), true
	}
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func toFloat(v value.Value) (float64, bool) {
	switch v := v.(type) {
	case value.Int:
		return float64(v), true
	case value.Float:
		return float64(v), true
	case value.BigInt:
		f, _ := new(big.Float).SetInt(v.Big()).Float64()
		return f, true
	}
	return 0, false
}

func toBig(v value.Value) (*big.Int, bool) {
	switch v := v.(type) {
	case value.Int:
		return big.NewInt(int64(v)), true
	case value.BigInt:
		return v.Big(), true
	}
	return nil, false
}

func contains(in, v value.Value) (value.Value, error) {
	switch in := in.(type) {
	case value.String:
		s, ok := v.(value.String)
		if !ok {
			return nil, noMatch("#operator_in")
		}
		return value.Bool(strings.Contains(string(in), string(s))), nil
	case value.Mapping:
		_, ok := in.Get(v)
		return value.Bool(ok), nil
	}
	items, ok := sequence(in)
	if !ok {
		return nil, noMatch("#operator_in")
	}
	for _, item := range items {
		if value.Equal(item, v) {
			return value.Bool(true), nil
		}
	}
	return value.Bool(false), nil
}

func arithmetic(op string, a, b value.Value) (value.Value, error) {
	if x, ok := a.(value.String); ok {
		if y, ok := b.(value.String); ok && op == "+" {
			return x + y, nil
		}
	}
	if x, ok := sequence(a); ok && op == "+" {
		if y, ok := sequence(b); ok {
			return value.NewList(append(append([]value.Value{}, x...), y...)), nil
		}
	}
	if x, ok := a.(value.Mapping); ok && op == "+" {
		if y, ok := b.(value.Mapping); ok {
			return mergeDicts(x, y)
		}
	}
	i, iok := toBig(a)
	j, jok := toBig(b)
	if iok && jok {
		return integers(op, i, j)
	}
	x, ok1 := toFloat(a)
	y, ok2 := toFloat(b)
	if !ok1 || !ok2 {
		return nil, noMatch("#operator_" + op)
	}
	return floats(op, x, y)
}

func mergeDicts(x, y value.Mapping) (value.Value, error) {
	out := value.NewDict(x.Len() + y.Len())
	for _, m := range []value.Mapping{x, y} {
		for k, v := range m.All() {
			if err := out.Set(k, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func integers(op string, i, j *big.Int) (value.Value, error) {
	out := new(big.Int)
	switch op {
	case "+":
		out.Add(i, j)
	case "-":
		out.Sub(i, j)
	case "*":
		out.Mul(i, j)
	case "/", "mod":
		if j.Sign() == 0 {
			return nil, fmt.Errorf("integer division or modulo by zero")
		}
		m := new(big.Int)
		out.QuoRem(i, j, m)
		if m.Sign() != 0 && m.Sign() != j.Sign() {
			out.Sub(out, big.NewInt(1))
			m.Add(m, j)
		}
		if op == "mod" {
			out = m
		}
	default:
		return nil, noMatch("#operator_" + op)
	}
	return value.IntOf(out), nil
}

func floats(op string, x, y float64) (value.Value, error) {
	switch op {
	case "+":
		return value.Float(x + y), nil
	case "-":
		return value.Float(x - y), nil
	case "*":
		return value.Float(x * y), nil
	case "/", "mod":
		if y == 0 {
			return nil, fmt.Errorf("float division by zero")
		}
		if op == "/" {
			return value.Float(x / y), nil
		}
		m := math.Mod(x, y)
		if m != 0 && (m < 0) != (y < 0) {
			m += y
		}
		return value.Float(m), nil
	}
	return nil, noMatch("#operator_" + op)
}
