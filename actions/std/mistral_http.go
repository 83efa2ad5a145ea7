package std

import (
	"context"

	"cierzo/actions"
	"cierzo/expr/value"
)

const mistralHTTPClass = class + "MistralHTTPAction"

func mistralHTTP(cfg Config) actions.Action {
	h := &httpClient{cfg, newEgress(cfg), "std.mistral_http", mistralHTTPClass}
	return actions.Action{
		Name: h.name, Class: h.class, Params: httpParams(), Async: true,
		Description: "Sends an HTTP request that says by the headers Mistral-Workflow-Name, Mistral-Workflow-Execution-Id, " +
			"Mistral-Task-Id, Mistral-Action-Execution-Id and Mistral-Callback-URL on whose behalf, and waits until the other side " +
			"puts a result there. Fails at once, as std.http, when the answer is an error.",
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			call := *c
			call.Input = c.Input.Clone()
			call.Input.SetString("headers", withIdentity(c))
			result := h.run(ctx, &call)
			if result.Kind == actions.KindValue {
				return actions.Deferred()
			}
			return result
		},
	}
}

// withIdentity is the input's headers and ours, which win.
func withIdentity(c *actions.Call) value.Value {
	headers := value.NewDict(8)
	for k, v := range entries(given(c, "headers")) {
		headers.SetString(k, v)
	}
	headers.SetString("Mistral-Workflow-Name", value.String(c.Workflow))
	headers.SetString("Mistral-Workflow-Execution-Id", value.String(c.ExecutionID))
	headers.SetString("Mistral-Task-Id", value.String(c.TaskID))
	headers.SetString("Mistral-Action-Execution-Id", value.String(c.ActionID))
	callback := c.CallbackURL
	if callback == "" {
		callback = "/v2/action_executions/" + c.ActionID // relative, as Mistral's
	}
	headers.SetString("Mistral-Callback-URL", value.String(callback))
	return headers
}
