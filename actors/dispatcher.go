package actors

import (
	"sync"
	"time"

	"cierzo/cluster"
	"cierzo/messages"
	"cierzo/workflow"
)

// slotLease is how long an attempt may wait on its runner before it must ask again.
const slotLease = 30 * time.Second

// What the dispatcher is told.
type (
	// toRunner sends to a runner, whose address only the dispatcher knows.
	toRunner struct {
		execution workflow.ExecutionID
		project   string
		runner    workflow.RunnerID
		messages  []*messages.ToRunner // go together
	}
	// bereaved says that an execution has lost what it had on a runner.
	bereaved struct {
		execution workflow.ExecutionID
		runner    workflow.RunnerID
	}
	forget struct {
		execution workflow.ExecutionID
		all       bool
	}
	// recovered says which runners hold actions of an execution that was loaded, and no others do: a turn in doubt may have given slots
	// back, and nobody says so again.
	recovered struct {
		execution workflow.ExecutionID
		runners   []workflow.RunnerID
	}
	// left says that an execution has left memory while it waits for slots.
	left  struct{ execution workflow.ExecutionID }
	clock struct{}
)

// offered is a message to an execution: slots that have become free; they are its own until it releases them.
type offered struct{ slots []workflow.Slot }

// dispatcher guards the board: it knows the runners and who waits for them. It is no actor, for a turn that needed two messages
// to get its slots would be put aside twice. Nothing in it waits, but for its turn.
type dispatcher struct {
	*Engine
	mu    sync.Mutex
	board *board
	view  *viewChanged
	// from has those that want something: the ids of their actors, none for those that have left memory.
	from map[workflow.ExecutionID]string
	// listed is when the engine's list of runners was made, and of how many it knew.
	listed   time.Time
	listedOf int
}

// listEvery is how often the list of runners is made anew, at most.
const listEvery = time.Second

func newDispatcher(e *Engine) *dispatcher {
	return &dispatcher{Engine: e, board: newBoard(), from: map[workflow.ExecutionID]string{}}
}

// told takes note of what somebody says.
func (d *dispatcher) told(message any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.catch("dispatcher")
	switch m := message.(type) {
	case toRunner:
		d.send(m)
	case []workflow.Release:
		for _, r := range m {
			d.board.release(r.Action, r.Runner)
		}
		d.offer("")
	case bereaved:
		d.board.lost(m.execution, m.runner)
		d.offer("")
	case forget:
		d.forget(m)
		d.offer("")
	case left:
		d.left(m.execution)
	case recovered:
		d.board.onlyOn(m.execution, m.runners)
		d.offer("")
	case *messages.Hello:
		d.hello(m)
	case viewChanged:
		d.view = &m
		for id, to := range d.from {
			if owner, ok := m.view.Owner(id); to == "" && ok && owner.ID != m.self {
				d.forget(forget{id, true})
			}
		}
		d.offer("")
	case park:
		// A parked engine is deaf. Whom it knew it must hear again before it may say that they are gone.
		d.board, d.view = newBoard(), nil
		d.from = map[workflow.ExecutionID]string{}
		d.publish()
	case clock:
		d.publish()
	}
	d.count(d.cfg.Now())
}

// tell sends to the actor of an execution.
func (d *dispatcher) tell(to string, m any) { d.root.Send(d.cfg.Actors.NewLocalPID(to), m) }

// ask registers all that an execution wants and gives at once what is free, perhaps nothing, also of what it has freed. from is the id
// of its actor.
func (d *dispatcher) ask(execution workflow.ExecutionID, project, from string, wants []workflow.Want, freed []workflow.Release) (given []workflow.Slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.catch("dispatcher")
	for _, r := range freed {
		d.board.release(r.Action, r.Runner)
	}
	now := d.cfg.Now()
	for _, o := range d.board.ask(execution, project, wants, now) {
		given = append(given, slotOf(o, now))
	}
	d.from[execution] = from
	given = append(given, d.offer(execution)...)
	if d.board.wants[execution] == nil {
		delete(d.from, execution)
	}
	d.count(now)
	return given
}

func (d *dispatcher) forget(m forget) {
	d.board.forget(m.execution, m.all)
	delete(d.from, m.execution)
}

// left keeps what an execution wants that is not in memory any more. If it was offered something when it went, it has not heard of
// that, and must come back.
func (d *dispatcher) left(id workflow.ExecutionID) {
	if d.board.owes(id) {
		d.forget(forget{id, false})
		d.root.Send(d.router, wake{ids: []workflow.ExecutionID{id}})
		d.offer("")
	} else if d.board.wants[id] != nil {
		d.from[id] = ""
	}
}

// keeps reports of which executions that are not in memory the queue knows what they want.
func (d *dispatcher) keeps(ids []workflow.ExecutionID) (kept map[workflow.ExecutionID]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept = map[workflow.ExecutionID]bool{}
	for _, id := range ids {
		if to, known := d.from[id]; known && to == "" {
			kept[id] = true
		}
	}
	return kept
}

func slotOf(o offer, now time.Time) workflow.Slot {
	return workflow.Slot{Action: o.action, Runner: o.runner, LeaseUntil: now.Add(slotLease)}
}

// offer gives free slots away: those of asking are returned, the others' sent.
func (d *dispatcher) offer(asking workflow.ExecutionID) []workflow.Slot {
	if d.board.queued == 0 {
		return nil
	}
	now := d.cfg.Now()
	var own []workflow.Slot
	others := map[workflow.ExecutionID][]workflow.Slot{}
	var order []workflow.ExecutionID
	for _, o := range d.board.match(now) {
		s := slotOf(o, now)
		if o.execution == asking {
			own = append(own, s)
			continue
		}
		if others[o.execution] == nil {
			order = append(order, o.execution)
		}
		others[o.execution] = append(others[o.execution], s)
	}
	for _, id := range order {
		switch to, known := d.from[id]; {
		case to != "":
			d.tell(to, offered{others[id]})
		case known:
			d.root.Send(d.router, summoned{id, others[id]})
		default:
			d.board.forget(id, false)
		}
		if d.board.wants[id] == nil {
			delete(d.from, id)
		}
	}
	return own
}

// send brings messages to a runner. To one that this engine doesn't know nothing is sent: it will be sent again.
func (d *dispatcher) send(m toRunner) {
	now := d.cfg.Now()
	for _, part := range m.messages {
		if run := part.GetRun(); run != nil {
			d.board.dispatched(m.execution, m.project, workflow.ActionID(run.Attempt.ActionId), m.runner, now)
			d.counters.dispatched.Add(1)
		}
	}
	r := d.board.runners[m.runner]
	if r == nil {
		d.counters.dropped.Add(uint64(len(m.messages)))
		return
	}
	message := messages.BundleForRunner(m.messages)
	message.RunnerId, message.Engine = string(m.runner), d.cfg.Network.Address()
	d.cfg.Network.Send(r.address, r.actor, message)
}

// hello answers a runner with who the engines are. A parked engine says nothing.
func (d *dispatcher) hello(h *messages.Hello) {
	if d.view == nil || !d.board.hello(h, localAddress, d.cfg.Now()) {
		return
	}
	r := d.board.runners[workflow.RunnerID(h.RunnerId)]
	view := &messages.EngineView{EngineId: string(d.view.self), Address: d.cfg.Network.Address(), Demand: uint32(d.board.demand(r))}
	for _, n := range d.view.view.Nodes {
		view.Engines = append(view.Engines, &messages.EngineNode{Id: string(n.ID), Address: n.Address})
	}
	d.cfg.Network.Send(h.Address, h.Actor, &messages.ToRunner{
		RunnerId: h.RunnerId, Engine: d.cfg.Network.Address(), Message: &messages.ToRunner_View{View: view},
	})
	if h.Leaving || h.Seq == 1 {
		d.publish()
	} else {
		d.survey()
	}
	d.offer("")
}

// localAddress is what the actor library calls a system without a network.
const localAddress = "nonhost"

// publish tells the sweeper which runners live.
func (d *dispatcher) publish() {
	live := d.board.expire(d.cfg.Now())
	d.live.Store(&live)
	d.survey()
}

// survey counts the runners, which change when one speaks and as time goes on.
func (d *dispatcher) survey() {
	now, granted, live := d.cfg.Now(), 0, 0
	for _, r := range d.board.runners {
		if !r.gone && now.Sub(r.heard) <= suspectAfter {
			live++
			granted += r.granted
		}
	}
	d.counters.runners.Store(int64(live))
	d.counters.slots.Store(int64(granted))
}

// count tells what changes with each turn, and the lists that people see, if they are old.
func (d *dispatcher) count(now time.Time) {
	d.counters.queued.Store(int64(d.board.queued))
	d.counters.held.Store(int64(len(d.board.holds)))
	if now.Sub(d.listed) >= listEvery || len(d.board.runners) != d.listedOf {
		list := d.board.tell(now)
		d.Engine.runners.Store(&list)
		queue := d.board.tellQueue(now)
		d.Engine.queue.Store(&queue)
		d.listed, d.listedOf = now, len(d.board.runners)
	}
}

// viewChanged says who the engines are, and who this one is among them.
type viewChanged struct {
	self nodeID
	view *cluster.View
}
