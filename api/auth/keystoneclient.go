package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cierzo/fault"
)

// KeystoneConfig says where Keystone is and who we are there.
type KeystoneConfig struct {
	// URL is the identity service's address as this server sees it, as https://keystone:5000/v3; /v3 is added if it is missing.
	URL string
	// PublicURL is what clients are told in a 401. Defaults to URL.
	PublicURL string

	// User and Password are the service's own account, with a role that may validate tokens (service or admin) in Project.
	User     string
	Password Secret
	Project  string
	// UserDomain and ProjectDomain are names of domains. They default to "Default".
	UserDomain, ProjectDomain string
	// CredentialID and CredentialSecret are an application credential; it takes the place of all of the account.
	CredentialID     string
	CredentialSecret Secret

	// Region is what actions are told if the request names none.
	Region string
	// Timeout is for the whole of a token's validation. Defaults to 10 s.
	Timeout time.Duration
	// CacheTTL is how long a good token is believed, and so how long a revoked one works. Defaults to 1 minute.
	CacheTTL time.Duration
	// NegativeTTL is how long a bad token is refused without asking. Defaults to 10 s.
	NegativeTTL time.Duration
	// Transport makes the connections: certificates and proxies are its affair. Defaults to http.DefaultTransport.
	Transport http.RoundTripper
}

// complete checks the configuration and sets its defaults.
func (c KeystoneConfig) complete() (KeystoneConfig, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" {
		return c, fault.New(fault.Invalid, "the address of Keystone is an http or https URL without user and query, as https://keystone:5000/v3")
	}
	account := c.User != "" && !c.Password.IsEmpty() && c.Project != ""
	if credential := c.CredentialID != "" && !c.CredentialSecret.IsEmpty(); credential == account {
		return c, fault.New(fault.Invalid, "mode keystone needs either user, password and project of the service's own account, or an application credential")
	}
	c.URL = strings.TrimRight(c.URL, "/")
	if c.PublicURL == "" {
		c.PublicURL = c.URL
	}
	if !strings.HasSuffix(c.URL, "/v3") {
		c.URL += "/v3"
	}
	if c.UserDomain == "" {
		c.UserDomain = "Default"
	}
	if c.ProjectDomain == "" {
		c.ProjectDomain = "Default"
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&c.Timeout, 10 * time.Second}, {&c.CacheTTL, time.Minute}, {&c.NegativeTTL, 10 * time.Second}} {
		if *d.value < 0 {
			return c, fault.New(fault.Invalid, "the times of Keystone's configuration aren't negative")
		}
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	return c, nil
}

const (
	// answerMax is the largest answer read, in bytes: a token with a large catalog has 100 kB.
	answerMax = 2 << 20
	// retryAfter is how long the service's own account isn't tried again after it was refused: Keystone can lock accounts out.
	retryAfter = 30 * time.Second
	// renewBefore is how long before its end the service's own token is replaced.
	renewBefore = time.Minute
)

// keystoneClient speaks version 3 of the identity API.
type keystoneClient struct {
	cfg  KeystoneConfig
	http *http.Client
	now  func() time.Time

	// own is the service's own token; whoever holds turn may look at it and replace it.
	turn    chan struct{}
	own     Secret
	ownEnds time.Time
	refusal error
	tryAt   time.Time
}

func newKeystoneClient(cfg KeystoneConfig, now func() time.Time) *keystoneClient {
	return &keystoneClient{
		cfg: cfg, now: now, turn: make(chan struct{}, 1),
		http: &http.Client{
			Transport: cfg.Transport,
			// A redirect would carry tokens to an address that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// tokenAnswer is what Keystone says about a token.
type tokenAnswer struct {
	refused bool
	id      *Identity
	size    int // of the answer in bytes
}

// validate asks about a token. A refused token is an answer, an error is anything that kept Keystone from giving one.
func (c *keystoneClient) validate(ctx context.Context, token Secret) (*tokenAnswer, error) {
	var stale Secret
	for {
		own, err := c.ownToken(ctx, stale)
		if err != nil {
			return nil, err
		}
		header := http.Header{"X-Auth-Token": {own.Reveal()}, "X-Subject-Token": {token.Reveal()}}
		res, body, err := c.do(ctx, http.MethodGet, header, nil)
		if err != nil {
			return nil, err
		}
		switch {
		case res.StatusCode == http.StatusOK:
			return c.readToken(token, body)
		case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusBadRequest:
			return &tokenAnswer{refused: true}, nil
		case res.StatusCode == http.StatusUnauthorized && stale.IsEmpty():
			stale = own // it may have been revoked: once more with a new one
		case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
			return nil, fmt.Errorf("keystone answered %d: the service's own account may not validate tokens, which needs the role service or admin", res.StatusCode)
		default:
			return nil, fmt.Errorf("keystone answered %d to the validation of a token", res.StatusCode)
		}
	}
}

// ownToken is the service's own token, a new one if there is none, it ends soon or it is the stale one.
func (c *keystoneClient) ownToken(ctx context.Context, stale Secret) (Secret, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return Secret{}, ctx.Err()
	}
	now := c.now()
	if !c.own.IsEmpty() && c.own != stale && now.Before(c.ownEnds) {
		return c.own, nil
	}
	if c.refusal != nil && now.Before(c.tryAt) {
		return Secret{}, c.refusal
	}
	own, expires, err := c.logIn(ctx)
	if err != nil {
		return Secret{}, err
	}
	// A token that ends sooner than it should be renewed is used for half of its time.
	c.own, c.ownEnds = own, expires.Add(-min(renewBefore, expires.Sub(now)/2))
	return own, nil
}

// logIn gets a token for the service's own account.
func (c *keystoneClient) logIn(ctx context.Context) (Secret, time.Time, error) {
	request, err := json.Marshal(c.credentials())
	if err != nil {
		return Secret{}, time.Time{}, fmt.Errorf("encode the service's credentials: %w", err)
	}
	res, body, err := c.do(ctx, http.MethodPost, http.Header{"Content-Type": {"application/json"}}, request)
	if err != nil {
		return Secret{}, time.Time{}, err
	}
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden {
		c.refusal = fmt.Errorf("keystone answered %d to the service's own credentials", res.StatusCode)
		c.tryAt = c.now().Add(retryAfter)
		return Secret{}, time.Time{}, c.refusal
	}
	var answer struct {
		Token struct {
			ExpiresAt time.Time `json:"expires_at"`
		}
	}
	own := NewSecret(res.Header.Get("X-Subject-Token"))
	if res.StatusCode != http.StatusCreated || own.IsEmpty() {
		return Secret{}, time.Time{}, fmt.Errorf("keystone answered %d to the service's own credentials", res.StatusCode)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Secret{}, time.Time{}, fmt.Errorf("keystone's answer to the service's own credentials can't be read")
	}
	c.refusal = nil
	return own, answer.Token.ExpiresAt, nil
}

type object map[string]any

func (c *keystoneClient) credentials() object {
	if c.cfg.CredentialID != "" {
		return object{"auth": object{"identity": object{
			"methods":                []string{"application_credential"},
			"application_credential": object{"id": c.cfg.CredentialID, "secret": c.cfg.CredentialSecret.Reveal()},
		}}}
	}
	return object{"auth": object{
		"identity": object{
			"methods": []string{"password"},
			"password": object{"user": object{
				"name": c.cfg.User, "domain": object{"name": c.cfg.UserDomain}, "password": c.cfg.Password.Reveal(),
			}},
		},
		"scope": object{"project": object{"name": c.cfg.Project, "domain": object{"name": c.cfg.ProjectDomain}}},
	}}
}

// do sends a request to /auth/tokens. Its errors have neither headers nor bodies in them.
func (c *keystoneClient) do(ctx context.Context, method string, header http.Header, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+"/auth/tokens", bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("ask keystone: %w", err)
	}
	req.Header = header
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("ask keystone: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerMax+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read keystone's answer: %w", err)
	}
	if len(answer) > answerMax {
		return nil, nil, fmt.Errorf("keystone's answer is larger than %d bytes", answerMax)
	}
	return res, answer, nil
}

// named is how Keystone writes users, projects, domains and roles.
type named struct {
	ID     string
	Name   string
	Domain struct{ ID string }
}

// readToken makes an identity of a validated token.
func (c *keystoneClient) readToken(token Secret, body []byte) (*tokenAnswer, error) {
	var answer struct {
		Token struct {
			ExpiresAt  time.Time `json:"expires_at"`
			User       named
			Project    named
			Roles      []named
			Catalog    json.RawMessage
			Credential struct {
				Rules json.RawMessage `json:"access_rules"`
			} `json:"application_credential"`
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("keystone's answer about a token can't be read")
	}
	t := answer.Token
	if t.User.ID == "" || t.ExpiresAt.IsZero() {
		return nil, fmt.Errorf("keystone's answer about a token lacks the user or the end")
	}
	// An application credential with access rules is good for some requests only, and we don't check which.
	if rules := t.Credential.Rules; len(rules) > 0 && string(rules) != "null" {
		return &tokenAnswer{refused: true}, nil
	}
	id := &Identity{
		User: t.User.ID, UserName: t.User.Name, UserDomain: t.User.Domain.ID,
		Project: t.Project.ID, ProjectName: t.Project.Name, ProjectDomain: t.Project.Domain.ID,
		Token: token, ExpiresAt: t.ExpiresAt,
	}
	for _, r := range t.Roles {
		id.Roles = append(id.Roles, r.Name)
	}
	id.IsAdmin = id.hasRole(adminRole)
	id.Cloud = id.ownCloud(c.cfg.PublicURL, c.cfg.Region, t.Catalog)
	return &tokenAnswer{id: id, size: len(body)}, nil
}
