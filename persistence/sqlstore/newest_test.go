package sqlstore

import (
	"testing"

	"cierzo/fault"
	"cierzo/persistence"
)

// TestAbsentDefinitionIsRemembered: a workbook's workflow looks for each action under the workbook's name first, in each turn.
func TestAbsentDefinitionIsRemembered(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteFile(t))
	k := persistence.DefinitionKey{ProjectID: "p1", Kind: persistence.ActionDefinition, Name: "book.std.echo"}
	absent := func(when string) {
		t.Helper()
		if _, err := s.FindDefinition(t.Context(), k); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", when, err)
		}
		if id, known, _ := s.newest.get(k); id != "" || !known {
			t.Errorf("%s: %q is remembered: %v", when, id, known)
		}
	}
	absent("at first")
	absent("once more")
	put := func(project string) {
		t.Helper()
		d := persistence.Definition{ProjectID: project, Kind: k.Kind, Name: k.Name, Scope: "public", Text: "version: '2.0'"}
		if _, err := s.PutDefinitions(t.Context(), []persistence.Definition{d}); err != nil {
			t.Fatal(err)
		}
		if _, known, _ := s.newest.get(k); known {
			t.Error("it is remembered after a change")
		}
		if got, err := s.FindDefinition(t.Context(), k); err != nil || got.ProjectID != project {
			t.Errorf("after the definition of %s: %v, %v", project, got, err)
		}
	}
	put("p2")
	put("p1")
	for _, project := range []string{"p1", "p2"} {
		gone := k
		gone.ProjectID = project
		if err := s.DeleteDefinition(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	absent("after it was deleted")
}
