package jinja

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cierzo/expr/value"
)

// tokenKind tells tokens apart; its text is what messages call it.
type tokenKind string

const (
	tokData          tokenKind = "data"
	tokVariableBegin tokenKind = "variable_begin"
	tokVariableEnd   tokenKind = "variable_end"
	tokBlockBegin    tokenKind = "block_begin"
	tokBlockEnd      tokenKind = "block_end"
	tokName          tokenKind = "name"
	tokString        tokenKind = "string"
	tokInteger       tokenKind = "integer"
	tokFloat         tokenKind = "float"
	tokOperator      tokenKind = "operator"
	tokEOF           tokenKind = "eof"
)

// token is a piece of a template.
type token struct {
	kind   tokenKind
	text   string      // data, name or operator
	val    value.Value // of literals
	line   int
	offset int
}

// describe is what messages call the token.
func (t token) describe() string {
	switch t.kind {
	case tokName, tokOperator:
		return t.text
	}
	return describeKind(t.kind)
}

func describeKind(kind tokenKind) string {
	switch kind {
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	case tokVariableBegin:
		return "begin of print statement"
	case tokVariableEnd:
		return "end of print statement"
	case tokData:
		return "template data / text"
	case tokEOF:
		return "end of template"
	}
	return string(kind)
}

// scanner cuts a template into tokens: trim_blocks and lstrip_blocks are on, one newline at the end is dropped.
type scanner struct {
	src      string
	pos      int
	line     int
	braces   []byte // the closing braces that are awaited
	tokens   []token
	lineOpen bool // the text before pos is at the beginning of a line
}

// scan cuts a whole template.
func scan(src string) ([]token, error) {
	s := &scanner{src: normalizeNewlines(src, true), line: 1, lineOpen: true}
	for s.pos < len(s.src) {
		if err := s.text(); err != nil {
			return s.tokens, err
		}
	}
	s.add(tokEOF, "")
	return s.tokens, nil
}

// scanExpression cuts the inside of {{ }}.
func scanExpression(src string) ([]token, error) {
	s := &scanner{src: normalizeNewlines(src, true), line: 1}
	err := s.tag(tokVariableEnd)
	if err == nil && s.pos < len(s.src) {
		for s.pos < len(s.src) && err == nil {
			err = s.text()
		}
	}
	if err != nil {
		return s.tokens, err
	}
	s.add(tokEOF, "")
	return s.tokens, nil
}

// normalizeNewlines makes all line ends \n; the one at the end of the template is dropped.
func normalizeNewlines(s string, dropLast bool) string {
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	if dropLast {
		s = strings.TrimSuffix(s, "\n")
	}
	return s
}

func (s *scanner) add(kind tokenKind, text string) {
	s.tokens = append(s.tokens, token{kind: kind, text: text, line: s.line, offset: s.pos})
}

func (s *scanner) fail(offset, line int, message string) error {
	return &Error{Class: "TemplateSyntaxError", Message: message, Line: line, Offset: offset}
}

// advance goes to pos and counts the lines.
func (s *scanner) advance(pos int) {
	s.line += strings.Count(s.src[s.pos:pos], "\n")
	s.pos = pos
}

// text takes literal text up to the next tag, and that tag with its content.
func (s *scanner) text() error {
	start, open := s.findTag()
	if start < 0 {
		s.addData(s.src[s.pos:])
		s.advance(len(s.src))
		return nil
	}
	data := s.src[s.pos:start]
	after := start + 2
	sign := byte(0)
	if after < len(s.src) && (s.src[after] == '-' || s.src[after] == '+') {
		sign = s.src[after]
		after++
	}
	rawEnd := 0
	if open == "{%" {
		rawEnd = s.rawBegin(after)
	}
	s.addData(s.stripLeft(data, sign, open != "{{"))
	s.advance(start)
	switch {
	case rawEnd > 0:
		s.advance(rawEnd)
		s.lineOpen = s.src[rawEnd-1] == '\n'
		return s.raw()
	case open == "{#":
		s.advance(after)
		return s.comment(start)
	case open == "{{":
		s.add(tokVariableBegin, "")
		s.advance(after)
		s.lineOpen = false
		return s.tag(tokVariableEnd)
	}
	s.add(tokBlockBegin, "")
	s.advance(after)
	s.lineOpen = false
	return s.tag(tokBlockEnd)
}

// findTag finds the next opening delimiter.
func (s *scanner) findTag() (int, string) {
	for i := s.pos; ; {
		j := strings.IndexByte(s.src[i:], '{')
		if j < 0 || i+j+1 >= len(s.src) {
			return -1, ""
		}
		i += j
		switch s.src[i+1] {
		case '{', '%', '#':
			return i, s.src[i : i+2]
		}
		i++
	}
}

func (s *scanner) addData(text string) {
	if text != "" {
		s.add(tokData, text)
	}
}

// stripLeft takes the white space off that is before a tag: all of it with "-", the indentation of the line for blocks
// and comments.
func (s *scanner) stripLeft(data string, sign byte, block bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(data, value.IsSpace)
	}
	if sign == '+' || !block {
		return data
	}
	at := strings.LastIndexByte(data, '\n') + 1
	if at == 0 && !s.lineOpen {
		return data
	}
	if strings.TrimLeftFunc(data[at:], value.IsSpace) == "" {
		return data[:at]
	}
	return data
}

func (s *scanner) skipSpace(pos int) int {
	for pos < len(s.src) {
		r, size := utf8.DecodeRuneInString(s.src[pos:])
		if !value.IsSpace(r) {
			break
		}
		pos += size
	}
	return pos
}

// closing matches the end of a tag at pos: "+%}", "-%}" with the white space behind, or "%}" with one newline.
func (s *scanner) closing(pos int, end string, plus bool) (int, bool) {
	rest := s.src[pos:]
	switch {
	case plus && strings.HasPrefix(rest, "+"+end):
		return pos + 3, true
	case strings.HasPrefix(rest, "-"+end):
		return s.skipSpace(pos + 3), true
	case strings.HasPrefix(rest, end):
		pos += 2
		if plus && pos < len(s.src) && s.src[pos] == '\n' {
			pos++
		}
		return pos, true
	}
	return 0, false
}

// rawBegin matches the rest of "{% raw %}" and gives its end; 0: it is another tag. The newline behind it stays.
func (s *scanner) rawBegin(pos int) int {
	pos = s.skipSpace(pos)
	if !strings.HasPrefix(s.src[pos:], "raw") {
		return 0
	}
	pos = s.skipSpace(pos + 3)
	rest := s.src[pos:]
	switch {
	case strings.HasPrefix(rest, "-%}"):
		return s.skipSpace(pos + 3)
	case strings.HasPrefix(rest, "%}"):
		return pos + 2
	}
	return 0
}

// raw takes everything up to "{% endraw %}" as text.
func (s *scanner) raw() error {
	for i := s.pos; ; i++ {
		j := strings.Index(s.src[i:], "{%")
		if j < 0 {
			return s.fail(s.pos, s.line, "Missing end of raw directive")
		}
		i += j
		at := i + 2
		sign := byte(0)
		if at < len(s.src) && (s.src[at] == '-' || s.src[at] == '+') {
			sign = s.src[at]
			at++
		}
		at = s.skipSpace(at)
		if !strings.HasPrefix(s.src[at:], "endraw") {
			continue
		}
		end, ok := s.closing(s.skipSpace(at+6), "%}", true)
		if !ok {
			continue
		}
		s.addData(s.stripLeft(s.src[s.pos:i], sign, true))
		s.advance(end)
		s.lineOpen = s.src[end-1] == '\n'
		return nil
	}
}

// comment skips to the end of a comment.
func (s *scanner) comment(start int) error {
	j := strings.Index(s.src[s.pos:], "#}")
	if j < 0 {
		return s.fail(start, s.line, "Missing end of comment tag")
	}
	from := s.pos + j
	if j > 0 && (s.src[from-1] == '-' || s.src[from-1] == '+') {
		from--
	}
	end, _ := s.closing(from, "#}", true)
	s.advance(end)
	s.lineOpen = s.src[end-1] == '\n'
	return nil
}

// tag takes the tokens of a tag up to its end, or to the end of the source.
func (s *scanner) tag(end tokenKind) error {
	delimiter, plus := "}}", false
	if end == tokBlockEnd {
		delimiter, plus = "%}", true
	}
	for s.pos < len(s.src) {
		if len(s.braces) == 0 {
			if at, ok := s.closing(s.pos, delimiter, plus); ok {
				s.add(end, "")
				s.advance(at)
				s.lineOpen = s.src[at-1] == '\n'
				return nil
			}
		}
		if at := s.skipSpace(s.pos); at > s.pos {
			s.advance(at)
			continue
		}
		if err := s.item(); err != nil {
			return err
		}
	}
	return nil
}

// item takes one token of an expression.
func (s *scanner) item() error {
	c := s.src[s.pos]
	switch {
	case c >= '0' && c <= '9':
		return s.number()
	case c == '\'' || c == '"':
		return s.quoted(c)
	}
	if r, size := utf8.DecodeRuneInString(s.src[s.pos:]); isWordRune(r) {
		return s.name(size)
	}
	return s.operator()
}

func isWordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r) || r == 0xb7
}

func (s *scanner) name(size int) error {
	at := s.pos + size
	for at < len(s.src) {
		r, size := utf8.DecodeRuneInString(s.src[at:])
		if !isWordRune(r) {
			break
		}
		at += size
	}
	text := s.src[s.pos:at]
	if !isIdentifier(text) {
		return s.fail(s.pos, s.line, "Invalid character in identifier")
	}
	s.add(tokName, text)
	s.pos = at
	return nil
}

// isIdentifier is Python's str.isidentifier.
func isIdentifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r)
		more := unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r) || unicode.Is(unicode.Pc, r) || r == 0xb7
		if !letter && (i == 0 || !more) {
			return false
		}
	}
	return s != ""
}

// operators are sorted so that longer ones are found first.
var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

func (s *scanner) operator() error {
	for _, op := range operators {
		if !strings.HasPrefix(s.src[s.pos:], op) {
			continue
		}
		if err := s.balance(op[0], len(op)); err != nil {
			return err
		}
		s.add(tokOperator, op)
		s.pos += len(op)
		return nil
	}
	r, _ := utf8.DecodeRuneInString(s.src[s.pos:])
	message := "unexpected char " + quoted(string(r)) + " at " + strconv.Itoa(utf8.RuneCountInString(s.src[:s.pos]))
	return s.fail(s.pos, s.line, message)
}

// balance keeps the braces that are open: "}}" ends a tag only where none are.
func (s *scanner) balance(op byte, size int) error {
	if size > 1 {
		return nil
	}
	switch op {
	case '{':
		s.braces = append(s.braces, '}')
	case '(':
		s.braces = append(s.braces, ')')
	case '[':
		s.braces = append(s.braces, ']')
	case '}', ')', ']':
		if len(s.braces) == 0 {
			return s.fail(s.pos, s.line, "unexpected '"+string(op)+"'")
		}
		want := s.braces[len(s.braces)-1]
		s.braces = s.braces[:len(s.braces)-1]
		if want != op {
			return s.fail(s.pos, s.line, "unexpected '"+string(op)+"', expected '"+string(want)+"'")
		}
	}
	return nil
}

// number takes an integer or a float; underscores may be between digits.
func (s *scanner) number() error {
	rest := s.src[s.pos:]
	dotBefore := s.pos > 0 && s.src[s.pos-1] == '.'
	if n := floatLength(rest); n > 0 && !dotBefore {
		f, err := strconv.ParseFloat(strings.ReplaceAll(rest[:n], "_", ""), 64)
		if err != nil && f == 0 {
			return s.fail(s.pos, s.line, "malformed number")
		}
		s.literal(tokFloat, value.Float(f), n)
		return nil
	}
	n := integerLength(rest)
	text := strings.ReplaceAll(rest[:n], "_", "")
	if len(text) > digitsMax {
		return valueError("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; use sys.set_int_max_str_digits() to increase the limit", digitsMax, len(text))
	}
	i, _ := new(big.Int).SetString(text, 0)
	if i == nil {
		i = new(big.Int) // 00 and the like
	}
	s.literal(tokInteger, value.IntOf(i), n)
	return nil
}

func (s *scanner) literal(kind tokenKind, v value.Value, size int) {
	s.add(kind, "")
	s.tokens[len(s.tokens)-1].val = v
	s.advance(s.pos + size)
}

// digits counts the digits at the beginning of s, with single underscores between.
func digits(s string, ok func(byte) bool) int {
	n := 0
	for n < len(s) {
		switch {
		case ok(s[n]):
			n++
		case s[n] == '_' && n > 0 && n+1 < len(s) && ok(s[n+1]):
			n += 2
		default:
			return n
		}
	}
	return n
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

func floatLength(s string) int {
	n := digits(s, isDecimal)
	whole := n
	if n < len(s) && s[n] == '.' {
		if f := digits(s[n+1:], isDecimal); f > 0 {
			n += 1 + f
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		at := n + 1
		if at < len(s) && (s[at] == '+' || s[at] == '-') {
			at++
		}
		if e := digits(s[at:], isDecimal); e > 0 {
			return at + e
		}
	}
	if n == whole {
		return 0
	}
	return n
}

func integerLength(s string) int {
	if s[0] != '0' {
		return digits(s, isDecimal)
	}
	if len(s) > 2 {
		ok := func(byte) bool { return false }
		switch s[1] {
		case 'b', 'B':
			ok = func(c byte) bool { return c == '0' || c == '1' }
		case 'o', 'O':
			ok = func(c byte) bool { return c >= '0' && c <= '7' }
		case 'x', 'X':
			ok = func(c byte) bool { return isDecimal(c) || c|32 >= 'a' && c|32 <= 'f' }
		}
		body := strings.TrimPrefix(s[2:], "_")
		if n := digits(body, ok); n > 0 {
			return len(s) - len(body) + n
		}
	}
	return digits(s, func(c byte) bool { return c == '0' })
}

// quoted takes a text in quotes.
func (s *scanner) quoted(quote byte) error {
	at := s.pos + 1
	for at < len(s.src) && s.src[at] != quote {
		if s.src[at] == '\\' {
			at++
		}
		at++
	}
	if at >= len(s.src) {
		r, _ := utf8.DecodeRuneInString(s.src[s.pos:])
		message := "unexpected char " + quoted(string(r)) + " at " + strconv.Itoa(utf8.RuneCountInString(s.src[:s.pos]))
		return s.fail(s.pos, s.line, message)
	}
	text, problem := unescape(s.src[s.pos+1 : at])
	if problem != "" {
		return s.fail(s.pos, s.line, problem)
	}
	s.literal(tokString, value.String(text), at+1-s.pos)
	return nil
}
