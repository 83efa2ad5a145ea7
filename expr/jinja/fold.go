package jinja

import (
	"errors"
	"math"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// Limits of what is computed ahead.
const (
	foldStepsMax = 2000
	foldItemsMax = 20_000
)

// errNotConst says that an expression can't be computed ahead.
var errNotConst = errors.New("not constant")

// folder computes constants ahead, as far as that shows: Jinja2 raises errors of doing so for the whole template, and it
// writes constants into Python source, where inf and nan are names that nobody defined.
type folder struct {
	r     *resolver
	run   *run
	known map[expr]value.Value
}

func (r *resolver) folder() *folder {
	run := newRun(&scope.Env{Limits: scope.Limits{StepsMax: foldStepsMax, ItemsMax: foldItemsMax}}, r.t.tpl, false)
	run.escape = r.escape
	return &folder{r: r, run: run, known: map[expr]value.Value{}}
}

// visit computes what is constant, from the leaves up.
func (f *folder) visit(ref *expr) {
	if _, ok := (*ref).(*constant); ok {
		f.known[*ref] = (*ref).(*constant).v
		return
	}
	for _, c := range (*ref).children() {
		f.visit(c)
	}
	v, err := f.asConst(*ref)
	switch {
	case err == nil && writable(v):
		f.known[*ref] = v
		if c, ok := (*ref).(*concat); ok {
			c.plain = true
		}
	case err != nil && !errors.Is(err, errNotConst):
		f.r.hard(err)
	}
}

// replace puts constants in their places, and what fails in the places of those that can't be written.
func (f *folder) replace(ref *expr) {
	if v, ok := f.known[*ref]; ok {
		if name := unwritable(v); name != "" {
			*ref = &brokenConst{v, name}
			f.known[*ref] = v
		} else if isScalar(v) {
			*ref = &constant{v}
			f.known[*ref] = v
		}
		return
	}
	for _, c := range (*ref).children() {
		f.replace(c)
	}
}

// isScalar reports whether evaluations may share a value, even those that change lists.
func isScalar(v value.Value) bool {
	switch v.(type) {
	case *value.List, *value.Tuple, value.Mapping:
		return false
	}
	return true
}

// asConst computes an expression. The error is errNotConst, or what Jinja2 doesn't catch there.
func (f *folder) asConst(x expr) (value.Value, error) {
	if v, ok := f.known[x]; ok {
		return v, nil
	}
	switch x := x.(type) {
	case *constant:
		return x.v, nil
	case *logical:
		left, yes, err := f.truth(x.left)
		if err != nil || yes == x.or {
			return left, err
		}
		return f.asConst(x.right)
	case *condExpr:
		_, yes, err := f.truth(x.test)
		switch {
		case err != nil:
			return nil, err
		case yes:
			return f.asConst(x.yes)
		case x.no == nil:
			return nil, errNotConst
		}
		return f.asConst(x.no)
	case *comparison:
		return f.comparison(x)
	case *concat:
		return f.concat(x)
	}
	if !f.foldable(x) {
		return nil, errNotConst
	}
	return f.compute(x)
}

func (f *folder) truth(x expr) (v value.Value, yes bool, err error) {
	if v, err = f.asConst(x); err != nil {
		return nil, false, err
	}
	yes, err = f.run.truth(v)
	return v, yes, err
}

// concat joins texts; what is undefined fails as soon as it is come to.
func (f *folder) concat(x *concat) (value.Value, error) {
	text := ""
	for _, item := range x.items {
		v, err := f.asConst(item)
		if err != nil {
			return nil, err
		}
		s, err := f.run.str(v)
		if err != nil {
			return nil, f.caught(x, err)
		}
		if err := f.run.make(len(text) + len(s)); err != nil {
			return nil, errNotConst
		}
		text += s
	}
	return value.String(text), nil
}

// comparison computes a chain as far as it goes.
func (f *folder) comparison(x *comparison) (value.Value, error) {
	left, err := f.asConst(x.first)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		right, err := f.asConst(x.rest[i])
		if err != nil {
			return nil, errNotConst
		}
		yes, err := f.run.compare(op, left, right)
		if err != nil {
			return nil, errNotConst
		}
		if !yes {
			return value.Bool(false), nil
		}
		left = right
	}
	return value.Bool(true), nil
}

// compute evaluates a node with the values of its children in their place.
func (f *folder) compute(x expr) (value.Value, error) {
	children := x.children()
	saved := make([]expr, len(children))
	defer func() {
		for i, c := range children {
			if saved[i] != nil {
				*c = saved[i]
			}
		}
	}()
	for i, c := range children {
		v, err := f.asConst(*c)
		if err != nil {
			return nil, f.caught(x, err)
		}
		saved[i], *c = *c, &constant{v}
	}
	if s, ok := x.(*subscript); ok {
		return f.subscript(s)
	}
	v, err := x.eval(f.run)
	if err != nil {
		return nil, f.caught(x, err)
	}
	return v, nil
}

// subscript is obj[arg], where a slice that doesn't go is undefined, though it is an error when it is evaluated.
func (f *folder) subscript(x *subscript) (value.Value, error) {
	v, err := x.eval(f.run)
	if err == nil {
		return v, nil
	}
	obj := x.obj.(*constant).v
	if s, ok := x.arg.(*constant).v.(*sliceObject); ok && !isUndefined(obj) {
		return undefinedAttr(obj, s), nil
	}
	return nil, errNotConst
}

// caught is what becomes of an error: most nodes of Jinja2 take any for "not constant".
func (f *folder) caught(x expr, err error) error {
	var limit *scope.LimitError
	if errors.As(err, &limit) || errors.Is(err, errShared) {
		return errNotConst
	}
	switch x.(type) {
	case *listExpr, *tupleExpr, *dictExpr, *concat:
		return err
	}
	return errNotConst
}

// foldable reports whether an expression is constant if what is below it is.
func (f *folder) foldable(x expr) bool {
	switch x := x.(type) {
	case *name, *nsRef, *callExpr, *brokenConst:
		return false
	case *filterExpr:
		return x.input != nil && x.fn != nil && !x.fn.context && !f.r.volatile
	case *testExpr:
		return x.fn != nil && !x.fn.context && !f.r.volatile
	}
	return true
}

// writable reports whether Jinja2 would write a value into source.
func writable(v value.Value) bool {
	switch v := v.(type) {
	case value.Null, value.Bool, value.Int, value.BigInt, value.Float, value.String, *markup:
		return true
	case *value.List:
		return allWritable(v.Items())
	case *value.Tuple:
		return allWritable(v.Items())
	case *value.Dict:
		for k, item := range v.All() {
			if !writable(k) || !writable(item) {
				return false
			}
		}
		return true
	}
	return false
}

func allWritable(items []value.Value) bool {
	for _, item := range items {
		if !writable(item) {
			return false
		}
	}
	return true
}

// unwritable finds the inf or nan in a constant, "" if there is none.
func unwritable(v value.Value) string {
	switch v := v.(type) {
	case value.Float:
		if math.IsNaN(float64(v)) {
			return "nan"
		}
		if math.IsInf(float64(v), 0) {
			return "inf"
		}
	case *value.List:
		return firstUnwritable(v.Items())
	case *value.Tuple:
		return firstUnwritable(v.Items())
	case *value.Dict:
		for k, item := range v.All() {
			if name := unwritable(k) + unwritable(item); name != "" {
				return name[:3]
			}
		}
	}
	return ""
}

func firstUnwritable(items []value.Value) string {
	for _, item := range items {
		if name := unwritable(item); name != "" {
			return name
		}
	}
	return ""
}
