package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cierzo/verify/check"
)

// shrunkMax bounds the plans that are tried on the way to a small one.
const shrunkMax = 400

// shrink looks for a smaller plan that breaks the same promise: fewer faults, commands, starts, tasks, processes, then plainer
// tasks and shorter faults.
func shrink(t *testing.T, p *plan, v check.Violation) *plan {
	t.Helper()
	tries := 0
	fails := func(p *plan) bool {
		tries++
		return tries <= shrunkMax && slices.ContainsFunc(carryOut(t, p, false).violations, func(x check.Violation) bool { return x.Checker == v.Checker })
	}
	for changed := true; changed && tries < shrunkMax; {
		changed = false
		for _, candidates := range []func(*plan) []*plan{
			without(func(p *plan) *[]trouble { return &p.Faults }), without(func(p *plan) *[]command { return &p.Commands }),
			without(func(p *plan) *[]start { return &p.Starts }), withoutJobs, fewer, plainer, shorter,
		} {
			for i := 0; ; i++ {
				list := candidates(p)
				if i >= len(list) {
					break
				}
				if fails(list[i]) {
					p, changed = list[i], true
					i--
				}
			}
		}
	}
	return p
}

// clone copies a plan.
func (p *plan) clone() *plan {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	c := &plan{}
	if err := json.Unmarshal(data, c); err != nil {
		panic(err)
	}
	return c
}

// without gives the plans that lack one element of a list; the last elements first.
func without[T any](of func(*plan) *[]T) func(*plan) []*plan {
	return func(p *plan) []*plan {
		var out []*plan
		for i := len(*of(p)) - 1; i >= 0; i-- {
			c := p.clone()
			*of(c) = slices.Delete(*of(c), i, i+1)
			out = append(out, c)
		}
		return out
	}
}

// withoutJobs gives the plans that lack a task, or a whole workflow that nothing starts.
func withoutJobs(p *plan) []*plan {
	var out []*plan
	for i, f := range p.Flows {
		used := slices.ContainsFunc(p.Starts, func(s start) bool { return s.Flow == f.Name })
		for _, g := range p.Flows {
			used = used || slices.ContainsFunc(g.Tasks, func(t *job) bool { return t.Workflow == f.Name })
		}
		if !used {
			c := p.clone()
			c.Flows = slices.Delete(c.Flows, i, i+1)
			out = append(out, c)
			continue
		}
		for k := len(f.Tasks) - 1; k >= 0 && len(f.Tasks) > 1; k-- {
			c := p.clone()
			c.Flows[i].drop(k)
			out = append(out, c)
		}
	}
	return out
}

// drop takes a task out of a flow, with all that leads to it. What led nowhere else begins the workflow then.
func (f *flow) drop(k int) {
	name := f.Tasks[k].Name
	f.Tasks = slices.Delete(f.Tasks, k, k+1)
	for _, t := range f.Tasks {
		for c := range t.On {
			t.On[c] = slices.DeleteFunc(t.On[c], func(x next) bool { return x.To == name })
		}
		t.Requires = slices.DeleteFunc(t.Requires, func(r string) bool { return r == name })
	}
	for _, t := range f.Tasks {
		switch n := f.sources(t.Name); {
		case n == 0:
			t.Join = ""
		case t.Join == "2" && n < 2:
			t.Join = "one"
		}
	}
}

// fewer gives the plans with a process less.
func fewer(p *plan) []*plan {
	var out []*plan
	if p.Engines > 1 {
		c := p.clone()
		c.Engines--
		out = append(out, c)
	}
	if p.Runners > 1 {
		c := p.clone()
		c.Runners--
		out = append(out, c)
	}
	for _, c := range out {
		nodes := c.nodes()
		c.Faults = slices.DeleteFunc(c.Faults, func(f trouble) bool {
			return slices.ContainsFunc(f.Nodes, func(n string) bool { return !slices.Contains(nodes, n) })
		})
	}
	return out
}

// plainer gives the plans in which one task has a policy less.
func plainer(p *plan) []*plan {
	var out []*plan
	for i, f := range p.Flows {
		for k, t := range f.Tasks {
			for _, field := range []*int{&t.Fails, &t.Items, &t.Concurrency, &t.Retries, &t.RetryDelay, &t.WaitBefore, &t.WaitAfter, &t.Timeout} {
				if old := *field; old != 0 {
					*field = 0
					out = append(out, p.clone())
					*field = old
				}
			}
			for _, field := range []*bool{&t.PauseBefore, &t.FailOn} {
				if *field {
					*field = false
					out = append(out, p.clone())
					*field = true
				}
			}
			if t.Workflow != "" {
				c := p.clone()
				c.Flows[i].Tasks[k].Workflow, c.Flows[i].Tasks[k].Action = "", "std.noop"
				out = append(out, c)
			}
		}
	}
	return out
}

// shorter gives the plans in which a fault lasts half as long.
func shorter(p *plan) []*plan {
	var out []*plan
	for i, f := range p.Faults {
		if f.For > 500 {
			c := p.clone()
			c.Faults[i].For /= 2
			out = append(out, c)
		}
	}
	return out
}

// explain shrinks a failing plan and says how it is repeated.
func explain(t *testing.T, p *plan, found []check.Violation) {
	t.Helper()
	for _, v := range found {
		t.Errorf("seed %d: %s", p.Seed, v)
	}
	t.Logf("repeat it with: go test ./test/sim -run '^TestSim$' -sim.seed=%d -sim.trace=/tmp/trace", p.Seed)
	small := shrink(t, p, found[0])
	data, err := json.MarshalIndent(small, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(os.TempDir(), "cierzo-sim-"+strings.ReplaceAll(found[0].Checker, " ", "-")+".json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("shrunk to %d faults, %d commands, %d starts; repeat that with: go test ./test/sim -run '^TestSim$' -sim.plan=%s\n%s\n%s",
		len(small.Faults), len(small.Commands), len(small.Starts), file, small.text(), data)
}
