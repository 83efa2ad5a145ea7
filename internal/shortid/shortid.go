// Package shortid names what is named in many rows: nodes and runners.
package shortid

import (
	"crypto/rand"
	"encoding/hex"
)

// New gives 16 hexadecimal digits at random. Half of a UUID must do for what lives no longer than a process.
func New() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its contract
	return hex.EncodeToString(b[:])
}
