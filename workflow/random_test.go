package workflow_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/invariant"
	"cierzo/workflow"
)

var (
	randomSeed = flag.Uint64("seed", 0, "run only this seed of the random test")
	randomRuns = flag.Int("runs", 150, "seeds of the random test")
)

// TestRandom runs random workflows in a world where messages are lost, doubled and late, runners die and come back as
// ghosts, and users pause and resume. Whatever happens: every execution reaches exactly one final state, every action
// has exactly one outcome, an action that isn't safe to repeat is run at most once, and an execution that is loaded
// again from its rows before each event does exactly the same.
func TestRandom(t *testing.T) {
	t.Parallel()
	from, to := uint64(1), uint64(*randomRuns)
	if *randomSeed != 0 {
		from, to = *randomSeed, *randomSeed
	}
	for seed := from; seed <= to; seed++ {
		plain := newChaos(t, seed, false).run()
		again := newChaos(t, seed, true).run()
		// With the tag so few sub-workflows are told something at a time that it matters which were told before.
		if strip(plain) != strip(again) && !invariant.Expensive {
			plain, again = strip(plain), strip(again)
			t.Logf("the workflow:\n%s\n%s", newChaos(t, seed, false).text(), plain)
			t.Errorf("loading again before each event changes what happens: %s", firstDifference(plain, again))
		}
		if t.Failed() {
			t.Fatalf("seed %d; again with: go test ./workflow -run TestRandom -seed %d", seed, seed)
		}
	}
}

// strip leaves out the line with the outputs: its ids differ when anything does.
func strip(history string) string {
	_, rest, _ := strings.Cut(history, "\n")
	return rest
}

// chaos is a world with an unreliable network.
type chaos struct {
	*world
	rnd     *rand.Rand
	reports map[string]*report
	order   []string // of reports
	ran     map[workflow.ActionID]int
	safe    map[workflow.ActionID]bool
	runner  int
	calm    bool // nothing is lost any more
}

// report is an outcome that its runner repeats until it is acknowledged.
type report struct {
	to    workflow.ExecutionID
	event workflow.ActionFinished
	done  bool
}

func newChaos(t *testing.T, seed uint64, reload bool) *chaos {
	c := &chaos{
		world: newWorld(t), rnd: rand.New(rand.NewPCG(seed, 7)), reports: map[string]*report{},
		ran: map[workflow.ActionID]int{}, safe: map[workflow.ActionID]bool{},
	}
	c.reload = reload
	c.net = c.deliver
	c.slots = func() workflow.RunnerID {
		if c.rnd.IntN(3) == 0 {
			return ""
		}
		return workflow.RunnerID(fmt.Sprintf("r%d", c.runner))
	}
	return c
}

func (c *chaos) chance(percent int) bool { return c.rnd.IntN(100) < percent }

// text writes a random workflow: an acyclic graph of tasks with every kind of clause and policy.
func (c *chaos) text() string {
	var b strings.Builder
	b.WriteString("version: '2.0'\nw:\n  tasks:\n")
	n := 3 + c.rnd.IntN(6)
	inbound := make([]int, n)
	bodies := make([]string, n)
	for i := range n {
		var body strings.Builder
		switch c.rnd.IntN(6) {
		case 0:
			body.WriteString("      action: std.noop\n")
		case 1:
			body.WriteString("      workflow: child\n")
		case 2:
			fmt.Fprintf(&body, "      with-items: i in [1, 2, 3]\n      action: std.echo output=<%% $.i %%>\n      concurrency: %d\n", c.rnd.IntN(3))
		default:
			fmt.Fprintf(&body, "      action: std.echo output=%d\n", i)
		}
		fmt.Fprintf(&body, "      publish: {v%d: %d}\n", c.rnd.IntN(3), i)
		if c.chance(30) {
			fmt.Fprintf(&body, "      retry: {count: %d, delay: %d}\n", 1+c.rnd.IntN(2), c.rnd.IntN(3))
		}
		if c.chance(20) {
			body.WriteString("      wait-before: 1\n")
		}
		if c.chance(20) {
			body.WriteString("      wait-after: 1\n")
		}
		if c.chance(20) {
			body.WriteString("      timeout: 30\n")
		}
		if c.chance(50) {
			body.WriteString("      safe-rerun: true\n")
		}
		for _, clause := range []string{"on-success", "on-error", "on-complete"} {
			var next []string
			for j := i + 1; j < n; j++ {
				if c.chance(30) && len(next) < 2 && inbound[j] < 3 {
					next = append(next, fmt.Sprintf("t%d", j))
					inbound[j]++
				}
			}
			if clause == "on-error" && c.chance(50) {
				next = append(next, "noop")
			}
			if len(next) > 0 {
				fmt.Fprintf(&body, "      %s: [%s]\n", clause, strings.Join(next, ", "))
			}
		}
		bodies[i] = body.String()
	}
	for i := range n {
		fmt.Fprintf(&b, "    t%d:\n%s", i, bodies[i])
		if inbound[i] > 0 && c.chance(60) {
			b.WriteString("      join: " + []string{"all", "one", "1"}[c.rnd.IntN(3)] + "\n")
		}
	}
	b.WriteString("child:\n  tasks:\n    a: {action: std.echo output=1, on-success: b}\n    b: {action: std.echo output=2}\n")
	return b.String()
}

// deliver sends a message over the network: lost, once or twice, late.
func (c *chaos) deliver(from workflow.ExecutionID, s workflow.Send) {
	switch s := s.(type) {
	case workflow.Dispatch:
		c.dispatch(from, s)
		return
	case workflow.AckFinished:
		if !c.lossy() {
			if r := c.reports[fmt.Sprint(s.Action, s.Attempt, s.Runner)]; r != nil {
				r.done = true
			}
		}
		return
	case workflow.CancelAttempt:
		c.report(from, s.Action, s.Attempt, s.Runner, workflow.Outcome{Kind: workflow.OutcomeCancelled})
		return
	}
	before := len(c.queue)
	if c.lossy() {
		return
	}
	c.send(from, s)
	for i := before; i < len(c.queue); i++ {
		c.queue[i].at = c.now.Add(c.delay())
	}
	if c.chance(20) {
		for _, d := range c.queue[before:] {
			d.at = d.at.Add(c.delay())
			c.seed++
			d.seq = c.seed
			c.queue = append(c.queue, d)
		}
	}
}

func (c *chaos) lossy() bool { return !c.calm && c.chance(25) }

func (c *chaos) delay() time.Duration { return time.Duration(c.rnd.IntN(3000)) * time.Millisecond }

// dispatch is a runner that gets an attempt: it begins each attempt once, and has an outcome after a while.
func (c *chaos) dispatch(from workflow.ExecutionID, d workflow.Dispatch) {
	a := d.Action
	if c.lossy() || c.onRun[a.ID] >= a.Attempt {
		return
	}
	c.onRun[a.ID] = a.Attempt
	c.ran[a.ID]++
	c.safe[a.ID] = a.SafeRerun
	o := workflow.Outcome{Kind: workflow.OutcomeValue, Value: value.Int(a.Attempt)}
	if c.chance(25) {
		o = workflow.Outcome{Kind: workflow.OutcomeError, Value: value.String("bad luck")}
	}
	c.report(from, a.ID, a.Attempt, a.Runner, o)
}

// report has a runner tell an outcome until it is acknowledged. The first outcome of an attempt counts.
func (c *chaos) report(to workflow.ExecutionID, a workflow.ActionID, attempt int, r workflow.RunnerID, o workflow.Outcome) {
	key := fmt.Sprint(a, attempt, r)
	if c.reports[key] != nil {
		return
	}
	c.reports[key] = &report{to: to, event: workflow.ActionFinished{Action: a, Attempt: attempt, Runner: r, Outcome: o}}
	c.order = append(c.order, key)
}

// churn is a second of the world's life.
func (c *chaos) churn(root workflow.ExecutionID) {
	for _, key := range c.order {
		if r := c.reports[key]; !r.done && !c.lossy() {
			c.post(c.delay(), r.to, r.event)
		}
	}
	if c.calm {
		return
	}
	if c.chance(5) {
		gone := workflow.RunnerID(fmt.Sprintf("r%d", c.runner))
		c.runner++
		for _, id := range c.world.order {
			c.post(c.delay(), id, workflow.RunnerLost{Runner: gone})
			c.post(c.delay()+10*time.Second, id, workflow.RunnerLost{Runner: gone})
		}
	}
	if c.chance(5) {
		id := c.world.order[c.rnd.IntN(len(c.world.order))]
		c.post(0, id, workflow.Command{RequestID: fmt.Sprint("p", c.seed), Op: workflow.Pause{}})
		c.post(c.delay()+time.Second, id, workflow.Command{RequestID: fmt.Sprint("r", c.seed), Op: workflow.Resume{}})
	}
	if c.chance(10) {
		id := c.world.order[c.rnd.IntN(len(c.world.order))]
		c.post(0, id, workflow.Ticked{})
	}
	if c.chance(5) { // a takeover
		id := c.world.order[c.rnd.IntN(len(c.world.order))]
		c.load(c.execs[id])
		c.post(0, id, workflow.Recovered{})
	}
}

func (c *chaos) run() string {
	text := c.text()
	if err := c.define("workflow", "", text, false); err != nil {
		c.t.Skipf("the generator wrote a bad workflow: %v\n%s", err, text)
	}
	root, err := c.start("w", "", nil, value.NewDict(0))
	if err != nil {
		c.t.Fatalf("start: %v\n%s", err, text)
	}
	for second := 0; ; second++ {
		if second == 60 {
			c.calm = true
			if err := c.step(root, workflow.Command{Op: workflow.Resume{}}); err != nil {
				c.t.Fatalf("resume: %v", err)
			}
		}
		if second > 4000 {
			c.t.Fatalf("the execution doesn't end: %s\n%s\n%s", c.execs[root].rec.State, text, c.histories())
		}
		c.churn(root)
		end := c.now.Add(time.Second)
		for range 200 {
			c.drainAll()
			at := c.next()
			if at.IsZero() || at.After(end) {
				break
			}
			if at.After(c.now) {
				c.now = at
			}
			c.tick()
		}
		c.now = end
		c.offer()
		if c.calm && c.execs[root].rec.State.Final() && c.quietNow() {
			break
		}
	}
	c.check(text)
	return c.histories()
}

// drainAll delivers what is due; refusals of commands are fine.
func (c *chaos) drainAll() {
	for {
		i := c.due(c.now)
		if i < 0 {
			return
		}
		d := c.queue[i]
		c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
		if err := c.step(d.to, d.event); err != nil && fault.Is(err, fault.Internal) {
			c.t.Fatalf("step %T: %v", d.event, err)
		}
	}
}

// offer gives slots to what was left without.
func (c *chaos) offer() {
	for _, id := range append([]workflow.ExecutionID(nil), c.world.order...) {
		c.commit(id, c.execs[id])
	}
}

func (c *chaos) quietNow() bool {
	for _, r := range c.reports {
		if !r.done {
			return false
		}
	}
	for _, id := range c.world.order {
		if !c.execs[id].rec.State.Final() || c.execs[id].rec.ParentPending {
			return false
		}
	}
	return len(c.queue) == 0
}

// check holds the promises against what happened.
func (c *chaos) check(text string) {
	for _, id := range c.world.order {
		r := c.execs[id]
		finals := 0
		outcomes := map[workflow.ActionID]int{}
		for _, h := range r.history {
			if h.Kind == "execution.state" && h.State.Final() {
				finals++
			}
			if h.Kind == "action.state" && h.State.Final() {
				outcomes[h.ActionID]++
			}
		}
		if finals != 1 {
			c.t.Errorf("execution %s reached a final state %d times\n%s", id, finals, text)
		}
		for _, a := range r.actions {
			if outcomes[a.ID] > 1 || (outcomes[a.ID] == 0) == a.State.Final() {
				c.t.Errorf("action %s is %s and had %d outcomes", a.ID, a.State, outcomes[a.ID])
			}
			if !a.SafeRerun && c.ran[a.ID] > 1 {
				c.t.Errorf("action %s, which isn't safe to repeat, was run %d times", a.ID, c.ran[a.ID])
			}
		}
		for _, t := range r.tasks {
			if r.rec.State != workflow.Cancelled && (!t.State.Final() || !t.Processed) {
				c.t.Errorf("execution %s is %s, its task %s is %s, processed %v\n%s", id, r.rec.State, t.Name, t.State, t.Processed, text)
			}
		}
	}
}

func (c *chaos) histories() string {
	var b strings.Builder
	for _, id := range c.world.order {
		r := c.execs[id]
		fmt.Fprintf(&b, "execution %s %s %s\n", id, r.rec.State, jsonText(r.data.Output))
		for _, h := range r.history {
			fmt.Fprintf(&b, "%s %s %s %s %s %q\n", h.At.Format(time.TimeOnly), h.Kind, h.Task, h.ActionID, h.State, h.Info)
		}
	}
	return b.String()
}
