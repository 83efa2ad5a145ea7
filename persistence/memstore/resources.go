package memstore

import (
	"cmp"
	"context"
	"slices"

	"cierzo/fault"
	"cierzo/persistence"
)

// named finds a resource by its name; nil: there is none.
func (s *Store) named(key persistence.ResourceKey) *persistence.Resource {
	for _, r := range s.resources {
		if r.Key() == key {
			return &r
		}
	}
	return nil
}

// CreateResource implements persistence.Resources.
func (s *Store) CreateResource(ctx context.Context, r persistence.Resource) (*persistence.Resource, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var out persistence.Resource
	err := s.write(ctx, "CreateResource", func() error {
		out = r.First(s.cfg.NewID(), s.cfg.Now())
		if _, taken := s.resources[out.ID]; taken || s.named(out.Key()) != nil {
			return persistence.TakenError(out.Key())
		}
		s.resources[out.ID] = out
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// UpdateResource implements persistence.Resources.
func (s *Store) UpdateResource(ctx context.Context, r persistence.Resource) (*persistence.Resource, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var out persistence.Resource
	err := s.write(ctx, "UpdateResource", func() error {
		stored, err := s.resource(r.Kind, r.ID)
		if err != nil {
			return err
		}
		if out, err = r.Next(stored, s.cfg.Now()); err != nil {
			return err
		}
		if other := s.named(out.Key()); other != nil && other.ID != out.ID {
			return persistence.TakenError(out.Key())
		}
		s.resources[out.ID] = out
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (s *Store) resource(kind persistence.ResourceKind, id string) (*persistence.Resource, error) {
	r, ok := s.resources[id]
	if !ok || r.Kind != kind {
		return nil, fault.New(fault.NotFound, "%s %s", kind, id)
	}
	return &r, nil
}

// DeleteResource implements persistence.Resources.
func (s *Store) DeleteResource(ctx context.Context, kind persistence.ResourceKind, id string, version uint64) error {
	return s.write(ctx, "DeleteResource", func() error {
		r, err := s.resource(kind, id)
		if err != nil {
			return err
		}
		if version != 0 && r.Version != version {
			return persistence.StaleError(r)
		}
		delete(s.resources, id)
		return nil
	})
}

// GetResource implements persistence.Resources.
func (s *Store) GetResource(ctx context.Context, kind persistence.ResourceKind, id string) (*persistence.Resource, error) {
	var out *persistence.Resource
	err := s.read(ctx, "GetResource", func() error {
		var err error
		out, err = s.resource(kind, id)
		return err
	})
	return out, err
}

// FindResource implements persistence.Resources.
func (s *Store) FindResource(ctx context.Context, key persistence.ResourceKey) (*persistence.Resource, error) {
	var out *persistence.Resource
	err := s.read(ctx, "FindResource", func() error {
		if out = s.named(key); out == nil {
			return fault.New(fault.NotFound, "%s %q", key.Kind, key.Name)
		}
		return nil
	})
	return out, err
}

// ListResources implements persistence.Resources.
func (s *Store) ListResources(ctx context.Context, q persistence.ResourcesQuery) ([]persistence.Resource, error) {
	var out []persistence.Resource
	err := s.read(ctx, "ListResources", func() error {
		for _, r := range s.resources {
			if r.Kind == q.Kind && (q.ProjectID == "" || r.ProjectID == q.ProjectID || q.OrPublic && r.Scope == "public") &&
				(q.Namespace == "" || r.Namespace == q.Namespace) && (q.Ref == "" || r.Ref == q.Ref) &&
				(q.After == nil || byAge(&r, q.After) > 0) {
				out = append(out, r)
			}
		}
		slices.SortFunc(out, func(a, b persistence.Resource) int {
			return byAge(&a, &persistence.ResourceMark{CreatedAt: b.CreatedAt, ID: b.ID})
		})
		out = out[:min(len(out), persistence.Limit(q.Limit))]
		return nil
	})
	return out, err
}

func byAge(r *persistence.Resource, m *persistence.ResourceMark) int {
	return cmp.Or(r.CreatedAt.Compare(m.CreatedAt), cmp.Compare(r.ID, m.ID))
}

// DueResources implements persistence.Resources.
func (s *Store) DueResources(ctx context.Context, kind persistence.ResourceKind, limit int) ([]persistence.Resource, error) {
	var out []persistence.Resource
	err := s.read(ctx, "DueResources", func() error {
		now := s.cfg.Now()
		for _, r := range s.resources {
			if r.Kind == kind && !r.DueAt.IsZero() && !r.DueAt.After(now) {
				out = append(out, r)
			}
		}
		slices.SortFunc(out, func(a, b persistence.Resource) int {
			return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID))
		})
		out = out[:min(len(out), persistence.Limit(limit))]
		return nil
	})
	return out, err
}
