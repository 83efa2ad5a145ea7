package api

import (
	"net/http"

	"cierzo/dsl"
	"cierzo/workflow"
)

// definitionOf is the workflow that an execution runs: the revision that it keeps.
func (s *server) definitionOf(r *http.Request, rec *workflow.ExecutionRecord) (*dsl.Workflow, error) {
	p, err := s.Catalog.Program(r.Context(), rec.DefinitionID)
	if err != nil {
		return nil, err
	}
	return p.Workflow(), nil
}

// explainExecution says of every task that has not ended what it waits for.
func (s *server) explainExecution(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	sit := situation{execution: rec, now: s.clock()}
	if sit.workflow, err = s.definitionOf(r, rec); err != nil {
		return 0, nil, err
	}
	if sit.tasks, err = s.tasksOf(r.Context(), rec.ID); err != nil {
		return 0, nil, err
	}
	if sit.actions, err = s.actionsOf(r.Context(), rec.ID, ""); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, explain(sit), nil
}
