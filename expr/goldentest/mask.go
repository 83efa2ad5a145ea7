package goldentest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What differs from run to run is masked in the recorded workflows: ids, times, addresses. The rules are the recorder's.

var (
	uuidText     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	timeText     = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?`)
	addressText  = regexp.MustCompile(`0x[0-9a-f]{6,}`)
	elapsedText  = regexp.MustCompile(`('elapsed'|"elapsed"): [0-9.e-]+`)
	indexText    = regexp.MustCompile(`idx=\d+`)
	setText      = regexp.MustCompile(`\{('[^'{}:]*'(?:, '[^'{}:]*')+)\}`)
	hostPortText = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	errorWords   = regexp.MustCompile(`Failed|error|Error|exception`)
)

// MaskText masks a text.
func MaskText(s string) string {
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

// Mask masks the texts and keys in JSON, as encoding/json reads it.
func Mask(v any) any {
	switch v := v.(type) {
	case string:
		return MaskText(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = Mask(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if n, ok := x.(json.Number); ok && k == "elapsed" && strings.ContainsAny(string(n), ".e") {
				x = json.Number("0")
			}
			out[MaskText(k)] = Mask(x)
		}
		return out
	}
	return v
}

// Semantic leaves the free texts out of JSON: two answers that differ in them only say the same.
func Semantic(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if k != "error" && k != "error_where" && k != "state_info_text" {
				out[k] = Semantic(x)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = Semantic(x)
		}
		return out
	case string:
		if utf8.RuneCountInString(v) > 40 && errorWords.MatchString(v) {
			return "<error text>"
		}
	}
	return v
}
