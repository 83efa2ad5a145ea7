package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cierzo/fault"
	"cierzo/persistence"
)

const (
	newestQuery = `SELECT record FROM definitions WHERE kind = $1 AND name = $2 AND namespace = $3 AND project_id = $4 AND newest`
	// lastQuery finds the last revision, also of a deleted definition: revisions never repeat.
	lastQuery             = `SELECT record FROM definitions WHERE kind = $1 AND name = $2 AND namespace = $3 AND project_id = $4 ORDER BY revision DESC LIMIT 1`
	publicQuery           = `SELECT record FROM definitions WHERE kind = $1 AND name = $2 AND namespace = $3 AND scope = 'public' AND newest ORDER BY project_id LIMIT 1`
	definitionQuery       = `SELECT record FROM definitions WHERE id = $1`
	retireQuery           = `UPDATE definitions SET newest = FALSE WHERE kind = $1 AND name = $2 AND namespace = $3 AND project_id = $4 AND newest`
	insertDefinition      = `INSERT INTO definitions (id, project_id, kind, namespace, name, scope, revision, newest, hash, record) VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE, $8, $9)`
	listDefinitionsQuery  = `SELECT record FROM definitions WHERE kind = $1 AND newest AND (project_id = $2 OR scope = 'public') AND name > $3 ORDER BY name LIMIT $4`
	listDefinitionsInName = `SELECT record FROM definitions WHERE kind = $1 AND newest AND (project_id = $2 OR scope = 'public') AND name > $3 AND namespace = $5 ORDER BY name LIMIT $4`
)

func decodeDefinition(raw []byte) (*persistence.Definition, error) {
	d := &persistence.Definition{}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("decode definition: %w", err)
	}
	return d, nil
}

// CreateDefinitions implements persistence.Definitions.
func (s *Store) CreateDefinitions(ctx context.Context, ds []persistence.Definition) ([]persistence.Definition, error) {
	return s.saveDefinitions(ctx, ds, true)
}

// PutDefinitions implements persistence.Definitions.
func (s *Store) PutDefinitions(ctx context.Context, ds []persistence.Definition) ([]persistence.Definition, error) {
	return s.saveDefinitions(ctx, ds, false)
}

func (s *Store) saveDefinitions(ctx context.Context, ds []persistence.Definition, mustBeNew bool) ([]persistence.Definition, error) {
	var out []persistence.Definition
	now := time.Now().UTC()
	err := s.transact(ctx, "store definitions", func(tx *sql.Tx) error {
		out = out[:0]
		for _, d := range ds {
			saved, err := saveDefinition(ctx, tx, d, mustBeNew, now)
			if err != nil {
				return err
			}
			out = append(out, *saved)
		}
		return nil
	})
	if fault.Is(err, fault.Conflict) && mustBeNew {
		return nil, fault.New(fault.Conflict, "%s %s exists: %w", ds[0].Kind, ds[0].Name, err)
	}
	return out, err
}

func saveDefinition(ctx context.Context, tx *sql.Tx, d persistence.Definition, mustBeNew bool, now time.Time) (*persistence.Definition, error) {
	key := []any{string(d.Kind), d.Name, d.Namespace, d.ProjectID}
	newest, err := maybeDefinition(ctx, tx, newestQuery, key...)
	if err != nil {
		return nil, err
	}
	if newest != nil && mustBeNew {
		return nil, fault.New(fault.Conflict, "%s %s exists", d.Kind, d.Name)
	}
	if newest != nil && newest.Hash == d.Hash && newest.Scope == d.Scope {
		return newest, nil
	}
	last, err := maybeDefinition(ctx, tx, lastQuery, key...)
	if err != nil {
		return nil, err
	}
	d.ID, d.Revision, d.CreatedAt = uuid.NewString(), 1, now
	d.FirstID = d.ID
	if last != nil {
		d.Revision = last.Revision + 1
	}
	if newest != nil {
		d.FirstID = newest.FirstID
		if _, err := tx.ExecContext(ctx, retireQuery, key...); err != nil {
			return nil, err
		}
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, insertDefinition, d.ID, d.ProjectID, string(d.Kind), d.Namespace, d.Name, d.Scope, d.Revision, d.Hash, string(raw))
	return &d, err
}

// maybeDefinition is nil when there is none.
func maybeDefinition(ctx context.Context, tx *sql.Tx, query string, args ...any) (*persistence.Definition, error) {
	var raw string
	err := tx.QueryRowContext(ctx, query, args...).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeDefinition([]byte(raw))
}

// FindDefinition implements persistence.Definitions.
func (s *Store) FindDefinition(ctx context.Context, k persistence.DefinitionKey) (*persistence.Definition, error) {
	doing := fmt.Sprintf("%s %s", k.Kind, k.Name)
	d, err := one(ctx, s, doing, decodeDefinition, newestQuery, string(k.Kind), k.Name, k.Namespace, k.ProjectID)
	if !fault.Is(err, fault.NotFound) {
		return d, err
	}
	return one(ctx, s, doing, decodeDefinition, publicQuery, string(k.Kind), k.Name, k.Namespace)
}

// GetDefinition implements persistence.Definitions.
func (s *Store) GetDefinition(ctx context.Context, id string) (*persistence.Definition, error) {
	return one(ctx, s, "definition "+id, decodeDefinition, definitionQuery, id)
}

// DeleteDefinition implements persistence.Definitions.
func (s *Store) DeleteDefinition(ctx context.Context, k persistence.DefinitionKey) error {
	return s.transact(ctx, fmt.Sprintf("delete %s %s", k.Kind, k.Name), func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, retireQuery, string(k.Kind), k.Name, k.Namespace, k.ProjectID)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "not found")
		}
		return err
	})
}

// ListDefinitions implements persistence.Definitions.
func (s *Store) ListDefinitions(ctx context.Context, q persistence.DefinitionsQuery) ([]persistence.Definition, error) {
	query, args := listDefinitionsQuery, []any{string(q.Kind), q.ProjectID, q.AfterName, q.Limit}
	if q.Namespace != nil {
		query, args = listDefinitionsInName, append(args, *q.Namespace)
	}
	ptrs, err := list(ctx, s, "list definitions", decodeDefinition, query, args...)
	out := make([]persistence.Definition, 0, len(ptrs))
	for _, d := range ptrs {
		out = append(out, *d)
	}
	return out, err
}
