package value

import "strconv"

// plain reads JSON that needs nothing but a look at each byte: no escapes, nothing beyond ASCII, no fractions, nothing large. Nearly
// all values between engines and runners, and in rows, are such; the decoder of the standard library takes ten times as long for
// them, and a buffer each. What isn't plain, or isn't JSON, is left to that.
type plain struct {
	data  []byte
	at    int
	depth int
}

// The limits of what is plain.
const (
	plainBytes  = 4096
	plainDepth  = 16
	plainDigits = 18 // any number of so many digits is an int64
)

// parsePlain reads a document; false: it isn't plain.
func parsePlain(data []byte) (Value, bool) {
	if len(data) > plainBytes {
		return nil, false
	}
	p := plain{data: data}
	v, ok := p.value()
	p.space()
	return v, ok && p.at == len(data)
}

func (p *plain) space() {
	for p.at < len(p.data) && (p.data[p.at] == ' ' || p.data[p.at] == '\n' || p.data[p.at] == '\t' || p.data[p.at] == '\r') {
		p.at++
	}
}

// next takes the byte if it is the next one.
func (p *plain) next(b byte) bool {
	p.space()
	if p.at < len(p.data) && p.data[p.at] == b {
		p.at++
		return true
	}
	return false
}

func (p *plain) word(w string) bool {
	if len(p.data)-p.at < len(w) || string(p.data[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}

func (p *plain) value() (Value, bool) {
	p.space()
	if p.at >= len(p.data) || p.depth > plainDepth {
		return nil, false
	}
	switch b := p.data[p.at]; {
	case b == '{':
		return p.dict()
	case b == '[':
		return p.list()
	case b == '"':
		s, ok := p.text()
		return String(s), ok
	case b == 'n':
		return Null{}, p.word("null")
	case b == 't':
		return Bool(true), p.word("true")
	case b == 'f':
		return Bool(false), p.word("false")
	default:
		return p.number()
	}
}

func (p *plain) text() (string, bool) {
	if !p.next('"') {
		return "", false
	}
	for from := p.at; p.at < len(p.data); p.at++ {
		switch b := p.data[p.at]; {
		case b == '"':
			p.at++
			return string(p.data[from : p.at-1]), true
		case b == '\\' || b < ' ' || b > '~':
			return "", false
		}
	}
	return "", false
}

func (p *plain) number() (Value, bool) {
	from := p.at
	if p.data[p.at] == '-' {
		p.at++
	}
	first := p.at
	for p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '9' {
		p.at++
	}
	digits := p.at - first
	if digits == 0 || digits > plainDigits || digits > 1 && p.data[first] == '0' {
		return nil, false
	}
	// A fraction or an exponent that follows is what the caller doesn't expect there.
	n, err := strconv.ParseInt(string(p.data[from:p.at]), 10, 64)
	return Int(n), err == nil
}

func (p *plain) list() (Value, bool) {
	p.at++
	p.depth++
	var items []Value
	for !p.next(']') {
		if len(items) > 0 && !p.next(',') {
			return nil, false
		}
		v, ok := p.value()
		if !ok {
			return nil, false
		}
		items = append(items, v)
	}
	p.depth--
	return NewList(items), true
}

func (p *plain) dict() (Value, bool) {
	p.at++
	p.depth++
	d := &Dict{}
	for !p.next('}') {
		if d.Len() > 0 && !p.next(',') {
			return nil, false
		}
		p.space()
		k, ok := p.text()
		if !ok || !p.next(':') {
			return nil, false
		}
		v, ok := p.value()
		if !ok {
			return nil, false
		}
		d.SetString(k, v)
	}
	p.depth--
	return d, true
}
