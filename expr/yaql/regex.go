package yaql

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// pattern is a compiled regular expression of Python's re.
type pattern struct {
	value.Object
	text     string
	flags    int
	groups   int
	names    []string // of the groups by number; "" is none
	compiled *regexp2.Regexp
	// nonEmpty matches what compiled does, but nothing empty at the place where the search begins.
	nonEmpty *regexp2.Regexp
	net      string
	options  regexp2.RegexOptions
	loops    bool
}

// TypeName is the name of the type in Python.
func (*pattern) TypeName() string { return "re.Pattern" }

// Pattern is the text that it was made of.
func (p *pattern) Pattern() string { return p.text }

// Flags are Python's flags.
func (p *pattern) Flags() int { return p.flags }

// Repr is its text in Python.
func (p *pattern) Repr() string {
	var names []string
	for _, f := range []struct {
		flag int
		name string
	}{
		{flagIgnoreCase, "IGNORECASE"},
		{flagMultiLine, "MULTILINE"},
		{flagDotAll, "DOTALL"},
		{flagVerbose, "VERBOSE"},
		{flagASCII, "ASCII"},
	} {
		if p.flags&f.flag != 0 {
			names = append(names, "re."+f.name)
		}
	}
	s := "re.compile(" + value.Repr(value.String(p.text))
	if names != nil {
		s += ", " + strings.Join(names, "|")
	}
	return s + ")"
}

// The limits of patterns: how many an evaluation remembers, and how long one match may take. The time is looked at only
// where there is something to go back to; without that a match takes no longer than the text is.
const (
	patternsMax  = 64
	matchTimeout = time.Second
)

type patternKey struct {
	text  string
	flags int
}

// pattern compiles a regular expression, or remembers it.
func (r *run) pattern(text string, flags int) (*pattern, error) {
	key := patternKey{text, flags}
	if p := r.patterns[key]; p != nil {
		return p, nil
	}
	if err := r.budget.Charge(100 + 10*len(text)); err != nil {
		return nil, err
	}
	t, net, err := translateRegex(text, flags)
	if err != nil {
		return nil, err
	}
	p := &pattern{text: text, flags: t.flags, groups: t.groups, net: net, loops: t.loops, names: make([]string, t.groups+1)}
	for name, n := range t.names {
		p.names[n] = name
	}
	for flag, option := range map[int]regexp2.RegexOptions{
		flagIgnoreCase: regexp2.IgnoreCase, flagMultiLine: regexp2.Multiline, flagDotAll: regexp2.Singleline,
	} {
		if p.flags&flag != 0 {
			p.options |= option
		}
	}
	if p.compiled, err = p.compile(net); err != nil {
		return nil, err
	}
	if len(r.patterns) >= patternsMax || r.patterns == nil {
		r.patterns = map[patternKey]*pattern{}
	}
	r.patterns[key] = p
	return p, nil
}

func (p *pattern) compile(net string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(net, p.options)
	if err != nil {
		return nil, &Error{classRegex, err.Error()}
	}
	if p.loops {
		re.MatchTimeout = matchTimeout
	}
	return re, nil
}

// match is one match; positions count code points.
type match struct {
	of     *pattern
	text   []rune
	groups [][2]int // start and end; -1 where a group didn't match
}

func (m *match) start() int { return m.groups[0][0] }
func (m *match) end() int   { return m.groups[0][1] }

// group is the text of a group; null where it didn't match.
func (m *match) group(n int) value.Value {
	g := m.groups[n]
	if g[0] < 0 {
		return value.Null{}
	}
	return value.String(string(m.text[g[0]:g[1]]))
}

// find finds the first match from a position on; nil: there is none. notEmpty refuses an empty one at that position.
func (r *run) find(p *pattern, text []rune, from int, notEmpty bool) (*match, error) {
	if err := r.budget.Step(); err != nil {
		return nil, err
	}
	re := p.compiled
	if notEmpty {
		if p.nonEmpty == nil {
			var err error
			if p.nonEmpty, err = p.compile("(?:" + p.net + `)(?!\G)`); err != nil {
				return nil, err
			}
		}
		re = p.nonEmpty
	}
	found, err := re.FindRunesMatchStartingAt(text, from)
	if expired := r.env.Limits.Expired; err != nil || p.loops && expired != nil && expired() {
		return nil, &scope.LimitError{Limit: "time"}
	}
	if found == nil {
		return nil, nil
	}
	m := &match{of: p, text: text}
	for n := range p.groups + 1 {
		g := found.GroupByNumber(n)
		if g == nil || len(g.Captures) == 0 {
			m.groups = append(m.groups, [2]int{-1, -1})
			continue
		}
		m.groups = append(m.groups, [2]int{g.Index, g.Index + g.Length})
	}
	return m, nil
}

// runes are the characters of a text, paid for.
func (r *run) runes(s string) ([]rune, error) {
	if err := r.budget.Charge(utf8.RuneCountInString(s)); err != nil {
		return nil, err
	}
	return []rune(s), nil
}

// matches gives one match after the other, as re.finditer does: behind an empty match at the same place only one that
// isn't empty.
func (r *run) matches(p *pattern, s string) (func() (*match, error), error) {
	text, err := r.runes(s)
	at, empty := 0, false
	return func() (*match, error) {
		if at > len(text) {
			return nil, nil
		}
		m, err := r.find(p, text, at, empty)
		if m == nil || err != nil {
			at = len(text) + 1
			return nil, err
		}
		at, empty = m.end(), m.start() == m.end()
		return m, nil
	}, err
}

// expand makes the replacement of a match from a template: \1, \g<1>, \g<name> and escapes.
func (m *match) expand(template string) (string, error) {
	if !strings.Contains(template, `\`) {
		return template, nil
	}
	var b strings.Builder
	t := []rune(template)
	for i := 0; i < len(t); {
		if t[i] != '\\' {
			b.WriteRune(t[i])
			i++
			continue
		}
		size, err := m.expandEscape(&b, t, i)
		if err != nil {
			return "", err
		}
		i += size
	}
	return b.String(), nil
}

func badTemplate(at int, format string, args ...any) error {
	return fail(classRegex, format+" at position "+strconv.Itoa(at), args...)
}

func (m *match) write(b *strings.Builder, n, at int) error {
	if n > m.of.groups {
		return badTemplate(at, "invalid group reference %d", n)
	}
	if text, ok := m.group(n).(value.String); ok {
		b.WriteString(string(text))
	}
	return nil
}

// expandEscape expands the escape at i and gives its size.
func (m *match) expandEscape(b *strings.Builder, t []rune, i int) (int, error) {
	if i+1 == len(t) {
		return 0, badTemplate(i, "bad escape (end of pattern)")
	}
	digit := func(at int, most rune) bool { return at < len(t) && t[at] >= '0' && t[at] <= most }
	r := t[i+1]
	switch {
	case r == 'g':
		return m.expandName(b, t, i)
	case r == '0' || digit(i+1, '3') && digit(i+2, '7') && digit(i+3, '7'):
		end := i + 2
		for end < i+4 && digit(end, '7') {
			end++
		}
		code, _ := strconv.ParseUint(string(t[i+1:end]), 8, 32)
		b.WriteRune(rune(code & 0xff))
		return end - i, nil
	case digit(i+1, '9'):
		end := i + 2
		if digit(end, '9') {
			end++
		}
		n, _ := strconv.Atoi(string(t[i+1 : end]))
		return end - i, m.write(b, n, i+1)
	}
	const short, meaning = "abfnrtv\\", "\a\b\f\n\r\t\v\\"
	if at := strings.IndexRune(short, r); at >= 0 {
		b.WriteByte(meaning[at])
		return 2, nil
	}
	if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
		return 0, badTemplate(i, "bad escape \\%c", r)
	}
	b.WriteString(string(t[i : i+2]))
	return 2, nil
}

func (m *match) expandName(b *strings.Builder, t []rune, i int) (int, error) {
	if i+2 >= len(t) || t[i+2] != '<' {
		return 0, badTemplate(i+2, "missing <")
	}
	end := i + 3
	for end < len(t) && t[end] != '>' {
		end++
	}
	name := string(t[i+3 : end])
	switch {
	case end == len(t) && name == "":
		return 0, badTemplate(i+3, "missing group name")
	case end == len(t):
		return 0, badTemplate(i+3, "missing >, unterminated name")
	case name == "":
		return 0, badTemplate(i+3, "missing group name")
	}
	size := end + 1 - i
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		return size, m.write(b, n, i+3)
	}
	if !isIdentifier(name) {
		return 0, badTemplate(i+3, "bad character in group name %s", value.Repr(value.String(name)))
	}
	for n, have := range m.of.names {
		if have == name {
			return size, m.write(b, n, i+3)
		}
	}
	return 0, &Error{classIndex, fmt.Sprintf("unknown group name %s", value.Repr(value.String(name)))}
}
