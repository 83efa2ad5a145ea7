package api

import (
	"net/http"
	"strings"

	"cierzo/actions"
	"cierzo/api/apitype"
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
)

func actionCollection() collection {
	return collection{
		name: "actions", sortBy: "name",
		columns: []string{"id", "name", "namespace", "is_system", "input", "description", "tags", "definition", "scope", "project_id", "created_at", "updated_at"},
	}
}

// listActions lists what can be run: ad-hoc actions, and the actions of runners.
func (s *server) listActions(r *http.Request) (int, any, error) {
	c := actionCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	q.fields = nil // accepted and of no effect, as in Mistral
	defs, err := s.definitionsFor(r, q, persistence.ActionDefinition)
	if err != nil {
		return 0, nil, err
	}
	var items []apitype.Action
	for _, d := range defs {
		a, err := s.adHocJSON(d)
		if err != nil {
			return 0, nil, err
		}
		items = append(items, a)
	}
	for _, name := range s.Catalog.Registry().Names() {
		if a, ok := s.Catalog.Registry().Find(name); ok {
			items = append(items, builtInJSON(a))
		}
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

func (s *server) getAction(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "namespace", "fields"); err != nil {
		return 0, nil, err
	}
	if a, ok := s.Catalog.Registry().Find(r.PathValue("name")); ok {
		return http.StatusOK, builtInJSON(a), nil
	}
	d, err := s.findDefinition(r, persistence.ActionDefinition)
	if fault.Is(err, fault.NotFound) {
		namespace := firstOf(r.PathValue("namespace"), r.URL.Query().Get("namespace"))
		return 0, nil, fault.New(fault.NotFound, "Action not found [name=%s, namespace=%s]", r.PathValue("name"), namespace)
	}
	if err != nil {
		return 0, nil, err
	}
	a, err := s.adHocJSON(*d)
	return http.StatusOK, a, err
}

// adHocJSON is a stored ad-hoc action as the API shows it.
func (s *server) adHocJSON(d persistence.Definition) (apitype.Action, error) {
	a, err := s.Catalog.Action(&d)
	if err != nil {
		return apitype.Action{}, err
	}
	return apitype.Action{
		ID: d.FirstID, Name: d.Name, Namespace: d.Namespace, Input: apitype.Text(paramsText(a.Input)),
		Description: apitype.Text(a.Description), Tags: apitype.Some(notNil(d.Tags)), Definition: apitype.Some(d.Text),
		Scope: apitype.Some(d.Scope), ProjectID: apitype.Some(d.ProjectID),
		CreatedAt: apitype.Time(d.FirstAt), UpdatedAt: updatedAt(&d),
	}, nil
}

// paramsText is the list of an action's inputs as Mistral shows it: x, y=2.
func paramsText(params []dsl.Param) string {
	parts := make([]string, 0, len(params))
	for _, p := range params {
		switch d := p.Default.(type) {
		case nil:
			parts = append(parts, p.Name)
		case value.String:
			parts = append(parts, p.Name+`="`+string(d)+`"`)
		default:
			parts = append(parts, p.Name+"="+value.Str(d))
		}
	}
	return strings.Join(parts, ", ")
}

// builtInJSON is an action of the runners as the API shows it.
func builtInJSON(a *actions.Action) apitype.Action {
	parts := make([]string, 0, len(a.Params))
	for _, p := range a.Params {
		if p.Default == nil {
			parts = append(parts, p.Name)
			continue
		}
		text, err := jsonText(p.Default)
		if err != nil {
			text = value.Repr(p.Default)
		}
		parts = append(parts, p.Name+"="+text)
	}
	return apitype.Action{
		ID: a.Name, Name: a.Name, Input: apitype.Some(strings.Join(parts, ", ")), Description: apitype.Text(a.Description),
		Tags: apitype.Null[[]string](), Definition: apitype.Some(""), Scope: apitype.Null[string](),
		ProjectID: apitype.Null[string](), CreatedAt: apitype.Some(""), UpdatedAt: apitype.Some(""),
	}
}
