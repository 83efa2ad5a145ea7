package jinja

import (
	"fmt"
	"strings"

	"cierzo/expr/value"
)

// The values that templates need besides plain ones. They live within one evaluation.
type (
	// undefined is what a name without value gives: an error as soon as it is looked at.
	undefined struct {
		value.Object
		hint    string // the message; "" : made of the others
		name    value.Value
		obj     value.Value // what has no such attribute; nil: it is a variable
		class   string      // of the error; "": UndefinedError
		lenient bool        // it is empty text instead of an error, as an if-expression without else is
	}
	// markup is text that is HTML already.
	markup struct {
		value.Object
		s string
	}
	// sliceObject is start:stop:step.
	sliceObject struct {
		value.Object
		parts [3]value.Value
	}
	// rangeObject is what range() gives.
	rangeObject struct {
		value.Object
		start, stop, step int64
		n                 int
	}
	// generator gives its items once.
	generator struct {
		value.Object
		name string
		it   iterator
	}
	// view is keys(), values() or items() of a dict.
	view struct {
		value.Object
		kind string
		m    value.Mapping
	}
	// bytesObject is Python's bytes.
	bytesObject struct {
		value.Object
		b string
	}
	// namespaceObject is what namespace() gives.
	namespaceObject struct {
		value.Object
		attrs *value.Dict
	}
	// cyclerObject is what cycler() gives.
	cyclerObject struct {
		value.Object
		items []value.Value
		at    int
	}
	// joinerObject is what joiner() gives.
	joinerObject struct {
		value.Object
		sep  value.Value
		used bool
	}
	// selfObject is self: the blocks of the template.
	selfObject struct{ value.Object }
	// classObject is a class among the globals.
	classObject struct {
		value.Object
		name string
		fn   *builtin
	}
	// function is a function, or a method with its receiver.
	function struct {
		value.Object
		fn   *builtin
		self value.Value // nil: no method
	}
	// blockObject is a block of self.
	blockObject struct {
		value.Object
		block *blockStmt
	}
)

// TypeName and the others are Python's names of the types.

func (*undefined) TypeName() string       { return "StrictUndefined" }
func (*markup) TypeName() string          { return "Markup" }
func (*sliceObject) TypeName() string     { return "slice" }
func (*rangeObject) TypeName() string     { return "range" }
func (g *generator) TypeName() string     { return g.name }
func (v *view) TypeName() string          { return "dict_" + v.kind }
func (*bytesObject) TypeName() string     { return "bytes" }
func (*namespaceObject) TypeName() string { return "jinja2.utils.Namespace" }
func (*cyclerObject) TypeName() string    { return "jinja2.utils.Cycler" }
func (*joinerObject) TypeName() string    { return "jinja2.utils.Joiner" }
func (*selfObject) TypeName() string      { return "jinja2.runtime.TemplateReference" }
func (*classObject) TypeName() string     { return "type" }
func (*blockObject) TypeName() string     { return "jinja2.runtime.BlockReference" }
func (f *function) TypeName() string {
	if f.self != nil {
		return "builtin_function_or_method"
	}
	return "function"
}

// Repr and the others are Python's texts; what they say of addresses is left out.

func (u *undefined) Repr() string { return "Undefined" }
func (m *markup) Repr() string    { return "Markup(" + quoted(m.s) + ")" }
func (m *markup) Str() string     { return m.s }
func (s *sliceObject) Repr() string {
	return "slice(" + value.Repr(s.parts[0]) + ", " + value.Repr(s.parts[1]) + ", " + value.Repr(s.parts[2]) + ")"
}
func (g *generator) Repr() string     { return "<" + g.name + " object>" }
func (*cyclerObject) Repr() string    { return "<Cycler>" }
func (*joinerObject) Repr() string    { return "<Joiner>" }
func (*selfObject) Repr() string      { return "<TemplateReference None>" }
func (*blockObject) Repr() string     { return "<BlockReference>" }
func (c *classObject) Repr() string   { return "<class '" + c.name + "'>" }
func (*namespaceObject) Repr() string { return "<Namespace>" }
func (b *bytesObject) Repr() string   { return bytesRepr(b.b) }

func (o *rangeObject) Repr() string {
	if o.step == 1 {
		return fmt.Sprintf("range(%d, %d)", o.start, o.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", o.start, o.stop, o.step)
}

func (f *function) Repr() string {
	if f.self != nil {
		return fmt.Sprintf("<built-in method %s of %s object>", f.fn.name, typeName(f.self))
	}
	return "<function " + f.fn.name + ">"
}

func bytesRepr(s string) string {
	var b strings.Builder
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteString("b")
	b.WriteByte(quote)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

func undefinedName(name string) *undefined { return &undefined{name: value.String(name)} }

func undefinedAttr(obj, name value.Value) *undefined { return &undefined{obj: obj, name: name} }

// undefinedCondition is what an if-expression without else gives: not strict, which is Jinja2's choice.
func undefinedCondition(line int) *undefined {
	return &undefined{
		hint:    fmt.Sprintf("the inline if-expression on line %d evaluated to false and no else section was defined.", line),
		lenient: true,
	}
}

// unsafeAttr is what the sandbox gives for an attribute that it hides.
func unsafeAttr(obj value.Value, name string) *undefined {
	return &undefined{
		hint:  fmt.Sprintf("access to attribute %s of '%s' object is unsafe.", quoted(name), typeName(obj)),
		class: "SecurityError",
	}
}

// fail is the error of looking at it.
func (u *undefined) fail() error {
	class := u.class
	if class == "" {
		class = "UndefinedError"
	}
	return &Error{Class: class, Message: u.message()}
}

func (u *undefined) message() string {
	switch {
	case u.hint != "":
		return u.hint
	case u.obj == nil:
		return value.Repr(u.name) + " is undefined"
	}
	if name, ok := textOf(u.name); ok {
		return "'" + objectType(u.obj) + "' has no attribute " + quoted(name)
	}
	return objectType(u.obj) + " has no element " + value.Repr(u.name)
}

// objectType is what messages about missing attributes call a value.
func objectType(v value.Value) string {
	switch v.(type) {
	case value.Null:
		return "None"
	case *markup:
		return "markupsafe.Markup object"
	}
	return value.TypeName(v) + " object"
}

// typeName is the name of a type without its module.
func typeName(v value.Value) string {
	name := value.TypeName(v)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// textOf gives the text of a string or of markup.
func textOf(v value.Value) (string, bool) {
	switch v := v.(type) {
	case value.String:
		return string(v), true
	case *markup:
		return v.s, true
	}
	return "", false
}

// isUndefined reports whether a value is undefined.
func isUndefined(v value.Value) bool {
	_, ok := v.(*undefined)
	return ok
}
