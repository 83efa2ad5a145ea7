package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// evaluate computes an expression: on data that the request brings, or on what an execution has published so far, up to one of
// its tasks if that is named. Functions that look at executions are unknown here.
func (s *server) evaluate(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "expression", "expression", "lang", "data", "execution_id", "task_id")
	if err != nil {
		return 0, nil, err
	}
	t, err := f.texts("expression", "lang", "execution_id", "task_id")
	if err != nil {
		return 0, nil, err
	}
	if t["expression"] == "" {
		return 0, nil, fault.New(fault.Invalid, "Invalid input for field/attribute expression. Mandatory field missing.")
	}
	if s.Evaluate == nil {
		return 0, nil, fault.New(fault.Unavailable, "this node evaluates nothing")
	}
	data := f["data"]
	if id := t["execution_id"]; id != "" {
		if f.has("data") {
			return 0, nil, fault.New(fault.Invalid, "Give either data or execution_id")
		}
		if data, err = s.contextOf(r, id, workflow.TaskID(t["task_id"])); err != nil {
			return 0, nil, err
		}
	}
	result, err := s.Evaluate(t["lang"], t["expression"], data)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, apitype.Evaluated{Result: result}, nil
}

// expressionFunctions lists the names that expressions can use.
func (s *server) expressionFunctions(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, apitype.ExpressionFunctions{Functions: append([]apitype.ExpressionFunction{}, s.Functions...)}, nil
}

// contextOf is what expressions of an execution see as $: its input and variables, and what its tasks have published in the order in
// which they ended, up to the task until; "" is all of them.
func (s *server) contextOf(r *http.Request, id string, until workflow.TaskID) (json.RawMessage, error) {
	rec, data, err := s.execution(r, id)
	if err != nil {
		return nil, err
	}
	tasks, err := s.tasksOf(r.Context(), rec.ID)
	if err != nil {
		return nil, err
	}
	out := merge(merge(value.NewDict(0), data.Input), data.Context)
	found := until == ""
	for _, t := range byEnd(tasks) {
		out = merge(out, t.Published)
		if t.ID == until {
			found = true
			break
		}
	}
	if !found {
		return nil, fault.New(fault.NotFound, "Task execution not found among those of the execution that have ended [id=%s]", clipText(string(until)))
	}
	return value.AppendJSON(nil, out)
}

// byEnd sorts tasks that have ended by the time of their end.
func byEnd(tasks []*workflow.TaskRecord) []*workflow.TaskRecord {
	var out []*workflow.TaskRecord
	for _, t := range tasks {
		if t.State.Final() {
			out = append(out, t)
		}
	}
	end := func(t *workflow.TaskRecord) time.Time {
		if t.FinishedAt.IsZero() {
			return t.UpdatedAt
		}
		return t.FinishedAt
	}
	slices.SortStableFunc(out, func(a, b *workflow.TaskRecord) int {
		return cmp.Or(end(a).Compare(end(b)), a.Seq-b.Seq)
	})
	return out
}
