package node_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/internal/slogtest"
	"cierzo/node"
)

const source = `
version: '2.0'
hello:
  input: [name]
  output: {text: <% $.text %>}
  tasks:
    greet:
      action: std.echo output="hello <% $.name %>" delay=0.01
      publish: {text: <% task().result %>}
waits:
  output: {answer: <% $.answer %>}
  tasks:
    ask:
      action: std.async_noop
      publish: {answer: <% task().result %>}
sleeps:
  tasks:
    nap: {action: std.sleep seconds=600}
pauses:
  tasks:
    first: {action: std.noop, on-success: second}
    second: {action: std.noop, pause-before: true}
`

// start makes a node that ends with the test.
func start(ctx context.Context, t *testing.T, cfg node.Config) *node.Node {
	t.Helper()
	cfg.Logger, _ = slogtest.New(t)
	n, err := node.New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return n
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func upload(ctx context.Context, t *testing.T, n *node.Node) {
	t.Helper()
	names, err := n.Upload(ctx, "test.yaml", []byte(source))
	if err != nil || len(names) != 4 {
		t.Fatalf("upload: %v, %v", names, err)
	}
}

// begin starts a workflow without input.
func begin(ctx context.Context, t *testing.T, n *node.Node, workflow string) string {
	t.Helper()
	id, err := n.Start(ctx, node.StartRequest{Workflow: workflow})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestProgrammaticAPI(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"", "memory:"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			n := start(ctx, t, node.Config{Store: store, DrainTimeout: 100 * time.Millisecond})
			upload(ctx, t, n)

			done, err := n.Run(ctx, node.StartRequest{Workflow: "hello", Input: map[string]any{"name": "Ana"}})
			if err != nil {
				t.Fatal(err)
			}
			var out struct{ Text string }
			if err := done.Decode(&out); err != nil || out.Text != "hello Ana" || done.State != "SUCCESS" {
				t.Errorf("%s %+v %v", done.State, out, err)
			}

			id := begin(ctx, t, n, "waits")
			if err := n.Signal(ctx, id, "ask", map[string]any{"yes": true}); err != nil {
				t.Fatal(err)
			}
			if e, err := n.Wait(ctx, id); err != nil || string(e.Output) != `{"answer": {"yes": true}}` {
				t.Errorf("after the signal: %s %v", e.Output, err)
			}
			if err := n.Signal(ctx, id, "ask", 1); !fault.Is(err, fault.NotFound) {
				t.Errorf("a second signal: %v", err)
			}

			id = begin(ctx, t, n, "sleeps")
			if err := n.Cancel(ctx, id, "enough"); err != nil {
				t.Fatal(err)
			}
			if e, err := n.Wait(ctx, id); err != nil || e.State != "CANCELLED" || e.StateInfo != "enough" {
				t.Errorf("after the cancel: %+v %v", e, err)
			}

			id = begin(ctx, t, n, "pauses")
			for e := (&node.Execution{}); e.State != "PAUSED"; {
				if e, err = n.Execution(ctx, id); err != nil {
					t.Fatal(err)
				}
			}
			if err := n.Resume(ctx, id); err != nil {
				t.Fatal(err)
			}
			if e, err := n.Wait(ctx, id); err != nil || e.State != "SUCCESS" {
				t.Errorf("after the resume: %+v %v", e, err)
			}
		})
	}
}

// TestRunGivesWhatTheStoreHas: whoever waits for an end hears of it from the engine, and gets what a later look at the store gives.
func TestRunGivesWhatTheStoreHas(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := start(ctx, t, node.Config{})
	const flows = `
version: '2.0'
good:
  input: [a, b: 2]
  output: {same: <% $ %>, text: "\u00e9\u20ac\\\"", number: 1.50, none: null}
  tasks:
    t: {action: std.echo output=<% $.a %>, publish: {p: "<% [task().result, 1.25, true] %>"}}
bad:
  output-on-error: {why: <% task(t).state %>}
  tasks:
    t: {action: std.fail}
stopped:
  tasks:
    t: {action: std.noop, on-success: fail}
`
	if _, err := n.Upload(ctx, "flows.yaml", []byte(flows)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good", "bad", "stopped"} {
		r := node.StartRequest{Workflow: name}
		if name == "good" {
			r.Input = map[string]any{"a": map[string]any{"z": 1e20, "y": []any{nil, 0.5, 1 << 53}}}
		}
		got, err := n.Run(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		want, err := n.Execution(ctx, got.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || !got.Final() {
			t.Errorf("%s (-store +run):\n%s", name, diff)
		}
	}
}

func TestStartIsIdempotentByID(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := start(ctx, t, node.Config{Store: "memory:"})
	upload(ctx, t, n)
	const id = "11111111-2222-4333-8444-555555555555"
	for range 3 {
		got, err := n.Start(ctx, node.StartRequest{ID: id, Workflow: "hello", Input: map[string]any{"name": "x"}})
		if err != nil || got != id {
			t.Fatalf("%s %v", got, err)
		}
	}
	if _, err := n.Wait(ctx, id); err != nil {
		t.Fatal(err)
	}
	counts, err := n.Store().CountExecutions(ctx, "")
	if err != nil || counts["SUCCESS"] != 1 || len(counts) != 1 {
		t.Errorf("executions: %v %v", counts, err)
	}
}

func TestWrongRequests(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := start(ctx, t, node.Config{Store: "memory:"})
	upload(ctx, t, n)
	_, err := n.Start(ctx, node.StartRequest{Workflow: "helo"})
	wantError(t, err, fault.NotFound, "helo")
	_, err = n.Start(ctx, node.StartRequest{Workflow: "hello"})
	wantError(t, err, fault.Invalid, "missing=['name']")
	_, err = n.Start(ctx, node.StartRequest{Workflow: "hello", Input: map[string]any{"name": make(chan int)}})
	wantError(t, err, fault.Invalid, "input")
	_, err = n.Start(ctx, node.StartRequest{Workflow: "hello", ID: strings.Repeat("x", 37)})
	wantError(t, err, fault.Invalid, "36 characters")
	_, err = n.Upload(ctx, "bad.yaml", []byte("version: '2.0'\nw:\n  tasks:\n    t: {on-success: u}\n"))
	wantError(t, err, fault.Invalid, "Task 'u' not found")
	_, err = n.Execution(ctx, "nothing")
	wantError(t, err, fault.NotFound, "nothing")
	wantError(t, n.Cancel(ctx, "nothing", ""), fault.NotFound, "nothing")
	wantError(t, n.CompleteAction(ctx, "nothing", 1), fault.NotFound, "nothing")
}

func wantError(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("got %v of kind %v, want kind %v and %q", err, fault.KindOf(err), kind, text)
	}
}

func TestRefusedConfigurations(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	port := taken.Addr().String()
	for name, c := range map[string]struct {
		cfg  node.Config
		kind fault.Kind
		text string
	}{
		"no role":            {node.Config{Roles: []node.Role{"boss"}}, fault.Invalid, "the roles are engine, runner and api"},
		"runner with store":  {node.Config{Roles: []node.Role{node.RoleRunner}, Join: []string{"a:1"}, Store: "memory:"}, fault.Invalid, "never touches the database"},
		"runner alone":       {node.Config{Roles: []node.Role{node.RoleRunner}}, fault.Invalid, "--join host:port"},
		"no port":            {node.Config{Listen: "localhost"}, fault.Invalid, "did you mean localhost:8989?"},
		"short lease":        {node.Config{LeaseTTL: time.Millisecond}, fault.Invalid, "too short"},
		"negative slots":     {node.Config{Slots: -1}, fault.Invalid, "negative"},
		"no scheme":          {node.Config{Store: "cierzo.db"}, fault.Invalid, "sqlite:///path"},
		"password not shown": {node.Config{Store: "postgres://u:geheim@/x?bad=%zz"}, fault.Invalid, "store"},
		"no server":          {node.Config{Store: "postgres://127.0.0.1:1/x?connect_timeout=1"}, fault.Unavailable, "127.0.0.1:1"},
		"taken API port":     {node.Config{Store: "memory:", Listen: port}, fault.Unavailable, "another process has the port"},
		"taken cluster port": {node.Config{Store: "memory:", Bind: port}, fault.Unavailable, "another process has the port"},
		"no directory":       {node.Config{Store: "sqlite:///nowhere/at/all/x.db"}, fault.Invalid, "/nowhere/at/all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := node.New(testContext(t), c.cfg)
			if err == nil {
				t.Fatal(errors.Join(errors.New("the node has started"), n.Stop(t.Context())))
			}
			wantError(t, err, c.kind, c.text)
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

// TestRunnerWorksWithoutStore has an engine without a runner, and a runner that has no store and could not reach one.
func TestRunnerWorksWithoutStore(t *testing.T) {
	t.Parallel()
	network(t)
	ctx := testContext(t)
	engine := start(ctx, t, node.Config{Roles: []node.Role{node.RoleEngine, node.RoleAPI}, Store: "memory:", Bind: "127.0.0.1:0"})
	upload(ctx, t, engine)
	id, err := engine.Start(ctx, node.StartRequest{Workflow: "hello", Input: map[string]any{"name": "Ben"}})
	if err != nil {
		t.Fatal(err)
	}
	runner := start(ctx, t, node.Config{Roles: []node.Role{node.RoleRunner}, Join: []string{engine.Address()}})
	if runner.Store() != nil {
		t.Error("the runner has a store")
	}
	if e, err := engine.Wait(ctx, id); err != nil || string(e.Output) != `{"text": "hello Ben"}` {
		t.Errorf("%+v %v", e, err)
	}
	_, err = runner.Start(ctx, node.StartRequest{Workflow: "hello"})
	wantError(t, err, fault.Invalid, "only a runner")
}

// TestClusterInOneProcess has three engines and two runners on PostgreSQL, and takes the engines away one by one while
// executions run.
func TestClusterInOneProcess(t *testing.T) {
	t.Parallel()
	network(t)
	ctx := testContext(t)
	dsn := dbtest.Postgres(t)
	var calls atomic.Int64
	registry := actions.NewRegistry()
	if err := std.Register(registry, std.Config{}); err != nil {
		t.Fatal(err)
	}
	err := registry.Register(actions.Func("count", func(context.Context, *actions.Call) (any, error) { return calls.Add(1), nil }))
	if err != nil {
		t.Fatal(err)
	}
	var engines []*node.Node
	for range 3 {
		engines = append(engines, start(ctx, t, node.Config{
			Roles: []node.Role{node.RoleEngine, node.RoleAPI}, Store: dsn, Bind: "127.0.0.1:0", LeaseTTL: 2 * time.Second, Actions: registry,
		}))
	}
	for range 2 {
		start(ctx, t, node.Config{Roles: []node.Role{node.RoleRunner}, Join: []string{engines[0].Address(), engines[1].Address()}, Slots: 4, Actions: registry})
	}
	if _, err := engines[0].Upload(ctx, "w.yaml", []byte("version: '2.0'\nw:\n  tasks:\n    a: {action: count, on-success: b}\n    b: {action: count}\n")); err != nil {
		t.Fatal(err)
	}
	const executions = 60
	var ids []string
	for i := range executions {
		id, err := engines[i%3].Start(ctx, node.StartRequest{Workflow: "w"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		if i == 20 || i == 40 {
			began := time.Now()
			if err := engines[i/20].Stop(ctx); err != nil {
				t.Fatal(err)
			}
			t.Logf("an engine has stopped after %v", time.Since(began))
			engines[i/20] = engines[0]
		}
	}
	for _, id := range ids {
		if e, err := engines[0].Wait(ctx, id); err != nil || e.State != "SUCCESS" {
			t.Errorf("%+v %v", e, err)
		}
	}
	if n := calls.Load(); n != 2*executions {
		t.Errorf("%d calls, want %d: nothing crashed, so each action runs once", n, 2*executions)
	}
}

// TestSignalFindsItsTask: among more tasks than one page of the store has.
func TestSignalFindsItsTask(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := start(ctx, t, node.Config{Store: "memory:"})
	if _, err := n.Upload(ctx, "w.yaml", []byte(`
version: '2.0'
flow:
  vars: {n: 0}
  tasks:
    first: {action: std.noop, on-success: loop}
    loop: {action: std.noop, publish: {n: <% $.n + 1 %>}, on-success: [{loop: <% $.n < 1200 %>}, {ask: <% $.n = 1200 %>}]}
    ask: {action: std.async_noop}
`)); err != nil {
		t.Fatal(err)
	}
	id, err := n.Start(ctx, node.StartRequest{Workflow: "flow"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Signal(ctx, id, "ask", true); err != nil {
		t.Fatal(err)
	}
	if e, err := n.Wait(ctx, id); err != nil || e.State != "SUCCESS" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestStopTwice(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := start(ctx, t, node.Config{Store: "memory:", Listen: "127.0.0.1:0"})
	if err := errors.Join(n.Stop(ctx), n.Stop(ctx)); err != nil {
		t.Error(err)
	}
	if _, err := n.Start(ctx, node.StartRequest{Workflow: "hello"}); err == nil {
		t.Error("a stopped node starts something")
	}
}
