package jinja

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// unescape reads the escapes of a text in quotes, as Python's unicode-escape does; problem is why it can't.
func unescape(s string) (text, problem string) {
	if !strings.Contains(s, `\`) {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		i++
		n, problem := unescapeOne(&b, s[i:])
		if problem != "" {
			return "", problem
		}
		i += n
	}
	return b.String(), ""
}

// unescapeOne writes what the escape at the beginning of s means; s is behind its backslash. It gives its length.
func unescapeOne(b *strings.Builder, s string) (n int, problem string) {
	if s == "" {
		return 0, `\ at end of string`
	}
	switch c := s[0]; c {
	case '\n':
		return 1, ""
	case '\\', '\'', '"':
		b.WriteByte(c)
	case 'a', 'b', 'f', 'n', 'r', 't', 'v':
		b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
	case 'x':
		return unescapeHex(b, s, 2, `truncated \xXX escape`)
	case 'u':
		return unescapeHex(b, s, 4, `truncated \uXXXX escape`)
	case 'U':
		return unescapeHex(b, s, 8, `truncated \UXXXXXXXX escape`)
	case 'N':
		return 0, `malformed \N character escape`
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n := 1
		for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		r, _ := strconv.ParseUint(s[:n], 8, 32)
		b.WriteRune(rune(r))
		return n, ""
	default:
		b.WriteByte('\\')
		return 0, ""
	}
	return 1, ""
}

func unescapeHex(b *strings.Builder, s string, size int, truncated string) (int, string) {
	if len(s) < 1+size {
		return 0, truncated
	}
	n, err := strconv.ParseUint(s[1:1+size], 16, 32)
	if err != nil {
		return 0, truncated
	}
	if n > 0x10ffff {
		return 0, "illegal Unicode character"
	}
	r := rune(n)
	if utf16.IsSurrogate(r) {
		r = 0xfffd
	}
	b.WriteRune(r)
	return 1 + size, ""
}
