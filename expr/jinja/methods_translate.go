package jinja

import (
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// Methods of texts that go by tables of characters.

func strTranslate(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	var b strings.Builder
	for _, r := range s {
		v, err := c.r.item(c.arg(0), value.Int(r))
		if err != nil {
			return nil, err
		}
		switch t := v.(type) {
		case nil:
			b.WriteRune(r)
		case value.Null:
		case value.Int:
			b.WriteRune(rune(t))
		default:
			with, ok := textOf(t)
			if !ok {
				return nil, typeError("character mapping must return integer, None or str")
			}
			if err := c.r.make(len(with)); err != nil {
				return nil, err
			}
			b.WriteString(with)
		}
	}
	return likeFirst(c.self, b.String()), c.r.make(len(s))
}

func strMaketrans(c *call) (value.Value, error) {
	d := value.NewDict(8)
	if c.arg(1) == nil {
		m, ok := c.arg(0).(value.Mapping)
		if !ok {
			return nil, typeError("if you give only one argument to maketrans it must be a dict")
		}
		for k, v := range m.All() {
			if s, ok := textOf(k); ok {
				if utf8.RuneCountInString(s) != 1 {
					return nil, valueError("string keys in translate table must be of length 1")
				}
				r, _ := utf8.DecodeRuneInString(s)
				k = value.Int(r)
			}
			if err := c.r.setKey(d, k, v); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	var texts [3]string
	for i := range texts {
		var err error
		if texts[i], err = c.text(i, ""); err != nil {
			return nil, err
		}
	}
	from, to := []rune(texts[0]), []rune(texts[1])
	if len(from) != len(to) {
		return nil, valueError("the first two maketrans arguments must have equal length")
	}
	for i, r := range from {
		if err := c.r.setKey(d, value.Int(r), value.Int(to[i])); err != nil {
			return nil, err
		}
	}
	for _, r := range texts[2] {
		if err := c.r.setKey(d, value.Int(r), value.Null{}); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func strEncode(c *call) (value.Value, error) {
	s, _ := textOf(c.self)
	encoding, err := c.text(0, "utf-8")
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(encoding)) {
	case "utf-8", "utf8":
		return &bytesObject{b: s}, nil
	case "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1":
		limit := rune(0x80)
		if !strings.Contains(encoding, "ascii") {
			limit = 0x100
		}
		var b []byte
		for i, r := range s {
			if r >= limit {
				shown, err := c.r.ascii(value.String(string(r)))
				if err != nil {
					return nil, err
				}
				return nil, raise("UnicodeEncodeError", "'%s' codec can't encode character %s in position %d: ordinal not in range(%d)", encoding, shown, utf8.RuneCountInString(s[:i]), limit)
			}
			b = append(b, byte(r))
		}
		return &bytesObject{b: string(b)}, nil
	}
	return nil, raise("LookupError", "unknown encoding: %s", encoding)
}
