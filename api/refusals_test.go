package api_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/internal/dbtest"
	"cierzo/node"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected answers in testdata")

// refusalsFile holds bad requests with their answers, each as
//
//	== what is wrong
//	METHOD /path
//	Header: value
//	body TEXT            the body; or quoted "Go text", or repeat 100 TEXT
//	-> 400 application/json
//	the answer's body
//
// {execution}, {task}, {action} and {workflow} are ids of things that are there.
const refusalsFile = "testdata/refusals.txt"

// refusalsMin is how many requests there are at least.
const refusalsMin = 150

// TestRefusals sends requests with something wrong, on each store: every one is refused with a status of its own fault,
// never by a failure of ours, and no answer tells what is behind the API.
func TestRefusals(t *testing.T) {
	t.Parallel()
	stores := map[string]func(t *testing.T) node.Config{
		"memory":   func(*testing.T) node.Config { return node.Config{} },
		"sqlite":   sqlite,
		"postgres": func(t *testing.T) node.Config { return node.Config{Store: dbtest.Postgres(t)} },
	}
	if *rewrite {
		delete(stores, "sqlite")
		delete(stores, "postgres")
	}
	for name, cfg := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusals(t, open(t, cfg(t)))
		})
	}
}

func refusals(t *testing.T, w *world) {
	data, err := os.ReadFile(refusalsFile)
	if err != nil {
		t.Fatal(err)
	}
	w.define(flows)
	w.post("/v2/environments", object("name", "env")).want(201)
	w.post("/v2/actions", act).want(201)
	w.post("/v2/workbooks", book).want(201)
	w.run("fails", "id", "failed")
	w.start("waits", "id", "waiting")
	ids := strings.NewReplacer("{execution}", "failed", "{task}", w.get("/v2/executions/failed/tasks").at("tasks.0.id"),
		"{action}", w.get("/v2/action_executions?state=ERROR").at("action_executions.0.id"), "{workflow}", w.get("/v2/workflows/hello").at("id"))
	var out strings.Builder
	count := 0
	for block := range strings.SplitSeq(string(data), "\n== ") {
		name, rest, _ := strings.Cut(strings.TrimPrefix(block, "== "), "\n")
		request, want, _ := strings.Cut(rest, "-> ")
		count++
		got := w.refusal(ids.Replace(request))
		fmt.Fprintf(&out, "== %s\n%s-> %s\n", name, request, got)
		if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" && !*rewrite {
			t.Errorf("%s\n%s(-want +got):\n%s", name, request, diff)
		}
		if !strings.HasPrefix(got, "4") {
			t.Errorf("%s\n%sis not refused as the client's fault: %s", name, request, got)
		}
		if leak := leaks.FindString(got); leak != "" {
			t.Errorf("%s: the answer tells of %q: %s", name, leak, got)
		}
	}
	if count < refusalsMin {
		t.Errorf("%d requests, want at least %d", count, refusalsMin)
	}
	if *rewrite {
		if err := os.WriteFile(refusalsFile, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// leaks are words that only our own insides know.
var leaks = regexp.MustCompile(`(?i)goroutine|panic|\.go:|sqlite|postgres|memstore|pq:|SQLSTATE|database|runtime error|cierzo/|0x[0-9a-f]{6}`)

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// refusal sends a request as the file has it, and writes the answer as the file has it.
func (w *world) refusal(text string) string {
	w.t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	if quoted, err := strconv.Unquote(target); err == nil {
		target = quoted
	}
	base, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	// The path goes as it is, also where no client would send it.
	req := &http.Request{Method: method, URL: &url.URL{Scheme: "http", Host: base.Host, Opaque: target}, Host: base.Host, Header: http.Header{}}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, " ")
		var body []byte
		switch name {
		case "body":
			body = []byte(value)
		case "quoted":
			s, err := strconv.Unquote(value)
			if err != nil {
				w.t.Fatal(err)
			}
			body = []byte(s)
		case "repeat":
			n, what, _ := strings.Cut(value, " ")
			times, err := strconv.Atoi(n)
			if err != nil {
				w.t.Fatal(err)
			}
			body = bytes.Repeat([]byte(what), times)
		default:
			req.Header.Set(strings.TrimSuffix(name, ":"), value)
			continue
		}
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	a := w.send(req.WithContext(w.t.Context()))
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return fmt.Sprintf("%d %s\n%s\n", a.status, kind, strings.TrimRight(anyID.ReplaceAllString(a.text, "<id>"), "\n"))
}
