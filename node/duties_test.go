package node_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/node"
	"cierzo/persistence"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hook is a webhook that tells each event.
func hook(t *testing.T) (url string, events chan map[string]any) {
	t.Helper()
	events = make(chan map[string]any, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		events <- body
	}))
	t.Cleanup(server.Close)
	return server.URL, events
}

func next(t *testing.T, events chan map[string]any) string {
	t.Helper()
	select {
	case e := <-events:
		return e["event"].(string) + " " + e["state"].(string)
	case <-time.After(time.Minute):
		t.Fatal("no event")
		return ""
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	serverHook, all := hook(t)
	ownHook, own := hook(t)
	n := start(ctx, t, node.Config{Store: "memory:", Notify: node.NotifyConfig{
		File: file(t, "- {type: webhook, url: '"+serverHook+"', event_types: [WORKFLOW_LAUNCHED, WORKFLOW_SUCCEEDED]}\n- type: noop\n"),
	}})
	upload(ctx, t, n)
	params := map[string]any{"notify": []any{map[string]any{"type": "webhook", "url": ownHook}}}
	e, err := n.Run(ctx, node.StartRequest{Workflow: "hello", Input: map[string]any{"name": "x"}, Params: params})
	if err != nil || e.State != "SUCCESS" {
		t.Fatal(e, err)
	}
	for _, want := range []string{"WORKFLOW_LAUNCHED RUNNING", "WORKFLOW_SUCCEEDED SUCCESS"} {
		if got := next(t, all); got != want {
			t.Errorf("the server's: %s, want %s", got, want)
		}
	}
	var got []string
	for range 4 {
		got = append(got, next(t, own))
	}
	if want := []string{"WORKFLOW_LAUNCHED RUNNING", "TASK_LAUNCHED RUNNING", "TASK_SUCCEEDED SUCCESS", "WORKFLOW_SUCCEEDED SUCCESS"}; !slices.Equal(got, want) {
		t.Errorf("its own: %q, want %q", got, want)
	}
}

// TestTriggersInACluster: two engines on PostgreSQL fire a trigger of each second; one of them is taken away. The runs
// that it says are those that there are.
func TestTriggersInACluster(t *testing.T) {
	t.Parallel()
	network(t)
	ctx := testContext(t)
	dsn := dbtest.Postgres(t)
	var engines []*node.Node
	for range 2 {
		engines = append(engines, start(ctx, t, node.Config{Store: dsn, Bind: "127.0.0.1:0", LeaseTTL: 2 * time.Second}))
	}
	upload(ctx, t, engines[0])
	post := func(n *node.Node, path, body string) map[string]any {
		t.Helper()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, r)
		var out map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusCreated {
			t.Fatalf("%s: %d %s %v", path, w.Code, w.Body, err)
		}
		return out
	}
	id := post(engines[0], "/v2/cron_triggers", `{"name": "s", "workflow_name": "hello", "workflow_input": {"name": "x"}, "pattern": "* * * * * *"}`)["id"].(string)
	store := engines[1].Store()
	var once sync.Once
	for {
		r, err := store.GetResource(ctx, persistence.CronTriggerResource, id)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := persistence.DocOf[persistence.CronTrigger](r)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Started >= 2 {
			once.Do(func() {
				if err := engines[0].Stop(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		if doc.Failed > 0 {
			t.Fatalf("%+v", doc)
		}
		if doc.Started >= 5 && len(doc.Pending) == 0 {
			list, err := store.PageExecutions(ctx, persistence.PageQuery{})
			// Some may have been started since.
			if err != nil || len(list) < int(doc.Started) || doc.Skipped > 0 {
				t.Errorf("%d executions, %v: %+v", len(list), err, doc)
			}
			for i, run := range doc.Runs[1:] {
				if !run.Tick.Equal(doc.Runs[i].Tick.Add(time.Second)) {
					t.Errorf("the tick after %s is %s", doc.Runs[i].Tick, run.Tick)
				}
			}
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%+v", doc)
		}
	}
}

func TestRefusedDuties(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  node.Config
		text string
	}{
		"catch-up":         {node.Config{Triggers: node.TriggersConfig{CatchUp: "never"}}, "once, skip, all"},
		"catch-up max":     {node.Config{Triggers: node.TriggersConfig{CatchUpMax: 5000}}, "1 to 1000"},
		"no definitions":   {node.Config{Triggers: node.TriggersConfig{DefinitionsFile: "/nothing.yaml"}}, "/nothing.yaml"},
		"definitions":      {node.Config{Triggers: node.TriggersConfig{DefinitionsFile: file(t, "- 5")}}, "event definition 1"},
		"no secrets":       {node.Config{Triggers: node.TriggersConfig{SecretsFile: file(t, "# none\n")}}, "has none"},
		"short secret":     {node.Config{Triggers: node.TriggersConfig{SecretsFile: file(t, "\nshort\n")}}, ":2: a secret has 16 bytes"},
		"broker":           {node.Config{Triggers: node.TriggersConfig{AMQPURL: "http://me:secret@host"}}, "amqp"},
		"no publishers":    {node.Config{Notify: node.NotifyConfig{File: "/nothing.yaml"}}, "/nothing.yaml"},
		"publishers":       {node.Config{Notify: node.NotifyConfig{File: file(t, "a: 1")}}, "list of publishers"},
		"unknown key":      {node.Config{Notify: node.NotifyConfig{File: file(t, "- {type: noop, adress: x}")}}, "adress"},
		"publisher's type": {node.Config{Notify: node.NotifyConfig{File: file(t, "- {type: pigeon}")}}, "publisher 1"},
		"twice":            {node.Config{Notify: node.NotifyConfig{File: file(t, "- {type: noop}\n- {type: noop}")}}, "a name of its own"},
		"expiration":       {node.Config{Expiration: node.ExpirationConfig{Every: time.Hour}}, "neither an age nor a number"},
		"ignored state":    {node.Config{Expiration: node.ExpirationConfig{Every: time.Hour, OlderThan: time.Hour, IgnoredStates: []string{"DONE"}}}, "DONE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.cfg.Store = "memory:"
			n, err := node.New(testContext(t), c.cfg)
			if err == nil {
				t.Fatal("the node has started", n.Stop(t.Context()))
			}
			wantError(t, err, fault.Invalid, c.text)
			if strings.Contains(err.Error(), "secret@") {
				t.Errorf("a password in %v", err)
			}
		})
	}
}
