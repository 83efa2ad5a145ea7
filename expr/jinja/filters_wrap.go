package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cierzo/expr/value"
)

// wrapper is Python's textwrap for one paragraph.
type wrapper struct {
	width     int
	breakLong bool
	hyphens   bool
}

func filterWordwrap(c *call) (value.Value, error) {
	s, err := c.textArg("splitlines")
	if err != nil {
		return nil, err
	}
	w := &wrapper{}
	if w.width, err = c.int(1, 79); err != nil {
		return nil, typeError("'<=' not supported between instances of '%s' and 'int'", typeName(c.arg(1)))
	}
	if w.breakLong, err = c.truth(2, true); err != nil {
		return nil, err
	}
	with := "\n"
	if c.given(3) {
		if with, err = c.text(3, "\n"); err != nil {
			return nil, err
		}
	}
	if w.hyphens, err = c.truth(4, true); err != nil {
		return nil, err
	}
	paragraphs := splitLines(s, false)
	if w.width <= 0 && len(paragraphs) > 0 {
		return nil, valueError("invalid width %d (must be > 0)", w.width)
	}
	if err := c.r.make(4 * len(s)); err != nil {
		return nil, err
	}
	var lines []string
	for _, p := range paragraphs {
		wrapped := w.wrap(p)
		if wrapped == nil {
			wrapped = []string{""}
		}
		lines = append(lines, wrapped...)
	}
	if err := c.r.steps(len(lines) / 16); err != nil {
		return nil, err
	}
	if len(with) > 0 && len(lines) > maxInt/len(with)/2 {
		return nil, c.r.make(maxInt)
	}
	if err := c.r.make(len(lines) * len(with)); err != nil {
		return nil, err
	}
	return value.String(strings.Join(lines, with)), nil
}

// wrap fills lines with the chunks of a paragraph.
func (w *wrapper) wrap(text string) []string {
	chunks := w.split(text)
	var lines []string
	for len(chunks) > 0 {
		if lines != nil && blank(chunks[0]) {
			chunks = chunks[1:]
		}
		var line []string
		n := 0
		for len(chunks) > 0 && !longer(chunks[0], w.width-n) {
			n += utf8.RuneCountInString(chunks[0])
			line, chunks = append(line, chunks[0]), chunks[1:]
		}
		if len(chunks) > 0 && longer(chunks[0], w.width) {
			line, chunks = w.longWord(line, chunks, w.width-n)
		}
		if len(line) > 0 && blank(line[len(line)-1]) {
			line = line[:len(line)-1]
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, ""))
		}
	}
	return lines
}

func blank(s string) bool { return strings.TrimFunc(s, value.IsSpace) == "" }

// longWord takes what fits of a chunk that is longer than a line.
func (w *wrapper) longWord(line, chunks []string, left int) (filled, rest []string) {
	if !w.breakLong {
		if len(line) == 0 {
			return chunks[:1:1], chunks[1:]
		}
		return line, chunks
	}
	end := prefix(chunks[0], left)
	if w.hyphens {
		if i := strings.LastIndexByte(chunks[0][:end], '-'); i > 0 && strings.Trim(chunks[0][:i], "-") != "" {
			end = i + 1
		}
	}
	head := chunks[0][:end]
	chunks[0] = chunks[0][end:]
	return append(line, head), chunks
}

// prefix is the length in bytes of the first n characters.
func prefix(s string, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// longer reports whether a text has more than n characters; it looks no further than it must.
func longer(s string, n int) bool { return n < 0 || prefix(s, n) < len(s) }

func wrapSpace(r rune) bool { return strings.ContainsRune("\t\n\v\f\r ", r) }

// split cuts a text into words and white space; words are cut behind hyphens too.
func (w *wrapper) split(text string) []string {
	runes := []rune(text)
	var out []string
	for at := 0; at < len(runes); {
		n := 1
		switch {
		case wrapSpace(runes[at]):
			for at+n < len(runes) && wrapSpace(runes[at+n]) {
				n++
			}
		case !w.hyphens:
			for at+n < len(runes) && !wrapSpace(runes[at+n]) {
				n++
			}
		default:
			n = wordLength(runes, at)
		}
		out = append(out, string(runes[at:at+n]))
		at += n
	}
	return out
}

func wordPunctuation(r rune) bool { return isWord(r) || strings.ContainsRune(`!"'&.,?`, r) }

func isLetter(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) && !unicode.IsDigit(r)
}

// dashes counts a dash between words at i: two or more hyphens with a word behind.
func dashes(runes []rune, i int) int {
	n := 0
	for i+n < len(runes) && runes[i+n] == '-' {
		n++
	}
	if n < 2 || i+n >= len(runes) || !isWord(runes[i+n]) {
		return 0
	}
	return n
}

// wordLength is the length of the chunk that begins at a character that is no white space.
func wordLength(runes []rune, at int) int {
	if at > 0 && wordPunctuation(runes[at-1]) {
		if n := dashes(runes, at); n > 0 {
			return n
		}
	}
	for i := at + 1; ; i++ {
		if i >= len(runes) || wrapSpace(runes[i]) {
			return i - at
		}
		if runes[i] == '-' && breaksBehind(runes, i) {
			return i + 1 - at
		}
		if wordPunctuation(runes[i-1]) && dashes(runes, i) > 0 {
			return i - at
		}
	}
}

// breaksBehind reports whether a word may be cut behind the hyphen at i: two letters before, and behind as well.
func breaksBehind(runes []rune, i int) bool {
	letter := func(j int) bool { return j >= 0 && j < len(runes) && isLetter(runes[j]) }
	before := letter(i-1) && letter(i-2) || letter(i-1) && i >= 3 && runes[i-2] == '-' && letter(i-3)
	if !before || !letter(i+1) {
		return false
	}
	return letter(i+2) || i+2 < len(runes) && runes[i+2] == '-' && letter(i+3)
}
