package node

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/fault"
)

// Finding is one problem of a definition's text, with its place.
type Finding struct {
	File      string `json:"file"`
	Line      int    `json:"line"`   // from 1; 0: the document as a whole
	Column    int    `json:"column"` // in characters, from 1
	EndColumn int    `json:"end_column,omitempty"`
	Severity  string `json:"severity"` // "error": it would be refused; "warning": it does something else than it seems to
	Code      string `json:"code"`     // a stable name of the rule
	Path      string `json:"path,omitempty"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
}

// Findings is all that Lint has found.
type Findings struct {
	List []Finding
	// Text shows them for people: the line, a caret, a hint. Color is the same for terminals.
	Text, Color string
}

// DefinedActions are the names of the ad-hoc actions in a text, of one with errors as far as they can be made out.
func DefinedActions(file string, text []byte) []string { return dsl.Draft(file, text).ActionNames() }

// Lint looks at a text as an upload would, and stores nothing. It warns of actions that are neither standard ones nor in
// the text nor among the known.
func Lint(file string, text []byte, known ...string) Findings {
	_, diags, err := catalog.Check(catalog.Upload{File: file, Text: text})
	if err == nil {
		diags = append(diags, dsl.Draft(file, text).UnknownActions(file, text, append(known, standardActions()...))...)
		slices.SortStableFunc(diags, func(a, b dsl.Diagnostic) int { return cmp.Compare(a.Pos.Line, b.Pos.Line) })
	}
	if err != nil {
		diags = dsl.Diagnostics{{Severity: dsl.SeverityError, File: file, Code: "document", Message: err.Error()}}
	}
	out := Findings{Text: diags.Render(), Color: diags.RenderColor()}
	for _, d := range diags {
		out.List = append(out.List, Finding{
			File: d.File, Line: d.Pos.Line, Column: d.Pos.Col, EndColumn: d.End, Severity: d.Severity.String(), Code: d.Code, Path: d.Path,
			Message: d.Message, Hint: d.Hint,
		})
	}
	return out
}

func standardActions() []string {
	r := actions.NewRegistry()
	if err := std.Register(r, std.Config{}); err != nil {
		return nil // nothing is registered twice
	}
	return r.Names()
}

// LanguageSchema is the workflow language as JSON Schema 2020-12, for editors.
func LanguageSchema() (json.RawMessage, error) { return value.AppendJSON(nil, dsl.JSONSchema()) }

// evalTimeout bounds an Evaluate.
const evalTimeout = 10 * time.Second

// Evaluate computes an expression on data, as a workflow would: lang is "yaql" or "jinja", and the text an expression or a
// text with expressions in it; lang "" tells by the delimiters. Mistral's functions that look at executions are unknown.
func Evaluate(lang, text string, data json.RawMessage) (json.RawMessage, error) {
	switch lang {
	case "":
	case "yaql":
		if !strings.Contains(text, "<%") {
			text = "<% " + text + " %>"
		}
	case "jinja":
		if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
			text = "{{ " + text + " }}"
		}
	default:
		return nil, fault.New(fault.Invalid, "lang: %q is neither yaql nor jinja", lang)
	}
	env := &expr.Env{Now: time.Now().UTC(), Entropy: entropy}
	if len(data) > 0 {
		v, err := value.ParseJSON(data)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "data")
		}
		if env.Root = v; v.Kind() == value.KindDict {
			env.Context = v.(value.Mapping)
		}
	}
	deadline := time.Now().Add(evalTimeout)
	env.Limits.Expired = func() bool { return time.Now().After(deadline) }
	t, err := expr.Parse(text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "expression")
	}
	if _, constant := t.Const(); constant {
		return nil, fault.New(fault.Invalid, "%q holds no expression: give --lang, or write <%% … %%> or {{ … }}", text)
	}
	v, err := t.Eval(env)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "evaluate")
	}
	out, err := value.AppendJSON(nil, v)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the result has no JSON form")
	}
	return out, nil
}

// functions are the names that expressions can use, for the API.
func functions(legacy bool) []apitype.ExpressionFunction {
	list := expr.Catalogue(legacy)
	out := make([]apitype.ExpressionFunction, len(list))
	for i, f := range list {
		out[i] = apitype.ExpressionFunction(f)
	}
	return out
}

func entropy() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its contract
	return binary.LittleEndian.Uint64(b[:])
}
