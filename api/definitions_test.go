package api_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"cierzo/node"
)

const two = "version: '2.0'\none:\n  input: [x, {y: 2}, {z: text}]\n  output: {o: <% $.x %>}\n  tags: [a, b]\n  tasks:\n    t: {action: std.noop}\nother:\n  tasks:\n    t: {action: std.noop}\n"

func one(text string) string {
	return "version: '2.0'\none:\n  description: " + text + "\n  tasks:\n    t: {action: std.noop}\n"
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	sum := md5.Sum([]byte(two))
	made := w.post("/v2/workflows", two).want(201).has(
		"workflows.#", "2", "workflows.0.name", "one", "workflows.0.namespace", "", "workflows.0.input", `x, y="2", z="text"`,
		"workflows.0.interface", `{"input":["x",{"y":2},{"z":"text"}],"output":["o"]}`, "workflows.0.definition", two,
		"workflows.0.checksum", hex.EncodeToString(sum[:]), "workflows.0.tags", `["a","b"]`, "workflows.0.scope", "private",
		"workflows.0.project_id", "<default-project>", "workflows.0.updated_at", "-", "workflows.1.input", "")
	id := made.at("workflows.0.id")
	w.post("/v2/workflows", two).refused(409, "Duplicate entry for WorkflowDefinition ['name', 'namespace', 'project_id']: one, , <default-project>")
	w.get("/v2/workflows/one").want(200).has("id", id, "updated_at", "null", "interface", `{"input": ["x", {"y": 2}, {"z": "text"}], "output": ["o"]}`)
	w.get("/v2/workflows/"+id).want(200).has("name", "one")
	w.get("/v2/workflows/"+id+"?fields=name").want(200).has("name", "one", "id", id, "definition", "-")
	w.get("/v2/workflows/").want(200).has("workflows.#", "2")
	w.get("/workflowv2/v2/workflows").want(200).has("workflows.#", "2")
	w.get("/v2/workflows/none").refused(404, "Workflow not found [workflow_identifier=none, namespace=]")

	w.put("/v2/workflows", one("new")).want(200).has("workflows.#", "1", "workflows.0.id", id)
	w.get("/v2/workflows/one").has("definition", one("new"), "created_at", made.at("workflows.0.created_at"))
	if got := w.get("/v2/workflows/one").at("updated_at"); got == "null" {
		t.Error("no time of the update")
	}
	w.put("/v2/workflows", strings.Replace(one("x"), "one:", "none:", 1)).refused(404, "Workflow not found")

	renamed := strings.Replace(one("x"), "one:", "uno:", 1)
	w.put("/v2/workflows/"+id, renamed).want(200).has("name", "uno", "id", id)
	w.get("/v2/workflows/one").refused(404, "")
	w.get("/v2/workflows/"+id).want(200).has("name", "uno")
	w.put("/v2/workflows/"+id, strings.Replace(one("x"), "one:", "other:", 1)).refused(409, "Duplicate entry")
	w.put("/v2/workflows/"+id, two).refused(400, "More than one workflows are not supported for update")
	w.remove("/v2/workflows/uno").want(204)
	w.get("/v2/workflows/"+id).refused(404, "Workflow not found")
	w.remove("/v2/workflows/uno").refused(404, "Workflow not found")
	w.remove("/v2/workflows").refused(400, `Missing argument: "id"`)
}

func TestWorkflowNamespacesAndScopes(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.post("/v2/workflows?namespace=ns", one("in ns")).want(201).has("workflows.0.namespace", "ns")
	w.post("/v2/workflows", one("default")).want(201)
	w.get("/v2/workflows/one?namespace=ns").want(200).has("definition", one("in ns"))
	w.get("/v2/workflows/one?namespace=none").refused(404, "[workflow_identifier=one, namespace=none]")
	w.get("/v2/workflows?namespace=ns").has("workflows.#", "1")
	w.remove("/v2/workflows/one?namespace=ns").want(204)
	w.get("/v2/workflows").has("workflows.#", "1")
	public := strings.Replace(one("p"), "one:", "pub:", 1)
	w.post("/v2/workflows?scope=public", public).refused(403, "Operation forbidden")
	w.post("/v2/workflows?scope=foo", public).refused(400, "Scope must be one of the following: {'private', 'public'}; actual: foo")
	w.admin().post("/v2/workflows?scope=public", public).want(201).has("workflows.0.scope", "public")
}

func TestWorkflowLists(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	for i := range 5 {
		tags := "[all]"
		if i%2 == 0 {
			tags = "[all, even]"
		}
		w.define(fmt.Sprintf("version: '2.0'\nw%d:\n  tags: %s\n  tasks:\n    t: {action: std.noop}\n", i, tags))
	}
	for query, want := range map[string]string{
		"":                                        "w0 w1 w2 w3 w4",
		"sort_keys=name&sort_dirs=desc":           "w4 w3 w2 w1 w0",
		"name=w3":                                 "w3",
		"name=eq:w3":                              "w3",
		"name=neq:w3&sort_keys=name":              "w0 w1 w2 w4",
		"name=in:w1,w4&sort_keys=name":            "w1 w4",
		"name=nin:w1,w4&sort_keys=name":           "w0 w2 w3",
		"name=gt:w2&sort_keys=name":               "w3 w4",
		"name=gte:w2&sort_keys=name":              "w2 w3 w4",
		"name=lt:w2&sort_keys=name":               "w0 w1",
		"name=lte:w2&sort_keys=name":              "w0 w1 w2",
		"name=has:3":                              "w3",
		"name=xx:w3":                              "",
		"tags=even&sort_keys=name":                "w0 w2 w4",
		"tags=even,all&sort_keys=name":            "w0 w2 w4",
		"tags=even,none":                          "",
		"created_at=gt:2020-01-01&sort_keys=name": "w0 w1 w2 w3 w4",
		"created_at=lt:2020-01-01 00:00:00":       "",
		"project_id=other":                        "",
		"scope=private&limit=2&sort_keys=name":    "w0 w1",
		"definition=has:w2:":                      "w2",
	} {
		query = strings.ReplaceAll(query, " ", "%20")
		if query == "" {
			query = "sort_keys=name"
		}
		if got := w.get("/v2/workflows?"+query).want(200).column("workflows", "name"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	first := w.get("/v2/workflows?limit=2&sort_keys=name&name=nin:w1&fields=name").want(200)
	last := first.at("workflows.1.id")
	want := w.url + "/v2/workflows?sort_keys=name,id&sort_dirs=asc,asc&name=nin:w1&limit=2&marker=" + last + "&fields=id,name"
	first.has("next", want, "workflows.0.definition", "-")
	second := w.get(strings.TrimPrefix(want, w.url)).want(200)
	if got := second.column("workflows", "name"); got != "w3 w4" {
		t.Errorf("second page: %s", got)
	}
	third := w.get(strings.TrimPrefix(second.at("next"), w.url)).want(200).has("workflows.#", "0", "next", "-")
	_ = third
	w.get("/v2/workflows?marker=11111111-2222-3333-4444-555555555555").refused(404, "is not in the list of workflows")
}

const book = `version: '2.0'
name: book
tags: [b]
workflows:
  w:
    tasks:
      t: {action: act}
actions:
  act:
    base: std.echo output="<% $.x %>"
    input: [x: 1]
`

func TestWorkbooks(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	made := w.post("/v2/workbooks", book).want(201).has("name", "book", "definition", book, "tags", `["b"]`, "scope", "private", "updated_at", "-")
	w.post("/v2/workbooks", book).refused(409, "Duplicate entry for Workbook")
	w.get("/v2/workbooks/book").want(200).has("id", made.at("id"), "updated_at", "null")
	w.get("/v2/workbooks/book?fields=name").has("definition", "-", "name", "book")
	w.get("/v2/workbooks?name=book").has("workbooks.#", "1")
	w.get("/v2/workflows/book.w").want(200).has("checksum", "null", "name", "book.w")
	w.get("/v2/actions/book.act").want(200).has("input", "x=1")
	w.put("/v2/workbooks", strings.Replace(book, "tags: [b]", "tags: [c]", 1)).want(200).has("tags", `["c"]`)
	w.put("/v2/workbooks", strings.Replace(book, "name: book", "name: nobook", 1)).refused(404, "Workbook not found [name=nobook, namespace=]")
	w.post("/v2/workbooks/validate", book).want(200).has("valid", "true", "error", "-")
	w.post("/v2/workbooks/validate", "version: '2.0'\n").want(200).has("valid", "false")
	w.get("/v2/workbooks/zz").refused(404, "Workbook not found [name=zz, namespace=]")
	w.remove("/v2/workbooks/book").want(204)
	w.remove("/v2/workbooks/book").refused(404, "Workbook not found")
	w.remove("/v2/workbooks").refused(400, "Missing argument")
}

const act = "version: '2.0'\nact:\n  description: an action\n  input: [a, b: 2]\n  tags: [x]\n  base: std.noop\n"

func TestActions(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	made := w.post("/v2/actions", act).want(201).has("actions.0.name", "act", "actions.0.input", "a, b=2", "actions.0.is_system", "false",
		"actions.0.description", "an action", "actions.0.tags", `["x"]`, "actions.0.definition", act, "actions.0.updated_at", "-")
	w.post("/v2/actions", act).refused(409, "Duplicate entry for ActionDefinition")
	w.get("/v2/actions/act").want(200).has("id", made.at("actions.0.id"), "updated_at", "null")
	w.get("/v2/actions/std.echo").want(200).has("id", "std.echo", "input", "output, delay=0", "scope", "null", "definition", "", "project_id", "null")
	w.get("/v2/actions/nosuch").refused(404, "Action not found [name=nosuch, namespace=]")
	w.get("/v2/actions?name=act").has("actions.#", "1")
	w.get("/v2/actions?is_system=true").want(200).has("actions.#", "0")
	w.get("/v2/actions?name=has:std.&limit=2").want(200).has("actions.#", "2")
	if got := w.get("/v2/actions?marker=std.echo&limit=1").want(200).at("actions.0.name"); got <= "std.echo" {
		t.Errorf("behind the marker is %s", got)
	}
	w.put("/v2/actions", strings.Replace(act, "an action", "changed", 1)).want(200).has("actions.0.description", "changed")
	w.put("/v2/actions?identifier="+made.at("actions.0.id"), strings.Replace(act, "act:", "akt:", 1)).want(200).has("actions.0.name", "akt")
	w.put("/v2/actions/akt", act).want(200).has("actions.0.name", "act", "actions.0.id", made.at("actions.0.id"))
	w.put("/v2/actions", "version: '2.0'\nstd.echo:\n  base: std.noop\n").refused(404, "Action definition not found [action_name=std.echo, namespace=]")
	w.remove("/v2/actions/std.echo").refused(404, "Action definition not found [action_name=std.echo, namespace=]")
	w.post("/v2/actions?namespace=ns", act).want(201)
	w.get("/v2/actions/act/ns").want(200).has("namespace", "ns")
	w.remove("/v2/actions/act/ns").want(204)
	w.remove("/v2/actions/act/").want(204)
	w.remove("/v2/actions/act").refused(404, "Action definition not found [action_name=act, namespace=]")
	w.remove("/v2/actions").refused(400, "Missing argument")
	w.post("/v2/actions/validate", act).want(200).has("valid", "true")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	w.post("/v2/workflows/validate", two).want(200).has("valid", "true", "error", "-")
	bad := w.post("/v2/workflows/validate", "version: '2.0'\nw:\n  tasks:\n    t: {on-success: u}\n").want(200).has("valid", "false")
	if !strings.Contains(bad.at("error"), "Task 'u' not found") {
		t.Error(bad.text)
	}
	w.get("/v2/workflows").has("workflows.#", "0")
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{})
	made := w.post("/v2/environments", object("name", "e", "description", "d", "variables", `{"a": 1}`)).want(201).has(
		"name", "e", "description", "d", "variables", `{"a": 1}`, "scope", "private", "updated_at", "-")
	w.post("/v2/environments", object("name", "e")).refused(409, "Duplicate entry for Environment ['name', 'project_id']: e, <default-project>")
	w.get("/v2/environments/e").want(200).has("id", made.at("id"), "updated_at", "null")
	w.get("/v2/environments/e?fields=name").has("variables", "-")
	w.put("/v2/environments", object("name", "e", "variables", object("b", 2))).want(200).has("variables", `{"b": 2}`, "description", "d")
	w.put("/v2/environments", object("name", "e", "description", "new")).want(200).has("variables", `{"b": 2}`, "description", "new")
	if w.get("/v2/environments/e").at("updated_at") == "null" {
		t.Error("no time of the update")
	}
	w.post("/v2/environments", object("name", "bare")).want(201).has("description", "-", "variables", "-")
	w.get("/v2/environments?name=in:e,bare").want(200).has("environments.#", "2")
	w.put("/v2/environments", object("name", "zz")).refused(404, "Environment not found [name=zz]")
	w.put("/v2/environments", object("variables", "{}")).refused(400, "Name of the environment is not provided.")
	w.post("/v2/environments", object("variables", "{}")).refused(400, "Name of the environment is not provided.")
	w.post("/v2/environments", object("name", "x", "variables", "[1]")).refused(400, "JsonType field value must be a dictionary [actual=[1]]")
	w.post("/v2/environments", object("name", "x", "variables", []int{1})).refused(400, "the JSON object must be str, bytes or bytearray, not list")
	w.post("/v2/environments", object("name", "x", "id", "1")).refused(400, "Please, check your environment definition")
	w.post("/v2/environments", object("name", "x", "foo", 1)).refused(400, "Unknown attribute for argument env: foo")
	w.post("/v2/environments", object("name", "x", "scope", "public")).refused(403, "forbidden")
	w.remove("/v2/environments/e").want(204)
	w.remove("/v2/environments/e").refused(404, "Environment not found [name=e]")
	w.remove("/v2/environments").refused(400, "Missing argument")
}

// TestRevisions keeps, shows, compares and restores what definitions have said.
func TestRevisions(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{}).as("X-User-Id", "ana")
	w.post("/v2/workflows", one("first")).want(201)
	w.put("/v2/workflows", one("second")).want(200)
	w.put("/v2/workflows", one("second")).want(200) // nothing new
	w.put("/v2/workflows", one("third")).want(200)
	w.get("/v2/workflows/one/revisions").want(200).has("revisions.#", "3", "revisions.0.revision", "1", "revisions.2.created_by", "ana", "revisions.0.definition", "-")
	w.get("/v2/workflows/one/revisions?limit=1&marker=1").want(200).has("revisions.#", "1", "revisions.0.revision", "2")
	w.get("/v2/workflows/one/revisions/1").want(200).has("definition", one("first"))
	w.get("/v2/workflows/one/revisions/9").refused(404, "has no revision 9; the newest is 3")
	w.get("/v2/workflows/one/diff").want(200).has("from", "2", "to", "3", "diff",
		"@@ -1,5 +1,5 @@\n version: '2.0'\n one:\n-  description: second\n+  description: third\n   tasks:\n     t: {action: std.noop}\n")
	w.get("/v2/workflows/one/diff?from=1&to=2").want(200).has("from", "1", "to", "2")
	w.get("/v2/workflows/one/diff?from=2&to=2").want(200).has("diff", "")
	w.get("/v2/workflows/one/diff?to=1").want(200).has("from", "0")

	id := w.start("one")
	w.post("/v2/workflows/one/revisions/1/restore", nil).want(200).has("revision", "4", "definition", one("first"))
	w.get("/v2/workflows/one").has("definition", one("first"))
	w.get("/v2/executions/"+id).want(200).has("workflow_id", w.get("/v2/workflows/one").at("id"))

	w.post("/v2/environments", object("name", "e", "variables", object("a", 1))).want(201)
	w.put("/v2/environments", object("name", "e", "variables", object("a", 2))).want(200)
	w.post("/v2/environments/e/revisions/1/restore", nil).want(200)
	w.get("/v2/environments/e").has("variables", `{"a": 1}`)
	w.get("/v2/environments/e/revisions").has("revisions.#", "3")
	w.get("/v2/environments/e/revisions/2").want(200)
	w.get("/v2/environments/e/diff").want(200)

	w.post("/v2/workbooks", book).want(201)
	w.put("/v2/workbooks", strings.Replace(book, "x: 1", "x: 2", 1)).want(200)
	w.get("/v2/actions/book.act").has("input", "x=2")
	w.post("/v2/workbooks/book/revisions/1/restore", nil).want(200).has("revision", "3")
	w.get("/v2/actions/book.act").has("input", "x=1")
	w.get("/v2/workbooks/book/revisions").want(200).has("revisions.#", "3")
	w.get("/v2/workbooks/book/revisions/1").want(200)
	w.get("/v2/workbooks/book/diff").want(200)

	w.post("/v2/actions", act).want(201)
	w.put("/v2/actions", strings.Replace(act, "b: 2", "b: 3", 1)).want(200)
	w.get("/v2/actions/act/revisions").want(200).has("revisions.#", "2")
	w.get("/v2/actions/act/revisions/1").want(200)
	w.get("/v2/actions/act/diff").want(200)
	w.post("/v2/actions/act/revisions/1/restore", nil).want(200)
	w.get("/v2/actions/act").has("input", "a, b=2")
}

// TestMembers shares a workflow of one project with another.
func TestMembers(t *testing.T) {
	t.Parallel()
	alone := open(t, node.Config{})
	made := alone.post("/v2/workflows", one("x")).want(201)
	alone.get("/v2/workflows/"+made.at("workflows.0.id")+"/members").refused(400, "Resource sharing feature can only be supported with authentication enabled.")

	w := open(t, node.Config{Authorize: byHeader})
	owner, guest, stranger := w.as("X-Project-Id", "owner"), w.as("X-Project-Id", "guest"), w.as("X-Project-Id", "stranger")
	id := owner.post("/v2/workflows", one("shared")).want(201).at("workflows.0.id")
	members := "/v2/workflows/" + id + "/members"
	guest.get("/v2/workflows/"+id).refused(404, "Workflow not found")
	guest.post(members, object("member_id", "guest")).refused(404, "Workflow not found")
	owner.post(members, object("member_id", "guest")).want(201).has("status", "pending", "resource_type", "workflow", "project_id", "owner", "member_id", "guest", "resource_id", id)
	owner.post(members, object("member_id", "guest")).refused(409, "Duplicate entry for ResourceMember")
	owner.post(members, object("member_id", "")).refused(400, "Member id must be provided.")
	owner.get(members).has("members.#", "1")
	stranger.get(members).has("members.#", "0")
	guest.get(members).has("members.#", "1")
	guest.get("/v2/workflows/one").refused(404, "")
	owner.put(members+"/guest", object("status", "accepted")).refused(404, "Resource member not found [resource_id="+id+", member_id=guest]")
	guest.remove(members+"/guest").refused(404, "Resource member not found")
	guest.put(members+"/guest", object("status", "maybe")).refused(400, "Value should be one of")
	guest.put(members+"/guest", object("status", "accepted")).want(200).has("status", "accepted")
	guest.get(members+"/guest").want(200).has("status", "accepted")
	stranger.get(members+"/guest").refused(404, "Resource member not found")
	guest.get("/v2/workflows/one").want(200).has("project_id", "owner")
	guest.get("/v2/workflows/" + id).want(200)
	guest.get("/v2/workflows").has("workflows.#", "1")
	guest.put("/v2/workflows/"+id, one("mine")).refused(403, "Can not access WorkflowDefinition resource of other projects, ID: "+id)
	guest.remove("/v2/workflows/"+id).refused(403, "Can not access WorkflowDefinition resource of other projects, ID: "+id)
	run := guest.post("/v2/executions?wait=20s", object("workflow_id", id)).want(201).has("state", "SUCCESS", "project_id", "guest")
	owner.get("/v2/executions/"+run.at("id")).refused(404, "WorkflowExecution not found")
	stranger.get("/v2/executions").has("executions.#", "0")
	owner.remove(members + "/guest").want(204)
	guest.get("/v2/workflows/one").refused(404, "")
	owner.get("/v2/workflows/one/members").refused(400, "Value should be UUID format")
	w.as("X-Project-Id", "owner", "X-Roles", "admin").post("/v2/workflows?scope=public", strings.Replace(one("p"), "one:", "pub:", 1)).want(201)
	public := owner.get("/v2/workflows/pub").at("id")
	guest.put("/v2/workflows", strings.Replace(one("p"), "one:", "pub:", 1)).refused(403, "Can not access WorkflowDefinition resource of other projects, ID: "+public)
	owner.post("/v2/workflows/"+public+"/members", object("member_id", "guest")).refused(400, "Only private resource could be shared.")
}

// TestProjects keeps projects apart, but from administrators.
func TestProjects(t *testing.T) {
	t.Parallel()
	w := open(t, node.Config{Authorize: byHeader})
	a, b := w.as("X-Project-Id", "a"), w.as("X-Project-Id", "b")
	boss := w.as("X-Project-Id", "boss", "X-Roles", "admin")
	for _, p := range []*world{a, b} {
		p.define(flows)
		p.run("hello", "input", object("name", "x"))
	}
	a.get("/v2/executions").has("executions.#", "1", "executions.0.project_id", "a")
	a.get("/v2/tasks").has("tasks.#", "1", "tasks.0.project_id", "a")
	a.get("/v2/action_executions").has("action_executions.#", "1")
	a.get("/v2/executions?all_projects=true").refused(403, "forbidden")
	a.get("/v2/executions?project_id=b").has("executions.#", "0")
	boss.get("/v2/executions").has("executions.#", "0")
	boss.get("/v2/executions?all_projects=true").has("executions.#", "2")
	boss.get("/v2/executions?project_id=b").has("executions.#", "1")
	boss.get("/v2/workflows?all_projects=true&name=hello").has("workflows.#", "2")
	// An administrator names what others have, as long as it is clear whose it is; what he starts by a name is his own.
	boss.get("/v2/workflows/hello").refused(409, "2 projects have a workflow hello: say which by its id")
	b.post("/v2/workflows", "version: '2.0'\nonly:\n  tasks: {t: {action: std.noop}}\n").want(201)
	b.post("/v2/cron_triggers", object("name", "tick", "workflow_name", "only", "pattern", "0 0 1 1 *")).want(201)
	a.get("/v2/workflows/only").refused(404, "Workflow not found")
	boss.get("/v2/workflows/only").want(200).has("project_id", "b")
	boss.post("/v2/executions", object("workflow_name", "only")).refused(404, "Workflow not found")
	boss.get("/v2/cron_triggers/tick").want(200)
	a.remove("/v2/cron_triggers/tick").refused(404, "Cron trigger not found")
	boss.remove("/v2/cron_triggers/tick").want(204)
	boss.remove("/v2/workflows/only").want(204)
	of := b.get("/v2/executions").at("executions.0.id")
	a.get("/v2/executions/"+of).refused(404, "WorkflowExecution not found")
	a.get("/v2/executions/"+of+"/tasks").has("tasks.#", "0")
	boss.get("/v2/executions/" + of).want(200)
	a.post("/v2/executions", object("workflow_name", "hello", "input", object("name", "x"), "id", of)).refused(409, "is taken")
	task := b.get("/v2/tasks").at("tasks.0.id")
	a.get("/v2/tasks/"+task).refused(404, "Task execution not found")
	action := b.get("/v2/action_executions").at("action_executions.0.id")
	a.get("/v2/action_executions/"+action).refused(404, "ActionExecution not found")
}
