package auth

import (
	"fmt"
	"strings"
)

// template is the right side of a check: text with places for the target's attributes, %(project_id)s, as Python fills them in.
type template []part

type part struct {
	text string
	key  string // "" for plain text
}

// parseTemplate reads a right side. The error's offset counts bytes.
func parseTemplate(text string) (t template, offset int, reason string) {
	plain := func(s string) {
		if s != "" {
			t = append(t, part{text: s})
		}
	}
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '%')
		if i < 0 {
			plain(text[at:])
			return t, 0, ""
		}
		plain(text[at : at+i])
		at += i
		rest := text[at+1:]
		key, after, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		switch {
		case strings.HasPrefix(rest, "%"):
			plain("%")
			at += 2
		case strings.HasPrefix(rest, "(") && closed && key != "" && strings.HasPrefix(after, "s"):
			t = append(t, part{key: key})
			at += len("%()s") + len(key)
		default:
			return nil, at, "a place for the target's attribute is written %(name)s, a per cent sign %%"
		}
	}
}

// fill puts the target's attributes in; false if it lacks one.
func (t template) fill(target Target) (string, bool) {
	if len(t) == 1 && t[0].key == "" {
		return t[0].text, true
	}
	var b strings.Builder
	for _, p := range t {
		if p.key == "" {
			b.WriteString(p.text)
			continue
		}
		v, ok := target[p.key]
		if !ok {
			return "", false
		}
		b.WriteString(v)
	}
	return b.String(), true
}

func (t template) String() string {
	var b strings.Builder
	for _, p := range t {
		if p.key != "" {
			fmt.Fprintf(&b, "%%(%s)s", p.key)
			continue
		}
		b.WriteString(strings.ReplaceAll(p.text, "%", "%%"))
	}
	return b.String()
}
