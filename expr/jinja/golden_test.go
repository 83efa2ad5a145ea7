package jinja

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cierzo/expr/goldentest"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// TestGolden replays what Mistral's evaluator gave: results, classes and texts of errors, validation, plain rendering.
func TestGolden(t *testing.T) {
	t.Parallel()
	goldentest.Each(t, "jinja.jsonl", 0.985, func(v *goldentest.Vector, j *goldentest.Verdict) {
		if !evaluated(v.Template) {
			checkText(j, v)
			if v.Error != "" {
				j.Better = `blocks without {{ }} give what Jinja gives; Mistral fails ("list index out of range")`
			}
			return
		}
		tpl, err := Compile(v.Template)
		checkValidation(j, v, err)
		if err != nil {
			checkError(j, v, err)
			return
		}
		got, err := tpl.Render(envOf(v))
		checkOutcome(j, v, got, err)
		checkText(j, v)
		checkLegacy(j, v, tpl)
	})
}

// checkLegacy compares with older versions where they give something else.
func checkLegacy(t goldentest.Judge, v *goldentest.Vector, tpl *Template) {
	if v.Debian == nil || !strings.Contains(v.Template, "json_pp") {
		return // else a change of Jinja2, which isn't followed back
	}
	old := *v.Debian
	old.Template = v.Template
	env := envOf(v)
	env.Legacy = true
	got, err := tpl.Render(env)
	checkOutcome(t, &old, got, err)
}

// evaluated reports whether Mistral evaluates a text. It looks for {{ }} on one line: without any it leaves a text alone,
// or if there are blocks in it fails by accident, because a list index is out of range. Here blocks are enough.
func evaluated(src string) bool {
	for line := range strings.SplitSeq(src, "\n") {
		if i := strings.Index(line, "{{"); i >= 0 && strings.Contains(line[i+2:], "}}") {
			return true
		}
	}
	return false
}

func envOf(v *goldentest.Vector) *scope.Env {
	seed := uint64(1)
	env := &scope.Env{
		Root: v.Data, Now: time.Date(2026, 11, 23, 8, 45, 30, 0, time.UTC),
		Entropy: func() uint64 {
			seed = seed*6364136223846793005 + 1442695040888963407
			return seed ^ seed>>29
		},
	}
	env.Context, _ = v.Data.(value.Mapping)
	return env
}

func checkValidation(t goldentest.Judge, v *goldentest.Vector, err error) {
	t.Helper()
	got := "ok"
	if err != nil {
		got = "JinjaGrammarException"
	}
	if got != v.Validate {
		t.Errorf("%q: validation gives %s (%v), want %s", v.Template, got, err, v.Validate)
	}
}

func checkError(t goldentest.Judge, v *goldentest.Vector, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || v.Cause == "" {
		t.Errorf("%q\n got %v\nwant %s: %s", v.Template, err, v.Cause, v.Message)
		return
	}
	checkFailure(t, v.Template, e.Evaluation(), v.Cause, v.Message)
}

func checkOutcome(t goldentest.Judge, v *goldentest.Vector, got value.Value, err error) {
	t.Helper()
	switch {
	case v.StoredError != nil:
		var e *Error
		if class, _, _ := strings.Cut(*v.StoredError, ":"); !errors.As(err, &e) || e.Class != class {
			t.Errorf("%q\n got %v\nwant %s", v.Template, err, *v.StoredError)
		}
	case v.Error != "":
		checkFailure(t, v.Template, err, v.Cause, v.Message)
	case err != nil:
		t.Errorf("%q\n got %v\nwant %s", v.Template, err, goldentest.Text(v.Result, v.Unordered))
	default:
		if got, want := goldentest.Text(got, v.Unordered), goldentest.Text(goldentest.Plain(v.Result), v.Unordered); got != want {
			t.Errorf("%q\n got %s\nwant %s", v.Template, got, want)
		}
		checkStored(t, v, got)
	}
}

// checkFailure compares class and message.
func checkFailure(t goldentest.Judge, template string, err error, class, message string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Class != class {
		t.Errorf("%q\n got %T %v\nwant %s: %s", template, err, err, class, message)
		return
	}
	if e.Message != message {
		t.Errorf("%q: message\n got %s\nwant %s", template, e.Message, message)
	}
}

func checkStored(t goldentest.Judge, v *goldentest.Vector, got value.Value) {
	t.Helper()
	if v.Stored == nil {
		return
	}
	data, err := value.AppendJSON(nil, got)
	if err != nil || string(data) != *v.Stored {
		t.Errorf("%q: stored\n got %s, %v\nwant %s", v.Template, data, err, *v.Stored)
	}
}

func checkText(t goldentest.Judge, v *goldentest.Vector) {
	t.Helper()
	if v.Text == nil && v.TextError == "" {
		return
	}
	got, err := renderText(v)
	switch {
	case v.TextError != "":
		checkFailure(t, v.Template+" as text", err, v.TextError, v.TextMessage)
	case err != nil || got != *v.Text:
		t.Errorf("%q: text\n got %q, %v\nwant %q", v.Template, got, err, *v.Text)
	}
}

func renderText(v *goldentest.Vector) (string, error) {
	tpl, err := Compile(v.Template)
	if err != nil {
		return "", err
	}
	return tpl.renderText(envOf(v))
}

// renderText renders the template as text even where it is one expression.
func (t *Template) renderText(env *scope.Env) (string, error) {
	text := &Template{source: t.source, tpl: t.tpl}
	if err := text.resolveTemplate(); err != nil {
		return "", err
	}
	v, err := text.Render(env)
	if err != nil {
		return "", err
	}
	return string(v.(value.String)), nil
}
