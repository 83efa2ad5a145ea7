package std_test

import (
	"compress/gzip"
	"compress/zlib"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log" //nolint:depguard // net/http takes no other
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/expr/value"
)

// seen is a request as a server saw it.
type seen struct {
	Method, URI, Body, Type, Cookie, Auth, Test, Key, Host string
	Length                                                 int64
}

// mirror answers each request with what it saw.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(seen{
		r.Method, r.RequestURI, string(body), r.Header.Get("Content-Type"), r.Header.Get("Cookie"), r.Header.Get("Authorization"),
		strings.Join(r.Header.Values("X-Test"), "|"), r.Header.Get("Idempotency-Key"), r.Host, r.ContentLength,
	})
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// do runs std.http and gives its result as a dict of Go.
func do(t *testing.T, cfg std.Config, input map[string]any) (map[string]any, actions.Result) {
	t.Helper()
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	a := find(t, cfg, "std.http")
	r := a.Run(t.Context(), call(t, a, string(raw)))
	out, ok := value.ToGo(r.Value).(map[string]any)
	if !ok {
		out = map[string]any{"text": value.ToGo(r.Value)}
	}
	return out, r
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, mirror)
	host := strings.TrimPrefix(s.URL, "http://")
	type in = map[string]any
	for name, c := range map[string]struct {
		input in
		want  seen
	}{
		"plain":     {in{}, seen{Method: "GET", URI: "/"}},
		"method":    {in{"method": "delete"}, seen{Method: "DELETE", URI: "/"}},
		"dict body": {in{"method": "POST", "body": in{"a": 1, "b": []int{2}}}, seen{Method: "POST", URI: "/", Body: `{"a": 1, "b": [2]}`, Length: 18}},
		"no body":   {in{"method": "POST", "body": in{}}, seen{Method: "POST", URI: "/", Body: `{}`, Length: 2}},
		"text body": {in{"method": "PUT", "body": "plain body"}, seen{Method: "PUT", URI: "/", Body: "plain body", Length: 10}},
		"form": {
			in{"method": "POST", "body": [][]any{{"a", 1}, {"b", "x y"}}},
			seen{Method: "POST", URI: "/", Body: "a=1&b=x+y", Type: "application/x-www-form-urlencoded", Length: 9},
		},
		"json":         {in{"method": "POST", "json": in{"ü": 1}}, seen{Method: "POST", URI: "/", Body: `{"ü": 1}`, Type: "application/json", Length: 9}},
		"empty json":   {in{"method": "POST", "json": in{}}, seen{Method: "POST", URI: "/", Body: `{}`, Type: "application/json", Length: 2}},
		"body wins":    {in{"method": "POST", "json": in{}, "body": "b"}, seen{Method: "POST", URI: "/", Body: `b`, Length: 1}},
		"params":       {in{"params": in{"q": 1, "r": "two words", "l": []any{1, "b"}, "n": nil, "t": true}}, seen{Method: "GET", URI: "/?l=1&l=b&q=1&r=two+words&t=True"}},
		"pairs":        {in{"params": [][]any{{"z", 1}, {"a", 2}}}, seen{Method: "GET", URI: "/?z=1&a=2"}},
		"text params":  {in{"params": "a=b c"}, seen{Method: "GET", URI: "/?a=b%20c"}},
		"more params":  {in{"url": s.URL + "/p q?x=1 2", "params": in{"y": 2}}, seen{Method: "GET", URI: "/p%20q?x=1%202&y=2"}},
		"headers":      {in{"headers": in{"X-Test": 1.5, "Content-Type": "text/x"}}, seen{Method: "GET", URI: "/", Test: "1.5", Type: "text/x"}},
		"bool header":  {in{"headers": in{"x-test": true, "Host": "other"}}, seen{Method: "GET", URI: "/", Test: "True", Host: "other"}},
		"cookies":      {in{"cookies": in{"c1": "v1", "c2": 2, "c3": nil}}, seen{Method: "GET", URI: "/", Cookie: "c1=v1; c2=2"}},
		"auth":         {in{"auth": "user:pass"}, seen{Method: "GET", URI: "/", Auth: "Basic dXNlcjpwYXNz"}},
		"auth in url":  {in{"url": strings.Replace(s.URL, "://", "://user:pass@", 1)}, seen{Method: "GET", URI: "/", Auth: "Basic dXNlcjpwYXNz"}},
		"no auth":      {in{"auth": ""}, seen{Method: "GET", URI: "/"}},
		"own key":      {in{"headers": in{"Idempotency-Key": "mine"}}, seen{Method: "GET", URI: "/", Key: "mine"}},
		"upper scheme": {in{"url": " HTTP://" + host}, seen{Method: "GET", URI: "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.input["url"] == nil {
				c.input["url"] = s.URL
			}
			if c.want.Key == "" {
				c.want.Key = actionID
			}
			if c.want.Host == "" {
				c.want.Host = host
			}
			out, r := do(t, std.Config{}, c.input)
			if r.Kind != actions.KindValue {
				t.Fatal(show(t, r))
			}
			var got seen
			raw, _ := json.Marshal(out["content"])
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// raw is a server that answers each connection with the same bytes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, answer)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestHTTPResult(t *testing.T) {
	t.Parallel()
	url := raw(t, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 201 Sehr gut\r\nETag: \"1\"\r\nx-openstack-Request-ID: req-1\r\n"+
		"Set-Cookie: a=1; Path=/\r\nset-cookie: b=\"2\"\r\nSet-Cookie: gone=x; Max-Age=0\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"+
		`{"b": 1, "a": 2}`)
	a := find(t, std.Config{}, "std.http")
	r := a.Run(t.Context(), call(t, a, `{"url": "`+url+`"}`))
	d, ok := r.Value.(*value.Dict)
	if !ok || r.Kind != actions.KindValue {
		t.Fatal(show(t, r))
	}
	if v, _ := d.GetString("elapsed"); v.Kind() != value.KindFloat {
		t.Errorf("elapsed is %s", value.Repr(v))
	}
	d.SetString("elapsed", value.Float(0.25))
	want := `value {"content": {"b": 1, "a": 2}, "status": 201, "headers": {"ETag": "\"1\"", "x-openstack-Request-ID": "req-1", ` +
		`"Set-Cookie": "a=1; Path=/, b=\"2\", gone=x; Max-Age=0", "Content-Type": "application/json", "Content-Length": "16"}, "url": "` + url + `/", ` +
		`"history": [], "encoding": "utf-8", "reason": "Sehr gut", "cookies": {"a": "1", "b": "\"2\""}, "elapsed": 0.25}`
	if diff := cmp.Diff(want, show(t, r)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestHTTPStatus: 200 to 306 is success, anything else an error with the same dict.
func TestHTTPStatus(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]actions.ResultKind{
		200: actions.KindValue, 204: actions.KindValue, 302: actions.KindValue, 304: actions.KindValue, 306: actions.KindValue,
		307: actions.KindError, 308: actions.KindError, 399: actions.KindError, 404: actions.KindError, 500: actions.KindError,
	} {
		url := raw(t, fmt.Sprintf("HTTP/1.1 %d Words\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", status))
		out, r := do(t, std.Config{}, map[string]any{"url": url})
		if r.Kind != kind || out["status"] != int64(status) || out["reason"] != "Words" {
			t.Errorf("%d: %s", status, show(t, r))
		}
	}
}

func TestHTTPContent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, body, content, encoding string }{
		"json":            {"application/json", `[1, 2.50, "é"]`, `[1, 2.5, "é"]`, `"utf-8"`},
		"big number":      {"application/json", `12345678901234567890123`, `12345678901234567890123`, `"utf-8"`},
		"no json":         {"application/json", `{"a": `, `"{\"a\": "`, `"utf-8"`},
		"json by chance":  {"text/html", `17`, `17`, `"ISO-8859-1"`},
		"text is latin":   {"text/plain", "caf\xe9", `"café"`, `"ISO-8859-1"`},
		"text not latin":  {"text/plain", "é", `"Ã©"`, `"ISO-8859-1"`}, // as Mistral
		"charset":         {`text/plain; charset="UTF-8"`, "é", `"é"`, `"UTF-8"`},
		"charset sjis":    {`text/plain; charset=shift_jis`, "\x83\x65", `"テ"`, `"shift_jis"`},
		"unknown charset": {`text/plain; charset=klingon`, "é", `"é"`, `"klingon"`},
		"other":           {"application/octet-stream", "a\xffb", "\"a\ufffdb\"", `null`},
		"utf-16":          {"application/x", "\xff\xfe[\x001\x00]\x00", `[1]`, `null`},
		"empty":           {"text/plain", "", `""`, `"ISO-8859-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				io.WriteString(w, c.body)
			})
			a := find(t, std.Config{}, "std.http")
			r := a.Run(t.Context(), call(t, a, `{"url": "`+s.URL+`"}`))
			d, ok := r.Value.(*value.Dict)
			if !ok {
				t.Fatal(show(t, r))
			}
			content, _ := d.GetString("content")
			encoding, _ := d.GetString("encoding")
			if diff := cmp.Diff("value "+c.content+" "+c.encoding, show(t, actions.Value(content))+" "+strings.TrimPrefix(show(t, actions.Value(encoding)), "value ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestHTTPErrors(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := serve(t, func(w http.ResponseWriter, r *http.Request) { <-hang })
	t.Cleanup(func() { close(hang) })
	closed := raw(t, "")
	both := `error "Failed to instantiate an action [action_desc=Python action [name=std.http, cls=<class 'mistral.actions.std_actions.HTTPAction'>]]: ` +
		`Only one of the parameters 'json' and 'body' can be passed"`
	port := slow.URL[strings.LastIndex(slow.URL, ":")+1:]
	for name, c := range map[string]struct{ input, want string }{
		"both":         {`{"url": "http://x", "json": {"a": 1}, "body": "x"}`, both},
		"scheme":       {`{"url": "ftp://h/x"}`, "URL scheme 'ftp' is not allowed (only http and https are)."},
		"no scheme":    {`{"url": "host/x"}`, "URL scheme '' is not allowed (only http and https are)."},
		"no host":      {`{"url": "http:///x"}`, "Failed to send HTTP request: Invalid URL 'http:///x': No host supplied"},
		"bad url":      {`{"url": "http://[::1/"}`, "Failed to send HTTP request: Invalid URL 'http://[::1/': missing ']' in host"},
		"metadata":     {`{"url": "http://169.254.169.254/latest"}`, "URL host '169.254.169.254' resolves to a blocked address (169.254.169.254)."},
		"mapped":       {`{"url": "http://[::ffff:169.254.169.254]/latest"}`, "URL host '::ffff:169.254.169.254' resolves to a blocked address (169.254.169.254)."},
		"timeout 0":    {`{"url": "http://127.0.0.1:1/", "timeout": 0}`, "Failed to send HTTP request: Attempted to set connect timeout to 0, but the timeout cannot be set to a value less than or equal to 0."},
		"timeout -1.5": {`{"url": "http://127.0.0.1:1/", "timeout": -1.5}`, "Failed to send HTTP request: Attempted to set connect timeout to -1.5, but the timeout cannot be set to a value less than or equal to 0."},
		"timeout text": {`{"url": "http://127.0.0.1:1/", "timeout": "5"}`, "Failed to send HTTP request: Timeout value connect was 5, but it must be an int, float or None."},
		"timeout bool": {`{"url": "http://127.0.0.1:1/", "timeout": true}`, "Failed to send HTTP request: Timeout cannot be a boolean value. It must be an int, float or None."},
		"timeout":      {`{"url": "` + slow.URL + `", "timeout": 0.05}`, "Failed to send HTTP request: HTTPConnectionPool(host='127.0.0.1', port=" + port + "): Read timed out. (read timeout=0.05)"},
		"refused":      {`{"url": "http://127.0.0.1:1/"}`, "Failed to send HTTP request: dial tcp 127.0.0.1:1: connect: connection refused"},
		"hangs up":     {`{"url": "` + closed + `"}`, "Failed to send HTTP request: the server closed the connection without an answer"},
		"auth":         {`{"url": "` + slow.URL + `", "auth": "a:b:c"}`, "Failed to send HTTP request: 'str' object is not callable"},
		"header":       {`{"url": "` + slow.URL + `", "headers": {"a": [1]}}`, "Failed to send HTTP request: Header part ([1]) from ('a', [1]) must be of type str or bytes, not <class 'list'>"},
		"header break": {`{"url": "` + slow.URL + `", "headers": {"a": "b\r\nc: d"}}`, `Failed to send HTTP request: Invalid leading whitespace, reserved character(s), or return character(s) in header value: 'b\r\nc: d'`},
		"header name":  {`{"url": "` + slow.URL + `", "headers": {"a b": "c"}}`, `Failed to send HTTP request: Invalid leading whitespace, reserved character(s), or return character(s) in header name: 'a b'`},
		"cookie break": {`{"url": "` + slow.URL + `", "cookies": {"a": "b\r\nc: d"}}`, `Failed to send HTTP request: a cookie contains a line break`},
		"params":       {`{"url": "` + slow.URL + `", "params": [1]}`, `Failed to send HTTP request: cannot encode objects that are not 2-tuples`},
		"proxies":      {`{"url": "` + slow.URL + `", "proxies": "x"}`, `Failed to send HTTP request: 'str' object has no attribute 'get'`},
		"socks":        {`{"url": "` + slow.URL + `", "proxies": {"http": "socks5://x"}}`, `Failed to send HTTP request: proxies of scheme 'socks5' are not supported (only http and https are)`},
		"proxy":        {`{"url": "` + slow.URL + `", "proxies": {"all": "http://"}}`, `Failed to send HTTP request: Please check proxy URL. It is malformed and could be missing the host.`},
		"ca bundle":    {`{"url": "https://127.0.0.1:1", "verify": "/nowhere"}`, `Failed to send HTTP request: Could not find a suitable TLS CA certificate bundle, invalid path: /nowhere`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := c.want
			if !strings.HasPrefix(want, "error ") {
				want = exception("HTTPAction", want)
			}
			if diff := cmp.Diff(want, run(t, std.Config{}, "std.http", c.input)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestHTTPPolicy: what Mistral denies, hosts by name, and a redirect that leads to a denied address.
func TestHTTPPolicy(t *testing.T) {
	t.Parallel()
	s := serve(t, mirror)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	local := "http://localhost:" + port
	for name, c := range map[string]struct {
		cfg       std.Config
		url, want string
	}{
		"as Mistral": {std.Config{DeniedCIDRs: std.MistralDeniedCIDRs()}, local, "URL host 'localhost' resolves to a blocked address (127.0.0.1)."},
		"its number": {std.Config{DeniedCIDRs: std.MistralDeniedCIDRs()}, s.URL, "URL host '127.0.0.1' resolves to a blocked address (127.0.0.1)."},
		"by default": {std.Config{}, s.URL, ""},
		"a host":     {std.Config{AllowedHosts: []string{"LOCALHOST."}}, local, ""},
		"another":    {std.Config{AllowedHosts: []string{"example.org"}}, local, "URL host 'localhost' is not allowed."},
		"nothing":    {std.Config{DeniedCIDRs: []netip.Prefix{}}, s.URL, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.cfg, "std.http", `{"url": "`+c.url+`", "timeout": 5}`)
			if name == "as Mistral" {
				got = strings.Replace(got, "(::1)", "(127.0.0.1)", 1) // which comes first is the resolver's choice
			}
			switch {
			case c.want == "" && !strings.HasPrefix(got, "value "):
				t.Error(got)
			case c.want != "" && got != exception("HTTPAction", c.want):
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestHTTPRedirects(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/one":
			http.SetCookie(w, &http.Cookie{Name: "s", Value: "1", Path: "/"})
			http.Redirect(w, r, "/two", http.StatusFound)
		case "/two":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		case "/away":
			http.Redirect(w, r, "http://example.org/", http.StatusFound)
		default:
			mirror(w, r)
		}
	})
	out, r := do(t, std.Config{}, map[string]any{"url": s.URL + "/one", "method": "POST", "body": "b", "allow_redirects": true})
	history, _ := out["history"].([]any)
	if r.Kind != actions.KindValue || len(history) != 2 || out["url"] != s.URL+"/end" {
		t.Fatal(show(t, r))
	}
	if first := history[0].(map[string]any); first["status"] != int64(302) || first["url"] != s.URL+"/one" || fmt.Sprint(first["cookies"]) != "map[s:1]" {
		t.Errorf("history begins with %v", first)
	}
	if got := out["content"].(map[string]any); got["Method"] != "GET" || got["Cookie"] != "s=1" || got["Body"] != "" {
		t.Errorf("the last request was %v", got)
	}
	for path, want := range map[string]string{
		"/loop":     "Failed to send HTTP request: Exceeded 30 redirects.",
		"/metadata": "Failed to send HTTP request: dial tcp 169.254.169.254:80: URL host '169.254.169.254' resolves to a blocked address (169.254.169.254).",
		"/away":     "Failed to send HTTP request: URL host 'example.org' is not allowed.",
	} {
		cfg := std.Config{AllowedHosts: []string{"127.0.0.1", "169.254.169.254"}}
		if diff := cmp.Diff(exception("HTTPAction", want), run(t, cfg, "std.http", `{"url": "`+s.URL+path+`", "allow_redirects": true}`)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
	}
}

func TestHTTPLimit(t *testing.T) {
	t.Parallel()
	const limit = 5 << 20
	zeros := strings.Repeat("0", limit)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			io.WriteString(w, zeros)
		case "/said":
			w.Header().Set("Content-Length", fmt.Sprint(limit+1))
			io.WriteString(w, zeros+"0")
		case "/chunked":
			w.(http.Flusher).Flush()
			io.WriteString(w, zeros+"0")
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, zeros+"0")
			z.Close()
		}
	})
	for path, want := range map[string]string{
		"/exact":   "",
		"/said":    "HTTP response is too large (Content-Length=5242881, limit=5242880 bytes).",
		"/chunked": "HTTP response is too large (limit=5242880 bytes).",
		"/bomb":    "HTTP response is too large (limit=5242880 bytes).",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a := find(t, std.Config{}, "std.http")
			r := a.Run(t.Context(), call(t, a, `{"url": "`+s.URL+path+`"}`))
			switch {
			case want == "" && r.Kind != actions.KindValue:
				t.Error(show(t, r))
			case want != "" && show(t, r) != exception("HTTPAction", want):
				t.Errorf("got %.300s, want %s", show(t, r), want)
			}
		})
	}
	long := raw(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 300<<10)+"\r\n\r\n")
	if got, want := run(t, std.Config{}, "std.http", `{"url": "`+long+`"}`),
		exception("HTTPAction", "Failed to send HTTP request: the headers of the answer are longer than 262144 bytes"); got != want {
		t.Errorf("got %.300s, want %s", got, want)
	}
}

func TestHTTPEncodings(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", strings.TrimPrefix(r.URL.Path, "/"))
		var z io.WriteCloser = gzip.NewWriter(w)
		if r.URL.Path == "/deflate" {
			z = zlib.NewWriter(w)
		}
		io.WriteString(z, `{"packed": true}`)
		z.Close()
	})
	for _, name := range []string{"gzip", "deflate"} {
		out, r := do(t, std.Config{}, map[string]any{"url": s.URL + "/" + name})
		if diff := cmp.Diff(map[string]any{"packed": true}, out["content"]); diff != "" || r.Kind != actions.KindValue {
			t.Errorf("%s: %s", name, show(t, r))
		}
	}
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(mirror))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	for name, c := range map[string]struct {
		cfg    std.Config
		verify any
		ok     bool
	}{
		"unknown":    {std.Config{}, nil, false},
		"required":   {std.Config{}, true, false},
		"unverified": {std.Config{}, false, true},
		"file":       {std.Config{}, file, true},
		"configured": {std.Config{RootCAs: known}, nil, true},
	} {
		out, r := do(t, c.cfg, map[string]any{"url": s.URL, "verify": c.verify})
		if (r.Kind == actions.KindValue) != c.ok {
			t.Errorf("%s: %s", name, show(t, r))
		}
		if text, _ := out["text"].(string); !c.ok && !strings.Contains(text, "certificate signed by unknown authority") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestHTTPProxy: plain requests are passed to the proxy whole, TLS goes through a tunnel.
func TestHTTPProxy(t *testing.T) {
	t.Parallel()
	target, secure := serve(t, mirror), httptest.NewTLSServer(http.HandlerFunc(mirror))
	t.Cleanup(secure.Close)
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic bWU6c2VjcmV0" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			w.Header().Set("Via", "proxy")
			fmt.Fprintf(w, "%q", r.RequestURI)
			return
		}
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		in, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { io.Copy(out, in); out.Close() }()
		io.Copy(in, out)
		in.Close()
	})
	with := strings.Replace(proxy.URL, "://", "://me:secret@", 1)
	out, r := do(t, std.Config{}, map[string]any{"url": target.URL + "/x", "proxies": map[string]any{"http": with}})
	if out["content"] != target.URL+"/x" {
		t.Error(show(t, r))
	}
	out, r = do(t, std.Config{}, map[string]any{"url": secure.URL + "/x", "verify": false, "proxies": map[string]any{"all": with}})
	if content, _ := out["content"].(map[string]any); content["URI"] != "/x" {
		t.Error(show(t, r))
	}
	_, r = do(t, std.Config{}, map[string]any{"url": secure.URL, "proxies": map[string]any{"https": proxy.URL}})
	if want := exception("HTTPAction", "Failed to send HTTP request: Tunnel connection failed: 407 Proxy Authentication Required"); show(t, r) != want {
		t.Errorf("got %s, want %s", show(t, r), want)
	}
}

// TestHTTPCancel: waiting for an answer, in the middle of one, and while the body is sent to a server that doesn't read.
func TestHTTPCancel(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/waits", "/stalls", "/deaf"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			begun, over := make(chan struct{}), make(chan struct{})
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if path == "/stalls" {
					io.WriteString(w, "[")
					w.(http.Flusher).Flush()
				}
				close(begun)
				<-over
			})
			t.Cleanup(func() { close(over) })
			a := find(t, std.Config{}, "std.http")
			body := "x"
			if path == "/deaf" {
				body = strings.Repeat("x", 8<<20)
			}
			testCancel(t, a, call(t, a, `{"method": "POST", "url": "`+s.URL+path+`", "body": "`+body+`"}`), begun)
		})
	}
}

func TestMistralHTTP(t *testing.T) {
	t.Parallel()
	asked := make(chan http.Header, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusConflict)
			return
		}
		asked <- r.Header
	})
	if got := run(t, std.Config{}, "std.mistral_http", `{"url": "`+s.URL+`", "headers": {"X-Mine": 1, "mistral-task-id": "forged"}}`); got != "deferred" {
		t.Fatal(got)
	}
	h := <-asked
	got := map[string]string{}
	for _, name := range []string{"X-Mine", "Mistral-Workflow-Name", "Mistral-Workflow-Execution-Id", "Mistral-Task-Id", "Mistral-Action-Execution-Id", "Mistral-Callback-URL"} {
		got[name] = strings.Join(h.Values(name), "|")
	}
	want := map[string]string{
		"X-Mine": "1", "Mistral-Workflow-Name": "flow", "Mistral-Workflow-Execution-Id": "ex-1", "Mistral-Task-Id": "task-1",
		"Mistral-Action-Execution-Id": actionID, "Mistral-Callback-URL": "/v2/action_executions/" + actionID,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := run(t, std.Config{}, "std.mistral_http", `{"url": "`+s.URL+`/bad"}`); !strings.HasPrefix(got, `error {"content": "", "status": 409, `) {
		t.Error(got)
	}
	if got := run(t, std.Config{}, "std.mistral_http", `{"url": "ftp://x"}`); got != exception("MistralHTTPAction", "URL scheme 'ftp' is not allowed (only http and https are).") {
		t.Error(got)
	}
}
