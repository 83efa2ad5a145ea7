// Package openapi makes the OpenAPI 3.1 document of the REST API, and shows it as a page.
//
// The document is made from the table of routes and from the Go types of package apitype: their fields and tags are the
// schemas, their comments the descriptions. Only what no type says (summaries, parameters, statuses) is written by hand,
// beside the routes. A contract test in package api holds the document against what the handlers really answer.
package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
)

// Version of the OpenAPI specification that documents follow.
const Version = "3.1.0"

// Document is an OpenAPI document, as far as this API uses it. It marshals to JSON.
type Document struct {
	OpenAPI    string                  `json:"openapi"`
	Info       Info                    `json:"info"`
	Servers    []Server                `json:"servers"`
	Security   []map[string][]string   `json:"security"`
	Tags       []Tag                   `json:"tags"`
	Paths      map[string]PathItem     `json:"paths"`
	Components Components              `json:"components"`
	operations map[string][]*Operation // by tag, in the order of the table of routes
}

// Info says what is described.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

// Server is an address of the API.
type Server struct {
	URL string `json:"url"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// PathItem holds the operations of a path by the method, in lower case.
type PathItem map[string]*Operation

// Operation is what a method of a path does.
type Operation struct {
	Method      string                 `json:"-"`
	Path        string                 `json:"-"`
	ID          string                 `json:"operationId"`
	Tags        []string               `json:"tags"`
	Summary     string                 `json:"summary"`
	Description string                 `json:"description,omitempty"`
	Parameters  []*Parameter           `json:"parameters,omitempty"`
	RequestBody *RequestBody           `json:"requestBody,omitempty"`
	Responses   map[string]*Response   `json:"responses"`
	Security    *[]map[string][]string `json:"security,omitempty"` // empty: nobody is asked who they are
	Rule        string                 `json:"x-policy-rule,omitempty"`
}

// Parameter is a parameter of an operation, or a reference to one of the components.
type Parameter struct {
	Ref         string             `json:"$ref,omitempty"`
	Name        string             `json:"name,omitempty"`
	In          string             `json:"in,omitempty"` // "path", "query", "header"
	Required    bool               `json:"required,omitempty"`
	Description string             `json:"description,omitempty"`
	Schema      *jsonschema.Schema `json:"schema,omitempty"`
}

// RequestBody is what an operation reads.
type RequestBody struct {
	Required bool                 `json:"required,omitempty"`
	Content  map[string]MediaType `json:"content"`
}

// MediaType is a body in one of its forms.
type MediaType struct {
	Schema *jsonschema.Schema `json:"schema"`
}

// Response is what an operation answers, or a reference to one of the components.
type Response struct {
	Ref         string               `json:"$ref,omitempty"`
	Description string               `json:"description,omitempty"`
	Headers     map[string]Header    `json:"headers,omitempty"`
	Content     map[string]MediaType `json:"content,omitempty"`
}

// Header is a header of an answer, or a reference to one of the components.
type Header struct {
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Schema      *jsonschema.Schema `json:"schema,omitempty"`
}

// Components are what operations refer to.
type Components struct {
	Schemas    map[string]*jsonschema.Schema `json:"schemas"`
	Parameters map[string]*Parameter         `json:"parameters"`
	Responses  map[string]*Response          `json:"responses"`
	Headers    map[string]Header             `json:"headers"`
	Security   map[string]SecurityScheme     `json:"securitySchemes"`
}

// SecurityScheme is a way of saying who one is.
type SecurityScheme struct {
	Type        string `json:"type"`
	In          string `json:"in"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// New is a document without operations.
func New(info Info) *Document {
	return &Document{
		OpenAPI: Version, Info: info, Servers: []Server{{URL: "/"}}, Security: []map[string][]string{{"token": {}}, {}},
		Tags: []Tag{}, Paths: map[string]PathItem{}, operations: map[string][]*Operation{},
		Components: Components{
			Schemas: map[string]*jsonschema.Schema{}, Parameters: map[string]*Parameter{}, Responses: map[string]*Response{},
			Headers: map[string]Header{}, Security: map[string]SecurityScheme{},
		},
	}
}

// Add adds an operation. An operation that is there already, or has no id, is an error.
func (d *Document) Add(op *Operation) error {
	method := strings.ToLower(op.Method)
	item := d.Paths[op.Path]
	if item == nil {
		item = PathItem{}
		d.Paths[op.Path] = item
	}
	if item[method] != nil || op.ID == "" || len(op.Tags) == 0 {
		return fmt.Errorf("%s %s: described twice, or has no id or tag", op.Method, op.Path)
	}
	item[method] = op
	if d.operations[op.Tags[0]] == nil {
		d.Tags = append(d.Tags, Tag{Name: op.Tags[0]})
	}
	d.operations[op.Tags[0]] = append(d.operations[op.Tags[0]], op)
	return nil
}

// Schema is a reference to the schema of a Go value's type; the schema is added to the components.
func (d *Document) Schema(v any) (*jsonschema.Schema, error) {
	t := reflect.TypeOf(v)
	if t.Name() == "" {
		return d.inline(t)
	}
	return d.component(t)
}

// JSON is the document as indented JSON.
func (d *Document) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return append(text, '\n'), nil
}

// YAML is the same document as YAML.
func YAML(text []byte) ([]byte, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil, fmt.Errorf("OpenAPI document as YAML: %w", err)
	}
	block(&node)
	return yaml.Marshal(&node)
}

// block takes the flow style of JSON off a YAML tree. Texts that YAML would read as something else stay in quotes.
func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && strings.Contains(n.Value, "\n") {
		n.Style = yaml.LiteralStyle
	}
	for _, child := range n.Content {
		block(child)
	}
}

// Status is an answer's status as documents write it.
func Status(code int) string { return strconv.Itoa(code) }
