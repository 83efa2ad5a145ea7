package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The states of the service. In PAUSING, executions are being paused; in PAUSED nothing runs. In both, requests that change
// something are refused.
const (
	serviceRunning = "RUNNING"
	servicePausing = "PAUSING"
	servicePaused  = "PAUSED"
)

// maintenanceStale is how old the state may be that a request is judged by: another node may have changed it.
const maintenanceStale = time.Second

// maintenanceCache saves a read for each request.
type maintenanceCache struct {
	mu     sync.Mutex
	status string
	read   time.Time
}

func maintenanceKey() persistence.ResourceKey {
	return persistence.ResourceKey{Kind: persistence.SettingResource, Name: persistence.MaintenanceName}
}

// setting reads the stored state; the resource has version 0 while there is none.
func (s *server) setting(ctx context.Context) (*persistence.Resource, string, error) {
	key := maintenanceKey()
	res, err := s.Store.FindResource(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return &persistence.Resource{Kind: key.Kind, Name: key.Name, Scope: "private"}, serviceRunning, nil
	}
	if err != nil {
		return nil, "", err
	}
	doc, err := persistence.DocOf[persistence.Maintenance](res)
	return res, doc.Status, err
}

// saveSetting stores the state; fault.Conflict: somebody else did at the same time.
func (s *server) saveSetting(ctx context.Context, res *persistence.Resource, status string) (*persistence.Resource, error) {
	if err := persistence.SetDoc(res, persistence.Maintenance{Status: status}); err != nil {
		return nil, err
	}
	save := s.Store.UpdateResource
	if res.Version == 0 {
		save = s.Store.CreateResource
	}
	saved, err := save(ctx, *res)
	if err == nil {
		s.maintenance.set(status, s.Now())
	}
	return saved, err
}

func (m *maintenanceCache) set(status string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.read = status, at
}

func (m *maintenanceCache) get(now time.Time) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	age := now.Sub(m.read)
	return m.status, m.status != "" && age >= 0 && age < maintenanceStale
}

// serviceStatus is the state of the service, at most maintenanceStale old.
func (s *server) serviceStatus(ctx context.Context) (string, error) {
	if status, fresh := s.maintenance.get(s.Now()); fresh {
		return status, nil
	}
	_, status, err := s.setting(ctx)
	if err == nil {
		s.maintenance.set(status, s.Now())
	}
	return status, err
}

// openFor refuses requests that change something while the service is in maintenance. Results of actions are taken while
// the executions are being paused; whether an execution may be changed, its handler decides: a cancel always may.
func (s *server) openFor(r *http.Request, pattern string) error {
	own := []string{"PUT /maintenance", "PUT /v2/maintenance", "PUT /v2/executions/{id}"}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || slices.Contains(own, pattern) {
		return nil
	}
	status, err := s.serviceStatus(r.Context())
	if err != nil || status == serviceRunning || status == servicePausing && pattern == "PUT /v2/action_executions/{id}" {
		return err
	}
	return inMaintenance(status)
}

// notInMaintenance refuses a change while the service is in maintenance.
func (s *server) notInMaintenance(r *http.Request) error {
	state, err := s.serviceStatus(r.Context())
	if err != nil || state == serviceRunning {
		return err
	}
	return inMaintenance(state)
}

func inMaintenance(state string) error {
	return &status{http.StatusLocked, "Current maintenance state is " + state + ": requests that change something are refused"}
}

// getMaintenance tells the state. While executions are being paused it looks whether all are.
func (s *server) getMaintenance(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	res, state, err := s.setting(r.Context())
	if err != nil {
		return 0, nil, err
	}
	if state == servicePausing {
		busy, err := s.Store.PageExecutions(r.Context(), persistence.PageQuery{States: []workflow.State{workflow.Running}, RootsOnly: true, Limit: 1})
		if err != nil {
			return 0, nil, err
		}
		if len(busy) == 0 {
			if _, err := s.saveSetting(r.Context(), res, servicePaused); err == nil {
				state = servicePaused
			} else if !fault.Is(err, fault.Conflict) {
				return 0, nil, err
			}
		}
	}
	return http.StatusOK, apitype.Maintenance{Status: state}, nil
}

func (s *server) putMaintenance(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "maintenance", "status")
	if err != nil {
		return 0, nil, err
	}
	want, err := f.text("status")
	if err != nil {
		return 0, nil, err
	}
	switch want {
	case servicePausing:
		return 0, nil, fault.New(fault.Invalid, "PAUSING is intermediate state. Consider PAUSED, RUNNING as new state")
	case serviceRunning, servicePaused:
	default:
		return 0, nil, fault.New(fault.Invalid, "Not found %s maintenance state. List of states: ['PAUSED', 'RUNNING']", clipText(want))
	}
	res, now, err := s.setting(r.Context())
	if err != nil {
		return 0, nil, err
	}
	if now == want {
		return http.StatusOK, apitype.Maintenance{Status: now}, nil
	}
	if want == servicePaused {
		if res, err = s.saveSetting(r.Context(), res, servicePausing); err != nil {
			return 0, nil, err
		}
		return http.StatusOK, apitype.Maintenance{Status: servicePausing}, s.pauseAll(r.Context(), res)
	}
	if err := s.resumeAll(r.Context(), res); err != nil {
		return 0, nil, err
	}
	_, err = s.saveSetting(r.Context(), res, serviceRunning)
	return http.StatusOK, apitype.Maintenance{Status: serviceRunning}, err
}

// pauseID names the pauses of one maintenance: the version of the setting is its number.
func pauseID(version uint64) string { return "maintenance-" + strconv.FormatUint(version, 10) }

// pauseAll pauses every running execution; sub-workflows follow theirs. By the request's id each execution remembers that
// it was paused for maintenance, and not by its user.
func (s *server) pauseAll(ctx context.Context, res *persistence.Resource) error {
	return s.eachRoot(ctx, workflow.Running, func(rec *workflow.ExecutionRecord) error {
		return s.Engine.Command(ctx, rec.ID, workflow.Command{RequestID: pauseID(res.Version), Op: workflow.Pause{}})
	})
}

// resumeAll resumes what maintenance has paused. What users had paused before stays paused.
func (s *server) resumeAll(ctx context.Context, res *persistence.Resource) error {
	marks := []workflow.RequestRecord{{ID: pauseID(res.Version)}, {ID: pauseID(res.Version - 1)}} // PAUSED is one version further
	return s.eachRoot(ctx, workflow.Paused, func(rec *workflow.ExecutionRecord) error {
		if !slices.Contains(rec.Requests, marks[0]) && !slices.Contains(rec.Requests, marks[1]) {
			return nil
		}
		return s.Engine.Command(ctx, rec.ID, workflow.Command{RequestID: "resume-" + pauseID(res.Version), Op: workflow.Resume{}})
	})
}

// eachRoot calls fn for every root execution in a state. One that is gone or has changed meanwhile is no failure.
func (s *server) eachRoot(ctx context.Context, state workflow.State, fn func(rec *workflow.ExecutionRecord) error) error {
	q := persistence.PageQuery{States: []workflow.State{state}, RootsOnly: true, Limit: pageMax}
	for {
		list, err := s.Store.PageExecutions(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range list {
			err := fn(e.Execution)
			if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
				return err
			}
		}
		if len(list) < pageMax {
			return nil
		}
		last := list[len(list)-1].Execution
		q.After = &persistence.PageMark{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}
