package memstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
)

// Register implements persistence.Nodes.
func (s *Store) Register(ctx context.Context, n persistence.Node, ttl time.Duration) error {
	return s.write(ctx, "Register", func() error {
		maps.DeleteFunc(s.nodes, func(_ persistence.NodeID, m *member) bool { return m.node.Address == n.Address })
		n.Roles, n.Started = slices.Clone(n.Roles), persistence.FromMicros(persistence.Micros(n.Started))
		s.nodes[n.ID] = &member{node: n, until: s.cfg.Now().Add(ttl)}
		return nil
	})
}

// Renew implements persistence.Nodes.
func (s *Store) Renew(ctx context.Context, id persistence.NodeID, state string, ttl time.Duration) error {
	return s.write(ctx, "Renew", func() error {
		m := s.nodes[id]
		if m == nil || !m.until.After(s.cfg.Now()) {
			return fault.New(fault.Conflict, "the lease of node %s is lost", id)
		}
		m.node.State, m.until = state, s.cfg.Now().Add(ttl)
		return nil
	})
}

// Unregister implements persistence.Nodes.
func (s *Store) Unregister(ctx context.Context, id persistence.NodeID) error {
	return s.write(ctx, "Unregister", func() error {
		delete(s.nodes, id)
		return nil
	})
}

// LiveNodes implements persistence.Nodes.
func (s *Store) LiveNodes(ctx context.Context) ([]persistence.Node, error) {
	var out []persistence.Node
	err := s.read(ctx, "LiveNodes", func() error {
		for _, id := range slices.Sorted(maps.Keys(s.nodes)) {
			if m := s.nodes[id]; m.until.After(s.cfg.Now()) {
				n := m.node
				n.Roles = slices.Clone(n.Roles)
				out = append(out, n)
			}
		}
		return nil
	})
	return out, err
}
