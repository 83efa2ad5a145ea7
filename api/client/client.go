// Package client speaks the REST API, version 2, of cierzo and of OpenStack Mistral.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
)

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base   string // with the /v2
	http   *http.Client
	stream *http.Client // for answers that go on
	header http.Header  // of every request
}

// Config says which server, and as whom.
type Config struct {
	// Address of the server, such as http://127.0.0.1:8989; the path /v2 is added if it isn't there. Required.
	Address string
	// Token authenticates, as X-Auth-Token. "": the server asks nobody.
	Token string
	// Header is sent with every request besides.
	Header http.Header
	// TLS has certificates and whom to trust. Defaults to the system's certificates.
	TLS *tls.Config
}

// Timeout of a request, from dialing to the end of the answer. Mistral's own is 60 s.
const Timeout = 90 * time.Second

// answerMax bounds an answer, in bytes.
const answerMax = 256 << 20

// New makes a client of a server that asks nobody who they are.
func New(address string) (*Client, error) { return Open(Config{Address: address}) }

// Open makes a client. It doesn't talk to the server yet.
func Open(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.New(fault.Invalid, "server: %q is no address such as http://127.0.0.1:8989", cfg.Address)
	}
	base := strings.TrimRight(u.String(), "/")
	if !strings.HasSuffix(base, "/v2") {
		base += "/v2"
	}
	header := cfg.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if cfg.Token != "" {
		header.Set("X-Auth-Token", cfg.Token)
	}
	transport := transportOf(cfg.TLS)
	return &Client{
		base: base, header: header,
		http:   &http.Client{Timeout: Timeout, Transport: transport, CheckRedirect: sameHost},
		stream: &http.Client{Transport: transport, CheckRedirect: sameHost},
	}, nil
}

// transportOf is the default transport with other certificates.
func transportOf(certificates *tls.Config) http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if certificates == nil || !ok {
		return http.DefaultTransport
	}
	t := standard.Clone()
	t.TLSClientConfig = certificates
	return t
}

// sameHost keeps tokens from being carried to an address that nobody named.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return errors.New("more than 5 redirections")
	}
	if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return fmt.Errorf("redirected to %s, which is another server", req.URL.Host)
	}
	return nil
}

// Keyed is the client with an Idempotency-Key on each of its requests: sent again with the same key, a request is carried out
// once.
func (c *Client) Keyed(key string) *Client {
	out := *c
	out.header = c.header.Clone()
	out.header.Set("Idempotency-Key", key)
	return &out
}

// Address is the address of the API, with the /v2.
func (c *Client) Address() string { return c.base }

// query is the query string of names and values, those that are "" left out.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return suffix(q)
}

func suffix(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// path joins segments, each escaped.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

func (c *Client) get(ctx context.Context, path string, answer any) error {
	return c.call(ctx, http.MethodGet, path, "", nil, answer)
}

func (c *Client) remove(ctx context.Context, path string) error {
	return c.call(ctx, http.MethodDelete, path, "", nil, nil)
}

func (c *Client) text(ctx context.Context, method, path string, body []byte, answer any) error {
	return c.call(ctx, method, path, "text/plain", body, answer)
}

func (c *Client) json(ctx context.Context, method, path string, body, answer any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	return c.call(ctx, method, path, "application/json", data, answer)
}

func (c *Client) request(ctx context.Context, method, path, contentType string, body []byte) (*http.Request, error) {
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "request %s", path)
	}
	maps.Copy(req.Header, c.header)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}

func (c *Client) call(ctx context.Context, method, path, contentType string, body []byte, answer any) error {
	req, err := c.request(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	data, err := c.exchange(req)
	if err != nil || answer == nil || len(data) == 0 {
		return err
	}
	if raw, ok := answer.(*[]byte); ok {
		*raw = data
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fault.Wrap(fault.Unavailable, err, "%s %s%s: this is no answer of a workflow service", method, c.base, path)
	}
	return nil
}

// exchange sends a request and reads its answer.
func (c *Client) exchange(req *http.Request) ([]byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	return c.read(resp)
}

// read reads an answer to its end. The error is the server's, with the kind of its status.
func (c *Client) read(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "server %s", c.base)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, fault.Wrap(fault.Forbidden, ErrUnauthenticated, "%s", faultText(resp, data))
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, fault.New(fault.KindOfStatus(resp.StatusCode), "%s", faultText(resp, data))
	}
	return data, nil
}

// ErrUnauthenticated says that the server wants to know who asks: there was no token, or one that it doesn't know.
var ErrUnauthenticated = errors.New("not authenticated")

func (c *Client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fault.Wrap(fault.Unavailable, err, "server %s", c.base)
}

// faultText is what the server says of an error: the faultstring, or the text as it came.
func faultText(resp *http.Response, data []byte) string {
	var f apitype.Fault
	if json.Unmarshal(data, &f) == nil && f.Message != "" {
		return f.Message
	}
	if text := strings.TrimSpace(string(data)); text != "" && len(text) < 1000 {
		return text
	}
	return resp.Status
}
