package dsl

import (
	"fmt"
	"regexp"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

var taskAttributes = []string{
	"name", "version", "type", "description", "tags", "action", "workflow", "input", "with-items", "concurrency", "publish", "publish-on-error",
	"publish-on-skip", "retry", "wait-before", "wait-after", "timeout", "pause-before", "fail-on", "target", "keep-result", "safe-rerun",
}

var (
	directAttributes  = append(append([]string{}, taskAttributes...), "join", "on-success", "on-error", "on-complete", "on-skip")
	reverseAttributes = append(append([]string{}, taskAttributes...), "requires")
)

func (r *reader) task(w *Workflow, e yaml.Entry, path string) *Task {
	n := e.Node
	name, ok := e.Key.Value.(value.String)
	if !ok {
		r.fail(at(e.Key), path, "name", "put the name into quotes", "Invalid DSL: the name of a task is a text, not %s", value.Repr(e.Key.Value))
		return nil
	}
	if !r.mapping(n, path) {
		return nil
	}
	if w.Type == Direct {
		r.known(n, path, directAttributes...)
	} else {
		r.known(n, path, reverseAttributes...)
	}
	t := &Task{
		Name: string(name), Pos: at(e.Key), Description: r.text(field(n, "description"), path+".description"),
		Tags: r.texts(field(n, "tags"), path+".tags"), Policies: r.policies(n, path), KeepResult: true,
		SafeRerun: r.flag(field(n, "safe-rerun")), Requires: r.requires(field(n, "requires"), path+".requires"),
	}
	r.taskCall(t, n, path)
	r.withItems(t, field(n, "with-items"), path+".with-items")
	t.Publish = r.dict(field(n, "publish"), path+".publish")
	t.PublishOnError = r.dict(field(n, "publish-on-error"), path+".publish-on-error")
	t.PublishOnSkip = r.dict(field(n, "publish-on-skip"), path+".publish-on-skip")
	if target := field(n, "target"); target != nil {
		if tpl, err := expr.Parse(r.text(target, path+".target")); err == nil {
			t.Target = tpl
		} else {
			r.fail(at(target), path+".target", "expression", "", "%v", err)
		}
	}
	if keep := r.flag(field(n, "keep-result")); keep != nil {
		t.KeepResult = *keep
	}
	r.join(t, field(n, "join"), path+".join")
	t.OnSuccess = r.clause(field(n, "on-success"), path+".on-success")
	t.OnError = r.clause(field(n, "on-error"), path+".on-error")
	t.OnComplete = r.clause(field(n, "on-complete"), path+".on-complete")
	t.OnSkip = r.clause(field(n, "on-skip"), path+".on-skip")
	t.Spec = injected(n, map[string]value.Value{"name": name, "version": value.String("2.0"), "type": value.String(w.Type)})
	limit, what := nameMax, ""
	if t.Join.IsJoin() {
		limit, what = joinNameMax, "join "
	}
	if len(t.Name) > limit {
		r.fail(t.Pos, path, "name", "", "The length of a '%s' %stask name must not exceed %d symbols", t.Name, what, limit)
	}
	return t
}

func (r *reader) taskCall(t *Task, n *yaml.Node, path string) {
	action, workflow := field(n, "action"), field(n, "workflow")
	if action != nil && workflow != nil {
		r.fail(at(workflow), path, "action-and-workflow", "a task has an action or a workflow", "Invalid DSL: %s is valid under each of {'required': ['workflow']}, {'required': ['action']}", value.Repr(n.Value))
	}
	if action != nil {
		t.Action = r.call(action, path+".action")
	}
	if workflow != nil {
		t.Workflow = r.call(workflow, path+".workflow")
	}
	input := field(n, "input")
	if input == nil {
		return
	}
	if input.Value.Kind() == value.KindString {
		t.InputIsExpr = true
		t.Input = r.tree(input, path+".input")
		return
	}
	t.Input = r.dict(input, path+".input")
}

// flag reads what Mistral never evaluates: any text is true.
func (r *reader) flag(n *yaml.Node) *bool {
	if n == nil {
		return nil
	}
	b := value.Truthy(n.Value)
	return &b
}

func (r *reader) requires(n *yaml.Node, path string) []string {
	if n != nil && n.Value.Kind() == value.KindString {
		return []string{r.text(n, path)}
	}
	return r.texts(n, path)
}

func (r *reader) join(t *Task, n *yaml.Node, path string) {
	if n == nil {
		return
	}
	switch v := n.Value.(type) {
	case value.String:
		if v == "all" {
			t.Join.All = true
			return
		}
		if v == "one" {
			t.Join.Count = 1
			return
		}
	case value.Int:
		if v >= 0 {
			t.Join.Count = int(v)
			return
		}
	}
	r.fail(at(n), path, "join", "write all, one or a number", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(n.Value))
}

var (
	callName  = regexp.MustCompile(`^([\w.]+[^=(\s"]*|<%.*?%>|\{\{.*?\}\}|\{%.*?%\})`)
	callParam = regexp.MustCompile(`([-_\w]+)=("[^"]*"|'[^']*'|<%.*?%>|\{\{.*?\}\}|\[.*\]|true|false|null|\d+)`)
)

// call reads a name with inline parameters. What isn't a value is dropped in silence by Mistral; here it gives a warning.
func (r *reader) call(n *yaml.Node, path string) *Call {
	text := r.text(n, path)
	if text == "" {
		return nil
	}
	name, params := text, (*value.Dict)(nil)
	if strings.ContainsAny(text, " \t\n") {
		name = callName.FindString(text)
		if name == "" {
			r.fail(at(n), path, "call", "", "Invalid action/workflow task property: %s", text)
			return nil
		}
		params = r.inline(n, path, text[len(name):])
	}
	tpl, err := expr.Parse(name)
	if err != nil {
		r.fail(at(n), path, "expression", "", "%v", err)
		return nil
	}
	c := &Call{Name: tpl, Pos: at(n)}
	if params != nil && params.Len() > 0 {
		for _, v := range params.All() {
			if s, ok := v.(value.String); ok {
				if _, err := expr.Parse(string(s)); err != nil {
					r.fail(at(n), path, "expression", "", "%v", err)
				}
			}
		}
		c.Params = expr.CompileLenient(params)
	}
	return c
}

func (r *reader) inline(n *yaml.Node, path, text string) *value.Dict {
	params := value.NewDict(4)
	rest := text
	for _, m := range callParam.FindAllStringSubmatch(text, -1) {
		params.SetString(m[1], inlineValue(m[2]))
		rest = strings.Replace(rest, m[0], "", 1)
	}
	if left := strings.TrimSpace(rest); left != "" {
		r.report(SeverityWarning, at(n), path, "dropped-parameter", "put texts into quotes, and write everything else under input",
			fmt.Sprintf("%q is no parameter and is ignored", left))
	}
	return params
}

func inlineValue(s string) value.Value {
	if q := s[0]; q == '"' || q == '\'' {
		return value.String(s[1 : len(s)-1])
	}
	if v, err := value.ParseJSON([]byte(s)); err == nil {
		return v
	}
	return value.String(s)
}

var itemForm = regexp.MustCompile(`^\s*([\w\d_\-]+)\s*in\s*(\[.+\]|<%.*?%>|\{\{.*?\}\})`)

func (r *reader) withItems(t *Task, n *yaml.Node, path string) {
	if n == nil {
		return
	}
	nodes := []*yaml.Node{n}
	if n.Items != nil {
		nodes = n.Items
	} else if n.Value.Kind() != value.KindString {
		r.fail(at(n), path, "with-items", "", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(n.Value))
		return
	}
	for _, item := range nodes {
		text := r.text(item, path)
		m := itemForm.FindStringSubmatch(text)
		if m == nil {
			r.fail(at(item), path, "with-items", "write: x in <% $.list %>",
				"Wrong format of 'with-items' property. Please use format 'var in {[some, list] | <%% $.array %%> }: %s", value.Repr(n.Value))
			continue
		}
		var list value.Value = value.String(m[2])
		if m[2][0] == '[' {
			v, err := value.ParseJSON([]byte(m[2]))
			if err != nil {
				r.fail(at(item), path, "with-items", "texts in the list need double quotes", "Invalid array in 'with-items' clause: %s, error: %v", text, err)
				continue
			}
			list = v
		} else if _, err := expr.Parse(m[2]); err != nil {
			r.fail(at(item), path, "expression", "", "%v", err)
		}
		t.WithItems = append(t.WithItems, WithItem{m[1], expr.CompileLenient(list)})
	}
}

var (
	pureExpression = regexp.MustCompile(`^(<%.*?%>\s*|\{\{.*?\}\}\s*)$`)
	paramTarget    = regexp.MustCompile(`^(\w+)(?: (\w+=.*)|\((\w+=.*)\))$`)
)

// policy reads a policy's value: an expression, or a constant of the kind.
func (r *reader) policy(n *yaml.Node, name, path string, kind value.Kind) *expr.Tree {
	p := field(n, name)
	if p == nil {
		return nil
	}
	path += "." + name
	switch v := p.Value.(type) {
	case value.String:
		if pureExpression.MatchString(string(v)) {
			return r.tree(p, path)
		}
	case value.Int:
		if kind == value.KindInt && v >= 0 {
			return r.tree(p, path)
		}
	case value.Bool:
		if kind == value.KindBool {
			return r.tree(p, path)
		}
	}
	r.fail(at(p), path, "policy", "", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(p.Value))
	return nil
}

func (r *reader) policies(n *yaml.Node, path string) Policies {
	return Policies{
		PauseBefore: r.policy(n, "pause-before", path, value.KindBool), WaitBefore: r.policy(n, "wait-before", path, value.KindInt),
		WaitAfter: r.policy(n, "wait-after", path, value.KindInt), FailOn: r.policy(n, "fail-on", path, value.KindBool),
		Retry: r.retry(field(n, "retry"), path+".retry"), Timeout: r.policy(n, "timeout", path, value.KindInt),
		Concurrency: r.policy(n, "concurrency", path, value.KindInt),
	}
}

func (r *reader) retry(n *yaml.Node, path string) *Retry {
	if n == nil {
		return nil
	}
	if s, ok := n.Value.(value.String); ok {
		d := r.inline(n, path, " "+string(s))
		n = &yaml.Node{Value: d, Line: n.Line, Col: n.Col}
		for k, v := range d.All() {
			n.Entries = append(n.Entries, yaml.Entry{Key: &yaml.Node{Value: k, Line: n.Line, Col: n.Col}, Node: &yaml.Node{Value: v, Line: n.Line, Col: n.Col}})
		}
	}
	if !r.mapping(n, path) {
		return nil
	}
	r.known(n, path, "count", "delay", "break-on", "continue-on")
	for _, name := range []string{"count", "delay"} {
		if field(n, name) == nil {
			r.fail(at(n), path, "retry", "", "Invalid DSL: '%s' is a required property", name)
		}
	}
	return &Retry{
		Count: r.policy(n, "count", path, value.KindInt), Delay: r.policy(n, "delay", path, value.KindInt),
		BreakOn: r.policy(n, "break-on", path, value.KindNull), ContinueOn: r.policy(n, "continue-on", path, value.KindNull),
	}
}

// clause reads an on-clause in any of its forms.
func (r *reader) clause(n *yaml.Node, path string) *Clause {
	if n == nil {
		return nil
	}
	c := &Clause{}
	advanced := field(n, "publish") != nil || field(n, "next") != nil
	switch {
	case n.Entries != nil && !advanced:
		r.report(SeverityWarning, at(n), path, "clause-mapping", "write a list: - "+textOf(n.Entries[0].Key)+": …",
			"a mapping here is not a condition: it never goes anywhere")
		return c
	case advanced:
		r.known(n, path, "publish", "next")
		c.Publish = r.publish(field(n, "publish"), path+".publish")
		if next := field(n, "next"); next != nil {
			c.Next = r.targets(next, path+".next", true)
		}
	default:
		c.Next = r.targets(n, path, false)
	}
	return c
}

func (r *reader) publish(n *yaml.Node, path string) *Publish {
	if n == nil || !r.mapping(n, path) {
		return nil
	}
	r.known(n, path, "branch", "global", "atomic")
	return &Publish{
		Branch: r.dict(field(n, "branch"), path+".branch"), Global: r.dict(field(n, "global"), path+".global"), Atomic: r.dict(field(n, "atomic"), path+".atomic"),
	}
}

// targets reads a text, a list, or (only as next) a mapping, whose condition Mistral drops.
func (r *reader) targets(n *yaml.Node, path string, next bool) []Target {
	switch {
	case n.Value.Kind() == value.KindString:
		if t, ok := r.target(n, textOf(n), nil, path); ok {
			return []Target{t}
		}
	case n.Value.Kind() == value.KindList && len(n.Items) > 0:
		var out []Target
		for _, item := range n.Items {
			if len(item.Entries) == 1 {
				if t, ok := r.target(item.Entries[0].Key, textOf(item.Entries[0].Key), item.Entries[0].Node, path); ok {
					out = append(out, t)
				}
				continue
			}
			if t, ok := r.target(item, textOf(item), nil, path); ok && item.Value.Kind() == value.KindString {
				out = append(out, t)
			}
		}
		return out
	case next && len(n.Entries) == 1:
		r.report(SeverityWarning, at(n), path, "dropped-condition", "write a list: - "+textOf(n.Entries[0].Key)+": …", "the condition of a mapping is ignored here")
		if t, ok := r.target(n.Entries[0].Key, textOf(n.Entries[0].Key), nil, path); ok {
			return []Target{t}
		}
	default:
		r.fail(at(n), path, "clause", "", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(n.Value))
	}
	return nil
}

func (r *reader) target(n *yaml.Node, text string, condition *yaml.Node, path string) (Target, bool) {
	t := Target{Name: text, Pos: at(n)}
	if condition != nil {
		if s, ok := condition.Value.(value.String); !ok || !pureExpression.MatchString(string(s)) {
			r.fail(at(condition), path, "condition", "a condition is one expression: <% … %>", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(condition.Value))
			return t, false
		}
		t.Condition = r.tree(condition, path)
	}
	if m := paramTarget.FindStringSubmatch(text); m != nil {
		t.Name = m[1]
		if params := r.inline(n, path, " "+m[2]+m[3]); params.Len() > 0 {
			t.Params = expr.CompileLenient(params)
		}
		return t, true
	}
	if text == "" || strings.ContainsAny(text, " \t\n") {
		r.fail(at(n), path, "clause", "", "Invalid DSL: %s is not valid under any of the given schemas", value.Repr(value.String(text)))
		return t, false
	}
	return t, true
}

// unchecked reads a mapping whose expressions are only looked at when they are evaluated.
func (r *reader) unchecked(n *yaml.Node, path string) *expr.Tree {
	if n == nil || !r.mapping(n, path) {
		return nil
	}
	return expr.CompileLenient(n.Value)
}
