package yaql

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cierzo/expr/value"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokValue
	tokWord // bare word
	tokCall // word glued to "("
	tokVar  // $ or $name
	tokOp
)

type token struct {
	kind tokenKind
	text string
	val  value.Value
	pos  int // in bytes
}

// scanner cuts an expression into tokens.
type scanner struct {
	src     string
	pos     int
	keyword string // the operator of named arguments; empty: there is none
}

// illegal is the error for a text that is no token; positions count characters.
func (s *scanner) illegal(pos int) error {
	r, _ := utf8.DecodeRuneInString(s.src[pos:])
	return failAt(pos, classLexical, "Lexical error: illegal character '%c' at position %d", r, utf8.RuneCountInString(s.src[:pos]))
}

func isWordStart(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.In(r, unicode.Nl, unicode.No)
}
func isWord(r rune) bool { return isWordStart(r) || unicode.IsDigit(r) }

func (s *scanner) peek() rune {
	r, size := utf8.DecodeRuneInString(s.src[s.pos:])
	if size == 0 {
		return -1
	}
	return r
}

func (s *scanner) skip(is func(rune) bool) {
	for s.pos < len(s.src) {
		r, size := utf8.DecodeRuneInString(s.src[s.pos:])
		if !is(r) {
			return
		}
		s.pos += size
	}
}

const operators = "?. =~ !~ != <= >= -> = < > + - * / ( ) [ ] { } , ."

// next gives the next token; behind the end tokEnd again and again.
func (s *scanner) next() (token, error) {
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
	start := s.pos
	if start == len(s.src) {
		return token{kind: tokEnd, pos: start}, nil
	}
	r := s.peek()
	switch {
	case r == '$':
		s.pos++
		s.skip(isWord)
		return token{kind: tokVar, text: s.src[start:s.pos], pos: start}, nil
	case unicode.IsDigit(r):
		return s.number()
	case r == '\'' || r == '"':
		return s.quoted(byte(r))
	case r == '`':
		return s.verbatim()
	case isWordStart(r):
		return s.word()
	}
	return s.operator()
}

func (s *scanner) operator() (token, error) {
	start := s.pos
	rest := s.src[start:]
	if s.keyword != "" && strings.HasPrefix(rest, s.keyword) {
		s.pos += len(s.keyword)
		return token{kind: tokOp, text: "=>", pos: start}, nil
	}
	for op := range strings.FieldsSeq(operators) {
		if strings.HasPrefix(rest, op) {
			s.pos += len(op)
			return token{kind: tokOp, text: op, pos: start}, nil
		}
	}
	return token{}, s.illegal(start)
}

func (s *scanner) word() (token, error) {
	start := s.pos
	s.skip(isWord)
	w := s.src[start:s.pos]
	if s.pos < len(s.src) && s.src[s.pos] == '(' {
		s.pos++
		return token{kind: tokCall, text: w, pos: start}, nil
	}
	if strings.HasPrefix(w, "__") {
		return token{}, s.illegal(start)
	}
	switch w {
	case "and", "or", "not", "in", "mod":
		return token{kind: tokOp, text: w, pos: start}, nil
	case "true":
		return token{kind: tokValue, text: w, val: value.Bool(true), pos: start}, nil
	case "false":
		return token{kind: tokValue, text: w, val: value.Bool(false), pos: start}, nil
	case "null":
		return token{kind: tokValue, text: w, val: value.Null{}, pos: start}, nil
	}
	return token{kind: tokWord, text: w, val: value.String(w), pos: start}, nil
}

// number reads digits with an optional fraction. A word character behind it makes it illegal, but "1.5a" is 1, ".", "5a".
func (s *scanner) number() (token, error) {
	start := s.pos
	s.skip(unicode.IsDigit)
	whole := s.pos
	if s.pos+1 < len(s.src) && s.src[s.pos] == '.' {
		s.pos++
		s.skip(unicode.IsDigit)
		if s.pos == whole+1 || isWord(s.peek()) {
			s.pos = whole
		}
	}
	if isWord(s.peek()) {
		return token{}, s.illegal(start)
	}
	text := asciiDigits(s.src[start:s.pos])
	t := token{kind: tokValue, text: s.src[start:s.pos], pos: start}
	if strings.Contains(text, ".") {
		f, _ := strconv.ParseFloat(text, 64) // out of range is inf, as in Python
		t.val = value.Float(f)
		return t, nil
	}
	if len(text) > digitsMax {
		return token{}, fail(classValue, "Exceeds the limit (%d digits) for integer string conversion", digitsMax)
	}
	n, _ := new(big.Int).SetString(text, 10)
	t.val = value.IntOf(n)
	return t, nil
}

// digitsMax bounds how long an integer is that is read from a text; Python has the same bound.
const digitsMax = 4300

// asciiDigits replaces the digits of other scripts.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf || !unicode.IsDigit(r) {
			return r
		}
		for _, table := range unicode.Nd.R16 {
			if uint32(r) >= uint32(table.Lo) && uint32(r) <= uint32(table.Hi) {
				return '0' + (r-rune(table.Lo))%10
			}
		}
		for _, table := range unicode.Nd.R32 {
			if uint32(r) >= table.Lo && uint32(r) <= table.Hi {
				return '0' + (r-rune(table.Lo))%10
			}
		}
		return r
	}, s)
}

func (s *scanner) verbatim() (token, error) {
	start := s.pos
	for i := start + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			if i+1 < len(s.src) && s.src[i+1] == '\n' {
				return token{}, s.illegal(start)
			}
			i++
		case '`':
			s.pos = i + 1
			text := strings.ReplaceAll(s.src[start+1:i], "\\`", "`")
			return token{kind: tokValue, text: text, val: value.String(text), pos: start}, nil
		}
	}
	return token{}, s.illegal(start)
}

func (s *scanner) quoted(quote byte) (token, error) {
	start := s.pos
	escapes := false
	for i := start + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			if i+1 < len(s.src) && s.src[i+1] == '\n' {
				return token{}, s.illegal(start)
			}
			escapes = true
			i++
		case quote:
			s.pos = i + 1
			text := s.src[start+1 : i]
			if escapes {
				var err error
				if text, err = unescape(text); err != nil {
					return token{}, err
				}
			}
			return token{kind: tokValue, text: text, val: value.String(text), pos: start}, nil
		}
	}
	return token{}, s.illegal(start)
}
