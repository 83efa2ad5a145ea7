package std

import (
	"bytes"
	"fmt"
)

// bounded keeps what is written to it, up to max bytes. Beyond that it forgets, with drop, or refuses, and tells full.
// The buffer isn't embedded: io.Copy would find its ReadFrom, which knows no limit.
type bounded struct {
	kept bytes.Buffer
	max  int
	drop bool
	full func() // may be nil
	over bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	room := b.max - b.kept.Len()
	if len(p) <= room {
		return b.kept.Write(p)
	}
	b.over = true
	if b.drop {
		b.kept.Write(p[:room])
		return len(p), nil
	}
	if b.full != nil {
		b.full()
	}
	return 0, fmt.Errorf("more than %d bytes of output", b.max)
}
