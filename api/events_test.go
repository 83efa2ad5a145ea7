package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/api/apitype"
	"cierzo/node"
)

// message is one server-sent event.
type message struct{ id, name, data string }

// listen reads a stream until stop says so, the stream ends, or half a minute is over.
func (w *world) listen(path, lastID string, stop func(message) bool) []message {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("%s: %d %v", path, resp.StatusCode, resp.Header)
	}
	var out []message
	var m message
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.name = value
		case "data":
			m.data = value
		case "":
			if m.data == "" {
				continue
			}
			out = append(out, m)
			if stop(m) {
				return out
			}
			m = message{}
		}
	}
	if err := lines.Err(); err != nil {
		w.t.Fatalf("%s: after %d messages: %v", path, len(out), err)
	}
	return out
}

func (m message) event(t *testing.T) apitype.Event {
	t.Helper()
	var e apitype.Event
	if err := json.Unmarshal([]byte(m.data), &e); err != nil {
		t.Fatalf("%q: %v", m.data, err)
	}
	return e
}

func never(message) bool { return false }

// TestExecutionEvents follows an execution to its end, and resumes in the middle.
func TestExecutionEvents(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.start("waits")
	path := "/v2/executions/" + id + "/events"
	finish := make(chan struct{})
	go func() {
		defer close(finish)
		w.until("/v2/executions/"+id+"/tasks", "tasks.0.state", "RUNNING")
		action := w.get("/v2/action_executions").at("action_executions.0.id")
		w.put("/v2/action_executions/"+action, object("state", "SUCCESS"))
	}()
	all := w.listen(path, "", never)
	<-finish
	last := all[len(all)-1]
	if last.name != "end" || !strings.Contains(last.data, `"SUCCESS"`) {
		t.Errorf("the last message is %+v", last)
	}
	for i, m := range all[:len(all)-1] {
		if e := m.event(t); e.Seq != uint64(i+1) || e.ExecutionID != id {
			t.Errorf("message %d is %+v", i, e)
		}
	}
	rest := w.listen(path, all[3].id, never)
	if len(rest) != len(all)-4 || rest[0] != all[4] {
		t.Errorf("resumed behind %s: %v", all[3].id, rest)
	}
	page := w.as("Accept", "application/json").get(path+"?after=2&limit=2").want(200).has("events.#", "2", "events.0.seq", "3")
	if page.at("events.0.kind") == "-" {
		t.Error(page.text)
	}
	w.get("/v2/executions/none/events").refused(404, "WorkflowExecution not found")
	w.get(path+"?after=x").refused(400, "Value should be the number of an event")
}

// TestWhoAsked: an execution knows who has started it, and its history who has given each command; where nobody says who asks,
// nothing is written down.
func TestWhoAsked(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	ana, ben := w.as("X-User-Id", "ana"), w.as("X-User-Id", "ben")
	id := ana.start("waits")
	ana.get("/v2/executions/"+id).want(200).has("started_by.user", "ana", "started_by.name", "-")
	ana.get("/v2/executions?fields=id,started_by").want(200).has("executions.0.started_by.user", "ana", "executions.0.state", "-")
	ana.get("/v2/executions?started_by=ana").refused(400, "Unknown argument")
	ben.put("/v2/executions/"+id, object("state", "PAUSED")).want(200).has("started_by.user", "ana", "state", "PAUSED")
	w.put("/v2/executions/"+id, object("state", "RUNNING")).want(200)
	var told []string
	page := w.as("Accept", "application/json").get("/v2/executions/" + id + "/events").want(200)
	for i := 0; page.at(fmt.Sprintf("events.%d.kind", i)) != "-"; i++ {
		at := fmt.Sprintf("events.%d.", i)
		if page.at(at+"kind") == "command" {
			told = append(told, page.at(at+"info")+" "+page.at(at+"detail.user"))
		}
	}
	if want := []string{"start ana", "pause ben", "resume -"}; !slices.Equal(told, want) {
		t.Errorf("the history tells of %q, want %q", told, want)
	}
	nobody := w.start("waits")
	if page := w.as("Accept", "application/json").get("/v2/executions/" + nobody + "/events").want(200); page.at("events.0.kind") != "execution.state" {
		t.Errorf("somebody has started it: %s", page.text)
	}
	w.get("/v2/executions/"+nobody).want(200).has("started_by", "-")
}

// TestTraceparent: an execution keeps the place in a trace of the request that starts it. What isn't one is ignored.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	id := w.as("Traceparent", trace).start("waits")
	w.get("/v2/executions/"+id).want(200).has("traceparent", trace)
	w.get("/v2/executions?fields=id,traceparent").want(200).has("executions.0.traceparent", trace, "executions.0.state", "-")
	w.get("/v2/executions?traceparent="+trace).refused(400, "Unknown argument")
	w.as("Traceparent", "ff"+trace[2:]).put("/v2/executions/"+id, object("state", "PAUSED")).want(200).has("traceparent", trace)
	for _, wrong := range []string{"", "ff" + trace[2:], trace + "-more"} {
		w.get("/v2/executions/"+w.as("Traceparent", wrong).start("waits")).want(200).has("traceparent", "-")
	}
}

// TestAllEvents hears of executions that begin, end and are run again, and resumes without a gap.
func TestAllEvents(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	w.run("fails", "id", "before")
	w.start("waits", "id", "old")
	listening := make(chan struct{})
	var once sync.Once
	go func() {
		// Something is run until it is heard: the stream may begin at any time.
		for heard := false; !heard; {
			w.run("hello", "input", object("name", "x"))
			select {
			case <-listening:
				heard = true
			case <-time.After(100 * time.Millisecond):
			}
		}
		w.run("hello", "id", "new", "input", object("name", "x"))
		w.put("/v2/executions/old", object("state", "CANCELLED"))
	}()
	ended := map[string]bool{}
	first := w.listen("/v2/events?kind=execution.state,nothing", "", func(m message) bool {
		once.Do(func() { close(listening) })
		e := m.event(t)
		ended[e.ExecutionID] = ended[e.ExecutionID] || e.State == "SUCCESS" || e.State == "CANCELLED"
		return ended["new"] && ended["old"]
	})
	for _, m := range first {
		if e := m.event(t); e.ExecutionID == "before" || e.Kind != "execution.state" || e.WorkflowName == "" {
			t.Errorf("unwanted: %+v", e)
		}
	}
	// While nobody listens, one is run, and one that had ended goes on.
	task := w.get("/v2/executions/before/tasks").at("tasks.0.id")
	w.run("hello", "id", "meanwhile", "input", object("name", "x"))
	w.put("/v2/tasks/"+task, object("state", "SKIPPED")).want(200)
	heard := map[string]bool{}
	w.listen("/v2/events", first[len(first)-1].id, func(m message) bool {
		e := m.event(t)
		heard[e.ExecutionID] = heard[e.ExecutionID] || e.Kind == "execution.state" && e.State == "SUCCESS"
		return heard["meanwhile"] && heard["before"]
	})
	w.get("/v2/events?after=x").refused(400, "the id of an event")
	w.get("/v2/events?all_projects=true").refused(403, "forbidden")
	w.listen("/v2/events?workflow_name=fails&after="+first[0].id, "", func(m message) bool {
		if e := m.event(t); e.WorkflowName != "fails" {
			t.Errorf("of another workflow: %+v", e)
		}
		return true
	})
}

// TestPastEvents reads the commands of all executions in pages, of one's own project only.
func TestPastEvents(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	ana := w.as("X-User-Id", "ana", "Accept", "application/json")
	ids := []string{ana.start("waits"), ana.start("waits"), ana.start("waits")}
	ana.put("/v2/executions/"+ids[0], object("state", "PAUSED")).want(200)
	page := ana.get("/v2/events?kind=command&limit=2").want(200).has("executions", "2", "events.#", "2", "events.0.info", "start", "events.0.detail.user", "ana", "events.0.workflow_name", "waits")
	if page.at("since") == "-" {
		t.Error(page.text)
	}
	ana.get("/v2/events?kind=command&limit=2&marker="+page.at("next")).want(200).has("executions", "1", "events.#", "2", "events.0.info", "pause", "events.1.info", "start", "next", "-")
	ana.get("/v2/events?kind=watchdog,command&workflow_name=fails").want(200).has("executions", "0", "events.#", "0", "next", "-")
	ana.get("/v2/events?marker=x").refused(400, "the field next of the page before")
	ana.get("/v2/events?limit=0").refused(400, "Limit must be positive.")
	ana.get("/v2/events?after=5").refused(400, "after")
	ana.get("/v2/events?all_projects=true").refused(403, "forbidden")
}

func TestExplainAndGraph(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.start("waits")
	w.until("/v2/executions/"+id+"/explain", "tasks.0.waits_for", "result").has("state", "RUNNING", "summary", "Execution of waits waits for 1 task.",
		"tasks.0.task", "ask", "tasks.0.until", "null", "tasks.0.holder", "null")
	done := w.run("hello", "input", object("name", "x"))
	w.get("/v2/executions/"+done+"/explain").want(200).has("tasks.#", "0", "summary", "Execution of hello has ended as SUCCESS: nothing is waited for.")
	w.get("/v2/executions/none/explain").refused(404, "WorkflowExecution not found")

	parent := w.run("parent")
	w.get("/v2/executions/"+parent+"/graph").want(200).has("workflow", "parent", "nodes.#", "2", "nodes.0.kind", "workflow", "nodes.0.runs", "child", "nodes.0.state", "SUCCESS",
		"nodes.0.children.#", "1", "edges.#", "1", "edges.0.from", "sub", "edges.0.to", "end", "edges.0.on", "success", "edges.0.taken", "true")
	dot := w.get("/v2/executions/" + parent + "/graph?format=dot").want(200)
	if !strings.Contains(dot.text, `"sub" -> "end" [label="success", style=bold];`) {
		t.Error(dot.text)
	}
	mermaid := w.get("/v2/executions/" + parent + "/graph?format=mermaid").want(200)
	if !strings.Contains(mermaid.text, `n0 ==>|"success"| n1`) {
		t.Error(mermaid.text)
	}
	w.get("/v2/executions/none/graph").refused(404, "")
	w.get("/v2/executions/"+parent+"/graph?format=png").refused(400, "Value should be one of: dot, json, mermaid")
}
