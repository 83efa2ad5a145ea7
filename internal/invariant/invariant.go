// Package invariant holds the assertions of the engine: things that are true
// unless the engine itself has a bug.
//
// A broken invariant isn't an error that a caller could handle, so Check doesn't
// return one: it panics with a *Violation. The shells around the pure code (an
// actor's turn, a handler) decide what becomes of it with Recover: in production
// the turn is given up with an error and counted, and the process lives on; in a
// build with the tag "invariants", which the tests use, nothing is caught and the
// test dies where the bug is.
//
//	func (a *actor) turn() (err error) {
//		defer invariant.Recover(&err)
//		...
//		invariant.Check(open >= 0, "execution %s: %d open actions after %d events", id, open, n)
//
// Checks that cost more than a comparison stand behind the constant Expensive,
// and the compiler removes them from production builds:
//
//	if invariant.Expensive {
//		e.checkAll()
//	}
package invariant

import "fmt"

// Violation is what a failed Check panics with.
type Violation struct {
	// Message says what should have been true, with all the numbers.
	Message string
}

// Error makes a caught Violation an error; it carries no fault.Kind, so it is
// Internal to everybody who asks.
func (v *Violation) Error() string { return "invariant violated: " + v.Message }

// Check panics with a *Violation unless condition holds. The message says what was
// found and where: ids, counts, states.
func Check(condition bool, format string, args ...any) {
	if !condition {
		panic(&Violation{Message: fmt.Sprintf(format, args...)})
	}
}

// Unreachable panics with a *Violation: the default case of a switch that is
// believed to be complete.
func Unreachable(format string, args ...any) {
	panic(&Violation{Message: fmt.Sprintf(format, args...)})
}

// Recover, deferred directly, turns a Violation that passes by into *err. Any other
// panic goes on, and with the tag "invariants" so does a Violation.
func Recover(err *error) {
	if Expensive {
		return
	}
	recoverInto(err, recover())
}

// recoverInto is Recover without its recover(), which only works in the deferred
// function itself.
func recoverInto(err *error, caught any) {
	if caught == nil {
		return
	}
	v, ok := caught.(*Violation)
	if !ok {
		panic(caught)
	}
	*err = v
}
