package input

import "cierzo/internal/suggest"

// Suggest is a hint with the name that word was probably meant to be, to put behind an error's text; or "".
func Suggest(word string, names []string) string {
	if hint := suggest.Hint(word, names); hint != "" {
		return "; " + hint
	}
	return ""
}
