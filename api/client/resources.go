package client

import (
	"context"
	"net/http"
	"net/url"

	"cierzo/api/apitype"
)

// Environments lists environments, at most so many (0: all).
func (c *Client) Environments(ctx context.Context, q url.Values, most int) ([]apitype.Environment, error) {
	return list[apitype.Environment](ctx, c, "/environments", "environments", q, most)
}

// Environment reads an environment with its variables.
func (c *Client) Environment(ctx context.Context, name string) (*apitype.Environment, error) {
	var out apitype.Environment
	err := c.get(ctx, path("environments", name), &out)
	return &out, err
}

// CreateEnvironment makes an environment. fault.Conflict when it exists.
func (c *Client) CreateEnvironment(ctx context.Context, e apitype.NewEnvironment) (*apitype.Environment, error) {
	var out apitype.Environment
	err := c.json(ctx, http.MethodPost, "/environments", e, &out)
	return &out, err
}

// UpdateEnvironment changes what it says of an environment; the variables are replaced as a whole.
func (c *Client) UpdateEnvironment(ctx context.Context, e apitype.NewEnvironment) (*apitype.Environment, error) {
	var out apitype.Environment
	err := c.json(ctx, http.MethodPut, "/environments", e, &out)
	return &out, err
}

// DeleteEnvironment removes an environment.
func (c *Client) DeleteEnvironment(ctx context.Context, name string) error {
	return c.remove(ctx, path("environments", name))
}

// CronTriggers lists cron triggers, at most so many (0: all).
func (c *Client) CronTriggers(ctx context.Context, q url.Values, most int) ([]apitype.CronTrigger, error) {
	return list[apitype.CronTrigger](ctx, c, "/cron_triggers", "cron_triggers", q, most)
}

// CronTrigger reads a cron trigger by its id or name.
func (c *Client) CronTrigger(ctx context.Context, id string) (*apitype.CronTrigger, error) {
	var out apitype.CronTrigger
	err := c.get(ctx, path("cron_triggers", id), &out)
	return &out, err
}

// CreateCronTrigger makes a cron trigger. fault.Conflict when the name is taken.
func (c *Client) CreateCronTrigger(ctx context.Context, t apitype.NewCronTrigger) (*apitype.CronTrigger, error) {
	var out apitype.CronTrigger
	err := c.json(ctx, http.MethodPost, "/cron_triggers", t, &out)
	return &out, err
}

// DeleteCronTrigger removes a cron trigger.
func (c *Client) DeleteCronTrigger(ctx context.Context, id string) error {
	return c.remove(ctx, path("cron_triggers", id))
}

// EventTriggers lists event triggers, at most so many (0: all).
func (c *Client) EventTriggers(ctx context.Context, q url.Values, most int) ([]apitype.EventTrigger, error) {
	return list[apitype.EventTrigger](ctx, c, "/event_triggers", "event_triggers", q, most)
}

// EventTrigger reads an event trigger.
func (c *Client) EventTrigger(ctx context.Context, id string) (*apitype.EventTrigger, error) {
	var out apitype.EventTrigger
	err := c.get(ctx, path("event_triggers", id), &out)
	return &out, err
}

// CreateEventTrigger makes an event trigger.
func (c *Client) CreateEventTrigger(ctx context.Context, t apitype.NewEventTrigger) (*apitype.EventTrigger, error) {
	var out apitype.EventTrigger
	err := c.json(ctx, http.MethodPost, "/event_triggers", t, &out)
	return &out, err
}

// UpdateEventTrigger changes an event trigger's name, workflow, input or params; not what it listens to.
func (c *Client) UpdateEventTrigger(ctx context.Context, id string, t apitype.EventTriggerUpdate) (*apitype.EventTrigger, error) {
	var out apitype.EventTrigger
	err := c.json(ctx, http.MethodPut, path("event_triggers", id), t, &out)
	return &out, err
}

// DeleteEventTrigger removes an event trigger.
func (c *Client) DeleteEventTrigger(ctx context.Context, id string) error {
	return c.remove(ctx, path("event_triggers", id))
}

// Members lists whom a workflow is shared with.
func (c *Client) Members(ctx context.Context, workflow string) ([]apitype.Member, error) {
	var out apitype.Members
	err := c.get(ctx, path("workflows", workflow, "members"), &out)
	return out.Members, err
}

// Member reads how a workflow is shared with a project.
func (c *Client) Member(ctx context.Context, workflow, project string) (*apitype.Member, error) {
	var out apitype.Member
	err := c.get(ctx, path("workflows", workflow, "members", project), &out)
	return &out, err
}

// CreateMember offers a workflow to a project.
func (c *Client) CreateMember(ctx context.Context, workflow, project string) (*apitype.Member, error) {
	var out apitype.Member
	err := c.json(ctx, http.MethodPost, path("workflows", workflow, "members"), map[string]string{"member_id": project}, &out)
	return &out, err
}

// UpdateMember accepts, rejects or postpones what a project was offered: status is "accepted", "rejected" or "pending".
func (c *Client) UpdateMember(ctx context.Context, workflow, project, status string) (*apitype.Member, error) {
	var out apitype.Member
	err := c.json(ctx, http.MethodPut, path("workflows", workflow, "members", project), map[string]string{"status": status}, &out)
	return &out, err
}

// DeleteMember ends the sharing with a project.
func (c *Client) DeleteMember(ctx context.Context, workflow, project string) error {
	return c.remove(ctx, path("workflows", workflow, "members", project))
}

// CodeSources lists code sources, at most so many (0: all).
func (c *Client) CodeSources(ctx context.Context, q url.Values, most int) ([]apitype.CodeSource, error) {
	return list[apitype.CodeSource](ctx, c, "/code_sources", "code_sources", q, most)
}

// CodeSource reads a code source by its id or name.
func (c *Client) CodeSource(ctx context.Context, id, namespace string) (*apitype.CodeSource, error) {
	var out apitype.CodeSource
	err := c.get(ctx, path("code_sources", id)+query("namespace", namespace), &out)
	return &out, err
}

// CreateCodeSource stores a module.
func (c *Client) CreateCodeSource(ctx context.Context, name string, u Upload) (*apitype.CodeSource, error) {
	var out apitype.CodeSource
	err := c.text(ctx, http.MethodPost, "/code_sources"+query("name", name, "namespace", u.Namespace, "scope", u.Scope), u.Text, &out)
	return &out, err
}

// UpdateCodeSource replaces a module's text.
func (c *Client) UpdateCodeSource(ctx context.Context, id string, u Upload) (*apitype.CodeSource, error) {
	var out apitype.CodeSource
	err := c.text(ctx, http.MethodPut, "/code_sources"+query("identifier", id, "namespace", u.Namespace, "scope", u.Scope), u.Text, &out)
	return &out, err
}

// DeleteCodeSource removes a module. fault.Conflict while dynamic actions are in it.
func (c *Client) DeleteCodeSource(ctx context.Context, id, namespace string) error {
	return c.remove(ctx, path("code_sources", id)+query("namespace", namespace))
}

// DynamicActions lists dynamic actions, at most so many (0: all).
func (c *Client) DynamicActions(ctx context.Context, q url.Values, most int) ([]apitype.DynamicAction, error) {
	return list[apitype.DynamicAction](ctx, c, "/dynamic_actions", "dynamic_actions", q, most)
}

// DynamicAction reads a dynamic action by its id or name.
func (c *Client) DynamicAction(ctx context.Context, id, namespace string) (*apitype.DynamicAction, error) {
	var out apitype.DynamicAction
	err := c.get(ctx, path("dynamic_actions", id)+query("namespace", namespace), &out)
	return &out, err
}

// CreateDynamicAction names a class of a code source as an action.
func (c *Client) CreateDynamicAction(ctx context.Context, a apitype.NewDynamicAction) (*apitype.DynamicAction, error) {
	var out apitype.DynamicAction
	err := c.json(ctx, http.MethodPost, "/dynamic_actions", a, &out)
	return &out, err
}

// UpdateDynamicAction changes a dynamic action, which is named by its ID or Name.
func (c *Client) UpdateDynamicAction(ctx context.Context, a apitype.NewDynamicAction) (*apitype.DynamicAction, error) {
	var out apitype.DynamicAction
	err := c.json(ctx, http.MethodPut, "/dynamic_actions", a, &out)
	return &out, err
}

// DeleteDynamicAction removes a dynamic action.
func (c *Client) DeleteDynamicAction(ctx context.Context, id, namespace string) error {
	return c.remove(ctx, path("dynamic_actions", id)+query("namespace", namespace))
}

// Maintenance says whether the service is in maintenance. Mistral has it beside /v2, and so have we.
func (c *Client) Maintenance(ctx context.Context) (*apitype.Maintenance, error) {
	var out apitype.Maintenance
	err := c.get(ctx, "/maintenance", &out)
	return &out, err
}

// SetMaintenance pauses the service (PAUSED) or lets it go on (RUNNING).
func (c *Client) SetMaintenance(ctx context.Context, status string) (*apitype.Maintenance, error) {
	var out apitype.Maintenance
	err := c.json(ctx, http.MethodPut, "/maintenance", apitype.Maintenance{Status: status}, &out)
	return &out, err
}

// Nodes lists the nodes of a cluster that are alive, and the action runners that the answering one hears. A Mistral
// has no such list: fault.NotFound.
func (c *Client) Nodes(ctx context.Context) (*apitype.Nodes, error) {
	var out apitype.Nodes
	err := c.get(ctx, "/nodes", &out)
	return &out, err
}

// Services asks for Mistral's list of processes; newer servers refuse it.
func (c *Client) Services(ctx context.Context) ([]map[string]any, error) {
	return list[map[string]any](ctx, c, "/services", "services", nil, 0)
}
