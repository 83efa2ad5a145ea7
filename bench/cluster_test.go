package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cierzo/api/client"
	"cierzo/fault"
	"cierzo/node"
)

// aCluster is a node and its API; asked sees each request before it.
func aCluster(ctx context.Context, t *testing.T, asked func(w http.ResponseWriter, r *http.Request) bool) *client.Client {
	t.Helper()
	n, err := node.New(ctx, node.Config{Store: "memory:"})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked == nil || !asked(w, r) {
			n.Handler().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		if err := n.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// left counts the workflows and the executions that a cluster has.
func left(ctx context.Context, t *testing.T, c *client.Client) (workflows, executions int) {
	t.Helper()
	w, err := c.Workflows(ctx, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.AllExecutions(ctx, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(w), len(e)
}

func TestMeasureCluster(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := aCluster(ctx, t, nil)
	measure := func(cfg ClusterConfig) []Result {
		t.Helper()
		var out []Result
		cfg.Clients, cfg.Executions, cfg.Fan = []*client.Client{c, c}, 20, 10
		if err := MeasureCluster(ctx, cfg, func(r Result) { out = append(out, r) }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	var seen []string
	var cpu float64 // it is told in steps of 10 ms, and some take less
	for _, r := range measure(ClusterConfig{}) {
		seen, cpu = append(seen, r.Workload), cpu+r.CPU
		if times := []float64{r.P50, r.P95, r.P99, r.Max}; r.P50 <= 0 || !slices.IsSorted(times) || r.Error != "" || r.Peer != "cierzo-cluster" {
			t.Errorf("%s: times %v, peer %s, error %q", r.Workload, times, r.Peer, r.Error)
		}
		if latency := r.Workload == "W5"; latency == (r.Throughput > 0) || latency != (len(r.Took) == latencyRuns) || latency && (r.Commits < 2*2 || r.Commits > 2*2+1) { // the same node was asked twice
			t.Errorf("%s: %g a second, %d times, %g transactions", r.Workload, r.Throughput, len(r.Took), r.Commits)
		}
	}
	if !slices.Equal(seen, ClusterWorkloads()) || cpu <= 0 {
		t.Errorf("ran %v, want %v; %g ms of processor time", seen, ClusterWorkloads(), cpu)
	}
	if w, e := left(ctx, t, c); w+e != 0 {
		t.Errorf("%d workflows and %d executions are left", w, e)
	}
	measure(ClusterConfig{Workloads: []string{"W1"}, Keep: true})
	if w, e := left(ctx, t, c); w != 5 || e != 20+50 {
		t.Errorf("kept are %d workflows and %d executions, want 5 and 70 (50 of them to warm up)", w, e)
	}
}

func TestMeasureClusterThatFails(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var starts atomic.Int64
	c := aCluster(ctx, t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/metrics":
			http.NotFound(w, r)
			return true
		case r.Method == http.MethodPost && r.URL.Path == "/v2/executions":
			if starts.Add(1) == 50+7 {
				http.Error(w, `{"faultstring": "enough"}`, http.StatusForbidden)
				return true
			}
		}
		return false
	})
	var results []Result
	cfg := ClusterConfig{Clients: []*client.Client{c}, Workloads: []string{"W5"}}
	err := MeasureCluster(ctx, cfg, func(r Result) { results = append(results, r) })
	if err == nil || !strings.Contains(err.Error(), "enough") || len(results) != 1 || !strings.Contains(results[0].Error, "enough") {
		t.Errorf("%v, results %+v", err, results)
	}
	if w, e := left(ctx, t, c); w+e != 0 {
		t.Errorf("after an error %d workflows and %d executions are left", w, e)
	}
	results = nil
	if err := MeasureCluster(ctx, cfg, func(r Result) { results = append(results, r) }); err != nil || results[0].CPU != 0 || results[0].Commits != 0 {
		t.Errorf("of servers that show no metrics: %v, %+v", err, results)
	}
	for w, want := range map[string]string{"W6": "looks into the engine's process", "W9": `"W9" is unknown`} {
		err := MeasureCluster(ctx, ClusterConfig{Clients: cfg.Clients, Workloads: []string{w}}, nil)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("workload %s: %v", w, err)
		}
	}
	if err := MeasureCluster(ctx, ClusterConfig{}, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a server: %v", err)
	}
}
