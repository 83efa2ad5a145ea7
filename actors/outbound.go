package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"cierzo/messages"
	"cierzo/workflow"
)

// What an execution's actor says to others, always after the commit.

// send does a turn's sends. The same function serves after a commit and after a recovery.
func (x *execution) send(sends []workflow.Send) {
	var free []workflow.Release // what is free is offered once
	for _, s := range sends {
		if s, ok := s.(workflow.Release); ok {
			free = append(free, s)
		}
	}
	if len(free) > 0 {
		x.dispatcher.told(free)
	}
	var bundles messages.Bundles[workflow.RunnerID, *messages.ToRunner]
	for _, s := range sends {
		switch s := s.(type) {
		case workflow.Release:
			continue
		case workflow.Notification:
			if x.cfg.Notify != nil {
				rec := x.ex.Record()
				x.cfg.Notify(&rec, s)
			}
			continue
		case workflow.AckFinished:
			if !s.Accepted {
				x.counters.late.Add(1)
			}
		}
		runner, m, err := encodeToRunner(x.id, x.epoch, s)
		if err == nil && m != nil && runner != "" {
			bundles.Add(runner, m)
			continue
		}
		var on *messages.ToExecution
		if err == nil {
			on, err = encodeToExecution(x.id, s)
		}
		if err != nil {
			x.log.Error("send", "execution_id", x.id, "error", err)
		} else if on != nil {
			x.root.Send(x.router, on)
		}
	}
	bundles.Take(func(runner workflow.RunnerID, parts []*messages.ToRunner) {
		x.dispatcher.told(toRunner{x.id, x.ex.ProjectID(), runner, parts})
	})
}

// answerAll answers the items of a turn that somebody waits for.
func (x *execution) answerAll(t *turn) {
	for i, it := range t.items {
		err := t.refused[i]
		x.answer(it.message, err)
		if err != nil && it.start != nil && it.start.ParentID != "" {
			x.root.Send(x.router, refusedChild(it.start.ParentID, x.id, workflow.Error, err.Error()))
		}
	}
}

// bury has the dispatcher forget what the execution had on runners that are gone.
func (x *execution) bury(t *turn) {
	for _, it := range t.items {
		if lost, ok := it.event.(workflow.RunnerLost); ok {
			x.dispatcher.told(bereaved{x.id, lost.Runner})
		}
	}
}

// answer tells a gateway what became of its message.
func (x *execution) answer(m *messages.ToExecution, err error) {
	to := m.GetReplyTo()
	if to == nil {
		return
	}
	x.cfg.Network.Send(to.Address, to.Actor, &messages.ToGateway{
		Correlation: to.Correlation, Message: &messages.ToGateway_Answer{Answer: encodeAnswer(err)},
	})
}

// unknown answers everybody that there is no such execution, and ends the actor. A start that waits makes it.
func (x *execution) unknown() {
	rest := x.inbox
	x.inbox = nil
	for i, it := range rest {
		if it.start != nil {
			x.inbox = rest[i:]
			return
		}
		if it.message == nil {
			continue
		}
		x.answer(it.message, errUnknown(x.id))
		runner, back, on := answerUnknown(x.id, it.message)
		if back != nil {
			x.dispatcher.told(toRunner{x.id, "", runner, []*messages.ToRunner{back}})
		}
		if on != nil {
			x.root.Send(x.router, on)
		}
	}
	x.dispatcher.told(forget{x.id, true})
	x.leaving = true
}

var _ actor.Actor = (*execution)(nil)
