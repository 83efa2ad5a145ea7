package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cierzo/fault"
	"cierzo/persistence"
)

// A definition is a row of definitions, which points to its newest revision, and its revisions, which nothing removes.

const (
	revisionColumns = `r.id, r.first_id, r.project_id, r.kind, r.namespace, r.name, r.scope, r.tags, r.body, r.hash, r.revision, r.workbook, r.created_at, r.created_by, f.created_at`
	ofDefinitions   = `SELECT ` + revisionColumns + ` FROM definitions AS d JOIN revisions AS r ON r.id = d.revision_id JOIN revisions AS f ON f.id = r.first_id `
	ofRevisions     = `SELECT ` + revisionColumns + ` FROM revisions AS r JOIN revisions AS f ON f.id = r.first_id `

	newestQuery = ofDefinitions + `WHERE d.project_id = $1 AND d.kind = $2 AND d.namespace = $3 AND d.name = $4`
	// What a start asks for.
	newestIDQuery = `SELECT revision_id FROM definitions WHERE project_id = $1 AND kind = $2 AND namespace = $3 AND name = $4`
	publicIDQuery = `SELECT revision_id FROM definitions WHERE kind = $1 AND namespace = $2 AND name = $3 AND scope = 'public' ORDER BY project_id LIMIT 1`

	listQuery = ofDefinitions + `WHERE d.kind = $1 AND (d.project_id = $2 OR d.scope = 'public') AND d.name > $3
ORDER BY d.name, d.namespace, d.project_id LIMIT $4`
	listInQuery = ofDefinitions + `WHERE d.kind = $1 AND (d.project_id = $2 OR d.scope = 'public') AND d.name > $3 AND d.namespace = $5
ORDER BY d.name, d.namespace, d.project_id LIMIT $4`
	restQuery = ofDefinitions + `WHERE d.kind = $1 AND (d.project_id = $2 OR d.scope = 'public') AND d.name = $3
ORDER BY d.name, d.namespace, d.project_id`
	listAllQuery = ofDefinitions + `WHERE d.kind = $1 AND d.name > $2 ORDER BY d.name, d.namespace, d.project_id LIMIT $3`
	listAllIn    = ofDefinitions + `WHERE d.kind = $1 AND d.name > $2 AND d.namespace = $4 ORDER BY d.name, d.namespace, d.project_id LIMIT $3`
	restAllQuery = ofDefinitions + `WHERE d.kind = $1 AND d.name = $2 ORDER BY d.name, d.namespace, d.project_id`

	revisionQuery  = ofRevisions + `WHERE r.id = $1`
	revisionsQuery = ofRevisions + `WHERE r.first_id = $1 AND r.revision > $2 ORDER BY r.revision LIMIT $3`

	insertRevision = `INSERT INTO revisions (id, first_id, project_id, kind, namespace, name, scope, tags, body, hash, revision, workbook, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	insertDefinition = `INSERT INTO definitions (project_id, kind, namespace, name, scope, revision_id) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (project_id, kind, namespace, name) DO NOTHING`
	updateDefinition = `UPDATE definitions SET scope = $5, revision_id = $6
WHERE project_id = $1 AND kind = $2 AND namespace = $3 AND name = $4 AND revision_id = $7`
	deleteDefinition = `DELETE FROM definitions WHERE project_id = $1 AND kind = $2 AND namespace = $3 AND name = $4`

	versionOfDefinitions = `SELECT version FROM definitions_version WHERE id = 1`
	raiseVersion         = `UPDATE definitions_version SET version = version + 1 WHERE id = 1`
)

func scanDefinition(rows *sql.Rows) (persistence.Definition, error) {
	var d persistence.Definition
	var tags string
	var created, first int64
	err := rows.Scan(&d.ID, &d.FirstID, &d.ProjectID, &d.Kind, &d.Namespace, &d.Name, &d.Scope, &tags, &d.Text, &d.Hash, &d.Revision,
		&d.Workbook, &created, &d.CreatedBy, &first)
	if err != nil {
		return d, err
	}
	d.CreatedAt, d.FirstAt = persistence.FromMicros(created), persistence.FromMicros(first)
	if err := json.Unmarshal([]byte(tags), &d.Tags); err != nil {
		return d, fmt.Errorf("decode the tags of definition %s: %w", d.ID, err)
	}
	return d, nil
}

func keyArgs(k persistence.DefinitionKey) []any {
	return []any{k.ProjectID, string(k.Kind), k.Namespace, k.Name}
}

// CreateDefinitions implements persistence.Definitions.
func (s *Store) CreateDefinitions(ctx context.Context, ds []persistence.Definition) ([]persistence.Definition, error) {
	return s.saveDefinitions(ctx, "create definitions", ds, true)
}

// PutDefinitions implements persistence.Definitions.
func (s *Store) PutDefinitions(ctx context.Context, ds []persistence.Definition) ([]persistence.Definition, error) {
	return s.saveDefinitions(ctx, "put definitions", ds, false)
}

func (s *Store) saveDefinitions(ctx context.Context, doing string, ds []persistence.Definition, create bool) ([]persistence.Definition, error) {
	for i := range ds {
		if err := ds[i].Check(); err != nil {
			return nil, err
		}
	}
	defer s.newest.change()()
	var out []persistence.Definition
	err := s.transact(ctx, doing, func(t *transaction) error {
		out = nil
		any := false
		for _, d := range ds {
			saved, changed, err := saveDefinition(t, d, create)
			if err != nil {
				return err
			}
			out, any = append(out, saved), any || changed
		}
		if !any {
			return nil
		}
		return newVersion(t)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// newVersion has the version of the definitions grow, for one of them has changed.
func newVersion(t *transaction) error { return t.one(raiseVersion) }

// DefinitionsVersion implements persistence.Definitions.
func (s *Store) DefinitionsVersion(ctx context.Context) (uint64, error) {
	return one(ctx, s, "version of the definitions", func(rows *sql.Rows) (version uint64, err error) {
		err = rows.Scan(&version)
		return version, err
	}, versionOfDefinitions)
}

func saveDefinition(t *transaction, d persistence.Definition, create bool) (saved persistence.Definition, changed bool, err error) {
	key := keyArgs(d.Key())
	var found []persistence.Definition
	if err := t.query(newestQuery, into(&found, scanDefinition), key...); err != nil {
		return d, false, err
	}
	var newest *persistence.Definition
	if len(found) > 0 {
		newest = &found[0]
	}
	if newest != nil && create {
		return d, false, persistence.ExistsError(d.Key())
	}
	revision, changed := d.Revise(newest, uuid.NewString(), time.Now())
	if !changed {
		return revision, false, nil
	}
	if err := insertRevisionOf(t, &revision); err != nil {
		return d, false, err
	}
	var n int64
	if newest == nil {
		n, err = t.exec(insertDefinition, append(key, revision.Scope, revision.ID)...)
	} else {
		n, err = t.exec(updateDefinition, append(key, revision.Scope, revision.ID, newest.ID)...)
	}
	if err != nil {
		return d, false, err
	}
	if n == 0 {
		return d, false, met{} // somebody else was faster
	}
	return revision, true, nil
}

// met says that another transaction has written what this one has read: it must be repeated.
type met struct{}

func (met) Error() string    { return "another transaction was faster" }
func (met) SQLState() string { return "40001" }

func insertRevisionOf(t *transaction, d *persistence.Definition) error {
	tags, err := json.Marshal(d.Tags)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "encode the tags of %s %q", d.Kind, d.Name)
	}
	_, err = t.exec(insertRevision, d.ID, d.FirstID, d.ProjectID, string(d.Kind), d.Namespace, d.Name, d.Scope, string(tags), d.Text,
		d.Hash, d.Revision, d.Workbook, persistence.Micros(d.CreatedAt), d.CreatedBy)
	return err
}

// RenameDefinition implements persistence.Definitions.
func (s *Store) RenameDefinition(ctx context.Context, old persistence.DefinitionKey, d persistence.Definition) (*persistence.Definition, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	defer s.newest.change()()
	var out persistence.Definition
	err := s.transact(ctx, fmt.Sprintf("rename %s %q", old.Kind, old.Name), func(t *transaction) error {
		var found []persistence.Definition
		if err := t.query(newestQuery, into(&found, scanDefinition), keyArgs(old)...); err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.New(fault.NotFound, "there is none in namespace %q", old.Namespace)
		}
		out = d.Renamed(&found[0], uuid.NewString(), time.Now())
		if err := insertRevisionOf(t, &out); err != nil {
			return err
		}
		if _, err := t.exec(deleteDefinition, keyArgs(old)...); err != nil {
			return err
		}
		n, err := t.exec(insertDefinition, append(keyArgs(out.Key()), out.Scope, out.ID)...)
		if err == nil && n == 0 {
			return persistence.ExistsError(out.Key())
		}
		if err != nil {
			return err
		}
		return newVersion(t)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// ListRevisions implements persistence.Definitions.
func (s *Store) ListRevisions(ctx context.Context, firstID string, after, limit int) ([]persistence.Definition, error) {
	return list(ctx, s, "list revisions", scanDefinition, revisionsQuery, firstID, after, persistence.Limit(limit))
}

// FindDefinition implements persistence.Definitions.
func (s *Store) FindDefinition(ctx context.Context, k persistence.DefinitionKey) (*persistence.Definition, error) {
	d, err := s.definitions.do(ctx, k, func() (persistence.Definition, error) { return s.findDefinition(ctx, k) })
	if err != nil {
		return nil, err
	}
	d.Tags = slices.Clone(d.Tags)
	return &d, nil
}

// findDefinition asks which revision is the newest, which can change, and for the revision, which can't, only when it isn't known yet.
func (s *Store) findDefinition(ctx context.Context, k persistence.DefinitionKey) (persistence.Definition, error) {
	id, known, changes := s.newest.get(k)
	if id != "" {
		return s.getDefinition(ctx, id)
	}
	what := fmt.Sprintf("%s %q in namespace %q", k.Kind, k.Name, k.Namespace)
	if known {
		return persistence.Definition{}, fault.New(fault.NotFound, "there is no %s", what)
	}
	id, err := one(ctx, s, what, scanID, newestIDQuery, keyArgs(k)...)
	if fault.Is(err, fault.NotFound) {
		id, err = one(ctx, s, what, scanID, publicIDQuery, string(k.Kind), k.Namespace, k.Name)
	}
	if s.lock != nil && (err == nil || fault.Is(err, fault.NotFound)) {
		s.newest.put(k, id, changes)
	}
	if err != nil {
		return persistence.Definition{}, err
	}
	return s.getDefinition(ctx, id)
}

func scanID(rows *sql.Rows) (string, error) {
	var id string
	err := rows.Scan(&id)
	return id, err
}

// GetDefinition implements persistence.Definitions.
func (s *Store) GetDefinition(ctx context.Context, id string) (*persistence.Definition, error) {
	d, err := s.getDefinition(ctx, id)
	if err != nil {
		return nil, err
	}
	d.Tags = slices.Clone(d.Tags)
	return &d, nil
}

// The cache of revisions: of long texts each start reads its own again.
const (
	revisionsMax    = 512
	revisionTextMax = 64 << 10
)

func (s *Store) getDefinition(ctx context.Context, id string) (persistence.Definition, error) {
	if d, ok := s.revisions.Get(id); ok {
		return d, nil
	}
	d, err := one(ctx, s, "definition "+id, scanDefinition, revisionQuery, id)
	if err == nil && len(d.Text) <= revisionTextMax {
		s.revisions.Put(id, d)
	}
	return d, err
}

// DeleteDefinition implements persistence.Definitions.
func (s *Store) DeleteDefinition(ctx context.Context, k persistence.DefinitionKey) error {
	defer s.newest.change()()
	return s.transact(ctx, fmt.Sprintf("delete %s %q", k.Kind, k.Name), func(t *transaction) error {
		n, err := t.exec(deleteDefinition, keyArgs(k)...)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "there is none in namespace %q", k.Namespace)
		}
		if err != nil {
			return err
		}
		return newVersion(t)
	})
}

// ListDefinitions implements persistence.Definitions.
func (s *Store) ListDefinitions(ctx context.Context, q persistence.DefinitionsQuery) ([]persistence.Definition, error) {
	limit := persistence.Limit(q.Limit)
	text, in, restText, args := listQuery, listInQuery, restQuery, []any{string(q.Kind), q.ProjectID}
	if q.ProjectID == "" {
		text, in, restText, args = listAllQuery, listAllIn, restAllQuery, args[:1]
	}
	which := len(args)
	args = append(args, q.AfterName, limit)
	if q.Namespace != nil {
		text, args = in, append(args, *q.Namespace)
	}
	out, err := list(ctx, s, "list definitions", scanDefinition, text, args...)
	if err != nil || len(out) < limit {
		return out, err
	}
	// The page is full: the last name may go on behind it.
	last := out[len(out)-1].Name
	rest, err := list(ctx, s, "list definitions", scanDefinition, restText, append(args[:which:which], last)...)
	if err != nil {
		return nil, err
	}
	for len(out) > 0 && out[len(out)-1].Name == last {
		out = out[:len(out)-1]
	}
	for _, d := range rest {
		if q.Namespace == nil || d.Namespace == *q.Namespace {
			out = append(out, d)
		}
	}
	return out, nil
}
