package api

import (
	"crypto/md5" //nolint:gosec // Mistral's checksum of definitions is MD5; it protects nothing
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"cierzo/actions"
	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
)

func (s *server) definitionRoutes() {
	for _, kind := range []persistence.DefinitionKind{
		persistence.WorkflowDefinition, persistence.WorkbookDefinition, persistence.ActionDefinition,
	} {
		path := "/v2/" + string(kind) + "s"
		s.textRoute("POST "+path, s.uploader(kind, catalog.Create))
		s.textRoute("PUT "+path, s.uploader(kind, catalog.Update))
		s.textRoute("POST "+path+"/validate", s.validator(kind))
		s.jsonRoute("DELETE "+path+"/{name}", s.definitionRemover(kind))
	}
	s.textRoute("PUT /v2/workflows/{name}", s.updateWorkflow)
	s.jsonRoute("DELETE /v2/actions/{name}/{namespace}", s.definitionRemover(persistence.ActionDefinition))
	s.jsonRoute("GET /v2/workflows", s.listWorkflows)
	s.jsonRoute("GET /v2/workflows/{name}", s.getWorkflow)
	s.jsonRoute("GET /v2/workbooks", s.listWorkbooks)
	s.jsonRoute("GET /v2/workbooks/{name}", s.getWorkbook)
	s.jsonRoute("GET /v2/actions", s.listActions)
	s.jsonRoute("GET /v2/actions/{name}", s.getAction)
	s.jsonRoute("GET /v2/actions/{name}/{namespace}", s.getAction)
}

// upload reads the request of an upload.
func (s *server) upload(r *http.Request, kind persistence.DefinitionKind) (catalog.Upload, error) {
	text, err := readText(r)
	q := r.URL.Query()
	scope := q.Get("scope")
	return catalog.Upload{
		Kind: kind, ProjectID: s.Project, Namespace: q.Get("namespace"), Scope: scope,
		File: string(kind), Text: text,
	}, err
}

func (s *server) uploader(kind persistence.DefinitionKind, mode catalog.Mode) handler {
	return func(r *http.Request) (int, any, error) {
		u, err := s.upload(r, kind)
		if err != nil {
			return 0, nil, err
		}
		u.Mode = mode
		done, err := s.Catalog.Upload(r.Context(), u)
		if err != nil {
			return 0, nil, err
		}
		body, err := s.uploaded(kind, mode, done)
		if mode == catalog.Create {
			return http.StatusCreated, body, err
		}
		return http.StatusOK, body, err
	}
}

func (s *server) uploaded(kind persistence.DefinitionKind, mode catalog.Mode, done *catalog.Uploaded) (any, error) {
	switch kind {
	case persistence.WorkbookDefinition:
		wb := workbookJSON(*done.Workbook)
		if mode == catalog.Create {
			wb.UpdatedAt = apitype.Opt[string]{}
		}
		return wb, nil
	case persistence.ActionDefinition:
		list := apitype.Actions{Actions: []apitype.Action{}}
		for _, d := range done.Actions {
			a, err := s.adHocJSON(d)
			if err != nil {
				return nil, err
			}
			list.Actions = append(list.Actions, a)
		}
		return list, nil
	default:
		list := apitype.Workflows{Workflows: []apitype.Workflow{}}
		for _, d := range done.Workflows {
			w, err := s.workflowJSON(d, false)
			if err != nil {
				return nil, err
			}
			list.Workflows = append(list.Workflows, w)
		}
		return list, nil
	}
}

func (s *server) validator(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		u, err := s.upload(r, kind)
		if err != nil {
			return 0, nil, err
		}
		_, diags, err := catalog.Check(u)
		if err == nil {
			err = diags.Err()
		}
		if err != nil {
			return http.StatusOK, apitype.Validation{Error: err.Error()}, nil
		}
		return http.StatusOK, apitype.Validation{Valid: true}, nil
	}
}

// updateWorkflow replaces one workflow, found by id or name, by the only one of the text.
func (s *server) updateWorkflow(r *http.Request) (int, any, error) {
	old, err := s.findDefinition(r, persistence.WorkflowDefinition)
	if err != nil {
		return 0, nil, err
	}
	u, err := s.upload(r, persistence.WorkflowDefinition)
	if err != nil {
		return 0, nil, err
	}
	u.Mode, u.Namespace = catalog.Update, old.Namespace
	doc, diags, err := catalog.Check(u)
	if err == nil {
		err = diags.Err()
	}
	if err != nil {
		return 0, nil, err
	}
	if len(doc.Workflows) != 1 {
		return 0, nil, fault.New(fault.Invalid, "More than one workflows are not supported for update. [identifier: %s]", r.PathValue("name"))
	}
	if doc.Workflows[0].Name != old.Name {
		return 0, nil, fault.New(fault.Invalid, "The text defines %q; a workflow can't change its name from %q (create the new one and delete the old one)", doc.Workflows[0].Name, old.Name)
	}
	done, err := s.Catalog.Upload(r.Context(), u)
	if err != nil {
		return 0, nil, err
	}
	w, err := s.workflowJSON(done.Workflows[0], false)
	return http.StatusOK, w, err
}

func (s *server) definitionRemover(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		d, err := s.findDefinition(r, kind)
		if err != nil {
			return 0, nil, err
		}
		if d.ProjectID != s.Project {
			return 0, nil, fault.New(fault.Forbidden, "Operation forbidden (insufficient permissions)")
		}
		return http.StatusNoContent, nil, s.Store.DeleteDefinition(r.Context(), definitionKey(d))
	}
}

func definitionKey(d *persistence.Definition) persistence.DefinitionKey {
	return persistence.DefinitionKey{ProjectID: d.ProjectID, Kind: d.Kind, Namespace: d.Namespace, Name: d.Name}
}

// findDefinition finds what the path names, by name or by id.
func (s *server) findDefinition(r *http.Request, kind persistence.DefinitionKind) (*persistence.Definition, error) {
	namespace := r.URL.Query().Get("namespace")
	if ns := r.PathValue("namespace"); ns != "" {
		namespace = ns
	}
	return s.lookUp(r, kind, r.PathValue("name"), namespace)
}

// lookUp finds the newest revision by name in the namespace, or by the definition's id.
func (s *server) lookUp(r *http.Request, kind persistence.DefinitionKind, identifier, namespace string) (*persistence.Definition, error) {
	key := persistence.DefinitionKey{ProjectID: s.Project, Kind: kind, Namespace: namespace, Name: identifier}
	if isUUID(identifier) {
		d, err := s.Store.GetDefinition(r.Context(), identifier)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err != nil || d.Kind != kind || (d.ProjectID != s.Project && d.Scope != "public") {
			return nil, catalog.NotFound(key)
		}
		key = definitionKey(d)
	}
	d, err := s.Store.FindDefinition(r.Context(), key)
	if fault.Is(err, fault.NotFound) {
		return nil, catalog.NotFound(key)
	}
	return d, err
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') {
			return false
		}
		if c != '-' && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

// allDefinitions lists the newest revisions of a kind that the project can see.
func (s *server) allDefinitions(r *http.Request, kind persistence.DefinitionKind) ([]persistence.Definition, error) {
	q := persistence.DefinitionsQuery{ProjectID: s.Project, Kind: kind, Limit: pageMax}
	var out []persistence.Definition
	for {
		page, err := s.Store.ListDefinitions(r.Context(), q)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if len(page) < q.Limit || len(out) >= listMax {
			return out, nil
		}
		q.AfterName = page[len(page)-1].Name
	}
}

func workflowCollection() collection {
	return collection{
		name: "workflows", sortBy: "created_at",
		columns: []string{"id", "name", "namespace", "input", "interface", "definition", "checksum", "tags", "scope", "project_id", "created_at", "updated_at"},
	}
}

func (s *server) listWorkflows(r *http.Request) (int, any, error) {
	c := workflowCollection()
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.allDefinitions(r, persistence.WorkflowDefinition)
	if err != nil {
		return 0, nil, err
	}
	items := make([]apitype.Workflow, 0, len(defs))
	for _, d := range defs {
		w, err := s.workflowJSON(d, true)
		if err != nil {
			return 0, nil, err
		}
		items = append(items, w)
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

func (s *server) getWorkflow(r *http.Request) (int, any, error) {
	d, err := s.findDefinition(r, persistence.WorkflowDefinition)
	if err != nil {
		return 0, nil, err
	}
	w, err := s.workflowJSON(*d, true)
	return http.StatusOK, w, err
}

// workflowJSON is a definition as the API shows it; asText puts the interface into a string.
func (s *server) workflowJSON(d persistence.Definition, asText bool) (apitype.Workflow, error) {
	w, err := s.Catalog.Workflow(&d)
	if err != nil {
		return apitype.Workflow{}, err
	}
	iface, err := interfaceJSON(w)
	if err != nil {
		return apitype.Workflow{}, err
	}
	if asText {
		if iface, err = json.Marshal(string(iface)); err != nil {
			return apitype.Workflow{}, err
		}
	}
	sum := md5.Sum([]byte(d.Text)) //nolint:gosec // see the import
	out := apitype.Workflow{
		ID: d.FirstID, Name: d.Name, Namespace: d.Namespace, Input: paramsText(w.Input), Interface: iface, Definition: d.Text,
		Checksum: apitype.Some(hex.EncodeToString(sum[:])), Tags: notNil(d.Tags), Scope: d.Scope, ProjectID: d.ProjectID,
		CreatedAt: apitype.Time(d.CreatedAt), UpdatedAt: apitype.Null[string](),
	}
	if d.Workbook != "" {
		out.Checksum = apitype.Null[string]()
	}
	return out, nil
}

// interfaceJSON tells inputs and outputs of a workflow: {"input": ["x", {"y": 2}], "output": ["o"]}.
func interfaceJSON(w *dsl.Workflow) ([]byte, error) {
	var inputs, outputs []value.Value
	for _, p := range w.Input {
		if p.Default == nil {
			inputs = append(inputs, value.String(p.Name))
			continue
		}
		d := value.NewDict(1)
		d.SetString(p.Name, p.Default)
		inputs = append(inputs, d)
	}
	if spec, ok := w.Spec.(value.Mapping); ok {
		if out, ok := spec.GetString("output"); ok {
			if m, ok := out.(value.Mapping); ok {
				for k := range m.All() {
					outputs = append(outputs, k)
				}
			}
		}
	}
	d := value.NewDict(2)
	d.SetString("input", value.NewList(inputs))
	d.SetString("output", value.NewList(outputs))
	return value.AppendJSON(nil, d)
}

// paramsText is the list of inputs as Mistral shows it: x, y="2".
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

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *server) listWorkbooks(r *http.Request) (int, any, error) {
	c := collection{
		name: "workbooks", sortBy: "created_at",
		columns: []string{"id", "name", "namespace", "definition", "tags", "scope", "project_id", "created_at", "updated_at"},
	}
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.allDefinitions(r, persistence.WorkbookDefinition)
	if err != nil {
		return 0, nil, err
	}
	items := make([]apitype.Workbook, 0, len(defs))
	for _, d := range defs {
		items = append(items, workbookJSON(d))
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

func (s *server) getWorkbook(r *http.Request) (int, any, error) {
	d, err := s.findDefinition(r, persistence.WorkbookDefinition)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, workbookJSON(*d), nil
}

func workbookJSON(d persistence.Definition) apitype.Workbook {
	return apitype.Workbook{
		ID: d.FirstID, Name: d.Name, Namespace: d.Namespace, Definition: d.Text, Tags: notNil(d.Tags), Scope: d.Scope,
		ProjectID: d.ProjectID, CreatedAt: apitype.Time(d.CreatedAt), UpdatedAt: apitype.Null[string](),
	}
}

func (s *server) listActions(r *http.Request) (int, any, error) {
	c := collection{
		name: "actions", sortBy: "name",
		columns: []string{"id", "name", "namespace", "is_system", "input", "description", "tags", "definition", "scope", "project_id", "created_at", "updated_at"},
	}
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.allDefinitions(r, persistence.ActionDefinition)
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
	if a, ok := s.Catalog.Registry().Find(r.PathValue("name")); ok {
		return http.StatusOK, builtInJSON(a), nil
	}
	d, err := s.findDefinition(r, persistence.ActionDefinition)
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
		ID: d.FirstID, Name: d.Name, Namespace: d.Namespace, Input: apitype.Some(paramsText(a.Input)),
		Description: apitype.Text(a.Description), Tags: apitype.Some(notNil(d.Tags)), Definition: apitype.Some(d.Text),
		Scope: apitype.Some(d.Scope), ProjectID: apitype.Some(d.ProjectID),
		CreatedAt: apitype.Time(d.CreatedAt), UpdatedAt: apitype.Null[string](),
	}, nil
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
		ProjectID: apitype.Null[string](), CreatedAt: apitype.Null[string](), UpdatedAt: apitype.Null[string](),
	}
}
