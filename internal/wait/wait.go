// Package wait lets time pass.
package wait

import (
	"context"
	"time"
)

// For returns after d (at once when it isn't positive), or with the context's error as soon as ctx is done.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
