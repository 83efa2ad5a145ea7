package api

import (
	"net/http"
	"slices"
	"time"

	"cierzo/api/apitype"
	"cierzo/persistence"
	"cierzo/workflow"
)

// estimateFrom is how many earlier executions of a workflow the estimate of its duration is made from.
const estimateFrom = 20

// report shows an execution with its tasks, their actions and sub-workflows, and counts the tasks.
func (s *server) report(r *http.Request) (int, any, error) {
	t, err := readSubtree(r, "statistics_only")
	if err != nil {
		return 0, nil, err
	}
	rec, data, err := s.findExecution(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := s.familyOf(r, rec, data)
	if err != nil {
		return 0, nil, err
	}
	b := &reporter{server: s, request: r, tree: t, family: f}
	root, err := b.execution(rec.ID, 0)
	if err != nil {
		return 0, nil, err
	}
	if b.statistics.EstimatedTime, err = s.estimate(r, rec); err != nil {
		return 0, nil, err
	}
	out := apitype.Report{Statistics: b.statistics}
	if !t.statistics {
		out.Root = root
	}
	return http.StatusOK, out, nil
}

// reporter builds a report.
type reporter struct {
	server     *server
	request    *http.Request
	tree       subtree
	family     *family
	statistics apitype.Statistics
}

func (b *reporter) execution(id workflow.ExecutionID, depth int) (*apitype.ReportExecution, error) {
	e, ok := b.family.entries[id]
	if !ok {
		return nil, nil
	}
	rec := e.Execution
	out := &apitype.ReportExecution{
		ID: string(rec.ID), Name: rec.WorkflowName, CreatedAt: apitype.Time(rec.CreatedAt), UpdatedAt: apitype.Time(rec.UpdatedAt),
		State: string(rec.State), StateInfo: apitype.Text(rec.StateInfo),
	}
	if depth > workflow.DepthMax || b.tree.depthMax >= 0 && depth > b.tree.depthMax {
		return out, nil
	}
	out.Tasks = []apitype.ReportTask{}
	tasks, err := b.server.tasksOf(b.request.Context(), rec.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if b.tree.errorsOnly && t.State != workflow.Error {
			continue
		}
		item, err := b.task(t, depth)
		if err != nil {
			return nil, err
		}
		out.Tasks = append(out.Tasks, item)
	}
	return out, nil
}

func (b *reporter) task(t *workflow.TaskRecord, depth int) (apitype.ReportTask, error) {
	b.count(t.State)
	out := apitype.ReportTask{
		ID: string(t.ID), Name: t.Name, CreatedAt: apitype.Time(t.CreatedAt), UpdatedAt: apitype.Time(t.UpdatedAt),
		State: string(t.State), StateInfo: apitype.Text(t.StateInfo), RetryCount: t.Runtime.RetryNo,
		Actions: []apitype.ReportAction{}, Workflows: []apitype.ReportExecution{},
	}
	if t.Type == "WORKFLOW" {
		for _, child := range b.family.children[t.ID] {
			x, err := b.execution(child, depth+1)
			if err != nil {
				return out, err
			}
			if x != nil {
				out.Workflows = append(out.Workflows, *x)
			}
		}
		return out, nil
	}
	list, err := b.server.actionsOf(b.request.Context(), t.ExecutionID, t.ID)
	if err != nil {
		return out, err
	}
	for _, a := range list {
		out.Actions = append(out.Actions, apitype.ReportAction{
			ID: string(a.ID), Name: a.Name, CreatedAt: apitype.Time(a.CreatedAt), UpdatedAt: apitype.Time(a.UpdatedAt),
			State: string(a.State), StateInfo: apitype.Null[string](), LastHeartbeat: apitype.Time(a.UpdatedAt), Accepted: a.Accepted,
		})
	}
	return out, nil
}

// count counts a task. Those that are delayed, waiting, cancelled or skipped are in no number, as in Mistral.
func (b *reporter) count(state workflow.State) {
	st := &b.statistics
	switch state {
	case workflow.Running:
		st.Running++
	case workflow.Success:
		st.Success++
	case workflow.Error:
		st.Error++
	case workflow.Idle:
		st.Idle++
	case workflow.Paused:
		st.Paused++
	default:
		return
	}
	st.Total++
}

// estimate guesses how many seconds an execution goes on: the mean of the last ones that succeeded, less what has passed;
// at least 1. 0: it isn't running; -1: none has succeeded.
func (s *server) estimate(r *http.Request, rec *workflow.ExecutionRecord) (int, error) {
	if rec.State != workflow.Running {
		return 0, nil
	}
	list, err := s.Store.PageExecutions(r.Context(), persistence.PageQuery{
		ProjectID: rec.ProjectID, WorkflowName: rec.WorkflowName, States: []workflow.State{workflow.Success}, Descending: true, Limit: estimateFrom,
	})
	if err != nil {
		return 0, err
	}
	list = slices.DeleteFunc(list, func(e persistence.ExecutionEntry) bool { return e.Execution.Namespace != rec.Namespace })
	if len(list) == 0 {
		return -1, nil
	}
	var total time.Duration
	for _, e := range list {
		total += e.Execution.UpdatedAt.Sub(e.Execution.CreatedAt)
	}
	left := total/time.Duration(len(list)) - s.Now().Sub(rec.CreatedAt)
	return max(int(left/time.Second), 1), nil
}
