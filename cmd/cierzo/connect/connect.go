// Package connect finds the server that a command talks to, and who asks: from flags, from environment variables (ours and
// those of OpenStack and of Mistral's command), and from profiles in a file.
//
// What is said nearer to the command wins: flags, then the profile of --profile, then the environment, then the profile that
// is current, then http://127.0.0.1:8989. The environment's server goes with the environment's credentials, a profile's with the
// profile's: they are never mixed, for a token of one server is not shown to another.
package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"cierzo/api/client"
	"cierzo/fault"
)

// DefaultServer is where `cierzo server` listens if nobody says otherwise.
const DefaultServer = "http://127.0.0.1:8989"

// Target says which server, and as whom.
type Target struct {
	// Server's address. "": it is in Keystone's catalogue.
	Server string `yaml:"server,omitempty"`
	// Token is sent as it is; TokenFile is where to read it.
	Token     string `yaml:"token,omitempty"`
	TokenFile string `yaml:"token-file,omitempty"`
	// Keystone is where to get a token.
	Keystone Keystone `yaml:"keystone,omitempty"`
	// CACert, Cert and Key are files in PEM; Insecure believes any certificate.
	CACert   string `yaml:"cacert,omitempty"`
	Cert     string `yaml:"cert,omitempty"`
	Key      string `yaml:"key,omitempty"`
	Insecure bool   `yaml:"insecure,omitempty"`
	// Origin says where this was found, for people.
	Origin string `yaml:"-"`
}

// Keystone is an account in OpenStack's identity service.
type Keystone struct {
	URL              string `yaml:"url,omitempty"`
	User             string `yaml:"user,omitempty"`
	UserID           string `yaml:"user-id,omitempty"`
	Password         string `yaml:"password,omitempty"`
	PasswordFile     string `yaml:"password-file,omitempty"`
	UserDomain       string `yaml:"user-domain,omitempty"`
	UserDomainID     string `yaml:"user-domain-id,omitempty"`
	Project          string `yaml:"project,omitempty"`
	ProjectID        string `yaml:"project-id,omitempty"`
	ProjectDomain    string `yaml:"project-domain,omitempty"`
	ProjectDomainID  string `yaml:"project-domain-id,omitempty"`
	Credential       string `yaml:"credential,omitempty"`
	CredentialID     string `yaml:"credential-id,omitempty"`
	CredentialSecret string `yaml:"credential-secret,omitempty"`
	Region           string `yaml:"region,omitempty"`
	ServiceType      string `yaml:"service-type,omitempty"`
	EndpointType     string `yaml:"endpoint-type,omitempty"`
	// Token stands for a password. It lasts for hours only, so no profile has one.
	Token string `yaml:"-"`
}

// Flags declares --server, --profile and --token.
func Flags(f *pflag.FlagSet) {
	f.String("server", "", "address of the server's API, such as "+DefaultServer+" [CIERZO_SERVER]")
	f.String("profile", "", "profile of the configuration file, see cierzo profile --help [CIERZO_PROFILE]")
	f.String("token", "", "token to authenticate with [CIERZO_TOKEN]")
}

// Find finds the target. getenv is os.LookupEnv but in tests.
func Find(f *pflag.FlagSet, getenv func(string) (string, bool)) (*Target, error) {
	flag := func(name string) string {
		if x := f.Lookup(name); x != nil && x.Changed {
			return x.Value.String()
		}
		return ""
	}
	env := environment(getenv)
	server, profile, token := flag("server"), flag("profile"), flag("token")
	var out *Target
	switch {
	case server != "" && profile == "":
		out = &Target{Server: server, Origin: "flag --server"}
		if env.get("CIERZO_SERVER") == "" {
			out.Token = env.get("CIERZO_TOKEN")
		}
		known, err := env.target()
		if err != nil {
			return nil, err
		}
		if known != nil && (known.Server == server || known.Server == "") {
			out = known // the same server, or Keystone's account: what the environment says of who we are holds
		}
	case profile == "":
		var err error
		if out, err = env.target(); err != nil {
			return nil, err
		}
	}
	if out == nil {
		file, err := ReadFile(Path(getenv))
		if err != nil {
			return nil, err
		}
		if out, err = file.target(first(profile, env.get("CIERZO_PROFILE"))); err != nil {
			return nil, err
		}
	}
	if out == nil {
		out = &Target{Server: DefaultServer, Token: env.get("CIERZO_TOKEN"), Origin: "default"}
	}
	if server != "" {
		out.Server = server
	}
	if token != "" {
		out.Token, out.Keystone = token, Keystone{}
	}
	return out, nil
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// environment reads variables.
type environment func(string) (string, bool)

// get is the first of some variables that is set.
func (e environment) get(names ...string) string {
	for _, n := range names {
		if v, ok := e(n); ok && v != "" {
			return v
		}
	}
	return ""
}

func (e environment) yes(names ...string) bool {
	on, err := strconv.ParseBool(e.get(names...))
	return err == nil && on
}

// target is what the environment says; nil: nothing. Our own variables come first, then Mistral's and OpenStack's.
func (e environment) target() (*Target, error) {
	t := &Target{CACert: e.get("OS_CACERT"), Cert: e.get("OS_CERT"), Key: e.get("OS_KEY"), Insecure: e.yes("MISTRALCLIENT_INSECURE", "OS_INSECURE")}
	if own := e.get("CIERZO_SERVER"); own != "" {
		t.Server, t.Token, t.Origin = own, e.get("CIERZO_TOKEN"), "environment CIERZO_SERVER"
		return t, nil
	}
	if e.get("CIERZO_PROFILE") != "" {
		return nil, nil
	}
	for _, name := range []string{"OS_MISTRAL_URL", "MISTRAL_URL"} {
		if v := e.get(name); v != "" {
			t.Server, t.Origin = v, "environment "+name
			break
		}
	}
	if name := e.get("OS_CLOUD"); name != "" {
		known, err := e.cloud(name)
		if err == nil && t.Server != "" {
			known.Server = t.Server
		}
		return known, err
	}
	token := e.get("CIERZO_TOKEN", "OS_AUTH_TOKEN", "OS_TOKEN")
	url := e.get("OS_AUTH_URL")
	switch {
	case url == "" && t.Server == "":
		return nil, nil
	case url == "":
		t.Token = token
		return t, nil
	case token != "" && t.Server != "":
		t.Token = token // it is a token already, and we know where to go
		return t, nil
	}
	if t.Server == "" {
		t.Origin = "environment OS_AUTH_URL"
	}
	t.Keystone = e.keystone(url)
	return t, nil
}

func (e environment) keystone(url string) Keystone {
	k := Keystone{
		URL: url, User: e.get("OS_USERNAME"), UserID: e.get("OS_USER_ID"), Password: e.get("OS_PASSWORD"),
		UserDomain: e.get("OS_USER_DOMAIN_NAME", "OS_DEFAULT_DOMAIN_NAME"), UserDomainID: e.get("OS_USER_DOMAIN_ID", "OS_DEFAULT_DOMAIN_ID"),
		Project: e.get("OS_PROJECT_NAME", "OS_TENANT_NAME"), ProjectID: e.get("OS_PROJECT_ID", "OS_TENANT_ID"),
		ProjectDomain:   e.get("OS_PROJECT_DOMAIN_NAME", "OS_DEFAULT_DOMAIN_NAME"),
		ProjectDomainID: e.get("OS_PROJECT_DOMAIN_ID", "OS_DEFAULT_DOMAIN_ID"),
		Credential:      e.get("OS_APPLICATION_CREDENTIAL_NAME"), CredentialID: e.get("OS_APPLICATION_CREDENTIAL_ID"),
		CredentialSecret: e.get("OS_APPLICATION_CREDENTIAL_SECRET"), Region: e.get("OS_REGION_NAME"), Token: e.get("OS_AUTH_TOKEN", "OS_TOKEN"),
		ServiceType: e.get("OS_MISTRAL_SERVICE_TYPE"), EndpointType: e.get("OS_MISTRAL_ENDPOINT_TYPE", "OS_INTERFACE", "OS_ENDPOINT_TYPE"),
	}
	// A file that was sourced for one kind of credentials may have left variables of another.
	k.only(e.get("OS_AUTH_TYPE"))
	return k
}

// Open makes a client of the target. It talks to Keystone if the target needs a token of it.
func (t *Target) Open(ctx context.Context) (*client.Client, error) {
	certificates, err := t.tls()
	if err != nil {
		return nil, err
	}
	cfg := client.Config{Address: t.Server, Token: t.Token, TLS: certificates}
	if t.TokenFile != "" && cfg.Token == "" {
		if cfg.Token, err = secretFile(t.TokenFile); err != nil {
			return nil, err
		}
	}
	if k := t.Keystone; k.URL != "" && cfg.Token == "" {
		if k.PasswordFile != "" && k.Password == "" {
			if k.Password, err = secretFile(k.PasswordFile); err != nil {
				return nil, err
			}
		}
		account := k.account()
		account.TLS = certificates
		session, err := account.LogIn(ctx)
		if err != nil {
			return nil, err
		}
		cfg.Token = session.Token
		if cfg.Address = first(t.Server, session.Endpoint); cfg.Address == "" {
			return nil, fault.New(fault.Invalid, "Keystone's catalogue has no service of type %s%s: say where the server is by --server",
				first(k.ServiceType, "workflowv2"), inRegion(k.Region))
		}
	}
	return client.Open(cfg)
}

func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return " in region " + region
}

func (k Keystone) account() client.Keystone {
	return client.Keystone{
		URL: k.URL, User: k.User, UserID: k.UserID, Password: k.Password, UserDomain: k.UserDomain, UserDomainID: k.UserDomainID,
		Project: k.Project, ProjectID: k.ProjectID, ProjectDomain: k.ProjectDomain, ProjectDomainID: k.ProjectDomainID,
		Credential: k.Credential, CredentialID: k.CredentialID, CredentialSecret: k.CredentialSecret, Token: k.Token,
		Region: k.Region, ServiceType: k.ServiceType, EndpointType: k.EndpointType,
	}
}

func secretFile(path string) (string, error) {
	text, err := os.ReadFile(expand(path))
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "read a secret")
	}
	return strings.TrimSpace(string(text)), nil
}

// tls reads the certificates; nil: the system's will do.
func (t *Target) tls() (*tls.Config, error) {
	if t.CACert == "" && t.Cert == "" && !t.Insecure {
		return nil, nil
	}
	cfg := &tls.Config{InsecureSkipVerify: t.Insecure} // what the user has asked for
	if t.CACert != "" {
		pem, err := os.ReadFile(expand(t.CACert))
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "read the CA's certificate")
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "%s has no certificate in PEM", t.CACert)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(expand(t.Cert), expand(first(t.Key, t.Cert)))
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "read the client's certificate")
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// FromEnvironment is the target of an address with what OpenStack's variables say of who we are; their own address must be the
// same one, or none.
func FromEnvironment(server string, getenv func(string) (string, bool)) (*Target, error) {
	hidden := func(name string) (string, bool) {
		switch name {
		case "CIERZO_SERVER", "CIERZO_TOKEN", "CIERZO_PROFILE":
			return "", false // they are about the other server
		}
		return getenv(name)
	}
	t, err := environment(hidden).target()
	if err != nil {
		return nil, err
	}
	if t == nil || t.Server != "" && strings.TrimRight(t.Server, "/") != strings.TrimRight(server, "/") {
		t = &Target{}
	}
	t.Server, t.Origin = server, "flag --from"
	return t, nil
}
