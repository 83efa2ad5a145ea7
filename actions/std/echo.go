package std

import (
	"context"

	"cierzo/actions"
	"cierzo/expr/value"
	"cierzo/internal/wait"
)

func echo() actions.Action {
	return actions.Action{
		Name: "std.echo", Class: class + "EchoAction", SafeRerun: true,
		Description: "Succeeds with the given value, after a delay.",
		Params: []actions.Param{
			{Name: "output", Doc: "the result, of any type"},
			{Name: "delay", Default: value.Int(0), Doc: "seconds to wait before; what is negative or no number counts as 0"},
		},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			delay, _ := number(given(c, "delay"))
			if err := wait.For(ctx, duration(delay)); err != nil {
				return actions.Cancelled()
			}
			return actions.Value(given(c, "output"))
		},
	}
}
