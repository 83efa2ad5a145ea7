package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"cierzo/web"
)

func built() fstest.MapFS {
	script := strings.Repeat("console.log('hello');\n", 100)
	return fstest.MapFS{
		"index.html":       {Data: []byte("<!doctype html><title>cierzo</title>")},
		"icon.svg":         {Data: []byte("<svg/>")},
		"assets/main-1.js": {Data: []byte(script)},
	}
}

func front(files fstest.MapFS) http.Handler {
	return web.Front(web.New(files), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "api "+r.URL.Path)
	}))
}

func ask(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		method, path, accept string
		status               int
		body                 string // the beginning
	}{
		{"GET", "/", html, http.StatusFound, ""},
		{"GET", "/", "application/json", http.StatusOK, "api /"},
		{"GET", "/", "", http.StatusOK, "api /"},
		{"GET", "/ui", html, http.StatusFound, ""},
		{"GET", "/ui/", html, http.StatusOK, "<!doctype html>"},
		{"GET", "/ui/executions/1234", html, http.StatusOK, "<!doctype html>"},
		{"GET", "/ui/workflows/a.b%2Fc", html, http.StatusOK, "<!doctype html>"},
		{"HEAD", "/ui/", html, http.StatusOK, ""},
		{"GET", "/ui/icon.svg", "image/*", http.StatusOK, "<svg/>"},
		{"GET", "/ui/assets/main-1.js", "*/*", http.StatusOK, "console.log"},
		{"GET", "/ui/assets/main-0.js", "*/*", http.StatusNotFound, "There is no such file"},
		{"GET", "/ui/../v2/executions", "*/*", http.StatusOK, "<!doctype html>"},
		{"POST", "/ui/", html, http.StatusMethodNotAllowed, "The pages are only read."},
		{"GET", "/v2/executions", html, http.StatusOK, "api /v2/executions"},
		{"POST", "/", html, http.StatusOK, "api /"},
	} {
		res := ask(front(built()), c.method, c.path, "Accept", c.accept)
		if body := text(t, res); res.StatusCode != c.status || !strings.HasPrefix(body, c.body) && c.body != "" {
			t.Errorf("%s %s (%s): %d %.40q, want %d %q", c.method, c.path, c.accept, res.StatusCode, body, c.status, c.body)
		}
		if c.status == http.StatusFound && res.Header.Get("Location") != web.Root {
			t.Errorf("%s: redirected to %s", c.path, res.Header.Get("Location"))
		}
	}
}

// TestNothingInlineRuns: what pages may load and run is said with each of them.
func TestNothingInlineRuns(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/ui/", "/ui/assets/main-1.js", "/ui/x"} {
		res := ask(front(built()), "GET", path)
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "data:") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: its type may be guessed", path)
		}
		_ = res.Body.Close()
	}
}

func TestCompressedAndCached(t *testing.T) {
	t.Parallel()
	h := front(built())
	plain := text(t, ask(h, "GET", "/ui/assets/main-1.js"))
	res := ask(h, "GET", "/ui/assets/main-1.js", "Accept-Encoding", "gzip, br")
	if res.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Fatalf("headers: %v", res.Header)
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	long, err := io.ReadAll(z)
	if err != nil || string(long) != plain {
		t.Errorf("uncompressed it is another text: %v", err)
	}
	index := ask(h, "GET", "/ui/")
	defer func() { _ = index.Body.Close() }()
	if index.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("an old page would go on being shown: %v", index.Header)
	}
}

// TestWithoutABuild: the binary says what it lacks, and how to get it.
func TestWithoutABuild(t *testing.T) {
	t.Parallel()
	body := text(t, ask(front(fstest.MapFS{"placeholder.txt": {Data: []byte("nothing")}}), "GET", "/ui/executions"))
	if !strings.Contains(body, "built without its user interface") || !strings.Contains(body, "make build") {
		t.Errorf("it says %q", body)
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	body := text(t, ask(web.Handler(), "GET", "/ui/"))
	if !strings.Contains(body, "cierzo") {
		t.Errorf("the embedded page is %q", body)
	}
}
