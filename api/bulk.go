package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// bulkRequest is one thing to do with many executions.
type bulkRequest struct {
	action, reason string
	dryRun, force  bool
	query          *listQuery
}

// bulkActions are what can be done with many executions at once.
func bulkActions() []string { return []string{"pause", "resume", "cancel", "rerun", "delete"} }

// bulk pauses, resumes, cancels, reruns or deletes the executions that a filter selects, page by page: each request does at most
// a page, and says where the next one goes on.
func (s *server) bulk(r *http.Request) (int, any, error) {
	b, err := readBulk(r)
	if err != nil {
		return 0, nil, err
	}
	if b.action == "delete" {
		if _, err := s.authorize(r, "executions:delete"); err != nil {
			return 0, nil, err
		}
	}
	project, err := s.listedProject(r, b.query, "executions")
	if err != nil {
		return 0, nil, err
	}
	src := s.executionSource(r, b.query, persistence.PageQuery{ProjectID: project, Limit: pageMax})
	if src.query.After, err = parsePlace(b.query.marker); err != nil {
		return 0, nil, err
	}
	objects, last, err := scanPage(b.query, src)
	if err != nil {
		return 0, nil, err
	}
	if last != "" {
		// A place, not an id: what it names may be deleted by now.
		mark, err := src.find(last)
		if err != nil {
			return 0, nil, err
		}
		last = placeText(mark)
	}
	out := apitype.BulkResult{Action: b.action, DryRun: b.dryRun, Matched: len(objects), IDs: []string{}, Failed: []apitype.BulkFailure{}, Marker: last}
	for _, o := range objects {
		id := plain(o["id"])
		out.IDs = append(out.IDs, id)
		if b.dryRun {
			continue
		}
		err := s.doBulk(r, b, project, id)
		switch {
		case err == nil:
			out.Done++
		case fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Internal):
			return 0, nil, err
		default:
			out.Failed = append(out.Failed, apitype.BulkFailure{ID: id, Error: err.Error()})
		}
	}
	return http.StatusOK, out, nil
}

// placeText is a place in the list of executions as a text; parsePlace reads it.
func placeText(m *persistence.PageMark) string {
	return strconv.FormatInt(persistence.Micros(m.CreatedAt), 10) + "." + string(m.ID)
}

func parsePlace(text string) (*persistence.PageMark, error) {
	if text == "" {
		return nil, nil
	}
	at, id, ok := strings.Cut(text, ".")
	us, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute marker. Value: '%s'. Take it from the answer before", clipText(text))
	}
	return &persistence.PageMark{CreatedAt: persistence.FromMicros(us), ID: workflow.ExecutionID(id)}, nil
}

func (s *server) doBulk(r *http.Request, b *bulkRequest, project, id string) error {
	rec, err := s.Store.FindExecution(r.Context(), project, workflow.ExecutionID(id))
	if err != nil {
		return err
	}
	var op workflow.Op
	switch b.action {
	case "delete":
		return s.removeExecution(r.Context(), rec, b.force)
	case "rerun":
		return s.rerunFailed(r, rec)
	case "pause":
		op = workflow.Pause{}
	case "resume":
		op = workflow.Resume{}
	default:
		op = workflow.Stop{State: workflow.Cancelled, Message: b.reason}
	}
	return s.Engine.Command(r.Context(), rec.ID, s.commandOf(r, op))
}

// rerunFailed runs again the tasks whose errors nothing has handled. What a sub-workflow has failed by begins with the task that
// runs the sub-workflow.
func (s *server) rerunFailed(r *http.Request, rec *workflow.ExecutionRecord) error {
	if rec.State != workflow.Error {
		return fault.New(fault.Invalid, "It is %s: only an execution in ERROR has tasks to rerun", rec.State)
	}
	tasks, err := s.tasksOf(r.Context(), rec.ID)
	if err != nil {
		return err
	}
	done := false
	for _, t := range tasks {
		if !t.Failed() {
			continue
		}
		c := s.commandOf(r, workflow.Rerun{Task: t.ID, Reset: true})
		c.RequestID += " " + string(t.ID) // the request is one, its commands are several
		if err := s.Engine.Command(r.Context(), rec.ID, c); err != nil {
			return err
		}
		done = true
	}
	if !done {
		return fault.New(fault.Invalid, "None of its tasks has failed: it was stopped")
	}
	return nil
}

func readBulk(r *http.Request) (*bulkRequest, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return nil, err
	}
	f, err := readFields(r, "bulk", "action", "filter", "dry_run", "force", "reason", "limit", "marker")
	if err != nil {
		return nil, err
	}
	t, err := f.texts("action", "reason", "marker")
	if err != nil {
		return nil, err
	}
	b := &bulkRequest{action: t["action"], reason: t["reason"]}
	if !slices.Contains(bulkActions(), b.action) {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute action. Value: '%s'. Value should be one of: %s", clipText(b.action), strings.Join(bulkActions(), ", "))
	}
	if b.dryRun, err = f.boolean("dry_run"); err != nil {
		return nil, err
	}
	if b.force, err = f.boolean("force"); err != nil {
		return nil, err
	}
	filter, err := f.object("filter")
	if err != nil {
		return nil, err
	}
	if filter == nil || filter.Len() == 0 {
		return nil, fault.New(fault.Invalid, "A filter must be given: {\"state\": \"in:RUNNING,PAUSED,ERROR,SUCCESS,CANCELLED\"} is all executions")
	}
	q := url.Values{}
	for k, v := range filter.All() {
		if slices.Contains([]string{"limit", "marker", "sort_keys", "sort_dirs", "fields"}, plainKey(k)) {
			return nil, fault.New(fault.Invalid, "Invalid input for field/attribute filter. %s is no column", plainKey(k))
		}
		// Several conditions on a column are a list: all of them must hold.
		conditions := []value.Value{v}
		if list, ok := v.(*value.List); ok {
			conditions = list.Items()
		}
		for _, c := range conditions {
			text, ok := c.(value.String)
			if !ok {
				return nil, fault.New(fault.Invalid, "Invalid input for field/attribute filter. The value of %s should be string, or a list of them", clipText(plainKey(k)))
			}
			q.Add(plainKey(k), string(text))
		}
	}
	filtered := r.Clone(r.Context())
	filtered.URL.RawQuery = q.Encode()
	if b.query, err = executionCollection().read(filtered); err != nil {
		return nil, err
	}
	if b.action == "rerun" && !slices.Contains(b.query.nulls, "root_execution_id") {
		b.query.nulls = append(b.query.nulls, "root_execution_id") // the task above reruns what is below
	}
	if f.has("limit") {
		n, err := f.integer("limit")
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return nil, fault.New(fault.Invalid, "Limit must be positive.")
		}
		b.query.limit = min(n, pageMax)
	}
	b.query.marker = t["marker"]
	return b, nil
}
