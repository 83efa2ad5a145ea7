// Package expr recognises expressions in texts and evaluates them: YAQL between <% and %>, Jinja2 between {{ and }} or
// {% and %}. Texts are parsed once into frozen templates; where a text is one expression its value keeps its type,
// elsewhere its text is put in.
package expr

import (
	"errors"
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
	Language string // "YAQL" or "Jinja"; empty for a text with both
}

// Error gives the message.
func (e *SyntaxError) Error() string { return e.Msg }

// PythonClass is the name of Mistral's exception.
func (e *SyntaxError) PythonClass() string {
	if e.Language == "" {
		return "ExpressionGrammarException"
	}
	return className(e.Language) + "GrammarException"
}

func className(language string) string {
	if language == "YAQL" {
		return "Yaql"
	}
	return language
}

// EvaluationError is an expression that failed when it was evaluated.
type EvaluationError struct {
	Language   string // "YAQL" or "Jinja"
	Expression string
	Cause      error
}

// Error gives Mistral's text.
func (e *EvaluationError) Error() string {
	return fmt.Sprintf("Can not evaluate %s expression [expression=%s, error=%s]", e.Language, e.Expression, e.Cause)
}

// Unwrap gives the cause.
func (e *EvaluationError) Unwrap() error { return e.Cause }

// PythonClass is the name of Mistral's exception.
func (e *EvaluationError) PythonClass() string { return className(e.Language) + "EvaluationException" }

// CauseClass is the name of the exception that Mistral wraps; empty when there is none of the kind, as for a limit.
func (e *EvaluationError) CauseClass() string {
	var cause interface{ PythonClass() string }
	if errors.As(e.Cause, &cause) {
		return cause.PythonClass()
	}
	return ""
}

// Template is a text with its expressions parsed. It is frozen.
type Template struct {
	source string
	parts  []part          // of a YAQL text, in order; empty: constant or Jinja
	whole  bool            // the text is one YAQL expression
	jinja  *jinja.Template // nil: no Jinja
	broken error           // what Eval answers instead of Jinja; only of lenient templates
}

// part is a YAQL expression in a text.
type part struct {
	text   string // with its delimiters
	source string // without
	at     int    // where source begins in the template's
	yaql   *yaql.Expression
	broken error // what Eval answers; only of lenient templates
}

// Parse recognises the expressions of a text. The error is a *SyntaxError.
func Parse(text string) (*Template, error) {
	t := parse(text)
	if t.broken != nil {
		refused := &SyntaxError{Msg: t.broken.Error(), Language: "Jinja"}
		var at *jinja.Error
		if errors.As(t.broken, &at) {
			refused.Offset = at.Offset
		}
		return nil, refused
	}
	if t.jinja != nil {
		if start, _ := findYAQL(text); start >= 0 {
			return nil, &SyntaxError{
				Msg: "The line already contains an expression of type 'jinja'. Mixing expression types in a single line is not allowed.", Offset: start,
			}
		}
	}
	for _, p := range t.parts {
		if p.broken != nil {
			refused := &SyntaxError{Msg: p.broken.Error(), Offset: p.at, Language: "YAQL"}
			var at *yaql.SyntaxError
			if errors.As(p.broken, &at) {
				refused.Offset += at.Offset
			}
			return nil, refused
		}
	}
	return t, nil
}

// Unknown lists the calls by names that YAQL's library doesn't have. Offsets are in the text.
func (t *Template) Unknown() []yaql.Unknown {
	var out []yaql.Unknown
	for _, p := range t.parts {
		if p.broken != nil {
			continue
		}
		for _, u := range p.yaql.Unknown() {
			out = append(out, yaql.Unknown{Name: u.Name, Offset: p.at + u.Offset})
		}
	}
	return out
}

// parse recognises the expressions; those that don't parse are kept as broken.
func parse(text string) *Template {
	t := &Template{source: text}
	if hasJinja(text) {
		t.jinja, t.broken = jinja.Compile(text)
		return t
	}
	rest := text // its end
	for rest != "" {
		start, end := findYAQL(rest)
		if start < 0 {
			break
		}
		p := part{text: rest[start:end]}
		p.source = strings.TrimSpace(strings.Trim(p.text, "<%>"))
		p.at = len(text) - len(rest) + start + strings.Index(p.text, p.source)
		p.yaql, p.broken = yaql.Parse(p.source)
		t.parts = append(t.parts, p)
		rest = rest[end:]
	}
	t.whole = len(t.parts) == 1 && len(t.parts[0].text) == len(text)
	return t
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

// Eval evaluates the text. Errors are an *EvaluationError.
func (t *Template) Eval(env *Env) (value.Value, error) {
	switch {
	case t.broken != nil:
		cause := t.broken
		if e := (*jinja.Error)(nil); errors.As(t.broken, &e) {
			cause = e.Evaluation()
		}
		return nil, &EvaluationError{"Jinja", t.source, cause}
	case t.jinja != nil:
		v, err := t.jinja.Render(env)
		if err != nil {
			return nil, &EvaluationError{"Jinja", t.source, err}
		}
		return v, nil
	case t.whole:
		return t.parts[0].eval(env)
	}
	out := t.source
	for _, p := range t.parts {
		v, err := p.eval(env)
		if err != nil {
			return nil, err
		}
		if out, err = putIn(out, p.text, value.Str(v), env); err != nil {
			return nil, &EvaluationError{"YAQL", p.source, err}
		}
	}
	return value.String(out), nil
}

// putIn replaces an expression by the text of its value, wherever it stands: also in the values that were put in before.
func putIn(text, expression, with string, env *Env) (string, error) {
	budget := scope.NewBudget(env.Limits)
	if n := strings.Count(text, expression); n > 0 && len(with) > (budget.OutputMax()-min(len(text), budget.OutputMax()))/n {
		return "", &scope.LimitError{Limit: "output", Max: budget.OutputMax()}
	}
	return strings.ReplaceAll(text, expression, with), nil
}

func (p part) eval(env *Env) (value.Value, error) {
	if p.broken != nil {
		return nil, &EvaluationError{"YAQL", p.source, p.broken}
	}
	v, err := p.yaql.Eval(env)
	if err != nil {
		return nil, &EvaluationError{"YAQL", p.source, err}
	}
	return v, nil
}
