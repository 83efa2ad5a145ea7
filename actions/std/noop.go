package std

import (
	"cierzo/actions"
	"cierzo/expr/value"
)

func noop() actions.Action {
	return actions.Action{
		Name: "std.noop", Class: class + "NoOpAction", SafeRerun: true,
		Description: "Does nothing and succeeds with null. For tests, and for tasks that only route.",
		Inline:      func(*actions.Call) actions.Result { return actions.Value(value.Null{}) },
	}
}
