package mistralclient

import (
	"regexp"
	"strings"
	"testing"
)

func TestMistralCommand(t *testing.T) {
	w := open(t)
	t.Run("all", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *world){
			"workflows": workflows, "workbooks": workbooks, "actions": actions, "executions": executions, "tasks": tasks,
			"subworkflows": subworkflows, "action executions": actionExecutions, "environments": environments, "triggers": triggers,
			"members": members, "code": code,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, w)
			})
		}
	})
	w.everySubcommand(t)
}

// everySubcommand holds what was run against what the client says that it has.
func (w *world) everySubcommand(t *testing.T) {
	u := w.as(t, "alice")
	help := u.text("--help")
	_, commands, ok := strings.Cut(help, "Commands for API v2 :")
	if !ok {
		t.Fatalf("the help has no list of commands:\n%s", help)
	}
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z][a-z-]+)( |$)`).FindAllStringSubmatch(commands, -1) {
		switch m[1] {
		case "bash-completion", "complete", "help": // they don't talk to a server
			continue
		}
		if n++; !w.used[m[1]] {
			t.Errorf("the sub-command %s was not run", m[1])
		}
	}
	if n < 70 {
		t.Errorf("the client has %d sub-commands, and there should be more: the help is read wrong\n%s", n, help)
	}
	t.Logf("%d sub-commands", n)
}

const helloText = `version: '2.0'
hello:
  tags: [demo]
  input:
    - name
    - mark: "!"
  output: {letter: <% $.letter %>}
  tasks:
    greet:
      action: std.echo output="hello <% $.name %><% $.mark %>"
      publish: {letter: <% task().result %>}
`

func workflows(t *testing.T, w *world) {
	u := w.as(t, "alice")
	file := u.file("hello.yaml", helloText)
	u.want(u.one("workflow-validate", file), "Valid", true)
	bad := u.one("workflow-validate", u.file("bad.yaml", "version: '2.0'\nw: {tasks: {a: {action: std.noop, on-success: nothing}}}\n"))
	if bad["Valid"] != false || !strings.Contains(bad["Error"].(string), "nothing") {
		t.Errorf("validation: %v", bad)
	}
	made := u.list("workflow-create", file)
	u.want(made[0], "Name", "hello", "Input", `name, mark="!"`, "Tags", "demo", "Scope", "private", "Project ID", "web")
	id := made[0]["ID"].(string)
	u.refused("Duplicate entry", "workflow-create", file)
	u.want(u.one("workflow-get", "hello"), "ID", id, "Namespace", "")
	u.want(u.one("workflow-get", id), "Name", "hello")
	u.find(u.list("workflow-list"), "Name", "hello")
	if got := u.list("workflow-list", "--filter", "name=eq:hello", "--limit", "1", "--sort_keys", "name", "--sort_dirs", "desc"); len(got) != 1 {
		t.Errorf("filtered list: %v", got)
	}
	if got := u.text("workflow-get-definition", "hello"); strings.TrimSpace(got) != strings.TrimSpace(helloText) {
		t.Errorf("definition: %s", got)
	}
	changed := u.file("changed.yaml", strings.Replace(helloText, "[demo]", "[demo, new]", 1))
	if got := u.list("workflow-update", changed); !strings.Contains(got[0]["Tags"].(string), "new") {
		t.Errorf("updated: %v", got)
	}
	renamed := u.file("renamed.yaml", strings.Replace(helloText, "hello:", "hello2:", 1))
	u.want(u.list("workflow-update", renamed, "--id", id)[0], "ID", id, "Name", "hello2")
	u.want(u.list("workflow-create", file, "--namespace", "ns", "--public")[0], "Namespace", "ns", "Scope", "public")
	u.want(w.as(t, "bob").one("workflow-get", "hello", "--namespace", "ns"), "Scope", "public")
	w.as(t, "bob").refused("not found", "workflow-get", id)
	u.text("workflow-delete", "hello", "--namespace", "ns")
	u.refused("Unable to delete the specified workflow(s)", "workflow-delete", id, "nothing")
	u.refused("not found", "workflow-get", id)
}

func workbooks(t *testing.T, w *world) {
	u := w.as(t, "alice")
	text := `version: '2.0'
name: tools
tags: [demo]
actions:
  shout: {base: std.echo, base-input: {output: "<% $.what %>!"}, input: [what]}
workflows:
  call:
    tasks:
      a: {action: shout what="hey"}
`
	file := u.file("tools.yaml", text)
	u.want(u.one("workbook-validate", file), "Valid", true)
	u.want(u.one("workbook-create", file), "Name", "tools", "Tags", "demo", "Scope", "private")
	u.refused("Duplicate entry", "workbook-create", file)
	u.want(u.one("workbook-get", "tools"), "Name", "tools")
	u.find(u.list("workbook-list"), "Name", "tools")
	u.find(u.list("workflow-list"), "Name", "tools.call")
	if got := u.text("workbook-get-definition", "tools"); strings.TrimSpace(got) != strings.TrimSpace(text) {
		t.Errorf("definition: %s", got)
	}
	u.want(u.one("workbook-update", u.file("changed.yaml", strings.Replace(text, "[demo]", "[other]", 1))), "Tags", "other")
	u.text("workbook-delete", "tools")
	u.refused("not found", "workbook-get", "tools")
}

func actions(t *testing.T, w *world) {
	u := w.as(t, "alice")
	text := `version: '2.0'
whisper:
  description: says it quietly
  base: std.echo
  base-input: {output: "<% $.what %>..."}
  input: [what]
`
	file := u.file("whisper.yaml", text)
	u.want(u.one("action-validate", file), "Valid", true)
	u.want(u.list("action-create", file)[0], "Name", "whisper", "Input", "what", "Description", "says it quietly")
	u.want(u.one("action-get", "whisper"), "Name", "whisper")
	u.want(u.one("action-get", "std.echo"), "Name", "std.echo")
	u.find(u.list("action-list", "--filter", "name=in:whisper,std.noop"), "Name", "std.noop")
	if got := u.text("action-get-definition", "whisper"); strings.TrimSpace(got) != strings.TrimSpace(text) {
		t.Errorf("definition: %s", got)
	}
	changed := u.file("changed.yaml", strings.Replace(text, "quietly", "very quietly", 1))
	u.want(u.list("action-update", changed)[0], "Description", "says it very quietly")
	u.has(`{"result": "hush..."}`, "run-action", "whisper", `{"what": "hush"}`)
	u.text("action-delete", "whisper")
	u.refused("not found", "action-get", "whisper")
	u.text("action-create", file, "--namespace", "quiet")
	u.want(u.one("action-get", "whisper", "--namespace", "quiet"), "Name", "whisper")
	u.text("action-delete", "whisper", "--namespace", "quiet")
}

func executions(t *testing.T, w *world) {
	u := w.as(t, "alice")
	text := `version: '2.0'
gate:
  input: [n]
  output: {twice: <% $.n * 2 %>}
  tasks:
    first:
      action: std.echo output=<% $.n %>
      publish:
        global: {seen: <% $.n %>}
        branch: {twice: <% $.n * 2 %>}
      on-success: wait
    wait: {action: std.async_noop}
`
	text = strings.Replace(text, "      publish:\n        global: {seen: <% $.n %>}\n        branch: {twice: <% $.n * 2 %>}\n      on-success: wait\n",
		"      on-success:\n        publish:\n          global: {seen: <% $.n %>}\n        next: wait\n", 1)
	u.text("workflow-create", u.file("gate.yaml", text))
	input := u.file("input.json", `{"n": 21}`)
	made := u.one("execution-create", "gate", input, "-d", "for the test")
	u.want(made, "Workflow name", "gate", "State", "RUNNING", "Description", "for the test", "Task Execution ID", "<none>")
	id := made["ID"].(string)
	u.find(u.list("execution-list"), "ID", id)
	u.find(u.list("execution-list", "--rootsonly", "--oldest", "--filter", "workflow_name=gate"), "ID", id)
	u.want(u.one("execution-get", id), "ID", id)
	u.has(`"n": 21`, "execution-get-input", id)
	task := u.until("State", []string{"RUNNING"}, "task-get", u.waitTask(id, "wait"))
	u.has(`"seen": 21`, "execution-get-published", id)
	u.has("first", "execution-get-report", id, "--no-errors-only")
	u.want(u.one("execution-update", id, "-d", "another"), "Description", "another")
	u.want(u.one("execution-update", id, "-s", "PAUSED"), "State", "PAUSED")
	u.want(u.one("execution-update", id, "-s", "RUNNING", "-e", `{"region": "eu"}`), "State", "RUNNING")
	u.refused("Only completed executions can be deleted", "execution-delete", id)
	action := u.list("action-execution-list", task["ID"].(string))[0]["ID"].(string)
	u.want(u.one("action-execution-update", action, "--state", "SUCCESS", "--output", `{"by": "kim"}`), "State", "SUCCESS")
	u.until("State", []string{"SUCCESS"}, "execution-get", id)
	u.has(`"twice": 42`, "execution-get-output", id)
	again := u.one("execution-create", "-s", id)
	if again["ID"] == id || !strings.Contains(again["Description"].(string), "Based on the execution '"+id+"'") {
		t.Errorf("from a source: %v", again)
	}
	u.want(u.one("execution-update", again["ID"].(string), "-s", "CANCELLED"), "State", "CANCELLED")
	u.text("execution-delete", id, again["ID"].(string))
	running := u.one("execution-create", "gate", `{"n": 1}`)["ID"].(string)
	u.text("execution-delete", running, "--force")
	u.refused("not found", "execution-get", id)
	u.refused("Invalid input", "execution-create", "gate", `{"m": 1}`)
	u.refused("not found", "execution-create", "no_such_workflow")
}

// waitTask is the id of an execution's task, when it is there.
func (u *user) waitTask(execution, name string) string {
	u.Helper()
	for range 100 {
		for _, r := range u.list("task-list", execution) {
			if r["Name"] == name {
				return r["ID"].(string)
			}
		}
	}
	u.Fatalf("execution %s has no task %s", execution, name)
	return ""
}

func tasks(t *testing.T, w *world) {
	u := w.as(t, "alice")
	u.text("workflow-create", u.file("fails.yaml", `version: '2.0'
fails:
  tasks:
    good: {action: std.echo output="fine", publish: {word: <% task().result %>}}
    bad: {action: std.fail}
    some:
      with-items: i in <% [1, 2] %>
      action: std.fail
`))
	id := u.one("execution-create", "fails")["ID"].(string)
	u.until("State", []string{"ERROR"}, "execution-get", id)
	rows := u.list("task-list", id)
	good, bad := u.find(rows, "Name", "good"), u.find(rows, "Name", "bad")
	u.want(good, "State", "SUCCESS", "Workflow name", "fails", "Workflow Execution ID", id)
	u.want(bad, "State", "ERROR")
	u.find(u.list("task-list", "--filter", "state=ERROR"), "ID", bad["ID"])
	u.want(u.one("task-get", good["ID"].(string)), "Name", "good")
	u.has(`"fine"`, "task-get-result", good["ID"].(string))
	u.has(`"word": "fine"`, "task-get-published", good["ID"].(string))
	u.has("bad", "execution-get-report", id)
	u.refused("must be in ERROR", "task-rerun", good["ID"].(string))
	rerun := u.one("task-rerun", bad["ID"].(string), "-e", `{"again": true}`)
	u.want(rerun, "Name", "bad")
	u.until("State", []string{"ERROR"}, "execution-get", id)
	if n := len(u.list("action-execution-list", bad["ID"].(string))); n != 2 {
		t.Errorf("after a rerun the task has %d actions, want 2", n)
	}
	some := u.find(rows, "Name", "some")
	u.want(u.one("task-rerun", some["ID"].(string), "--resume"), "Name", "some")
	u.until("State", []string{"ERROR"}, "execution-get", id)
}

func subworkflows(t *testing.T, w *world) {
	u := w.as(t, "alice")
	u.text("workflow-create", u.file("tree.yaml", `version: '2.0'
parent:
  tasks:
    down: {workflow: child}
child:
  tasks:
    a: {action: std.noop}
`))
	id := u.one("execution-create", "parent")["ID"].(string)
	u.until("State", []string{"SUCCESS"}, "execution-get", id)
	rows := u.list("execution-get-sub-executions", id)
	if len(rows) != 2 {
		t.Errorf("the tree has %d executions, want 2: %v", len(rows), rows)
	}
	child := u.find(rows, "Workflow name", "child")
	u.want(child, "Root Execution ID", id)
	task := u.list("task-list", id)[0]["ID"].(string)
	u.want(child, "Task Execution ID", task)
	u.find(u.list("task-get-sub-executions", task), "ID", child["ID"])
	if got := u.list("task-get-sub-executions", task, "--errors-only"); len(got) != 0 && got[0]["ID"] != "" {
		t.Errorf("failed sub-workflows: %v", got)
	}
	u.find(u.list("execution-list", "--task", task), "ID", child["ID"])
}

func actionExecutions(t *testing.T, w *world) {
	u := w.as(t, "alice")
	made := u.one("run-action", "std.echo", `{"output": "kept"}`, "-s")
	id := made["ID"].(string)
	u.want(made, "Name", "std.echo")
	u.until("State", []string{"SUCCESS"}, "action-execution-get", id)
	u.find(u.list("action-execution-list"), "ID", id)
	u.has(`"output": "kept"`, "action-execution-get-input", id)
	u.has(`"result": "kept"`, "action-execution-get-output", id)
	u.has(`{"result": "sync"}`, "run-action", "std.echo", `{"output": "sync"}`, "--run-sync")
	u.refused("does not support synchronous", "run-action", "std.async_noop", "--run-sync")
	u.refused("Failed to find action", "run-action", "no.such")
	u.refused("deletion is not allowed", "action-execution-delete", id)
	open := u.one("run-action", "std.async_noop", "-s")["ID"].(string)
	u.until("State", []string{"RUNNING"}, "action-execution-get", open)
	u.want(u.one("action-execution-update", open, "--state", "ERROR", "--output", `{"why": "broken"}`), "State", "ERROR")
	u.refused("already complete", "action-execution-update", open, "--state", "SUCCESS")
}

func environments(t *testing.T, w *world) {
	u := w.as(t, "alice")
	file := u.file("env.yaml", "name: prod\ndescription: the real one\nvariables:\n  region: eu\n  size: 3\n")
	made := u.one("environment-create", file)
	u.want(made, "Name", "prod", "Description", "the real one", "Scope", "private")
	u.refused("Duplicate entry", "environment-create", file)
	got := u.one("environment-get", "prod")
	if text := got["Variables"].(string); !strings.Contains(text, `"size": 3`) {
		t.Errorf("variables: %v", got)
	}
	u.has(`\"region\": \"eu\"`, "environment-get", "prod", "--export", "-f", "json")
	u.find(u.list("environment-list"), "Name", "prod")
	changed := u.one("environment-update", u.file("env.json", `{"name": "prod", "variables": {"region": "us"}}`))
	if text := changed["Variables"].(string); !strings.Contains(text, `"us"`) || strings.Contains(text, "size") {
		t.Errorf("updated variables: %v", changed)
	}
	u.text("environment-delete", "prod")
	u.refused("not found", "environment-get", "prod")
}

func triggers(t *testing.T, w *world) {
	u := w.as(t, "alice")
	id := u.list("workflow-create", u.file("tick.yaml", "version: '2.0'\ntick:\n  input: [n: 1]\n  tasks:\n    a: {action: std.noop}\n"))[0]["ID"].(string)
	made := u.one("cron-trigger-create", "nightly", "tick", `{"n": 2}`, "--pattern", "30 2 * * *", "--count", "5", "--params", `{"env": {"a": 1}}`)
	u.want(made, "Name", "nightly", "Workflow", "tick", "Pattern", "30 2 * * *", "Remaining executions", 5.0)
	u.refused("not valid", "cron-trigger-create", "wrong", "tick", "--pattern", "zzz")
	u.want(u.one("cron-trigger-create", "once", "tick", "--first-time", "2099-12-24 18:00", "--utc"), "Next execution time", "2099-12-24 18:00:00")
	u.want(u.one("cron-trigger-get", "nightly"), "Workflow", "tick")
	u.find(u.list("cron-trigger-list"), "Name", "nightly")
	u.refused("cron triggers associated", "workflow-delete", "tick")
	u.text("cron-trigger-delete", "nightly", "once")
	u.refused("not found", "cron-trigger-get", "nightly")

	event := u.one("event-trigger-create", "created", id, "nova", "notifications", "compute.instance.create.end", `{"n": 3}`, "--params", `{"k": 1}`)
	u.want(event, "Name", "created", "Workflow ID", id, "Exchange", "nova", "Topic", "notifications", "Event", "compute.instance.create.end")
	u.want(u.one("event-trigger-get", event["ID"].(string)), "Name", "created")
	u.find(u.list("event-trigger-list"), "ID", event["ID"])
	u.text("event-trigger-delete", event["ID"].(string))
	u.refused("not found", "event-trigger-get", event["ID"].(string))
}

func members(t *testing.T, w *world) {
	alice, bob := w.as(t, "alice"), w.as(t, "bob")
	id := alice.list("workflow-create", alice.file("shared.yaml", "version: '2.0'\nshared:\n  tasks:\n    a: {action: std.noop}\n"))[0]["ID"].(string)
	bob.refused("not found", "workflow-get", id)
	alice.want(alice.one("member-create", id, "workflow", "ops"), "Resource ID", id, "Resource Type", "workflow", "Resource Owner", "web", "Member ID", "ops", "Status", "pending")
	alice.find(alice.list("member-list", id, "workflow"), "Member ID", "ops")
	alice.want(alice.one("member-get", id, "workflow", "-m", "ops"), "Status", "pending")
	bob.want(bob.one("member-update", id, "workflow", "-m", "ops", "-s", "accepted"), "Status", "accepted")
	bob.want(bob.one("workflow-get", id), "Name", "shared")
	alice.text("member-delete", id, "workflow", "ops")
	bob.refused("not found", "workflow-get", id)
}

func code(t *testing.T, w *world) {
	u := w.as(t, "alice")
	text := "from mistral_lib import actions\n\n\nclass Hello(actions.Action):\n    def run(self, context):\n        return 'hello'\n"
	file := u.file("module.py", text)
	made := u.one("code-source-create", "module", file)
	u.want(made, "Name", "module", "Scope", "private", "Project ID", "web")
	u.want(u.one("code-source-get", "module"), "ID", made["ID"])
	u.find(u.list("code-source-list"), "Name", "module")
	if got := u.text("code-source-get-content", "module"); strings.TrimSpace(got) != strings.TrimSpace(text) {
		t.Errorf("content: %s", got)
	}
	u.want(u.one("code-source-update", "module", u.file("changed.py", text+"# changed\n")), "Name", "module")
	u.has("# changed", "code-source-get-content", "module")

	action := u.one("dynamic-action-create", "hello_code", "Hello", "module")
	u.want(action, "Name", "hello_code", "Class", "Hello", "Code source name", "module")
	u.want(u.one("dynamic-action-get", "hello_code"), "ID", action["ID"])
	u.find(u.list("dynamic-action-list"), "Name", "hello_code")
	u.want(u.one("dynamic-action-update", "hello_code", "--class-name", "Other"), "Class", "Other")
	u.refused("runner", "run-action", "hello_code")
	u.text("dynamic-action-delete", "hello_code")
	u.refused("not found", "dynamic-action-get", "hello_code")
	u.text("code-source-delete", "module")
	u.refused("not found", "code-source-get", "module")
	w.as(t, "bob").refused("orbidden", "code-source-list")
	u.refused("Service API is not supported", "service-list")
}
