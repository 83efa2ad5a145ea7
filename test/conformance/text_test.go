package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"

	"cierzo/expr/goldentest"
)

// Answers of REST as JSON: how they are masked, ordered and compared. The rules are the recorder's.

type object = map[string]any

var (
	idKeys = words("id workflow_id workflow_execution_id task_execution_id root_execution_id source_execution_id project_id " +
		"trust_id resource_id user_id")
	timeKeys = words("created_at updated_at started_at finished_at next_execution_time first_execution_time last_heartbeat")
)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// maskResource masks what REST answers: ids and times by their keys; JSON within a text is parsed.
func maskResource(v any, key string) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = maskResource(x, k)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = maskResource(x, "")
		}
		return out
	case nil:
		return nil
	case string:
		switch {
		case idKeys[key]:
			return "<id>"
		case timeKeys[key]:
			return "<time>"
		case v != "" && strings.Contains("{[", v[:1]) && key != "definition":
			if parsed, err := parseJSON([]byte(v)); err == nil {
				return goldentest.Mask(parsed)
			}
		}
		return goldentest.MaskText(v)
	}
	if idKeys[key] {
		return "<id>"
	}
	if timeKeys[key] {
		return "<time>"
	}
	return v
}

// parseJSON keeps numbers as they are written: 1 and 1.0 differ.
func parseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

// loads reads the JSON in a text; other texts stay.
func loads(v any) any {
	if s, ok := v.(string); ok {
		if parsed, err := parseJSON([]byte(s)); err == nil {
			return parsed
		}
	}
	return v
}

// dump is JSON as Python writes it with sorted keys; lists were ordered by it when the corpus was recorded.
func dump(v any) string {
	var b strings.Builder
	dumpTo(&b, v)
	return b.String()
}

func dumpTo(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		dumpText(b, v)
	case object:
		b.WriteByte('{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b.WriteString(", ")
			}
			dumpText(b, k)
			b.WriteString(": ")
			dumpTo(b, v[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			dumpTo(b, x)
		}
		b.WriteByte(']')
	default: // bool, json.Number, int
		fmt.Fprint(b, v)
	}
}

func dumpText(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		case r < ' ' || r > '~':
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sortByDump(list []any) []any {
	sort.SliceStable(list, func(i, j int) bool { return dump(list[i]) < dump(list[j]) })
	return list
}

// differences are the paths at which two answers differ; "#len" ends that of lists of different lengths.
func differences(a, b any, path string) []string {
	switch x := a.(type) {
	case object:
		y, ok := b.(object)
		if !ok {
			return []string{orRoot(path)}
		}
		both := map[string]bool{}
		for k := range x {
			both[k] = true
		}
		for k := range y {
			both[k] = true
		}
		var out []string
		for _, k := range sortedKeys(both) {
			v, inA := x[k]
			w, inB := y[k]
			if !inA || !inB {
				out = append(out, path+"/"+k)
			} else {
				out = append(out, differences(v, w, path+"/"+k)...)
			}
		}
		return out
	case []any:
		y, ok := b.([]any)
		switch {
		case !ok:
			return []string{orRoot(path)}
		case len(x) != len(y):
			return []string{path + "#len"}
		}
		var out []string
		for i := range x {
			out = append(out, differences(x[i], y[i], fmt.Sprintf("%s/%d", path, i))...)
		}
		return out
	}
	if dump(a) != dump(b) {
		return []string{orRoot(path)}
	}
	return nil
}

func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// at is what is at a path of differences; for "#len" the length.
func at(v any, path string) any {
	list, length := strings.CutSuffix(path, "#len")
	for part := range strings.SplitSeq(strings.TrimPrefix(list, "/"), "/") {
		switch x := v.(type) {
		case object:
			got, ok := x[part]
			if !ok {
				return "<absent>"
			}
			v = got
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return "<absent>"
			}
			v = x[i]
		default:
			return "<absent>"
		}
	}
	if items, ok := v.([]any); ok && length {
		return json.Number(fmt.Sprint(len(items)))
	}
	return v
}

// forgive leaves out what Mistral itself could not answer: there any answer will do.
func forgive(want, got any) (any, any) {
	switch w := want.(type) {
	case object:
		g, ok := got.(object)
		if !ok {
			break
		}
		_, failed := w["rest_error"]
		a, b := object{}, object{}
		for k, v := range w {
			if !failed || k != "rest_error" && k != "published_global" {
				a[k] = v
			}
		}
		for k, v := range g {
			if !failed || k != "rest_error" && k != "published_global" && k != "result" {
				b[k] = v
			}
		}
		for k := range a {
			if v, ok := b[k]; ok {
				a[k], b[k] = forgive(a[k], v)
			}
		}
		return a, b
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) != len(g) {
			break
		}
		a, b := make([]any, len(w)), make([]any, len(g))
		for i := range w {
			a[i], b[i] = forgive(w[i], g[i])
		}
		return a, b
	}
	return want, got
}
