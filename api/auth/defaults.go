package auth

// Default is a rule that holds unless a policy file says otherwise.
type Default struct {
	Name, Rule string
	// For is what the rule decides about, after "may".
	For string
}

const (
	adminOnly    = "rule:admin_only"
	adminOrOwner = "rule:admin_or_owner"
)

// Defaults are Mistral's rules with its names and values: 2 that the others go back to, and 70. A name that isn't among them
// is never asked for.
func Defaults() []Default {
	return []Default{
		{"admin_only", "is_admin:True", "do what is left to administrators"},
		{"admin_or_owner", "is_admin:True or project_id:%(project_id)s", "do what is left to the own project"},

		{"maintenance:update", adminOnly, "pause and resume the whole system"},

		{"actions:create", adminOrOwner, "create an action"},
		{"actions:delete", adminOrOwner, "delete an action"},
		{"actions:get", adminOrOwner, "see an action"},
		{"actions:list", adminOrOwner, "list actions"},
		{"actions:publicize", adminOnly, "make an action public"},
		{"actions:update", adminOrOwner, "change an action"},
		{"action_executions:create", adminOrOwner, "create an action execution"},
		{"action_executions:delete", adminOrOwner, "delete an action execution"},
		{"action_executions:get", adminOrOwner, "see an action execution"},
		{"action_executions:list", adminOrOwner, "list action executions"},
		{"action_executions:update", adminOrOwner, "change an action execution"},
		{"code_sources:create", adminOnly, "create a code source"},
		{"code_sources:delete", adminOnly, "delete a code source"},
		{"code_sources:get", adminOnly, "see a code source"},
		{"code_sources:list", adminOnly, "list code sources"},
		{"code_sources:publicize", adminOnly, "make a code source public"},
		{"code_sources:update", adminOnly, "change a code source"},
		{"dynamic_actions:create", adminOnly, "create a dynamic action"},
		{"dynamic_actions:delete", adminOnly, "delete a dynamic action"},
		{"dynamic_actions:get", adminOnly, "see a dynamic action"},
		{"dynamic_actions:list", adminOnly, "list dynamic actions"},
		{"dynamic_actions:publicize", adminOnly, "make a dynamic action public"},
		{"dynamic_actions:update", adminOnly, "change a dynamic action"},
		{"cron_triggers:create", adminOrOwner, "create a cron trigger"},
		{"cron_triggers:delete", adminOrOwner, "delete a cron trigger"},
		{"cron_triggers:get", adminOrOwner, "see a cron trigger"},
		{"cron_triggers:list", adminOrOwner, "list cron triggers"},
		{"cron_triggers:list:all_projects", adminOnly, "list cron triggers of all projects"},
		{"cron_triggers:publicize", adminOnly, "make a cron trigger public"},
		{"environments:create", adminOrOwner, "create an environment"},
		{"environments:delete", adminOrOwner, "delete an environment"},
		{"environments:get", adminOrOwner, "see an environment"},
		{"environments:list", adminOrOwner, "list environments"},
		{"environments:publicize", adminOnly, "make an environment public"},
		{"environments:update", adminOrOwner, "change an environment"},
		{"event_triggers:create", adminOrOwner, "create an event trigger"},
		{"event_triggers:delete", adminOrOwner, "delete an event trigger"},
		{"event_triggers:get", adminOrOwner, "see an event trigger"},
		{"event_triggers:list", adminOrOwner, "list event triggers"},
		{"event_triggers:list:all_projects", adminOnly, "list event triggers of all projects"},
		{"event_triggers:publicize", adminOnly, "make an event trigger public"},
		{"event_triggers:update", adminOrOwner, "change an event trigger"},
		{"executions:create", adminOrOwner, "create an execution"},
		{"executions:delete", adminOrOwner, "delete an execution"},
		{"executions:get", adminOrOwner, "see an execution"},
		{"executions:list", adminOrOwner, "list executions"},
		{"executions:list:all_projects", adminOnly, "list executions of all projects"},
		{"executions:update", adminOrOwner, "change an execution"},
		{"members:create", adminOrOwner, "share a workflow with a project"},
		{"members:delete", adminOrOwner, "stop sharing a workflow"},
		{"members:get", adminOrOwner, "see the sharing of a workflow"},
		{"members:list", adminOrOwner, "list whom a workflow is shared with"},
		{"members:update", adminOrOwner, "accept or reject a shared workflow"},
		{"services:list", adminOrOwner, "list the services (Mistral has no such path any more)"},
		{"tasks:get", adminOrOwner, "see a task"},
		{"tasks:list", adminOrOwner, "list tasks"},
		{"tasks:update", adminOrOwner, "change a task"},
		{"workbooks:create", adminOrOwner, "create a workbook"},
		{"workbooks:delete", adminOrOwner, "delete a workbook"},
		{"workbooks:get", adminOrOwner, "see a workbook"},
		{"workbooks:list", adminOrOwner, "list workbooks"},
		{"workbooks:publicize", adminOnly, "make a workbook public"},
		{"workbooks:update", adminOrOwner, "change a workbook"},
		{"workflows:create", adminOrOwner, "create a workflow"},
		{"workflows:delete", adminOrOwner, "delete a workflow"},
		{"workflows:get", adminOrOwner, "see a workflow"},
		{"workflows:list", adminOrOwner, "list workflows"},
		{"workflows:list:all_projects", adminOnly, "list workflows of all projects"},
		{"workflows:publicize", adminOnly, "make a workflow public"},
		{"workflows:update", adminOrOwner, "change a workflow"},
	}
}
