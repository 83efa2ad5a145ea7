package api

import (
	"net/http"

	"cierzo/api/apitype"
)

func resourceOperations() map[string]described {
	cron, event, code, dynamic := "/v2/cron_triggers", "/v2/event_triggers", "/v2/code_sources", "/v2/dynamic_actions"
	one := []param{fieldsParam()}
	ns := []param{namespaceParam()}
	nsOne := append(ns, one...)
	return map[string]described{
		"GET " + cron:              {id: "listCronTriggers", summary: "List cron triggers", query: listParams(cronTriggerCollection()), answer: apitype.CronTriggers{}},
		"POST " + cron:             {id: "createCronTrigger", summary: "Start a workflow by the clock", body: apitype.NewCronTrigger{}, answer: apitype.CronTrigger{}, status: http.StatusCreated},
		"DELETE " + cron:           removeNothing("deleteCronTriggerMissing"),
		"GET " + cron + "/{id}":    {id: "getCronTrigger", summary: "Get a cron trigger", query: one, answer: apitype.CronTrigger{}},
		"DELETE " + cron + "/{id}": {id: "deleteCronTrigger", summary: "Delete a cron trigger"},

		eventsRoute: {
			id: "postEvent", summary: "Tell the event triggers of an event; a repeated message id starts nothing twice",
			body: apitype.NewEvent{}, answer: apitype.EventAnswer{},
		},

		"GET " + event:              {id: "listEventTriggers", summary: "List event triggers", query: listParams(eventTriggerCollection()), answer: apitype.EventTriggers{}},
		"POST " + event:             {id: "createEventTrigger", summary: "Start a workflow at an event", body: apitype.NewEventTrigger{}, answer: apitype.EventTrigger{}, status: http.StatusCreated},
		"DELETE " + event:           removeNothing("deleteEventTriggerMissing"),
		"GET " + event + "/{id}":    {id: "getEventTrigger", summary: "Get an event trigger", query: one, answer: apitype.EventTrigger{}},
		"PUT " + event + "/{id}":    {id: "updateEventTrigger", summary: "Change what an event trigger starts", body: apitype.EventTriggerUpdate{}, answer: apitype.EventTrigger{}},
		"DELETE " + event + "/{id}": {id: "deleteEventTrigger", summary: "Delete an event trigger"},

		"GET " + code: {id: "listCodeSources", summary: "List code sources", query: listParams(codeSourceCollection()), answer: apitype.CodeSources{}},
		"POST " + code: {
			id: "createCodeSource", summary: "Store a module of actions; nothing here runs it", body: text(""), answer: apitype.CodeSource{}, status: http.StatusCreated,
			query: append([]param{{name: "name", about: "required"}, scopeParam()}, ns...),
		},
		"PUT " + code: {
			id: "updateCodeSources", summary: "Replace a module, as a new version", body: text(""), answer: apitype.CodeSource{},
			query: append([]param{{name: "identifier", about: "its id or its name"}, {name: "name", about: "as identifier"}, scopeParam()}, ns...),
		},
		"DELETE " + code:        removeNothing("deleteCodeSourceMissing"),
		"GET " + code + "/{id}": {id: "getCodeSource", summary: "Get a code source", query: nsOne, answer: apitype.CodeSource{}},
		"PUT " + code + "/{id}": {
			id: "updateCodeSource", summary: "Replace a module, as a new version", body: text(""), answer: apitype.CodeSource{},
			query: append([]param{{name: "identifier", about: "ignored"}, {name: "name", about: "ignored"}, scopeParam()}, ns...),
		},
		"DELETE " + code + "/{id}": {id: "deleteCodeSource", summary: "Delete a module that no dynamic action is in", query: ns},

		"GET " + dynamic:              {id: "listDynamicActions", summary: "List dynamic actions", query: listParams(dynamicActionCollection()), answer: apitype.DynamicActions{}},
		"POST " + dynamic:             {id: "createDynamicAction", summary: "Name a class of a module an action", body: apitype.NewDynamicAction{}, query: ns, answer: apitype.DynamicAction{}, status: http.StatusCreated},
		"PUT " + dynamic:              {id: "updateDynamicAction", summary: "Change a dynamic action", body: apitype.NewDynamicAction{}, query: ns, answer: apitype.DynamicAction{}},
		"DELETE " + dynamic:           removeNothing("deleteDynamicActionMissing"),
		"GET " + dynamic + "/{id}":    {id: "getDynamicAction", summary: "Get a dynamic action", query: nsOne, answer: apitype.DynamicAction{}},
		"DELETE " + dynamic + "/{id}": {id: "deleteDynamicAction", summary: "Delete a dynamic action", query: ns},
	}
}
