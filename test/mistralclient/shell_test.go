package mistralclient

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// commandTimeout ends a command that hangs; it measures nothing.
const commandTimeout = 2 * time.Minute

// world is the server that all tests talk to.
type world struct {
	keystone *keystone
	runners  chan *runner // those that nobody uses
	home     string       // of the client's cache

	mu   sync.Mutex
	used map[string]bool // sub-commands
}

// open starts Keystone and a server. It skips where there is no client, but not in CI.
func open(t *testing.T) *world {
	if _, err := exec.LookPath("mistral"); err != nil {
		text := "the command mistral is missing (apt-get install python3-mistralclient, or make setup as root)"
		if os.Getenv("CI") != "" || os.Getenv("CIERZO_CLIENT_TEST") != "" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	w := &world{used: map[string]bool{}, home: t.TempDir(), runners: make(chan *runner, runnersMax)}
	for range runnersMax {
		w.runners <- newRunner(t, w.home)
	}
	w.keystone = newKeystone(t, map[string]account{
		"cierzo": {"service-password", "service", []string{"service"}},
		"alice":  {"alice-password", "web", []string{"admin", "member"}},
		"bob":    {"bob-password", "ops", []string{"member"}},
	})
	w.serve(t)
	return w
}

// serve runs `cierzo server`, and wants it to end well.
func (w *world) serve(t *testing.T) {
	folder := t.TempDir()
	password := filepath.Join(folder, "password")
	if err := os.WriteFile(password, []byte("service-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	api := proctest.FreeAddress(t)
	server := proctest.Start(t, "server", "server", "--data-dir", folder, "--listen", api, "--auth", "keystone",
		"--keystone-url", w.keystone.URL, "--keystone-user", "cierzo", "--keystone-password-file", password, "--keystone-project", "service")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	server.AwaitHealth(ctx, api)
	w.keystone.mu.Lock()
	w.keystone.workflow = "http://" + api + "/v2"
	w.keystone.mu.Unlock()
}

// user runs mistral as somebody.
type user struct {
	*testing.T
	world *world
	name  string
}

func (w *world) as(t *testing.T, name string) *user { return &user{t, w, name} }

// run runs a command, and gives its exit code and what it printed.
func (u *user) run(args ...string) (int, string, string) {
	u.Helper()
	u.world.mu.Lock()
	u.world.used[args[0]] = true
	u.world.mu.Unlock()
	a := u.world.keystone.accounts[u.name]
	folder := u.TempDir()
	request := request{
		Args: args, Out: filepath.Join(folder, "out"), Err: filepath.Join(folder, "err"),
		Env: map[string]string{
			"PATH": os.Getenv("PATH"), "HOME": u.world.home, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore",
			"OS_AUTH_URL": u.world.keystone.URL + "/v3", "OS_USERNAME": u.name, "OS_PASSWORD": a.password, "OS_PROJECT_NAME": a.project,
			"OS_REGION_NAME": "RegionOne",
		},
	}
	r := <-u.world.runners
	code, err := r.run(request)
	u.world.runners <- r
	if err != nil {
		u.Fatalf("mistral %s: %v", strings.Join(args, " "), err)
	}
	return code, read(u.T, request.Out), read(u.T, request.Err)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// text runs a command that has to succeed.
func (u *user) text(args ...string) string {
	u.Helper()
	code, out, errs := u.run(args...)
	if code != 0 {
		u.Fatalf("mistral %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// has runs a command that has to succeed and to print something.
func (u *user) has(want string, args ...string) {
	u.Helper()
	if out := u.text(args...); !strings.Contains(out, want) {
		u.Errorf("mistral %s: no %q in\n%s", strings.Join(args, " "), want, out)
	}
}

// refused runs a command that has to fail and to say why.
func (u *user) refused(want string, args ...string) {
	u.Helper()
	code, out, errs := u.run(args...)
	if code == 0 || !strings.Contains(out+errs, want) {
		u.Errorf("mistral %s: exit code %d, want another than 0 and %q in\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
}

// parse runs a command with -f json.
func (u *user) parse(into any, args ...string) {
	u.Helper()
	out := u.text(append(args, "-f", "json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		u.Fatalf("mistral %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// one runs a command that shows one thing: its columns by their titles.
func (u *user) one(args ...string) map[string]any {
	u.Helper()
	var out map[string]any
	u.parse(&out, args...)
	return out
}

// list runs a command that lists things.
func (u *user) list(args ...string) []map[string]any {
	u.Helper()
	var out []map[string]any
	u.parse(&out, args...)
	return out
}

// want compares columns.
func (u *user) want(got map[string]any, columns ...any) {
	u.Helper()
	for i := 0; i < len(columns); i += 2 {
		if name := columns[i].(string); got[name] != columns[i+1] {
			u.Errorf("column %s is %v, want %v; all of them: %v", name, got[name], columns[i+1], got)
		}
	}
}

// find is the row whose column has a value.
func (u *user) find(rows []map[string]any, column string, value any) map[string]any {
	u.Helper()
	for _, r := range rows {
		if r[column] == value {
			return r
		}
	}
	u.Fatalf("no row with %s %v in %v", column, value, rows)
	return nil
}

// file writes a file for the client.
func (u *user) file(name, text string) string {
	u.Helper()
	path := filepath.Join(u.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		u.Fatal(err)
	}
	return path
}

// until runs a command until a column has one of some values.
func (u *user) until(column string, values []string, args ...string) map[string]any {
	u.Helper()
	deadline := time.Now().Add(commandTimeout)
	for {
		got := u.one(args...)
		for _, v := range values {
			if got[column] == v {
				return got
			}
		}
		if time.Now().After(deadline) {
			u.Fatalf("mistral %s: %s stays %v", strings.Join(args, " "), column, got[column])
		}
	}
}
