// Package traceparent reads the header of W3C Trace Context (https://www.w3.org/TR/trace-context/), by which the parts of a
// distributed system say that what they do belongs together.
package traceparent

import "strings"

// Header is its name.
const Header = "Traceparent"

// bytesMax bounds the header of a version that isn't known yet and may have more to say.
const bytesMax = 256

// Valid reports whether a text is such a header: version, trace, parent and flags, in lower-case hexadecimal digits, as
// "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01". Later versions may say more behind them.
func Valid(text string) bool {
	if len(text) > bytesMax {
		return false
	}
	parts := strings.Split(text, "-")
	if len(parts) < 4 || parts[0] == "00" && len(parts) > 4 || parts[0] == "ff" {
		return false
	}
	for i, digits := range []int{2, 32, 16, 2} {
		if len(parts[i]) != digits || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return false
		}
	}
	for _, more := range parts[4:] {
		if strings.ContainsFunc(more, func(r rune) bool { return r < '!' || r > '~' }) {
			return false
		}
	}
	return strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}
