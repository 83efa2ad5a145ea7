package storetest

import (
	"fmt"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
)

func definition(project, name, text string) persistence.Definition {
	return persistence.Definition{
		ProjectID: project, Kind: persistence.WorkflowDefinition, Name: name, Scope: "private", Tags: []string{"t"}, Text: text,
		Hash: fmt.Sprintf("%064x", len(text)), CreatedBy: "me",
	}
}

func put(t *testing.T, s persistence.Store, ds ...persistence.Definition) []persistence.Definition {
	t.Helper()
	out, err := s.PutDefinitions(t.Context(), ds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func revisions(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	before := time.Now().Add(-time.Minute)
	created, err := s.CreateDefinitions(ctx, []persistence.Definition{definition("p1", "a", "text ż 1")})
	if err != nil {
		t.Fatal(err)
	}
	one := created[0]
	if one.ID == "" || one.FirstID != one.ID || one.Revision != 1 || one.CreatedAt.Before(before) {
		t.Errorf("first revision: %+v", one)
	}
	want := definition("p1", "a", "text ż 1")
	want.ID, want.FirstID, want.Revision, want.CreatedAt, want.FirstAt = one.ID, one.FirstID, 1, one.CreatedAt, one.CreatedAt
	wantSame(t, one, want, "created")
	_, err = s.CreateDefinitions(ctx, []persistence.Definition{definition("p1", "a", "other")})
	wantKind(t, err, fault.Conflict, "create again")

	wantSame(t, put(t, s, definition("p1", "a", "text ż 1"))[0], one, "put of the same text")
	two := put(t, s, definition("p1", "a", "text 2"))[0]
	if two.ID == one.ID || two.FirstID != one.ID || two.Revision != 2 {
		t.Errorf("second revision: %+v", two)
	}
	public := definition("p1", "a", "text 2")
	public.Scope = "public"
	if three := put(t, s, public)[0]; three.Revision != 3 || three.Scope != "public" {
		t.Errorf("a changed scope: %+v", three)
	}
	found, err := s.FindDefinition(ctx, one.Key())
	if err != nil {
		t.Fatal(err)
	}
	if found.Revision != 3 {
		t.Errorf("the newest revision is %d, want 3", found.Revision)
	}
	if err := s.DeleteDefinition(ctx, one.Key()); err != nil {
		t.Fatal(err)
	}
	_, err = s.FindDefinition(ctx, one.Key())
	wantKind(t, err, fault.NotFound, "find a deleted definition")
	wantKind(t, s.DeleteDefinition(ctx, one.Key()), fault.NotFound, "delete again")
	for _, old := range []persistence.Definition{one, two} {
		got, err := s.GetDefinition(ctx, old.ID)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, *got, old, "a revision of a deleted definition")
	}
	again, err := s.CreateDefinitions(ctx, []persistence.Definition{definition("p1", "a", "text 2")})
	if err != nil {
		t.Fatal(err)
	}
	if d := again[0]; d.Revision != 1 || d.FirstID != d.ID || d.ID == two.ID {
		t.Errorf("created again after deletion: %+v", d)
	}
}

func allOrNone(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	put(t, s, definition("p1", "b", "1"))
	_, err := s.CreateDefinitions(ctx, []persistence.Definition{definition("p1", "a", "1"), definition("p1", "b", "2"), definition("p1", "c", "1")})
	wantKind(t, err, fault.Conflict, "create what exists among others")
	_, err = s.CreateDefinitions(ctx, []persistence.Definition{definition("p1", "a", "1"), definition("p1", "a", "2")})
	wantKind(t, err, fault.Conflict, "create the same twice")
	_, err = s.PutDefinitions(ctx, []persistence.Definition{definition("p1", "a", "1"), definition("p1", "d", "nul \x00")})
	wantKind(t, err, fault.Invalid, "put a text that is none")
	for _, name := range []string{"a", "c", "d"} {
		_, err := s.FindDefinition(ctx, persistence.DefinitionKey{ProjectID: "p1", Kind: persistence.WorkflowDefinition, Name: name})
		wantKind(t, err, fault.NotFound, "find "+name)
	}
	out := put(t, s, definition("p1", "b", "1"), definition("p1", "a", "1"), definition("p1", "a", "2"))
	if out[0].Revision != 1 || out[1].Revision != 1 || out[2].Revision != 2 || out[2].FirstID != out[1].ID {
		t.Errorf("revisions %d, %d, %d", out[0].Revision, out[1].Revision, out[2].Revision)
	}
}

func visibility(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	shared := definition("p2", "shared", "of p2")
	shared.Scope = "public"
	inSpace := definition("p1", "mine", "in a namespace")
	inSpace.Namespace = "ns"
	act := definition("p1", "mine", "an action")
	act.Kind = persistence.ActionDefinition
	put(t, s, definition("p1", "mine", "1"), definition("p2", "hidden", "1"), shared, inSpace, act)
	find := func(project, namespace, name string) string {
		d, err := s.FindDefinition(ctx, persistence.DefinitionKey{ProjectID: project, Kind: persistence.WorkflowDefinition, Namespace: namespace, Name: name})
		if fault.Is(err, fault.NotFound) {
			return "not found"
		}
		if err != nil {
			t.Fatal(err)
		}
		return d.Text
	}
	wantSame(t, find("p1", "", "shared"), "of p2", "a public definition")
	wantSame(t, find("p1", "", "hidden"), "not found", "a private definition of another project")
	wantSame(t, find("p1", "ns", "mine"), "in a namespace", "a namespace")
	wantSame(t, find("p1", "ns", "shared"), "not found", "a public definition of another namespace")
	put(t, s, definition("p1", "shared", "of p1"))
	wantSame(t, find("p1", "", "shared"), "of p1", "one's own before a public one")
	ns := "ns"
	got, err := s.ListDefinitions(ctx, persistence.DefinitionsQuery{ProjectID: "p1", Kind: persistence.WorkflowDefinition, Namespace: &ns, Limit: 10})
	if err != nil || len(got) != 1 || got[0].Text != "in a namespace" {
		t.Errorf("definitions of a namespace: %v, %v", got, err)
	}
}

func definitionPages(t *testing.T, s persistence.Store) {
	var ds []persistence.Definition
	for i := range 9 {
		d := definition("p1", fmt.Sprint("w", i), "1")
		ds = append(ds, d)
		if i%3 == 0 {
			d.Namespace = "ns"
			ds = append(ds, d)
			d.ProjectID, d.Scope = "p2", "public"
			ds = append(ds, d)
		}
	}
	ds = append(ds, definition("p2", "w4", "hidden"))
	put(t, s, ds...)
	put(t, s, definition("p1", "w1", "newer"))
	for _, limit := range []int{1, 2, 4, 100} {
		everywhere := 0
		all := persistence.DefinitionsQuery{Kind: persistence.WorkflowDefinition, Limit: limit}
		for range 30 {
			page, err := s.ListDefinitions(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			everywhere += len(page)
			if len(page) < limit {
				break
			}
			all.AfterName = page[len(page)-1].Name
		}
		if everywhere != len(ds) {
			t.Errorf("pages of %d: %d definitions of all projects, want %d", limit, everywhere, len(ds))
		}
		var got []string
		q := persistence.DefinitionsQuery{ProjectID: "p1", Kind: persistence.WorkflowDefinition, Limit: limit}
		for range 30 {
			page, err := s.ListDefinitions(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				got = append(got, d.Name+" "+d.Namespace+" "+d.ProjectID+" "+d.Text)
				q.AfterName = d.Name
			}
			if len(page) < limit {
				break
			}
		}
		var want []string
		for i := range 9 {
			text := "1"
			if i == 1 {
				text = "newer"
			}
			want = append(want, fmt.Sprintf("w%d  p1 %s", i, text))
			if i%3 == 0 {
				want = append(want, fmt.Sprintf("w%d ns p1 1", i), fmt.Sprintf("w%d ns p2 1", i))
			}
		}
		wantSame(t, got, want, fmt.Sprint("pages of ", limit))
	}
}
