package auth

import (
	"slices"
	"strings"
)

// Target is what a rule is asked about: attributes of the object, as project_id and user_id of its owner.
type Target map[string]string

// question is what a check is asked.
type question struct {
	id     *Identity
	target Target
}

// check is a node of a parsed rule. Trees are frozen once the Enforcer is made.
type check interface {
	allows(q *question) bool
	String() string
}

type (
	always struct{}
	never  struct{}
	not    struct{ inner check }
	all    []check
	some   []check

	// reference is rule:name; the Enforcer sets to.
	reference struct {
		name string
		at   int // its place in the rule, for errors
		to   check
	}
	hasRole struct{ role template }
	// attribute compares an attribute of the identity.
	attribute struct {
		name  string
		match template
	}
	// literal compares a text of the rule itself: 'member':%(role)s.
	literal struct {
		source, text string
		match        template
	}
)

func (always) allows(*question) bool  { return true }
func (never) allows(*question) bool   { return false }
func (c not) allows(q *question) bool { return !c.inner.allows(q) }

func (c all) allows(q *question) bool {
	return !slices.ContainsFunc(c, func(inner check) bool { return !inner.allows(q) })
}

func (c some) allows(q *question) bool {
	return slices.ContainsFunc(c, func(inner check) bool { return inner.allows(q) })
}

func (c *reference) allows(q *question) bool { return c.to.allows(q) }

func (c hasRole) allows(q *question) bool {
	role, ok := c.role.fill(q.target)
	return ok && q.id.hasRole(role)
}

func (c attribute) allows(q *question) bool {
	want, ok := c.match.fill(q.target)
	return ok && slices.Contains(attributes[c.name](q.id), want)
}

func (c literal) allows(q *question) bool {
	want, ok := c.match.fill(q.target)
	return ok && want == c.text
}

func (always) String() string       { return "@" }
func (never) String() string        { return "!" }
func (c not) String() string        { return "not " + c.inner.String() }
func (c all) String() string        { return join(c, " and ") }
func (c some) String() string       { return join(c, " or ") }
func (c *reference) String() string { return "rule:" + c.name }
func (c hasRole) String() string    { return "role:" + c.role.String() }
func (c attribute) String() string  { return c.name + ":" + c.match.String() }
func (c literal) String() string    { return c.source + ":" + c.match.String() }

func join(checks []check, word string) string {
	texts := make([]string, len(checks))
	for i, c := range checks {
		texts[i] = c.String()
	}
	return "(" + strings.Join(texts, word) + ")"
}

// attributes is what a rule can ask of an identity, by oslo.context's names and its older ones. Values are Python's texts.
var attributes = map[string]func(*Identity) []string{
	"user_id":           func(id *Identity) []string { return one(id.User) },
	"user":              func(id *Identity) []string { return one(id.User) },
	"user_name":         func(id *Identity) []string { return one(id.UserName) },
	"user_domain_id":    func(id *Identity) []string { return one(id.UserDomain) },
	"user_domain":       func(id *Identity) []string { return one(id.UserDomain) },
	"project_id":        func(id *Identity) []string { return one(id.Project) },
	"tenant":            func(id *Identity) []string { return one(id.Project) },
	"tenant_id":         func(id *Identity) []string { return one(id.Project) },
	"project_name":      func(id *Identity) []string { return one(id.ProjectName) },
	"project_domain_id": func(id *Identity) []string { return one(id.ProjectDomain) },
	"project_domain":    func(id *Identity) []string { return one(id.ProjectDomain) },
	"roles":             func(id *Identity) []string { return id.Roles },
	"is_admin": func(id *Identity) []string {
		if id.IsAdmin {
			return []string{"True"}
		}
		return []string{"False"}
	},
	// Tokens without a project are refused, so these two are never set.
	"domain_id":    func(*Identity) []string { return one("") },
	"system_scope": func(*Identity) []string { return one("") },
}

// none is Python's text of a value that isn't there.
const none = "None"

func one(text string) []string {
	if text == "" {
		text = none
	}
	return []string{text}
}
