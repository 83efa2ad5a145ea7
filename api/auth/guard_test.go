package auth

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
	"cierzo/internal/slogtest"
)

// refuseForTest is a route's way of writing errors.
func refuseForTest(w http.ResponseWriter, _ *http.Request, err error) {
	w.WriteHeader(fault.KindOf(err).Status())
	fmt.Fprint(w, err)
}

// whoami answers with what a handler sees of the caller.
func whoami(w http.ResponseWriter, r *http.Request) {
	id, ok := From(r.Context())
	fmt.Fprintf(w, "%v", ok)
	if ok {
		fmt.Fprintf(w, " %s %v", id.Project, id.IsAdmin)
	}
	for _, name := range append(identityHeaders(), "X-Auth-Token", "Authorization") {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(w, " %s=%s", name, v)
		}
	}
	fmt.Fprint(w, " ", r.PathValue("id"))
}

func testRouter(t *testing.T, a Authenticator) (*Router, *slogtest.Log) {
	logger, log := slogtest.New(t)
	e, err := NewEnforcer(nil)
	if err != nil {
		t.Fatal(err)
	}
	ro := NewRouter(NewGuard(a, e, logger))
	for _, route := range [][2]string{
		{"GET /{$}", Open},
		{"POST /v2/validate", Authenticated},
		{"GET /v2/workflows/{id}", "workflows:get"},
		{"DELETE /v2/code_sources/{id}", "code_sources:delete"},
	} {
		ro.Handle(route[0], route[1], refuseForTest, http.HandlerFunc(whoami))
	}
	return ro, log
}

func TestGuard(t *testing.T) {
	t.Parallel()
	tokens := []Token{
		{Hash: HashToken(NewSecret("s3cret-token-of-alice")), User: "alice", Project: "web", Roles: []string{"member"}},
		{Hash: HashToken(NewSecret("s3cret-token-of-admin")), User: "root", Project: "ops", Roles: []string{"admin"}},
	}
	ro, log := testRouter(t, mustNew(t, Config{Mode: Tokens, Tokens: tokens}))
	const alice, admin = "X-Auth-Token: s3cret-token-of-alice", "Authorization: Bearer s3cret-token-of-admin"
	spoof := []string{"X-Identity-Status: Confirmed", "X-Project-Id: other", "X-Roles: admin", "X-User-Id: root"}
	for name, c := range map[string]struct {
		method, path string
		headers      []string
		status       int
		body         string
	}{
		"open":                     {"GET", "/", nil, 200, "false "},
		"open with words":          {"GET", "/", spoof, 200, "false "},
		"authenticated":            {"POST", "/v2/validate", []string{alice}, 200, "true web false "},
		"with a rule":              {"GET", "/v2/workflows/w1", []string{alice}, 200, "true web false w1"},
		"spoofed words are gone":   {"GET", "/v2/workflows/w1", append(spoof, alice), 200, "true web false w1"},
		"not allowed":              {"DELETE", "/v2/code_sources/c", []string{alice}, 403, forbidden},
		"spoofed roles":            {"DELETE", "/v2/code_sources/c", append(spoof, alice), 403, forbidden},
		"allowed":                  {"DELETE", "/v2/code_sources/c", []string{admin}, 200, "true ops true c"},
		"wrong target":             {"POST", "/v2/validate", []string{alice, "X-Target-Auth-Uri: https://o"}, 400, "Target auth URI (X-Target-Auth-Uri) target auth token (X-Target-Auth-Token) must be present"},
		"nobody":                   {"GET", "/v2/workflows/w1", nil, 401, "Authentication required"},
		"nobody, authenticated":    {"POST", "/v2/validate", spoof, 401, "Authentication required"},
		"somebody unknown":         {"GET", "/v2/workflows/w1", []string{"X-Auth-Token: s3cret-token-of-mallory"}, 401, "Auth token is invalid"},
		"no such path":             {"GET", "/v2/nothing", nil, 404, "404 page not found\n"},
		"no such method on a path": {"PATCH", "/v2/validate", nil, 405, "Method Not Allowed\n"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header = request(c.headers...).Header
		w := httptest.NewRecorder()
		ro.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Result().Body)
		if w.Code != c.status || c.status != 401 && string(body) != c.body {
			t.Errorf("%s: %d %q, want %d %q", name, w.Code, body, c.status, c.body)
		}
		if c.status == 401 {
			checkUnauthorized(t, name, w.Result(), body, c.body)
		}
	}
	if lines := fmt.Sprint(log.Records()); strings.Contains(lines, "s3cret") {
		t.Errorf("the log shows a token: %s", lines)
	}
}

func checkUnauthorized(t *testing.T, name string, res *http.Response, body []byte, reason string) {
	t.Helper()
	var got any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	text := "Failed to validate access token: " + reason
	want := map[string]any{
		"error":       map[string]any{"code": 401., "title": "Unauthorized", "message": "The request you have made requires authentication."},
		"faultstring": text,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	for header, want := range map[string]string{
		"Server-Error-Message": text, "WWW-Authenticate": `Bearer realm="cierzo"`, "Content-Type": "application/json",
	} {
		if got := res.Header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", name, header, got, want)
		}
	}
}

func TestGuardWithoutKeystone(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.server.Close()
	ro, _ := testRouter(t, a)
	r := withToken("a")
	r.URL.Path = "/v2/workflows/w1"
	w := httptest.NewRecorder()
	ro.ServeHTTP(w, r)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestGuardKnowsNoUnknownRule(t *testing.T) {
	t.Parallel()
	ro, _ := testRouter(t, mustNew(t, Config{}))
	w := httptest.NewRecorder()
	ro.guard.Wrap("workflow:get", refuseForTest, http.HandlerFunc(whoami)).ServeHTTP(w, request("X-Roles: admin"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "true") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, route := range [][2]string{{"GET /x", "workflow:get"}, {"/x", "workflows:get"}, {"GET /x", ""}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q with %q was taken", route[0], route[1])
				}
			}()
			ro.Handle(route[0], route[1], refuseForTest, http.HandlerFunc(whoami))
		}()
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	ro, _ := testRouter(t, mustNew(t, Config{Mode: Proxy, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}))
	if problems := Unguarded(ro.Routes(), "GET /{$}", "POST /v2/validate"); problems != nil {
		t.Error(problems)
	}
	if in := LetIn(ro, ro.Routes()); in != nil {
		t.Error(in)
	}
	ro.Handle("DELETE /v2/workflows/{id}", "workflows:get", refuseForTest, http.HandlerFunc(whoami))
	want := []string{
		"POST /v2/validate is authenticated", "DELETE /v2/workflows/{id} has the rule workflows:get",
		"GET /gone is exempt, but there is no such route without a rule",
	}
	got := Unguarded(ro.Routes(), "GET /{$}", "GET /gone")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	open, _ := testRouter(t, mustNew(t, Config{}))
	if in := LetIn(open, open.Routes()); len(in) != 3 {
		t.Errorf("with authentication off: %v", in)
	}
}
