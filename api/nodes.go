package api

import (
	"net/http"

	"cierzo/api/apitype"
)

// listNodes lists the nodes of the cluster that are alive, the action runners that this node's engine hears, and what waits for them.
func (s *server) listNodes(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	nodes, err := s.Store.LiveNodes(r.Context())
	if err != nil {
		return 0, nil, err
	}
	out := apitype.Nodes{Nodes: []apitype.Node{}, Runners: []apitype.Runner{}, Queue: []apitype.Queue{}}
	for _, n := range nodes {
		out.Nodes = append(out.Nodes, apitype.Node{
			ID: string(n.ID), Address: n.Address, Roles: notNil(n.Roles), State: n.State, Version: n.Version, StartedAt: apitype.Time(n.Started),
		})
	}
	if s.Runners != nil {
		out.Runners = append(out.Runners, s.Runners()...)
	}
	if s.Queue != nil {
		out.Queue = append(out.Queue, s.Queue()...)
	}
	return http.StatusOK, out, nil
}
