package yaml

import (
	"fmt"
	"strings"
)

// scalarForm says how a text can be written.
type scalarForm struct{ empty, multiline, plain, singleQuoted bool }

func isLineBreak(r rune) bool { return strings.ContainsRune("\n\u0085\u2028\u2029", r) }

// analyze looks at what is in a text, as PyYAML's emitter does.
func analyze(text string) scalarForm {
	if text == "" {
		return scalarForm{empty: true, singleQuoted: true}
	}
	runes := []rune(text)
	indicators := strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...")
	breaks, special := false, false
	var leadingSpace, leadingBreak, trailingSpace, trailingBreak, breakSpace, spaceBreak bool
	beforeBlank := true
	blankAt := func(i int) bool {
		return i >= len(runes) || strings.ContainsRune("\x00 \t\r\n\u0085\u2028\u2029", runes[i])
	}
	previousSpace, previousBreak := false, false
	for i, r := range runes {
		switch afterBlank := blankAt(i + 1); {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r):
			indicators = true
		case i == 0 && (r == '?' || r == ':' || r == '-'):
			indicators = indicators || afterBlank
		case i > 0 && r == ':':
			indicators = indicators || afterBlank
		case i > 0 && r == '#':
			indicators = indicators || beforeBlank
		}
		breaks = breaks || isLineBreak(r)
		special = special || !(r == '\n' || r >= 0x20 && r <= 0x7e)
		last := i == len(runes)-1
		switch {
		case r == ' ':
			leadingSpace, trailingSpace = leadingSpace || i == 0, trailingSpace || last
			breakSpace = breakSpace || previousBreak
			previousSpace, previousBreak = true, false
		case isLineBreak(r):
			leadingBreak, trailingBreak = leadingBreak || i == 0, trailingBreak || last
			spaceBreak = spaceBreak || previousSpace
			previousSpace, previousBreak = false, true
		default:
			previousSpace, previousBreak = false, false
		}
		beforeBlank = blankAt(i)
	}
	f := scalarForm{multiline: breaks, plain: true, singleQuoted: true}
	if leadingSpace || leadingBreak || trailingSpace || trailingBreak || breakSpace || spaceBreak || special || breaks || indicators {
		f.plain = false
	}
	if breakSpace || spaceBreak || special {
		f.singleQuoted = false
	}
	return f
}

// scalar writes a text: plain where it can be and reads back as what it is, else in quotes.
func (d *dumper) scalar(text string, plainReadsBack bool, at place, indent int) {
	f := analyze(text)
	split := !at.simpleKey
	switch {
	case plainReadsBack && f.plain && !(at.simpleKey && (f.empty || f.multiline)):
		d.plain([]rune(text), split, indent)
		d.open = at.root
	case f.singleQuoted && !(at.simpleKey && f.multiline):
		d.singleQuoted([]rune(text), split, indent)
	default:
		d.doubleQuoted([]rune(text), split, indent)
	}
}

func (d *dumper) plain(text []rune, split bool, indent int) {
	if len(text) == 0 {
		return
	}
	if !d.whitespace {
		d.write(" ")
	}
	d.whitespace, d.indention = false, false
	start, spaces := 0, false
	for end := 0; end <= len(text); end++ {
		space := end < len(text) && text[end] == ' '
		switch {
		case spaces && !space:
			if start+1 == end && d.column > lineWidth && split {
				d.indent(indent)
				d.whitespace, d.indention = false, false
			} else {
				d.write(string(text[start:end]))
			}
			start = end
		case !spaces && (end == len(text) || space):
			d.write(string(text[start:end]))
			start = end
		}
		spaces = space
	}
}

func (d *dumper) singleQuoted(text []rune, split bool, indent int) {
	d.indicator("'", true, false, false)
	start, spaces, breaks := 0, false, false
	for end := 0; end <= len(text); end++ {
		var r rune
		if end < len(text) {
			r = text[end]
		}
		space, newline := end < len(text) && r == ' ', end < len(text) && isLineBreak(r)
		switch {
		case spaces && !space:
			if start+1 == end && d.column > lineWidth && split && start != 0 && end != len(text) {
				d.indent(indent)
			} else {
				d.write(string(text[start:end]))
			}
			start = end
		case breaks && !newline:
			if text[start] == '\n' {
				d.breakLine()
			}
			for _, b := range text[start:end] {
				if b == '\n' {
					d.breakLine()
					continue
				}
				d.b.WriteRune(b)
				d.column, d.whitespace, d.indention = 0, true, true
			}
			d.indent(indent)
			start = end
		case !spaces && !breaks && (end == len(text) || space || newline || r == '\''):
			d.write(string(text[start:end]))
			start = end
		}
		if end < len(text) && r == '\'' {
			d.write("''")
			start = end + 1
		}
		spaces, breaks = space, newline
	}
	d.indicator("'", false, false, false)
}

func escapedRune(r rune) string {
	const codes, letters = "\x00\x07\x08\t\n\x0b\x0c\r\x1b\"\\\u0085\u00a0\u2028\u2029", "0abtnvfre\"\\N_LP"
	for i, c := range []rune(codes) {
		if c == r {
			return `\` + letters[i:i+1]
		}
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

func (d *dumper) doubleQuoted(text []rune, split bool, indent int) {
	d.indicator(`"`, true, false, false)
	start := 0
	for end := 0; end <= len(text); end++ {
		inner := end < len(text)
		if !inner || strings.ContainsRune("\"\\\u0085\u2028\u2029\ufeff", text[end]) || text[end] < 0x20 || text[end] > 0x7e {
			if start < end {
				d.write(string(text[start:end]))
				start = end
			}
			if inner {
				d.write(escapedRune(text[end]))
				start = end + 1
			}
		}
		if end > 0 && end < len(text)-1 && (text[end] == ' ' || start >= end) && d.column+(end-start) > lineWidth && split {
			data := `\`
			if start < end {
				data = string(text[start:end]) + `\`
				start = end
			}
			d.write(data)
			d.indent(indent)
			d.whitespace, d.indention = false, false
			if start < len(text) && text[start] == ' ' {
				d.write(`\`)
			}
		}
	}
	d.indicator(`"`, false, false, false)
}
