package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cierzo/fault"
	"cierzo/persistence"
)

const (
	resourceColumns   = `id, kind, project_id, namespace, name, scope, ref, due_at, version, doc, created_at, updated_at`
	resourceQuery     = `SELECT ` + resourceColumns + ` FROM resources WHERE id = $1 AND kind = $2`
	resourceNameQuery = `SELECT ` + resourceColumns + ` FROM resources WHERE project_id = $1 AND kind = $2 AND namespace = $3 AND name = $4`
	// As in dueMany: a clock that is asked again for each row couldn't bound the index.
	resourcesDueMany = `SELECT ` + resourceColumns + ` FROM resources WHERE kind = $1 AND due_at <> 0
AND due_at <= CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS INT8) ORDER BY due_at, id LIMIT $2`
	resourcesDueOne = `SELECT ` + resourceColumns + ` FROM resources WHERE kind = $1 AND due_at <> 0 AND due_at <= {now} ORDER BY due_at, id LIMIT $2`

	insertResource = `INSERT INTO resources (id, kind, project_id, namespace, name, scope, ref, due_at, version, doc, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`
	updateResource = `UPDATE resources SET name = $3, scope = $4, ref = $5, due_at = $6, version = $7, doc = $8, updated_at = $9
WHERE id = $1 AND version = $2 AND NOT EXISTS (
SELECT 1 FROM resources AS o WHERE o.project_id = $10 AND o.kind = $11 AND o.namespace = $12 AND o.name = $3 AND o.id <> $1)`
	deleteResource = `DELETE FROM resources WHERE id = $1 AND version = $2`
)

func scanResource(rows *sql.Rows) (persistence.Resource, error) {
	var r persistence.Resource
	var due, created, updated int64
	err := rows.Scan(&r.ID, &r.Kind, &r.ProjectID, &r.Namespace, &r.Name, &r.Scope, &r.Ref, &due, &r.Version, &r.Doc, &created, &updated)
	r.DueAt, r.CreatedAt, r.UpdatedAt = persistence.FromMicros(due), persistence.FromMicros(created), persistence.FromMicros(updated)
	return r, err
}

// CreateResource implements persistence.Resources.
func (s *Store) CreateResource(ctx context.Context, r persistence.Resource) (*persistence.Resource, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	r = r.First(uuid.NewString(), time.Now())
	err := s.transact(ctx, fmt.Sprintf("create %s %q", r.Kind, r.Name), func(t *transaction) error {
		n, err := t.exec(insertResource, r.ID, string(r.Kind), r.ProjectID, r.Namespace, r.Name, r.Scope, r.Ref, persistence.Micros(r.DueAt),
			r.Version, r.Doc, persistence.Micros(r.CreatedAt), persistence.Micros(r.UpdatedAt))
		if err == nil && n == 0 {
			return persistence.TakenError(r.Key())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// stored reads a resource that is about to be changed.
func (t *transaction) stored(kind persistence.ResourceKind, id string) (*persistence.Resource, error) {
	var found []persistence.Resource
	if err := t.query(resourceQuery, into(&found, scanResource), id, string(kind)); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "there is none")
	}
	return &found[0], nil
}

// UpdateResource implements persistence.Resources.
func (s *Store) UpdateResource(ctx context.Context, r persistence.Resource) (*persistence.Resource, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var out persistence.Resource
	err := s.transact(ctx, fmt.Sprintf("update %s %s", r.Kind, r.ID), func(t *transaction) error {
		old, err := t.stored(r.Kind, r.ID)
		if err != nil {
			return err
		}
		if out, err = r.Next(old, time.Now()); err != nil {
			return err
		}
		n, err := t.exec(updateResource, out.ID, old.Version, out.Name, out.Scope, out.Ref, persistence.Micros(out.DueAt), out.Version, out.Doc,
			persistence.Micros(out.UpdatedAt), out.ProjectID, string(out.Kind), out.Namespace)
		if err == nil && n == 0 {
			return persistence.TakenError(out.Key())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// DeleteResource implements persistence.Resources.
func (s *Store) DeleteResource(ctx context.Context, kind persistence.ResourceKind, id string, version uint64) error {
	return s.transact(ctx, fmt.Sprintf("delete %s %s", kind, id), func(t *transaction) error {
		old, err := t.stored(kind, id)
		if err != nil {
			return err
		}
		if version != 0 && version != old.Version {
			return persistence.StaleError(old)
		}
		n, err := t.exec(deleteResource, id, old.Version)
		if err == nil && n == 0 {
			return met{}
		}
		return err
	})
}

// GetResource implements persistence.Resources.
func (s *Store) GetResource(ctx context.Context, kind persistence.ResourceKind, id string) (*persistence.Resource, error) {
	r, err := one(ctx, s, string(kind)+" "+id, scanResource, resourceQuery, id, string(kind))
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// FindResource implements persistence.Resources.
func (s *Store) FindResource(ctx context.Context, k persistence.ResourceKey) (*persistence.Resource, error) {
	r, err := one(ctx, s, fmt.Sprintf("%s %q", k.Kind, k.Name), scanResource, resourceNameQuery, k.ProjectID, string(k.Kind), k.Namespace, k.Name)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// resourcesStatement has a condition for each field that selects.
func resourcesStatement(q persistence.ResourcesQuery) (string, []any) {
	var w selection
	w.where("kind = " + w.place(string(q.Kind)))
	switch {
	case q.ProjectID != "" && q.OrPublic:
		w.where("(project_id = " + w.place(q.ProjectID) + " OR scope = 'public')")
	case q.ProjectID != "":
		w.where("project_id = " + w.place(q.ProjectID))
	}
	if q.Namespace != "" {
		w.where("namespace = " + w.place(q.Namespace))
	}
	if q.Ref != "" {
		w.where("ref <> '' AND ref = " + w.place(q.Ref))
	}
	if q.After != nil {
		w.where("(created_at, id) > (" + w.place(persistence.Micros(q.After.CreatedAt)) + ", " + w.place(q.After.ID) + ")")
	}
	return "SELECT " + resourceColumns + " FROM resources WHERE " + w.all() + " ORDER BY created_at, id LIMIT " + w.place(persistence.Limit(q.Limit)), w.args
}

// ListResources implements persistence.Resources.
func (s *Store) ListResources(ctx context.Context, q persistence.ResourcesQuery) ([]persistence.Resource, error) {
	text, args := resourcesStatement(q)
	return list(ctx, s, "list resources", scanResource, text, args...)
}

// DueResources implements persistence.Resources.
func (s *Store) DueResources(ctx context.Context, kind persistence.ResourceKind, limit int) ([]persistence.Resource, error) {
	text := resourcesDueOne
	if s.dialect.server {
		text = resourcesDueMany
	}
	return list(ctx, s, "find due resources", scanResource, text, string(kind), persistence.Limit(limit))
}
