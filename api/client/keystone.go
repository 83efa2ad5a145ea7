package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cierzo/fault"
)

// Keystone is an account in OpenStack's identity service, version 3: a password, a token or an application credential. Domains
// are names unless their field says ID; they default to "Default".
type Keystone struct {
	URL string // as https://keystone:5000/v3; /v3 is added if it is missing

	User, UserID, Password            string
	UserDomain, UserDomainID          string
	Project, ProjectID                string
	ProjectDomain, ProjectDomainID    string
	Token                             string
	Credential, CredentialID          string // an application credential's name (with the user) or id
	CredentialSecret                  string
	Region, ServiceType, EndpointType string // of the service in the catalogue; "workflowv2" and "public" by default
	TLS                               *tls.Config
}

// Session is what Keystone has given: a token, and where the workflow service is.
type Session struct {
	Token    string
	Expires  time.Time
	Endpoint string // "" when the catalogue has no workflow service
	Project  string // its id
	User     string // its name
}

// LogIn gets a token. fault.Forbidden: Keystone refuses the account. Errors never have a secret in them.
func (k Keystone) LogIn(ctx context.Context) (*Session, error) {
	address := strings.TrimRight(k.URL, "/")
	if u, err := url.Parse(address); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.New(fault.Invalid, "Keystone: %q is no address such as https://keystone:5000/v3", k.URL)
	}
	if !strings.HasSuffix(address, "/v3") {
		address = strings.TrimSuffix(address, "/v2.0") + "/v3"
	}
	body, err := k.request()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "encode the credentials")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/auth/tokens", bytes.NewReader(raw))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "Keystone")
	}
	req.Header.Set("Content-Type", "application/json")
	c := &Client{base: address, http: &http.Client{Timeout: Timeout, Transport: transportOf(k.TLS), CheckRedirect: sameHost}}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	switch {
	case err != nil:
		return nil, c.unreachable(err)
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return nil, fault.Wrap(fault.Forbidden, ErrUnauthenticated, "Keystone %s refuses the credentials", address)
	case resp.StatusCode != http.StatusCreated:
		return nil, fault.New(fault.Unavailable, "Keystone %s answers %s", address, resp.Status)
	}
	return k.session(resp.Header.Get("X-Subject-Token"), data)
}

type object map[string]any

// request is the body of the request for a token.
func (k Keystone) request() (object, error) {
	var identity, scope object
	switch {
	case k.CredentialSecret != "":
		credential := object{"secret": k.CredentialSecret}
		if k.CredentialID != "" {
			credential["id"] = k.CredentialID
		} else {
			credential["name"], credential["user"] = k.Credential, k.user()
		}
		identity = object{"methods": []string{"application_credential"}, "application_credential": credential}
	case k.Token != "":
		identity = object{"methods": []string{"token"}, "token": object{"id": k.Token}}
		scope = k.scope()
	case k.Password != "" && (k.User != "" || k.UserID != ""):
		user := k.user()
		user["password"] = k.Password
		identity = object{"methods": []string{"password"}, "password": object{"user": user}}
		scope = k.scope()
	default:
		return nil, fault.New(fault.Invalid, "Keystone needs a user with a password, a token or an application credential")
	}
	auth := object{"identity": identity}
	if len(scope) > 0 {
		auth["scope"] = scope
	}
	return object{"auth": auth}, nil
}

func (k Keystone) user() object {
	if k.UserID != "" {
		return object{"id": k.UserID}
	}
	return object{"name": k.User, "domain": domain(k.UserDomain, k.UserDomainID)}
}

func (k Keystone) scope() object {
	switch {
	case k.ProjectID != "":
		return object{"project": object{"id": k.ProjectID}}
	case k.Project != "":
		return object{"project": object{"name": k.Project, "domain": domain(k.ProjectDomain, k.ProjectDomainID)}}
	}
	return nil
}

func domain(name, id string) object {
	if id != "" {
		return object{"id": id}
	}
	if name == "" {
		name = "Default"
	}
	return object{"name": name}
}

// session reads Keystone's answer.
func (k Keystone) session(token string, data []byte) (*Session, error) {
	var answer struct {
		Token struct {
			ExpiresAt time.Time             `json:"expires_at"`
			Project   struct{ ID string }   `json:"project"`
			User      struct{ Name string } `json:"user"`
			Catalog   []struct {
				Type      string
				Endpoints []struct{ Interface, Region, URL string }
			}
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil || token == "" {
		return nil, fault.New(fault.Unavailable, "Keystone's answer can't be read")
	}
	t := answer.Token
	out := &Session{Token: token, Expires: t.ExpiresAt, Project: t.Project.ID, User: t.User.Name}
	kind, side := or(k.ServiceType, "workflowv2"), strings.TrimSuffix(or(k.EndpointType, "public"), "URL")
	for _, service := range t.Catalog {
		if service.Type != kind {
			continue
		}
		for _, e := range service.Endpoints {
			if e.Interface == side && (k.Region == "" || e.Region == k.Region) && out.Endpoint == "" {
				out.Endpoint = e.URL
			}
		}
	}
	return out, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
