package connect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"cierzo/fault"
)

const profiles = `current: prod
profiles:
  prod: {server: "http://prod", token: prod-token}
  cloud:
    server: http://cloud
    keystone: {url: "http://keystone", user: kim, password: pw}
`

// find finds the target with flags and variables, given as "NAME=value".
func find(t *testing.T, file, flags string, vars ...string) (*Target, error) {
	t.Helper()
	env := map[string]string{"CIERZO_CLIENT_CONFIG": filepath.Join(t.TempDir(), "config.yaml")}
	if file != "" {
		if err := os.WriteFile(env["CIERZO_CLIENT_CONFIG"], []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	Flags(set)
	if err := set.Parse(strings.Fields(flags)); err != nil {
		t.Fatal(err)
	}
	return Find(set, func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	})
}

// TestPrecedence: what is said nearer to the command wins, and credentials stay with their server.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	openstack := []string{"OS_AUTH_URL=http://ks", "OS_USERNAME=kim", "OS_PASSWORD=pw", "OS_PROJECT_NAME=ops"}
	for name, x := range map[string]struct {
		file, flags string
		vars        []string
		want        string // server, token, Keystone's address, the beginning of the origin
	}{
		"nothing":                       {"", "", nil, "http://127.0.0.1:8989 - - default"},
		"current profile":               {profiles, "", nil, "http://prod prod-token - profile prod"},
		"named profile":                 {profiles, "--profile cloud", nil, "http://cloud - http://keystone profile cloud"},
		"profile by variable":           {profiles, "", []string{"CIERZO_PROFILE=cloud"}, "http://cloud - http://keystone profile cloud"},
		"variable before current":       {profiles, "", []string{"CIERZO_SERVER=http://env", "CIERZO_TOKEN=t"}, "http://env t - environment CIERZO_SERVER"},
		"named profile before env":      {profiles, "--profile prod", []string{"CIERZO_SERVER=http://env", "CIERZO_TOKEN=t"}, "http://prod prod-token - profile prod"},
		"flag":                          {profiles, "--server http://flag", nil, "http://flag - - flag --server"},
		"flag with its own token":       {profiles, "--server http://flag --token x", []string{"CIERZO_TOKEN=t"}, "http://flag x - flag --server"},
		"flag, token of nobody's":       {"", "--server http://flag", []string{"CIERZO_TOKEN=t"}, "http://flag t - flag --server"},
		"flag, token of another":        {"", "--server http://flag", []string{"CIERZO_SERVER=http://env", "CIERZO_TOKEN=t"}, "http://flag - - flag --server"},
		"flag, token of the same":       {"", "--server http://env", []string{"CIERZO_SERVER=http://env", "CIERZO_TOKEN=t"}, "http://env t - environment CIERZO_SERVER"},
		"profile with another server":   {profiles, "--profile prod --server http://flag", nil, "http://flag prod-token - profile prod"},
		"Mistral's address":             {profiles, "", []string{"OS_MISTRAL_URL=http://m/v2"}, "http://m/v2 - - environment OS_MISTRAL_URL"},
		"its short name":                {"", "", []string{"MISTRAL_URL=http://m/v2"}, "http://m/v2 - - environment MISTRAL_URL"},
		"Mistral's with a token":        {"", "", []string{"OS_MISTRAL_URL=http://m/v2", "OS_AUTH_TOKEN=t", "OS_AUTH_URL=http://ks"}, "http://m/v2 t - environment OS_MISTRAL_URL"},
		"Keystone":                      {profiles, "", openstack, " - http://ks environment OS_AUTH_URL"},
		"Keystone with an address":      {profiles, "", append([]string{"OS_MISTRAL_URL=http://m"}, openstack...), "http://m - http://ks environment OS_MISTRAL_URL"},
		"a token in Keystone's place":   {profiles, "--profile cloud --token x", nil, "http://cloud x - profile cloud"},
		"our variable before Mistral's": {"", "", append([]string{"CIERZO_SERVER=http://env"}, openstack...), "http://env - - environment CIERZO_SERVER"},
	} {
		got, err := find(t, x.file, x.flags, x.vars...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dash := func(s string) string {
			if s == "" {
				return "-"
			}
			return s
		}
		text := strings.Join([]string{got.Server, dash(got.Token), dash(got.Keystone.URL), got.Origin}, " ")
		if !strings.HasPrefix(text, x.want) {
			t.Errorf("%s: %q, want %q", name, text, x.want)
		}
	}
}

func TestKeystoneVariables(t *testing.T) {
	t.Parallel()
	got, err := find(t, "", "", "OS_AUTH_URL=http://ks/v3", "OS_USERNAME=kim", "OS_PASSWORD=pw", "OS_TENANT_NAME=ops", "OS_USER_DOMAIN_NAME=ud",
		"OS_PROJECT_DOMAIN_ID=pd", "OS_REGION_NAME=R1", "OS_INTERFACE=internal", "OS_CACERT=ca.pem", "OS_INSECURE=true",
		"OS_APPLICATION_CREDENTIAL_ID=left-over", "OS_APPLICATION_CREDENTIAL_SECRET=s", "OS_AUTH_TYPE=password")
	if err != nil {
		t.Fatal(err)
	}
	want := &Target{
		Origin: "environment OS_AUTH_URL", CACert: "ca.pem", Insecure: true,
		Keystone: Keystone{
			URL: "http://ks/v3", User: "kim", Password: "pw", Project: "ops", UserDomain: "ud", ProjectDomainID: "pd", Region: "R1",
			EndpointType: "internal", CredentialID: "left-over",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrongFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"current: gone\n":                        `no profile "gone"`,
		"profiles: {a: {sever: x}}\n":            "field sever not found",
		"current: prd\nprofiles: {prod: {}}\n":   `did you mean "prod"`,
		"profiles: [\n":                          "profiles in",
		"profiles: {a: {keystone: {pass: x}}}\n": "field pass not found",
	} {
		_, err := find(t, text, "")
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) == fault.Internal {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "config.yaml")
	f, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Current, f.Profiles = "a", map[string]Target{"a": {Server: "http://a", Token: "t"}}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	again, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.Profiles, again.Profiles); diff != "" || again.Current != "a" {
		t.Errorf("%s\n%s", again.Current, diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: others can read the tokens", info.Mode(), err)
	}
}
