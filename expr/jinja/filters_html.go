package jinja

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// Filters that make HTML, XML and URLs.

// escaped is a value as HTML.
func (r *run) escaped(v value.Value) (string, error) {
	s, err := r.str(v)
	if err != nil {
		return "", err
	}
	if _, ok := v.(*markup); !ok {
		s = escapeHTML(s)
	}
	return s, r.make(len(s))
}

func filterEscape(c *call) (value.Value, error) {
	s, err := c.r.escaped(c.arg(0))
	return &markup{s: s}, err
}

func filterForceEscape(c *call) (value.Value, error) {
	s, err := c.soft(0)
	if err != nil {
		return nil, err
	}
	s = escapeHTML(s)
	return &markup{s: s}, c.r.make(len(s))
}

func filterSafe(c *call) (value.Value, error) {
	s, err := c.soft(0)
	return &markup{s: s}, err
}

// markIfEscaping is text that is HTML, which counts only where it is escaped.
func (r *run) markIfEscaping(s string) value.Value {
	if r.escape {
		return &markup{s: s}
	}
	return value.String(s)
}

func filterXMLAttr(c *call) (value.Value, error) {
	m, ok := c.arg(0).(value.Mapping)
	if !ok {
		if u, undef := c.arg(0).(*undefined); undef {
			return nil, u.fail()
		}
		return nil, raise("AttributeError", "'%s' object has no attribute 'items'", typeName(c.arg(0)))
	}
	space, err := c.truth(1, true)
	if err != nil {
		return nil, err
	}
	var parts []string
	for k, v := range m.All() {
		if isUndefined(v) || v.Kind() == value.KindNull {
			continue
		}
		key, ok := textOf(k)
		if !ok {
			return nil, typeError("expected string or bytes-like object, got '%s'", typeName(k))
		}
		if strings.ContainsAny(key, " \t\n\r\f\v/>=") {
			return nil, valueError("Invalid character in attribute name: %s", quoted(key))
		}
		s, err := c.r.escaped(v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, escapeHTML(key)+`="`+s+`"`)
	}
	out := strings.Join(parts, " ")
	if space && out != "" {
		out = " " + out
	}
	return c.r.markIfEscaping(out), nil
}

func filterURLEncode(c *call) (value.Value, error) {
	v := c.arg(0)
	_, text := textOf(v)
	_, err := c.r.iter(v)
	if text || err != nil {
		s, err := c.r.urlQuote(v, false)
		return value.String(s), err
	}
	if m, ok := v.(value.Mapping); ok {
		v = &view{kind: "items", m: m}
	}
	items, err := c.r.list(v)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, item := range items {
		pair, err := c.r.unpack(item, 2)
		if err != nil {
			return nil, err
		}
		k, err := c.r.urlQuote(pair[0], true)
		if err != nil {
			return nil, err
		}
		s, err := c.r.urlQuote(pair[1], true)
		if err != nil {
			return nil, err
		}
		parts = append(parts, k+"="+s)
	}
	return value.String(strings.Join(parts, "&")), nil
}

// urlQuote escapes a value for a URL; in a query "/" too, and a blank is "+".
func (r *run) urlQuote(v value.Value, query bool) (string, error) {
	s, err := r.str(v)
	if b, ok := v.(*bytesObject); ok {
		s, err = b.b, nil
	}
	if err != nil {
		return "", err
	}
	if err := r.make(3 * len(s)); err != nil {
		return "", err
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', isDecimal(c), strings.IndexByte("_.-~", c) >= 0, c == '/' && !query:
			b.WriteByte(c)
		case c == ' ' && query:
			b.WriteByte('+')
		default:
			const digits = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String(), nil
}

func unescapeHTML(s string) string { return html.UnescapeString(s) }

// What urlize takes for an address.
var (
	urlPattern = regexp.MustCompile(`(?i)^((https?://|www\.)(([\pL\pN_%-]+\.)+)?([a-z]{2,63}|xn--[\pL\pN_%]{2,59})` +
		`|([\pL\pN_%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)` +
		`|(https?://)(((\p{Nd}{1,3})(\.\p{Nd}{1,3}){3})|(\[([\p{Nd}a-f]{0,4}:){2}([\p{Nd}a-f]{0,4}:?){1,6}])))` +
		`(:\p{Nd}{1,5})?([/?#]\S*)?$`)
	mailPattern   = regexp.MustCompile(`^\S+@[\pL\pN_][\pL\pN_.-]*\.[\pL\pN_]+$`)
	schemePattern = regexp.MustCompile(`^([\pL\pN_.+-]{2,}:(/){0,2})$`)
	headPattern   = regexp.MustCompile(`^([(<]|&lt;)+`)
	tailPattern   = regexp.MustCompile(`([)>.,\n]|&gt;)+$`)
)

// linker makes links of the addresses in a text.
type linker struct {
	limit      int // of the shown address; -1: none
	attributes string
	schemes    []string
}

func filterURLize(c *call) (value.Value, error) {
	s, err := c.r.escaped(c.arg(0))
	if err != nil {
		return nil, err
	}
	l, err := c.linker()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for s != "" {
		at := strings.IndexFunc(s, value.IsSpace)
		if at < 0 {
			at = len(s)
		}
		word := l.link(s[:at])
		rest := strings.TrimLeftFunc(s[at:], value.IsSpace)
		if err := c.r.make(len(word) + 1); err != nil {
			return nil, err
		}
		b.WriteString(word)
		b.WriteString(s[at : len(s)-len(rest)])
		s = rest
	}
	return c.r.markIfEscaping(b.String()), nil
}

func (c *call) linker() (*linker, error) {
	l := &linker{limit: -1}
	var err error
	if c.given(1) {
		if l.limit, err = c.int(1, -1); err != nil {
			return nil, err
		}
	}
	nofollow, err := c.truth(2, false)
	if err != nil {
		return nil, err
	}
	rel := []string{"noopener"}
	if nofollow {
		rel = append(rel, "nofollow")
	}
	if c.given(4) {
		s, err := c.text(4, "")
		if err != nil {
			return nil, err
		}
		rel = append(rel, strings.Fields(s)...)
	}
	slices.Sort(rel)
	l.attributes = ` rel="` + escapeHTML(strings.Join(slices.Compact(rel), " ")) + `"`
	if c.given(3) {
		s, err := c.text(3, "")
		if err != nil {
			return nil, err
		}
		if s != "" {
			l.attributes += ` target="` + escapeHTML(s) + `"`
		}
	}
	if !c.given(5) {
		return l, nil
	}
	items, err := c.r.list(c.arg(5))
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		s, ok := textOf(item)
		if !ok || !schemePattern.MatchString(s) {
			return nil, raise("FilterArgumentError", "%s is not a valid URI scheme prefix.", value.Repr(item))
		}
		l.schemes = append(l.schemes, s)
	}
	return l, nil
}

// link makes a link of one word, without the punctuation around it.
func (l *linker) link(word string) string {
	head := headPattern.FindString(word)
	middle := word[len(head):]
	tail := tailPattern.FindString(middle)
	middle = middle[:len(middle)-len(tail)]
	for _, pair := range [][2]string{{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}} {
		opened := strings.Count(middle, pair[0])
		if opened <= strings.Count(middle, pair[1]) {
			continue
		}
		for range min(opened, strings.Count(tail, pair[1])) {
			at := strings.Index(tail, pair[1]) + len(pair[1])
			middle, tail = middle+tail[:at], tail[at:]
		}
	}
	return head + l.anchor(middle) + tail
}

func (l *linker) anchor(s string) string {
	switch {
	case urlPattern.MatchString(s):
		href := s
		if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
			href = "https://" + s
		}
		return `<a href="` + href + `"` + l.attributes + ">" + l.shorten(s) + "</a>"
	case strings.HasPrefix(s, "mailto:") && mailPattern.MatchString(s[7:]):
		return `<a href="` + s + `">` + s[7:] + "</a>"
	case strings.Contains(s, "@") && !strings.HasPrefix(s, "www.") && !strings.HasPrefix(s, "@") && !strings.Contains(s, ":") && mailPattern.MatchString(s):
		return `<a href="mailto:` + s + `">` + s + "</a>"
	}
	for _, scheme := range l.schemes {
		if s != scheme && strings.HasPrefix(s, scheme) {
			s = `<a href="` + s + `"` + l.attributes + ">" + s + "</a>"
		}
	}
	return s
}

func (l *linker) shorten(s string) string {
	if l.limit < 0 || utf8.RuneCountInString(s) <= l.limit {
		return s
	}
	return string([]rune(s)[:l.limit]) + "..."
}
