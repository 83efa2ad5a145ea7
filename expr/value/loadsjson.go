package value

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONError is a text that Python's json.loads refuses, with its words and place.
type JSONError struct {
	Msg  string
	Char int // the place, in code points
	Line int // from 1
	Col  int // from 1, in code points
}

// Error is Python's text.
func (e *JSONError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Msg, e.Line, e.Col, e.Char)
}

// LoadJSON reads a document as Python's json.loads does: NaN and Infinity are numbers, and errors are a *JSONError. Users
// see it as json_parse; ParseJSON is for what we wrote ourselves.
func LoadJSON(text string) (Value, error) {
	l := &jsonLoader{src: text}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, l.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	l.blanks()
	v, err := l.value(0)
	if err != nil {
		return nil, err
	}
	l.blanks()
	if l.pos < len(l.src) {
		return nil, l.fail("Extra data", l.pos)
	}
	return v, nil
}

type jsonLoader struct {
	src string
	pos int
}

func (l *jsonLoader) fail(msg string, at int) error {
	before := l.src[:min(at, len(l.src))]
	line := strings.LastIndexByte(before, '\n') + 1
	return &JSONError{
		Msg: msg, Char: utf8.RuneCountInString(before), Line: strings.Count(before, "\n") + 1,
		Col: utf8.RuneCountInString(before[line:]) + 1,
	}
}

func (l *jsonLoader) blanks() {
	for l.pos < len(l.src) && strings.IndexByte(" \t\n\r", l.src[l.pos]) >= 0 {
		l.pos++
	}
}

func (l *jsonLoader) accept(text string) bool {
	if strings.HasPrefix(l.src[l.pos:], text) {
		l.pos += len(text)
		return true
	}
	return false
}

func (l *jsonLoader) value(depth int) (Value, error) {
	if depth > DepthMax {
		return nil, fmt.Errorf("JSON is nested deeper than %d", DepthMax)
	}
	switch {
	case l.accept(`"`):
		s, err := l.text()
		return String(s), err
	case l.accept("{"):
		return l.dict(depth)
	case l.accept("["):
		return l.list(depth)
	case l.accept("null"):
		return Null{}, nil
	case l.accept("true"):
		return Bool(true), nil
	case l.accept("false"):
		return Bool(false), nil
	case l.accept("NaN"):
		return Float(math.NaN()), nil
	case l.accept("Infinity"):
		return Float(math.Inf(1)), nil
	case l.accept("-Infinity"):
		return Float(math.Inf(-1)), nil
	}
	return l.number()
}

func (l *jsonLoader) digits(i int) int {
	for i < len(l.src) && l.src[i] >= '0' && l.src[i] <= '9' {
		i++
	}
	return i
}

func (l *jsonLoader) number() (Value, error) {
	start := l.pos
	i := start
	if i < len(l.src) && l.src[i] == '-' {
		i++
	}
	whole := l.digits(i)
	if whole == i {
		return nil, l.fail("Expecting value", start)
	}
	if l.src[i] == '0' {
		whole = i + 1
	}
	end := whole
	if end < len(l.src) && l.src[end] == '.' {
		if d := l.digits(end + 1); d > end+1 {
			end = d
		}
	}
	if end < len(l.src) && (l.src[end] == 'e' || l.src[end] == 'E') {
		d := end + 1
		if d < len(l.src) && (l.src[d] == '+' || l.src[d] == '-') {
			d++
		}
		if e := l.digits(d); e > d {
			end = e
		}
	}
	l.pos = end
	text := l.src[start:end]
	if end > whole {
		f, _ := strconv.ParseFloat(text, 64) // out of range is inf, as in Python
		return Float(f), nil
	}
	const digitsMax = 4300
	if len(text) > digitsMax {
		return nil, fmt.Errorf("Exceeds the limit (%d digits) for integer string conversion", digitsMax)
	}
	n, _ := new(big.Int).SetString(text, 10)
	return IntOf(n), nil
}

func (l *jsonLoader) list(depth int) (Value, error) {
	var items []Value
	l.blanks()
	if l.accept("]") {
		return NewList(nil), nil
	}
	for {
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		l.blanks()
		switch {
		case l.accept("]"):
			return NewList(items), nil
		case !l.accept(","):
			return nil, l.fail("Expecting ',' delimiter", l.pos)
		}
		l.blanks()
	}
}

func (l *jsonLoader) dict(depth int) (Value, error) {
	d := NewDict(4)
	l.blanks()
	if l.accept("}") {
		return d, nil
	}
	for {
		if !l.accept(`"`) {
			return nil, l.fail("Expecting property name enclosed in double quotes", l.pos)
		}
		k, err := l.text()
		if err != nil {
			return nil, err
		}
		l.blanks()
		if !l.accept(":") {
			return nil, l.fail("Expecting ':' delimiter", l.pos)
		}
		l.blanks()
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		d.SetString(k, v)
		l.blanks()
		switch {
		case l.accept("}"):
			return d, nil
		case !l.accept(","):
			return nil, l.fail("Expecting ',' delimiter", l.pos)
		}
		l.blanks()
	}
}

// text reads a string behind its opening quote.
func (l *jsonLoader) text() (string, error) {
	begin := l.pos - 1
	var b strings.Builder
	for {
		start := l.pos
		for l.pos < len(l.src) && l.src[l.pos] != '"' && l.src[l.pos] != '\\' && l.src[l.pos] >= 0x20 {
			l.pos++
		}
		b.WriteString(l.src[start:l.pos])
		switch {
		case l.pos >= len(l.src):
			return "", l.fail("Unterminated string starting at", begin)
		case l.accept(`"`):
			return b.String(), nil
		case l.src[l.pos] != '\\':
			return "", l.fail("Invalid control character at", l.pos)
		}
		if err := l.escape(&b, begin); err != nil {
			return "", err
		}
	}
}

func (l *jsonLoader) escape(b *strings.Builder, begin int) error {
	at := l.pos
	l.pos++
	if l.pos >= len(l.src) {
		return l.fail("Unterminated string starting at", begin)
	}
	c := l.src[l.pos]
	const short, meaning = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(short, c); i >= 0 {
		b.WriteByte(meaning[i])
		l.pos++
		return nil
	}
	if c != 'u' {
		return l.fail("Invalid \\escape", at)
	}
	r, ok := l.unit()
	if !ok {
		return l.fail("Invalid \\uXXXX escape", at+1)
	}
	if utf16.IsSurrogate(r) && strings.HasPrefix(l.src[l.pos:], `\u`) {
		before := l.pos
		l.pos++
		if low, ok := l.unit(); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			b.WriteRune(utf16.DecodeRune(r, low))
			return nil
		}
		l.pos = before
	}
	b.WriteRune(r)
	return nil
}

// unit reads uXXXX.
func (l *jsonLoader) unit() (rune, bool) {
	if l.pos+5 > len(l.src) {
		return 0, false
	}
	n, err := strconv.ParseUint(l.src[l.pos+1:l.pos+5], 16, 32)
	if err != nil {
		return 0, false
	}
	l.pos += 5
	return rune(n), true
}
