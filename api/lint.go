package api

import (
	"net/http"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/dsl"
	"cierzo/persistence"
	"cierzo/workflow"
)

// linter looks at a text as an upload would and stores nothing: it says what is wrong, each problem with its place, and
// draws the workflows that it understands.
func (s *server) linter(kind persistence.DefinitionKind) handler {
	return func(r *http.Request) (int, any, error) {
		if err := knownOnly(r.URL.Query()); err != nil {
			return 0, nil, err
		}
		text, err := readText(r)
		if err != nil {
			return 0, nil, err
		}
		doc, diags, err := catalog.Check(catalog.Upload{Kind: kind, File: string(kind), Text: text})
		if err != nil {
			return 0, nil, err
		}
		out := apitype.Lint{Findings: []apitype.Finding{}, Graphs: []apitype.Graph{}}
		for _, d := range diags {
			out.Findings = append(out.Findings, findingJSON(d))
		}
		out.Valid = len(diags.Errors()) == 0
		for _, w := range workflowsOf(doc) {
			out.Graphs = append(out.Graphs, graphOf(&workflow.ExecutionRecord{WorkflowName: w.Name}, w, nil, nil))
		}
		return http.StatusOK, out, nil
	}
}

func findingJSON(d dsl.Diagnostic) apitype.Finding {
	return apitype.Finding{
		Line: d.Pos.Line, Column: d.Pos.Col, EndColumn: d.End, Severity: d.Severity.String(), Code: d.Code, Path: d.Path, Message: d.Message, Hint: d.Hint,
	}
}

// workflowsOf are the workflows that were understood, even of a text with mistakes in it.
func workflowsOf(doc *dsl.Document) []*dsl.Workflow {
	if doc == nil {
		return nil
	}
	list := doc.Workflows
	if doc.Workbook != nil {
		list = doc.Workbook.Workflows
	}
	var out []*dsl.Workflow
	for _, w := range list {
		if w != nil {
			out = append(out, w)
		}
	}
	return out
}
