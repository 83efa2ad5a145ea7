package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
	"cierzo/internal/slogtest"
)

// fakeKeystone speaks as much of the identity API as we use, over HTTP.
type fakeKeystone struct {
	server *httptest.Server

	mu       sync.Mutex
	now      time.Time
	tokens   map[string]string // the answer about a token; none: 404
	own      string            // the service's token that is valid
	logIns   int
	asked    map[string]int
	requests []string // what logged in, as JSON
	status   int      // answers all validations, if not 0
	logInAs  int      // answers all logins, if not 0
	gate     chan struct{}
	arrived  chan string // gets each token that is asked about, if not nil
}

func newFakeKeystone(t testing.TB) *fakeKeystone {
	k := &fakeKeystone{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), tokens: map[string]string{}, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/auth/tokens", k.logIn)
	mux.HandleFunc("GET /v3/auth/tokens", k.validate)
	k.server = httptest.NewServer(mux)
	t.Cleanup(k.server.Close)
	return k
}

func (k *fakeKeystone) logIn(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var body json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	k.logIns++
	k.requests = append(k.requests, string(body))
	if k.logInAs != 0 {
		w.WriteHeader(k.logInAs)
		return
	}
	k.own = fmt.Sprintf("s3cret-own-%d", k.logIns)
	w.Header().Set("X-Subject-Token", k.own)
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"token": {"expires_at": %q}}`, k.now.Add(time.Hour).Format("2006-01-02T15:04:05.000000Z"))
}

func (k *fakeKeystone) validate(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("X-Subject-Token")
	k.mu.Lock()
	gate, arrived := k.gate, k.arrived
	k.mu.Unlock()
	if arrived != nil {
		arrived <- token
	}
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked[token]++
	switch answer, known := k.tokens[token]; {
	case k.status != 0:
		w.WriteHeader(k.status)
	case r.Header.Get("X-Auth-Token") != k.own:
		w.WriteHeader(http.StatusUnauthorized)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	default:
		fmt.Fprint(w, answer)
	}
}

// issue makes a token valid; more is JSON to add to it.
func (k *fakeKeystone) issue(token string, lifetime time.Duration, more string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens[token] = fmt.Sprintf(`{"token": {"expires_at": %q, "user": {"id": "u1", "name": "alice", "domain": {"id": "d1"}},
		"roles": [{"name": "member"}, {"name": "Admin"}], "catalog": [{"type": "compute"}]%s}}`,
		k.now.Add(lifetime).Format("2006-01-02T15:04:05.000000Z"), more)
}

const inProject = `, "project": {"id": "p1", "name": "web", "domain": {"id": "d2"}}`

func (k *fakeKeystone) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

func (k *fakeKeystone) questions(token string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked[token]
}

func (k *fakeKeystone) clock() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

func (k *fakeKeystone) config() KeystoneConfig {
	return KeystoneConfig{
		URL: k.server.URL, PublicURL: "https://public/v3", User: "cierzo", Password: NewSecret("s3cret-password"), Project: "service", Region: "west",
	}
}

// authenticator makes one for the fake; the test fails if a secret is in the log.
func (k *fakeKeystone) authenticator(t testing.TB, change func(*KeystoneConfig)) (Authenticator, *slogtest.Log) {
	t.Helper()
	logger, log := slogtest.New(t)
	cfg := k.config()
	if change != nil {
		change(&cfg)
	}
	a := mustNew(t, Config{Mode: Keystone, Keystone: cfg, Logger: logger, Now: k.clock})
	t.Cleanup(func() {
		if lines := fmt.Sprint(log.Records()); strings.Contains(lines, "s3cret") {
			t.Errorf("the log shows a secret: %s", lines)
		}
	})
	return a, log
}

func withToken(token string) *http.Request { return request("X-Auth-Token: " + token) }

func TestKeystoneIdentity(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.issue("s3cret-a", time.Hour, inProject)
	id, err := a.Authenticate(withToken("s3cret-a"))
	want := &Identity{
		User: "u1", UserName: "alice", UserDomain: "d1", Project: "p1", ProjectName: "web", ProjectDomain: "d2",
		Roles: []string{"member", "Admin"}, IsAdmin: true, Token: NewSecret("s3cret-a"), ExpiresAt: k.now.Add(time.Hour),
		Cloud: Cloud{
			AuthURL: "https://public/v3", Token: NewSecret("s3cret-a"), Region: "west", User: "u1", UserName: "alice",
			Project: "p1", ProjectName: "web", Catalog: json.RawMessage(`[{"type": "compute"}]`),
		},
	}
	if diff := cmp.Diff(want, id, cmp.AllowUnexported(Secret{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	const login = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"domain":{"name":"Default"},"name":"cierzo","password":"s3cret-password"}}},` +
		`"scope":{"project":{"domain":{"name":"Default"},"name":"service"}}}}`
	if diff := cmp.Diff([]string{login}, k.requests); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
	// Another cloud for one request doesn't stay with the token.
	if other, err := a.Authenticate(request("X-Auth-Token: s3cret-a", "X-Target-Auth-Uri: https://o", "X-Target-Auth-Token: s3cret")); err != nil || !other.Cloud.IsTarget {
		t.Errorf("%+v, %v", other, err)
	}
	if again, err := a.Authenticate(withToken("s3cret-a")); err != nil || again.Cloud.IsTarget {
		t.Errorf("%+v, %v", again, err)
	}
	if got := a.Challenge(); got != `Keystone uri="https://public/v3"` {
		t.Errorf("challenge %s", got)
	}
}

func TestKeystoneRemembers(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.issue("long", time.Hour, inProject)
	k.issue("short", 20*time.Second, inProject)
	k.issue("past", 0, inProject)
	const invalid = "Auth token is invalid"
	for _, step := range []struct {
		after     time.Duration
		token     string
		want      string
		questions int
	}{
		{0, "long", "", 1},
		{0, "long", "", 1},
		{59 * time.Second, "long", "", 1},
		{time.Second, "long", "", 2}, // a minute is over
		{0, "unknown", invalid, 1},
		{9 * time.Second, "unknown", invalid, 1},
		{time.Second, "unknown", invalid, 2}, // ten seconds are over
		{0, "short", invalid, 1},             // it has expired, whatever Keystone says
		{0, "past", invalid, 1},
		{0, "past", invalid, 1},
	} {
		k.set(func() { k.now = k.now.Add(step.after) })
		_, err := a.Authenticate(withToken(step.token))
		if got := reason(err); got != step.want || k.questions(step.token) != step.questions {
			t.Errorf("%s: %q after %d questions, want %q after %d", step.token, got, k.questions(step.token), step.want, step.questions)
		}
	}
	// The end of a token counts for what is remembered too.
	k.issue("soon", 20*time.Second, inProject)
	if _, err := a.Authenticate(withToken("soon")); err != nil {
		t.Error(err)
	}
	k.set(func() { k.now = k.now.Add(20 * time.Second) })
	if _, err := a.Authenticate(withToken("soon")); reason(err) != invalid {
		t.Errorf("after its end: %v", err)
	}
	// A revoked token goes on for a minute and no longer.
	if _, err := a.Authenticate(withToken("long")); err != nil {
		t.Error(err)
	}
	k.set(func() { delete(k.tokens, "long") })
	if _, err := a.Authenticate(withToken("long")); err != nil {
		t.Errorf("within the minute: %v", err)
	}
	k.set(func() { k.now = k.now.Add(time.Minute) })
	if _, err := a.Authenticate(withToken("long")); reason(err) != invalid {
		t.Errorf("revoked: %v", err)
	}
	if k.logIns != 1 {
		t.Errorf("%d logins", k.logIns)
	}
}

func TestKeystoneRefuses(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.issue("unscoped", time.Hour, "")
	k.issue("limited", time.Hour, inProject+`, "application_credential": {"id": "c", "access_rules": [{"path": "/v2/x"}]}`)
	k.issue("unlimited", time.Hour, inProject+`, "application_credential": {"id": "c", "access_rules": null}`)
	if _, err := a.Authenticate(withToken("unscoped")); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "isn't for a project") {
		t.Errorf("unscoped: %v", err)
	}
	if _, err := a.Authenticate(withToken("limited")); reason(err) != "Auth token is invalid" {
		t.Errorf("with access rules: %v", err)
	}
	if _, err := a.Authenticate(withToken("unlimited")); err != nil {
		t.Errorf("without access rules: %v", err)
	}
	if _, err := a.Authenticate(request("X-Identity-Status: Confirmed", "X-Project-Id: p", "X-Roles: admin")); reason(err) != "Authentication required" {
		t.Errorf("words of a middleware: %v", err)
	}
}

// TestKeystoneUnavailable: what keeps Keystone from answering is a 503, isn't remembered, and is logged without tokens.
func TestKeystoneUnavailable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks func(*fakeKeystone)
		logged string
	}{
		"5xx":       {func(k *fakeKeystone) { k.status = 502 }, "keystone answered 502 to the validation"},
		"redirect":  {func(k *fakeKeystone) { k.status = 307 }, "keystone answered 307"},
		"forbidden": {func(k *fakeKeystone) { k.status = 403 }, "may not validate tokens"},
		"own token": {func(k *fakeKeystone) { k.status = 401 }, "may not validate tokens"},
		"own login": {func(k *fakeKeystone) { k.logInAs = 500 }, "keystone answered 500 to the service's own credentials"},
		"not JSON":  {func(k *fakeKeystone) { k.tokens["s3cret-a"] = "s3cret <html>" }, "about a token can't be read"},
		"no user":   {func(k *fakeKeystone) { k.tokens["s3cret-a"] = `{"token": {}}` }, "lacks the user or the end"},
		"too large": {func(k *fakeKeystone) { k.tokens["s3cret-a"] = strings.Repeat("s3cret", answerMax/6+1) }, "larger than"},
		"timeout":   {func(k *fakeKeystone) { k.gate = make(chan struct{}) }, "context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newFakeKeystone(t)
			a, log := k.authenticator(t, func(c *KeystoneConfig) {
				if name == "timeout" {
					c.Timeout = 50 * time.Millisecond
				}
			})
			k.issue("s3cret-a", time.Hour, inProject)
			good := k.tokens["s3cret-a"]
			k.set(func() { c.breaks(k) })
			_, err := a.Authenticate(withToken("s3cret-a"))
			if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v", err)
			}
			if lines := fmt.Sprint(log.Records()); !strings.Contains(lines, c.logged) {
				t.Errorf("the log lacks %q: %s", c.logged, lines)
			}
			k.set(func() { k.status, k.logInAs, k.gate, k.tokens["s3cret-a"] = 0, 0, nil, good })
			if _, err := a.Authenticate(withToken("s3cret-a")); err != nil {
				t.Errorf("once it works again: %v", err)
			}
		})
	}
}

func TestKeystoneIsGone(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.issue("s3cret-a", time.Hour, inProject)
	if _, err := a.Authenticate(withToken("s3cret-a")); err != nil {
		t.Fatal(err)
	}
	k.server.Close()
	if _, err := a.Authenticate(withToken("s3cret-a")); err != nil {
		t.Errorf("what is remembered needs no Keystone: %v", err)
	}
	if _, err := a.Authenticate(withToken("s3cret-b")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody to ask: %v", err)
	}
}

// TestKeystoneOwnAccount: the service's token is renewed when it is refused or about to end, and a refused account isn't
// tried again at once.
func TestKeystoneOwnAccount(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	for i := range 8 {
		k.issue(fmt.Sprint("t", i), 3*time.Hour, inProject)
	}
	check := func(token string, kind string, logIns int) {
		t.Helper()
		_, err := a.Authenticate(withToken(token))
		got := ""
		if err != nil {
			got = fault.KindOf(err).String()
		}
		if got != kind || k.logIns != logIns {
			t.Errorf("%s: %v after %d logins, want %q after %d", token, err, k.logIns, kind, logIns)
		}
	}
	check("t0", "", 1)
	k.set(func() { k.own = "revoked" })
	check("t1", "", 2)
	k.set(func() { k.now = k.now.Add(58 * time.Minute) })
	check("t2", "", 2)
	k.set(func() { k.now = k.now.Add(time.Minute) })
	check("t3", "", 3)
	k.set(func() { k.own, k.logInAs = "revoked", 401 })
	check("t4", "unavailable", 4)
	check("t5", "unavailable", 4)
	k.set(func() { k.now, k.logInAs = k.now.Add(retryAfter), 0 })
	check("t5", "", 5)
}

func TestKeystoneApplicationCredential(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, func(c *KeystoneConfig) {
		*c = KeystoneConfig{URL: k.server.URL + "/v3/", CredentialID: "c1", CredentialSecret: NewSecret("s3cret-credential")}
	})
	k.issue("a", time.Hour, inProject)
	if _, err := a.Authenticate(withToken("a")); err != nil {
		t.Error(err)
	}
	const want = `{"auth":{"identity":{"application_credential":{"id":"c1","secret":"s3cret-credential"},"methods":["application_credential"]}}}`
	if diff := cmp.Diff([]string{want}, k.requests); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
}

// TestKeystoneIsAskedOnce: requests with one token wait for one question, and it outlives the request that asked it.
func TestKeystoneIsAskedOnce(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.issue("a", time.Hour, inProject)
	k.gate, k.arrived = make(chan struct{}), make(chan string, 100)

	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error)
	go func() {
		_, err := a.Authenticate(withToken("a").WithContext(ctx))
		first <- err
	}()
	<-k.arrived
	var wait sync.WaitGroup
	errs := make(chan error, 50)
	for range 50 {
		wait.Go(func() {
			_, err := a.Authenticate(withToken("a"))
			errs <- err
		})
	}
	cancel()
	if err := <-first; !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the request that was given up: %v", err)
	}
	close(k.gate)
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := k.questions("a"); got != 1 {
		t.Errorf("%d questions", got)
	}
}

// TestKeystoneInFlight: no more than inFlightMax questions at a time.
func TestKeystoneInFlight(t *testing.T) {
	t.Parallel()
	k := newFakeKeystone(t)
	a, _ := k.authenticator(t, nil)
	k.gate, k.arrived = make(chan struct{}), make(chan string, 1000)
	var wait sync.WaitGroup
	for i := range 2 * inFlightMax {
		wait.Go(func() {
			if _, err := a.Authenticate(withToken(fmt.Sprint("made-up-", i))); reason(err) != "Auth token is invalid" {
				t.Error(err)
			}
		})
	}
	for range inFlightMax {
		<-k.arrived
	}
	if n := len(a.(*keystoneAuthenticator).slots); n != inFlightMax || len(k.arrived) != 0 {
		t.Errorf("%d slots taken and %d more questions", n, len(k.arrived))
	}
	close(k.gate)
	wait.Wait()
}

func TestKeystoneConfigErrors(t *testing.T) {
	t.Parallel()
	logger, _ := slogtest.New(t)
	good := KeystoneConfig{URL: "https://k", User: "u", Password: NewSecret("s3cret"), Project: "p"}
	for want, change := range map[string]func(*KeystoneConfig){
		"":                             func(*KeystoneConfig) {},
		"the address of Keystone":      func(c *KeystoneConfig) { c.URL = "k:5000" },
		"http or https":                func(c *KeystoneConfig) { c.URL = "ftp://k" },
		"without user":                 func(c *KeystoneConfig) { c.URL = "https://u:s3cret@k/v3" },
		"needs either user":            func(c *KeystoneConfig) { c.Password = Secret{} },
		"or an application credential": func(c *KeystoneConfig) { c.CredentialID, c.CredentialSecret = "i", NewSecret("s3cret") },
		"aren't negative":              func(c *KeystoneConfig) { c.Timeout = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := New(Config{Mode: Keystone, Keystone: cfg, Logger: logger})
		if want == "" && err == nil {
			continue
		}
		if !fault.Is(err, fault.Invalid) || want == "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestTokenCache(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	later := now.Add(time.Minute)
	key := func(n byte) tokenKey { return tokenKey{n} }
	c := newTokenCache(3, 100)
	for n := range byte(3) {
		c.put(key(n), &Identity{}, later, 10, now)
	}
	c.get(key(0), now)
	c.put(key(3), &Identity{}, later, 10, now) // 1 was used least recently
	c.put(key(4), &Identity{}, later, 95, now) // only 4 fits
	c.put(key(5), &Identity{}, later, 101, now)
	c.put(key(6), &Identity{}, now, 1, now)
	var there []byte
	for n := range byte(7) {
		if _, ok := c.get(key(n), now); ok {
			there = append(there, n)
		}
	}
	if diff := cmp.Diff([]byte{4}, there); diff != "" || c.bytes != 95 {
		t.Errorf("%d bytes (-want +got):\n%s", c.bytes, diff)
	}
	c.put(key(4), &Identity{}, later, 5, now)
	if c.bytes != 5 {
		t.Errorf("%d bytes after it was replaced", c.bytes)
	}
	if _, ok := c.get(key(4), later); ok || c.bytes != 0 || len(c.byName) != 0 || c.order.Len() != 0 {
		t.Errorf("what is out of date stays: %d bytes", c.bytes)
	}
}
