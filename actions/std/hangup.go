package std

import "io"

// hangUp closes a connection that is over or has failed: how closing goes makes no difference any more.
func hangUp(c io.Closer) { _ = c.Close() }
