package api

import (
	"net/http"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/fault"
	"cierzo/persistence"
)

// Every revision of a definition is kept, for running executions keep theirs. Here they are listed, compared, and made the
// newest again.

// revisionJSON is a revision as the API shows it.
func revisionJSON(d *persistence.Definition, withText bool) apitype.Revision {
	out := apitype.Revision{
		ID: d.ID, Revision: d.Revision, Name: d.Name, Namespace: d.Namespace, Hash: d.Hash, Scope: d.Scope, Tags: notNil(d.Tags),
		CreatedAt: apitype.Time(d.CreatedAt), CreatedBy: apitype.Text(d.CreatedBy),
	}
	if withText {
		out.Definition = apitype.Some(d.Text)
	}
	return out
}

func (s *server) listRevisions(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		q := r.URL.Query()
		if err := knownOnly(q, "namespace", "limit", "marker"); err != nil {
			return 0, nil, err
		}
		limit, after := pageMax, 0
		var err error
		if v := q.Get("limit"); v != "" {
			if limit, err = parseLimit(v); err != nil {
				return 0, nil, err
			}
		}
		if v := q.Get("marker"); v != "" {
			if after, err = parseInt("marker", v); err != nil {
				return 0, nil, err
			}
		}
		d, err := s.findDefinition(r, kind)
		if err != nil {
			return 0, nil, err
		}
		list, err := s.Store.ListRevisions(r.Context(), d.FirstID, after, limit)
		if err != nil {
			return 0, nil, err
		}
		out := apitype.Revisions{Revisions: []apitype.Revision{}}
		for i := range list {
			out.Revisions = append(out.Revisions, revisionJSON(&list[i], false))
		}
		return http.StatusOK, out, nil
	}
}

// revisionOf reads a revision by its number.
func (s *server) revisionOf(r *http.Request, d *persistence.Definition, number string) (*persistence.Definition, error) {
	n, err := parseInt("revision", number)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.ListRevisions(r.Context(), d.FirstID, n-1, 1)
	if err != nil {
		return nil, err
	}
	if n < 1 || len(list) == 0 || list[0].Revision != n {
		return nil, fault.New(fault.NotFound, "%s %s has no revision %d; the newest is %d", d.Kind, d.Name, n, d.Revision)
	}
	return &list[0], nil
}

func (s *server) getRevision(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		if err := knownOnly(r.URL.Query(), "namespace"); err != nil {
			return 0, nil, err
		}
		d, err := s.findDefinition(r, kind)
		if err != nil {
			return 0, nil, err
		}
		rev, err := s.revisionOf(r, d, r.PathValue("revision"))
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, revisionJSON(rev, true), nil
	}
}

// diffRevisions compares two revisions: by default the newest with the one before it.
func (s *server) diffRevisions(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		q := r.URL.Query()
		if err := knownOnly(q, "namespace", "from", "to"); err != nil {
			return 0, nil, err
		}
		d, err := s.findDefinition(r, kind)
		if err != nil {
			return 0, nil, err
		}
		newer := d
		if v := q.Get("to"); v != "" {
			if newer, err = s.revisionOf(r, d, v); err != nil {
				return 0, nil, err
			}
		}
		older := &persistence.Definition{}
		if v := q.Get("from"); v != "" {
			older, err = s.revisionOf(r, d, v)
		} else if newer.Revision > 1 {
			var list []persistence.Definition
			if list, err = s.Store.ListRevisions(r.Context(), d.FirstID, newer.Revision-2, 1); len(list) > 0 {
				older = &list[0]
			}
		}
		if err != nil {
			return 0, nil, err
		}
		text, err := unifiedDiff(older.Text, newer.Text)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, apitype.Diff{From: older.Revision, To: newer.Revision, Diff: text}, nil
	}
}

// restoreRevision makes an old text the newest revision. Of a workbook its members are made anew, too.
func (s *server) restoreRevision(kind persistence.DefinitionKind) handler {
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
		old, err := s.revisionOf(r, d, r.PathValue("revision"))
		if err != nil {
			return 0, nil, err
		}
		if old.Name != d.Name {
			return 0, nil, fault.New(fault.Conflict, "Revision %d has the name %s; a restored one keeps the name: rename %s first", old.Revision, old.Name, d.Name)
		}
		if err := s.mayPublish(r, string(kind)+"s", old.Scope); err != nil {
			return 0, nil, err
		}
		if kind == persistence.WorkbookDefinition {
			_, err = s.Catalog.Upload(r.Context(), catalog.Upload{
				Kind: kind, Mode: catalog.Update, ProjectID: d.ProjectID, User: callerOf(r).UserID, Namespace: d.Namespace, Scope: old.Scope,
				File: d.Name, Text: []byte(old.Text),
			})
		} else {
			old.CreatedBy = callerOf(r).UserID
			_, err = s.Store.PutDefinitions(r.Context(), []persistence.Definition{*old})
		}
		if err != nil {
			return 0, nil, err
		}
		newest, err := s.Store.FindDefinition(r.Context(), d.Key())
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, revisionJSON(newest, true), nil
	}
}

// executionDefinition is the revision of the definition that an execution keeps to its end.
func (s *server) executionDefinition(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	d, err := s.Store.GetDefinition(r.Context(), rec.DefinitionID)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, revisionJSON(d, true), nil
}
