package std

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"cierzo/fault"
)

// egress is where std.http may connect to.
//
// Names are resolved and checked first, for a clear text, as Mistral does; then each connection is checked again by the
// address that it goes to, so that neither a redirect nor a name that resolves differently the second time gets around.
type egress struct {
	hosts  []string // lower case; empty: all
	denied []netip.Prefix
}

// blockedError is a connection that must not be.
type blockedError struct {
	host string
	addr netip.Addr
}

func (e *blockedError) Error() string {
	return fmt.Sprintf("URL host '%s' resolves to a blocked address (%s).", e.host, e.addr)
}

func newEgress(cfg Config) *egress {
	e := &egress{denied: cfg.DeniedCIDRs}
	for _, h := range cfg.AllowedHosts {
		e.hosts = append(e.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return e
}

// check refuses a URL by its scheme and host. A name that doesn't resolve passes: connecting will say so, or a proxy knows it.
func (e *egress) check(ctx context.Context, u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return quoted("URL scheme '%s' is not allowed (only http and https are).", u.Scheme)
	}
	host := u.Hostname()
	if err := e.allow(host); err != nil {
		return err
	}
	if len(e.denied) == 0 || host == "" {
		return nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if e.denies(a) {
			return &blockedError{host, a.Unmap()}
		}
	}
	return nil
}

func (e *egress) allow(host string) error {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if len(e.hosts) > 0 && !slices.Contains(e.hosts, name) {
		return quoted("URL host '%s' is not allowed.", host)
	}
	return nil
}

func (e *egress) denies(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(e.denied, func(p netip.Prefix) bool { return p.Contains(a) })
}

// dial connects to host:port unless the address behind it is denied. A nil egress denies nothing.
func (e *egress) dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	if e != nil {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		d.Control = func(_, to string, _ syscall.RawConn) error {
			if ap, err := netip.ParseAddrPort(to); err != nil || e.denies(ap.Addr()) {
				return &blockedError{host, ap.Addr().Unmap()}
			}
			return nil
		}
	}
	return d.DialContext(ctx, "tcp", address)
}

// NewTransport makes a transport for other parts of the server that go where std.http may go, and nowhere else.
func NewTransport(cfg Config) (http.RoundTripper, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	e := newEgress(cfg)
	return &guardedTransport{e, &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return e.dial(ctx, address) },
	}}, nil
}

type guardedTransport struct {
	egress *egress
	base   http.RoundTripper
}

// RoundTrip refuses, with fault.Invalid, what must not be.
func (t *guardedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.egress.check(r.Context(), r.URL); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "egress")
	}
	return t.base.RoundTrip(r)
}
