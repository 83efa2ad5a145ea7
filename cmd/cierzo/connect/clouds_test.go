package connect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
)

const clouds = `clouds:
  ops:
    auth:
      auth_url: http://ks/v3
      username: kim
      project_name: ops
      user_domain_name: ud
      default_domain_id: dd
    region_name: R1
    interface: internal
    verify: false
    cacert: ca.pem
    identity_api_version: 3
  app:
    auth_type: v3applicationcredential
    auth: {auth_url: "http://ks/v3", application_credential_id: id, application_credential_secret: s, password: left-over}
  open:
    auth_type: none
    workflow_endpoint_override: http://m/v2
  broken:
    auth: [a]
  empty: {}
`

const secure = `clouds:
  ops:
    auth: {password: pw}
`

// TestClouds: OS_CLOUD names an entry of clouds.yaml, whose secrets may be in secure.yaml beside it.
func TestClouds(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	dir := filepath.Join(home, ".config", "openstack")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"clouds.yaml": clouds, "secure.yaml": secure} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "clouds.yaml")
	for name, x := range map[string]struct {
		vars []string
		want *Target
	}{
		"a password": {[]string{"OS_CLOUD=ops", "OS_AUTH_URL=http://other", "OS_PASSWORD=other"}, &Target{
			CACert: "ca.pem", Insecure: true,
			Keystone: Keystone{
				URL: "http://ks/v3", User: "kim", Password: "pw", Project: "ops", UserDomain: "ud", UserDomainID: "dd", ProjectDomainID: "dd", Region: "R1", EndpointType: "internal",
			},
		}},
		"another region and address": {[]string{"OS_CLOUD=app", "OS_REGION_NAME=R2", "OS_MISTRAL_URL=http://here"}, &Target{
			Server: "http://here", Keystone: Keystone{URL: "http://ks/v3", CredentialID: "id", CredentialSecret: "s", Region: "R2"},
		}},
		"without Keystone":       {[]string{"OS_CLOUD=open"}, &Target{Server: "http://m/v2"}},
		"our own variable first": {[]string{"OS_CLOUD=nowhere", "CIERZO_SERVER=http://env"}, &Target{Server: "http://env"}},
	} {
		got, err := find(t, "", "", append(x.vars, "HOME="+home)...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if x.vars[0] != "OS_CLOUD=nowhere" && !strings.HasSuffix(got.Origin, " of "+file) {
			t.Errorf("%s: origin %q", name, got.Origin)
		}
		got.Origin = ""
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for vars, want := range map[string]string{
		"OS_CLOUD=op HOME=" + home:                                          `has no cloud "op", which OS_CLOUD names; did you mean "ops"? (it has app, broken, empty, open, ops)`,
		"OS_CLOUD=broken HOME=" + home:                                      "cloud broken in ",
		"OS_CLOUD=empty HOME=" + home:                                       "has neither auth.auth_url nor workflow_endpoint_override",
		"OS_CLOUD=ops HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent":       "there is no clouds.yaml",
		"OS_CLOUD=ops OS_CLIENT_CONFIG_FILE=" + filepath.Join(home, "none"): "there is no clouds.yaml",
	} {
		_, err := find(t, "", "", strings.Fields(vars)...)
		if err == nil || !strings.Contains(err.Error(), want) || !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want %q", vars, err, want)
		}
	}
}
