package remote

import (
	"fmt"
	"io"

	"cierzo/cmd/cierzo/show"
)

// bar shows on a terminal how far long work has come, in one line that is written over; elsewhere it shows nothing.
type bar struct {
	out   io.Writer
	total int
	at    int
	width int
}

func newBar(out io.Writer, total int) *bar {
	return &bar{out: out, total: total, width: show.Width(out)}
}

// next begins the next piece of the work.
func (b *bar) next(what string) {
	b.at++
	if b.width > 0 {
		fmt.Fprintf(b.out, "\r\x1b[K%s", show.Clip(fmt.Sprintf("[%d/%d] %s", b.at, b.total, show.Clean(what)), b.width-1))
	}
}

// done takes the line away.
func (b *bar) done() {
	if b.width > 0 {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
