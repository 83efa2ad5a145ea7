package cluster

import (
	"cmp"
	"slices"

	"cierzo/persistence"
	"cierzo/workflow"
)

// View is who the engines are, at a moment. It is frozen.
type View struct {
	Nodes  []persistence.Node // by id
	owners [persistence.ShardsMax]int16
}

// NewView makes a view of the engines among the nodes. Draining engines own nothing unless there is no other.
func NewView(nodes []persistence.Node) *View {
	v := &View{Nodes: enginesOf(nodes)}
	index := map[persistence.NodeID]int16{"": -1}
	var up, all []persistence.NodeID
	for i, n := range v.Nodes {
		index[n.ID] = int16(i)
		all = append(all, n.ID)
		if n.State != Draining {
			up = append(up, n.ID)
		}
	}
	if len(up) == 0 {
		up = all
	}
	for shard := range v.owners {
		v.owners[shard] = index[persistence.Owner(uint16(shard), up)]
	}
	return v
}

// enginesOf are the engines among the nodes, by id.
func enginesOf(nodes []persistence.Node) []persistence.Node {
	var engines []persistence.Node
	for _, n := range nodes {
		if len(n.Roles) == 0 || slices.Contains(n.Roles, "engine") {
			engines = append(engines, n)
		}
	}
	slices.SortFunc(engines, func(a, b persistence.Node) int { return cmp.Compare(a.ID, b.ID) })
	return engines
}

// The states of a node in the store.
const (
	Up       = "up"
	Draining = "draining"
)

// Owner is the engine that owns the execution; false when there is none.
func (v *View) Owner(id workflow.ExecutionID) (persistence.Node, bool) {
	return v.ownerOf(persistence.Shard(id))
}

func (v *View) ownerOf(shard uint16) (persistence.Node, bool) {
	if v == nil || v.owners[shard] < 0 {
		return persistence.Node{}, false
	}
	return v.Nodes[v.owners[shard]], true
}

// Shards lists what the node owns.
func (v *View) Shards(node persistence.NodeID) []uint16 {
	shards := []uint16{}
	for shard := range uint16(persistence.ShardsMax) {
		if n, ok := v.ownerOf(shard); ok && n.ID == node {
			shards = append(shards, shard)
		}
	}
	return shards
}

// Has reports whether the node is among the engines.
func (v *View) Has(node persistence.NodeID) bool {
	return v != nil && slices.ContainsFunc(v.Nodes, func(n persistence.Node) bool { return n.ID == node })
}

// shows reports whether a view of these nodes would say the same of who owns what and where it is.
func (v *View) shows(nodes []persistence.Node) bool {
	return v != nil && slices.EqualFunc(v.Nodes, enginesOf(nodes), func(a, b persistence.Node) bool {
		return a.ID == b.ID && a.Address == b.Address && a.State == b.State
	})
}
