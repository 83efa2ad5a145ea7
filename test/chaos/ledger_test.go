package chaos

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"cierzo/internal/proctest"
)

// ledger is what the actions do to the world: each call is written down. It answers {"value": n} with the n it was asked.
type ledger struct {
	url   string
	mu    sync.Mutex
	calls map[string][]call // by execution
}

type call struct {
	task string
	item string
	key  string // idempotency key, the same for every try of one attempt
}

// newLedger listens on a free port of the address.
func newLedger(t *testing.T, ip string) *ledger {
	t.Helper()
	l := &ledger{calls: map[string][]call{}}
	ln, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(l.serve))
	_ = server.Listener.Close() // the one that it has brought along
	server.Listener = ln
	server.Start()
	l.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections() // some are of hosts that are gone
		server.Close()
	})
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

// webWorkflow is run by runners of the command. It has a step before a fan-out, two branches with a join, a branch that must never run, and a task that is
// not safe to repeat with a way out when its runner dies.
func webWorkflow(url string) string {
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
      target: web
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
      target: web
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=spread&item=<%% $.i %%>
      publish:
        items_done: <%% task().result.select(int($.content.value)) %%>
      on-success: meet
    once:
      action: std.http
      target: web
      safe-rerun: false
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=once&item=0
      publish:
        once: done
      on-success: meet
      on-error: repair
    repair:
      action: std.echo output="repaired" delay=0.05
      target: web
      publish:
        once: repaired
      on-success: meet
    forbidden:
      action: std.http
      target: web
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=forbidden&item=0
    meet:
      join: 2
      action: std.echo delay=0.05
      target: web
      input:
        output: <%% $.items_done.len() %%>
      publish:
        end: <%% task().result %%>
      on-success: finish
    finish:
      action: std.http
      target: web
      input:
        url: <%% $.url %%>?run=<%% $.run %%>&task=finish&item=0
`, url)
}

// ledgerWorkflows are run by the runners with a ledger: what each action returns tells which run it was. "shaky" may fail
// for good; then its user may run it again.
const ledgerWorkflows = `
version: '2.0'
deep:
  input: [items]
  task-defaults:
    safe-rerun: true
  tasks:
    begin:
      action: std.http url="http://ledger/?ms=150"
      target: ledger
      on-success: [spread, once, below]
    spread:
      with-items: i in <% $.items %>
      concurrency: 2
      action: std.http url="http://ledger/?ms=200"
      target: ledger
      on-success: meet
    once:
      action: std.http url="http://ledger/?ms=250"
      target: ledger
      safe-rerun: false
      on-success: meet
      on-error: mend
    mend:
      action: std.http url="http://ledger/?ms=50"
      target: ledger
      on-success: meet
    below:
      workflow: part
      on-success: meet
    meet:
      join: 3
      on-success: shaky
    shaky:
      action: std.http url="http://ledger/?ms=100&fails=40"
      target: ledger
      retry:
        count: 2
        delay: 1
      on-success: finish
    finish:
      action: std.http url="http://ledger/?ms=200"
      target: ledger
part:
  task-defaults:
    safe-rerun: true
  tasks:
    one:
      action: std.http url="http://ledger/?ms=200"
      target: ledger
      on-success: two
    two:
      action: std.http url="http://ledger/?ms=150"
      target: ledger
`
