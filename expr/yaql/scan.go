// Package yaql is the YAQL expression language: texts are parsed once into frozen programs and evaluated within limits.
package yaql

import (
	"fmt"
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
	tokWord  // bare word
	tokCall  // word glued to "("
	tokIndex // "[" behind an operand
	tokVar   // $ or $name
	tokOp
)

type token struct {
	kind tokenKind
	text string
	val  value.Value
	pos  int
}

type scanner struct {
	src string
	pos int
}

func lexError(src string, pos int) error {
	r, _ := utf8.DecodeRuneInString(src[pos:])
	return fmt.Errorf("Lexical error: illegal character '%c' at position %d", r, pos)
}

func isWordStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func isWord(r rune) bool      { return isWordStart(r) || unicode.IsDigit(r) }

func (s *scanner) word() string {
	start := s.pos
	for s.pos < len(s.src) {
		r, n := utf8.DecodeRuneInString(s.src[s.pos:])
		if !isWord(r) {
			break
		}
		s.pos += n
	}
	return s.src[start:s.pos]
}

var operators = []string{"=>", "->", "!=", "<=", ">=", "=~", "!~", "?.", "=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", "{", "}", ",", "."}

// next gives the next token; behind the end tokEnd again and again.
func (s *scanner) next() (token, error) {
	for s.pos < len(s.src) && strings.ContainsRune(" \t\r\n", rune(s.src[s.pos])) {
		s.pos++
	}
	start := s.pos
	if start == len(s.src) {
		return token{kind: tokEnd, pos: start}, nil
	}
	r, _ := utf8.DecodeRuneInString(s.src[start:])
	switch {
	case r == '$':
		s.pos++
		return token{kind: tokVar, text: "$" + s.word(), pos: start}, nil
	case r >= '0' && r <= '9':
		return s.number()
	case r == '\'' || r == '"' || r == '`':
		return s.text(byte(r))
	case isWordStart(r):
		w := s.word()
		if strings.HasPrefix(w, "__") {
			return token{}, lexError(s.src, start)
		}
		if s.pos < len(s.src) && s.src[s.pos] == '(' {
			s.pos++
			return token{kind: tokCall, text: w, pos: start}, nil
		}
		switch w {
		case "and", "or", "not", "in", "mod":
			return token{kind: tokOp, text: w, pos: start}, nil
		case "true":
			return token{kind: tokValue, val: value.Bool(true), pos: start}, nil
		case "false":
			return token{kind: tokValue, val: value.Bool(false), pos: start}, nil
		case "null":
			return token{kind: tokValue, val: value.Null{}, pos: start}, nil
		}
		return token{kind: tokWord, text: w, pos: start}, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(s.src[start:], op) {
			s.pos += len(op)
			return token{kind: tokOp, text: op, pos: start}, nil
		}
	}
	return token{}, lexError(s.src, start)
}

func (s *scanner) number() (token, error) {
	start := s.pos
	digits := func() {
		for s.pos < len(s.src) && s.src[s.pos] >= '0' && s.src[s.pos] <= '9' {
			s.pos++
		}
	}
	digits()
	if s.pos+1 < len(s.src) && s.src[s.pos] == '.' && s.src[s.pos+1] >= '0' && s.src[s.pos+1] <= '9' {
		s.pos++
		digits()
		f, err := strconv.ParseFloat(s.src[start:s.pos], 64)
		return token{kind: tokValue, val: value.Float(f), pos: start}, err
	}
	n, _ := new(big.Int).SetString(s.src[start:s.pos], 10)
	return token{kind: tokValue, val: value.IntOf(n), pos: start}, nil
}

func (s *scanner) text(quote byte) (token, error) {
	start := s.pos
	s.pos++
	var b strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == quote:
			s.pos++
			return token{kind: tokValue, val: value.String(b.String()), pos: start}, nil
		case c == '\\' && s.pos+1 < len(s.src):
			s.pos++
			e := s.src[s.pos]
			i := strings.IndexByte(`nrt\'"`+"`", e)
			switch {
			case quote == '`' && e != '`':
				b.WriteByte('\\')
				b.WriteByte(e)
			case i >= 0:
				b.WriteByte("\n\r\t\\'\"`"[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
		s.pos++
	}
	return token{}, lexError(s.src, start)
}
