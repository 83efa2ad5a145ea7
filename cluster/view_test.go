package cluster

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/persistence"
	"cierzo/workflow"
)

func nodes(n int, state string) []persistence.Node {
	var out []persistence.Node
	for i := range n {
		out = append(out, persistence.Node{ID: persistence.NodeID(fmt.Sprintf("node-%d", i)), Address: fmt.Sprintf("h:%d", i), State: state})
	}
	return out
}

// TestShardsAreSpreadEvenly: five nodes, many times; the average node is within a quarter of its share of the 256 shards.
func TestShardsAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	const rounds, members = 40, 5
	sum := map[int]int{}
	for round := range rounds {
		var all []persistence.Node
		for i := range members {
			all = append(all, persistence.Node{ID: persistence.NodeID(fmt.Sprintf("10.0.0.%d:%d", i, 7000+round))})
		}
		v := NewView(all)
		total := 0
		for i, n := range all {
			k := len(v.Shards(n.ID))
			sum[i] += k
			total += k
			if k < persistence.ShardsMax/members/2 || k > persistence.ShardsMax/members*2 {
				t.Errorf("round %d: a node owns %d of %d shards", round, k, persistence.ShardsMax)
			}
		}
		if total != persistence.ShardsMax {
			t.Errorf("round %d: %d shards are owned", round, total)
		}
	}
	fair := rounds * persistence.ShardsMax / members
	for i, k := range sum {
		if k < fair*3/4 || k > fair*5/4 {
			t.Errorf("node %d owns %d shards in %d rounds, its share is %d", i, k, rounds, fair)
		}
	}
}

// TestANodeThatLeavesMovesOnlyItsOwnShards is why it is a rendezvous.
func TestANodeThatLeavesMovesOnlyItsOwnShards(t *testing.T) {
	t.Parallel()
	all := nodes(5, Up)
	before, after := NewView(all), NewView(all[:4])
	for shard := range uint16(persistence.ShardsMax) {
		was, _ := before.ownerOf(shard)
		is, ok := after.ownerOf(shard)
		if !ok || was.ID != all[4].ID && is.ID != was.ID {
			t.Errorf("shard %d was %s's and is %s's", shard, was.ID, is.ID)
		}
	}
}

func TestDrainingNodesOwnNothingUnlessThereIsNoOther(t *testing.T) {
	t.Parallel()
	mixed := append(nodes(2, Up), persistence.Node{ID: "tired", State: Draining})
	if n := len(NewView(mixed).Shards("tired")); n != 0 {
		t.Errorf("a draining node owns %d shards", n)
	}
	if n := len(NewView(nodes(1, Draining)).Shards("node-0")); n != persistence.ShardsMax {
		t.Errorf("the only node, which drains, owns %d shards", n)
	}
}

func TestViewHasEnginesOnly(t *testing.T) {
	t.Parallel()
	v := NewView([]persistence.Node{
		{ID: "b", Roles: []string{"engine", "api"}}, {ID: "c", Roles: []string{"runner"}}, {ID: "a"},
	})
	var got []string
	for _, n := range v.Nodes {
		got = append(got, string(n.ID))
	}
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("engines (-want +got):\n%s", diff)
	}
	if v.Has("c") || !v.Has("a") {
		t.Error("Has is wrong")
	}
}

func TestNoViewHasNoOwner(t *testing.T) {
	t.Parallel()
	for _, v := range []*View{nil, NewView(nil)} {
		if n, ok := v.Owner(workflow.ExecutionID("x")); ok || n.ID != "" || v.Has("x") || len(v.Shards("x")) != 0 {
			t.Errorf("owner %v, %t", n, ok)
		}
	}
}

func TestOwnerIsTheSameForAllWhoSeeTheSameNodes(t *testing.T) {
	t.Parallel()
	all := nodes(5, Up)
	shuffled := []persistence.Node{all[3], all[0], all[4], all[2], all[1]}
	v, w := NewView(all), NewView(shuffled)
	if !v.shows(shuffled) || v.shows(all[:4]) {
		t.Error("shows is wrong")
	}
	for i := range 1000 {
		id := workflow.ExecutionID(fmt.Sprint("x", i))
		a, _ := v.Owner(id)
		if b, _ := w.Owner(id); a.ID != b.ID {
			t.Fatalf("%s is owned by %s and %s", id, a.ID, b.ID)
		}
	}
}
