package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/triggers"
	"cierzo/workflow"
)

// listNodes lists the nodes of the cluster that are alive, and the action runners that this node's engine hears.
func (s *server) listNodes(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	nodes, err := s.Store.LiveNodes(r.Context())
	if err != nil {
		return 0, nil, err
	}
	out := apitype.Nodes{Nodes: []apitype.Node{}, Runners: []apitype.Runner{}}
	for _, n := range nodes {
		out.Nodes = append(out.Nodes, apitype.Node{
			ID: string(n.ID), Address: n.Address, Roles: notNil(n.Roles), State: n.State, Version: n.Version, StartedAt: apitype.Time(n.Started),
		})
	}
	if s.Runners != nil {
		out.Runners = append(out.Runners, s.Runners()...)
	}
	return http.StatusOK, out, nil
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
