package yaml

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tagPrefix is what !! stands for.
const tagPrefix = "tag:yaml.org,2002:"

func (s *scanner) scanTag() (token, error) {
	t := token{kind: tagToken, start: s.at}
	var err error
	switch c := s.peek(1); {
	case c == '<':
		s.forward(2)
		if t.text, err = s.tagURI("tag", &t.start); err != nil {
			return t, err
		}
		if s.peek(0) != '>' {
			return t, s.fail("while parsing a tag", &t.start, "expected '>', but found "+quoted(s.peek(0)), s.at)
		}
		s.forward(1)
	case isBlankOrEnd(c):
		t.text = "!"
		s.forward(1)
	default:
		if t.handle, err = s.handleOfTag(&t.start); err != nil {
			return t, err
		}
		if t.text, err = s.tagURI("tag", &t.start); err != nil {
			return t, err
		}
	}
	if c := s.peek(0); c != ' ' && !isBreakOrEnd(c) {
		return t, s.fail("while scanning a tag", &t.start, "expected ' ', but found "+quoted(c), s.at)
	}
	t.end = s.at
	return t, nil
}

// handleOfTag is !name! when there is a second !, else !.
func (s *scanner) handleOfTag(start *mark) (string, error) {
	for n := 1; s.peek(n) != ' ' && !isBreakOrEnd(s.peek(n)); n++ {
		if s.peek(n) == '!' {
			return s.tagHandle("tag", start)
		}
	}
	s.forward(1)
	return "!", nil
}

func isWord(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '_'
}

func (s *scanner) tagHandle(name string, start *mark) (string, error) {
	if s.peek(0) != '!' {
		return "", s.fail("while scanning a "+name, start, "expected '!', but found "+quoted(s.peek(0)), s.at)
	}
	n := 1
	if s.peek(n) != ' ' {
		for isWord(s.peek(n)) {
			n++
		}
		if c := s.peek(n); c != '!' {
			s.forward(n)
			return "", s.fail("while scanning a "+name, start, "expected '!', but found "+quoted(c), s.at)
		}
		n++
	}
	return s.take(n), nil
}

func (s *scanner) tagURI(name string, start *mark) (string, error) {
	var b strings.Builder
	for {
		c := s.peek(0)
		switch {
		case c == '%':
			text, err := s.uriEscapes(name, start)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		case isWord(c) || c != 0 && strings.ContainsRune(";/?:@&=+$,.!~*'()[]", c):
			b.WriteRune(c)
			s.forward(1)
		case b.Len() == 0:
			return "", s.fail("while parsing a "+name, start, "expected URI, but found "+quoted(c), s.at)
		default:
			return b.String(), nil
		}
	}
}

func (s *scanner) uriEscapes(name string, start *mark) (string, error) {
	at := s.at
	var b []byte
	for s.peek(0) == '%' {
		s.forward(1)
		for k := range 2 {
			if !isHex(s.peek(k)) {
				return "", s.fail("while scanning a "+name, start, "expected URI escape sequence of 2 hexadecimal numbers, but found "+quoted(s.peek(k)), s.at)
			}
		}
		code, err := strconv.ParseUint(s.take(2), 16, 8)
		if err != nil {
			return "", s.fail("while scanning a "+name, start, err.Error(), at)
		}
		b = append(b, byte(code))
	}
	if !utf8.Valid(b) {
		return "", s.fail("while scanning a "+name, start, "the escaped bytes are not UTF-8", at)
	}
	return string(b), nil
}

// fetchDirective scans %YAML 1.1, %TAG !h! prefix and others, which don't matter.
func (s *scanner) fetchDirective() error {
	const context = "while scanning a directive"
	t := token{kind: directive, start: s.at}
	s.forward(1)
	n := 0
	for isWord(s.peek(n)) {
		n++
	}
	t.text = s.take(n)
	if c := s.peek(0); n == 0 || c != ' ' && !isBreakOrEnd(c) {
		return s.fail(context, &t.start, "expected alphabetic or numeric character, but found "+quoted(c), s.at)
	}
	var err error
	switch t.text {
	case "YAML":
		err = s.version(&t)
	case "TAG":
		err = s.tagDirective(&t)
	default:
		s.skipLine()
	}
	if err != nil {
		return err
	}
	t.end = s.at
	if err := s.restOfLine(context, &t.start); err != nil {
		return err
	}
	return s.push(t, nil)
}

// version scans 1.1 into the token's handle.
func (s *scanner) version(t *token) error {
	const context = "while scanning a directive"
	s.skipBlanks()
	for part, after := range []string{".", " "} {
		n := 0
		for c := s.peek(n); c >= '0' && c <= '9'; c = s.peek(n) {
			n++
		}
		if n == 0 {
			return s.fail(context, &t.start, "expected a digit, but found "+quoted(s.peek(0)), s.at)
		}
		t.handle += s.take(n)
		c := s.peek(0)
		if part == 0 && c != '.' || part == 1 && c != ' ' && !isBreakOrEnd(c) {
			return s.fail(context, &t.start, fmt.Sprintf("expected a digit or '%s', but found %s", after, quoted(c)), s.at)
		}
		if part == 0 {
			t.handle += s.take(1)
		}
	}
	return nil
}

func (s *scanner) skipBlanks() {
	for s.peek(0) == ' ' {
		s.forward(1)
	}
}

// tagDirective scans a handle and its prefix; the token's text becomes "TAG " and the prefix.
func (s *scanner) tagDirective(t *token) error {
	const context = "while scanning a directive"
	s.skipBlanks()
	handle, err := s.tagHandle("directive", &t.start)
	if err != nil {
		return err
	}
	if s.peek(0) != ' ' {
		return s.fail(context, &t.start, "expected ' ', but found "+quoted(s.peek(0)), s.at)
	}
	s.skipBlanks()
	prefix, err := s.tagURI("directive", &t.start)
	if err != nil {
		return err
	}
	if c := s.peek(0); c != ' ' && !isBreakOrEnd(c) {
		return s.fail(context, &t.start, "expected ' ', but found "+quoted(c), s.at)
	}
	t.handle, t.text = handle, "TAG "+prefix
	return nil
}
