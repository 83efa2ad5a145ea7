package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cierzo/api"
)

// contract holds what the API answers against its OpenAPI document: all requests of this package's tests go through it.
type contract struct {
	operations *http.ServeMux // each handler is an *operation
	mu         sync.Mutex     // of compiler and schemas
	compiler   *jsonschema.Compiler
	schemas    map[string]*jsonschema.Schema
	seen       sync.Map // "GET /v2/x 200"
}

// operation is one of the document's.
type operation struct {
	name    string // "GET /v2/workflows/{name}"
	pointer string // in the document
	body    map[string]any
}

func (*operation) ServeHTTP(http.ResponseWriter, *http.Request) {}

// documentURL names the document for the compiler.
const documentURL = "https://contract.test/openapi.json"

// theContract is the document as all tests see it: compiled once.
var theContract = sync.OnceValues(func() (*contract, error) {
	d, err := api.Document()
	if err != nil {
		return nil, err
	}
	text, err := d.JSON()
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &contract{operations: http.NewServeMux(), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	if err := c.compiler.AddResource(documentURL, doc); err != nil {
		return nil, err
	}
	for path, item := range doc.(map[string]any)["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			name := strings.ToUpper(method) + " " + path
			pattern := name
			if strings.HasSuffix(path, "/") {
				pattern += "{$}"
			}
			c.operations.Handle(pattern, &operation{
				name: name, pointer: "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method, body: op.(map[string]any),
			})
		}
	}
	return c, nil
})

// find finds the operation of a request; nil: the document has none.
func (c *contract) find(r *http.Request) *operation {
	probe := r.Clone(r.Context())
	path := strings.TrimPrefix(probe.URL.Path, "/workflowv2")
	if trimmed := strings.TrimSuffix(path, "/"); path != "/v2/" && trimmed != "" {
		path = trimmed
	}
	probe.URL.Path, probe.URL.RawPath = path, ""
	h, pattern := c.operations.Handler(probe)
	op, ok := h.(*operation)
	if !ok || !strings.HasPrefix(pattern, r.Method+" ") {
		return nil
	}
	return op
}

// schema compiles the schema at a place of the document, without `required` if partly.
func (c *contract) schema(pointer string, partly bool) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := pointer + strconv.FormatBool(partly)
	if s := c.schemas[key]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		return nil, err
	}
	if partly {
		s = withoutRequired(s, map[*jsonschema.Schema]*jsonschema.Schema{})
	}
	c.schemas[key] = s
	return s, nil
}

// withoutRequired is a schema of which fields may be left out, as the parameter `fields` does.
func withoutRequired(s *jsonschema.Schema, done map[*jsonschema.Schema]*jsonschema.Schema) *jsonschema.Schema {
	if s == nil || done[s] != nil {
		return done[s]
	}
	copied := *s
	done[s] = &copied
	copied.Required = nil
	copied.Ref = withoutRequired(s.Ref, done)
	copied.Items2020 = withoutRequired(s.Items2020, done)
	copied.Properties = map[string]*jsonschema.Schema{}
	for name, p := range s.Properties {
		copied.Properties[name] = withoutRequired(p, done)
	}
	return &copied
}

// recorded is an answer with a copy of its body.
type recorded struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *recorded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorded) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorded) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.body.Write(data)
	return w.ResponseWriter.Write(data)
}

// hold wraps a handler: what it answers must be in the document.
func (c *contract) hold(t *testing.T, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		request := r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		out := &recorded{ResponseWriter: w}
		h.ServeHTTP(out, r)
		if err := c.check(request, sent.Bytes(), out); err != nil {
			t.Errorf("%s %s: not as in the OpenAPI document: %v\nsent: %.300s\nanswer: %d %.600s", r.Method, request.URL.RequestURI(), err, sent.String(), out.status, out.body.String())
		}
	})
}

// check compares a request and its answer with the document.
func (c *contract) check(r *http.Request, sent []byte, out *recorded) error {
	op := c.find(r)
	if op == nil {
		return foreign(r, out)
	}
	status := strconv.Itoa(out.status)
	c.seen.Store(op.name+" "+status, true)
	response, ok := op.body["responses"].(map[string]any)[status].(map[string]any)
	if !ok {
		return fmt.Errorf("%s has no status %s", op.name, status)
	}
	pointer := op.pointer + "/responses/" + status
	if ref, ok := response["$ref"].(string); ok {
		pointer = strings.TrimPrefix(ref, "#")
	}
	if out.Header().Get("X-Openstack-Request-Id") == "" {
		return fmt.Errorf("the answer has no request id")
	}
	if out.status < 300 {
		if err := c.checkRequest(op, r, sent); err != nil {
			return fmt.Errorf("the request was taken: %w", err)
		}
	}
	return c.checkBody(pointer, r, response, out)
}

// foreign checks what belongs to no operation: it is refused as plain text, or redirected.
func foreign(r *http.Request, out *recorded) error {
	allowed := []int{
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusFound, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest,
		http.StatusRequestURITooLong, http.StatusUnsupportedMediaType,
	}
	if r.Method == http.MethodHead || slices.Contains(allowed, out.status) {
		return nil
	}
	return fmt.Errorf("the document has no such operation")
}

func (c *contract) checkBody(pointer string, r *http.Request, response map[string]any, out *recorded) error {
	content, _ := response["content"].(map[string]any)
	if response["$ref"] != nil {
		content = map[string]any{"application/json": nil, "text/plain": nil}
	}
	if content == nil {
		if out.body.Len() > 0 {
			return fmt.Errorf("there is a body")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(out.Header().Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", out.Header().Get("Content-Type"), err)
	}
	if _, ok := content[kind]; !ok {
		return fmt.Errorf("the content type %s is not one of %v", kind, slices.Sorted(maps.Keys(content)))
	}
	if kind != "application/json" {
		return nil
	}
	partly := r.URL.Query().Get("fields") != "" && out.status < 300
	return c.validate(pointer+"/content/application~1json/schema", partly, out.body.Bytes())
}

func (c *contract) validate(pointer string, partly bool, data []byte) error {
	s, err := c.schema(pointer, partly)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// checkRequest: what was taken is described, too.
func (c *contract) checkRequest(op *operation, r *http.Request, sent []byte) error {
	names := map[string]bool{}
	list, _ := op.body["parameters"].([]any)
	for _, p := range list {
		if name, ok := p.(map[string]any)["name"].(string); ok && p.(map[string]any)["in"] == "query" {
			names[name] = true
		}
	}
	for name := range r.URL.Query() {
		if !names[name] {
			return fmt.Errorf("the parameter %q is not described", name)
		}
	}
	body, _ := op.body["requestBody"].(map[string]any)
	if body == nil {
		if len(sent) > 0 {
			return fmt.Errorf("no body is described")
		}
		return nil
	}
	if body["content"].(map[string]any)["application/json"] == nil {
		return nil
	}
	return c.validate(op.pointer+"/requestBody/content/application~1json/schema", false, sent)
}

// unseen lists the operations that no test has got a success of.
func (c *contract) unseen() []string {
	d, err := api.Document()
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for path, item := range d.Paths {
		for method, op := range item {
			for status := range op.Responses {
				name := strings.ToUpper(method) + " " + path + " " + status
				if _, ok := c.seen.Load(name); !ok && status[0] == '2' {
					out = append(out, name)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestContractNotices: the contract isn't kept by not looking. Each of these answers is wrong in one thing.
func TestContractNotices(t *testing.T) {
	t.Parallel()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	env := `"id": "1", "name": "e", "scope": "private", "project_id": "p", "created_at": null`
	for _, test := range []struct {
		name, request, kind, body, want string
		status                          int
	}{
		{"good", "GET /v2/environments/e", "application/json", `{` + env + `}`, "", 200},
		{"part", "GET /v2/environments/e?fields=name", "application/json", `{"id": "1"}`, "", 200},
		{"status", "GET /v2/environments/e", "application/json", `{` + env + `}`, "no status 201", 201},
		{"field missing", "GET /v2/environments/e", "application/json", `{"id": "1"}`, "missing properties", 200},
		{"field unknown", "GET /v2/environments/e", "application/json", `{` + env + `, "more": 1}`, "additional properties", 200},
		{"type", "GET /v2/environments/e", "application/json", `{` + env + `, "variables": {}}`, "want null or string", 200},
		{"value", "GET /v2/environments/e", "application/json", strings.Replace(`{`+env+`}`, "private", "hidden", 1), "value must be one of", 200},
		{"content type", "GET /v2/environments/e", "text/html", `<p>`, "content type", 200},
		{"no operation", "GET /v2/nowhere", "application/json", `{}`, "no such operation", 200},
		{"error's form", "GET /v2/environments/e", "application/json", `{"error": "x"}`, "faultstring", 404},
		{"parameter", "GET /v2/environments/e?more=1", "application/json", `{` + env + `}`, `"more" is not described`, 200},
		{"body", "DELETE /v2/environments/e", "application/json", `{}`, "there is a body", 204},
	} {
		method, target, _ := strings.Cut(test.request, " ")
		out := &recorded{ResponseWriter: httptest.NewRecorder(), status: test.status}
		out.Header().Set("Content-Type", test.kind)
		out.Header().Set("X-Openstack-Request-Id", "req-1")
		out.body.WriteString(test.body)
		err := c.check(httptest.NewRequestWithContext(t.Context(), method, target, nil), nil, out)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// TestOpenAPIIsWhole: each route is in the document, with its rule, and nothing else is.
func TestOpenAPIIsWhole(t *testing.T) {
	t.Parallel()
	w := open(t, cfgOfTest())
	a := w.get("/v2/openapi.json").want(200)
	var doc struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(a.text), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	ids := map[string]bool{}
	for _, r := range api.Routes() {
		path := strings.TrimSuffix(r.Path, "{$}")
		if path == "/v2" {
			path = "/v2/"
		}
		op := doc.Paths[path][strings.ToLower(r.Method)]
		if op == nil {
			t.Errorf("%s %s is not in the document", r.Method, r.Path)
			continue
		}
		delete(doc.Paths[path], strings.ToLower(r.Method))
		if rule, _ := op["x-policy-rule"].(string); rule != r.Rule {
			t.Errorf("%s %s: rule %q, want %q", r.Method, r.Path, rule, r.Rule)
		}
		id, _ := op["operationId"].(string)
		if ids[id] || id == "" {
			t.Errorf("%s %s: the id %q is there twice, or missing", r.Method, r.Path, id)
		}
		ids[id] = true
	}
	for path, item := range doc.Paths {
		for method := range item {
			t.Errorf("%s %s is no route", method, path)
		}
	}
}
