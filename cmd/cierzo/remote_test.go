package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cierzo/cmd/cierzo/show"
)

// serve starts a server for the rest of a script, and names it in CIERZO_SERVER: serve [flag…]
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve [flag…]")
	}
	ctx, stop := context.WithCancel(context.Background())
	var log output
	ended := make(chan int, 1)
	dir := ts.MkAbs("data")
	args = slices.Concat([]string{"server", "--data-dir", dir, "--listen", "127.0.0.1:0"}, args)
	go func() { ended <- run(ctx, args, strings.NewReader(""), &log, &log) }()
	ts.Defer(func() {
		stop()
		<-ended
	})
	re := regexp.MustCompile(`REST API (http://[^/]+)/v2`)
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := re.FindStringSubmatch(log.String()); m != nil {
			ts.Setenv("CIERZO_SERVER", m[1])
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("the server never says where it listens:\n%s", &log)
		case code := <-ended:
			ts.Fatalf("the server ended with code %d:\n%s", code, &log)
		case <-tick.C:
		}
	}
}

// capture puts what a command prints into a variable: capture NAME cierzo …
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: capture variable command [args…]")
	}
	ts.Check(ts.Exec(args[1], args[2:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// fakeMistral answers lists as rest.md of Mistral says: pages with markers and next, JSON inside of texts, and the marker's own
// action once more at the beginning of the next page.
type fakeMistral struct {
	*httptest.Server
	mu       sync.Mutex
	lists    map[string][]map[string]any
	requests []string
	broken   map[string]bool // paths that answer 500
}

// pageMax is so small that every list has several pages.
const pageMax = 2

func newFakeMistral(t *testing.T) *fakeMistral {
	m := &fakeMistral{lists: map[string][]map[string]any{}, broken: map[string]bool{}}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(m.Close)
	return m
}

func (m *fakeMistral) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, r.Method+" "+r.URL.Path)
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v2"), "/"), "/")
	reply := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	list, ok := m.lists[parts[0]]
	switch {
	case m.broken[r.URL.Path]:
		reply(http.StatusInternalServerError, map[string]any{"faultcode": "Server", "faultstring": "a server error", "debuginfo": nil})
	case !ok || r.Method != http.MethodGet:
		reply(http.StatusNotFound, map[string]any{"faultstring": "no such path"})
	case len(parts) > 1:
		for _, item := range list {
			if item["name"] == parts[1] || item["id"] == parts[1] {
				reply(http.StatusOK, item)
				return
			}
		}
		reply(http.StatusNotFound, map[string]any{"faultcode": "Client", "faultstring": parts[1] + " not found", "debuginfo": nil})
	default:
		reply(http.StatusOK, m.page(r, parts[0], list))
	}
}

func (m *fakeMistral) page(r *http.Request, name string, list []map[string]any) map[string]any {
	if marker := r.URL.Query().Get("marker"); marker != "" {
		i := slices.IndexFunc(list, func(o map[string]any) bool { return o["id"] == marker })
		if name != "actions" {
			i++
		}
		list = list[i:]
	}
	body := map[string]any{}
	if len(list) >= pageMax {
		list = list[:pageMax]
		body["next"] = fmt.Sprintf("%s/v2/%s?sort_keys=created_at,id&sort_dirs=asc,asc&limit=%d&marker=%s", m.URL, name, pageMax, list[len(list)-1]["id"])
	}
	body[name] = list
	return body
}

func (m *fakeMistral) add(collection string, items ...map[string]any) {
	for _, item := range items {
		if item["id"] == nil {
			item["id"] = fmt.Sprintf("%s-%d", collection, len(m.lists[collection]))
		}
		m.lists[collection] = append(m.lists[collection], item)
	}
}

// definition is a workflow, workbook or ad-hoc action as a list has it.
func definition(name, namespace, text string) map[string]any {
	return map[string]any{"name": name, "namespace": namespace, "scope": "private", "tags": []string{}, "definition": text, "project_id": "p", "created_at": "2026-01-01 00:00:00"}
}

// old is a Mistral with something of everything.
func old(t *testing.T) *fakeMistral {
	m := newFakeMistral(t)
	both := "version: '2.0'\none:\n  tasks:\n    a: {action: std.noop}\ntwo:\n  tasks:\n    a: {action: nova.servers_make_tea}\n    b: {workflow: nowhere}\n"
	m.add("workflows",
		definition("one", "", both), definition("two", "", both),
		definition("tools.call", "", "version: '2.0'\ncall:\n  tasks:\n    a: {action: std.noop}\n"),
		definition("spaced", "ns", "version: '2.0'\nspaced:\n  tags: [kept]\n  tasks:\n    a: {action: shout what=\"x\"}\n"),
		definition("broken", "", "version: '2.0'\nbroken:\n  tasks:\n    a: {action: std.noop, on-success: nothing}\n"),
	)
	m.add("workbooks", definition("tools", "", "version: '2.0'\nname: tools\nactions:\n  say: {base: std.echo, base-input: {output: x}}\nworkflows:\n  call:\n    tasks:\n      a: {action: say}\n"))
	system := map[string]any{"name": "std.noop", "is_system": true, "definition": nil, "scope": "public", "namespace": ""}
	m.add("actions", system, definition("shout", "", "version: '2.0'\nshout: {base: std.echo, base-input: {output: \"<% $.what %>\"}, input: [what]}\n"),
		definition("tools.say", "", "say: {base: std.echo, base-input: {output: x}}\n"), map[string]any{"name": "std.fail", "is_system": true, "definition": "", "namespace": ""})
	for _, name := range []string{"prod", "test", "stage"} {
		m.add("environments", map[string]any{"name": name, "description": "of " + name, "scope": "private", "variables": `{"region": "eu", "big": 12345678901234567890}`})
	}
	m.add("cron_triggers",
		map[string]any{"name": "nightly", "workflow_name": "one", "workflow_id": "workflows-0", "pattern": "30 2 * * *", "workflow_input": "{}", "workflow_params": `{"env": "prod"}`, "remaining_executions": nil, "first_execution_time": nil, "next_execution_time": "2026-12-01 02:30:00", "scope": "private"},
		map[string]any{"name": "over", "workflow_name": "one", "workflow_id": "workflows-0", "pattern": "0 0 30 2 0", "workflow_input": "{}", "workflow_params": "{}", "remaining_executions": 1, "first_execution_time": "2020-01-01 00:00:00", "next_execution_time": "2020-01-01 00:00:00", "scope": "private"},
		map[string]any{"name": "of_broken", "workflow_name": "broken", "workflow_id": "workflows-4", "pattern": "@hourly", "workflow_input": "{}", "workflow_params": "{}", "remaining_executions": 3, "first_execution_time": nil, "next_execution_time": "2026-12-01 03:00:00", "scope": "private"},
	)
	m.add("event_triggers", map[string]any{"name": "created", "workflow_id": "workflows-1", "exchange": "nova", "topic": "notifications", "event": "compute.instance.create.end", "workflow_input": "{}", "workflow_params": "{}", "scope": "private"})
	m.add("dynamic_actions", map[string]any{"name": "tea", "class_name": "Tea", "code_source_name": "kitchen"})
	return m
}

// result is what `import -o json` prints.
type result struct {
	Steps []struct{ Step, Kind, Name, Namespace, Result, Error string }
	Notes []struct{ Level, Kind, Name, Code, Text string }
}

func (r *result) has(t *testing.T, kind, name, step, outcome string) {
	t.Helper()
	for _, s := range r.Steps {
		if s.Kind == kind && s.Name == name {
			if s.Step != step || s.Result != outcome {
				t.Errorf("%s %s: %s, %q (%s), want %s, %q", kind, name, s.Step, s.Result, s.Error, step, outcome)
			}
			return
		}
	}
	t.Errorf("no step for %s %s in %+v", kind, name, r.Steps)
}

func (r *result) notes(code, name string) bool {
	for _, n := range r.Notes {
		if n.Code == code && n.Name == name {
			return true
		}
	}
	return false
}

func importFrom(t *testing.T, code int, from, to string, flags ...string) *result {
	t.Helper()
	out, _ := command(t, code, slices.Concat([]string{"import", "--from", from, "--server", to, "-o", "json"}, flags)...)
	var r result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return &r
}

func TestImport(t *testing.T) {
	t.Parallel()
	m, url := old(t), startServer(t)

	r := importFrom(t, show.OK, m.URL+"/v2", url, "--dry-run")
	r.has(t, "workflow", "one, two", "create", "")
	if list, _ := command(t, show.OK, "workflow", "list", "--server", url, "-o", "name"); list != "" {
		t.Errorf("a dry run has made workflows: %s", list)
	}

	r = importFrom(t, show.Failed, m.URL, url) // broken can't be stored, and so its trigger can't
	for _, s := range [][2]string{
		{"workflow", "one, two"},
		{"workflow", "spaced"},
		{"workbook", "tools"},
		{"action", "shout"},
		{"environment", "prod"},
		{"environment", "test"},
		{"environment", "stage"},
		{"cron-trigger", "nightly"},
		{"event-trigger", "created"},
	} {
		r.has(t, s[0], s[1], "create", "done")
	}
	r.has(t, "workflow", "broken", "create", "failed")
	r.has(t, "cron-trigger", "of_broken", "create", "failed")
	for _, n := range [][2]string{{"unknown-action", "one, two"}, {"unknown-workflow", "one, two"}, {"over", "over"}, {"python", "tea"}} {
		if !r.notes(n[0], n[1]) {
			t.Errorf("no note %s for %s in %+v", n[0], n[1], r.Notes)
		}
	}
	for _, n := range r.Notes {
		if n.Code == "unknown-action" && (strings.Contains(n.Text, "shout") || strings.Contains(n.Text, " say")) {
			t.Errorf("an action that is copied is called unknown: %s", n.Text)
		}
	}
	if text, _ := command(t, show.OK, "environment", "get", "prod", "--server", url, "-o", "json"); !strings.Contains(text, "12345678901234567890") {
		t.Errorf("a large number has changed: %s", text)
	}
	if text, _ := command(t, show.OK, "workflow", "get", "spaced", "--namespace", "ns", "--server", url, "--query", "tags[0]", "-o", "name"); text != "kept\n" {
		t.Errorf("tags: %s", text)
	}
	if text, _ := command(t, show.OK, "cron-trigger", "get", "nightly", "--server", url, "-o", "json"); !strings.Contains(text, `"env": "prod"`) {
		t.Errorf("trigger: %s", text)
	}

	r = importFrom(t, show.Failed, m.URL, url)
	for _, s := range r.Steps {
		if s.Result != "failed" && s.Step != "keep" {
			t.Errorf("the second time %s %s is not left alone: %s", s.Kind, s.Name, s.Step)
		}
	}
}

func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	m, url := old(t), startServer(t)
	m.broken["/v2/environments/test"], m.broken["/v2/event_triggers"] = true, true
	r := importFrom(t, show.Failed, m.URL, url)
	r.has(t, "environment", "prod", "create", "done")
	r.has(t, "environment", "stage", "create", "done")
	if !r.notes("not-read", "test") || !r.notes("not-read", "") {
		t.Errorf("what can't be read is not said: %+v", r.Notes)
	}
	text, _ := command(t, show.Failed, "import", "--from", m.URL, "--server", url)
	if !strings.Contains(text, "unknown-action") || !strings.Contains(text, "\n    Workflow not found") {
		t.Errorf("the report for people: %s", text)
	}
	command(t, show.Usage, "import", "--from", url, "--server", url)
	command(t, show.Usage, "import", "--from", m.URL, "--server", url, "--only", "tasks")
	command(t, show.Unavailable, "import", "--from", "http://127.0.0.1:1", "--server", url)
}

// TestImportFromCierzo copies from one server of ours to another.
func TestImportFromCierzo(t *testing.T) {
	t.Parallel()
	from, to := startServer(t), startServer(t)
	command(t, show.OK, "apply", "-f", "../../examples", "--server", from)
	env := filepath.Join(t.TempDir(), "env.yaml")
	if err := os.WriteFile(env, []byte("name: prod\nvariables: {region: eu}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, show.OK, "environment", "create", env, "--server", from)
	command(t, show.OK, "cron-trigger", "create", "nightly", "nightly_backup", "--pattern", "30 2 * * *", "--server", from)
	r := importFrom(t, show.OK, from, to)
	r.has(t, "workflow", "etl, clean", "create", "done")
	r.has(t, "workbook", "fleet", "create", "done")
	r.has(t, "cron-trigger", "nightly", "create", "done")
	r = importFrom(t, show.OK, from, to)
	for _, s := range r.Steps {
		if s.Step != "keep" {
			t.Errorf("the second time: %+v", s)
		}
	}
	out, _ := command(t, show.OK, "execution", "create", "etl", "--wait", "50s", "--server", to, "--query", "output.loaded", "-o", "name")
	if out != "50512\n" {
		t.Errorf("output: %s", out)
	}
}

// TestImportMembers copies with whom workflows are shared, where several projects are.
func TestImportMembers(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens.yaml")
	const list = `- {token: "aaaaaaaaaaaaaaaaaaaa", user: a, project: pa, roles: [member]}
- {token: "bbbbbbbbbbbbbbbbbbbb", user: b, project: pb, roles: [member]}
`
	if err := os.WriteFile(tokens, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	const a, b = "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb"
	from, to, alone := startServer(t, "--auth", "tokens", "--auth-tokens", tokens), startServer(t, "--auth", "tokens", "--auth-tokens", tokens), startServer(t)
	flow := filepath.Join(t.TempDir(), "flow.yaml")
	if err := os.WriteFile(flow, []byte("version: '2.0'\nshared:\n  tasks: {t: {action: std.noop}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, show.OK, "workflow", "create", flow, "--server", from, "--token", a)
	id, _ := command(t, show.OK, "workflow", "get", "shared", "--server", from, "--token", a, "--query", "id", "-o", "name")
	id = strings.TrimSpace(id)
	for _, project := range []string{"pb", "pc"} {
		command(t, show.OK, "member", "create", id, "workflow", project, "--server", from, "--token", a)
	}
	command(t, show.OK, "member", "update", id, "workflow", "--status", "accepted", "-m", "pb", "--server", from, "--token", b)

	read := []string{"--token", a, "--from-token", a}
	r := importFrom(t, show.OK, from, to, read...)
	r.has(t, "workflow", "shared", "create", "done")
	r.has(t, "member", "shared with pb", "create", "done")
	r.has(t, "member", "shared with pc", "create", "done")
	if !r.notes("accept-again", "shared with pb") || r.notes("accept-again", "shared with pc") {
		t.Errorf("notes: %+v", r.Notes)
	}
	r = importFrom(t, show.OK, from, to, read...)
	r.has(t, "member", "shared with pb", "keep", "")
	// What somebody shares with us isn't ours to share.
	command(t, show.OK, "workflow", "create", flow, "--server", to, "--token", b)
	r = importFrom(t, show.OK, from, to, "--token", b, "--from-token", b, "--only", "member")
	r.has(t, "member", "shared with pb", "keep", "")
	r = importFrom(t, show.OK, from, alone, "--from-token", a)
	if !r.notes("not-shared", "shared with pb") {
		t.Errorf("notes: %+v", r.Notes)
	}
}
