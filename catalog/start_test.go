package catalog_test

import (
	"fmt"
	"slices"
	"testing"

	"cierzo/actions"
	"cierzo/catalog"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
)

// node is one process' catalog of a shared store.
type node struct {
	*catalog.Catalog
	t     *testing.T
	store *memstore.Store
}

func shared(t *testing.T, n int) []*node {
	t.Helper()
	store := memstore.New(memstore.Config{})
	var nodes []*node
	for range n {
		c := catalog.New(store, actions.NewRegistry())
		c.Shared = true
		nodes = append(nodes, &node{Catalog: c, t: t, store: store})
	}
	return nodes
}

var key = persistence.DefinitionKey{Kind: persistence.WorkflowDefinition, ProjectID: "p", Name: "w"}

// upload gives a workflow of the project a new revision.
func (n *node) upload(project, scope string, revision int) {
	n.t.Helper()
	text := fmt.Sprintf("version: '2.0'\nw:\n  tags: [revision %d]\n  tasks:\n    a: {action: std.noop}\n", revision)
	if _, err := n.Upload(n.t.Context(), catalog.Upload{ProjectID: project, Scope: scope, Mode: catalog.Put, File: "w.yaml", Text: []byte(text)}); err != nil {
		n.t.Fatal(err)
	}
}

// begin starts the workflow as a node does; the transaction that would write the execution finds a remembered revision outdated if it isn't
// the newest. It returns the revision that is begun, and what the store was asked.
func (n *node) begin() (revision string, asked []string) {
	n.t.Helper()
	ctx := n.t.Context()
	newest := func() string {
		def, err := n.store.FindDefinition(ctx, key)
		if err != nil {
			n.t.Fatal(err)
		}
		return def.ID
	}()
	n.store.Inject(func(op string, _ int) memstore.Fault {
		asked = append(asked, op)
		return memstore.Fault{}
	})
	defer n.store.Inject(nil)
	err := catalog.Begin(func(fresh bool) (catalog.Start, error) {
		def, remembered, err := n.ToStart(ctx, key, fresh)
		if err != nil {
			return catalog.Start{}, err
		}
		s, err := n.NewStart(ctx, "p", def, nil, nil)
		s.Newest, revision = remembered, def.Tags[0]
		return s, err
	}, func(s catalog.Start) error {
		if s.Newest && s.DefinitionID != newest {
			return persistence.ErrOutdated
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return revision, asked
}

func (n *node) expect(what, revision string, finds int) {
	n.t.Helper()
	got, asked := n.begin()
	found := len(slices.DeleteFunc(asked, func(op string) bool { return op != "FindDefinition" }))
	if got != revision || found != finds {
		n.t.Errorf("%s: %q after %d questions, want %q after %d", what, got, found, revision, finds)
	}
}

// TestStartsAskForTheNewestRevisionOnce: a process asks when it starts a workflow for the first time, and again when somebody else has
// changed it. The revision itself never changes; stores keep it in memory.
func TestStartsAskForTheNewestRevisionOnce(t *testing.T) {
	t.Parallel()
	nodes := shared(t, 2)
	a, b := nodes[0], nodes[1]
	a.upload("p", "private", 1)
	b.expect("first", "revision 1", 1)
	for range 3 {
		b.expect("again", "revision 1", 0)
	}
	a.upload("p", "private", 2)
	b.expect("changed elsewhere", "revision 2", 1)
	b.expect("again", "revision 2", 0)
}

// TestStartsOfAPublicWorkflowAskEachTime: the project may have got one of its own, which no assertion about the public one would say.
func TestStartsOfAPublicWorkflowAskEachTime(t *testing.T) {
	t.Parallel()
	nodes := shared(t, 2)
	nodes[0].upload("other", "public", 1)
	for range 2 {
		nodes[1].expect("public", "revision 1", 1)
	}
	nodes[0].upload("p", "private", 2)
	nodes[1].expect("the project's own", "revision 2", 1)
	nodes[1].expect("again", "revision 2", 0)
}
