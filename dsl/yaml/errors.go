package yaml

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// Error is a text that isn't YAML.
type Error struct {
	Context string // "while scanning a simple key"; "" when there is nothing to say
	Problem string // "could not find expected ':'"
	Line    int    // of the problem, counted from 1; 0: the text as a whole
	Col     int

	ContextLine, ContextCol int // where what Context says begins; 0: not known

	text string
}

// Error is PyYAML's text: the context, the problem and the lines that they are in.
func (e *Error) Error() string {
	if e.text == "" {
		return e.Problem
	}
	return e.text
}

// Brief is the error in one line, without the place.
func (e *Error) Brief() string {
	if e.Context == "" {
		return e.Problem
	}
	return e.Context + ": " + e.Problem
}

// mark is a place in the characters of the text, counted from 0.
type mark struct{ index, line, col int }

func (s *scanner) fail(context string, contextMark *mark, problem string, at mark) *Error {
	e := &Error{Context: context, Problem: problem, Line: at.line + 1, Col: at.col + 1}
	var lines []string
	if context != "" {
		lines = append(lines, context)
	}
	if contextMark != nil {
		e.ContextLine, e.ContextCol = contextMark.line+1, contextMark.col+1
	}
	if contextMark != nil && (contextMark.line != at.line || contextMark.col != at.col) {
		lines = append(lines, s.where(*contextMark))
	}
	lines = append(lines, problem, s.where(at))
	e.text = strings.Join(lines, "\n")
	return e
}

// snippetHalf is how many characters PyYAML shows on either side of a place.
const snippetHalf = 36

// where is a place as PyYAML prints it: the line of the text, cut to what surrounds the place, and a caret.
func (s *scanner) where(m mark) string {
	text := s.text[:len(s.text)-padding+1] // PyYAML keeps one NUL behind the text
	start, head := m.index, ""
	for start > 0 && !isBreakOrEnd(text[start-1]) {
		start--
		if m.index-start > snippetHalf {
			head, start = " ... ", start+5
			break
		}
	}
	end, tail := m.index, ""
	for end < len(text) && !isBreakOrEnd(text[end]) {
		end++
		if end-m.index > snippetHalf {
			tail, end = " ... ", end-5
			break
		}
	}
	return fmt.Sprintf("  in \"<unicode string>\", line %d, column %d:\n    %s%s%s\n%s^", m.line+1, m.col+1, head, string(text[start:end]), tail,
		strings.Repeat(" ", 4+m.index-start+len(head)))
}

func quoted(c rune) string { return value.Repr(value.String(string(c))) }

func notUTF8(src []byte) *Error {
	good := 0
	for good < len(src) {
		r, size := utf8.DecodeRune(src[good:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		good += size
	}
	before := Lines(string(src[:good]))
	return &Error{Problem: "the text is not UTF-8", Line: len(before), Col: utf8.RuneCountInString(before[len(before)-1]) + 1}
}

// Lines splits a text into its lines as Parse counts them, without the line breaks of YAML 1.1.
func Lines(text string) []string {
	if strings.ContainsAny(text, "\r\u0085\u2028\u2029") {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	}
	return strings.Split(text, "\n")
}

func unprintable(text []rune, index int) *Error {
	before := Lines(string(text[:index]))
	line, col := len(before), utf8.RuneCountInString(before[len(before)-1])+1
	problem := fmt.Sprintf("unacceptable character #x%04x: special characters are not allowed", text[index])
	return &Error{Problem: problem, Line: line, Col: col, text: fmt.Sprintf("%s\n  in \"<unicode string>\", position %d", problem, index)}
}
