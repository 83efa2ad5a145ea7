package sqlstore

import (
	"errors"
	"net"
	"syscall"
)

// spoken reports whether a connection on which nothing is awaited has something to read, which is an end or a farewell, or is broken.
func spoken(c net.Conn) bool {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	var peeked error
	err = raw.Read(func(fd uintptr) bool {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return true // it isn't waited for: Go's sockets don't block
	})
	return err != nil || !errors.Is(peeked, syscall.EAGAIN)
}
