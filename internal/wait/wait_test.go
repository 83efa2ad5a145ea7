package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"cierzo/internal/wait"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := wait.For(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began = time.Now()
		if err := wait.For(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		for _, d := range []time.Duration{0, -time.Second} {
			if err := wait.For(t.Context(), d); err != nil {
				t.Errorf("%v: %v", d, err)
			}
			if err := wait.For(ctx, d); err == nil {
				t.Errorf("%v on a context that is done: no error", d)
			}
		}
	})
}
