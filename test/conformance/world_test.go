package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// helperAddress is what cases write for the server that their HTTP actions ask.
const helperAddress = "127.0.0.1:18980"

// helper is the recorder's small HTTP server.
type helper struct {
	mu    sync.Mutex
	store map[string]object
}

func newHelper() *httptest.Server { return httptest.NewServer(&helper{store: map[string]object{}}) }

// ServeHTTP answers by the first part of the path.
func (h *helper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/")+"/", "/")
	switch parts[0] {
	case "json":
		answer(w, r, 200, object{"ok": true, "list": []any{1, 2, object{"a": nil}}})
	case "text":
		w.Header().Set("Content-Type", "text/plain")
		send(w, r, 200, "plain text")
	case "empty":
		w.Header().Set("Content-Type", "application/json")
		send(w, r, 204, "")
	case "status":
		n, _ := strconv.Atoi(parts[1])
		answer(w, r, max(n, 200), object{"status": n})
	case "redirect":
		w.Header().Set("Location", "/json")
		w.Header().Set("Content-Type", "application/json")
		send(w, r, 302, "")
	case "slow":
		seconds, _ := strconv.ParseFloat(parts[1], 64)
		select {
		case <-time.After(time.Duration(seconds * float64(time.Second))):
		case <-r.Context().Done():
		}
		answer(w, r, 200, object{"slow": true})
	case "store", "load":
		h.keep(w, r, parts[0], parts[1])
	case "echo":
		answer(w, r, 200, echoOf(r, string(body)))
	default:
		answer(w, r, 404, object{"error": "no such page"})
	}
}

func (h *helper) keep(w http.ResponseWriter, r *http.Request, op, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if op == "store" {
		headers := object{}
		for k := range r.Header {
			headers[strings.ToLower(k)] = r.Header.Get(k)
		}
		h.store[name] = headers
		answer(w, r, 200, object{"stored": true})
		return
	}
	out := object{}
	for k, v := range h.store[name] {
		if strings.HasPrefix(k, "mistral-") || strings.HasPrefix(k, "x-") {
			out[k] = v
		}
	}
	answer(w, r, 200, out)
}

func echoOf(r *http.Request, body string) object {
	query := []any{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		k, v, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(k)
		text, err2 := url.QueryUnescape(v)
		if err1 == nil && err2 == nil && v != "" {
			query = append(query, []any{name, text})
		}
	}
	out := object{"method": r.Method, "path": r.URL.EscapedPath(), "query": query, "body": body}
	for key, header := range map[string]string{"content_type": "Content-Type", "cookie": "Cookie", "authorization": "Authorization", "x_test": "X-Test"} {
		if out[key] = nil; r.Header.Get(header) != "" {
			out[key] = r.Header.Get(header)
		}
	}
	return out
}

func answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	send(w, r, status, dump(plain(body)))
}

// plain makes numbers of Go what those of JSON are here.
func plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out, _ := parseJSON(text)
	return out
}

func send(w http.ResponseWriter, r *http.Request, status int, body string) {
	w.Header()["Date"] = nil
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body) // the peer may have gone
	}
}

// server is the REST API that cases talk to.
type server struct {
	base string // http://host:port/v2
	http *http.Client
}

// call sends a request. The answer's body is JSON, or text where it isn't.
func (s *server) call(ctx context.Context, method, path string, body []byte, contentType string) (int, any, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(string(body)))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || len(text) == 0 {
		return res.StatusCode, nil, err
	}
	if parsed, err := parseJSON(text); err == nil {
		return res.StatusCode, parsed, nil
	}
	return res.StatusCode, string(text), nil
}

// get reads a resource that must be there.
func (s *server) get(ctx context.Context, path string) (object, error) {
	status, body, err := s.call(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return nil, err
	}
	got, ok := body.(object)
	if status != 200 || !ok {
		return nil, fmt.Errorf("GET %s: %d %v", path, status, body)
	}
	return got, nil
}

// list reads a collection.
func (s *server) list(ctx context.Context, path, key string) ([]object, error) {
	got, err := s.get(ctx, path)
	if err != nil {
		return nil, err
	}
	var out []object
	items, _ := got[key].([]any)
	for _, x := range items {
		if o, ok := x.(object); ok {
			out = append(out, o)
		}
	}
	return out, nil
}
