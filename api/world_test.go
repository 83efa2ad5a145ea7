package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cierzo/api"
	"cierzo/api/client"
	"cierzo/internal/slogtest"
	"cierzo/node"
)

// world is a node and its REST API over real HTTP.
type world struct {
	t      *testing.T
	node   *node.Node
	url    string
	client *client.Client
	header http.Header // sent with each request
}

// world starts a node; cfg's zero value is one in memory.
func open(t *testing.T, cfg node.Config) *world {
	t.Helper()
	if cfg.Store == "" {
		cfg.Store = "memory:"
	}
	cfg.Logger, _ = slogtest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	n, err := node.New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	contract, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(contract.hold(t, n.Handler()))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, node: n, url: server.URL, client: c, header: http.Header{}}
}

// sqlite is the configuration of a node on a file.
func sqlite(t *testing.T) node.Config {
	return node.Config{Store: "sqlite://" + filepath.Join(t.TempDir(), "api.db")}
}

// as is the same API for somebody else.
func (w *world) as(headers ...string) *world {
	other := *w
	other.header = w.header.Clone()
	for i := 0; i < len(headers); i += 2 {
		other.header.Set(headers[i], headers[i+1])
	}
	return &other
}

func (w *world) admin() *world { return w.as("X-Roles", "admin") }

// byHeader is a policy for tests: the project and whether one is an administrator are in headers.
func byHeader(r *http.Request, rule string) (api.Caller, error) {
	c := api.Caller{ProjectID: r.Header.Get("X-Project-Id"), UserID: r.Header.Get("X-User-Id"), Admin: r.Header.Get("X-Roles") == "admin"}
	if api.AdminOnly(rule) && !c.Admin {
		return c, api.ErrForbidden()
	}
	return c, nil
}

// answer is what the API has said.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	text   string
	body   any
}

// do sends a request. body is nil, a text (of a definition), or anything that has a JSON form.
func (w *world) do(method, path string, body any) *answer {
	w.t.Helper()
	var data io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case string:
		data, kind = strings.NewReader(b), "text/plain"
	case json.RawMessage:
		data, kind = bytes.NewReader(b), "application/json"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		data, kind = bytes.NewReader(raw), "application/json"
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, data)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, v := range w.header {
		req.Header[name] = v
	}
	if kind != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", kind)
	}
	return w.send(req)
}

// plainClient follows no redirects.
func plainClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *world) send(req *http.Request) *answer {
	w.t.Helper()
	resp, err := plainClient().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := &answer{t: w.t, what: req.Method + " " + req.URL.RequestURI(), status: resp.StatusCode, header: resp.Header, text: string(data)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && req.Method != http.MethodHead {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&a.body); err != nil {
			w.t.Errorf("%s: the answer is no JSON: %q", a.what, data)
		}
	}
	return a
}

func (w *world) get(path string) *answer         { w.t.Helper(); return w.do("GET", path, nil) }
func (w *world) post(path string, b any) *answer { w.t.Helper(); return w.do("POST", path, b) }
func (w *world) put(path string, b any) *answer  { w.t.Helper(); return w.do("PUT", path, b) }
func (w *world) remove(path string) *answer      { w.t.Helper(); return w.do("DELETE", path, nil) }
func (w *world) define(text string) *answer {
	w.t.Helper()
	return w.post("/v2/workflows", text).want(201)
}

func object(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// want checks the status.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d %s, want %d", a.what, a.status, a.text, status)
	}
	return a
}

// refused checks the status and the text of an error.
func (a *answer) refused(status int, text string) {
	a.t.Helper()
	got := a.text
	if m, ok := a.body.(map[string]any); ok {
		got, _ = m["faultstring"].(string)
	}
	if a.status != status || !strings.Contains(got, text) {
		a.t.Errorf("%s: %d %s, want %d with %q", a.what, a.status, a.text, status, text)
	}
}

// at is the text of what a path leads to: "workflows.0.name"; "#" counts; "-" is nothing there, "null" is null.
func (a *answer) at(path string) string {
	a.t.Helper()
	v := a.body
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[part]
			if !ok {
				return "-"
			}
			v = next
		case []any:
			if part == "#" {
				return strconv.Itoa(len(x))
			}
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(x) {
				return "-"
			}
			v = x[i]
		case string:
			var inner any
			if json.Unmarshal([]byte(x), &inner) != nil {
				return "-"
			}
			m, ok := inner.(map[string]any)
			if !ok {
				return "-"
			}
			if v, ok = m[part]; !ok {
				return "-"
			}
		default:
			return "-"
		}
	}
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return x
	case json.Number, bool:
		return fmt.Sprint(x)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(raw)
}

// has checks what paths lead to: pairs of a path and a text.
func (a *answer) has(pairs ...string) *answer {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := a.at(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s: %s is %q, want %q\n%s", a.what, pairs[i], got, pairs[i+1], a.text)
		}
	}
	return a
}

// column lists what a path leads to in each item of a list.
func (a *answer) column(list, path string) string {
	a.t.Helper()
	items, _ := a.body.(map[string]any)[list].([]any)
	var out []string
	for i := range items {
		out = append(out, a.at(fmt.Sprintf("%s.%d.%s", list, i, path)))
	}
	return strings.Join(out, " ")
}

// run starts a workflow and waits for its end or its pause.
func (w *world) run(workflow string, pairs ...any) string {
	w.t.Helper()
	body := object(pairs...)
	body["workflow_name"] = workflow
	a := w.post("/v2/executions?wait=30s", body).want(201)
	return a.at("id")
}

// start starts a workflow.
func (w *world) start(workflow string, pairs ...any) string {
	w.t.Helper()
	body := object(pairs...)
	body["workflow_name"] = workflow
	return w.post("/v2/executions", body).want(201).at("id")
}

// until repeats a look until it is as wanted.
func (w *world) until(path, at, want string) *answer {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		a := w.get(path)
		if a.status == 200 && a.at(at) == want {
			return a
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: %s never is %q:\n%s", path, at, want, a.text)
		}
		<-tick.C
	}
}

const flows = `
version: '2.0'
hello:
  description: says hello
  tags: [greeting, test]
  input: [name, {greeting: hello}]
  output: {text: <% $.text %>}
  tasks:
    greet:
      action: std.echo output="<% $.greeting %> <% $.name %>"
      publish: {text: <% task().result %>}
fails:
  tasks:
    bad: {action: std.fail}
waits:
  tasks:
    ask: {action: std.async_noop, on-success: done}
    done: {action: std.noop}
parent:
  tasks:
    sub: {workflow: child, on-success: end}
    end: {action: std.noop}
child:
  tasks:
    leaf: {action: std.noop, on-success: grand}
    grand: {workflow: fails, on-error: noop}
globals:
  tasks:
    pub:
      action: std.noop
      on-success:
        publish: {global: {shared: 1}}
`
