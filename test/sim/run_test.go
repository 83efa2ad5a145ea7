package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// result is what came of a plan.
type result struct {
	violations []check.Violation
	stats      stats
	trace      uint64
	text       string // of the trace
	c          *check.Case
}

// carryOut carries out a plan in a bubble of virtual time.
func carryOut(t *testing.T, p *plan, traced bool) (res result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p, traced)
		w.up()
		d := &driver{world: w}
		now := time.Now()
		w.running.Store(&now)
		d.run()
		c := d.judged()
		w.down()
		res = result{violations: c.All(), stats: w.stats, trace: w.trace.sum, c: c}
		if traced {
			res.text = w.trace.text.String() + histories(c)
		}
	})
	return res
}

// driver is the users of a world, and its fate.
type driver struct {
	*world
	mu   sync.Mutex
	ops  []check.Op
	busy sync.WaitGroup
	seen map[workflow.ActionID]time.Duration // deferred actions, since when
	// The end.
	stuck   []string
	healed  time.Duration
	pausing map[workflow.ExecutionID]int
}

// event is something of the plan at its moment.
type event struct {
	at time.Duration
	do func()
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func (d *driver) run() {
	d.seen, d.pausing = map[workflow.ActionID]time.Duration{}, map[workflow.ExecutionID]int{}
	var events []event
	for _, s := range d.plan.Starts {
		events = append(events, event{millis(s.At), func() { d.start(s) }})
	}
	for _, c := range d.plan.Commands {
		events = append(events, event{millis(c.At), func() { d.command(c) }})
	}
	d.healed = window
	for i, f := range d.plan.Faults {
		events = append(events, d.happen(i, f)...)
		d.healed = max(d.healed, millis(f.At+f.For))
	}
	for at := time.Second; at < d.healed; at += 1500 * time.Millisecond {
		events = append(events, event{at, d.look})
		if at%(3*time.Second) == time.Second {
			events = append(events, event{at + 77*time.Millisecond, func() { d.completeDeferred(4 * time.Second) }})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	for i, e := range events {
		// Each at a moment of its own, a little after the round one.
		e.at += time.Duration(i)*time.Microsecond + 137
		<-time.After(e.at - d.since())
		e.do()
	}
	<-time.After(max(d.healed-d.since(), 0) + time.Microsecond)
	d.busy.Wait()
	d.settle()
}

// happen is the beginning and the end of a fault that is more than a rule for messages or calls.
func (d *driver) happen(i int, f trouble) []event {
	from, to := millis(f.At), millis(f.At+f.For)
	var p *process
	var begin, end func()
	switch f.Kind {
	case killProcess, stopProcess:
		begin = func() {
			if p = d.at(f.Nodes[0]); p == nil {
				return
			}
			d.forget(p)
			if f.Kind == killProcess {
				p.kill()
				return
			}
			p.leave()
		}
		end = func() {
			if p != nil {
				d.busy.Go(func() { <-p.gone; d.launch(f.Nodes[0]) })
			}
		}
	case pauseProcess:
		begin = func() {
			if p = d.at(f.Nodes[0]); p != nil {
				p.pause()
			}
		}
		end = func() {
			if p != nil {
				p.resume()
			}
		}
	case stepClock:
		begin = func() {
			if p = d.at(f.Nodes[0]); p != nil {
				p.step(time.Duration(f.P) * time.Second)
			}
		}
		end = func() {
			if p != nil {
				p.step(-time.Duration(f.P) * time.Second)
			}
		}
	default:
		return nil
	}
	return []event{{from, begin}, {to, end}}
}

// forget takes a process that ends from those that live.
func (w *world) forget(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.processes, p.address)
}

// ask carries out an op in the background and notes what its user was told.
func (d *driver) ask(op check.Op, timeout time.Duration, do func(context.Context) error) {
	d.busy.Go(func() { d.asked(op, timeout, do) })
}

func (d *driver) asked(op check.Op, timeout time.Duration, do func(context.Context) error) check.Answer {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	op.Call = d.since()
	err := do(ctx)
	op.Return = d.since()
	switch {
	case err == nil:
		op.Answer = check.Done
	case fault.Is(err, fault.Unavailable):
		op.Answer = check.Unknown
	default:
		op.Answer = check.Refused
	}
	if err != nil {
		op.Error = err.Error()
	}
	d.trace.line("user %s %s: %s %v", op.Kind, op.Execution, op.Answer, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	op.Client = len(d.ops)
	d.ops = append(d.ops, op)
	return op.Answer
}

// start begins an execution; a client that gets no answer asks again with the same id.
func (d *driver) start(s start) {
	id := d.executionID(s.No)
	spec := d.spec(s, id)
	d.busy.Go(func() {
		for range 4 {
			if d.asked(check.Op{Execution: id, Kind: check.Start}, 15*time.Second, func(ctx context.Context) error {
				return d.gateway.Start(ctx, spec)
			}) != check.Unknown {
				return
			}
		}
	})
}

func (d *driver) spec(s start, id workflow.ExecutionID) workflow.Spec {
	params := value.NewDict(1)
	for _, f := range d.plan.Flows {
		if f.Name == s.Flow && f.Reverse {
			params.SetString("task_name", value.String(f.Tasks[len(f.Tasks)-1].Name))
		}
	}
	return workflow.Spec{
		ID: id, DefinitionID: d.definitionOf(s.Flow), Input: value.NewDict(0), Params: params.Freeze(), Env: value.NewDict(0),
	}
}

// command carries out a command of the plan on what there is at the moment.
func (d *driver) command(c command) {
	i := slices.IndexFunc(d.plan.Starts, func(s start) bool { return s.No == c.Start })
	if i < 0 {
		return
	}
	root := d.executionID(c.Start)
	if c.Op == "again" {
		d.start(d.plan.Starts[i])
		return
	}
	tree := d.tree(root)
	if len(tree) == 0 {
		return
	}
	op := check.Op{Execution: tree[c.Pick%len(tree)].ID}
	if c.Pick%3 > 0 {
		op.Execution = root
	}
	var what workflow.Op
	switch c.Op {
	case "cancel", "fail", "succeed":
		op.Kind, op.State = check.Stop, map[string]workflow.State{"cancel": workflow.Cancelled, "fail": workflow.Error, "succeed": workflow.Success}[c.Op]
		what = workflow.Stop{State: op.State, Message: "enough"}
	case "pause":
		op.Kind, what = check.Pause, workflow.Pause{}
	case "resume":
		op.Kind, what = check.Resume, workflow.Resume{}
	case "rerun", "skip":
		var failed []*workflow.TaskRecord
		for _, x := range tree {
			for _, t := range d.tasks(x.ID) {
				if t.State == workflow.Error {
					failed = append(failed, t)
				}
			}
		}
		if len(failed) == 0 {
			return
		}
		t := failed[c.Pick%len(failed)]
		op.Execution, op.Task = t.ExecutionID, t.ID
		op.Kind, what = check.Rerun, workflow.Rerun{Task: t.ID, Reset: t.Runtime.ItemCount < 0 || c.Pick%2 == 0}
		if c.Op == "skip" {
			op.Kind, what = check.Skip, workflow.Skip{Task: t.ID}
		}
	case "complete":
		var open []*workflow.ActionRecord
		for _, x := range tree {
			for _, a := range d.actionsOf(x.ID) {
				if !a.State.Final() && a.Kind == workflow.KindAction {
					open = append(open, a)
				}
			}
		}
		if len(open) == 0 {
			return
		}
		a := open[c.Pick%len(open)]
		d.complete(a, []workflow.State{workflow.Success, workflow.Error, workflow.Cancelled}[c.Pick%3])
		return
	}
	d.order(op, what)
}

// order gives a command; a client that gets no answer asks once more, with the same request id.
func (d *driver) order(op check.Op, what workflow.Op) {
	d.mu.Lock()
	d.pausing[op.Execution]++
	request := uuidOf(d.chance.str("request").str(string(op.Execution)).num(uint64(d.pausing[op.Execution])))
	d.mu.Unlock()
	d.ask(op, 25*time.Second, func(ctx context.Context) error {
		return d.gateway.Command(ctx, op.Execution, workflow.Command{RequestID: request, Op: what})
	})
}

func (d *driver) complete(a *workflow.ActionRecord, s workflow.State) {
	d.mu.Lock()
	token := fmt.Sprintf("outside %s %d", a.ID, len(d.ops))
	d.mu.Unlock()
	d.order(check.Op{Execution: a.ExecutionID, Kind: check.Complete, State: s, Action: a.ID, Token: token},
		workflow.CompleteAction{Action: a.ID, State: s, Output: value.String(token)})
}

// completeDeferred gives asynchronous actions that wait so long their results.
func (d *driver) completeDeferred(after time.Duration) {
	for _, s := range d.plan.Starts {
		for _, x := range d.tree(d.executionID(s.No)) {
			for _, a := range d.actionsOf(x.ID) {
				if a.Phase != workflow.PhaseDeferred {
					continue
				}
				since, ok := d.seen[a.ID]
				if !ok {
					d.seen[a.ID] = d.since()
				} else if d.since()-since >= after {
					d.seen[a.ID] = d.since()
					d.complete(a, workflow.Success)
				}
			}
		}
	}
}

// look reads the states of all executions, as a user would.
func (d *driver) look() {
	for _, s := range d.plan.Starts {
		for _, x := range d.treeOf(d.executionID(s.No), true) {
			d.mu.Lock()
			d.ops = append(d.ops, check.Op{
				Client: len(d.ops), Execution: x.ID, Kind: check.Get, State: x.State, Call: d.since(), Return: d.since(), Answer: check.Done,
			})
			d.mu.Unlock()
		}
	}
}

// recovery is the time after the last fault in which everything goes on, and in which from then on something happens.
const recovery = 30 * time.Second

// settleMax bounds the time in which everything must end although something always moves. Sub-workflows in with-items, all by one
// slot, are work for more than half an hour.
const settleMax = 2 * time.Hour

// settle lets the world come to rest, and helps where the language asks users for help.
func (d *driver) settle() {
	patience := recovery + d.plan.longestStep()
	moved, last, finished := d.healed, d.progress(), false
	for at := d.healed; at < d.healed+settleMax && at-moved < patience; at = d.since() {
		if finished = d.unfinished() == ""; finished {
			break
		}
		if now := d.progress(); now != last {
			if last, moved = now, at; d.stats.Resumed == 0 {
				d.stats.Resumed = at - d.healed
			}
		}
		d.look()
		d.completeDeferred(0)
		for _, s := range d.plan.Starts {
			for _, x := range d.tree(d.executionID(s.No)) {
				if x.State == workflow.Paused {
					d.order(check.Op{Execution: x.ID, Kind: check.Resume}, workflow.Resume{})
				}
			}
		}
		<-time.After(500*time.Millisecond + 13*time.Microsecond)
	}
	d.busy.Wait()
	if !finished && d.unfinished() != "" {
		d.stuck = append(d.stuck, fmt.Sprintf("%s after the last fault nothing has happened for %s: %s", d.since()-d.healed, d.since()-moved, d.unfinished()))
		return
	}
	d.stats.Took = d.since() - d.healed
	d.look()
	rest := 30
	for _, f := range d.plan.Faults {
		if f.Kind == stepClock { // what was put off by a clock that was fast comes so much later
			rest = max(rest, 30+f.P)
		}
	}
	for range rest {
		if d.unsettled() == "" {
			return
		}
		<-time.After(time.Second)
	}
	d.stuck = append(d.stuck, "30 s after all has ended: "+d.unsettled())
}

// progress counts the events of all executions.
func (d *driver) progress() (n uint64) {
	for _, s := range d.plan.Starts {
		for _, x := range d.tree(d.executionID(s.No)) {
			n += x.Runtime.HistorySeq
		}
	}
	return n
}

// longestStep is how long nothing may happen when nothing goes wrong.
func (p *plan) longestStep() (most time.Duration) {
	for _, f := range p.Flows {
		for _, t := range f.Tasks {
			most = max(most, millis(t.Millis), time.Duration(max(t.RetryDelay, t.WaitBefore, t.WaitAfter))*time.Second)
		}
	}
	return most + time.Second
}

// unfinished says what isn't final; "" is nothing.
func (d *driver) unfinished() string {
	for _, s := range d.plan.Starts {
		for _, x := range d.tree(d.executionID(s.No)) {
			if !x.State.Final() || x.ParentPending {
				return fmt.Sprintf("execution %s (%s) is %s, parent pending: %t%s", x.ID, x.WorkflowName, x.State, x.ParentPending, d.open(x.ID))
			}
			for _, a := range d.actionsOf(x.ID) {
				if !a.State.Final() {
					return fmt.Sprintf("action %s (%s, phase %d) of execution %s (%s, %s) is %s", a.ID, a.Name, a.Phase, x.ID, x.WorkflowName, x.State, a.State)
				}
			}
		}
	}
	return ""
}

// open lists what of an execution isn't final.
func (w *world) open(id workflow.ExecutionID) string {
	out := ""
	for _, t := range w.tasks(id) {
		if !t.State.Final() {
			out += fmt.Sprintf("; task %s is %s (%s)", t.Name, t.State, t.StateInfo)
		}
	}
	for _, a := range w.actionsOf(id) {
		if !a.State.Final() {
			out += fmt.Sprintf("; action %s of %s is %s in phase %d", a.ID, a.TaskID, a.State, a.Phase)
		}
	}
	return out
}

// unsettled says who still has something to do.
func (d *driver) unsettled() string {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	for p, r := range d.runners {
		if m := r.Metrics(); !p.isDead() && (m.KnownNow > 0 || m.RunningNow > 0) {
			return fmt.Sprintf("runner %s knows %d attempts, runs %d", p.runnerID(), m.KnownNow, m.RunningNow)
		}
	}
	for p, e := range d.engines {
		if m := e.Metrics(); !p.isDead() && (m.HeldNow > 0 || m.QueuedNow > 0) {
			return fmt.Sprintf("%s holds %d slots, has %d actions queued", p.address, m.HeldNow, m.QueuedNow)
		}
	}
	return ""
}

// judged is the case of the world as it is now.
func (d *driver) judged() *check.Case {
	doc, diagnostics := dsl.Parse("plan.yaml", []byte(d.plan.text()))
	if doc == nil {
		panic(diagnostics)
	}
	var ids []workflow.ExecutionID
	for _, s := range d.plan.Starts {
		ids = append(ids, d.executionID(s.No))
	}
	executions, err := check.Load(context.Background(), d.store, ids, func(id string) *dsl.Workflow {
		def, err := d.store.GetDefinition(context.Background(), id)
		if err != nil {
			return nil
		}
		for _, w := range doc.Workflows {
			if w.Name == def.Name {
				return w
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	c := &check.Case{
		Executions: executions, Runs: d.ledger.runs, Ops: d.ops, Slots: d.plan.Slots, Stuck: d.stuck, Grants: d.grants,
	}
	d.count(c)
	return c
}

// count reads the counters of all processes, and calls what they say a repair when there were no faults.
func (d *driver) count(c *check.Case) {
	s := &d.stats
	for p, e := range d.engines {
		m := e.Metrics()
		s.Fenced += m.Fenced
		s.Unsure += m.Unsure
		s.Lost += m.RunnersLost
		s.Late += m.LateResults
		s.Parked += m.Parked
		s.Forwarded += m.Forwarded
		s.Unfolded += m.Unfolded
		if m.Panics > 0 {
			c.Repairs = append(c.Repairs, fmt.Sprintf("%s has caught %d panics", p.address, m.Panics))
		}
	}
	d.repaired(c)
	s.Executions, s.Runs = uint64(len(c.Executions)), uint64(len(c.Runs))
	if len(d.plan.Faults) == 0 && s.Fenced+s.Unsure+s.Lost+s.Parked > 0 {
		c.Repairs = append(c.Repairs, fmt.Sprintf("without a fault: %+v", *s))
	}
}

// repaired looks at what the watchdog had to do: without faults nothing, and nobody may ever wait for nothing, whatever happens
// to the processes. Sub-workflows are not deleted here.
func (d *driver) repaired(c *check.Case) {
	for _, id := range slices.Sorted(maps.Keys(c.Executions)) {
		for _, h := range c.Executions[id].History {
			if h.Kind != "watchdog" {
				continue
			}
			d.stats.Repairs++
			cause := workflow.Cause(h.Info[:strings.IndexByte(h.Info, ':')])
			if len(d.plan.Faults) == 0 || cause == workflow.CauseStalled || cause == workflow.CauseChildGone {
				c.Repairs = append(c.Repairs, fmt.Sprintf("execution %s, event %d: %s", id, h.Seq, h.Info))
			}
		}
	}
}
