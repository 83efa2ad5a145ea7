package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
	"cierzo/verify/check"
)

func broken() *Report {
	evil := `<script>alert(1)</script>"'`
	return &Report{
		Run: "0badcafe", Repeat: "cierzo verify --nemesis " + quoted(evil), Settings: Settings{Nemesis: evil},
		Servers: []Server{{Address: evil, Store: evil}}, Nodes: []apitype.Node{{ID: evil, Version: evil}}, Trouble: []string{evil},
		Errors: []Count{{evil, 3}}, Repairs: []Count{{evil, 1}}, States: map[string]int{evil: 1}, Left: evil,
		Faults:   []Fault{{Phase: "fault", Round: 1, Command: evil, Output: evil, At: 3, Took: 1}},
		Checkers: []Verdict{{Checker: "lost", Promise: "kept", Checked: 1, Violations: []Violation{{evil, evil}}, More: 2}},
		Timeline: []Moment{{0, 3, 0, 0}, {1, 2, 4, 1}}, Requests: []Request{{Kind: evil}},
	}
}

// TestPageIsEscaped: what a cluster or a nemesis says is text, and the page needs nothing from outside.
func TestPageIsEscaped(t *testing.T) {
	t.Parallel()
	page, err := broken().HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "src=", "href=", "@import", "url("} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	for _, want := range []string{"FAILED", "&lt;script&gt;", "3 broken", "2 started, 4 ended, 1 requests unanswered", "fault 1"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page says nothing of %q", want)
		}
	}
}

func TestSummaryAndJSON(t *testing.T) {
	t.Parallel()
	rep := broken()
	var b strings.Builder
	if err := rep.Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FAILED: run 0badcafe", "lost: execution ", "fault 1 at 3s: exit 0", "repeat: cierzo verify"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary says nothing of %q:\n%s", want, b.String())
		}
	}
	data, err := rep.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(data, &back); err != nil || back.Faults[0].At != 3 || back.Checkers[0].More != 2 {
		t.Errorf("JSON comes back as %+v, %v", back, err)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	list := []time.Duration{5, 1, 4, 2, 3}
	for q, want := range map[float64]time.Duration{0: 1, .5: 3, .99: 5, 1: 5} {
		if got := quantile(list, q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if quantile(nil, .5) != 0 {
		t.Error("nothing has a quantile")
	}
}

// TestRequestsGoOn: a request without an answer goes to the next server, the same key with it, and what is said of a command
// afterwards is what its user knows.
func TestRequestsGoOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		second int // status of the second server
		want   check.Answer
	}{
		"done":               {http.StatusOK, check.Done},
		"refused afterwards": {http.StatusConflict, check.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			serve := func(status int) *client.Client {
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Idempotency-Key") == "k" {
						asked.Add(1)
					}
					w.WriteHeader(status)
					_, _ = w.Write([]byte("{}"))
				}))
				t.Cleanup(s.Close)
				out, err := client.New(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			user := &caller{cluster: newCluster([]*client.Client{serve(http.StatusServiceUnavailable), serve(c.second)}, 1000)}
			a := user.do(t.Context(), "pause", func(ctx context.Context, c *client.Client) error {
				_, err := c.Keyed("k").SetState(ctx, "x", "PAUSED", "")
				return err
			})
			if a.answer() != c.want || asked.Load() != 2 {
				t.Errorf("answer %s (%v) after %d requests, want %s after 2", a.answer(), a.err, asked.Load(), c.want)
			}
			if k := user.kinds["pause"]; k.repeated != 1 || k.tries != 2 {
				t.Errorf("counted %+v", k)
			}
		})
	}
}

func TestWrongConfig(t *testing.T) {
	t.Parallel()
	one, err := client.New("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no server":                 func(c *Config) { c.Clients = nil },
		"too many":                  func(c *Config) { c.Executions = ExecutionsMax + 1 },
		"too short":                 func(c *Config) { c.Duration = time.Millisecond },
		"rate below concurrency":    func(c *Config) { c.Rate, c.Concurrency = 5, 6 },
		"heal without nemesis":      func(c *Config) { c.Heal = "true" },
		"nemesis without a pause":   func(c *Config) { c.Nemesis, c.NemesisEvery = "true", time.Millisecond },
		"negative time to settle":   func(c *Config) { c.Settle = -time.Second },
		"more requests than bounds": func(c *Config) { c.Rate = RateMax + 1 },
	} {
		c := Config{Clients: []*client.Client{one}}
		change(&c)
		if err := c.defaults(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "0badcaf", "0badcafe1", "0badcaf%", "main"} {
		if _, err := Remove(t.Context(), []*client.Client{one}, 1, name); !fault.Is(err, fault.Invalid) {
			t.Errorf("remove %q: %v", name, err)
		}
	}
}

// TestNemesisIsBounded: output beyond the limit is dropped, a command that fails says so, and it knows its round.
func TestNemesisIsBounded(t *testing.T) {
	t.Parallel()
	n := &nemesis{cfg: &Config{Seed: 7, Progress: func(string) {}}, cluster: newCluster(nil, 1)}
	n.once(t.Context(), "fault", 3, `echo "$CIERZO_VERIFY_PHASE $CIERZO_VERIFY_ROUND $CIERZO_VERIFY_SEED"; exit 4`)
	n.once(t.Context(), "fault", 4, `head -c 1000000 /dev/zero | tr '\0' x`)
	if f := n.faults[0]; f.Exit != 4 || !strings.HasPrefix(f.Output, "fault 3 7\n") {
		t.Errorf("%+v", f)
	}
	if f := n.faults[1]; f.Exit != 0 || len(f.Output) != outputMax {
		t.Errorf("exit %d, %d bytes", f.Exit, len(f.Output))
	}
}
