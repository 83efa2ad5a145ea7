// Package std holds Mistral's built-in actions, and calls to OpenStack's services.
//
// Register adds them to a registry. Inputs, results and texts of errors are Mistral's; where an action does more or less,
// its comment says so. What is the same for all of them:
//
//   - Run returns soon after its context is done, with the result "cancelled".
//   - An exception in Mistral's action is an error with its text, "The action raised an exception [action=…,
//     action_ex_id=…, msg='…']", whatever caused it.
//   - What comes from outside is bounded: answers over HTTP by Config.ResponseBytesMax, the output of commands and scripts by
//     the constants of their files.
//
// std.http reaches any host by default but those on the local link, where clouds keep their metadata; Mistral also
// shuts out the loopback interface, see Config.DeniedCIDRs and MistralDeniedCIDRs.
package std

import (
	"crypto/x509"
	"net/netip"
	"time"

	"cierzo/actions"
)

// Config of the standard actions. The zero value is right for most, but for std.javascript: see Interpreter.
type Config struct {
	// HTTPTimeout is what a request of std.http may take when its input doesn't say. Defaults to 60 s.
	HTTPTimeout time.Duration
	// ResponseBytesMax bounds the body of an answer over HTTP, in bytes, after decompression. Defaults to 5 MiB.
	ResponseBytesMax int
	// AllowedHosts are the names and addresses that std.http and std.mistral_http may ask, without ports. Defaults to all.
	AllowedHosts []string
	// DeniedCIDRs are addresses that std.http and std.mistral_http never connect to, whatever name leads there, also as a
	// proxy or by a redirect. nil defaults to 169.254.0.0/16 and fe80::/10; an empty list denies nothing.
	DeniedCIDRs []netip.Prefix
	// RootCAs are the authorities that sign the certificates of servers. Defaults to the system's.
	RootCAs *x509.CertPool

	// SSHKeys is the folder of private keys that are named by a relative path, and of those (id_ed25519, id_ecdsa, id_rsa)
	// that are tried when an action has neither key nor password. Defaults to .ssh in the home of the process.
	SSHKeys string
	// SSHKnownHosts is a file of known_hosts' format; a host that isn't in it, or has another key there, is refused.
	// Defaults to "": any host key is accepted, as in Mistral.
	SSHKnownHosts string
	// SSHProxyCommands lets std.ssh_proxied run programs on this machine by its input proxy_command. Whoever may start
	// a workflow may then run anything here that the process may. Defaults to false; Mistral has it on.
	SSHProxyCommands bool

	// JavaScript is what RunJavaScriptChild returned to this program's main function; without it, scripts are refused.
	JavaScript Interpreter
	// JavaScriptTimeout is what a script may take, also in processor time. Defaults to 10 s.
	JavaScriptTimeout time.Duration

	// OpenStack is the account for calls on behalf of nobody. Defaults to the variables OS_* of the environment.
	OpenStack OpenStack
}

// The defaults of Config.
const (
	httpTimeoutDefault       = 60 * time.Second
	responseBytesMaxDefault  = 5 << 20
	javaScriptTimeoutDefault = 10 * time.Second
)

// MistralDeniedCIDRs is Mistral's own default for DeniedCIDRs: the loopback interface and the local link.
func MistralDeniedCIDRs() []netip.Prefix {
	return append(localLink(), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
}

func localLink() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10")}
}

func (c Config) complete() (Config, error) {
	if c.HTTPTimeout <= 0 {
		c.HTTPTimeout = httpTimeoutDefault
	}
	if c.ResponseBytesMax <= 0 {
		c.ResponseBytesMax = responseBytesMaxDefault
	}
	if c.JavaScriptTimeout <= 0 {
		c.JavaScriptTimeout = javaScriptTimeoutDefault
	}
	if c.DeniedCIDRs == nil {
		c.DeniedCIDRs = localLink()
	}
	return c, nil
}

// Register adds the standard actions to a registry. fault.Conflict: one of the names is taken; fault.Invalid: the
// configuration can't work.
func Register(r *actions.Registry, cfg Config) error {
	cfg, err := cfg.complete()
	if err != nil {
		return err
	}
	all := []actions.Action{noop(), asyncNoop(), echo(), fail(), sleep(), testDict(), httpAction(cfg), mistralHTTP(cfg), sshAction(cfg), sshProxied(cfg), email(cfg), javaScript(cfg, "std.javascript"), javaScript(cfg, "std.js")}
	cloud, err := openStackActions(cfg)
	if err != nil {
		return err
	}
	for _, a := range append(all, cloud...) {
		if err := r.Register(a); err != nil {
			return err
		}
	}
	return nil
}

// class is where Mistral keeps the Python classes of its actions.
const class = "mistral.actions.std_actions."
