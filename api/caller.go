package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"cierzo/fault"
	"cierzo/internal/traceparent"
	"cierzo/workflow"
)

// DefaultProject is the project of requests when nobody authenticates: Mistral's own name for it.
const DefaultProject = "<default-project>"

// Caller is who sends a request.
type Caller struct {
	ProjectID string
	UserID    string // "" when it isn't known
	UserName  string // for people; "" when it isn't known
	Admin     bool   // sees all projects
	// Auth is the caller's right at an OpenStack cloud, which actions act with; nil: no token of Keystone's.
	Auth *workflow.CloudAuth
}

// requester is the caller as the history of executions tells of it: nobody, where nobody has said a user.
func (c *Caller) requester() workflow.Requester {
	if c.UserID == "" && c.UserName == "" {
		return workflow.Requester{}
	}
	r := workflow.Requester{User: clipText(c.UserID), Name: clipText(c.UserName), Project: clipText(c.ProjectID)}
	if r.Name == r.User {
		r.Name = ""
	}
	return r
}

// traceparentOf is the request's place in a trace, for what it starts; "" for none. What isn't one is ignored, as W3C has it.
func traceparentOf(r *http.Request) string {
	if all := r.Header.Values(traceparent.Header); len(all) == 1 && traceparent.Valid(all[0]) {
		return all[0]
	}
	return ""
}

type callerKey struct{}

func withCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf is who sends the request; every handler's request has one.
func callerOf(r *http.Request) Caller {
	c, _ := r.Context().Value(callerKey{}).(Caller)
	return c
}

// projectOf is the project whose things the request may read by their id: "" is all, for administrators.
func projectOf(r *http.Request) string {
	if c := callerOf(r); !c.Admin {
		return c.ProjectID
	}
	return ""
}

// Unauthenticated lets everybody work in one project. As in Mistral, who says in the header X-Roles to be an administrator
// is one, and some rules are for administrators only.
func Unauthenticated(project string) func(r *http.Request, rule string) (Caller, error) {
	return func(r *http.Request, rule string) (Caller, error) {
		roles := strings.Split(r.Header.Get("X-Roles"), ",")
		c := Caller{ProjectID: project, UserID: r.Header.Get("X-User-Id")}
		c.Admin = slices.ContainsFunc(roles, func(role string) bool { return strings.TrimSpace(role) == "admin" })
		if AdminOnly(rule) && !c.Admin {
			return c, ErrForbidden()
		}
		return c, nil
	}
}

// AdminOnly reports whether a rule is, in Mistral's own policy, for administrators: the others are for the owners of
// things, too.
func AdminOnly(rule string) bool {
	resource, verb, _ := strings.Cut(rule, ":")
	return resource == "code_sources" || resource == "dynamic_actions" || verb == "publicize" || verb == "list:all_projects" ||
		rule == "maintenance:update"
}

// ErrForbidden is the refusal of a rule, in Mistral's words.
func ErrForbidden() error {
	return fault.New(fault.Forbidden, "Operation forbidden (insufficient permissions)")
}

// authorize asks whether the caller may do what the rule is about; "" is everybody's.
func (s *server) authorize(r *http.Request, rule string) (Caller, error) {
	if rule == "" {
		return Caller{ProjectID: s.Project}, nil
	}
	return s.Authorize(r, rule)
}

// mayPublish refuses a public scope to those who may not give it.
func (s *server) mayPublish(r *http.Request, resource, scope string) error {
	switch scope {
	case "", "private":
		return nil
	case "public":
		_, err := s.authorize(r, resource+":publicize")
		return err
	}
	return fault.New(fault.Invalid, "Scope must be one of the following: {'private', 'public'}; actual: %s", clipText(scope))
}

// listedProject is the project whose things a list shows: the caller's, "" with all_projects, or the one that an
// administrator filters by.
func (s *server) listedProject(r *http.Request, q *listQuery, resource string) (string, error) {
	if q.flags["all_projects"] {
		_, err := s.authorize(r, resource+":list:all_projects")
		return "", err
	}
	for _, f := range q.filters {
		if f.column == "project_id" && f.op == "eq" && callerOf(r).Admin {
			return f.value, nil
		}
	}
	return callerOf(r).ProjectID, nil
}
