package dsl

import (
	"regexp"

	"cierzo/expr/value"
)

// word is Python's \w, and end its $, which a line break may follow.
const (
	word = `[\pL\pN_]`
	end  = `\n?\z`
)

var (
	wordForm       = regexp.MustCompile(`^` + word + `+` + end)
	memberForm     = regexp.MustCompile(`^(?:` + word + `|-)+` + end)
	versionForm    = regexp.MustCompile(`^version` + end)
	yaqlForm       = regexp.MustCompile(`^<%.*?%>\s*` + end)
	jinjaForm      = regexp.MustCompile(`^\{\{.*?\}\}\s*` + end)
	targetForm     = regexp.MustCompile(`^[^\s\v\x1c-\x1f\x85\pZ]+` + end)
	targetTextForm = regexp.MustCompile(`^` + word + `+ ` + word + `+=.*` + end)
	targetCallForm = regexp.MustCompile(`^` + word + `+\(` + word + `+=.*\)` + end)
)

// grammar holds the schemas of the language, in the order of Mistral's, because it decides which error comes first.
type grammar struct {
	list, workflow, defaults, direct, reverse, policies, retry, clause, publish, action, workbook *schema
}

func text() *schema { return &schema{typ: "string", nonEmpty: true} }

func texts() *schema { return &schema{typ: "array", items: text(), unique: true, nonEmpty: true} }

func oneOf(alternatives ...*schema) *schema { return &schema{oneOf: alternatives} }

func integer() *schema { return &schema{typ: "integer", minimum: "0"} }

func expression() *schema {
	return oneOf(
		&schema{typ: "string", pattern: yaqlForm, python: `^<%.*?%>\s*$`},
		&schema{typ: "string", pattern: jinjaForm, python: `^({{(.*?)}})\s*$`},
	)
}

func expressionOr(other *schema) *schema { return oneOf(expression(), other) }

func boolean() *schema { return &schema{typ: "boolean"} }

// anything is each type of JSON: dates and sets of YAML are none.
func anything() *schema {
	s := &schema{}
	for _, typ := range []string{"null", "array", "boolean", "integer", "number", "object", "string"} {
		s.anyOf = append(s.anyOf, &schema{typ: typ})
	}
	return s
}

// mapping is an object with at least one property.
func mapping() *schema {
	return &schema{typ: "object", minProperties: 1, patterns: []patternProperty{{wordForm, anything()}}}
}

func inputs() *schema {
	one := mapping()
	one.maxProperties = 1
	return &schema{typ: "array", items: oneOf(text(), one), unique: true, nonEmpty: true}
}

func textOrTexts() *schema { return oneOf(text(), texts()) }

func version() *schema {
	return &schema{anyOf: []*schema{text(), integer(), {typ: "number", minimum: "0.0"}}}
}

// common are the properties that Mistral lets every piece have.
func common() []property {
	return []property{{"name", text()}, {"version", version()}, {"description", text()}, {"tags", texts()}}
}

func newGrammar() *grammar {
	g := &grammar{
		list: &schema{typ: "object", properties: []property{{"version", version()}}, others: mapping(), required: []string{"version"}},
		action: &schema{typ: "object", closed: true, required: []string{"base"}, requiredFirst: true, properties: append([]property{
			{"base", text()}, {"base-input", mapping()}, {"input", inputs()}, {"output", anything()},
		}, common()...)},
		publish: &schema{typ: "object", closed: true, properties: append([]property{
			{"branch", mapping()}, {"global", mapping()}, {"atomic", mapping()},
		}, common()...)},
		retry: oneOf(&schema{typ: "object", closed: true, required: []string{"delay", "count"}, requiredFirst: true, properties: []property{
			{"count", expressionOr(integer())}, {"break-on", expression()}, {"continue-on", expression()}, {"delay", expressionOr(integer())},
		}}, text()),
	}
	g.clause = clauseSchema(g.publish)
	policies := g.policyProperties()
	g.policies = &schema{typ: "object", closed: true, properties: append(policies[:len(policies):len(policies)], common()...)}
	g.defaults = &schema{typ: "object", closed: true, properties: append(append(policies[:len(policies):len(policies)], g.clauses()...),
		append([]property{{"safe-rerun", expressionOr(boolean())}, {"requires", textOrTexts()}}, common()...)...)}
	g.workflow = &schema{required: []string{"tasks"}, properties: []property{
		{"tasks", &schema{typ: "object", minProperties: 1, patterns: []patternProperty{{wordForm, mapping()}}}},
		{"type", &schema{enum: []value.Value{value.String("reverse"), value.String("direct")}}},
		{"task-defaults", mapping()},
		{"input", inputs()},
		{"output", mapping()},
		{"output-on-error", mapping()},
		{"vars", mapping()},
		{"tags", texts()},
	}}
	join := oneOf(&schema{enum: []value.Value{value.String("all"), value.String("one")}}, integer())
	g.direct = g.task(append([]property{{"join", join}}, g.clauses()...))
	g.reverse = g.task([]property{{"requires", textOrTexts()}})
	members := &schema{typ: "object", minProperties: 1, closed: true, patterns: []patternProperty{
		{versionForm, &schema{enum: []value.Value{value.String("2.0"), value.Float(2)}}}, {memberForm, &schema{}},
	}}
	g.workbook = &schema{typ: "object", closed: true, required: []string{"name", "version"}, properties: append([]property{
		{"version", &schema{enum: []value.Value{value.String("2.0"), value.Float(2)}}}, {"actions", members}, {"workflows", members},
	}, common()...)}
	return g
}

func (g *grammar) clauses() []property {
	return []property{{"on-complete", g.clause}, {"on-success", g.clause}, {"on-error", g.clause}, {"on-skip", g.clause}}
}

func (g *grammar) policyProperties() []property {
	return []property{
		{"retry", g.retry},
		{"wait-before", expressionOr(integer())},
		{"wait-after", expressionOr(integer())},
		{"timeout", expressionOr(integer())},
		{"pause-before", expressionOr(boolean())},
		{"concurrency", expressionOr(integer())},
		{"fail-on", expressionOr(boolean())},
	}
}

// task is the schema of a task; more are the properties of its type of workflow.
func (g *grammar) task(more []property) *schema {
	properties := []property{
		{"type", &schema{}},
		{"action", text()},
		{"workflow", text()},
		{"input", oneOf(mapping(), text())},
		{"with-items", textOrTexts()},
		{"publish", mapping()},
		{"publish-on-error", mapping()},
		{"publish-on-skip", mapping()},
	}
	properties = append(properties, g.policyProperties()...)
	properties = append(properties, property{"target", text()}, property{"keep-result", expressionOr(boolean())}, property{"safe-rerun", expressionOr(boolean())})
	properties = append(properties, more...)
	action := &schema{typ: "object", required: []string{"action"}, python: "{'type': 'object', 'required': ['action']}"}
	workflow := &schema{typ: "object", required: []string{"workflow"}, python: "{'type': 'object', 'required': ['workflow']}"}
	return &schema{typ: "object", closed: true, properties: append(properties, common()...), oneOf: []*schema{action, workflow}, exclusive: true}
}

// clauseSchema is that of on-success and the others. A text that two of its forms match is refused, as in Mistral.
func clauseSchema(publish *schema) *schema {
	name := oneOf(
		&schema{typ: "string", pattern: targetForm, python: `^\S+$`},
		&schema{typ: "string", pattern: targetTextForm, python: `^\w+ \w+=(.*)$`},
		&schema{typ: "string", pattern: targetCallForm, python: `^\w+\(\w+=(.*)\)$`},
	)
	conditional := &schema{typ: "object", minProperties: 1, maxProperties: 1, patterns: []patternProperty{
		{targetForm, expression()}, {targetTextForm, expression()}, {targetCallForm, expression()},
	}}
	list := &schema{typ: "array", items: oneOf(name, conditional), unique: true, nonEmpty: true}
	advanced := &schema{typ: "object", minProperties: 1, closed: true, properties: []property{
		{"publish", publish}, {"next", oneOf(name, conditional, list)},
	}}
	s := oneOf(name, conditional, list, advanced)
	s.properties = common()
	return s
}
