package client

import (
	"context"
	"net/http"
	"net/url"

	"cierzo/api/apitype"
)

// Upload is a text with definitions, and where they go.
type Upload struct {
	Text      []byte
	Namespace string
	// Scope says who may see it: "private" or "public". Defaults to private for what is new, to what it was else.
	Scope string
	// Update makes new revisions of what exists, and fault.NotFound of what doesn't. Without it what exists is fault.Conflict.
	Update bool
}

func (u Upload) query() string { return query("namespace", u.Namespace, "scope", u.Scope) }

func (u Upload) method() string {
	if u.Update {
		return http.MethodPut
	}
	return http.MethodPost
}

// UploadWorkflows stores a text with a list of workflows.
func (c *Client) UploadWorkflows(ctx context.Context, u Upload) ([]apitype.Workflow, error) {
	var out apitype.Workflows
	err := c.text(ctx, u.method(), "/workflows"+u.query(), u.Text, &out)
	return out.Workflows, err
}

// UploadWorkbook stores a workbook.
func (c *Client) UploadWorkbook(ctx context.Context, u Upload) (*apitype.Workbook, error) {
	var out apitype.Workbook
	err := c.text(ctx, u.method(), "/workbooks"+u.query(), u.Text, &out)
	return &out, err
}

// UploadActions stores a text with ad-hoc actions.
func (c *Client) UploadActions(ctx context.Context, u Upload) ([]apitype.Action, error) {
	var out apitype.Actions
	err := c.text(ctx, u.method(), "/actions"+u.query(), u.Text, &out)
	return out.Actions, err
}

// CreateWorkflows uploads a text with a list of workflows. fault.Conflict when one exists.
func (c *Client) CreateWorkflows(ctx context.Context, namespace string, text []byte) ([]apitype.Workflow, error) {
	return c.UploadWorkflows(ctx, Upload{Text: text, Namespace: namespace})
}

// UpdateWorkflows makes new revisions of the workflows in a text. fault.NotFound when one doesn't exist.
func (c *Client) UpdateWorkflows(ctx context.Context, namespace string, text []byte) ([]apitype.Workflow, error) {
	return c.UploadWorkflows(ctx, Upload{Text: text, Namespace: namespace, Update: true})
}

// UpdateWorkflow replaces the workflow of an id by the only one of a text; it may get another name.
func (c *Client) UpdateWorkflow(ctx context.Context, id string, u Upload) (*apitype.Workflow, error) {
	var out apitype.Workflow
	err := c.text(ctx, http.MethodPut, path("workflows", id)+u.query(), u.Text, &out)
	return &out, err
}

// Workflow reads a workflow by its id or name.
func (c *Client) Workflow(ctx context.Context, name, namespace string) (*apitype.Workflow, error) {
	var out apitype.Workflow
	err := c.get(ctx, path("workflows", name)+query("namespace", namespace), &out)
	return &out, err
}

// Workflows lists workflows, at most so many (0: all); q holds filters and sorting as the API takes them.
func (c *Client) Workflows(ctx context.Context, q url.Values, most int) ([]apitype.Workflow, error) {
	return list[apitype.Workflow](ctx, c, "/workflows", "workflows", q, most)
}

// DeleteWorkflow removes a workflow. fault.Invalid while a trigger starts it.
func (c *Client) DeleteWorkflow(ctx context.Context, name, namespace string) error {
	return c.remove(ctx, path("workflows", name)+query("namespace", namespace))
}

// CreateWorkbook uploads a workbook. fault.Conflict when it exists.
func (c *Client) CreateWorkbook(ctx context.Context, namespace string, text []byte) (*apitype.Workbook, error) {
	return c.UploadWorkbook(ctx, Upload{Text: text, Namespace: namespace})
}

// UpdateWorkbook replaces a workbook's text.
func (c *Client) UpdateWorkbook(ctx context.Context, namespace string, text []byte) (*apitype.Workbook, error) {
	return c.UploadWorkbook(ctx, Upload{Text: text, Namespace: namespace, Update: true})
}

// Workbook reads a workbook.
func (c *Client) Workbook(ctx context.Context, name, namespace string) (*apitype.Workbook, error) {
	var out apitype.Workbook
	err := c.get(ctx, path("workbooks", name)+query("namespace", namespace), &out)
	return &out, err
}

// Workbooks lists workbooks, as Workflows does workflows.
func (c *Client) Workbooks(ctx context.Context, q url.Values, most int) ([]apitype.Workbook, error) {
	return list[apitype.Workbook](ctx, c, "/workbooks", "workbooks", q, most)
}

// DeleteWorkbook removes a workbook with all that is in it.
func (c *Client) DeleteWorkbook(ctx context.Context, name, namespace string) error {
	return c.remove(ctx, path("workbooks", name)+query("namespace", namespace))
}

// CreateActions uploads a text with ad-hoc actions. fault.Conflict when one exists.
func (c *Client) CreateActions(ctx context.Context, namespace string, text []byte) ([]apitype.Action, error) {
	return c.UploadActions(ctx, Upload{Text: text, Namespace: namespace})
}

// UpdateActions makes new revisions of the ad-hoc actions in a text. fault.NotFound when one doesn't exist.
func (c *Client) UpdateActions(ctx context.Context, namespace string, text []byte) ([]apitype.Action, error) {
	return c.UploadActions(ctx, Upload{Text: text, Namespace: namespace, Update: true})
}

// UpdateAction replaces the action of an id or name by the only one of a text.
func (c *Client) UpdateAction(ctx context.Context, id string, u Upload) ([]apitype.Action, error) {
	var out apitype.Actions
	err := c.text(ctx, http.MethodPut, "/actions"+query("identifier", id, "namespace", u.Namespace, "scope", u.Scope), u.Text, &out)
	return out.Actions, err
}

// Action reads an action by its id or name: an ad-hoc one, or one that runners offer.
func (c *Client) Action(ctx context.Context, name, namespace string) (*apitype.Action, error) {
	var out apitype.Action
	err := c.get(ctx, actionPath(name, namespace), &out)
	return &out, err
}

// Actions lists actions, as Workflows does workflows.
func (c *Client) Actions(ctx context.Context, q url.Values, most int) ([]apitype.Action, error) {
	return list[apitype.Action](ctx, c, "/actions", "actions", q, most)
}

// DeleteAction removes an ad-hoc action.
func (c *Client) DeleteAction(ctx context.Context, name, namespace string) error {
	return c.remove(ctx, actionPath(name, namespace))
}

// actionPath has the namespace in the path: so Mistral wants it.
func actionPath(name, namespace string) string {
	if namespace == "" {
		return path("actions", name)
	}
	return path("actions", name, namespace)
}

// Validate looks at a text as an upload would; collection is "workflows", "workbooks" or "actions".
func (c *Client) Validate(ctx context.Context, collection string, text []byte) (*apitype.Validation, error) {
	var out apitype.Validation
	err := c.text(ctx, http.MethodPost, path(collection, "validate"), text, &out)
	return &out, err
}

// Revisions lists the texts that a definition has had; collection is "workflows", "workbooks", "actions" or "environments".
func (c *Client) Revisions(ctx context.Context, collection, name, namespace string) ([]apitype.Revision, error) {
	var out apitype.Revisions
	err := c.get(ctx, path(collection, name, "revisions")+query("namespace", namespace), &out)
	return out.Revisions, err
}

// RevisionDiff compares two revisions; "" leaves out: from the one before to the newest one.
func (c *Client) RevisionDiff(ctx context.Context, collection, name, namespace, from, to string) (*apitype.Diff, error) {
	var out apitype.Diff
	err := c.get(ctx, path(collection, name, "diff")+query("namespace", namespace, "from", from, "to", to), &out)
	return &out, err
}

// RestoreRevision makes an old text the newest revision. The answer is the definition as JSON.
func (c *Client) RestoreRevision(ctx context.Context, collection, name, namespace, revision string) (map[string]any, error) {
	var out map[string]any
	err := c.json(ctx, http.MethodPost, path(collection, name, "revisions", revision, "restore")+query("namespace", namespace), nil, &out)
	return out, err
}
