package yaql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cierzo/expr/value"
)

// pythonRegex translates a pattern of Python's re to the syntax of regexp2, which is that of .NET. All groups become
// unnamed, so that they keep Python's numbers; what Python refuses is refused with its words.
type pythonRegex struct {
	src    []rune
	pos    int
	flags  int
	groups int
	closed map[int]bool
	names  map[string]int
	depth  int
	loops  bool // there is something that can backtrack
}

// The flags of Python's re.
const (
	flagIgnoreCase = 2
	flagMultiLine  = 8
	flagDotAll     = 16
	flagUnicode    = 32
	flagVerbose    = 64
	flagASCII      = 256
)

// piece is translated text with the bounds of what it matches.
type piece struct {
	text   string
	lo, hi int
	// empty: there is nothing that a quantifier could repeat. repeated: it has a quantifier already.
	empty, repeated bool
}

const widthMax = math.MaxInt32

func addWidth(a, b int) int { return min(a+b, widthMax) }

func translateRegex(pattern string, flags int) (*pythonRegex, string, error) {
	t := &pythonRegex{src: []rune(pattern), flags: flags, closed: map[int]bool{}, names: map[string]int{}}
	if err := t.globalFlags(); err != nil {
		return nil, "", err
	}
	p, err := t.alternatives()
	if err != nil {
		return nil, "", err
	}
	if t.pos < len(t.src) {
		return nil, "", t.fail(t.pos, "unbalanced parenthesis")
	}
	if t.flags&flagASCII == 0 {
		t.flags |= flagUnicode
	}
	return t, p.text, nil
}

// fail is Python's re.error.
func (t *pythonRegex) fail(at int, format string, args ...any) error {
	msg := fmt.Sprintf(format, args...) + " at position " + strconv.Itoa(at)
	if slices.Contains(t.src, '\n') {
		line := 1
		column := at + 1
		for i, r := range t.src[:at] {
			if r == '\n' {
				line, column = line+1, at-i
			}
		}
		msg += fmt.Sprintf(" (line %d, column %d)", line, column)
	}
	return &Error{classRegex, msg}
}

func (t *pythonRegex) peek() rune {
	if t.pos < len(t.src) {
		return t.src[t.pos]
	}
	return -1
}

func (t *pythonRegex) accept(text string) bool {
	runes := []rune(text)
	if len(t.src)-t.pos >= len(runes) && slices.Equal(t.src[t.pos:t.pos+len(runes)], runes) {
		t.pos += len(runes)
		return true
	}
	return false
}

// globalFlags reads (?…) at the start; they hold for all of the pattern.
func (t *pythonRegex) globalFlags() error {
	for {
		start := t.pos
		t.skipVerbose()
		if !t.accept("(?") {
			t.pos = start
			return nil
		}
		on := 0
		for t.pos < len(t.src) && flagOf(t.src[t.pos]) != 0 {
			on |= flagOf(t.src[t.pos])
			t.pos++
		}
		if on == 0 || t.peek() != ')' {
			t.pos = start
			return nil
		}
		t.pos++
		t.flags |= on
		if t.flags&flagASCII != 0 && t.flags&flagUnicode != 0 {
			return t.fail(start, "ASCII and UNICODE flags are incompatible")
		}
	}
}

func flagOf(r rune) int {
	switch r {
	case 'i':
		return flagIgnoreCase
	case 'm':
		return flagMultiLine
	case 's':
		return flagDotAll
	case 'x':
		return flagVerbose
	case 'a':
		return flagASCII
	case 'u':
		return flagUnicode
	}
	return 0
}

// skipVerbose skips blanks and comments where the flag x is on.
func (t *pythonRegex) skipVerbose() {
	for t.flags&flagVerbose != 0 && t.pos < len(t.src) {
		switch r := t.src[t.pos]; {
		case strings.ContainsRune(" \t\n\r\v\f", r):
			t.pos++
		case r == '#':
			for t.pos < len(t.src) && t.src[t.pos] != '\n' {
				t.pos++
			}
		default:
			return
		}
	}
}

func (t *pythonRegex) alternatives() (piece, error) {
	if t.depth++; t.depth > depthMax {
		return piece{}, fail(classRecursion, "maximum recursion depth exceeded")
	}
	defer func() { t.depth-- }()
	out, err := t.branch()
	if err != nil {
		return out, err
	}
	for t.peek() == '|' {
		t.pos++
		p, err := t.branch()
		if err != nil {
			return out, err
		}
		out.text += "|" + p.text
		out.lo, out.hi = min(out.lo, p.lo), max(out.hi, p.hi)
	}
	return out, nil
}

func (t *pythonRegex) branch() (piece, error) {
	var b strings.Builder
	out := piece{}
	for {
		t.skipVerbose()
		if r := t.peek(); r == -1 || r == '|' || r == ')' {
			out.text = b.String()
			return out, nil
		}
		p, err := t.atom()
		if err != nil {
			return out, err
		}
		for {
			t.skipVerbose()
			more, err := t.quantifier(&p)
			if err != nil {
				return out, err
			}
			if !more {
				break
			}
		}
		b.WriteString(p.text)
		out.lo, out.hi = addWidth(out.lo, p.lo), addWidth(out.hi, p.hi)
	}
}

// quantifier reads one behind p.
func (t *pythonRegex) quantifier(p *piece) (bool, error) {
	start := t.pos
	lo, hi := 0, widthMax
	text := ""
	switch t.peek() {
	case '*':
		text = "*"
	case '+':
		lo, text = 1, "+"
	case '?':
		hi, text = 1, "?"
	case '{':
		var ok bool
		var err error
		if lo, hi, text, ok, err = t.counted(); err != nil || !ok {
			return false, err
		}
		t.pos--
	default:
		return false, nil
	}
	t.pos++
	switch {
	case p.repeated:
		return false, t.fail(start, "multiple repeat")
	case p.empty:
		return false, t.fail(start, "nothing to repeat")
	}
	t.loops = true
	out := p.text + text
	switch {
	case t.accept("?"):
		out += "?"
	case t.accept("+"):
		out = "(?>" + out + ")"
	}
	*p = piece{text: out, lo: times(p.lo, lo), hi: times(p.hi, hi), repeated: true}
	return true, nil
}

func times(width, n int) int {
	if width > 0 && n > widthMax/width {
		return widthMax
	}
	return width * n
}

// counted reads {m,n}. Not ok: it is text.
func (t *pythonRegex) counted() (lo, hi int, text string, ok bool, err error) {
	start := t.pos
	t.pos++
	number := func() string {
		from := t.pos
		for t.pos < len(t.src) && t.src[t.pos] >= '0' && t.src[t.pos] <= '9' {
			t.pos++
		}
		return string(t.src[from:t.pos])
	}
	if t.peek() == '}' {
		t.pos = start
		return 0, 0, "", false, nil
	}
	first := number()
	second := first
	if t.accept(",") {
		second = number()
	}
	if !t.accept("}") {
		t.pos = start
		return 0, 0, "", false, nil
	}
	hi = widthMax
	if first != "" {
		if lo, err = strconv.Atoi(first); err != nil || lo >= widthMax {
			return 0, 0, "", false, fail(classOverflow, "the repetition number is too large")
		}
	}
	if second == "" {
		return lo, hi, fmt.Sprintf("{%d,}", lo), true, nil
	}
	if hi, err = strconv.Atoi(second); err != nil || hi >= widthMax {
		return 0, 0, "", false, fail(classOverflow, "the repetition number is too large")
	}
	if hi < lo {
		return 0, 0, "", false, t.fail(start+1, "min repeat greater than max repeat")
	}
	return lo, hi, fmt.Sprintf("{%d,%d}", lo, hi), true, nil
}

func (t *pythonRegex) atom() (piece, error) {
	r := t.peek()
	switch r {
	case '.':
		t.pos++
		return piece{text: ".", lo: 1, hi: 1}, nil
	case '^':
		t.pos++
		return piece{text: "^", empty: true}, nil
	case '$':
		t.pos++
		return piece{text: "$", empty: true}, nil
	case '*', '+', '?':
		return piece{}, t.fail(t.pos, "nothing to repeat")
	case '{':
		start := t.pos
		_, _, _, ok, err := t.counted()
		if err != nil {
			return piece{}, err
		}
		if ok {
			return piece{}, t.fail(start, "nothing to repeat")
		}
	case '[':
		return t.class()
	case '\\':
		return t.escape()
	case '(':
		return t.group()
	}
	t.pos++
	return literal(r), nil
}

func literal(r rune) piece { return piece{text: literalText(r), lo: 1, hi: 1} }

// literalText is a character that means itself anywhere.
func literalText(r rune) string {
	if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}

// category is what stands in a class for \d, \w and \s; opposite: it is one of \D, \W, \S, and the text that of the other.
func (t *pythonRegex) category(r rune) (text string, opposite, ok bool) {
	opposite = unicode.IsUpper(r)
	ascii := t.flags&flagASCII != 0
	switch unicode.ToLower(r) {
	case 'd':
		text = `\p{Nd}`
		if ascii {
			text = `0-9`
		}
	case 'w':
		text = `\p{L}\p{N}_`
		if ascii {
			text = `a-zA-Z0-9_`
		}
	case 's':
		text = `\s\x1c-\x1f`
		if ascii {
			text = ` \t\n\r\f\v`
		}
	}
	return text, opposite, text != "" && r < 0x80
}

func (t *pythonRegex) escape() (piece, error) {
	start := t.pos
	if start+1 >= len(t.src) {
		return piece{}, t.fail(start, "bad escape (end of pattern)")
	}
	r := t.src[start+1]
	if text, opposite, ok := t.category(r); ok {
		t.pos += 2
		return piece{text: bracketed(text, opposite), lo: 1, hi: 1}, nil
	}
	switch r {
	case 'A', 'b', 'B':
		t.pos += 2
		return piece{text: `\` + string(r), empty: true}, nil
	case 'Z':
		t.pos += 2
		return piece{text: `\z`, empty: true}, nil
	}
	if r >= '1' && r <= '9' {
		if p, ok, err := t.reference(); ok || err != nil {
			return p, err
		}
	}
	c, err := t.character(false)
	return literal(c), err
}

// reference reads \1 to \99. Not ok: it is an octal number.
func (t *pythonRegex) reference() (piece, bool, error) {
	start := t.pos
	end := start + 2
	if end < len(t.src) && t.src[end] >= '0' && t.src[end] <= '9' {
		octal := func(i int) bool { return i < len(t.src) && t.src[i] >= '0' && t.src[i] <= '7' }
		if octal(start+1) && octal(end) && octal(end+1) {
			return piece{}, false, nil
		}
		end++
	}
	n, _ := strconv.Atoi(string(t.src[start+1 : end]))
	t.pos = end
	p, err := t.backreference(n, start+1, start)
	return p, true, err
}

// backreference refers to a group that must be complete; the places are those of the two errors.
func (t *pythonRegex) backreference(n, unknownAt, openAt int) (piece, error) {
	switch {
	case n > t.groups:
		return piece{}, t.fail(unknownAt, "invalid group reference %d", n)
	case !t.closed[n]:
		return piece{}, t.fail(openAt, "cannot refer to an open group")
	}
	t.loops = true
	return piece{text: fmt.Sprintf(`(?:\k<%d>)`, n), lo: 0, hi: widthMax}, nil
}

// character reads an escape that stands for one character.
func (t *pythonRegex) character(inClass bool) (rune, error) {
	start := t.pos
	r := t.src[start+1]
	t.pos += 2
	const short, meaning = "afnrtv\\", "\a\f\n\r\t\v\\"
	if i := strings.IndexRune(short, r); i >= 0 {
		return rune(meaning[i]), nil
	}
	sizes := map[rune]int{'x': 2, 'u': 4, 'U': 8}
	switch size := sizes[r]; {
	case size > 0:
		return t.hexCharacter(start, size)
	case r == 'b' && inClass:
		return '\b', nil
	case r >= '0' && r <= '7':
		return t.octalCharacter(start)
	case r == 'N' && t.peek() == '{':
		return t.namedCharacter(start)
	case r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		return 0, t.fail(start, "bad escape \\%c", r)
	}
	return r, nil
}

func (t *pythonRegex) hexCharacter(start, size int) (rune, error) {
	end := t.pos
	for end < len(t.src) && end < t.pos+size && strings.ContainsRune("0123456789abcdefABCDEF", t.src[end]) {
		end++
	}
	code, err := strconv.ParseUint(string(t.src[t.pos:end]), 16, 32)
	if end < t.pos+size || err != nil {
		return 0, t.fail(start, "incomplete escape %s", string(t.src[start:end]))
	}
	if code > unicode.MaxRune {
		return 0, t.fail(start, "bad escape %s", string(t.src[start:end]))
	}
	t.pos = end
	return rune(code), nil
}

func (t *pythonRegex) octalCharacter(start int) (rune, error) {
	end := start + 2
	for end < len(t.src) && end < start+4 && t.src[end] >= '0' && t.src[end] <= '7' {
		end++
	}
	t.pos = end
	code, err := strconv.ParseUint(string(t.src[start+1:end]), 8, 32)
	if err != nil || code > 0o377 {
		return 0, t.fail(start, "octal escape value %s outside of range 0-0o377", string(t.src[start:end]))
	}
	return rune(code), nil
}

func (t *pythonRegex) namedCharacter(start int) (rune, error) {
	end := slices.Index(t.src[t.pos:], '}')
	if end < 0 {
		return 0, t.fail(t.pos+1, "missing }, unterminated name")
	}
	name := string(t.src[t.pos+1 : t.pos+end])
	t.pos += end + 1
	r, ok := runeNamed(name)
	if !ok {
		return 0, t.fail(start, "undefined character name %s", value.Repr(value.String(name)))
	}
	return r, nil
}

func bracketed(set string, opposite bool) string {
	if opposite {
		return "[^" + set + "]"
	}
	return "[" + set + "]"
}

// classSet is what a class holds: characters and ranges, and the sets whose opposites it holds as well.
type classSet struct {
	in        strings.Builder
	opposites []string
}

// text writes the class. Opposites become alternatives, because a class of regexp2 can't hold them beside other things.
func (c *classSet) text(negated bool) string {
	if c.opposites == nil {
		return bracketed(c.in.String(), negated)
	}
	var parts []string
	if c.in.Len() > 0 {
		parts = append(parts, bracketed(c.in.String(), false))
	}
	for _, set := range c.opposites {
		parts = append(parts, bracketed(set, true))
	}
	any := "(?:" + strings.Join(parts, "|") + ")"
	if negated {
		return "(?:(?!" + any + `)[\s\S])`
	}
	return any
}

// class reads […].
func (t *pythonRegex) class() (piece, error) {
	start := t.pos
	t.pos++
	negated := t.accept("^")
	set := &classSet{}
	for first := true; ; first = false {
		r := t.peek()
		if r == -1 {
			return piece{}, t.fail(start, "unterminated character set")
		}
		if r == ']' && !first {
			t.pos++
			return piece{text: set.text(negated), lo: 1, hi: 1}, nil
		}
		if err := t.classItem(set, start); err != nil {
			return piece{}, err
		}
	}
}

// classItem reads a character, a category or a range of a class.
func (t *pythonRegex) classItem(set *classSet, class int) error {
	from := t.pos
	lo, category, err := t.classCharacter(set)
	if err != nil {
		return err
	}
	if t.peek() != '-' || t.pos+1 < len(t.src) && t.src[t.pos+1] == ']' {
		if !category {
			set.in.WriteString(literalText(lo))
		}
		return nil
	}
	t.pos++
	if t.peek() == -1 {
		return t.fail(class, "unterminated character set")
	}
	hi, other, err := t.classCharacter(set)
	if err != nil {
		return err
	}
	if category || other || hi < lo {
		return t.fail(from, "bad character range %s", string(t.src[from:t.pos]))
	}
	set.in.WriteString(literalText(lo) + "-" + literalText(hi))
	return nil
}

// classCharacter reads a character, or a category, which goes into the set.
func (t *pythonRegex) classCharacter(set *classSet) (r rune, category bool, err error) {
	r = t.peek()
	if r != '\\' {
		t.pos++
		return r, false, nil
	}
	if t.pos+1 >= len(t.src) {
		return 0, false, t.fail(t.pos, "bad escape (end of pattern)")
	}
	if text, opposite, ok := t.category(t.src[t.pos+1]); ok {
		t.pos += 2
		if opposite {
			set.opposites = append(set.opposites, text)
		} else {
			set.in.WriteString(text)
		}
		return 0, true, nil
	}
	r, err = t.character(true)
	return r, false, err
}
