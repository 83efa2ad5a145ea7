package yaql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"cierzo/expr/value"
)

// group reads (…) of any sort.
func (t *pythonRegex) group() (piece, error) {
	start := t.pos
	t.pos++
	if !t.accept("?") {
		return t.capture(start, "")
	}
	r := t.peek()
	t.pos++
	switch r {
	case ':':
		return t.body(start, "(?:")
	case '>':
		return t.body(start, "(?>")
	case '=', '!':
		p, err := t.body(start, "(?"+string(r))
		return piece{text: p.text, repeated: false}, err
	case '#':
		for t.peek() != ')' {
			if t.peek() == -1 {
				return piece{}, t.fail(start, "missing ), unterminated comment")
			}
			t.pos++
		}
		t.pos++
		return piece{empty: true}, nil
	case 'P':
		return t.namedGroup(start)
	case '<':
		return t.lookBehind(start)
	case '(':
		return t.conditional(start)
	case -1:
		return piece{}, t.fail(t.pos-1, "unexpected end of pattern")
	}
	if flagOf(r) != 0 || r == '-' || r == 'L' {
		t.pos--
		return t.scopedFlags(start)
	}
	return piece{}, t.fail(start+1, "unknown extension ?%c", r)
}

// body reads up to the closing parenthesis.
func (t *pythonRegex) body(start int, open string) (piece, error) {
	flags := t.flags
	p, err := t.alternatives()
	t.flags = flags
	if err != nil {
		return p, err
	}
	if !t.accept(")") {
		return p, t.fail(start, "missing ), unterminated subpattern")
	}
	return piece{text: open + p.text + ")", lo: p.lo, hi: p.hi}, nil
}

func (t *pythonRegex) capture(start int, name string) (piece, error) {
	t.groups++
	n := t.groups
	if name != "" {
		if was, ok := t.names[name]; ok {
			at := t.pos - len([]rune(name)) - 1
			return piece{}, t.fail(at, "redefinition of group name %s as group %d; was group %d", value.Repr(value.String(name)), n, was)
		}
		t.names[name] = n
	}
	p, err := t.body(start, "(")
	t.closed[n] = true
	return p, err
}

// groupName reads a name up to end.
func (t *pythonRegex) groupName(end rune) (string, error) {
	start := t.pos
	for t.peek() != end {
		if t.peek() == -1 {
			if t.pos == start {
				return "", t.fail(start, "missing group name")
			}
			return "", t.fail(start, "missing %c, unterminated name", end)
		}
		t.pos++
	}
	name := string(t.src[start:t.pos])
	t.pos++
	if name == "" {
		return "", t.fail(t.pos-1, "missing group name")
	}
	return name, nil
}

func isIdentifier(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

func (t *pythonRegex) namedGroup(start int) (piece, error) {
	switch {
	case t.accept("<"):
		from := t.pos
		name, err := t.groupName('>')
		if err != nil {
			return piece{}, err
		}
		if !isIdentifier(name) {
			return piece{}, t.fail(from, "bad character in group name %s", value.Repr(value.String(name)))
		}
		return t.capture(start, name)
	case t.accept("="):
		from := t.pos
		name, err := t.groupName(')')
		if err != nil {
			return piece{}, err
		}
		if !isIdentifier(name) {
			return piece{}, t.fail(from, "bad character in group name %s", value.Repr(value.String(name)))
		}
		n, ok := t.names[name]
		if !ok {
			return piece{}, t.fail(from, "unknown group name %s", value.Repr(value.String(name)))
		}
		return t.backreference(n, from, from)
	case t.peek() == -1:
		return piece{}, t.fail(t.pos, "unexpected end of pattern")
	}
	return piece{}, t.fail(start+1, "unknown extension ?P%c", t.peek())
}

// lookBehind reads (?<=…) and (?<!…), whose width must be fixed.
func (t *pythonRegex) lookBehind(start int) (piece, error) {
	r := t.peek()
	t.pos++
	switch r {
	case '=', '!':
		p, err := t.body(start, "(?<"+string(r))
		if err == nil && p.lo != p.hi {
			err = &Error{classRegex, "look-behind requires fixed-width pattern"}
		}
		return piece{text: p.text}, err
	case -1:
		return piece{}, t.fail(t.pos-1, "unexpected end of pattern")
	}
	return piece{}, t.fail(start+1, "unknown extension ?<%c", r)
}

// conditional reads (?(group)yes|no).
func (t *pythonRegex) conditional(start int) (piece, error) {
	from := t.pos
	name, err := t.groupName(')')
	if err != nil {
		return piece{}, err
	}
	n, ok := t.names[name]
	switch number, err := strconv.Atoi(name); {
	case err == nil && number == 0:
		return piece{}, t.fail(from, "bad group number")
	case err == nil:
		n = number
	case !isIdentifier(name):
		return piece{}, t.fail(from, "bad character in group name %s", value.Repr(value.String(name)))
	case !ok:
		return piece{}, t.fail(from, "unknown group name %s", value.Repr(value.String(name)))
	}
	p, err := t.alternatives()
	if err != nil {
		return p, err
	}
	if !t.accept(")") {
		return p, t.fail(start, "missing ), unterminated subpattern")
	}
	if n > t.groups {
		return p, t.fail(from, "invalid group reference %d", n)
	}
	if strings.Count(p.text, "|") == 0 {
		p.lo = 0
	}
	return piece{text: fmt.Sprintf("(?(%d)%s)", n, p.text), lo: p.lo, hi: p.hi}, nil
}

// scopedFlags reads (?i-m:…).
func (t *pythonRegex) scopedFlags(start int) (piece, error) {
	on, off, minus := 0, 0, false
	for {
		r := t.peek()
		t.pos++
		switch {
		case r == -1:
			return piece{}, t.fail(t.pos-1, "missing -, : or )")
		case r == '-' && !minus:
			minus = true
		case r == ')' && !minus:
			return piece{}, t.fail(start, "global flags not at the start of the expression")
		case r == ':':
			if minus && off == 0 {
				return piece{}, t.fail(t.pos-1, "missing flag")
			}
			return t.flagged(start, on, off)
		case flagOf(r) == 0 && unicode.IsLetter(r):
			return piece{}, t.fail(t.pos-1, "unknown flag")
		case flagOf(r) == 0:
			return piece{}, t.fail(t.pos-1, "missing -, : or )")
		case minus:
			off |= flagOf(r)
		default:
			on |= flagOf(r)
		}
	}
}

func (t *pythonRegex) flagged(start, on, off int) (piece, error) {
	before := t.flags
	t.flags = t.flags&^off | on
	if on&flagUnicode != 0 {
		t.flags &^= flagASCII
	}
	p, err := t.body(start, "(?"+netFlags(on)+minusFlags(off)+":")
	t.flags = before
	return p, err
}

// netFlags are the flags that regexp2 has too; the others were taken into account by the translation.
func netFlags(flags int) string {
	s := ""
	for _, r := range "ims" {
		if flags&flagOf(r) != 0 {
			s += string(r)
		}
	}
	return s
}

func minusFlags(flags int) string {
	if s := netFlags(flags); s != "" {
		return "-" + s
	}
	return ""
}
