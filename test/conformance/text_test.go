package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What differs from run to run is masked: ids, times, addresses. The rules are the recorder's.

type object = map[string]any

var (
	idKeys = words("id workflow_id workflow_execution_id task_execution_id root_execution_id source_execution_id project_id " +
		"trust_id resource_id user_id")
	timeKeys = words("created_at updated_at started_at finished_at next_execution_time first_execution_time last_heartbeat")

	uuidText     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	timeText     = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?`)
	addressText  = regexp.MustCompile(`0x[0-9a-f]{6,}`)
	elapsedText  = regexp.MustCompile(`('elapsed'|"elapsed"): [0-9.e-]+`)
	indexText    = regexp.MustCompile(`idx=\d+`)
	setText      = regexp.MustCompile(`\{('[^'{}:]*'(?:, '[^'{}:]*')+)\}`)
	hostPortText = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

func maskText(s string) string {
	s = uuidText.ReplaceAllString(s, "<uuid>")
	s = timeText.ReplaceAllString(s, "<time>")
	s = addressText.ReplaceAllString(s, "<addr>")
	s = elapsedText.ReplaceAllString(s, "$1: 0")
	s = indexText.ReplaceAllString(s, "idx=<n>")
	s = setText.ReplaceAllStringFunc(s, func(set string) string {
		items := strings.Split(set[1:len(set)-1], ", ")
		slices.Sort(items)
		return "{" + strings.Join(items, ", ") + "}"
	})
	return hostPortText.ReplaceAllString(s, "<hostport>")
}

func mask(v any) any {
	switch v := v.(type) {
	case string:
		return maskText(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = mask(x)
		}
		return out
	case object:
		out := object{}
		for k, x := range v {
			if n, ok := x.(json.Number); ok && k == "elapsed" && strings.ContainsAny(string(n), ".e") {
				x = json.Number("0")
			}
			out[maskText(k)] = mask(x)
		}
		return out
	}
	return v
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
				return mask(parsed)
			}
		}
		return maskText(v)
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

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

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

var errorWords = regexp.MustCompile(`Failed|error|Error|exception`)

// semantic leaves free texts out of an answer.
func semantic(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			if k != "error" && k != "error_where" && k != "state_info_text" {
				out[k] = semantic(x)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = semantic(x)
		}
		return out
	case string:
		if utf8.RuneCountInString(v) > 40 && errorWords.MatchString(v) {
			return "<error text>"
		}
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
