package main

import (
	"context"
	"testing"
	"time"
)

func TestEmbedded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	receipt, err := run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := "kite for 60, approved by kim"; receipt != want {
		t.Errorf("receipt %q, want %q", receipt, want)
	}
}
