package workflow

import (
	"slices"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/internal/planted"
)

// move is one transition that a completed task causes: to a task or to an engine command.
type move struct {
	from    *task
	event   string
	name    string
	to      *taskProgram // nil: an engine command
	message string       // of an engine command
}

// transit decides what follows a completed task, and does it unless the execution is paused.
func (e *Execution) transit(t *task) error {
	var moves []move
	if !e.rec.State.Final() && !e.program.reverse() {
		var err error
		if moves, err = e.nextMoves(t); err != nil {
			return err
		}
	}
	t.Next, t.HasNext = nil, false
	for _, m := range moves {
		if m.to != nil {
			t.Next, t.HasNext = append(t.Next, Trigger{Name: m.name, Event: m.event}), true
		}
	}
	if t.State == Error {
		t.ErrorHandled = slices.ContainsFunc(moves, func(m move) bool { return m.event == onError })
	}
	e.touch(t)
	e.notifyTask(t, taskEvent(t.State))
	e.wakeJoins(t)
	if e.rec.State == Paused {
		return nil
	}
	t.Processed = true
	if e.program.reverse() && t.State == Success {
		return e.startDependents(t)
	}
	return e.dispatch(arrange(moves))
}

func isPause(m move) bool   { return m.to == nil && m.name == "pause" }
func isCommand(m move) bool { return m.to == nil }

// continueTask does what transit put off while the execution was paused, but moves that are not wanted any more.
func (e *Execution) continueTask(t *task, unwanted func(move) bool) error {
	t.Processed = true
	e.touch(t)
	if e.program.reverse() {
		if t.State == Success {
			return e.startDependents(t)
		}
		return nil
	}
	moves, err := e.nextMoves(t)
	if err != nil {
		return err
	}
	return e.dispatch(arrange(slices.DeleteFunc(moves, unwanted)))
}

// nextMoves evaluates the conditions of the clauses that the task's state calls for.
func (e *Execution) nextMoves(t *task) ([]move, error) {
	s := e.outScope(t, e.outbound(t))
	var moves []move
	var err error
	switch t.State {
	case Success:
		moves, err = e.clauseMoves(s, t, &t.prog.onSuccess, nil)
	case Error:
		moves, err = e.clauseMoves(s, t, &t.prog.onError, nil)
	case Skipped:
		if moves, err = e.clauseMoves(s, t, &t.prog.onSkip, nil); err == nil && len(moves) == 0 {
			moves, err = e.clauseMoves(s, t, &t.prog.onSuccess, nil)
		}
		return moves, err
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if planted.Has(planted.TransitionsLost) && t.State == Error {
		return moves, nil
	}
	return e.clauseMoves(s, t, &t.prog.onDone, moves)
}

func (e *Execution) clauseMoves(s *scope, t *task, c *clause, moves []move) ([]move, error) {
	for i := range c.next {
		target := &c.next[i]
		if target.Condition != nil {
			v, err := s.tree(target.Condition)
			if err != nil {
				return nil, err
			}
			if !truthy(v) {
				continue
			}
		}
		m := move{from: t, event: c.event, name: target.Name}
		if !engineCommand(target.Name) {
			m.to = e.program.tasks[target.Name]
		} else if msg, err := commandMessage(s, target); err != nil {
			return nil, err
		} else {
			m.message = msg
		}
		moves = append(moves, m)
	}
	return moves, nil
}

// commandMessage evaluates the parameters of an engine command; only msg means anything.
func commandMessage(s *scope, target *dsl.Target) (string, error) {
	params, err := s.dict(target.Params)
	if err != nil || params == nil {
		return "", err
	}
	v, ok := params.GetString("msg")
	if !ok {
		return "", nil
	}
	if _, null := v.(value.Null); null {
		return "", nil
	}
	return value.Str(v), nil
}

// arrange orders moves as Mistral does: no noops, nothing behind fail and succeed, which stand alone when they come
// first, and tasks before joins on either side of a command.
func arrange(moves []move) []move {
	moves = slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.to == nil && m.name == "noop" })
	at := slices.IndexFunc(moves, func(m move) bool { return m.to == nil })
	if at < 0 {
		return plainFirst(moves)
	}
	if moves[at].name != "pause" {
		return append(plainFirst(moves[:at]), moves[at])
	}
	rest := slices.Clone(moves[at+1:])
	return append(append(plainFirst(moves[:at]), moves[at]), rest...)
}

func plainFirst(moves []move) []move {
	out := make([]move, 0, len(moves)+1)
	for _, join := range []bool{false, true} {
		for _, m := range moves {
			if m.to.Join.IsJoin() == join {
				out = append(out, m)
			}
		}
	}
	return out
}

// dispatch carries out moves. What follows a pause waits in the backlog for the resume.
func (e *Execution) dispatch(moves []move) error {
	for i, m := range moves {
		if e.rec.State == Paused {
			for _, later := range moves[i:] {
				e.rec.Runtime.Backlog = append(e.rec.Runtime.Backlog, BacklogCommand{
					From: later.from.ID, Event: later.event, Name: later.name, Message: later.message,
				})
			}
			e.recDirty = true
			return nil
		}
		if err := e.carryOut(m); err != nil {
			return err
		}
	}
	return nil
}

func (e *Execution) carryOut(m move) error {
	if m.to != nil {
		return e.trigger(m)
	}
	switch m.name {
	case "fail":
		return e.stop(Error, m.message)
	case "succeed":
		return e.stopWith(Success, m.message) // a flaw of the output is one of the task's completion
	case "pause":
		return e.pause(m.message)
	}
	return nil
}

// trigger makes a task because another one has completed.
func (e *Execution) trigger(m move) error {
	if m.to.Join.IsJoin() {
		return e.triggerJoin(m)
	}
	t, err := e.newTask(m.to)
	if err != nil {
		return err
	}
	t.Parents = []TaskID{m.from.ID}
	t.TriggeredBy = []Trigger{{TaskID: m.from.ID, Event: m.event}}
	e.enqueue(t)
	return nil
}

// startDependents starts the tasks of a reverse workflow whose last requirement was t.
func (e *Execution) startDependents(t *task) error {
	if e.rec.State.Final() {
		return nil
	}
	target, err := e.target()
	if err != nil {
		return err
	}
	need := e.program.requiredBy(target.Name)
	for _, tp := range t.prog.dependent {
		if !need[tp.Name] || len(e.named(tp.Name)) > 0 {
			continue
		}
		parents, ready := e.satisfied(tp)
		if !ready {
			continue
		}
		next, err := e.newTask(tp)
		if err != nil {
			return err
		}
		next.Parents = parents
		e.enqueue(next)
	}
	return nil
}

// satisfied lists the executions of a task's requirements, and says whether all of them succeeded.
func (e *Execution) satisfied(tp *taskProgram) ([]TaskID, bool) {
	parents := make([]TaskID, 0, len(tp.requires))
	for _, name := range tp.requires {
		done := e.named(name)
		if len(done) == 0 || done[len(done)-1].State != Success {
			return nil, false
		}
		parents = append(parents, done[len(done)-1].ID)
	}
	return parents, true
}
