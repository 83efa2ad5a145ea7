package api

import (
	"net/http"

	"cierzo/api/apitype"
	"cierzo/persistence"
)

// countExecutions counts the executions that a filter selects, by their state.
func (s *server) countExecutions(r *http.Request) (int, any, error) {
	c := executionCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	project, err := s.listedProject(r, q, "executions")
	if err != nil {
		return 0, nil, err
	}
	src := s.executionSource(r, q, persistence.PageQuery{ProjectID: project, Limit: pageMax, Descending: true})
	out := apitype.Counts{States: map[string]int{}}
	for _, state := range executionStates() {
		out.States[string(state)] = 0
	}
	every := len(q.filters) == 0 && len(q.nulls) == 0 // the store has looked at all that is asked for
	for seen := 0; ; {
		rows, err := src.read(src.query)
		if err != nil {
			return 0, nil, err
		}
		for _, row := range rows {
			counts := every
			if !every {
				item, err := src.item(row)
				if err != nil {
					return 0, nil, err
				}
				o, err := objectOf(item)
				if err != nil {
					return 0, nil, err
				}
				counts = q.matches(o)
			}
			if counts {
				out.States[string(row.Execution.State)]++
				out.Total++
			}
		}
		if len(rows) < pageMax {
			return http.StatusOK, out, nil
		}
		if seen += len(rows); seen >= scanMax {
			out.More = true
			return http.StatusOK, out, nil
		}
		src.query.After = src.mark(rows[len(rows)-1])
	}
}
