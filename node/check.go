package node

import (
	"encoding/json"
	"errors"
	"strings"

	"cierzo/catalog"
	"cierzo/dsl"
	"cierzo/dsl/yaml"
	"cierzo/expr/value"
	"cierzo/fault"
)

// Checked is what a text defines.
type Checked struct {
	Workbook  string   // the workbook's name; "" when the text is a list
	Workflows []string // in the order of the text; a workbook's with its name in front
	Actions   []string
}

// Check parses a text as Upload does, and stores nothing. The error lists every problem with its place.
func Check(file string, text []byte) (*Checked, error) {
	doc, diags, err := catalog.Check(catalog.Upload{File: file, Text: text})
	if err == nil {
		err = diags.Err()
	}
	if err != nil {
		return nil, err
	}
	out := &Checked{}
	workflows, actions, prefix := doc.Workflows, doc.Actions, ""
	if doc.Workbook != nil {
		out.Workbook, prefix = doc.Workbook.Name, doc.Workbook.Name+"."
		workflows, actions = doc.Workbook.Workflows, doc.Workbook.Actions
	}
	for _, w := range workflows {
		out.Workflows = append(out.Workflows, prefix+w.Name)
	}
	for _, a := range actions {
		out.Actions = append(out.Actions, prefix+a.Name)
	}
	return out, nil
}

// YAMLToJSON reads a YAML document as the engine reads definitions, and writes it as JSON.
func YAMLToJSON(file string, text []byte) (json.RawMessage, error) {
	v, err := yaml.Decode(file, text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", file)
	}
	return value.AppendJSON(nil, v)
}

// Explain is an error's text for people: where it is a document's fault, each problem with its place, the line of the
// text, a caret and a hint.
func Explain(err error) string {
	var diags dsl.Diagnostics
	if errors.As(err, &diags) {
		return strings.TrimRight(diags.Render(), "\n")
	}
	return "cierzo: " + err.Error()
}
