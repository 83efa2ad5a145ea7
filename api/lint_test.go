package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"cierzo/node"
)

func TestLint(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	good := "version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.echo output=1\n      on-success: b\n    b:\n      workflow: other\n"
	w.do("POST", "/v2/workflows/lint", good).want(200).has("valid", "true", "findings.#", "0", "graphs.#", "1", "graphs.0.workflow", "w",
		"graphs.0.nodes.#", "2", "graphs.0.nodes.0.line", "4", "graphs.0.edges.0.to", "b", "graphs.0.edges.0.taken", "false")
	bad := strings.Replace(good, "on-success: b", "on-succes: b", 1)
	a := w.do("POST", "/v2/workflows/lint", bad).want(200).has("valid", "false", "findings.0.line", "6", "findings.0.severity", "error")
	if !strings.Contains(a.text, "on-success") {
		t.Errorf("no hint: %s", a.text)
	}
	w.do("POST", "/v2/workflows/lint", "{").want(200).has("valid", "false", "findings.0.severity", "error")
	w.do("POST", "/v2/workbooks/lint", "version: '2.0'\nname: wb\nworkflows:\n  x:\n    tasks:\n      t:\n        action: std.noop\n").want(200).
		has("valid", "true", "graphs.0.workflow", "x")
	w.do("POST", "/v2/actions/lint", "version: '2.0'\nact:\n  base: std.echo\n").want(200).has("valid", "true", "graphs.#", "0")
	if code := w.do("POST", "/v2/workflows/lint?x=1", good).status; code != http.StatusBadRequest {
		t.Errorf("an unknown parameter: %d", code)
	}
	w.get("/v2/workflows").want(200).has("workflows.#", "0")
}

// TestLintOfHalfATexts: whoever types has half a text most of the time.
func TestLintOfHalfATexts(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	for _, name := range []string{"etl.yaml", "approval.yaml"} {
		text, err := os.ReadFile("../examples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < len(text); n += 7 {
			if a := w.do("POST", "/v2/workflows/lint", string(text[:n])); a.status != http.StatusOK {
				t.Fatalf("%s, %d bytes: %d %s", name, n, a.status, a.text)
			}
		}
	}
}

func TestExecutionDefinition(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define("version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.echo output=1\n")
	id := w.run("w")
	w.do("PUT", "/v2/workflows", "version: '2.0'\nw:\n  tasks:\n    b:\n      action: std.noop\n").want(200)
	w.get("/v2/executions/"+id+"/definition").want(200).has("revision", "1", "name", "w")
	if text := w.get("/v2/executions/" + id + "/definition").text; !strings.Contains(text, "output=1") {
		t.Errorf("another text: %s", text)
	}
	w.get("/v2/executions/none/definition").refused(404, "WorkflowExecution not found")
}

func TestCounts(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define("version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.noop\nbad:\n  tasks:\n    a:\n      action: std.fail\n")
	for range 3 {
		w.run("w")
	}
	w.run("bad")
	w.get("/v2/executions/count").want(200).has("total", "4", "states.SUCCESS", "3", "states.ERROR", "1", "states.RUNNING", "0")
	w.get("/v2/executions/count?workflow_name=w").want(200).has("total", "3", "states.ERROR", "0")
	w.get("/v2/executions/count?state=ERROR").want(200).has("total", "1")
	w.get("/v2/executions/count?state=WRONG").want(200).has("total", "0")
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define("version: '2.0'\nw:\n  input: [x]\n  tasks:\n    a:\n      action: std.echo output=<% $.x + 1 %>\n      publish: {y: <% task().result %>}\n" +
		"      on-success: b\n    b:\n      action: std.echo output=5\n      publish: {y: 50}\n")
	id := w.run("w", "input", object("x", 2))
	ask := func(body map[string]any) *answer { return w.do("POST", "/v2/expressions/evaluate", body) }
	ask(object("expression", "<% $.a.len() %>", "data", object("a", []int{1, 2}))).want(200).has("result", "2")
	ask(object("expression", "_.a | upper", "lang", "jinja", "data", object("a", "x"))).want(200).has("result", "X")
	ask(object("expression", "<% $.x + $.y %>", "execution_id", id)).want(200).has("result", "52")
	first := w.get("/v2/executions/" + id + "/tasks?name=a").want(200).at("tasks.0.id")
	ask(object("expression", "<% $.x + $.y %>", "execution_id", id, "task_id", first)).want(200).has("result", "5")
	ask(object("expression", "<% $.x + %>", "execution_id", id)).refused(400, "")
	ask(object("expression", "<% $.nothing.here %>", "data", object())).refused(400, "")
	ask(object("expression", "plain")).refused(400, "holds no expression")
	ask(object("expression", "<% 1 %>", "execution_id", "none")).refused(404, "")
	ask(object("expression", "<% 1 %>", "execution_id", id, "task_id", "none")).refused(404, "")
	ask(object()).refused(400, "Mandatory field missing")
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	of := func(w *world) map[string]string {
		var list struct {
			Functions []struct{ Lang, Name, Kind, Signature string } `json:"functions"`
		}
		if err := json.Unmarshal([]byte(w.get("/v2/expressions/functions").want(200).text), &list); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, f := range list.Functions {
			out[f.Lang+" "+f.Kind+" "+f.Name] = f.Signature
		}
		return out
	}
	w := open(t, node.Config{})
	got := of(w)
	for name, want := range map[string]string{
		"yaql function env": "env()", "yaql method toUpper": "toUpper(string: string)", "jinja filter replace": "replace(old, new, count=…)",
		"jinja test defined": "defined", "jinja function task": "task(task_name=…)", "yaql function json_pp": "",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if old := of(open(t, node.Config{LegacyFunctions: true})); old["yaql function json_pp"] == "" || old["jinja function json_pp"] == "" {
		t.Error("functions of older versions are not listed where they are known")
	}
	w.get("/v2/expressions/functions?lang=yaql").refused(400, "")
}

func TestNodes(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{Slots: 7, Version: "1.2.3", Targets: []string{"here"}})
	w.until("/v2/nodes", "runners.0.slots", "7").has("nodes.#", "1", "nodes.0.version", "1.2.3", "nodes.0.state", "up", "runners.0.targets.0", "here", "runners.0.state", "up", "queue.#", "0")
	w.define("version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.http\n      input: {url: 'http://localhost'}\n      target: nowhere\n")
	w.start("w")
	w.until("/v2/nodes", "queue.0.queued", "1").has("queue.0.target", "nowhere", "queue.0.able", "0")
}

func TestPreview(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.get("/v2/cron_triggers/preview?pattern=*/5+*+*+*+*").want(200).has("times.#", "5")
	w.get("/v2/cron_triggers/preview?pattern=0+0+1+1+*&count=2").want(200).has("times.#", "2")
	w.get("/v2/cron_triggers/preview?pattern=0+12+*+*+*&tz=Asia/Tokyo&count=1").want(200).has("times.#", "1")
	w.get("/v2/cron_triggers/preview?pattern=0+12+*+*+*&tz=Mars/Olympus").refused(400, "is no time zone")
	w.get("/v2/cron_triggers/preview?pattern=0+0+30+2+*").refused(400, "not valid")
	w.get("/v2/cron_triggers/preview?pattern=nonsense").refused(400, "not valid")
	w.get("/v2/cron_triggers/preview?pattern=*+*+*+*+*&count=1000").refused(400, "from 1 to 100")
}
