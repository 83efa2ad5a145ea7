package workflow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cierzo/workflow"
)

const authText = `
version: '2.0'
main:
  tasks:
    a: {action: std.async_noop, on-success: b}
    b: {workflow: below}
below:
  tasks:
    c: {action: std.async_noop}
`

// TestAuth: what leaves an execution has the right of who started it, or of who had it go on; success erases the token.
func TestAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reload = true
	if err := w.define("workflow", "", authText, false); err != nil {
		t.Fatal(err)
	}
	used := map[string]string{} // the token of each task
	w.log = func(_ workflow.ExecutionID, s workflow.Send) {
		switch s := s.(type) {
		case workflow.Dispatch:
			used[s.Task] = s.Auth.Token
		case workflow.StartChild:
			used["below"] = s.Auth.Token
		}
	}
	right := func(token, project string) *workflow.CloudAuth {
		return &workflow.CloudAuth{Token: token, AuthURL: "http://k", Project: project, Region: "west"}
	}
	const id = workflow.ExecutionID("00000000-0000-4000-8000-000000000001")
	d := w.find("workflow", "", "main")
	if err := w.create(d, workflow.Spec{ID: id, ProjectID: "p", DefinitionID: d.id, Auth: right("s3cret-1", "p")}); err != nil {
		t.Fatal(err)
	}
	token := func(id workflow.ExecutionID) string { return w.execs[id].data.Auth.Token }
	command := func(id workflow.ExecutionID, auth *workflow.CloudAuth, op workflow.Op) error {
		w.seed++
		return w.step(id, workflow.Command{RequestID: fmt.Sprint(w.seed), Op: op, Auth: auth})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	other := right("s3cret-admin", "ops")
	if err := command(id, right("s3cret-x", "p"), workflow.Rerun{Task: "none"}); err == nil || token(id) != "s3cret-1" {
		t.Errorf("a refused command: %v", err)
	}
	must(command(id, right("s3cret-x", "p"), workflow.Pause{}))
	must(command(id, other, workflow.Resume{}))
	must(command(id, nil, workflow.Pause{}))
	must(command(id, nil, workflow.Resume{}))
	if token(id) != "s3cret-1" {
		t.Errorf("pauses, and administrators of other projects, change the right")
	}
	must(command(id, nil, workflow.Pause{}))
	must(command(id, right("s3cret-2", "p"), workflow.Resume{}))
	must(command(id, nil, workflow.CompleteAction{Action: w.execs[id].actions[0].ID, State: workflow.Success}))
	child := workflow.ExecutionID(w.execs[id].actions[1].ID)
	if got := fmt.Sprint(used); got != "map[a:s3cret-1 below:s3cret-2 c:s3cret-2]" || token(child) != "s3cret-2" {
		t.Errorf("used %s", got)
	}
	must(command(child, nil, workflow.Stop{State: workflow.Success}))
	data := w.execs[child].data
	if token(child) != "" || data.Auth.Project != "p" || token(id) != "s3cret-2" {
		t.Errorf("success leaves %q, and of the parent %q", token(child), token(id))
	}
	text, err := json.Marshal(w.execs[id].data.Auth)
	must(err)
	all := fmt.Sprintf("%s %v %+v %#v %d %x", text, *w.execs[id].data, w.execs[id].data, *w.execs[id].data.Auth, w.execs[id].data.Auth, w.execs[id].history)
	if strings.Contains(all, "s3cret") || !strings.Contains(all, "west") {
		t.Errorf("the token is shown: %s", all)
	}
}
