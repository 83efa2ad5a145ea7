package sqlstore

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/internal/dbtest"
)

// secret is the password in every address of these tests; no error may show it.
const secret = "pa55-w0rd"

func TestBadDSN(t *testing.T) {
	t.Parallel()
	const hint = "give sqlite:///path/to/file.db, postgres://"
	tests := []struct{ dsn, says, hint string }{
		{"", "has no scheme", hint},
		{"cierzo.db", "has no scheme", hint},
		{"host=h user=u password=" + secret, "has no scheme", hint},
		{"mysql://u:" + secret + "@h/d", `"mysql" is no kind of database`, hint},
		{"sqlite://", "names no file", hint},
		{"sqlite:///tmp/", "names no file", hint},
		{"sqlite:///tmp/a.db?mode=ro", "takes no parameters", hint},
		{"postgres://u:" + secret + "%zz@h/d", "doesn't parse", hint},
		{"postgres://u:" + secret + "@h:port/d", "doesn't parse", hint},
		{"postgres://u:" + secret + "@h/d?sslmode=%zz", "don't parse", hint},
		{"postgres://u:" + secret + "@h", "names no database", hint},
		{"postgres://u:" + secret + "@/d", "names no host", hint},
		{"cockroach://u:" + secret + "@h", "names no database", hint},
		{"cockroach://", "names no host", hint},
		{"postgres://u:" + secret + "@h/d?sslmode=maybe", "h:5432/d", "sslmode"},
		{"postgres://u:" + secret + "@h/d?connect_timeout=soon", "h:5432/d", "connect_timeout"},
		{"cockroach://u:" + secret + "@h/d?sslmode=maybe", "h:26257/d", "sslmode"},
	}
	for _, test := range tests {
		_, err := Open(t.Context(), test.dsn, Config{})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: kind %v: %v", test.dsn, fault.KindOf(err), err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, test.says) || !strings.Contains(text, test.hint) || strings.Contains(text, secret) {
			t.Errorf("%q: %s", test.dsn, text)
		}
	}
}

// TestDefaults: what an address doesn't say.
func TestDefaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ dsn, target, sslmode string }{
		{"postgres://u@localhost/d", "localhost:5432/d", "disable"},
		{"postgres://u@127.0.0.1:6000/d", "127.0.0.1:6000/d", "disable"},
		{"postgres://u@[::1]/d", "[::1]:5432/d", "disable"},
		{"postgres:///d?host=/run/postgresql", "/run/postgresql/d", "disable"},
		{"postgresql://u@db.example/d", "db.example:5432/d", "require"},
		{"postgres://u@db.example/d?sslmode=verify-full", "db.example:5432/d", "verify-full"},
		{"cockroach://u@10.0.0.1/d", "10.0.0.1:26257/d", "require"},
		{"cockroachdb://u@localhost.example/d", "localhost.example:26257/d", "require"},
		{"postgres://u@localhost,db.example/d", "localhost,db.example/d", "require"},
	}
	for _, test := range tests {
		at, err := parseDSN(test.dsn)
		if err != nil {
			t.Errorf("%s: %v", test.dsn, err)
			continue
		}
		if at.target != test.target {
			t.Errorf("%s: target %s, want %s", test.dsn, at.target, test.target)
		}
		for _, dsn := range []string{at.reads, at.writes} {
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			if q := u.Query(); q.Get("sslmode") != test.sslmode || q.Get("connect_timeout") != "10" {
				t.Errorf("%s: %s", test.dsn, u.RawQuery)
			}
		}
	}
}

// TestUnreachable: nobody listens; and somebody does, who never says a word.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	closed, silent := listen(t), listen(t)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			if _, err := silent.Accept(); err != nil {
				return // what was accepted stays open, and silent
			}
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(func() { _ = silent.Close() })
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"postgres", "cockroach"} {
		for name, address := range map[string]string{"closed": closed.Addr().String(), "silent": silent.Addr().String()} {
			began := time.Now()
			_, err := Open(t.Context(), scheme+"://u:"+secret+"@"+address+"/d", Config{ConnectTimeout: 300 * time.Millisecond})
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s %s: %v passed with a limit of 300 ms", scheme, name, took)
			}
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s %s: kind %v", scheme, name, fault.KindOf(err))
			}
			if text := err.Error(); !strings.Contains(text, "database "+address+"/d: is the server running") || strings.Contains(text, secret) {
				t.Errorf("%s %s: %s", scheme, name, text)
			}
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// TestRefusedByServer: the server is there and doesn't want us.
func TestRefusedByServer(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(dbtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), secret)
	with := func(change func(u *url.URL)) string {
		v := *u
		change(&v)
		return v.String()
	}
	for hint, dsn := range map[string]string{
		"create the database first": with(func(u *url.URL) { u.Path = "/nowhere" }),
		"check the user":            with(func(u *url.URL) { u.User = url.UserPassword("nobody-here", secret) }),
		"check the parameters":      with(func(u *url.URL) { u.RawQuery = "nonsense=1" }),
		"add sslmode=disable":       with(func(u *url.URL) { u.RawQuery = "sslmode=require" }),
	} {
		_, err := Open(t.Context(), dsn, Config{})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: kind %v: %v", hint, fault.KindOf(err), err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, hint) || !strings.Contains(text, u.Host) || strings.Contains(text, secret) {
			t.Errorf("%s: %s", hint, text)
		}
	}
	_, err = Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "no", "folder", "a.db"), Config{})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "there is no such folder") {
		t.Errorf("no folder: %v", err)
	}
}
