package connect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"cierzo/cmd/cierzo/input"
	"cierzo/fault"
)

// cloud is an entry of OpenStack's clouds.yaml: what of it says where a server is and who we are. The rest of the file is
// about other services.
type cloud struct {
	Auth struct {
		URL              string `yaml:"auth_url"`
		Token            string `yaml:"token"`
		User             string `yaml:"username"`
		UserID           string `yaml:"user_id"`
		Password         string `yaml:"password"`
		UserDomain       string `yaml:"user_domain_name"`
		UserDomainID     string `yaml:"user_domain_id"`
		Project          string `yaml:"project_name"`
		ProjectID        string `yaml:"project_id"`
		ProjectDomain    string `yaml:"project_domain_name"`
		ProjectDomainID  string `yaml:"project_domain_id"`
		Domain           string `yaml:"default_domain_name"`
		DomainID         string `yaml:"default_domain_id"`
		Credential       string `yaml:"application_credential_name"`
		CredentialID     string `yaml:"application_credential_id"`
		CredentialSecret string `yaml:"application_credential_secret"`
	} `yaml:"auth"`
	AuthType     string `yaml:"auth_type"`
	Region       string `yaml:"region_name"`
	Interface    string `yaml:"interface"`
	EndpointType string `yaml:"endpoint_type"`
	Address      string `yaml:"workflow_endpoint_override"`
	ServiceType  string `yaml:"workflow_service_type"`
	CACert       string `yaml:"cacert"`
	Cert         string `yaml:"cert"`
	Key          string `yaml:"key"`
	Verify       *bool  `yaml:"verify"`
}

// cloudFiles are where clouds.yaml may be, the first one that is there holds: OS_CLIENT_CONFIG_FILE, the working directory,
// openstack in XDG_CONFIG_HOME or ~/.config, /etc/openstack. secure.yaml beside it may have the secrets.
func (e environment) cloudFiles() []string {
	if own := e.get("OS_CLIENT_CONFIG_FILE"); own != "" {
		return []string{own}
	}
	base := e.get("XDG_CONFIG_HOME")
	if base == "" {
		base = filepath.Join(e.get("HOME"), ".config")
	}
	return []string{"clouds.yaml", filepath.Join(base, "openstack", "clouds.yaml"), "/etc/openstack/clouds.yaml"}
}

// cloud is the target that OS_CLOUD names in clouds.yaml.
func (e environment) cloud(name string) (*Target, error) {
	var c cloud
	path := ""
	for _, p := range e.cloudFiles() {
		found, err := readCloud(p, name, &c, true)
		if err != nil {
			return nil, err
		}
		if found {
			path = p
			break
		}
	}
	if path == "" {
		return nil, fault.New(fault.Invalid, "OS_CLOUD is %s, and there is no clouds.yaml: looked for %s", name, strings.Join(e.cloudFiles(), ", "))
	}
	if _, err := readCloud(filepath.Join(filepath.Dir(path), "secure.yaml"), name, &c, false); err != nil {
		return nil, err
	}
	if c.Auth.URL == "" && c.Address == "" {
		return nil, fault.New(fault.Invalid, "%s: the cloud %s has neither auth.auth_url nor workflow_endpoint_override", path, name)
	}
	return c.target(e, "cloud "+name+" of "+path), nil
}

// readCloud reads an entry of a file over what is there; false: there is no such file. must: the entry has to be there.
func readCloud(path, name string, into *cloud, must bool) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fault.Wrap(fault.Invalid, err, "read the clouds")
	}
	var file struct {
		Clouds map[string]yaml.Node `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return false, fault.Wrap(fault.Invalid, err, "clouds in %s", path)
	}
	node, ok := file.Clouds[name]
	if !ok && must {
		names := make([]string, 0, len(file.Clouds))
		for n := range file.Clouds {
			names = append(names, n)
		}
		slices.Sort(names)
		return false, fault.New(fault.Invalid, "%s has no cloud %q, which OS_CLOUD names%s (it has %s)", path, name, input.Suggest(name, names), strings.Join(names, ", "))
	}
	if !ok {
		return true, nil
	}
	if err := node.Decode(into); err != nil {
		return false, fault.Wrap(fault.Invalid, err, "cloud %s in %s", name, path)
	}
	return true, nil
}

func (c *cloud) target(e environment, origin string) *Target {
	a := &c.Auth
	t := &Target{
		Server: c.Address, Origin: origin, CACert: c.CACert, Cert: c.Cert, Key: c.Key, Insecure: c.Verify != nil && !*c.Verify,
		Keystone: Keystone{
			URL: a.URL, User: a.User, UserID: a.UserID, Password: a.Password, UserDomain: first(a.UserDomain, a.Domain), UserDomainID: first(a.UserDomainID, a.DomainID),
			Project: a.Project, ProjectID: a.ProjectID, ProjectDomain: first(a.ProjectDomain, a.Domain), ProjectDomainID: first(a.ProjectDomainID, a.DomainID),
			Credential: a.Credential, CredentialID: a.CredentialID, CredentialSecret: a.CredentialSecret, Token: a.Token,
			Region: first(e.get("OS_REGION_NAME"), c.Region), ServiceType: c.ServiceType, EndpointType: first(c.Interface, c.EndpointType),
		},
	}
	t.Keystone.only(c.AuthType)
	return t
}

// only keeps the credentials of a kind: there may be some of another, too.
func (k *Keystone) only(kind string) {
	switch kind {
	case "password", "v3password":
		k.CredentialSecret, k.Token = "", ""
	case "token", "v3token":
		k.CredentialSecret, k.Password = "", ""
	case "v3applicationcredential":
		k.Password, k.Token = "", ""
	}
}
