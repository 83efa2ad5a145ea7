package node

import (
	"net/http"

	"cierzo/api"
	"cierzo/api/auth"
	"cierzo/fault"
	"cierzo/workflow"
)

// AuthMode is how requests are authenticated; see package auth.
type AuthMode = auth.Mode

// NewSecret makes a text a secret, which is never shown.
func NewSecret(text string) auth.Secret { return auth.NewSecret(text) }

// AuthConfig says who may use the REST API.
type AuthConfig struct {
	// Mode is off (everybody, one project), tokens, keystone or proxy. Defaults to off.
	Mode auth.Mode
	// TokensFile lists the tokens of mode tokens; see auth.ParseTokens.
	TokensFile string
	// PolicyFile overrides Mistral's rules; see auth.ParsePolicy. Defaults to the rules alone.
	PolicyFile string
	// Keystone is used in mode keystone.
	Keystone auth.KeystoneConfig
	// TrustedProxies are addresses or networks from which mode proxy believes headers.
	TrustedProxies []string
}

// off reports whether nobody authenticates.
func (c AuthConfig) off() bool { return c.Mode == "" || c.Mode == auth.Off }

// protect has the API ask who sends a request and what they may do. Mode off leaves it as it is.
func (c AuthConfig) protect(cfg *api.Config) error {
	if c.off() {
		if c.PolicyFile != "" {
			return fault.New(fault.Invalid, "policy: without authentication nobody can be told apart; set auth")
		}
		return nil
	}
	guard, enforcer, err := c.guard(cfg)
	if err != nil {
		return err
	}
	cfg.Guard = func(rule string, refuse func(http.ResponseWriter, *http.Request, error), h http.Handler) http.Handler {
		return guard.Wrap(rule, refuse, h)
	}
	cfg.Authorize = func(r *http.Request, rule string) (api.Caller, error) {
		id, ok := auth.From(r.Context())
		if !ok {
			return api.Caller{}, fault.New(fault.Internal, "rule %s: the request has no identity", rule)
		}
		if err := enforcer.Check(r.Context(), rule, nil); err != nil {
			return api.Caller{}, err
		}
		return api.Caller{ProjectID: id.Project, UserID: id.User, UserName: id.UserName, Admin: id.IsAdmin, Auth: c.cloudAuth(id)}, nil
	}
	return nil
}

// cloudAuth is the right that the caller has at a cloud: with Keystone's tokens, and not with our own. One for another cloud than
// the token's has no token: requests to an address that a user names would get around the egress policy, and those to the
// token's cloud aren't what was asked for.
func (c AuthConfig) cloudAuth(id *auth.Identity) *workflow.CloudAuth {
	if c.Mode != auth.Keystone && c.Mode != auth.Proxy || id.Token.IsEmpty() {
		return nil
	}
	if id.Cloud.IsTarget {
		return &workflow.CloudAuth{AuthURL: id.Cloud.AuthURL, Project: id.Project}
	}
	return &workflow.CloudAuth{Token: id.Token.Reveal(), AuthURL: id.Cloud.AuthURL, Project: id.Project, Region: id.Cloud.Region}
}

func (c AuthConfig) guard(cfg *api.Config) (*auth.Guard, *auth.Enforcer, error) {
	a := auth.Config{Mode: c.Mode, Keystone: c.Keystone, Logger: cfg.Logger}
	var err error
	if c.Mode == auth.Tokens {
		if c.TokensFile == "" {
			return nil, nil, fault.New(fault.Invalid, "auth: mode tokens needs the file of tokens")
		}
		if a.Tokens, err = auth.LoadTokens(c.TokensFile); err != nil {
			return nil, nil, err
		}
	}
	if a.TrustedProxies, err = auth.ParseProxies(c.TrustedProxies); err != nil {
		return nil, nil, err
	}
	authenticator, err := auth.New(a)
	if err != nil {
		return nil, nil, err
	}
	var policy *auth.Policy
	if c.PolicyFile != "" {
		if policy, err = auth.LoadPolicy(c.PolicyFile); err != nil {
			return nil, nil, err
		}
	}
	enforcer, err := auth.NewEnforcer(policy)
	if err != nil {
		return nil, nil, err
	}
	return auth.NewGuard(authenticator, enforcer, cfg.Logger), enforcer, nil
}
