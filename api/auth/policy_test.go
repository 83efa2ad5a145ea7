package auth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
)

func mustEnforcer(t testing.TB, policy string) *Enforcer {
	t.Helper()
	p, err := ParsePolicy("policy.yaml", []byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEnforcer(p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ask(e *Enforcer, id *Identity, rule string, target Target) bool {
	err := e.Check(WithIdentity(context.Background(), id), rule, target)
	if err != nil && !fault.Is(err, fault.Forbidden) {
		panic(err)
	}
	return err == nil
}

// TestOsloPolicy compares with what oslo.policy 4.0 decides: testdata/oslopolicy.jsonl. Each line has a rule, and the answers
// for three identities, each asked about three targets; an answer that is a text is the exception that the question ended with.
// What we refuse to load, oslo.policy never allows.
func TestOsloPolicy(t *testing.T) {
	t.Parallel()
	identities := []*Identity{
		{User: "u1", Project: "p1", Roles: []string{"member"}},
		{User: "u2", Project: "p2", Roles: []string{"Admin", "Reader"}, IsAdmin: true},
		{User: "u1", Project: "p2"},
	}
	targets := []Target{
		{"project_id": "p1", "user_id": "u1"},
		{"project_id": "p2", "user_id": "u2", "name": "member"},
		{"project_id": "p2", "user_id": "u1", "extra": "100%"},
	}
	f, err := os.Open("testdata/oslopolicy.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, count, refused := bufio.NewScanner(f), 0, 0
	for lines.Scan() {
		var v struct {
			Rule   json.RawMessage
			Allows []any
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		count++
		p, err := ParsePolicy("p", fmt.Appendf(nil, `{"members": "role:member", "nobody": "!", "anybody": "@", "workflows:get": %s}`, v.Rule))
		if err != nil {
			refused++
			for _, allows := range v.Allows {
				if allows == true {
					t.Errorf("%s: %v, oslo.policy allows something", v.Rule, err)
				}
			}
			continue
		}
		e, err := NewEnforcer(p)
		if err != nil {
			t.Errorf("%s: %v", v.Rule, err)
			continue
		}
		var got []any
		for _, id := range identities {
			for _, target := range targets {
				got = append(got, ask(e, id, "workflows:get", target))
			}
		}
		if diff := cmp.Diff(v.Allows, got); diff != "" {
			t.Errorf("%s, understood as %s (-oslo.policy +got):\n%s", v.Rule, e.Rule("workflows:get"), diff)
		}
	}
	if lines.Err() != nil || count < 500 || refused > 25 {
		t.Fatalf("%d lines, %d refused, %v", count, refused, lines.Err())
	}
}

func TestPolicyErrors(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]string{
		"- role:admin":                           "p.yaml:1:1: a policy is a mapping of names to rules",
		"a: [":                                   "p.yaml: while parsing",
		"x:y: roel:admin":                        `p.yaml:1:6: x:y: "roel" is no attribute of whoever makes a request; did you mean "role"?`,
		`w: "role:a or roel:admin"`:              "p.yaml:1:15: w: \"roel\" is no attribute of whoever makes a request; did you mean \"role\"?\n  role:a or roel:admin\n            ^~~~",
		"w: role:a adn role:b":                   `"adn" is where "and", "or" or the end should be`,
		"w: role:a and adn role:b":               `"adn" is no check: those have a colon, as role:admin; did you mean "and"?`,
		"w: admin":                               `"admin" is no check: those have a colon, as role:admin; did you mean "role:admin" or "rule:admin"?`,
		"w: (role:a or role:b":                   `the rule ends where "and", "or" or ")" should be`,
		"w: role:a)":                             `p.yaml:1:10: w: ")" is where "and", "or" or the end should be`,
		"w: role:a and":                          "the rule ends where a check, as role:admin should be",
		"w: project_id:%(project_id)":            "p.yaml:1:15: w: a place for the target's attribute is written %(name)s, a per cent sign %%",
		"w: project_id:100%":                     "a per cent sign %%",
		"w: project_id:%s":                       "written %(name)s",
		"w: 'rule:'":                             "rule: without a name",
		"w: https://example.org/ask":             "rules that ask another server aren't supported",
		"w: \"'member'\"":                        `a text stands on the left of a colon`,
		"w:":                                     `there is no rule; "@" allows everybody, "!" nobody`,
		"w: '  '":                                "the rule ends where a check",
		"w: 5":                                   "w: a rule is a text, or a list of lists of checks",
		"w: [[5]]":                               "w: a check is a text",
		"w: [{a: b}]":                            "w: a list of checks holds texts and lists of texts",
		"w: [['role:admin or role:x', roel:y]]":  `p.yaml:1:30: w: "roel" is no attribute`,
		"5: role:admin":                          "the name of a rule is a text",
		"w: " + strings.Repeat("not ", 60) + "@": "more than 50 levels of parentheses and nots",
		"w: " + strings.Repeat("role:x or ", 1000) + "@":                   "more than the allowed 8192",
		"w: rule:admin_olny":                                               `p.yaml:1:4: w: there is no rule "admin_olny"; did you mean "admin_only"?`,
		"a: rule:b\nb: not rule:c\nc: role:x or rule:a\nd: rule:a":         "p.yaml:1:4: a: the rule goes in a circle: a → b → c → a",
		"admin_only: rule:admin_or_owner\nadmin_or_owner: rule:admin_only": "p.yaml:2:17: admin_or_owner: the rule goes in a circle: admin_or_owner → admin_only → admin_or_owner",
	} {
		p, err := ParsePolicy("p.yaml", []byte(policy))
		if err == nil {
			_, err = NewEnforcer(p)
		}
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s:\n got %v\nwant %s", policy, err, want)
		}
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ParsePolicy("p.yaml", []byte("a: admin\nb: role:admin\nc: '('\n"))
	if err == nil || strings.Count(err.Error(), "p.yaml:") != 2 {
		t.Errorf("want two errors, got %v", err)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	if got := len(Defaults()); got != 73 {
		t.Errorf("%d rules, Mistral has 70 and 2, one is ours", got)
	}
	e, err := NewEnforcer(nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := &Identity{User: "u", Project: "p", Roles: []string{"member"}}
	admin := &Identity{User: "a", Project: "q", Roles: []string{"admin"}, IsAdmin: true}
	theirs := Target{"project_id": "other"}
	onlyAdmin := 0
	for _, d := range Defaults() {
		if !ask(e, admin, d.Name, theirs) {
			t.Errorf("%s: an administrator may not", d.Name)
		}
		if ask(e, owner, d.Name, theirs) {
			t.Errorf("%s: another project may", d.Name)
		}
		if !ask(e, owner, d.Name, nil) {
			onlyAdmin++
		}
		if d.For == "" {
			t.Errorf("%s says not what it is for", d.Name)
		}
	}
	// admin_only, 6 each of code sources and dynamic actions, 6 more publicize, 4 list:all_projects, ours
	if onlyAdmin != 1+12+6+4+1 {
		t.Errorf("%d rules are for administrators only", onlyAdmin)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	e := mustEnforcer(t, "workflows:create: role:author\nworkflows:delete: rule:any_name\ndefault: role:janitor\n")
	author := WithIdentity(context.Background(), &Identity{Project: "p", Roles: []string{"Author"}})
	if err := e.Check(author, "workflows:create", nil); err != nil {
		t.Error(err)
	}
	err := e.Check(author, "workflows:delete", nil)
	if !fault.Is(err, fault.Forbidden) || err.Error() != "Operation forbidden (insufficient permissions)" {
		t.Errorf("a refusal is %v", err)
	}
	if !ask(e, &Identity{Project: "p", Roles: []string{"janitor"}}, "workflows:delete", nil) {
		t.Error("the rule default doesn't stand for one that isn't there")
	}
	if err := e.Check(context.Background(), "workflows:create", nil); !fault.Is(err, fault.Internal) {
		t.Errorf("without an identity: %v", err)
	}
	if err := e.Check(author, "default", nil); !fault.Is(err, fault.Internal) {
		t.Errorf("a rule that is only in the file: %v", err)
	}
	if e.Knows("default") || !e.Knows("workflows:create") {
		t.Error("Knows is wrong about default or workflows:create")
	}
	if got := e.Rule("workflows:create"); got != "role:author" {
		t.Errorf("Rule = %s", got)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	e := mustEnforcer(t, "workflow:create: '!'\nhelper: role:x\nworkflows:get: rule:helper\ntasks:get: '@'\ntasks:get: '!'\ndefault: '!'")
	want := []string{
		"policy.yaml:4:1: tasks:get is there again further down, and that one holds",
		`policy.yaml:1:19: nothing asks for the rule "workflow:create"; did you mean "workflows:create"?`,
	}
	if diff := cmp.Diff(want, e.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestAPolicyServesTwoEnforcers(t *testing.T) {
	t.Parallel()
	p, err := ParsePolicy("p", []byte("tasks:get: not (rule:a or rule:a and role:x)\na: role:a\n"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := NewEnforcer(p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewEnforcer(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*Enforcer{first, second} {
		if ask(e, &Identity{Project: "p", Roles: []string{"a"}}, "tasks:get", nil) || !ask(e, &Identity{Project: "p"}, "tasks:get", nil) {
			t.Error("wrong answer")
		}
	}
}

func TestLoadPolicy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if _, err := LoadPolicy(path); !fault.Is(err, fault.Invalid) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("# comments only\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := LoadPolicy(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewEnforcer(p); err != nil {
		t.Error(err)
	}
}

// FuzzRule looks for panics, for places outside the text, and for rules that mean something else once they are written out.
func FuzzRule(f *testing.F) {
	for _, rule := range []string{
		"", "@", "not (role:admin or rule:admin_only) and project_id:%(project_id)s", "'a':%(b)s", "((", "a:%%(x", "NOT not !", "is_admin:True or x",
	} {
		f.Add(rule)
	}
	id := &Identity{User: "u", Project: "p", Roles: []string{"admin"}, IsAdmin: true}
	f.Fuzz(func(t *testing.T, rule string) {
		c, err := parseRule(rule)
		if err != nil {
			if err.Column < 1 || err.Column > len(rule)+1 || err.Reason == "" || err.Error() == "" {
				t.Fatalf("%q: %+v", rule, err)
			}
			return
		}
		e := &Enforcer{rules: map[string]check{"default": never{}}}
		again, err := parseRule(c.String())
		if err != nil {
			t.Fatalf("%q is written as %q, and that can't be read: %v", rule, c, err)
		}
		if again.String() != c.String() {
			t.Fatalf("%q becomes %q", c, again)
		}
		for _, c := range []check{c, again} {
			if err := e.resolve(c, map[string]bool{}); err != nil {
				t.Fatal(err)
			}
		}
		q := &question{id: id, target: Target{"project_id": "p"}}
		if c.allows(q) != again.allows(q) {
			t.Fatalf("%q and %q differ", rule, c)
		}
	})
}

// FuzzPolicy looks for panics and for rules that can be asked for and have no answer.
func FuzzPolicy(f *testing.F) {
	for _, text := range []string{
		"workflows:get: rule:a\na: [[role:x, '@'], rule:admin_only]", "default: '!'\nx: not rule:y", "a: rule:a", `{"a": "", "b": []}`, "a: &x [*x]",
	} {
		f.Add(text)
	}
	id := &Identity{User: "u", Project: "p", Roles: []string{"x"}}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy("p", []byte(text))
		if err != nil {
			return
		}
		e, err := NewEnforcer(p)
		if err != nil {
			return
		}
		for name := range e.rules {
			e.rules[name].allows(&question{id: id, target: Target{}})
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	e, err := NewEnforcer(nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx := WithIdentity(context.Background(), &Identity{User: "u", Project: "p", Roles: []string{"member"}})
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Check(ctx, "workflows:create", nil); err != nil {
			b.Fatal(err)
		}
	}
}
