package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cierzo/fault"
)

// forbidden is Mistral's text of a refusal. It doesn't say which rule it was: that is in the log.
const forbidden = "Operation forbidden (insufficient permissions)"

// Enforcer decides by rules. It is frozen and may be shared.
type Enforcer struct {
	rules      map[string]check
	registered map[string]bool
	warnings   []string
}

// NewEnforcer joins the defaults with a policy, which may be nil. What the rules refer to must exist, unless the policy has
// a rule "default", which stands for all that don't; and nothing may refer to itself.
func NewEnforcer(p *Policy) (*Enforcer, error) {
	e := &Enforcer{rules: map[string]check{}, registered: map[string]bool{}}
	for _, d := range Defaults() {
		c, err := parseRule(d.Rule)
		if err != nil {
			return nil, fmt.Errorf("default rule %s: %w", d.Name, err)
		}
		e.rules[d.Name], e.registered[d.Name] = c, true
	}
	sources := map[string]*fileRule{}
	if p != nil {
		e.warnings = slices.Clone(p.warnings)
		for i := range p.rules {
			r := &p.rules[i]
			// Resolving writes into the tree, and a policy may serve several enforcers.
			e.rules[r.name], sources[r.name] = copyOf(r.rule), r
		}
	}
	var errs []error
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(e.rules)) {
		if err := e.resolve(e.rules[name], used); err != nil {
			errs = append(errs, located(p, sources[name], name, err))
		}
	}
	if len(errs) == 0 {
		errs = e.circles(p, sources)
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.Invalid, "%w", errors.Join(errs...))
	}
	e.warn(p, used)
	return e, nil
}

func located(p *Policy, source *fileRule, name string, err error) error {
	if source == nil {
		return fmt.Errorf("default rule %s: %w", name, err)
	}
	return fmt.Errorf("%s: %s: %w", p.place(source.node, 0), name, err)
}

// children are the checks that c is made of.
func children(c check) []check {
	switch c := c.(type) {
	case not:
		return []check{c.inner}
	case all:
		return c
	case some:
		return c
	}
	return nil
}

func copyOf(c check) check {
	each := func(list []check) []check {
		copies := make([]check, len(list))
		for i, inner := range list {
			copies[i] = copyOf(inner)
		}
		return copies
	}
	switch c := c.(type) {
	case not:
		return not{copyOf(c.inner)}
	case all:
		return all(each(c))
	case some:
		return some(each(c))
	case *reference:
		clone := *c
		return &clone
	}
	return c
}

// resolve leads references to their rules and notes which are used.
func (e *Enforcer) resolve(c check, used map[string]bool) error {
	if ref, ok := c.(*reference); ok {
		to, found := e.rules[ref.name]
		if !found {
			if to, found = e.rules["default"]; !found {
				err := fmt.Errorf("there is no rule %q", clip(ref.name))
				if hint := didYouMean(ref.name, slices.Sorted(maps.Keys(e.rules))); hint != "" {
					err = fmt.Errorf("%w; %s", err, hint)
				}
				return err
			}
			used["default"] = true
		}
		ref.to, used[ref.name] = to, true
	}
	for _, inner := range children(c) {
		if err := e.resolve(inner, used); err != nil {
			return err
		}
	}
	return nil
}

// circles reports each rule from which references lead back to it, once per circle.
func (e *Enforcer) circles(p *Policy, sources map[string]*fileRule) []error {
	var errs []error
	done := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(e.rules)) {
		if path := e.circle(name, nil, done); path != nil {
			errs = append(errs, located(p, sources[path[0]], path[0], fmt.Errorf("the rule goes in a circle: %s", strings.Join(path, " → "))))
		}
	}
	return errs
}

// circle follows the references of a rule, path being what led to it. What was looked at once isn't looked at again.
func (e *Enforcer) circle(name string, path []string, done map[string]bool) []string {
	if i := slices.Index(path, name); i >= 0 {
		return append(slices.Clone(path[i:]), name)
	}
	if done[name] {
		return nil
	}
	path = append(slices.Clone(path), name)
	for _, next := range e.references(e.rules[name]) {
		if found := e.circle(next, path, done); found != nil {
			for _, n := range found {
				done[n] = true
			}
			return found
		}
	}
	done[name] = true
	return nil
}

// references are the names of the rules that c asks.
func (e *Enforcer) references(c check) []string {
	var names []string
	if ref, ok := c.(*reference); ok {
		name := ref.name
		if e.rules[name] == nil {
			name = "default"
		}
		names = append(names, name)
	}
	for _, inner := range children(c) {
		names = append(names, e.references(inner)...)
	}
	return names
}

// warn finds rules that nobody asks for: probably a mistyped name, perhaps one that has gone.
func (e *Enforcer) warn(p *Policy, used map[string]bool) {
	if p == nil {
		return
	}
	for i := range p.rules {
		r := &p.rules[i]
		if e.registered[r.name] || used[r.name] || r.name == "default" {
			continue
		}
		text := fmt.Sprintf("%s: nothing asks for the rule %q", p.place(r.node, 0), clip(r.name))
		if hint := didYouMean(r.name, slices.Sorted(maps.Keys(e.registered))); hint != "" {
			text += "; " + hint
		}
		e.warnings = append(e.warnings, text)
	}
}

// Warnings are lines about the policy that are no errors, for the log at the start.
func (e *Enforcer) Warnings() []string { return slices.Clone(e.warnings) }

// Knows says whether there is such a rule among the defaults: others can't be asked for.
func (e *Enforcer) Knows(rule string) bool { return e.registered[rule] }

// Check asks whether the identity in ctx may do what the rule is about. target adds to, or takes the place of, project_id and
// user_id, which are the identity's own. A refusal is of kind fault.Forbidden and has Mistral's text; a rule that isn't
// known, or a context without an identity, is a defect of the caller and refused as Internal.
func (e *Enforcer) Check(ctx context.Context, rule string, target Target) error {
	id, ok := From(ctx)
	if !ok {
		return fault.New(fault.Internal, "rule %s: the request has no identity", rule)
	}
	if !e.registered[rule] {
		return fault.New(fault.Internal, "rule %s isn't registered", rule)
	}
	full := Target{"project_id": one(id.Project)[0], "user_id": one(id.User)[0]}
	maps.Copy(full, target)
	if e.rules[rule].allows(&question{id: id, target: full}) {
		return nil
	}
	return fault.New(fault.Forbidden, forbidden)
}

// Rule is the text of a rule that is in force, as it was understood; "" if there is none.
func (e *Enforcer) Rule(name string) string {
	if c, ok := e.rules[name]; ok {
		return c.String()
	}
	return ""
}
