// Package suggest finds the name that a mistyped one was probably meant to be.
package suggest

import (
	"fmt"
	"strings"
)

// mistakesMax is how many mistakes a word may have for Hint.
const mistakesMax = 2

// Hint is `did you mean "name"?` with the name that is nearest to word, at most two mistakes away; "" if none is.
func Hint(word string, names []string) string { return Say(Nearest(word, names, mistakesMax)) }

// Say is `did you mean "name"?`; "" if name is "".
func Say(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", name)
}

// Nearest is the first of those names that are the fewest mistakes away from word; "" if none is at most most away.
func Nearest(word string, names []string, most int) string {
	return nearest(word, names, most, func(s string) string { return s })
}

// NearestFold is Nearest for names whose case doesn't matter.
func NearestFold(word string, names []string, most int) string {
	return nearest(word, names, most, strings.ToLower)
}

func nearest(word string, names []string, most int, fold func(string) string) string {
	best := ""
	from := []rune(fold(word))
	for _, n := range names {
		if d := distance(from, []rune(fold(n)), most); d <= most {
			best, most = n, d-1
		}
	}
	return best
}

// Distance is Levenshtein's: how many characters to insert, delete or replace make a to b. Beyond most it is only sure to
// be more than most.
func Distance(a, b string, most int) int { return distance([]rune(a), []rune(b), most) }

func distance(a, b []rune, most int) int {
	if max(len(a), len(b))-min(len(a), len(b)) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
