package dsl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cierzo/dsl/yaml"
	"cierzo/expr"
)

// ActionNames are the names of the ad-hoc actions that the document defines, those of a workbook with its name in front.
func (d *Document) ActionNames() []string {
	var names []string
	for _, a := range d.Actions {
		names = append(names, a.Name)
	}
	if d.Workbook != nil {
		for _, a := range d.Workbook.Actions {
			names = append(names, d.Workbook.Name+"."+a.Name)
		}
	}
	return names
}

// UnknownActions warns of actions that tasks or ad-hoc actions name and that are neither known nor in the document. That is
// no error: they may be defined before the workflow runs. text is what the document was parsed from.
func (d *Document) UnknownActions(file string, text []byte, known []string) Diagnostics {
	l := actionLint{
		reader: reader{file: file, lines: yaml.Lines(strings.TrimPrefix(string(text), "\uFEFF"))}, known: append(slices.Clone(known), d.ActionNames()...),
	}
	for _, w := range d.Workflows {
		l.workflow(w, w.Name)
	}
	for _, a := range d.Actions {
		l.name(a.Base, a.Name+".base")
	}
	if wb := d.Workbook; wb != nil {
		for _, a := range wb.Actions {
			l.name(a.Base, wb.Name+".actions."+a.Name+".base") // by full name only, as in Mistral
		}
		for _, a := range wb.Actions {
			l.known = append(l.known, a.Name)
		}
		for _, w := range wb.Workflows {
			l.workflow(w, wb.Name+".workflows."+w.Name)
		}
	}
	return l.diags
}

// actionLint looks at names of actions.
type actionLint struct {
	reader
	known []string
}

func (l *actionLint) workflow(w *Workflow, path string) {
	for _, t := range w.Tasks {
		l.name(t.Action, path+".tasks."+t.Name+".action")
	}
}

func (l *actionLint) name(c *Call, path string) {
	if c == nil || !isPlain(c.Name) || slices.Contains(l.known, c.Name.Source()) {
		return
	}
	name := c.Name.Source()
	hint := l.didYouMean(name, l.known)
	if hint == "" {
		hint = "define it before the workflow runs"
	}
	end := 0
	if c.Pos.Line > 0 && c.Pos.Line <= len(l.lines) && strings.Contains(l.lines[c.Pos.Line-1], name) {
		end = c.Pos.Col + utf8.RuneCountInString(name)
	}
	l.add(SeverityWarning, c.Pos, end, path, "unknown-action", hint, fmt.Sprintf("action %s is not known here", name))
}

func isPlain(t *expr.Template) bool {
	_, constant := t.Const()
	return constant && t.Source() != ""
}
