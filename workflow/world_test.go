package workflow_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// world is everything around executions, in memory and with virtual time: definitions, rows, runners, messages.
type world struct {
	t    testing.TB
	now  time.Time
	seed uint64
	// reload loads every execution again from its rows before each event.
	reload bool
	// hold keeps messages from being delivered: the test says what comes back.
	hold bool
	// noSlots keeps queued actions from being assigned.
	noSlots bool

	defs  map[string]*definition // by kind/namespace/name
	byID  map[string]*definition
	execs map[workflow.ExecutionID]*resident
	order []workflow.ExecutionID
	queue []delivery
	onRun map[workflow.ActionID]int // attempts that runners have begun
	log   func(ex workflow.ExecutionID, s workflow.Send)
	// net, when set, takes the place of send.
	net func(from workflow.ExecutionID, s workflow.Send)
	// wrote, when set, sees the rows of each turn.
	wrote func(workflow.Writes)
	// slots, when set, says on which runner an action gets a slot; "" is none.
	slots func() workflow.RunnerID
}

type definition struct {
	id        string
	kind      string
	namespace string
	name      string
	workbook  string
	action    *dsl.Action
	workflow  *dsl.Workflow
	program   *workflow.Program
}

// resident is an execution in memory, with its rows beside it.
type resident struct {
	program *workflow.Program
	ex      *workflow.Execution
	rec     *workflow.ExecutionRecord
	data    *workflow.ExecutionData
	tasks   []*workflow.TaskRecord
	actions []*workflow.ActionRecord
	history []workflow.HistoryEvent
}

// delivery is a message on its way.
type delivery struct {
	at    time.Time
	seq   uint64
	to    workflow.ExecutionID
	event workflow.Event
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), defs: map[string]*definition{}, byID: map[string]*definition{},
		execs: map[workflow.ExecutionID]*resident{}, onRun: map[workflow.ActionID]int{},
	}
}

func (w *world) moment() workflow.Moment {
	w.seed++
	var m workflow.Moment
	m.Now = w.now
	binary.BigEndian.PutUint64(m.Seed[:8], w.seed)
	binary.BigEndian.PutUint64(m.Seed[8:], w.seed*0x9e3779b97f4a7c15)
	return m
}

// define stores the definitions of a text. The error is what an upload would answer.
func (w *world) define(kind, namespace, text string, update bool) error {
	var list []*definition
	var diags dsl.Diagnostics
	switch kind {
	case "workflow":
		var ws []*dsl.Workflow
		ws, diags = dsl.ParseWorkflows("test", []byte(text))
		for _, x := range ws {
			list = append(list, &definition{kind: kind, name: x.Name, workflow: x})
		}
	case "action":
		var as []*dsl.Action
		as, diags = dsl.ParseActions("test", []byte(text))
		for _, x := range as {
			list = append(list, &definition{kind: kind, name: x.Name, action: x})
		}
	case "workbook":
		var wb *dsl.Workbook
		wb, diags = dsl.ParseWorkbook("test", []byte(text))
		if wb != nil {
			for _, x := range wb.Workflows {
				list = append(list, &definition{kind: "workflow", name: wb.Name + "." + x.Name, workbook: wb.Name, workflow: x})
			}
			for _, x := range wb.Actions {
				list = append(list, &definition{kind: "action", name: wb.Name + "." + x.Name, workbook: wb.Name, action: x})
			}
			update = true
		}
	default:
		return fmt.Errorf("unknown kind %s", kind)
	}
	if err := diags.Err(); err != nil {
		return err
	}
	for _, d := range list {
		d.namespace, d.id = namespace, fmt.Sprintf("def-%d", len(w.byID)+1)
		if d.workflow != nil {
			p, err := workflow.Compile(d.workflow, d.name, d.workbook)
			if err != nil {
				return err
			}
			p.AllowLegacy() // the goldens are of Mistral 15
			d.program = p
		}
		key := d.kind + "/" + namespace + "/" + d.name
		if w.defs[key] != nil && !update {
			return fault.New(fault.Conflict, "Duplicate entry for %s", d.name)
		}
		w.defs[key], w.byID[d.id] = d, d
	}
	return nil
}

func (w *world) find(kind, namespace, name string) *definition {
	if d := w.defs[kind+"/"+namespace+"/"+name]; d != nil {
		return d
	}
	return w.defs[kind+"//"+name]
}

// start begins a root execution.
func (w *world) start(name, namespace string, input, params *value.Dict) (workflow.ExecutionID, error) {
	d := w.defs["workflow/"+namespace+"/"+name]
	if d == nil {
		return "", fault.New(fault.NotFound, "Workflow not found [workflow_identifier=%s, namespace=%s]", name, namespace)
	}
	w.seed++
	id := workflow.ExecutionID(fmt.Sprintf("00000000-0000-4000-8000-%012d", len(w.order)+1))
	env, _ := params.GetString("env")
	ed, _ := env.(*value.Dict)
	err := w.create(d, workflow.Spec{
		ID: id, ProjectID: "p", Namespace: namespace, DefinitionID: d.id, Input: input, Params: params, Env: ed,
	})
	return id, err
}

func (w *world) create(d *definition, s workflow.Spec) error {
	ex, err := workflow.New(d.program, s, w.moment(), w)
	if err != nil {
		return err
	}
	r := &resident{program: d.program, ex: ex}
	w.execs[s.ID] = r
	w.order = append(w.order, s.ID)
	w.commit(s.ID, r)
	return nil
}

// step delivers an event, commits, and sends.
func (w *world) step(id workflow.ExecutionID, ev workflow.Event) error {
	r := w.execs[id]
	if w.reload {
		w.load(r)
	}
	if err := r.ex.Step(w.moment(), ev, w); err != nil {
		return err
	}
	w.commit(id, r)
	return nil
}

func (w *world) load(r *resident) {
	rec, data := *r.rec, *r.data
	tasks, actions := make([]*workflow.TaskRecord, len(r.tasks)), make([]*workflow.ActionRecord, len(r.actions))
	for i, t := range r.tasks {
		c := *t
		tasks[i] = &c
	}
	for i, a := range r.actions {
		c := *a
		actions[i] = &c
	}
	ex, err := workflow.Load(r.program, &rec, &data, tasks, actions)
	if err != nil {
		w.t.Fatalf("load: %v", err)
	}
	r.ex = ex
}

// commit writes the rows of a turn, gives slots, and puts the messages on their way.
func (w *world) commit(id workflow.ExecutionID, r *resident) {
	for {
		f := r.ex.Flush()
		w.write(r, f.Writes)
		for _, s := range f.Sends {
			if w.log != nil {
				w.log(id, s)
			}
			if w.net != nil {
				w.net(id, s)
			} else {
				w.send(id, s)
			}
		}
		if w.noSlots {
			return
		}
		wants := r.ex.Wants(1000)
		if len(wants) == 0 {
			return
		}
		var slots []workflow.Slot
		for _, want := range wants {
			runner := workflow.RunnerID("runner-1")
			if w.slots != nil {
				runner = w.slots()
			}
			if runner != "" {
				slots = append(slots, workflow.Slot{Action: want.Action, Runner: runner, LeaseUntil: w.now.Add(30 * time.Second)})
			}
		}
		if len(slots) == 0 {
			return
		}
		if w.reload {
			w.load(r)
		}
		if err := r.ex.Step(w.moment(), workflow.Assigned{Slots: slots}, w); err != nil {
			w.t.Fatalf("assign: %v", err)
		}
	}
}

func (w *world) write(r *resident, f workflow.Writes) {
	if f.Execution == nil {
		if f.Data != nil || len(f.Tasks) > 0 || len(f.Actions) > 0 || len(f.History) > 0 {
			w.t.Errorf("rows are written without the execution's")
		}
		return
	}
	if w.wrote != nil {
		w.wrote(f)
	}
	if f.Create != (r.rec == nil) {
		w.t.Errorf("create is %v, there was a row: %v", f.Create, r.rec != nil)
	}
	r.rec = f.Execution
	if f.Data != nil {
		r.data = f.Data
	}
	for _, t := range f.Tasks {
		if t.Seq == len(r.tasks) {
			r.tasks = append(r.tasks, t)
		} else {
			r.tasks[t.Seq] = t
		}
	}
	for _, a := range f.Actions {
		if a.Seq == len(r.actions) {
			r.actions = append(r.actions, a)
		} else {
			r.actions[a.Seq] = a
		}
	}
	for _, h := range f.History {
		if h.Seq != uint64(len(r.history)+1) {
			w.t.Errorf("history goes from %d to %d", len(r.history), h.Seq)
		}
		r.history = append(r.history, h)
	}
	if why, _ := workflow.Stalled(r.rec, r.tasks, r.actions); why != "" {
		w.t.Errorf("execution %s waits for nothing after a turn: %s", r.rec.ID, why)
	}
}

func (w *world) post(after time.Duration, to workflow.ExecutionID, ev workflow.Event) {
	w.seed++
	w.queue = append(w.queue, delivery{at: w.now.Add(after), seq: w.seed, to: to, event: ev})
}

// send is the network: runners answer, executions hear of each other.
func (w *world) send(from workflow.ExecutionID, s workflow.Send) {
	if w.hold {
		return
	}
	switch s := s.(type) {
	case workflow.Dispatch:
		if w.onRun[s.Action.ID] >= s.Action.Attempt {
			return
		}
		w.onRun[s.Action.ID] = s.Action.Attempt
		w.run(from, s)
	case workflow.StartChild:
		if w.execs[s.Child] != nil {
			return
		}
		err := w.create(w.byID[s.DefinitionID], workflow.Spec{
			ID: s.Child, ProjectID: s.Project, Namespace: s.Namespace, DefinitionID: s.DefinitionID, Priority: s.Priority,
			Input: s.Input, Params: s.Params, Env: s.Env, ParentID: s.Parent, ParentTaskID: s.ParentTask, RootID: s.Root,
			Index: s.Index, Depth: s.Depth, Auth: s.Auth,
		})
		if err != nil {
			w.post(0, from, workflow.ChildReported{Child: s.Child, Refused: true, Info: err.Error()})
		}
	case workflow.NotifyParent:
		w.post(0, s.Parent, workflow.ChildReported{Child: s.Child, Seq: s.Seq, State: s.State, Info: s.Info, Output: s.Output})
	case workflow.AckChild:
		if w.execs[s.Child] != nil {
			w.post(0, s.Child, workflow.ParentAcked{State: s.State, Seq: s.Seq})
		}
	case workflow.ControlChild:
		if w.execs[s.Child] == nil {
			w.post(0, from, workflow.ChildReported{Child: s.Child, Refused: true, Info: "no such execution"})
			return
		}
		w.post(0, s.Child, workflow.Command{Op: workflow.ControlOp(s.Op, s.Message)})
	}
}

// run is a runner with the standard actions.
func (w *world) run(from workflow.ExecutionID, d workflow.Dispatch) {
	a := d.Action
	name, input := a.Name, a.Input
	if a.RunName != "" {
		name, input = a.RunName, a.RunInput
	}
	finish := func(after time.Duration, o workflow.Outcome) {
		w.post(after, from, workflow.ActionFinished{Action: a.ID, Attempt: a.Attempt, Runner: a.Runner, Outcome: o})
	}
	switch name {
	case "std.async_noop":
		finish(0, workflow.Outcome{Kind: workflow.OutcomeDeferred})
	case "std.echo":
		delay := time.Duration(0)
		if v, ok := input.GetString("delay"); ok {
			switch v := v.(type) {
			case value.Int:
				delay = time.Duration(v) * time.Second
			case value.Float:
				delay = time.Duration(float64(v) * float64(time.Second))
			}
		}
		out, _ := input.GetString("output")
		finish(max(delay, 0), workflow.Outcome{Kind: workflow.OutcomeValue, Value: out})
	default:
		finish(0, inline(name, a.ID)(a.ID, input))
	}
}

// inline gives the standard actions without an outside effect.
func inline(name string, id workflow.ActionID) func(workflow.ActionID, *value.Dict) workflow.Outcome {
	return func(_ workflow.ActionID, input *value.Dict) workflow.Outcome {
		switch name {
		case "std.fail":
			if v, ok := input.GetString("error_data"); ok && value.Truthy(v) {
				return workflow.Outcome{Kind: workflow.OutcomeError, Value: v}
			}
			text := fmt.Sprintf("The action raised an exception [action=Fail action, action_ex_id=%s, msg='Fail action expected exception.']", id)
			return workflow.Outcome{Kind: workflow.OutcomeError, Value: value.String(text)}
		case "std.test_dict":
			d := value.NewDict(1)
			size, _ := input.GetString("size")
			n, _ := size.(value.Int)
			for i := range int(min(n, 1000)) { // a fuzz test asks for more than there is
				v, ok := input.GetString("val")
				if !ok {
					v = value.String("")
				}
				d.SetString(fmt.Sprint(i), v)
			}
			return workflow.Outcome{Kind: workflow.OutcomeValue, Value: d.Freeze()}
		}
		return workflow.Outcome{Kind: workflow.OutcomeValue, Value: value.Null{}}
	}
}

// drain delivers what is due now. It reports whether anything was.
func (w *world) drain() bool {
	moved := false
	for {
		i := w.due(w.now)
		if i < 0 {
			return moved
		}
		d := w.queue[i]
		w.queue = slices.Delete(w.queue, i, i+1)
		moved = true
		if err := w.step(d.to, d.event); err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)) {
			w.t.Fatalf("step %T of %s: %v", d.event, d.to, err)
		}
	}
}

// due finds the earliest message that is due, in order of sending.
func (w *world) due(at time.Time) int {
	best := -1
	for i, d := range w.queue {
		if d.at.After(at) {
			continue
		}
		if best < 0 || d.at.Before(w.queue[best].at) || (d.at.Equal(w.queue[best].at) && d.seq < w.queue[best].seq) {
			best = i
		}
	}
	return best
}

// next is when something happens next by itself; zero: never.
func (w *world) next() time.Time {
	var at time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, d := range w.queue {
		consider(d.at)
	}
	for _, id := range w.order {
		consider(w.execs[id].rec.WakeAt)
	}
	return at
}

// tick wakes the executions whose time has come.
func (w *world) tick() {
	for _, id := range slices.Clone(w.order) {
		if at := w.execs[id].rec.WakeAt; !at.IsZero() && !at.After(w.now) {
			if err := w.step(id, workflow.Ticked{}); err != nil {
				w.t.Fatalf("tick of %s: %v", id, err)
			}
		}
	}
}

// until lets the world go on until the condition holds, at most for the given virtual time.
func (w *world) until(limit time.Duration, cond func() bool) bool {
	end := w.now.Add(limit)
	for range 100_000 {
		w.drain()
		if cond() {
			return true
		}
		at := w.next()
		if at.IsZero() || at.After(end) {
			w.now = end
			return cond()
		}
		if at.After(w.now) {
			w.now = at
		}
		w.tick()
	}
	w.t.Fatalf("the world doesn't come to rest")
	return false
}
