package housekeeping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/housekeeping"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
	"cierzo/workflow"
)

func now() time.Time { return time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }

// put stores an execution that has ended (or not) some hours ago.
func put(t *testing.T, s persistence.Store, id, project string, state workflow.State, hours int, parent string) {
	t.Helper()
	at := now().Add(-time.Duration(hours) * time.Hour)
	out, err := s.Commit(t.Context(), []persistence.Turn{{ID: workflow.ExecutionID(id), Node: "n", Writes: workflow.Writes{
		Create: true,
		Execution: &workflow.ExecutionRecord{
			ID: workflow.ExecutionID(id), ProjectID: project, WorkflowName: "w", State: state, CreatedAt: at.Add(-time.Hour), UpdatedAt: at,
			ParentID: workflow.ExecutionID(parent), Turns: 1,
		},
		Data: &workflow.ExecutionData{Input: value.NewDict(0), Params: value.NewDict(0), Env: value.NewDict(0), Context: value.NewDict(0)},
	}}})
	if err != nil || out[0] != persistence.Committed {
		t.Fatal(out, err)
	}
}

func fill(t *testing.T) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{})
	put(t, s, "old", "p", workflow.Success, 48, "")
	put(t, s, "child", "p", workflow.Success, 48, "old")
	put(t, s, "grandchild", "p", workflow.Error, 48, "child")
	put(t, s, "failed", "q", workflow.Error, 47, "")
	put(t, s, "cancelled", "q", workflow.Cancelled, 46, "")
	put(t, s, "running", "p", workflow.Running, 99, "")
	put(t, s, "orphan", "p", workflow.Success, 99, "running")
	put(t, s, "paused", "r", workflow.Paused, 99, "")
	put(t, s, "new", "p", workflow.Success, 1, "")
	put(t, s, "newer", "r", workflow.Error, 0, "")
	return s
}

func left(t *testing.T, s persistence.Store) string {
	t.Helper()
	list, err := s.PageExecutions(t.Context(), persistence.PageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range list {
		ids = append(ids, string(e.Execution.ID))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestExpiration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg     housekeeping.ExpirationConfig
		removed int
		left    string
	}{
		"by age":             {housekeeping.ExpirationConfig{OlderThan: 24 * time.Hour}, 3, "new newer orphan paused running"},
		"a state is kept":    {housekeeping.ExpirationConfig{OlderThan: 24 * time.Hour, IgnoredStates: []workflow.State{workflow.Error}}, 2, "failed new newer orphan paused running"},
		"by age, one":        {housekeeping.ExpirationConfig{OlderThan: 24 * time.Hour, Batch: 1}, 1, "cancelled failed new newer orphan paused running"},
		"not that old":       {housekeeping.ExpirationConfig{OlderThan: 500 * time.Hour}, 0, "cancelled child failed grandchild new newer old orphan paused running"},
		"by number":          {housekeeping.ExpirationConfig{MaxFinished: 3}, 2, "cancelled new newer orphan paused running"},
		"by number, ignored": {housekeeping.ExpirationConfig{MaxFinished: 1, IgnoredStates: []workflow.State{workflow.Error, workflow.Cancelled}}, 1, "cancelled failed new newer orphan paused running"},
		"few enough":         {housekeeping.ExpirationConfig{MaxFinished: 5}, 0, "cancelled child failed grandchild new newer old orphan paused running"},
		"both":               {housekeeping.ExpirationConfig{OlderThan: 47*time.Hour + 30*time.Minute, MaxFinished: 2}, 3, "new newer orphan paused running"},
		"both, in a batch":   {housekeeping.ExpirationConfig{OlderThan: 47*time.Hour + 30*time.Minute, MaxFinished: 2, Batch: 2}, 2, "cancelled new newer orphan paused running"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fill(t)
			c.cfg.Store, c.cfg.Every, c.cfg.Now = s, time.Minute, now
			x, err := housekeeping.NewExpiration(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			n, err := x.Evaluate(t.Context())
			if err != nil || n != c.removed || left(t, s) != c.left {
				t.Errorf("%d removed, %v, left %q, want %d, %q", n, err, left(t, s), c.removed, c.left)
			}
			if m := x.Metrics(); m["executions_expired_total"] != uint64(n) {
				t.Errorf("%v", m)
			}
		})
	}
}

// TestManyExpire: more than a page, and two engines at the same time.
func TestManyExpire(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Config{})
	for i := range 450 {
		put(t, s, fmt.Sprint("x", i), fmt.Sprint("p", i%3), workflow.Success, 30+i, "")
	}
	put(t, s, "stays", "p1", workflow.Success, 0, "")
	total := 0
	for range 3 {
		x, err := housekeeping.NewExpiration(housekeeping.ExpirationConfig{Store: s, Every: time.Minute, OlderThan: time.Hour, Batch: 200, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		n, err := x.Evaluate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != 450 || left(t, s) != "stays" {
		t.Errorf("%d removed, left %q", total, left(t, s))
	}
	s.Inject(func(op string, _ int) memstore.Fault {
		if op == "DeleteExecution" {
			return memstore.Fault{Before: fault.New(fault.Unavailable, "down")}
		}
		return memstore.Fault{}
	})
	x, err := housekeeping.NewExpiration(housekeeping.ExpirationConfig{Store: s, Every: time.Minute, MaxFinished: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "another", "p1", workflow.Success, 0, "")
	if n, err := x.Evaluate(t.Context()); n != 0 || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestRefusedPolicies(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Config{})
	for name, cfg := range map[string]housekeeping.ExpirationConfig{
		"no store":       {Every: time.Hour, OlderThan: time.Hour},
		"too often":      {Store: s, Every: time.Second, OlderThan: time.Hour},
		"no limit":       {Store: s, Every: time.Hour},
		"too young":      {Store: s, Every: time.Hour, OlderThan: time.Second},
		"negative":       {Store: s, Every: time.Hour, MaxFinished: -1},
		"negative batch": {Store: s, Every: time.Hour, OlderThan: time.Hour, Batch: -1},
		"state":          {Store: s, Every: time.Hour, OlderThan: time.Hour, IgnoredStates: []workflow.State{workflow.Running}},
		"all states":     {Store: s, Every: time.Hour, OlderThan: time.Hour, IgnoredStates: []workflow.State{workflow.Success, workflow.Error, workflow.Cancelled}},
	} {
		if _, err := housekeeping.NewExpiration(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
