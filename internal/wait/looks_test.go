package wait_test

import (
	"testing"
	"time"

	"cierzo/internal/wait"
)

func TestLooks(t *testing.T) {
	var l wait.Looks
	var took time.Duration
	looks := 0
	for ; took < 10*time.Second; looks++ {
		next := l.Next(false)
		if next < 20*time.Millisecond || next > 250*time.Millisecond {
			t.Fatalf("look %d after %s", looks, next)
		}
		took += next
	}
	if looks > 50 {
		t.Errorf("%d looks in %s", looks, took)
	}
	if next := l.Next(true); next < time.Second {
		t.Errorf("who will be told looks after %s", next)
	}
	if next := l.Next(false); next != 20*time.Millisecond {
		t.Errorf("who isn't told any more looks after %s", next)
	}
}
