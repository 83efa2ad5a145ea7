package bench

import (
	"context"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/node"
)

// slots is how many actions a runner runs at the same time: as many as W4 has. It is Temporal's default, too; the other programs that cierzo
// is compared with have no limit.
const slots = 1000

// actionName is an action that does nothing, on a runner: std.noop would be done inside of the engine.
const actionName = "bench.noop"

func registry() (*actions.Registry, error) {
	r := actions.NewRegistry()
	if err := std.Register(r, std.Config{}); err != nil {
		return nil, err
	}
	done := actions.Value(value.Null{})
	return r, r.Register(actions.Action{Name: actionName, SafeRerun: true, Run: func(context.Context, *actions.Call) actions.Result { return done }})
}

// RunRunners are the runners of a measurement: so many serve the engines at the addresses until ctx ends.
func RunRunners(ctx context.Context, engines []string, count int) error {
	r, err := registry()
	if err != nil {
		return err
	}
	var nodes []*node.Node
	defer func() {
		for _, n := range nodes {
			_ = n.Stop(context.WithoutCancel(ctx)) // the process ends
		}
	}()
	for range count {
		n, err := node.New(ctx, node.Config{Roles: []node.Role{node.RoleRunner}, Join: engines, Actions: r, Slots: slots})
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	<-ctx.Done()
	return nil
}

// RunEngine is one more engine of a measurement, until ctx ends.
func RunEngine(ctx context.Context, address, store string) error {
	r, err := registry()
	if err != nil {
		return err
	}
	n, err := node.New(ctx, node.Config{Actions: r, Store: store, Roles: []node.Role{node.RoleEngine}, Bind: address})
	if err != nil {
		return err
	}
	<-ctx.Done()
	if err := n.Stop(context.WithoutCancel(ctx)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "stop the engine")
	}
	return nil
}
