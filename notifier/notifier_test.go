package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/notifier"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/workflow"
)

// receiver is a webhook: it remembers what it was told, and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	told   []string // event by event
	ids    []string
	header http.Header
	body   map[string]any
	answer func(n int) int // of the nth request, from 1
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answer: func(int) int { return http.StatusOK }}
	n := 0
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		n++
		data, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.body = nil
		if err := json.Unmarshal(data, &r.body); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		code := r.answer(n)
		if code == http.StatusOK {
			event, _ := r.body["event"].(string)
			r.told, r.ids, r.header = append(r.told, event), append(r.ids, req.Header.Get("Webhook-Id")), req.Header.Clone()
		}
		if code >= 300 && code < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) heard() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.told, " ")
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func publisher(pairs ...any) *value.Dict {
	d := value.NewDict(0)
	for i := 0; i < len(pairs); i += 2 {
		d.SetString(pairs[i].(string), pairs[i+1].(value.Value))
	}
	return d
}

func hook(url string) *value.Dict {
	return publisher("type", value.String("webhook"), "url", value.String(url), "headers", publisher("X-Key", value.String("secret")))
}

// post commits a turn with events.
func post(t *testing.T, s persistence.Store, at time.Time, id string, turn uint64, to []*value.Dict, server []string, events ...string) {
	t.Helper()
	rec := &workflow.ExecutionRecord{ID: workflow.ExecutionID(id), ProjectID: "p", WorkflowName: "w", State: workflow.Running, Turns: turn, CreatedAt: at, UpdatedAt: at}
	w := workflow.Writes{Create: turn == 1, Execution: rec}
	if turn == 1 {
		w.Data = &workflow.ExecutionData{Input: value.NewDict(0), Params: value.NewDict(0), Env: value.NewDict(0), Context: value.NewDict(0)}
	}
	for _, e := range events {
		w.Notices = append(w.Notices, workflow.Notification{Event: e, At: at, State: workflow.Running, Publishers: to, Server: server})
	}
	out, err := s.Commit(t.Context(), []persistence.Turn{{ID: rec.ID, Epoch: 1, Node: "n", Writes: w}})
	if err != nil || out[0] != persistence.Committed {
		t.Fatal(out, err)
	}
}

type bench struct {
	clock *clock
	store *memstore.Store
	n     *notifier.Notifier
}

func newBench(t *testing.T, server map[string]notifier.Publisher) *bench {
	t.Helper()
	c := &clock{now: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	b := &bench{clock: c, store: memstore.New(memstore.Config{Now: c.Now})}
	b.n = b.notifier(t, server)
	return b
}

func (b *bench) notifier(t *testing.T, server map[string]notifier.Publisher) *notifier.Notifier {
	t.Helper()
	n, err := notifier.New(notifier.Config{Store: b.store, Server: server, GiveUp: time.Hour, Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *bench) sweep(t *testing.T) {
	t.Helper()
	if _, err := b.n.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) left(t *testing.T) int {
	t.Helper()
	n, err := b.store.CountNotices(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	r, audit := newReceiver(t), newReceiver(t)
	b := newBench(t, map[string]notifier.Publisher{"audit": {Type: "webhook", URL: audit.URL}})
	post(t, b.store, b.clock.Now(), "x", 1, []*value.Dict{hook(r.URL)}, []string{"audit"}, "WORKFLOW_LAUNCHED", "TASK_LAUNCHED")
	post(t, b.store, b.clock.Now(), "x", 2, []*value.Dict{hook(r.URL)}, nil, "WORKFLOW_SUCCEEDED")
	b.sweep(t)
	if r.heard() != "WORKFLOW_LAUNCHED TASK_LAUNCHED WORKFLOW_SUCCEEDED" || audit.heard() != "WORKFLOW_LAUNCHED TASK_LAUNCHED" || b.left(t) != 0 {
		t.Errorf("heard %q, %q, %d are left", r.heard(), audit.heard(), b.left(t))
	}
	if r.header.Get("X-Key") != "secret" || r.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(r.header.Get("Webhook-Id"), "x.") {
		t.Errorf("header %v", r.header)
	}
	for name, want := range map[string]any{
		"id": "x", "name": "w", "workflow_name": "w", "workflow_namespace": "", "state": "RUNNING", "state_info": nil, "project_id": "p",
		"task_execution_id": nil, "root_execution_id": nil, "created_at": "2026-05-01 00:00:00", "event": "WORKFLOW_SUCCEEDED",
	} {
		if got, ok := r.body[name]; !ok || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestOrderAndRetry: what isn't taken is tried again later, and what comes behind it waits; other receivers don't.
func TestOrderAndRetry(t *testing.T) {
	t.Parallel()
	bad, good := newReceiver(t), newReceiver(t)
	bad.answer = func(n int) int {
		return []int{200, 500, 404, 302, 200, 200}[min(n, 6)-1]
	}
	b := newBench(t, nil)
	post(t, b.store, b.clock.Now(), "x", 1, []*value.Dict{hook(bad.URL), hook(good.URL)}, nil, "A", "B", "C")
	b.sweep(t)
	if bad.heard() != "A" || good.heard() != "A B C" || b.left(t) != 2 {
		t.Fatalf("heard %q and %q, %d are left", bad.heard(), good.heard(), b.left(t))
	}
	b.sweep(t) // not before the pause is over
	post(t, b.store, b.clock.Now(), "x", 2, []*value.Dict{hook(bad.URL)}, nil, "D")
	b.sweep(t)
	if bad.heard() != "A" {
		t.Fatalf("overtaken: %q", bad.heard())
	}
	b.clock.add(time.Second)
	b.sweep(t)
	b.clock.add(time.Second)
	b.sweep(t) // the second pause is two seconds
	b.clock.add(time.Second)
	b.sweep(t)
	if bad.heard() != "A" || b.left(t) != 3 {
		t.Fatalf("heard %q, %d are left", bad.heard(), b.left(t))
	}
	b.clock.add(4 * time.Second)
	b.sweep(t)
	if bad.heard() != "A B C D" || b.left(t) != 0 {
		t.Errorf("heard %q, %d are left", bad.heard(), b.left(t))
	}
	if m := b.n.Metrics(); m["notifications_sent_total"] != 7 || m["notifications_failed_total"] != 3 || m["notifications_dropped_total"] != 0 {
		t.Errorf("%v", m)
	}
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answer = func(int) int { return http.StatusServiceUnavailable }
	b := newBench(t, nil)
	post(t, b.store, b.clock.Now(), "x", 1, []*value.Dict{hook(r.URL)}, nil, "A")
	for range 10 {
		b.sweep(t)
		b.clock.add(11 * time.Minute)
	}
	if m := b.n.Metrics(); m["notifications_dropped_total"] != 1 || b.left(t) != 0 {
		t.Errorf("%v, %d are left", m, b.left(t))
	}
	// What can't be told to anybody is dropped at once, and doesn't hold up others.
	gone := newReceiver(t)
	gone.answer = func(int) int { return http.StatusGone }
	post(t, b.store, b.clock.Now(), "y", 1, []*value.Dict{
		hook(gone.URL), publisher("type", value.String("pigeon")), publisher("type", value.String("webhook"), "url", value.String("file:///etc/passwd")),
		publisher("type", value.Int(5)), publisher("url", value.String(r.URL)),
		publisher("type", value.String("webhook"), "url", value.String(r.URL), "headers", publisher("a\nb", value.String("c"))),
		publisher("type", value.String("noop")),
	}, nil, "A")
	b.sweep(t)
	if m := b.n.Metrics(); m["notifications_dropped_total"] != 7 || b.left(t) != 0 {
		t.Errorf("%v, %d are left", m, b.left(t))
	}
	// A publisher that this node doesn't know may be another's.
	post(t, b.store, b.clock.Now(), "z", 1, nil, []string{"unknown"}, "A")
	b.sweep(t)
	if b.left(t) != 1 {
		t.Error("dropped what another node may know")
	}
}

// TestCrashesLoseNothing: at each step of a delivery the node dies; another one goes on, in order, and tells a second time
// under the same id.
func TestCrashesLoseNothing(t *testing.T) {
	t.Parallel()
	for step, op := range []string{"DueNotices", "ClaimNotices", "SettleNotices"} {
		for _, after := range []bool{false, true} {
			r := newReceiver(t)
			b := newBench(t, nil)
			post(t, b.store, b.clock.Now(), "x", 1, []*value.Dict{hook(r.URL)}, nil, "A", "B")
			died := errors.New("died")
			b.store.Inject(func(name string, attempt int) memstore.Fault {
				if name != op || attempt > 1 {
					return memstore.Fault{}
				}
				if after {
					return memstore.Fault{After: died}
				}
				return memstore.Fault{Before: died}
			})
			if _, err := b.n.Sweep(t.Context()); err == nil {
				t.Errorf("%s: it has not died", op)
			}
			b.n = b.notifier(t, nil)
			post(t, b.store, b.clock.Now(), "x", 2, []*value.Dict{hook(r.URL)}, nil, "C")
			b.sweep(t)
			b.clock.add(2 * time.Minute) // the claim runs out
			b.sweep(t)
			if b.left(t) != 0 {
				t.Errorf("step %d, after %v: %d are left", step, after, b.left(t))
			}
			want := "A B C"
			if op == "SettleNotices" && !after {
				want = "A B A B C"
			}
			if r.heard() != want {
				t.Errorf("%s, after %v: heard %q, want %q", op, after, r.heard(), want)
			}
			ids := slices.Compact(slices.Sorted(slices.Values(r.ids)))
			if len(ids) != 3 {
				t.Errorf("ids %v", r.ids)
			}
		}
	}
}

// looks counts the questions for what is due.
type looks struct {
	persistence.Store
	n atomic.Int64
}

func (l *looks) DueNotices(context.Context, int) ([]persistence.NoticeLane, error) {
	l.n.Add(1)
	return nil, nil
}

// TestIdleNotifierAsksSeldom: with nothing to deliver it asks every other second, and at once when there is something.
func TestIdleNotifierAsksSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &looks{}
		n, err := notifier.New(notifier.Config{Store: l})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go n.Run(ctx)
		asked := func(d time.Duration) int64 {
			before := l.n.Load()
			<-time.After(d)
			synctest.Wait()
			return l.n.Load() - before
		}
		<-time.After(time.Millisecond)
		if n := asked(10 * time.Second); n != 10 {
			t.Errorf("asked %d times in the first ten seconds, want 10", n)
		}
		if n := asked(time.Minute); n != 30 {
			t.Errorf("asked %d times in a minute, want 30", n)
		}
		n.Notify(nil, workflow.Notification{})
		if n := asked(time.Millisecond); n != 1 {
			t.Errorf("asked %d times when there was something, want once", n)
		}
	})
}

func TestManyLanes(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	all := make(chan struct{})
	r.answer = func(n int) int {
		if n == 500 {
			close(all)
		}
		return http.StatusOK
	}
	b := newBench(t, nil)
	for i := range 250 {
		post(t, b.store, b.clock.Now(), "x"+strconv.Itoa(i), 1, []*value.Dict{hook(r.URL)}, nil, "A", "B")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.n.Run(ctx)
	}()
	b.n.Notify(nil, workflow.Notification{})
	<-all
	cancel()
	<-done
	b.sweep(t) // the end may have come before the answer to the last ones was heard: they are told again
	if n := len(slices.Compact(slices.Sorted(slices.Values(r.ids)))); n != 500 || b.left(t) != 0 {
		t.Errorf("%d were told, %d are left", n, b.left(t))
	}
}

func TestRefusedConfig(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Config{})
	for name, cfg := range map[string]notifier.Config{
		"no store":  {},
		"timeout":   {Store: store, Timeout: time.Hour},
		"publisher": {Store: store, Server: map[string]notifier.Publisher{"x": {Type: "webhook", URL: "ftp://host"}}},
		"type":      {Store: store, Server: map[string]notifier.Publisher{"x": {}}},
	} {
		if _, err := notifier.New(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
