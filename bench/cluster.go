package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

// ClusterConfig says how a running cluster is measured.
type ClusterConfig struct {
	// Clients reach the cluster's servers; executions are started at one after the other. At least one is required.
	Clients []*client.Client
	// Workloads are the names of ClusterWorkloads to run. Defaults to all of them.
	Workloads []string
	// Executions and AtATime are those of W1. They default to 2000 and 8.
	Executions, AtATime int
	// Fan is how many actions W3 has. Defaults to 500.
	Fan int
	// Run is the number of the run. Defaults to 1.
	Run int
	// Keep leaves the executions and the workflows where they are.
	Keep bool
	// Progress hears several times a second how far a workload is. nil: nobody.
	Progress func(what string, done, of int)
}

// clusterAction does nothing, on a runner, and every runner has it.
const clusterAction = "std.echo output=1"

// ClusterWorkloads names the workloads that a cluster can be measured by. The others look into the engine's process.
func ClusterWorkloads() []string { return []string{"W1", "W2", "W3", "W4", "W4F", "W5"} }

func (c *ClusterConfig) complete() error {
	if len(c.Clients) == 0 {
		return fault.New(fault.Invalid, "no server to measure")
	}
	own := Config{Executions: c.Executions, Fan: c.Fan, Run: c.Run}
	own.complete()
	c.Executions, c.Fan, c.Run = own.Executions, own.Fan, own.Run
	if c.AtATime <= 0 {
		c.AtATime = 8
	}
	if len(c.Workloads) == 0 {
		c.Workloads = ClusterWorkloads()
	}
	for _, w := range c.Workloads {
		switch {
		case slices.Contains(ClusterWorkloads(), w):
		case slices.Contains(Workloads(), w):
			return fault.New(fault.Invalid, "workload %s looks into the engine's process: it is measured on a node of its own, without a server; a cluster has %v", w, ClusterWorkloads())
		default:
			return fault.New(fault.Invalid, "workload %q is unknown; for a cluster there are %v", w, ClusterWorkloads())
		}
	}
	return nil
}

// MeasureCluster runs workloads on a running cluster as its users would, by the API: what they see is the throughput and, of each
// execution, the time from its start to its end. What an action costs is known as far as the servers' own metrics tell: the
// processor time of those servers, and the transactions of the engines in them. show hears of each workload when it is over.
// Everything that was made is removed.
func MeasureCluster(ctx context.Context, cfg ClusterConfig, show func(Result)) (err error) {
	if err := cfg.complete(); err != nil {
		return err
	}
	m := &clusterRun{ClusterConfig: cfg, prefix: "cierzo-bench-" + uuid.NewString()[:8] + "-"}
	var text strings.Builder
	flows(&text, m.prefix, clusterAction)
	made, err := m.Clients[0].CreateWorkflows(ctx, "", []byte(text.String()))
	if err != nil {
		return fmt.Errorf("store the workflows: %w", err)
	}
	if !m.Keep {
		defer func() { err = errors.Join(err, m.clean(context.WithoutCancel(ctx), made)) }()
	}
	if _, err := m.many(ctx, load{workflow: ownPrefix + "seq_2", clients: 8, count: 50, actions: 2}, "warm"); err != nil {
		return err
	}
	for _, w := range m.Workloads {
		r, err := m.workload(ctx, w)
		r.Peer, r.Workload, r.Run = "cierzo-cluster", w, m.Run
		if err := r.tell(show, err); err != nil {
			return err
		}
	}
	return nil
}

// clusterRun is the measurement of a running cluster.
type clusterRun struct {
	ClusterConfig
	prefix string
	next   atomic.Uint64 // of the servers
}

// latencyRuns is how often W5 starts an execution.
const latencyRuns = 100

func (m *clusterRun) load(name string) load {
	l := Config{Executions: m.Executions, Fan: m.Fan}.load(name)
	switch name {
	case "W1":
		l.clients = m.AtATime
	case "W5":
		l.count = latencyRuns
	default:
		l.clients = l.count // all of them at a time
	}
	return l
}

func (m *clusterRun) workload(ctx context.Context, name string) (Result, error) {
	var r Result
	l := m.load(name)
	before := m.metrics(ctx)
	began := time.Now()
	took, err := m.many(ctx, l, name)
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(began).Seconds()
	after := m.metrics(ctx)
	n := float64(l.count * l.actions)
	r.Throughput = n / r.Seconds
	if before != nil && after != nil {
		r.CPUSelf = after.cpu - before.cpu
		r.CPU, r.Commits = 1000*r.CPUSelf/n, (after.transactions-before.transactions)/n
	}
	r.percentiles(took)
	if name == "W5" {
		r.Throughput, r.Took = 0, took
	}
	return r, nil
}

// percentiles says how long executions took, by their times in milliseconds in order.
func (r *Result) percentiles(took []float64) {
	at := func(percent int) float64 { return took[max(len(took)*percent/100-1, 0)] }
	r.P50, r.P95, r.P99, r.Max = at(50), at(95), at(99), took[len(took)-1]
}

// many runs a load's executions, so many at a time, and gives their times in milliseconds in order.
func (m *clusterRun) many(ctx context.Context, l load, label string) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	var done atomic.Int64
	defer reportProgress(m.Progress, label, func() int { return int(done.Load()) }, l.count)()
	took := make([]float64, l.count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(l.clients)
	for i := range l.count {
		group.Go(func() error {
			began := time.Now()
			if err := m.one(ctx, l); err != nil {
				return err
			}
			took[i] = time.Since(began).Seconds() * 1000
			done.Add(1)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(took)
	return took, nil
}

// one runs an execution to its end.
func (m *clusterRun) one(ctx context.Context, l load) error {
	input, err := json.Marshal(l.input)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "input")
	}
	start := apitype.NewExecution{ID: uuid.NewString(), WorkflowName: m.prefix + strings.TrimPrefix(l.workflow, ownPrefix)}
	if l.input != nil {
		start.Input = input
	}
	c := m.Clients[m.next.Add(1)%uint64(len(m.Clients))]
	for {
		// With the same id nothing is started a second time.
		e, err := c.StartAndWait(ctx, start, 30*time.Second)
		switch {
		case err != nil:
			return err
		case e.State == "SUCCESS":
			return nil
		case e.State != "RUNNING" && e.State != "IDLE":
			return fault.New(fault.Internal, "execution %s ended in %s: %s", e.ID, e.State, e.StateInfo.Value)
		}
	}
}

// usage is what the servers' processes have taken since they were started.
type usage struct{ cpu, transactions float64 }

// metrics asks the servers; nil: one of them doesn't say.
func (m *clusterRun) metrics(ctx context.Context) *usage {
	var sum usage
	for _, c := range m.Clients {
		all, err := c.Metrics(ctx)
		cpu, said := all["process_cpu_seconds_total"]
		if err != nil || !said {
			return nil
		}
		sum.cpu, sum.transactions = sum.cpu+cpu, sum.transactions+all["cierzo_transactions_total"]
	}
	return &sum
}

// cleanMax bounds the removal.
const cleanMax = 5 * time.Minute

// clean removes the executions and the workflows of the measurement.
func (m *clusterRun) clean(ctx context.Context, made []apitype.Workflow) error {
	ctx, cancel := context.WithTimeout(ctx, cleanMax)
	defer cancel()
	for i := range made {
		err := m.removeExecutions(ctx, made[i].Name)
		if err == nil {
			err = m.Clients[0].DeleteWorkflow(ctx, made[i].Name, "")
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return fmt.Errorf("remove what the measurement has left, all named %s…: %w", m.prefix, err)
		}
	}
	return nil
}

func (m *clusterRun) removeExecutions(ctx context.Context, workflow string) error {
	for b := (apitype.Bulk{Action: "delete", Filter: map[string]any{"workflow_name": workflow}, Force: true}); ; {
		done, err := m.Clients[0].Bulk(ctx, b)
		if err != nil {
			return err
		}
		if len(done.Failed) > 0 {
			return fault.New(fault.Unavailable, "%d executions of %s can't be removed: %s", len(done.Failed), workflow, done.Failed[0].Error)
		}
		if b.Marker = done.Marker; b.Marker == "" {
			return nil
		}
	}
}
