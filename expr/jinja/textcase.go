package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"

	"cierzo/expr/value"
)

// Python's functions over texts that Go's standard library has otherwise.

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func titleRune(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	if u := value.Upper(s); utf8.RuneCountInString(u) > 1 && unicode.ToTitle(r) == r {
		head, size := utf8.DecodeRuneInString(u)
		return string(head) + value.Lower(u[size:])
	}
	return string(unicode.ToTitle(r))
}

// capitalize is str.capitalize.
func capitalize(s string) string {
	if s == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(s)
	low := value.Lower(s)
	_, lowSize := utf8.DecodeRuneInString(low)
	return titleRune(s[:size]) + low[lowSize:]
}

// lowerAt is the small form of the character r at i, which for a sigma depends on what is around it: at the end of a word
// it is another letter.
func lowerAt(s string, i int, r rune) string {
	if r != 'Σ' {
		return value.Lower(string(r))
	}
	before := strings.TrimRightFunc(s[:i], isCaseless)
	after := strings.TrimLeftFunc(s[i+utf8.RuneLen(r):], isCaseless)
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	if isCased(last) && (after == "" || !isCased(next)) {
		return "ς"
	}
	return "σ"
}

// isCaseless finds the characters that don't part a letter from its word: accents, formats, apostrophes.
func isCaseless(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:^`\u00b7\u2019", r)
}

// isCased reports whether a letter has case.
func isCased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) || unicode.Is(unicode.Other_Lowercase, r) || unicode.Is(unicode.Other_Uppercase, r)
}

// titleWords is str.title: a capital behind everything that isn't a cased letter.
func titleWords(s string) string {
	var b strings.Builder
	before := false
	for i, r := range s {
		if before {
			b.WriteString(lowerAt(s, i, r))
		} else {
			b.WriteString(titleRune(string(r)))
		}
		before = isCased(r)
	}
	return b.String()
}

// isLower is str.islower: cased letters are there, and all are small.
func isLower(s string) bool {
	found := false
	for _, r := range s {
		if unicode.IsUpper(r) || unicode.IsTitle(r) {
			return false
		}
		found = found || isCased(r)
	}
	return found
}

func isUpper(s string) bool {
	found := false
	for _, r := range s {
		if unicode.IsLower(r) || unicode.IsTitle(r) || unicode.Is(unicode.Other_Lowercase, r) {
			return false
		}
		found = found || isCased(r)
	}
	return found
}

func isTitle(s string) bool {
	before, found := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if before {
				return false
			}
			before, found = true, true
		case isCased(r):
			if !before {
				return false
			}
			found = true
		default:
			before = false
		}
	}
	return found
}

// all reports whether a text isn't empty and all its characters are of a kind.
func all(s string, ok func(rune) bool) bool {
	for _, r := range s {
		if !ok(r) {
			return false
		}
	}
	return s != ""
}

func isDigitRune(r rune) bool {
	return unicode.IsDigit(r) || isSuperscript(r)
}

// isSuperscript finds the characters that str.isdigit takes for digits though they are no decimal ones.
func isSuperscript(r rune) bool {
	switch {
	case r == 0xb2 || r == 0xb3 || r == 0xb9, r == 0x2070, r >= 0x2074 && r <= 0x2079, r >= 0x2080 && r <= 0x2089:
		return true
	case r >= 0x2460 && r <= 0x2468, r >= 0x2474 && r <= 0x247c, r >= 0x2488 && r <= 0x2490, r == 0x24ea, r >= 0x24f5 && r <= 0x24fd, r == 0x24ff:
		return true
	case r >= 0x2776 && r <= 0x277e, r >= 0x2780 && r <= 0x2788, r >= 0x278a && r <= 0x2792:
		return true
	}
	return false
}

func isAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func swapCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lowerAt(s, i, r))
		case unicode.IsLower(r):
			b.WriteString(value.Upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// casefold is str.casefold.
func casefold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Fold().String(s)
}

// splitLines is str.splitlines.
func splitLines(s string, keep bool) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isLineEnd(r) {
			i += size
			continue
		}
		end := i
		i += size
		if r == '\r' && i < len(s) && s[i] == '\n' {
			i++
		}
		if keep {
			end = i
		}
		out = append(out, s[start:end])
		start = i
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// trimChars takes characters of a set off the ends.
func trimChars(s, chars string, left, right bool) string {
	in := func(r rune) bool { return strings.ContainsRune(chars, r) }
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

// alignment says where a padded text stands.
type alignment uint8

const (
	alignLeft alignment = iota
	alignRight
	alignCenter
)

// pad fills a text up to a width, which is taken from the budget first.
func (r *run) pad(s string, width int, fill rune, align alignment) (string, error) {
	n := width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s, nil
	}
	if n > maxInt/8 {
		return "", r.make(maxInt)
	}
	if err := r.make(len(s) + n*utf8.RuneLen(fill)); err != nil {
		return "", err
	}
	left := 0
	switch align {
	case alignLeft:
	case alignRight:
		left = n
	case alignCenter:
		left = n/2 + n&width&1
	}
	f := string(fill)
	return strings.Repeat(f, left) + s + strings.Repeat(f, n-left), nil
}
