package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cierzo/expr/value"
)

// Filters over texts. What isn't a text is made one first, as Jinja2 does.

// textFilter makes a filter of a function over texts; markup stays markup.
func textFilter(f func(string) string) func(c *call) (value.Value, error) {
	return func(c *call) (value.Value, error) {
		s, err := c.soft(0)
		if err != nil {
			return nil, err
		}
		if err := c.r.make(len(s)); err != nil {
			return nil, err
		}
		return likeFirst(c.arg(0), f(s)), nil
	}
}

// likeFirst makes a text of the kind that v is.
func likeFirst(v value.Value, s string) value.Value {
	if _, ok := v.(*markup); ok {
		return &markup{s: s}
	}
	return value.String(s)
}

// titleFilter begins each word with a capital; words end at white space, hyphens and opening brackets.
func titleFilter(s string) string {
	var b strings.Builder
	start := 0
	word := func(w string) {
		_, size := utf8.DecodeRuneInString(w)
		b.WriteString(value.Upper(w[:size]))
		b.WriteString(value.Lower(w[size:]))
	}
	inBreak := false
	for i, r := range s {
		if stop := value.IsSpace(r) || strings.ContainsRune("-({[<", r); stop != inBreak {
			word(s[start:i])
			start, inBreak = i, stop
		}
	}
	word(s[start:])
	return b.String()
}

func filterString(c *call) (value.Value, error) {
	if m, ok := c.arg(0).(*markup); ok {
		return m, nil
	}
	s, err := c.soft(0)
	return value.String(s), err
}

func filterCenter(c *call) (value.Value, error) {
	s, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	width, err := c.int(1, 80)
	if err != nil {
		return nil, err
	}
	out, err := c.r.pad(s, width, ' ', alignCenter)
	return likeFirst(c.arg(0), out), err
}

func filterTrim(c *call) (value.Value, error) {
	s, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	if !c.given(1) {
		return likeFirst(c.arg(0), strings.TrimFunc(s, value.IsSpace)), nil
	}
	chars, err := c.text(1, "")
	if err != nil {
		return nil, err
	}
	return likeFirst(c.arg(0), trimChars(s, chars, true, true)), nil
}

func filterReplace(c *call) (value.Value, error) {
	var texts [3]string
	for i := range texts {
		s, err := c.soft(i)
		if err != nil {
			return nil, err
		}
		texts[i] = s
	}
	count := -1
	if c.given(3) {
		n, err := c.int(3, -1)
		if err != nil {
			return nil, err
		}
		count = n
	}
	if !c.r.escape {
		s, err := c.r.replace(texts[0], texts[1], texts[2], count)
		return value.String(s), err
	}
	_, markS := c.arg(0).(*markup)
	_, markOld := c.arg(1).(*markup)
	_, markNew := c.arg(2).(*markup)
	if markOld || markNew && !markS {
		if !markS {
			texts[0] = escapeHTML(texts[0])
		}
		markS = true
	}
	if markS && !markNew { // markup escapes what is put into it
		texts[2] = escapeHTML(texts[2])
	}
	s, err := c.r.replace(texts[0], texts[1], texts[2], count)
	if markS {
		return &markup{s: s}, err
	}
	return value.String(s), err
}

// replace is str.replace, counted before it is made.
func (r *run) replace(s, old, with string, count int) (string, error) {
	hits := strings.Count(s, old)
	if count >= 0 {
		hits = min(hits, count)
	}
	if len(with) > 0 && hits > maxInt/len(with)-len(s) {
		return "", r.make(maxInt)
	}
	if err := r.make(len(s) + hits*len(with)); err != nil {
		return "", err
	}
	return strings.Replace(s, old, with, hits), nil
}

func filterFormat(c *call) (value.Value, error) {
	if len(c.rest) > 0 && len(c.kw) > 0 {
		return nil, raise("FilterArgumentError", "can't handle positional and keyword arguments at the same time")
	}
	s, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	if len(c.kw) > 0 {
		d := value.NewDict(len(c.kw))
		for _, k := range c.kw {
			d.SetString(k.name, k.val)
		}
		return c.r.percent(s, d, c.arg(0))
	}
	return c.r.percent(s, value.NewTuple(append([]value.Value{}, c.rest...)), c.arg(0))
}

// textArg is the input of a filter that takes nothing but texts.
func (c *call) textArg(missing string) (string, error) {
	if s, ok := textOf(c.arg(0)); ok {
		return s, nil
	}
	if u, ok := c.arg(0).(*undefined); ok {
		return "", u.fail()
	}
	return "", raise("AttributeError", "'%s' object has no attribute '%s'", typeName(c.arg(0)), missing)
}

func filterIndent(c *call) (value.Value, error) {
	s, ok := textOf(c.arg(0))
	if !ok {
		return nil, noIndent(c.arg(0))
	}
	indent, ok := textOf(c.or(1, value.Int(4)))
	if !ok {
		n, err := c.int(1, 4)
		if err != nil {
			return nil, typeError("can't multiply sequence by non-int of type '%s'", typeName(c.arg(1)))
		}
		if indent, err = c.r.repeatText(" ", max(n, 0)); err != nil {
			return nil, err
		}
	}
	first, err := c.truth(2, false)
	if err != nil {
		return nil, err
	}
	blank, err := c.truth(3, false)
	if err != nil {
		return nil, err
	}
	lines := splitLines(s+"\n", false)
	if len(indent) > 0 && len(lines) > maxInt/len(indent)/2 {
		return nil, c.r.make(maxInt)
	}
	if err := c.r.make(len(s) + len(lines)*(len(indent)+1)); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == 0 && first || i > 0 && (blank || line != "") {
			b.WriteString(indent)
		}
		b.WriteString(line)
	}
	return likeFirst(c.arg(0), b.String()), nil
}

// noIndent is why a value that is no text can't be indented: Python adds a line end to it.
func noIndent(v value.Value) error {
	switch v := v.(type) {
	case *undefined:
		return v.fail()
	case *value.List:
		return raise("AttributeError", "'list' object has no attribute 'splitlines'")
	case *value.Tuple:
		return typeError(`can only concatenate tuple (not "str") to tuple`)
	}
	return typeError("unsupported operand type(s) for +=: '%s' and 'str'", typeName(v))
}

func filterTruncate(c *call) (value.Value, error) {
	v := c.arg(0)
	length, err := c.int(1, 255)
	if err != nil {
		return nil, typeError("'>=' not supported between instances of '%s' and 'int'", typeName(c.arg(1)))
	}
	kill, err := c.truth(2, false)
	if err != nil {
		return nil, err
	}
	end, err := c.text(3, "...")
	if err != nil {
		return nil, err
	}
	leeway := 5
	if c.given(4) {
		if leeway, err = c.int(4, 5); err != nil {
			return nil, err
		}
	}
	tail := utf8.RuneCountInString(end)
	if length < tail {
		return nil, raise("AssertionError", "expected length >= %d, got %d", tail, length)
	}
	if leeway < 0 {
		return nil, raise("AssertionError", "expected leeway >= 0, got %d", leeway)
	}
	n, err := c.r.length(v)
	if err != nil || n <= length || n-length <= leeway {
		return v, err
	}
	s, ok := textOf(v)
	if !ok {
		return nil, typeError("can only concatenate %s (not \"str\") to %s", typeName(v), typeName(v))
	}
	cut := string([]rune(s)[:length-tail])
	if !kill {
		if at := strings.LastIndexByte(cut, ' '); at >= 0 {
			cut = cut[:at]
		}
	}
	if _, marked := v.(*markup); marked {
		if _, endMarked := c.or(3, value.String("")).(*markup); !endMarked {
			end = escapeHTML(end)
		}
	}
	return likeFirst(v, cut+end), c.r.make(len(cut) + len(end))
}

func filterWordcount(c *call) (value.Value, error) {
	s, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	n, inside := 0, false
	for _, r := range s {
		word := isWord(r)
		if word && !inside {
			n++
		}
		inside = word
	}
	return value.Int(n), c.r.make(len(s))
}

// isWord is \w of Python's regular expressions.
func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// filterStriptags takes out comments and tags, and makes runs of white space one blank.
func filterStriptags(c *call) (value.Value, error) {
	s, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	return c.r.striptags(s)
}

func (r *run) striptags(s string) (value.Value, error) {
	if err := r.make(2 * len(s)); err != nil {
		return nil, err
	}
	s = cutBetween(cutBetween(s, "<!--", "-->"), "<", ">")
	return value.String(unescapeHTML(strings.Join(strings.FieldsFunc(s, value.IsSpace), " "))), nil
}

// cutBetween takes out everything from open to end.
func cutBetween(s, open, end string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, open)
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], end)
		if j < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i+j+len(end):]
	}
	b.WriteString(s)
	return b.String()
}
