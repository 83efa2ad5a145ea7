package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cierzo/expr/value"
)

// strMethod finds a method of texts. It is one flat table.
//
//nolint:funlen // a flat table: a line for each method
func strMethod(name string) *builtin {
	text := func(f func(string) string) *builtin {
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			s, _ := textOf(c.self)
			return likeFirst(c.self, f(s)), c.r.make(len(s))
		})
	}
	is := func(f func(string) bool) *builtin {
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			s, _ := textOf(c.self)
			return value.Bool(f(s)), c.r.make(len(s))
		})
	}
	runes := func(f func(rune) bool) *builtin { return is(func(s string) bool { return all(s, f) }) }
	switch name {
	case "upper":
		return text(value.Upper)
	case "lower":
		return text(value.Lower)
	case "casefold":
		return text(casefold)
	case "capitalize":
		return text(capitalize)
	case "title":
		return text(titleWords)
	case "swapcase":
		return text(swapCase)
	case "isalnum":
		return runes(isAlnum)
	case "isalpha":
		return runes(unicode.IsLetter)
	case "isascii":
		return is(isASCII)
	case "isdecimal":
		return runes(unicode.IsDigit)
	case "isdigit":
		return runes(isDigitRune)
	case "isnumeric":
		return runes(unicode.IsNumber)
	case "isidentifier":
		return is(isIdentifier)
	case "islower":
		return is(isLower)
	case "isupper":
		return is(isUpper)
	case "istitle":
		return is(isTitle)
	case "isspace":
		return runes(value.IsSpace)
	case "isprintable":
		return is(func(s string) bool { return s == "" || all(s, unicode.IsPrint) })
	case "strip", "lstrip", "rstrip":
		return method(name, 0, []string{"chars"}, strStrip)
	case "split", "rsplit":
		return &builtin{name: name, params: []string{"sep", "maxsplit"}, eval: strSplit}
	case "splitlines":
		return &builtin{name: name, params: []string{"keepends"}, eval: strSplitlines}
	case "partition", "rpartition":
		return method(name, 1, []string{"sep"}, strPartition)
	case "join":
		return method(name, 1, []string{"iterable"}, strJoin)
	case "replace":
		return method(name, 2, []string{"old", "new", "count"}, strReplace)
	case "startswith", "endswith":
		return method(name, 1, []string{"prefix", "start", "end"}, strStarts)
	case "find", "rfind", "index", "rindex", "count":
		return method(name, 1, []string{"sub", "start", "end"}, strFind)
	case "center", "ljust", "rjust":
		return method(name, 1, []string{"width", "fillchar"}, strPad)
	case "zfill":
		return method(name, 1, []string{"width"}, strZfill)
	case "expandtabs":
		return &builtin{name: name, params: []string{"tabsize"}, eval: strExpandtabs}
	case "removeprefix", "removesuffix":
		return method(name, 1, []string{"prefix"}, strRemove)
	case "format":
		return &builtin{name: name, variadic: true, keywords: true, eval: strFormat}
	case "format_map":
		return &builtin{name: name, variadic: true, keywords: true, eval: strFormatMap}
	case "encode":
		return &builtin{name: name, params: []string{"encoding", "errors"}, eval: strEncode}
	case "translate":
		return method(name, 1, []string{"table"}, strTranslate)
	case "maketrans":
		return method(name, 1, []string{"x", "y", "z"}, strMaketrans)
	}
	return nil
}

// markupMethod finds the methods that only markup has.
func markupMethod(name string) *builtin {
	switch name {
	case "escape":
		return method(name, 1, []string{"s"}, filterEscape)
	case "unescape":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			return value.String(unescapeHTML(c.self.(*markup).s)), c.r.make(len(c.self.(*markup).s))
		})
	case "striptags":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return c.r.striptags(c.self.(*markup).s) })
	}
	return strMethod(name)
}

func strStrip(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	left, right := c.fn.name != "rstrip", c.fn.name != "lstrip"
	if !c.given(0) {
		if left {
			s = strings.TrimLeftFunc(s, value.IsSpace)
		}
		if right {
			s = strings.TrimRightFunc(s, value.IsSpace)
		}
		return likeFirst(c.self, s), nil
	}
	chars, ok := textOf(c.arg(0))
	if !ok {
		return nil, typeError("%s arg must be None or str", c.fn.name)
	}
	return likeFirst(c.self, trimChars(s, chars, left, right)), nil
}

func strSplit(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	limit, err := c.int(1, -1)
	if err != nil {
		return nil, err
	}
	split := value.Split
	if c.fn.name == "rsplit" {
		split = value.RightSplit
	}
	var separator *string
	if c.given(0) {
		sep, ok := textOf(c.arg(0))
		if !ok {
			return nil, typeError("must be str or None, not %s", typeName(c.arg(0)))
		}
		if sep == "" {
			return nil, valueError("empty separator")
		}
		separator = &sep
	}
	return c.r.texts(c.self, split(s, separator, limit))
}

// texts makes a list of texts of the kind that v is.
func (r *run) texts(v value.Value, parts []string) (value.Value, error) {
	if err := r.make(len(parts)); err != nil {
		return nil, err
	}
	items := make([]value.Value, len(parts))
	for i, p := range parts {
		items[i] = likeFirst(v, p)
	}
	return value.NewList(items), nil
}

func strSplitlines(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	keep, err := c.truth(0, false)
	if err != nil {
		return nil, err
	}
	return c.r.texts(c.self, splitLines(s, keep))
}

func strPartition(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	sep, ok := textOf(c.arg(0))
	if !ok {
		return nil, typeError("must be str, not %s", typeName(c.arg(0)))
	}
	if sep == "" {
		return nil, valueError("empty separator")
	}
	i := strings.Index(s, sep)
	parts := [3]string{s, "", ""}
	if c.fn.name == "rpartition" {
		i = strings.LastIndex(s, sep)
		parts = [3]string{"", "", s}
	}
	if i >= 0 {
		parts = [3]string{s[:i], sep, s[i+len(sep):]}
	}
	items := make([]value.Value, 3)
	for i, p := range parts {
		items[i] = likeFirst(c.self, p)
	}
	return value.NewTuple(items), nil
}

func strJoin(c *call) (value.Value, error) {
	sep, _ := textOf(c.self)
	_, marked := c.self.(*markup)
	it, err := c.r.iter(c.arg(0))
	if err != nil {
		if isUndefined(c.arg(0)) {
			return nil, err
		}
		return nil, typeError("can only join an iterable")
	}
	var b strings.Builder
	for i := 0; ; i++ {
		item, ok, err := c.r.pull(it)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		s, text := textOf(item)
		if marked {
			if s, err = c.r.escaped(item); err != nil {
				return nil, err
			}
		} else if !text {
			return nil, typeError("sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		if err := c.r.make(len(s) + len(sep)); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
	}
	return likeFirst(c.self, b.String()), nil
}

func strReplace(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	var texts [2]string
	for i := range texts {
		var err error
		if texts[i], err = c.replacement(i); err != nil {
			return nil, err
		}
	}
	count, err := c.int(2, -1)
	if err != nil {
		return nil, err
	}
	out, err := c.r.replace(s, texts[0], texts[1], count)
	return likeFirst(c.self, out), err
}

// replacement is argument i of replace; markup escapes what is put into it.
func (c *call) replacement(i int) (string, error) {
	if _, marked := c.self.(*markup); marked && i == 1 {
		return c.r.escaped(c.arg(i))
	}
	return c.text(i, "")
}

// part is the receiver cut to the start and end that arguments i and i+1 say; offset is where it begins. Not ok: start
// is behind the end.
func (c *call) part(i int) (s string, offset int, ok bool, err error) {
	whole, _ := textOf(c.self)
	if !c.given(i) && !c.given(i+1) {
		return whole, 0, true, nil
	}
	n := utf8.RuneCountInString(whole)
	bounds := [2]int{0, n}
	for j := range bounds {
		if !c.given(i + j) {
			continue
		}
		at, err := c.int(i+j, 0)
		if err != nil {
			return "", 0, false, typeError("slice indices must be integers or None or have an __index__ method")
		}
		if at < 0 {
			at = max(at+n, 0)
		}
		bounds[j] = at
	}
	start, end := bounds[0], min(bounds[1], n)
	if start > n || start > end {
		return "", 0, false, nil
	}
	runes := []rune(whole)
	return string(runes[start:end]), start, true, c.r.make(n)
}

func strStarts(c *call) (value.Value, error) {
	s, _, inside, err := c.part(1)
	if err != nil {
		return nil, err
	}
	has := strings.HasPrefix
	if c.fn.name == "endswith" {
		has = strings.HasSuffix
	}
	if p, ok := textOf(c.arg(0)); ok {
		return value.Bool(inside && has(s, p)), nil
	}
	t, ok := c.arg(0).(*value.Tuple)
	if !ok {
		if u, undef := c.arg(0).(*undefined); undef && !u.lenient {
			return nil, typeError("%s first arg must be str or a tuple of str, not StrictUndefined", c.fn.name)
		}
		return nil, typeError("%s first arg must be str or a tuple of str, not %s", c.fn.name, typeName(c.arg(0)))
	}
	for _, item := range t.Items() {
		p, ok := textOf(item)
		if !ok {
			return nil, typeError("tuple for %s must only contain str, not %s", c.fn.name, typeName(item))
		}
		if inside && has(s, p) {
			return value.Bool(true), nil
		}
	}
	return value.Bool(false), nil
}

func strFind(c *call) (value.Value, error) {
	s, offset, inside, err := c.part(1)
	if err != nil {
		return nil, err
	}
	sub, ok := textOf(c.arg(0))
	if !ok {
		return nil, typeError("must be str, not %s", typeName(c.arg(0)))
	}
	if c.fn.name == "count" {
		if !inside {
			return value.Int(0), nil
		}
		return value.Int(strings.Count(s, sub)), nil
	}
	at := -1
	if inside {
		if c.fn.name[0] == 'r' {
			at = strings.LastIndex(s, sub)
		} else {
			at = strings.Index(s, sub)
		}
	}
	if at >= 0 {
		return value.Int(offset + utf8.RuneCountInString(s[:at])), nil
	}
	if strings.HasSuffix(c.fn.name, "index") {
		return nil, valueError("substring not found")
	}
	return value.Int(-1), nil
}

func strPad(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	width, err := c.int(0, 0)
	if err != nil {
		return nil, err
	}
	fill := ' '
	if c.arg(1) != nil {
		f, ok := textOf(c.arg(1))
		if !ok {
			return nil, typeError("The fill character must be a unicode character, not %s", typeName(c.arg(1)))
		}
		if utf8.RuneCountInString(f) != 1 {
			return nil, typeError("The fill character must be exactly one character long")
		}
		if f, err = c.fillOf(f); err != nil {
			return nil, err
		}
		fill, _ = utf8.DecodeRuneInString(f)
	}
	align := alignCenter
	switch c.fn.name {
	case "ljust":
		align = alignLeft
	case "rjust":
		align = alignRight
	}
	out, err := c.r.pad(s, width, fill, align)
	return likeFirst(c.self, out), err
}

// fillOf is a fill character; markup escapes it, which leaves more than a character of some.
func (c *call) fillOf(f string) (string, error) {
	if _, marked := c.self.(*markup); marked && escapeHTML(f) != f {
		return "", typeError("The fill character must be exactly one character long")
	}
	return f, nil
}

func strZfill(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	width, err := c.int(0, 0)
	if err != nil {
		return nil, err
	}
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	out, err := c.r.pad(s, width-len(sign), '0', alignRight)
	return likeFirst(c.self, sign+out), err
}

func strExpandtabs(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	size, err := c.int(0, 8)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	column := 0
	for _, r := range s {
		switch {
		case r == '\t':
			n := 0
			if size > 0 {
				n = size - column%size
			}
			if err := c.r.make(n); err != nil {
				return nil, err
			}
			b.WriteString(strings.Repeat(" ", n))
			column += n
		default:
			b.WriteRune(r)
			column++
			if r == '\n' || r == '\r' {
				column = 0
			}
		}
	}
	return likeFirst(c.self, b.String()), c.r.make(len(s))
}

func strRemove(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	p, err := c.text(0, "")
	if err != nil {
		return nil, err
	}
	if c.fn.name == "removeprefix" {
		return likeFirst(c.self, strings.TrimPrefix(s, p)), nil
	}
	return likeFirst(c.self, strings.TrimSuffix(s, p)), nil
}
