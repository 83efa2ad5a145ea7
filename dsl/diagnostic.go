package dsl

import (
	"fmt"
	"strings"

	"cierzo/fault"
)

// Severity of a diagnostic.
type Severity uint8

// The severities: an error refuses the document; a warning names a trap that Mistral's compatibility keeps open.
const (
	SeverityError Severity = iota + 1
	SeverityWarning
)

// Diagnostic is one problem of a document, with its place.
type Diagnostic struct {
	Severity Severity
	File     string
	Pos      Pos
	End      int    // column behind the last character, on the same line; 0: unknown
	Path     string // "w1.tasks.t1.on-success"; "" at the top
	Code     string // stable short name of the rule, "unknown-task"
	Message  string // Mistral's text where it has one
	Hint     string // what to do; "" when there is nothing to say
	Line     string // the line of the text, for the caret
}

// Diagnostics is everything that was found, in the order of the text. As an error it is what refuses the document.
type Diagnostics []Diagnostic

// Errors are the diagnostics that refuse the document.
func (ds Diagnostics) Errors() Diagnostics { return ds.only(SeverityError) }

// Warnings are the diagnostics that don't.
func (ds Diagnostics) Warnings() Diagnostics { return ds.only(SeverityWarning) }

func (ds Diagnostics) only(s Severity) Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// Err is nil when there is no error, else a fault.Invalid that wraps the errors.
func (ds Diagnostics) Err() error {
	errs := ds.Errors()
	if len(errs) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Cause: errs}
}

// Error is the text of the first error: what Mistral answers.
func (ds Diagnostics) Error() string {
	if len(ds) == 0 {
		return "no errors"
	}
	return ds[0].Message
}

// Render shows the diagnostics for people: place, line of the text, caret, hint.
func (ds Diagnostics) Render() string {
	var b strings.Builder
	for _, d := range ds {
		kind := "error"
		if d.Severity == SeverityWarning {
			kind = "warning"
		}
		if d.Pos.Line == 0 {
			fmt.Fprintf(&b, "%s: %s: %s\n", d.File, kind, d.Message)
		} else {
			fmt.Fprintf(&b, "%s:%d:%d: %s: %s\n", d.File, d.Pos.Line, d.Pos.Col, kind, d.Message)
		}
		if d.Line != "" {
			pad := strings.Repeat(" ", max(0, d.Pos.Col-1))
			fmt.Fprintf(&b, "  %s\n  %s^\n", d.Line, pad)
		}
		if d.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", d.Hint)
		}
	}
	return b.String()
}
