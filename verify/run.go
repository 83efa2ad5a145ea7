package verify

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// The times that the ends of a run may take.
const (
	collectMax = 10 * time.Minute
	cleanMax   = 5 * time.Minute
	// quietPause is between two looks for actions that have not ended.
	quietPause = 500 * time.Millisecond
)

// run is one run of the verification.
type run struct {
	cfg     Config
	cluster *cluster
	plan    *plan
	load    *load
	nemesis *nemesis
	report  *Report
}

// Run verifies a cluster. An error says that it couldn't be done: fault.Invalid for a wrong Config, else what the cluster said
// (it doesn't answer, it forbids it, …); what was found is in the Report.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	name := uuid.NewString()[:8]
	r := &run{cfg: cfg, cluster: newCluster(cfg.Clients, cfg.Rate), plan: draw(name, cfg.Seed, cfg.Executions, cfg.Duration)}
	r.load, r.nemesis = newLoad(&r.cfg, r.cluster, r.plan), &nemesis{cfg: &r.cfg, cluster: r.cluster}
	r.report = r.begin()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	c, err := r.carryOut(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, r.clean(ctx, true))
	}
	r.judge(c)
	r.report.Left = r.clean(ctx, !cfg.Keep && r.report.Passed)
	if r.report.Passed = r.report.Passed && ctx.Err() == nil; ctx.Err() != nil {
		return r.report, fault.Wrap(fault.Unavailable, ctx.Err(), "verify")
	}
	return r.report, nil
}

// prepare looks who answers, and stores the workflows.
func (r *run) prepare(ctx context.Context) error {
	for _, c := range r.cfg.Clients {
		s := Server{Address: c.Address()}
		health, err := c.Health(ctx)
		if err != nil {
			return fmt.Errorf("look at the cluster before the run: %w", err)
		}
		s.Store, s.Schema = health.Store, health.Schema
		r.report.Servers = append(r.report.Servers, s)
	}
	if m, err := r.cfg.Clients[0].Maintenance(ctx); err == nil && m.Status != "RUNNING" {
		return fault.New(fault.Unavailable, "the service is in maintenance (%s)", m.Status)
	}
	// The nodes are shown to administrators, perhaps.
	if nodes, err := r.cfg.Clients[0].Nodes(ctx); err == nil {
		r.report.Nodes = nodes.Nodes
		r.report.Runners = nodes.Runners
	}
	r.cfg.Progress(fmt.Sprintf("run %s, seed %d: %d executions in %s, everything is named %s…", r.plan.run, r.cfg.Seed, r.cfg.Executions, r.cfg.Duration, r.plan.prefix))
	_, err := r.cfg.Clients[0].CreateWorkflows(ctx, "", []byte(r.plan.text()))
	if err != nil {
		return fmt.Errorf("store the workflows: %w", err)
	}
	return nil
}

// carryOut starts, breaks, waits, and reads what came of it.
func (r *run) carryOut(ctx context.Context) (*check.Case, error) {
	r.cluster.began = time.Now()
	r.report.Began = r.cluster.began.UTC().Truncate(time.Second)
	loading, enough := context.WithCancel(ctx)
	defer enough()
	loaded, broken := make(chan struct{}), make(chan struct{})
	go func() { defer close(loaded); r.load.run(loading) }()
	go func() { defer close(broken); r.nemesis.run(ctx) }()
	<-broken
	deadline := max(r.cfg.Duration, r.nemesis.last()) + r.cfg.Settle + r.plan.longest()
	patience := time.AfterFunc(deadline-r.cluster.since(), enough)
	<-loaded
	patience.Stop()
	if ctx.Err() != nil {
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "verify")
	}
	r.quiet(ctx, deadline)
	r.report.Settled = seconds(max(r.cluster.since()-max(r.cfg.Duration, r.nemesis.last()), 0))
	r.cfg.Progress(fmt.Sprintf("the load has ended after %s; reading what came of it", r.cluster.since().Round(100*time.Millisecond)))
	reading, cancel := context.WithTimeout(ctx, collectMax)
	defer cancel()
	c, err := collect(reading, r.cluster, r.plan)
	if err != nil {
		return nil, err
	}
	r.load.mu.Lock()
	c.Ops, c.Seen, c.Again = r.load.ops, r.load.seen, r.load.repeated
	for key, ids := range r.load.answers {
		for _, id := range ids {
			if !slices.Contains(c.Made[key], workflow.ExecutionID(id)) {
				c.Made[key] = append(c.Made[key], workflow.ExecutionID(id))
			}
		}
	}
	nothing := len(r.load.answers) == 0
	r.load.mu.Unlock()
	if nothing {
		return nil, fault.New(fault.Unavailable, "not one start was acknowledged: %s", strings.Join(r.load.trouble[:min(len(r.load.trouble), 3)], "; "))
	}
	r.unfinished(reading, c)
	return c, nil
}

// quiet waits for the actions that go on after the end of their executions, until the deadline.
func (r *run) quiet(ctx context.Context, deadline time.Duration) {
	user := &caller{cluster: r.cluster}
	for r.cluster.since() < deadline && !r.resting(ctx, user) {
		if wait.For(ctx, quietPause) != nil {
			return
		}
	}
}

func (r *run) resting(ctx context.Context, user *caller) bool {
	for _, f := range r.plan.flows {
		var list []apitype.ActionExecution
		q := url.Values{"workflow_name": {r.plan.prefix + f.name}, "state": {string(workflow.Running)}}
		a := user.do(ctx, "collect", func(ctx context.Context, c *client.Client) (err error) {
			list, err = c.ActionExecutions(ctx, "", q, 1)
			return err
		})
		if a.err != nil || len(list) > 0 {
			return false
		}
	}
	return true
}

// unfinished notes what has not come to its end, with what it waits for.
func (r *run) unfinished(ctx context.Context, c *check.Case) {
	user := &caller{cluster: r.cluster}
	for _, x := range c.Executions {
		why := ""
		if !x.State.Final() {
			var e *apitype.Explanation
			a := user.do(ctx, "collect", func(ctx context.Context, cl *client.Client) (err error) {
				e, err = cl.Explain(ctx, string(x.ID))
				return err
			})
			if a.err == nil {
				why = e.Summary
				for _, t := range e.Tasks {
					why += " " + t.Text
				}
			}
			c.Stuck = append(c.Stuck, fmt.Sprintf("execution %s of %s is %s %s after the last fault. %s", x.ID, x.WorkflowName, x.State, r.report.Settled, why))
			continue
		}
		for _, a := range x.Actions {
			if !a.State.Final() {
				c.Stuck = append(c.Stuck, fmt.Sprintf("action %s of execution %s (%s, %s) is %s", a.ID, x.ID, x.WorkflowName, x.State, a.State))
			}
		}
	}
	slices.Sort(c.Stuck)
}

// clean removes what the run has made, and says what is left.
func (r *run) clean(ctx context.Context, remove bool) string {
	if !remove {
		return fmt.Sprintf("Everything is still there: `cierzo verify --remove %s` removes it.", r.plan.run)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanMax)
	defer cancel()
	n, err := Remove(ctx, r.cfg.Clients, r.cfg.Rate, r.plan.run)
	if err != nil {
		return fmt.Sprintf("Not everything could be removed (%v): `cierzo verify --remove %s` tries again.", err, r.plan.run)
	}
	r.cfg.Progress(fmt.Sprintf("removed %d executions and the workflows", n))
	return ""
}

// Remove removes the executions and workflows of a run, and says how many executions there were.
func Remove(ctx context.Context, clients []*client.Client, rate int, name string) (int, error) {
	if len(clients) == 0 || rate < 1 || len(name) != 8 || strings.Trim(name, "0123456789abcdef") != "" {
		return 0, fault.New(fault.Invalid, "%q names no run of verify: it has 8 hexadecimal digits", name)
	}
	user := &caller{cluster: newCluster(clients, rate)}
	removed := 0
	p := draw(name, 1, 1, time.Second) // all plans have flows of the same names
	for _, f := range p.flows {
		workflow := p.prefix + f.name
		var list []apitype.Execution
		if a := user.do(ctx, "clean", func(ctx context.Context, c *client.Client) (err error) {
			list, err = c.AllExecutions(ctx, url.Values{"workflow_name": {workflow}}, 0)
			return err
		}); a.err != nil {
			return removed, a.err
		}
		for i := range list {
			if list[i].TaskExecutionID.Value != "" {
				continue // it goes with its parent
			}
			a := user.do(ctx, "clean", func(ctx context.Context, c *client.Client) error { return c.DeleteExecution(ctx, list[i].ID, true) })
			if a.err != nil && !fault.Is(a.err, fault.NotFound) {
				return removed, a.err
			}
			removed++
		}
		a := user.do(ctx, "clean", func(ctx context.Context, c *client.Client) error { return c.DeleteWorkflow(ctx, workflow, "") })
		if a.err != nil && !fault.Is(a.err, fault.NotFound) {
			return removed, a.err
		}
	}
	return removed, nil
}
