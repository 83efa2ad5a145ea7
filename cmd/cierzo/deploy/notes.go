package deploy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cierzo/cmd/cierzo/input"
	"cierzo/node"
)

// Note says what somebody should know of a thing: an error keeps it from working, a warning is what will behave differently.
type Note struct {
	Level string `json:"level"` // "error", "warning"
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	Code  string `json:"code"` // a stable name: a rule of lint, or "unknown-action", "unknown-workflow", …
	Line  int    `json:"line,omitempty"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// Known is what a server has, for checking what definitions name.
type Known struct {
	Actions   []string
	Workflows []string
}

// Check looks at definitions as an upload would, and at the actions and workflows that they name: known is what the target
// has, to which the items' own are added.
func Check(items []Item, known Known) []Note {
	var out []Note
	docs := make([]*document, len(items))
	for n := range items {
		i := &items[n]
		if len(i.Text) == 0 {
			continue
		}
		for _, f := range node.Lint(i.Origin, i.Text).List {
			if f.Code == "unknown-action" { // what the target has and gets is known below only
				continue
			}
			out = append(out, Note{Level: f.Severity, Kind: i.Kind, Name: i.Name(), Code: f.Code, Line: f.Line, Text: f.Message, Hint: f.Hint})
		}
		docs[n] = readDocument(i)
		known.Actions = append(known.Actions, docs[n].actions...)
		known.Workflows = append(known.Workflows, docs[n].workflows...)
	}
	for n := range items {
		if docs[n] != nil {
			out = append(out, docs[n].unknown(&items[n], known)...)
		}
	}
	return out
}

// document is what a text defines and what it names.
type document struct {
	actions, workflows         []string // defined, with the workbook's name in front
	usesActions, usesWorkflows []string
	book                       string
}

type tree = map[string]any

// readDocument finds the names; of a text that can't be read it finds none, which lint has said already.
func readDocument(i *Item) *document {
	d := &document{}
	raw, err := node.YAMLToJSON(i.Origin, i.Text)
	if err != nil {
		return d
	}
	var root tree
	if json.Unmarshal(raw, &root) != nil {
		return d
	}
	switch i.Kind {
	case Workbook:
		d.book, _ = root["name"].(string)
		d.actionSpecs(mapping(root["actions"]), d.book+".")
		d.workflowSpecs(mapping(root["workflows"]), d.book+".")
	case Action:
		d.actionSpecs(root, "")
	case Workflow:
		d.workflowSpecs(root, "")
	}
	return d
}

func mapping(v any) tree {
	m, _ := v.(tree)
	return m
}

func (d *document) actionSpecs(specs tree, prefix string) {
	for name, v := range specs {
		if spec := mapping(v); spec != nil {
			d.actions = append(d.actions, prefix+name)
			d.use(&d.usesActions, spec["base"])
		}
	}
}

func (d *document) workflowSpecs(specs tree, prefix string) {
	for name, v := range specs {
		spec := mapping(v)
		if spec == nil {
			continue
		}
		d.workflows = append(d.workflows, prefix+name)
		for _, t := range mapping(spec["tasks"]) {
			d.use(&d.usesActions, mapping(t)["action"])
			d.use(&d.usesWorkflows, mapping(t)["workflow"])
		}
	}
}

// use notes a name; what follows it in the same text are arguments, and what is computed nobody knows before.
func (d *document) use(list *[]string, v any) {
	text, _ := v.(string)
	name, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if name == "" || strings.Contains(name, "<%") || strings.Contains(name, "{{") || slices.Contains(*list, name) {
		return
	}
	*list = append(*list, name)
}

// unknown says which names mean nothing on the target.
func (d *document) unknown(i *Item, known Known) []Note {
	var out []Note
	for _, u := range []struct {
		code, what string
		uses, has  []string
	}{
		{"unknown-action", "action", d.usesActions, known.Actions},
		{"unknown-workflow", "workflow", d.usesWorkflows, known.Workflows},
	} {
		slices.Sort(u.uses)
		for _, name := range u.uses {
			if slices.Contains(u.has, name) || d.book != "" && slices.Contains(u.has, d.book+"."+name) {
				continue
			}
			text := fmt.Sprintf("it uses the %s %s, which the target doesn't have%s", u.what, name, input.Suggest(name, u.has))
			hint := ""
			if u.what == "action" {
				hint = "a runner has to offer it"
			}
			out = append(out, Note{Level: "warning", Kind: i.Kind, Name: i.Name(), Code: u.code, Text: text, Hint: hint})
		}
	}
	return out
}
