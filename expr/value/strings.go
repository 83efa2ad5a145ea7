package value

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// The functions here are methods of Python's str; lengths and positions count code points.

// IsSpace reports whether Python's str.isspace holds: the separators of information count as well.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// Upper is str.upper with the full mapping of Unicode: ß becomes SS.
func Upper(s string) string {
	if ascii(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

// Lower is str.lower with the full mapping of Unicode: Σ at the end of a word becomes ς.
func Lower(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Length is len(s).
func Length(s string) int {
	if ascii(s) {
		return len(s)
	}
	return utf8.RuneCountInString(s)
}

// Slice is s[start:end]: negative positions count from the end, what is out of range is cut off.
func Slice(s string, start, end int) string {
	n := Length(s)
	start, end = SliceBounds(start, end, n)
	if n == len(s) {
		return s[start:end]
	}
	return string([]rune(s)[start:end])
}

// SliceBounds makes positions of [start:end] in a sequence of n items: 0 ≤ start ≤ end ≤ n.
func SliceBounds(start, end, n int) (from, to int) {
	from, to = clampIndex(start, n), clampIndex(end, n)
	return from, max(from, to)
}

func clampIndex(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// Find is s.find(sub, start, end), or s.rfind with last: a position, or -1.
func Find(s, sub string, start, end int, last bool) int {
	n := Length(s)
	if start > n {
		return -1
	}
	from, to := clampIndex(start, n), clampIndex(end, n)
	if from > to {
		return -1
	}
	part := Slice(s, from, to)
	i := strings.Index(part, sub)
	if last {
		i = strings.LastIndex(part, sub)
	}
	if i < 0 {
		return -1
	}
	return from + Length(part[:i])
}

// Split is s.split(separator, splitsMax): without a separator the parts between white space. A negative splitsMax is no
// bound. The separator is not empty.
func Split(s string, separator *string, splitsMax int) []string {
	if separator != nil {
		if splitsMax < 0 {
			return strings.Split(s, *separator)
		}
		return strings.SplitN(s, *separator, splitsMax+1)
	}
	parts := []string{}
	s = strings.TrimLeftFunc(s, IsSpace)
	for s != "" {
		end := strings.IndexFunc(s, IsSpace)
		if end < 0 || splitsMax >= 0 && len(parts) >= splitsMax {
			end = len(s)
		}
		parts = append(parts, s[:end])
		s = strings.TrimLeftFunc(s[end:], IsSpace)
	}
	return parts
}

// RightSplit is s.rsplit(separator, splitsMax); see Split.
func RightSplit(s string, separator *string, splitsMax int) []string {
	parts := []string{}
	if separator != nil {
		for splitsMax < 0 || len(parts) < splitsMax {
			i := strings.LastIndex(s, *separator)
			if i < 0 {
				break
			}
			parts = append(parts, s[i+len(*separator):])
			s = s[:i]
		}
		return reversed(append(parts, s))
	}
	s = strings.TrimRightFunc(s, IsSpace)
	for s != "" {
		start := strings.LastIndexFunc(s, IsSpace)
		if start < 0 || splitsMax >= 0 && len(parts) >= splitsMax {
			parts = append(parts, s)
			break
		}
		_, size := utf8.DecodeRuneInString(s[start:])
		parts = append(parts, s[start+size:])
		s = strings.TrimRightFunc(s[:start], IsSpace)
	}
	return reversed(parts)
}

func reversed(parts []string) []string {
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return parts
}
