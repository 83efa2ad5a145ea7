package jinja

import (
	"fmt"

	"cierzo/expr/value"
)

// Error is what Jinja2 or Python raises. Templates that don't parse have a line and an offset too.
type Error struct {
	Class   string // Python's class, as "UndefinedError" or "TypeError"
	Message string
	Line    int // of a syntax error, counted from 1; 0 for others
	Offset  int // of a syntax error, in the template, in bytes

	evaluated *Error
}

// Evaluation is the error that evaluating the text gives, for texts that are not checked before: Mistral evaluates a text
// that is one expression without its braces, so that the parser stumbles at another place.
func (e *Error) Evaluation() *Error {
	if e.evaluated != nil {
		return e.evaluated
	}
	return e
}

// Error gives the message, as Python's str() does.
func (e *Error) Error() string { return e.Message }

// PythonClass is the name of Python's class, for Mistral's error texts.
func (e *Error) PythonClass() string { return e.Class }

// raise makes an error of a class of Python's.
func raise(class, format string, args ...any) error {
	return &Error{Class: class, Message: fmt.Sprintf(format, args...)}
}

func typeError(format string, args ...any) error  { return raise("TypeError", format, args...) }
func valueError(format string, args ...any) error { return raise("ValueError", format, args...) }

// quoted is Python's repr of a text.
func quoted(s string) string { return value.Repr(value.String(s)) }
