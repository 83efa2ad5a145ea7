package api_test

import (
	"fmt"
	"strings"
	"testing"

	"cierzo/api/apitype"
	"cierzo/node"
)

func TestExecutionForms(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.get("/v2/workflows/hello").at("id")
	for name, body := range map[string]map[string]any{
		"name and object": object("workflow_name", "hello", "input", object("name", "you")),
		"name and text":   object("workflow_name", "hello", "input", `{"name": "you"}`),
		"id":              object("workflow_id", id, "input", object("name", "you")),
		"name in the id":  object("workflow_id", "hello", "input", object("name", "you")),
		"id in the name":  object("workflow_name", id, "input", object("name", "you")),
		"nulls":           object("workflow_name", "hello", "input", object("name", "you"), "params", nil, "description", nil),
	} {
		a := w.post("/v2/executions", body)
		if a.status != 201 {
			t.Errorf("%s: %d %s", name, a.status, a.text)
			continue
		}
		a.has("state", "RUNNING", "workflow_name", "hello", "workflow_id", id, "input.name", "you", "input.greeting", "hello", "params.namespace", "", "params.env", "{}",
			"description", "", "tags", `["greeting","test"]`, "updated_at", "null", "task_execution_id", "null", "root_execution_id", "null", "project_id", "<default-project>")
		w.until("/v2/executions/"+a.at("id"), "state", "SUCCESS").has("output", `{"text": "hello you"}`, "state_info", "null", "published_global", "{}")
	}
	w.post("/v2/executions", object("workflow_name", "hello", "input", object("name", "x"), "workflow_namespace", "zz")).refused(404, "Workflow not found [workflow_identifier=hello, namespace=zz]")
	w.post("/v2/executions", object("input", "{}")).refused(400, "Workflow ID or workflow name must be provided. Workflow ID is recommended.")
	w.post("/v2/executions", object("workflow_name", "hello")).refused(400, "Invalid input [name=hello, class=DirectWorkflowSpec, missing=['name']]")
	w.post("/v2/executions", object("workflow_name", "hello", "input", object("name", "x", "zz", 1))).refused(400, "unexpected=['zz']")
	w.post("/v2/executions", object("workflow_name", "hello", "input", object("name", "x"), "params", object("env", "none"))).refused(400, "Environment is not found: none")
	w.post("/v2/executions", object("workflow_name", "hello", "input", "[1, 2]")).refused(400, "JsonType field value must be a dictionary [actual=[1, 2]]")
}

func TestExecutionIDs(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	body := object("id", "my-own", "workflow_name", "hello", "input", object("name", "x"))
	for range 2 {
		w.post("/v2/executions?wait=10s", body).want(201).has("id", "my-own", "state", "SUCCESS")
	}
	w.get("/v2/executions").has("executions.#", "1")
	w.post("/v2/executions", object("id", strings.Repeat("x", 37), "workflow_name", "hello")).refused(400, "at most 36 characters")

	keyed := w.as("Idempotency-Key", "order 7")
	request := object("workflow_name", "hello", "input", object("name", "x"))
	first := keyed.post("/v2/executions", request).want(201)
	keyed.post("/v2/executions", request).want(201).has("id", first.at("id"))
	keyed.post("/v2/executions", object("workflow_name", "fails")).refused(409, "was used for an execution of the workflow hello")
	w.as("Idempotency-Key", "order 8").post("/v2/executions", request).want(201)
	w.as("Idempotency-Key", strings.Repeat("x", 300)).post("/v2/executions", request).refused(400, "longer than 255 bytes")
	w.get("/v2/executions").has("executions.#", "3")

	for range 2 {
		keyed.post("/v2/workflows", one("x")).want(201)
		keyed.post("/v2/environments", object("name", "e", "variables", object("a", 1))).want(201)
		keyed.post("/v2/cron_triggers", object("name", "c", "workflow_name", "fails", "pattern", "* * * * *")).want(201)
	}
	keyed.post("/v2/workflows", one("y")).refused(409, "Duplicate")
	keyed.post("/v2/cron_triggers", object("name", "d", "workflow_name", "fails", "pattern", "* * * * *")).refused(409, "Duplicate")
}

func TestExecutionFromAnother(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.run("hello", "input", object("name", "x"), "description", "the first")
	a := w.post("/v2/executions?wait=10s", object("source_execution_id", id, "input", object("greeting", "bye"))).want(201)
	a.has("source_execution_id", id, "workflow_name", "hello", "output.text", "bye x", "description", "Based on the execution '"+id+"'")
	w.get("/v2/executions/"+a.at("id")).has("source_execution_id", id)
	w.get("/v2/executions/"+id).has("source_execution_id", "null")
	if got := w.get("/v2/executions?source_execution_id="+id).column("executions", "id"); got != a.at("id") {
		t.Errorf("from %s: %s", id, got)
	}
	w.post("/v2/executions", object("source_execution_id", "none")).refused(404, "WorkflowExecution not found [id=none]")
}

func TestExecutionUpdates(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.start("waits")
	path := "/v2/executions/" + id
	w.until(path+"/tasks", "tasks.0.state", "RUNNING")
	w.put(path, object("description", "new")).want(200).has("description", "new")
	w.put(path, object("description", "x", "state", "PAUSED")).refused(400, "must be updated separately from state")
	w.put(path, object()).refused(400, "The property state, description, or env is not provided for update.")
	w.put(path, object("state", "IDLE")).refused(400, "Cannot change state to IDLE. Allowed states are: 'RUNNING, PAUSED, SUCCESS, ERROR, CANCELLED")
	w.put(path, object("params", object("env", object("a", 1)))).refused(403, "Updating env to workflow execution is only permitted if it is in IDLE, PAUSED, or ERROR state.")
	w.put(path, object("state", "PAUSED", "params", object("env", object("a", 1)))).refused(400, "can only be updated when workflow execution is not running")
	w.put(path, object("params", object("env", 7))).refused(400, "Unexpected value type for environment")
	w.put(path, object("state", "PAUSED")).want(200).has("state", "PAUSED")
	w.put(path, object("params", object("env", object("a", 1)))).want(200).has("params.env", `{"a":1}`)
	action := w.get("/v2/action_executions").at("action_executions.0.id")
	w.put("/v2/action_executions/"+action, object("state", "SUCCESS")).want(200)
	w.put(path, object("state", "RUNNING", "params", object("env", object("b", 2)))).want(200).has("state", "RUNNING")
	w.until(path, "state", "SUCCESS").has("params.env", `{"a":1,"b":2}`)
	w.put(path, object("state", "PAUSED")).refused(400, "Can't change workflow execution state from SUCCESS to PAUSED")

	stopped := w.start("waits")
	w.put("/v2/executions/"+stopped, object("state", "ERROR", "state_info", "by hand")).want(200).has("state", "ERROR", "state_info", "by hand")
	w.remove("/v2/executions/"+w.start("waits")).refused(403, "Only completed executions can be deleted. Use --force to override this. Execution ")
	w.remove("/v2/executions/" + w.start("waits") + "?force=true").want(204)
	w.remove("/v2/executions/" + stopped).want(204)
	w.get("/v2/executions/"+stopped).refused(404, "WorkflowExecution not found [id="+stopped+"]")
	w.remove("/v2/executions").refused(400, `Missing argument: "id"`)
}

// TestCommandTwice repeats a command by its id: it is answered and not carried out again.
func TestCommandTwice(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.start("waits")
	keyed := w.as("Idempotency-Key", "k1")
	for range 2 {
		keyed.put("/v2/executions/"+id, object("description", "x")).want(200)
	}
	events := w.as("Accept", "application/json").get("/v2/executions/" + id + "/events").want(200)
	if n := strings.Count(events.text, `"describe"`); n != 1 {
		t.Errorf("%d commands in %s", n, events.text)
	}
}

func TestExecutionLists(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]func(t *testing.T) node.Config{"memory": func(*testing.T) node.Config { return node.Config{} }, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, cfg(t))
			w.define(flows)
			id := w.get("/v2/workflows/hello").at("id")
			for i := range 7 {
				w.run("hello", "id", fmt.Sprintf("e%d", i), "input", object("name", i), "description", fmt.Sprintf("number %d", i))
			}
			w.run("fails", "id", "f0")
			w.start("waits", "id", "w0")
			w.run("parent", "id", "p0")
			for query, want := range map[string]string{
				"nulls=root_execution_id":                                             "e0 e1 e2 e3 e4 e5 e6 f0 w0 p0",
				"nulls=task_execution_id&sort_dirs=desc":                              "p0 w0 f0 e6 e5 e4 e3 e2 e1 e0",
				"workflow_name=hello&limit=3":                                         "e0 e1 e2",
				"workflow_name=hello&limit=3&marker=e2":                               "e3 e4 e5",
				"workflow_name=hello&limit=3&sort_dirs=desc&marker=e3":                "e2 e1 e0",
				"workflow_name=neq:hello&nulls=root_execution_id":                     "f0 w0 p0",
				"workflow_id=" + id + "&limit=2":                                      "e0 e1",
				"state=ERROR&nulls=root_execution_id":                                 "f0",
				"state=in:ERROR,RUNNING&nulls=root_execution_id":                      "f0 w0",
				"state=nin:SUCCESS,ERROR":                                             "w0",
				"state=RUNNING":                                                       "w0",
				"description=number 4":                                                "e4",
				"description=has:number&limit=2":                                      "e0 e1",
				"input=has:3":                                                         "e3",
				"tags=greeting,test&limit=1":                                          "e0",
				`input={"greeting":"hello","name":3}`:                                 "e3",
				`input=neq:{"name":3,"greeting":"hello"}&workflow_name=hello&limit=4`: "e0 e1 e2 e4",
				`output={"text":"hello 4"}`:                                           "e4",
				`output=has:hello 6`:                                                  "e6",
				"state=FLYING":                                                        "",
				"state=in:FLYING,RUNNING":                                             "w0",
				"id=e5":                                                               "e5",
				"id=in:e5,e1":                                                         "e1 e5",
				"sort_keys=id&sort_dirs=desc&workflow_name=hello":                     "e6 e5 e4 e3 e2 e1 e0",
				"sort_keys=workflow_name,id&sort_dirs=desc,desc&nulls=root_execution_id": "w0 p0 e6 e5 e4 e3 e2 e1 e0 f0",
				"created_at=gt:2020-01-01 00:00:00&workflow_name=hello&limit=1":          "e0",
				"created_at=lt:2020-01-01 00:00:00":                                      "",
				"created_at=lte:2999-01-01 00:00:00&id=e1":                               "e1",
				"project_id=other":      "",
				"workflow_namespace=zz": "",
			} {
				query = strings.ReplaceAll(query, " ", "%20")
				if got := w.get("/v2/executions?"+query).want(200).column("executions", "id"); got != want {
					t.Errorf("%s: %q, want %q", query, got, want)
				}
			}
			w.get("/v2/executions?id=e1").has("executions.0.output", "-", "executions.0.published_global", "-", "executions.0.input", `{"name": 1, "greeting": "hello"}`)
			w.get("/v2/executions?id=e1&include_output=true").has("executions.0.output", `{"text": "hello 1"}`)
			w.get("/v2/executions?id=e1&fields=output").has("executions.0", `{"id":"e1","output":"{\"text\": \"hello 1\"}"}`)
			w.get("/v2/executions?id=e1&fields=State").has("executions.0", `{"id":"e1","state":"SUCCESS"}`)
			w.get("/v2/executions/e1?fields=state,output").has("output.text", "hello 1", "input", "-")
			page := w.get("/v2/executions?workflow_name=hello&state=in:SUCCESS,ERROR&limit=4&include_output=true").want(200)
			page.has("next", w.url+"/v2/executions?sort_keys=created_at,id&sort_dirs=asc,asc&state=in:SUCCESS%2CERROR&workflow_name=hello&include_output=true&limit=4&marker=e3")
			next := w.get(strings.TrimPrefix(page.at("next"), w.url)).want(200)
			if got := next.column("executions", "id"); got != "e4 e5 e6" || next.at("next") != "-" {
				t.Errorf("second page: %s %s", got, next.at("next"))
			}
			w.get("/v2/executions?marker=none").refused(400, "Expected a uuid but received none.")
			w.get("/v2/executions?marker=11111111-2222-3333-4444-555555555555").refused(404, "is not in the list of executions")
		})
	}
}

func TestTrees(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.run("parent")
	path := "/v2/executions/" + id
	tree := w.get(path + "/executions").want(200)
	if got := tree.column("executions", "workflow_name"); got != "parent child fails" {
		t.Errorf("tree: %s", got)
	}
	child := tree.at("executions.1.id")
	tree.has("executions.2.root_execution_id", id, "executions.0.output", "-")
	if got := w.get(path+"/executions?max_depth=1&include_output=true").column("executions", "workflow_name"); got != "parent child" {
		t.Errorf("down to depth 1: %s", got)
	}
	if got := w.get(path+"/executions?errors_only=true").column("executions", "workflow_name"); got != "parent fails" {
		t.Errorf("errors only: %s", got)
	}
	if got := w.get("/v2/executions/"+child+"/executions").column("executions", "workflow_name"); got != "child fails" {
		t.Errorf("of the child: %s", got)
	}
	task := w.get(path + "/tasks?name=sub").at("tasks.0.id")
	w.get("/v2/tasks/"+task+"/workflow_executions").want(200).has("executions.#", "1", "executions.0.id", child, "executions.0.task_execution_id", task)
	if got := w.get("/v2/tasks/"+task+"/executions").want(200).column("executions", "workflow_name"); got != "child fails" {
		t.Errorf("below a task: %s", got)
	}
	w.get("/v2/executions?root_execution_id="+id).has("executions.#", "2")
	w.get("/v2/executions?task_execution_id="+task).has("executions.#", "1")

	w.get(path+"/report").want(200).has("statistics.total_tasks_count", "5", "statistics.success_tasks_count", "3", "statistics.error_tasks_count", "2",
		"statistics.estimated_time", "0", "root_workflow_execution.name", "parent", "root_workflow_execution.task_executions.#", "2",
		"root_workflow_execution.task_executions.0.workflow_executions.0.name", "child",
		"root_workflow_execution.task_executions.1.action_executions.0.accepted", "true")
	w.get(path+"/report?errors_only=true").has("statistics.total_tasks_count", "0")
	w.get(path+"/report?max_depth=-7").has("statistics.total_tasks_count", "5")
	w.get(path+"/report?max_depth=0").has("statistics.total_tasks_count", "2", "root_workflow_execution.task_executions.0.action_executions", "[]",
		"root_workflow_execution.task_executions.0.workflow_executions.0.id", child, "root_workflow_execution.task_executions.0.workflow_executions.0.task_executions", "-",
		"root_workflow_execution.task_executions.1.workflow_executions", "[]")
	w.get(path+"/report?statistics_only=true").has("root_workflow_execution", "-", "statistics.total_tasks_count", "5")
	w.get("/v2/executions/none/report").refused(404, "WorkflowExecution not found")
	w.get("/v2/executions/"+w.start("waits")+"/report").has("statistics.estimated_time", "-1", "statistics.running_tasks_count", "1")
}

func TestWait(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	w.post("/v2/executions?wait=20s", object("workflow_name", "hello", "input", object("name", "x"))).want(201).has("state", "SUCCESS", "output.text", "hello x")
	w.post("/v2/executions?wait=10ms", object("workflow_name", "waits")).want(201).has("state", "RUNNING")
	w.post("/v2/executions?wait=2h", object("workflow_name", "waits")).refused(400, "at most 1m0s")
}

// TestCreatedIsWhatTheStoreHas: the answer to a start is what the engine has written, not what is read afterwards.
func TestCreatedIsWhatTheStoreHas(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	input := object("name", "ż <&> \u2028 x")
	for _, path := range []string{"/v2/executions", "/v2/executions?wait=20s"} {
		created := w.post(path, object("workflow_name", "hello", "input", input, "description", "why", "params", object("env", object("k", []any{1, 2.5, nil})))).want(201)
		stored := w.get("/v2/executions/" + created.at("id")).want(200)
		for _, field := range []string{
			"id", "workflow_id", "workflow_name", "workflow_namespace", "description", "tags", "params", "input", "created_at", "project_id",
			"root_execution_id", "task_execution_id", "source_execution_id", "started_by",
		} {
			if got, want := created.at(field), stored.at(field); got != want {
				t.Errorf("%s: %s says %s, a look afterwards %s", path, field, got, want)
			}
		}
	}
}

func TestBulk(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	for i := range 4 {
		w.start("waits", "id", fmt.Sprintf("w%d", i))
	}
	w.run("hello", "id", "h0", "input", object("name", "x"))
	all := object("workflow_name", "waits")
	w.post("/v2/executions/bulk", object("action", "pause", "filter", all, "dry_run", true)).want(200).has("matched", "4", "done", "0", "dry_run", "true", "ids.#", "4")
	w.get("/v2/executions?state=PAUSED").has("executions.#", "0")
	w.post("/v2/executions/bulk", object("action", "pause", "filter", all)).want(200).has("matched", "4", "done", "4", "failed.#", "0")
	w.get("/v2/executions?state=PAUSED").has("executions.#", "4")
	w.post("/v2/executions/bulk", object("action", "resume", "filter", object("id", "in:w0,w1"))).want(200).has("done", "2")
	w.post("/v2/executions/bulk", object("action", "delete", "filter", all)).want(200).has("done", "0", "failed.#", "4")
	first := w.post("/v2/executions/bulk", object("action", "cancel", "filter", all, "limit", 3, "reason", "enough")).want(200).has("done", "3")
	w.post("/v2/executions/bulk", object("action", "cancel", "filter", all, "limit", 3, "reason", "enough", "marker", first.at("marker"))).want(200).has("done", "1", "marker", "-")
	w.get("/v2/executions/w3").has("state", "CANCELLED", "state_info", "enough")
	first = w.post("/v2/executions/bulk", object("action", "delete", "filter", all, "limit", 2)).want(200).has("done", "2")
	w.post("/v2/executions/bulk", object("action", "delete", "filter", all, "limit", 3, "marker", first.at("marker"))).want(200).has("done", "2")
	w.get("/v2/executions").has("executions.#", "1")
}

// TestBulkRerun runs again what has failed, where nothing has handled it.
func TestBulkRerun(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	w.define(`
version: '2.0'
both:
  input: [{how: std.fail}]
  tasks:
    one: {action: <% $.how %>}
    two: {workflow: fails}
    handled: {action: std.fail, on-error: noop}
`)
	w.run("both", "id", "b0")
	w.run("hello", "id", "h0", "input", object("name", "x"))
	w.start("waits", "id", "s0")
	w.put("/v2/executions/s0", object("state", "ERROR")).want(200)
	of := func(name string) string { return w.get("/v2/executions/b0/tasks?name=" + name).at("tasks.0.id") }
	w.post("/v2/executions/bulk", object("action", "rerun", "filter", object("state", "ERROR"), "dry_run", true)).want(200).has("ids.#", "2")
	w.post("/v2/executions/bulk", object("action", "rerun", "filter", object("state", "ERROR"))).want(200).has("matched", "2", "done", "1",
		"failed.0.id", "s0", "failed.0.error", "None of its tasks has failed: it was stopped")
	w.until("/v2/executions/b0", "state", "ERROR")
	for name, runs := range map[string]string{"one": "2", "handled": "1"} {
		w.get("/v2/tasks/"+of(name)+"/action_executions").has("action_executions.#", runs)
	}
	w.get("/v2/tasks/"+of("two")+"/workflow_executions").has("executions.#", "2")
	w.post("/v2/executions/bulk", object("action", "rerun", "filter", object("id", "h0"))).want(200).has("done", "0", "failed.0.error", "It is SUCCESS: only an execution in ERROR has tasks to rerun")
}

func TestClient(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	ctx := t.Context()
	if _, err := w.client.CreateWorkflows(ctx, "", []byte(flows)); err != nil {
		t.Fatal(err)
	}
	e, err := w.client.StartExecution(ctx, apitype.NewExecution{WorkflowName: "waits"})
	if err != nil {
		t.Fatal(err)
	}
	w.until("/v2/executions/"+e.ID+"/tasks", "tasks.0.state", "RUNNING")
	tasks, err := w.client.Tasks(ctx, e.ID)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("%v %v", tasks, err)
	}
	list, err := w.client.TaskActions(ctx, tasks[0].ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	if _, err := w.client.CompleteAction(ctx, list[0].ID, "SUCCESS", nil); err != nil {
		t.Fatal(err)
	}
	w.until("/v2/executions/"+e.ID, "state", "SUCCESS")
}
