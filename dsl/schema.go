package dsl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
)

// schema is what Mistral demands of a piece of a document before it looks any closer: the part of JSON Schema that its
// language uses. A zero field demands nothing.
type schema struct {
	typ           string // "object", "array", "string", "integer", "number", "boolean", "null"
	enum          []value.Value
	nonEmpty      bool   // of a text or a list
	minimum       string // "0" or "0.0": not negative
	pattern       *regexp.Regexp
	minProperties int
	maxProperties int
	properties    []property
	patterns      []patternProperty
	closed        bool    // no other properties
	others        *schema // what other properties must be
	required      []string
	requiredFirst bool // missing ones are reported before unknown ones
	items         *schema
	unique        bool
	oneOf, anyOf  []*schema
	exclusive     bool   // oneOf is about having both of two properties: an action and a workflow
	python        string // the schema as Python prints it, for "is valid under each of"
}

type property struct {
	name   string
	schema *schema
}

type patternProperty struct {
	pattern *regexp.Regexp
	schema  *schema
}

// violation is one demand that isn't met.
type violation struct {
	rule    string
	node    *yaml.Node
	trail   []string // of keys, from the checked piece
	depth   int      // of the node below the piece that the surrounding oneOf, if any, looks at
	matches bool     // the node is of the type that the schema wants
	extras  []yaml.Entry
	known   []string
	text    func() string // made late: it may print a whole document
	context []violation   // of oneOf and anyOf: why each alternative failed
}

// checker checks a tree of nodes. Its top may have a value with keys that aren't in the text, as Mistral injects some.
type checker struct {
	top      *yaml.Node
	topValue value.Value
	injected []string
	trail    []string
}

// check gives what is wrong with n, in jsonschema's order.
func (s *schema) check(n *yaml.Node, injected value.Value, names ...string) []violation {
	c := &checker{top: n, topValue: injected, injected: names}
	return c.check(s, n, 0)
}

func (c *checker) value(n *yaml.Node) value.Value {
	if n == c.top && c.topValue != nil {
		return c.topValue
	}
	return n.Value
}

func (c *checker) check(s *schema, n *yaml.Node, depth int) []violation {
	var out []violation
	matches := s.typ != "" && isType(n.Value, s.typ)
	fail := func(rule string, text func(shown string) string) *violation {
		out = append(out, violation{rule: rule, node: n, trail: slices.Clone(c.trail), depth: depth, matches: matches, text: func() string {
			return text(value.Repr(c.value(n)))
		}})
		return &out[len(out)-1]
	}
	is := func(rule, text string) {
		fail(rule, func(shown string) string { return shown + " " + text })
	}
	if s.typ != "" && !matches {
		is("type", "is not of type '"+s.typ+"'")
	}
	if s.enum != nil && !slices.ContainsFunc(s.enum, func(v value.Value) bool {
		return v.Kind() != value.KindBool && n.Value.Kind() != value.KindBool && value.Equal(v, n.Value)
	}) {
		is("enum", "is not one of "+value.Repr(value.NewList(s.enum)))
	}
	c.checkScalar(s, n, is)
	switch {
	case isType(n.Value, "object"):
		out = append(out, c.checkObject(s, n, depth, matches)...)
	case isType(n.Value, "array"):
		out = append(out, c.checkArray(s, n, depth, matches)...)
	}
	if s.oneOf != nil && !(s.exclusive && len(both(s.oneOf, n)) < 2) {
		out = append(out, c.checkOneOf(s, n, depth)...)
	}
	if s.anyOf != nil {
		if failed, valid := c.alternatives(s.anyOf, n); len(valid) == 0 {
			fail("anyOf", func(shown string) string { return shown + " is not valid under any of the given schemas" }).context = failed
		}
	}
	return out
}

func (c *checker) checkScalar(s *schema, n *yaml.Node, is func(rule, text string)) {
	if text, ok := n.Value.(value.String); ok {
		if s.nonEmpty && text == "" {
			is("minLength", "is too short")
		}
		if s.pattern != nil && !s.pattern.MatchString(string(text)) {
			is("pattern", "does not match "+value.Repr(value.String(s.python)))
		}
	}
	if s.minimum != "" && isType(n.Value, "number") {
		if order, ok := value.Compare(n.Value, value.Int(0)); ok && order < 0 {
			is("minimum", "is less than the minimum of "+s.minimum)
		}
	}
}

func (c *checker) descend(s *schema, key string, n *yaml.Node, depth int) []violation {
	c.trail = append(c.trail, key)
	defer func() { c.trail = c.trail[:len(c.trail)-1] }()
	return c.check(s, n, depth+1)
}

func (c *checker) checkObject(s *schema, n *yaml.Node, depth int, matches bool) []violation {
	var out []violation
	fail := func(rule string, text func() string) *violation {
		out = append(out, violation{rule: rule, node: n, trail: slices.Clone(c.trail), depth: depth, matches: matches, text: text})
		return &out[len(out)-1]
	}
	count := len(n.Entries)
	if n == c.top {
		count += len(c.injected)
	}
	if count < s.minProperties {
		fail("minProperties", func() string { return value.Repr(c.value(n)) + " does not have enough properties" })
	}
	if s.maxProperties > 0 && count > s.maxProperties {
		fail("maxProperties", func() string { return value.Repr(c.value(n)) + " has too many properties" })
	}
	for _, p := range s.properties {
		if sub := n.Field(p.name); sub != nil && !c.isInjected(n, p.name) {
			out = append(out, c.descend(p.schema, p.name, sub, depth)...)
		}
	}
	var extras []yaml.Entry
	for _, e := range n.Entries {
		key, known := textOf(e.Key), false
		for _, p := range s.patterns {
			if p.pattern.MatchString(key) {
				known = true
				out = append(out, c.descend(p.schema, key, e.Node, depth)...)
			}
		}
		known = known || c.isInjected(n, key) || slices.ContainsFunc(s.properties, func(p property) bool { return p.name == key })
		switch {
		case known:
		case s.others != nil:
			out = append(out, c.descend(s.others, key, e.Node, depth)...)
		case s.closed:
			extras = append(extras, e)
		}
	}
	missing := func() {
		for _, name := range s.required {
			if n.Field(name) == nil && !c.isInjected(n, name) {
				fail("required", func() string { return value.Repr(value.String(name)) + " is a required property" })
			}
		}
	}
	if s.requiredFirst {
		missing()
	}
	if extras != nil {
		v := fail("additionalProperties", func() string { return s.unexpected(extras) })
		v.extras, v.known = extras, s.names()
	}
	if !s.requiredFirst {
		missing()
	}
	return out
}

func (c *checker) isInjected(n *yaml.Node, name string) bool {
	return n == c.top && slices.Contains(c.injected, name)
}

func (s *schema) names() []string {
	var out []string
	for _, p := range s.properties {
		out = append(out, p.name)
	}
	return out
}

func (s *schema) unexpected(extras []yaml.Entry) string {
	names := make([]string, len(extras))
	for i, e := range extras {
		names[i] = value.Repr(e.Key.Value)
	}
	if s.patterns != nil {
		slices.Sort(names)
		verb := "do"
		if len(names) == 1 {
			verb = "does"
		}
		return strings.Join(names, ", ") + " " + verb + ` not match any of the regexes: '^(?!version$)[\\w-]+$', '^version$'`
	}
	verb := "were"
	if len(names) == 1 {
		verb = "was"
	}
	return fmt.Sprintf("Additional properties are not allowed (%s %s unexpected)", strings.Join(names, ", "), verb)
}

func (c *checker) checkArray(s *schema, n *yaml.Node, depth int, matches bool) []violation {
	var out []violation
	is := func(rule, text string) {
		out = append(out, violation{rule: rule, node: n, trail: slices.Clone(c.trail), depth: depth, matches: matches, text: func() string {
			return value.Repr(n.Value) + " " + text
		}})
	}
	if s.items != nil {
		for i, item := range n.Items {
			out = append(out, c.descend(s.items, fmt.Sprint(i), item, depth)...)
		}
	}
	if s.unique && hasDuplicates(n.Items) {
		is("uniqueItems", "has non-unique elements")
	}
	if s.nonEmpty && len(n.Items) == 0 {
		is("minItems", "is too short")
	}
	return out
}

// hasDuplicates compares as jsonschema does: True isn't 1.
func hasDuplicates(items []*yaml.Node) bool {
	seen := value.NewDict(len(items))
	for i, item := range items {
		if text, ok := item.Value.(value.String); ok {
			if _, there := seen.Get(text); there {
				return true
			}
			seen.SetString(string(text), value.Null{})
			continue
		}
		for _, other := range items[:i] {
			sameKind := (item.Value.Kind() == value.KindBool) == (other.Value.Kind() == value.KindBool)
			if sameKind && value.Equal(item.Value, other.Value) {
				return true
			}
		}
	}
	return false
}

// alternatives checks each of some schemas; failed are the violations of those that don't hold.
func (c *checker) alternatives(alternatives []*schema, n *yaml.Node) (failed []violation, valid []*schema) {
	for _, a := range alternatives {
		bad := c.check(a, n, 0)
		if len(bad) == 0 {
			valid = append(valid, a)
		}
		failed = append(failed, bad...)
	}
	return failed, valid
}

// both are the alternatives whose required property is there.
func both(alternatives []*schema, n *yaml.Node) (out []*schema) {
	for _, a := range alternatives {
		if n.Field(a.required[0]) != nil {
			out = append(out, a)
		}
	}
	return out
}

func (c *checker) checkOneOf(s *schema, n *yaml.Node, depth int) []violation {
	failed, valid := c.alternatives(s.oneOf, n)
	if len(valid) == 1 {
		return nil
	}
	v := violation{rule: "oneOf", node: n, trail: slices.Clone(c.trail), depth: depth, context: failed}
	v.text = func() string { return value.Repr(c.value(n)) + " is not valid under any of the given schemas" }
	if len(valid) > 1 {
		v.context = nil
		v.text = func() string {
			var names []string
			for _, a := range append(valid[1:], valid[0]) {
				names = append(names, a.python)
			}
			return value.Repr(c.value(n)) + " is valid under each of " + strings.Join(names, ", ")
		}
	}
	return []violation{v}
}

// weighs orders violations as jsonschema's best_match does: shallow ones first, alternatives last, wrong types first.
func (v *violation) weighs() [3]int {
	w := [3]int{-v.depth, 1, 1}
	if v.rule == "oneOf" || v.rule == "anyOf" {
		w[1] = 0
	}
	if v.matches {
		w[2] = 0
	}
	return w
}

func compareWeights(a, b violation) int {
	x, y := a.weighs(), b.weighs()
	return slices.Compare(x[:], y[:])
}

// best is the violation that jsonschema reports of several: the heaviest, and in it, the lightest of the alternatives'
// while there is a single one.
func best(all []violation) violation {
	top := all[0]
	for _, v := range all[1:] {
		if compareWeights(v, top) > 0 {
			top = v
		}
	}
	return top.inner()
}

func (v violation) inner() violation {
	for len(v.context) > 0 {
		sorted := slices.Clone(v.context)
		slices.SortStableFunc(sorted, compareWeights)
		if len(sorted) > 1 && compareWeights(sorted[0], sorted[1]) == 0 {
			return v
		}
		v = sorted[0]
	}
	return v
}

// isType reports whether a value is of a type of JSON Schema, as jsonschema sees Python's values.
func isType(v value.Value, typ string) bool {
	switch v := v.(type) {
	case value.Null:
		return typ == "null"
	case value.Bool:
		return typ == "boolean"
	case value.Int, value.BigInt:
		return typ == "integer" || typ == "number"
	case value.Float:
		return typ == "number" || typ == "integer" && float64(v) == float64(int64(v))
	case value.String:
		return typ == "string"
	case *value.List:
		return typ == "array"
	case value.Mapping:
		return typ == "object"
	}
	return false
}
