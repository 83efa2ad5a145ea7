package api

import (
	"net/http"
	"slices"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
)

// Code sources are modules of Python, dynamic actions are classes in them. Both are stored and listed; nothing here runs
// Python: that is what runners in Python are for.

func (s *server) codeSourceJSON(r *http.Request, res *persistence.Resource) (apitype.CodeSource, error) {
	c, err := persistence.DocOf[persistence.CodeSource](res)
	if err != nil {
		return apitype.CodeSource{}, err
	}
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.DynamicActionResource, Ref: res.ID})
	out := apitype.CodeSource{
		ID: res.ID, Name: res.Name, Namespace: res.Namespace, Content: c.Content, Version: c.Revision, ProjectID: res.ProjectID, Scope: res.Scope,
		Actions: []string{}, CreatedAt: apitype.Time(res.CreatedAt), UpdatedAt: apitype.Time(res.UpdatedAt),
	}
	for _, a := range list {
		out.Actions = append(out.Actions, a.Name)
	}
	return out, err
}

func codeSourceCollection() collection {
	return collection{
		name: "code_sources", sortBy: "created_at",
		columns: []string{"id", "name", "namespace", "content", "version", "project_id", "scope", "actions", "created_at", "updated_at"},
		hidden:  []string{"tags"},
	}
}

func (s *server) listCodeSources(r *http.Request) (int, any, error) {
	return listResources(s, r, codeSourceCollection(), persistence.CodeSourceResource, func(res *persistence.Resource) (apitype.CodeSource, error) {
		return s.codeSourceJSON(r, res)
	})
}

// findCode finds a code source or dynamic action by what the path, the query or the body names.
func (s *server) findCode(r *http.Request, kind persistence.ResourceKind, identifier string) (*persistence.Resource, error) {
	namespace := r.URL.Query().Get("namespace")
	what := map[persistence.ResourceKind]string{persistence.CodeSourceResource: "Code source", persistence.DynamicActionResource: "Dynamic action definition"}[kind]
	return s.findResource(r, kind, identifier, namespace, what+" not found [identifier="+clipText(identifier)+", namespace="+clipText(namespace)+"]")
}

func (s *server) getCodeSource(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "namespace", "fields"); err != nil {
		return 0, nil, err
	}
	res, err := s.findCode(r, persistence.CodeSourceResource, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	item, err := s.codeSourceJSON(r, res)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, codeSourceCollection(), item)
	return http.StatusOK, body, err
}

func (s *server) createCodeSource(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if err := knownOnly(q, "name", "scope", "namespace"); err != nil {
		return 0, nil, err
	}
	name := q.Get("name")
	if name == "" {
		return 0, nil, fault.New(fault.Invalid, "Name of the code source is not provided.")
	}
	for what, v := range map[string]string{"name": name, "namespace": q.Get("namespace")} {
		if err := checkName(what, v); err != nil {
			return 0, nil, err
		}
	}
	if err := s.mayPublish(r, "code_sources", q.Get("scope")); err != nil {
		return 0, nil, err
	}
	text, err := readText(r)
	if err != nil {
		return 0, nil, err
	}
	res := persistence.Resource{
		Kind: persistence.CodeSourceResource, ProjectID: callerOf(r).ProjectID, Namespace: q.Get("namespace"), Name: name, Scope: firstOf(q.Get("scope"), "private"),
	}
	if err := persistence.SetDoc(&res, persistence.CodeSource{Content: string(text), Revision: 1}); err != nil {
		return 0, nil, err
	}
	made, err := s.createResource(r, res, "Duplicate entry for CodeSource ['name', 'namespace', 'project_id']: "+name+", "+res.Namespace+", "+res.ProjectID)
	if err != nil {
		return 0, nil, err
	}
	item, err := s.codeSourceJSON(r, made)
	forgetUpdate(true, &item.UpdatedAt)
	return http.StatusCreated, item, err
}

func (s *server) updateCodeSource(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if err := knownOnly(q, "identifier", "name", "namespace", "scope"); err != nil {
		return 0, nil, err
	}
	identifier := firstOf(r.PathValue("id"), firstOf(q.Get("identifier"), q.Get("name")))
	if identifier == "" {
		return 0, nil, fault.New(fault.Invalid, `Missing argument: "identifier"`)
	}
	res, err := s.findCode(r, persistence.CodeSourceResource, identifier)
	if err != nil {
		return 0, nil, err
	}
	if err := mayChangeResource(r, res); err != nil {
		return 0, nil, err
	}
	doc, err := persistence.DocOf[persistence.CodeSource](res)
	if err != nil {
		return 0, nil, err
	}
	text, err := readText(r)
	if err != nil {
		return 0, nil, err
	}
	if err := s.mayPublish(r, "code_sources", q.Get("scope")); err != nil {
		return 0, nil, err
	}
	res.Scope = firstOf(q.Get("scope"), res.Scope)
	doc.Content, doc.Revision = string(text), doc.Revision+1
	if err := persistence.SetDoc(res, doc); err != nil {
		return 0, nil, err
	}
	changed, err := s.Store.UpdateResource(r.Context(), *res)
	if err != nil {
		return 0, nil, err
	}
	item, err := s.codeSourceJSON(r, changed)
	return http.StatusOK, item, err
}

func (s *server) deleteCodeSource(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "namespace"); err != nil {
		return 0, nil, err
	}
	res, err := s.findCode(r, persistence.CodeSourceResource, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	used, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.DynamicActionResource, Ref: res.ID})
	if err != nil {
		return 0, nil, err
	}
	if len(used) > 0 {
		return 0, nil, fault.New(fault.Conflict, "Can't delete code source that has dynamic actions associated. [code_source=%s, action=%s]", res.Name, used[0].Name)
	}
	return http.StatusNoContent, nil, s.removeResource(r, res)
}

func dynamicActionCollection() collection {
	return collection{
		name: "dynamic_actions", sortBy: "created_at",
		columns: []string{"id", "name", "namespace", "code_source_id", "code_source_name", "class_name", "project_id", "scope", "created_at", "updated_at"},
		hidden:  []string{"tags"},
	}
}

func dynamicActionJSON(r *persistence.Resource) (apitype.DynamicAction, error) {
	a, err := persistence.DocOf[persistence.DynamicAction](r)
	return apitype.DynamicAction{
		ID: r.ID, Name: r.Name, Namespace: r.Namespace, CodeSourceID: r.Ref, CodeSourceName: a.CodeSourceName, ClassName: a.ClassName,
		ProjectID: r.ProjectID, Scope: r.Scope, CreatedAt: apitype.Time(r.CreatedAt), UpdatedAt: apitype.Time(r.UpdatedAt),
	}, err
}

func (s *server) listDynamicActions(r *http.Request) (int, any, error) {
	return listResources(s, r, dynamicActionCollection(), persistence.DynamicActionResource, dynamicActionJSON)
}

func (s *server) getDynamicAction(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "namespace", "fields"); err != nil {
		return 0, nil, err
	}
	res, err := s.findCode(r, persistence.DynamicActionResource, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	item, err := dynamicActionJSON(res)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, dynamicActionCollection(), item)
	return http.StatusOK, body, err
}

// readDynamicAction reads the body, and the code source that it names; nil: it names none.
func (s *server) readDynamicAction(r *http.Request) (map[string]string, *persistence.Resource, error) {
	if err := knownOnly(r.URL.Query(), "namespace"); err != nil {
		return nil, nil, err
	}
	f, err := readFields(r, "dyn_action", "id", "name", "namespace", "code_source_id", "code_source_name", "class_name", "scope", "project_id", "created_at", "updated_at")
	if err != nil {
		return nil, nil, err
	}
	t, err := f.texts("id", "name", "namespace", "code_source_id", "code_source_name", "class_name", "scope")
	if err != nil {
		return nil, nil, err
	}
	for _, name := range sortedKeys(t) {
		if err := checkName(name, t[name]); err != nil {
			return nil, nil, err
		}
	}
	if err := s.mayPublish(r, "dynamic_actions", t["scope"]); err != nil {
		return nil, nil, err
	}
	identifier := firstOf(t["code_source_id"], t["code_source_name"])
	if identifier == "" {
		return t, nil, nil
	}
	source, err := s.findResource(r, persistence.CodeSourceResource, identifier, t["namespace"],
		"Code source not found [identifier="+clipText(identifier)+", namespace="+clipText(t["namespace"])+"]")
	return t, source, err
}

func (s *server) createDynamicAction(r *http.Request) (int, any, error) {
	t, source, err := s.readDynamicAction(r)
	if err != nil {
		return 0, nil, err
	}
	for _, name := range []string{"name", "class_name"} {
		if t[name] == "" {
			return 0, nil, fault.New(fault.Invalid, "'%s' must be provided.", name)
		}
	}
	if source == nil {
		return 0, nil, fault.New(fault.Invalid, "Either 'code_source_id' or 'code_source_name' must be provided.")
	}
	res := persistence.Resource{
		Kind: persistence.DynamicActionResource, ProjectID: callerOf(r).ProjectID, Namespace: t["namespace"], Name: t["name"],
		Scope: firstOf(t["scope"], "private"), Ref: source.ID,
	}
	if err := persistence.SetDoc(&res, persistence.DynamicAction{ClassName: t["class_name"], CodeSourceName: source.Name}); err != nil {
		return 0, nil, err
	}
	made, err := s.createResource(r, res, "Duplicate entry for DynamicActionDefinition ['name', 'namespace', 'project_id']: "+res.Name+", "+res.Namespace+", "+res.ProjectID)
	if err != nil {
		return 0, nil, err
	}
	item, err := dynamicActionJSON(made)
	forgetUpdate(true, &item.UpdatedAt)
	return http.StatusCreated, item, err
}

func (s *server) updateDynamicAction(r *http.Request) (int, any, error) {
	t, source, err := s.readDynamicAction(r)
	if err != nil {
		return 0, nil, err
	}
	identifier := firstOf(t["id"], t["name"])
	if identifier == "" {
		return 0, nil, fault.New(fault.Invalid, "Either 'name' or 'id' must be provided.")
	}
	res, err := s.findCode(r, persistence.DynamicActionResource, identifier)
	if err != nil {
		return 0, nil, err
	}
	if err := mayChangeResource(r, res); err != nil {
		return 0, nil, err
	}
	doc, err := persistence.DocOf[persistence.DynamicAction](res)
	if err != nil {
		return 0, nil, err
	}
	if source != nil {
		res.Ref, doc.CodeSourceName = source.ID, source.Name
	}
	doc.ClassName = firstOf(t["class_name"], doc.ClassName)
	res.Name, res.Scope = firstOf(t["name"], res.Name), firstOf(t["scope"], res.Scope)
	if err := persistence.SetDoc(res, doc); err != nil {
		return 0, nil, err
	}
	changed, err := s.Store.UpdateResource(r.Context(), *res)
	if err != nil {
		return 0, nil, err
	}
	item, err := dynamicActionJSON(changed)
	return http.StatusOK, item, err
}

func (s *server) deleteDynamicAction(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "namespace"); err != nil {
		return 0, nil, err
	}
	res, err := s.findCode(r, persistence.DynamicActionResource, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.removeResource(r, res)
}

// noPython refuses to run a dynamic action here, and says what would run it.
func (s *server) noPython(r *http.Request, run *actionRun) error {
	project := callerOf(r).ProjectID
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.DynamicActionResource, ProjectID: project, OrPublic: true})
	if err != nil {
		return err
	}
	dynamic := slices.ContainsFunc(list, func(a persistence.Resource) bool { return a.Name == run.name && a.Namespace == run.namespace })
	if dynamic {
		return fault.New(fault.Invalid, "%s is a dynamic action, in Python. This server runs no Python: start a runner that offers an action of this name, and it will be run there.", run.name)
	}
	return nil
}
