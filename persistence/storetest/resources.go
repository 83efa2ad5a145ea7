package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
)

func resource(n int, project string) persistence.Resource {
	return persistence.Resource{
		ID: id[string]("resource", n), Kind: persistence.CronTriggerResource, ProjectID: project, Namespace: "ns", Name: fmt.Sprint("r", n),
		Scope: "private", Ref: "w", Doc: `{"pattern":"ż 'x' \\"}`,
	}
}

func createResource(t *testing.T, s persistence.Store, r persistence.Resource) persistence.Resource {
	t.Helper()
	out, err := s.CreateResource(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return *out
}

func resources(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	due := start().Add(time.Nanosecond)
	r := resource(1, "p1")
	r.DueAt = due
	made := createResource(t, s, r)
	if made.Version != 1 || made.CreatedAt.Before(time.Now().Add(-time.Minute)) || !made.UpdatedAt.IsZero() {
		t.Errorf("created: %+v", made)
	}
	want := r
	want.Version, want.CreatedAt, want.DueAt = 1, made.CreatedAt, start()
	wantSame(t, made, want, "created")
	got, err := s.GetResource(ctx, r.Kind, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, *got, want, "read by id")
	if got, err = s.FindResource(ctx, r.Key()); err != nil {
		t.Fatal(err)
	}
	wantSame(t, *got, want, "read by name")

	other := r
	other.ID = id[string]("resource", 2)
	_, err = s.CreateResource(ctx, other)
	wantKind(t, err, fault.Conflict, "create the name again")
	other = r
	other.Name = "another"
	_, err = s.CreateResource(ctx, other)
	wantKind(t, err, fault.Conflict, "create the id again")
	_, err = s.GetResource(ctx, persistence.MemberResource, r.ID)
	wantKind(t, err, fault.NotFound, "read as another kind")
	for _, free := range []func(r *persistence.Resource){
		func(r *persistence.Resource) { r.ProjectID = "p2" },
		func(r *persistence.Resource) { r.Namespace = "" },
		func(r *persistence.Resource) { r.Kind = persistence.MemberResource },
	} {
		same := r
		same.ID = ""
		free(&same)
		if out := createResource(t, s, same); out.ID == "" {
			t.Error("a resource without an id")
		}
	}
	bad := resource(7, "p1")
	bad.Doc = "nul \x00"
	_, err = s.CreateResource(ctx, bad)
	wantKind(t, err, fault.Invalid, "create what is no text")
	bad = resource(7, "p1")
	bad.Name = ""
	_, err = s.CreateResource(ctx, bad)
	wantKind(t, err, fault.Invalid, "create without a name")
}

func resourceVersions(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	made := createResource(t, s, resource(1, "p1"))
	createResource(t, s, resource(2, "p1"))
	change := made
	change.Name, change.Doc, change.Scope, change.Ref, change.DueAt = "new", "{}", "public", "w2", start()
	change.ProjectID, change.CreatedAt, change.Namespace = "p9", start(), "elsewhere" // what it is stays
	changed, err := s.UpdateResource(ctx, change)
	if err != nil {
		t.Fatal(err)
	}
	want := made
	want.Name, want.Doc, want.Scope, want.Ref, want.DueAt, want.Version, want.UpdatedAt = "new", "{}", "public", "w2", start(), 2, changed.UpdatedAt
	wantSame(t, *changed, want, "updated")
	if changed.UpdatedAt.IsZero() {
		t.Error("no time of the update")
	}
	got, err := s.GetResource(ctx, made.Kind, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, *got, want, "read after the update")

	_, err = s.UpdateResource(ctx, made)
	wantKind(t, err, fault.Conflict, "update an old version")
	taken := *changed
	taken.Name = "r2"
	_, err = s.UpdateResource(ctx, taken)
	wantKind(t, err, fault.Conflict, "take a name")
	gone := resource(9, "p1")
	_, err = s.UpdateResource(ctx, gone)
	wantKind(t, err, fault.NotFound, "update nothing")
	wantKind(t, s.DeleteResource(ctx, made.Kind, made.ID, 1), fault.Conflict, "delete an old version")
	if err := s.DeleteResource(ctx, made.Kind, made.ID, 2); err != nil {
		t.Error(err)
	}
	wantKind(t, s.DeleteResource(ctx, made.Kind, made.ID, 0), fault.NotFound, "delete again")
	if err := s.DeleteResource(ctx, made.Kind, id[string]("resource", 2), 0); err != nil {
		t.Errorf("delete any version: %v", err)
	}
}

func resourceLists(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	var all []persistence.Resource
	for i := range 12 {
		r := resource(i, fmt.Sprint("p", i%2))
		if i%3 == 0 {
			r.Scope, r.Ref, r.Namespace = "public", "w3", "three"
		}
		all = append(all, createResource(t, s, r))
	}
	slices.SortFunc(all, func(a, b persistence.Resource) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	member := resource(50, "p0")
	member.Kind = persistence.MemberResource
	createResource(t, s, member)
	for _, test := range []struct {
		name string
		q    persistence.ResourcesQuery
		want func(r persistence.Resource) bool
	}{
		{"all", persistence.ResourcesQuery{}, func(persistence.Resource) bool { return true }},
		{"of a project", persistence.ResourcesQuery{ProjectID: "p1"}, func(r persistence.Resource) bool { return r.ProjectID == "p1" }},
		{"of a project and public", persistence.ResourcesQuery{ProjectID: "p1", OrPublic: true}, func(r persistence.Resource) bool { return r.ProjectID == "p1" || r.Scope == "public" }},
		{"of a namespace", persistence.ResourcesQuery{Namespace: "three"}, func(r persistence.Resource) bool { return r.Namespace == "three" }},
		{"of what they point to", persistence.ResourcesQuery{ProjectID: "p0", Ref: "w3"}, func(r persistence.Resource) bool { return r.ProjectID == "p0" && r.Ref == "w3" }},
	} {
		var want, got []persistence.Resource
		for _, r := range all {
			if test.want(r) {
				want = append(want, r)
			}
		}
		test.q.Kind, test.q.Limit = persistence.CronTriggerResource, 5
		for range 10 {
			page, err := s.ListResources(ctx, test.q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if len(page) < test.q.Limit {
				break
			}
			last := page[len(page)-1]
			test.q.After = &persistence.ResourceMark{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		wantSame(t, got, want, test.name)
	}
}

func dueResources(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	for i, at := range []time.Time{start().Add(2 * time.Second), {}, start(), time.Now().Add(time.Hour), start().Add(time.Second)} {
		r := resource(i, "p1")
		r.DueAt = at
		createResource(t, s, r)
	}
	got, err := s.DueResources(ctx, persistence.CronTriggerResource, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "r2" || got[1].Name != "r4" {
		t.Errorf("due: %+v", got)
	}
	if got, err = s.DueResources(ctx, persistence.EventTriggerResource, 10); err != nil || len(got) != 0 {
		t.Errorf("due of another kind: %v %v", got, err)
	}
}

// rivals has many fire the same trigger: one of them wins.
func rivals(t *testing.T, s persistence.Store) {
	made := createResource(t, s, resource(1, "p1"))
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := made
			r.Doc = fmt.Sprintf(`{"n":%d}`, i)
			_, err := s.UpdateResource(t.Context(), r)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("update: %v", err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d updates of one version", won)
	}
	got, err := s.GetResource(t.Context(), made.Kind, made.ID)
	if err != nil || got.Version != 2 {
		t.Errorf("after it: %+v %v", got, err)
	}
}
