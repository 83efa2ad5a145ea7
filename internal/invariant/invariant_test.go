package invariant

import (
	"errors"
	"fmt"
	"testing"
)

// caught runs f and gives what it panicked with, nil when it didn't.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if v := caught(func() { Check(true, "never said") }); v != nil {
		t.Errorf("Check(true) panicked with %v", v)
	}
	v, ok := caught(func() { Check(1 > 2, "%d open, want %d", 1, 2) }).(*Violation)
	if !ok || v.Message != "1 open, want 2" {
		t.Errorf("Check(false) panicked with %#v, want a Violation with the message", v)
	}
	v, ok = caught(func() { Unreachable("state %q", "X") }).(*Violation)
	if !ok || v.Error() != `invariant violated: state "X"` {
		t.Errorf("Unreachable panicked with %#v", v)
	}
}

// TestRecover holds in both builds: the tag only decides whether the panic is seen.
func TestRecover(t *testing.T) {
	t.Parallel()
	turn := func() (err error) {
		defer Recover(&err)
		Check(false, "broken")
		return nil
	}
	var err error
	panicked := caught(func() { err = turn() })
	if Expensive {
		if v, ok := panicked.(*Violation); !ok || v.Message != "broken" {
			t.Errorf("with the tag the turn panicked with %v, want the Violation", panicked)
		}
		return
	}
	var v *Violation
	if panicked != nil || !errors.As(fmt.Errorf("turn: %w", err), &v) || v.Message != "broken" {
		t.Errorf("turn: panic %v, error %v; want the Violation as the error", panicked, err)
	}
}

func TestRecoverLetsOtherPanicsThrough(t *testing.T) {
	t.Parallel()
	var err error
	if v := caught(func() { recoverInto(&err, "out of memory") }); v != "out of memory" || err != nil {
		t.Errorf("panic %v, error %v; want the panic to go on", v, err)
	}
	if v := caught(func() { recoverInto(&err, nil) }); v != nil || err != nil {
		t.Errorf("nothing happened, but panic %v, error %v", v, err)
	}
	if recoverInto(&err, &Violation{Message: "m"}); err == nil || err.Error() != "invariant violated: m" {
		t.Errorf("error %v, want the Violation", err)
	}
}
