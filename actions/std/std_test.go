package std_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/expr/value"
	"cierzo/fault"
)

// actionID is of every call in these tests.
const actionID = "5f3c1f9a-0f0e-4f57-9d9e-3f2f6d1c8a11"

// find registers the actions and gives one of them.
func find(t *testing.T, cfg std.Config, name string) *actions.Action {
	t.Helper()
	r := actions.NewRegistry()
	if err := std.Register(r, cfg); err != nil {
		t.Fatal(err)
	}
	a, ok := r.Find(name)
	if !ok {
		t.Fatalf("%s isn't registered", name)
	}
	return a
}

// call makes a call of the action with an input in JSON; defaults are filled in, as runners do.
func call(t *testing.T, a *actions.Action, input string) *actions.Call {
	t.Helper()
	v, err := value.ParseJSON([]byte(input))
	if err != nil {
		t.Fatalf("input %s: %v", input, err)
	}
	return &actions.Call{
		Input: a.Complete(v.(*value.Dict)), ActionID: actionID, ExecutionID: "ex-1", TaskID: "task-1", Workflow: "flow",
		IdempotencyKey: actionID,
	}
}

// run runs an action and gives its result as "kind JSON".
func run(t *testing.T, cfg std.Config, name, input string) string {
	t.Helper()
	a := find(t, cfg, name)
	return show(t, a.Run(t.Context(), call(t, a, input)))
}

var address = regexp.MustCompile(`0x[0-9a-f]+`)

func show(t *testing.T, r actions.Result) string {
	t.Helper()
	switch r.Kind {
	case actions.KindDeferred:
		return "deferred"
	case actions.KindCancelled:
		return "cancelled"
	}
	data, err := value.AppendJSON(nil, r.Value)
	if err != nil {
		t.Fatalf("result has no JSON form: %v", err)
	}
	kind := "value "
	if r.Kind == actions.KindError {
		kind = "error "
	}
	return kind + address.ReplaceAllString(string(data), "0x…")
}

// exception is how Mistral shows that the action of that class raised an exception.
func exception(class, text string) string {
	data, _ := value.AppendJSON(nil, value.String(fmt.Sprintf(
		"The action raised an exception [action=<mistral.actions.std_actions.%s object at 0x…>, action_ex_id=%s, msg='%s']", class, actionID, text)))
	return "error " + string(data)
}

func TestPlain(t *testing.T) {
	t.Parallel()
	failed := fmt.Sprintf(`error "The action raised an exception [action=Fail action, action_ex_id=%s, msg='Fail action expected exception.']"`, actionID)
	for _, c := range []struct{ name, input, want string }{
		{"std.noop", `{}`, `value null`},
		{"std.async_noop", `{}`, `deferred`},
		{"std.echo", `{"output": {"a": [1, 1.0, null]}}`, `value {"a": [1, 1.0, null]}`},
		{"std.echo", `{"output": null, "delay": 0.01}`, `value null`},
		{"std.echo", `{"output": 1, "delay": -5}`, `value 1`},
		{"std.echo", `{"output": 1, "delay": "soon"}`, `value 1`},
		{"std.echo", `{"output": 1, "delay": "0x1p20"}`, `value 1`},
		{"std.echo", `{"output": 1, "delay": null}`, `value 1`},
		{"std.fail", `{}`, failed},
		{"std.fail", `{"error_data": {}}`, failed},
		{"std.fail", `{"error_data": 0}`, failed},
		{"std.fail", `{"error_data": {"code": 7}}`, `error {"code": 7}`},
		{"std.sleep", `{"seconds": 0.9}`, `value null`},
		{"std.sleep", `{"seconds": "0.9"}`, `value null`},
		{"std.sleep", `{"seconds": "1.5"}`, `value null`},
		{"std.sleep", `{"seconds": -1}`, `value null`},
		{"std.sleep", `{"seconds": "x"}`, `value null`},
		{"std.test_dict", `{}`, `value {}`},
		{"std.test_dict", `{"size": 2, "key_prefix": "k", "val": [1]}`, `value {"k0": [1], "k1": [1]}`},
		{"std.test_dict", `{"size": true, "val": null}`, `value {"0": null}`},
		{"std.test_dict", `{"size": -3}`, `value {}`},
		{"std.test_dict", `{"size": "3"}`, exception("TestDictAction", "'str' object cannot be interpreted as an integer")},
		{"std.test_dict", `{"size": 1000001}`, exception("TestDictAction", "size is 1000001, more than 1000000")},
	} {
		t.Run(c.name+c.input, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, std.Config{}, c.name, c.input)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestUnsavedFailure is an action run for its caller alone: Mistral says None for the id that it hasn't.
func TestUnsavedFailure(t *testing.T) {
	t.Parallel()
	a := find(t, std.Config{}, "std.fail")
	got := show(t, a.Inline(&actions.Call{Input: value.NewDict(0)}))
	want := `error "The action raised an exception [action=Fail action, action_ex_id=None, msg='Fail action expected exception.']"`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestInputs pins what GET /v2/actions shows of each action: names, defaults, and that everything is described.
func TestInputs(t *testing.T) {
	t.Parallel()
	http := `url, method="GET", params=null, body=null, json=null, headers=null, cookies=null, auth=null, timeout=null, allow_redirects=null, proxies=null, verify=null`
	want := map[string]string{
		"std.noop": ``, "std.async_noop": ``, "std.echo": `output, delay=0`, "std.fail": `error_data=null`,
		"std.sleep": `seconds=1`, "std.test_dict": `size=0, key_prefix="", val=""`, "std.http": http, "std.mistral_http": http,
		"std.email":       `from_addr, to_addrs, smtp_server, reply_to=null, cc_addrs=null, bcc_addrs=null, smtp_password=null, subject=null, body=null, html_body=null`,
		"std.ssh":         `cmd, host, username, password="", private_key_filename=null, private_key=null, return_result_on_error=false`,
		"std.ssh_proxied": `cmd, host, username, private_key_filename, gateway_host, gateway_username=null, password=null, proxy_command=null, private_key=null`,
		"std.javascript":  `script, context=null`, "std.js": `script, context=null`,
	}
	r := actions.NewRegistry()
	if err := std.Register(r, std.Config{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Names() {
		a, _ := r.Find(name)
		if a.Description == "" || a.Class == "" {
			t.Errorf("%s has no description or no class", name)
		}
		var parts []string
		for _, p := range a.Params {
			if p.Doc == "" {
				t.Errorf("%s: %s isn't described", name, p.Name)
			}
			if p.Default == nil {
				parts = append(parts, p.Name)
				continue
			}
			data, err := value.AppendJSON(nil, p.Default)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, p.Name+"="+string(data))
		}
		if !strings.HasPrefix(name, "std.") {
			continue
		}
		if diff := cmp.Diff(want[name], strings.Join(parts, ", ")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s isn't registered", name)
	}
}

func TestRegisteredTwice(t *testing.T) {
	t.Parallel()
	r := actions.NewRegistry()
	if err := std.Register(r, std.Config{}); err != nil {
		t.Fatal(err)
	}
	if err := std.Register(r, std.Config{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the second time: %v, want a conflict", err)
	}
}

// promptly bounds how long an action may take to heed its context; it is generous, for a busy machine.
const promptly = time.Minute

// testCancel starts an action, waits until it has begun (nil: at once), cancels it and wants it to end.
func testCancel(t *testing.T, a *actions.Action, c *actions.Call, begun <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan actions.Result, 1)
	go func() { ended <- a.Run(ctx, c) }()
	if begun != nil {
		select {
		case <-begun:
		case r := <-ended:
			t.Fatalf("ended before it was cancelled: %s", show(t, r))
		case <-time.After(promptly):
			t.Fatal("didn't begin")
		}
	}
	cancel()
	select {
	case r := <-ended:
		if r.Kind != actions.KindCancelled {
			t.Errorf("ended with %s, want cancelled", show(t, r))
		}
	case <-time.After(promptly):
		t.Fatalf("still runs %v after it was cancelled", promptly)
	}
}

func TestCancelWaiting(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]string{"std.echo": `{"output": 1, "delay": 1e7}`, "std.sleep": `{"seconds": 1e300}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := find(t, std.Config{}, name)
			testCancel(t, a, call(t, a, input), nil)
		})
	}
}

// TestDeadline: an action whose deadline passes says that it was stopped; the runner knows why.
func TestDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, input := range map[string]string{
		"std.echo": `{"output": 1, "delay": 3}`, "std.sleep": `{}`, "std.http": `{"url": "http://127.0.0.1:1/"}`,
	} {
		a := find(t, std.Config{}, name)
		if r := a.Run(ctx, call(t, a, input)); r.Kind != actions.KindCancelled {
			t.Errorf("%s: %s, want cancelled", name, show(t, r))
		}
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal(ctx.Err())
	}
}
