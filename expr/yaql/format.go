package yaql

import "cierzo/expr/value"

// formatText is str.format, which Mistral 15 had.
func formatText(a *args) (value.Value, error) {
	return nil, noMatch("format")
}
