package bench

import (
	"context"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/node"
)

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

// RunRunner is the runner of a measurement: it serves the engine at the address until ctx ends.
func RunRunner(ctx context.Context, engine string) error {
	r, err := registry()
	if err != nil {
		return err
	}
	n, err := node.New(ctx, node.Config{Roles: []node.Role{node.RoleRunner}, Join: []string{engine}, Actions: r, Slots: 256})
	if err != nil {
		return err
	}
	<-ctx.Done()
	if err := n.Stop(context.WithoutCancel(ctx)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "stop the runner")
	}
	return nil
}
