package api

import (
	"errors"
	"net/http"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/dsl"
	"cierzo/fault"
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
		if fault.Is(err, fault.TooLarge) {
			return 0, nil, err
		}
		if err != nil && !errors.As(err, &diags) {
			diags = dsl.Diagnostics{{Severity: dsl.SeverityError, Code: "document", Message: err.Error()}}
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
	f := apitype.Finding{
		Line: d.Pos.Line, Column: d.Pos.Col, EndColumn: d.End, Severity: "error", Code: d.Code, Path: d.Path, Message: d.Message, Hint: d.Hint,
	}
	if d.Severity == dsl.SeverityWarning {
		f.Severity = "warning"
	}
	return f
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

// executionDefinition is the revision of the definition that an execution keeps to its end.
func (s *server) executionDefinition(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	d, err := s.Store.GetDefinition(r.Context(), rec.DefinitionID)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, revisionJSON(d, true), nil
}
