package std

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
)

// redirectsMax bounds the redirects that are followed.
const redirectsMax = 30

const httpClass = class + "HTTPAction"

// errTimeout is the cause when a request took longer than its own timeout.
var errTimeout = errors.New("timeout")

func httpAction(cfg Config) actions.Action {
	h := &httpClient{cfg, newEgress(cfg), "std.http", httpClass}
	return actions.Action{
		Name: h.name, Class: h.class, Params: httpParams(), Run: h.run,
		Description: "Sends an HTTP request. Succeeds for a status from 200 to 306, fails otherwise; both with a dict of content, " +
			"status, headers, url, history, encoding, reason, cookies and elapsed.",
	}
}

func httpParams() []actions.Param {
	return []actions.Param{
		{Name: "url", Doc: "http or https"},
		{Name: "method", Default: value.String("GET"), Doc: "in any case"},
		optional("params", "query: a dict (a list gives several values, null none), a list of pairs, or a text"),
		optional("body", "a text, sent as it is; a dict, sent as JSON without a content type; a list of pairs, sent as a form"),
		optional("json", "sent as JSON with its content type; not together with body"),
		optional("headers", "a dict"),
		optional("cookies", "a dict"),
		optional("auth", "\"user:password\" for basic authentication"),
		optional("timeout", "seconds for the whole request; null: the configured default, 60"),
		optional("allow_redirects", "true follows up to 30 redirects; otherwise they are results like any other"),
		optional("proxies", "a dict of URLs by scheme (http, https, all); null: as the environment says"),
		optional("verify", "for https: false accepts any certificate, a text is a file of authorities on the runner"),
	}
}

// httpClient is std.http and std.mistral_http.
type httpClient struct {
	cfg         Config
	egress      *egress
	name, class string
}

func (h *httpClient) run(ctx context.Context, c *actions.Call) actions.Result {
	if value.Truthy(given(c, "body")) && value.Truthy(given(c, "json")) {
		return unmade(h.name, h.class, "Only one of the parameters 'json' and 'body' can be passed")
	}
	result, err := h.send(ctx, c)
	var large *tooLargeError
	var policy *policyError
	switch {
	case err == nil:
		return result
	case ctx.Err() != nil:
		return actions.Cancelled()
	case errors.As(err, &policy):
		return raised(h.class, c, "%v", policy.error)
	case errors.As(err, &large):
		return raised(h.class, c, "%v", large)
	default:
		return raised(h.class, c, "Failed to send HTTP request: %v", err)
	}
}

// policyError is a refusal by the egress policy, before anything was sent.
type policyError struct{ error }

func (h *httpClient) send(ctx context.Context, c *actions.Call) (actions.Result, error) {
	limit, err := timeoutOf(given(c, "timeout"), h.cfg.HTTPTimeout)
	if err != nil {
		return actions.Result{}, err
	}
	u, err := parseURL(value.Str(given(c, "url")))
	if err != nil {
		return actions.Result{}, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer cancel()
	if err := h.egress.check(bounded, u); err != nil {
		return actions.Result{}, &policyError{err}
	}
	if err := hostToASCII(u); err != nil {
		return actions.Result{}, err
	}
	req, err := newRequest(bounded, c, u)
	if err != nil {
		return actions.Result{}, err
	}
	t, err := h.transport(c, u)
	if err != nil {
		return actions.Result{}, err
	}
	result, err := h.exchange(req, t, value.Truthy(given(c, "allow_redirects")))
	if err != nil && errors.Is(context.Cause(bounded), errTimeout) {
		err = quoted("HTTP%sConnectionPool(host='%s', port=%s): Read timed out. (read timeout=%s)",
			strings.TrimPrefix(strings.ToUpper(u.Scheme), "HTTP"), u.Hostname(), portOf(u), value.FloatText(limit.Seconds()))
	}
	return result, reason(err)
}

// reason takes net/http's wrapping off: it would repeat method and URL, with what is secret in them.
func reason(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// transport is how the request is sent: proxy and verification.
func (h *httpClient) transport(c *actions.Call, u *url.URL) (*transport, error) {
	t := &transport{egress: h.egress, roots: h.cfg.RootCAs}
	proxies := given(c, "proxies")
	t.proxy = http.ProxyFromEnvironment
	if value.Truthy(proxies) {
		if _, ok := proxies.(value.Mapping); !ok {
			return nil, fmt.Errorf("'%s' object has no attribute 'get'", value.TypeName(proxies))
		}
		t.proxy = func(req *http.Request) (*url.URL, error) { return chooseProxy(proxies, req.URL) }
	}
	verify := given(c, "verify")
	switch v := verify.(type) {
	case value.Null:
	case value.String:
		if u.Scheme != "https" {
			break
		}
		roots, err := rootsFrom(string(v))
		if err != nil {
			return nil, err
		}
		t.roots = roots
	default:
		t.insecure = !value.Truthy(verify) && u.Scheme == "https"
	}
	return t, nil
}

// chooseProxy looks up scheme://host, scheme, all://host, all, as requests does; null: none.
func chooseProxy(proxies value.Value, u *url.URL) (*url.URL, error) {
	byName := map[string]string{}
	for k, v := range entries(proxies) {
		if value.Truthy(v) {
			byName[k] = value.Str(v)
		}
	}
	for _, name := range []string{u.Scheme + "://" + u.Hostname(), u.Scheme, "all://" + u.Hostname(), "all"} {
		text := byName[name]
		if text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		proxy, err := url.Parse(text)
		if err != nil || proxy.Hostname() == "" {
			return nil, quoted("Please check proxy URL. It is malformed and could be missing the host.")
		}
		return proxy, nil
	}
	return nil, nil
}

// exchange sends the request, follows redirects if it may, and reads the last answer.
func (h *httpClient) exchange(req *http.Request, t *transport, follow bool) (actions.Result, error) {
	var history []value.Value
	began := time.Now()
	jar, err := cookiejar.New(nil) // cookies that a redirect sets are for the next request
	if err != nil {
		return actions.Result{}, err
	}
	client := &http.Client{Transport: t, Jar: jar, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case !follow:
			return http.ErrUseLastResponse
		case len(via) > redirectsMax:
			return quoted("Exceeded %d redirects.", redirectsMax)
		}
		if err := h.egress.allow(next.URL.Hostname()); err != nil {
			return err
		}
		data, err := readBody(next.Response, h.cfg.ResponseBytesMax)
		if err != nil {
			return err
		}
		history = append(history, responseDict(next.Response, data, nil, time.Since(began)))
		began = time.Now()
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return actions.Result{}, err
	}
	defer resp.Body.Close()
	elapsed := time.Since(began)
	data, err := readBody(resp, h.cfg.ResponseBytesMax)
	if err != nil {
		return actions.Result{}, err
	}
	out := responseDict(resp, data, history, elapsed)
	if resp.StatusCode < 200 || resp.StatusCode > 306 {
		return actions.Error(out), nil
	}
	return actions.Value(out), nil
}

func portOf(u *url.URL) string {
	_, port, err := net.SplitHostPort(hostPort(u))
	if err != nil {
		return u.Port()
	}
	return port
}
