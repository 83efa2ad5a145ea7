package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"cierzo/api/apitype"
	"cierzo/internal/proctest"
)

// asker sends commands to one API and wants a success of each.
type asker struct {
	t    *testing.T
	ctx  context.Context
	base string
}

func (a *asker) ask(method, path, key string, body any, want int) []byte {
	c := &caller{ctx: a.ctx, http: http.DefaultClient}
	res, err := c.once(method, a.base+path, key, body)
	if err != nil || res.status != want {
		a.t.Errorf("%s %s (%s): %d %s %v, want %d", method, path, key, res.status, res.body, err, want)
	}
	return res.body
}

func (a *asker) execution(data []byte) apitype.Execution {
	var e apitype.Execution
	if err := json.Unmarshal(data, &e); err != nil {
		a.t.Errorf("%s: %v", data, err)
	}
	return e
}

// commands counts what a user's commands have done with an execution, by its history.
func (a *asker) commands(id string) int {
	c := &caller{ctx: a.ctx, http: http.DefaultClient}
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, a.base+"/v2/executions/"+id+"/events", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	var events apitype.Events
	if err := json.NewDecoder(resp.Body).Decode(&events); err != nil {
		a.t.Fatal(err)
	}
	n := 0
	for _, e := range events.Events {
		if e.Kind == "command" {
			n++
		}
	}
	return n
}

// TestCommandsSurviveTheirEngine: commands are under way to an engine that has stopped to answer when it is killed. The API asks the
// one that takes over, and every command is answered by success, is durable, and was carried out once; so it is when all of them are
// sent again with their keys.
func TestCommandsSurviveTheirEngine(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := startCluster(ctx, t, "engine,runner,api", "engine,runner,api")
	a := &asker{t: t, ctx: ctx, base: "http://" + c.servers[0].api}
	a.ask(http.MethodPost, "/v2/workflows", "upload", workflows, http.StatusCreated)
	a.ask(http.MethodPost, "/v2/workflows", "upload", workflows, http.StatusCreated)

	const n = 12 // by the hash some are of either engine
	start := func(i int) apitype.Execution {
		body := map[string]any{"workflow_name": "waits", "input": map[string]any{"key": fmt.Sprint(i)}}
		return a.execution(a.ask(http.MethodPost, "/v2/executions", fmt.Sprint("start-", i), body, http.StatusCreated))
	}
	set := func(e apitype.Execution, key, state string) apitype.Execution {
		return a.execution(a.ask(http.MethodPut, "/v2/executions/"+e.ID, key, map[string]string{"state": state}, http.StatusOK))
	}
	old := make([]apitype.Execution, n)
	for i := range n {
		old[i] = start(i)
	}

	frozen := c.servers[1] // not the one that is asked
	frozen.Signal(syscall.SIGSTOP)
	fresh := make([]apitype.Execution, n)
	var sent, answered sync.WaitGroup
	sent.Add(2 * n)
	for i := range n {
		answered.Go(func() {
			sent.Done()
			if e := set(old[i], "pause", "PAUSED"); e.State != "PAUSED" {
				t.Errorf("execution %s is %s after its pause", e.ID, e.State)
			}
		})
		answered.Go(func() {
			sent.Done()
			fresh[i] = start(n + i)
		})
	}
	sent.Wait()
	proctest.Pass(ctx, time.Second) // the commands get as far as they can
	frozen.Kill()
	answered.Wait()

	// What was carried out after the first time is not undone by the first command when that comes again.
	for i := range n {
		set(old[i], "resume", "RUNNING")
	}
	for i := range n {
		if e := set(old[i], "pause", "PAUSED"); e.State != "RUNNING" {
			t.Errorf("execution %s was paused by a repeated command: %s", e.ID, e.State)
		}
		if again := start(n + i); again.ID != fresh[i].ID {
			t.Errorf("the start %d has made %s and %s", n+i, fresh[i].ID, again.ID)
		}
		if got := a.commands(old[i].ID); got != 2 {
			t.Errorf("execution %s has had %d commands, want a pause and a resume", old[i].ID, got)
		}
	}
	var all apitype.Executions
	if err := json.Unmarshal(a.ask(http.MethodGet, "/v2/executions", "", nil, http.StatusOK), &all); err != nil || len(all.Executions) != 2*n {
		t.Errorf("%d executions, want %d: %v", len(all.Executions), 2*n, err)
	}
}
