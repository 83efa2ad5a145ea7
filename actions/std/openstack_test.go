package std_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/actions"
	"cierzo/actions/std"
)

// fakeCloud is Keystone and the other services on one port. It accepts the tokens that it gave, and "user-token".
type fakeCloud struct {
	*httptest.Server
	mu       sync.Mutex
	logins   int
	catalogs int
	valid    map[string]bool
	asked    []string // requests to services: method, URI, token, microversion, body
	stall    chan struct{}
}

func startCloud(t *testing.T) *fakeCloud {
	t.Helper()
	f := &fakeCloud{valid: map[string]bool{"user-token": true}, stall: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /identity/v3/auth/tokens", f.login)
	mux.HandleFunc("GET /identity/v3/auth/catalog", f.catalog)
	answer := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, strings.ReplaceAll(body, "HOST", "http://"+r.Host))
		})
	}
	mux.HandleFunc("GET /compute/v2.1/servers/detail", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case q.Get("marker") == "b":
			io.WriteString(w, `{"servers": [{"id": "c"}]}`)
		case q.Get("limit") != "":
			fmt.Fprintf(w, `{"servers": [{"id": "a"}], "servers_links": [{"rel": "next", "href": "http://inside/v2.1/servers/detail?marker=a"}]}`)
		default:
			fmt.Fprintf(w, `{"servers": [{"id": "a"}, {"id": "b"}], "servers_links": [{"rel": "next", "href": "http://inside/v2.1/servers/detail?marker=b"}]}`)
		}
	})
	answer("GET /compute/v2.1/servers/1", `{"server": {"id": "1", "status": "ACTIVE"}}`)
	mux.HandleFunc("GET /compute/v2.1/servers/none", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-openstack-request-id", "req-7")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"itemNotFound": {"message": "Instance none could not be found.", "code": 404}}`)
	})
	mux.HandleFunc("POST /compute/v2.1/servers", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"server": {"id": "new"}}`)
	})
	mux.HandleFunc("GET /compute/v2.1/servers/slow", func(w http.ResponseWriter, r *http.Request) {
		f.stall <- struct{}{}
		<-r.Context().Done()
	})
	answer("GET /image/v2/images", `{"images": [{"id": "i"}], "first": "/v2/images"}`)
	answer("GET /image/v2/images/i", `{"id": "i", "name": "debian"}`)
	answer("GET /network/v2.0/networks", `{"networks": [{"id": "n"}]}`)
	answer("GET /identity/v3/projects", `{"projects": [{"id": "p"}], "links": {"next": null, "self": "HOST"}}`)
	answer("GET /volume/v3/p1/volumes/detail", `{"volumes": []}`)
	answer("GET /heat/v1/p1/stacks", `{"stacks": [{"id": "s"}]}`)
	answer("GET /heat/v1/p1/stacks/web/s", `{"stack": {"id": "s", "stack_name": "web"}}`)
	mux.HandleFunc("GET /heat/v1/p1/stacks/web", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/heat/v1/p1/stacks/web/s", http.StatusFound)
	})
	mux.HandleFunc("GET /heat/v1/p1/stacks/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://example.org/", http.StatusFound)
	})
	answer("GET /far/v2.1/servers/1", `{"server": {"id": "far"}}`)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/auth/") {
			mux.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		token := r.Header.Get("X-Auth-Token")
		f.mu.Lock()
		ok := f.valid[token]
		f.asked = append(f.asked, strings.Join([]string{r.Method, r.RequestURI, token, r.Header.Get("OpenStack-API-Version"), string(body)}, "|"))
		f.mu.Unlock()
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error": {"message": "The request you have made requires authentication."}}`)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeCloud) services() []dict {
	at := func(kind, path, region string) dict {
		return dict{"type": kind, "endpoints": []dict{
			{"interface": "internal", "region": region, "region_id": region, "url": "http://127.0.0.1:1"},
			{"interface": "public", "region": region, "region_id": region, "url": f.URL + path},
		}}
	}
	return []dict{
		at("compute", "/compute/v2.1/", "one"), at("compute", "/far/v2.1", "two"), at("image", "/image", "one"), at("network", "/network/", "one"),
		at("identity", "/identity", "one"), at("block-storage", "/volume/v3/p1", "one"), at("orchestration", "/heat/v1/p1", "one"),
	}
}

func (f *fakeCloud) login(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !strings.Contains(string(body), `"password":"secret"`) && !strings.Contains(string(body), `"secret":"secret"`) {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error": {"message": "wrong password", "code": 401}}`)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins++
	token := fmt.Sprintf("token-%d", f.logins)
	f.valid[token] = true
	w.Header().Set("X-Subject-Token", token)
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(dict{"token": dict{"catalog": f.services(), "expires_at": time.Now().Add(time.Hour).UTC()}})
}

func (f *fakeCloud) catalog(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.valid[r.Header.Get("X-Auth-Token")] {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.catalogs++
	json.NewEncoder(w).Encode(dict{"catalog": f.services()})
}

// revoke makes all tokens that were given invalid.
func (f *fakeCloud) revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.valid)
}

// counts are the logins, the catalogues, and the last request to a service.
func (f *fakeCloud) counts() (logins, catalogs int, last string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) > 0 {
		last = f.asked[len(f.asked)-1]
	}
	return f.logins, f.catalogs, last
}

func (f *fakeCloud) account() std.Config {
	return std.Config{OpenStack: std.OpenStack{AuthURL: f.URL + "/identity", Username: "u", Password: "secret", Project: "p"}}
}

// none is a configuration without an account, whatever the environment says.
func none() std.Config { return std.Config{OpenStack: std.OpenStack{Interface: "public"}} }

func TestOpenStackNamed(t *testing.T) {
	t.Parallel()
	f := startCloud(t)
	failed := func(class, text string) string {
		return strings.Replace(exception(class, text), "mistral.actions.std_actions.", "mistral_extra.actions.openstack.actions.", 1)
	}
	for _, c := range []struct{ name, input, want string }{
		{"nova.servers_list", `{}`, `value [{"id": "a"}, {"id": "b"}, {"id": "c"}]`},
		{"nova.servers_list", `{"limit": 1, "search_opts": {"all_tenants": true}}`, `value [{"id": "a"}]`},
		{"nova.servers_list", `{"limit": -1, "detailed": true}`, `value [{"id": "a"}, {"id": "b"}, {"id": "c"}]`},
		{"nova.servers_get", `{"server": "1"}`, `value {"id": "1", "status": "ACTIVE"}`},
		{"nova.servers_get", `{"server": "1", "action_region": "two"}`, `value {"id": "far"}`},
		{"nova.servers_get", `{"server": "none"}`, failed("NovaAction", "NovaAction.servers.get failed: Instance none could not be found. (HTTP 404) (Request-ID: req-7)")},
		{"nova.servers_get", `{"server": ".."}`, failed("NovaAction", "NovaAction.servers.get failed: server is '..'")},
		{"nova.servers_get", `{"server": "1", "action_region": "mars"}`, failed("NovaAction", "NovaAction.servers.get failed: the catalogue has no public endpoint of the service compute in region mars")},
		{"glance.images_list", `{}`, `value [{"id": "i"}]`},
		{"glance.images_get", `{"image_id": "i"}`, `value {"id": "i", "name": "debian"}`},
		{"neutron.list_networks", `{"name": "x y"}`, `value {"networks": [{"id": "n"}]}`},
		{"keystone.projects_list", `{}`, `value [{"id": "p"}]`},
		{"cinder.volumes_list", `{}`, `value []`},
		{"heat.stacks_list", `{}`, `value [{"id": "s"}]`},
		{"heat.stacks_get", `{"stack_id": "web"}`, `value {"id": "s", "stack_name": "web"}`},
		{"heat.stacks_get", `{"stack_id": "away"}`, failed("HeatAction", "HeatAction.stacks.get failed: Found (HTTP 302)")},
	} {
		t.Run(c.name+c.input, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, f.account(), c.name, c.input)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestOpenStackCall(t *testing.T) {
	t.Parallel()
	f := startCloud(t)
	got := run(t, f.account(), "openstack.call", `{"service": "compute", "path": "servers", "method": "post", "microversion": "2.53", "query": {"a": [1, 2]}, "body": {"server": {"name": "x"}}}`)
	if !strings.HasPrefix(got, `value {"content": {"server": {"id": "new"}}, "status": 202, "headers": {"Date": `) {
		t.Error(got)
	}
	if _, _, last := f.counts(); last != `POST|/compute/v2.1/servers?a=1&a=2|token-1|compute 2.53|{"server": {"name": "x"}}` {
		t.Errorf("asked %s", last)
	}
	got = run(t, f.account(), "openstack.call", `{"service": "compute", "path": "/servers/none", "headers": {"X-Auth-Token": "mine"}}`)
	if !strings.HasPrefix(got, `error {"content": {"itemNotFound": {"message": `) || !strings.Contains(got, `"status": 404`) {
		t.Error(got)
	}
	if got = run(t, f.account(), "openstack.call", `{"service": "dns", "path": "/zones"}`); !strings.Contains(got, "the catalogue has no public endpoint of the service dns") {
		t.Error(got)
	}
}

// TestOpenStackToken: the user's token comes first, and its catalogue is kept; the account's token is kept, and replaced
// when a service refuses it.
func TestOpenStackToken(t *testing.T) {
	t.Parallel()
	f := startCloud(t)
	a := find(t, f.account(), "nova.servers_get")
	user := call(t, a, `{"server": "1"}`)
	user.Auth = actions.Auth{Token: "user-token"}
	for range 2 {
		if got := show(t, a.Run(t.Context(), user)); got != `value {"id": "1", "status": "ACTIVE"}` {
			t.Fatal(got)
		}
	}
	if logins, catalogs, last := f.counts(); logins != 0 || catalogs != 1 || !strings.Contains(last, "|user-token|") {
		t.Errorf("%d logins, %d catalogues, asked %s", logins, catalogs, last)
	}
	own := call(t, a, `{"server": "1"}`)
	for range 2 {
		a.Run(t.Context(), own)
	}
	if logins, _, last := f.counts(); logins != 1 || !strings.Contains(last, "|token-1|") {
		t.Errorf("%d logins, asked %s", logins, last)
	}
	f.revoke()
	if got := show(t, a.Run(t.Context(), own)); got != `value {"id": "1", "status": "ACTIVE"}` {
		t.Error(got)
	}
	if logins, _, last := f.counts(); logins != 2 || !strings.Contains(last, "|token-2|") {
		t.Errorf("%d logins, asked %s", logins, last)
	}
	if got := show(t, a.Run(t.Context(), user)); !strings.Contains(got, "requires authentication. (HTTP 401)") {
		t.Errorf("a user's token is not replaced: %s", got)
	}
	// A user whose token can't be used: the account doesn't stand in.
	user.Auth = actions.Auth{Project: "p1", AuthURL: f.URL + "/identity/v3"}
	if got := show(t, a.Run(t.Context(), user)); !strings.Contains(got, "the token of the workflow's user can't be used") {
		t.Error(got)
	}
	// A user of another cloud, and one whose token Keystone doesn't know.
	user.Auth = actions.Auth{Token: "stranger", AuthURL: f.URL + "/identity/v3"}
	if got := show(t, a.Run(t.Context(), user)); !strings.Contains(got, "keystone doesn't give the catalogue for the user's token: Unauthorized (HTTP 401)") {
		t.Error(got)
	}
}

func TestOpenStackAccounts(t *testing.T) {
	t.Parallel()
	f := startCloud(t)
	credential := std.Config{OpenStack: std.OpenStack{AuthURL: f.URL + "/identity/v3/", ApplicationCredentialID: "c", ApplicationCredentialSecret: "secret", Region: "two"}}
	if got := run(t, credential, "nova.servers_get", `{"server": 1}`); got != `value {"id": "far"}` {
		t.Error(got)
	}
	wrong := f.account()
	wrong.OpenStack.Password = "guess"
	if got := run(t, wrong, "nova.servers_list", `{}`); !strings.Contains(got, "NovaAction.servers.list failed: keystone gives no token: wrong password (HTTP 401)") {
		t.Error(got)
	}
	for _, name := range []string{"nova.servers_list", "openstack.call"} {
		if got := run(t, none(), name, `{"service": "compute", "path": "/"}`); !strings.Contains(got, "OpenStack is not configured: ") {
			t.Errorf("%s: %s", name, got)
		}
	}
	env := map[string]string{
		"OS_AUTH_URL": "a", "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "n", "OS_PROJECT_ID": "i",
		"OS_USER_DOMAIN_NAME": "ud", "OS_PROJECT_DOMAIN_NAME": "pd", "OS_REGION_NAME": "r", "OS_INTERFACE": "internal",
		"OS_APPLICATION_CREDENTIAL_ID": "ci", "OS_APPLICATION_CREDENTIAL_SECRET": "cs",
	}
	want := std.OpenStack{
		AuthURL: "a", Username: "u", Password: "p", Project: "n", ProjectID: "i", UserDomain: "ud", ProjectDomain: "pd",
		Region: "r", Interface: "internal", ApplicationCredentialID: "ci", ApplicationCredentialSecret: "cs",
	}
	if diff := cmp.Diff(want, std.OpenStackFrom(func(name string) string { return env[name] })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestOpenStackNames pins that the lists and gets are there, and what they are called with.
func TestOpenStackNames(t *testing.T) {
	t.Parallel()
	r := actions.NewRegistry()
	if err := std.Register(r, none()); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, name := range r.Names() {
		module, _, _ := strings.Cut(name, ".")
		count[module]++
	}
	want := map[string]int{"std": 13, "openstack": 1, "nova": 29, "glance": 16, "keystone": 25, "heat": 23, "neutron": 64, "cinder": 30}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	a, _ := r.Find("heat.resources_get")
	var params []string
	for _, p := range a.Params {
		params = append(params, p.Name)
	}
	if got := strings.Join(params, ","); got != "stack_id,resource_name,action_region" || !a.AcceptsExtra || !a.SafeRerun {
		t.Errorf("heat.resources_get(%s)", got)
	}
}

func TestOpenStackLimits(t *testing.T) {
	t.Parallel()
	f := startCloud(t)
	cfg := f.account()
	cfg.ResponseBytesMax = 4096
	if got := run(t, cfg, "nova.servers_list", `{}`); !strings.HasPrefix(got, "value ") {
		t.Error(got)
	}
	cfg.ResponseBytesMax = 64
	if got := run(t, cfg, "nova.servers_list", `{}`); !strings.Contains(got, "HTTP response is too large") {
		t.Error(got)
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/auth/catalog") {
			fmt.Fprintf(w, `{"catalog": [{"type": "compute", "endpoints": [{"interface": "public", "url": "http://%s/v2.1"}]}]}`, r.Host)
			return
		}
		io.WriteString(w, `{"flavors": [1], "flavors_links": [{"rel": "next", "href": "?marker=x"}]}`)
	}))
	t.Cleanup(endless.Close)
	a := find(t, none(), "nova.flavors_list")
	c := call(t, a, `{}`)
	c.Auth = actions.Auth{Token: "t", AuthURL: endless.URL}
	if got := show(t, a.Run(t.Context(), c)); !strings.Contains(got, "the list has more than 100 pages") {
		t.Error(got)
	}
}

func TestOpenStackCancel(t *testing.T) {
	t.Parallel()
	f := startCloud(t)
	for name, input := range map[string]string{
		"nova.servers_get": `{"server": "slow"}`, "openstack.call": `{"service": "compute", "path": "/servers/slow"}`,
	} {
		begun := make(chan struct{})
		go func() { <-f.stall; close(begun) }()
		a := find(t, f.account(), name)
		testCancel(t, a, call(t, a, input), begun)
	}
	cfg := f.account()
	cfg.HTTPTimeout = 50 * time.Millisecond
	if got := run(t, cfg, "nova.servers_get", `{"server": "slow"}`); !strings.Contains(got, "NovaAction.servers.get failed: no answer for 50ms") {
		t.Error(got)
	}
}

// TestSecretsAreNotLogged: neither the token of a user nor the password of an account.
func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("both", "auth", actions.Auth{Token: "hush", Project: "p1"}, "account", std.OpenStack{Username: "u1", Password: "hush"})
	if s := out.String(); strings.Contains(s, "hush") || !strings.Contains(s, "p1") || !strings.Contains(s, "u1") {
		t.Error(s)
	}
}
