package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/workflow"
)

// disk is the store as one process has it: with its way there and back, its faults, and its death.
type disk struct {
	*memstore.Store
	p *process
}

var (
	errDead    = fault.New(fault.Unavailable, "the process is dead")
	errRefused = errors.New("simulated failure")
)

// The time that a call takes without a fault.
const (
	storeMin = 20 * time.Microsecond
	storeVar = time.Millisecond
)

// call carries a call out. fn may happen though nobody hears of it; it doesn't though somebody waits.
func (d *disk) call(ctx context.Context, op, about string, fn func() error) error {
	if !d.p.await() {
		return errDead
	}
	w := d.p.world
	key := w.wire.count(w.chance.str("store").str(op).str(d.p.address).str(about))
	there, back := storeMin+key.str("there").within(storeVar), storeMin+key.str("back").within(storeVar)
	var refuse, forget bool
	now, commit := w.since(), op == "Commit" || op == "Activate"
	for i, f := range w.plan.Faults {
		if !f.active(now) || len(f.Nodes) > 0 && !f.meets(d.p.address) {
			continue
		}
		key := key.num(uint64(i) + 100)
		switch f.Kind {
		case storeDown:
			refuse = true
		case storeRefuses:
			refuse = refuse || key.percent(f.P)
		case storeForgets:
			forget = forget || commit && key.percent(f.P)
		case storeVanishes:
			if commit && key.percent(f.P) {
				refuse, forget = true, true
			}
		case storeSlow:
			there += key.str("there").within(time.Duration(f.P) * 50 * time.Millisecond)
			back += key.str("back").within(time.Duration(f.P) * 50 * time.Millisecond)
		case storeConflicts:
			for k := uint64(0); k < 5 && commit && key.num(k).percent(f.P); k++ {
				there += storeVar + key.num(k).within(200*time.Millisecond)
			}
		}
	}
	done := make(chan error, 1)
	time.AfterFunc(there, func() {
		var err error
		switch {
		case refuse && forget:
			err = persistence.Ambiguous(errRefused)
		case refuse:
			err = fault.Wrap(fault.Unavailable, errRefused, "%s", op)
		case d.p.isDead() && !key.str("dying").percent(50):
			err = errDead // the connection broke before the last word was through
		default:
			err = fn()
			if forget {
				err = persistence.Ambiguous(errRefused)
			}
		}
		w.trace.line("%s %s %s: %v", d.p.address, op, about, err)
		time.AfterFunc(back, func() { done <- err })
	})
	select {
	case err := <-done:
		if !d.p.await() {
			return errDead
		}
		return err
	case <-ctx.Done():
		d.p.await()
		return fault.Wrap(fault.Unavailable, ctx.Err(), "%s", op)
	case <-d.p.gone:
		return errDead
	}
}

func (f *trouble) meets(address string) bool {
	for _, n := range f.Nodes {
		if n == address {
			return true
		}
	}
	return false
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// called is call for a method with a result.
func called[T any](ctx context.Context, d *disk, op, about string, fn func(context.Context) (T, error)) (T, error) {
	var out, none T
	err := d.call(ctx, op, about, func() (err error) {
		// Not the caller's context: what is on its way to the store is carried out though its sender gives up.
		out, err = fn(context.WithoutCancel(ctx))
		return err
	})
	if err != nil {
		return none, err
	}
	return out, nil
}

func (d *disk) Commit(ctx context.Context, turns []persistence.Turn) ([]persistence.TurnOutcome, error) {
	about := ""
	for _, t := range turns {
		about += fmt.Sprint(t.ID[:8], t.Epoch, ",")
	}
	return called(ctx, d, "Commit", about, func(ctx context.Context) ([]persistence.TurnOutcome, error) {
		out, err := d.Store.Commit(ctx, turns)
		if err == nil {
			d.p.committed(turns, out)
		}
		return out, err
	})
}

func (d *disk) Activate(ctx context.Context, ids []workflow.ExecutionID, node persistence.NodeID) ([]persistence.Activation, error) {
	return called(ctx, d, "Activate", listed(ids), func(ctx context.Context) ([]persistence.Activation, error) {
		return d.Store.Activate(ctx, ids, node)
	})
}

func (d *disk) Peek(ctx context.Context, ids []workflow.ExecutionID) ([]persistence.Activation, error) {
	return called(ctx, d, "Peek", listed(ids), func(ctx context.Context) ([]persistence.Activation, error) {
		return d.Store.Peek(ctx, ids)
	})
}

func listed(ids []workflow.ExecutionID) string {
	about := string(ids[0])
	for _, id := range ids[1:] {
		about += "," + string(id)
	}
	return about
}

func (d *disk) Due(ctx context.Context, shards []uint16, limit int) ([]workflow.ExecutionID, error) {
	return called(ctx, d, "Due", "", func(ctx context.Context) ([]workflow.ExecutionID, error) {
		return d.Store.Due(ctx, shards, limit)
	})
}

func (d *disk) Wanting(ctx context.Context, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	return called(ctx, d, "Wanting", "", func(ctx context.Context) ([]persistence.Claim, error) {
		return d.Store.Wanting(ctx, shards, after, limit)
	})
}

func (d *disk) Quiet(ctx context.Context, shards []uint16, after persistence.Claim, limit int) ([]persistence.Claim, error) {
	return called(ctx, d, "Quiet", "", func(ctx context.Context) ([]persistence.Claim, error) {
		return d.Store.Quiet(ctx, shards, after, limit)
	})
}

func (d *disk) GetExecution(ctx context.Context, project string, id workflow.ExecutionID) (rec *workflow.ExecutionRecord, data *workflow.ExecutionData, err error) {
	err = d.call(ctx, "GetExecution", string(id), func() error {
		rec, data, err = d.Store.GetExecution(ctx, project, id)
		return err
	})
	return rec, data, err
}

func (d *disk) ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error) {
	return called(ctx, d, "ListTasks", string(id), func(ctx context.Context) ([]*workflow.TaskRecord, error) {
		return d.Store.ListTasks(ctx, id, after, limit)
	})
}

func (d *disk) ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error) {
	return called(ctx, d, "ListActions", string(id), func(ctx context.Context) ([]*workflow.ActionRecord, error) {
		return d.Store.ListActions(ctx, id, task, after, limit)
	})
}

func (d *disk) DispatchedRunners(ctx context.Context, limit int) ([]workflow.RunnerID, error) {
	return called(ctx, d, "DispatchedRunners", "", func(ctx context.Context) ([]workflow.RunnerID, error) {
		return d.Store.DispatchedRunners(ctx, limit)
	})
}

func (d *disk) OnRunner(ctx context.Context, runner workflow.RunnerID, limit int) ([]workflow.ExecutionID, error) {
	return called(ctx, d, "OnRunner", string(runner), func(ctx context.Context) ([]workflow.ExecutionID, error) {
		return d.Store.OnRunner(ctx, runner, limit)
	})
}

func (d *disk) Register(ctx context.Context, n persistence.Node, ttl time.Duration) error {
	return d.call(ctx, "Register", "", func() error { return d.Store.Register(context.WithoutCancel(ctx), n, ttl) })
}

func (d *disk) Renew(ctx context.Context, id persistence.NodeID, state string, ttl time.Duration) error {
	return d.call(ctx, "Renew", "", func() error { return d.Store.Renew(context.WithoutCancel(ctx), id, state, ttl) })
}

func (d *disk) Unregister(ctx context.Context, id persistence.NodeID) error {
	return d.call(ctx, "Unregister", "", func() error { return d.Store.Unregister(context.WithoutCancel(ctx), id) })
}

func (d *disk) LiveNodes(ctx context.Context) ([]persistence.Node, error) {
	return called(ctx, d, "LiveNodes", "", d.Store.LiveNodes)
}

func (d *disk) FindDefinition(ctx context.Context, key persistence.DefinitionKey) (*persistence.Definition, error) {
	return called(ctx, d, "FindDefinition", key.Name, func(ctx context.Context) (*persistence.Definition, error) {
		return d.Store.FindDefinition(ctx, key)
	})
}

func (d *disk) GetDefinition(ctx context.Context, id string) (*persistence.Definition, error) {
	return called(ctx, d, "GetDefinition", id, func(ctx context.Context) (*persistence.Definition, error) {
		return d.Store.GetDefinition(ctx, id)
	})
}
