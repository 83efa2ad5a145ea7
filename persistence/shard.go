package persistence

import (
	"crypto/sha256"
	"encoding/binary"

	"cierzo/workflow"
)

// Shard places an execution: the upper bits of its key. Ids are hashed, so shards fill evenly and keys neither hot-spot a
// range nor share index pages between concurrent transactions.
func Shard(id workflow.ExecutionID) uint16 { return id.Key().Shard() }

// IndexHash is how indexes have a project, or a workflow of a project: short, and not led by what people have named alike.
func IndexHash(names ...string) int64 {
	text := make([]byte, 0, 64)
	for _, name := range names {
		text = append(append(text, name...), 0) // no name has this character
	}
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// Rendezvous weighs a node for a shard; the live node with the greatest weight owns the shard's executions. 64 bits and
// a strong mix, because neighbouring addresses must not skew the spread.
func Rendezvous(shard uint16, node NodeID) uint64 {
	h := uint64(14695981039346656037)
	h = (h ^ uint64(shard&0xff)) * 1099511628211
	h = (h ^ uint64(shard>>8)) * 1099511628211
	for i := 0; i < len(node); i++ {
		h = (h ^ uint64(node[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Owner returns the node that owns the shard: the greatest weight, the smaller id on a tie. "" when there is none.
func Owner(shard uint16, nodes []NodeID) NodeID {
	var owner NodeID
	var best uint64
	for _, n := range nodes {
		w := Rendezvous(shard, n)
		if owner == "" || w > best || (w == best && n < owner) {
			owner, best = n, w
		}
	}
	return owner
}
