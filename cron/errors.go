package cron

import (
	"fmt"
	"strings"

	"cierzo/internal/suggest"
)

// Error says what is wrong with a pattern, and where.
type Error struct {
	Pattern string
	// Field is the field's name, "" if the pattern as a whole is meant.
	Field string
	// Number counts the fields from 1, Column the characters.
	Number, Column int
	// Reason is what is wrong, with the allowed range; Hint is what to write instead, or "".
	Reason, Hint string
}

// Error gives all of it in a line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cron pattern %q: ", clip(e.Pattern))
	if e.Field != "" {
		fmt.Fprintf(&b, "%s (field %d, column %d): ", e.Field, e.Number, e.Column)
	}
	b.WriteString(e.Reason)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// clip keeps what a user sent from filling logs.
func clip(text string) string {
	const most = 120
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// nearest is the word among words that a mistyped one was probably meant to be, or "". A longer form of it is near: monday.
func nearest(wrong string, words []string) string {
	for _, w := range words {
		if len(wrong) > len(w) && strings.HasPrefix(wrong, w) {
			return w
		}
	}
	return suggest.Nearest(wrong, words, 1)
}
