package openapi

import (
	"embed"
	"html/template"
	"io"
	"maps"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// The page is made here, of the document: it needs no script to be read, and nothing from any network. Its script only
// filters.
//
//go:embed page.html docs.css docs.js
var assets embed.FS

// Asset is a file that the page loads, with its content type.
func Asset(name string) ([]byte, string, bool) {
	if name != "docs.css" && name != "docs.js" {
		return nil, "", false
	}
	data, err := assets.ReadFile(name)
	return data, mime.TypeByExtension(path.Ext(name)), err == nil
}

// pageGroup is a tag with its operations.
type pageGroup struct {
	Name       string
	Operations []*Operation
}

// pageSchema is a schema with its name.
type pageSchema struct {
	Name   string
	Schema *jsonschema.Schema
}

// Page writes the document as a page.
func (d *Document) Page(w io.Writer) error {
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"kind": kindOf, "required": func(s *jsonschema.Schema, name string) bool { return slices.Contains(s.Required, name) },
		"order": propertyNames, "parameter": d.parameter, "response": d.response, "codes": codes, "lower": strings.ToLower,
	}).ParseFS(assets, "page.html")
	if err != nil {
		return err
	}
	var groups []pageGroup
	for _, tag := range d.Tags {
		groups = append(groups, pageGroup{tag.Name, d.operations[tag.Name]})
	}
	var schemas []pageSchema
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		schemas = append(schemas, pageSchema{name, d.Components.Schemas[name]})
	}
	return t.Execute(w, map[string]any{"Document": d, "Groups": groups, "Schemas": schemas})
}

func (d *Document) parameter(p *Parameter) *Parameter {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
		return d.Components.Parameters[name]
	}
	return p
}

func (d *Document) response(r *Response) *Response {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		return d.Components.Responses[name]
	}
	return r
}

func codes(op *Operation) []string { return slices.Sorted(maps.Keys(op.Responses)) }

func propertyNames(s *jsonschema.Schema) []string {
	if len(s.PropertyOrder) > 0 {
		return s.PropertyOrder
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

// pageKind is a schema in a few words; Ref is the name of the schema that it is or holds.
type pageKind struct{ Text, Ref, After string }

func kindOf(s *jsonschema.Schema) pageKind {
	switch {
	case s == nil:
		return pageKind{Text: "nothing"}
	case s.Ref != "":
		return pageKind{Ref: Name(s.Ref)}
	case s.Type == "array":
		k := kindOf(s.Items)
		return pageKind{Text: "list of " + k.Text, Ref: k.Ref, After: k.After}
	case len(s.Types) > 0:
		return pageKind{Text: strings.Join(s.Types, " or ")}
	case len(s.OneOf) > 0:
		parts := make([]string, 0, len(s.OneOf))
		for _, o := range s.OneOf {
			parts = append(parts, kindOf(o).Text+kindOf(o).Ref)
		}
		return pageKind{Text: strings.Join(parts, " or ")}
	case s.Type != "":
		return pageKind{Text: s.Type}
	}
	return pageKind{Text: "any JSON"}
}
