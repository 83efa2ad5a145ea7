package std

import "cierzo/actions"

func asyncNoop() actions.Action {
	return actions.Action{
		Name: "std.async_noop", Class: class + "AsyncNoOpAction", Async: true, SafeRerun: true,
		Description: "Does nothing and waits for its result from outside (PUT /v2/action_executions/ID). For approvals and tests.",
		Inline:      func(*actions.Call) actions.Result { return actions.Deferred() },
	}
}
