package hostile

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cierzo/internal/slogtest"
	"cierzo/node"
)

// entry is a node, and a function that asks its API.
func entry(ctx context.Context, t *testing.T) (*node.Node, func(method, path, contentType, body string) (int, string)) {
	t.Helper()
	log, _ := slogtest.New(t)
	n, err := node.New(ctx, node.Config{Store: "memory:", Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return n, func(method, path, contentType, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
}

// TestUploads posts hostile definitions and requests: each is refused, with the limit, and the node goes on.
func TestUploads(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, ask := entry(ctx, t)
	for _, a := range documentAttacks() {
		switch a.name {
		case "YAML, deep flow", "YAML, a million keys", "YAML, 10 MB of text", "YAML, an integer of a million digits", "DSL, 30,000 tasks", "DSL, 100,000 errors":
		default:
			continue
		}
		code, body := ask(http.MethodPost, "/v2/workflows", "text/plain", a.text())
		if code != http.StatusBadRequest && code != http.StatusRequestEntityTooLarge || !a.expects(body) && code == http.StatusBadRequest {
			t.Errorf("%s: %d %.300s, want one of %q", a.name, code, body, a.want)
		}
	}
	for name, body := range map[string]string{
		"deep":   `{"workflow_name": "w", "input": ` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}",
		"digits": `{"workflow_name": "w", "input": {"n": ` + strings.Repeat("9", 900_000) + "}}",
	} {
		if code, answer := ask(http.MethodPost, "/v2/executions", "application/json", body); code != http.StatusBadRequest && code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %.300s", name, code, answer)
		}
	}
	if code, body := ask(http.MethodPost, "/v2/workflows", "text/plain", "version: '2.0'\nw: {tasks: {t: {action: std.noop}}}\n"); code != http.StatusCreated {
		t.Errorf("after all that: %d %s", code, body)
	}
}

// TestExecutions runs workflows whose expressions are hostile: the task fails with the limit, and the node goes on.
func TestExecutions(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	n, _ := entry(ctx, t)
	for name, c := range map[string]struct{ expression, want string }{
		"list":     {"{{ [0] * 2000000000 }}", items},
		"sequence": {"<% range(100000).select(range(100000).select($ * 2).sum()).sum() %>", steps},
		"def":      {"<% def(f, f($)) -> f(1) %>", depth},
		"regex":    {"<% regex('(a+)+$').search('a' * 40 + 'b') %>", match},
		"width":    {"{{ '{:>1000000000}'.format(1) }}", items},
		"power":    {"<% pow(9, pow(9, 9)) %>", bits},
	} {
		text := "version: '2.0'\n" + name + ":\n  input: [x: 1]\n  tasks:\n    t:\n      action: std.echo\n      input:\n        output: \"" + c.expression + "\"\n" +
			"later_" + name + ":\n  input: [x: 1]\n  tasks:\n    t:\n      action: std.noop\n      publish:\n        y: \"" + c.expression + "\"\n"
		if _, err := n.Upload(ctx, name+".yaml", []byte(text)); err != nil {
			t.Fatal(err)
		}
		for _, workflow := range []string{name, "later_" + name} {
			done, err := n.Run(ctx, node.StartRequest{Workflow: workflow})
			if err != nil {
				t.Fatal(err)
			}
			if done.State != "ERROR" || !strings.Contains(done.StateInfo, c.want) {
				t.Errorf("%s: %s %.400s, want %s", workflow, done.State, done.StateInfo, c.want)
			}
		}
	}
	if _, err := n.Upload(ctx, "fine.yaml", []byte("version: '2.0'\nfine: {tasks: {t: {action: std.noop}}}\n")); err != nil {
		t.Fatal(err)
	}
	if done, err := n.Run(ctx, node.StartRequest{Workflow: "fine"}); err != nil || done.State != "SUCCESS" {
		t.Errorf("after all that: %+v %v", done, err)
	}
}
