package bench

import (
	"context"
	"slices"
	"testing"
	"time"

	"cierzo/fault"
	"cierzo/node"
)

// TestWorkloadsRun keeps every workload able to run, small and within the process; it says nothing of speed.
func TestWorkloadsRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	b, err := New(ctx, Config{Workloads: []string{"W1", "W2", "W3", "W4", "W4F"}, Executions: 20, Fan: 30})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	var seen []string
	if err := b.Run(ctx, func(r Result) {
		seen = append(seen, r.Workload)
		if r.Throughput <= 0 || r.Commits <= 0 || r.Retries != 0 {
			t.Errorf("%s: %.1f per second, %.3f transactions and %.3f retries for each action", r.Workload, r.Throughput, r.Commits, r.Retries)
		}
		if r.Peer != "cierzo-sqlite-inside" || r.Error != "" {
			t.Errorf("%s: of %s, error %q", r.Workload, r.Peer, r.Error)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"W1", "W2", "W3", "W4", "W4F"}; !slices.Equal(seen, want) {
		t.Errorf("ran %v, want %v", seen, want)
	}
}

func TestUnknownWorkloadIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(t.Context(), Config{Workloads: []string{"W9"}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("error %v, want an invalid one", err)
	}
}

// TestTurnsOfAnAction bounds what the hot path costs in what can be counted: an action in a sequence is one turn, and so
// one transaction of a lone execution; a workflow of one action is two.
func TestTurnsOfAnAction(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	b, err := New(ctx, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	for workflow, most := range map[string]uint64{"bench_seq_1": 2, "bench_seq_20": 21, "bench_fork_50": 54} {
		before := b.node.Metrics()["cierzo_turns_committed_total"]
		id, err := b.node.Start(ctx, node.StartRequest{Workflow: workflow})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.awaitAll(ctx, []string{id}); err != nil {
			t.Fatal(err)
		}
		turns := b.node.Metrics()["cierzo_turns_committed_total"] - before
		if turns > most {
			t.Errorf("%s took %d committed turns, want at most %d", workflow, turns, most)
		}
	}
	// A start that fails is not waited for: nothing of the load will end.
	if err := b.many(ctx, load{workflow: "nope", clients: 2, count: 40, actions: 1}, "nope"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a load of a workflow that isn't there: %v", err)
	}
}

// TestBytesOfAnAction bounds what an action writes to a server's log, and in how many transactions. A server of its own that does
// nothing else makes it the same each time, but for how many turns happen to share a transaction: the bounds hold without that.
func TestBytesOfAnAction(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	b, err := New(ctx, Config{Workloads: []string{"W1", "W2", "W4"}, Executions: 300, Store: postgresStore(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	most := map[string]struct{ bytes, transactions float64 }{"W1": {2000, 2.1}, "W2": {1000, 1.1}, "W4": {800, 1.1}}
	if err := b.Run(ctx, func(r Result) {
		t.Logf("%s: %.0f bytes and %.3f writing transactions for each action", r.Workload, r.WAL, r.Writing)
		limit, ok := most[r.Workload]
		if !ok || r.Error != "" || r.WAL < 100 || r.WAL > limit.bytes || r.Writing <= 0 || r.Writing > limit.transactions {
			t.Errorf("%s: %.0f bytes and %.3f writing transactions for each action, want at most %v; error %q", r.Workload, r.WAL, r.Writing, limit, r.Error)
		}
		delete(most, r.Workload)
	}); err != nil {
		t.Fatal(err)
	}
	if len(most) > 0 {
		t.Errorf("not run: %v", most)
	}
}
