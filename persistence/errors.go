package persistence

import (
	"errors"

	"cierzo/fault"
)

// ambiguous is an error after which nobody knows whether the transaction has happened.
type ambiguous struct{ cause error }

func (a *ambiguous) Error() string { return "outcome unknown: " + a.cause.Error() }
func (a *ambiguous) Unwrap() error { return a.cause }

// Ambiguous marks an error: the transaction may have happened or not. Its kind is Unavailable.
func Ambiguous(err error) error {
	return fault.Wrap(fault.Unavailable, &ambiguous{err}, "commit")
}

// IsAmbiguous reports whether nobody knows if what was written is there: load again, assume nothing.
func IsAmbiguous(err error) bool {
	var a *ambiguous
	return errors.As(err, &a)
}

// ErrOutdated refuses a start whose revision isn't the newest, which it had to be (Turn.Newest).
var ErrOutdated = fault.New(fault.Conflict, "there is another revision of the workflow, or none any more")
