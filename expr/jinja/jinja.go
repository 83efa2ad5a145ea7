// Package jinja evaluates Jinja2 templates as Mistral configures them: sandboxed, strict about what is undefined, with
// trim_blocks and lstrip_blocks. A text that is one {{ expression }} gives that expression's value with its type, every
// other text gives text.
//
// It works in passes: scan cuts the source into tokens, parse makes a tree of them, resolve finds filters and tests and
// what Jinja2 computes ahead, and the tree is frozen. An evaluation walks the tree with a budget of its own. Values have
// Python's semantics; what templates need besides (undefined values, generators, macros, markup) is in objects*.go, and
// export turns it into plain values at the end.
package jinja

import (
	"errors"
	"strings"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// Template is a compiled template. It is frozen: goroutines may share it.
type Template struct {
	source string
	tpl    *template
	whole  expr  // the expression that is the whole text; nil: the text is rendered
	broken error // why the whole text is no expression though it is a template
	owns   bool  // it may change lists and dicts, so it gets its own copies of them
}

// Compile parses a template. The error is an *Error of class TemplateSyntaxError with line and offset. A template that
// parses may still be refused by Render: Jinja2 finds unknown filters, and text behind an expression, only then.
func Compile(src string) (*Template, error) {
	tpl, err := parseTemplate(src)
	if err != nil {
		return nil, explain(err, src)
	}
	t := &Template{source: src, tpl: tpl}
	if inner, ok := wholeExpression(src); ok {
		t.whole, t.broken = parseExpression(inner)
		if t.broken == nil {
			t.broken = t.resolve(&t.whole)
		}
		return t, nil
	}
	t.broken = t.resolveTemplate()
	return t, nil
}

// wholeExpression gives what is between {{ and the first }} if that is all of the text, on one line.
func wholeExpression(src string) (string, bool) {
	if !strings.HasPrefix(src, "{{") || strings.Contains(src, "\n") {
		return "", false
	}
	end := strings.Index(src[2:], "}}")
	if end < 0 || 2+end+2 != len(src) {
		return "", false
	}
	return src[2 : 2+end], true
}

// explain adds to an error what evaluating the text would give, and turns its offset in the normalized source into one in
// the source.
func explain(err error, src string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if inner, ok := wholeExpression(src); ok {
		_, err := parseExpression(inner)
		errors.As(err, &e.evaluated)
	}
	if !strings.Contains(src, "\r") {
		return e
	}
	i := 0
	for n := 0; n < e.Offset && i < len(src); n++ {
		if strings.HasPrefix(src[i:], "\r\n") {
			i++
		}
		i++
	}
	e.Offset = i
	return e
}

// Render evaluates the template. Errors are *Error, or *scope.LimitError.
func (t *Template) Render(env *scope.Env) (value.Value, error) {
	v, err := t.render(env, t.owns)
	if errors.Is(err, errShared) {
		v, err = t.render(env, true) // it changes a list in a way that the source didn't show
	}
	return v, err
}

func (t *Template) render(env *scope.Env, owns bool) (value.Value, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	r := newRun(env, t.tpl, owns)
	if err := r.start(); err != nil {
		return nil, err
	}
	if t.whole == nil {
		text, err := r.capture(t.tpl.body)
		return value.String(text), err
	}
	v, err := r.eval(t.whole)
	if err != nil {
		return nil, err
	}
	return r.export(v)
}
