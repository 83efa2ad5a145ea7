package catalog

import (
	"context"
	"testing"

	"cierzo/actions"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
)

// asked counts lookups.
type asked struct {
	persistence.Store
	definitions, versions int
}

func (a *asked) FindDefinition(ctx context.Context, k persistence.DefinitionKey) (*persistence.Definition, error) {
	a.definitions++
	return a.Store.FindDefinition(ctx, k)
}

func (a *asked) DefinitionsVersion(ctx context.Context) (uint64, error) {
	a.versions++
	return a.Store.DefinitionsVersion(ctx)
}

// TestLookupsAreRemembered: what is there and what isn't, until somebody says that the version isn't the present one.
func TestLookupsAreRemembered(t *testing.T) {
	t.Parallel()
	registry := actions.NewRegistry()
	noop := actions.Action{Name: "std.noop", Run: func(context.Context, *actions.Call) actions.Result { return actions.Deferred() }}
	if err := registry.Register(noop); err != nil {
		t.Fatal(err)
	}
	store := &asked{Store: memstore.New(memstore.Config{})}
	upload := func(text string) {
		t.Helper()
		if _, err := New(store.Store, registry).Upload(t.Context(), Upload{Mode: Put, ProjectID: "p", File: "a.yaml", Text: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	c := New(store, registry)
	c.Shared = true
	// turn looks mine up, once by itself and once through others, and what isn't there.
	turn := func(fresh bool) (description string, version uint64) {
		t.Helper()
		facts, asserted := c.Facts(t.Context(), fresh)
		if v := asserted(); v != 0 {
			t.Errorf("version %d is asserted before anything was looked up", v)
		}
		if _, err := facts.Action("p", "", "std.noop"); err != nil || asserted() != 0 {
			t.Errorf("a built-in action: %v, version %d", err, asserted())
		}
		for range 2 {
			if spec, err := facts.Action("p", "space", "none"); spec != nil || err != nil {
				t.Errorf("what isn't there: %v, %v", spec, err)
			}
		}
		spec, err := facts.Action("p", "", "derived")
		if err != nil || spec == nil {
			t.Fatalf("derived: %v, %v", spec, err)
		}
		return spec.Base.AdHoc.Description, asserted()
	}
	want := func(what string, definitions, versions int) {
		t.Helper()
		if store.definitions != definitions || store.versions != versions {
			t.Errorf("%s: %d questions for definitions, %d for the version; want %d and %d", what, store.definitions, store.versions, definitions, versions)
		}
		store.definitions, store.versions = 0, 0
	}
	upload("version: '2.0'\nmine: {base: std.noop, description: one}\nderived: {base: mine}\n")
	_, first := turn(false)
	want("the first turn", 4, 1) // none in its namespace and in the default one, derived, mine
	if text, v := turn(false); text != "one" || v != first || v == 0 {
		t.Errorf("the second turn: %q, version %d, that of the first %d", text, v, first)
	}
	want("the second turn", 0, 0)

	upload("version: '2.0'\nmine: {base: std.noop, description: two}\n")
	if text, v := turn(false); text != "one" || v != first {
		t.Errorf("nobody has said that it changed: %q, version %d", text, v)
	}
	if text, v := turn(true); text != "two" || v != 0 {
		t.Errorf("afresh: %q, version %d", text, v)
	}
	store.definitions, store.versions = 0, 0
	c.Outdated(first)
	text, second := turn(false)
	if text != "two" || second <= first {
		t.Errorf("after it was said: %q, version %d after %d", text, second, first)
	}
	want("after it was said", 4, 1)
	c.Outdated(first) // by a turn that comes late
	turn(false)
	want("after it was said once more", 0, 0)
}
