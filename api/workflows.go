package api

import (
	"crypto/md5" //nolint:gosec // Mistral's checksum of definitions is MD5; it protects nothing
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"cierzo/api/apitype"
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/persistence"
)

func workflowCollection() collection {
	return collection{
		name: "workflows", sortBy: "created_at",
		columns: []string{"id", "name", "namespace", "input", "interface", "definition", "checksum", "tags", "scope", "project_id", "created_at", "updated_at"},
	}
}

func (s *server) listWorkflows(r *http.Request) (int, any, error) {
	c := workflowCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.definitionsFor(r, q, persistence.WorkflowDefinition)
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
	if err := knownOnly(r.URL.Query(), "namespace", "fields"); err != nil {
		return 0, nil, err
	}
	d, err := s.findDefinition(r, persistence.WorkflowDefinition)
	if err != nil {
		return 0, nil, err
	}
	w, err := s.workflowJSON(*d, true)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, workflowCollection(), w)
	return http.StatusOK, body, err
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
		ID: d.FirstID, Name: d.Name, Namespace: d.Namespace, Input: inputText(w.Input), Interface: iface, Definition: d.Text,
		Checksum: apitype.Some(hex.EncodeToString(sum[:])), Tags: notNil(d.Tags), Scope: d.Scope, ProjectID: d.ProjectID,
		CreatedAt: apitype.Time(d.FirstAt), UpdatedAt: updatedAt(&d),
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

// inputText is the list of a workflow's inputs as Mistral shows it, every default as a text in quotes: x, y="2".
func inputText(params []dsl.Param) string {
	parts := make([]string, 0, len(params))
	for _, p := range params {
		if p.Default == nil {
			parts = append(parts, p.Name)
			continue
		}
		parts = append(parts, p.Name+`="`+value.Str(p.Default)+`"`)
	}
	return strings.Join(parts, ", ")
}

func workbookCollection() collection {
	return collection{
		name: "workbooks", sortBy: "created_at",
		columns: []string{"id", "name", "namespace", "definition", "tags", "scope", "project_id", "created_at", "updated_at"},
	}
}

func (s *server) listWorkbooks(r *http.Request) (int, any, error) {
	c := workbookCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.definitionsFor(r, q, persistence.WorkbookDefinition)
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
	if err := knownOnly(r.URL.Query(), "namespace", "fields"); err != nil {
		return 0, nil, err
	}
	d, err := s.findDefinition(r, persistence.WorkbookDefinition)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, workbookCollection(), workbookJSON(*d))
	return http.StatusOK, body, err
}

func workbookJSON(d persistence.Definition) apitype.Workbook {
	return apitype.Workbook{
		ID: d.FirstID, Name: d.Name, Namespace: d.Namespace, Definition: d.Text, Tags: notNil(d.Tags), Scope: d.Scope,
		ProjectID: d.ProjectID, CreatedAt: apitype.Time(d.FirstAt), UpdatedAt: updatedAt(&d),
	}
}
