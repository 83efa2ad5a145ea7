package dsl

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

// task reads one task, in Mistral's order: schema, name, expressions, with-items, policies, clauses.
func (r *reader) task(w *Workflow, e yaml.Entry, path string) *Task {
	n, name := e.Node, textOf(e.Key)
	t := &Task{Name: name, Pos: at(e.Key), Spec: injected(n, "type", w.Type, "name", name, "version", specVersion), KeepResult: true}
	s := r.grammar.direct
	if w.Type == Reverse {
		s = r.grammar.reverse
	}
	if len(n.Entries) > 0 { // the schema of the workflow has refused an empty one, unless it doesn't look at its name
		r.check(s, n, t.Spec, path, "type", "name", "version")
	} else if !wordForm.MatchString(name) {
		r.fail(n, path, "minProperties", "", "Invalid DSL: {} does not have enough properties")
	}
	if utf8.RuneCountInString(name) > nameMax {
		r.fail(e.Key, path, "name", "", "The length of a '%s' task name must not exceed %d symbols", name, nameMax)
	}
	r.taskCall(t, n, path)
	for _, name := range []string{"input", "publish", "publish-on-error", "publish-on-skip"} {
		r.expressions(n.Field(name), path+"."+name)
	}
	r.flagExpression(n, "keep-result", path)
	r.flagExpression(n, "safe-rerun", path)
	r.withItems(t, n.Field("with-items"), path+".with-items")
	t.Policies = r.policies(n, path)
	t.Description, t.Tags = stringOf(n.Field("description")), stringsOf(n.Field("tags"))
	t.Publish, t.PublishOnError, t.PublishOnSkip = dict(n.Field("publish")), dict(n.Field("publish-on-error")), dict(n.Field("publish-on-skip"))
	if target := n.Field("target"); stringOf(target) != "" {
		t.Target = expr.ParseLenient(stringOf(target))
		r.deepExpressions(target, path+".target")
	}
	if keep := switchOf(n.Field("keep-result")); keep != nil {
		t.KeepResult = *keep
	}
	t.SafeRerun = switchOf(n.Field("safe-rerun"))
	if w.Type == Reverse {
		t.Requires = stringsOf(n.Field("requires"))
	} else {
		r.direct(t, e, path)
	}
	r.taskTraps(w, t, n, path)
	return t
}

// direct reads what only tasks of direct workflows have.
func (r *reader) direct(t *Task, e yaml.Entry, path string) {
	n := e.Node
	t.Join = join(n.Field("join"))
	t.OnComplete = r.clause(n, "on-complete", path)
	t.OnSuccess = r.clause(n, "on-success", path)
	t.OnError = r.clause(n, "on-error", path)
	t.OnSkip = r.clause(n, "on-skip", path)
	r.transitions(n, path)
	if t.Join.IsJoin() && utf8.RuneCountInString(t.Name) > joinNameMax {
		r.fail(e.Key, path, "name", "", "The length of a '%s' join task name must not exceed %d symbols", t.Name, joinNameMax)
	}
}

func (r *reader) taskCall(t *Task, n *yaml.Node, path string) {
	input := n.Field("input")
	if action := n.Field("action"); stringOf(action) != "" {
		t.Action = r.call(action, path+".action")
	}
	if workflow := n.Field("workflow"); stringOf(workflow) != "" {
		t.Workflow = r.call(workflow, path+".workflow")
	}
	call := t.Action
	if call == nil {
		call = t.Workflow
	}
	switch {
	case input == nil:
	case stringOf(input) != "":
		t.Input, t.InputIsExpr = tree(input), true
		if call != nil && call.Params != nil {
			r.fail(input, path+".input", "input-twice", "write the parameters only under input, or only inline", "input is one expression, and there are inline parameters, too")
		}
	default:
		t.Input = dict(input)
		r.inlineAndInput(call, input, path)
	}
}

// inlineAndInput warns of a parameter that is there twice.
func (r *reader) inlineAndInput(call *Call, input *yaml.Node, path string) {
	if call == nil || call.Params == nil {
		return
	}
	for _, k := range call.Params.Keys() {
		if n := input.Field(value.Str(k)); n != nil {
			r.warn(n, path+".input."+value.Str(k), "parameter-twice", "write it only once", "%s is inline, too; the one under input wins", value.Str(k))
		}
	}
}

// taskTraps warns of what Mistral accepts and doesn't do.
func (r *reader) taskTraps(w *Workflow, t *Task, n *yaml.Node, path string) {
	for _, name := range []string{"name", "version", "type"} {
		if a := n.Field(name); a != nil {
			r.warn(a, path+"."+name, "overwritten-attribute", "remove it", "%s of a task is overwritten by Mistral", name)
		}
	}
	for _, p := range []struct {
		name      string
		inherited bool
	}{
		{"wait-before", w.Defaults.WaitBefore != nil},
		{"wait-after", w.Defaults.WaitAfter != nil},
		{"timeout", w.Defaults.Timeout != nil},
		{"pause-before", w.Defaults.PauseBefore != nil},
		{"concurrency", w.Defaults.Concurrency != nil},
		{"fail-on", w.Defaults.FailOn != nil},
	} {
		if own := n.Field(p.name); own != nil && p.inherited && !value.Truthy(own.Value) {
			r.warn(own, path+"."+p.name, "falsy-override", "use an expression: <% "+value.Str(own.Value)+" %>", "%s counts as absent: the task gets the one of task-defaults", value.Repr(own.Value))
		}
	}
	if j := n.Field("join"); j != nil && !t.Join.IsJoin() && isType(j.Value, "integer") {
		r.warn(j, path+".join", "join-zero", "remove it, or write all", "join: 0 is no join")
	}
	if c := n.Field("concurrency"); c != nil && len(t.WithItems) == 0 && n.Field("with-items") == nil {
		r.warn(c, path+".concurrency", "unused-concurrency", "", "concurrency without with-items has no effect")
	}
}

// switchOf reads what Mistral never evaluates: any text is true.
func switchOf(n *yaml.Node) *bool {
	if n == nil {
		return nil
	}
	b := value.Truthy(n.Value)
	return &b
}

func (r *reader) flagExpression(n *yaml.Node, name, path string) {
	f := n.Field(name)
	if f == nil {
		return
	}
	r.expressions(f, path+"."+name)
	if stringOf(f) != "" {
		r.warn(f, path+"."+name, "unevaluated-expression", "write true or false", "%s is never evaluated: any text counts as true", name)
	}
}

func join(n *yaml.Node) Join {
	if n == nil {
		return Join{}
	}
	switch v := n.Value.(type) {
	case value.String:
		if v == "one" {
			return Join{Count: 1}
		}
		return Join{All: v == "all"}
	case value.Int:
		return Join{Count: int(max(v, 0))}
	case value.Float:
		return Join{Count: int(max(v, 0))}
	}
	return Join{}
}

var itemForm = regexp.MustCompile(`^\s*([\pL\pN_-]+)\s*in\s*(\[.+\]|<%.*?%>|\{\{.*?\}\})`)

func (r *reader) withItems(t *Task, n *yaml.Node, path string) {
	if n == nil {
		return
	}
	items := n.Items
	if stringOf(n) != "" {
		items = []*yaml.Node{n}
	}
	for _, item := range items {
		text := stringOf(item)
		m := itemForm.FindStringSubmatch(text)
		if m == nil {
			d := r.fail(item, path, "with-items", itemHint(text), "Wrong format of 'with-items' property. Please use format 'var in {[some, list] | <%% $.array %%> }")
			d.mistral = d.Message + ": " + value.Repr(t.Spec)
			continue
		}
		if rest := strings.TrimSpace(text[len(m[0]):]); rest != "" {
			r.warn(item, path, "ignored-text", "remove it", "%q behind the list is ignored", rest)
		}
		at := &yaml.Node{Value: value.String(m[2]), Line: item.Line, Col: item.Col, EndLine: item.EndLine, EndCol: item.EndCol}
		r.expressions(at, path)
		var list value.Value = value.String(m[2])
		if m[2][0] == '[' {
			v, err := value.ParseJSON([]byte(m[2]))
			if err != nil {
				d := r.fail(item, path, "with-items", "texts in the list need double quotes", "Invalid array in 'with-items' clause: %s", m[2])
				d.mistral = d.Message + ", error: " + pythonJSONError(m[2], err)
				continue
			}
			list = v
		}
		t.WithItems = append(t.WithItems, WithItem{m[1], expr.CompileLenient(list)})
	}
}

func itemHint(text string) string {
	if strings.HasSuffix(strings.TrimSpace(text), "[]") {
		return "an empty list has to be an expression: <% [] %>"
	}
	return "write: x in <% $.list %>"
}

// pythonJSONError is the text of Python's error for a JSON text of one line.
func pythonJSONError(text string, err error) string {
	var bad *json.SyntaxError
	if !errors.As(err, &bad) {
		return err.Error()
	}
	return jsonErrorAt(text)
}

// jsonErrorAt finds the first place where Python finds no value, comma or quote.
func jsonErrorAt(text string) string {
	p := &jsonProbe{text: []rune(text)}
	p.value()
	if p.problem == "" && p.at < len(p.text) {
		p.stop("Extra data")
	}
	return p.problem
}

// policies reads the policies of a task or of task-defaults; the schema has seen them. Falsy ones aren't looked at.
func (r *reader) policies(n *yaml.Node, path string) Policies {
	policy := func(name string, typ string) *expr.Tree {
		p := n.Field(name)
		if p == nil || !isType(p.Value, typ) && stringOf(p) == "" {
			return nil
		}
		r.expressions(p, path+"."+name)
		return tree(p)
	}
	p := Policies{
		WaitBefore: policy("wait-before", "integer"), WaitAfter: policy("wait-after", "integer"), Timeout: policy("timeout", "integer"),
		PauseBefore: policy("pause-before", "boolean"), Concurrency: policy("concurrency", "integer"), FailOn: policy("fail-on", "boolean"),
	}
	p.Retry = r.retry(n.Field("retry"), path+".retry")
	return p
}

func (r *reader) retry(n *yaml.Node, path string) *Retry {
	if n == nil {
		return nil
	}
	if text := stringOf(n); text != "" {
		if n = r.inlineNode(n, path); !r.check(r.grammar.retry, n, nil, path) {
			return nil
		}
	}
	if !isType(n.Value, "object") {
		return nil
	}
	for _, name := range []string{"count", "delay", "break-on", "continue-on"} {
		r.expressions(n.Field(name), path+"."+name)
	}
	return &Retry{Count: tree(n.Field("count")), Delay: tree(n.Field("delay")), BreakOn: tree(n.Field("break-on")), ContinueOn: tree(n.Field("continue-on"))}
}
