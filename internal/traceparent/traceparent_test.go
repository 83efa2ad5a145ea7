package traceparent_test

import (
	"strings"
	"testing"

	"cierzo/internal/traceparent"
)

func TestValid(t *testing.T) {
	t.Parallel()
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for text, want := range map[string]bool{
		"00-" + trace + "-" + parent + "-01":                             true,
		"00-" + trace + "-" + parent + "-00":                             true,
		"cc-" + trace + "-" + parent + "-01-what-comes":                  true, // of a later version
		"00-" + trace + "-" + parent + "-01-more":                        false,
		"cc-" + trace + "-" + parent + "-01-what\ncomes":                 false,
		"cc-" + trace + "-" + parent + "-01-" + strings.Repeat("x", 300): false,
		"ff-" + trace + "-" + parent + "-01":                             false,
		"0-" + trace + "-" + parent + "-01":                              false,
		"00-" + strings.ToUpper(trace) + "-" + parent + "-01":            false,
		"00-" + strings.Repeat("0", 32) + "-" + parent + "-01":           false,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01":            false,
		"00-" + trace[1:] + "-" + parent + "-01":                         false,
		"00-" + trace + "-" + parent:                                     false,
		"00-" + trace[1:] + "ż-" + parent + "-01":                        false,
		"": false,
	} {
		if got := traceparent.Valid(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
