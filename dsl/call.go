package dsl

import (
	"regexp"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

var (
	callName  = regexp.MustCompile(`^(?:[\pL\pN_.]+[^=(\s"]*|<%.*?%>|\{\{.*?\}\}|\{%.*?%\})`)
	callParam = regexp.MustCompile(`([-\pL\pN_]+)=("[^"]*"\s*|'[^']*'\s*|<%.*?%>|\{\{.*?\}\}|\[.*\]\s*|true|false|null|\d+)`)
)

// splitCall parts a name from the parameters behind it. Without a blank the whole text is the name. dropped is what is
// neither: Mistral drops it in silence. ok is false when no name can be found.
func splitCall(text string) (name string, params *value.Dict, dropped string, ok bool) {
	if !strings.Contains(text, " ") {
		return text, nil, "", true
	}
	name = callName.FindString(text)
	if name == "" {
		return "", nil, "", false
	}
	params = value.NewDict(4)
	var rest strings.Builder
	end := len(name)
	for _, m := range callParam.FindAllStringSubmatchIndex(text, -1) {
		params.SetString(text[m[2]:m[3]], inlineValue(strings.TrimSpace(text[m[4]:m[5]])))
		if m[0] > end {
			rest.WriteString(text[end:m[0]])
		}
		end = max(end, m[1])
	}
	rest.WriteString(text[end:])
	return name, params.Freeze(), strings.TrimSpace(rest.String()), true
}

// inlineValue is a text in quotes, or JSON, or an expression as it is.
func inlineValue(s string) value.Value {
	if q := s[0]; q == '"' || q == '\'' {
		return value.String(s[1 : len(s)-1])
	}
	if v, err := value.ParseJSON([]byte(s)); err == nil {
		return v
	}
	return value.String(s)
}

// call reads a name with inline parameters.
func (r *reader) call(n *yaml.Node, path string) *Call {
	text := stringOf(n)
	name, params, dropped, ok := splitCall(text)
	if !ok {
		r.fail(n, path, "call", "begin with the name", "Invalid action/workflow task property: %s", text)
		return nil
	}
	r.dropped(n, path, dropped)
	r.params(n, params, path)
	c := &Call{Name: expr.ParseLenient(name), Pos: at(n)}
	if _, err := expr.Parse(name); err != nil {
		r.warn(n, path, "unchecked-expression", "", "this will fail when it is evaluated: %v", err)
	}
	if params != nil && params.Len() > 0 {
		c.Params = expr.CompileLenient(params)
	}
	return c
}

func (r *reader) dropped(n *yaml.Node, path, text string) {
	if text != "" {
		r.warn(n, path, "dropped-parameter", "put texts into quotes; write objects and negative or fractional numbers under input", "%q is no parameter and is ignored", text)
	}
}

// params checks the expressions of inline parameters.
func (r *reader) params(n *yaml.Node, params *value.Dict, path string) {
	if params == nil {
		return
	}
	for k, v := range params.All() {
		r.expression(&yaml.Node{Value: v, Line: n.Line, Col: n.Col, EndLine: n.EndLine, EndCol: n.EndCol}, path+"."+value.Str(k), true)
	}
}

// inlineNode makes a mapping of a text of parameters, all of them where the text is.
func (r *reader) inlineNode(n *yaml.Node, path string) *yaml.Node {
	place := func(v value.Value) *yaml.Node {
		return &yaml.Node{Value: v, Line: n.Line, Col: n.Col, EndLine: n.EndLine, EndCol: n.EndCol}
	}
	name, params, dropped, ok := splitCall(stringOf(n))
	if !ok {
		r.fail(n, path, "call", "", "Invalid action/workflow task property: %s", stringOf(n))
	}
	if params == nil {
		params = value.NewDict(0)
	}
	// The first parameter's name was taken for the name of the whole.
	if dropped != "" && dropped != name {
		r.dropped(n, path, dropped)
	}
	out := place(params)
	for k, v := range params.All() {
		out.Entries = append(out.Entries, yaml.Entry{Key: place(k), Node: place(v)})
	}
	return out
}
