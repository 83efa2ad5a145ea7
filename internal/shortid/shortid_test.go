package shortid_test

import (
	"encoding/hex"
	"testing"

	"cierzo/internal/shortid"
)

func TestNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := shortid.New()
		if b, err := hex.DecodeString(id); err != nil || len(b) != 8 || seen[id] {
			t.Fatalf("%q: %v, seen before: %v", id, err, seen[id])
		}
		seen[id] = true
	}
}
