package auth

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
	"cierzo/fault"
)

// Policy is what a policy file says: rules that take the place of the defaults. It is made by ParsePolicy.
type Policy struct {
	file     string
	rules    []fileRule
	warnings []string
}

// fileRule is a rule and where its text begins.
type fileRule struct {
	name string
	rule check
	text string
	node *yaml.Node
}

// LoadPolicy reads a policy file, see ParsePolicy.
func LoadPolicy(path string) (*Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the policy")
	}
	return ParsePolicy(path, text)
}

// ParsePolicy reads a policy file: a mapping, in YAML or JSON, of names to rules, each a text or oslo.policy's older list of
// lists. All errors are reported at once, as "file:line:column: name: what is wrong"; file is for them.
func ParsePolicy(file string, text []byte) (*Policy, error) {
	root, err := yaml.Parse(text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", file)
	}
	if _, isMapping := root.Value.(*value.Dict); !isMapping {
		return nil, fault.New(fault.Invalid, "%s:%d:%d: a policy is a mapping of names to rules", file, root.Line, root.Col)
	}
	p := &Policy{file: file}
	var errs []error
	for _, e := range root.Entries {
		name, isText := e.Key.Value.(value.String)
		if !isText {
			errs = append(errs, fmt.Errorf("%s: the name of a rule is a text", p.place(e.Key, 0)))
			continue
		}
		r := fileRule{name: string(name), node: e.Node}
		if err := p.parse(&r); err != nil {
			errs = append(errs, err)
			continue
		}
		p.rules = append(p.rules, r)
	}
	for _, e := range root.Shadowed {
		p.warnings = append(p.warnings, fmt.Sprintf("%s: %s is there again further down, and that one holds", p.place(e.Key, 0), value.Str(e.Key.Value)))
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.Invalid, "%w", errors.Join(errs...))
	}
	return p, nil
}

// parse reads the value of a rule.
func (p *Policy) parse(r *fileRule) error {
	switch v := r.node.Value.(type) {
	case value.String:
		r.text = string(v)
		rule, err := parseRule(r.text)
		if err != nil {
			return p.ruleError(r, r.node, err)
		}
		r.rule = rule
		return nil
	case *value.List:
		return p.parseList(r)
	case value.Null:
		// oslo.policy takes it for an empty list, which allows everything: too much for a value that somebody forgot.
		return fmt.Errorf(`%s: %s: there is no rule; "@" allows everybody, "!" nobody`, p.place(r.node, 0), r.name)
	}
	return fmt.Errorf("%s: %s: a rule is a text, or a list of lists of checks", p.place(r.node, 0), r.name)
}

// parseList reads the older form: one of the outer list must hold, of an inner one all. As in oslo.policy an empty list
// allows everything, and one of only empty lists nothing.
func (p *Policy) parseList(r *fileRule) error {
	if len(r.node.Items) == 0 {
		r.rule = always{}
		return nil
	}
	var outer some
	for _, item := range r.node.Items {
		checks := item.Items
		if _, isText := item.Value.(value.String); isText {
			checks = []*yaml.Node{item}
		} else if _, isList := item.Value.(*value.List); !isList {
			return fmt.Errorf("%s: %s: a list of checks holds texts and lists of texts", p.place(item, 0), r.name)
		}
		var inner all
		for _, n := range checks {
			text, isText := n.Value.(value.String)
			if !isText {
				return fmt.Errorf("%s: %s: a check is a text", p.place(n, 0), r.name)
			}
			parser := &ruleParser{text: string(text)}
			if len(text) > ruleMax || strings.TrimSpace(string(text)) == "" {
				return fmt.Errorf("%s: %s: a check is a text as role:admin", p.place(n, 0), r.name)
			}
			c, err := parser.check(token{"check", string(text), 0})
			if err != nil {
				return p.ruleError(r, n, err)
			}
			inner = append(inner, c)
		}
		if len(inner) > 0 {
			outer = append(outer, inner)
		}
	}
	r.rule = outer
	r.text = outer.String()
	return nil
}

func (p *Policy) ruleError(r *fileRule, n *yaml.Node, err *RuleError) error {
	return fmt.Errorf("%s: %s: %w", p.place(n, err.Column-1), r.name, err)
}

// place is where a character of a node's text is in the file, if the text is there as it is; else where the node begins.
func (p *Policy) place(n *yaml.Node, character int) string {
	col := n.Col
	if text, ok := n.Value.(value.String); ok && n.Line == n.EndLine {
		switch n.EndCol - n.Col - utf8.RuneCountInString(string(text)) {
		case 0:
			col += character
		case 2: // in quotes
			col += character + 1
		}
	}
	return fmt.Sprintf("%s:%d:%d", p.file, n.Line, col)
}
