package api

import (
	"net/http"

	"cierzo/api/apitype"
)

func rootOperations() map[string]described {
	out := map[string]described{
		"GET /{$}":         {id: "listVersions", summary: "The versions of the API", answer: apitype.Versions{}},
		"GET /v2":          {id: "getRoot", path: "/v2/", summary: "The address of this version", answer: apitype.Root{}},
		"GET /info":        {id: "getInfo", summary: "What the operator says about this installation", answer: map[string]any{}},
		"GET /healthcheck": {id: "checkHealth", summary: "Whether the service reaches its store", answer: apitype.Health{}},
		"GET /metrics":     {id: "getMetrics", summary: "The node's counters in the text form of Prometheus", also: map[string]any{"text/plain": text("")}},
		"GET /v2/services": {id: "listServices", summary: "Not there: as in Mistral without a coordination backend", refuses: []int{http.StatusNotAcceptable}},

		"GET /v2/openapi.json": {id: "getOpenAPI", summary: "This document", answer: map[string]any{}},
		"GET /v2/openapi.yaml": {id: "getOpenAPIAsYAML", summary: "This document as YAML", also: map[string]any{"application/yaml": text("")}},
		"GET /docs":            {id: "getDocs", summary: "This document as a page to read", also: map[string]any{"text/html": text("")}},
		"GET /docs/{file}":     {id: "getDocsFile", summary: "Style and script of that page", also: map[string]any{"text/css": text(""), "text/javascript": text("")}},
	}
	for path, id := range map[string]string{"/maintenance": "Maintenance", "/v2/maintenance": "MaintenanceV2"} {
		out["GET "+path] = described{id: "get" + id, summary: "Whether the service is in maintenance", answer: apitype.Maintenance{}}
		out["PUT "+path] = described{
			id: "put" + id, summary: "Pause everything for maintenance, or go on", body: apitype.MaintenanceUpdate{}, answer: apitype.Maintenance{},
		}
	}
	return out
}

// uploadParams are what an upload of definitions takes.
func uploadParams() []param {
	return []param{
		scopeParam(),
		{name: "namespace", about: "the namespace to put it into; defaults to the empty one"},
		flagParam("skip_validation", "accepted, and skips nothing"),
		{name: "identifier", about: "replace only the one of this name or id"},
	}
}

func definitionOperations() map[string]described {
	out := map[string]described{}
	kinds := []struct {
		path, one, many, noun string
		list                  collection
		page, item, made      any
	}{
		{"workflows", "Workflow", "Workflows", "workflow", workflowCollection(), apitype.Workflows{}, apitype.Workflow{}, apitype.Workflows{}},
		{"workbooks", "Workbook", "Workbooks", "workbook", workbookCollection(), apitype.Workbooks{}, apitype.Workbook{}, apitype.Workbook{}},
		{"actions", "Action", "Actions", "action", actionCollection(), apitype.Actions{}, apitype.Action{}, apitype.Actions{}},
	}
	for _, k := range kinds {
		at := "/v2/" + k.path
		one := []param{namespaceParam(), fieldsParam()}
		out["GET "+at] = described{id: "list" + k.many, summary: "List " + k.noun + "s", query: listParams(k.list), answer: k.page}
		out["POST "+at] = described{id: "create" + k.many, summary: "Define what the text holds, all or nothing", query: uploadParams(), body: text(""), answer: k.made, status: http.StatusCreated}
		out["PUT "+at] = described{id: "update" + k.many, summary: "Replace what the text holds, all or nothing; the old texts stay as revisions", query: uploadParams(), body: text(""), answer: k.made}
		out["POST "+at+"/validate"] = described{id: "validate" + k.one, summary: "Say whether a text is valid, without storing it", query: uploadParams(), body: text(""), answer: apitype.Validation{}}
		out["POST "+at+"/lint"] = described{id: "lint" + k.one, summary: "Say what is wrong with a text, each problem with its place, and draw its workflows, without storing it", body: text(""), answer: apitype.Lint{}}
		out["GET "+at+"/{name}"] = described{id: "get" + k.one, summary: "Get a " + k.noun, query: one, answer: k.item}
		out["DELETE "+at] = removeNothing("delete" + k.one + "Missing")
		out["DELETE "+at+"/{name}"] = described{id: "delete" + k.one, summary: "Delete a " + k.noun, query: []param{namespaceParam()}}
		revisionOperations(out, at, k.one, k.noun)
	}
	out["PUT /v2/workflows/{name}"] = described{
		id: "updateWorkflow", summary: "Replace one workflow; the text may give it another name", query: uploadParams(), body: text(""), answer: apitype.Workflow{},
	}
	out["PUT /v2/actions/{name}"] = described{
		id: "updateAction", summary: "Replace one ad-hoc action; the text may give it another name", query: uploadParams(), body: text(""), answer: apitype.Actions{},
	}
	out["GET /v2/actions/{name}/{namespace}"] = described{
		id: "getActionOf", summary: "Get an action of a namespace", query: []param{namespaceParam(), fieldsParam()}, answer: apitype.Action{},
	}
	out["DELETE /v2/actions/{name}/{namespace}"] = described{id: "deleteActionOf", summary: "Delete an ad-hoc action of a namespace", query: []param{namespaceParam()}}
	environmentOperations(out)
	memberOperations(out)
	return out
}

func environmentOperations(out map[string]described) {
	at := "/v2/environments"
	out["GET "+at] = described{id: "listEnvironments", summary: "List environments", query: listParams(environmentCollection()), answer: apitype.Environments{}}
	out["POST "+at] = described{id: "createEnvironment", summary: "Make an environment", body: apitype.NewEnvironment{}, answer: apitype.Environment{}, status: http.StatusCreated}
	out["PUT "+at] = described{id: "updateEnvironment", summary: "Change an environment", body: apitype.NewEnvironment{}, answer: apitype.Environment{}}
	out["DELETE "+at] = removeNothing("deleteEnvironmentMissing")
	out["GET "+at+"/{name}"] = described{id: "getEnvironment", summary: "Get an environment", query: []param{namespaceParam(), fieldsParam()}, answer: apitype.Environment{}}
	out["DELETE "+at+"/{name}"] = described{id: "deleteEnvironment", summary: "Delete an environment", query: []param{namespaceParam()}}
	revisionOperations(out, at, "Environment", "environment")
}

func revisionOperations(out map[string]described, at, one, noun string) {
	ns := []param{namespaceParam()}
	out["GET "+at+"/{name}/revisions"] = described{
		id: "list" + one + "Revisions", summary: "List the texts that a " + noun + " has had, the oldest first", answer: apitype.Revisions{},
		query: append(ns, param{name: "limit", about: "items of a page, at most 1000", kind: "integer"}, param{name: "marker", about: "the number of the last revision of the page before", kind: "integer"}),
	}
	out["GET "+at+"/{name}/revisions/{revision}"] = described{id: "get" + one + "Revision", summary: "Get a revision with its text", query: ns, answer: apitype.Revision{}}
	out["GET "+at+"/{name}/diff"] = described{
		id: "diff" + one, summary: "What changed between two revisions; the newest and the one before it, if nothing is said", answer: apitype.Diff{},
		query: append(ns, param{name: "from", about: "number of the older revision", kind: "integer"}, param{name: "to", about: "number of the newer revision", kind: "integer"}),
	}
	out["POST "+at+"/{name}/revisions/{revision}/restore"] = described{
		id: "restore" + one, summary: "Make an old text the newest revision", query: ns, answer: apitype.Revision{},
	}
}

// removeNothing describes what is there to be refused as Mistral does: a DELETE that names nothing.
func removeNothing(id string) described {
	return described{id: id, summary: "Refused: it names nothing", status: http.StatusBadRequest}
}

func memberOperations(out map[string]described) {
	at := "/v2/workflows/{name}/members"
	out["GET "+at] = described{id: "listMembers", summary: "List the projects that a workflow is shared with", answer: apitype.Members{}}
	out["POST "+at] = described{id: "createMember", summary: "Share a workflow with a project", body: apitype.NewMember{}, answer: apitype.Member{}, status: http.StatusCreated}
	out["GET "+at+"/{member}"] = described{id: "getMember", summary: "Get a member", answer: apitype.Member{}}
	out["PUT "+at+"/{member}"] = described{id: "updateMember", summary: "Accept or reject a shared workflow, by the member", body: apitype.MemberUpdate{}, answer: apitype.Member{}}
	out["DELETE "+at+"/{member}"] = described{id: "deleteMember", summary: "Share a workflow no more"}
}
