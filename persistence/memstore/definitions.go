package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"cierzo/fault"
	"cierzo/persistence"
)

// CreateDefinitions implements persistence.Definitions.
func (s *Store) CreateDefinitions(ctx context.Context, ds []persistence.Definition) ([]persistence.Definition, error) {
	return s.store(ctx, "CreateDefinitions", ds, func(newest *persistence.Definition) error {
		if newest != nil {
			return persistence.ExistsError(newest.Key())
		}
		return nil
	})
}

// PutDefinitions implements persistence.Definitions.
func (s *Store) PutDefinitions(ctx context.Context, ds []persistence.Definition) ([]persistence.Definition, error) {
	return s.store(ctx, "PutDefinitions", ds, func(*persistence.Definition) error { return nil })
}

// store adds revisions, all or none.
func (s *Store) store(ctx context.Context, op string, ds []persistence.Definition, check func(newest *persistence.Definition) error) ([]persistence.Definition, error) {
	for i := range ds {
		if err := ds[i].Check(); err != nil {
			return nil, err
		}
	}
	var out []persistence.Definition
	err := s.write(ctx, op, func() error {
		heads := maps.Clone(s.definitions)
		var added []*persistence.Definition
		for _, d := range ds {
			newest := heads[d.Key()]
			if err := check(newest); err != nil {
				return err
			}
			revision, changed := d.Revise(newest, s.cfg.NewID(), s.cfg.Now())
			if changed {
				heads[d.Key()] = &revision
				added = append(added, &revision)
			}
			out = append(out, copied(&revision))
		}
		s.definitions = heads
		for _, d := range added {
			s.revisions[d.ID] = d
		}
		if len(added) > 0 {
			s.changes++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func copied(d *persistence.Definition) persistence.Definition {
	out := *d
	out.Tags = slices.Clone(d.Tags)
	return out
}

// RenameDefinition implements persistence.Definitions.
func (s *Store) RenameDefinition(ctx context.Context, old persistence.DefinitionKey, d persistence.Definition) (*persistence.Definition, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	var out persistence.Definition
	err := s.write(ctx, "RenameDefinition", func() error {
		newest := s.definitions[old]
		switch {
		case newest == nil:
			return fault.New(fault.NotFound, "%s %q in namespace %q", old.Kind, old.Name, old.Namespace)
		case d.Key() != old && s.definitions[d.Key()] != nil:
			return persistence.ExistsError(d.Key())
		}
		revision := d.Renamed(newest, s.cfg.NewID(), s.cfg.Now())
		delete(s.definitions, old)
		s.definitions[revision.Key()], s.revisions[revision.ID] = &revision, &revision
		s.changes++
		out = copied(&revision)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// ListRevisions implements persistence.Definitions.
func (s *Store) ListRevisions(ctx context.Context, firstID string, after, limit int) ([]persistence.Definition, error) {
	var out []persistence.Definition
	err := s.read(ctx, "ListRevisions", func() error {
		for _, d := range s.revisions {
			if d.FirstID == firstID && d.Revision > after {
				out = append(out, copied(d))
			}
		}
		slices.SortFunc(out, func(a, b persistence.Definition) int { return cmp.Compare(a.Revision, b.Revision) })
		out = out[:min(len(out), persistence.Limit(limit))]
		return nil
	})
	return out, err
}

// FindDefinition implements persistence.Definitions.
func (s *Store) FindDefinition(ctx context.Context, key persistence.DefinitionKey) (*persistence.Definition, error) {
	var out *persistence.Definition
	err := s.read(ctx, "FindDefinition", func() error {
		found := s.definitions[key]
		if found == nil {
			for k, d := range s.definitions {
				if k.Kind == key.Kind && k.Namespace == key.Namespace && k.Name == key.Name && d.Scope == "public" &&
					(found == nil || k.ProjectID < found.ProjectID) {
					found = d
				}
			}
		}
		if found == nil {
			return fault.New(fault.NotFound, "%s %q in namespace %q", key.Kind, key.Name, key.Namespace)
		}
		d := copied(found)
		out = &d
		return nil
	})
	return out, err
}

// GetDefinition implements persistence.Definitions.
func (s *Store) GetDefinition(ctx context.Context, id string) (*persistence.Definition, error) {
	var out *persistence.Definition
	err := s.read(ctx, "GetDefinition", func() error {
		found := s.revisions[id]
		if found == nil {
			return fault.New(fault.NotFound, "definition %s", id)
		}
		d := copied(found)
		out = &d
		return nil
	})
	return out, err
}

// DeleteDefinition implements persistence.Definitions.
func (s *Store) DeleteDefinition(ctx context.Context, key persistence.DefinitionKey) error {
	return s.write(ctx, "DeleteDefinition", func() error {
		if s.definitions[key] == nil {
			return fault.New(fault.NotFound, "%s %q in namespace %q", key.Kind, key.Name, key.Namespace)
		}
		delete(s.definitions, key)
		s.changes++
		return nil
	})
}

// DefinitionsVersion implements persistence.Definitions.
func (s *Store) DefinitionsVersion(ctx context.Context) (uint64, error) {
	var version uint64
	err := s.read(ctx, "DefinitionsVersion", func() error {
		version = 1 + s.changes
		return nil
	})
	return version, err
}

// ListDefinitions implements persistence.Definitions.
func (s *Store) ListDefinitions(ctx context.Context, q persistence.DefinitionsQuery) ([]persistence.Definition, error) {
	var out []persistence.Definition
	err := s.read(ctx, "ListDefinitions", func() error {
		for k, d := range s.definitions {
			if k.Kind == q.Kind && (q.ProjectID == "" || k.ProjectID == q.ProjectID || d.Scope == "public") && (q.Namespace == nil || k.Namespace == *q.Namespace) && k.Name > q.AfterName {
				out = append(out, copied(d))
			}
		}
		slices.SortFunc(out, func(a, b persistence.Definition) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ProjectID, b.ProjectID))
		})
		if end := persistence.Limit(q.Limit); end < len(out) {
			for end < len(out) && out[end].Name == out[end-1].Name {
				end++
			}
			out = out[:end]
		}
		return nil
	})
	return out, err
}
