package api

import (
	"net/http"

	"cierzo/persistence"
)

// Route is one line of the table of routes.
type Route struct {
	Method string
	Path   string // as net/http's router takes it: /v2/workflows/{name}
	Rule   string // in the policy; "" is everybody's
}

// Routes lists all routes, for what has to know of each: the documentation, a test of the policy.
func Routes() []Route { return newServer(Config{}).table }

func (s *server) routes() {
	s.rootRoutes()
	for _, kind := range []persistence.DefinitionKind{
		persistence.WorkflowDefinition, persistence.WorkbookDefinition, persistence.ActionDefinition,
	} {
		s.definitionRoutes(kind)
	}
	s.workflowRoutes()
	s.actionRoutes()
	s.environmentRoutes()
	s.executionRoutes()
	s.taskRoutes()
	s.actionExecutionRoutes()
	s.triggerRoutes()
	s.codeRoutes()
	s.viewRoutes()
	s.docsRoutes()
}

func (s *server) rootRoutes() {
	s.handle("GET /{$}", "", s.versions)
	s.handle("GET /v2", "", s.root)
	s.handleText("GET /info", "", s.info)
	s.handle("GET /healthcheck", "", s.health)
	s.handleRaw("GET /metrics", "", s.metrics)
	for _, path := range []string{"/maintenance", "/v2/maintenance"} {
		s.handle("GET "+path, "", s.getMaintenance)
		s.handle("PUT "+path, "maintenance:update", s.putMaintenance)
	}
	s.handle("GET /v2/services", "services:list", func(*http.Request) (int, any, error) {
		return 0, nil, &status{http.StatusNotAcceptable, "Service API is not supported."}
	})
}

// definitionRoutes are those that workflows, workbooks and ad-hoc actions have in common.
func (s *server) definitionRoutes(kind persistence.DefinitionKind) {
	resource := string(kind) + "s"
	path := "/v2/" + resource
	s.handleText("POST "+path, resource+":create", s.creator(kind))
	s.handleText("PUT "+path, resource+":update", s.updater(kind))
	s.handleText("POST "+path+"/validate", resource+":create", s.validator(kind))
	s.handleText("POST "+path+"/lint", resource+":create", s.linter(kind))
	s.handle("DELETE "+path, resource+":delete", missingID)
	s.handle("DELETE "+path+"/{name}", resource+":delete", s.definitionRemover(kind))
	s.revisionRoutes(kind, path, resource)
}

// revisionRoutes go beyond Mistral, which forgets what a definition said before.
func (s *server) revisionRoutes(kind persistence.DefinitionKind, path, resource string) {
	s.handle("GET "+path+"/{name}/revisions", resource+":get", s.listRevisions(kind))
	s.handle("GET "+path+"/{name}/revisions/{revision}", resource+":get", s.getRevision(kind))
	s.handle("GET "+path+"/{name}/diff", resource+":get", s.diffRevisions(kind))
	s.handle("POST "+path+"/{name}/revisions/{revision}/restore", resource+":update", s.restoreRevision(kind))
}

func (s *server) workflowRoutes() {
	s.handle("GET /v2/workflows", "workflows:list", s.listWorkflows)
	s.handle("GET /v2/workflows/{name}", "workflows:get", s.getWorkflow)
	s.handleText("PUT /v2/workflows/{name}", "workflows:update", s.updateOne(persistence.WorkflowDefinition))
	s.handle("GET /v2/workbooks", "workbooks:list", s.listWorkbooks)
	s.handle("GET /v2/workbooks/{name}", "workbooks:get", s.getWorkbook)
	s.handleText("GET /v2/workflows/{name}/members", "members:list", s.listMembers)
	s.handleText("POST /v2/workflows/{name}/members", "members:create", s.createMember)
	s.handleText("GET /v2/workflows/{name}/members/{member}", "members:get", s.getMember)
	s.handleText("PUT /v2/workflows/{name}/members/{member}", "members:update", s.updateMember)
	s.handleText("DELETE /v2/workflows/{name}/members/{member}", "members:delete", s.deleteMember)
}

func (s *server) actionRoutes() {
	s.handle("GET /v2/actions", "actions:list", s.listActions)
	s.handle("GET /v2/actions/{name}", "actions:get", s.getAction)
	s.handle("GET /v2/actions/{name}/{namespace}", "actions:get", s.getAction)
	s.handleText("PUT /v2/actions/{name}", "actions:update", s.updateOne(persistence.ActionDefinition))
	s.handle("DELETE /v2/actions/{name}/{namespace}", "actions:delete", s.definitionRemover(persistence.ActionDefinition))
}

func (s *server) environmentRoutes() {
	s.handle("GET /v2/environments", "environments:list", s.listEnvironments)
	s.handle("POST /v2/environments", "environments:create", s.createEnvironment)
	s.handle("PUT /v2/environments", "environments:update", s.updateEnvironment)
	s.handle("DELETE /v2/environments", "environments:delete", missingID)
	s.handle("GET /v2/environments/{name}", "environments:get", s.getEnvironment)
	s.handle("DELETE /v2/environments/{name}", "environments:delete", s.definitionRemover(persistence.EnvironmentDefinition))
	s.revisionRoutes(persistence.EnvironmentDefinition, "/v2/environments", "environments")
}

func (s *server) executionRoutes() {
	s.handle("GET /v2/executions", "executions:list", s.listExecutions)
	s.handle("POST /v2/executions", "executions:create", s.createExecution)
	s.handle("DELETE /v2/executions", "executions:delete", missingID)
	s.handle("GET /v2/executions/{id}", "executions:get", s.getExecution)
	s.handle("PUT /v2/executions/{id}", "executions:update", s.updateExecution)
	s.handle("DELETE /v2/executions/{id}", "executions:delete", s.deleteExecution)
	s.handle("GET /v2/executions/{id}/tasks", "tasks:list", s.listExecutionTasks)
	s.handle("GET /v2/executions/{id}/executions", "executions:list", s.listTree)
	s.handle("GET /v2/executions/{id}/report", "executions:get", s.report)
	s.handle("POST /v2/executions/bulk", "executions:update", s.bulk)
	s.handle("GET /v2/executions/count", "executions:list", s.countExecutions)
}

func (s *server) taskRoutes() {
	s.handle("GET /v2/tasks", "tasks:list", s.listTasks)
	s.handle("GET /v2/tasks/{id}", "tasks:get", s.getTask)
	s.handle("PUT /v2/tasks/{id}", "tasks:update", s.updateTask)
	s.handle("GET /v2/tasks/{id}/action_executions", "action_executions:list", s.listTaskActions)
	s.handle("GET /v2/tasks/{id}/action_executions/{action}", "action_executions:get", s.getTaskAction)
	s.handle("GET /v2/tasks/{id}/workflow_executions", "executions:list", s.listChildren)
	s.handle("GET /v2/tasks/{id}/executions", "executions:list", s.listTaskTree)
}

func (s *server) actionExecutionRoutes() {
	s.handle("GET /v2/action_executions", "action_executions:list", s.listActionExecutions)
	s.handle("POST /v2/action_executions", "action_executions:create", s.runAction)
	s.handle("DELETE /v2/action_executions", "action_executions:delete", missingID)
	s.handle("GET /v2/action_executions/{id}", "action_executions:get", s.getActionExecution)
	s.handle("PUT /v2/action_executions/{id}", "action_executions:update", s.updateActionExecution)
	s.handle("DELETE /v2/action_executions/{id}", "action_executions:delete", s.deleteActionExecution)
}

func (s *server) triggerRoutes() {
	s.handle("GET /v2/cron_triggers", "cron_triggers:list", s.listCronTriggers)
	s.handle("POST /v2/cron_triggers", "cron_triggers:create", s.createCronTrigger)
	s.handle("DELETE /v2/cron_triggers", "cron_triggers:delete", missingID)
	s.handle("GET /v2/cron_triggers/{id}", "cron_triggers:get", s.getCronTrigger)
	s.handle("DELETE /v2/cron_triggers/{id}", "cron_triggers:delete", s.deleteCronTrigger)
	s.handle("GET /v2/event_triggers", "event_triggers:list", s.listEventTriggers)
	s.handle("POST /v2/event_triggers", "event_triggers:create", s.createEventTrigger)
	s.handle("DELETE /v2/event_triggers", "event_triggers:delete", missingID)
	s.handle("GET /v2/event_triggers/{id}", "event_triggers:get", s.getEventTrigger)
	s.handle("PUT /v2/event_triggers/{id}", "event_triggers:update", s.updateEventTrigger)
	s.handle("DELETE /v2/event_triggers/{id}", "event_triggers:delete", s.deleteEventTrigger)
	s.handle(eventsRoute, "event_triggers:create", s.postEvent)
}

func (s *server) codeRoutes() {
	s.handle("GET /v2/code_sources", "code_sources:list", s.listCodeSources)
	s.handleText("POST /v2/code_sources", "code_sources:create", s.createCodeSource)
	s.handleText("PUT /v2/code_sources", "code_sources:update", s.updateCodeSource)
	s.handle("DELETE /v2/code_sources", "code_sources:delete", missingID)
	s.handle("GET /v2/code_sources/{id}", "code_sources:get", s.getCodeSource)
	s.handleText("PUT /v2/code_sources/{id}", "code_sources:update", s.updateCodeSource)
	s.handle("DELETE /v2/code_sources/{id}", "code_sources:delete", s.deleteCodeSource)
	s.handle("GET /v2/dynamic_actions", "dynamic_actions:list", s.listDynamicActions)
	s.handle("POST /v2/dynamic_actions", "dynamic_actions:create", s.createDynamicAction)
	s.handle("PUT /v2/dynamic_actions", "dynamic_actions:update", s.updateDynamicAction)
	s.handle("DELETE /v2/dynamic_actions", "dynamic_actions:delete", missingID)
	s.handle("GET /v2/dynamic_actions/{id}", "dynamic_actions:get", s.getDynamicAction)
	s.handle("DELETE /v2/dynamic_actions/{id}", "dynamic_actions:delete", s.deleteDynamicAction)
}

// viewRoutes go beyond Mistral: what happens, why, and how it looks.
func (s *server) viewRoutes() {
	s.handleRaw("GET /v2/events", "executions:list", s.allEvents)
	s.handleRaw("GET /v2/executions/{id}/events", "executions:get", s.executionEvents)
	s.handle("GET /v2/executions/{id}/explain", "executions:get", s.explainExecution)
	s.handleRaw("GET /v2/executions/{id}/graph", "executions:get", s.graphExecution)
	s.handle("GET /v2/executions/{id}/definition", "executions:get", s.executionDefinition)
	s.handle("POST /v2/expressions/evaluate", "executions:get", s.evaluate)
	s.handle("GET /v2/expressions/functions", "workflows:list", s.expressionFunctions)
	s.handle("GET /v2/nodes", "services:list", s.listNodes)
	s.handle("GET /v2/cron_triggers/preview", "cron_triggers:list", s.previewPattern)
}

// docsRoutes show what the others are.
func (s *server) docsRoutes() {
	s.handleRaw("GET /v2/openapi.json", "", s.openAPI)
	s.handleRaw("GET /v2/openapi.yaml", "", s.openAPI)
	s.handleRaw("GET /docs", "", s.docs)
	s.handleRaw("GET /docs/{file}", "", s.docsFile)
}
