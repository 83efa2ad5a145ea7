package yaql

import (
	"errors"
	"fmt"

	"cierzo/expr/value"
)

// Error is what an evaluation fails with. The classes are those of Python and of yaql, which Mistral shows to users.
type Error struct {
	Class string
	Msg   string
}

// Error gives the text without the class, as Mistral does.
func (e *Error) Error() string { return e.Msg }

// PythonClass is the name of the exception in Python.
func (e *Error) PythonClass() string { return e.Class }

// SyntaxError is what Parse fails with: an *Error with its place.
type SyntaxError struct {
	Cause  *Error
	Offset int // in the expression without the blanks around it, in bytes
}

// Error gives the text without the place.
func (e *SyntaxError) Error() string { return e.Cause.Error() }

// Unwrap gives the error without its place.
func (e *SyntaxError) Unwrap() error { return e.Cause }

// PythonClass is the name of the exception in Python.
func (e *SyntaxError) PythonClass() string { return e.Cause.PythonClass() }

func failAt(offset int, class, format string, args ...any) error {
	return &SyntaxError{&Error{class, fmt.Sprintf(format, args...)}, offset}
}

// The classes of errors.
const (
	classKey           = "KeyError"
	classIndex         = "IndexError"
	classType          = "TypeError"
	classValue         = "ValueError"
	classZero          = "ZeroDivisionError"
	classOverflow      = "OverflowError"
	classStop          = "StopIteration"
	classAssertion     = "AssertionError"
	classAttribute     = "AttributeError"
	classRegex         = "re.error"
	classRecursion     = "RecursionError"
	classDate          = "ParserError"
	classNoFunction    = "NoFunctionRegisteredException"
	classNoMethod      = "NoMethodRegisteredException"
	classNoMatch       = "NoMatchingFunctionException"
	classNoMatchMeth   = "NoMatchingMethodException"
	classAmbiguous     = "AmbiguousFunctionException"
	classAmbiguousMeth = "AmbiguousMethodException"
	classMapping       = "MappingTranslationException"
	classArgument      = "ArgumentException"
	classGrammar       = "YaqlGrammarException"
	classLexical       = "YaqlLexicalException"
	classUnicode       = "UnicodeDecodeError"
	classTooLarge      = "CollectionTooLargeException"
	classMemory        = "MemoryQuotaExceededException"
	classJSON          = "JSONDecodeError"
	classYAML          = "RepresenterError"
)

func fail(class, format string, args ...any) error {
	return &Error{class, fmt.Sprintf(format, args...)}
}

func unknownFunction(name string) error {
	return fail(classNoFunction, "Unknown function \"%s\"", name)
}

func unknownMethod(name string, receiver value.Value) error {
	return fail(classNoMethod, "Unknown method \"%s\" for receiver %s", name, receiverText(receiver))
}

// receiverMax bounds the text of a receiver in an error.
const receiverMax = 2000

// receiverText is a receiver in an error; of a large one only the type is told.
func receiverText(v value.Value) string {
	if n, ok := value.Measure(v, nestedMax, receiverMax); !ok || n > receiverMax {
		return "<" + frozenName(v) + ">"
	}
	return value.StrFrozen(v)
}

func noMatch(name string) error {
	return fail(classNoMatch, "No function \"%s\" matches supplied arguments", name)
}

func noMatchMethod(name string, receiver value.Value) error {
	return fail(classNoMatchMeth, "No method \"%s\" for receiver %s matches supplied arguments", name, receiverText(receiver))
}

// stopIteration is what taking from an empty collection gives; its text is empty, as Python's.
func stopIteration() error { return &Error{classStop, ""} }

// asType makes Python's TypeError of an error of package value (an unhashable key).
func asType(err error) error {
	if err == nil {
		return nil
	}
	return &Error{classType, err.Error()}
}

func classOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}
