package dsl

import "fmt"

// jsonProbe finds the place where Python's json module stops in a text that isn't JSON, and what it says there.
type jsonProbe struct {
	text    []rune
	at      int
	problem string
}

func (p *jsonProbe) stop(what string) { p.stopAt(what, p.at) }

func (p *jsonProbe) stopAt(what string, at int) {
	if p.problem == "" {
		p.problem = fmt.Sprintf("%s: line 1 column %d (char %d)", what, at+1, at)
	}
}

func (p *jsonProbe) peek() rune {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *jsonProbe) blanks() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.at++
	}
}

func (p *jsonProbe) value() {
	start := p.at
	switch c := p.peek(); {
	case c == '[':
		p.members(']', p.value)
	case c == '{':
		p.members('}', p.pair)
	case c == '"':
		p.string()
	case c == '-' || c >= '0' && c <= '9':
		p.at++
		for c := p.peek(); c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'; c = p.peek() {
			p.at++
		}
	default:
		for _, name := range []string{"true", "false", "null", "NaN", "Infinity"} {
			if end := start + len(name); end <= len(p.text) && string(p.text[start:end]) == name {
				p.at = end
				return
			}
		}
		p.stop("Expecting value")
	}
}

// members reads what stands between brackets, with commas between.
func (p *jsonProbe) members(end rune, member func()) {
	p.at++
	p.blanks()
	if p.peek() == end {
		p.at++
		return
	}
	for p.problem == "" {
		member()
		if p.problem != "" {
			return
		}
		p.blanks()
		switch p.peek() {
		case end:
			p.at++
			return
		case ',':
			p.at++
			p.blanks()
		default:
			p.stop("Expecting ',' delimiter")
		}
	}
}

func (p *jsonProbe) pair() {
	if p.peek() != '"' {
		p.stop("Expecting property name enclosed in double quotes")
		return
	}
	p.string()
	p.blanks()
	if p.problem == "" && p.peek() != ':' {
		p.stop("Expecting ':' delimiter")
		return
	}
	p.at++
	p.blanks()
	p.value()
}

func (p *jsonProbe) string() {
	start := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '"':
			p.at++
			return
		case '\\':
			p.at++
		}
	}
	p.stopAt("Unterminated string starting at", start)
}
