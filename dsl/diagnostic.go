package dsl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cierzo/fault"
	"cierzo/internal/suggest"
)

// Severity of a diagnostic.
type Severity uint8

// The severities: an error refuses the document; a warning names a trap that Mistral's compatibility keeps open.
const (
	SeverityError Severity = iota + 1
	SeverityWarning
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

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

	order   int    // in which Mistral comes to it
	mistral string // Mistral's text where Message says less or more; "" else
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

// Error is what Mistral answers.
func (ds Diagnostics) Error() string {
	if text := ds.Mistral(); text != "" {
		return text
	}
	return "no errors"
}

// Mistral is the message that Mistral answers: that of the error which it comes to first. "" without errors.
func (ds Diagnostics) Mistral() string {
	var first *Diagnostic
	for i := range ds {
		if d := &ds[i]; d.Severity == SeverityError && (first == nil || d.order < first.order) {
			first = d
		}
	}
	switch {
	case first == nil:
		return ""
	case first.mistral != "":
		return first.mistral
	}
	return first.Message
}

// ANSI sequences of RenderColor.
const (
	red, yellow, cyan, bold, plain = "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
)

// Render shows the diagnostics for people: place, line of the text, caret, hint.
func (ds Diagnostics) Render() string { return ds.render(false) }

// RenderColor is Render for terminals.
func (ds Diagnostics) RenderColor() string { return ds.render(true) }

func (ds Diagnostics) render(color bool) string {
	paint := func(with, text string) string {
		if !color {
			return text
		}
		return with + text + plain
	}
	var b strings.Builder
	for _, d := range ds {
		place := d.File
		if d.Pos.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", d.File, d.Pos.Line, d.Pos.Col)
		}
		with := red
		if d.Severity == SeverityWarning {
			with = yellow
		}
		fmt.Fprintf(&b, "%s: %s: %s\n", paint(bold, place), paint(with, d.Severity.String()), d.Message)
		if line, caret := d.caret(); line != "" {
			fmt.Fprintf(&b, "  %s\n  %s\n", line, paint(with, caret))
		}
		if d.Hint != "" {
			fmt.Fprintf(&b, "  %s %s\n", paint(cyan, "hint:"), d.Hint)
		}
	}
	return b.String()
}

// lineWidth is how much of a line is shown.
const lineWidth = 120

// caret gives the line of the text, cut around the place, and ^~~~ below it. Tabs stay, so that both look alike.
func (d *Diagnostic) caret() (line, caret string) {
	shown, col, end := d.Line, d.Pos.Col-1, d.End-1
	if from := col - lineWidth/3; len(shown) > lineWidth && from > 0 { // a line may have a million characters
		if utf8.RuneCountInString(shown) > lineWidth {
			shown, col, end = behind(shown, from), col-from, end-from
		}
	}
	text := []rune(shown[:len(shown)-len(behind(shown, lineWidth+1))])
	if len(text) == 0 || col < 0 || col > len(text) {
		return "", ""
	}
	end = min(max(end, col+1), max(len(text), col+1))
	if len(text) > lineWidth {
		text, end = text[:lineWidth], min(end, lineWidth)
	}
	var b strings.Builder
	for _, c := range text[:min(col, len(text))] {
		if c != '\t' {
			c = ' '
		}
		b.WriteRune(c)
	}
	b.WriteByte('^')
	b.WriteString(strings.Repeat("~", max(end-col-1, 0)))
	return string(text), b.String()
}

// behind is a text without its first n characters.
func behind(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[i:]
		}
		n--
	}
	return ""
}

// comparisonsMax bounds how many characters of names are compared for the hints of one document: thousands of unknown
// names among thousands of known ones would take minutes.
const comparisonsMax = 20_000_000

// didYouMean is a hint with the name that was probably meant; "" when none is near, or when many were looked for already.
func (r *reader) didYouMean(wrong string, names []string) string {
	for _, n := range names {
		r.comparisons += len(wrong) * len(n)
	}
	if r.comparisons > comparisonsMax {
		return ""
	}
	nearest := suggest.NearestFold(wrong, names, 1+utf8.RuneCountInString(wrong)/3)
	if nearest == wrong {
		return ""
	}
	return suggest.Say(nearest)
}
