package api

import (
	"net/http"
	"slices"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
)

// listResources answers with a page of the resources of a kind, each in the form that the list shows.
func listResources[T any](
	s *server, r *http.Request, c collection, kind persistence.ResourceKind, show func(*persistence.Resource) (T, error),
) (int, any, error) {
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	project, err := s.listedProject(r, q, c.name)
	if err != nil {
		return 0, nil, err
	}
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: kind, ProjectID: project, OrPublic: true})
	if err != nil {
		return 0, nil, err
	}
	items := make([]T, 0, len(list))
	for i := range list {
		item, err := show(&list[i])
		if err != nil {
			return 0, nil, err
		}
		items = append(items, item)
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

// allResources reads all pages of a query.
func (s *server) allResources(r *http.Request, q persistence.ResourcesQuery) ([]persistence.Resource, error) {
	q.Limit = pageMax
	var out []persistence.Resource
	for {
		list, err := s.Store.ListResources(r.Context(), q)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
		if len(list) < pageMax {
			return out, nil
		}
		if len(out) >= listMax {
			return nil, fault.New(fault.Invalid, "More than %d of them: this list can't be shown as a whole", listMax)
		}
		last := list[len(list)-1]
		q.After = &persistence.ResourceMark{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// findResource finds a resource by its id or its name; missing says that there is none in Mistral's words.
func (s *server) findResource(r *http.Request, kind persistence.ResourceKind, identifier, namespace, missing string) (*persistence.Resource, error) {
	c := callerOf(r)
	if isUUID(identifier) {
		found, err := s.Store.GetResource(r.Context(), kind, identifier)
		if err == nil && (found.ProjectID == c.ProjectID || found.Scope == "public" || c.Admin) {
			return found, nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	found, err := s.Store.FindResource(r.Context(), persistence.ResourceKey{Kind: kind, ProjectID: c.ProjectID, Namespace: namespace, Name: identifier})
	if fault.Is(err, fault.NotFound) && c.Admin && s.authenticates {
		found, err = s.resourceInAnyProject(r, kind, identifier, namespace)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "%s", missing)
	}
	return found, err
}

// resourceInAnyProject finds what an administrator names and doesn't own: in the only project that has it.
func (s *server) resourceInAnyProject(r *http.Request, kind persistence.ResourceKind, name, namespace string) (*persistence.Resource, error) {
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: kind, Namespace: namespace})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(found persistence.Resource) bool { return found.Name != name || found.Namespace != namespace })
	switch len(list) {
	case 0:
		return nil, fault.New(fault.NotFound, "no project has a %s %s", kind, clipText(name))
	case 1:
		return &list[0], nil
	}
	return nil, fault.New(fault.Conflict, "%d projects have a %s %s: say which by its id", len(list), kind, clipText(name))
}

// createResource stores a new resource. The same request again, by its Idempotency-Key, finds what it has made.
func (s *server) createResource(r *http.Request, res persistence.Resource, duplicate string) (*persistence.Resource, error) {
	id, err := newID(r, s.NewID)
	if err != nil {
		return nil, err
	}
	res.ID = id
	if res.Name == "" {
		res.Name = id
	}
	made, err := s.Store.CreateResource(r.Context(), res)
	if !fault.Is(err, fault.Conflict) {
		return made, err
	}
	if r.Header.Get(idempotencyHeader) != "" {
		if found, err := s.Store.GetResource(r.Context(), res.Kind, id); err == nil && found.Key() == res.Key() {
			return found, nil
		}
	}
	return nil, fault.New(fault.Conflict, "%s", duplicate)
}

// mayChangeResource refuses a change of what belongs to another project, in Mistral's words.
func mayChangeResource(r *http.Request, res *persistence.Resource) error {
	if c := callerOf(r); res.ProjectID == c.ProjectID || c.Admin {
		return nil
	}
	model := map[persistence.ResourceKind]string{
		persistence.CronTriggerResource: "CronTrigger", persistence.EventTriggerResource: "EventTrigger", persistence.CodeSourceResource: "CodeSource",
		persistence.DynamicActionResource: "DynamicActionDefinition",
	}[res.Kind]
	return fault.New(fault.Forbidden, "Can not access %s resource of other projects, ID: %s", model, res.ID)
}

// removeResource deletes a resource of the caller's.
func (s *server) removeResource(r *http.Request, res *persistence.Resource) error {
	if err := mayChangeResource(r, res); err != nil {
		return err
	}
	return s.Store.DeleteResource(r.Context(), res.Kind, res.ID, 0)
}

// clock is the time, as the API's clients set it.
func (s *server) clock() time.Time { return s.Now().UTC() }
