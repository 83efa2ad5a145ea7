package dsl

import (
	"fmt"
	"slices"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
)

// misspelt finds the unknown key of a mapping that is written in none of its forms: the key's place, and what to do.
func (r *reader) misspelt(v violation, path string) (*yaml.Node, string) {
	for _, c := range v.context {
		for _, e := range c.extras {
			if near := r.didYouMean(textOf(e.Key), c.known); near != "" {
				return e.Key, fmt.Sprintf("%q is unknown here: %s", textOf(e.Key), near)
			}
			if strings.HasSuffix(path, "retry") {
				return e.Key, fmt.Sprintf("%q is unknown here: retry has %s", textOf(e.Key), strings.Join(c.known, ", "))
			}
		}
		if place, hint := r.misspelt(c, path); hint != "" {
			return place, hint
		}
	}
	return nil, ""
}

// hint says what to do about a piece that a schema refuses.
func (r *reader) hint(v violation, path string) string {
	last := path[strings.LastIndexByte(path, '.')+1:]
	text, isText := v.node.Value.(value.String)
	switch {
	case v.rule == "required" && strings.HasPrefix(v.text(), "'version'"):
		return "write version: '2.0' at the top"
	case v.rule == "required" && strings.HasPrefix(v.text(), "'tasks'"):
		return "write tasks: with the tasks below it, indented further than the workflow's name"
	case v.rule == "required":
		name, _, _ := strings.Cut(strings.TrimPrefix(v.text(), "'"), "'")
		return "add " + name + ": …"
	case v.rule == "minProperties" || v.rule == "minItems" || v.rule == "minLength":
		return "remove it, or write something in it"
	case v.rule == "type" && strings.HasSuffix(v.text(), "'array'"):
		return "write a list: [a, b]"
	case v.rule == "type" && strings.HasSuffix(v.text(), "'object'"):
		return noMappingHint(v.node)
	case v.rule == "uniqueItems":
		return "remove what is there twice"
	case v.rule == "oneOf" && strings.Contains(v.text(), "'required': ['workflow']"):
		return "a task has an action or a workflow, not both"
	case last == "input":
		return "write a mapping of names to values, or one expression: <% … %>"
	case last == "retry":
		return "write {count: 3, delay: 1}, with break-on and continue-on where needed"
	case last == "join":
		return "write all, one or a number"
	case slices.Contains([]string{"wait-before", "wait-after", "timeout", "concurrency", "count", "delay"}, last):
		return fmt.Sprintf("%s is a whole number without quotes, or one expression: <%% … %%>", last)
	case slices.Contains([]string{"pause-before", "fail-on", "keep-result", "safe-rerun"}, last):
		return fmt.Sprintf("%s is true or false without quotes, or one expression: <%% … %%>", last)
	case last == "break-on" || last == "continue-on":
		return last + " is one expression: <% … %>"
	case strings.Contains(path, "on-") || strings.Contains(path, ".next"):
		return clauseHint(v, string(text), isText)
	}
	return ""
}

// noMappingHint is for what should be a mapping.
func noMappingHint(n *yaml.Node) string {
	if isType(n.Value, "null") {
		return "nothing belongs to it: is what follows indented further than its name?"
	}
	return "a mapping belongs here; is the line indented as those that it belongs to?"
}

// clauseHint says what a transition looks like.
func clauseHint(v violation, text string, isText bool) string {
	list, isList := v.node.Value.(*value.List)
	switch {
	case isText && targetCallForm.MatchString(text):
		name, param, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
		return "Mistral refuses this form without a blank: write " + name + " " + param
	case isText && strings.HasPrefix(text, "<%") || isText && strings.HasPrefix(text, "{{"):
		return "a target is a name; a condition is written as - name: <% … %>"
	case isText && strings.Contains(text, " "):
		return "a name in a transition has no blanks"
	case isList && list.Len() == 0:
		return "remove it, or name a task"
	case isList && hasDuplicates(v.node.Items):
		return "each target may be there once"
	case isType(v.node.Value, "boolean") || isText:
		return "a condition is one expression: <% … %>"
	}
	return "write a name, or a list of names and of - name: <% … %>"
}

// attributeHint explains attributes that belong elsewhere.
func attributeHint(name string, known []string) string {
	switch {
	case name == "requires":
		return "requires belongs to reverse workflows (type: reverse)"
	case (name == "join" || strings.HasPrefix(name, "on-")) && slices.Contains(known, "requires"):
		return name + " belongs to direct workflows"
	case name == "publish" || name == "join" || name == "input" || name == "target" || name == "keep-result":
		return "write it in the task"
	}
	return ""
}
