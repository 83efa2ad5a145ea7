package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/jmespath/go-jmespath"
	"go.yaml.in/yaml/v3"

	"cierzo/fault"
)

// structured names the fields that travel as JSON inside a text. Here they are what they mean, so that --query gets into them.
func structured(field string) bool {
	switch field {
	case "input", "output", "params", "published", "published_global", "result", "runtime_context", "variables", "workflow_input",
		"workflow_params", "interface", "env":
		return true
	}
	return false
}

// objectOf gives a thing the form of its JSON object, with JSON inside of texts unfolded.
func objectOf(item any) (map[string]any, error) {
	raw, err := json.Marshal(item)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	v, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("encode the result: %T is no object", v)
	}
	unfold(o)
	return o, nil
}

func unfold(o map[string]any) {
	for k, v := range o {
		text, ok := v.(string)
		if !ok || !structured(k) {
			continue
		}
		// A workflow's input is a list of names and not JSON: it stays.
		if inner, err := decode([]byte(text)); err == nil {
			o[k] = inner
		}
	}
}

func objectsOf(items any) ([]map[string]any, error) {
	list := reflect.ValueOf(items)
	if list.Kind() != reflect.Slice {
		return nil, fmt.Errorf("encode the result: %T is no list", items)
	}
	out := make([]map[string]any, 0, list.Len())
	for i := range list.Len() {
		o, err := objectOf(list.Index(i).Interface())
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// decode reads JSON with numbers as they are written.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

func compact(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimRight(b.String(), "\n"), err
}

// numbers replaces numbers as they are written by Go's: JMESPath compares those only. Whole numbers are exact up to 2⁵³.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = numbers(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = numbers(x)
		}
		return out
	}
	return v
}

func checkQuery(expression string) error {
	_, err := jmespath.Compile(expression)
	if err == nil {
		return nil
	}
	text := err.Error()
	// The library's word for its own kind of error says nothing to users.
	text = strings.TrimPrefix(text, "SyntaxError: ")
	return fault.New(fault.Invalid, "--query %s: %s (it is JMESPath, see https://jmespath.org)", expression, text)
}

func search(expression string, v any) (any, error) {
	out, err := jmespath.Search(expression, numbers(v))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "--query %s", expression)
	}
	return whole(out), nil
}

// whole gives whole numbers their short form back: 5, not 5e+00.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case map[string]any:
		for k, x := range v {
			v[k] = whole(x)
		}
	case []any:
		for i, x := range v {
			v[i] = whole(x)
		}
	}
	return v
}

// writeYAML writes a value as YAML; texts of several lines are blocks.
func writeYAML(w io.Writer, v any) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(whole(exact(v))); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	return enc.Close()
}

// exact replaces numbers as they are written by Go's where nothing is lost.
func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return f
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: v.String()}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = exact(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = exact(x)
		}
		return out
	}
	return v
}
