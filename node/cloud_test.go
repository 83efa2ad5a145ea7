package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/actions/std"
	"cierzo/api/auth"
	"cierzo/internal/slogtest"
	"cierzo/node"
	"cierzo/workflow"
)

// fakeCloud is Keystone and one service of a project. It knows users' tokens, and gives "own-" and the name to who logs in.
type fakeCloud struct {
	*httptest.Server
	mu    sync.Mutex
	known map[string]string // the project of each token
	asked []string          // of the service: path and token
	fails bool              // the service answers 500
}

func startCloud(t *testing.T) *fakeCloud {
	t.Helper()
	f := &fakeCloud{known: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/auth/tokens", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		token := "own-cierzo"
		if strings.Contains(string(body), `"runner"`) {
			token = "own-runner"
		}
		w.Header().Set("X-Subject-Token", token)
		w.WriteHeader(http.StatusCreated)
		f.describe(w, "service")
	})
	mux.HandleFunc("GET /v3/auth/tokens", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		project := f.known[r.Header.Get("X-Subject-Token")]
		f.mu.Unlock()
		if project == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		f.describe(w, project)
	})
	mux.HandleFunc("GET /v3/auth/catalog", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"catalog": f.catalog()})
	})
	mux.HandleFunc("/compute/", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = append(f.asked, strings.TrimPrefix(r.URL.Path, "/compute")+" "+r.Header.Get("X-Auth-Token"))
		if f.fails {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, `{"servers": []}`)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeCloud) catalog() any {
	endpoint := map[string]any{"interface": "public", "region": "west", "region_id": "west", "url": f.URL + "/compute"}
	return []any{map[string]any{"type": "compute", "endpoints": []any{endpoint}}}
}

func (f *fakeCloud) describe(w io.Writer, project string) {
	domain := map[string]any{"id": "default", "name": "Default"}
	json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
		"expires_at": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z"), "catalog": f.catalog(),
		"user": map[string]any{"id": "u-" + project, "name": "kim", "domain": domain}, "roles": []any{map[string]any{"name": "member"}},
		"project": map[string]any{"id": project, "name": project, "domain": domain},
	}})
}

// take gives what the service was asked since the last time.
func (f *fakeCloud) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

func (f *fakeCloud) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// tenant is a user of nodes in front of the cloud. It keeps all that they answer and log.
type tenant struct {
	t     *testing.T
	cloud *fakeCloud
	cfg   node.Config
	node  *node.Node
	said  strings.Builder
	logs  []*slogtest.Log
}

// restart ends the node, if there is one, and makes another on the same store.
func (u *tenant) restart(ctx context.Context) {
	u.t.Helper()
	if u.node != nil {
		if err := u.node.Stop(ctx); err != nil {
			u.t.Fatal(err)
		}
	}
	logger, log := slogtest.New(u.t)
	u.cfg.Logger, u.logs = logger, append(u.logs, log)
	n, err := node.New(ctx, u.cfg)
	if err != nil {
		u.t.Fatal(err)
	}
	u.node = n
}

// ask sends a request and gives the answer's text, which must have the status.
func (u *tenant) ask(ctx context.Context, token, method, path, body string, status int, headers ...string) string {
	u.t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if path == "/v2/workflows" {
		r.Header.Set("Content-Type", "text/plain")
	}
	r.Header.Set("X-Auth-Token", token)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	u.node.Handler().ServeHTTP(w, r)
	fmt.Fprintln(&u.said, w.Header(), w.Body)
	if w.Code != status {
		u.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// field is a text in an answer, or in the first thing in its list.
func (u *tenant) field(text, list, name string) string {
	u.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		u.t.Fatal(err)
	}
	if list != "" {
		items, _ := m[list].([]any)
		if len(items) == 0 {
			u.t.Fatalf("no %s in %s", list, text)
		}
		m, _ = items[0].(map[string]any)
	}
	v, _ := m[name].(string)
	return v
}

// ends waits until an execution has ended, which must be in the state, and looks which token the store has then.
func (u *tenant) ends(ctx context.Context, id string, state workflow.State, token string) {
	u.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		rec, data, err := u.node.Store().GetExecution(ctx, "web", workflow.ExecutionID(id))
		if err != nil {
			u.t.Fatal(err)
		}
		if rec.State.Final() {
			if rec.State != state || data.Auth == nil || data.Auth.Token != token {
				u.t.Fatalf("%s, want %s; the right that is kept is %+v", rec.State, state, data.Auth)
			}
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			u.t.Fatalf("%s after all the time", rec.State)
		}
	}
}

const (
	firstToken  = "gAAAAABfirst-s3cret"
	secondToken = "gAAAAABsecond-s3cret"
)

const cloudy = `
version: '2.0'
cloudy:
  tasks:
    ask: {action: std.async_noop, on-success: list}
    list: {action: openstack.call service="compute" path="/root", on-success: below}
    below: {workflow: below}
below:
  tasks:
    list: {action: openstack.call service="compute" path="/child"}
fails:
  tasks:
    list: {action: openstack.call service="compute" path="/flaky"}
`

func newTenant(ctx context.Context, t *testing.T, cfg node.AuthConfig) *tenant {
	t.Helper()
	u := &tenant{t: t, cloud: startCloud(t)}
	u.cloud.known = map[string]string{firstToken: "web", secondToken: "web"}
	if cfg.Mode == auth.Keystone {
		cfg.Keystone = auth.KeystoneConfig{URL: u.cloud.URL, User: "cierzo", Password: auth.NewSecret("pw"), Project: "service", Region: "west"}
	}
	u.cfg = node.Config{
		Store: "sqlite://" + filepath.Join(t.TempDir(), "cierzo.db"), Auth: cfg,
		Standard: std.Config{OpenStack: std.OpenStack{AuthURL: u.cloud.URL, Username: "runner", Password: "pw", Project: "service"}},
	}
	u.restart(ctx)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := u.node.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return u
}

// TestActionsActAsTheCaller: openstack.call acts with the token of who started the workflow, in sub-workflows and after a restart,
// too; a rerun goes on with the token of who asks for it. Nothing that users or operators see has a token in it.
func TestActionsActAsTheCaller(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	u := newTenant(ctx, t, node.AuthConfig{Mode: auth.Keystone})
	u.ask(ctx, firstToken, http.MethodPost, "/v2/workflows", cloudy, http.StatusCreated)

	id := u.field(u.ask(ctx, firstToken, http.MethodPost, "/v2/executions", `{"workflow_name": "cloudy"}`, http.StatusCreated), "", "id")
	u.restart(ctx)
	waiting := u.field(u.ask(ctx, firstToken, http.MethodGet, "/v2/action_executions?name=std.async_noop", "", http.StatusOK), "action_executions", "id")
	u.ask(ctx, secondToken, http.MethodPut, "/v2/action_executions/"+waiting, `{"state": "SUCCESS", "output": "{}"}`, http.StatusOK)
	u.ends(ctx, id, workflow.Success, "")
	if got, want := u.cloud.take(), []string{"/root " + firstToken, "/child " + firstToken}; !slices.Equal(got, want) {
		t.Errorf("the workflow asked %q, want %q", got, want)
	}

	u.ask(ctx, secondToken, http.MethodPost, "/v2/action_executions",
		`{"name": "openstack.call", "input": {"service": "compute", "path": "/single"}, "params": {"run_sync": true}}`, http.StatusCreated)
	if got, want := u.cloud.take(), []string{"/single " + secondToken}; !slices.Equal(got, want) {
		t.Errorf("the action asked %q, want %q", got, want)
	}

	u.cloud.set(func() { u.cloud.fails = true })
	failed := u.field(u.ask(ctx, firstToken, http.MethodPost, "/v2/executions", `{"workflow_name": "fails"}`, http.StatusCreated), "", "id")
	u.ends(ctx, failed, workflow.Error, firstToken)
	u.cloud.set(func() { u.cloud.fails = false })
	task := u.field(u.ask(ctx, firstToken, http.MethodGet, "/v2/executions/"+failed+"/tasks", "", http.StatusOK), "tasks", "id")
	u.ask(ctx, secondToken, http.MethodPut, "/v2/tasks/"+task, `{"state": "RUNNING", "reset": true}`, http.StatusOK)
	u.ends(ctx, failed, workflow.Success, "")
	if got, want := u.cloud.take(), []string{"/flaky " + firstToken, "/flaky " + secondToken}; !slices.Equal(got, want) {
		t.Errorf("the rerun asked %q, want %q", got, want)
	}

	// A token for another cloud isn't sent anywhere, and neither is the runner's.
	target := u.field(u.ask(ctx, firstToken, http.MethodPost, "/v2/executions", `{"workflow_name": "fails"}`, http.StatusCreated,
		"X-Target-Auth-Uri", u.cloud.URL, "X-Target-Auth-Token", secondToken), "", "id")
	u.ends(ctx, target, workflow.Error, "")
	if got := u.cloud.take(); len(got) > 0 {
		t.Errorf("for another cloud it asked %q", got)
	}
	u.hidesTokens(ctx, id, failed, target)
}

// hidesTokens looks at all that can be read about executions, and at the log.
func (u *tenant) hidesTokens(ctx context.Context, ids ...string) {
	u.t.Helper()
	for _, id := range ids {
		for _, path := range []string{"", "/tasks", "/report", "/explain", "/events", "/graph", "/executions"} {
			u.ask(ctx, firstToken, http.MethodGet, "/v2/executions/"+id+path, "", http.StatusOK)
		}
	}
	for _, path := range []string{"/v2/executions", "/v2/tasks", "/v2/action_executions"} {
		u.ask(ctx, firstToken, http.MethodGet, path, "", http.StatusOK)
	}
	if text := u.said.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, "openstack.call") {
		u.t.Errorf("an answer has a token in it, or they are no answers: %s", text)
	}
	for _, log := range u.logs {
		if text := fmt.Sprintf("%+v", log.Records()); strings.Contains(text, "s3cret") {
			u.t.Errorf("the log has a token in it: %s", text)
		}
	}
}

// TestOwnTokensStayHere: tokens that aren't Keystone's aren't sent to a cloud; actions act with the runner's account.
func TestOwnTokensStayHere(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	u := newTenant(ctx, t, node.AuthConfig{Mode: auth.Tokens, TokensFile: tokensFile(t)})
	u.ask(ctx, aliceToken, http.MethodPost, "/v2/action_executions",
		`{"name": "openstack.call", "input": {"service": "compute", "path": "/single"}, "params": {"run_sync": true}}`, http.StatusCreated)
	if got, want := u.cloud.take(), []string{"/single own-runner"}; !slices.Equal(got, want) {
		t.Errorf("the action asked %q, want %q", got, want)
	}
}
