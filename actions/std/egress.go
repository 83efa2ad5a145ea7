package std

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
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
