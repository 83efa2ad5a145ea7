// Package expr recognises expressions in texts and evaluates them: YAQL between <% and %>, Jinja2 between {{ and }} or
// {% and %}. Texts are parsed once into frozen templates; where a text is one expression its value keeps its type,
// elsewhere its text is put in.
package expr

import (
	"fmt"
	"strings"

	"cierzo/expr/jinja"
	"cierzo/expr/scope"
	"cierzo/expr/value"
	"cierzo/expr/yaql"
)

// The surroundings of an evaluation are the same for both languages.
type (
	// Env is the surroundings of one evaluation.
	Env = scope.Env
	// Functions are Mistral's functions.
	Functions = scope.Functions
	// TasksQuery are the arguments of tasks().
	TasksQuery = scope.TasksQuery
	// ExecutionsQuery are the arguments of executions().
	ExecutionsQuery = scope.ExecutionsQuery
	// Limits of one evaluation.
	Limits = scope.Limits
)

// SyntaxError is an expression that doesn't parse.
type SyntaxError struct {
	Msg      string // Mistral's text where it has one
	Offset   int    // in the text, in bytes
	Language string // "YAQL" or "Jinja"
}

// Error gives the message.
func (e *SyntaxError) Error() string { return e.Msg }

// EvaluationError is an expression that failed when it was evaluated.
type EvaluationError struct {
	Language   string // "YAQL" or "Jinja"
	Expression string
	Cause      error
}

// Error gives Mistral's text.
func (e *EvaluationError) Error() string {
	cause := e.Cause.Error()
	if e.Language == "YAQL" {
		cause = "'" + cause + "'"
	}
	return fmt.Sprintf("Can not evaluate %s expression [expression=%s, error=%s]", e.Language, e.Expression, cause)
}

// Unwrap gives the cause.
func (e *EvaluationError) Unwrap() error { return e.Cause }

// Template is a text with its expressions parsed. It is frozen.
type Template struct {
	source string
	parts  []part          // of a YAQL text; empty: constant or Jinja
	jinja  *jinja.Template // nil: no Jinja
	broken error           // what Eval answers; only of lenient templates
}

// part is a piece of a YAQL text: literal text, or an expression.
type part struct {
	text string // literal, or the expression with its delimiters
	yaql *yaql.Expression
}

// Parse recognises the expressions of a text. The error is a *SyntaxError.
func Parse(text string) (*Template, error) {
	t := &Template{source: text}
	if hasJinja(text) {
		j, err := jinja.Compile(text)
		if err != nil {
			return nil, &SyntaxError{Msg: err.Error(), Language: "Jinja"}
		}
		t.jinja = j
		return t, nil
	}
	rest := text
	for rest != "" {
		start, end := findYAQL(rest)
		if start < 0 {
			break
		}
		raw := rest[start:end]
		e, err := yaql.Parse(strings.Trim(raw, "<% >"))
		if err != nil {
			return nil, &SyntaxError{Msg: err.Error(), Offset: len(text) - len(rest) + start, Language: "YAQL"}
		}
		if start > 0 {
			t.parts = append(t.parts, part{text: rest[:start]})
		}
		t.parts = append(t.parts, part{text: raw, yaql: e})
		rest = rest[end:]
	}
	if len(t.parts) > 0 && rest != "" {
		t.parts = append(t.parts, part{text: rest})
	}
	return t, nil
}

// findYAQL finds the first <% … %> on one line. -1: there is none.
func findYAQL(s string) (start, end int) {
	from := 0
	for {
		i := strings.Index(s[from:], "<%")
		if i < 0 {
			return -1, -1
		}
		i += from
		j := strings.Index(s[i+2:], "%>")
		if j < 0 {
			return -1, -1
		}
		if !strings.Contains(s[i:i+2+j], "\n") {
			return i, i + 2 + j + 2
		}
		from = i + 2
	}
}

// hasJinja reports whether a text holds {{ … }} or {% … %} on one line.
func hasJinja(s string) bool {
	return onOneLine(s, "{{", "}}") || onOneLine(s, "{%", "%}")
}

func onOneLine(s, open, end string) bool {
	for line := range strings.SplitSeq(s, "\n") {
		if i := strings.Index(line, open); i >= 0 && strings.Contains(line[i+2:], end) {
			return true
		}
	}
	return false
}

// Source is the text as written.
func (t *Template) Source() string { return t.source }

// Const reports whether the text has no expressions, and gives it.
func (t *Template) Const() (value.Value, bool) {
	if t.jinja != nil || len(t.parts) > 0 || t.broken != nil {
		return nil, false
	}
	return value.String(t.source), true
}

// Eval evaluates the text. In an empty context nothing is evaluated, as in Mistral.
func (t *Template) Eval(env *Env) (value.Value, error) {
	switch {
	case t.broken != nil:
		return nil, t.broken
	case t.jinja != nil:
		v, err := t.jinja.Render(env)
		if err != nil {
			return nil, &EvaluationError{"Jinja", t.source, err}
		}
		return v, nil
	case len(t.parts) == 0:
		return value.String(t.source), nil
	case len(t.parts) == 1:
		return t.parts[0].eval(env)
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.yaql == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.eval(env)
		if err != nil {
			return nil, err
		}
		b.WriteString(value.Str(v))
	}
	return value.String(b.String()), nil
}

func (p part) eval(env *Env) (value.Value, error) {
	v, err := p.yaql.Eval(env)
	if err != nil {
		return nil, &EvaluationError{"YAQL", strings.Trim(p.text, "<% >"), err}
	}
	return v, nil
}
