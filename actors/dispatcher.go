package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/cluster"
	"cierzo/messages"
	"cierzo/workflow"
)

// slotLease is how long an attempt may wait on its runner before it must ask again.
const slotLease = 30 * time.Second

// Messages to the dispatcher.
type (
	// ask registers all that an execution wants; slots answers at once, perhaps with none.
	ask struct {
		execution workflow.ExecutionID
		project   string
		from      string // id of its actor: a PID would keep the actor in memory for as long as mailboxes remember this message
		wants     []workflow.Want
	}
	slots struct{ slots []workflow.Slot }
	// offered gives slots that have become free; they are the execution's until it releases them.
	offered struct{ slots []workflow.Slot }
	// toRunner sends to a runner, whose address only the dispatcher knows.
	toRunner struct {
		execution workflow.ExecutionID
		project   string
		runner    workflow.RunnerID
		message   *messages.ToRunner
	}
	release struct {
		action workflow.ActionID
		runner workflow.RunnerID
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
	clock struct{}
)

// dispatcher is the actor around the board: it knows the runners and who waits for them.
type dispatcher struct {
	*Engine
	board *board
	view  *viewChanged
	from  map[workflow.ExecutionID]string // ids of the actors of those that want something
	// told is when the engine's list of runners was made, and of how many it knew.
	told   time.Time
	toldOf int
}

// tellEvery is how often the list of runners is made anew, at most.
const tellEvery = time.Second

func newDispatcher(e *Engine) *dispatcher {
	return &dispatcher{Engine: e, board: newBoard(), from: map[workflow.ExecutionID]string{}}
}

// Receive handles one message. Nothing in it waits.
func (d *dispatcher) Receive(c actor.Context) {
	defer d.catch("dispatcher")
	switch m := c.Message().(type) {
	case ask:
		d.ask(m)
	case toRunner:
		d.send(m)
	case release:
		d.board.release(m.action, m.runner)
		d.offer("")
	case bereaved:
		d.board.lost(m.execution, m.runner)
		d.offer("")
	case forget:
		d.board.forget(m.execution, m.all)
		delete(d.from, m.execution)
		d.offer("")
	case *messages.Hello:
		d.hello(m)
	case viewChanged:
		d.view = &m
	case park:
		// A parked engine is deaf. Whom it knew it must hear again before it may say that they are gone.
		d.board, d.view = newBoard(), nil
		d.from = map[workflow.ExecutionID]string{}
		d.publish()
	case clock:
		d.publish()
	}
	d.count()
}

// tell sends to the actor of an execution.
func (d *dispatcher) tell(to string, m any) { d.root.Send(d.cfg.Actors.NewLocalPID(to), m) }

// ask registers wants and gives at once what is free.
func (d *dispatcher) ask(m ask) {
	var given []workflow.Slot
	defer func() { d.tell(m.from, slots{given}) }() // whatever happens: the turn waits for it
	d.board.register(m.execution, m.project, m.wants)
	d.from[m.execution] = m.from
	given = d.offer(m.execution)
	if d.board.wants[m.execution] == nil {
		delete(d.from, m.execution)
	}
}

// offer gives free slots away: those of asking are returned, the others' sent.
func (d *dispatcher) offer(asking workflow.ExecutionID) []workflow.Slot {
	now := d.cfg.Now()
	var own []workflow.Slot
	others := map[workflow.ExecutionID][]workflow.Slot{}
	var order []workflow.ExecutionID
	for _, o := range d.board.match(now) {
		s := workflow.Slot{Action: o.action, Runner: o.runner, LeaseUntil: now.Add(slotLease)}
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
		if to := d.from[id]; to != "" {
			d.tell(to, offered{others[id]})
		} else {
			d.board.forget(id, false)
		}
		if d.board.wants[id] == nil {
			delete(d.from, id)
		}
	}
	return own
}

// send brings a message to a runner. To one that this engine doesn't know nothing is sent: it will be sent again.
func (d *dispatcher) send(m toRunner) {
	var to *runnerAddress
	if run := m.message.GetRun(); run != nil {
		to = d.board.dispatched(m.execution, m.project, workflow.ActionID(run.Attempt.ActionId), m.runner, d.cfg.Now())
		d.counters.dispatched.Add(1)
	} else if r := d.board.runners[m.runner]; r != nil {
		to = &runnerAddress{r.address, r.actor}
	}
	if to == nil {
		d.counters.dropped.Add(1)
		return
	}
	m.message.RunnerId, m.message.Engine = string(m.runner), d.cfg.Network.Address()
	d.cfg.Network.Send(to.address, to.actor, m.message)
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
	}
	d.offer("")
}

// localAddress is what the actor library calls a system without a network.
const localAddress = "nonhost"

// publish tells the sweeper which runners live.
func (d *dispatcher) publish() {
	live := d.board.expire(d.cfg.Now())
	d.live.Store(&live)
}

func (d *dispatcher) count() {
	now, granted, live := d.cfg.Now(), 0, 0
	for _, r := range d.board.runners {
		if !r.gone && now.Sub(r.heard) <= suspectAfter {
			live++
			granted += r.granted
		}
	}
	d.counters.runners.Store(int64(live))
	d.counters.slots.Store(int64(granted))
	d.counters.queued.Store(int64(d.board.queued))
	d.counters.held.Store(int64(len(d.board.holds)))
	if now.Sub(d.told) >= tellEvery || len(d.board.runners) != d.toldOf {
		list := d.board.tell(now)
		d.Engine.runners.Store(&list)
		queue := d.board.tellQueue(now)
		d.Engine.queue.Store(&queue)
		d.told, d.toldOf = now, len(d.board.runners)
	}
}

// viewChanged says who the engines are, and who this one is among them.
type viewChanged struct {
	self nodeID
	view *cluster.View
}
