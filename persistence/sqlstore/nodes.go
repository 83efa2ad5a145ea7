package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
)

func decodeNode(raw []byte) (*persistence.Node, error) {
	n := &persistence.Node{}
	if err := json.Unmarshal(raw, n); err != nil {
		return nil, fmt.Errorf("decode node: %w", err)
	}
	return n, nil
}

// Register implements persistence.Nodes.
func (s *Store) Register(ctx context.Context, n persistence.Node, ttl time.Duration) error {
	raw, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.transact(ctx, "register node "+string(n.ID), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM nodes WHERE address = $1 AND id <> $2`, n.Address, string(n.ID)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO nodes (id, address, lease_until, record) VALUES ($1, $2, `+s.dialect.now+` + $3, $4)`,
			string(n.ID), n.Address, ttl.Microseconds(), string(raw))
		return err
	})
}

// Renew implements persistence.Nodes.
func (s *Store) Renew(ctx context.Context, id persistence.NodeID, state string, ttl time.Duration) error {
	return s.transact(ctx, "renew the lease of "+string(id), func(tx *sql.Tx) error {
		var raw string
		err := tx.QueryRowContext(ctx, `UPDATE nodes SET lease_until = `+s.dialect.now+` + $2 WHERE id = $1 AND lease_until > `+s.dialect.now+` RETURNING record`,
			string(id), ttl.Microseconds()).Scan(&raw)
		if err == sql.ErrNoRows {
			return fault.New(fault.Conflict, "the lease is lost")
		}
		if err != nil {
			return err
		}
		n, err := decodeNode([]byte(raw))
		if err != nil || n.State == state {
			return err
		}
		n.State = state
		changed, err := json.Marshal(n)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE nodes SET record = $2 WHERE id = $1`, string(id), string(changed))
		return err
	})
}

// Unregister implements persistence.Nodes.
func (s *Store) Unregister(ctx context.Context, id persistence.NodeID) error {
	return s.transact(ctx, "unregister node "+string(id), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM nodes WHERE id = $1`, string(id))
		return err
	})
}

// LiveNodes implements persistence.Nodes.
func (s *Store) LiveNodes(ctx context.Context) ([]persistence.Node, error) {
	ptrs, err := list(ctx, s, "list nodes", decodeNode, `SELECT record FROM nodes WHERE lease_until > `+s.dialect.now+` ORDER BY id`)
	out := make([]persistence.Node, 0, len(ptrs))
	for _, n := range ptrs {
		out = append(out, *n)
	}
	return out, err
}
