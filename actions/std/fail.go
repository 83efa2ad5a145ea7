package std

import (
	"cierzo/actions"
	"cierzo/expr/value"
)

// failText is what Mistral's std.fail calls itself in texts.
const failText = "Fail action"

func fail() actions.Action {
	return actions.Action{
		Name: "std.fail", Class: class + "FailAction", SafeRerun: true,
		Description: "Fails: with error_data as its result, or else with an exception's text. For tests of error handling.",
		Params:      []actions.Param{optional("error_data", "the result; what is false to Python (null, \"\", 0, {}) counts as not given")},
		Inline: func(c *actions.Call) actions.Result {
			if v := given(c, "error_data"); value.Truthy(v) {
				return actions.Error(v)
			}
			return raised(failText, c, "Fail action expected exception.")
		},
	}
}
