package std

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"cierzo/actions"
)

const (
	// catalogueAgeMax is how long the catalogue of a caller's token is believed; a token is checked by the services anyway.
	catalogueAgeMax = 5 * time.Minute
	// cataloguesMax bounds the catalogues of callers that are kept.
	cataloguesMax = 256
	// tokenMargin is how long before its end a token of ours isn't used any more.
	tokenMargin = time.Minute
)

// OpenStack is an account at a cloud, for calls on behalf of a user without a token of his own: who may start a workflow
// acts with its rights. The zero value is none; then the variables of the environment are looked at.
type OpenStack struct {
	// AuthURL is Keystone's address, as http://keystone:5000/v3. (OS_AUTH_URL)
	AuthURL string
	// Username and Password, or an application credential, prove who it is. (OS_USERNAME, OS_PASSWORD,
	// OS_APPLICATION_CREDENTIAL_ID, OS_APPLICATION_CREDENTIAL_SECRET)
	Username, Password                                   string
	ApplicationCredentialID, ApplicationCredentialSecret string
	// UserDomain is the name of the user's domain. Defaults to Default. (OS_USER_DOMAIN_NAME)
	UserDomain string
	// Project is a project's name in ProjectDomain (Default); ProjectID is its id. (OS_PROJECT_NAME, OS_PROJECT_DOMAIN_NAME,
	// OS_PROJECT_ID)
	Project, ProjectDomain, ProjectID string
	// Region is where services are looked up when the action doesn't say. Defaults to any. (OS_REGION_NAME)
	Region string
	// Interface of endpoints: public, internal or admin. Defaults to public. (OS_INTERFACE)
	Interface string
}

// LogValue keeps passwords out of logs.
func (o OpenStack) LogValue() slog.Value {
	return slog.GroupValue(slog.String("auth_url", o.AuthURL), slog.String("username", o.Username), slog.String("region", o.Region))
}

// OpenStackFrom reads an account from the variables OS_*, as OpenStack's own command line does; getenv is os.Getenv.
func OpenStackFrom(getenv func(string) string) OpenStack {
	return OpenStack{
		AuthURL: getenv("OS_AUTH_URL"), Username: getenv("OS_USERNAME"), Password: getenv("OS_PASSWORD"),
		ApplicationCredentialID:     getenv("OS_APPLICATION_CREDENTIAL_ID"),
		ApplicationCredentialSecret: getenv("OS_APPLICATION_CREDENTIAL_SECRET"),
		UserDomain:                  getenv("OS_USER_DOMAIN_NAME"), Project: getenv("OS_PROJECT_NAME"),
		ProjectDomain: getenv("OS_PROJECT_DOMAIN_NAME"), ProjectID: getenv("OS_PROJECT_ID"),
		Region: getenv("OS_REGION_NAME"), Interface: getenv("OS_INTERFACE"),
	}
}

// keystone gives tokens and catalogues. It may be used by many calls at the same time.
type keystone struct {
	account OpenStack
	cloud   *cloud
	now     func() time.Time

	mu      sync.Mutex
	own     *grant              // of the account
	callers map[[32]byte]*grant // by the hash of the token
}

// grant is a token, and what it opens.
type grant struct {
	token    string
	services []service
	until    time.Time
}

// service is an entry of Keystone's catalogue.
type service struct {
	Type      string
	Endpoints []struct {
		Interface, Region, URL string
		RegionID               string `json:"region_id"`
	}
}

// errUnconfigured says what is missing.
var errUnconfigured = errors.New("OpenStack is not configured: the action has no token of its user, and the runner no account " +
	"(the variable OS_AUTH_URL and the other OS_*, or std.Config.OpenStack)")

// errTokenGone says why there is no right, where there was one.
var errTokenGone = errors.New("the token of the workflow's user can't be used: it is for another cloud (X-Target-Auth-Uri), or the " +
	"workflow has succeeded, which erases it")

// grant finds the right with which a call acts: its user's, or else the account's.
func (k *keystone) grant(ctx context.Context, auth actions.Auth) (*grant, error) {
	base := auth.AuthURL
	if base == "" {
		base = k.account.AuthURL
	}
	switch {
	case auth.Token == "" && auth.Project != "":
		return nil, errTokenGone // never act as the runner for a user who has, or had, a right of his own
	case auth.Token != "" && base != "":
		return k.caller(ctx, versioned(base, "v3"), auth.Token)
	case auth.Token == "" && k.account.AuthURL != "":
		return k.login(ctx)
	}
	return nil, errUnconfigured
}

// forget drops the account's token, which a service has refused.
func (k *keystone) forget(g *grant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.own == g {
		k.own = nil
	}
}

// caller gets the catalogue for a user's token. Requests are made without the lock: twice the same is no harm.
func (k *keystone) caller(ctx context.Context, base, token string) (*grant, error) {
	key := sha256.Sum256([]byte(base + "\x00" + token))
	k.mu.Lock()
	g := k.callers[key]
	k.mu.Unlock()
	if g != nil && k.now().Before(g.until) {
		return g, nil
	}
	answer, err := k.cloud.do(ctx, http.MethodGet, base+"/auth/catalog", http.Header{"X-Auth-Token": {token}}, nil)
	if err != nil {
		return nil, fmt.Errorf("keystone: %w", err)
	}
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("keystone doesn't give the catalogue for the user's token: %w", answer.failure())
	}
	var body struct{ Catalog []service }
	if err := json.Unmarshal(answer.data, &body); err != nil {
		return nil, fmt.Errorf("keystone: catalogue: %w", err)
	}
	g = &grant{token, body.Catalog, k.now().Add(catalogueAgeMax)}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.callers) >= cataloguesMax {
		clear(k.callers)
	}
	k.callers[key] = g
	return g, nil
}

// login gets a token for the account, or takes the one that it still has.
func (k *keystone) login(ctx context.Context) (*grant, error) {
	k.mu.Lock()
	g := k.own
	k.mu.Unlock()
	if g != nil && k.now().Before(g.until) {
		return g, nil
	}
	request, err := json.Marshal(k.account.request())
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	answer, err := k.cloud.do(ctx, http.MethodPost, versioned(k.account.AuthURL, "v3")+"/auth/tokens", header, request)
	if err != nil {
		return nil, fmt.Errorf("keystone: %w", err)
	}
	if answer.status != http.StatusCreated {
		return nil, fmt.Errorf("keystone gives no token: %w", answer.failure())
	}
	var body struct {
		Token struct {
			Catalog   []service
			ExpiresAt time.Time `json:"expires_at"`
		}
	}
	if err := json.Unmarshal(answer.data, &body); err != nil {
		return nil, fmt.Errorf("keystone: token: %w", err)
	}
	g = &grant{answer.header.Get("X-Subject-Token"), body.Token.Catalog, body.Token.ExpiresAt.Add(-tokenMargin)}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.own = g
	return g, nil
}

// request is what Keystone v3 wants for a token.
func (o OpenStack) request() any {
	type object = map[string]any
	domain := func(name string) object {
		if name == "" {
			name = "Default"
		}
		return object{"name": name}
	}
	if o.ApplicationCredentialID != "" {
		secret := object{"id": o.ApplicationCredentialID, "secret": o.ApplicationCredentialSecret}
		return object{"auth": object{"identity": object{"methods": []string{"application_credential"}, "application_credential": secret}}}
	}
	user := object{"name": o.Username, "domain": domain(o.UserDomain), "password": o.Password}
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{"user": user}}}
	switch {
	case o.ProjectID != "":
		auth["scope"] = object{"project": object{"id": o.ProjectID}}
	case o.Project != "":
		auth["scope"] = object{"project": object{"name": o.Project, "domain": domain(o.ProjectDomain)}}
	}
	return object{"auth": auth}
}

// endpoint finds a service by the first of the types that the catalogue has.
func (g *grant) endpoint(types []string, iface, region string) (string, error) {
	for _, t := range types {
		for _, s := range g.services {
			if s.Type != t {
				continue
			}
			for _, e := range s.Endpoints {
				if e.Interface == iface && (region == "" || e.Region == region || e.RegionID == region) {
					return strings.TrimRight(e.URL, "/"), nil
				}
			}
		}
	}
	where := ""
	if region != "" {
		where = " in region " + region
	}
	return "", fmt.Errorf("the catalogue has no %s endpoint of the service %s%s", iface, strings.Join(types, " or "), where)
}

// versioned appends the version to an address that has none.
func versioned(base, version string) string {
	base = strings.TrimRight(base, "/")
	u, err := url.Parse(base)
	if err != nil || version == "" {
		return base
	}
	hasVersion := func(part string) bool { return len(part) > 1 && part[0] == 'v' && part[1] >= '0' && part[1] <= '9' }
	if slices.ContainsFunc(strings.Split(u.Path, "/"), hasVersion) {
		return base
	}
	return base + "/" + version
}

// cloud makes requests to the services of a cloud. Where they are, the operator says; the egress policy doesn't hold here.
type cloud struct{ cfg Config }

// answer is what a service said.
type answer struct {
	status int
	reason string
	header http.Header
	names  []string // of the headers, in order
	data   []byte
}

// do sends a request. Redirects are followed to the same host only: the token would go elsewhere with them.
func (c *cloud) do(ctx context.Context, method, address string, header http.Header, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.HTTPTimeout, errTimeout)
	defer cancel()
	a, err := c.exchange(ctx, method, address, header, body)
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return nil, fmt.Errorf("no answer for %s", c.cfg.HTTPTimeout)
	}
	return a, reason(err)
}

func (c *cloud) exchange(ctx context.Context, method, address string, header http.Header, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header, req.Close = header.Clone(), true
	req.Header.Set("User-Agent", userAgent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	client := &http.Client{
		Transport: &transport{roots: c.cfg.RootCAs, proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > 5 || next.URL.Host != via[0].URL.Host || next.URL.Scheme != via[0].URL.Scheme {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := readBody(resp, c.cfg.ResponseBytesMax)
	if err != nil {
		return nil, err
	}
	_, text, _ := strings.Cut(resp.Status, " ")
	a := &answer{status: resp.StatusCode, reason: text, header: resp.Header, data: data}
	if w, ok := resp.Body.(*wire); ok {
		a.names = headerNames(w.head)
	}
	return a, nil
}

// failure is an answer's error as the Python clients show it: the message, the status and the request's id.
func (a *answer) failure() error {
	message := a.reason
	var body map[string]json.RawMessage
	if json.Unmarshal(a.data, &body) == nil {
		if m := messageIn(body); m != "" {
			message = m
		}
	}
	text := fmt.Sprintf("%s (HTTP %d)", message, a.status)
	for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id"} {
		if id := a.header.Get(name); id != "" {
			return fmt.Errorf("%s (Request-ID: %s)", text, id)
		}
	}
	return errors.New(text)
}

// messageIn finds the message of an error: at the top, or one level below, where each service has another name for it.
func messageIn(body map[string]json.RawMessage) string {
	var text string
	if json.Unmarshal(body["message"], &text) == nil {
		return text
	}
	for _, raw := range body {
		var inner struct{ Message string }
		if json.Unmarshal(raw, &inner) == nil && inner.Message != "" {
			return inner.Message
		}
	}
	return ""
}
