package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"cierzo/api/apitype"
	"cierzo/api/openapi"
)

// What the types and the table of routes don't say about an operation. describe_*.go have one for each route.

// described is an operation as it is written down: by its route, "GET /v2/workflows".
type described struct {
	id, summary string
	path        string // in the document, where it isn't the route's
	query       []param
	// body is a value of the type that is read: a struct is JSON, text a definition or a module, nil nothing.
	body any
	// answer is a value of the type that is answered; nil: nothing.
	answer any
	status int // of success; defaults to 200, of a DELETE to 204
	// also are answers in other forms: content type → what its schema is of.
	also map[string]any
	// refuses are statuses beyond those that follow from the method and the path.
	refuses []int
}

// text is the type of bodies that are texts.
type text string

// either is an answer that has one of several types.
type either []any

// param is a parameter of a query string.
type param struct {
	name, about string
	kind        string   // JSON type; defaults to "string"
	values      []string // that it takes; nil: any
}

// The parameters that many have.
func namespaceParam() param {
	return param{name: "namespace", about: "the namespace to look in; defaults to the empty one"}
}

func fieldsParam() param {
	return param{name: "fields", about: "only these fields, separated by commas; id is always there"}
}

func scopeParam() param {
	return param{name: "scope", about: "who sees it; public is for administrators", values: []string{"private", "public"}}
}

func flagParam(name, about string) param { return param{name: name, about: about, kind: "boolean"} }

// listParams are what a list of the collection takes.
func listParams(c collection) []param {
	out := []param{
		{name: "limit", about: "items of a page, at most 1000", kind: "integer"},
		{name: "marker", about: "the id of the last item of the page before"},
		{name: "sort_keys", about: "columns to sort by, separated by commas; defaults to " + c.sortBy},
		{name: "sort_dirs", about: "asc or desc for each of the sort_keys, separated by commas"},
		fieldsParam(),
		flagParam("all_projects", "of all projects; for administrators"),
	}
	for _, name := range c.flags {
		out = append(out, flagParam(name, "show the output, too"))
	}
	if c.nulls {
		out = append(out, param{name: "nulls", about: "columns that must be null, separated by commas"})
	}
	for _, name := range append(append([]string{}, c.columns...), c.hidden...) {
		about := "filter: `value`, or `op:value` with eq, neq, gt, gte, lt, lte, in, nin, has"
		if name == "tags" {
			about = "filter: all of these tags, separated by commas"
		}
		out = append(out, param{name: name, about: about})
	}
	return out
}

// pathAbout says what the names in paths stand for.
func pathAbout(path, name string) string {
	switch {
	case name == "id" && strings.Contains(path, "_triggers"), name == "id" && strings.Contains(path, "code_sources"), name == "id" && strings.Contains(path, "dynamic_actions"):
		return "its id or its name"
	case name == "id":
		return "its id"
	case name == "name" && strings.Contains(path, "/members"):
		return "the id of the workflow"
	case name == "name":
		return "its name or its id"
	case name == "member":
		return "the project that it is shared with"
	case name == "action":
		return "the id of the action execution"
	case name == "revision":
		return "the number of the revision: 1, 2, …"
	case name == "namespace":
		return "its namespace"
	}
	return ""
}

// operations describe all routes.
func operations() map[string]described {
	out := map[string]described{}
	for _, part := range []map[string]described{
		rootOperations(), definitionOperations(), executionOperations(), taskOperations(), resourceOperations(), viewOperations(),
	} {
		for route, op := range part {
			out[route] = op
		}
	}
	return out
}

// tagOf is the group that a path belongs to.
func tagOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/v2"), "/")
	if len(parts) < 2 || parts[1] == "" || strings.Contains(parts[1], ".") || parts[1] == "{$}" {
		return "service"
	}
	switch parts[1] {
	case "info", "healthcheck", "metrics", "maintenance", "services", "docs":
		return "service"
	}
	return parts[1]
}

// Document is the OpenAPI document of all routes. A route that nothing describes is an error, as is a description of none.
func Document() (*openapi.Document, error) { return document(Routes()) }

func document(table []Route) (*openapi.Document, error) {
	d := openapi.New(openapi.Info{
		Title: "cierzo", Version: "2.0",
		Description: "Version 2 of OpenStack Mistral's REST API, and what cierzo adds to it. Structured fields (input, output, params, …) are JSON inside a string in answers; " +
			"requests take objects, too. Times are UTC.",
	})
	if err := components(d); err != nil {
		return nil, err
	}
	about := operations()
	for _, route := range table {
		name := route.Method + " " + route.Path
		op, ok := about[name]
		if !ok {
			return nil, fmt.Errorf("OpenAPI: nothing describes %s: add it to describe_*.go", name)
		}
		delete(about, name)
		o, err := operation(d, route, op)
		if err != nil {
			return nil, fmt.Errorf("OpenAPI: %s: %w", name, err)
		}
		if err := d.Add(o); err != nil {
			return nil, err
		}
	}
	for name := range about {
		return nil, fmt.Errorf("OpenAPI: %s is described and no route", name)
	}
	return d, nil
}

// refusals are the statuses that requests are refused with.
func refusals() map[int]string {
	return map[int]string{
		400: "Something in the request is wrong: the answer says what.",
		401: "Nobody knows who sent the request.",
		403: "The policy forbids it, or the state of what the request is about.",
		404: "What the request names isn't there.",
		406: "There is no such service.",
		409: "It is there already, or has ended, or was changed by somebody else at the same time.",
		413: "The body is larger than is read.",
		414: "The address is longer than is read.",
		415: "The body's content type or encoding isn't read.",
		423: "The service is in maintenance.",
		500: "A defect of the service. The log has it under the request id.",
		503: "The service can't answer now. Repeat the request with the same id or Idempotency-Key.",
	}
}

// components are what all operations refer to.
func components(d *openapi.Document) error {
	fault, err := d.Schema(apitype.Fault{})
	if err != nil {
		return err
	}
	plain := openapi.MediaType{Schema: &jsonschema.Schema{Type: "string"}}
	for code, about := range refusals() {
		d.Components.Responses[openapi.Status(code)] = &openapi.Response{
			Description: about, Headers: headers(),
			Content: map[string]openapi.MediaType{"application/json": {Schema: fault}, "text/plain": plain},
		}
	}
	d.Components.Headers["RequestID"] = openapi.Header{
		Description: "The id of the request: it is in the log, too.", Schema: &jsonschema.Schema{Type: "string"},
	}
	d.Components.Parameters["IdempotencyKey"] = &openapi.Parameter{
		Name: idempotencyHeader, In: "header", Schema: &jsonschema.Schema{Type: "string", MaxLength: jsonschema.Ptr(keyMax)},
		Description: "The same key of the same project again: the request is carried out once, and answered again.",
	}
	d.Components.Security["token"] = openapi.SecurityScheme{
		Type: "apiKey", In: "header", Name: "X-Auth-Token", Description: "A token of Keystone, or a static one. Without authentication none is needed.",
	}
	return nil
}

func headers() map[string]openapi.Header {
	return map[string]openapi.Header{"X-OpenStack-Request-ID": {Ref: "#/components/headers/RequestID"}}
}

func operation(d *openapi.Document, route Route, op described) (*openapi.Operation, error) {
	path := firstOf(op.path, strings.TrimSuffix(route.Path, "{$}"))
	out := &openapi.Operation{
		Method: route.Method, Path: path, ID: op.id, Tags: []string{tagOf(route.Path)}, Summary: op.summary, Rule: route.Rule,
		Responses: map[string]*openapi.Response{},
	}
	if route.Rule == "" {
		out.Security = &[]map[string][]string{}
	}
	out.Parameters = parameters(route.Method, path, op)
	var err error
	if out.RequestBody, err = requestBody(d, op); err != nil {
		return nil, err
	}
	if op.status != 0 || op.answer != nil || op.also != nil || route.Method == http.MethodDelete {
		status := op.status
		if status == 0 {
			status = map[bool]int{true: http.StatusNoContent, false: http.StatusOK}[route.Method == http.MethodDelete]
		}
		if out.Responses[openapi.Status(status)], err = success(d, op); err != nil {
			return nil, err
		}
	}
	for _, code := range append(expectedRefusals(route, op), op.refuses...) {
		out.Responses[openapi.Status(code)] = &openapi.Response{Ref: "#/components/responses/" + openapi.Status(code)}
	}
	return out, nil
}

// expectedRefusals follow from the route: who asks, what it names, what it changes, what it reads.
func expectedRefusals(route Route, op described) []int {
	out := []int{400, 414, 500, 503}
	if route.Rule != "" {
		out = append(out, 401, 403)
	}
	if strings.Contains(route.Path, "{") {
		out = append(out, 404)
	}
	if byName(route.Path) {
		out = append(out, 409) // several projects have one of the name
	}
	for _, p := range op.query {
		if p.name == "marker" {
			out = append(out, 404)
		}
	}
	if route.Method != http.MethodGet {
		out = append(out, 404, 409, 415, 423)
	}
	if op.body != nil {
		out = append(out, 413)
	}
	return out
}

// byName reports whether a path names something that its name stands for as well as its id.
func byName(path string) bool {
	if strings.Contains(path, "{name}") {
		return true
	}
	return strings.Contains(path, "{id}") && slices.Contains([]string{"cron_triggers", "event_triggers", "code_sources", "dynamic_actions"}, tagOf(path))
}

func parameters(method, path string, op described) []*openapi.Parameter {
	var out []*openapi.Parameter
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			out = append(out, &openapi.Parameter{
				Name: name, In: "path", Required: true, Description: pathAbout(path, name), Schema: &jsonschema.Schema{Type: "string"},
			})
		}
	}
	for _, p := range op.query {
		s := &jsonschema.Schema{Type: firstOf(p.kind, "string")}
		for _, v := range p.values {
			s.Enum = append(s.Enum, v)
		}
		out = append(out, &openapi.Parameter{Name: p.name, In: "query", Description: p.about, Schema: s})
	}
	if method == http.MethodPost || method == http.MethodPut {
		out = append(out, &openapi.Parameter{Ref: "#/components/parameters/IdempotencyKey"})
	}
	return out
}

func requestBody(d *openapi.Document, op described) (*openapi.RequestBody, error) {
	if op.body == nil {
		return nil, nil
	}
	if _, ok := op.body.(text); ok {
		return &openapi.RequestBody{Required: true, Content: map[string]openapi.MediaType{"text/plain": {Schema: &jsonschema.Schema{Type: "string"}}}}, nil
	}
	s, err := d.Schema(op.body)
	return &openapi.RequestBody{Required: true, Content: map[string]openapi.MediaType{"application/json": {Schema: s}}}, err
}

func success(d *openapi.Document, op described) (*openapi.Response, error) {
	out := &openapi.Response{Description: "Done.", Headers: headers()}
	if op.answer == nil && op.also == nil {
		return out, nil
	}
	out.Content = map[string]openapi.MediaType{}
	if op.answer != nil {
		s, err := answerSchema(d, op.answer)
		if err != nil {
			return nil, err
		}
		out.Content["application/json"] = openapi.MediaType{Schema: s}
	}
	for kind, v := range op.also {
		s := &jsonschema.Schema{Type: "string"}
		if _, ok := v.(text); !ok {
			var err error
			if s, err = d.Schema(v); err != nil {
				return nil, err
			}
		}
		out.Content[kind] = openapi.MediaType{Schema: s}
	}
	return out, nil
}

func answerSchema(d *openapi.Document, answer any) (*jsonschema.Schema, error) {
	list, ok := answer.(either)
	if !ok {
		return d.Schema(answer)
	}
	out := &jsonschema.Schema{}
	for _, v := range list {
		s, err := d.Schema(v)
		if err != nil {
			return nil, err
		}
		out.OneOf = append(out.OneOf, s)
	}
	return out, nil
}
