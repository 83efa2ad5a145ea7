package auth

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"cierzo/fault"
)

// Authenticator finds out who makes a request. An error is an Unauthenticated, which is answered with 401, or has the kind
// Unavailable if nobody can tell at present, Forbidden if the token is good but not for us, or Invalid.
type Authenticator interface {
	Authenticate(r *http.Request) (*Identity, error)
	// Challenge is the value of WWW-Authenticate in a 401.
	Challenge() string
}

// Mode is a way of authenticating.
type Mode string

// The modes, see the package comment.
const (
	Off      Mode = "off"
	Tokens   Mode = "tokens"
	Keystone Mode = "keystone"
	Proxy    Mode = "proxy"
)

// Config chooses and sets up an Authenticator.
type Config struct {
	// Mode is how requests are authenticated. Defaults to Off.
	Mode Mode
	// Project is the project of all requests in mode Off. Defaults to "<default-project>", Mistral's name for it.
	Project string
	// Tokens are those of mode Tokens; at least one.
	Tokens []Token
	// Keystone is used in mode Keystone.
	Keystone KeystoneConfig
	// TrustedProxies are the addresses from which mode Proxy believes headers; at least one.
	TrustedProxies []netip.Prefix
	// Logger is told when Keystone doesn't work. Required in mode Keystone.
	Logger *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// defaultProject is Mistral's, for requests that nobody authenticates.
const defaultProject = "<default-project>"

// New makes the Authenticator that the configuration asks for.
func New(cfg Config) (Authenticator, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	switch cfg.Mode {
	case "", Off:
		if cfg.Project == "" {
			cfg.Project = defaultProject
		}
		return offAuthenticator{cfg.Project}, nil
	case Tokens:
		return newTokenAuthenticator(cfg.Tokens, cfg.Now)
	case Keystone:
		return newKeystoneAuthenticator(cfg.Keystone, cfg.Logger, cfg.Now)
	case Proxy:
		if len(cfg.TrustedProxies) == 0 {
			return nil, fault.New(fault.Invalid, "mode proxy needs the addresses of the proxies to trust, as 10.0.0.5/32")
		}
		return proxyAuthenticator{cfg.TrustedProxies}, nil
	}
	modes := []string{string(Off), string(Tokens), string(Keystone), string(Proxy)}
	hint := didYouMean(string(cfg.Mode), modes)
	return nil, fault.New(fault.Invalid, "unknown mode of authentication %q, not one of %s; %s", clip(string(cfg.Mode)), strings.Join(modes, ", "), hint)
}

// Unauthenticated says that nobody knows who makes the request. The reason is for the client: it never has the token in it.
type Unauthenticated struct{ Reason string }

// Error is Mistral's text, without the token that Mistral puts in.
func (e *Unauthenticated) Error() string { return "Failed to validate access token: " + e.Reason }

// refuse makes an Unauthenticated. Its kind makes it a 403 for those who don't know about 401.
func refuse(reason string) error {
	return fault.New(fault.Forbidden, "%w", &Unauthenticated{reason})
}

// Mistral's reasons.
const (
	reasonMissing = "Authentication required"
	reasonInvalid = "Auth token is invalid"
)

// tokenMax is the longest token taken, in bytes. Fernet tokens have about 250, signed ones up to 2,000.
const tokenMax = 8 << 10

// requestToken is the token of a request: X-Auth-Token, or Authorization: Bearer. Two that differ are refused, for which of
// them counts must not depend on who looks.
func requestToken(r *http.Request) (Secret, error) {
	var found string
	var candidates []string
	candidates = append(candidates, r.Header.Values("X-Auth-Token")...)
	for _, v := range r.Header.Values("Authorization") {
		if scheme, rest, _ := strings.Cut(v, " "); strings.EqualFold(scheme, "Bearer") {
			candidates = append(candidates, rest)
		}
	}
	for _, c := range candidates {
		c = strings.TrimSpace(c)
		if c == "" || c == found {
			continue
		}
		if found != "" {
			return Secret{}, refuse("the request has two different tokens")
		}
		found = c
	}
	if found == "" {
		return Secret{}, refuse(reasonMissing)
	}
	if len(found) > tokenMax || strings.ContainsFunc(found, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return Secret{}, refuse(reasonInvalid)
	}
	return NewSecret(found), nil
}

// identityHeaders are what keystonemiddleware sets. Guard removes them from every request once they have been looked at, so
// that no handler can mistake a client's words for the middleware's.
func identityHeaders() []string {
	names := []string{
		"X-Identity-Status", "X-Service-Identity-Status", "X-Is-Admin-Project", "OpenStack-System-Scope", "X-Service-Catalog",
		"X-User", "X-Tenant-Id", "X-Tenant-Name", "X-Tenant", "X-Role",
	}
	for _, what := range []string{
		"Domain-Id", "Domain-Name", "Project-Id", "Project-Name", "Project-Domain-Id", "Project-Domain-Name",
		"User-Id", "User-Name", "User-Domain-Id", "User-Domain-Name", "Roles",
	} {
		names = append(names, "X-"+what, "X-Service-"+what)
	}
	return names
}

// offAuthenticator asks nobody. As in Mistral the roles are what X-Roles says: that is how its tests become administrators,
// and with authentication off there is nothing that the header could get around.
type offAuthenticator struct{ project string }

func (a offAuthenticator) Authenticate(r *http.Request) (*Identity, error) {
	id := &Identity{Project: a.project, Roles: splitRoles(r.Header.Get("X-Roles"))}
	id.IsAdmin = id.hasRole(adminRole)
	return id, id.aim(r)
}

func (offAuthenticator) Challenge() string { return "" }

const adminRole = "admin"

func splitRoles(list string) []string {
	var roles []string
	for role := range strings.SplitSeq(list, ",") {
		if role = strings.TrimSpace(role); role != "" {
			roles = append(roles, role)
		}
	}
	return roles
}

// proxyAuthenticator believes keystonemiddleware's headers from trusted addresses.
type proxyAuthenticator struct{ trusted []netip.Prefix }

func (a proxyAuthenticator) Authenticate(r *http.Request) (*Identity, error) {
	if !a.trusts(r.RemoteAddr) {
		return nil, refuse("the request doesn't come from a trusted proxy")
	}
	for _, name := range identityHeaders() {
		if len(r.Header.Values(name)) > 1 {
			return nil, refuse(fmt.Sprintf("the header %s is there twice", name))
		}
	}
	if r.Header.Get("X-Identity-Status") != "Confirmed" {
		if r.Header.Get("X-Auth-Token") != "" {
			return nil, refuse(reasonInvalid)
		}
		return nil, refuse(reasonMissing)
	}
	h := r.Header
	id := &Identity{
		User: h.Get("X-User-Id"), UserName: h.Get("X-User-Name"), UserDomain: h.Get("X-User-Domain-Id"),
		Project: h.Get("X-Project-Id"), ProjectName: h.Get("X-Project-Name"), ProjectDomain: h.Get("X-Project-Domain-Id"),
		Roles: splitRoles(h.Get("X-Roles")), Token: NewSecret(h.Get("X-Auth-Token")),
	}
	if id.Project == "" {
		return nil, errUnscoped()
	}
	id.IsAdmin = id.hasRole(adminRole)
	id.Cloud = id.ownCloud("", h.Get("X-Region-Name"), []byte(h.Get("X-Service-Catalog")))
	return id, id.aim(r)
}

func (proxyAuthenticator) Challenge() string { return "Keystone" }

// trusts looks at the address of the connection, and never at X-Forwarded-For, which anybody can send.
func (a proxyAuthenticator) trusts(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	for _, p := range a.trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// errUnscoped refuses tokens for no project, a domain or the system: what they made would belong to everybody like them.
func errUnscoped() error {
	return fault.New(fault.Forbidden, "the token isn't for a project; ask for one that is scoped to a project")
}
