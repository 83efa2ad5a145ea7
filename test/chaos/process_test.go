package chaos

import (
	"context"
	"testing"
	"time"

	"cierzo/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// await asks again and again until the condition holds; the error that it gave last is part of the failure.
func await(ctx context.Context, t *testing.T, what string, cond func() (bool, error)) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := cond()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in time (last: %v)", what, err)
		case <-tick.C:
		}
	}
}
