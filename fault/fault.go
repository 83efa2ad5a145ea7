// Package fault says what kind of failure an error is.
//
// Callers decide by kind, never by an error's text: a handler answers with the
// kind's HTTP status, a retry loop looks for Unavailable, a command line picks
// its exit code. A kind is given where the failure is understood, by New or
// Wrap, and it survives any number of further wraps with %w:
//
//	return fault.New(fault.NotFound, "execution %s", id)
//	return fault.Wrap(fault.Unavailable, err, "load execution %s", id)
//
// An error without a kind is Internal: nobody foresaw it.
package fault

import (
	"errors"
	"fmt"
)

// Kind is a class of failures that a caller treats alike.
type Kind uint8

// The kinds. Internal is the zero value on purpose: a failure that nobody
// classified is a defect of ours until it is shown to be something else.
const (
	// Internal is a defect: the caller did nothing wrong and can do nothing about it.
	Internal Kind = iota
	// Invalid is a request that is wrong in itself and stays wrong when repeated.
	Invalid
	// NotFound is a name or an id that means nothing here.
	NotFound
	// Conflict is a request that the present state of its subject refuses.
	Conflict
	// Forbidden is a request that this caller may not make.
	Forbidden
	// TooLarge is a request or a value over one of the documented limits.
	TooLarge
	// Unavailable is a failure that may pass: the same request may work later.
	Unavailable
)

// Error is a failure with a kind. It is made by New and Wrap.
type Error struct {
	// Kind is what Error() does not say: it is for programs, the text is for people.
	Kind Kind
	// Doing is what failed, or what was being done when Cause came up.
	Doing string
	// Cause is the error underneath, nil when this one is the first.
	Cause error
}

// Error gives the text: "doing: cause".
func (e *Error) Error() string {
	switch {
	case e.Cause == nil:
		return e.Doing
	case e.Doing == "":
		return e.Cause.Error()
	}
	return e.Doing + ": " + e.Cause.Error()
}

// Unwrap gives the error underneath, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a kind. As in fmt.Errorf, %w wraps an error; the new
// kind takes the place of the wrapped one's.
func New(kind Kind, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Cause: err}
}

// Wrap gives err a kind and says what was being done, without "failed to". It
// replaces a kind that err had; use fmt.Errorf with %w to keep it. Wrapping nil
// gives nil.
func Wrap(kind Kind, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Doing: fmt.Sprintf(format, args...), Cause: err}
}

// KindOf is the kind of the outermost Error in err's tree, Internal when there is
// none. KindOf(nil) is Internal too: ask only about errors.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is says whether err is a failure of the given kind; false for nil.
func Is(err error, kind Kind) bool {
	return err != nil && KindOf(err) == kind
}
