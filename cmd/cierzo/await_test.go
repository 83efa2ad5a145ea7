package main

import (
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// awaitText looks at a growing file until it holds the text.
func awaitText(ts *testscript.TestScript, path, text string) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		data, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(data), text) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%s never says %q; it says: %s", path, text, data)
		case <-tick.C:
		}
	}
}
