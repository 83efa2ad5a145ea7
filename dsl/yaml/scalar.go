package yaml

import (
	"fmt"
	"strconv"
	"strings"
)

// scanPlain scans a text without quotes, which may go over several lines.
func (s *scanner) scanPlain() (token, error) {
	t := token{kind: scalarToken, plain: true, start: s.at, end: s.at}
	var b strings.Builder
	spaces := ""
	for s.peek(0) != '#' {
		n := 0
		for !s.plainEnds(n) {
			n++
		}
		if n == 0 {
			break
		}
		s.keyOK = false
		b.WriteString(spaces)
		b.WriteString(s.take(n))
		t.end = s.at
		spaces = s.plainSpaces()
		if spaces == "" || s.flow == 0 && s.at.col < s.indent+1 {
			break
		}
	}
	t.text = b.String()
	return t, nil
}

func (s *scanner) plainEnds(n int) bool {
	c := s.peek(n)
	if isBlankOrEnd(c) {
		return true
	}
	if c == ':' {
		after := s.peek(n + 1)
		return isBlankOrEnd(after) || s.flow > 0 && strings.ContainsRune(",[]{}", after)
	}
	return s.flow > 0 && strings.ContainsRune(",?[]{}", c)
}

// plainSpaces goes over blanks and line breaks in a text and gives what they count as; "" ends the text.
func (s *scanner) plainSpaces() string {
	n := 0
	for s.peek(n) == ' ' {
		n++
	}
	blanks := s.take(n)
	if !isBreak(s.peek(0)) {
		return blanks
	}
	first, breaks := s.lineBreak(), ""
	s.keyOK = true
	if s.documentMark('-') || s.documentMark('.') {
		return ""
	}
	for s.peek(0) == ' ' || isBreak(s.peek(0)) {
		if s.peek(0) == ' ' {
			s.forward(1)
			continue
		}
		breaks += s.lineBreak()
		if s.documentMark('-') || s.documentMark('.') {
			return ""
		}
	}
	return folded(first, breaks)
}

// folded is what line breaks in a text count as: one is a blank, of more all but the first stay.
func folded(first, more string) string {
	switch {
	case first != "\n":
		return first + more
	case more == "":
		return " "
	}
	return more
}

func (s *scanner) scanQuoted(quote rune) (token, error) {
	t := token{kind: scalarToken, start: s.at}
	s.forward(1)
	var b strings.Builder
	for {
		if err := s.quotedText(&b, quote, &t.start); err != nil {
			return t, err
		}
		if s.peek(0) == quote {
			break
		}
		if err := s.quotedSpaces(&b, &t.start); err != nil {
			return t, err
		}
	}
	s.forward(1)
	t.text, t.end = b.String(), s.at
	return t, nil
}

// quotedText scans up to a blank, a line break or the closing quote.
func (s *scanner) quotedText(b *strings.Builder, quote rune, start *mark) error {
	for {
		n := 0
		for c := s.peek(n); c != '\'' && c != '"' && c != '\\' && !isBlankOrEnd(c); c = s.peek(n) {
			n++
		}
		b.WriteString(s.take(n))
		c := s.peek(0)
		switch {
		case quote == '\'' && c == '\'' && s.peek(1) == '\'':
			b.WriteByte('\'')
			s.forward(2)
		case quote == '"' && c == '\\':
			s.forward(1)
			if err := s.escape(b, start); err != nil {
				return err
			}
		case c != quote && (c == '\'' || c == '"' || c == '\\'):
			b.WriteRune(c)
			s.forward(1)
		default:
			return nil
		}
	}
}

const escapesOf, escapesTo = "0abt\tnvfre \"\\/N_LP", "\x00\x07\x08\t\t\n\x0b\x0c\r\x1b \"\\/\u0085\u00a0\u2028\u2029"

func (s *scanner) escape(b *strings.Builder, start *mark) error {
	const context = "while scanning a double-quoted scalar"
	c := s.peek(0)
	if i := strings.IndexRune(escapesOf, c); i >= 0 && c != 0 {
		b.WriteRune([]rune(escapesTo)[i])
		s.forward(1)
		return nil
	}
	digits := 0
	switch {
	case c == 'x':
		digits = 2
	case c == 'u':
		digits = 4
	case c == 'U':
		digits = 8
	case isBreak(c):
		s.lineBreak()
		breaks, err := s.quotedBreaks(start)
		b.WriteString(breaks)
		return err
	default:
		return s.fail(context, start, "found unknown escape character "+quoted(c), s.at)
	}
	s.forward(1)
	for k := range digits {
		if !isHex(s.peek(k)) {
			return s.fail(context, start, fmt.Sprintf("expected escape sequence of %d hexadecimal numbers, but found %s", digits, quoted(s.peek(k))), s.at)
		}
	}
	at := s.at
	code, err := strconv.ParseUint(s.take(digits), 16, 32)
	if err != nil || code > 0x10ffff {
		return s.fail(context, start, "the character number is out of range", at)
	}
	b.WriteRune(rune(code))
	return nil
}

func isHex(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) quotedSpaces(b *strings.Builder, start *mark) error {
	n := 0
	for s.peek(n) == ' ' || s.peek(n) == '\t' {
		n++
	}
	blanks := s.take(n)
	switch c := s.peek(0); {
	case c == 0:
		return s.fail("while scanning a quoted scalar", start, "found unexpected end of stream", s.at)
	case isBreak(c):
		first := s.lineBreak()
		breaks, err := s.quotedBreaks(start)
		b.WriteString(folded(first, breaks))
		return err
	default:
		b.WriteString(blanks)
	}
	return nil
}

func (s *scanner) quotedBreaks(start *mark) (string, error) {
	breaks := ""
	for {
		if s.documentMark('-') || s.documentMark('.') {
			return "", s.fail("while scanning a quoted scalar", start, "found unexpected document separator", s.at)
		}
		for s.peek(0) == ' ' || s.peek(0) == '\t' {
			s.forward(1)
		}
		if !isBreak(s.peek(0)) {
			return breaks, nil
		}
		breaks += s.lineBreak()
	}
}

// scanBlockScalar scans the lines behind | or >.
func (s *scanner) scanBlockScalar(fold bool) (token, error) {
	t := token{kind: scalarToken, start: s.at}
	s.forward(1)
	chomp, increment, err := s.blockHeader(&t.start)
	if err != nil {
		return t, err
	}
	indent, breaks := max(s.indent+1, 1), ""
	if increment > 0 {
		indent += increment - 1
		breaks, t.end = s.blockBreaks(indent)
	} else {
		deepest := 0
		breaks, deepest, t.end = s.blockIndent()
		indent = max(indent, deepest)
	}
	var b strings.Builder
	last := ""
	for s.at.col == indent && s.peek(0) != 0 {
		b.WriteString(breaks)
		text := s.peek(0) != ' ' && s.peek(0) != '\t'
		n := 0
		for !isBreakOrEnd(s.peek(n)) {
			n++
		}
		b.WriteString(s.take(n))
		last = s.lineBreak()
		breaks, t.end = s.blockBreaks(indent)
		if s.at.col != indent || s.peek(0) == 0 {
			break
		}
		if fold && last == "\n" && text && s.peek(0) != ' ' && s.peek(0) != '\t' {
			if breaks == "" {
				b.WriteByte(' ')
			}
		} else {
			b.WriteString(last)
		}
	}
	if chomp != '-' {
		b.WriteString(last)
	}
	if chomp == '+' {
		b.WriteString(breaks)
	}
	t.text = b.String()
	return t, nil
}

// blockHeader scans the indicators behind | or >: chomp is '+', '-' or 0, increment 0 when there is none.
func (s *scanner) blockHeader(start *mark) (chomp rune, increment int, err error) {
	const context = "while scanning a block scalar"
	for range 2 {
		switch c := s.peek(0); {
		case chomp == 0 && (c == '+' || c == '-'):
			chomp = c
			s.forward(1)
		case increment == 0 && c == '0':
			return 0, 0, s.fail(context, start, "expected indentation indicator in the range 1-9, but found 0", s.at)
		case increment == 0 && c >= '1' && c <= '9':
			increment = int(c - '0')
			s.forward(1)
		}
	}
	if c := s.peek(0); c != ' ' && !isBreakOrEnd(c) {
		return 0, 0, s.fail(context, start, "expected chomping or indentation indicators, but found "+quoted(c), s.at)
	}
	return chomp, increment, s.restOfLine(context, start)
}

// restOfLine goes over blanks and a comment to the next line.
func (s *scanner) restOfLine(context string, start *mark) error {
	for s.peek(0) == ' ' {
		s.forward(1)
	}
	if s.peek(0) == '#' {
		s.skipLine()
	}
	if c := s.peek(0); !isBreakOrEnd(c) {
		return s.fail(context, start, "expected a comment or a line break, but found "+quoted(c), s.at)
	}
	s.lineBreak()
	return nil
}

// blockIndent goes over empty lines before a block's text and gives the deepest indentation.
func (s *scanner) blockIndent() (breaks string, deepest int, end mark) {
	end = s.at
	for {
		switch c := s.peek(0); {
		case isBreak(c):
			breaks += s.lineBreak()
			end = s.at
		case c == ' ':
			s.forward(1)
			deepest = max(deepest, s.at.col)
		default:
			return breaks, deepest, end
		}
	}
}

// blockBreaks goes over empty lines in a block and up to the indentation.
func (s *scanner) blockBreaks(indent int) (breaks string, end mark) {
	end = s.at
	for {
		for s.at.col < indent && s.peek(0) == ' ' {
			s.forward(1)
		}
		if !isBreak(s.peek(0)) {
			return breaks, end
		}
		breaks += s.lineBreak()
		end = s.at
	}
}
