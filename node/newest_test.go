package node_test

import (
	"strings"
	"testing"

	"cierzo/fault"
	"cierzo/internal/dbtest"
	"cierzo/node"
	"cierzo/persistence"
)

// TestNewestRevision: a start by name is of the newest revision, also when another node has uploaded it and this one remembers the one
// before: what that would refuse is not refused, and what is deleted isn't there.
func TestNewestRevision(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	open := func() *node.Node { return start(t.Context(), t, node.Config{Store: dsn, Bind: "127.0.0.1:0"}) }
	here, there := open(), open()
	const text = "version: '2.0'\nflow:\nINPUT  output: {said: REVISION}\n  tasks:\n    t: {action: std.noop}\n"
	upload := func(n *node.Node, input, revision string) {
		t.Helper()
		if _, err := n.Upload(t.Context(), "w.yaml", []byte(strings.NewReplacer("INPUT", input, "REVISION", revision).Replace(text))); err != nil {
			t.Fatal(err)
		}
	}
	run := func(input map[string]any, want string) {
		t.Helper()
		e, err := here.Run(t.Context(), node.StartRequest{Workflow: "flow", Input: input})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.Output); !strings.Contains(got, want) {
			t.Errorf("output %s, want the one of %s", got, want)
		}
	}
	upload(here, "", "one")
	run(nil, "one")
	run(nil, "one")
	upload(there, "", "two")
	run(nil, "two")
	upload(there, "  input: [x]\n", "three")
	if _, err := here.Start(t.Context(), node.StartRequest{Workflow: "flow"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without its input: %v", err)
	}
	run(map[string]any{"x": 1}, "three")
	upload(there, "", "four")
	run(nil, "four") // three, which is remembered, refuses it
	upload(there, "  input: [x]\n", "five")
	run(map[string]any{"x": 1}, "five") // four, which is remembered, refuses it
	key := persistence.DefinitionKey{ProjectID: node.DefaultProject, Kind: persistence.WorkflowDefinition, Name: "flow"}
	if err := there.Store().DeleteDefinition(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := here.Start(t.Context(), node.StartRequest{Workflow: "flow", Input: map[string]any{"x": 1}}); !fault.Is(err, fault.NotFound) {
			t.Errorf("when it is deleted: %v", err)
		}
	}
	upload(there, "", "six")
	run(nil, "six")
}
