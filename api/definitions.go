package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/fault"
	"cierzo/persistence"
)

// nameMax bounds names and namespaces, in bytes.
const nameMax = 255

// upload reads the request of an upload.
func (s *server) upload(r *http.Request, kind persistence.DefinitionKind) (catalog.Upload, error) {
	q := r.URL.Query()
	if err := knownOnly(q, "scope", "namespace", "skip_validation", "identifier"); err != nil {
		return catalog.Upload{}, err
	}
	if _, err := flag(q, "skip_validation", false); err != nil {
		return catalog.Upload{}, err
	}
	if err := checkName("namespace", q.Get("namespace")); err != nil {
		return catalog.Upload{}, err
	}
	if err := s.mayPublish(r, string(kind)+"s", q.Get("scope")); err != nil {
		return catalog.Upload{}, err
	}
	text, err := readText(r)
	c := callerOf(r)
	return catalog.Upload{
		Kind: kind, ProjectID: c.ProjectID, User: c.UserID, Namespace: q.Get("namespace"), Scope: q.Get("scope"),
		File: string(kind), Text: text,
	}, err
}

// checkName refuses names that are longer than we keep or hold what no text does.
func checkName(what, name string) error {
	if len(name) > nameMax {
		return fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Value should have a maximum length of %d", what, clipText(name), nameMax)
	}
	if strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute %s. It is no text", what)
	}
	return nil
}

func (s *server) creator(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		u, err := s.upload(r, kind)
		if err != nil {
			return 0, nil, err
		}
		u.Mode = catalog.Create
		done, err := s.Catalog.Upload(r.Context(), u)
		if fault.Is(err, fault.Conflict) && r.Header.Get(idempotencyHeader) != "" && s.uploadedBefore(r, u) {
			u.Mode = catalog.Put // the same texts make no new revisions
			done, err = s.Catalog.Upload(r.Context(), u)
		}
		if err != nil {
			return 0, nil, err
		}
		body, err := s.uploaded(kind, catalog.Create, done)
		return http.StatusCreated, body, err
	}
}

// uploadedBefore reports whether everything that the text defines is stored from the same text.
func (s *server) uploadedBefore(r *http.Request, u catalog.Upload) bool {
	defs, err := s.Catalog.Prepare(u)
	if err != nil {
		return false
	}
	for _, d := range defs {
		found, err := s.Store.FindDefinition(r.Context(), d.Key())
		if err != nil || found.ProjectID != d.ProjectID || found.Hash != d.Hash || found.Scope != d.Scope {
			return false
		}
	}
	return true
}

func (s *server) updater(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		if identifier := r.URL.Query().Get("identifier"); identifier != "" && kind != persistence.WorkbookDefinition {
			return s.replaceOne(r, kind, identifier)
		}
		u, err := s.upload(r, kind)
		if err != nil {
			return 0, nil, err
		}
		u.Mode = catalog.Update
		done, err := s.Catalog.Upload(r.Context(), u)
		if err != nil {
			return 0, nil, err
		}
		body, err := s.uploaded(kind, catalog.Update, done)
		return http.StatusOK, body, err
	}
}

func (s *server) uploaded(kind persistence.DefinitionKind, mode catalog.Mode, done *catalog.Uploaded) (any, error) {
	created := mode == catalog.Create
	switch kind {
	case persistence.WorkbookDefinition:
		wb := workbookJSON(*done.Workbook)
		forgetUpdate(created, &wb.UpdatedAt)
		return wb, nil
	case persistence.ActionDefinition:
		list := apitype.Actions{Actions: []apitype.Action{}}
		for _, d := range done.Actions {
			a, err := s.adHocJSON(d)
			if err != nil {
				return nil, err
			}
			forgetUpdate(created, &a.UpdatedAt)
			list.Actions = append(list.Actions, a)
		}
		return list, nil
	default:
		list := apitype.Workflows{Workflows: []apitype.Workflow{}}
		for _, d := range done.Workflows {
			w, err := s.workflowJSON(d, false)
			if err != nil {
				return nil, err
			}
			forgetUpdate(created, &w.UpdatedAt)
			list.Workflows = append(list.Workflows, w)
		}
		return list, nil
	}
}

// forgetUpdate leaves updated_at out of the answers to creations, as Mistral does.
func forgetUpdate(created bool, at *apitype.Opt[string]) {
	if created {
		*at = apitype.Opt[string]{}
	}
}

// updatedAt is when a definition was changed last; null before the first time.
func updatedAt(d *persistence.Definition) apitype.Opt[string] {
	if d.Revision <= 1 {
		return apitype.Null[string]()
	}
	return apitype.Time(d.CreatedAt)
}

func (s *server) validator(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		u, err := s.upload(r, kind)
		if err != nil {
			return 0, nil, err
		}
		_, diags, err := catalog.Check(u)
		if err == nil {
			err = diags.Err()
		}
		if err != nil {
			return http.StatusOK, apitype.Validation{Error: err.Error()}, nil
		}
		return http.StatusOK, apitype.Validation{Valid: true}, nil
	}
}

// updateOne replaces the definition that the path names.
func (s *server) updateOne(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) { return s.replaceOne(r, kind, r.PathValue("name")) }
}

// replaceOne replaces one definition, found by id or name, by the only one of the text, which may have another name.
func (s *server) replaceOne(r *http.Request, kind persistence.DefinitionKind, identifier string) (int, any, error) {
	old, err := s.lookUp(r, kind, identifier, r.URL.Query().Get("namespace"))
	if err != nil {
		return 0, nil, err
	}
	if err := mayChange(r, old); err != nil {
		return 0, nil, err
	}
	u, err := s.upload(r, kind)
	if err != nil {
		return 0, nil, err
	}
	u.Mode, u.Namespace, u.ProjectID = catalog.Update, old.Namespace, old.ProjectID
	if u.Scope == "" {
		u.Scope = old.Scope
	}
	defs, err := s.Catalog.Prepare(u)
	if err != nil {
		return 0, nil, err
	}
	if len(defs) != 1 {
		return 0, nil, fault.New(fault.Invalid, "More than one %ss are not supported for update. [identifier: %s]", kind, clipText(identifier))
	}
	var done catalog.Uploaded
	if defs[0].Name == old.Name {
		stored, err := s.Store.PutDefinitions(r.Context(), defs)
		if err != nil {
			return 0, nil, err
		}
		defs = stored
	} else {
		stored, err := s.Store.RenameDefinition(r.Context(), old.Key(), defs[0])
		if fault.Is(err, fault.Conflict) {
			return 0, nil, catalog.Duplicate(defs[0].Key())
		}
		if err != nil {
			return 0, nil, err
		}
		defs = []persistence.Definition{*stored}
	}
	if kind == persistence.ActionDefinition {
		done.Actions = defs
		body, err := s.uploaded(kind, catalog.Update, &done)
		return http.StatusOK, body, err
	}
	w, err := s.workflowJSON(defs[0], false)
	return http.StatusOK, w, err
}

// mayChange refuses a change of what belongs to another project.
func mayChange(r *http.Request, d *persistence.Definition) error {
	if c := callerOf(r); d.ProjectID != c.ProjectID && !c.Admin {
		return catalog.Foreign(d)
	}
	return nil
}

func (s *server) definitionRemover(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		if err := knownOnly(r.URL.Query(), "namespace"); err != nil {
			return 0, nil, err
		}
		d, err := s.findDefinition(r, kind)
		if err != nil {
			return 0, nil, err
		}
		if err := mayChange(r, d); err != nil {
			return 0, nil, err
		}
		if kind == persistence.WorkflowDefinition {
			if err := s.noTriggers(r, d); err != nil {
				return 0, nil, err
			}
			if err := s.endSharing(r, d); err != nil {
				return 0, nil, err
			}
		}
		return http.StatusNoContent, nil, s.Store.DeleteDefinition(r.Context(), d.Key())
	}
}

// noTriggers refuses to delete a workflow that triggers start.
func (s *server) noTriggers(r *http.Request, d *persistence.Definition) error {
	for _, t := range []struct {
		kind persistence.ResourceKind
		name string
	}{{persistence.CronTriggerResource, "cron trigger"}, {persistence.EventTriggerResource, "event trigger"}} {
		list, err := s.Store.ListResources(r.Context(), persistence.ResourcesQuery{Kind: t.kind, Ref: d.FirstID})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			continue
		}
		ids := make([]string, 0, len(list))
		for _, found := range list {
			ids = append(ids, found.ID)
		}
		return fault.New(fault.Invalid, "Can't delete workflow that has %ss associated. [workflow_identifier=%s, namespace=%s], [%s_id(s)=%s]",
			t.name, r.PathValue("name"), d.Namespace, strings.ReplaceAll(t.name, " ", "_"), strings.Join(ids, ", "))
	}
	return nil
}

// findDefinition finds what the path names, by name or by id.
func (s *server) findDefinition(r *http.Request, kind persistence.DefinitionKind) (*persistence.Definition, error) {
	namespace := r.URL.Query().Get("namespace")
	if ns := r.PathValue("namespace"); ns != "" {
		namespace = ns
	}
	d, err := s.lookUp(r, kind, r.PathValue("name"), namespace)
	// An administrator sees what others have by its name, too. What he starts by a name is his own: others could choose it.
	if c := callerOf(r); fault.Is(err, fault.NotFound) && c.Admin && s.authenticates {
		key := persistence.DefinitionKey{Kind: kind, Namespace: namespace, Name: r.PathValue("name")}
		if d, err := s.inAnyProject(r, key); err != nil || d != nil {
			return d, err
		}
	}
	return d, err
}

// lookUp finds the newest revision by name in the namespace, or by the definition's id: the caller's own, a public one, or
// one that is shared with the caller.
func (s *server) lookUp(r *http.Request, kind persistence.DefinitionKind, identifier, namespace string) (*persistence.Definition, error) {
	c := callerOf(r)
	key := persistence.DefinitionKey{ProjectID: c.ProjectID, Kind: kind, Namespace: namespace, Name: identifier}
	if isUUID(identifier) {
		d, err := s.Catalog.Newest(r.Context(), kind, strings.ToLower(identifier))
		if err != nil {
			return nil, err
		}
		if d != nil && (d.ProjectID == c.ProjectID || d.Scope == "public" || c.Admin || s.sharedWith(r, c.ProjectID, d.FirstID)) {
			return d, nil
		}
		return nil, catalog.NotFound(key)
	}
	d, err := s.Store.FindDefinition(r.Context(), key)
	if !fault.Is(err, fault.NotFound) {
		return d, err
	}
	if kind == persistence.WorkflowDefinition {
		if d, err := s.sharedByName(r, key); err != nil || d != nil {
			return d, err
		}
	}
	return nil, catalog.NotFound(key)
}

// inAnyProject finds what an administrator names and neither owns nor shares: in the only project that has it. nil: none has it.
func (s *server) inAnyProject(r *http.Request, key persistence.DefinitionKey) (*persistence.Definition, error) {
	if key.Name == "" {
		return nil, nil
	}
	q := persistence.DefinitionsQuery{Kind: key.Kind, Namespace: &key.Namespace, AfterName: key.Name[:len(key.Name)-1], Limit: pageMax}
	var found []persistence.Definition
	for seen := 0; ; {
		page, err := s.Store.ListDefinitions(r.Context(), q)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if d.Name == key.Name && d.ProjectID != systemProject {
				found = append(found, d)
			}
		}
		seen += len(page)
		if len(page) < q.Limit || seen >= listMax || page[len(page)-1].Name > key.Name {
			break
		}
		q.AfterName = page[len(page)-1].Name
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &found[0], nil
	}
	return nil, fault.New(fault.Conflict, "%d projects have a %s %s: say which by its id", len(found), key.Kind, clipText(key.Name))
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') {
			return false
		}
		if c != '-' && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

// definitionsFor lists the newest revisions of a kind that a list shows: those of the caller, and public ones.
func (s *server) definitionsFor(r *http.Request, q *listQuery, kind persistence.DefinitionKind) ([]persistence.Definition, error) {
	project, err := s.listedProject(r, q, string(kind)+"s")
	if err != nil {
		return nil, err
	}
	sq := persistence.DefinitionsQuery{ProjectID: project, Kind: kind, Limit: pageMax}
	for _, f := range q.filters {
		if f.column == "namespace" && f.op == "eq" {
			sq.Namespace = &f.value
		}
	}
	var out []persistence.Definition
	for {
		page, err := s.Store.ListDefinitions(r.Context(), sq)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if len(page) < sq.Limit {
			break
		}
		if len(out) >= listMax {
			return nil, fault.New(fault.Invalid, "More than %d definitions: narrow the filter by a namespace", listMax)
		}
		sq.AfterName = page[len(page)-1].Name
	}
	if kind == persistence.WorkflowDefinition && project != "" {
		shared, err := s.sharedDefinitions(r, project)
		if err != nil {
			return nil, err
		}
		out = append(out, shared...)
	}
	slices.SortStableFunc(out, func(a, b persistence.Definition) int {
		return cmp.Or(a.FirstAt.Compare(b.FirstAt), cmp.Compare(a.FirstID, b.FirstID))
	})
	return out, nil
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
