package api

import (
	"net/http"

	"cierzo/api/apitype"
)

// depthParams are what a tree of executions takes.
func depthParams(more ...param) []param {
	return append([]param{
		flagParam("errors_only", "only what has failed"),
		{name: "max_depth", about: "how deep to go; a negative one is all, 0 only the first", kind: "integer"},
	}, more...)
}

func outputParam() param { return flagParam("include_output", "show the output, too") }

func executionOperations() map[string]described {
	at := "/v2/executions"
	return map[string]described{
		"GET " + at: {id: "listExecutions", summary: "List executions", query: listParams(executionCollection()), answer: apitype.Executions{}},
		"POST " + at: {
			id: "createExecution", summary: "Start a workflow", body: apitype.NewExecution{}, answer: apitype.Execution{}, status: http.StatusCreated,
			query: []param{{name: "wait", about: "how long the answer may wait for the end of the execution, such as 30s; at most 60s"}},
		},
		"DELETE " + at:              removeNothing("deleteExecutionMissing"),
		"GET " + at + "/{id}":       {id: "getExecution", summary: "Get an execution", query: []param{fieldsParam()}, answer: apitype.Execution{}},
		"PUT " + at + "/{id}":       {id: "updateExecution", summary: "Pause, resume or stop an execution, or change its description or environment", body: apitype.ExecutionUpdate{}, answer: apitype.Execution{}},
		"DELETE " + at + "/{id}":    {id: "deleteExecution", summary: "Delete an execution with all that is below it", query: []param{flagParam("force", "also if it has not ended")}},
		"GET " + at + "/{id}/tasks": {id: "listExecutionTasks", summary: "List the tasks of an execution", query: listParams(taskCollection()), answer: apitype.Tasks{}},
		"GET " + at + "/{id}/executions": {
			id: "listExecutionTree", summary: "List an execution with all that is below it", query: depthParams(outputParam()), answer: apitype.Executions{},
		},
		"GET " + at + "/{id}/report": {
			id: "getReport", summary: "An execution with its tasks, their actions and sub-workflows, and how many are in which state",
			query: depthParams(flagParam("statistics_only", "only the numbers")), answer: apitype.Report{},
		},
		"GET " + at + "/count": {id: "countExecutions", summary: "Count the executions that a filter selects, by state", query: listParams(executionCollection()), answer: apitype.Counts{}},
		"POST " + at + "/bulk": {id: "changeExecutions", summary: "Pause, resume, cancel or delete all executions that a filter selects", body: apitype.Bulk{}, answer: apitype.BulkResult{}},
	}
}

func taskOperations() map[string]described {
	tasks, actions := "/v2/tasks", "/v2/action_executions"
	return map[string]described{
		"GET " + tasks:           {id: "listTasks", summary: "List tasks of all executions", query: listParams(taskCollection()), answer: apitype.Tasks{}},
		"GET " + tasks + "/{id}": {id: "getTask", summary: "Get a task with its result", query: []param{fieldsParam()}, answer: apitype.Task{}},
		"PUT " + tasks + "/{id}": {id: "updateTask", summary: "Rerun or skip a task that has failed", body: apitype.TaskUpdate{}, answer: apitype.Task{}},
		"GET " + tasks + "/{id}/action_executions": {
			id: "listTaskActions", summary: "List the action executions of a task", query: listParams(actionExecutionCollection()), answer: apitype.ActionExecutions{},
		},
		"GET " + tasks + "/{id}/action_executions/{action}": {
			id: "getTaskAction", summary: "Get an action execution of a task", query: []param{fieldsParam()}, answer: apitype.ActionExecution{},
		},
		"GET " + tasks + "/{id}/workflow_executions": {
			id: "listTaskExecutions", summary: "List the sub-workflows of a task", query: listParams(executionCollection()), answer: apitype.Executions{},
		},
		"GET " + tasks + "/{id}/executions": {
			id: "listTaskTree", summary: "List all executions below a task", query: depthParams(outputParam()), answer: apitype.Executions{},
		},
		"GET " + actions: {
			id: "listActionExecutions", summary: "List action executions", query: listParams(actionExecutionCollection()), answer: apitype.ActionExecutions{},
		},
		"POST " + actions: {
			id: "createActionExecution", summary: "Run an action by itself; if nothing is saved, the answer is the result only",
			body: apitype.NewActionExecution{}, answer: either{apitype.ActionExecution{}, apitype.ActionResult{}}, status: http.StatusCreated,
		},
		"DELETE " + actions:           removeNothing("deleteActionExecutionMissing"),
		"GET " + actions + "/{id}":    {id: "getActionExecution", summary: "Get an action execution", query: []param{fieldsParam()}, answer: apitype.ActionExecution{}},
		"PUT " + actions + "/{id}":    {id: "updateActionExecution", summary: "Finish an asynchronous action, or pause or resume it", body: apitype.ActionUpdate{}, answer: apitype.ActionExecution{}},
		"DELETE " + actions + "/{id}": {id: "deleteActionExecution", summary: "Delete an action execution that belongs to no workflow, where that is allowed"},
	}
}

func viewOperations() map[string]described {
	stream := map[string]any{"text/event-stream": text("")}
	return map[string]described{
		"GET /v2/events": {
			id: "watchEvents", summary: "What happens to all executions from now on, as server-sent events; a page of what has happened to who accepts JSON",
			answer: apitype.PastEvents{}, also: stream,
			query: []param{
				{name: "marker", about: "the next of the page before; JSON only"},
				{name: "limit", about: "among how many executions a page looks, at most 500; JSON only", kind: "integer"},
				{name: "after", about: "go on behind the event of this id, as the header Last-Event-ID says it"},
				{name: "workflow_name", about: "only of this workflow"},
				{name: "kind", about: "only kinds with this beginning, such as execution."},
				flagParam("all_projects", "of all projects; for administrators"),
			},
		},
		"GET /v2/executions/{id}/events": {
			id: "watchExecution", summary: "The history of an execution, as server-sent events until it ends; a page of it to who accepts JSON", answer: apitype.Events{}, also: stream,
			query: []param{
				{name: "after", about: "go on behind the event of this number, as the header Last-Event-ID says it"}, {name: "limit", about: "events of a page, at most 1000", kind: "integer"},
			},
		},
		"GET /v2/executions/{id}/explain": {id: "explainExecution", summary: "What each task that has not ended waits for, since when, until when, and who holds it", answer: apitype.Explanation{}},
		"GET /v2/executions/{id}/graph": {
			id: "graphExecution", summary: "The tasks of the workflow with their states, and the transitions", answer: apitype.Graph{},
			also:  map[string]any{"text/vnd.graphviz": text(""), "text/plain": text("")},
			query: []param{{name: "format", about: "defaults to json", values: []string{"json", "dot", "mermaid"}}},
		},
		"GET /v2/executions/{id}/definition": {id: "getExecutionDefinition", summary: "The revision of the definition that an execution keeps to its end", answer: apitype.Revision{}},
		"POST /v2/expressions/evaluate":      {id: "evaluateExpression", summary: "Compute an expression on data, or on what an execution has published", body: apitype.Evaluate{}, answer: apitype.Evaluated{}},
		"GET /v2/expressions/functions":      {id: "listExpressionFunctions", summary: "The functions, methods, filters and tests that expressions can use", answer: apitype.ExpressionFunctions{}},
		"GET /v2/cron_triggers/preview": {
			id: "previewPattern", summary: "When a cron pattern fires next", answer: apitype.Preview{},
			query: []param{{name: "pattern", about: "five or six fields, or @hourly, @daily, …"}, {name: "tz", about: "name of a time zone; defaults to UTC"}, {name: "count", about: "how many times, at most 100; defaults to 5", kind: "integer"}},
		},
		"GET /v2/nodes": {id: "listNodes", summary: "The nodes that are alive, and the runners that the answering one hears", answer: apitype.Nodes{}},
	}
}
