package auth

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cierzo/internal/invariant"
)

// Route is a registered route.
type Route struct{ Method, Path, Rule string }

// Router is a ServeMux whose every route has a rule.
type Router struct {
	guard  *Guard
	mux    *http.ServeMux
	routes []Route
}

// NewRouter makes a router without routes.
func NewRouter(g *Guard) *Router { return &Router{guard: g, mux: http.NewServeMux()} }

// Handle registers a route. The pattern is one of ServeMux with a method; the rule is one of the policy's, Open or
// Authenticated. Anything else is a defect, and Handle panics, as ServeMux does.
func (ro *Router) Handle(pattern, rule string, refuse Refuse, h http.Handler) {
	method, path, hasMethod := strings.Cut(pattern, " ")
	invariant.Check(hasMethod, "route %q has no method: a rule is about one", pattern)
	invariant.Check(rule == Open || rule == Authenticated || ro.guard.enforcer.Knows(rule), "route %q has the unknown rule %q", pattern, rule)
	ro.mux.Handle(pattern, ro.guard.Wrap(rule, refuse, h))
	ro.routes = append(ro.routes, Route{method, path, rule})
}

// ServeHTTP serves a request by its route.
func (ro *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { ro.mux.ServeHTTP(w, r) }

// Routes are all routes in the order in which they were registered.
func (ro *Router) Routes() []Route { return slices.Clone(ro.routes) }

// Unguarded lists what is wrong with the rules of routes, for a test: those that are Open or Authenticated without being
// named among exempt (as "GET /healthcheck"), names there that no such route has, and rules that don't suit the method, as workflows:get for a DELETE.
func Unguarded(routes []Route, exempt ...string) []string {
	verbs := map[string][]string{
		http.MethodGet: {"get", "list"}, http.MethodPost: {"create"}, http.MethodPut: {"update"}, http.MethodDelete: {"delete"},
	}
	left := slices.Clone(exempt)
	var problems []string
	for _, r := range routes {
		name := r.Method + " " + r.Path
		_, verb, _ := strings.Cut(r.Rule, ":")
		switch {
		case r.Rule == Open || r.Rule == Authenticated:
			if !slices.Contains(exempt, name) {
				problems = append(problems, fmt.Sprintf("%s is %s", name, r.Rule))
			}
			left = slices.DeleteFunc(left, func(s string) bool { return s == name })
		case !slices.Contains(verbs[r.Method], verb):
			problems = append(problems, fmt.Sprintf("%s has the rule %s", name, r.Rule))
		}
	}
	for _, name := range left {
		problems = append(problems, name+" is exempt, but there is no such route without a rule")
	}
	return problems
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// LetIn sends h an anonymous request for each route that isn't Open and lists those that aren't answered with 401, for a
// test. h is the whole API, with all that stands before the router.
func LetIn(h http.Handler, routes []Route) []string {
	var in []string
	for _, route := range routes {
		if route.Rule == Open {
			continue
		}
		path := wildcard.ReplaceAllString(strings.ReplaceAll(route.Path, "{$}", ""), "x")
		r, err := http.NewRequest(route.Method, path, http.NoBody)
		if err != nil {
			in = append(in, fmt.Sprintf("%s %s: %v", route.Method, route.Path, err))
			continue
		}
		w := &statusRecorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		if w.status != http.StatusUnauthorized {
			in = append(in, fmt.Sprintf("%s %s answers %d to everybody", route.Method, route.Path, w.status))
		}
	}
	return in
}

// statusRecorder keeps the status of an answer and drops the rest.
type statusRecorder struct {
	header http.Header
	status int
}

func (w *statusRecorder) Header() http.Header { return w.header }

func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *statusRecorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}
