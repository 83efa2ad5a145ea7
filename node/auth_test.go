package node_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cierzo/api"
	"cierzo/api/auth"
	"cierzo/fault"
	"cierzo/node"
)

const (
	aliceToken = "alice-0123456789abcdef"
	bobToken   = "bob-0123456789abcdef00"
	adminToken = "admin-0123456789abcdef"
)

func tokensFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	text := "- {token: " + aliceToken + ", user: alice, project: web, roles: [member]}\n" +
		"- {token: " + bobToken + ", user: bob, project: shop, roles: [member]}\n" +
		"- {token: " + adminToken + ", user: root, project: ops, roles: [admin]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// guarded is a node with tokens, and a function that asks it.
func guarded(ctx context.Context, t *testing.T, cfg node.AuthConfig) (*node.Node, func(token, method, path, body string) (int, string)) {
	t.Helper()
	cfg.Mode, cfg.TokensFile = auth.Tokens, tokensFile(t)
	n := start(ctx, t, node.Config{Store: "memory:", Auth: cfg})
	return n, func(token, method, path, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "text/plain")
		}
		if token != "" {
			r.Header.Set("X-Auth-Token", token)
		}
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
}

func TestTokensKeepProjectsApart(t *testing.T) {
	t.Parallel()
	_, ask := guarded(testContext(t), t, node.AuthConfig{})
	if code, _ := ask("", http.MethodGet, "/v2/workflows", ""); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", code)
	}
	if code, _ := ask("wrong-0123456789abcdef", http.MethodGet, "/v2/workflows", ""); code != http.StatusUnauthorized {
		t.Errorf("with a wrong token: %d", code)
	}
	if code, body := ask(aliceToken, http.MethodPost, "/v2/workflows", source); code != http.StatusCreated {
		t.Fatalf("upload: %d %s", code, body)
	}
	if code, _ := ask(aliceToken, http.MethodGet, "/v2/workflows/hello", ""); code != http.StatusOK {
		t.Errorf("her own: %d", code)
	}
	if code, _ := ask(bobToken, http.MethodGet, "/v2/workflows/hello", ""); code != http.StatusNotFound {
		t.Errorf("another project's: %d", code)
	}
	if _, body := ask(bobToken, http.MethodGet, "/v2/workflows", ""); strings.Contains(body, "hello") {
		t.Errorf("another project's list: %s", body)
	}
	if code, _ := ask(aliceToken, http.MethodGet, "/v2/executions?all_projects=true", ""); code != http.StatusForbidden {
		t.Errorf("all projects by a member: %d", code)
	}
	if code, _ := ask(adminToken, http.MethodGet, "/v2/executions?all_projects=true", ""); code != http.StatusOK {
		t.Errorf("all projects by an administrator: %d", code)
	}
}

func TestPolicyOverridesRules(t *testing.T) {
	t.Parallel()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("\"workflows:create\": \"role:author\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, ask := guarded(testContext(t), t, node.AuthConfig{PolicyFile: policy})
	if code, body := ask(aliceToken, http.MethodPost, "/v2/workflows", source); code != http.StatusForbidden {
		t.Errorf("upload: %d %s", code, body)
	}
	if code, _ := ask(aliceToken, http.MethodGet, "/v2/workflows", ""); code != http.StatusOK {
		t.Errorf("list: %d", code)
	}
}

// TestNoRouteLetsStrangersIn walks the router: each route has a rule of the policy and asks for a token, but the few that
// are everybody's.
func TestNoRouteLetsStrangersIn(t *testing.T) {
	t.Parallel()
	n, _ := guarded(testContext(t), t, node.AuthConfig{})
	rules := map[string]bool{}
	for _, d := range auth.Defaults() {
		rules[d.Name] = true
	}
	var routes []auth.Route
	for _, r := range api.Routes() {
		rule := r.Rule
		if rule == "" {
			rule = auth.Open
			if strings.HasPrefix(r.Path, "/v2/") && r.Path != "/v2/{$}" && r.Path != "/v2/maintenance" && // as in Mistral
				!strings.HasPrefix(r.Path, "/v2/openapi.") { // it tells what there is, not what is in it
				t.Errorf("%s %s is everybody's", r.Method, r.Path)
			}
		} else if !rules[rule] {
			t.Errorf("%s %s: the policy has no rule %s", r.Method, r.Path, rule)
		}
		routes = append(routes, auth.Route{Method: r.Method, Path: r.Path, Rule: rule})
	}
	if len(routes) < 75 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, in := range auth.LetIn(n.Handler(), routes) {
		t.Error(in)
	}
}

func TestRefusedAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  node.AuthConfig
		text string
	}{
		"no tokens":   {node.AuthConfig{Mode: auth.Tokens}, "needs the file of tokens"},
		"no mode":     {node.AuthConfig{Mode: "tokesn"}, "tokens"},
		"no file":     {node.AuthConfig{Mode: auth.Tokens, TokensFile: "/nothing.yaml"}, "/nothing.yaml"},
		"policy, off": {node.AuthConfig{PolicyFile: "x.yaml"}, "set auth"},
		"proxy":       {node.AuthConfig{Mode: auth.Proxy, TrustedProxies: []string{"here"}}, "neither an address nor a network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := node.New(testContext(t), node.Config{Store: "memory:", Auth: c.cfg})
			if err == nil {
				t.Fatal("the node has started", n.Stop(t.Context()))
			}
			wantError(t, err, fault.Invalid, c.text)
		})
	}
}
