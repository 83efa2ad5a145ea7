package persistence

import "cierzo/workflow"

// Shard places an execution: FNV-1a over its id, folded to ShardsMax. Ids are random, so shards fill evenly and keys led
// by them neither hot-spot a range nor share index pages between concurrent transactions.
func Shard(id workflow.ExecutionID) uint16 {
	h := uint32(2166136261)
	for i := 0; i < len(id); i++ {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return uint16((h ^ h>>16) % ShardsMax)
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
