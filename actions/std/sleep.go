package std

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
	"cierzo/internal/wait"
)

func sleep() actions.Action {
	return actions.Action{
		Name: "std.sleep", Class: class + "SleepAction", SafeRerun: true,
		Description: "Succeeds with null after some seconds.",
		Params: []actions.Param{{
			Name: "seconds", Default: value.Int(1),
			Doc: "whole seconds: 1.9 is 1; what is negative, or a text that is no whole number, counts as 0",
		}},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			if err := wait.For(ctx, wholeSeconds(given(c, "seconds"))); err != nil {
				return actions.Cancelled()
			}
			return actions.Value(value.Null{})
		},
	}
}

// wholeSeconds is Python's int(v): numbers are cut off, texts must be whole numbers.
func wholeSeconds(v value.Value) time.Duration {
	if s, ok := v.(value.String); ok {
		n, err := strconv.ParseInt(strings.TrimSpace(string(s)), 10, 64)
		if err != nil {
			return 0
		}
		return duration(float64(n))
	}
	f, _ := number(v)
	return duration(math.Trunc(f))
}
