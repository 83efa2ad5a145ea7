package api_test

import (
	"strings"
	"testing"

	"cierzo/node"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]func(t *testing.T) node.Config{"memory": func(*testing.T) node.Config { return node.Config{} }, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, cfg(t))
			w.define(flows)
			hello := w.run("hello", "input", object("name", "x"))
			w.run("fails")
			parent := w.run("parent")
			globals := w.run("globals")
			task := w.get("/v2/executions/"+hello+"/tasks").want(200).has("tasks.#", "1", "tasks.0.name", "greet", "tasks.0.type", "ACTION", "tasks.0.result", "-",
				"tasks.0.published", `{"text": "hello x"}`, "tasks.0.processed", "true", "tasks.0.workflow_execution_id", hello, "tasks.0.runtime_context", "{}").at("tasks.0.id")
			w.get("/v2/tasks/"+task).want(200).has("result", `"hello x"`, "published_global", "-", "state_info", "null")
			w.get("/v2/tasks/"+task+"?fields=result").has("result", `"hello x"`, "name", "-")
			w.get("/v2/executions/"+globals+"/tasks").has("tasks.0.published", "null")
			w.get("/v2/tasks/"+w.get("/v2/executions/"+globals+"/tasks").at("tasks.0.id")).has("published_global", `{"shared": 1}`)
			w.get("/v2/executions/"+globals).has("published_global", `{"shared": 1}`)
			w.get("/v2/executions/none/tasks").want(200).has("tasks.#", "0")
			for query, want := range map[string]string{
				"":                                      "greet bad sub end leaf grand bad pub",
				"sort_dirs=desc":                        "pub bad grand leaf end sub bad greet",
				"name=bad":                              "bad bad",
				"state=ERROR&name=bad&limit=1":          "bad",
				"workflow_name=child":                   "leaf grand",
				"workflow_execution_id=" + parent:       "sub end",
				"type=WORKFLOW":                         "sub grand",
				"processed=true&limit=2":                "greet bad",
				"name=in:end,leaf":                      "end leaf",
				"sort_keys=name&name=in:leaf,end,grand": "end grand leaf",
				"state=SKIPPED":                         "",
				"published=has:hello":                   "greet",
			} {
				if got := w.get("/v2/tasks?"+query).want(200).column("tasks", "name"); got != want {
					t.Errorf("%s: %q, want %q", query, got, want)
				}
			}
			var got []string
			for path := "/v2/tasks?limit=3"; ; {
				page := w.get(path).want(200)
				got = append(got, page.column("tasks", "name"))
				if page.at("next") == "-" {
					break
				}
				path = strings.TrimPrefix(page.at("next"), w.url)
			}
			if strings.Join(got, "|") != "greet bad sub|end leaf grand|bad pub" {
				t.Errorf("pages: %q", got)
			}
			w.get("/v2/tasks?marker=none").refused(400, "Expected a uuid but received none.")
			w.get("/v2/tasks?marker=11111111-2222-3333-4444-555555555555").refused(404, "is not in the list of tasks")

			actions := w.get("/v2/tasks/"+task+"/action_executions").want(200).has("action_executions.#", "1", "action_executions.0.name", "std.echo", "action_executions.0.output", "-",
				"action_executions.0.accepted", "true", "action_executions.0.task_name", "greet", "action_executions.0.input", `{"output": "hello x"}`)
			id := actions.at("action_executions.0.id")
			w.get("/v2/tasks/"+task+"/action_executions?include_output=true").has("action_executions.0.output", `{"result": "hello x"}`)
			w.get("/v2/tasks/"+task+"/action_executions/"+id).want(200).has("output", `{"result": "hello x"}`)
			w.get("/v2/tasks/"+task+"/action_executions/none").refused(404, "ActionExecution not found [id=none]")
			w.get("/v2/action_executions/"+id).want(200).has("workflow_name", "hello", "task_execution_id", task)
			w.get("/v2/action_executions/"+id+"?fields=state").has("name", "-", "state", "SUCCESS")
			for query, want := range map[string]string{
				"name=std.echo":             "std.echo",
				"state=ERROR":               "std.fail std.fail",
				"workflow_name=hello":       "std.echo",
				"task_execution_id=" + task: "std.echo",
				"task_execution_id=11111111-2222-3333-4444-555555555555": "",
				`output={"result":"hello+x"}`:                            "std.echo",
				"accepted=neq:True":                                      "",
				"accepted=true&limit=1":                                  "std.echo",
				"sort_keys=name&limit=2":                                 "std.echo std.fail",
				"task_name=leaf":                                         "std.noop",
				"sort_dirs=desc&limit=1":                                 "std.noop",
			} {
				if got := w.get("/v2/action_executions?"+query).want(200).column("action_executions", "name"); got != want {
					t.Errorf("%s: %q, want %q", query, got, want)
				}
			}
			w.get("/v2/action_executions?marker="+id+"&limit=1").has("action_executions.0.name", "std.fail")
			w.remove("/v2/action_executions/"+id).refused(403, "Only ad-hoc action execution can be deleted.")
		})
	}
}

func TestRerunAndSkip(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.run("fails")
	task := "/v2/tasks/" + w.get("/v2/executions/"+id+"/tasks").at("tasks.0.id")
	w.put(task, object("state", "SUCCESS", "reset", true)).refused(400, "Invalid task state. Only updating task to RUNNING or SKIPPED is supported.")
	w.put(task, object("state", "RUNNING")).refused(400, "Invalid input for field/attribute reset. Value: 'None'. Mandatory field missing.")
	w.put(task, object("state", "RUNNING", "reset", nil)).refused(400, "Reset field is mandatory to rerun task.")
	w.put(task, object("state", "RUNNING", "reset", false)).refused(400, "Only with-items task has the option to not reset.")
	w.put(task, object("state", "RUNNING", "reset", true, "name", "other")).refused(400, "Task name does not match.")
	w.put(task, object("state", "RUNNING", "reset", true, "workflow_name", "other")).refused(400, "Workflow name does not match.")
	w.put(task, object("state", "RUNNING", "reset", true, "env", `{"a": 1}`)).want(200).has("state", "RUNNING", "state_info", "null", "finished_at", "null", "processed", "false", "result", "[]")
	w.until("/v2/executions/"+id, "state", "ERROR").has("params.env", `{"a":1}`)
	w.get(task+"/action_executions").has("action_executions.#", "2")
	w.put(task, object("state", "SKIPPED", "input", object("a", 1))).refused(400, "takes no input")
	w.put(task, object("state", "SKIPPED")).want(200).has("state", "SKIPPED")
	w.until("/v2/executions/"+id, "state", "SUCCESS")
	w.put(task, object("state", "RUNNING", "reset", true)).refused(400, "must be in ERROR for rerun")
	w.put("/v2/tasks/none", object("state", "RUNNING", "reset", true)).refused(404, "Task execution not found [id=none]")
}

// TestPagesOfATasksActions: they come in the order of the items, forwards and backwards, and no page has another task's.
func TestPagesOfATasksActions(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define("version: '2.0'\nmany:\n  tasks:\n    a: {with-items: i in <% range(7) %>, action: std.echo, input: {output: <% $.i %>}, on-success: b}\n    b: {action: std.noop}\n")
	id := w.run("many")
	task := func(name string) string {
		return "/v2/tasks/" + w.get("/v2/executions/"+id+"/tasks?name="+name).at("tasks.0.id") + "/action_executions"
	}
	for query, want := range map[string]string{
		"limit=3": "0 1 2|3 4 5|6", "limit=3&sort_dirs=desc": "6 5 4|3 2 1|0", "limit=7": "0 1 2 3 4 5 6", "": "0 1 2 3 4 5 6", "sort_dirs=desc": "6 5 4 3 2 1 0",
	} {
		var got []string
		for path := task("a") + "?include_output=true&" + query; path != "-"; {
			page := w.get(path).want(200)
			got = append(got, strings.NewReplacer(`{"result": `, "", "}", "").Replace(page.column("action_executions", "output")))
			path = strings.TrimPrefix(page.at("next"), w.url)
		}
		if strings.TrimSuffix(strings.Join(got, "|"), "|") != want {
			t.Errorf("%s: %q, want %s", query, got, want)
		}
	}
	other := w.get(task("b")).at("action_executions.0.id")
	w.get(task("a")+"?marker="+other).refused(404, "is not in the list of action_executions")
}

// TestRerunIsRepeated: who doesn't hear the answer asks again, and what has been done since is no reason to be refused.
func TestRerunIsRepeated(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.run("fails")
	task := "/v2/tasks/" + w.get("/v2/executions/"+id+"/tasks").at("tasks.0.id")
	rerun := w.as("Idempotency-Key", "rerun")
	rerun.put(task, object("state", "RUNNING", "reset", true)).want(200)
	w.until("/v2/executions/"+id, "state", "ERROR")
	rerun.put(task, object("state", "RUNNING", "reset", true)).want(200).has("state", "ERROR")
	w.get(task+"/action_executions").has("action_executions.#", "2")
	skip := w.as("Idempotency-Key", "skip")
	for range 2 {
		skip.put(task, object("state", "SKIPPED")).want(200).has("state", "SKIPPED")
	}
	w.get(task+"/action_executions").has("action_executions.#", "2")

	good := w.run("hello", "input", object("name", "x"))
	task = "/v2/tasks/" + w.get("/v2/executions/"+good+"/tasks").at("tasks.0.id")
	w.put(task, object("state", "RUNNING", "reset", true)).refused(400, "must be in ERROR for rerun")
}

// TestRerunWithInput: what was wrong with the input of a task is mended for this run, and goes on to what follows.
func TestRerunWithInput(t *testing.T) {
	t.Parallel()
	w := open(t, sqlite(t))
	w.define("version: '2.0'\nv:\n  output: {o: <% $.o %>}\n  tasks:\n    a:\n      workflow: child\n      input: {bad: true}\n      publish: {o: <% task().result.o %>}\n" +
		"child:\n  input: [bad, o: 1]\n  output: {o: <% $.o %>}\n  tasks:\n    b:\n      action: std.noop\n      fail-on: <% $.bad %>\n" +
		"items:\n  tasks:\n    a:\n      with-items: i in [1, 2]\n      action: std.fail\n")
	id := w.run("v")
	w.get("/v2/executions/"+id).has("state", "ERROR")
	task := "/v2/tasks/" + w.get("/v2/executions/"+id+"/tasks").at("tasks.0.id")
	w.put(task, object("state", "RUNNING", "reset", true, "input", "[]")).refused(400, "must be a dictionary")
	w.put(task, object("state", "RUNNING", "reset", true, "input", object("bad", false, "o", 7))).want(200)
	w.until("/v2/executions/"+id, "state", "SUCCESS").has("output.o", "7")
	w.get(task+"/workflow_executions").has("executions.#", "2", "executions.1.input.bad", "false")

	many := w.run("items")
	task = "/v2/tasks/" + w.get("/v2/executions/"+many+"/tasks").at("tasks.0.id")
	w.put(task, object("state", "RUNNING", "reset", true, "input", object("x", 1))).refused(400, "Task a has with-items")
}

func TestActionExecutionUpdates(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	id := w.start("waits")
	w.until("/v2/executions/"+id+"/tasks", "tasks.0.state", "RUNNING")
	action := "/v2/action_executions/" + w.get("/v2/action_executions?state=RUNNING").at("action_executions.0.id")
	w.get(action).has("output", "null", "accepted", "false", "state", "RUNNING")
	w.put(action, object("state", "FOO")).refused(400, "Error. Expected one of ['SUCCESS', 'ERROR', 'CANCELLED', 'PAUSED', 'RUNNING'], actual: FOO")
	w.put(action, object("state", "SUCCESS", "output", "[1]")).refused(400, "must be a dictionary")
	w.put(action, object("state", "PAUSED")).want(200).has("state", "PAUSED")
	w.put(action, object("state", "RUNNING")).want(200).has("state", "RUNNING")
	w.put(action, object("state", "SUCCESS", "output", `{"v": 1}`)).want(200).has("state", "SUCCESS", "output", `{"result": {"v": 1}}`)
	w.put(action, object("state", "SUCCESS")).refused(409, "already complete")
	w.put("/v2/action_executions/none", object("state", "SUCCESS")).refused(404, "ActionExecution not found [id=none]")
	w.until("/v2/executions/"+id, "state", "SUCCESS")
}

// TestRunAction runs actions that belong to no workflow.
func TestRunAction(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{DeleteActionExecutions: true})
	w.post("/v2/actions", "version: '2.0'\nshout:\n  input: [x]\n  base: std.echo output=\"<% $.x %>!\"\n").want(201)
	const path = "/v2/action_executions"
	w.post(path, object("name", "std.echo", "input", object("output", 1))).want(201).has("id", "-", "state", "SUCCESS", "output", `{"result": 1}`, "input.output", "1")
	w.post(path, object("name", "std.echo", "input", object("output", "<% 1 + 1 %>"))).want(201).has("output.result", "<% 1 + 1 %>")
	w.post(path, object("name", "shout", "input", `{"x": "hey"}`)).want(201).has("output.result", "hey!")
	w.post(path, object("name", "std.fail")).want(201).has("state", "ERROR")
	w.get("/v2/action_executions").has("action_executions.#", "0")

	saved := w.post(path, object("name", "std.echo", "input", object("output", 1), "params", object("save_result", true), "description", "mine")).want(201).has("state", "RUNNING", "accepted", "false", "output", "null")
	w.until(path+"/"+saved.at("id"), "state", "SUCCESS").has("output", `{"result": 1}`, "accepted", "true", "workflow_name", "null", "task_execution_id", "null", "task_name", "null", "description", "mine")
	w.get("/v2/executions").has("executions.#", "0")
	w.get("/v2/tasks").has("tasks.#", "0")
	w.get("/v2/action_executions").has("action_executions.#", "1")
	w.post(path, object("name", "std.echo", "input", object("output", 1), "params", object("save_result", true, "run_sync", true))).want(201).has("state", "SUCCESS", "output", `{"result": 1}`)

	async := w.post(path, object("name", "std.async_noop")).want(201).has("state", "RUNNING", "output", "null")
	w.remove(path+"/"+async.at("id")).refused(403, "Only completed action execution can be deleted.")
	w.put(path+"/"+async.at("id"), object("state", "SUCCESS", "output", object("a", 1))).want(200).has("output", `{"result": {"a": 1}}`)
	w.remove(path + "/" + async.at("id")).want(204)
	w.get(path+"/"+async.at("id")).refused(404, "ActionExecution not found")
	w.remove(path).refused(400, "Missing argument")

	timed := w.post(path, object("name", "std.sleep", "input", object("seconds", 60), "params", object("timeout", 1, "run_sync", true))).want(201)
	timed.has("state", "ERROR")
	late := path + "/" + w.post(path, object("name", "std.async_noop", "params", object("timeout", 1, "save_result", true))).want(201).has("state", "RUNNING").at("id")
	w.until(late, "state", "ERROR").has("output.result", "Action timed out [timeout(s)=1]")
	w.remove(late).want(204)
	w.post(path, object("name", "std.async_noop", "params", object("run_sync", true))).refused(400, "Action does not support synchronous execution.")
	w.post(path, object("name", "std.echo", "input", object())).refused(400, "Invalid input [name=std.echo, class=mistral.actions.std_actions.EchoAction, missing=['output']]")
	w.post(path, object("name", "std.echo", "input", object("outputs", 1))).refused(400, "missing=['output'], unexpected=['outputs']")
	w.post(path, object("name", "no.such")).refused(400, "Failed to find action [action_name=no.such]")
	w.post(path, object("input", "{}")).refused(400, "Please provide at least action name to run action.")
	w.get("/v2/workflows").has("workflows.#", "0")

	w.define("version: '2.0'\ncounts:\n  output: {n: <% executions().len() %>, t: <% tasks().len() %>}\n  tasks:\n    t: {action: std.noop}\n")
	w.run("counts")
	w.get("/v2/executions/"+w.run("counts")).has("output", `{"n": 2, "t": 2}`) // itself and the one before; actions by themselves aren't counted

	keyed := w.as("Idempotency-Key", "once")
	first := keyed.post(path, object("name", "std.async_noop")).want(201)
	keyed.post(path, object("name", "std.async_noop")).want(201).has("id", first.at("id"))

	closed := open(t, node.Config{})
	id := closed.post(path, object("name", "std.echo", "input", object("output", 1), "params", object("save_result", true))).want(201).at("id")
	closed.until(path+"/"+id, "state", "SUCCESS")
	closed.remove(path+"/"+id).refused(403, "Action execution deletion is not allowed.")
}
