//go:build !race

package node_test

import "testing"

// network marks a test with several networked nodes in one process; see race_test.go.
func network(t *testing.T) { t.Helper() }
