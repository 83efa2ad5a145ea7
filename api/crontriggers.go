package api

import (
	"net/http"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/triggers"
	"cierzo/workflow"
)

// firstTimeFormat is how first_execution_time is given.
const firstTimeFormat = "2006-01-02 15:04"

func cronTriggerCollection() collection {
	return collection{
		name: "cron_triggers", sortBy: "created_at", json: []string{"workflow_input", "workflow_params"},
		columns: []string{
			"id", "name", "workflow_name", "workflow_id", "workflow_input", "workflow_params", "project_id", "scope", "pattern",
			"remaining_executions", "first_execution_time", "next_execution_time", "created_at", "updated_at",
		},
	}
}

func cronTriggerJSON(r *persistence.Resource) (apitype.CronTrigger, error) {
	t, err := persistence.DocOf[persistence.CronTrigger](r)
	out := apitype.CronTrigger{
		ID: r.ID, Name: r.Name, WorkflowName: t.WorkflowName, WorkflowID: r.Ref, WorkflowInput: t.Input, WorkflowParams: t.Params,
		ProjectID: r.ProjectID, Scope: r.Scope, Pattern: apitype.Text(t.Pattern), RemainingExecutions: apitype.Null[int](),
		FirstExecutionTime: apitype.Time(t.FirstTime), NextExecutionTime: apitype.Time(t.Next),
		CreatedAt: apitype.Time(r.CreatedAt), UpdatedAt: apitype.Time(r.UpdatedAt), TZ: t.TZ, CatchUp: t.CatchUp,
	}
	if t.Next.IsZero() && len(t.Pending) == 0 && !t.Last {
		out.NextExecutionTime = apitype.Time(r.DueAt) // as it was stored before there was a Next
	}
	if t.Remaining > 0 || t.Last {
		out.RemainingExecutions = apitype.Some(t.Remaining)
	}
	if n := len(t.Runs); n > 0 {
		out.LastError = t.Runs[n-1].Error
	}
	return out, err
}

// withRuns shows what became of the trigger's ticks.
func withRuns(item *apitype.CronTrigger, r *persistence.Resource) error {
	t, err := persistence.DocOf[persistence.CronTrigger](r)
	if err != nil || len(t.Runs) == 0 {
		return err
	}
	item.Ticks = &apitype.Ticks{Started: t.Started, Failed: t.Failed, Skipped: t.Skipped}
	for _, run := range t.Runs {
		shown := apitype.TriggerRun{
			Tick: run.Tick.UTC().Format(time.DateTime), Ticks: run.Ticks, Outcome: run.Outcome, ExecutionID: run.ExecutionID, Error: run.Error,
			At: run.At.UTC().Format(time.DateTime),
		}
		if !run.Until.IsZero() {
			shown.Until = run.Until.UTC().Format(time.DateTime)
		}
		item.Runs = append(item.Runs, shown)
	}
	return nil
}

func (s *server) listCronTriggers(r *http.Request) (int, any, error) {
	return listResources(s, r, cronTriggerCollection(), persistence.CronTriggerResource, cronTriggerJSON)
}

func (s *server) findCronTrigger(r *http.Request) (*persistence.Resource, error) {
	id := r.PathValue("id")
	return s.findResource(r, persistence.CronTriggerResource, id, "", "Cron trigger not found [identifier="+clipText(id)+"]")
}

func (s *server) getCronTrigger(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "fields"); err != nil {
		return 0, nil, err
	}
	res, err := s.findCronTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := cronTriggerJSON(res)
	if err == nil {
		err = withRuns(&item, res)
	}
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, cronTriggerCollection(), item)
	return http.StatusOK, body, err
}

func (s *server) deleteCronTrigger(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	res, err := s.findCronTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.removeResource(r, res)
}

func (s *server) createCronTrigger(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "cron_trigger", "id", "name", "workflow_name", "workflow_id", "workflow_input", "workflow_params", "project_id", "scope", "pattern",
		"remaining_executions", "first_execution_time", "next_execution_time", "created_at", "updated_at", "tz", "catch_up")
	if err != nil {
		return 0, nil, err
	}
	t, err := f.texts("name", "workflow_name", "workflow_id", "scope", "pattern", "first_execution_time", "tz", "catch_up")
	if err != nil {
		return 0, nil, err
	}
	if t["name"] == "" {
		return 0, nil, fault.New(fault.Invalid, "Name of the cron trigger is not provided.")
	}
	if err := checkName("name", t["name"]); err != nil {
		return 0, nil, err
	}
	if err := s.mayPublish(r, "cron_triggers", t["scope"]); err != nil {
		return 0, nil, err
	}
	count, err := f.integer("remaining_executions")
	if err != nil {
		return 0, nil, err
	}
	if f.has("remaining_executions") && count < 1 {
		return 0, nil, fault.New(fault.Invalid, "Invalid input for field/attribute remaining_executions. Value: '%d'. Value should be greater or equal to 1", count)
	}
	target, err := s.readTarget(r, f, firstOf(t["workflow_id"], t["workflow_name"]))
	if err != nil {
		return 0, nil, err
	}
	if _, err := triggers.ParseCatchUp(t["catch_up"]); err != nil {
		return 0, nil, err
	}
	if _, err := triggers.Zone(t["tz"]); err != nil {
		return 0, nil, err
	}
	plan, err := cronPlan(s.Cron, t["pattern"], t["tz"], t["first_execution_time"], count, s.clock())
	if err != nil {
		return 0, nil, err
	}
	c := callerOf(r)
	res := persistence.Resource{
		Kind: persistence.CronTriggerResource, ProjectID: c.ProjectID, Name: t["name"], Scope: firstOf(t["scope"], "private"),
		Ref: target.definition.FirstID, DueAt: plan.next,
	}
	doc := persistence.CronTrigger{
		WorkflowName: target.definition.Name, Input: target.input, Params: target.params, Pattern: plan.pattern, Remaining: plan.count,
		FirstTime: plan.first, Next: plan.next, CreatedBy: c.UserID, Admin: c.Admin, TZ: t["tz"], CatchUp: t["catch_up"],
	}
	if err := persistence.SetDoc(&res, doc); err != nil {
		return 0, nil, err
	}
	made, err := s.createResource(r, res, "Duplicate entry for cron trigger ['name', 'project_id']: "+t["name"]+", "+c.ProjectID)
	if err != nil {
		return 0, nil, err
	}
	item, err := cronTriggerJSON(made)
	forgetUpdate(true, &item.UpdatedAt)
	return http.StatusCreated, item, err
}

// previewMax bounds the times of a preview.
const previewMax = 100

// previewPattern says when a cron pattern fires next.
func (s *server) previewPattern(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if err := knownOnly(q, "pattern", "count", "tz"); err != nil {
		return 0, nil, err
	}
	count := 5
	if v := q.Get("count"); v != "" {
		n, err := parseInt("count", v)
		if err != nil {
			return 0, nil, err
		}
		if n < 1 || n > previewMax {
			return 0, nil, fault.New(fault.Invalid, "Invalid input for field/attribute count. Value: '%d'. Value should be from 1 to %d", n, previewMax)
		}
		count = n
	}
	if s.Cron == nil {
		return 0, nil, fault.New(fault.Unavailable, "this node understands no patterns")
	}
	if _, err := triggers.Zone(q.Get("tz")); err != nil {
		return 0, nil, err
	}
	out := apitype.Preview{Times: []string{}}
	at := s.clock()
	for range count {
		next, more, err := s.Cron.Next(q.Get("pattern"), q.Get("tz"), at)
		if err != nil {
			return 0, nil, fault.New(fault.Invalid, "The specified pattern is not valid: %v", err)
		}
		if !more {
			break
		}
		out.Times = append(out.Times, next.UTC().Format(apitype.TimeFormat))
		at = next
	}
	return http.StatusOK, out, nil
}

// plan is when a cron trigger fires.
type plan struct {
	pattern     string
	first, next time.Time // first: zero when none was given
	count       int       // runs that are left; 0 is no limit
}

// cronPlan decides when a cron trigger fires, from what a request says about it.
func cronPlan(cron Cron, pattern, zone, first string, count int, now time.Time) (plan, error) {
	p := plan{pattern: pattern, count: count}
	if pattern == "" && first == "" {
		return p, fault.New(fault.Invalid, "Pattern or first_execution_time must be specified.")
	}
	if first != "" {
		at, err := time.Parse(firstTimeFormat, first)
		if err != nil {
			return p, fault.New(fault.Invalid, "time data '%s' does not match format '%%Y-%%m-%%d %%H:%%M'", clipText(first))
		}
		if at.Before(now.Add(time.Minute)) {
			return p, fault.New(fault.Invalid, "first_execution_time must be at least 1 minute in the future.")
		}
		p.first, p.next = at, at
	}
	if pattern == "" {
		if count > 1 {
			return p, fault.New(fault.Invalid, "Pattern must be provided if count is superior to 1.")
		}
		p.pattern, p.count = triggers.OnceOnly, 1
		return p, nil
	}
	if cron == nil {
		return p, fault.New(fault.Invalid, "This server fires no patterns: give first_execution_time alone")
	}
	next, ok, err := cron.Next(pattern, zone, now)
	if err != nil {
		return p, fault.New(fault.Invalid, "The specified pattern is not valid: %s", clipText(pattern))
	}
	if p.next.IsZero() {
		if !ok {
			return p, fault.New(fault.Invalid, "The specified pattern never fires: %s", clipText(pattern))
		}
		p.next = next
	}
	return p, nil
}

// target is what a trigger starts.
type target struct {
	definition    *persistence.Definition
	input, params string // JSON objects
}

// readTarget reads which workflow a trigger starts and with what, and refuses what the workflow would.
func (s *server) readTarget(r *http.Request, f fields, identifier string) (*target, error) {
	input, err := f.object("workflow_input")
	if err != nil {
		return nil, err
	}
	params, err := f.object("workflow_params")
	if err != nil {
		return nil, err
	}
	if identifier == "" {
		identifier = "None"
	}
	def, err := s.lookUp(r, persistence.WorkflowDefinition, identifier, "")
	if err != nil {
		return nil, err
	}
	w, err := s.Catalog.Workflow(def)
	if err != nil {
		return nil, err
	}
	if err := workflow.CheckInput(def.Name, w, input); err != nil {
		return nil, err
	}
	out := &target{definition: def}
	if out.input, err = dictText(input); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "workflow_input")
	}
	if out.params, err = dictText(params); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "workflow_params")
	}
	return out, nil
}
