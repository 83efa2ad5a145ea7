package runner

import (
	"hash/fnv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/actions"
	"cierzo/messages"
)

// Messages of the runner to itself.
type (
	tick  struct{}
	leave struct{}
	// flush sends what has been said since the last one.
	flush struct{}
	// drain wants its channel closed when nothing is left.
	drain struct{ empty chan<- struct{} }
	// returned is what an action has returned.
	returned struct {
		attempt *attempt
		result  actions.Result
	}
	progressed struct {
		attempt *attempt
		text    string
	}
)

// worker is the runner's actor: the attempts that it knows and where each of them is.
type worker struct {
	*Runner
	root     *actor.RootContext
	engines  engines
	attempts map[key]*attempt
	order    []*attempt // in the order of arrival, and some that are gone; those that wait for a slot are taken from the front
	over     graves
	running  int
	waiting  int // attempts in that phase
	draining bool
	drainAt  time.Time // since when
	drainNo  uint64    // the first hello that said so
	waiters  []chan<- struct{}
	hellos   uint64
	beatAt   time.Time
	ticked   time.Time // when it looked at the time last
	out      messages.Bundles[recipient, *messages.ToExecution]
	flushing bool      // flush is in line
	woke     time.Time // when it last went on after it had stood still: what was said to it meanwhile may still be in line
}

func newWorker(r *Runner) *worker {
	return &worker{
		Runner: r, root: r.cfg.Actors.Root, attempts: map[key]*attempt{},
		engines: newEngines(r.cfg.Engines, r.cfg.Now()), over: newGraves(),
	}
}

// Receive handles one message. Nothing in it waits.
func (w *worker) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.ToRunner:
		if m.RunnerId != w.cfg.ID {
			return // meant for the one before me
		}
		w.engines.heard(m.Engine, w.cfg.Now())
		for _, part := range m.Parts() {
			w.handle(part, m.Engine)
		}
	case tick:
		w.tick()
	case returned:
		w.returned(m.attempt, m.result)
	case progressed:
		w.toOwner(m.attempt, &messages.ToExecution{Message: &messages.ToExecution_ActionProgress{
			ActionProgress: &messages.ActionProgress{Attempt: m.attempt.id(), RunnerId: w.cfg.ID, Text: m.text},
		}})
	case drain:
		if !w.draining {
			w.draining, w.drainAt, w.drainNo = true, w.cfg.Now(), w.hellos+1
		}
		w.waiters = append(w.waiters, m.empty)
		w.hello(false)
	case flush:
		w.out.Take(w.sendTogether)
		w.flushing = false
	case leave:
		w.out.Take(w.sendTogether)
		w.hello(true)
	case *actor.Stopped:
		close(w.gone)
	}
	w.begin()
	w.compact()
	if !w.flushing && !w.out.Empty() { // after what is in line already, and brings more to say
		w.flushing = true
		c.Send(c.Self(), flush{})
	}
	w.counters.running.Store(uint64(w.running))
	w.counters.known.Store(uint64(len(w.attempts)))
	if w.drained() {
		for _, empty := range w.waiters {
			close(empty)
		}
		w.waiters = nil
	}
}

// drained reports whether nothing is left, and nothing is on its way: an engine may have given a slot away before it heard
// that this runner drains. Engines that don't answer, or have a queue, are waited for during two heartbeats only.
func (w *worker) drained() bool {
	if !w.draining || len(w.attempts) > 0 {
		return false
	}
	return !w.engines.want(w.drainNo) || w.cfg.Now().Sub(w.drainAt) >= 2*w.cfg.Heartbeat
}

func (w *worker) handle(m *messages.ToRunner, engine string) {
	switch x := m.Message.(type) {
	case *messages.ToRunner_Run:
		w.run(x.Run, engine)
	case *messages.ToRunner_Grant:
		w.granted(x.Grant)
	case *messages.ToRunner_Denied:
		w.denied(x.Denied)
	case *messages.ToRunner_FinishedAck:
		w.acked(x.FinishedAck)
	case *messages.ToRunner_Cancel:
		w.cancelAttempt(x.Cancel, engine)
	case *messages.ToRunner_View:
		w.viewed(x.View)
	default:
		w.cfg.Logger.Debug("message not understood", "message", "ToRunner", "engine", engine)
	}
}

// viewed learns who the engines are. When the split of the slots changes, they hear of it at once. When the engines do, what
// nobody has answered goes soon to the one that says so, which knows whose it is now: the next repetition may be far off.
func (w *worker) viewed(v *messages.EngineView) {
	before := w.engines.grants(w.cfg.Slots)
	if w.engines.update(v, w.hellos, w.cfg.Now()) {
		for _, a := range w.order {
			if a.phase == finished || a.phase == asking {
				a.engine, a.sends, a.sendAt = v.Address, 0, w.cfg.Now()
			}
		}
	}
	after := w.engines.grants(w.cfg.Slots)
	for address, n := range after {
		if before[address] != n && w.cfg.Now().Sub(w.beatAt) > w.cfg.Heartbeat/20 {
			w.hello(false)
			return
		}
	}
}

// tick does what time brings: hello, repetitions, and giving up when nobody answers.
func (w *worker) tick() {
	now := w.cfg.Now()
	if !w.ticked.IsZero() && now.Sub(w.ticked) > 2*w.cfg.Heartbeat {
		w.woke = now
	}
	w.ticked = now
	w.engines.forget(now)
	w.hello(false)
	w.over.forget(now)
	for _, a := range w.order {
		switch a.phase {
		case finished:
			if !a.sendAt.After(now) {
				w.counters.resent.Add(1)
				w.report(a)
			}
		case asking:
			if !a.sendAt.After(now) {
				w.ask(a)
			}
		case running:
			if !a.said && now.Sub(a.begunAt) >= w.cfg.SayStarted {
				w.sayStarted(a)
			}
			if a.run.SafeRerun && !a.isolated && w.engines.silent(a.engine, now) >= w.cfg.Lease && now.Sub(w.woke) >= 2*w.cfg.Heartbeat {
				w.cfg.Logger.Warn("no engine is heard, a repeatable action is stopped", "action_id", a.key.action, "attempt", a.key.attempt)
				w.counters.isolated.Add(1)
				a.isolated = true
				a.cancel()
			}
		}
	}
}

// hello tells all engines that the runner lives, and what it has.
func (w *worker) hello(leaving bool) {
	w.hellos++
	w.beatAt = w.cfg.Now()
	list := make([]*messages.Attempt, 0, min(len(w.attempts), HelloAttemptsMax))
	for _, a := range w.order {
		if len(list) == HelloAttemptsMax {
			break
		}
		if a.phase != gone {
			list = append(list, a.id())
		}
	}
	grants := w.engines.grants(w.cfg.Slots)
	for _, address := range w.engines.addresses(w.beatAt) {
		h := &messages.Hello{
			RunnerId: w.cfg.ID, Address: w.cfg.Network.Address(), Actor: ActorName(w.cfg.ID), Targets: w.cfg.Targets,
			Slots: uint32(w.cfg.Slots), Granted: grants[address], Attempts: list,
			Draining: w.draining, Leaving: leaving, Seq: w.hellos, Version: w.cfg.Version,
		}
		w.cfg.Network.Send(address, engineActor, &messages.ToEngine{Message: &messages.ToEngine_Hello{Hello: h}})
	}
}

// engineActor is the name of the actor that engines are reached by.
const engineActor = "engine"

// toOwner sends to the engine that the attempt came from, or to another one if that is gone or has not answered: any engine
// knows who owns an execution.
func (w *worker) toOwner(a *attempt, m *messages.ToExecution) {
	w.out.Add(recipient{w.engines.route(a.engine, a.sends, w.cfg.Now()), a.run.Attempt.ExecutionId}, m)
}

// recipient is an execution, and the engine that is believed to know where it is.
type recipient struct{ engine, execution string }

func (w *worker) sendTogether(to recipient, parts []*messages.ToExecution) {
	w.cfg.Network.Send(to.engine, engineActor, messages.BundleForExecution(to.execution, parts))
}

// backOff is the time until the next repetition: 1, 2, 4 … 10 s, with a tenth of jitter. The jitter is the attempt's own, so
// that attempts that were reported at the same time are not repeated so.
func (a *attempt) backOff() time.Duration {
	h := fnv.New64a()
	h.Write([]byte(a.key.action))
	h.Write([]byte{byte(a.key.attempt), byte(a.sends)})
	d := min(time.Second<<min(a.sends, 5), 10*time.Second)
	return d - d/20 + time.Duration(h.Sum64()%uint64(d/10))
}
