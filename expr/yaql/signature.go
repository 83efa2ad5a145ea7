package yaql

import (
	"strconv"
	"strings"

	"cierzo/expr/value"
	"cierzo/internal/invariant"
)

// form says how a function can be called.
type form uint8

const (
	formFunction form = 1 << iota // f(x)
	formMethod                    // x.f()
	formSystem                    // by syntax only
	formLambdas                   // only with Options.Lambdas
	formLegacy                    // only with Options.Legacy
	formBoth     = formFunction | formMethod
)

// typ is what a parameter accepts.
type typ uint8

const (
	typAny typ = iota
	typNonNull
	typNull
	typString
	typInt     // bool too
	typInteger // not bool
	typNumber  // not bool
	typBool
	typMapping
	typSequence
	typIterable
	typNonSet // iterable, but no set
	typIterator
	typSet
	typDatetime
	typTimespan
	typRegex
	typOrdered
	typLambda
	typRule
	typWord // a lambda that must be a bare word
)

var typNames = [...]string{
	"any", "non-null", "null", "string", "int", "integer", "number", "bool", "mapping", "sequence", "iterable", "non-set",
	"iterator", "set", "datetime", "timespan", "regex", "ordered", "lambda", "rule", "word",
}

type param struct {
	name     string
	typ      typ
	nullable bool
	optional bool
	def      value.Value // nil: no value
}

// overload is one signature of a function.
type overload struct {
	name   string
	form   form
	params []param
	rest   *param // *args
	kwargs bool   // **kwargs are accepted
	rules  bool   // "=>" among the arguments are data, not names
	run    func(*args) (value.Value, error)
}

func (ov *overload) param(name string) int {
	for i := range ov.params {
		if ov.params[i].name == name {
			return i
		}
	}
	return -1
}

// moreSpecial reports whether the first parameter is a sequence where the other takes any iterable.
func (ov *overload) moreSpecial(other *overload) bool {
	return len(ov.params) > 0 && len(other.params) > 0 && ov.params[0].typ == typSequence &&
		(other.params[0].typ == typIterable || other.params[0].typ == typNonSet)
}

func (p *param) lazy() bool { return p.typ == typLambda || p.typ == typRule || p.typ == typWord }

func (p *param) iterates() bool { return p.typ == typIterable || p.typ == typNonSet }

// takes reports whether an argument can match by its syntax; constants are checked by value.
func (p *param) takes(n node) bool {
	_, rule := n.(*pair)
	_, left := n.(*hole)
	c, constant := n.(*constant)
	switch {
	case p.typ == typRule:
		return rule
	case rule:
		return false
	case left:
		return p.typ == typAny || p.typ == typLambda
	case p.typ == typLambda:
		return true
	case p.typ == typWord:
		return constant && c.word
	case constant && !c.wrapped:
		return p.accepts(nil, c.v)
	}
	return true
}

// accepts checks a value against the type. r is nil while constants are checked.
func (p *param) accepts(r *run, v value.Value) bool {
	if v == nil {
		return true
	}
	kind := v.Kind()
	if kind == value.KindNull && p.typ > typNonNull {
		return p.nullable || p.lazy()
	}
	switch p.typ {
	case typAny, typLambda, typRule, typWord:
		return true
	case typNonNull:
		return kind != value.KindNull
	case typString:
		return kind == value.KindString
	case typInt:
		return kind == value.KindInt || kind == value.KindBigInt || kind == value.KindBool
	case typInteger:
		return kind == value.KindInt || kind == value.KindBigInt
	case typNumber:
		return isNumber(v)
	case typBool:
		return kind == value.KindBool
	case typMapping:
		return kind == value.KindDict
	case typSequence:
		return kind == value.KindList || kind == value.KindTuple
	case typDatetime:
		return kind == value.KindDateTime
	case typTimespan:
		return kind == value.KindTimeSpan
	}
	return p.acceptsCollection(r, v)
}

func (p *param) acceptsCollection(r *run, v value.Value) bool {
	switch p.typ {
	case typIterable:
		return r.iterable(v)
	case typNonSet:
		return r.iterable(v) && !isSet(v)
	case typSet:
		return isSet(v)
	case typIterator:
		return isIterator(v)
	case typOrdered:
		_, ok := v.(*ordered)
		return ok
	case typRegex:
		_, ok := v.(*pattern)
		return ok
	}
	return false
}

// parseSignature reads "name(a: type, b: type? = default, *rest: type, **kwargs)".
func parseSignature(form form, text string, run func(*args) (value.Value, error)) *overload {
	name, list, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	ov := &overload{name: name, form: form, run: run}
	for field := range strings.SplitSeq(list, ", ") {
		switch {
		case field == "":
		case strings.HasPrefix(field, "**"):
			ov.kwargs = true
		case strings.HasPrefix(field, "*"):
			p := parseParam(field[1:])
			ov.rest = &p
			ov.rules = ov.rules || p.typ == typRule
		default:
			ov.params = append(ov.params, parseParam(field))
		}
	}
	return ov
}

func parseParam(text string) param {
	text, def, optional := strings.Cut(text, " = ")
	name, kind, _ := strings.Cut(text, ": ")
	p := param{name: name, optional: optional}
	kind, p.nullable = strings.CutSuffix(kind, "?")
	known := false
	for i, n := range typNames {
		if n == kind {
			p.typ, known = typ(i), true
		}
	}
	invariant.Check(known, "type %q in a signature", kind)
	if optional {
		p.def = parseDefault(def)
	}
	return p
}

func parseDefault(text string) value.Value {
	switch text {
	case "none":
		return nil
	case "null":
		return value.Null{}
	case "true", "false":
		return value.Bool(text == "true")
	case "timespan()":
		return value.TimeSpan{}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return value.String(text)
	}
	return value.Int(n)
}
