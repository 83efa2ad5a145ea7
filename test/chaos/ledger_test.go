package chaos

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"cierzo/internal/proctest"
)

// ledger is what the actions do to the world: each call is written down. It answers {"value": n} with the n it was asked.
type ledger struct {
	server *httptest.Server
	mu     sync.Mutex
	calls  map[string][]call // by execution
}

type call struct {
	task string
	item string
	key  string // idempotency key, the same for every try of one attempt
}

func newLedger(t *testing.T) *ledger {
	l := &ledger{calls: map[string][]call{}}
	l.server = httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(l.server.Close)
	return l
}

func (l *ledger) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	l.mu.Lock()
	l.calls[q.Get("run")] = append(l.calls[q.Get("run")], call{task: q.Get("task"), item: q.Get("item"), key: r.Header.Get("Idempotency-Key")})
	l.mu.Unlock()
	// Actions take their time, so that faults find some of them at work.
	h := fnv.New32a()
	h.Write([]byte(r.URL.RawQuery))
	proctest.Pass(r.Context(), time.Duration(h.Sum32()%300)*time.Millisecond)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]string{"value": q.Get("item")}); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// count is how often an action of a run was carried out.
func (l *ledger) count(run, task, item string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.calls[run] {
		if c.task == task && c.item == item {
			n++
		}
	}
	return n
}

// chaosWorkflow has a step before a fan-out, two branches with a join, a branch that must never run, and a task that is
// not safe to repeat with a way out when its runner dies.
func chaosWorkflow(url string) string {
	return fmt.Sprintf(`
version: '2.0'
chaos:
  input: [run, items]
  vars:
    url: %s
  output:
    items: <%% $.items_done %%>
    once: <%% $.once %%>
    end: <%% $.end %%>
  task-defaults:
    safe-rerun: true
  tasks:
    begin:
      action: std.http
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=begin&item=0
      publish:
        ok: <%% task().result.status = 200 %%>
      on-success:
        - spread: <%% $.ok %%>
        - once: <%% $.ok %%>
        - forbidden: <%% not $.ok %%>
    spread:
      with-items: i in <%% $.items %%>
      concurrency: 3
      action: std.http
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=spread&item=<%% $.i %%>
      publish:
        items_done: <%% task().result.select(int($.content.value)) %%>
      on-success: meet
    once:
      action: std.http
      safe-rerun: false
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=once&item=0
      publish:
        once: done
      on-success: meet
      on-error: repair
    repair:
      action: std.echo output="repaired" delay=0.05
      publish:
        once: repaired
      on-success: meet
    forbidden:
      action: std.http
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=forbidden&item=0
    meet:
      join: 2
      action: std.echo delay=0.05
      input:
        output: <%% $.items_done.len() %%>
      publish:
        end: <%% task().result %%>
      on-success: finish
    finish:
      action: std.http
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=finish&item=0
`, url)
}
