package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cierzo/node"
)

func TestCronTriggers(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	const path = "/v2/cron_triggers"
	id := w.get("/v2/workflows/hello").at("id")
	made := w.post(path, object("name", "c", "workflow_name", "hello", "pattern", "* * * * *", "workflow_input", `{"name": "x"}`, "workflow_params", object("env", object("a", 1)))).want(201).has(
		"name", "c", "workflow_name", "hello", "workflow_id", id, "workflow_input.name", "x", "workflow_params", `{"env": {"a": 1}}`, "pattern", "* * * * *",
		"remaining_executions", "null", "first_execution_time", "null", "scope", "private", "updated_at", "-", "project_id", "<default-project>")
	next, err := time.Parse("2006-01-02 15:04:05", made.at("next_execution_time"))
	if err != nil || next.Before(time.Now()) || next.After(time.Now().Add(time.Minute)) {
		t.Errorf("next_execution_time %v %v", next, err)
	}
	w.post(path, object("name", "c", "workflow_name", "hello", "pattern", "*/5 * * * *", "workflow_input", object("name", "y"))).refused(409, "Duplicate entry for cron trigger ['name', 'project_id']: c, <default-project>")
	w.get(path+"/c").want(200).has("id", made.at("id"), "updated_at", "null")
	w.get(path+"/"+made.at("id")).want(200).has("name", "c")
	w.get(path+"/c?fields=pattern").has("name", "-")
	first := time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04")
	w.post(path, object("name", "once", "workflow_id", id, "workflow_input", object("name", "x"), "first_execution_time", first)).want(201).has(
		"pattern", "0 0 30 2 0", "remaining_executions", "1", "next_execution_time", first+":00", "first_execution_time", first+":00")
	w.post(path, object("name", "five", "workflow_name", "fails", "pattern", "*/5 * * * *", "remaining_executions", 5, "first_execution_time", first)).want(201).has("remaining_executions", "5", "next_execution_time", first+":00")
	for query, want := range map[string]string{
		"":                              "c once five",
		"name=once":                     "once",
		"workflow_name=hello":           "c once",
		"workflow_id=" + id:             "c once",
		"remaining_executions=gt:1":     "five",
		"remaining_executions=in:1,5":   "once five",
		"pattern=has:30":                "once",
		"sort_keys=name&sort_dirs=desc": "once five c",
		"limit=1":                       "c",
		"next_execution_time=gt:2999-01-01 00:00:00": "",
		"workflow_input=has:name":                    "c once",
		"scope=private&limit=2":                      "c once",
	} {
		if got := w.get(path+"?"+strings.ReplaceAll(query, " ", "%20")).want(200).column("cron_triggers", "name"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	bad := func(status int, text string, pairs ...any) {
		t.Helper()
		w.post(path, object(append([]any{"name", "bad"}, pairs...)...)).refused(status, text)
	}
	bad(400, "Pattern or first_execution_time must be specified.", "workflow_name", "fails")
	bad(400, "The specified pattern is not valid: zzz", "workflow_name", "fails", "pattern", "zzz")
	bad(400, "The specified pattern is not valid: 0 0 30 2 *", "workflow_name", "fails", "pattern", "0 0 30 2 *")
	bad(400, "first_execution_time must be at least 1 minute in the future.", "workflow_name", "fails", "pattern", "* * * * *", "first_execution_time", "2000-01-01 00:00")
	bad(400, "time data 'nonsense' does not match format '%Y-%m-%d %H:%M'", "workflow_name", "fails", "first_execution_time", "nonsense")
	bad(400, "Pattern must be provided if count is superior to 1.", "workflow_name", "fails", "first_execution_time", first, "remaining_executions", 2)
	bad(400, "Value: '0'. Value should be greater or equal to 1", "workflow_name", "fails", "pattern", "* * * * *", "remaining_executions", 0)
	bad(400, "unexpected=['zz']", "workflow_name", "fails", "pattern", "* * * * *", "workflow_input", object("zz", 1))
	bad(404, "Workflow not found [workflow_identifier=nosuch, namespace=]", "workflow_name", "nosuch", "pattern", "* * * * *")
	bad(404, "Workflow not found [workflow_identifier=None, namespace=]", "pattern", "* * * * *")
	w.post(path, object("workflow_name", "fails", "pattern", "* * * * *")).refused(400, "Name of the cron trigger is not provided.")
	w.post(path, object("name", "p", "workflow_name", "fails", "pattern", "* * * * *", "scope", "public")).refused(403, "forbidden")

	w.remove("/v2/workflows/hello").refused(400, "Can't delete workflow that has cron triggers associated. [workflow_identifier=hello, namespace=], [cron_trigger_id(s)="+made.at("id"))
	w.put(path+"/c", object()).want(405)
	w.remove(path + "/c").want(204)
	w.remove(path+"/c").refused(404, "Cron trigger not found [identifier=c]")
	w.remove(path).refused(400, "Missing argument")
}

func TestEventTriggers(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	const path = "/v2/event_triggers"
	hello, fails := w.get("/v2/workflows/hello").at("id"), w.get("/v2/workflows/fails").at("id")
	made := w.post(path, object("workflow_id", hello, "exchange", "x", "topic", "t", "event", "compute.*", "workflow_input", object("name", "<% $.no %>"))).want(201).has(
		"workflow_id", hello, "exchange", "x", "topic", "t", "event", "compute.*", "workflow_input", `{"name": "<% $.no %>"}`, "workflow_params", "{}", "updated_at", "-")
	id := made.at("id")
	made.has("name", id)
	w.post(path, object("name", "named", "workflow_id", fails, "exchange", "x", "topic", "t", "event", "e")).want(201).has("name", "named")
	w.post(path, object("workflow_id", hello, "exchange", "x")).refused(400, "Params {'event', 'topic'} must be provided for creating event trigger.")
	w.post(path, object("workflow_id", hello, "exchange", "x", "topic", "t", "event", "e")).refused(400, "missing=['name']")
	w.post(path, object("workflow_id", "11111111-2222-3333-4444-555555555555", "exchange", "x", "topic", "t", "event", "e")).refused(404, "Workflow not found")
	w.get(path).want(200).has("event_triggers.#", "2")
	w.get(path+"?name=named").has("event_triggers.#", "1")
	w.get(path+"?event=e&exchange=x").has("event_triggers.#", "1")
	w.get(path+"/"+id).want(200).has("updated_at", "null")
	w.put(path+"/"+id, object("name", "new", "workflow_input", object("name", "y"))).want(200).has("name", "new", "workflow_input", `{"name": "y"}`, "workflow_id", hello)
	w.put(path+"/"+id, object("workflow_id", fails, "workflow_input", object())).want(200).has("workflow_id", fails)
	w.put(path+"/"+id, object("topic", "other")).refused(400, "Can not update fields ['exchange', 'topic', 'event'] of event trigger.")
	w.put(path+"/"+id, object("scope", "public")).refused(403, "Operation forbidden")
	w.put(path+"/"+id, object("scope", "odd")).refused(400, "Scope must be one of")
	w.admin().put(path+"/"+id, object("scope", "public")).want(200).has("scope", "public")
	w.put(path+"/none", object("name", "x")).refused(400, "Expected a uuid but received none.")
	w.get(path+"/11111111-2222-3333-4444-555555555555").refused(404, "Event trigger not found [id=11111111-2222-3333-4444-555555555555].")

	// A name may come again for another event; the same trigger twice is refused.
	w.post(path, object("name", "named", "workflow_id", fails, "exchange", "x", "topic", "t", "event", "e")).refused(409, "Duplicate entry for EventTrigger")
	w.get(path+"/named").want(200).has("event", "e")
	again := w.post(path, object("name", "named", "workflow_id", fails, "exchange", "x", "topic", "t", "event", "f")).want(201).at("id")
	w.get(path+"/named").refused(409, "2 event triggers have the name named: say which by its id")
	third := w.post(path, object("name", "third", "workflow_id", fails, "exchange", "x", "topic", "t", "event", "f")).want(201).at("id")
	w.put(path+"/"+third, object("name", "named")).refused(409, "Duplicate entry for EventTrigger")
	w.put(path+"/"+third, object("name", "third")).want(200)
	w.remove(path + "/" + again).want(204)
	w.remove(path + "/" + third).want(204)
	w.remove("/v2/workflows/fails").refused(400, "Can't delete workflow that has event triggers associated.")
	w.remove(path + "/" + id).want(204)
	w.remove(path+"/"+id).refused(404, "Event trigger not found")
	w.remove(path).refused(400, "Missing argument")
}

func TestCode(t *testing.T) {
	t.Parallel()
	user := open(t, node.Config{})
	user.get("/v2/code_sources").refused(403, "Operation forbidden (insufficient permissions)")
	user.post("/v2/code_sources?name=m", "x = 1").refused(403, "forbidden")
	user.get("/v2/dynamic_actions").refused(403, "forbidden")
	w := user.admin()
	const text = "class Twice(Action):\n    pass\n"
	made := w.post("/v2/code_sources?name=m", text).want(201).has("name", "m", "content", text, "version", "1", "namespace", "", "scope", "private", "actions", "[]", "updated_at", "-")
	w.post("/v2/code_sources?name=m", text).refused(409, "Duplicate entry for CodeSource")
	w.post("/v2/code_sources", text).refused(400, "Name of the code source is not provided.")
	w.post("/v2/code_sources?name=n&namespace=ns&scope=public", text).want(201).has("namespace", "ns", "scope", "public")
	id := made.at("id")
	w.put("/v2/code_sources/"+id, "y = 2").want(200).has("content", "y = 2", "version", "2")
	w.put("/v2/code_sources?identifier=m", "y = 3").want(200).has("version", "3")
	w.put("/v2/code_sources/m?scope=public", "y = 3").want(200).has("scope", "public", "version", "4")
	w.put("/v2/code_sources/m", "y = 3").want(200).has("scope", "public")
	w.put("/v2/code_sources/m?scope=odd", "y = 3").refused(400, "Scope must be one of")
	w.put("/v2/code_sources", "y = 3").refused(400, `Missing argument: "identifier"`)
	w.get("/v2/code_sources/m").want(200).has("id", id)
	w.get("/v2/code_sources/"+id+"?fields=name").has("content", "-")
	w.get("/v2/code_sources?name=m").has("code_sources.#", "1")

	const path = "/v2/dynamic_actions"
	action := w.post(path, object("name", "twice", "class_name", "Twice", "code_source_name", "m")).want(201).has("code_source_id", id, "code_source_name", "m", "class_name", "Twice")
	w.post(path, object("name", "thrice", "class_name", "Twice")).refused(400, "Either 'code_source_id' or 'code_source_name' must be provided.")
	w.post(path, object("name", "thrice", "code_source_id", id)).refused(400, "'class_name' must be provided.")
	w.post(path, object("name", "thrice", "class_name", "Twice", "code_source_id", "none")).refused(404, "Code source not found")
	w.post(path, object("name", "twice", "class_name", "Twice", "code_source_id", id)).refused(409, "Duplicate entry")
	w.get("/v2/code_sources/m").has("actions", `["twice"]`)
	w.get(path).has("dynamic_actions.#", "1")
	w.get(path+"/twice").want(200).has("id", action.at("id"))
	w.put(path, object("name", "twice", "class_name", "Again")).want(200).has("class_name", "Again")
	w.put(path, object("id", action.at("id"), "name", "double")).want(200).has("name", "double")
	w.put(path, object("class_name", "Again")).refused(400, "Either 'name' or 'id' must be provided.")
	w.post("/v2/action_executions", object("name", "double")).refused(400, "double is a dynamic action, in Python. This server runs no Python: start a runner")
	w.remove("/v2/code_sources/m").refused(409, "has dynamic actions associated")
	w.remove(path + "/double").want(204)
	w.remove(path+"/double").refused(404, "Dynamic action definition not found")
	w.remove("/v2/code_sources/m").want(204)
	w.remove("/v2/code_sources/m").refused(404, "Code source not found")
	w.remove("/v2/code_sources").refused(400, "Missing argument")
	w.remove(path).refused(400, "Missing argument")
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	w.get("/maintenance").want(200).has("status", "RUNNING")
	w.put("/maintenance", object("status", "PAUSED")).refused(403, "forbidden")
	boss := w.admin()
	boss.put("/maintenance", object("status", "FOO")).refused(400, "Not found FOO maintenance state. List of states: ['PAUSED', 'RUNNING']")
	boss.put("/v2/maintenance", object("status", "PAUSING")).refused(400, "PAUSING is intermediate state")
	mine, busy := w.start("waits", "id", "mine"), w.start("waits", "id", "busy")
	w.put("/v2/executions/"+mine, object("state", "PAUSED")).want(200)
	boss.put("/maintenance", object("status", "PAUSED")).want(200).has("status", "PAUSING")
	w.until("/v2/maintenance", "status", "PAUSED")
	w.get("/v2/executions/"+busy).has("state", "PAUSED")
	w.post("/v2/workflows", one("x")).refused(423, "Current maintenance state is PAUSED")
	w.post("/v2/executions", object("workflow_name", "waits")).refused(423, "")
	w.put("/v2/executions/"+mine, object("state", "RUNNING")).refused(423, "")
	w.put("/v2/executions/"+w.get("/v2/executions?id=mine").at("executions.0.id"), object("state", "CANCELLED")).want(200)
	boss.put("/maintenance", object("status", "RUNNING")).want(200).has("status", "RUNNING")
	w.until("/v2/executions/"+busy, "state", "RUNNING")
	w.post("/v2/workflows", one("x")).want(201)
	boss.put("/v2/maintenance", object("status", "RUNNING")).want(200)

	w.put("/v2/executions/"+busy, object("state", "PAUSED")).want(200)
	boss.put("/maintenance", object("status", "PAUSED")).want(200)
	w.until("/maintenance", "status", "PAUSED")
	boss.put("/maintenance", object("status", "RUNNING")).want(200)
	w.get("/v2/executions/"+busy).has("state", "PAUSED") // its user had paused it
}

func TestRoot(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{Info: []byte(`{"project": "cierzo"}`)})
	w.get("/").want(200).has("versions.0.id", "v2.0", "versions.0.status", "CURRENT", "versions.0.links.0.href", w.url+"/v2", "versions.0.links.0.rel", "self")
	w.get("/v2/").want(200).has("uri", w.url+"/v2")
	redirect := w.get("/v2").want(302)
	if redirect.header.Get("Location") != w.url+"/v2/" || redirect.text != fmt.Sprintf("302 Found\n\nThe resource was found at %s/v2/; you should be redirected automatically.  ", w.url) {
		t.Errorf("%v %q", redirect.header, redirect.text)
	}
	w.get("/info").want(200).has("project", "cierzo")
	open(t, node.Config{}).get("/info").refused(400, "Info endpoint disabled.")
	w.get("/healthcheck").want(200).has("store", "memory")
	w.do("HEAD", "/healthcheck", nil).want(200)
	text := w.get("/metrics").want(200).text
	for want, times := range map[string]int{
		"# HELP cierzo_turns_total Turns of executions that were computed.\n# TYPE cierzo_turns_total counter\ncierzo_turns_total ": 1, "# TYPE cierzo_watchdog_repairs_total counter\n": 1,
		`cierzo_watchdog_repairs_total{cause="runner_lost"} 0`: 1, "# TYPE cierzo_watchdog_stalled gauge\n": 1,
		"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ": 1, "\nprocess_resident_memory_bytes ": 1, "\ngo_goroutines ": 1,
	} {
		if strings.Count(text, want) != times {
			t.Errorf("metrics have %q %d times, want %d:\n%s", want, strings.Count(text, want), times, text)
		}
	}
	w.get("/v2/services").refused(406, "Service API is not supported.")
	if id := w.get("/").header.Get("X-OpenStack-Request-ID"); !strings.HasPrefix(id, "req-") {
		t.Errorf("request id %q", id)
	}
}

func TestCronTriggerExtensions(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	const path = "/v2/cron_triggers"
	made := w.post(path, object("name", "z", "workflow_name", "fails", "pattern", "0 12 1 7 *", "tz", "Europe/Berlin", "catch_up", "skip")).want(201).has("tz", "Europe/Berlin", "catch_up", "skip")
	if next := made.at("next_execution_time"); !strings.HasSuffix(next, "-07-01 10:00:00") {
		t.Errorf("noon in Berlin comes at %s UTC", next)
	}
	w.get(path+"/z").want(200).has("tz", "Europe/Berlin", "recent_runs", "-", "ticks", "-", "last_error", "-")
	w.post(path, object("name", "plain", "workflow_name", "fails", "pattern", "0 12 1 7 *")).want(201).has("tz", "-", "catch_up", "-")
	for _, c := range []struct{ field, v, text string }{
		{"tz", "Mars/Olympus", "is no time zone"},
		{"tz", "Local", "differs from machine to machine"},
		{"tz", "../../etc/passwd", "is no time zone"},
		{"catch_up", "always", "is none of once, skip, all"},
	} {
		w.post(path, object("name", "bad", "workflow_name", "fails", "pattern", "* * * * *", c.field, c.v)).refused(400, c.text)
	}
	w.post(path, object("name", "bad", "workflow_name", "fails", "pattern", "* * * * *", "tz", 5)).refused(400, "tz")

	// A trigger of each second fires, shows its runs, and goes after the last.
	w.post(path, object("name", "s", "workflow_name", "hello", "workflow_input", object("name", "x"), "pattern", "* * * * * *", "remaining_executions", 2)).want(201)
	w.post(path, object("name", "lost", "workflow_name", "hello", "workflow_input", object("name", "x"), "workflow_params", object("env", "none"), "pattern", "* * * * * *")).want(201)
	eventually(t, "the counted trigger to go", func() bool { return w.get(path+"/s").status == 404 })
	w.get("/v2/executions?workflow_name=hello").want(200).has("executions.#", "2")
	if about := w.get("/v2/executions?workflow_name=hello").at("executions.0.description"); !strings.Contains(about, "created by cron trigger") {
		t.Errorf("description %q", about)
	}
	eventually(t, "the failure to show", func() bool { return w.get(path+"/lost").at("last_error") != "-" })
	w.get(path+"/lost").has("last_error", "Environment is not found: none", "recent_runs.0.outcome", "failed", "recent_runs.0.execution_id", "-", "ticks.started", "0")
	w.get("/metrics").want(200)
	w.remove(path + "/lost").want(204)
}

// eventually waits for something that a node does by itself.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestPostEvent(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.define(flows)
	const path = "/v2/event_engine/events"
	hello := w.get("/v2/workflows/hello").at("id")
	trigger := w.post("/v2/event_triggers", object("name", "t", "workflow_id", hello, "workflow_input", object("name", "x"), "exchange", "x", "topic", "t", "event", "thing.made")).want(201).at("id")
	event := object("event_type", "thing.made", "message_id", "m-1", "publisher_id", "svc", "payload", object("a", 1))
	first := w.post(path, event).want(200).has("id", "m-1", "triggers.#", "1", "triggers.0.trigger_id", trigger, "triggers.0.trigger_name", "t")
	id := first.at("triggers.0.execution_id")
	w.post(path, event).want(200).has("triggers.0.execution_id", id)
	w.get("/v2/executions").has("executions.#", "1")
	w.get("/v2/executions/"+id).want(200).has("params.event_params.service", "svc", "params.event_params.project_id", "<default-project>")
	w.post(path, object("event_type", "thing.lost")).want(200).has("triggers", "[]")
	w.post(path, object("event_type", "thing.made", "exchange", "other")).want(200).has("triggers", "[]")
	for _, c := range []struct {
		body any
		text string
	}{
		{object(), "event_type"},
		{object("event_type", ""), "event_type"},
		{object("event_type", 5), "event_type"},
		{object("event_type", strings.Repeat("x", 256)), "longer than 255 bytes"},
		{object("event_type", "x", "message_id", strings.Repeat("x", 256)), "longer than 255 bytes"},
		{object("event_type", "x", "context", []int{1}), "context"},
		{object("event_type", "x", "nosuch", 1), "Unknown attribute for argument event: nosuch"},
	} {
		w.post(path, c.body).refused(400, c.text)
	}
	w.post(path+"?x=1", event).refused(400, "Unknown argument")
	w.get(path).want(405)
	w.post("/v2/event_triggers", object("name", "bad", "workflow_id", hello, "workflow_input", object("name", "x"), "workflow_params", object("env", "none"), "exchange", "x", "topic", "t", "event", "bad")).want(201)
	w.post(path, object("event_type", "bad")).want(200).has("triggers.0.execution_id", "null", "triggers.0.error", "Environment is not found: none")
	w.get("/v2/event_triggers?name=bad").has("event_triggers.0.last_error", "Environment is not found: none")
}

// TestEventsOfProjects: who has a token sends events of the own project, whatever the event says.
func TestEventsOfProjects(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{Authorize: byHeader})
	a, b := w.as("X-Project-Id", "a"), w.as("X-Project-Id", "b")
	admin := w.as("X-Project-Id", "ops", "X-Roles", "admin")
	for _, p := range []*world{a, b} {
		p.define(flows)
		p.post("/v2/event_triggers", object("name", "t", "workflow_id", p.get("/v2/workflows/fails").at("id"), "exchange", "x", "topic", "t", "event", "e")).want(201)
	}
	event := object("event_type", "e", "message_id", "m", "context", object("project_id", "b"))
	a.post("/v2/event_engine/events", event).want(200).has("id", "m", "triggers.#", "1")
	a.get("/v2/executions").has("executions.#", "1")
	b.get("/v2/executions").has("executions.#", "0")
	admin.post("/v2/event_engine/events", event).want(200).has("triggers.#", "1")
	b.get("/v2/executions").has("executions.#", "1")
	a.get("/v2/executions").has("executions.#", "1")
}

func TestSignedEvents(t *testing.T) {
	t.Parallel()
	secret := "0123456789abcdef-secret"
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte("another-secret-of-ours\n"+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, node.Config{Authorize: byHeader, Triggers: node.TriggersConfig{SecretsFile: file}})
	a := w.as("X-Project-Id", "a")
	a.define(flows)
	a.post("/v2/event_triggers", object("name", "t", "workflow_id", a.get("/v2/workflows/fails").at("id"), "exchange", "x", "topic", "t", "event", "e")).want(201)
	body := json.RawMessage(`{"event_type": "e", "context": {"project_id": "a"}}`)
	sign := func(secret, text string) []byte {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	standard := func(secret, id string, at time.Time) *world {
		stamp := strconv.FormatInt(at.Unix(), 10)
		return w.as("Webhook-Id", id, "Webhook-Timestamp", stamp,
			"Webhook-Signature", "v1a,nonsense v1,"+base64.StdEncoding.EncodeToString(sign(secret, id+"."+stamp+"."+string(body))))
	}
	const path = "/v2/event_engine/events"
	id := standard(secret, "e-1", time.Now()).post(path, body).want(200).has("id", "e-1", "triggers.#", "1").at("triggers.0.execution_id")
	standard(secret, "e-1", time.Now()).post(path, body).want(200).has("triggers.0.execution_id", id)
	a.get("/v2/executions").has("executions.#", "1")
	standard("another-secret-of-ours", "e-2", time.Now()).post(path, body).want(200).has("triggers.#", "1")
	w.as("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sign(secret, string(body)))).post(path, body).want(200).has("triggers.#", "1")

	standard("wrong", "e-3", time.Now()).post(path, body).refused(401, "no secret of this server gives it")
	standard(secret, "e-3", time.Now().Add(-time.Hour)).post(path, body).refused(401, "older than")
	standard(secret, "e-3", time.Now().Add(time.Hour)).post(path, body).refused(401, "in the future")
	standard(secret, "e-3", time.Now()).post(path, json.RawMessage(`{"event_type": "other"}`)).refused(401, "no secret")
	w.as("Webhook-Signature", "v1,x").post(path, body).refused(401, "Webhook-Id")
	w.as("X-Hub-Signature-256", "sha256=zz").post(path, body).refused(401, "no secret")
	a.get("/v2/executions").has("executions.#", "3")
	a.post(path, body).want(200).has("triggers.#", "1") // a token still will do
}

// TestSecretsWithoutAuthentication: with a secret and nobody authenticating, events must be signed.
func TestSecretsWithoutAuthentication(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, node.Config{Triggers: node.TriggersConfig{SecretsFile: file}})
	w.post("/v2/event_engine/events", object("event_type", "e")).refused(401, "there is none")
	w.get("/v2/workflows").want(200)
}
