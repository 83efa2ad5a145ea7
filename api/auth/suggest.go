package auth

import (
	"fmt"
	"unicode/utf8"
)

// clip keeps what somebody sent from filling messages.
func clip(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}

// didYouMean is a hint with the name that was probably meant; "" when none is near.
func didYouMean(wrong string, names []string) string {
	best, bestDistance := "", 3
	for _, n := range names {
		if d := editDistance(wrong, n); d < bestDistance && d < len(n) {
			best, bestDistance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance is Levenshtein's, over bytes: names here are ASCII. Words that are far from each other aren't compared.
func editDistance(a, b string) int {
	if max(len(a), len(b))-min(len(a), len(b)) > 3 {
		return max(len(a), len(b))
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
