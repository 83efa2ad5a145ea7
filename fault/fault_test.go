package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"cierzo/fault"
)

func TestKindSurvivesWraps(t *testing.T) {
	t.Parallel()
	first := fault.New(fault.NotFound, "execution %s", "e1")
	wrapped := fmt.Errorf("answer: %w", fmt.Errorf("load: %w", first))
	if got := fault.KindOf(wrapped); got != fault.NotFound {
		t.Errorf("KindOf = %v, want %v", got, fault.NotFound)
	}
	if got, want := wrapped.Error(), "answer: load: execution e1"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	joined := errors.Join(io.EOF, first)
	if got := fault.KindOf(joined); got != fault.NotFound {
		t.Errorf("KindOf(joined) = %v, want %v", got, fault.NotFound)
	}
}

func TestWrapReplacesTheKindAndKeepsTheCause(t *testing.T) {
	t.Parallel()
	inner := fault.Wrap(fault.Unavailable, io.ErrUnexpectedEOF, "read row %d", 7)
	outer := fault.Wrap(fault.Conflict, inner, "commit turn")
	if got := fault.KindOf(outer); got != fault.Conflict {
		t.Errorf("KindOf = %v, want %v", got, fault.Conflict)
	}
	if !errors.Is(outer, io.ErrUnexpectedEOF) {
		t.Error("the cause is no longer found by errors.Is")
	}
	if got, want := outer.Error(), "commit turn: read row 7: unexpected EOF"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestNewWrapsWithPercentW(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.Invalid, "parse %q: %w", "x", io.EOF)
	if !errors.Is(err, io.EOF) {
		t.Error("%w in New does not wrap")
	}
	if got, want := err.Error(), `parse "x": EOF`; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestNilAndUnknownErrors(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(fault.Invalid, nil, "nothing happened"); err != nil {
		t.Errorf("Wrap(nil) = %v, want nil", err)
	}
	if got := fault.KindOf(io.EOF); got != fault.Internal {
		t.Errorf("KindOf(io.EOF) = %v, want %v", got, fault.Internal)
	}
	if fault.Is(nil, fault.Internal) {
		t.Error("Is(nil, Internal) = true: nil is no failure")
	}
	if !fault.Is(io.EOF, fault.Internal) {
		t.Error("Is(io.EOF, Internal) = false")
	}
	if fault.Is(io.EOF, fault.Conflict) {
		t.Error("Is(io.EOF, Conflict) = true")
	}
}

func TestStatusTable(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.NotFound: 404, fault.Conflict: 409,
		fault.Forbidden: 403, fault.TooLarge: 413, fault.Unavailable: 503,
	}
	names := map[string]fault.Kind{}
	for kind, status := range want {
		if got := kind.Status(); got != status {
			t.Errorf("%v.Status() = %d, want %d", kind, got, status)
		}
		if got := fault.KindOfStatus(status); got != kind {
			t.Errorf("KindOfStatus(%d) = %v, want %v", status, got, kind)
		}
		if other, taken := names[kind.String()]; taken {
			t.Errorf("kinds %d and %d have the same name %q", other, kind, kind)
		}
		names[kind.String()] = kind
	}
	for status, kind := range map[int]fault.Kind{401: fault.Invalid, 422: fault.Invalid, 502: fault.Internal, 200: fault.Internal} {
		if got := fault.KindOfStatus(status); got != kind {
			t.Errorf("KindOfStatus(%d) = %v, want %v", status, got, kind)
		}
	}
	if got := fault.Kind(99); got.Status() != 500 || got.String() != "kind(99)" {
		t.Errorf("Kind(99) = %d %q, want 500 \"kind(99)\"", got.Status(), got)
	}
}
