package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
)

func mustNew(t testing.TB, cfg Config) Authenticator {
	t.Helper()
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// request makes one with the headers "Name: value".
func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v2/workflows", nil)
	for _, h := range headers {
		name, v, _ := strings.Cut(h, ": ")
		r.Header.Add(name, v)
	}
	return r
}

// reason is why a request isn't authenticated; "" if it is, and the error's text if it is refused in another way.
func reason(err error) string {
	var unknown *Unauthenticated
	switch {
	case err == nil:
		return ""
	case errors.As(err, &unknown):
		return unknown.Reason
	}
	return err.Error()
}

func TestOff(t *testing.T) {
	t.Parallel()
	a := mustNew(t, Config{})
	id, err := a.Authenticate(request("X-Project-Id: other", "X-Auth-Token: whatever"))
	if err != nil || id.Project != "<default-project>" || id.IsAdmin {
		t.Errorf("%+v, %v", id, err)
	}
	id, err = mustNew(t, Config{Mode: Off, Project: "ours"}).Authenticate(request("X-Roles: reader, admin"))
	if err != nil || id.Project != "ours" || !id.IsAdmin {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	hash := HashToken(NewSecret("0123456789abcdef"))
	for name, cfg := range map[string]Config{
		"not one of off, tokens, keystone, proxy; did you mean \"keystone\"?": {Mode: "keyston"},
		"needs a token at least":              {Mode: Tokens},
		"token 1 has no project":              {Mode: Tokens, Tokens: []Token{{Hash: hash}}},
		"token 2 is empty, or is there twice": {Mode: Tokens, Tokens: []Token{{Hash: hash, Project: "p"}, {Hash: hash, Project: "q"}}},
		"token 1 is empty, or is there twice": {Mode: Tokens, Tokens: []Token{{Project: "p"}}},
		"needs the addresses of the proxies":  {Mode: Proxy},
		"needs a logger":                      {Mode: Keystone},
	} {
		if _, err := New(cfg); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}

const tokensYAML = `
- token: s3cret-token-of-alice
  user: alice
  project: web
  roles: [member, Admin]
- token: "sha256:HASH"
  project: shop
  expires_at: "2027-01-01T00:00:00Z"
`

func TestTokens(t *testing.T) {
	t.Parallel()
	hash := fmt.Sprintf("%x", HashToken(NewSecret("s3cret-token-of-bobby")))
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(tokensYAML, "HASH", hash, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := LoadTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	a := mustNew(t, Config{Mode: Tokens, Tokens: tokens, Now: func() time.Time { return now }})

	id, err := a.Authenticate(request("X-Auth-Token:  s3cret-token-of-alice "))
	want := &Identity{User: "alice", UserName: "alice", Project: "web", ProjectName: "web", Roles: []string{"member", "Admin"}, IsAdmin: true}
	if diff := cmp.Diff(want, id, cmp.AllowUnexported(Secret{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"bearer":              {[]string{"Authorization: bearer s3cret-token-of-bobby"}, ""},
		"the same twice":      {[]string{"Authorization: Bearer s3cret-token-of-bobby", "X-Auth-Token: s3cret-token-of-bobby"}, ""},
		"basic is ignored":    {[]string{"Authorization: Basic czNjcmV0", "X-Auth-Token: s3cret-token-of-bobby"}, ""},
		"none":                {nil, "Authentication required"},
		"basic only":          {[]string{"Authorization: Basic czNjcmV0"}, "Authentication required"},
		"empty":               {[]string{"X-Auth-Token: "}, "Authentication required"},
		"wrong":               {[]string{"X-Auth-Token: s3cret-token-of-carol"}, "Auth token is invalid"},
		"the start of one":    {[]string{"X-Auth-Token: s3cret-token-of-bob"}, "Auth token is invalid"},
		"the hash":            {[]string{"X-Auth-Token: sha256:" + hash}, "Auth token is invalid"},
		"not printable":       {[]string{"X-Auth-Token: s3cret token"}, "Auth token is invalid"},
		"too long":            {[]string{"X-Auth-Token: " + strings.Repeat("x", tokenMax+1)}, "Auth token is invalid"},
		"two":                 {[]string{"X-Auth-Token: s3cret-token-of-bobby", "X-Auth-Token: s3cret-token-of-alice"}, "the request has two different tokens"},
		"two kinds":           {[]string{"Authorization: Bearer s3cret-token-of-alice", "X-Auth-Token: s3cret-token-of-bobby"}, "the request has two different tokens"},
		"words of middleware": {[]string{"X-Identity-Status: Confirmed", "X-Project-Id: web", "X-Roles: admin"}, "Authentication required"},
	} {
		_, err := a.Authenticate(request(c.headers...))
		if got := reason(err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the token: %v", name, err)
		}
	}
	now = now.Add(time.Second)
	if _, err := a.Authenticate(request("X-Auth-Token: s3cret-token-of-bobby")); reason(err) != "Auth token is invalid" {
		t.Errorf("an expired token: %v", err)
	}
}

func TestParseTokensErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a: b": "t.yaml:1:1: tokens are a list",
		"- x":  "t.yaml:1:3: a token is a mapping",
		"- token: s3cret-but-short-enough\n  projct: p": `t.yaml:1:3: a key that isn't known: there are token, user, project, roles, expires_at; did you mean "project"?`,
		"- s3cret-token-as-a-key: x":                    "a key that isn't known",
		"- token: s3cret\n  project: p":                 "a token has at least 16 characters",
		"- token: 'sha256:s3cret'":                      "sha256: is followed by 64 hexadecimal digits",
		"- project: p":                                  "a token needs token and project",
		"- token: s3cret-long-enough-so":                "a token needs token and project",
		"- token: 5":                                    "token is a text",
		"- roles: admin":                                "roles is a list of texts",
		"- roles: [5]":                                  "roles is a list of texts",
		"- expires_at: 's3cret'":                        "expires_at is a time as",
		"- token: s3cret-long\n bad: [":                 "t.yaml:2:",
		"- token: \"s3cret-never-closed":                "t.yaml:1:",
	} {
		_, err := ParseTokens("t.yaml", []byte(text))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error shows the token: %v", text, err)
		}
	}
	if _, err := LoadTokens(filepath.Join(t.TempDir(), "none")); !fault.Is(err, fault.Invalid) {
		t.Errorf("no file: %v", err)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	a := mustNew(t, Config{Mode: Proxy, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::1/128")}})
	full := []string{
		"X-Identity-Status: Confirmed", "X-User-Id: u", "X-User-Name: alice", "X-User-Domain-Id: d", "X-Project-Id: p", "X-Project-Name: web",
		"X-Project-Domain-Id: e", "X-Roles: member,ADMIN", "X-Auth-Token: s3cret", "X-Region-Name: west", `X-Service-Catalog: [{"type":"compute"}]`,
	}
	r := request(full...)
	r.RemoteAddr = "10.1.2.3:4711"
	id, err := a.Authenticate(r)
	want := &Identity{
		User: "u", UserName: "alice", UserDomain: "d", Project: "p", ProjectName: "web", ProjectDomain: "e",
		Roles: []string{"member", "ADMIN"}, IsAdmin: true, Token: NewSecret("s3cret"),
		Cloud: Cloud{
			Token: NewSecret("s3cret"), Region: "west", User: "u", UserName: "alice", Project: "p", ProjectName: "web",
			Catalog: json.RawMessage(`[{"type":"compute"}]`),
		},
	}
	if diff := cmp.Diff(want, id, cmp.AllowUnexported(Secret{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, c := range map[string]struct {
		remote  string
		headers []string
		want    string
	}{
		"IPv6":                       {"[fd00::1]:1", full, ""},
		"IPv4 in IPv6":               {"[::ffff:10.1.2.3]:1", full, ""},
		"from elsewhere":             {"10.2.0.1:1", full, "the request doesn't come from a trusted proxy"},
		"from elsewhere, forwarded":  {"10.2.0.1:1", append([]string{"X-Forwarded-For: 10.1.2.3"}, full...), "the request doesn't come from a trusted proxy"},
		"from nowhere":               {"@", full, "the request doesn't come from a trusted proxy"},
		"a header twice":             {"10.1.2.3:1", append([]string{"X-Roles: admin"}, full...), "the header X-Roles is there twice"},
		"not confirmed":              {"10.1.2.3:1", append([]string{"X-Identity-Status: Invalid"}, full[1:]...), "Auth token is invalid"},
		"not confirmed and no token": {"10.1.2.3:1", []string{"X-Project-Id: p"}, "Authentication required"},
		"no project":                 {"10.1.2.3:1", full[:4], "the token isn't for a project; ask for one that is scoped to a project"},
	} {
		r := request(c.headers...)
		r.RemoteAddr = c.remote
		_, err := a.Authenticate(r)
		if got := reason(err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	a := mustNew(t, Config{})
	catalog := base64.StdEncoding.EncodeToString([]byte(`{"a": 1}`))
	id, err := a.Authenticate(request(
		"X-Target-Auth-Uri: https://other/v3", "X-Target-Auth-Token: s3cret", "X-Target-Insecure: True", "X-Target-Region-Name: east",
		"X-Target-User-Id: u", "X-Target-User-Name: un", "X-Target-Project-Id: p", "X-Target-Project-Name: pn", "X-Target-Service-Catalog: "+catalog))
	want := Cloud{
		AuthURL: "https://other/v3", Token: NewSecret("s3cret"), Region: "east", Insecure: true, IsTarget: true,
		User: "u", UserName: "un", Project: "p", ProjectName: "pn", Catalog: json.RawMessage(`{"a": 1}`),
	}
	if err != nil || !cmp.Equal(want, id.Cloud, cmp.AllowUnexported(Secret{})) || id.Project != "<default-project>" {
		t.Errorf("%+v, %v", id, err)
	}
	const uri, token = "X-Target-Auth-Uri: https://other/v3", "X-Target-Auth-Token: s3cret"
	for want, headers := range map[string][]string{
		`X-Target-Insecure must be either "True", "False" or not provided. The default is "False".`:   {uri, token, "X-Target-Insecure: true"},
		"Target auth URI (X-Target-Auth-Uri) target auth token (X-Target-Auth-Token) must be present": {uri},
		"X-Target-Service-Catalog is not JSON in base64":                                              {uri, token, "X-Target-Service-Catalog: e30x"},
	} {
		if _, err := a.Authenticate(request(headers...)); !fault.Is(err, fault.Invalid) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSecretShowsItselfNowhere(t *testing.T) {
	t.Parallel()
	id := &Identity{Project: "p", Token: NewSecret("s3cret"), Cloud: Cloud{Token: NewSecret("s3cret")}}
	encoded, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, *id) + fmt.Sprintf(verb, id.Token)
	}
	shown += fmt.Sprint(id.Token, id.Token.LogValue(), id.Token.String())
	if strings.Contains(shown, "s3cret") || strings.Contains(shown, "733363726574") {
		t.Errorf("shown: %s", shown)
	}
	if id.Token.Reveal() != "s3cret" || id.Token.IsEmpty() {
		t.Error("the secret is lost")
	}
}
