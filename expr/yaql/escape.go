package yaql

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/runenames"
)

// unescape decodes Python's escapes in a quoted text. What is no escape stays as it is, backslash included.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		size, err := escape(&b, s[i:])
		if err != nil {
			return "", err
		}
		if size == 0 { // unknown: the backslash and what follows stay
			_, n := utf8.DecodeRuneInString(s[i+1:])
			size = 1 + n
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String(), nil
}

// escape decodes the escape at the start of s and gives its size; 0: it is none.
func escape(b *strings.Builder, s string) (int, error) {
	const short, meaning = `\'"abfnrtv`, "\\'\"\a\b\f\n\r\t\v"
	c := s[1]
	if i := strings.IndexByte(short, c); i >= 0 {
		b.WriteByte(meaning[i])
		return 2, nil
	}
	switch {
	case c >= '0' && c <= '7':
		n := 1
		for n < 3 && 1+n < len(s) && s[1+n] >= '0' && s[1+n] <= '7' {
			n++
		}
		code, _ := strconv.ParseUint(s[1:1+n], 8, 32)
		b.WriteRune(rune(code))
		return 1 + n, nil
	case c == 'x':
		return hexEscape(b, s, 2)
	case c == 'u':
		return hexEscape(b, s, 4)
	case c == 'U':
		return hexEscape(b, s, 8)
	case c == 'N' && len(s) > 3 && s[2] == '{':
		end := strings.IndexByte(s, '}')
		if end < 4 {
			return 0, nil
		}
		r, ok := runeNamed(s[3:end])
		if !ok {
			return 0, fail(classUnicode, "'unicodeescape' codec can't decode bytes in position 0-%d: unknown Unicode character name", end)
		}
		b.WriteRune(r)
		return end + 1, nil
	}
	return 0, nil
}

func hexEscape(b *strings.Builder, s string, digits int) (int, error) {
	n := 0 // the pattern that finds escapes counts characters of any sort
	size := 2
	for n < digits && size < len(s) {
		_, w := utf8.DecodeRuneInString(s[size:])
		size += w
		n++
	}
	if n < digits {
		return 0, nil
	}
	code, err := strconv.ParseUint(s[2:size], 16, 32)
	if err != nil {
		return 0, fail(classUnicode, "'unicodeescape' codec can't decode bytes in position 0-%d: truncated \\%cXX escape", size-2, s[1])
	}
	if code > unicode.MaxRune {
		return 0, fail(classUnicode, "'unicodeescape' codec can't decode bytes in position 0-%d: illegal Unicode character", size-1)
	}
	b.WriteRune(rune(code))
	return size, nil
}

// runeNamed finds a character by its Unicode name.
func runeNamed(name string) (rune, bool) {
	name = strings.ToUpper(name)
	for r := rune(0x20); r < 0x30000; r++ {
		if runenames.Name(r) == name {
			return r, true
		}
	}
	return 0, false
}
