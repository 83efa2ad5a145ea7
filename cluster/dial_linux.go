package cluster

import "syscall"

// limitSegments is for both directions: the limit is told to the other side, too.
func limitSegments(_, _ string, c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segmentMax)
	}); failed != nil {
		return failed
	}
	return err
}
