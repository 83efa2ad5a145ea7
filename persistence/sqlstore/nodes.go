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

const (
	replaceNode  = `DELETE FROM nodes WHERE address = $1`
	insertNode   = `INSERT INTO nodes (id, address, state, lease_until, doc) VALUES ($1, $2, $3, {now} + $4, $5)`
	renewNode    = `UPDATE nodes SET state = $2, lease_until = {now} + $3 WHERE id = $1 AND lease_until > {now}`
	deleteNode   = `DELETE FROM nodes WHERE id = $1`
	liveNodes    = `SELECT id, address, state, doc FROM nodes WHERE lease_until > {now} ORDER BY id`
	endLeases    = `UPDATE nodes SET lease_until = {now} WHERE lease_until > {now}`
	forgetOfNode = `DELETE FROM nodes WHERE lease_until < {now} - $1`
)

// forgetNodesAfter is how long the row of a lost lease stays to be looked at.
const forgetNodesAfter = 24 * time.Hour

type nodeDoc struct {
	Roles   []string `json:"roles,omitempty"`
	Version string   `json:"version,omitempty"`
	Started int64    `json:"started,omitempty"`
}

// Register implements persistence.Nodes.
func (s *Store) Register(ctx context.Context, n persistence.Node, ttl time.Duration) error {
	doc, err := json.Marshal(nodeDoc{n.Roles, n.Version, persistence.Micros(n.Started)})
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "register node %s", n.ID)
	}
	return s.transact(ctx, "register node "+string(n.ID), func(t *transaction) error {
		if _, err := t.exec(replaceNode, n.Address); err != nil {
			return err
		}
		if _, err := t.exec(deleteNode, string(n.ID)); err != nil {
			return err
		}
		if _, err := t.exec(forgetOfNode, forgetNodesAfter.Microseconds()); err != nil {
			return err
		}
		_, err := t.exec(insertNode, string(n.ID), n.Address, n.State, ttl.Microseconds(), string(doc))
		return err
	})
}

// Renew implements persistence.Nodes.
func (s *Store) Renew(ctx context.Context, id persistence.NodeID, state string, ttl time.Duration) error {
	doing := "renew the lease of node " + string(id)
	n, err := s.alone(ctx, doing, renewNode, string(id), state, ttl.Microseconds())
	if err == nil && n == 0 {
		return fmt.Errorf("%s: %w", doing, fault.New(fault.Conflict, "the lease is lost"))
	}
	return err
}

// Unregister implements persistence.Nodes.
func (s *Store) Unregister(ctx context.Context, id persistence.NodeID) error {
	return s.transact(ctx, "unregister node "+string(id), func(t *transaction) error {
		_, err := t.exec(deleteNode, string(id))
		return err
	})
}

// LiveNodes implements persistence.Nodes.
func (s *Store) LiveNodes(ctx context.Context) ([]persistence.Node, error) {
	return list(ctx, s, "list nodes", func(rows *sql.Rows) (persistence.Node, error) {
		var n persistence.Node
		var doc string
		if err := rows.Scan(&n.ID, &n.Address, &n.State, &doc); err != nil {
			return n, err
		}
		var d nodeDoc
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			return n, fmt.Errorf("decode node %s: %w", n.ID, err)
		}
		n.Roles, n.Version, n.Started = d.Roles, d.Version, persistence.FromMicros(d.Started)
		return n, nil
	}, liveNodes)
}
