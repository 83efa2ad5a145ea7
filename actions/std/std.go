// Package std holds Mistral's built-in actions.
package std

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
)

// Config of the standard actions; the zero value is right for most.
type Config struct{}

// Register adds the standard actions to a registry.
func Register(r *actions.Registry, _ Config) error {
	for _, a := range []actions.Action{noop(), asyncNoop(), echo(), fail(), sleep(), testDict(), httpAction()} {
		if err := r.Register(a); err != nil {
			return err
		}
	}
	return nil
}

const class = "mistral.actions.std_actions."

func noop() actions.Action {
	return actions.Action{
		Name: "std.noop", Class: class + "NoOpAction", SafeRerun: true, Description: "Does nothing.",
		Inline: func(*value.Dict) actions.Result { return actions.Value(value.Null{}) },
	}
}

func asyncNoop() actions.Action {
	return actions.Action{
		Name: "std.async_noop", Class: class + "AsyncNoOpAction", Async: true, SafeRerun: true, Description: "Waits for its result from outside.",
		Inline: func(*value.Dict) actions.Result { return actions.Deferred() },
	}
}

func echo() actions.Action {
	return actions.Action{
		Name: "std.echo", Class: class + "EchoAction", SafeRerun: true, Description: "Returns its input, after a delay.",
		Params: []actions.Param{{Name: "output"}, {Name: "delay", Default: value.Int(0)}},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			if err := wait(ctx, seconds(c.Input, "delay")); err != nil {
				return actions.Cancelled()
			}
			out, _ := c.Input.GetString("output")
			return actions.Value(out)
		},
	}
}

// seconds reads a number of seconds; what is no number or negative is 0, as in Mistral.
func seconds(input *value.Dict, name string) time.Duration {
	v, ok := input.GetString(name)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(value.Str(v)), 64)
	if err != nil || !(f > 0) || math.IsInf(f, 0) {
		return 0
	}
	return time.Duration(min(f, 1e8) * float64(time.Second))
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func fail() actions.Action {
	return actions.Action{
		Name: "std.fail", Class: class + "FailAction", SafeRerun: true, Description: "Fails.",
		Params: []actions.Param{{Name: "error_data", Default: value.Null{}}},
		Inline: func(input *value.Dict) actions.Result {
			if v, ok := input.GetString("error_data"); ok && value.Truthy(v) {
				return actions.Error(v)
			}
			return actions.Errorf("The action raised an exception [action=Fail action, msg='Fail action expected exception.']")
		},
	}
}

func sleep() actions.Action {
	return actions.Action{
		Name: "std.sleep", Class: class + "SleepAction", SafeRerun: true, Description: "Returns after so many seconds.",
		Params: []actions.Param{{Name: "seconds", Default: value.Int(1)}},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			if err := wait(ctx, seconds(c.Input, "seconds").Truncate(time.Second)); err != nil {
				return actions.Cancelled()
			}
			return actions.Value(value.Null{})
		},
	}
}

// sizeMax bounds std.test_dict, in keys.
const sizeMax = 1_000_000

func testDict() actions.Action {
	return actions.Action{
		Name: "std.test_dict", Class: class + "TestDictAction", SafeRerun: true, Description: "Returns a dict of the given size.",
		Params: []actions.Param{
			{Name: "size", Default: value.Int(0)}, {Name: "key_prefix", Default: value.String("")}, {Name: "val", Default: value.String("")},
		},
		Inline: func(input *value.Dict) actions.Result {
			size, _ := input.GetString("size")
			n, ok := size.(value.Int)
			if !ok || n > sizeMax {
				return actions.Errorf("std.test_dict: size %s is no number up to %d", value.Str(size), sizeMax)
			}
			prefix, _ := input.GetString("key_prefix")
			val, _ := input.GetString("val")
			d := value.NewDict(int(max(n, 0)))
			for i := range int(n) {
				d.SetString(value.Str(prefix)+strconv.Itoa(i), val)
			}
			return actions.Value(d)
		},
	}
}
