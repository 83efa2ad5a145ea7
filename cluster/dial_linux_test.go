package cluster

import (
	"net"
	"syscall"
	"testing"
)

// What is sent at once must not be as large as a window: see segmentMax.
func TestSegmentsAreSmallerThanWindows(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	near, err := dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.Close() }()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	for side, conn := range map[string]net.Conn{"who dials": near, "who accepts": far} {
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var size int
		if err := raw.Control(func(fd uintptr) { size, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG) }); err != nil {
			t.Fatal(err)
		}
		if err != nil || size <= 0 || size > segmentMax {
			t.Errorf("%s sends segments of %d bytes (%v), want at most %d", side, size, err, segmentMax)
		}
	}
}
