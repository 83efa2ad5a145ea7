package yaml

import "slices"

// tokenKind is a kind of token; its text is PyYAML's name of it.
type tokenKind uint8

const (
	noToken tokenKind = iota
	streamEnd
	directive
	documentStart
	documentEnd
	blockSequenceStart
	blockMappingStart
	blockEnd
	flowSequenceStart
	flowMappingStart
	flowSequenceEnd
	flowMappingEnd
	keyToken
	valueToken
	blockEntry
	flowEntry
	tagToken
	scalarToken
)

func (k tokenKind) String() string {
	return [...]string{
		"", "<stream end>", "<directive>", "<document start>", "<document end>", "<block sequence start>", "<block mapping start>",
		"<block end>", "[", "{", "]", "}", "?", ":", "-", ",", "<tag>", "<scalar>",
	}[k]
}

type token struct {
	kind       tokenKind
	start, end mark
	text       string // of a scalar; a tag's suffix; a directive's name
	handle     string // of a tag, or of a tag directive; "" for a verbatim tag
	plain      bool   // a scalar without quotes and not a block
}

// simpleKey is a place where a key without "?" may have begun: whether it is one turns out at the ":" behind it.
type simpleKey struct {
	possible bool
	required bool // in a block, where nothing but a key can begin
	token    int  // number of the token that it would be
	at       mark
}

// simpleKeyMax is the most characters of a key without "?"; YAML has it.
const simpleKeyMax = 1024

// scanner makes tokens of the text. Tokens come late: a token that may be a key waits until its ":" is seen or can't
// come any more.
type scanner struct {
	text []rune // with NULs behind it
	at   mark

	queue   []token
	taken   int // tokens that have left the queue
	done    bool
	indent  int // of the block we are in; -1: none
	indents []int
	flow    int         // depth of brackets
	keyOK   bool        // may a simple key begin here?
	keys    []simpleKey // one for each depth of brackets
}

// padding is how far behind the end the scanner looks.
const padding = 12

func newScanner(src []byte) (*scanner, error) {
	s := &scanner{indent: -1, keyOK: true, keys: make([]simpleKey, 1, 8)}
	s.text = make([]rune, 0, len(src)+padding)
	for i, c := range string(src) {
		if c == '\uFEFF' && i == 0 {
			continue
		}
		s.text = append(s.text, c)
		if !isPrintable(c) {
			return nil, unprintable(s.text, len(s.text)-1)
		}
	}
	s.text = append(s.text, make([]rune, padding)...)
	return s, nil
}

func isPrintable(c rune) bool {
	return c >= ' ' && c <= '~' || c == '\n' || c == '\t' || c == '\r' || c == '\u0085' || c >= '\u00a0' && c <= '\ud7ff' ||
		c >= '\ue000' && c <= '\ufffd' || c >= 0x10000
}

func isBreak(c rune) bool {
	return c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029'
}

func isBreakOrEnd(c rune) bool { return c == 0 || isBreak(c) }

func isBlankOrEnd(c rune) bool { return c == ' ' || c == '\t' || isBreakOrEnd(c) }

func (s *scanner) peek(n int) rune { return s.text[min(s.at.index+n, len(s.text)-1)] }

// forward goes n characters on.
func (s *scanner) forward(n int) {
	for range n {
		c := s.text[s.at.index]
		s.at.index++
		if c == '\n' || c == '\u0085' || c == '\u2028' || c == '\u2029' || c == '\r' && s.text[s.at.index] != '\n' {
			s.at.line++
			s.at.col = 0
		} else if c != '\uFEFF' {
			s.at.col++
		}
	}
}

// take goes n characters on and gives them.
func (s *scanner) take(n int) string {
	from := s.at.index
	s.forward(n)
	return string(s.text[from:s.at.index])
}

// lineBreak goes over one line break and gives what it counts as; "" when there is none.
func (s *scanner) lineBreak() string {
	switch c := s.peek(0); {
	case c == '\r' && s.peek(1) == '\n':
		s.forward(2)
		return "\n"
	case c == '\r' || c == '\n' || c == '\u0085':
		s.forward(1)
		return "\n"
	case c == '\u2028' || c == '\u2029':
		s.forward(1)
		return string(c)
	}
	return ""
}

// head is the next token, which stays.
func (s *scanner) head() (token, error) {
	for s.needMore() {
		if err := s.expireKeys(); err != nil {
			return token{}, err
		}
		if !s.needMore() {
			break
		}
		if err := s.fetch(); err != nil {
			return token{}, err
		}
	}
	return s.queue[0], nil
}

// next takes the next token.
func (s *scanner) next() (token, error) {
	t, err := s.head()
	if err == nil {
		s.queue = s.queue[1:]
		s.taken++
	}
	return t, err
}

// needMore reports whether the queue is empty or its first token may turn out to be a key.
func (s *scanner) needMore() bool {
	if s.done {
		return false
	}
	if len(s.queue) == 0 {
		return true
	}
	for i := range s.keys {
		if s.keys[i].possible && s.keys[i].token == s.taken {
			return true
		}
	}
	return false
}

// expireKeys gives up keys that began on another line or too far back.
func (s *scanner) expireKeys() error {
	for i := range s.keys {
		k := &s.keys[i]
		if k.possible && (k.at.line != s.at.line || s.at.index-k.at.index > simpleKeyMax) {
			if err := s.giveUp(k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scanner) giveUp(k *simpleKey) error {
	if k.possible && k.required {
		return s.fail("while scanning a simple key", &k.at, "could not find expected ':'", s.at)
	}
	k.possible = false
	return nil
}

func (s *scanner) key() *simpleKey { return &s.keys[s.flow] }

// mayBeKey notes that a key may begin here.
func (s *scanner) mayBeKey() error {
	if !s.keyOK {
		return nil
	}
	if err := s.giveUp(s.key()); err != nil {
		return err
	}
	*s.key() = simpleKey{possible: true, required: s.flow == 0 && s.indent == s.at.col, token: s.taken + len(s.queue), at: s.at}
	return nil
}

// unwind ends the blocks that are indented more than the column.
func (s *scanner) unwind(col int) {
	for s.flow == 0 && s.indent > col {
		s.indent = s.indents[len(s.indents)-1]
		s.indents = s.indents[:len(s.indents)-1]
		s.queue = append(s.queue, token{kind: blockEnd, start: s.at, end: s.at})
	}
}

// indentTo begins a block when the column is deeper than the one we are in.
func (s *scanner) indentTo(col int) bool {
	if s.indent >= col {
		return false
	}
	s.indents = append(s.indents, s.indent)
	s.indent = col
	return true
}

func (s *scanner) skipToToken() {
	for {
		for s.peek(0) == ' ' {
			s.forward(1)
		}
		if s.peek(0) == '#' {
			s.skipLine()
		}
		if s.lineBreak() == "" {
			return
		}
		if s.flow == 0 {
			s.keyOK = true
		}
	}
}

func (s *scanner) skipLine() {
	for !isBreakOrEnd(s.peek(0)) {
		s.forward(1)
	}
}

// documentMark reports whether --- or ... stands at the beginning of the line.
func (s *scanner) documentMark(c rune) bool {
	return s.at.col == 0 && s.peek(0) == c && s.peek(1) == c && s.peek(2) == c && isBlankOrEnd(s.peek(3))
}

// fetch appends the next token or, with what it opens or closes, the next few.
func (s *scanner) fetch() error {
	s.skipToToken()
	if err := s.expireKeys(); err != nil {
		return err
	}
	s.unwind(s.at.col)
	switch c := s.peek(0); {
	case c == 0 && s.at.index >= len(s.text)-padding:
		return s.fetchEnd()
	case c == '%' && s.at.col == 0:
		return s.atMargin(s.fetchDirective)
	case s.documentMark('-'):
		return s.atMargin(func() error { return s.indicator(documentStart, 3) })
	case s.documentMark('.'):
		return s.atMargin(func() error { return s.indicator(documentEnd, 3) })
	case c == '[':
		return s.open(flowSequenceStart)
	case c == '{':
		return s.open(flowMappingStart)
	case c == ']':
		return s.close(flowSequenceEnd)
	case c == '}':
		return s.close(flowMappingEnd)
	case c == ',':
		s.keyOK = true
		return s.unkeyed(flowEntry)
	case c == '-' && isBlankOrEnd(s.peek(1)):
		return s.fetchBlockEntry()
	case c == '?' && (s.flow > 0 || isBlankOrEnd(s.peek(1))):
		return s.fetchKey()
	case c == ':' && (s.flow > 0 || isBlankOrEnd(s.peek(1))):
		return s.fetchValue()
	case c == '!':
		return s.keyed(s.scanTag)
	case (c == '|' || c == '>') && s.flow == 0:
		s.keyOK = true
		if err := s.giveUp(s.key()); err != nil {
			return err
		}
		return s.push(s.scanBlockScalar(c == '>'))
	case c == '\'' || c == '"':
		return s.keyed(func() (token, error) { return s.scanQuoted(c) })
	case s.plainBegins(c):
		return s.keyed(s.scanPlain)
	default:
		return s.fail("while scanning for the next token", nil, "found character "+quoted(c)+" that cannot start any token", s.at)
	}
}

// plainBegins reports whether a text without quotes may begin with c. Mistral takes & * and @ for text.
func (s *scanner) plainBegins(c rune) bool {
	switch c {
	case '&', '*', '@':
		return true
	case '-':
		return !isBlankOrEnd(s.peek(1))
	case '?', ':':
		return s.flow == 0 && !isBlankOrEnd(s.peek(1))
	case ',', '[', ']', '{', '}', '#', '!', '|', '>', '\'', '"', '%', '`':
		return false
	}
	return !isBlankOrEnd(c)
}

func (s *scanner) push(t token, err error) error {
	if err == nil {
		s.queue = append(s.queue, t)
	}
	return err
}

// keyed scans what may be a key.
func (s *scanner) keyed(scan func() (token, error)) error {
	if err := s.mayBeKey(); err != nil {
		return err
	}
	s.keyOK = false
	return s.push(scan())
}

// unkeyed scans a character that can't be in a key.
func (s *scanner) unkeyed(kind tokenKind) error {
	if err := s.giveUp(s.key()); err != nil {
		return err
	}
	return s.indicator(kind, 1)
}

func (s *scanner) indicator(kind tokenKind, n int) error {
	t := token{kind: kind, start: s.at}
	s.forward(n)
	t.end = s.at
	return s.push(t, nil)
}

// atMargin scans what ends all blocks.
func (s *scanner) atMargin(scan func() error) error {
	s.unwind(-1)
	if err := s.giveUp(s.key()); err != nil {
		return err
	}
	s.keyOK = false
	return scan()
}

func (s *scanner) fetchEnd() error {
	return s.atMargin(func() error {
		for i := range s.keys {
			s.keys[i].possible = false
		}
		s.done = true
		return s.indicator(streamEnd, 0)
	})
}

func (s *scanner) open(kind tokenKind) error {
	if err := s.mayBeKey(); err != nil {
		return err
	}
	s.flow++
	s.keys = append(s.keys, simpleKey{})
	s.keyOK = true
	return s.indicator(kind, 1)
}

func (s *scanner) close(kind tokenKind) error {
	if err := s.giveUp(s.key()); err != nil {
		return err
	}
	if s.flow > 0 {
		s.flow--
		s.keys = s.keys[:len(s.keys)-1]
	}
	s.keyOK = false
	return s.indicator(kind, 1)
}

// beginBlock begins a block here unless we are in one of this indentation, or in brackets.
func (s *scanner) beginBlock(kind tokenKind, what string) error {
	if s.flow > 0 {
		return nil
	}
	if !s.keyOK {
		return s.fail("", nil, what+" are not allowed here", s.at)
	}
	if s.indentTo(s.at.col) {
		return s.indicator(kind, 0)
	}
	return nil
}

func (s *scanner) fetchBlockEntry() error {
	if err := s.beginBlock(blockSequenceStart, "sequence entries"); err != nil {
		return err
	}
	s.keyOK = true
	return s.unkeyed(blockEntry)
}

func (s *scanner) fetchKey() error {
	if err := s.beginBlock(blockMappingStart, "mapping keys"); err != nil {
		return err
	}
	s.keyOK = s.flow == 0
	return s.unkeyed(keyToken)
}

func (s *scanner) fetchValue() error {
	k := s.key()
	if !k.possible {
		if err := s.beginBlock(blockMappingStart, "mapping values"); err != nil {
			return err
		}
		s.keyOK = s.flow == 0
		return s.unkeyed(valueToken)
	}
	k.possible = false
	before := []token{{kind: keyToken, start: k.at, end: k.at}}
	if s.flow == 0 && s.indentTo(k.at.col) {
		before = []token{{kind: blockMappingStart, start: k.at, end: k.at}, before[0]}
	}
	s.queue = slices.Insert(s.queue, k.token-s.taken, before...)
	s.keyOK = false
	return s.indicator(valueToken, 1)
}
