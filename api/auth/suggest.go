package auth

import (
	"slices"
	"unicode/utf8"

	"cierzo/internal/suggest"
)

// clip keeps what somebody sent from filling messages.
func clip(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}

// didYouMean is a hint with the name that was probably meant; "" when none is near. Of a name that is as short as its
// distance nothing is left: "or" isn't meant by "foo".
func didYouMean(wrong string, names []string) string {
	return suggest.Hint(wrong, slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return suggest.Distance(wrong, n, len(n)) >= len(n)
	}))
}
