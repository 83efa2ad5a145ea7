package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/node"
	"cierzo/workflow"
)

var (
	waiting      = flag.Int("bench.waiting", 300, "executions that wait at the same time")
	waitingStore = flag.String("bench.waiting.store", "", "database of the executions that wait; default: SQLite")
)

const waitingWorkflow = `
version: '2.0'
timer:
  input: [seconds]
  tasks:
    wait: {action: std.noop, wait-before: <% $.seconds %>}
result:
  tasks:
    wait: {action: std.async_noop}
slot:
  tasks:
    wait: {action: std.echo, input: {output: done}, target: later}
`

// TestWaiting lets many executions wait, for a timer and for a result, and reports the memory that each takes once it
// has left memory, and how long it takes until all have been woken.
func TestWaiting(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	n := newNode(ctx, t, node.Config{Store: *waitingStore, Roles: []node.Role{node.RoleEngine, node.RoleRunner}, Bind: "127.0.0.1:0"})
	if _, err := n.Upload(ctx, "waiting.yaml", []byte(waitingWorkflow)); err != nil {
		t.Fatal(err)
	}
	before := memory(t)
	began := time.Now()
	results := startAll(ctx, t, n, "result", *waiting, nil)
	rate := float64(*waiting) / time.Since(began).Seconds()
	awaitPassive(ctx, t, n)
	after := memory(t)
	t.Logf("%d executions wait for a result: started %.0f/s; heap %.0f bytes, resident %.0f bytes for each",
		*waiting, rate, float64(after.heap-before.heap)/float64(*waiting), float64(after.resident-before.resident)/float64(*waiting))
	woken := time.Now()
	inParallel(results, func(id string) {
		if err := n.Signal(ctx, id, "wait", "done"); err != nil {
			t.Error(err)
		}
	})
	awaitState(ctx, t, n, workflow.Success, *waiting)
	t.Logf("woken by %d results in %s", *waiting, time.Since(woken).Round(time.Millisecond))
	timers(ctx, t, n, rate)
	slots(ctx, t, n)
	t.Logf("most that the process has had: %d MiB", peak(t)>>20)
}

func newNode(ctx context.Context, t *testing.T, cfg node.Config) *node.Node {
	t.Helper()
	n, err := node.New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	return n
}

// slots lets as many executions wait for a runner that is not there.
func slots(ctx context.Context, t *testing.T, n *node.Node) {
	t.Helper()
	before := memory(t)
	startAll(ctx, t, n, "slot", *waiting, nil)
	const most = 10_000 // the default of IdleMax
	until(ctx, t, "passivation of those that are queued", func() (bool, string) {
		active := n.Metrics()["cierzo_executions_active"]
		return active <= most, fmt.Sprintf("%d in memory", active)
	})
	after := memory(t)
	t.Logf("%d wait for a slot, at most %d of them in memory: heap %.0f bytes, resident %.0f bytes for each",
		*waiting, most, float64(after.heap-before.heap)/float64(*waiting), float64(after.resident-before.resident)/float64(*waiting))
	came := time.Now()
	newNode(ctx, t, node.Config{Roles: []node.Role{node.RoleRunner}, Join: []string{n.Address()}, Targets: []string{"later"}, Slots: 256})
	awaitState(ctx, t, n, workflow.Success, 3**waiting)
	t.Logf("run by a runner of 256 slots within %s of its start", time.Since(came).Round(time.Millisecond))
}

// timers lets as many executions wait for one moment, which is late enough that all have been started by then.
func timers(ctx context.Context, t *testing.T, n *node.Node, rate float64) {
	t.Helper()
	lead := time.Duration(float64(*waiting)/rate*1.5*float64(time.Second)) + 5*time.Second
	if lead > 30*time.Minute {
		t.Fatalf("starting %d executions takes too long: %.0f/s", *waiting, rate)
	}
	at := time.Now().Add(lead)
	startAll(ctx, t, n, "timer", *waiting, func() map[string]any {
		return map[string]any{"seconds": max(1, int(time.Until(at).Seconds()))}
	})
	if left := time.Until(at); left > 0 {
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	} else {
		t.Logf("the last were started %s after the first were due", -left.Round(time.Second))
	}
	awaitState(ctx, t, n, workflow.Success, 2**waiting)
	t.Logf("woken by %d timers %s after the moment that all waited for", *waiting, time.Since(at).Round(time.Millisecond))
}

func startAll(ctx context.Context, t *testing.T, n *node.Node, name string, count int, input func() map[string]any) []string {
	t.Helper()
	ids := make([]string, count)
	for i := range ids {
		ids[i] = n.NewExecutionID()
	}
	inParallel(ids, func(id string) {
		r := node.StartRequest{Workflow: name, ID: id}
		if input != nil {
			r.Input = input()
		}
		if _, err := n.Start(ctx, r); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return ids
}

func inParallel(ids []string, do func(id string)) {
	var wg sync.WaitGroup
	work := make(chan string)
	for range 64 {
		wg.Go(func() {
			for id := range work {
				do(id)
			}
		})
	}
	for _, id := range ids {
		work <- id
	}
	close(work)
	wg.Wait()
}

// awaitPassive waits until no execution is in memory.
func awaitPassive(ctx context.Context, t *testing.T, n *node.Node) {
	t.Helper()
	until(ctx, t, "passivation", func() (bool, string) {
		active := n.Metrics()["cierzo_executions_active"]
		return active == 0, fmt.Sprintf("%d in memory", active)
	})
}

func awaitState(ctx context.Context, t *testing.T, n *node.Node, s workflow.State, want int) {
	t.Helper()
	until(ctx, t, string(s), func() (bool, string) {
		counts, err := n.Store().CountExecutions(ctx, "")
		return err == nil && counts[s] >= want, fmt.Sprint(counts, err)
	})
}

func until(ctx context.Context, t *testing.T, what string, cond func() (bool, string)) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, have := cond()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in time: %s", what, have)
		case <-tick.C:
		}
	}
}

// peak is the most resident memory that the process has had, in bytes.
func peak(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Skip("no VmHWM in /proc/self/status")
	return 0
}

type usage struct{ heap, resident int64 }

// memory is what the process holds after a collection.
func memory(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return usage{int64(m.HeapAlloc), pages * int64(os.Getpagesize())}
}
