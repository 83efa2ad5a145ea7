package apitype

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
)

// source is this package's own text: the OpenAPI document has its comments as descriptions.
//
//go:embed apitype.go bodies.go resources.go views.go
var source embed.FS

// Comments are the comments of this package: of types by their name, of fields by "Type.json_name".
func Comments() map[string]string {
	out := map[string]string{}
	files, err := source.ReadDir(".")
	if err != nil {
		return out
	}
	for _, f := range files {
		text, err := source.ReadFile(f.Name())
		if err != nil {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok {
				typeComments(out, g)
			}
		}
	}
	return out
}

func typeComments(out map[string]string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		out[t.Name.Name] = sentence(t.Name.Name, doc.Text())
		fields, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			if f.Tag == nil {
				continue
			}
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				continue
			}
			name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			text := f.Doc.Text()
			if text == "" {
				text = f.Comment.Text()
			}
			if text = strings.TrimSpace(text); text != "" {
				out[t.Name.Name+"."+name] = text
			}
		}
	}
}

// sentence takes the name of the type off the beginning of its comment: "Workflow is a workflow definition." says what it
// is.
func sentence(name, doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(doc, name+verb); ok {
			return strings.ToUpper(rest[:1]) + rest[1:]
		}
	}
	return doc
}
