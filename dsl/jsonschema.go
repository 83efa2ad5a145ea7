package dsl

import (
	"slices"
	"strings"

	"cierzo/expr/value"
)

// JSONSchema is the language as JSON Schema 2020-12, for editors: a document with workflows, with ad-hoc actions, or a
// workbook. It is made of the same tables that check uploads, but where Mistral names only the first of several
// problems an editor wants the one that is at the cursor; so workflows and actions of a list are told apart by what
// they have.
func JSONSchema() *value.Dict {
	g := newGrammar()
	x := exporter{names: map[*schema]string{g.clause: "clause", g.publish: "publish", g.retry: "retry", g.defaults: "task-defaults"}}
	task := &schema{anyOf: []*schema{g.direct, g.reverse}}
	tasks := object("type", "object", "minProperties", 1, "additionalProperties", object("$ref", "#/$defs/task"))
	workflow := x.schema(g.workflow)
	props := mustGet(workflow, "properties")
	props.SetString("tasks", describe("tasks", tasks))
	props.SetString("task-defaults", describe("task-defaults", object("$ref", "#/$defs/task-defaults")))
	for _, p := range common() {
		if _, ok := props.GetString(p.name); !ok {
			props.SetString(p.name, describe(p.name, x.schema(p.schema)))
		}
	}
	workflow.SetString("type", value.String("object"))
	workflow.SetString("additionalProperties", value.Bool(false))
	defs := object(
		"workflow", workflow, "task", x.task(task), "action", x.schema(g.action),
		"task-defaults", x.schema(g.defaults), "clause", x.schema(g.clause), "publish", x.schema(g.publish), "retry", x.schema(g.retry),
	)
	members := func(name string) *value.Dict {
		return object("type", "object", "properties", object("version", object("const", "2.0")),
			"additionalProperties", object("$ref", "#/$defs/"+name))
	}
	workbook := object("type", "object", "required", list("name", "version"), "properties", object(
		"name", object("type", "string"), "version", describe("version", object("enum", list("2.0", 2.0))),
		"description", describe("description", object("type", "string")), "tags", describe("tags", x.schema(texts())),
		"workflows", members("workflow"), "actions", members("action"),
	), "anyOf", list(object("required", list("workflows")), object("required", list("actions"))), "additionalProperties", false)
	definition := object("if", object("required", list("base")), "then", object("$ref", "#/$defs/action"), "else", object("$ref", "#/$defs/workflow"))
	document := object("type", "object", "required", list("version"), "properties", object("version", describe("version", object("enum", list("2.0", 2.0)))),
		"additionalProperties", definition)
	return object(
		"$schema", "https://json-schema.org/draft/2020-12/schema", "title", "Workflow definitions, Mistral DSL v2",
		"if", object("required", list("name"), "properties", object("name", object("type", "string"))), "then", workbook, "else", document, "$defs", defs,
	).Freeze()
}

// exporter writes schemas; the named ones as references, but at the top.
type exporter struct {
	names map[*schema]string
}

func (x exporter) below(s *schema) *value.Dict {
	if name, ok := x.names[s]; ok {
		return object("$ref", "#/$defs/"+name)
	}
	return x.schema(s)
}

// task is both kinds of task in one: an editor doesn't know the type of the workflow yet.
func (x exporter) task(s *schema) *value.Dict {
	out := x.schema(s.anyOf[0])
	props := mustGet(out, "properties")
	for _, p := range s.anyOf[1].properties {
		if _, ok := props.GetString(p.name); !ok {
			props.SetString(p.name, describe(p.name, x.below(p.schema)))
		}
	}
	out.Delete(value.String("oneOf"))
	out.SetString("not", object("required", list("action", "workflow")))
	return out
}

func (x exporter) schema(s *schema) *value.Dict {
	d := value.NewDict(4)
	if s.typ != "" {
		d.SetString("type", value.String(s.typ))
	}
	if s.enum != nil {
		d.SetString("enum", value.NewList(s.enum))
	}
	switch {
	case s.nonEmpty && s.typ == "array":
		d.SetString("minItems", value.Int(1))
	case s.nonEmpty:
		d.SetString("minLength", value.Int(1))
	}
	if s.minimum != "" {
		d.SetString("minimum", value.Int(0))
	}
	if s.pattern != nil {
		d.SetString("pattern", value.String(javaScript(s.pattern.String())))
	}
	if s.unique {
		d.SetString("uniqueItems", value.Bool(true))
	}
	if s.items != nil {
		d.SetString("items", x.below(s.items))
	}
	if s.minProperties > 0 {
		d.SetString("minProperties", value.Int(s.minProperties))
	}
	if s.maxProperties > 0 {
		d.SetString("maxProperties", value.Int(s.maxProperties))
	}
	x.object(s, d)
	x.alternatives(s, d)
	return d
}

func (x exporter) object(s *schema, d *value.Dict) {
	if len(s.required) > 0 {
		var names []any
		for _, r := range s.required {
			names = append(names, r)
		}
		d.SetString("required", list(names...))
	}
	if len(s.properties) > 0 {
		props := value.NewDict(len(s.properties))
		for _, p := range s.properties {
			props.SetString(p.name, describe(p.name, x.below(p.schema)))
		}
		d.SetString("properties", props)
	}
	if s.closed {
		d.SetString("additionalProperties", value.Bool(false))
	}
	if s.others != nil {
		d.SetString("additionalProperties", x.below(s.others))
	}
}

// alternatives: an editor must not complain where two forms fit.
func (x exporter) alternatives(s *schema, d *value.Dict) {
	all := slices.Concat(s.oneOf, s.anyOf)
	if len(all) == 0 || s.exclusive {
		return
	}
	var out []value.Value
	for _, a := range all {
		out = append(out, x.below(a))
	}
	d.SetString("anyOf", value.NewList(out))
}

// javaScript is a pattern as editors' engines take it.
func javaScript(pattern string) string {
	return strings.NewReplacer(`\n?\z`, `\n?$`, `\pL`, `\p{L}`, `\pN`, `\p{N}`, `\pZ`, `\p{Z}`, `\v`, `\x0b`).Replace(pattern)
}

func describe(name string, d *value.Dict) *value.Dict {
	if text := attributeDocs[name]; text != "" {
		d.SetString("description", value.String(text))
	}
	return d
}

func mustGet(d *value.Dict, name string) *value.Dict {
	v, _ := d.GetString(name)
	return v.(*value.Dict)
}

// object makes a dict of names and values, list a list: texts, numbers, booleans and values.
func object(pairs ...any) *value.Dict {
	d := value.NewDict(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		d.SetString(pairs[i].(string), literal(pairs[i+1]))
	}
	return d
}

func list(items ...any) *value.List {
	out := make([]value.Value, 0, len(items))
	for _, item := range items {
		out = append(out, literal(item))
	}
	return value.NewList(out)
}

func literal(v any) value.Value {
	switch v := v.(type) {
	case string:
		return value.String(v)
	case int:
		return value.Int(v)
	case float64:
		return value.Float(v)
	case bool:
		return value.Bool(v)
	}
	return v.(value.Value)
}

// attributeDocs says what each attribute is for, in the words of docs/language.md.
var attributeDocs = map[string]string{
	"action":           "The action that the task runs, with inline parameters or without: std.echo output=\"hi\".",
	"atomic":           "Published for all branches at once.",
	"base":             "The action that this ad-hoc action calls.",
	"base-input":       "Input of the base action; expressions see the ad-hoc action's input.",
	"branch":           "Published for the tasks that follow this one.",
	"break-on":         "Stop retrying when this expression is true.",
	"concurrency":      "How many items run at the same time.",
	"continue-on":      "Retry also after success while this expression is true.",
	"count":            "How many times to retry after the first try.",
	"delay":            "Seconds between two tries.",
	"description":      "A free text for people.",
	"fail-on":          "Make the task fail, after a success, when this expression is true.",
	"global":           "Published for the whole execution.",
	"input":            "Names of inputs, those with a default as name: value; in a task, the input of its action or workflow.",
	"join":             "Wait for all inbound tasks (all), one of them (one), or so many.",
	"keep-result":      "false: forget the action's result once it was published.",
	"on-complete":      "What follows however the task ended.",
	"on-error":         "What follows when the task has failed.",
	"on-skip":          "What follows when the task was skipped.",
	"on-success":       "What follows when the task has succeeded.",
	"output":           "What the execution gives, by name; in an ad-hoc action, what it makes of the base action's result.",
	"output-on-error":  "What the execution gives when it has failed.",
	"pause-before":     "Pause the execution before this task.",
	"publish":          "Variables to keep after success; task().result is the action's result.",
	"publish-on-error": "Variables to keep after a failure.",
	"publish-on-skip":  "Variables to keep when the task is skipped.",
	"requires":         "The tasks that must succeed first (reverse workflows).",
	"retry":            "Try again after a failure: count, delay, break-on, continue-on.",
	"safe-rerun":       "The action may run again when its runner dies.",
	"tags":             "Labels to find it by.",
	"target":           "The runner that has to run the action.",
	"task-defaults":    "Policies and clauses of all tasks that don't have their own.",
	"tasks":            "The steps, by name.",
	"timeout":          "Seconds after which the task fails.",
	"type":             "direct: tasks say what follows; reverse: tasks say what they require.",
	"vars":             "Variables that all tasks see from the start.",
	"version":          "Version of the language: '2.0'.",
	"wait-after":       "Seconds to wait after the action.",
	"wait-before":      "Seconds to wait before the task starts.",
	"with-items":       "Run the action once for each item: name in <% list %>.",
	"workflow":         "The workflow that the task runs.",
}
