package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"cierzo/api/apitype"
	"cierzo/internal/proctest"
	"cierzo/persistence"
	"cierzo/persistence/sqlstore"
	"cierzo/workflow"
)

var (
	duration = flag.Duration("load.duration", 8*time.Second, "how long the clients work")
	clients  = flag.Int("load.clients", 16, "clients that work at the same time")
	killings = flag.Int("load.kills", 1, "how often an engine is killed and started again")
)

const workflows = `
version: '2.0'
quick:
  input: [key]
  tasks:
    t: {action: std.noop}
waits:
  input: [key]
  tasks:
    t: {action: std.async_noop}
`

// result is what a request was answered.
type result struct {
	status int
	body   []byte
}

// tally counts what the clients have seen.
type tally struct {
	mu       sync.Mutex
	took     map[string][]time.Duration // by the kind of request, of the whole of it with its repetition
	retried  int
	failures []string              // requests that failed twice
	wrong    []string              // answers that contradict another
	started  map[string]string     // key → id of each acknowledged start
	tried    map[string]bool       // keys of all starts
	stopped  map[string]bool       // ids of acknowledged cancels
	underway map[*caller]time.Time // since when a client waits for its request, with its repetition
}

// settle waits until nothing is under way any more that was sent before a moment. A request that a dying engine has left waits at
// the next one for the takeover: if that one is killed under it, too, the client's one repetition is used up, and Go's own, which it
// makes because of the Idempotency-Key, ends with "connection refused". That is no failure of the cluster, so one death has to be
// over before the next.
func (ta *tally) settle(ctx context.Context, before time.Time) {
	for ctx.Err() == nil {
		ta.mu.Lock()
		old := false
		for _, began := range ta.underway {
			old = old || began.Before(before)
		}
		ta.mu.Unlock()
		if !old {
			return
		}
		proctest.Pass(ctx, 20*time.Millisecond)
	}
}

// caller is one client: it works with one server until that fails, and then with the next.
type caller struct {
	ctx     context.Context
	http    *http.Client
	servers []*server
	at      int
	tally   *tally
	rng     *rand.Rand
}

// once sends a request to one server.
func (c *caller) once(method, url, key string, body any) (result, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return result{}, err
	}
	kind := "application/json"
	if text, ok := body.(string); ok {
		data, kind = []byte(text), "text/plain"
	}
	if body == nil {
		data = nil
	}
	req, err := http.NewRequestWithContext(c.ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return result{}, err
	}
	req.Header.Set("Content-Type", kind)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("%d %s", resp.StatusCode, text)
	}
	return result{resp.StatusCode, text}, err
}

// do sends a request, and once more to the next server if it fails: the one retry that a client has.
func (c *caller) do(kind, method, path, key string, body any) (result, bool) {
	begin := time.Now()
	c.tally.mu.Lock()
	c.tally.underway[c] = begin
	c.tally.mu.Unlock()
	out, err := c.once(method, "http://"+c.servers[c.at].api+path, key, body)
	again := err != nil
	first := err
	if again {
		c.at = (c.at + 1) % len(c.servers)
		out, err = c.once(method, "http://"+c.servers[c.at].api+path, key, body)
	}
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	delete(c.tally.underway, c)
	if again {
		c.tally.retried++
	}
	if err != nil {
		c.tally.failures = append(c.tally.failures, fmt.Sprintf("%s %s: %v; before: %v", method, path, err, first))
		return out, false
	}
	c.tally.took[kind] = append(c.tally.took[kind], time.Since(begin))
	return out, true
}

func (c *caller) wrong(format string, args ...any) {
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	c.tally.wrong = append(c.tally.wrong, fmt.Sprintf(format, args...))
}

// begin starts an execution; every fourth start is repeated with the same key, on another server.
func (c *caller) begin(name string) string {
	key := uuid.NewString()
	body := map[string]any{"workflow_name": name, "input": map[string]string{"key": key}}
	c.tally.mu.Lock()
	c.tally.tried[key] = true
	c.tally.mu.Unlock()
	id := ""
	tries := 1 + c.rng.IntN(4)/3
	for range tries {
		res, ok := c.do("start", http.MethodPost, "/v2/executions", key, body)
		if !ok {
			return id
		}
		var e apitype.Execution
		if err := json.Unmarshal(res.body, &e); err != nil || res.status != http.StatusCreated {
			c.wrong("start: %d %s", res.status, res.body)
			return id
		}
		if id != "" && id != e.ID {
			c.wrong("the start %s has made %s and %s", key, id, e.ID)
		}
		id = e.ID
		c.at = c.rng.IntN(len(c.servers))
	}
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	c.tally.started[key] = id
	return id
}

// look reads what was acknowledged a moment ago, from whichever server.
func (c *caller) look(id string) {
	res, ok := c.do("get", http.MethodGet, "/v2/executions/"+id, "", nil)
	if ok && res.status != http.StatusOK {
		c.wrong("execution %s was acknowledged: %d %s", id, res.status, res.body)
	}
}

// list reads the newest executions, and then page by page.
func (c *caller) list() {
	path := "/v2/executions?limit=20&sort_keys=created_at&sort_dirs=desc"
	seen := map[string]bool{}
	for i := 0; i < 3 && path != ""; i++ {
		kind := map[bool]string{true: "list", false: "page"}[i == 0]
		res, ok := c.do(kind, http.MethodGet, path, "", nil)
		if !ok {
			return
		}
		var page apitype.Executions
		if err := json.Unmarshal(res.body, &page); err != nil || res.status != http.StatusOK {
			c.wrong("list: %d %s", res.status, res.body)
			return
		}
		for _, e := range page.Executions {
			if seen[e.ID] {
				c.wrong("execution %s is on two pages", e.ID)
			}
			seen[e.ID] = true
		}
		_, path, _ = strings.Cut(page.Next, "/v2/")
		if path != "" {
			path = "/v2/" + path
		}
	}
}

// cancel stops an execution; every fourth cancel is repeated with the same key.
func (c *caller) cancel(id string) {
	key := uuid.NewString()
	for range 1 + c.rng.IntN(4)/3 {
		res, ok := c.do("cancel", http.MethodPut, "/v2/executions/"+id, key, map[string]string{"state": "CANCELLED", "state_info": "enough"})
		if !ok {
			return
		}
		var e apitype.Execution
		if err := json.Unmarshal(res.body, &e); err != nil || res.status != http.StatusOK || e.State != "CANCELLED" {
			c.wrong("cancel of %s: %d %s", id, res.status, res.body)
			return
		}
	}
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	c.tally.stopped[id] = true
}

func (c *caller) work(until time.Time) {
	for time.Now().Before(until) && c.ctx.Err() == nil {
		if id := c.begin("quick"); id != "" {
			c.look(id)
		}
		c.list()
		if id := c.begin("waits"); id != "" {
			c.cancel(id)
		}
	}
}

// TestLoad has clients start, list, page and cancel executions while an engine is killed (SIGKILL) and started again. No
// acknowledged command is lost, no repeated request starts twice, and with one retry no request fails.
func TestLoad(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), *duration+3*time.Minute)
	defer cancel()
	const all = "engine,runner,api"
	c := startCluster(ctx, t, all, all, all)
	ta := &tally{
		took: map[string][]time.Duration{}, started: map[string]string{}, tried: map[string]bool{}, stopped: map[string]bool{}, underway: map[*caller]time.Time{},
	}
	client := &http.Client{Timeout: 45 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: *clients}}
	defer client.CloseIdleConnections()
	upload := &caller{ctx: ctx, http: client, servers: c.servers, tally: ta}
	if res, ok := upload.do("upload", http.MethodPost, "/v2/workflows", "", workflows); !ok || res.status != http.StatusCreated {
		t.Fatalf("upload: %d %s", res.status, res.body)
	}
	begin := time.Now()
	until := begin.Add(*duration)
	var wg sync.WaitGroup
	for i := range *clients {
		wg.Go(func() {
			(&caller{
				ctx: ctx, http: client, servers: c.servers, at: i % len(c.servers), tally: ta, rng: rand.New(rand.NewPCG(uint64(i), 1)),
			}).work(until)
		})
	}
	var healthy time.Time // since when the last one that was killed is back
	for i := range *killings {
		proctest.Pass(ctx, *duration/time.Duration(*killings)/3)
		ta.settle(ctx, healthy)
		s := c.servers[i%len(c.servers)]
		s.Kill()
		proctest.Pass(ctx, min(2*time.Second, *duration/4))
		s.Restart()
		s.AwaitHealth(ctx, s.api)
		healthy = time.Now()
	}
	wg.Wait()
	took := time.Since(begin)
	ta.report(t, took)
	judge(ctx, t, c, ta)
}

func (ta *tally) report(t *testing.T, took time.Duration) {
	t.Helper()
	total := 0
	for _, kind := range []string{"start", "get", "list", "page", "cancel"} {
		d := ta.took[kind]
		slices.Sort(d)
		total += len(d)
		if len(d) > 0 {
			t.Logf("%-6s %7d requests, p50 %v, p99 %v, max %v", kind, len(d), d[len(d)/2].Round(time.Millisecond/10), d[len(d)*99/100].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
		}
	}
	t.Logf("%d clients, %v: %d requests (%.0f/s), %d repeated after a failure, %d failed twice; %d starts and %d cancels acknowledged",
		*clients, took.Round(time.Second), total, float64(total)/took.Seconds(), ta.retried, len(ta.failures), len(ta.started), len(ta.stopped))
	for _, list := range [][]string{ta.failures, ta.wrong} {
		for _, text := range list[:min(len(list), 10)] {
			t.Error(text)
		}
	}
	if len(ta.started) == 0 || len(ta.stopped) == 0 {
		t.Error("nothing was done")
	}
}

// judge compares the database with what was acknowledged.
func judge(ctx context.Context, t *testing.T, c *cluster, ta *tally) {
	t.Helper()
	store, err := sqlstore.Open(ctx, c.dsn, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	found := map[string][]string{} // key → ids
	states := map[string]workflow.State{}
	q := persistence.PageQuery{Limit: 1000}
	for {
		list, err := store.PageExecutions(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			key, ok := e.Data.Input.GetString("key")
			if !ok {
				t.Errorf("execution %s has no key", e.Execution.ID)
				continue
			}
			text := strings.Trim(fmt.Sprint(key), `"`)
			found[text] = append(found[text], string(e.Execution.ID))
			states[string(e.Execution.ID)] = e.Execution.State
		}
		if len(list) < 1000 {
			break
		}
		last := list[len(list)-1].Execution
		q.After = &persistence.PageMark{CreatedAt: last.CreatedAt, ID: last.ID}
	}
	lost, double := 0, 0
	for key, id := range ta.started {
		if !slices.Contains(found[key], id) {
			lost++
			t.Errorf("the start %s of execution %s was acknowledged and is lost", key, id)
		}
	}
	for key, ids := range found {
		if len(ids) > 1 {
			double++
			t.Errorf("the start %s has made %v", key, ids)
		}
		if !ta.tried[key] {
			t.Errorf("nobody has asked for %s", key)
		}
	}
	for id := range ta.stopped {
		if states[id] != workflow.Cancelled {
			lost++
			t.Errorf("the cancel of %s was acknowledged, its state is %s", id, states[id])
		}
	}
	t.Logf("%d executions in the database: %d acknowledged commands lost, %d double starts", len(states), lost, double)
	if len(states) < len(ta.started) {
		t.Error(errors.New("fewer executions than acknowledged starts"))
	}
}
